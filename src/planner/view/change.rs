//! INSERT, UPDATE, DELETE and MERGE.

use dictdb_types::{RegKind, Result, quote_identifier, quote_qualified};

use super::printer::{CLAUSE, Printer, Shown};
use super::scope::Scope;
use super::tree::{
    Assignment, Change, ChangeAction, Conflict, FromItem, Insert, InsertSource, Merge, MergeThen, Source, Table,
    TargetName, Update,
};
use crate::expr::Expr;

impl Printer<'_> {
    /// The names of a statement: of the target, and of what it reads besides.
    pub(super) fn scope_of_change(&self, change: &Change, outer: Option<&Scope>) -> Scope {
        let mut items = vec![FromItem::Table(change.target.clone())];
        match &change.action {
            ChangeAction::Insert(insert) => {
                let excluded = insert.conflict.as_ref().and_then(|conflict| conflict.excluded.clone());
                items.extend(excluded.map(FromItem::Table));
            }
            ChangeAction::Update(update) => items.extend(update.from.iter().cloned()),
            ChangeAction::Delete(using, _) => items.extend(using.iter().cloned()),
            ChangeAction::Merge(merge) => items.extend(merge.source.iter().cloned()),
        }
        Scope::new(&items, outer)
    }

    pub(super) fn change(&self, change: &Change, shown: Shown<'_>, out: &mut String) -> Result<()> {
        out.push(' ');
        self.indent(CLAUSE);
        match &change.action {
            ChangeAction::Insert(insert) => self.insert(change, insert, out)?,
            ChangeAction::Update(update) => self.update(change, update, out)?,
            ChangeAction::Delete(using, filter) => {
                self.target("DELETE FROM ", &change.target, false, out);
                self.other_items(" USING ", using, out)?;
                self.condition(filter.as_ref(), out)?;
            }
            ChangeAction::Merge(merge) => self.merge(change, merge, out)?,
        }
        if !change.returning.is_empty() {
            self.keyword(out, " RETURNING", -CLAUSE, CLAUSE, 1);
            self.select_list(&change.returning, shown, out)?;
        }
        Ok(())
    }

    /// The verb with the table, and the table's alias.
    fn target(&self, verb: &str, table: &Table, explicit: bool, out: &mut String) {
        out.push_str(verb);
        let Source::Relation(relation, only) = &table.source else { return };
        if *only {
            out.push_str("ONLY ");
        }
        match self.cx.catalog.schema(relation.namespace) {
            Some(schema) if self.stored || self.hidden_by_cte(&relation.name) => {
                out.push_str(&quote_qualified(&schema.name, &relation.name));
            }
            _ => out.push_str(&self.cx.env.reg_out(RegKind::Class, relation.oid)),
        }
        let alias = self.scope(|scope| scope.aliases().first().cloned()).flatten();
        if let Some(alias) = alias.filter(|alias| table.alias.is_some() || *alias != relation.name) {
            out.push_str(if explicit { " AS " } else { " " });
            out.push_str(&quote_identifier(&alias));
        }
    }

    /// FROM or USING: the items after the target.
    fn other_items(&self, word: &str, items: &[FromItem], out: &mut String) -> Result<()> {
        match items {
            [] => Ok(()),
            items => self.write_items(word, items, 1, out),
        }
    }

    fn condition(&self, filter: Option<&Expr>, out: &mut String) -> Result<()> {
        let Some(filter) = filter else { return Ok(()) };
        self.keyword(out, " WHERE ", -CLAUSE, CLAUSE, 1);
        self.bare(filter, out)
    }

    fn column_name(&self, table: &Table, target: &TargetName) -> String {
        let name = match &table.source {
            Source::Relation(relation, _) => relation.column(target.attnum).map(|column| column.name.clone()),
            _ => None,
        };
        format!("{}{}", quote_identifier(&name.unwrap_or_default()), target.steps)
    }

    fn insert(&self, change: &Change, insert: &Insert, out: &mut String) -> Result<()> {
        self.target("INSERT INTO ", &change.target, true, out);
        out.push(' ');
        if !insert.columns.is_empty() {
            let names = insert.columns.iter().map(|column| self.column_name(&change.target, column));
            out.push_str(&format!("({}) ", names.collect::<Vec<_>>().join(", ")));
        }
        out.push_str(insert.overriding);
        match &insert.source {
            InsertSource::Defaults => out.push_str("DEFAULT VALUES"),
            InsertSource::Values(rows) => self.inserted_values(rows, out)?,
            InsertSource::Query(query) => {
                self.query(query, self.level(), Shown { untyped: true, ..Shown::default() }, out)?;
            }
        }
        insert.conflict.as_ref().map_or(Ok(()), |conflict| self.conflict(change, conflict, out))
    }

    fn inserted_values(&self, rows: &[Vec<Option<Expr>>], out: &mut String) -> Result<()> {
        match rows {
            [_] => self.keyword(out, "VALUES ", -CLAUSE, CLAUSE, 2),
            _ => out.push_str("VALUES "),
        }
        for (i, row) in rows.iter().enumerate() {
            out.push_str(if i > 0 { ", (" } else { "(" });
            for (j, value) in row.iter().enumerate() {
                if j > 0 {
                    out.push_str(if rows.len() > 1 { "," } else { ", " });
                }
                match value {
                    Some(value) => self.item(value, out)?,
                    None => self.given(None, out)?,
                }
            }
            out.push(')');
        }
        Ok(())
    }

    /// A value for a column.
    fn given(&self, value: Option<&Expr>, out: &mut String) -> Result<()> {
        match value {
            Some(value) => self.expr(value, out),
            None => {
                out.push_str("DEFAULT");
                Ok(())
            }
        }
    }

    fn conflict(&self, change: &Change, conflict: &Conflict, out: &mut String) -> Result<()> {
        out.push_str(&format!(" ON CONFLICT{}", conflict.target));
        let Some((set, filter)) = &conflict.update else {
            out.push_str(" DO NOTHING");
            return Ok(());
        };
        out.push_str(" DO UPDATE SET ");
        self.set(change, set, out)?;
        self.condition(filter.as_ref(), out)
    }

    fn update(&self, change: &Change, update: &Update, out: &mut String) -> Result<()> {
        self.target("UPDATE ", &change.target, false, out);
        out.push_str(" SET ");
        self.set(change, &update.set, out)?;
        self.other_items(" FROM ", &update.from, out)?;
        self.condition(update.filter.as_ref(), out)
    }

    fn merge(&self, change: &Change, merge: &Merge, out: &mut String) -> Result<()> {
        self.target("MERGE INTO ", &change.target, false, out);
        self.other_items(" USING ", &merge.source, out)?;
        self.keyword(out, " ON ", -CLAUSE, CLAUSE, 2);
        self.bare(&merge.on, out)?;
        for clause in &merge.clauses {
            let when = if clause.matched { " WHEN MATCHED" } else { " WHEN NOT MATCHED" };
            self.keyword(out, when, -CLAUSE, CLAUSE, 2);
            if let Some(condition) = &clause.condition {
                self.keyword(out, " AND ", -CLAUSE, CLAUSE, 3);
                self.bare(condition, out)?;
            }
            self.keyword(out, " THEN ", -CLAUSE, CLAUSE, 3);
            match &clause.action {
                MergeThen::Nothing => out.push_str("DO NOTHING"),
                MergeThen::Delete => out.push_str("DELETE"),
                MergeThen::Update(set) => {
                    out.push_str("UPDATE SET ");
                    self.set(change, set, out)?;
                }
                MergeThen::Insert(overriding, given) => self.merged_row(change, overriding, given, out)?,
            }
        }
        Ok(())
    }

    fn merged_row(
        &self,
        change: &Change,
        overriding: &str,
        given: &[(TargetName, Option<Expr>)],
        out: &mut String,
    ) -> Result<()> {
        out.push_str("INSERT");
        if given.is_empty() {
            out.push_str(overriding);
            out.push_str(" DEFAULT VALUES");
            return Ok(());
        }
        let names: Vec<_> = given.iter().map(|(target, _)| self.column_name(&change.target, target)).collect();
        out.push_str(&format!(" ({}){overriding}", names.join(", ")));
        self.keyword(out, " VALUES (", -CLAUSE, CLAUSE, 4);
        for (i, (_, value)) in given.iter().enumerate() {
            out.push_str(if i > 0 { ", " } else { "" });
            match value {
                Some(value) => self.item(value, out)?,
                None => self.given(None, out)?,
            }
        }
        out.push(')');
        Ok(())
    }

    fn set(&self, change: &Change, set: &[Assignment], out: &mut String) -> Result<()> {
        for (i, assignment) in set.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            match assignment {
                Assignment::Value(target, value) => {
                    out.push_str(&format!("{} = ", self.column_name(&change.target, target)));
                    self.given(value.as_ref(), out)?;
                }
                Assignment::Row(targets, query) => {
                    let names: Vec<_> = targets.iter().map(|target| self.column_name(&change.target, target)).collect();
                    out.push_str(&format!("({}) = (", names.join(", ")));
                    self.query(query, self.level(), Shown { visible: true, ..Shown::default() }, out)?;
                    out.push(')');
                }
            }
        }
        Ok(())
    }
}

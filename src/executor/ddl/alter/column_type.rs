//! ALTER COLUMN … TYPE: rows are rewritten unless old values are values of the new type as they are; what was written over
//! the column (default, CHECK, indexes, foreign keys) is read again over its new type.

use std::collections::BTreeSet;
use std::sync::Arc;

use dictdb_catalog::{
    Column, Constraint, ConstraintKind, Dependency, IndexInfo, IndexKey, IndexTarget, Key, Relation, RelationKind,
};
use dictdb_functions::facts::{self, CastMethod};
use dictdb_parser::Locations;
use dictdb_parser::ast::{DataType, Expr as Ast, Ident, ObjectName};
use dictdb_parser::utility::{SequenceOption, SourceExpr};
use dictdb_planner::expr::{Call, Expr};
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_types::{Datum, Error, Oid, Result, SqlState, Type, TypeLookup, oids};

use super::super::DdlContext;
use super::column::refuse_key_column;

/// `ALTER COLUMN … TYPE` as written.
pub(super) struct Retyping<'a> {
    /// The column.
    pub name: &'a str,
    /// Its new type.
    pub data_type: &'a DataType,
    /// `COLLATE`.
    pub collation: Option<&'a ObjectName>,
    /// `USING`.
    pub using: Option<&'a SourceExpr>,
}

/// A column that gets another type.
struct Retyped {
    attnum: i16,
    column: Column,
    transform: Option<Expr>,
}

impl DdlContext<'_> {
    /// Gives columns of a table and its children other types: all expressions see the rows as they were.
    pub(super) fn alter_column_types(
        &mut self,
        table: Oid,
        changes: &[Retyping<'_>],
        locations: &Locations,
    ) -> Result<()> {
        let relation = self.table(table)?;
        for (at, change) in changes.iter().enumerate() {
            let (attnum, column) = self.column_to_alter(&relation, change.name)?;
            if column.inherited > 0 {
                return Err(Error::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    format!("cannot alter inherited column \"{}\"", change.name),
                ));
            }
            if changes[..at].iter().any(|other| other.name == change.name) {
                let message = format!("cannot alter type of column \"{}\" twice", change.name);
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            refuse_key_column(&relation, attnum, "alter")?;
            self.refuse_other_parents(&relation, change.name)?;
        }
        let mut done = BTreeSet::new();
        self.change_types(&relation, changes, locations, &mut done)
    }

    /// 42P16 where a child has the column from a table outside the family too.
    fn refuse_other_parents(&mut self, relation: &Arc<Relation>, name: &str) -> Result<()> {
        let family = self.view().descendants(relation);
        for child in family.iter().skip(1) {
            let known = child.parents.iter().filter(|parent| family.iter().any(|other| other.oid == **parent)).count();
            let Some((attnum, column)) = child.column_named(name) else { continue };
            refuse_key_column(child, attnum, "alter")?;
            if column.inherited > known as i32 {
                let message = format!("cannot alter inherited column \"{name}\" of relation \"{}\"", child.name);
                return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
            }
        }
        Ok(())
    }

    fn change_types(
        &mut self,
        relation: &Arc<Relation>,
        changes: &[Retyping<'_>],
        locations: &Locations,
        done: &mut BTreeSet<Oid>,
    ) -> Result<()> {
        if !done.insert(relation.oid) {
            return Ok(());
        }
        let table = relation.oid;
        let mut retyped = Vec::with_capacity(changes.len());
        for change in changes {
            let Some((attnum, column)) = relation.column_named(change.name).map(|(n, c)| (n, c.clone())) else {
                continue;
            };
            retyped.push(self.retype(relation, attnum, &column, change, locations)?);
        }
        self.refuse_change_of_used_type(relation, false)?;
        if matches!(relation.kind, RelationKind::Composite) {
            for Retyped { attnum, column, .. } in &retyped {
                let before = self.table(table)?;
                let changed = self.retyped(&before, *attnum, column.ty, column.collation)?;
                self.sync_row_type(&changed)?;
            }
            return Ok(());
        }
        let mut texts: Vec<Oid> = Vec::new();
        for Retyped { attnum, .. } in &retyped {
            texts.extend(self.texts_over(relation, *attnum)?);
        }
        texts.sort_unstable();
        texts.dedup();
        let mut columns = relation.columns.to_vec();
        let mut codes = Vec::new();
        for Retyped { attnum, column, transform } in &retyped {
            columns[*attnum as usize - 1] = column.clone();
            if let Some(transform) = transform {
                codes.push((*attnum as usize - 1, self.row_code(transform)?));
            }
        }
        let same_values = codes.is_empty();
        let relation = match same_values {
            true => self.put_relation(Relation { columns: columns.into(), ..Relation::clone(relation) }),
            false => self.rewrite_for_type(relation, columns, codes)?,
        };
        for Retyped { attnum, column, .. } in &retyped {
            self.depend_on_type(table, *attnum, column.ty, column.collation);
        }
        self.sync_row_type(&relation)?;
        self.retype_keys(table, texts, same_values)?;
        for Retyped { attnum, column, .. } in &retyped {
            self.retype_sequence(table, *attnum, column.ty)?;
        }
        for child in relation.children.clone() {
            self.lock(child, dictdb_storage::LockMode::AccessExclusive)?;
            let child = self.table(child)?;
            self.change_types(&child, changes, locations, done)?;
        }
        Ok(())
    }

    /// A column as it is to be, and what makes its values, unless the old ones are values of the new type.
    fn retype(
        &mut self,
        relation: &Arc<Relation>,
        attnum: i16,
        column: &Column,
        change: &Retyping<'_>,
        locations: &Locations,
    ) -> Result<Retyped> {
        let ty = self.column_type(change.data_type, &column.name)?;
        self.refuse_own_member(relation, ty.oid)?;
        let collation = self.column_collation(ty, change.collation)?;
        let mut changed = column.clone();
        changed.ty = ty;
        changed.collation = collation;
        if matches!(relation.kind, RelationKind::Composite) {
            return Ok(Retyped { attnum, column: changed, transform: None });
        }
        if change.using.is_some() && relation.foreign.is_some() {
            let message = format!("\"{}\" is not a table", relation.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        if column.generated && change.using.is_some() {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                "cannot specify USING when altering type of generated column",
            )
            .detail(format!("Column \"{}\" is a generated column.", column.name)));
        }
        let transform = self.transform(relation, column, ty, change.using, locations)?;
        self.refuse_users(relation, attnum, column)?;
        changed.default = self.default_as(relation, column, ty)?;
        changed.storage = None;
        let catalog = self.view();
        let order = |oid| catalog.collation_info(oid).and_then(|info| Some((info.order_rule()?, info.deterministic)));
        // Indexes of another order are made anew.
        let same = order(column.collation) == order(collation) && self.is_same_value(&transform, attnum, column.ty, ty);
        Ok(Retyped { attnum, column: changed, transform: (!same).then_some(transform) })
    }

    fn retyped(&mut self, relation: &Arc<Relation>, attnum: i16, ty: Type, collation: Oid) -> Result<Arc<Relation>> {
        let changed = self.change_column(relation, attnum, |column| {
            column.ty = ty;
            column.collation = collation;
        })?;
        self.depend_on_type(relation.oid, attnum, ty, collation);
        Ok(changed)
    }

    fn depend_on_type(&mut self, table: Oid, attnum: i16, ty: Type, collation: Oid) {
        let key = Key::Column(table, attnum);
        let is_kept =
            |on: &Key| !matches!(on, Key::Type(_) | Key::Definition(dictdb_catalog::DefinitionKind::Collation, _));
        let kept: Vec<(Key, Dependency)> = self.view().dependencies_of(key).filter(|(on, _)| is_kept(on)).collect();
        self.undepend_all(key);
        kept.into_iter().for_each(|(on, kind)| self.depend(key, on, kind));
        if ty.oid >= Oid::FIRST_NORMAL {
            self.depend(key, Key::Type(ty.oid), Dependency::Normal);
        }
        self.depend_on_collation(key, collation);
    }

    /// The expression that makes new values from old rows.
    fn transform(
        &mut self,
        relation: &Arc<Relation>,
        column: &Column,
        ty: Type,
        using: Option<&SourceExpr>,
        locations: &Locations,
    ) -> Result<Expr> {
        let own = Ast::Identifier(Ident::with_quote('"', &*column.name));
        let source = using.map_or(&own, |using| &using.expr);
        let bound = self.with_binding(|cx| table_expr::bind(source, locations, relation, TableExpr::Transform(ty), cx));
        let catalog = self.view();
        let target = self.shown_type(ty.oid, &catalog);
        match bound {
            Ok(bound) => Ok(bound.expr),
            Err(error) if error.message().starts_with("column is of type ") => Err(match using {
                Some(_) => Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "result of USING clause for column \"{}\" cannot be cast automatically to type {target}",
                        column.name
                    ),
                )
                .hint("You might need to add an explicit cast."),
                None => {
                    let error = Error::new(
                        SqlState::DATATYPE_MISMATCH,
                        format!("column \"{}\" cannot be cast automatically to type {target}", column.name),
                    );
                    let name = dictdb_types::quote_identifier(&column.name);
                    let shown = dictdb_types::type_name_with_modifier(&*catalog, ty, &|_| None);
                    match column.generated {
                        true => error,
                        false => error.hint(format!("You might need to specify \"USING {name}::{shown}\".")),
                    }
                }
            }),
            Err(error) => Err(error),
        }
    }

    /// Whether old values are values of the new type, byte for byte.
    fn is_same_value(&mut self, transform: &Expr, attnum: i16, from: Type, to: Type) -> bool {
        let catalog = self.view();
        let mut expr = transform;
        loop {
            expr = match expr {
                Expr::Relabel(inner, _) => inner,
                Expr::Call(call) if keeps_values(call, from.typmod) => &call.args[0],
                _ => break,
            }
        }
        let itself = matches!(expr, Expr::Input(place, _) if *place == attnum as usize - 1);
        itself && catalog.physical(from.oid) == catalog.physical(to.oid)
    }

    fn rewrite_for_type(
        &mut self,
        relation: &Arc<Relation>,
        columns: Vec<Column>,
        codes: Vec<(usize, crate::eval::Code)>,
    ) -> Result<Arc<Relation>> {
        // Indexes still describe the old type: they are built when they have been described anew.
        let indexes = relation.indexes.clone();
        let bare = self.put_relation(Relation { indexes: Vec::new(), ..Relation::clone(relation) });
        if bare.foreign.is_none() {
            self.before_rewrite(bare.oid, 4)?;
        }
        let rewritten = self.rewrite_table(&bare, columns, &codes)?;
        Ok(self.put_relation(Relation { indexes, ..Relation::clone(&rewritten) }))
    }

    /// 0A000 for what uses the column and is not rewritten with it.
    fn refuse_users(&mut self, relation: &Relation, attnum: i16, column: &Column) -> Result<()> {
        let catalog = self.view();
        for (dependent, _) in super::super::dependency::dependents(Key::Column(relation.oid, attnum), &catalog) {
            let used = match dependent {
                Key::Relation(oid) if catalog.relation(oid).is_some_and(|user| user.view().is_some()) => {
                    "by a view or rule"
                }
                Key::Column(table, other) if table == relation.oid && other != attnum => "by a generated column",
                Key::Function(_) => "by a function or procedure",
                Key::Rule(..) => "by a view or rule",
                Key::Trigger(..) => "in a trigger definition",
                Key::Policy(..) => "in a policy definition",
                Key::Published(..) => "by a publication WHERE clause",
                _ => continue,
            };
            let user = match dependent {
                Key::Relation(_) => format!("rule _RETURN on {}", self.describe(dependent, &catalog)),
                _ => self.describe(dependent, &catalog),
            };
            let detail = match dependent {
                Key::Column(_, other) => {
                    let user = relation.column(other).map_or("?", |column| &*column.name);
                    format!("Column \"{}\" is used by generated column \"{user}\".", column.name)
                }
                _ => format!("{user} depends on column \"{}\"", column.name),
            };
            let message = format!("cannot alter type of a column used {used}");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).detail(detail));
        }
        Ok(())
    }

    /// The default as one of the new type.
    fn default_as(&mut self, relation: &Arc<Relation>, column: &Column, ty: Type) -> Result<Option<Arc<str>>> {
        let Some(text) = &column.default else { return Ok(None) };
        if column.identity.is_some() {
            return Ok(Some(text.clone()));
        }
        let purpose = if column.generated { TableExpr::Generated(ty) } else { TableExpr::Default(ty) };
        let path = [dictdb_catalog::namespaces::PG_CATALOG];
        let bound = self.with_path(&path, |cx| table_expr::bind_text(text, relation, purpose, cx));
        let catalog = self.view();
        match bound {
            Ok(bound) => Ok(Some(bound.text)),
            Err(error) if error.message().starts_with("column is of type ") => {
                let what = if column.generated { "generation expression" } else { "default" };
                Err(Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "{what} for column \"{}\" cannot be cast automatically to type {}",
                        column.name,
                        self.shown_type(ty.oid, &catalog)
                    ),
                ))
            }
            Err(error) => Err(error),
        }
    }

    /// Indexes over a column, and whether each mentions it.
    fn texts_over(&mut self, relation: &Relation, attnum: i16) -> Result<Vec<Oid>> {
        let catalog = self.view();
        let over = |oid: &Oid| {
            catalog.dependencies_of(Key::Relation(*oid)).any(|(on, _)| on == Key::Column(relation.oid, attnum))
                || catalog.relation(*oid).and_then(|index| index.index()).is_some_and(|info| mentions(info, attnum))
        };
        Ok(relation.indexes.iter().copied().filter(over).collect())
    }

    /// Describes indexes and constraints over a column anew.
    fn retype_keys(&mut self, table: Oid, over: Vec<Oid>, same_values: bool) -> Result<()> {
        for index in over {
            let relation = self.table(table)?;
            let index = self.table(index)?;
            let Some(info) = index.index() else { continue };
            let info = self.retyped_index(&relation, info)?;
            let mut changed = Relation::clone(&index);
            changed.kind = RelationKind::Index(Arc::new(info));
            self.put_relation(changed);
        }
        let relation = self.table(table)?;
        for constraint in relation.constraints.clone() {
            match &constraint.kind {
                ConstraintKind::Check { expression, .. } => {
                    let text = self.reread(&relation, expression, TableExpr::Check)?;
                    self.replace_check(table, &constraint, text)?;
                }
                ConstraintKind::Foreign(_) if !same_values => self.recheck_foreign_key(table, &constraint)?,
                _ => {}
            }
        }
        if same_values {
            return Ok(());
        }
        let relation = self.table(table)?;
        self.rebuild_indexes(&relation)?;
        for constraint in relation.constraints.clone() {
            self.check_existing_rows(table, &constraint)?;
        }
        for (child, oid) in relation.referenced_by.clone() {
            let child = self.table(child)?;
            if let Some(constraint) = child.constraints.iter().find(|constraint| constraint.oid == oid).cloned() {
                self.recheck_foreign_key(child.oid, &constraint)?;
                self.check_existing_rows(child.oid, &constraint)?;
            }
        }
        Ok(())
    }

    fn retyped_index(&mut self, relation: &Arc<Relation>, info: &IndexInfo) -> Result<IndexInfo> {
        let mut keys = Vec::with_capacity(info.keys.len());
        for key in &info.keys {
            let (target, ty) = match &key.target {
                IndexTarget::Column(attnum) => {
                    (key.target.clone(), relation.column(*attnum).map_or(key.ty, |column| column.ty))
                }
                IndexTarget::Expression(text) => {
                    let path = [dictdb_catalog::namespaces::PG_CATALOG];
                    let bound =
                        self.with_path(&path, |cx| table_expr::bind_text(text, relation, TableExpr::IndexKey, cx))?;
                    (IndexTarget::Expression(bound.text), bound.expr.ty())
                }
            };
            let opclass = if ty.oid == key.ty.oid { key.opclass } else { self.default_opclass(ty, info.method)? };
            keys.push(IndexKey { target, ty, opclass, ..key.clone() });
        }
        let predicate = match &info.predicate {
            Some(text) => Some(self.reread(relation, text, TableExpr::IndexPredicate)?),
            None => None,
        };
        // What could not be built is tried again.
        let invalid = info.invalid && info.partitioned;
        Ok(IndexInfo { keys, predicate, invalid, ..info.clone() })
    }

    /// The canonical text of an expression over the columns as they are now.
    fn reread(&mut self, relation: &Arc<Relation>, text: &str, purpose: TableExpr) -> Result<Arc<str>> {
        let path = [dictdb_catalog::namespaces::PG_CATALOG];
        self.with_path(&path, |cx| table_expr::bind_text(text, relation, purpose, cx)).map(|bound| bound.text)
    }

    fn replace_check(&mut self, table: Oid, constraint: &Arc<Constraint>, text: Arc<str>) -> Result<()> {
        let ConstraintKind::Check { columns, .. } = &constraint.kind else { return Ok(()) };
        let kind = ConstraintKind::Check { expression: text, columns: columns.clone() };
        self.replace_constraint(table, Constraint { kind, ..Constraint::clone(constraint) })
    }

    fn recheck_foreign_key(&mut self, table: Oid, constraint: &Constraint) -> Result<()> {
        let ConstraintKind::Foreign(key) = &constraint.kind else { return Ok(()) };
        let (child, parent) = (self.table(table)?, self.table(key.referenced)?);
        self.check_comparable(&child, &key.columns, &parent, &key.referenced_columns, &constraint.name)
    }

    /// The sequence of an identity column counts in the column's type.
    fn retype_sequence(&mut self, table: Oid, attnum: i16, ty: Type) -> Result<()> {
        let relation = self.table(table)?;
        if relation.column(attnum).is_none_or(|column| column.identity.is_none()) {
            return Ok(());
        }
        let Some(sequence) = self.owned_sequence(table, attnum)? else { return Ok(()) };
        let name = match ty.oid {
            dictdb_types::oids::INT2 => "smallint",
            dictdb_types::oids::INT4 => "integer",
            dictdb_types::oids::INT8 => "bigint",
            _ => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    "identity column type must be smallint, integer, or bigint",
                ));
            }
        };
        self.alter_sequence_options(&sequence, &[SequenceOption::As(dictdb_parser::parse_type_name(name)?)])
    }
}

fn mentions(info: &IndexInfo, attnum: i16) -> bool {
    info.include.contains(&attnum) || info.keys.iter().any(|key| key.target == IndexTarget::Column(attnum))
}

/// Whether a call applies a modifier that every value within the old one is within (PostgreSQL's support functions of these calls).
fn keeps_values(call: &Call, old: i32) -> bool {
    const MOST_DIGITS_OF_A_SECOND: i32 = 6;
    // A numeric's modifier has the precision in its upper half, after an offset, and the scale in the lower.
    let parts = |typmod: i32| ((typmod - 4) >> 16, (typmod - 4) & 0xffff);
    let [value, Expr::Const(Datum::Int4(new), _), ..] = call.args.as_slice() else { return false };
    let new = *new;
    let coercion = facts::cast(call.ty.oid, call.ty.oid).map(|cast| cast.method);
    if value.ty().oid != call.ty.oid || coercion != Some(CastMethod::Function(call.function.oid)) {
        return false;
    }
    match call.ty.oid {
        oids::NUMERIC => new < 0 || old >= 0 && parts(old).1 == parts(new).1 && parts(old).0 <= parts(new).0,
        oids::VARCHAR | oids::VARBIT => new < 0 || (0..=new).contains(&old),
        oids::TIME | oids::TIMETZ | oids::TIMESTAMP | oids::TIMESTAMPTZ => {
            !(0..MOST_DIGITS_OF_A_SECOND).contains(&new) || (0..=new).contains(&old)
        }
        _ => false,
    }
}

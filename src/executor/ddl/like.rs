//! `LIKE` in CREATE TABLE: columns, and what INCLUDING names.

use std::sync::Arc;

use dictdb_catalog::{
    Change, Column, Constraint, ConstraintKind, DefinitionKind, Dependency, IndexInfo, IndexKey, IndexTarget, Key,
    Relation, RelationKind,
};
use dictdb_parser::position;
use dictdb_parser::utility::{LikeClause, LikeOption, SequenceOption};
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use super::DdlContext;
use super::column::NewColumn;
use super::comment::CLASS;

/// A table that another one is like, and what is taken over.
pub(super) struct Template {
    relation: Arc<Relation>,
    included: Vec<LikeOption>,
}

/// What INCLUDING ALL means.
const ALL: [LikeOption; 9] = [
    LikeOption::Comments,
    LikeOption::Compression,
    LikeOption::Constraints,
    LikeOption::Defaults,
    LikeOption::Generated,
    LikeOption::Identity,
    LikeOption::Indexes,
    LikeOption::Statistics,
    LikeOption::Storage,
];

impl Template {
    fn has(&self, option: LikeOption) -> bool {
        self.included.contains(&option)
    }
}

impl DdlContext<'_> {
    /// Finds the table of a LIKE clause. 42809 for what has no columns of its own.
    pub(super) fn template(&mut self, like: &LikeClause) -> Result<Template> {
        let position = super::names::parts(&like.source).first().and_then(|ident| position::of_span(ident.span));
        let relation = self.find_relation(&like.source).map_err(|error| error.at(position))?;
        let usable = relation.is_stored()
            || matches!(relation.kind, RelationKind::View(_) | RelationKind::Composite | RelationKind::Virtual);
        if !usable {
            let plural = if relation.index().is_some() { "indexes" } else { "sequences" };
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("relation \"{}\" is invalid in LIKE clause", relation.name),
            )
            .detail(format!("This operation is not supported for {plural}."))
            .at(position));
        }
        let mut included: Vec<LikeOption> = Vec::new();
        for (including, option) in &like.options {
            let named: &[LikeOption] = if *option == LikeOption::All { &ALL } else { std::slice::from_ref(option) };
            included.retain(|other| !named.contains(other));
            if *including {
                included.extend_from_slice(named);
            }
        }
        Ok(Template { relation, included })
    }

    /// The columns taken over. `slot` is the place of the first.
    pub(super) fn template_columns(&mut self, template: &Template, slot: usize) -> Result<Vec<NewColumn<'static>>> {
        let mut columns = Vec::new();
        let live: Vec<(i16, Column)> = template.relation.live_columns().map(|(n, c)| (n, c.clone())).collect();
        for (attnum, old) in live {
            let mut column = Column::new(old.name.clone(), old.ty, slot + columns.len());
            column.not_null = old.not_null;
            column.collation = old.collation;
            if template.has(LikeOption::Storage) {
                column.storage = old.storage.or_else(|| Some(self.view().type_storage(old.ty.oid)));
            }
            if template.has(LikeOption::Compression) {
                column.compression = old.compression;
            }
            let mut new = NewColumn {
                column,
                sequence: None,
                identity_of: None,
                default: None,
                stored_default: None,
                constraints: Vec::new(),
                torn: false,
            };
            if old.identity.is_some() {
                if template.has(LikeOption::Identity) {
                    new.column.identity = old.identity;
                    new.identity_of = Some(self.options_of_sequence(template.relation.oid, attnum)?);
                }
            } else if old.generated {
                if template.has(LikeOption::Generated) {
                    new.column.generated = true;
                    new.stored_default = old.default.clone();
                }
            } else if template.has(LikeOption::Defaults) {
                new.stored_default = old.default.clone();
            }
            columns.push(new);
        }
        Ok(columns)
    }

    /// The options that make a sequence like the one of an identity column.
    fn options_of_sequence(&mut self, table: Oid, attnum: i16) -> Result<Vec<SequenceOption>> {
        let sequence = self.owned_sequence(table, attnum)?;
        let Some(RelationKind::Sequence(info)) = sequence.as_ref().map(|sequence| &sequence.kind) else {
            return Err(Error::internal("an identity column without its sequence"));
        };
        Ok(vec![
            SequenceOption::Increment(info.increment.to_string()),
            SequenceOption::MinValue(Some(info.min.to_string())),
            SequenceOption::MaxValue(Some(info.max.to_string())),
            SequenceOption::Start(info.start.to_string()),
            SequenceOption::Cache(info.cache.to_string()),
            SequenceOption::Cycle(info.cycle),
        ])
    }

    /// CHECK constraints, indexes, keys, statistics objects and comments, once the new table exists.
    pub(super) fn copy_template(&mut self, table: Oid, template: &Template) -> Result<()> {
        let old = template.relation.clone();
        if template.has(LikeOption::Constraints) {
            for constraint in &old.constraints {
                if let ConstraintKind::Check { expression, columns } = &constraint.kind {
                    self.copy_check(table, &old, constraint, expression, columns, template)?;
                }
            }
        }
        if template.has(LikeOption::Indexes) {
            for index in old.indexes.clone() {
                self.copy_index(table, &old, index, template)?;
            }
        }
        if template.has(LikeOption::Statistics) {
            for (old, new) in self.copy_statistics(table, &old)? {
                if template.has(LikeOption::Comments) {
                    let class = DefinitionKind::Statistics.class();
                    self.copy_comment((class, old, 0), (class, new, 0));
                }
            }
        }
        if template.has(LikeOption::Comments) {
            for (attnum, column) in old.live_columns() {
                let relation = self.table(table)?;
                if let Some((new, _)) = relation.column_named(&column.name) {
                    self.copy_comment((CLASS, old.oid, attnum.into()), (CLASS, table, new.into()));
                }
            }
        }
        Ok(())
    }

    fn copy_comment(&mut self, from: (Oid, Oid, i32), to: (Oid, Oid, i32)) {
        if let Some(text) = self.view().comment(from.0, from.1, from.2).cloned() {
            self.change(Change::Comment(to, Some(text)));
        }
    }

    fn copy_check(
        &mut self,
        table: Oid,
        old: &Relation,
        constraint: &Constraint,
        expression: &Arc<str>,
        columns: &[i16],
        template: &Template,
    ) -> Result<()> {
        let relation = self.table(table)?;
        if self.merges_check(&relation, &constraint.name, expression, (constraint.no_inherit, constraint.validated))? {
            return Ok(());
        }
        super::inherit::refuse_whole_row(constraint, columns, old)?;
        self.free_constraint_name(&relation, &constraint.name)?;
        let columns = columns.iter().map(|attnum| translated(old, &relation, *attnum)).collect::<Result<_>>()?;
        let oid = self.new_oid();
        let kind = ConstraintKind::Check { expression: expression.clone(), columns };
        let used: Vec<(Key, Dependency)> =
            self.view().dependencies_of(Key::Constraint(old.oid, constraint.oid)).collect();
        for (on, dependency) in used {
            self.depend(Key::Constraint(table, oid), on, dependency);
        }
        self.put_constraint(
            table,
            Constraint { oid, relation: table, kind, local: true, inherited: 0, ..Constraint::clone(constraint) },
        )?;
        if template.has(LikeOption::Comments) {
            let class = Oid(2606);
            self.copy_comment((class, constraint.oid, 0), (class, oid, 0));
        }
        Ok(())
    }

    fn copy_index(&mut self, table: Oid, old: &Relation, index: Oid, template: &Template) -> Result<()> {
        let (new, _) = self.clone_index(table, old, index)?;
        if template.has(LikeOption::Comments) {
            self.copy_comment((CLASS, index, 0), (CLASS, new, 0));
        }
        Ok(())
    }

    /// Makes an index as another table has it, with its constraint; their oids.
    pub(super) fn clone_index(&mut self, table: Oid, old: &Relation, index: Oid) -> Result<(Oid, Option<Oid>)> {
        let index = self.table(index)?;
        let Some(info) = index.index() else { return Err(Error::internal("not an index")) };
        let relation = self.table(table)?;
        let copy = IndexInfo { invalid: false, ..super::partition::translated(info, old, &relation)? };
        let constraint = old.constraints.iter().find(|constraint| constraint.kind.index() == Some(index.oid));
        let excludes = constraint.is_some_and(|own| matches!(own.kind, ConstraintKind::Exclude { .. }));
        if excludes && relation.is_partitioned() {
            let message = format!("cannot create exclusion constraints on partitioned table \"{}\"", relation.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let name = self.name_of_copy(&relation, &copy, constraint.map(|constraint| &constraint.kind));
        let attnum = |key: &IndexKey| match key.target {
            IndexTarget::Column(attnum) => attnum,
            IndexTarget::Expression(_) => 0,
        };
        let attnums: Vec<i16> = copy.keys.iter().map(attnum).collect();
        if copy.primary {
            self.require_not_null(table, &attnums, false)?;
        }
        let new = self.make_index(table, name.clone(), copy.clone(), index.tablespace)?;
        if !index.options.is_empty() {
            let made = self.table(new)?;
            self.put_relation(Relation { options: index.options.clone(), ..Relation::clone(&made) });
        }
        let Some(constraint) = constraint else { return Ok((new, None)) };
        let oid = self.new_oid();
        let kind = match &constraint.kind {
            ConstraintKind::Primary { .. } => ConstraintKind::Primary { columns: attnums, index: new },
            ConstraintKind::Exclude { operators, .. } => {
                ConstraintKind::Exclude { columns: attnums, index: new, operators: operators.clone() }
            }
            _ => ConstraintKind::Unique { columns: attnums, index: new },
        };
        self.put_constraint(
            table,
            Constraint { oid, name, relation: table, kind, local: true, inherited: 0, ..Constraint::clone(constraint) },
        )?;
        self.depend(
            dictdb_catalog::Key::Relation(new),
            dictdb_catalog::Key::Constraint(table, oid),
            dictdb_catalog::Dependency::Internal,
        );
        Ok((new, Some(oid)))
    }

    /// The name PostgreSQL would make up for the index.
    fn name_of_copy(&mut self, relation: &Relation, info: &IndexInfo, kind: Option<&ConstraintKind>) -> Arc<str> {
        let column = |attnum: i16| relation.column(attnum).map_or_else(|| "expr".into(), |own| own.name.to_string());
        let key = |key: &IndexKey| match &key.target {
            IndexTarget::Column(attnum) => column(*attnum),
            IndexTarget::Expression(text) => super::index::expression_word(text),
        };
        let words = info.keys.iter().map(key).chain(info.include.iter().map(|attnum| column(*attnum)));
        let words = super::index::joined_words(words);
        let (words, label) = match kind {
            Some(ConstraintKind::Primary { .. }) => (String::new(), "pkey"),
            Some(ConstraintKind::Exclude { .. }) => (words, "excl"),
            Some(_) => (words, "key"),
            None => (words, "idx"),
        };
        self.choose_name(relation.namespace, &relation.name, &words, label, &[])
    }
}

/// The attnum in a new table of a column of the old one.
pub(super) fn translated(old: &Relation, new: &Relation, attnum: i16) -> Result<i16> {
    let column = old.column(attnum).ok_or_else(|| Error::internal("a copied column is gone"))?;
    debug_assert!(matches!(column.missing, Datum::Null) || !column.dropped);
    let found = new.column_named(&column.name).map(|(attnum, _)| attnum);
    found.ok_or_else(|| Error::internal("a copied column has no copy"))
}

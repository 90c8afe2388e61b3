//! PRIMARY KEY, UNIQUE and CHECK.

use std::sync::Arc;

use dictdb_catalog::{
    Constraint, ConstraintKind, Dependency, IndexInfo, IndexKey, IndexMethod, IndexTarget, Key, Relation,
};
use dictdb_parser::Locations;
use dictdb_parser::utility::{Constraint as Syntax, ConstraintKind as SyntaxKind, KeyConstraint, SourceExpr};
use dictdb_planner::scope::CatalogScope;
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_types::{Error, Oid, Result, SqlState, Type};

use super::DdlContext;
use super::names::object_name;

impl DdlContext<'_> {
    /// Adds a constraint to a table; `column` is the position of the column it was written at. Without `recurse` a key is not
    /// made for partitions, and so is invalid until theirs are attached to it.
    pub(super) fn add_constraint(
        &mut self,
        table: Oid,
        column: Option<usize>,
        constraint: &Syntax,
        recurse: bool,
        locations: &Locations,
    ) -> Result<()> {
        if self.table(table)?.foreign.is_some() {
            super::foreign_table::refuse_constraint(constraint)?;
        }
        match &constraint.kind {
            SyntaxKind::PrimaryKey(key) => self.add_key(table, column, constraint, key, recurse),
            SyntaxKind::Unique(key) => self.add_key(table, column, constraint, key, recurse),
            SyntaxKind::Check(source) => self.add_check(table, constraint, source, locations),
            SyntaxKind::ForeignKey(foreign) => self.add_foreign_key(table, column, constraint, foreign, recurse),
            SyntaxKind::Exclude(exclude) => self.add_exclude(table, constraint, exclude, locations),
            _ => Err(Error::internal("a column property among the constraints")),
        }
    }

    fn add_key(
        &mut self,
        table: Oid,
        column: Option<usize>,
        constraint: &Syntax,
        key: &KeyConstraint,
        recurse: bool,
    ) -> Result<()> {
        let primary = matches!(constraint.kind, SyntaxKind::PrimaryKey(_));
        if key.using_index.is_some() {
            return Err(Error::unsupported("USING INDEX"));
        }
        let options = super::options::given(&key.options, super::options::Target::Index(IndexMethod::Btree))?;
        let relation = self.table(table)?;
        if primary && relation.primary_key().is_some() {
            return Err(multiple_keys(&relation).at(Some(constraint.position)));
        }
        let kind = (relation.persistence, relation.is_partitioned());
        let tablespace = self.new_tablespace(key.tablespace.as_ref(), kind, Oid::INVALID)?;
        let attnums = match column {
            Some(index) if key.columns.is_empty() => vec![index as i16 + 1],
            _ => self.key_columns(&relation, &key.columns)?,
        };
        let include = self.key_columns(&relation, &key.include)?;
        let covered = attnums.iter().chain(&include).filter_map(|n| relation.column(*n));
        let words = super::index::joined_words(covered.map(|column| column.name.to_string()));
        let name = match &constraint.name {
            Some(name) => {
                let name: Arc<str> = Arc::from(name.value.as_str());
                if self.view().relation_in(relation.namespace, &name).is_some() {
                    return Err(super::create_table::already_exists(&name));
                }
                self.free_constraint_name(&relation, &name)?
            }
            None => {
                let taken: Vec<Arc<str>> = relation.constraints.iter().map(|own| own.name.clone()).collect();
                let (words, label) = match primary {
                    true => (String::new(), "pkey"),
                    false => (words, "key"),
                };
                self.choose_name(relation.namespace, &relation.name, &words, label, &taken)
            }
        };
        let mut keys = Vec::with_capacity(attnums.len());
        for attnum in &attnums {
            let ty =
                relation.column(*attnum).map(|c| c.ty).ok_or_else(|| Error::internal("a key without its column"))?;
            keys.push(IndexKey {
                target: IndexTarget::Column(*attnum),
                ty,
                opclass: self.default_opclass(ty, IndexMethod::Btree)?,
                descending: false,
                nulls_first: false,
                statistics: None,
                collation: None,
                options: Vec::new(),
            });
        }
        let info = IndexInfo {
            table,
            method: IndexMethod::Btree,
            unique: true,
            primary,
            nulls_not_distinct: key.nulls_not_distinct,
            keys,
            include,
            predicate: None,
            deferrable: constraint.deferrable,
            partitioned: relation.is_partitioned(),
            invalid: !recurse && relation.is_partitioned() && !relation.children.is_empty(),
        };
        if primary {
            if !recurse {
                self.require_not_null_in_partitions(&relation, &attnums)?;
            }
            self.require_not_null(table, &attnums, recurse)?;
        }
        let what = if primary { "PRIMARY KEY" } else { "UNIQUE" };
        self.check_unique_over_partitions(&relation, &info.keys, what)?;
        self.report_implicit_index(what, &name, &relation.name);
        let index = self.make_index(table, name.clone(), info, tablespace)?;
        if !options.is_empty() {
            let made = self.table(index)?;
            self.put_relation(Relation { options, ..Relation::clone(&made) });
        }
        let oid = self.new_oid();
        let kind = if primary {
            ConstraintKind::Primary { columns: attnums, index }
        } else {
            ConstraintKind::Unique { columns: attnums, index }
        };
        self.put_constraint(table, named(oid, name, table, kind, constraint))?;
        self.depend(Key::Relation(index), Key::Constraint(table, oid), Dependency::Internal);
        if recurse { self.index_partitions(table, index) } else { Ok(()) }
    }

    /// Columns can only be made NOT NULL in `ONLY` a partitioned table when its partitions have them so already. 42P16.
    pub(super) fn require_not_null_in_partitions(&mut self, relation: &Relation, attnums: &[i16]) -> Result<()> {
        if !relation.is_partitioned() {
            return Ok(());
        }
        for name in attnums.iter().filter_map(|attnum| relation.column(*attnum)).map(|column| &column.name) {
            for child in &relation.children {
                let child = self.table(*child)?;
                if child.column_named(name).is_some_and(|(_, column)| column.not_null) {
                    continue;
                }
                let message = "constraint must be added to child tables too";
                let detail = format!("Column \"{name}\" of relation \"{}\" is not already NOT NULL.", child.name);
                return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message)
                    .detail(detail)
                    .hint("Do not specify the ONLY keyword."));
            }
        }
        Ok(())
    }

    /// Makes columns NOT NULL. 23502 when a row has NULL there.
    pub(super) fn require_not_null(&mut self, table: Oid, attnums: &[i16], recurse: bool) -> Result<()> {
        let relation = self.table(table)?;
        for attnum in attnums {
            let Some(column) = relation.column(*attnum).filter(|column| !column.not_null) else { continue };
            let place = *attnum as usize - 1;
            if self.has_null(&relation, place)? {
                return Err(self.contains_null(&relation, &column.name));
            }
        }
        for child in relation.children.clone().into_iter().filter(|_| recurse) {
            let child = self.table(child)?;
            let own: Vec<i16> = attnums.iter().filter_map(|attnum| relation.attnum_in(*attnum, &child)).collect();
            self.require_not_null(child.oid, &own, true)?;
        }
        let mut columns = relation.columns.to_vec();
        for attnum in attnums {
            if let Some(column) = columns.get_mut(*attnum as usize - 1) {
                column.not_null = true;
            }
        }
        self.put_relation(Relation { columns: columns.into(), ..Relation::clone(&relation) });
        Ok(())
    }

    fn add_check(&mut self, table: Oid, constraint: &Syntax, source: &SourceExpr, locations: &Locations) -> Result<()> {
        let relation = self.table(table)?;
        let bound =
            self.with_binding(|cx| table_expr::bind(&source.expr, locations, &relation, TableExpr::Check, cx))?;
        let columns = bound.mentions(&relation);
        let name = match &constraint.name {
            Some(name)
                if self.merges_check(
                    &relation,
                    &name.value,
                    &bound.text,
                    (constraint.no_inherit, !constraint.not_valid),
                )? =>
            {
                return Ok(());
            }
            Some(name) => self.free_constraint_name(&relation, &name.value)?,
            None => {
                let word = match columns.as_slice() {
                    _ if table_expr::mentions(&bound.text, "tableoid") => String::new(),
                    [attnum] => relation.column(*attnum).map_or(String::new(), |c| c.name.to_string()),
                    _ => String::new(),
                };
                free_name(&relation, &relation.name, &word, "check")
            }
        };
        let kind = ConstraintKind::Check { expression: bound.text, columns };
        let oid = self.new_oid();
        self.depend_on_calls(Key::Constraint(table, oid), &bound.functions, &bound.operators);
        self.depend_on_types(Key::Constraint(table, oid), &bound.types);
        self.depend_on_fields(Key::Constraint(table, oid), &bound.fields);
        self.put_constraint(table, named(oid, name, table, kind, constraint))
    }

    /// Whether a table has this CHECK, `(no_inherit, validated)`, from a parent already: then it is its own too.
    pub(super) fn merges_check(
        &mut self,
        relation: &Relation,
        name: &str,
        text: &str,
        kind: (bool, bool),
    ) -> Result<bool> {
        let found = relation.constraints.iter().find(|constraint| *constraint.name == *name && !constraint.local);
        let Some(known) = found.cloned() else { return Ok(false) };
        if !is_same_check(&known, text) {
            return Ok(false);
        }
        refuse_conflict(relation, &known, kind)?;
        let message = format!("merging constraint \"{name}\" with inherited definition");
        self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
        self.replace_constraint(
            relation.oid,
            Constraint { local: !relation.is_partition(), ..Constraint::clone(&known) },
        )?;
        Ok(true)
    }

    /// The name, unless the table has a constraint of it (42710).
    pub(super) fn free_constraint_name(&mut self, relation: &Relation, name: &str) -> Result<Arc<str>> {
        if relation.has_constraint(name) {
            return Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("constraint \"{name}\" for relation \"{}\" already exists", relation.name),
            ));
        }
        Ok(Arc::from(name))
    }

    /// Gives a table a constraint. 42P16 for NO INHERIT where all rows are the children's.
    pub(super) fn put_constraint(&mut self, table: Oid, constraint: Constraint) -> Result<()> {
        let mut relation = Relation::clone(&*self.table(table)?);
        if matches!(constraint.kind, ConstraintKind::Check { .. }) && constraint.no_inherit && relation.is_partitioned()
        {
            let message = format!("cannot add NO INHERIT constraint to partitioned table \"{}\"", relation.name);
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        relation.constraints.push(Arc::new(constraint));
        self.put_relation(relation);
        Ok(())
    }

    /// A relation by oid, as the transaction sees it.
    pub(super) fn table(&mut self, oid: Oid) -> Result<Arc<Relation>> {
        let found = self.view().relation(oid).cloned();
        found.ok_or_else(|| Error::internal(format!("could not open relation with OID {oid}")))
    }

    pub(super) fn key_columns(&mut self, relation: &Relation, names: &[dictdb_parser::ast::Ident]) -> Result<Vec<i16>> {
        let mut attnums: Vec<i16> = Vec::with_capacity(names.len());
        for ident in names {
            let (attnum, column) = relation.column_named(&ident.value).ok_or_else(|| {
                Error::new(
                    SqlState::UNDEFINED_COLUMN,
                    format!("column \"{}\" named in key does not exist", ident.value),
                )
                .at(dictdb_parser::position::of_span(ident.span))
            })?;
            if attnums.contains(&attnum) {
                return Err(Error::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{}\" appears twice in primary key constraint", column.name),
                ));
            }
            attnums.push(attnum);
        }
        Ok(attnums)
    }

    /// The operator class an index uses for a type; 42704 when the type cannot be indexed so.
    pub(super) fn default_opclass(&mut self, ty: Type, method: IndexMethod) -> Result<Oid> {
        let catalog = self.view();
        let scope = CatalogScope { catalog: &catalog, search_path: self.search_path };
        let name = method.name();
        scope.own_default_opclass(ty.oid, catalog.index_method_oid(method))?.map(|class| class.oid).ok_or_else(|| {
            let shown = dictdb_functions::resolve::format_type(&scope, ty.oid);
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("data type {shown} has no default operator class for access method \"{name}\""),
            )
            .hint("You must specify an operator class for the index or define a default operator class for the data type.")
        })
    }
}

/// Whether a constraint is a CHECK of this text.
pub(super) fn is_same_check(known: &Constraint, text: &str) -> bool {
    matches!(&known.kind, ConstraintKind::Check { expression, .. } if **expression == *text)
}

/// 42P17 where a CHECK of a parent cannot be one with the child's own (`MergeWithExistingConstraint`).
pub(super) fn refuse_conflict(
    relation: &Relation,
    known: &Constraint,
    (no_inherit, valid): (bool, bool),
) -> Result<()> {
    let conflict = match () {
        () if known.no_inherit => "non-inherited",
        () if known.inherited > 0 && no_inherit => "inherited",
        () if valid && !known.validated => "NOT VALID",
        () => return Ok(()),
    };
    let message =
        format!("constraint \"{}\" conflicts with {conflict} constraint on relation \"{}\"", known.name, relation.name);
    Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message))
}

/// A constraint with what its syntax says of checking it.
pub(super) fn named(oid: Oid, name: Arc<str>, relation: Oid, kind: ConstraintKind, syntax: &Syntax) -> Constraint {
    Constraint {
        oid,
        name,
        relation,
        kind,
        deferrable: syntax.deferrable,
        initially_deferred: syntax.initially_deferred,
        validated: !syntax.not_valid,
        no_inherit: syntax.no_inherit,
        local: true,
        inherited: 0,
    }
}

/// 42P16 for a second primary key.
pub(super) fn multiple_keys(relation: &Relation) -> Error {
    let message = format!("multiple primary keys for table \"{}\" are not allowed", relation.name);
    Error::new(SqlState::INVALID_TABLE_DEFINITION, message)
}

/// A constraint name that the table does not have: `first_second_label`, numbered if need be.
pub(super) fn free_name(relation: &Relation, first: &str, second: &str, label: &str) -> Arc<str> {
    let mut number = 0;
    loop {
        let numbered = if number == 0 { label.to_owned() } else { format!("{label}{number}") };
        let name = object_name(first, second, &numbered);
        if !relation.has_constraint(&name) {
            return Arc::from(name);
        }
        number += 1;
    }
}

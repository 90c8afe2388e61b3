//! ADD, ALTER, VALIDATE and DROP CONSTRAINT on tables that have rows.

use std::sync::Arc;

use dictdb_catalog::{Constraint, ConstraintKind, Dependency, IndexMethod, IndexTarget, Key, Relation, RelationKind};
use dictdb_parser::Locations;
use dictdb_parser::utility::{Behavior, Constraint as Syntax, ConstraintKind as SyntaxKind, KeyConstraint};
use dictdb_planner::table_expr::TableExpr;
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use super::super::DdlContext;
use super::super::constraint::{is_same_check, named, refuse_conflict};
use crate::eval::Scope;
use crate::modify::validate_foreign_key;

impl DdlContext<'_> {
    /// Adds a constraint and looks whether the rows there are satisfy it, unless it is NOT VALID.
    pub(super) fn add_table_constraint(
        &mut self,
        table: Oid,
        column: Option<usize>,
        constraint: &Syntax,
        recurse: bool,
        locations: &Locations,
    ) -> Result<()> {
        if let SyntaxKind::PrimaryKey(key) | SyntaxKind::Unique(key) = &constraint.kind
            && let Some(index) = &key.using_index
        {
            return self.add_key_using_index(table, constraint, key, &index.value);
        }
        let relation = self.table(table)?;
        if let SyntaxKind::PrimaryKey(key) = &constraint.kind
            && let Some(missing) = key.columns.iter().find(|name| relation.column_named(&name.value).is_none())
        {
            return Err(super::missing_column(&relation, &missing.value));
        }
        self.check_whole(&relation, constraint, recurse)?;
        let before = relation.constraints.len();
        self.add_constraint(table, column, constraint, recurse, locations).map_err(|mut error| {
            // PostgreSQL points at these only in CREATE TABLE.
            let check = matches!(constraint.kind, SyntaxKind::Check(_));
            let missing = error.code() == SqlState::UNDEFINED_COLUMN;
            if check || missing || error.message().starts_with("multiple primary keys") {
                error.fields_mut().position = None;
            }
            error
        })?;
        let relation = self.table(table)?;
        for added in relation.constraints.iter().skip(before) {
            if added.validated {
                self.check_existing_rows(table, added)?;
            }
            self.inherit_check(&relation, added, constraint, recurse, locations)?;
        }
        Ok(())
    }

    /// A CHECK holds for children too.
    fn inherit_check(
        &mut self,
        relation: &Relation,
        added: &Arc<Constraint>,
        syntax: &Syntax,
        recurse: bool,
        locations: &Locations,
    ) -> Result<()> {
        let ConstraintKind::Check { .. } = &added.kind else { return Ok(()) };
        if relation.children.is_empty() || added.no_inherit {
            return Ok(());
        }
        if !recurse {
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, "constraint must be added to child tables too"));
        }
        for child in relation.children.clone() {
            self.lock(child, dictdb_storage::LockMode::AccessExclusive)?;
            let child_relation = self.table(child)?;
            let known = child_relation.constraints.iter().find(|c| c.name == added.name).cloned();
            if let Some(known) = known {
                let ConstraintKind::Check { expression, .. } = &added.kind else { continue };
                if !is_same_check(&known, expression) {
                    return Err(Error::new(
                        SqlState::DUPLICATE_OBJECT,
                        format!(
                            "constraint \"{}\" for relation \"{}\" already exists",
                            known.name, child_relation.name
                        ),
                    ));
                }
                refuse_conflict(&child_relation, &known, (false, added.validated))?;
                let message = format!("merging constraint \"{}\" with inherited definition", added.name);
                self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                let (inherited, local) = (known.inherited + 1, known.local && !child_relation.is_partition());
                self.replace_constraint(child, Constraint { inherited, local, ..Constraint::clone(&known) })?;
                continue;
            }
            let mut named = syntax.clone();
            named.name = Some(dictdb_parser::ast::Ident::new(&*added.name));
            self.add_table_constraint(child, None, &named, recurse, locations)?;
            let child_relation = self.table(child)?;
            if let Some(own) = child_relation.constraints.iter().find(|c| c.name == added.name).cloned() {
                self.replace_constraint(child, Constraint { local: false, inherited: 1, ..Constraint::clone(&own) })?;
            }
        }
        Ok(())
    }

    /// Looks for a row that breaks a constraint. 23514, 23503.
    pub(in crate::ddl) fn check_existing_rows(&mut self, table: Oid, constraint: &Arc<Constraint>) -> Result<()> {
        let relation = self.table(table)?;
        match &constraint.kind {
            ConstraintKind::Check { expression, .. } => {
                let code = self.stored_code(&relation, expression, TableExpr::Check)?;
                let schema = self.view().schema(relation.namespace).map(|schema| schema.name.to_string());
                let violated = Error::new(
                    SqlState::CHECK_VIOLATION,
                    format!(
                        "check constraint \"{}\" of relation \"{}\" is violated by some row",
                        constraint.name, relation.name
                    ),
                )
                .schema(schema.unwrap_or_default())
                .table(&*relation.name)
                .constraint(&*constraint.name);
                self.check_rows(&relation, |row, env| match code.eval(Scope::of_table(env, row))? {
                    Datum::Bool(false) => Err(violated.clone()),
                    _ => Ok(()),
                })
            }
            ConstraintKind::Foreign(_) => {
                let cx = self.exec_context()?;
                validate_foreign_key(&relation, constraint, &cx, self.engine, self.database)
            }
            ConstraintKind::Primary { .. } | ConstraintKind::Unique { .. } | ConstraintKind::Exclude { .. } => Ok(()),
        }
    }

    pub(in crate::ddl) fn replace_constraint(&mut self, table: Oid, constraint: Constraint) -> Result<()> {
        let mut relation = Relation::clone(&*self.table(table)?);
        if let Some(place) = relation.constraints.iter().position(|other| other.oid == constraint.oid) {
            relation.constraints[place] = Arc::new(constraint);
        }
        self.put_relation(relation);
        Ok(())
    }

    fn find_constraint(&mut self, table: Oid, name: &str) -> Result<(Arc<Relation>, Option<Arc<Constraint>>)> {
        let relation = self.table(table)?;
        let found = relation.constraints.iter().find(|constraint| *constraint.name == *name).cloned();
        Ok((relation, found))
    }

    pub(super) fn validate_constraint(&mut self, table: Oid, name: &str) -> Result<()> {
        let (relation, found) = self.find_constraint(table, name)?;
        let constraint = found.ok_or_else(|| missing_constraint(&relation, name))?;
        if !matches!(constraint.kind, ConstraintKind::Check { .. } | ConstraintKind::Foreign(_)) {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!(
                    "constraint \"{name}\" of relation \"{}\" is not a foreign key or check constraint",
                    relation.name
                ),
            ));
        }
        if constraint.validated {
            return Ok(());
        }
        self.check_existing_rows(table, &constraint)?;
        self.replace_constraint(table, Constraint { validated: true, ..Constraint::clone(&constraint) })?;
        if matches!(constraint.kind, ConstraintKind::Check { .. }) && !constraint.no_inherit {
            for child in relation.children.clone() {
                self.validate_constraint(child, name)?;
            }
        }
        Ok(())
    }

    pub(super) fn alter_constraint(
        &mut self,
        table: Oid,
        name: &str,
        deferrable: bool,
        initially_deferred: bool,
    ) -> Result<()> {
        let (relation, found) = self.find_constraint(table, name)?;
        if let Some(whole) = relation.key_of_part(name) {
            return Err(derived(&relation, name, &relation, &whole.name));
        }
        let constraint = found.ok_or_else(|| missing_constraint(&relation, name))?;
        if !matches!(constraint.kind, ConstraintKind::Foreign(_)) {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("constraint \"{name}\" of relation \"{}\" is not a foreign key constraint", relation.name),
            ));
        }
        let (above, whole) = self.view().original_key(&relation, &constraint);
        if whole.oid != constraint.oid {
            return Err(derived(&relation, name, &above, &whole.name));
        }
        let mut copies = vec![(relation, constraint)];
        while let Some((relation, constraint)) = copies.pop() {
            let changed = Constraint { deferrable, initially_deferred, ..Constraint::clone(&constraint) };
            self.replace_constraint(relation.oid, changed)?;
            let catalog = self.view();
            let of_children = catalog.dependents_of(Key::Constraint(relation.oid, constraint.oid));
            copies.extend(of_children.filter_map(|(copy, _)| match copy {
                Key::Constraint(table, oid) => {
                    let table = catalog.relation(table)?;
                    Some((table.clone(), table.constraints.iter().find(|own| own.oid == oid)?.clone()))
                }
                _ => None,
            }));
        }
        Ok(())
    }

    pub(super) fn drop_named_constraint(
        &mut self,
        table: Oid,
        name: &str,
        if_exists: bool,
        behavior: Behavior,
        recurse: bool,
    ) -> Result<()> {
        let (relation, found) = self.find_constraint(table, name)?;
        if relation.key_of_part(name).is_some() {
            return Err(inherited_constraint(&relation, name));
        }
        let Some(constraint) = found else {
            let missing = missing_constraint(&relation, name);
            if if_exists {
                self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", missing.message()));
                return Ok(());
            }
            return Err(missing);
        };
        if constraint.inherited > 0 {
            return Err(inherited_constraint(&relation, name));
        }
        let only_partitioned = !recurse && relation.is_partitioned() && !relation.children.is_empty();
        if only_partitioned && matches!(constraint.kind, ConstraintKind::Check { .. }) && !constraint.no_inherit {
            let message = "cannot remove constraint from only the partitioned table when partitions exist";
            let error = Error::new(SqlState::INVALID_TABLE_DEFINITION, message);
            return Err(error.hint("Do not specify the ONLY keyword."));
        }
        if let ConstraintKind::Foreign(key) = &constraint.kind {
            let catalog = self.view();
            let referenced = self.table(key.referenced)?;
            let others = catalog.descendants(&relation).into_iter().skip(1).chain([referenced]);
            for other in others.filter(|other| other.oid != table) {
                self.check_not_in_use(&other, "ALTER TABLE")?;
            }
        }
        self.drop_keys(&[Key::Constraint(table, constraint.oid)], behavior)?;
        if matches!(constraint.kind, ConstraintKind::Check { .. }) && !constraint.no_inherit {
            for child in relation.children.clone() {
                self.disinherit_constraint(child, name, behavior, recurse)?;
            }
        }
        Ok(())
    }

    fn disinherit_constraint(&mut self, child: Oid, name: &str, behavior: Behavior, recurse: bool) -> Result<()> {
        let (relation, found) = self.find_constraint(child, name)?;
        let Some(constraint) = found else { return Ok(()) };
        if recurse && constraint.inherited == 1 && !constraint.local {
            self.drop_keys(&[Key::Constraint(child, constraint.oid)], behavior)?;
            for grandchild in relation.children.clone() {
                self.disinherit_constraint(grandchild, name, behavior, recurse)?;
            }
            return Ok(());
        }
        let inherited = constraint.inherited - 1;
        let local = constraint.local || !recurse;
        self.replace_constraint(child, Constraint { inherited, local, ..Constraint::clone(&constraint) })
    }

    /// `ADD CONSTRAINT … PRIMARY KEY/UNIQUE USING INDEX`.
    fn add_key_using_index(
        &mut self,
        table: Oid,
        constraint: &Syntax,
        key: &KeyConstraint,
        index_name: &str,
    ) -> Result<()> {
        let relation = self.table(table)?;
        if relation.is_partitioned() {
            let message = "ALTER TABLE / ADD CONSTRAINT USING INDEX is not supported on partitioned tables";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let primary = matches!(constraint.kind, SyntaxKind::PrimaryKey(_));
        if primary && relation.primary_key().is_some() {
            return Err(super::super::constraint::multiple_keys(&relation));
        }
        let found = self.view().relation_in(relation.namespace, index_name).cloned();
        let index = found.filter(|index| index.index().is_some()).ok_or_else(|| {
            Error::new(SqlState::UNDEFINED_OBJECT, format!("index \"{index_name}\" does not exist"))
                .at(Some(constraint.position))
        })?;
        if index.index().is_some_and(|info| info.invalid) {
            let message = format!("index \"{}\" is not valid", index.name);
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message).at(Some(constraint.position)));
        }
        let attnums = self.key_of_index(&relation, &index, constraint)?;
        if primary {
            self.require_not_null(table, &attnums, true)?;
        }
        let mut index = Relation::clone(&index);
        let name: Arc<str> = match &constraint.name {
            Some(name) if *name.value != *index.name => {
                let message = format!(
                    "ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index \"{}\" to \"{}\"",
                    index.name, name.value
                );
                self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                Arc::from(name.value.as_str())
            }
            _ => index.name.clone(),
        };
        index.name = name.clone();
        if let RelationKind::Index(info) = &index.kind {
            let mut info = dictdb_catalog::IndexInfo::clone(info);
            info.primary = primary;
            info.deferrable = constraint.deferrable;
            index.kind = RelationKind::Index(Arc::new(info));
        }
        let index_oid = index.oid;
        self.put_relation(index);
        let oid = self.new_oid();
        let (columns, index) = (attnums, index_oid);
        let kind = match primary {
            true => ConstraintKind::Primary { columns, index },
            false => ConstraintKind::Unique { columns, index },
        };
        debug_assert!(key.columns.is_empty());
        self.put_constraint(table, named(oid, name, table, kind, constraint))?;
        self.undepend_all(Key::Relation(index_oid));
        self.depend(Key::Relation(index_oid), Key::Constraint(table, oid), Dependency::Internal);
        if constraint.deferrable {
            let relation = self.table(table)?;
            self.rebuild_index(&relation, index_oid)?;
        }
        Ok(())
    }

    /// The columns of an index that can serve a constraint.
    fn key_of_index(&mut self, relation: &Relation, index: &Relation, constraint: &Syntax) -> Result<Vec<i16>> {
        let position = Some(constraint.position);
        let refuse = |code, message: String| Err(Error::new(code, message).at(position));
        let unusable = "Cannot create a primary key or unique constraint using such an index.";
        let Some(info) = index.index() else { return Err(Error::internal("not an index")) };
        let catalog = self.view();
        let taken = catalog
            .dependencies_of(Key::Relation(index.oid))
            .any(|(on, kind)| kind == Dependency::Internal && matches!(on, Key::Constraint(..)));
        if taken {
            return refuse(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("index \"{}\" is already associated with a constraint", index.name),
            );
        }
        if info.table != relation.oid {
            return refuse(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("index \"{}\" does not belong to table \"{}\"", index.name, relation.name),
            );
        }
        if !info.unique {
            return refuse(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a unique index", index.name))
                .map_err(|e: Error| e.detail(unusable));
        }
        if info.predicate.is_some() {
            return refuse(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is a partial index", index.name))
                .map_err(|e: Error| e.detail(unusable));
        }
        if info.method != IndexMethod::Btree {
            return refuse(SqlState::WRONG_OBJECT_TYPE, format!("index \"{}\" is not a btree", index.name));
        }
        let mut attnums = Vec::with_capacity(info.keys.len());
        for (number, key) in info.keys.iter().enumerate() {
            let IndexTarget::Column(attnum) = key.target else {
                return refuse(SqlState::WRONG_OBJECT_TYPE, format!("index \"{}\" contains expressions", index.name))
                    .map_err(|e: Error| e.detail(unusable));
            };
            let own = relation.column(attnum).map_or(Oid::INVALID, |column| column.collation);
            let collated = key.collation.is_some_and(|collation| collation != own);
            if key.descending || key.nulls_first || collated {
                return refuse(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!(
                        "index \"{}\" column number {} does not have default sorting behavior",
                        index.name,
                        number + 1
                    ),
                )
                .map_err(|e: Error| e.detail(unusable));
            }
            attnums.push(attnum);
        }
        Ok(attnums)
    }
}

/// 42P16 for a constraint that is there because a table above has it.
fn inherited_constraint(relation: &Relation, name: &str) -> Error {
    Error::new(
        SqlState::INVALID_TABLE_DEFINITION,
        format!("cannot drop inherited constraint \"{name}\" of relation \"{}\"", relation.name),
    )
}

/// XX000, as PostgreSQL has it, for a foreign key that stands for another one.
fn derived(relation: &Relation, name: &str, above: &Relation, whole: &str) -> Error {
    Error::new(
        SqlState::INTERNAL_ERROR,
        format!("cannot alter constraint \"{name}\" on relation \"{}\"", relation.name),
    )
    .detail(format!("Constraint \"{name}\" is derived from constraint \"{whole}\" of relation \"{}\".", above.name))
    .hint("You may alter the constraint it derives from, instead.")
}

fn missing_constraint(relation: &Relation, name: &str) -> Error {
    Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("constraint \"{name}\" of relation \"{}\" does not exist", relation.name),
    )
}

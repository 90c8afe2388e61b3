//! FOREIGN KEY.

use dictdb_catalog::{
    ConstraintKind, Dependency, ForeignKey, IndexTarget, Key, ReferentialAction, Relation, RelationKind,
};
use dictdb_functions::facts::CastContext;
use dictdb_functions::resolve;
use dictdb_parser::utility::{
    Constraint as Syntax, ConstraintKind as SyntaxKind, ForeignKey as SyntaxKey, MatchType,
    ReferentialAction as SyntaxAction,
};
use dictdb_planner::scope::CatalogScope;
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, SqlState, TypeLookup};

use super::DdlContext;
use super::constraint::{free_name, named};

impl DdlContext<'_> {
    pub(super) fn add_foreign_key(
        &mut self,
        table: Oid,
        column: Option<usize>,
        constraint: &Syntax,
        key: &SyntaxKey,
        recurse: bool,
    ) -> Result<()> {
        if key.match_type == MatchType::Partial {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "MATCH PARTIAL not yet implemented"));
        }
        let relation = self.table(table)?;
        let referenced = self.find_relation(&key.table)?;
        if !matches!(referenced.kind, RelationKind::Table) {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("referenced relation \"{}\" is not a table", referenced.name),
            ));
        }
        if !recurse && relation.is_partitioned() {
            let message = format!(
                "cannot use ONLY for foreign key on partitioned table \"{}\" referencing relation \"{}\"",
                relation.name, referenced.name
            );
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        self.check_table_privilege(&referenced, dictdb_catalog::Privileges::REFERENCES)?;
        self.lock(referenced.oid, LockMode::ShareRowExclusive)?;
        let referenced = self.table(referenced.oid)?;
        super::expiry::refuse_referenced(&referenced)?;
        let columns = match column {
            Some(index) => vec![index as i16 + 1],
            None => self.referencing_columns(&relation, &key.columns)?,
        };
        let referenced_columns = self.referenced_columns(&referenced, key)?;
        if columns.len() != referenced_columns.len() {
            return Err(Error::new(
                SqlState::INVALID_FOREIGN_KEY,
                "number of referencing and referenced columns for foreign key disagree",
            ));
        }
        let index = self.unique_index_on(&referenced, &referenced_columns)?;
        let words: Vec<&str> = columns.iter().filter_map(|n| relation.column(*n)).map(|c| &*c.name).collect();
        let name = match &constraint.name {
            Some(name) => self.free_constraint_name(&relation, &name.value)?,
            None => free_name(&relation, &relation.name, &words.join("_"), "fkey"),
        };
        self.check_comparable(&relation, &columns, &referenced, &referenced_columns, &name)?;
        refuse_generated(&relation, &columns, key)?;
        let mut delete_set_columns = self.referencing_columns(&relation, &key.on_delete_columns)?;
        for (attnum, written) in delete_set_columns.iter().zip(&key.on_delete_columns) {
            if !columns.contains(attnum) {
                let message = format!(
                    "column \"{}\" referenced in ON DELETE SET action must be part of foreign key",
                    written.value
                );
                return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message));
            }
        }
        let mut seen = std::collections::HashSet::new();
        delete_set_columns.retain(|attnum| seen.insert(*attnum));
        let foreign = ForeignKey {
            columns,
            referenced: referenced.oid,
            referenced_columns,
            index,
            match_full: key.match_type == MatchType::Full,
            on_update: action(key.on_update),
            on_delete: action(key.on_delete),
            delete_set_columns,
            check_firing: None,
            action_firing: None,
            parts: Vec::new(),
        };
        let oid = self.new_oid();
        let kind = ConstraintKind::Foreign(foreign.clone().into());
        self.put_constraint(table, named(oid, name, table, kind, constraint))?;
        self.refer(table, oid, &foreign)?;
        self.add_parts(table, oid)?;
        let relation = self.table(table)?;
        let Some(own) = relation.constraints.iter().find(|own| own.oid == oid).cloned() else { return Ok(()) };
        for child in relation.children.clone() {
            if relation.is_partitioned() {
                self.copy_foreign_key(&relation, &own, child)?;
            }
        }
        Ok(())
    }

    /// A foreign key of a partitioned table is one of all partitions and holds for all rows. 42809.
    pub(super) fn check_whole(&mut self, relation: &Relation, constraint: &Syntax, recurse: bool) -> Result<()> {
        let SyntaxKind::ForeignKey(key) = &constraint.kind else { return Ok(()) };
        if !relation.is_partitioned() || recurse && !constraint.not_valid {
            return Ok(());
        }
        let referenced = self.find_relation(&key.table)?;
        let of = format!("on partitioned table \"{}\" referencing relation \"{}\"", relation.name, referenced.name);
        Err(match recurse {
            false => Error::new(SqlState::WRONG_OBJECT_TYPE, format!("cannot use ONLY for foreign key {of}")),
            true => Error::new(SqlState::WRONG_OBJECT_TYPE, format!("cannot add NOT VALID foreign key {of}"))
                .detail("This feature is not yet supported on partitioned tables."),
        })
    }

    /// Tells the referenced table of a foreign key, and what the key depends on. Nobody changes rows that may be referred to
    /// before the key is there, not in a partition either.
    pub(super) fn refer(&mut self, table: Oid, constraint: Oid, key: &ForeignKey) -> Result<()> {
        let referenced = self.table(key.referenced)?;
        if referenced.is_partitioned() {
            for member in self.view().descendants(&referenced) {
                self.lock(member.oid, LockMode::ShareRowExclusive)?;
            }
        } else {
            self.lock(key.referenced, LockMode::ShareRowExclusive)?;
        }
        let mut referenced = Relation::clone(&*self.table(key.referenced)?);
        referenced.referenced_by.push((table, constraint));
        self.put_relation(referenced);
        self.depend_foreign_key(table, constraint, key);
        Ok(())
    }

    pub(super) fn depend_foreign_key(&mut self, table: Oid, constraint: Oid, key: &ForeignKey) {
        for attnum in &key.referenced_columns {
            self.depend(Key::Constraint(table, constraint), Key::Column(key.referenced, *attnum), Dependency::Normal);
        }
        self.depend(Key::Constraint(table, constraint), Key::Relation(key.index), Dependency::Normal);
        // No partition goes while rows of it may be needed.
        let catalog = self.view();
        let Some(referenced) = catalog.relation(key.referenced) else { return };
        for partition in key.parts.iter().filter_map(|part| catalog.relation(part.relation)) {
            for attnum in key.referenced_columns.iter().filter_map(|attnum| referenced.attnum_in(*attnum, partition)) {
                self.depend(Key::Constraint(table, constraint), Key::Column(partition.oid, attnum), Dependency::Normal);
            }
        }
    }

    fn referencing_columns(&mut self, relation: &Relation, names: &[dictdb_parser::ast::Ident]) -> Result<Vec<i16>> {
        names
            .iter()
            .map(|ident| {
                relation.column_named(&ident.value).map(|(attnum, _)| attnum).ok_or_else(|| {
                    if super::alter::check_system_name(&ident.value).is_err() {
                        let message = "system columns cannot be used in foreign keys";
                        return Error::new(SqlState::FEATURE_NOT_SUPPORTED, message);
                    }
                    Error::new(
                        SqlState::UNDEFINED_COLUMN,
                        format!("column \"{}\" referenced in foreign key constraint does not exist", ident.value),
                    )
                })
            })
            .collect()
    }

    /// The columns named, or those of the primary key.
    fn referenced_columns(&mut self, referenced: &Relation, key: &SyntaxKey) -> Result<Vec<i16>> {
        if !key.referenced.is_empty() {
            return self.referencing_columns(referenced, &key.referenced);
        }
        let primary = referenced.primary_key();
        if primary.is_some_and(|constraint| constraint.deferrable) {
            return Err(deferrable("primary key", referenced));
        }
        match primary.map(|constraint| &constraint.kind) {
            Some(ConstraintKind::Primary { columns, .. }) => Ok(columns.clone()),
            _ => Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("there is no primary key for referenced table \"{}\"", referenced.name),
            )),
        }
    }

    fn unique_index_on(&mut self, referenced: &Relation, columns: &[i16]) -> Result<Oid> {
        let catalog = self.view();
        let mut only_deferrable = false;
        let fits = |oid: &Oid| {
            let Some(info) = catalog.relation(*oid).and_then(|index| index.index().cloned()) else { return false };
            let key_columns: Vec<i16> = info
                .keys
                .iter()
                .filter_map(|key| match key.target {
                    IndexTarget::Column(attnum) => Some(attnum),
                    IndexTarget::Expression(_) => None,
                })
                .collect();
            let matches = info.unique
                && !info.invalid
                && info.predicate.is_none()
                && key_columns.len() == info.keys.len()
                && key_columns.len() == columns.len()
                && columns.iter().all(|column| key_columns.contains(column));
            only_deferrable |= matches && info.deferrable;
            matches && !info.deferrable
        };
        let found = referenced.indexes.iter().copied().find(fits);
        found.ok_or_else(|| match only_deferrable {
            true => deferrable("unique constraint", referenced),
            false => Error::new(
                SqlState::INVALID_FOREIGN_KEY,
                format!(
                    "there is no unique constraint matching given keys for referenced table \"{}\"",
                    referenced.name
                ),
            ),
        })
    }

    pub(super) fn check_comparable(
        &mut self,
        relation: &Relation,
        columns: &[i16],
        referenced: &Relation,
        referenced_columns: &[i16],
        name: &str,
    ) -> Result<()> {
        let catalog = self.view();
        let scope = CatalogScope { catalog: &catalog, search_path: self.search_path };
        for (own, other) in columns.iter().zip(referenced_columns) {
            let (Some(own), Some(other)) = (relation.column(*own), referenced.column(*other)) else { continue };
            let found = resolve::resolve_operator(&scope, Some("pg_catalog"), "=", other.ty.oid, own.ty.oid);
            // The key that is there keeps its type: it is the other side that may be cast.
            let kept = found.as_ref().is_ok_and(|found| keeps_type(&scope, other.ty.oid, found.left))
                || resolve::can_coerce(&scope, own.ty.oid, other.ty.oid, CastContext::Implicit);
            if !kept {
                return Err(Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!("foreign key constraint \"{name}\" cannot be implemented"),
                )
                .detail(format!(
                    "Key columns \"{}\" and \"{}\" are of incompatible types: {} and {}.",
                    own.name,
                    other.name,
                    resolve::format_type(&scope, own.ty.oid),
                    resolve::format_type(&scope, other.ty.oid)
                )));
            }
        }
        Ok(())
    }
}

/// 55000: what is looked at only at the end of a transaction cannot be what a foreign key refers to.
fn deferrable(what: &str, referenced: &Relation) -> Error {
    let message = format!("cannot use a deferrable {what} for referenced table \"{}\"", referenced.name);
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
}

fn action(action: SyntaxAction) -> ReferentialAction {
    match action {
        SyntaxAction::NoAction => ReferentialAction::NoAction,
        SyntaxAction::Restrict => ReferentialAction::Restrict,
        SyntaxAction::Cascade => ReferentialAction::Cascade,
        SyntaxAction::SetNull => ReferentialAction::SetNull,
        SyntaxAction::SetDefault => ReferentialAction::SetDefault,
    }
}

/// Whether an operator takes values of a type as they are: the type itself, its domain's base, one of the same bytes, any of a kind.
fn keeps_type(scope: &CatalogScope<'_>, ty: Oid, operand: Option<Oid>) -> bool {
    let Some(operand) = operand else { return false };
    let base = scope.catalog.base_type(dictdb_types::Type::new(ty)).oid;
    operand == base || resolve::is_polymorphic(operand) || resolve::is_binary_coercible(scope, base, operand)
}

/// 42601 for an action that would give a generated column a value.
fn refuse_generated(relation: &Relation, columns: &[i16], key: &SyntaxKey) -> Result<()> {
    if !columns.iter().any(|attnum| relation.column(*attnum).is_some_and(|column| column.generated)) {
        return Ok(());
    }
    let sets = |action| matches!(action, SyntaxAction::SetNull | SyntaxAction::SetDefault);
    let event = match () {
        () if sets(key.on_update) || matches!(key.on_update, SyntaxAction::Cascade) => "ON UPDATE",
        () if sets(key.on_delete) => "ON DELETE",
        () => return Ok(()),
    };
    let message = format!("invalid {event} action for foreign key constraint containing generated column");
    Err(Error::new(SqlState::SYNTAX_ERROR, message))
}

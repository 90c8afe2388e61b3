//! ALTER … RENAME of objects and of their parts.

use std::sync::Arc;

use dictdb_catalog::{
    Constraint, ConstraintKind, Domain, DomainCheck, Object, Relation, RelationKind, Schema, namespaces,
};
use dictdb_parser::ast::ObjectName;
use dictdb_parser::utility::{ObjectKind, ObjectRef, Rename};
use dictdb_types::{Error, Oid, Result, SqlState, TypeInfo, TypeKind};

use super::DdlContext;
use super::alter::check_system_name;
use super::names::shown;

impl DdlContext<'_> {
    pub(super) fn rename(&mut self, rename: &Rename) -> Result<()> {
        use ObjectKind as K;
        let to = rename.to.value.as_str();
        match (rename.kind, &rename.object) {
            (
                K::Table | K::View | K::MaterializedView | K::Index | K::Sequence | K::ForeignTable,
                ObjectRef::Name(name),
            ) => {
                let Some(relation) = self.relation_to_alter(name, rename.if_exists)? else { return Ok(()) };
                let relation = self.check_renamed_kind(rename.kind, &relation)?;
                self.rename_relation(&relation, to, rename.kind)
            }
            (K::Column | K::Attribute, ObjectRef::Name(name)) => {
                let Some(relation) = self.relation_to_alter(name, rename.if_exists)? else { return Ok(()) };
                let part = rename.part.as_ref().ok_or_else(|| Error::internal("a rename without a column"))?;
                self.rename_column(&relation, &part.value, rename)
            }
            (K::TableConstraint, ObjectRef::Name(name)) => {
                let Some(relation) = self.relation_to_alter(name, rename.if_exists)? else { return Ok(()) };
                let part = rename.part.as_ref().ok_or_else(|| Error::internal("a rename without a constraint"))?;
                self.rename_constraint(&relation, &part.value, to, rename.only)
            }
            (K::DomainConstraint, ObjectRef::Name(name)) => {
                let part = rename.part.as_ref().ok_or_else(|| Error::internal("a rename without a constraint"))?;
                self.rename_domain_constraint(name, &part.value, to)
            }
            (K::Schema, ObjectRef::Name(name)) => self.rename_schema(&shown(name), to),
            (K::Type | K::Domain, ObjectRef::Name(name)) => self.rename_type(name, to, rename.kind == K::Domain),
            (K::Role, ObjectRef::Name(name)) => self.rename_role(&shown(name), to),
            (K::Policy, ObjectRef::On(name, table)) => self.rename_policy(&name.value, table, to),
            (K::Rule, ObjectRef::On(name, table)) => self.rename_rule(&name.value, table, to),
            (K::Trigger, ObjectRef::On(name, table)) => self.rename_trigger(&name.value, table, to),
            (kind, ObjectRef::Name(name)) if super::definition::kind_of(kind).is_some() => {
                super::definition::kind_of(kind).map_or(Ok(()), |kind| self.rename_definition(kind, name, to))
            }
            (kind, _) => Err(Error::unsupported(format_args!("ALTER {kind:?} RENAME"))),
        }
    }

    /// 42809 when ALTER names another kind of relation. ALTER TABLE takes them all.
    fn check_renamed_kind(&mut self, kind: ObjectKind, relation: &Arc<Relation>) -> Result<Arc<Relation>> {
        let wrong =
            |noun: &str| Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not {noun}", relation.name)));
        let composite = matches!(relation.kind, RelationKind::Composite);
        if composite && kind == ObjectKind::Table {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is a composite type", relation.name))
                .hint("Use ALTER TYPE instead."));
        }
        self.check_not_system(relation)?;
        self.check_owner(relation)?;
        match (kind, &relation.kind) {
            (ObjectKind::View, RelationKind::View(_))
            | (ObjectKind::MaterializedView, RelationKind::MaterializedView(_))
            | (ObjectKind::Sequence, RelationKind::Sequence(_))
            | (ObjectKind::Table, _) => Ok(relation.clone()),
            // PostgreSQL lets ALTER INDEX rename anything but composite types.
            (ObjectKind::Index, _) => Ok(relation.clone()),
            (ObjectKind::ForeignTable, _) if relation.foreign.is_some() => Ok(relation.clone()),
            (ObjectKind::ForeignTable, _) => wrong("a foreign table"),
            (ObjectKind::View, _) => wrong("a view"),
            (ObjectKind::MaterializedView, _) => wrong("a materialized view"),
            _ => wrong("a sequence"),
        }
    }

    pub(super) fn check_not_system(&self, relation: &Relation) -> Result<()> {
        if matches!(relation.kind, RelationKind::Virtual) || relation.oid < Oid::FIRST_NORMAL {
            return Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied: \"{}\" is a system catalog", relation.name),
            ));
        }
        Ok(())
    }

    fn rename_relation(&mut self, relation: &Arc<Relation>, to: &str, kind: ObjectKind) -> Result<()> {
        let mode = match relation.index() {
            Some(_) if kind == ObjectKind::Index => dictdb_storage::LockMode::ShareUpdateExclusive,
            _ => dictdb_storage::LockMode::AccessExclusive,
        };
        self.lock(relation.oid, mode)?;
        let relation = self.table(relation.oid)?;
        if self.view().relation_in(relation.namespace, to).is_some() {
            return Err(super::create_table::already_exists(to));
        }
        if let Some(info) = relation.index() {
            self.put_relation(Relation { name: Arc::from(to), ..Relation::clone(&relation) });
            return self.rename_constraint_of_index(info.table, relation.oid, to);
        }
        self.renaming(&relation.name, |ddl| {
            ddl.put_relation(Relation { name: Arc::from(to), ..Relation::clone(&relation) });
            match relation.row_type.is_valid() {
                true => ddl.rename_type_object(relation.row_type, to),
                false => Ok(()),
            }
        })
    }

    /// A key's constraint is called like its index.
    fn rename_constraint_of_index(&mut self, table: Oid, index: Oid, to: &str) -> Result<()> {
        let relation = self.table(table)?;
        let of_index = relation.constraints.iter().find(|constraint| constraint.kind.index() == Some(index));
        match of_index.cloned() {
            Some(constraint) => {
                self.replace_constraint(table, Constraint { name: Arc::from(to), ..Constraint::clone(&constraint) })
            }
            None => Ok(()),
        }
    }

    fn rename_column(&mut self, relation: &Arc<Relation>, from: &str, rename: &Rename) -> Result<()> {
        let Rename { behavior, only, .. } = *rename;
        let (attribute, to) = (rename.kind == ObjectKind::Attribute, rename.to.value.as_str());
        let renamable = relation.is_stored()
            || relation.index().is_some()
            || matches!(relation.kind, RelationKind::View(_) | RelationKind::Composite);
        self.check_not_system(relation)?;
        if attribute && !matches!(relation.kind, RelationKind::Composite) {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{}\" is not a composite type", relation.name),
            ));
        }
        if !renamable {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("cannot rename columns of relation \"{}\"", relation.name),
            )
            .detail("This operation is not supported for sequences."));
        }
        if relation.of_type.is_valid() {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot rename column of typed table"));
        }
        self.check_owner(relation)?;
        self.lock(relation.oid, dictdb_storage::LockMode::AccessExclusive)?;
        let relation = self.table(relation.oid)?;
        if only && !relation.children.is_empty() {
            let message = format!("inherited column \"{from}\" must be renamed in child tables too");
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        let mut family = self.view().descendants(&relation);
        for follower in self.typed_tables(&relation, behavior)? {
            let follower = self.table(follower)?;
            family.extend(self.view().descendants(&follower));
        }
        self.renaming(from, |ddl| {
            // Descendants before those they inherit from.
            for member in family.iter().skip(1).chain(family.first()) {
                ddl.lock(member.oid, dictdb_storage::LockMode::AccessExclusive)?;
                let parents =
                    member.parents.iter().filter(|parent| family.iter().any(|other| other.oid == **parent)).count();
                let member = ddl.table(member.oid)?;
                ddl.rename_column_here(&member, from, to, parents as i32)?;
            }
            Ok(())
        })
    }

    fn rename_column_here(&mut self, relation: &Arc<Relation>, from: &str, to: &str, expected: i32) -> Result<()> {
        let Some((attnum, column)) = relation.column_named(from).map(|(n, c)| (n, c.clone())) else {
            if check_system_name(from).is_err() {
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("cannot rename system column \"{from}\""),
                ));
            }
            // PostgreSQL names no relation here.
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{from}\" does not exist")));
        };
        if column.inherited > expected {
            return Err(Error::new(
                SqlState::INVALID_TABLE_DEFINITION,
                format!("cannot rename inherited column \"{from}\""),
            ));
        }
        check_system_name(to)?;
        if relation.column_named(to).is_some() {
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{to}\" of relation \"{}\" already exists", relation.name),
            ));
        }
        let renamed = self.change_column(relation, attnum, |column| column.name = Arc::from(to))?;
        self.sync_row_type(&renamed)
    }

    fn rename_constraint(&mut self, relation: &Arc<Relation>, from: &str, to: &str, only: bool) -> Result<()> {
        self.check_owner(relation)?;
        self.lock(relation.oid, dictdb_storage::LockMode::AccessExclusive)?;
        let relation = self.table(relation.oid)?;
        let found = relation.constraints.iter().find(|constraint| *constraint.name == *from).cloned();
        let constraint = found.ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("constraint \"{from}\" for table \"{}\" does not exist", relation.name),
            )
        })?;
        let shared = matches!(constraint.kind, ConstraintKind::Check { .. }) && !constraint.no_inherit;
        if only && shared && !relation.children.is_empty() {
            let message = format!("inherited constraint \"{from}\" must be renamed in child tables too");
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        if constraint.inherited > 0 {
            return Err(Error::new(
                SqlState::INVALID_TABLE_DEFINITION,
                format!("cannot rename inherited constraint \"{from}\""),
            ));
        }
        if let Some(index) = constraint.kind.index() {
            let index = self.table(index)?;
            return self.rename_relation(&index, to, ObjectKind::TableConstraint);
        }
        let name = self.free_constraint_name(&relation, to)?;
        self.replace_constraint(relation.oid, Constraint { name, ..Constraint::clone(&constraint) })?;
        for child in relation.children.clone() {
            let child = self.table(child)?;
            if let Some(own) = child.constraints.iter().find(|c| *c.name == *from && c.inherited > 0).cloned() {
                self.replace_constraint(child.oid, Constraint { name: Arc::from(to), ..Constraint::clone(&own) })?;
            }
        }
        Ok(())
    }

    fn rename_domain_constraint(&mut self, domain: &ObjectName, from: &str, to: &str) -> Result<()> {
        let info = self.find_type(domain)?;
        let catalog = self.view();
        let Some(known) = catalog.domain(info.oid) else {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a domain", shown(domain))));
        };
        let mut changed = Domain::clone(known);
        if changed.checks.iter().any(|check| *check.name == *to) {
            return Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("constraint \"{to}\" for domain {} already exists", info.name),
            ));
        }
        let check: Option<&mut DomainCheck> = changed.checks.iter_mut().find(|check| *check.name == *from);
        match check {
            Some(check) => check.name = Arc::from(to),
            None => {
                return Err(Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("constraint \"{from}\" for domain {} does not exist", info.name),
                ));
            }
        }
        self.put(Object::Domain(Arc::new(changed)));
        Ok(())
    }

    fn rename_schema(&mut self, from: &str, to: &str) -> Result<()> {
        let found = self.view().schema_named(from).cloned();
        let schema = found
            .ok_or_else(|| Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{from}\" does not exist")))?;
        self.check_schema_owner(&schema)?;
        // The server finds its own objects by that name.
        if schema.oid == namespaces::DICTDB {
            let message = format!("cannot rename schema {from} because it is required by the database system");
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
        }
        if self.view().schema_named(to).is_some() {
            return Err(Error::new(SqlState::DUPLICATE_SCHEMA, format!("schema \"{to}\" already exists")));
        }
        if to.starts_with("pg_") {
            return Err(Error::new(SqlState::RESERVED_NAME, format!("unacceptable schema name \"{to}\""))
                .detail("The prefix \"pg_\" is reserved for system schemas."));
        }
        self.renaming(from, |ddl| {
            ddl.put(Object::Schema(Arc::new(Schema { name: Arc::from(to), ..Schema::clone(&schema) })));
            Ok(())
        })
    }

    fn rename_type(&mut self, name: &ObjectName, to: &str, domain: bool) -> Result<()> {
        let info = self.find_type(name)?;
        if domain && !matches!(info.kind, TypeKind::Domain(_)) {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{} is not a domain", shown(name))));
        }
        self.check_type_owner(&info)?;
        if info.relation.is_valid() {
            let relation = self.table(info.relation)?;
            if !matches!(relation.kind, RelationKind::Composite) {
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{} is a table's row type", info.name))
                    .hint("Use ALTER TABLE instead."));
            }
            return self.rename_relation(&relation, to, ObjectKind::Type);
        }
        if info.is_array() && info.element.is_valid() {
            let catalog = self.view();
            let element = self.shown_type(info.element, &catalog);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("cannot alter array type {element}[]"))
                .hint(format!("You can alter type {element}, which will alter the array type as well.")));
        }
        self.renaming(&info.name, |ddl| ddl.rename_type_object(info.oid, to))
    }

    /// Renames a type, and its array type with it.
    fn rename_type_object(&mut self, oid: Oid, to: &str) -> Result<()> {
        let info = self.type_info(oid)?;
        let taken = self.view().type_in(info.namespace, to).filter(|other| other.oid != oid);
        if taken.is_some_and(|taken| !self.move_array_type(&taken)) {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{to}\" already exists")));
        }
        self.put(Object::Type(Arc::new(TypeInfo { name: Arc::from(to), ..TypeInfo::clone(&info) })));
        if info.array.is_valid() {
            let array = self.type_info(info.array)?;
            let name = self.array_name(info.namespace, to);
            self.put(Object::Type(Arc::new(TypeInfo { name, ..TypeInfo::clone(&array) })));
        }
        Ok(())
    }
}

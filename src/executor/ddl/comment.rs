//! COMMENT ON.

use std::sync::Arc;

use dictdb_catalog::{Change, RelationKind};
use dictdb_parser::ast::ObjectName;
use dictdb_parser::utility::{Comment, ObjectKind, ObjectRef};
use dictdb_types::{Error, Oid, Result, Severity, SqlState};

use super::DdlContext;
use super::alter::missing_column;
use super::built_in::BuiltIn;
use super::names::{parts, shown};

/// `pg_class.oid` of the catalogs that comments are kept by.
pub(super) const CLASS: Oid = Oid(1259);
const CONSTRAINT: Oid = Oid(2606);
const NAMESPACE: Oid = Oid(2615);
const TYPE: Oid = Oid(1247);
const AUTHID: Oid = Oid(1260);
const DATABASE: Oid = Oid(1262);
const TRIGGER: Oid = Oid(2620);
const POLICY: Oid = Oid(3256);
/// `pg_rewrite`.
const RULE: Oid = Oid(2618);
const PROC: Oid = Oid(1255);
const OPERATOR: Oid = Oid(2617);
const CAST: Oid = Oid(2605);
const OPCLASS: Oid = Oid(2616);
const OPFAMILY: Oid = Oid(2753);
pub(super) const LARGE_OBJECT: Oid = Oid(2613);

impl DdlContext<'_> {
    pub(super) fn comment(&mut self, comment: &Comment) -> Result<()> {
        let Some((class, object, part)) = self.commented(comment)? else { return Ok(()) };
        let text = comment.text.as_deref().filter(|text| !text.is_empty()).map(Arc::from);
        self.change(Change::Comment((class, object, part), text));
        Ok(())
    }

    /// Forgets the comment on something that is gone.
    pub(super) fn clear_comment(&mut self, class: Oid, object: Oid, part: i32) {
        if self.view().comment(class, object, part).is_some() {
            self.change(Change::Comment((class, object, part), None));
        }
    }

    /// Catalog, object and part that a comment is on; `None` after a warning for a database that does not exist.
    pub(super) fn commented(&mut self, comment: &Comment) -> Result<Option<(Oid, Oid, i32)>> {
        use ObjectKind as K;
        let found = match (comment.kind, &comment.object) {
            (
                kind @ (K::Table | K::View | K::MaterializedView | K::Index | K::Sequence | K::ForeignTable),
                ObjectRef::Name(name),
            ) => self.commented_relation(kind, name).map(|oid| (CLASS, oid, 0)),
            (K::Column, ObjectRef::Name(name)) => self.commented_column(name),
            (K::Extension, ObjectRef::Name(name)) => self.commented_extension(&shown(name)),
            (K::TableConstraint, ObjectRef::On(name, table)) => {
                let relation = self.find_relation(table)?;
                if !self.has_privileges_of(relation.owner) {
                    return Err(super::ownership::not_owner("relation", &relation.name));
                }
                let found = relation.constraints.iter().find(|constraint| *constraint.name == *name.value);
                let constraint = found.ok_or_else(|| {
                    Error::new(
                        SqlState::UNDEFINED_OBJECT,
                        format!("constraint \"{}\" for table \"{}\" does not exist", name.value, shown(table)),
                    )
                })?;
                Ok((CONSTRAINT, constraint.oid, 0))
            }
            (K::Function | K::Procedure | K::Routine | K::Aggregate, ObjectRef::Function(function)) => {
                let routine = self.find_routine(comment.kind, function)??;
                self.check_routine_owner(&routine, &shown(&function.name))?;
                Ok((PROC, routine.oid, 0))
            }
            (K::Operator, ObjectRef::Operator(operator)) => {
                let oid = self.find_operator(operator)??;
                match self.view().operator(oid).cloned() {
                    Some(own) => self.check_operator_owner(&own)?,
                    None if self.is_superuser() => {}
                    None => return Err(super::ownership::not_owner("operator", &shown(&operator.name))),
                }
                Ok((OPERATOR, oid, 0))
            }
            (K::Cast, ObjectRef::Cast(source, target)) => match self.find_cast(source, target)?? {
                dictdb_catalog::Key::Cast(oid) => {
                    self.check_cast_droppable(oid)?;
                    Ok((CAST, oid, 0))
                }
                _ => Err(Error::internal("a cast that is none")),
            },
            (K::OperatorClass | K::OperatorFamily, ObjectRef::Using(name, method)) => {
                let key = self.find_class_or_family(name, method, comment.kind == K::OperatorFamily)??;
                self.check_class_owner(key)?;
                match key {
                    dictdb_catalog::Key::OperatorClass(oid) => Ok((OPCLASS, oid, 0)),
                    dictdb_catalog::Key::OperatorFamily(oid) => Ok((OPFAMILY, oid, 0)),
                    _ => Err(Error::internal("neither an operator class nor a family")),
                }
            }
            (kind @ (K::AccessMethod | K::Language), ObjectRef::Name(name))
                if BuiltIn::of(kind).is_some_and(|kind| kind.has(&shown(name))) =>
            {
                match BuiltIn::of(kind) {
                    Some(kind) => self.commented_builtin(kind, &shown(name)),
                    None => Err(Error::internal("no kind of built-in objects")),
                }
            }
            (kind, ObjectRef::Name(name)) if super::definition::kind_of(kind).is_some() => {
                let Some(kind) = super::definition::kind_of(kind) else {
                    return Err(Error::internal("no kind of definition"));
                };
                let own = self.own_definition(kind, name)?;
                Ok((kind.class(), own.oid, 0))
            }
            (K::Policy, ObjectRef::On(name, table)) => {
                self.commented_policy(&name.value, table).map(|oid| (POLICY, oid, 0))
            }
            (K::Rule, ObjectRef::On(name, table)) => self.commented_rule(&name.value, table).map(|oid| (RULE, oid, 0)),
            (K::Trigger, ObjectRef::On(name, table)) => {
                self.commented_trigger(&name.value, table).map(|oid| (TRIGGER, oid, 0))
            }
            (K::DomainConstraint, ObjectRef::On(name, domain)) => {
                let info = self.find_type(domain)?;
                self.check_type_owner(&info)?;
                let catalog = self.view();
                let found = catalog.domain(info.oid).and_then(|domain| {
                    domain.checks.iter().find(|check| *check.name == *name.value).map(|check| check.oid)
                });
                let oid = found.ok_or_else(|| {
                    Error::new(
                        SqlState::UNDEFINED_OBJECT,
                        format!("constraint \"{}\" for domain {} does not exist", name.value, shown(domain)),
                    )
                })?;
                Ok((CONSTRAINT, oid, 0))
            }
            (K::Schema, ObjectRef::Name(name)) => {
                let name = shown(name);
                let found = self.view().schema_named(&name).map(|schema| schema.oid);
                let missing = || Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist"));
                Ok((NAMESPACE, found.ok_or_else(missing)?, 0))
            }
            (K::Type | K::Domain, ObjectRef::Name(name)) => {
                let info = self.find_type(name)?;
                if comment.kind == K::Domain && !matches!(info.kind, dictdb_types::TypeKind::Domain(_)) {
                    return Err(Error::new(
                        SqlState::WRONG_OBJECT_TYPE,
                        format!("\"{}\" is not a domain", shown(name)),
                    ));
                }
                Ok((TYPE, info.oid, 0))
            }
            (K::Type | K::Domain, ObjectRef::Type(data_type)) => {
                let ty = self.bind_type(data_type)?;
                if comment.kind == K::Domain
                    && !matches!(self.type_info(ty.oid)?.kind, dictdb_types::TypeKind::Domain(_))
                {
                    let catalog = self.view();
                    return Err(Error::new(
                        SqlState::WRONG_OBJECT_TYPE,
                        format!("\"{}\" is not a domain", self.shown_type(ty.oid, &catalog)),
                    ));
                }
                Ok((TYPE, ty.oid, 0))
            }
            (K::Role, ObjectRef::Name(name)) => {
                let name = shown(name);
                let found = self.view().role_named(&name).map(|role| role.oid);
                let missing = || Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist"));
                Ok((AUTHID, found.ok_or_else(missing)?, 0))
            }
            (K::Database, ObjectRef::Name(name)) => {
                let name = shown(name);
                match self.databases.iter().find(|database| *database.name == *name) {
                    Some(database) => Ok((DATABASE, database.oid, 0)),
                    None => {
                        let message = format!("database \"{name}\" does not exist");
                        let warning = Error::with_severity(Severity::Warning, SqlState::UNDEFINED_DATABASE, message);
                        self.notices.push(warning);
                        return Ok(None);
                    }
                }
            }
            (K::LargeObject, ObjectRef::LargeObject(number)) => {
                self.owned_large_object(number).map(|object| (LARGE_OBJECT, object.oid, 0))
            }
            (kind, _) => Err(Error::unsupported(format_args!("COMMENT ON {kind:?}"))),
        };
        found.map(Some)
    }

    fn commented_relation(&mut self, kind: ObjectKind, name: &ObjectName) -> Result<Oid> {
        let relation = self.find_relation(name)?;
        let (fits, noun) = match kind {
            ObjectKind::Table => (relation.kind_noun() == "table", "a table"),
            ObjectKind::View => (matches!(relation.kind, RelationKind::View(_)), "a view"),
            ObjectKind::MaterializedView => {
                (matches!(relation.kind, RelationKind::MaterializedView(_)), "a materialized view")
            }
            ObjectKind::Index => (relation.index().is_some(), "an index"),
            ObjectKind::Sequence => (matches!(relation.kind, RelationKind::Sequence(_)), "a sequence"),
            _ => (relation.foreign.is_some(), "a foreign table"),
        };
        if !fits {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not {noun}", relation.name)));
        }
        self.check_owner(&relation)?;
        Ok(relation.oid)
    }

    fn commented_column(&mut self, name: &ObjectName) -> Result<(Oid, Oid, i32)> {
        let mut table = name.0.clone();
        let column = table.pop().and_then(|part| part.as_ident().cloned());
        let (Some(column), false) = (column, table.is_empty()) else {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "column name must be qualified"));
        };
        let table = ObjectName(table);
        let relation = self.find_relation(&table)?;
        self.check_owner(&relation)?;
        if !relation.is_stored()
            && !matches!(relation.kind, RelationKind::View(_) | RelationKind::Composite | RelationKind::Virtual)
        {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("cannot set comment on relation \"{}\"", relation.name),
            )
            .detail(format!(
                "This operation is not supported for {}s.",
                relation.kind_noun().replace("index", "indexe")
            )));
        }
        debug_assert!(!parts(&table).is_empty());
        match relation.column_named(&column.value) {
            Some((attnum, _)) => Ok((CLASS, relation.oid, attnum.into())),
            None => Err(missing_column(&relation, &column.value)),
        }
    }
}

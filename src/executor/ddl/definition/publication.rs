//! CREATE and ALTER PUBLICATION. What is published is part of the publication; nothing is sent anywhere, as with
//! PostgreSQL's `wal_level` below `logical`.

use std::sync::Arc;

use dictdb_catalog::{
    Definition, DefinitionBody, DefinitionKind, Dependency, Key, Persistence, PublicationInfo, PublishedTable,
    Relation, RelationKind,
};
use dictdb_parser::ast::{Ident, ObjectName};
use dictdb_parser::utility::{
    AlterPublication, CreatePublication, DefElem, DefValue, PublicationAction, PublicationObject, SourceExpr, TableRef,
};
use dictdb_parser::{Locations, position};
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, Severity, SqlState};

use super::super::DdlContext;

/// What a list of objects means.
#[derive(Default)]
struct Objects {
    tables: Vec<PublishedTable>,
    schemas: Vec<Oid>,
}

/// A table as a list has it.
struct Listed<'s> {
    relation: Arc<Relation>,
    columns: &'s [Ident],
    condition: Option<&'s SourceExpr>,
}

impl DdlContext<'_> {
    /// 42501 where not everybody may publish so much.
    fn check_publisher(&mut self, all_tables: bool, objects: &[PublicationObject]) -> Result<()> {
        if self.is_superuser() {
            return Ok(());
        }
        let what = match all_tables {
            true => "FOR ALL TABLES",
            false if objects.iter().any(|object| matches!(object, PublicationObject::Schema(_))) => {
                "FOR TABLES IN SCHEMA"
            }
            false => return Ok(()),
        };
        let message = format!("must be superuser to create {what} publication");
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    pub(in crate::ddl) fn create_publication(
        &mut self,
        create: &CreatePublication,
        locations: &Locations,
    ) -> Result<()> {
        self.check_database_create()?;
        self.check_publisher(create.all_tables, &create.objects)?;
        self.check_definition_free(DefinitionKind::Publication, Oid::INVALID, &create.name.value)?;
        let mut info = PublicationInfo {
            all_tables: create.all_tables,
            insert: true,
            update: true,
            delete: true,
            truncate: true,
            via_root: false,
            tables: Vec::new(),
            schemas: Vec::new(),
        };
        set_options(&mut info, &create.options)?;
        let objects = self.published_objects(&create.objects, locations)?;
        self.check_parts(&create.name.value, &objects.tables, !objects.schemas.is_empty(), info.via_root)?;
        info.tables = objects.tables;
        info.schemas = objects.schemas.into_iter().map(|schema| (self.new_oid(), schema)).collect();
        let name: Arc<str> = Arc::from(create.name.value.as_str());
        let key = self.new_definition(Oid::INVALID, name, DefinitionBody::Publication(info.clone()));
        if let Key::Definition(_, oid) = key {
            self.depend_publication(oid, &info)?;
        }
        let message = "wal_level is insufficient to publish logical changes";
        let warning = Error::with_severity(Severity::Warning, SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message);
        self.notices.push(warning.hint("Set wal_level to \"logical\" before creating subscriptions."));
        Ok(())
    }

    /// A table's columns that the list or the condition names cannot be dropped while it is published so.
    fn depend_publication(&mut self, oid: Oid, info: &PublicationInfo) -> Result<()> {
        for table in &info.tables {
            let own = Key::Published(oid, table.oid);
            self.undepend_all(own);
            self.depend(own, Key::Relation(table.relation), Dependency::Auto);
            let mut columns = table.columns.clone().unwrap_or_default();
            if let Some(condition) = &table.condition {
                let relation = self.table(table.relation)?;
                let path = [dictdb_catalog::namespaces::PG_CATALOG];
                let bound = self.with_path(&path, |cx| {
                    table_expr::bind_text(condition, &relation, TableExpr::PublicationRow, cx)
                })?;
                columns.extend(bound.columns.iter().copied());
                self.depend_on_calls(own, &bound.functions, &bound.operators);
                self.depend_on_types(own, &bound.types);
            }
            for attnum in columns {
                self.depend(own, Key::Column(table.relation, attnum), Dependency::Normal);
            }
        }
        Ok(())
    }

    /// Takes a table out of a publication.
    pub(in crate::ddl) fn drop_published(&mut self, publication: Oid, row: Oid) {
        let Some(own) = self.view().definition(publication).cloned() else { return };
        let Some(info) = own.publication() else { return };
        let mut info = info.clone();
        info.tables.retain(|table| table.oid != row);
        self.redefine(&own, DefinitionBody::Publication(info));
        self.remove(Key::Published(publication, row));
    }

    /// The tables and schemas a list means.
    fn published_objects(&mut self, objects: &[PublicationObject], locations: &Locations) -> Result<Objects> {
        let mut found = Objects::default();
        let mut listed: Vec<Listed<'_>> = Vec::new();
        for object in objects {
            match object {
                PublicationObject::Table { table, columns, condition } => {
                    let members = self.published_members(table)?;
                    for (at, relation) in members.into_iter().enumerate() {
                        let own = Listed { relation, columns, condition: condition.as_ref() };
                        match listed.iter().find(|known| known.relation.oid == own.relation.oid) {
                            Some(known) if at == 0 => check_repeated(known, &own)?,
                            Some(_) => {}
                            None => listed.push(own),
                        }
                    }
                }
                PublicationObject::Schema(schema) => {
                    let oid = self.published_schema(schema.as_ref())?;
                    if !found.schemas.contains(&oid) {
                        found.schemas.push(oid);
                    }
                }
            }
        }
        for own in listed {
            found.tables.push(self.published_table(&own.relation, own.columns, own.condition, locations)?);
        }
        Ok(found)
    }

    /// A table and, without ONLY, what inherits from it; partitions are published with their table.
    fn published_members(&mut self, table: &TableRef) -> Result<Vec<Arc<Relation>>> {
        let relation = self.find_relation(&table.name)?;
        self.lock(relation.oid, LockMode::ShareUpdateExclusive)?;
        let relation = self.table(relation.oid)?;
        let mut members = vec![relation.clone()];
        if !table.only && relation.partition_key.is_none() {
            let mut at = 0;
            while let Some(parent) = members.get(at).cloned() {
                for child in &parent.children {
                    let child = self.table(*child)?;
                    if !members.iter().any(|own| own.oid == child.oid) {
                        members.push(child);
                    }
                }
                at += 1;
            }
        }
        Ok(members)
    }

    fn published_table(
        &mut self,
        relation: &Arc<Relation>,
        columns: &[Ident],
        condition: Option<&SourceExpr>,
        locations: &Locations,
    ) -> Result<PublishedTable> {
        self.check_owner(relation)?;
        let refuse = |what: &str| {
            let message = format!("cannot add relation \"{}\" to publication", relation.name);
            let detail = format!("This operation is not supported for {what}.");
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).detail(detail))
        };
        match (&relation.kind, relation.persistence) {
            (RelationKind::Virtual, _) => return refuse("system tables"),
            (RelationKind::Table, _) if relation.foreign.is_some() => return refuse("foreign tables"),
            (RelationKind::Table, Persistence::Temporary) => return refuse("temporary tables"),
            (RelationKind::Table, Persistence::Unlogged) => return refuse("unlogged tables"),
            (RelationKind::Table, Persistence::Permanent) => {}
            _ => return refuse(&format!("{}s", relation.kind_noun()).replace("indexs", "indexes")),
        }
        let columns = match columns.is_empty() {
            true => None,
            false => Some(published_columns(relation, columns)?),
        };
        let condition = match condition {
            None => None,
            Some(condition) => {
                let bound = self.with_binding(|cx| {
                    table_expr::bind(&condition.expr, locations, relation, TableExpr::PublicationRow, cx)
                })?;
                Some(bound.text)
            }
        };
        Ok(PublishedTable { oid: self.new_oid(), relation: relation.oid, columns, condition })
    }

    fn published_schema(&mut self, schema: Option<&Ident>) -> Result<Oid> {
        let catalog = self.view();
        let oid = match schema {
            Some(schema) => self.schema_oid(&catalog, &schema.value)?,
            None => self.creation_schema.ok_or_else(|| {
                Error::new(SqlState::UNDEFINED_OBJECT, "no schema has been selected for CURRENT_SCHEMA")
            })?,
        };
        let Some(found) = catalog.schema(oid) else { return Err(Error::internal("a schema that is none")) };
        let what = match () {
            () if found.is_temporary() => "temporary schemas",
            () if oid < Oid::FIRST_NORMAL && &*found.name != "public" => "system schemas",
            () => return Ok(oid),
        };
        let message = format!("cannot add schema \"{}\" to publication", found.name);
        Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
            .detail(format!("This operation is not supported for {what}.")))
    }

    pub(in crate::ddl) fn alter_publication(&mut self, alter: &AlterPublication, locations: &Locations) -> Result<()> {
        let name = ObjectName::from(vec![alter.name.clone()]);
        let own = self.own_definition(DefinitionKind::Publication, &name)?;
        let Some(info) = own.publication() else { return Err(Error::internal("a publication that is none")) };
        let mut info = info.clone();
        let (objects, drops) = match &alter.action {
            PublicationAction::Options(options) => {
                set_options(&mut info, options)?;
                self.check_root_needed(&own.name, &info, options)?;
                self.redefine(&own, DefinitionBody::Publication(info));
                return Ok(());
            }
            PublicationAction::Add(objects) | PublicationAction::Set(objects) => (objects, false),
            PublicationAction::Drop(objects) => (objects, true),
        };
        self.check_changeable(&own.name, &info, objects, matches!(alter.action, PublicationAction::Drop(_)))?;
        match drops {
            true => self.unpublish(&mut info, objects)?,
            false => {
                let found = self.published_objects(objects, locations)?;
                self.publish(&own, &mut info, found, matches!(alter.action, PublicationAction::Set(_)))?;
            }
        }
        for table in own.publication().into_iter().flat_map(|before| &before.tables) {
            self.undepend_all(Key::Published(own.oid, table.oid));
        }
        self.redefine(&own, DefinitionBody::Publication(info.clone()));
        self.depend_publication(own.oid, &info)
    }

    /// 42501 and 55000 for what an ALTER cannot do to a publication.
    fn check_changeable(
        &mut self,
        name: &str,
        info: &PublicationInfo,
        objects: &[PublicationObject],
        drops: bool,
    ) -> Result<()> {
        let schemas = objects.iter().any(|object| matches!(object, PublicationObject::Schema(_)));
        if schemas && !drops && !self.is_superuser() {
            let message = "must be superuser to add or set schemas";
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        if !info.all_tables {
            return Ok(());
        }
        let what = if schemas { "Schemas" } else { "Tables" };
        let message = format!("publication \"{name}\" is defined as FOR ALL TABLES");
        let detail = format!("{what} cannot be added to or dropped from FOR ALL TABLES publications.");
        Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message).detail(detail))
    }

    /// Adds what is new; SET takes away what is not named.
    fn publish(&mut self, own: &Definition, info: &mut PublicationInfo, found: Objects, set: bool) -> Result<()> {
        let catalog = self.view();
        self.check_parts(&own.name, &found.tables, !found.schemas.is_empty(), info.via_root)?;
        let lists_columns = info.tables.iter().any(|table| table.columns.is_some());
        if !set && !found.schemas.is_empty() && lists_columns {
            let message = format!("cannot add schema to publication \"{}\"", own.name);
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).detail(
                "Schemas cannot be added if any tables that specify a column list are already part of the publication.",
            ));
        }
        if set {
            info.tables.retain(|known| {
                let same = |new: &&PublishedTable| {
                    new.relation == known.relation && new.columns == known.columns && new.condition == known.condition
                };
                found.tables.iter().any(|new| same(&new))
            });
            info.schemas.retain(|(_, schema)| found.schemas.contains(schema));
        }
        for schema in found.schemas {
            if info.schemas.iter().any(|(_, known)| *known == schema) {
                if set {
                    continue;
                }
                let schema = catalog.schema(schema).map_or("?", |schema| &schema.name);
                let message = format!("schema \"{schema}\" is already member of publication \"{}\"", own.name);
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
            }
            info.schemas.push((self.new_oid(), schema));
        }
        for table in found.tables {
            if info.tables.iter().any(|known| known.relation == table.relation) {
                if set {
                    continue;
                }
                let table = catalog.relation(table.relation).map_or("?", |relation| &relation.name);
                let message = format!("relation \"{table}\" is already member of publication \"{}\"", own.name);
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
            }
            info.tables.push(table);
        }
        self.check_parts(&own.name, &info.tables, !info.schemas.is_empty(), info.via_root)
    }

    /// 22023: lists of columns and whole schemas do not go together; neither those nor conditions are for a partitioned table
    /// that is published as its partitions.
    fn check_parts(
        &mut self,
        publication: &str,
        tables: &[PublishedTable],
        schemas: bool,
        via_root: bool,
    ) -> Result<()> {
        let catalog = self.view();
        let refuse =
            |message: String, detail: &str| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).detail(detail));
        for table in tables {
            let Some(relation) = catalog.relation(table.relation) else { continue };
            let divided = relation.is_partitioned() && !via_root;
            if table.condition.is_some() && divided {
                let message = format!("cannot use publication WHERE clause for relation \"{}\"", relation.name);
                let detail =
                    "WHERE clause cannot be used for a partitioned table when publish_via_partition_root is false.";
                return refuse(message, detail);
            }
            if table.columns.is_none() || !schemas && !divided {
                continue;
            }
            let schema = catalog.schema(relation.namespace).map_or("?", |schema| &schema.name);
            let message = format!(
                "cannot use column list for relation \"{schema}.{}\" in publication \"{publication}\"",
                relation.name
            );
            let detail = match schemas {
                true => "Column lists cannot be specified in publications containing FOR TABLES IN SCHEMA elements.",
                false => {
                    "Column lists cannot be specified for partitioned tables when publish_via_partition_root is false."
                }
            };
            return refuse(message, detail);
        }
        Ok(())
    }

    /// 22023 when `publish_via_partition_root` is turned off that a partitioned table needs.
    fn check_root_needed(&mut self, publication: &str, info: &PublicationInfo, options: &[DefElem]) -> Result<()> {
        let given = options.iter().any(|option| option.name.value == "publish_via_partition_root");
        if !given || info.via_root {
            return Ok(());
        }
        let catalog = self.view();
        for table in &info.tables {
            let what = match (&table.condition, &table.columns) {
                (Some(_), _) => "WHERE clause",
                (None, Some(_)) => "column list",
                (None, None) => continue,
            };
            let Some(relation) = catalog.relation(table.relation).filter(|relation| relation.is_partitioned()) else {
                continue;
            };
            let message = format!(
                "cannot set parameter \"publish_via_partition_root\" to false for publication \"{publication}\""
            );
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).detail(format!(
                "The publication contains a {what} for partitioned table \"{}\", which is not allowed when \
                 \"publish_via_partition_root\" is false.",
                relation.name
            )));
        }
        Ok(())
    }

    fn unpublish(&mut self, info: &mut PublicationInfo, objects: &[PublicationObject]) -> Result<()> {
        for object in objects {
            match object {
                PublicationObject::Table { table, columns, condition } => {
                    let members = self.published_members(table)?;
                    if !columns.is_empty() {
                        let message = "column list must not be specified in ALTER PUBLICATION ... DROP";
                        return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                    }
                    if condition.is_some() {
                        let message = "cannot use a WHERE clause when removing a table from a publication";
                        return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                    }
                    for relation in members {
                        let before = info.tables.len();
                        info.tables.retain(|known| known.relation != relation.oid);
                        if info.tables.len() == before {
                            let message = format!("relation \"{}\" is not part of the publication", relation.name);
                            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
                        }
                    }
                }
                PublicationObject::Schema(schema) => {
                    let oid = self.published_schema(schema.as_ref())?;
                    let before = info.schemas.len();
                    info.schemas.retain(|(_, known)| *known != oid);
                    if info.schemas.len() == before {
                        let name = self.view().schema(oid).map(|schema| schema.name.to_string()).unwrap_or_default();
                        let message = format!("tables from schema \"{name}\" are not part of the publication");
                        return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
                    }
                }
            }
        }
        Ok(())
    }

    /// 42501: the owner of a publication of everything is a superuser.
    pub(super) fn check_publication_owner(&mut self, name: &str, info: &PublicationInfo, owner: Oid) -> Result<()> {
        let what = match (info.all_tables, info.schemas.is_empty()) {
            (true, _) => "FOR ALL TABLES",
            (false, false) => "FOR TABLES IN SCHEMA",
            (false, true) => return Ok(()),
        };
        if self.is_superuser() || self.view().role(owner).is_none_or(|role| role.superuser) {
            return Ok(());
        }
        let message = format!("permission denied to change owner of publication \"{name}\"");
        let hint = format!("The owner of a {what} publication must be a superuser.");
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message).hint(hint))
    }

    /// A table or a schema is gone: nobody publishes it any more.
    pub(in crate::ddl) fn forget_published(&mut self, gone: Oid) {
        let catalog = self.view();
        for own in catalog.definitions() {
            let Some(info) = own.publication() else { continue };
            let mut changed = info.clone();
            changed.tables.retain(|table| table.relation != gone);
            changed.schemas.retain(|(_, schema)| *schema != gone);
            if changed.tables.len() != info.tables.len() || changed.schemas.len() != info.schemas.len() {
                for table in info.tables.iter().filter(|table| table.relation == gone) {
                    self.remove(Key::Published(own.oid, table.oid));
                }
                self.redefine(own, DefinitionBody::Publication(changed));
            }
        }
    }
}

/// Attnums of a list of columns, ascending. 42703, 42P10, 42710.
fn published_columns(relation: &Relation, columns: &[Ident]) -> Result<Vec<i16>> {
    let mut found = Vec::with_capacity(columns.len());
    for ident in columns {
        let Some((attnum, column)) = relation.column_named(&ident.value) else {
            if super::super::alter::check_system_name(&ident.value).is_err() {
                let message = format!("cannot use system column \"{}\" in publication column list", ident.value);
                return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message));
            }
            let message = format!("column \"{}\" of relation \"{}\" does not exist", ident.value, relation.name);
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
        };
        if column.generated {
            let message = format!("cannot use generated column \"{}\" in publication column list", ident.value);
            return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message));
        }
        if found.contains(&attnum) {
            let message = format!("duplicate column \"{}\" in publication column list", ident.value);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        found.push(attnum);
    }
    found.sort_unstable();
    Ok(found)
}

/// 42710 when a table is named twice with conditions or lists of columns.
fn check_repeated(known: &Listed<'_>, again: &Listed<'_>) -> Result<()> {
    let what = match () {
        () if again.condition.is_some() || known.condition.is_some() => "WHERE clauses",
        () if !again.columns.is_empty() || !known.columns.is_empty() => "column lists",
        () => return Ok(()),
    };
    let message = format!("conflicting or redundant {what} for table \"{}\"", again.relation.name);
    Err(Error::new(SqlState::DUPLICATE_OBJECT, message))
}

/// `publish` and `publish_via_partition_root`. 42601.
fn set_options(info: &mut PublicationInfo, options: &[DefElem]) -> Result<()> {
    let mut seen: Vec<&str> = Vec::new();
    for element in options {
        let name = element.name.value.as_str();
        if !matches!(name, "publish" | "publish_via_partition_root") {
            let message = format!("unrecognized publication parameter: \"{name}\"");
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
        if seen.contains(&name) {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options")
                .at(position::of_span(element.name.span)));
        }
        seen.push(name);
        match name {
            "publish" => set_actions(info, element)?,
            _ => info.via_root = flag(element)?,
        }
    }
    Ok(())
}

fn set_actions(info: &mut PublicationInfo, element: &DefElem) -> Result<()> {
    let text = match &element.value {
        Some(DefValue::String(text)) => text.clone(),
        Some(DefValue::Type(data_type)) => dictdb_parser::TypeName::of(data_type)
            .map(|name| name.names.iter().map(|ident| ident.value.as_str()).collect::<Vec<_>>().join("."))
            .unwrap_or_default(),
        Some(DefValue::Keyword(word) | DefValue::Number(word)) => word.clone(),
        _ => return Err(Error::new(SqlState::SYNTAX_ERROR, "publish requires a parameter")),
    };
    (info.insert, info.update, info.delete, info.truncate) = (false, false, false, false);
    for action in text.split(',').map(str::trim).filter(|action| !action.is_empty()) {
        match action.to_ascii_lowercase().as_str() {
            "insert" => info.insert = true,
            "update" => info.update = true,
            "delete" => info.delete = true,
            "truncate" => info.truncate = true,
            _ => {
                let message = format!("unrecognized value for publication option \"publish\": \"{action}\"");
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            }
        }
    }
    Ok(())
}

fn flag(element: &DefElem) -> Result<bool> {
    let text = match &element.value {
        None => return Ok(true),
        Some(DefValue::String(text) | DefValue::Keyword(text) | DefValue::Number(text)) => text.clone(),
        Some(DefValue::Type(data_type)) => dictdb_parser::TypeName::of(data_type)
            .and_then(|name| name.names.last().map(|ident| ident.value.clone()))
            .unwrap_or_default(),
        Some(_) => String::new(),
    };
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => {
            let message = format!("{} requires a Boolean value", element.name.value);
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}

//! DROP COLUMN, defaults, NOT NULL, and what every change of a column does.

use std::sync::Arc;

use dictdb_catalog::{Column, Dependency, IndexTarget, Key, Object, Relation, RelationKind};
use dictdb_parser::Locations;
use dictdb_parser::utility::{Behavior, SourceExpr};
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_types::{Datum, Error, Field, Oid, Result, SqlState, TypeInfo, TypeKind, oids};

use super::super::DdlContext;
use super::new_column::check_system_name;

impl DdlContext<'_> {
    /// The column an action names; 42703, and 0A000 for system columns.
    pub(in crate::ddl) fn column_to_alter(&mut self, relation: &Relation, name: &str) -> Result<(i16, Column)> {
        if let Some((attnum, column)) = relation.column_named(name) {
            return Ok((attnum, column.clone()));
        }
        if check_system_name(name).is_err() && !matches!(relation.kind, RelationKind::View(_)) {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot alter system column \"{name}\"")));
        }
        Err(missing_column(relation, name))
    }

    /// Puts a changed column in place of the old one.
    pub(in crate::ddl) fn change_column(
        &mut self,
        relation: &Arc<Relation>,
        attnum: i16,
        change: impl FnOnce(&mut Column),
    ) -> Result<Arc<Relation>> {
        let mut columns = relation.columns.to_vec();
        change(&mut columns[attnum as usize - 1]);
        Ok(self.put_relation(Relation { columns: columns.into(), ..Relation::clone(relation) }))
    }

    /// Tells a relation's row type what its columns are now.
    pub(in crate::ddl) fn sync_row_type(&mut self, relation: &Relation) -> Result<()> {
        if !relation.row_type.is_valid() {
            return Ok(());
        }
        let info = self.type_info(relation.row_type)?;
        let fields = relation.live_columns().map(|(_, c)| Field { name: c.name.clone(), ty: c.ty }).collect();
        self.put(Object::Type(Arc::new(TypeInfo { kind: TypeKind::Composite(fields), ..TypeInfo::clone(&info) })));
        Ok(())
    }

    pub(super) fn drop_column(
        &mut self,
        table: Oid,
        name: &str,
        if_exists: bool,
        behavior: Behavior,
        recurse: bool,
    ) -> Result<()> {
        let relation = self.table(table)?;
        let Some((attnum, column)) = relation.column_named(name).map(|(n, c)| (n, c.clone())) else {
            if check_system_name(name).is_err() {
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("cannot drop system column \"{name}\""),
                ));
            }
            let missing = missing_column(&relation, name);
            if if_exists {
                self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", missing.message()));
                return Ok(());
            }
            return Err(missing);
        };
        if column.inherited > 0 {
            return Err(Error::new(
                SqlState::INVALID_TABLE_DEFINITION,
                format!("cannot drop inherited column \"{name}\""),
            ));
        }
        refuse_key_column(&relation, attnum, "drop")?;
        if !recurse && relation.is_partitioned() && !relation.children.is_empty() {
            let message = "cannot drop column from only the partitioned table when partitions exist";
            return Err(
                Error::new(SqlState::INVALID_TABLE_DEFINITION, message).hint("Do not specify the ONLY keyword.")
            );
        }
        let mut doomed = Vec::new();
        for child in relation.children.clone() {
            self.drop_inherited_column(child, name, recurse, &mut doomed)?;
        }
        doomed.push(Key::Column(table, attnum));
        self.drop_keys(&doomed, behavior)
    }

    /// A parent's column is gone: so is the child's, unless it is defined there too. Those to be dropped are put to `doomed`.
    fn drop_inherited_column(&mut self, child: Oid, name: &str, recurse: bool, doomed: &mut Vec<Key>) -> Result<()> {
        self.lock(child, dictdb_storage::LockMode::AccessExclusive)?;
        let relation = self.table(child)?;
        let Some((attnum, column)) = relation.column_named(name).map(|(n, c)| (n, c.clone())) else { return Ok(()) };
        if !recurse || column.inherited > 1 || column.local {
            return self
                .change_column(&relation, attnum, |column| {
                    column.inherited -= 1;
                    column.local |= !recurse;
                })
                .map(drop);
        }
        refuse_key_column(&relation, attnum, "drop")?;
        for grandchild in relation.children.clone() {
            self.drop_inherited_column(grandchild, name, recurse, doomed)?;
        }
        doomed.push(Key::Column(child, attnum));
        Ok(())
    }

    /// Marks a column as dropped; its values go when the transaction commits.
    pub(in crate::ddl) fn remove_column(&mut self, table: Oid, attnum: i16) -> Result<()> {
        let Some(relation) = self.view().relation(table).cloned() else { return Ok(()) };
        let Some(column) = relation.column(attnum) else { return Ok(()) };
        if relation.is_stored() {
            self.own.lock().changes.dropped_column(relation.storage, column.slot);
        }
        let relation = self.reshaping(&relation.name, |ddl| {
            ddl.change_column(&relation, attnum, |column| {
                column.name = Arc::from(format!("........pg.dropped.{attnum}........"));
                column.dropped = true;
                column.not_null = false;
                column.default = None;
                column.identity = None;
                column.generated = false;
                column.missing = Datum::Null;
                column.acl = None;
            })
        })?;
        self.remove(Key::Default(table, attnum));
        self.remove(Key::Column(table, attnum));
        self.clear_comment(super::super::comment::CLASS, table, attnum.into());
        self.sync_row_type(&relation)
    }

    /// A default goes because something it uses goes.
    pub(in crate::ddl) fn remove_default(&mut self, table: Oid, attnum: i16) -> Result<()> {
        self.remove(Key::Default(table, attnum));
        let Some(relation) = self.view().relation(table).cloned() else { return Ok(()) };
        if relation.column(attnum).is_none() {
            return Ok(());
        }
        self.change_column(&relation, attnum, |column| column.default = None).map(drop)
    }

    pub(super) fn set_default(
        &mut self,
        table: Oid,
        name: &str,
        default: Option<&SourceExpr>,
        recurse: bool,
        locations: &Locations,
    ) -> Result<()> {
        let relation = self.table(table)?;
        let (attnum, column) = self.column_to_alter(&relation, name)?;
        if column.identity.is_some() {
            let error = Error::new(
                SqlState::SYNTAX_ERROR,
                format!("column \"{name}\" of relation \"{}\" is an identity column", relation.name),
            );
            return Err(match default {
                Some(_) => error,
                None => error.hint("Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead."),
            });
        }
        if column.generated {
            let error = Error::new(
                SqlState::SYNTAX_ERROR,
                format!("column \"{name}\" of relation \"{}\" is a generated column", relation.name),
            );
            return Err(match default {
                Some(_) => error,
                None => error.hint("Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead."),
            });
        }
        let text = match default {
            Some(source) => self.column_expression(source, locations, &relation, &column)?,
            None => None,
        };
        self.remove(Key::Default(table, attnum));
        self.change_column(&relation, attnum, |column| column.default = text)?;
        self.depend_default(table, attnum)?;
        if recurse {
            for child in relation.children.clone() {
                self.set_default(child, name, default, true, locations)?;
            }
        }
        Ok(())
    }

    /// Records what a column's default uses: sequences, functions, other columns.
    pub(in crate::ddl) fn depend_default(&mut self, table: Oid, attnum: i16) -> Result<()> {
        let relation = self.table(table)?;
        let Some(column) = relation.column(attnum) else { return Ok(()) };
        let Some(text) = column.default.clone() else { return Ok(()) };
        let purpose = match column.generated {
            true => TableExpr::Generated(column.ty),
            false => TableExpr::Default(column.ty),
        };
        let path = [dictdb_catalog::namespaces::PG_CATALOG];
        let bound = self.with_path(&path, |cx| table_expr::bind_text(&text, &relation, purpose, cx))?;
        let owned = column.identity.is_some();
        let mut used = Vec::new();
        bound.expr.any(&mut |e| {
            if let dictdb_planner::expr::Expr::Const(Datum::Oid(oid), ty) = e
                && ty.oid == oids::REGCLASS
            {
                used.push(Key::Relation(Oid(*oid)));
            }
            false
        });
        for key in used {
            if !owned {
                self.depend(Key::Default(table, attnum), key, Dependency::Normal);
            }
        }
        let owner = match column.generated {
            true => Key::Column(table, attnum),
            false => Key::Default(table, attnum),
        };
        for function in bound.functions {
            self.depend(owner, Key::Function(function), Dependency::Normal);
        }
        self.depend_on_types(owner, &bound.types);
        for other in bound.columns {
            self.depend(Key::Column(table, attnum), Key::Column(table, other), Dependency::Normal);
        }
        Ok(())
    }

    pub(super) fn set_column_not_null(&mut self, table: Oid, name: &str, not_null: bool, recurse: bool) -> Result<()> {
        let relation = self.table(table)?;
        let (attnum, column) = self.column_to_alter(&relation, name)?;
        if !not_null {
            if !recurse && relation.is_partitioned() && !relation.children.is_empty() {
                let message = "cannot remove constraint from only the partitioned table when partitions exist";
                return Err(
                    Error::new(SqlState::INVALID_TABLE_DEFINITION, message).hint("Do not specify the ONLY keyword.")
                );
            }
            self.refuse_nullable(&relation, attnum, &column)?;
        } else if !recurse {
            self.require_not_null_in_partitions(&relation, &[attnum])?;
        }
        let children = if recurse { relation.children.clone() } else { Vec::new() };
        if not_null {
            children.iter().try_for_each(|child| self.set_column_not_null(*child, name, true, true))?;
        }
        if column.not_null != not_null {
            if not_null && self.has_null(&relation, attnum as usize - 1)? {
                return Err(self.contains_null(&relation, name));
            }
            self.change_column(&relation, attnum, |column| column.not_null = not_null)?;
        }
        // What a partition may have depends on what its parent has now.
        if !not_null {
            children.iter().try_for_each(|child| self.set_column_not_null(*child, name, false, true))?;
        }
        Ok(())
    }

    /// DROP NOT NULL of identity and primary key columns.
    fn refuse_nullable(&mut self, relation: &Relation, attnum: i16, column: &Column) -> Result<()> {
        if column.identity.is_some() {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                format!("column \"{}\" of relation \"{}\" is an identity column", column.name, relation.name),
            ));
        }
        let catalog = self.view();
        let keys = relation.indexes.iter().filter_map(|oid| catalog.relation(*oid)?.index().cloned());
        for info in keys {
            let includes = info.keys.iter().any(|key| key.target == dictdb_catalog::IndexTarget::Column(attnum));
            let what = match info.primary {
                true => "a primary key",
                false if self.is_replica_identity(relation, &info) => "index used as replica identity",
                false => continue,
            };
            if includes {
                return Err(Error::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    format!("column \"{}\" is in {what}", column.name),
                ));
            }
        }
        for parent in &relation.parents {
            let parent = self.table(*parent)?;
            let inherited = parent.column_named(&column.name).is_some_and(|(_, c)| c.not_null);
            if inherited && parent.is_partitioned() {
                return Err(Error::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    format!("column \"{}\" is marked NOT NULL in parent table", column.name),
                ));
            }
        }
        Ok(())
    }

    fn is_replica_identity(&self, relation: &Relation, info: &dictdb_catalog::IndexInfo) -> bool {
        let dictdb_catalog::ReplicaIdentity::Index(oid) = relation.replica_identity else { return false };
        relation.oid == info.table && relation.indexes.contains(&oid)
    }

    /// 0A000 when another table has columns of a composite type or of a table's row type that is about to change. Where
    /// only the number of fields changes, a table without rows does not mind.
    pub(in crate::ddl) fn refuse_change_of_used_type(&mut self, relation: &Relation, unless_empty: bool) -> Result<()> {
        if !relation.row_type.is_valid() {
            return Ok(());
        }
        let catalog = self.view();
        let array = self.type_info(relation.row_type)?.array;
        let uses = |ty: Oid| ty == relation.row_type || ty == array && array.is_valid();
        let users = catalog.relations().filter(|other| other.is_stored());
        for user in users {
            let Some((_, column)) = user.live_columns().find(|(_, column)| uses(column.ty.oid)) else { continue };
            if unless_empty && !self.has_rows(user)? {
                continue;
            }
            let (noun, what) = match relation.kind {
                RelationKind::Composite => ("type", "it"),
                _ => ("table", "its row type"),
            };
            let place = format!("{}.{}", user.name, column.name);
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot alter {noun} \"{}\" because column \"{place}\" uses {what}", relation.name),
            ));
        }
        Ok(())
    }
}

/// 42703 of ALTER.
pub(in crate::ddl) fn missing_column(relation: &Relation, name: &str) -> Error {
    Error::new(
        SqlState::UNDEFINED_COLUMN,
        format!("column \"{name}\" of relation \"{}\" does not exist", relation.name),
    )
}

/// 42P16 for a column that decides which partition a row is in.
pub(super) fn refuse_key_column(relation: &Relation, attnum: i16, verb: &str) -> Result<()> {
    let Some(key) = &relation.partition_key else { return Ok(()) };
    let name = relation.column(attnum).map_or("?", |column| &*column.name);
    let by_name = key.columns.iter().any(|column| column.target == IndexTarget::Column(attnum));
    let in_expression = key.columns.iter().any(|column| match &column.target {
        IndexTarget::Expression(text) => dictdb_planner::table_expr::mentions(text, name),
        IndexTarget::Column(_) => false,
    });
    if !by_name && !in_expression {
        return Ok(());
    }
    let message = format!(
        "cannot {verb} column \"{name}\" because it is part of the partition key of relation \"{}\"",
        relation.name
    );
    Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message))
}

//! Actions that set something and look at no row: statistics, storage, options, CLUSTER ON, REPLICA IDENTITY, LOGGED,
//! row security, inheritance, typed tables.

use std::sync::Arc;

use dictdb_catalog::{IndexInfo, IndexKey, IndexTarget, Persistence, Relation, RelationKind, ReplicaIdentity};
use dictdb_parser::Locations;
use dictdb_parser::utility::{self, AlterTableAction as Action, ColumnRef, RowSecurity};
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::super::DdlContext;
use super::super::definition::changed_options;
use super::super::options::{self, Target};
use super::column::missing_column;

/// Highest statistics target.
const MAX_STATISTICS: i64 = 10_000;

impl DdlContext<'_> {
    pub(super) fn alter_setting(
        &mut self,
        table: Oid,
        action: &Action,
        recurse: bool,
        locations: &Locations,
    ) -> Result<()> {
        let relation = self.table(table)?;
        match action {
            Action::SetStatistics { column, target } => {
                let mode = LockMode::ShareUpdateExclusive;
                self.each_member(&relation, recurse, mode, |ddl, own| ddl.set_statistics(own, column, *target))
            }
            Action::SetStorage { column, storage } => {
                let mode = LockMode::AccessExclusive;
                self.each_member(&relation, recurse, mode, |ddl, own| {
                    ddl.set_storage(own, &column.value, &storage.value)
                })
            }
            Action::SetCompression { column, method } => self.set_compression(&relation, &column.value, &method.value),
            Action::SetColumnOptions { column, options, reset } => {
                let (attnum, old) = self.column_to_alter(&relation, &column.value)?;
                let new = options::changed(&old.options, options, *reset, Target::Column)?;
                self.change_column(&relation, attnum, |column| column.options = new).map(drop)
            }
            Action::SetOptions { options, reset } => {
                let target = Target::of(&relation)?;
                options::refuse_for_partitioned(&relation, options, *reset)?;
                let new = options::changed(&relation.options, options, *reset, target)?;
                self.apply_options(&relation, new)
            }
            Action::ForeignOptions(changes) => self.change_foreign_options(&relation, changes),
            Action::ColumnForeignOptions(column, changes) => {
                let (attnum, old) = self.column_to_alter(&relation, &column.value)?;
                let new = changed_options(&old.foreign_options, changes)?;
                self.validate_foreign(&relation, Some(&new))?;
                self.change_column(&relation, attnum, |column| column.foreign_options = new).map(drop)
            }
            Action::ClusterOn(index) => self.cluster_on(&relation, index.as_ref().map(|index| index.value.as_str())),
            Action::SetWithoutOids => Ok(()),
            Action::SetAccessMethod(method) => self.set_table_method(&relation, method),
            Action::SetTablespace(space) => self.set_tablespace(&relation, &space.value),
            Action::SetLogged(logged) => self.set_logged(&relation, *logged),
            Action::ReplicaIdentity(identity) => self.set_replica_identity(&relation, identity),
            Action::RowSecurity(security) => {
                let mut changed = Relation::clone(&relation);
                match security {
                    RowSecurity::Enable => changed.row_security = true,
                    RowSecurity::Disable => changed.row_security = false,
                    RowSecurity::Force => changed.force_row_security = true,
                    RowSecurity::NoForce => changed.force_row_security = false,
                }
                self.put_relation(changed);
                Ok(())
            }
            Action::OfType(None) => self.make_untyped(&relation),
            Action::OfType(Some(name)) => self.make_typed(&relation, name),
            Action::Inherit(parent, true) => self.inherit(&relation, parent),
            Action::Inherit(parent, false) => self.disinherit(&relation, parent),
            Action::Trigger { which, mode } => self.set_firing(&relation, which, *mode, recurse),
            Action::Rule { name, mode } => self.set_rule_firing(&relation, &name.value, *mode),
            Action::AttachPartition(name, None) => self.attach_index_named(&relation, name),
            Action::AttachPartition(name, Some(bound)) => self.attach_partition(&relation, name, bound, locations),
            Action::DetachPartition(name, how) => self.detach_partition(&relation, name, *how),
            _ => Err(Error::internal("an action without a place")),
        }
    }

    /// Options that mean something to the catalog beyond being there.
    fn apply_options(&mut self, relation: &Arc<Relation>, new: Vec<Arc<str>>) -> Result<()> {
        let mut changed = Relation::clone(relation);
        changed.options = new;
        if changed.ttl_micros() != relation.ttl_micros() {
            self.remove_expired(relation)?;
        }
        if let RelationKind::View(info) = &changed.kind {
            let mut info = dictdb_catalog::ViewInfo::clone(info);
            info.check_option = options::check_option(&changed.options);
            if info.check_option.is_some() {
                self.require_updatable(relation)?;
            }
            changed.kind = RelationKind::View(Arc::new(info));
        }
        self.put_relation(changed);
        self.settle_expiry(relation.oid)
    }

    /// Changes a table and, if asked to, those that inherit from it.
    fn each_member(
        &mut self,
        relation: &Arc<Relation>,
        recurse: bool,
        mode: LockMode,
        change: impl Fn(&mut Self, &Arc<Relation>) -> Result<()>,
    ) -> Result<()> {
        change(self, relation)?;
        if !recurse || relation.index().is_some() {
            return Ok(());
        }
        for member in self.view().descendants(relation).iter().skip(1) {
            self.lock(member.oid, mode)?;
            let member = self.table(member.oid)?;
            change(self, &member)?;
        }
        Ok(())
    }

    fn set_statistics(&mut self, relation: &Arc<Relation>, column: &ColumnRef, target: i64) -> Result<()> {
        let attnum = match column {
            ColumnRef::Name(_) if relation.index().is_some() => {
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot refer to index columns by name"));
            }
            ColumnRef::Name(name) => self.column_to_alter(relation, &name.value)?.0,
            ColumnRef::Number(_) if relation.index().is_none() => {
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot refer to non-index column by number"));
            }
            ColumnRef::Number(number) => i16::try_from(*number).unwrap_or(i16::MAX),
        };
        if target < -1 {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("statistics target {target} is too low"),
            ));
        }
        if target > MAX_STATISTICS {
            let warning = Error::with_severity(
                dictdb_types::Severity::Warning,
                SqlState::INVALID_PARAMETER_VALUE,
                format!("lowering statistics target to {MAX_STATISTICS}"),
            );
            self.notices.push(warning);
        }
        if let Some(info) = relation.index() {
            let place = usize::try_from(attnum - 1).unwrap_or(usize::MAX);
            let catalog = self.view();
            let own = |attnum: i16| {
                let table = catalog.relation(info.table);
                table.and_then(|table| table.column(attnum).map(|column| column.name.to_string())).unwrap_or_default()
            };
            let included = place.checked_sub(info.keys.len()).and_then(|place| info.include.get(place));
            return match info.keys.get(place) {
                None if included.is_some() => Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!(
                        "cannot alter statistics on included column \"{}\" of index \"{}\"",
                        included.map(|attnum| own(*attnum)).unwrap_or_default(),
                        relation.name
                    ),
                )),
                None => Err(Error::new(
                    SqlState::UNDEFINED_COLUMN,
                    format!("column number {attnum} of relation \"{}\" does not exist", relation.name),
                )),
                Some(IndexKey { target: IndexTarget::Column(column), .. }) => Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!(
                        "cannot alter statistics on non-expression column \"{}\" of index \"{}\"",
                        own(*column),
                        relation.name
                    ),
                )
                .hint("Alter statistics on table column instead.")),
                Some(_) => {
                    let mut info = IndexInfo::clone(info);
                    info.keys[place].statistics = (target >= 0).then(|| target.min(MAX_STATISTICS) as i32);
                    let kind = RelationKind::Index(Arc::new(info));
                    self.put_relation(Relation { kind, ..Relation::clone(relation) });
                    Ok(())
                }
            };
        }
        self.change_column(relation, attnum, |column| column.statistics = target.min(MAX_STATISTICS) as i32).map(drop)
    }

    fn set_storage(&mut self, relation: &Arc<Relation>, name: &str, storage: &str) -> Result<()> {
        let letter = match storage.to_ascii_lowercase().as_str() {
            "plain" => b'p',
            "external" => b'e',
            "extended" => b'x',
            "main" => b'm',
            _ => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("invalid storage type \"{storage}\""),
                ));
            }
        };
        let (attnum, column) = self.column_to_alter(relation, name)?;
        let info = self.type_info(column.ty.oid)?;
        if letter != b'p' && info.len != -1 {
            let catalog = self.view();
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("column data type {} can only have storage PLAIN", self.shown_type(column.ty.oid, &catalog)),
            ));
        }
        self.change_column(relation, attnum, |column| column.storage = Some(letter)).map(drop)
    }

    fn set_compression(&mut self, relation: &Arc<Relation>, name: &str, method: &str) -> Result<()> {
        let (attnum, column) = self.column_to_alter(relation, name)?;
        let letter = self.compression_letter(column.ty.oid, method)?;
        self.change_column(relation, attnum, |column| column.compression = letter).map(drop)
    }

    /// `attcompression` of a COMPRESSION clause; 22023 for methods there are not, 0A000 for types without.
    pub(in crate::ddl) fn compression_letter(&mut self, ty: Oid, method: &str) -> Result<Option<u8>> {
        let letter = match method {
            "default" => return Ok(None),
            "pglz" => b'p',
            "lz4" => b'l',
            other => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("invalid compression method \"{other}\""),
                ));
            }
        };
        if self.type_info(ty)?.len != -1 {
            let catalog = self.view();
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("column data type {} does not support compression", self.shown_type(ty, &catalog)),
            ));
        }
        Ok(Some(letter))
    }

    pub(in crate::ddl) fn cluster_on(&mut self, relation: &Arc<Relation>, index: Option<&str>) -> Result<()> {
        if relation.is_partitioned() {
            let message = "cannot mark index clustered in partitioned table";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let clustered_on = match index {
            None => Oid::INVALID,
            Some(name) => {
                let found = self.view().relation_in(relation.namespace, name).cloned();
                let index = found.ok_or_else(|| {
                    Error::new(
                        SqlState::UNDEFINED_OBJECT,
                        format!("index \"{name}\" for table \"{}\" does not exist", relation.name),
                    )
                })?;
                self.check_clusterable(relation, &index)?;
                index.oid
            }
        };
        self.put_relation(Relation { clustered_on, ..Relation::clone(relation) });
        Ok(())
    }

    pub(in crate::ddl) fn check_clusterable(&mut self, relation: &Relation, index: &Relation) -> Result<()> {
        let Some(info) = index.index().filter(|info| info.table == relation.oid) else {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{}\" is not an index for table \"{}\"", index.name, relation.name),
            ));
        };
        if info.method != dictdb_catalog::IndexMethod::Btree {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot cluster on index \"{}\" because access method does not support clustering", index.name),
            ));
        }
        if info.predicate.is_some() {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot cluster on partial index \"{}\"", index.name),
            ));
        }
        if info.invalid {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot cluster on invalid index \"{}\"", index.name),
            ));
        }
        Ok(())
    }

    fn set_logged(&mut self, relation: &Arc<Relation>, logged: bool) -> Result<()> {
        if relation.persistence == Persistence::Temporary {
            return Err(Error::new(
                SqlState::INVALID_TABLE_DEFINITION,
                format!("cannot change logged status of table \"{}\" because it is temporary", relation.name),
            ));
        }
        let persistence = if logged { Persistence::Permanent } else { Persistence::Unlogged };
        self.check_reference_persistence(relation, logged)?;
        let mut with_parts = relation.indexes.clone();
        with_parts.push(relation.oid);
        with_parts.extend(self.sequences_of(relation.oid));
        for oid in with_parts {
            let part = self.table(oid)?;
            self.put_relation(Relation { persistence, ..Relation::clone(&part) });
        }
        if relation.persistence != persistence && relation.is_stored() {
            // The rows go into the log, or have their last record there.
            let changed = self.table(relation.oid)?;
            self.before_rewrite(changed.oid, 1)?;
            self.rewrite_table(&changed, changed.columns.to_vec(), &[])?;
        }
        Ok(())
    }

    /// A logged table must not refer to an unlogged one.
    fn check_reference_persistence(&mut self, relation: &Relation, logged: bool) -> Result<()> {
        let mut others: Vec<Oid> = Vec::new();
        if logged {
            others.extend(relation.constraints.iter().filter_map(|constraint| match &constraint.kind {
                dictdb_catalog::ConstraintKind::Foreign(key) => Some(key.referenced),
                _ => None,
            }));
        } else {
            others.extend(relation.referenced_by.iter().map(|(table, _)| *table));
        }
        for other in others.into_iter().filter(|other| *other != relation.oid) {
            let other = self.table(other)?;
            let permanent = other.persistence == Persistence::Permanent;
            if permanent != logged {
                let (own, words) = match logged {
                    true => ("logged", "references unlogged table"),
                    false => ("unlogged", "references logged table"),
                };
                return Err(Error::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    format!(
                        "could not change table \"{}\" to {own} because it {words} \"{}\"",
                        relation.name, other.name
                    ),
                ));
            }
        }
        Ok(())
    }

    fn set_replica_identity(&mut self, relation: &Arc<Relation>, identity: &utility::ReplicaIdentity) -> Result<()> {
        let replica_identity = match identity {
            utility::ReplicaIdentity::Default => ReplicaIdentity::Default,
            utility::ReplicaIdentity::Full => ReplicaIdentity::Full,
            utility::ReplicaIdentity::Nothing => ReplicaIdentity::Nothing,
            utility::ReplicaIdentity::Index(name) => ReplicaIdentity::Index(self.replica_index(relation, &name.value)?),
        };
        self.put_relation(Relation { replica_identity, ..Relation::clone(relation) });
        Ok(())
    }

    fn replica_index(&mut self, relation: &Relation, name: &str) -> Result<Oid> {
        let found = self.view().relation_in(relation.namespace, name).cloned();
        let index = found.ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("index \"{name}\" for table \"{}\" does not exist", relation.name),
            )
        })?;
        let refuse = |message: String| Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        let Some(info) = index.index().filter(|info| info.table == relation.oid) else {
            return refuse(format!("\"{name}\" is not an index for table \"{}\"", relation.name));
        };
        if !info.unique {
            return refuse(format!("cannot use non-unique index \"{name}\" as replica identity"));
        }
        if info.deferrable {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot use non-immediate index \"{name}\" as replica identity"),
            ));
        }
        if info.keys.iter().any(|key| matches!(key.target, dictdb_catalog::IndexTarget::Expression(_))) {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot use expression index \"{name}\" as replica identity"),
            ));
        }
        if info.predicate.is_some() {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot use partial index \"{name}\" as replica identity"),
            ));
        }
        for key in &info.keys {
            let dictdb_catalog::IndexTarget::Column(attnum) = key.target else { continue };
            let column = relation.column(attnum).ok_or_else(|| missing_column(relation, "?"))?;
            if !column.not_null {
                return refuse(format!(
                    "index \"{name}\" cannot be used as replica identity because column \"{}\" is nullable",
                    column.name
                ));
            }
        }
        Ok(index.oid)
    }
}

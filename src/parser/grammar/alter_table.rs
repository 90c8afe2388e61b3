//! `ALTER TABLE` and the actions other relations share with it.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::Ident;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{
    AlterTable, AlterTableAction, Behavior, ColumnRef, Detach, FiringMode, ObjectKind, ObjectRef, RelationKind, Rename,
    ReplicaIdentity, RowSecurity, SequenceOption, SetSchema, TableRef, TriggerSelection, Utility,
};

impl Parser<'_> {
    /// `ALTER TABLE/INDEX/SEQUENCE/VIEW/MATERIALIZED VIEW/FOREIGN TABLE …`, after these words.
    pub(super) fn alter_relation(&mut self, kind: RelationKind) -> Result<Utility> {
        if self.is_word(K::All) && self.nth(1).keyword == K::In {
            return self.move_tablespace(kind);
        }
        let if_exists = self.if_exists()?;
        let table = match kind {
            RelationKind::Table | RelationKind::ForeignTable => self.table_ref()?,
            _ => TableRef { name: self.qualified_name()?, only: false },
        };
        match self.keyword() {
            K::Rename => self.rename_relation(kind, if_exists, table),
            K::Set if self.nth(1).keyword == K::Schema => {
                self.at += 2;
                let schema = self.col_id()?;
                let (kind, object) = (object_kind(kind), ObjectRef::Name(table.name));
                Ok(Utility::SetSchema(SetSchema { kind, object, if_exists, schema }))
            }
            K::Depends => self.unsupported("ALTER … DEPENDS ON EXTENSION"),
            K::No if self.nth(1).keyword == K::Depends => self.unsupported("ALTER … DEPENDS ON EXTENSION"),
            K::Attach | K::Detach => {
                let actions = vec![self.partition_action()?];
                Ok(Utility::AlterTable(Box::new(AlterTable { kind, if_exists, table, actions })))
            }
            _ => {
                let actions = self.list(Self::table_action)?;
                Ok(Utility::AlterTable(Box::new(AlterTable { kind, if_exists, table, actions })))
            }
        }
    }

    /// `RENAME TO`, `RENAME COLUMN`, `RENAME CONSTRAINT`.
    fn rename_relation(&mut self, relation: RelationKind, if_exists: bool, table: TableRef) -> Result<Utility> {
        self.advance();
        let only = table.only;
        let object = ObjectRef::Name(table.name);
        let behavior = Behavior::Restrict;
        if self.eat_word(K::To) {
            let to = self.col_id()?;
            return Ok(Utility::Rename(Rename { if_exists, ..Rename::new(object_kind(relation), object, to) }));
        }
        let kind = match self.eat_word(K::Constraint) {
            true => ObjectKind::TableConstraint,
            false => {
                self.eat_word(K::Column);
                ObjectKind::Column
            }
        };
        let part = Some(self.col_id()?);
        self.expect_word(K::To)?;
        let to = self.col_id()?;
        Ok(Utility::Rename(Rename { kind, object, if_exists, part, relation: Some(relation), to, behavior, only }))
    }

    fn partition_action(&mut self) -> Result<AlterTableAction> {
        let attach = self.advance().keyword == K::Attach;
        self.expect_word(K::Partition)?;
        let name = self.qualified_name()?;
        if !attach {
            let how = match () {
                () if self.eat_word(K::Concurrently) => Detach::Concurrently,
                () if self.eat_word(K::Finalize) => Detach::Finalize,
                () => Detach::Now,
            };
            return Ok(AlterTableAction::DetachPartition(name, how));
        }
        let bound = if self.is_any(&[K::For, K::Default]) { Some(self.partition_bound()?) } else { None };
        Ok(AlterTableAction::AttachPartition(name, bound))
    }

    /// `alter_table_cmd`.
    fn table_action(&mut self) -> Result<AlterTableAction> {
        let word = self.peek();
        match word.keyword {
            K::Add => {
                self.advance();
                self.add_action()
            }
            K::Drop => {
                self.advance();
                self.drop_action()
            }
            K::Alter => {
                self.advance();
                self.alter_action()
            }
            K::Validate => {
                self.advance();
                self.expect_word(K::Constraint)?;
                Ok(AlterTableAction::ValidateConstraint(self.col_id()?))
            }
            K::Enable | K::Disable => {
                self.advance();
                self.firing_action(word.keyword == K::Enable)
            }
            K::Force | K::No => {
                self.advance();
                self.force_or_no(word.keyword)
            }
            K::Cluster => {
                self.advance();
                self.expect_word(K::On)?;
                Ok(AlterTableAction::ClusterOn(Some(self.col_id()?)))
            }
            K::Set => {
                self.advance();
                self.set_action()
            }
            K::Reset => {
                self.advance();
                Ok(AlterTableAction::SetOptions { options: self.reloptions()?, reset: true })
            }
            K::Inherit => {
                self.advance();
                Ok(AlterTableAction::Inherit(self.qualified_name()?, true))
            }
            K::Of => {
                self.advance();
                Ok(AlterTableAction::OfType(Some(self.any_name()?)))
            }
            K::Not => {
                self.advance();
                self.expect_word(K::Of)?;
                Ok(AlterTableAction::OfType(None))
            }
            K::Owner => {
                self.advance();
                self.expect_word(K::To)?;
                Ok(AlterTableAction::OwnerTo(self.role()?))
            }
            K::Replica => {
                self.advance();
                self.replica_identity()
            }
            K::Options => Ok(AlterTableAction::ForeignOptions(self.generic_option_changes()?)),
            _ => Err(self.unexpected()),
        }
    }

    fn add_action(&mut self) -> Result<AlterTableAction> {
        if self.starts_table_constraint() {
            return Ok(AlterTableAction::AddConstraint(Box::new(self.table_constraint()?)));
        }
        self.eat_word(K::Column);
        let if_not_exists = self.if_not_exists()?;
        let column = Box::new(self.column_def()?);
        Ok(AlterTableAction::AddColumn { if_not_exists, column, behavior: Behavior::Restrict })
    }

    fn drop_action(&mut self) -> Result<AlterTableAction> {
        if self.eat_word(K::Constraint) {
            let if_exists = self.if_exists()?;
            let name = self.col_id()?;
            return Ok(AlterTableAction::DropConstraint { if_exists, name, behavior: self.behavior() });
        }
        self.eat_word(K::Column);
        let if_exists = self.if_exists()?;
        let name = self.col_id()?;
        Ok(AlterTableAction::DropColumn { if_exists, name, behavior: self.behavior() })
    }

    fn alter_action(&mut self) -> Result<AlterTableAction> {
        if self.eat_word(K::Constraint) {
            let name = self.col_id()?;
            let attributes = self.constraint_attributes("ALTER CONSTRAINT")?;
            return Ok(AlterTableAction::AlterConstraint {
                name,
                deferrable: attributes.deferrable.unwrap_or(false),
                initially_deferred: attributes.initially_deferred.unwrap_or(false),
            });
        }
        self.eat_word(K::Column);
        if self.is(Kind::Integer) {
            let position = self.position();
            let number = i64::from(self.integer()?);
            if !(1..=i64::from(i16::MAX)).contains(&number) {
                let message = "column number must be in range from 1 to 32767";
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(Some(position)));
            }
            let column = ColumnRef::Number(number);
            self.expect_words(&[K::Set, K::Statistics])?;
            return Ok(AlterTableAction::SetStatistics { column, target: self.signed_integer()? });
        }
        let column = self.col_id()?;
        match self.keyword() {
            K::Type => self.alter_type(column),
            K::Set => {
                self.advance();
                self.set_column(column)
            }
            K::Drop => {
                self.advance();
                self.drop_from_column(column)
            }
            K::Reset if self.nth(1).kind == Kind::LeftParen => {
                self.advance();
                Ok(AlterTableAction::SetColumnOptions { column, options: self.reloptions()?, reset: true })
            }
            K::Restart => {
                let options = self.identity_changes()?;
                Ok(AlterTableAction::SetIdentity { column, always: options.0, options: options.1 })
            }
            K::Add => {
                self.advance();
                self.expect_word(K::Generated)?;
                let always = self.generated_when()?;
                self.expect_words(&[K::As, K::Identity])?;
                let options = if self.is(Kind::LeftParen) { self.identity_options()? } else { Vec::new() };
                Ok(AlterTableAction::AddIdentity { column, always, options })
            }
            K::Options => Ok(AlterTableAction::ColumnForeignOptions(column, self.generic_option_changes()?)),
            _ => Err(self.unexpected()),
        }
    }

    /// `[SET DATA] TYPE type [COLLATE …] [USING …]`, from `TYPE` on.
    fn alter_type(&mut self, column: Ident) -> Result<AlterTableAction> {
        self.expect_word(K::Type)?;
        let type_position = self.position();
        let data_type = self.type_name()?;
        let collation = if self.eat_word(K::Collate) { Some(self.any_name()?) } else { None };
        let using = match self.eat_word(K::Using) {
            true => Some(Box::new(self.source_expr(Self::expr)?)),
            false => None,
        };
        let behavior = Behavior::Restrict;
        Ok(AlterTableAction::AlterType { column, data_type, type_position, collation, using, behavior })
    }

    fn set_column(&mut self, column: Ident) -> Result<AlterTableAction> {
        match self.keyword() {
            K::Data => {
                self.advance();
                self.alter_type(column)
            }
            K::Default => {
                self.advance();
                let default = Some(Box::new(self.source_expr(Self::expr)?));
                Ok(AlterTableAction::SetDefault { column, default })
            }
            K::Not => {
                self.advance();
                self.expect_word(K::Null)?;
                Ok(AlterTableAction::SetNotNull { column, not_null: true })
            }
            K::Statistics => {
                self.advance();
                let target = self.signed_integer()?;
                Ok(AlterTableAction::SetStatistics { column: ColumnRef::Name(column), target })
            }
            K::Storage => {
                self.advance();
                Ok(AlterTableAction::SetStorage { column, storage: self.col_id()? })
            }
            K::Compression => {
                self.advance();
                Ok(AlterTableAction::SetCompression { column, method: self.compression()? })
            }
            _ if self.is(Kind::LeftParen) => {
                Ok(AlterTableAction::SetColumnOptions { column, options: self.reloptions()?, reset: false })
            }
            _ => {
                self.at -= 1;
                let (always, options) = self.identity_changes()?;
                Ok(AlterTableAction::SetIdentity { column, always, options })
            }
        }
    }

    fn drop_from_column(&mut self, column: Ident) -> Result<AlterTableAction> {
        match self.advance_if_any(&[K::Default, K::Not, K::Expression, K::Identity])? {
            K::Default => Ok(AlterTableAction::SetDefault { column, default: None }),
            K::Not => {
                self.expect_word(K::Null)?;
                Ok(AlterTableAction::SetNotNull { column, not_null: false })
            }
            K::Expression => Ok(AlterTableAction::DropExpression { column, if_exists: self.if_exists()? }),
            _ => Ok(AlterTableAction::DropIdentity { column, if_exists: self.if_exists()? }),
        }
    }

    /// `alter_identity_column_option_list`: `RESTART`, `SET option`, `SET GENERATED …`.
    fn identity_changes(&mut self) -> Result<(Option<bool>, Vec<SequenceOption>)> {
        let mut always = None;
        let mut options = Vec::new();
        loop {
            match self.keyword() {
                K::Restart => options.push(self.sequence_option()?),
                K::Set => {
                    self.advance();
                    match self.eat_word(K::Generated) {
                        true => always = Some(self.generated_when()?),
                        false => options.push(self.sequence_option()?),
                    }
                }
                _ => return Ok((always, options)),
            }
        }
    }

    fn firing_action(&mut self, enable: bool) -> Result<AlterTableAction> {
        let mode = match (enable, self.keyword()) {
            (true, K::Always) => FiringMode::EnableAlways,
            (true, K::Replica) => FiringMode::EnableReplica,
            (true, _) => FiringMode::Enable,
            (false, _) => FiringMode::Disable,
        };
        let plain = !matches!(mode, FiringMode::EnableAlways | FiringMode::EnableReplica);
        if !plain {
            self.advance();
        }
        match self.keyword() {
            K::Trigger => {
                self.advance();
                let which = match self.keyword() {
                    K::All if plain => {
                        self.advance();
                        TriggerSelection::All
                    }
                    K::User if plain => {
                        self.advance();
                        TriggerSelection::User
                    }
                    _ => TriggerSelection::Name(self.col_id()?),
                };
                Ok(AlterTableAction::Trigger { which, mode })
            }
            K::Rule => {
                self.advance();
                Ok(AlterTableAction::Rule { name: self.col_id()?, mode })
            }
            K::Row if plain => {
                self.expect_words(&[K::Row, K::Level, K::Security])?;
                Ok(AlterTableAction::RowSecurity(if enable { RowSecurity::Enable } else { RowSecurity::Disable }))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `FORCE ROW LEVEL SECURITY`, `NO FORCE ROW LEVEL SECURITY`, `NO INHERIT parent`.
    fn force_or_no(&mut self, word: K) -> Result<AlterTableAction> {
        if word == K::No {
            if self.eat_word(K::Inherit) {
                return Ok(AlterTableAction::Inherit(self.qualified_name()?, false));
            }
            self.expect_word(K::Force)?;
        }
        self.expect_words(&[K::Row, K::Level, K::Security])?;
        Ok(AlterTableAction::RowSecurity(if word == K::No { RowSecurity::NoForce } else { RowSecurity::Force }))
    }

    fn set_action(&mut self) -> Result<AlterTableAction> {
        if self.is(Kind::LeftParen) {
            return Ok(AlterTableAction::SetOptions { options: self.reloptions()?, reset: false });
        }
        match self.advance_if_any(&[K::Without, K::Logged, K::Unlogged, K::Access, K::Tablespace])? {
            K::Without => match self.advance_if_any(&[K::Oids, K::Cluster])? {
                K::Oids => Ok(AlterTableAction::SetWithoutOids),
                _ => Ok(AlterTableAction::ClusterOn(None)),
            },
            K::Access => {
                self.expect_word(K::Method)?;
                Ok(AlterTableAction::SetAccessMethod(self.col_id()?))
            }
            K::Tablespace => Ok(AlterTableAction::SetTablespace(self.col_id()?)),
            word => Ok(AlterTableAction::SetLogged(word == K::Logged)),
        }
    }

    fn replica_identity(&mut self) -> Result<AlterTableAction> {
        self.expect_word(K::Identity)?;
        Ok(AlterTableAction::ReplicaIdentity(
            match self.advance_if_any(&[K::Nothing, K::Full, K::Default, K::Using])? {
                K::Nothing => ReplicaIdentity::Nothing,
                K::Full => ReplicaIdentity::Full,
                K::Default => ReplicaIdentity::Default,
                _ => {
                    self.expect_word(K::Index)?;
                    ReplicaIdentity::Index(self.col_id()?)
                }
            },
        ))
    }

    /// `ALTER TYPE … ADD/DROP/ALTER ATTRIBUTE`, from the first action on.
    pub(super) fn attribute_actions(&mut self) -> Result<Vec<AlterTableAction>> {
        self.list(|parser| match parser.advance_if_any(&[K::Add, K::Drop, K::Alter])? {
            K::Add => {
                parser.expect_word(K::Attribute)?;
                let column = Box::new(parser.attribute()?);
                Ok(AlterTableAction::AddColumn { if_not_exists: false, column, behavior: parser.behavior() })
            }
            K::Drop => {
                parser.expect_word(K::Attribute)?;
                let if_exists = parser.if_exists()?;
                let name = parser.col_id()?;
                Ok(AlterTableAction::DropColumn { if_exists, name, behavior: parser.behavior() })
            }
            _ => {
                parser.expect_word(K::Attribute)?;
                let column = parser.col_id()?;
                parser.eat_phrase(&[K::Set, K::Data])?;
                parser.expect_word(K::Type)?;
                let type_position = parser.position();
                let data_type = parser.type_name()?;
                let collation = if parser.eat_word(K::Collate) { Some(parser.any_name()?) } else { None };
                let behavior = parser.behavior();
                Ok(AlterTableAction::AlterType { column, data_type, type_position, collation, using: None, behavior })
            }
        })
    }
}

/// The object a relation is.
pub(super) fn object_kind(kind: RelationKind) -> ObjectKind {
    match kind {
        RelationKind::Table => ObjectKind::Table,
        RelationKind::Index => ObjectKind::Index,
        RelationKind::Sequence => ObjectKind::Sequence,
        RelationKind::View => ObjectKind::View,
        RelationKind::MaterializedView => ObjectKind::MaterializedView,
        RelationKind::ForeignTable => ObjectKind::ForeignTable,
        RelationKind::Type => ObjectKind::Type,
    }
}

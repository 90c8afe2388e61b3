//! Tablespaces.

use dictdb_types::Result;
use sqlparser::ast::ObjectName;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::utility::{
    AlterTablespace, CreateTablespace, DropTablespace, MoveTablespace, ObjectKind, ObjectRef, RelationKind, Rename,
    Utility,
};

impl Parser<'_> {
    /// `CREATE TABLESPACE …`, after these words.
    pub(super) fn create_tablespace(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        let owner = if self.eat_word(K::Owner) { Some(self.role()?) } else { None };
        self.expect_word(K::Location)?;
        let location = self.string()?;
        let options = self.with_options()?;
        Ok(Utility::CreateTablespace(CreateTablespace { name, owner, location, options }))
    }

    /// `ALTER TABLESPACE …`, after these words.
    pub(super) fn alter_tablespace(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        let object = || ObjectRef::Name(ObjectName::from(vec![name.clone()]));
        match self.keyword() {
            K::Rename => {
                self.expect_words(&[K::Rename, K::To])?;
                Ok(Utility::Rename(Rename::new(ObjectKind::Tablespace, object(), self.col_id()?)))
            }
            K::Owner => self.owner_to(ObjectKind::Tablespace, object()),
            _ => {
                let reset = self.advance_if_any(&[K::Set, K::Reset])? == K::Reset;
                let options = self.reloptions()?;
                Ok(Utility::AlterTablespace(AlterTablespace { name, reset, options }))
            }
        }
    }

    /// `DROP TABLESPACE …`, after these words.
    pub(super) fn drop_tablespace(&mut self) -> Result<Utility> {
        let if_exists = self.if_exists()?;
        Ok(Utility::DropTablespace(DropTablespace { name: self.col_id()?, if_exists }))
    }

    /// `ALTER … ALL IN TABLESPACE …`, from `ALL` on.
    pub(super) fn move_tablespace(&mut self, kind: RelationKind) -> Result<Utility> {
        self.expect_words(&[K::All, K::In, K::Tablespace])?;
        let from = self.col_id()?;
        let owners = match self.eat_word(K::Owned) {
            true => {
                self.expect_word(K::By)?;
                self.list(Self::role)?
            }
            false => Vec::new(),
        };
        self.expect_words(&[K::Set, K::Tablespace])?;
        let to = self.col_id()?;
        let nowait = self.eat_word(K::Nowait);
        Ok(Utility::MoveTablespace(MoveTablespace { kind, from, owners, to, nowait }))
    }
}

//! `CREATE POLICY` and `ALTER POLICY`.

use dictdb_types::{Error, Result, SqlState};

use super::Parser;
use crate::keyword::Keyword as K;
use crate::utility::{
    AlterPolicy, CreatePolicy, ObjectKind, ObjectRef, PolicyCommand, Rename, RoleSpec, SourceExpr, Utility,
};

impl Parser<'_> {
    /// `CREATE POLICY name ON table …`, after `POLICY`.
    pub(super) fn create_policy(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        self.expect_word(K::On)?;
        let table = self.qualified_name()?;
        let permissive = self.policy_kind()?;
        let command = match self.eat_word(K::For) {
            true => self.policy_command()?,
            false => PolicyCommand::All,
        };
        let roles = if self.eat_word(K::To) { self.list(Self::role)? } else { vec![RoleSpec::Public] };
        let (using, check) = self.policy_conditions()?;
        Ok(Utility::CreatePolicy(Box::new(CreatePolicy { name, table, permissive, command, roles, using, check })))
    }

    /// `AS PERMISSIVE` or `AS RESTRICTIVE`. 42601 for any other word.
    fn policy_kind(&mut self) -> Result<bool> {
        if !self.eat_word(K::As) {
            return Ok(true);
        }
        let position = self.position();
        let word = self.col_id()?;
        match word.value.as_str() {
            "permissive" => Ok(true),
            "restrictive" => Ok(false),
            other => Err(Error::new(SqlState::SYNTAX_ERROR, format!("unrecognized row security option \"{other}\""))
                .hint("Only PERMISSIVE or RESTRICTIVE policies are supported currently.")
                .at(Some(position))),
        }
    }

    fn policy_command(&mut self) -> Result<PolicyCommand> {
        Ok(match self.advance_if_any(&[K::All, K::Select, K::Insert, K::Update, K::Delete])? {
            K::All => PolicyCommand::All,
            K::Select => PolicyCommand::Select,
            K::Insert => PolicyCommand::Insert,
            K::Update => PolicyCommand::Update,
            _ => PolicyCommand::Delete,
        })
    }

    /// `USING (…)` and `WITH CHECK (…)`.
    fn policy_conditions(&mut self) -> Result<(Option<SourceExpr>, Option<SourceExpr>)> {
        let using = if self.eat_word(K::Using) { Some(self.source_in_parens()?) } else { None };
        let check = if self.eat_phrase(&[K::With, K::Check])? { Some(self.source_in_parens()?) } else { None };
        Ok((using, check))
    }

    /// `ALTER POLICY [IF EXISTS] name ON table …`, after `POLICY`.
    pub(super) fn alter_policy(&mut self) -> Result<Utility> {
        let if_exists = self.eat_phrase(&[K::If, K::Exists])?;
        let name = self.col_id()?;
        self.expect_word(K::On)?;
        let table = self.qualified_name()?;
        if self.eat_phrase(&[K::Rename, K::To])? {
            let (object, to) = (ObjectRef::On(name, table), self.col_id()?);
            return Ok(Utility::Rename(Rename { if_exists, ..Rename::new(ObjectKind::Policy, object, to) }));
        }
        if if_exists {
            return Err(self.unexpected());
        }
        let roles = if self.eat_word(K::To) { Some(self.list(Self::role)?) } else { None };
        let (using, check) = self.policy_conditions()?;
        Ok(Utility::AlterPolicy(Box::new(AlterPolicy { name, table, roles, using, check })))
    }
}

//! Policies (`pg_policy`): which rows of a table a role sees and may write.

use std::sync::Arc;

use dictdb_types::Oid;

use crate::{Catalog, Relation};

/// A row of `pg_policy`. The table has its policies in the order of their names.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `oid`.
    pub oid: Oid,
    /// `polname`.
    pub name: Arc<str>,
    /// `polpermissive`: it allows rows; otherwise it takes rows away.
    pub permissive: bool,
    /// `polcmd`.
    pub command: PolicyCommand,
    /// `polroles`; zero is PUBLIC.
    pub roles: Vec<Oid>,
    /// `polqual`: canonical text over the table's columns.
    pub using: Option<Arc<str>>,
    /// `polwithcheck`, likewise.
    pub check: Option<Arc<str>>,
}

/// `pg_policy.polcmd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyCommand {
    /// `*`.
    All,
    /// `r`.
    Select,
    /// `a`.
    Insert,
    /// `w`.
    Update,
    /// `d`.
    Delete,
}

impl PolicyCommand {
    /// The letter.
    pub const fn letter(self) -> char {
        match self {
            PolicyCommand::All => '*',
            PolicyCommand::Select => 'r',
            PolicyCommand::Insert => 'a',
            PolicyCommand::Update => 'w',
            PolicyCommand::Delete => 'd',
        }
    }
}

impl Policy {
    /// Whether it is about a command.
    pub fn is_for(&self, command: PolicyCommand) -> bool {
        self.command == PolicyCommand::All || self.command == command
    }

    /// What new rows have to satisfy.
    pub fn for_new_rows(&self) -> Option<&Arc<str>> {
        self.check.as_ref().or(self.using.as_ref())
    }
}

impl Catalog {
    /// Whether policies decide which rows of a table a role sees; else it sees all.
    pub fn is_secured(&self, relation: &Relation, role: Oid) -> bool {
        relation.row_security
            && self.role(role).is_some_and(|role| !role.superuser && !role.bypass_rls)
            && (relation.force_row_security || !self.inherited_roles(role).contains(&relation.owner))
    }
}

//! Privileges: access control lists as PostgreSQL prints them, and what a role may do by them (manual, section 5.7).

use std::sync::Arc;

use dictdb_types::{Oid, unquote_identifier};

use crate::Catalog;
use crate::bootstrap::{READ_ALL_ROLE, WRITE_ALL_ROLE};

/// A set of privileges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Privileges(u16);

/// The privileges with their letters in an access control list.
const LETTERS: [(Privileges, u8); 14] = [
    (Privileges::INSERT, b'a'),
    (Privileges::SELECT, b'r'),
    (Privileges::UPDATE, b'w'),
    (Privileges::DELETE, b'd'),
    (Privileges::TRUNCATE, b'D'),
    (Privileges::REFERENCES, b'x'),
    (Privileges::TRIGGER, b't'),
    (Privileges::EXECUTE, b'X'),
    (Privileges::USAGE, b'U'),
    (Privileges::CREATE, b'C'),
    (Privileges::TEMPORARY, b'T'),
    (Privileges::CONNECT, b'c'),
    (Privileges::SET, b's'),
    (Privileges::ALTER_SYSTEM, b'A'),
];

impl Privileges {
    /// `INSERT`.
    pub const INSERT: Privileges = Privileges(1);
    /// `SELECT`.
    pub const SELECT: Privileges = Privileges(1 << 1);
    /// `UPDATE`.
    pub const UPDATE: Privileges = Privileges(1 << 2);
    /// `DELETE`.
    pub const DELETE: Privileges = Privileges(1 << 3);
    /// `TRUNCATE`.
    pub const TRUNCATE: Privileges = Privileges(1 << 4);
    /// `REFERENCES`.
    pub const REFERENCES: Privileges = Privileges(1 << 5);
    /// `TRIGGER`.
    pub const TRIGGER: Privileges = Privileges(1 << 6);
    /// `EXECUTE`.
    pub const EXECUTE: Privileges = Privileges(1 << 7);
    /// `USAGE`.
    pub const USAGE: Privileges = Privileges(1 << 8);
    /// `CREATE`.
    pub const CREATE: Privileges = Privileges(1 << 9);
    /// `TEMPORARY`.
    pub const TEMPORARY: Privileges = Privileges(1 << 10);
    /// `CONNECT`.
    pub const CONNECT: Privileges = Privileges(1 << 11);
    /// `SET`.
    pub const SET: Privileges = Privileges(1 << 12);
    /// `ALTER SYSTEM`.
    pub const ALTER_SYSTEM: Privileges = Privileges(1 << 13);

    /// All privileges in either set.
    #[must_use]
    pub const fn with(self, other: Privileges) -> Privileges {
        Privileges(self.0 | other.0)
    }

    /// Whether all of `other` are in this set.
    pub fn contains(self, other: Privileges) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in this set.
    pub fn intersects(self, other: Privileges) -> bool {
        self.0 & other.0 != 0
    }

    /// The privileges in both sets.
    #[must_use]
    pub const fn within(self, other: Privileges) -> Privileges {
        Privileges(self.0 & other.0)
    }

    /// The privileges that are not in the other set.
    #[must_use]
    pub const fn without(self, other: Privileges) -> Privileges {
        Privileges(self.0 & !other.0)
    }

    fn of_letter(letter: u8) -> Privileges {
        LETTERS.iter().find(|(_, l)| *l == letter).map_or(Privileges(0), |(privilege, _)| *privilege)
    }
}

/// What kind of object a list belongs to; decides what holds when there is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclKind {
    /// A table or view.
    Table,
    /// A column: nothing beyond the table's own privileges.
    Column,
    /// A sequence.
    Sequence,
    /// A database.
    Database,
    /// A function.
    Function,
    /// A language.
    Language,
    /// A large object.
    LargeObject,
    /// A schema.
    Schema,
    /// A tablespace.
    Tablespace,
    /// A type.
    Type,
    /// A configuration parameter.
    Parameter,
    /// A foreign-data wrapper.
    ForeignWrapper,
    /// A foreign server.
    ForeignServer,
}

impl AclKind {
    /// Everything that can be granted on such an object; its owner has it by default.
    pub const fn all(self) -> Privileges {
        match self {
            AclKind::Table => Privileges(0b111_1111),
            AclKind::Column => {
                Privileges::INSERT.with(Privileges::SELECT).with(Privileges::UPDATE).with(Privileges::REFERENCES)
            }
            AclKind::Sequence => Privileges::USAGE.with(Privileges::SELECT).with(Privileges::UPDATE),
            AclKind::Database => Privileges::CREATE.with(Privileges::TEMPORARY).with(Privileges::CONNECT),
            AclKind::Function => Privileges::EXECUTE,
            AclKind::Language | AclKind::Type | AclKind::ForeignWrapper | AclKind::ForeignServer => Privileges::USAGE,
            AclKind::LargeObject => Privileges::SELECT.with(Privileges::UPDATE),
            AclKind::Schema => Privileges::USAGE.with(Privileges::CREATE),
            AclKind::Tablespace => Privileges::CREATE,
            AclKind::Parameter => Privileges::SET.with(Privileges::ALTER_SYSTEM),
        }
    }

    /// What everybody may do by default.
    pub const fn public(self) -> Privileges {
        match self {
            AclKind::Database => Privileges::TEMPORARY.with(Privileges::CONNECT),
            AclKind::Function | AclKind::Language | AclKind::Type => self.all(),
            _ => Privileges(0),
        }
    }
}

/// One item of a list, `grantee=privileges/grantor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclItem {
    /// The role; empty for PUBLIC.
    pub grantee: String,
    /// What it may do.
    pub privileges: Privileges,
    /// What it may grant on.
    pub grantable: Privileges,
    /// Who granted it.
    pub grantor: String,
}

impl AclItem {
    /// Reads an item; `None` when it is malformed.
    pub fn parse(text: &str) -> Option<AclItem> {
        let (grantee, rest) = role_name(text)?;
        let rest = rest.strip_prefix('=')?;
        let (letters, grantor) = rest.split_once('/').unwrap_or((rest, ""));
        let (mut privileges, mut grantable, mut last) = (Privileges(0), Privileges(0), Privileges(0));
        for letter in letters.bytes() {
            if letter == b'*' {
                grantable = grantable.with(last);
            } else {
                last = Privileges::of_letter(letter);
                privileges = privileges.with(last);
            }
        }
        Some(AclItem { grantee, privileges, grantable, grantor: role_name(grantor)?.0 })
    }

    /// The privileges of the item as letters, `*` after those that may be granted on.
    pub fn letters(&self) -> String {
        let held = LETTERS.iter().filter(|(privilege, _)| self.privileges.contains(*privilege));
        held.map(|(privilege, letter)| {
            let star = if self.grantable.contains(*privilege) { "*" } else { "" };
            format!("{}{star}", char::from(*letter))
        })
        .collect()
    }
}

impl std::fmt::Display for AclItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // `putid`: names with other than letters, digits and underscores are quoted.
        let shown = |name: &str| match name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            true => name.to_owned(),
            false => format!("\"{}\"", name.replace('"', "\"\"")),
        };
        write!(f, "{}={}/{}", shown(&self.grantee), self.letters(), shown(&self.grantor))
    }
}

/// A role's name at the start of a text, quoted or not, and what follows it.
fn role_name(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['=', '/']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    unquote_identifier(quoted)
}

/// What a role holds on an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// What it may do.
    pub privileges: Privileges,
    /// What it may grant on.
    pub grantable: Privileges,
}

impl Catalog {
    /// The roles whose privileges a role has: itself, and all it is a member of and inherits from.
    pub fn inherited_roles(&self, role: Oid) -> Vec<Oid> {
        self.reachable_roles(role, |role| role.inherit)
    }

    /// The roles a role may become by SET ROLE: itself, and all it is a member of.
    pub fn member_roles(&self, role: Oid) -> Vec<Oid> {
        self.reachable_roles(role, |_| true)
    }

    fn reachable_roles(&self, role: Oid, through: impl Fn(&crate::Role) -> bool) -> Vec<Oid> {
        let mut found = vec![role];
        let mut next = 0;
        while let Some(role) = found.get(next).copied() {
            next += 1;
            let Some(role) = self.role(role).filter(|role| through(role)) else { continue };
            for (parent, _) in &role.member_of {
                if !found.contains(parent) {
                    found.push(*parent);
                }
            }
        }
        found
    }

    /// What a role may do with an object that has this list and owner. A superuser may do everything.
    pub fn held_privileges(&self, role: Oid, kind: AclKind, owner: Oid, acl: Option<&[Arc<str>]>) -> Held {
        let all = Held { privileges: kind.all(), grantable: kind.all() };
        if self.role(role).is_some_and(|role| role.superuser) {
            return all;
        }
        let roles = self.inherited_roles(role);
        let everywhere = held_everywhere(&roles, kind);
        let Some(acl) = acl else {
            return match roles.contains(&owner) && kind != AclKind::Column {
                true => all,
                false => Held { privileges: kind.public().with(everywhere), grantable: Privileges(0) },
            };
        };
        let holds = |item: &AclItem| {
            item.grantee.is_empty() || self.role_named(&item.grantee).is_some_and(|role| roles.contains(&role.oid))
        };
        let items = acl.iter().filter_map(|item| AclItem::parse(item)).filter(holds);
        let mut held = items.fold(Held::default(), |held, item| Held {
            privileges: held.privileges.with(item.privileges),
            grantable: held.grantable.with(item.grantable),
        });
        if roles.contains(&owner) {
            held.grantable = held.grantable.with(kind.all());
        }
        held.privileges = held.privileges.with(everywhere);
        held
    }
}

/// `pg_class.oid` of `pg_proc`.
pub const PROC_CLASS: Oid = Oid(1255);

/// The list of a built-in function: a changed one, or the one that it is born with. None is for everybody.
pub fn built_in_acl(catalog: &Catalog, oid: Oid) -> Option<Vec<Arc<str>>> {
    if let Some(changed) = catalog.acl_of(PROC_CLASS, oid) {
        return Some(changed.to_vec());
    }
    let born = dictdb_functions::facts::proc_by_oid(oid)?.acl?;
    Some(born.trim_matches(['{', '}']).split(',').map(Arc::from).collect())
}

/// What the predefined roles give on every object of a kind.
fn held_everywhere(roles: &[Oid], kind: AclKind) -> Privileges {
    let changes = Privileges::INSERT.with(Privileges::UPDATE).with(Privileges::DELETE);
    let given = |role: Oid, on_rows: Privileges| match kind {
        _ if !roles.contains(&role) => Privileges(0),
        AclKind::Table | AclKind::Sequence => on_rows,
        AclKind::Schema => Privileges::USAGE,
        _ => Privileges(0),
    };
    given(READ_ALL_ROLE, Privileges::SELECT).with(given(WRITE_ALL_ROLE, changes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BOOTSTRAP_ROLE;

    #[test]
    fn items_are_read_as_they_are_printed() {
        let item = AclItem::parse("alice=ar*w/postgres").unwrap();
        assert_eq!((item.grantee.as_str(), item.grantor.as_str()), ("alice", "postgres"));
        assert!(item.privileges.contains(Privileges::SELECT.with(Privileges::INSERT)));
        assert_eq!(item.grantable, Privileges::SELECT);
        assert_eq!(item.letters(), "ar*w");
        assert_eq!(AclItem::parse("\"a\"\"=b\"=r/p").unwrap().grantee, "a\"=b");
        assert_eq!(AclItem::parse("=U/p").unwrap().grantee, "");
        assert!(AclItem::parse("\"a").is_none());
    }

    #[test]
    fn lists_and_defaults_decide() {
        let catalog = Catalog::bootstrap();
        let nobody = Oid(99_999);
        let held = |role, kind, acl: Option<&[&str]>| {
            let acl: Option<Vec<Arc<str>>> = acl.map(|acl| acl.iter().map(|item| Arc::from(*item)).collect());
            catalog.held_privileges(role, kind, BOOTSTRAP_ROLE, acl.as_deref()).privileges
        };
        assert!(held(BOOTSTRAP_ROLE, AclKind::Table, Some(&[])).contains(Privileges::DELETE));
        assert!(!held(nobody, AclKind::Table, None).intersects(AclKind::Table.all()));
        assert!(held(nobody, AclKind::Function, None).contains(Privileges::EXECUTE));
        assert!(held(nobody, AclKind::Database, None).contains(Privileges::CONNECT));
        assert_eq!(held(nobody, AclKind::Table, Some(&["=r/postgres", "x=a/postgres"])), Privileges::SELECT);
    }
}

//! Access privilege items: `grantee=privileges/grantor`, as text inside as well as outside.

use dictdb_types::{Array, Datum, Error, Oid, RegKind, Result, SqlState, bail, oids};

use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "aclitem_eq" => |a: &str, b: &str| a == b,
    "acldefault_sql" => |cx; kind: &str, owner: Oid| default_privileges(cx, kind, owner),
    "makeaclitem" => |cx; grantee: Oid, grantor: Oid, privilege: &str, grantable: bool| {
        let Some((letter, _)) = PRIVILEGES.iter().find(|(_, name)| name.eq_ignore_ascii_case(privilege.trim())) else {
            bail!(INVALID_PARAMETER_VALUE, "unrecognized privilege type: \"{privilege}\"");
        };
        let option = if grantable { "*" } else { "" };
        Ok(format!("{}={letter}{option}/{}", role_name(cx, grantee), role_name(cx, grantor)))
    },
    "aclcontains" => |cx; acl: &Array, item: &str| contains(cx, acl, item),
    "aclinsert" => |_acl: &Array, _item: &str| no_longer("aclinsert"),
    "aclremove" => |_acl: &Array, _item: &str| no_longer("aclremove"),
};

/// Letters of privileges in the order in which items list them, and their names.
const PRIVILEGES: &[(char, &str)] = &[
    ('a', "INSERT"),
    ('r', "SELECT"),
    ('w', "UPDATE"),
    ('d', "DELETE"),
    ('D', "TRUNCATE"),
    ('x', "REFERENCES"),
    ('t', "TRIGGER"),
    ('X', "EXECUTE"),
    ('U', "USAGE"),
    ('C', "CREATE"),
    ('T', "TEMPORARY"),
    ('c', "CONNECT"),
    ('s', "SET"),
    ('A', "ALTER SYSTEM"),
];

/// What a kind of object (`pg_default_acl.defaclobjtype` and others) grants to everybody and to its owner.
const DEFAULTS: &[(&str, &str, &str)] = &[
    ("c", "", ""),
    ("r", "", "arwdDxt"),
    ("s", "", "rwU"),
    ("d", "Tc", "CTc"),
    ("f", "X", "X"),
    ("l", "U", "U"),
    ("L", "", "rw"),
    ("n", "", "UC"),
    ("p", "", "sA"),
    ("t", "", "C"),
    ("F", "", "U"),
    ("S", "", "U"),
    ("T", "U", "U"),
];

fn no_longer(function: &str) -> Result<Datum> {
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{function} is no longer supported")))
}

/// A role as items write it: in quotes unless letters, digits and underscores; nothing for everybody.
fn role_name(cx: &CallContext<'_>, role: Oid) -> String {
    if !role.is_valid() {
        return String::new();
    }
    let name = cx.env.reg_out(RegKind::Role, role);
    let plain = match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => name,
    };
    let safe = plain.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if safe { plain } else { format!("\"{}\"", plain.replace('"', "\"\"")) }
}

fn default_privileges(cx: &CallContext<'_>, kind: &str, owner: Oid) -> Result<Array> {
    let Some((_, everybody, own)) = DEFAULTS.iter().find(|(known, ..)| *known == kind) else {
        bail!(INTERNAL_ERROR, "unrecognized objtype abbreviation: {kind}");
    };
    let owner = role_name(cx, owner);
    let item = |grantee: &str, privileges: &str| Datum::text(format!("{grantee}={privileges}/{owner}"));
    let items = [("", *everybody), (owner.as_str(), *own)];
    let granted = items.into_iter().filter(|(_, privileges)| !privileges.is_empty());
    Ok(Array::vector(oids::ACLITEM, granted.map(|(grantee, privileges)| item(grantee, privileges)).collect()))
}

/// An item taken apart.
pub(crate) struct Item {
    /// Zero is everybody.
    pub(crate) grantee: Oid,
    pub(crate) grantor: Oid,
    /// Names of privileges, and whether each may be passed on.
    pub(crate) privileges: Vec<(&'static str, bool)>,
}

impl Item {
    /// Reads an item; 22P02 for what is none, 42704 for an unknown role.
    pub(crate) fn parse(cx: &CallContext<'_>, text: &str) -> Result<Item> {
        let malformed = || {
            Error::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!("invalid input syntax for type aclitem: \"{text}\""),
            )
        };
        let (grantee, rest) = role_prefix(text).ok_or_else(malformed)?;
        let (letters, grantor) = rest.strip_prefix('=').and_then(|rest| rest.split_once('/')).ok_or_else(malformed)?;
        let mut privileges: Vec<(&'static str, bool)> = vec![];
        for letter in letters.chars() {
            if letter == '*' {
                privileges.last_mut().ok_or_else(malformed)?.1 = true;
                continue;
            }
            let found = PRIVILEGES.iter().find(|(known, _)| *known == letter).ok_or_else(malformed)?;
            privileges.push((found.1, false));
        }
        let grantee = if grantee.is_empty() { Oid::INVALID } else { cx.env.reg_in(RegKind::Role, grantee)? };
        Ok(Item { grantee, grantor: cx.env.reg_in(RegKind::Role, grantor)?, privileges })
    }
}

/// The role at the start, quotes included, and the rest.
fn role_prefix(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = text.find(|c| {
        quoted ^= c == '"';
        c == '=' && !quoted
    })?;
    Some(text.split_at(at))
}

/// Whether one of the items grants everything that `item` does, by the same grantor to the same grantee.
fn contains(cx: &CallContext<'_>, acl: &Array, item: &str) -> Result<bool> {
    let wanted = Item::parse(cx, item)?;
    for own in &acl.items {
        let Datum::Text(own) = own else { continue };
        let own = Item::parse(cx, own)?;
        let has = |(name, option): &(&str, bool)| own.privileges.iter().any(|(n, o)| n == name && (*o || !option));
        if own.grantee == wanted.grantee && own.grantor == wanted.grantor && wanted.privileges.iter().all(has) {
            return Ok(true);
        }
    }
    Ok(false)
}

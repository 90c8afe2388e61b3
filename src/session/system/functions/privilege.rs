//! `has_…_privilege`, `pg_has_role`, and access control lists as values.

use std::sync::Arc;

use dictdb_catalog::{
    AclItem, AclKind, BOOTSTRAP_ROLE, Catalog, DefinitionKind, Held, Privileges, RelationKind, built_in_acl,
};
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::{CallContext, ScalarFn, facts};
use dictdb_types::{Array, Datum, Error, Oid, RegKind, Result, SqlState, TypeLookup, oids, quote_identifier};

use super::arguments::{integer, oid, records, session, text};
use crate::StatementEnv;
use crate::instance::DATABASE_CLASS;
use crate::settings::Settings;
use crate::system::names;

/// The six functions of a kind of object: role and object by name or by oid, or the current role.
macro_rules! family {
    ($prefix:literal, $check:expr) => {
        &[
            (concat!($prefix, "_name_name"), $check),
            (concat!($prefix, "_name_id"), $check),
            (concat!($prefix, "_id_name"), $check),
            (concat!($prefix, "_id_id"), $check),
            (concat!($prefix, "_name"), $check),
            (concat!($prefix, "_id"), $check),
        ]
    };
}

pub(super) const FAMILIES: &[&[(&str, ScalarFn)]] = &[
    family!("has_table_privilege", |cx, args| has(cx, args, Kind::Table)),
    family!("has_sequence_privilege", |cx, args| has(cx, args, Kind::Sequence)),
    family!("has_any_column_privilege", |cx, args| has(cx, args, Kind::AnyColumn)),
    family!("has_database_privilege", |cx, args| has(cx, args, Kind::Database)),
    family!("has_function_privilege", |cx, args| has(cx, args, Kind::Function)),
    family!("has_language_privilege", |cx, args| has(cx, args, Kind::Language)),
    family!("has_schema_privilege", |cx, args| has(cx, args, Kind::Schema)),
    family!("has_tablespace_privilege", |cx, args| has(cx, args, Kind::Tablespace)),
    family!("has_type_privilege", |cx, args| has(cx, args, Kind::Type)),
    family!("has_foreign_data_wrapper_privilege", |cx, args| has(cx, args, Kind::ForeignDataWrapper)),
    family!("has_server_privilege", |cx, args| has(cx, args, Kind::Server)),
    family!("pg_has_role", pg_has_role),
    &[
        ("has_parameter_privilege_name_name", has_parameter),
        ("has_parameter_privilege_id_name", has_parameter),
        ("has_parameter_privilege_name", has_parameter),
        ("has_column_privilege_name_name_name", has_column),
        ("has_column_privilege_name_name_attnum", has_column),
        ("has_column_privilege_name_id_name", has_column),
        ("has_column_privilege_name_id_attnum", has_column),
        ("has_column_privilege_id_name_name", has_column),
        ("has_column_privilege_id_name_attnum", has_column),
        ("has_column_privilege_id_id_name", has_column),
        ("has_column_privilege_id_id_attnum", has_column),
        ("has_column_privilege_name_name", has_column),
        ("has_column_privilege_name_attnum", has_column),
        ("has_column_privilege_id_name", has_column),
        ("has_column_privilege_id_attnum", has_column),
        ("acldefault_sql", acldefault),
        ("row_security_active", row_security_active),
        ("row_security_active_name", row_security_active),
    ],
];

pub(super) const SETS: &[(&str, SetFn)] = &[("aclexplode", aclexplode)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    AnyColumn,
    Sequence,
    Database,
    Function,
    Language,
    Schema,
    Tablespace,
    Type,
    ForeignDataWrapper,
    Server,
}

/// The words of privileges, in the order of an access control list.
const WORDS: [(&str, Privileges); 14] = [
    ("INSERT", Privileges::INSERT),
    ("SELECT", Privileges::SELECT),
    ("UPDATE", Privileges::UPDATE),
    ("DELETE", Privileges::DELETE),
    ("TRUNCATE", Privileges::TRUNCATE),
    ("REFERENCES", Privileges::REFERENCES),
    ("TRIGGER", Privileges::TRIGGER),
    ("EXECUTE", Privileges::EXECUTE),
    ("USAGE", Privileges::USAGE),
    ("CREATE", Privileges::CREATE),
    ("TEMPORARY", Privileges::TEMPORARY),
    ("CONNECT", Privileges::CONNECT),
    ("SET", Privileges::SET),
    ("ALTER SYSTEM", Privileges::ALTER_SYSTEM),
];

impl Kind {
    fn acl_kind(self) -> AclKind {
        match self {
            Kind::Table | Kind::AnyColumn => AclKind::Table,
            Kind::Sequence => AclKind::Sequence,
            Kind::Database => AclKind::Database,
            Kind::Function => AclKind::Function,
            Kind::Language => AclKind::Language,
            Kind::Schema => AclKind::Schema,
            Kind::Tablespace => AclKind::Tablespace,
            Kind::Type => AclKind::Type,
            Kind::ForeignDataWrapper => AclKind::ForeignWrapper,
            Kind::Server => AclKind::ForeignServer,
        }
    }

    /// What can be asked for.
    fn allowed(self) -> Privileges {
        if self == Kind::AnyColumn { AclKind::Column.all() } else { self.acl_kind().all() }
    }
}

/// The privileges a text asks for, any of which is enough; the flag is WITH GRANT OPTION. 22023.
fn wanted(text: &str, allowed: Privileges) -> Result<Vec<(Privileges, bool)>> {
    let one = |chunk: &str| {
        let chunk = chunk.trim_ascii();
        let upper = chunk.to_ascii_uppercase();
        let (word, grant) = match upper.strip_suffix(" WITH GRANT OPTION") {
            Some(word) => (word, true),
            None => (upper.as_str(), false),
        };
        let word = if word == "TEMP" { "TEMPORARY" } else { word };
        let found = WORDS.iter().find(|(w, privilege)| *w == word && allowed.contains(*privilege));
        // Rules once had a privilege of their own, which nobody holds.
        let found = found.map(|(_, privilege)| *privilege);
        let found =
            found.or_else(|| (word == "RULE" && allowed == AclKind::Table.all()).then_some(Privileges::default()));
        found.map(|privilege| (privilege, grant)).ok_or_else(|| {
            let message = format!("unrecognized privilege type: \"{chunk}\"");
            Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
        })
    };
    text.split(',').map(one).collect()
}

fn satisfied(held: Held, wanted: &[(Privileges, bool)]) -> bool {
    let holds =
        |held: Privileges, privilege: Privileges| privilege != Privileges::default() && held.contains(privilege);
    wanted.iter().any(|(privilege, grant)| holds(if *grant { held.grantable } else { held.privileges }, *privilege))
}

/// A role by name or oid; `public` and unknown oids are nobody. 42704.
fn role(env: &StatementEnv, arg: &Datum) -> Result<Oid> {
    match arg {
        Datum::Text(name) if **name == *"public" => Ok(Oid::INVALID),
        Datum::Text(name) => role_named(&env.catalog, name),
        Datum::Oid(oid) => Ok(Oid(*oid)),
        _ => Ok(Oid::INVALID),
    }
}

fn role_named(catalog: &Catalog, name: &str) -> Result<Oid> {
    let found = catalog.role_named(name).map(|role| role.oid);
    found.ok_or_else(|| undefined(format!("role \"{name}\" does not exist")))
}

fn undefined(message: String) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, message)
}

fn current_role(env: &StatementEnv) -> Oid {
    env.catalog.role_named(&env.shared.current_user()).map_or(Oid::INVALID, |role| role.oid)
}

/// The role asked about and the remaining arguments.
fn asked<'a>(env: &StatementEnv, args: &'a [Datum], rest: usize) -> Result<(Oid, &'a [Datum])> {
    match args.len().checked_sub(rest) {
        Some(1) => Ok((role(env, &args[0])?, &args[1..])),
        _ => Ok((current_role(env), args)),
    }
}

fn has(cx: &CallContext<'_>, args: &[Datum], kind: Kind) -> Result<Datum> {
    let env = session(cx)?;
    let (role, args) = asked(env, args, 2)?;
    let object = match args.first() {
        Some(Datum::Text(name)) => object_named(env, kind, name)?,
        _ => oid(args, 0),
    };
    let wanted = wanted(text(args, 1), kind.allowed())?;
    let Some((owner, acl)) = owner_and_acl(env, kind, object)? else { return Ok(Datum::Null) };
    let held = env.catalog.held_privileges(role, kind.acl_kind(), owner, acl.as_deref());
    let by_column = || kind == Kind::AnyColumn && any_column(&env.catalog, role, object, &wanted);
    Ok(Datum::Bool(satisfied(held, &wanted) || by_column()))
}

fn any_column(catalog: &Catalog, role: Oid, table: Oid, wanted: &[(Privileges, bool)]) -> bool {
    let Some(relation) = catalog.relation(table) else { return false };
    relation.listed_columns().filter(|attnum| *attnum > 0).any(|attnum| {
        let list = relation.column_acl(attnum);
        satisfied(catalog.held_privileges(role, AclKind::Column, relation.owner, list), wanted)
    })
}

/// The object of a name; the errors are those of its kind.
fn object_named(env: &StatementEnv, kind: Kind, name: &str) -> Result<Oid> {
    match kind {
        Kind::Table | Kind::AnyColumn | Kind::Sequence => names::find_relation(env, name).map(|relation| relation.oid),
        Kind::Function => names::reg_in(env, RegKind::Procedure, name),
        Kind::Type => names::reg_in(env, RegKind::Type, name),
        Kind::Schema => names::reg_in(env, RegKind::Namespace, &quote_identifier(name)),
        Kind::Database => {
            let found = env.shared.instance.databases().into_iter().find(|database| *database.name == *name);
            found
                .map(|database| database.oid)
                .ok_or_else(|| Error::new(SqlState::UNDEFINED_DATABASE, format!("database \"{name}\" does not exist")))
        }
        Kind::Language => {
            let found = env.catalog.language_named(name);
            let found = found.map(|named| if named.own.is_valid() { named.own } else { named.language.oid() });
            found.ok_or_else(|| undefined(format!("language \"{name}\" does not exist")))
        }
        Kind::Tablespace => {
            let found = env.catalog.tablespace_named(name);
            found.ok_or_else(|| undefined(format!("tablespace \"{name}\" does not exist")))
        }
        Kind::ForeignDataWrapper | Kind::Server => {
            let kind = definition_kind(kind);
            let found = env.catalog.definition_in(kind, Oid::INVALID, name).map(|own| own.oid);
            found.ok_or_else(|| undefined(format!("{} \"{name}\" does not exist", kind.noun())))
        }
    }
}

/// The kind of definitions that these are.
fn definition_kind(kind: Kind) -> DefinitionKind {
    if kind == Kind::Server { DefinitionKind::Server } else { DefinitionKind::Wrapper }
}

type OwnerAndAcl = (Oid, Option<Vec<Arc<str>>>);

/// Who owns an object and its list; `None` when there is no such object.
fn owner_and_acl(env: &StatementEnv, kind: Kind, object: Oid) -> Result<Option<OwnerAndAcl>> {
    let catalog = &env.catalog;
    Ok(match kind {
        Kind::Table | Kind::AnyColumn => catalog.relation(object).map(|r| (r.owner, r.acl.clone())),
        Kind::Sequence => match catalog.relation(object) {
            Some(relation) if !matches!(relation.kind, RelationKind::Sequence(_)) => {
                let message = format!("\"{}\" is not a sequence", relation.name);
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            relation => relation.map(|r| (r.owner, r.acl.clone())),
        },
        Kind::Schema => catalog.schema(object).map(|s| (s.owner, s.acl.clone())),
        Kind::Type => {
            let acl = catalog.acl_of(Oid(1247), object).map(<[_]>::to_vec);
            env.type_info(object).map(|t| (t.owner, acl))
        }
        Kind::Database => {
            let databases = env.shared.instance.databases();
            let acl = catalog.acl_of(DATABASE_CLASS, object).map(<[_]>::to_vec);
            databases.iter().find(|d| d.oid == object).map(|d| (d.attributes.owner, acl))
        }
        Kind::Function if env.catalog.routine(object).is_some() => {
            env.catalog.routine(object).map(|routine| (routine.owner, routine.acl.clone()))
        }
        Kind::Function => facts::proc_by_oid(object).map(|_| (BOOTSTRAP_ROLE, built_in_acl(catalog, object))),
        Kind::Language => {
            let acl = catalog.acl_of(dictdb_catalog::Language::CLASS, object).map(<[_]>::to_vec);
            let own = catalog.definition(object).filter(|own| own.language().is_some()).map(|own| own.owner);
            let owner = own.or_else(|| dictdb_catalog::Language::of_oid(object).map(|_| BOOTSTRAP_ROLE));
            owner.map(|owner| (owner, acl))
        }
        Kind::Tablespace => match catalog.tablespaces().find(|own| own.oid == object) {
            Some(own) => Some((own.owner, catalog.acl_of(own.kind().class(), own.oid).map(<[_]>::to_vec))),
            None => catalog.tablespace_name(object).map(|_| (BOOTSTRAP_ROLE, None)),
        },
        Kind::ForeignDataWrapper | Kind::Server => {
            let own = catalog.definition(object).filter(|own| own.kind() == definition_kind(kind));
            own.map(|own| (own.owner, catalog.acl_of(own.kind().class(), own.oid).map(<[_]>::to_vec)))
        }
    })
}

/// `has_column_privilege`: the table's privileges include those of its columns.
fn has_column(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let (role, args) = asked(env, args, 3)?;
    let table = match args.first() {
        Some(Datum::Text(name)) => names::find_relation(env, name)?.oid,
        _ => oid(args, 0),
    };
    let wanted = wanted(text(args, 2), AclKind::Column.all())?;
    let Some(relation) = env.catalog.relation(table) else { return Ok(Datum::Null) };
    let attnum = match args.get(1) {
        Some(Datum::Text(name)) => Some(relation.attnum_named(name).ok_or_else(|| {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", relation.name);
            Error::new(SqlState::UNDEFINED_COLUMN, message)
        })?),
        _ => integer(args, 1).and_then(|n| i16::try_from(n).ok()).filter(|attnum| relation.has_attnum(*attnum)),
    };
    let Some(attnum) = attnum else { return Ok(Datum::Null) };
    let list = relation.column_acl(attnum);
    let of_table = env.catalog.held_privileges(role, AclKind::Table, relation.owner, relation.acl.as_deref());
    let of_column = env.catalog.held_privileges(role, AclKind::Column, relation.owner, list);
    Ok(Datum::Bool(satisfied(of_table, &wanted) || list.is_some() && satisfied(of_column, &wanted)))
}

/// `has_parameter_privilege`: a parameter that nobody knows has no list.
fn has_parameter(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let (role, args) = asked(env, args, 2)?;
    let wanted = wanted(text(args, 1), AclKind::Parameter.all())?;
    let name = Settings::name_of_privileges(text(args, 0));
    let list = name.as_deref().and_then(|name| env.catalog.parameter_acl(name));
    let held = env.catalog.held_privileges(role, AclKind::Parameter, BOOTSTRAP_ROLE, list);
    Ok(Datum::Bool(satisfied(held, &wanted)))
}

/// `pg_has_role`: membership, with or without its privileges.
fn pg_has_role(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let (member, args) = asked(env, args, 2)?;
    let target = match args.first() {
        Some(Datum::Text(name)) => role_named(&env.catalog, name)?,
        _ => oid(args, 0),
    };
    let superuser = env.catalog.role(member).is_some_and(|role| role.superuser);
    let holds = |given: &str| {
        Ok(match given.trim_ascii().to_ascii_uppercase().as_str() {
            "MEMBER" => superuser || env.catalog.member_roles(member).contains(&target),
            "USAGE" => superuser || env.catalog.inherited_roles(member).contains(&target),
            "MEMBER WITH GRANT OPTION"
            | "MEMBER WITH ADMIN OPTION"
            | "USAGE WITH GRANT OPTION"
            | "USAGE WITH ADMIN OPTION" => superuser || administers(&env.catalog, member, target),
            _ => {
                let message = format!("unrecognized privilege type: \"{}\"", given.trim_ascii());
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
        })
    };
    let kinds = text(args, 1).split(',').map(holds).collect::<Result<Vec<bool>>>()?;
    Ok(Datum::Bool(kinds.contains(&true)))
}

fn administers(catalog: &Catalog, member: Oid, target: Oid) -> bool {
    let roles = catalog.member_roles(member);
    let direct = |role: &Oid| catalog.role(*role).is_some_and(|role| role.member_of.contains(&(target, true)));
    roles.iter().any(direct)
}

/// `acldefault(type, owner)`: the list that an object without one has.
fn acldefault(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let (kind, public) = match text(args, 0) {
        "c" => (None, ""),
        "r" => (Some(AclKind::Table), ""),
        "s" => (Some(AclKind::Sequence), ""),
        "d" => (Some(AclKind::Database), "Tc"),
        "f" => (Some(AclKind::Function), "X"),
        "l" => (Some(AclKind::Language), "U"),
        "L" => (Some(AclKind::LargeObject), ""),
        "n" => (Some(AclKind::Schema), ""),
        "p" => (Some(AclKind::Parameter), ""),
        "F" => (Some(AclKind::ForeignWrapper), ""),
        "S" => (Some(AclKind::ForeignServer), ""),
        "t" => (Some(AclKind::Tablespace), ""),
        "T" => (Some(AclKind::Type), "U"),
        other => {
            let message = format!("unrecognized objtype abbreviation: {other}");
            return Err(Error::new(SqlState::INTERNAL_ERROR, message));
        }
    };
    let env = session(cx)?;
    let owner = names::reg_out(env, RegKind::Role, oid(args, 1));
    // An item has names in quotes only where they need them, whatever `quote_all_identifiers` says.
    let shown = |item: String| Datum::text(AclItem::parse(&item).map_or(item, |item| item.to_string()));
    let mut items = Vec::new();
    if !public.is_empty() {
        items.push(shown(format!("={public}/{owner}")));
    }
    if let Some(kind) = kind {
        let item = AclItem {
            grantee: String::new(),
            privileges: kind.all(),
            grantable: Privileges::default(),
            grantor: String::new(),
        };
        items.push(shown(format!("{owner}={}/{owner}", item.letters())));
    }
    Ok(Datum::Array(Arc::new(Array::vector(oids::ACLITEM, items))))
}

/// `aclexplode(acl)`: a row per grantee and privilege.
fn aclexplode(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let env = session(cx)?;
    let Some(Datum::Array(list)) = args.first() else { return Ok(records("aclexplode", Vec::new())) };
    let role = |name: &str| env.catalog.role_named(name).map_or(Oid::INVALID, |role| role.oid);
    let mut rows = Vec::new();
    for item in &list.items {
        let Datum::Text(text) = item else { continue };
        let Some(item) = AclItem::parse(text) else { continue };
        let (grantor, grantee) = (role(&item.grantor), role(&item.grantee));
        for (word, privilege) in WORDS.iter().filter(|(_, privilege)| item.privileges.contains(*privilege)) {
            rows.push(vec![
                Datum::Oid(grantor.0),
                Datum::Oid(grantee.0),
                Datum::text(word),
                Datum::Bool(item.grantable.contains(*privilege)),
            ]);
        }
    }
    Ok(records("aclexplode", rows))
}

/// Whether policies decide which rows of a table the current role sees.
fn row_security_active(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let oid = match args.first() {
        Some(Datum::Text(name)) => names::find_relation(env, name)?.oid,
        Some(Datum::Oid(oid)) => Oid(*oid),
        _ => return Ok(Datum::Null),
    };
    let Some(relation) = env.catalog.relation(oid) else { return Ok(Datum::Bool(false)) };
    let role = env.bind_context(&[]).role;
    Ok(Datum::Bool(env.catalog.is_secured(relation, role)))
}

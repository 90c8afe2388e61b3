//! `pg_get_object_address`: from an object's kind and the parts of its name to its catalog, oid and column.

use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use super::Address;
use super::class::{NAMED, row_where};
use super::identity::{datum, more};
use crate::StatementEnv;
use crate::system::names::{find_type, formatted, relation_named, routines_named};
use crate::system::relations::classes;

/// What a kind of object is, and how many names and arguments it takes.
#[derive(Clone, Copy)]
enum Kind {
    /// A relation whose `relkind` is one of these letters; its article and noun.
    Relation(&'static str, &'static str),
    /// A column of such a relation.
    Column,
    /// Of a catalog in which names alone, perhaps in schemas, tell.
    Named,
    Routine(&'static str),
    Operator,
    Type,
    Cast,
    TableConstraint,
    DomainConstraint,
    Default,
    OperatorClass(bool),
    FamilyOperator,
    FamilyFunction,
    OnTable(Oid, &'static str, [&'static str; 2]),
    LargeObject,
    UserMapping,
    Parameter,
    DefaultAcl,
    PublishedTable,
    PublishedSchema,
    Transform,
    /// Known, but not to be looked up.
    Unsupported,
}

/// The kinds beside those of [`NAMED`].
const KINDS: &[(&str, Kind)] = &[
    ("table", Kind::Relation("rp", "a table")),
    ("index", Kind::Relation("iI", "an index")),
    ("sequence", Kind::Relation("S", "a sequence")),
    ("toast table", Kind::Unsupported),
    ("view", Kind::Relation("v", "a view")),
    ("materialized view", Kind::Relation("m", "a materialized view")),
    ("foreign table", Kind::Relation("f", "a foreign table")),
    ("composite type", Kind::Unsupported),
    ("table column", Kind::Column),
    ("index column", Kind::Unsupported),
    ("sequence column", Kind::Unsupported),
    ("toast table column", Kind::Unsupported),
    ("view column", Kind::Unsupported),
    ("materialized view column", Kind::Unsupported),
    ("foreign table column", Kind::Column),
    ("aggregate", Kind::Routine("aggregate")),
    ("function", Kind::Routine("function")),
    ("procedure", Kind::Routine("procedure")),
    ("type", Kind::Type),
    ("cast", Kind::Cast),
    ("table constraint", Kind::TableConstraint),
    ("domain constraint", Kind::DomainConstraint),
    ("default value", Kind::Default),
    ("large object", Kind::LargeObject),
    ("operator", Kind::Operator),
    ("operator class", Kind::OperatorClass(false)),
    ("operator family", Kind::OperatorClass(true)),
    ("operator of access method", Kind::FamilyOperator),
    ("function of access method", Kind::FamilyFunction),
    ("rule", Kind::OnTable(classes::REWRITE, "rule", ["rulename", "ev_class"])),
    ("trigger", Kind::OnTable(classes::TRIGGER, "trigger", ["tgname", "tgrelid"])),
    ("policy", Kind::OnTable(classes::POLICY, "policy", ["polname", "polrelid"])),
    ("user mapping", Kind::UserMapping),
    ("parameter ACL", Kind::Parameter),
    ("default acl", Kind::DefaultAcl),
    ("publication relation", Kind::PublishedTable),
    ("publication namespace", Kind::PublishedSchema),
    ("transform", Kind::Transform),
];

fn wrong(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn undefined(message: String) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, message)
}

fn kind_of(kind: &str) -> Result<Kind> {
    if let Some((_, known)) = KINDS.iter().find(|(name, _)| *name == kind) {
        return match known {
            Kind::Unsupported => Err(wrong(format!("unsupported object type \"{kind}\""))),
            known => Ok(*known),
        };
    }
    match NAMED.iter().any(|class| class.kind == kind) {
        true => Ok(Kind::Named),
        false => Err(wrong(format!("unrecognized object type \"{kind}\""))),
    }
}

/// The object that a kind, the parts of a name and arguments mean. 22023, and what is said of objects that are missing.
pub(crate) fn find(env: &StatementEnv, kind: &str, names: &[String], args: &[String]) -> Result<Address> {
    let known = kind_of(kind)?;
    check_lengths(kind, known, names, args)?;
    let at = |class: Oid, object: Oid| Ok(Address { class, object, part: 0 });
    match known {
        Kind::Named => named(env, kind, names),
        Kind::Relation(letters, article) => {
            let relation = relation_named(env, names)?;
            match letters.contains(relation.kind_letter()) {
                true => at(classes::CLASS, relation.oid),
                false => {
                    let message = format!("\"{}\" is not {article}", relation.name);
                    Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
                }
            }
        }
        Kind::Column => column(env, names),
        Kind::Default => {
            let column = column(env, names)?;
            let wanted = [("adrelid", datum(column.object)), ("adnum", Datum::Int2(column.part as i16))];
            let missing = || Error::new(SqlState::UNDEFINED_COLUMN, missing_default(names));
            only_where(env, classes::ATTRDEF, &wanted, missing)
        }
        Kind::Type => at(classes::TYPE, find_type(env, &names[0])?.oid),
        Kind::Cast => {
            let (source, target) = (find_type(env, &names[0])?.oid, find_type(env, &args[0])?.oid);
            let wanted = [("castsource", datum(source)), ("casttarget", datum(target))];
            only_where(env, classes::CAST, &wanted, || {
                let [source, target] = [source, target].map(|oid| formatted(env, oid, None));
                undefined(format!("cast from type {source} to type {target} does not exist"))
            })
        }
        Kind::Transform => {
            let ty = find_type(env, &names[0])?.oid;
            named(env, "language", &args[..1])?;
            let shown = formatted(env, ty, None);
            Err(undefined(format!("transform for type {shown} language \"{}\" does not exist", args[0])))
        }
        Kind::Routine(noun) => routine(env, noun, names, args),
        Kind::Operator => operator(env, names, args),
        Kind::TableConstraint => {
            let (table, name) = on_relation(env, names)?;
            let wanted = [("conrelid", datum(table.oid)), ("conname", Datum::text(name))];
            only_where(env, classes::CONSTRAINT, &wanted, || {
                undefined(format!("constraint \"{name}\" for table \"{}\" does not exist", table.name))
            })
        }
        Kind::DomainConstraint => {
            let domain = find_type(env, &names[0])?.oid;
            let wanted = [("contypid", datum(domain)), ("conname", Datum::text(&*args[0]))];
            only_where(env, classes::CONSTRAINT, &wanted, || {
                let shown = formatted(env, domain, None);
                undefined(format!("constraint \"{}\" for domain {shown} does not exist", args[0]))
            })
        }
        Kind::OnTable(class, noun, [name, relation]) => {
            let (table, own) = on_relation(env, names)?;
            only_where(env, class, &[(relation, datum(table.oid)), (name, Datum::text(own))], || {
                let of = if noun == "rule" { "relation" } else { "table" };
                undefined(format!("{noun} \"{own}\" for {of} \"{}\" does not exist", table.name))
            })
        }
        Kind::OperatorClass(family) => of_method(env, family, names),
        Kind::FamilyOperator => family_member(env, names, args, true),
        Kind::FamilyFunction => family_member(env, names, args, false),
        Kind::LargeObject => large_object(env, &names[0]),
        Kind::Parameter => only_where(env, classes::PARAMETER_ACL, &[("parname", Datum::text(&*names[0]))], || {
            undefined(format!("parameter ACL \"{}\" does not exist", names[0]))
        }),
        Kind::UserMapping => user_mapping(env, &names[0], &args[0]),
        Kind::DefaultAcl => default_acl(env, names, &args[0]),
        Kind::PublishedTable => {
            let table = relation_named(env, names)?;
            let publication = named(env, "publication", &args[..1])?.object;
            let wanted = [("prrelid", datum(table.oid)), ("prpubid", datum(publication))];
            only_where(env, classes::PUBLICATION_REL, &wanted, || {
                let (table, publication) = (&table.name, &args[0]);
                undefined(format!("publication relation \"{table}\" in publication \"{publication}\" does not exist"))
            })
        }
        Kind::PublishedSchema => {
            let schema = named(env, "schema", &names[..1])?.object;
            let publication = named(env, "publication", &args[..1])?.object;
            let wanted = [("pnnspid", datum(schema)), ("pnpubid", datum(publication))];
            only_where(env, classes::PUBLICATION_NAMESPACE, &wanted, || {
                let (schema, publication) = (&names[0], &args[0]);
                undefined(format!("publication schema \"{schema}\" in publication \"{publication}\" does not exist"))
            })
        }
        Kind::Unsupported => Err(Error::internal("a kind that was refused")),
    }
}

/// The object that a catalog has with these values; an error when it has none.
fn only_where(
    env: &StatementEnv,
    class: Oid,
    wanted: &[(&str, Datum)],
    missing: impl FnOnce() -> Error,
) -> Result<Address> {
    let row = row_where(env, class, wanted).ok_or_else(missing)?;
    Ok(Address { class, object: row.oid("oid"), part: 0 })
}

/// 22P02 for what is no number.
fn large_object(env: &StatementEnv, number: &str) -> Result<Address> {
    let object: u32 = number.trim().parse().map_err(|_| {
        let message = format!("invalid input syntax for type oid: \"{number}\"");
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
    })?;
    match super::class::row(env, more::LARGE_OBJECT_METADATA, Oid(object)) {
        Some(_) => Ok(Address { class: more::LARGE_OBJECT, object: Oid(object), part: 0 }),
        None => Err(undefined(format!("large object {object} does not exist"))),
    }
}

/// 22023 for too few or too many names and arguments.
fn check_lengths(kind: &str, known: Kind, names: &[String], args: &[String]) -> Result<()> {
    let exactly = |what: &str, items: &[String], count: usize| match items.len() == count {
        true => Ok(()),
        false => Err(wrong(format!("{what} list length must be exactly {count}"))),
    };
    let at_least = |count: usize| match names.len() >= count {
        true => Ok(()),
        false => Err(wrong(format!("name list length must be at least {count}"))),
    };
    match known {
        Kind::Type | Kind::LargeObject | Kind::Parameter => exactly("name", names, 1),
        Kind::Cast | Kind::DomainConstraint | Kind::Transform | Kind::UserMapping | Kind::PublishedSchema => {
            exactly("name", names, 1)?;
            exactly("argument", args, 1)
        }
        Kind::DefaultAcl | Kind::PublishedTable => {
            at_least(1)?;
            exactly("argument", args, 1)
        }
        Kind::OperatorClass(_) => at_least(2),
        Kind::FamilyOperator | Kind::FamilyFunction => {
            at_least(3)?;
            exactly("argument", args, 2)
        }
        Kind::Operator => {
            at_least(1)?;
            exactly("argument", args, 2)
        }
        Kind::Named if NAMED.iter().any(|class| class.kind == kind && class.namespace.is_none()) => {
            exactly("name", names, 1)
        }
        _ => at_least(1),
    }
}

/// Schema and name of a qualified name. 0A000, 42601.
fn split(names: &[String]) -> Result<(Option<&str>, &str)> {
    match names {
        [name] => Ok((None, name)),
        [schema, name] => Ok((Some(schema), name)),
        [_, _, _] => {
            let message = format!("cross-database references are not implemented: {}", names.join("."));
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
        _ => {
            let message = format!("improper qualified name (too many dotted names): {}", names.join("."));
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}

/// The object of a name in a schema.
pub(super) fn object_in(env: &StatementEnv, class: Oid, schema: Oid, name: &str) -> Option<Oid> {
    let facts = super::class::named(class)?;
    let wanted = [(facts.name, Datum::text(name)), (facts.namespace?, datum(schema))];
    row_where(env, class, &wanted).map(|row| row.oid("oid"))
}

fn named(env: &StatementEnv, kind: &str, names: &[String]) -> Result<Address> {
    let Some(class) = NAMED.iter().find(|class| class.kind == kind) else {
        return Err(Error::internal("no kind of named objects"));
    };
    let found = match class.namespace {
        None => row_where(env, class.oid, &[(class.name, Datum::text(&*names[0]))]).map(|row| row.oid("oid")),
        Some(_) => {
            let (schema, name) = split(names)?;
            let path = match schema {
                Some(schema) => {
                    env.catalog.schema_seen(&env.search_path(), schema).map(|schema| schema.oid).into_iter().collect()
                }
                None => env.search_path(),
            };
            path.into_iter().find_map(|schema| object_in(env, class.oid, schema, name))
        }
    };
    match found {
        Some(object) => Ok(Address { class: class.oid, object, part: 0 }),
        None => {
            let code = match kind {
                "schema" => SqlState::INVALID_SCHEMA_NAME,
                "database" => SqlState::UNDEFINED_DATABASE,
                _ => SqlState::UNDEFINED_OBJECT,
            };
            let encoding = if kind == "collation" { " for encoding \"UTF8\"" } else { "" };
            Err(Error::new(code, format!("{kind} \"{}\"{encoding} does not exist", names.join("."))))
        }
    }
}

/// A relation and the name of something on it.
fn on_relation<'a>(
    env: &StatementEnv,
    names: &'a [String],
) -> Result<(std::sync::Arc<dictdb_catalog::Relation>, &'a str)> {
    match names {
        [_] | [] => Err(Error::new(SqlState::SYNTAX_ERROR, "must specify relation and object name")),
        [table @ .., name] => Ok((relation_named(env, table)?, name)),
    }
}

fn column(env: &StatementEnv, names: &[String]) -> Result<Address> {
    let [table @ .., name] = names else { return Err(Error::internal("a column without a name")) };
    if table.is_empty() {
        return Err(Error::new(SqlState::SYNTAX_ERROR, "column name must be qualified"));
    }
    let relation = relation_named(env, table)?;
    match relation.column_named(name) {
        Some((attnum, _)) => Ok(Address { class: classes::CLASS, object: relation.oid, part: attnum.into() }),
        None => {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", table.join("."));
            Err(Error::new(SqlState::UNDEFINED_COLUMN, message))
        }
    }
}

fn missing_default(names: &[String]) -> String {
    let [table @ .., name] = names else { return String::new() };
    format!("default value for column \"{name}\" of relation \"{}\" does not exist", table.join("."))
}

fn routine(env: &StatementEnv, noun: &str, names: &[String], args: &[String]) -> Result<Address> {
    let types = args.iter().map(|arg| find_type(env, arg).map(|ty| ty.oid)).collect::<Result<Vec<Oid>>>()?;
    let (schema, name) = split(names)?;
    let found = routines_named(env, schema, name)?.into_iter().find(|(_, params)| *params == types);
    let shown = || {
        let list: Vec<String> = types.iter().map(|ty| formatted(env, *ty, None)).collect();
        let list = if noun == "aggregate" && list.is_empty() { "*".to_owned() } else { list.join(", ") };
        format!("{}({list})", names.join("."))
    };
    let Some((oid, _)) = found else {
        return Err(Error::new(SqlState::UNDEFINED_FUNCTION, format!("{noun} {} does not exist", shown())));
    };
    let address = Address { class: classes::PROC, object: oid, part: 0 };
    let is_of_kind = super::identity::identify(env, address).is_some_and(|own| own.kind == noun);
    if noun != "function" && !is_of_kind {
        let article = if noun == "aggregate" { "an aggregate" } else { "a procedure" };
        let plain = format!("{}({})", names.join("."), types_shown(env, &types));
        let message = match noun {
            "aggregate" => format!("function {plain} is not an aggregate"),
            _ => format!("{plain} is not {article}"),
        };
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
    }
    Ok(address)
}

fn types_shown(env: &StatementEnv, types: &[Oid]) -> String {
    types.iter().map(|ty| formatted(env, *ty, None)).collect::<Vec<_>>().join(", ")
}

fn operator(env: &StatementEnv, names: &[String], args: &[String]) -> Result<Address> {
    let (left, right) = (find_type(env, &args[0])?.oid, find_type(env, &args[1])?.oid);
    let (schema, name) = split(names)?;
    let path = match schema {
        Some(schema) => env.catalog.schema_seen(&env.search_path(), schema).map(|s| s.oid).into_iter().collect(),
        None => env.search_path(),
    };
    let found = path.into_iter().find_map(|schema| {
        let wanted = [
            ("oprname", Datum::text(name)),
            ("oprnamespace", datum(schema)),
            ("oprleft", datum(left)),
            ("oprright", datum(right)),
        ];
        row_where(env, classes::OPERATOR, &wanted)
    });
    match found {
        Some(row) => Ok(Address { class: classes::OPERATOR, object: row.oid("oid"), part: 0 }),
        None => {
            let shown = |ty: Oid| formatted(env, ty, None);
            let operator = names.join(".");
            let message = format!("operator does not exist: {} {operator} {}", shown(left), shown(right));
            Err(Error::new(SqlState::UNDEFINED_FUNCTION, message))
        }
    }
}

/// An operator class or family: access method, then its name.
fn of_method(env: &StatementEnv, family: bool, names: &[String]) -> Result<Address> {
    let method = named(env, "access method", &names[..1])?.object;
    let (class, noun, [name_column, namespace, method_column]) = match family {
        true => (classes::OPFAMILY, "operator family", ["opfname", "opfnamespace", "opfmethod"]),
        false => (classes::OPCLASS, "operator class", ["opcname", "opcnamespace", "opcmethod"]),
    };
    let (schema, name) = split(&names[1..])?;
    let path = match schema {
        Some(schema) => env.catalog.schema_seen(&env.search_path(), schema).map(|s| s.oid).into_iter().collect(),
        None => env.search_path(),
    };
    let found = path.into_iter().find_map(|schema| {
        let wanted = [(name_column, Datum::text(name)), (namespace, datum(schema)), (method_column, datum(method))];
        row_where(env, class, &wanted)
    });
    match found {
        Some(row) => Ok(Address { class, object: row.oid("oid"), part: 0 }),
        None => {
            let own = names[1..].join(".");
            Err(undefined(format!("{noun} \"{own}\" does not exist for access method \"{}\"", names[0])))
        }
    }
}

fn family_member(env: &StatementEnv, names: &[String], args: &[String], operator: bool) -> Result<Address> {
    let [family @ .., number] = names else { return Err(Error::internal("a member without a number")) };
    let family = of_method(env, true, family)?;
    let types = [find_type(env, &args[0])?.oid, find_type(env, &args[1])?.oid];
    let count: i16 = number.parse().map_err(|_| {
        let message = format!("invalid input syntax for type smallint: \"{number}\"");
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
    })?;
    let (class, noun, columns) = match operator {
        true => (classes::AMOP, "operator", ["amopfamily", "amoplefttype", "amoprighttype", "amopstrategy"]),
        false => (classes::AMPROC, "function", ["amprocfamily", "amproclefttype", "amprocrighttype", "amprocnum"]),
    };
    let [of, left, right, place] = columns;
    let wanted =
        [(of, datum(family.object)), (left, datum(types[0])), (right, datum(types[1])), (place, Datum::Int2(count))];
    match row_where(env, class, &wanted) {
        Some(row) => Ok(Address { class, object: row.oid("oid"), part: 0 }),
        None => {
            let family = super::describe(env, family).unwrap_or_default();
            Err(undefined(format!("{noun} {count} ({}, {}) of {family} does not exist", args[0], args[1])))
        }
    }
}

fn user_mapping(env: &StatementEnv, user: &str, server: &str) -> Result<Address> {
    let missing = || undefined(format!("user mapping for user \"{user}\" on server \"{server}\" does not exist"));
    let role = match user {
        "public" => Oid::INVALID,
        name => env.catalog.role_named(name).map(|role| role.oid).ok_or_else(missing)?,
    };
    let server_oid = named(env, "server", std::slice::from_ref(&server.to_owned()))?.object;
    let mapping = env
        .catalog
        .definitions()
        .find(|own| own.user_mapping().is_some_and(|info| info.user == role && info.server == server_oid));
    let mapping = mapping.ok_or_else(missing)?;
    Ok(Address { class: more::USER_MAPPING, object: mapping.oid, part: 0 })
}

fn default_acl(env: &StatementEnv, names: &[String], kind: &str) -> Result<Address> {
    let letter = kind.chars().next().unwrap_or(' ');
    if !"rSfTn".contains(letter) {
        return Err(wrong(format!("unrecognized default ACL object type \"{letter}\""))
            .hint("Valid object types are \"r\", \"S\", \"f\", \"T\", \"n\"."));
    }
    let (role, schema) = (&names[0], names.get(1));
    let place = || {
        let within = schema.map(|schema| format!(" in schema \"{schema}\"")).unwrap_or_default();
        undefined(format!(
            "default ACL for user \"{role}\"{within} on {} does not exist",
            super::identity::objects_of(&letter.to_string())
        ))
    };
    let role = env.catalog.role_named(role).ok_or_else(place)?.oid;
    let schema = match schema {
        None => Oid::INVALID,
        Some(schema) => env.catalog.schema_named(schema).ok_or_else(place)?.oid,
    };
    let wanted = [
        ("defaclrole", datum(role)),
        ("defaclnamespace", datum(schema)),
        ("defaclobjtype", Datum::text(letter.to_string())),
    ];
    let found = row_where(env, classes::DEFAULT_ACL, &wanted).ok_or_else(place)?;
    Ok(Address { class: classes::DEFAULT_ACL, object: found.oid("oid"), part: 0 })
}

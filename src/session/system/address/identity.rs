//! What an object is called so that the name means it whatever the search path (`getObjectIdentityParts`).

use dictdb_catalog::{Relation, RelationKind};
use dictdb_functions::facts::ProcKind;
use dictdb_types::{Datum, Oid, TypeLookup, quote_identifier, type_name};

use super::Address;
use super::class::{CatalogRow, named, qualified, row, schema_name};
use crate::StatementEnv;
use crate::system::described::Described;
use crate::system::relations::classes;

/// `pg_class.oid` of catalogs that only this file knows.
pub(super) mod more {
    use dictdb_types::Oid;

    pub const LARGE_OBJECT: Oid = Oid(2613);
    pub const LARGE_OBJECT_METADATA: Oid = Oid(2995);
    pub const TRANSFORM: Oid = Oid(3576);
    pub const USER_MAPPING: Oid = Oid(1418);
}

/// What an object is called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    /// The kind of object.
    pub kind: String,
    /// Its schema.
    pub schema: Option<String>,
    /// Its name, if schema and name mean it.
    pub name: Option<String>,
    /// The whole.
    pub identity: String,
    /// The parts of its name, as `pg_get_object_address` takes them.
    pub names: Vec<String>,
    /// The types or others that are needed beside them.
    pub args: Vec<String>,
}

fn quoted(name: &str) -> String {
    quote_identifier(name).into_owned()
}

/// A type, qualified unless it is one of those that SQL has words for.
pub(super) fn type_text(env: &StatementEnv, oid: Oid) -> String {
    let qualifier = |info: &dictdb_types::TypeInfo| schema_name(env, info.namespace);
    type_name(env, oid, &qualifier)
}

/// How the objects of a catalog are found whose names alone do not tell.
type Finder = fn(&StatementEnv, Address) -> Option<Identity>;

/// Catalogs, what their objects are called when there is no such one, and how they are found.
const FINDERS: &[(Oid, &str, Finder)] = &[
    (classes::CLASS, "relation", relation),
    (classes::TYPE, "type", of_type),
    (classes::PROC, "routine", routine),
    (classes::CONSTRAINT, "constraint", constraint),
    (classes::CAST, "cast", cast),
    (classes::ATTRDEF, "default value", default),
    (classes::OPERATOR, "operator", operator),
    (classes::OPCLASS, "operator class", |env, address| {
        of_method(env, address, "operator class", "opcname", "opcnamespace", "opcmethod")
    }),
    (classes::OPFAMILY, "operator family", |env, address| {
        of_method(env, address, "operator family", "opfname", "opfnamespace", "opfmethod")
    }),
    (classes::AMOP, AMOP.0, |env, address| family_member(env, address, AMOP)),
    (classes::AMPROC, AMPROC.0, |env, address| family_member(env, address, AMPROC)),
    (classes::REWRITE, "rule", |env, address| on_relation(env, address, "rule", "rulename", "ev_class")),
    (classes::TRIGGER, "trigger", |env, address| on_relation(env, address, "trigger", "tgname", "tgrelid")),
    (classes::POLICY, "policy", |env, address| on_relation(env, address, "policy", "polname", "polrelid")),
    (classes::PUBLICATION_REL, "publication relation", published_table),
    (classes::PUBLICATION_NAMESPACE, "publication namespace", published_schema),
    (more::USER_MAPPING, "user mapping", user_mapping),
    (classes::PARAMETER_ACL, "parameter ACL", parameter),
    (classes::DEFAULT_ACL, "default acl", default_acl),
    (more::LARGE_OBJECT, "large object", large_object),
    (more::LARGE_OBJECT_METADATA, "large object", large_object),
    (more::TRANSFORM, "transform", |_, _| None),
];

/// What the objects of a catalog are called when there is no such one.
pub(crate) fn kind_of_missing(class: Oid) -> Option<&'static str> {
    let of_class = || FINDERS.iter().find(|(known, ..)| *known == class).map(|(_, kind, _)| *kind);
    named(class).map(|class| class.kind).or_else(of_class)
}

/// What an object is called; `None` when there is none.
pub(crate) fn identify(env: &StatementEnv, address: Address) -> Option<Identity> {
    if let Some(class) = named(address.class) {
        let row = row(env, class.oid, address.object)?;
        let name = row.text(class.name);
        let Some(namespace) = class.namespace else {
            return Some(Identity {
                kind: class.kind.to_owned(),
                name: Some(quoted(&name)),
                identity: quoted(&name),
                names: vec![name],
                ..Identity::default()
            });
        };
        return Some(in_schema(env, class.kind, row.oid(namespace), &name));
    }
    let (_, _, finder) = FINDERS.iter().find(|(class, ..)| *class == address.class)?;
    finder(env, address)
}

fn in_schema(env: &StatementEnv, kind: &str, namespace: Oid, name: &str) -> Identity {
    let schema = schema_name(env, namespace);
    Identity {
        kind: kind.to_owned(),
        schema: schema.as_deref().map(quoted),
        name: Some(quoted(name)),
        identity: qualified(env, namespace, name),
        names: schema.into_iter().chain([name.to_owned()]).collect(),
        args: Vec::new(),
    }
}

fn relation_kind(relation: &Relation) -> &'static str {
    match relation.kind {
        RelationKind::Virtual if relation.kind_letter() == 'v' => "view",
        _ => relation.kind_noun(),
    }
}

fn relation(env: &StatementEnv, Address { object, part, .. }: Address) -> Option<Identity> {
    let relation = env.catalog.relation(object)?;
    let mut own = in_schema(env, relation_kind(relation), relation.namespace, &relation.name);
    if part == 0 {
        return Some(own);
    }
    let column = relation.column(i16::try_from(part).ok()?).filter(|column| !column.dropped)?;
    own.kind.push_str(" column");
    own.identity = format!("{}.{}", own.identity, quoted(&column.name));
    own.names.push(column.name.to_string());
    Some(own)
}

fn of_type(env: &StatementEnv, Address { object, .. }: Address) -> Option<Identity> {
    let info = env.type_info(object)?;
    let identity = type_text(env, object);
    let own = in_schema(env, "type", info.namespace, &info.name);
    Some(Identity { names: vec![identity.clone()], identity, ..own })
}

fn routine(env: &StatementEnv, Address { object, .. }: Address) -> Option<Identity> {
    let proc = Described::find(&env.catalog, object)?;
    let kind = match proc.kind {
        ProcKind::Aggregate => "aggregate",
        ProcKind::Procedure => "procedure",
        _ => "function",
    };
    let args: Vec<String> = proc.args.iter().map(|ty| type_text(env, *ty)).collect();
    let own = in_schema(env, kind, proc.namespace, &proc.name);
    Some(Identity { name: None, identity: format!("{}({})", own.identity, args.join(",")), args, ..own })
}

fn constraint(env: &StatementEnv, Address { object, .. }: Address) -> Option<Identity> {
    let row = row(env, classes::CONSTRAINT, object)?;
    let (name, table) = (row.text("conname"), row.oid("conrelid"));
    let schema = schema_name(env, row.oid("connamespace")).as_deref().map(quoted);
    let (kind, on, names, args) = match table.is_valid() {
        true => {
            let on = relation(env, Address { class: classes::CLASS, object: table, part: 0 })?;
            let names = on.names.iter().cloned().chain([name.clone()]).collect();
            ("table constraint", on.identity, names, Vec::new())
        }
        false => {
            let on = type_text(env, row.oid("contypid"));
            ("domain constraint", on.clone(), vec![on], vec![name.clone()])
        }
    };
    let identity = format!("{} on {on}", quoted(&name));
    Some(Identity { kind: kind.to_owned(), schema, name: None, identity, names, args })
}

fn cast(env: &StatementEnv, Address { object, .. }: Address) -> Option<Identity> {
    let row = row(env, classes::CAST, object)?;
    let (source, target) = (type_text(env, row.oid("castsource")), type_text(env, row.oid("casttarget")));
    Some(Identity {
        kind: "cast".to_owned(),
        identity: format!("({source} AS {target})"),
        names: vec![source],
        args: vec![target],
        ..Identity::default()
    })
}

fn default(env: &StatementEnv, Address { object, .. }: Address) -> Option<Identity> {
    let row = row(env, classes::ATTRDEF, object)?;
    let column =
        relation(env, Address { class: classes::CLASS, object: row.oid("adrelid"), part: row.number("adnum") })?;
    Some(Identity {
        kind: "default value".to_owned(),
        identity: format!("for {}", column.identity),
        names: column.names,
        ..Identity::default()
    })
}

fn operator(env: &StatementEnv, Address { object, .. }: Address) -> Option<Identity> {
    let own = env.catalog.any_operator(object)?;
    let side = |ty: Oid| if ty.is_valid() { type_text(env, ty) } else { "NONE".to_owned() };
    let schema = schema_name(env, own.namespace)?;
    let args = [own.left, own.right].into_iter().filter(|ty| ty.is_valid()).map(|ty| type_text(env, ty)).collect();
    Some(Identity {
        kind: "operator".to_owned(),
        schema: Some(quoted(&schema)),
        name: None,
        identity: format!("{}.{}({},{})", quoted(&schema), own.name, side(own.left), side(own.right)),
        names: vec![schema, own.name.to_string()],
        args,
    })
}

fn method_name(env: &StatementEnv, method: Oid) -> String {
    row(env, Oid(2601), method).map_or_else(String::new, |row| row.text("amname"))
}

fn of_method(
    env: &StatementEnv,
    address: Address,
    kind: &str,
    name: &str,
    namespace: &str,
    method: &str,
) -> Option<Identity> {
    let row = row(env, address.class, address.object)?;
    let method = method_name(env, row.oid(method));
    let own = in_schema(env, kind, row.oid(namespace), &row.text(name));
    let identity = format!("{} USING {}", own.identity, quoted(&method));
    Some(Identity { identity, names: [method].into_iter().chain(own.names.iter().cloned()).collect(), ..own })
}

/// Kind, word, and the columns with family, left and right type, number.
type MemberFacts = (&'static str, &'static str, [&'static str; 4]);
const AMOP: MemberFacts =
    ("operator of access method", "operator", ["amopfamily", "amoplefttype", "amoprighttype", "amopstrategy"]);
const AMPROC: MemberFacts =
    ("function of access method", "function", ["amprocfamily", "amproclefttype", "amprocrighttype", "amprocnum"]);

fn family_member(env: &StatementEnv, address: Address, (kind, word, columns): MemberFacts) -> Option<Identity> {
    let row = row(env, address.class, address.object)?;
    let [family, left, right, number] = columns;
    let family = identify(env, Address { class: classes::OPFAMILY, object: row.oid(family), part: 0 })?;
    let args = vec![type_text(env, row.oid(left)), type_text(env, row.oid(right))];
    let number = row.number(number);
    Some(Identity {
        kind: kind.to_owned(),
        identity: format!("{word} {number} ({}, {}) of {}", args[0], args[1], family.identity),
        names: family.names.into_iter().chain([number.to_string()]).collect(),
        args,
        ..Identity::default()
    })
}

fn on_relation(env: &StatementEnv, address: Address, kind: &str, name: &str, table: &str) -> Option<Identity> {
    let row = row(env, address.class, address.object)?;
    let name = row.text(name);
    let on = relation(env, Address { class: classes::CLASS, object: row.oid(table), part: 0 })?;
    Some(Identity {
        kind: kind.to_owned(),
        identity: format!("{} on {}", quoted(&name), on.identity),
        names: on.names.into_iter().chain([name]).collect(),
        ..Identity::default()
    })
}

fn publication_name(env: &StatementEnv, row: &CatalogRow, column: &str) -> String {
    env.catalog.definition(row.oid(column)).map_or_else(String::new, |own| own.name.to_string())
}

fn published_table(env: &StatementEnv, address: Address) -> Option<Identity> {
    let row = row(env, address.class, address.object)?;
    let publication = publication_name(env, &row, "prpubid");
    let table = relation(env, Address { class: classes::CLASS, object: row.oid("prrelid"), part: 0 })?;
    Some(Identity {
        kind: "publication relation".to_owned(),
        identity: format!("{} in publication {publication}", table.identity),
        names: table.names,
        args: vec![publication],
        ..Identity::default()
    })
}

fn published_schema(env: &StatementEnv, address: Address) -> Option<Identity> {
    let row = row(env, address.class, address.object)?;
    let publication = publication_name(env, &row, "pnpubid");
    let schema = schema_name(env, row.oid("pnnspid"))?;
    Some(Identity {
        kind: "publication namespace".to_owned(),
        identity: format!("{schema} in publication {publication}"),
        names: vec![schema],
        args: vec![publication],
        ..Identity::default()
    })
}

fn user_mapping(env: &StatementEnv, address: Address) -> Option<Identity> {
    let info = env.catalog.definition(address.object)?.user_mapping()?;
    let user = env.catalog.role(info.user).map_or_else(|| "public".to_owned(), |role| role.name.to_string());
    let server = env.catalog.definition(info.server)?.name.to_string();
    Some(Identity {
        kind: "user mapping".to_owned(),
        identity: format!("{} on server {server}", quoted(&user)),
        names: vec![user],
        args: vec![server],
        ..Identity::default()
    })
}

fn parameter(env: &StatementEnv, address: Address) -> Option<Identity> {
    let name = row(env, address.class, address.object)?.text("parname");
    Some(Identity {
        kind: "parameter ACL".to_owned(),
        identity: name.clone(),
        names: vec![name],
        ..Identity::default()
    })
}

fn default_acl(env: &StatementEnv, address: Address) -> Option<Identity> {
    let row = row(env, address.class, address.object)?;
    let role = env.catalog.role(row.oid("defaclrole"))?.name.to_string();
    let schema = schema_name(env, row.oid("defaclnamespace"));
    let letter = row.text("defaclobjtype");
    let within = schema.as_deref().map(|schema| format!(" in schema {}", quoted(schema))).unwrap_or_default();
    Some(Identity {
        kind: "default acl".to_owned(),
        identity: format!("for role {}{within} on {}", quoted(&role), objects_of(&letter)),
        names: [role].into_iter().chain(schema).collect(),
        args: vec![letter],
        ..Identity::default()
    })
}

/// What `defaclobjtype` stands for, in the plural.
pub(super) fn objects_of(letter: &str) -> &'static str {
    match letter {
        "r" => "tables",
        "S" => "sequences",
        "f" => "functions",
        "T" => "types",
        _ => "schemas",
    }
}

fn large_object(env: &StatementEnv, address: Address) -> Option<Identity> {
    row(env, more::LARGE_OBJECT_METADATA, address.object)?;
    let number = address.object.to_string();
    Some(Identity {
        kind: "large object".to_owned(),
        identity: number.clone(),
        names: vec![number],
        ..Identity::default()
    })
}

/// An oid as catalogs compare it.
pub(super) fn datum(oid: Oid) -> Datum {
    Datum::Oid(oid.0)
}

//! The columns of system catalogs that can be changed, and what of an object each of them is.

use std::sync::Arc;

use dictdb_catalog::trigger::Firing;
use dictdb_catalog::{
    Change, Extension, Language, Object, Relation, RelationKind, ReplicaIdentity, Role, Routine, ToldSize, Trigger,
};
use dictdb_functions::facts::{Parallel, Volatility};
use dictdb_types::{Datum, EnumLabel, Oid, TypeInfo, TypeKind, TypeLookup, oids};

use super::{Rows, Update};
use crate::Session;
use crate::instance::Database;

/// The catalogs whose rows can be changed.
pub(super) const CATALOGS: &[(&str, &dyn Update)] = &[
    ("pg_attribute", &ATTRIBUTES),
    ("pg_authid", &ROLES),
    ("pg_class", &RELATIONS),
    ("pg_database", &DATABASES),
    ("pg_enum", &LABELS),
    ("pg_extension", &EXTENSIONS),
    ("pg_index", &INDEXES),
    ("pg_proc", &ROUTINES),
    ("pg_trigger", &TRIGGERS),
];

const RELATIONS: Rows<Class> = Rows {
    locks: |_, row| oid(row, 0),
    find: |_, catalog, row| {
        let relation = Relation::clone(catalog.relation(oid(row, 0)?)?);
        let size = match row.get(9..11)? {
            [Datum::Int4(pages), Datum::Float4(tuples)] => (*pages, *tuples),
            _ => return None,
        };
        Some(Class { relation, size, is_redefined: false, is_told: false })
    },
    columns: &[
        ("relpages", |class, _, value| class.tell(|size| int(value).map(|value| size.0 = value))),
        ("reltuples", |class, _, value| class.tell(|size| float(value).map(|value| size.1 = value))),
        ("relrowsecurity", |class, _, value| class.define(|own| bool(value).map(|value| own.row_security = value))),
        ("relforcerowsecurity", |class, _, value| {
            class.define(|own| bool(value).map(|value| own.force_row_security = value))
        }),
        ("relreplident", |class, _, value| {
            class.define(|relation| {
                relation.replica_identity = match letter(value)? {
                    'd' => ReplicaIdentity::Default,
                    'n' => ReplicaIdentity::Nothing,
                    'f' => ReplicaIdentity::Full,
                    _ => return None,
                };
                Some(())
            })
        }),
    ],
    put: |session, class| {
        if class.is_told {
            let (pages, tuples) = class.size;
            let told = ToldSize { storage: class.relation.storage, pages, tuples };
            session.record(Change::ToldSize(class.relation.oid, Some(told)));
        }
        if class.is_redefined {
            session.record(Change::Put(Object::Relation(Arc::new(class.relation))));
        }
    },
};

const ATTRIBUTES: Rows<Relation> = Rows {
    locks: |_, row| oid(row, 0),
    find: |_, catalog, row| catalog.relation(oid(row, 0)?).map(|relation| Relation::clone(relation)),
    columns: &[
        ("attstattarget", |relation, row, value| {
            column(relation, row, |own| int(value).map(|value| own.statistics = value))
        }),
        ("attstorage", |relation, row, value| {
            let letter = letter(value).filter(|letter| "pexm".contains(*letter))?;
            column(relation, row, |own| {
                own.storage = Some(letter as u8);
                Some(())
            })
        }),
        // The values are kept without it.
        ("atttypmod", |relation, row, value| {
            column(relation, row, |own| match own.ty.oid {
                oids::VARCHAR => int(value).map(|value| own.ty.typmod = value),
                _ => None,
            })
        }),
    ],
    put: put_relation,
};

const INDEXES: Rows<Relation> = Rows {
    locks: |_, row| oid(row, 1),
    find: |_, catalog, row| catalog.relation(oid(row, 0)?).map(|relation| Relation::clone(relation)),
    columns: &[("indisvalid", |relation, _, value| {
        let RelationKind::Index(info) = &mut relation.kind else { return None };
        Arc::make_mut(info).invalid = !bool(value)?;
        Some(())
    })],
    put: put_relation,
};

const ROLES: Rows<Role> = Rows {
    locks: |_, _| None,
    find: |_, catalog, row| catalog.role(oid(row, 0)?).map(|role| Role::clone(role)),
    columns: &[
        ("rolsuper", |role, _, value| bool(value).map(|value| role.superuser = value)),
        ("rolinherit", |role, _, value| bool(value).map(|value| role.inherit = value)),
        ("rolcreaterole", |role, _, value| bool(value).map(|value| role.create_role = value)),
        ("rolcreatedb", |role, _, value| bool(value).map(|value| role.create_db = value)),
        ("rolcanlogin", |role, _, value| bool(value).map(|value| role.login = value)),
        ("rolreplication", |role, _, value| bool(value).map(|value| role.replication = value)),
        ("rolbypassrls", |role, _, value| bool(value).map(|value| role.bypass_rls = value)),
        ("rolconnlimit", |role, _, value| int(value).map(|value| role.connection_limit = value)),
        ("rolpassword", |role, _, value| nullable(value, text).map(|value| role.password = value)),
        ("rolvaliduntil", |role, _, value| nullable(value, moment).map(|value| role.valid_until = value)),
    ],
    put: |session, role| session.record(Change::Put(Object::Role(Arc::new(role)))),
};

const DATABASES: Rows<Database> = Rows {
    locks: |_, _| None,
    find: |session, _, row| {
        // They are of the server and not of a transaction: what is changed there is when the statement has ended well.
        let found = session.shared.instance.databases().into_iter().find(|known| Some(known.oid) == oid(row, 0))?;
        let Database { oid, name, attributes, catalog } = &*found;
        let copy = Database { oid: *oid, name: name.clone(), attributes: *attributes, catalog: catalog.clone() };
        (!session.in_block()).then_some(copy)
    },
    columns: &[
        ("datistemplate", |database, _, value| bool(value).map(|value| database.attributes.is_template = value)),
        ("datallowconn", |database, _, value| bool(value).map(|value| database.attributes.allows_connections = value)),
        ("datconnlimit", |database, _, value| int(value).map(|value| database.attributes.connection_limit = value)),
    ],
    put: |session, database| session.altered_databases.push((database.oid, database.attributes)),
};

const ROUTINES: Rows<Routine> = Rows {
    locks: |_, _| None,
    find: |_, catalog, row| catalog.routine(oid(row, 0)?).map(|routine| Routine::clone(routine)),
    columns: &[
        ("procost", |routine, _, value| float(value).map(|value| routine.cost = value)),
        ("prorows", |routine, _, value| float(value).map(|value| routine.rows = value)),
        ("prosecdef", |routine, _, value| bool(value).map(|value| routine.security_definer = value)),
        ("proleakproof", |routine, _, value| bool(value).map(|value| routine.leakproof = value)),
        ("proisstrict", |routine, _, value| bool(value).map(|value| routine.strict = value)),
        ("provolatile", |routine, _, value| {
            routine.volatility = match letter(value)? {
                'i' => Volatility::Immutable,
                's' => Volatility::Stable,
                'v' => Volatility::Volatile,
                _ => return None,
            };
            Some(())
        }),
        ("proparallel", |routine, _, value| {
            routine.parallel = match letter(value)? {
                's' => Parallel::Safe,
                'r' => Parallel::Restricted,
                'u' => Parallel::Unsafe,
                _ => return None,
            };
            Some(())
        }),
        ("prosrc", |routine, _, value| match routine.language {
            Language::Sql | Language::Plpgsql if routine.body.is_none() => {
                text(value).map(|value| routine.source = value)
            }
            _ => None,
        }),
    ],
    put: |session, routine| session.record(Change::Put(Object::Routine(Arc::new(routine)))),
};

const TRIGGERS: Rows<Trigger> = Rows {
    locks: |_, row| oid(row, 1),
    find: |_, catalog, row| catalog.trigger(oid(row, 0)?).map(|trigger| Trigger::clone(trigger)),
    columns: &[("tgenabled", |trigger, _, value| {
        let letter = letter(value)?;
        let firings = [Firing::Origin, Firing::Disabled, Firing::Replica, Firing::Always];
        trigger.firing = firings.into_iter().find(|firing| firing.letter() == letter)?;
        Some(())
    })],
    put: |session, trigger| session.record(Change::Put(Object::Trigger(Arc::new(trigger)))),
};

const EXTENSIONS: Rows<Extension> = Rows {
    locks: |_, _| None,
    find: |_, catalog, row| {
        let wanted = oid(row, 0)?;
        catalog.extensions().find(|own| own.oid == wanted).map(|own| Extension::clone(own))
    },
    columns: &[
        ("extrelocatable", |extension, _, value| bool(value).map(|value| extension.relocatable = value)),
        ("extversion", |extension, _, value| text(value).map(|value| extension.version = value)),
    ],
    put: |session, extension| session.record(Change::Put(Object::Extension(Arc::new(extension)))),
};

const LABELS: Rows<TypeInfo> = Rows {
    locks: |_, _| None,
    find: |_, catalog, row| catalog.type_info(oid(row, 1)?).map(|info| TypeInfo::clone(&info)),
    columns: &[("enumlabel", |info, row, value| {
        let TypeKind::Enum(labels) = &mut info.kind else { return None };
        let (wanted, label) = (oid(row, 0)?, text(value)?);
        let taken = labels.iter().any(|known| known.label == label);
        let mut changed: Vec<EnumLabel> = labels.to_vec();
        changed.iter_mut().find(|known| known.oid == wanted && !taken)?.label = label;
        *labels = changed.into();
        Some(())
    })],
    put: |session, info| session.record(Change::Put(Object::Type(Arc::new(info)))),
};

/// What a row of `pg_class` shows.
struct Class {
    relation: Relation,
    /// `relpages` and `reltuples`.
    size: (i32, f32),
    is_redefined: bool,
    is_told: bool,
}

impl Class {
    fn define(&mut self, change: impl FnOnce(&mut Relation) -> Option<()>) -> Option<()> {
        self.is_redefined = true;
        change(&mut self.relation)
    }

    /// Only of what has rows in storage it can be said how many.
    fn tell(&mut self, change: impl FnOnce(&mut (i32, f32)) -> Option<()>) -> Option<()> {
        self.is_told = true;
        if self.relation.is_stored() && !self.relation.is_partitioned() { change(&mut self.size) } else { None }
    }
}

fn put_relation(session: &mut Session, relation: Relation) {
    session.record(Change::Put(Object::Relation(Arc::new(relation))));
}

/// Changes the column that a row of `pg_attribute` shows.
fn column(
    relation: &mut Relation,
    row: &[Datum],
    change: impl FnOnce(&mut dictdb_catalog::Column) -> Option<()>,
) -> Option<()> {
    let Some(Datum::Int2(attnum)) = row.get(5) else { return None };
    let place = usize::try_from(*attnum).ok()?.checked_sub(1)?;
    let mut columns = relation.columns.to_vec();
    change(columns.get_mut(place).filter(|column| !column.dropped)?)?;
    relation.columns = columns.into();
    Some(())
}

fn oid(row: &[Datum], place: usize) -> Option<Oid> {
    match row.get(place)? {
        Datum::Oid(oid) => Some(Oid(*oid)),
        _ => None,
    }
}

fn bool(value: &Datum) -> Option<bool> {
    match value {
        Datum::Bool(value) => Some(*value),
        _ => None,
    }
}

fn int(value: &Datum) -> Option<i32> {
    match value {
        Datum::Int2(value) => Some(i32::from(*value)),
        Datum::Int4(value) => Some(*value),
        _ => None,
    }
}

fn float(value: &Datum) -> Option<f32> {
    match value {
        Datum::Float4(value) => Some(*value),
        _ => None,
    }
}

fn moment(value: &Datum) -> Option<i64> {
    match value {
        Datum::Timestamp(value) => Some(*value),
        _ => None,
    }
}

fn text(value: &Datum) -> Option<Arc<str>> {
    match value {
        Datum::Text(value) => Some(value.clone()),
        _ => None,
    }
}

fn letter(value: &Datum) -> Option<char> {
    text(value)?.chars().next()
}

/// NULL is no value, which a column may have.
fn nullable<T>(value: &Datum, read: fn(&Datum) -> Option<T>) -> Option<Option<T>> {
    if value.is_null() { Some(None) } else { read(value).map(Some) }
}

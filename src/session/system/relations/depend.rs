//! `pg_depend` and `pg_shdepend`: what the catalog records, and what it implies by its structure.

use std::collections::BTreeSet;
use std::sync::Arc;

use dictdb_catalog::{
    AclItem, BOOTSTRAP_ROLE, Catalog, ConstraintKind, DefinitionKind, Dependency, IndexTarget, Key, Language, Relation,
    RelationKind,
};
use dictdb_functions::facts;
use dictdb_types::Oid;

use super::super::output::{Output, row};
use super::{Source, attribute, index, rule};

/// `pg_class.oid` of the catalogs that objects are found in.
pub mod classes {
    use dictdb_types::Oid;

    /// `pg_amop`.
    pub const AMOP: Oid = Oid(2602);
    /// `pg_amproc`.
    pub const AMPROC: Oid = Oid(2603);
    /// `pg_attrdef`.
    pub const ATTRDEF: Oid = Oid(2604);
    /// `pg_authid`.
    pub const AUTHID: Oid = Oid(1260);
    /// `pg_cast`.
    pub const CAST: Oid = Oid(2605);
    /// `pg_class`.
    pub const CLASS: Oid = Oid(1259);
    /// `pg_constraint`.
    pub const CONSTRAINT: Oid = Oid(2606);
    /// `pg_extension`.
    pub const EXTENSION: Oid = Oid(3079);
    /// `pg_namespace`.
    pub const NAMESPACE: Oid = Oid(2615);
    /// `pg_opclass`.
    pub const OPCLASS: Oid = Oid(2616);
    /// `pg_operator`.
    pub const OPERATOR: Oid = Oid(2617);
    /// `pg_publication_namespace`.
    pub const PUBLICATION_NAMESPACE: Oid = Oid(6237);
    /// `pg_publication_rel`.
    pub const PUBLICATION_REL: Oid = Oid(6106);
    /// `pg_parameter_acl`.
    pub const PARAMETER_ACL: Oid = Oid(6243);
    pub const DEFAULT_ACL: Oid = Oid(826);
    /// `pg_opfamily`.
    pub const OPFAMILY: Oid = Oid(2753);
    /// `pg_proc`.
    pub const PROC: Oid = Oid(1255);
    /// `pg_rewrite`.
    pub const REWRITE: Oid = Oid(2618);
    /// `pg_policy`.
    pub const POLICY: Oid = Oid(3256);
    /// `pg_trigger`.
    pub const TRIGGER: Oid = Oid(2620);
    /// `pg_type`.
    pub const TYPE: Oid = Oid(1247);
}

/// Catalog, object, part of it.
type Address = (Oid, Oid, i32);

fn address(catalog: &Catalog, key: Key) -> Option<Address> {
    Some(match key {
        Key::Schema(oid) => (classes::NAMESPACE, oid, 0),
        Key::Relation(oid) => match catalog.relation(oid).map(|r| &r.kind) {
            Some(RelationKind::View(_) | RelationKind::MaterializedView(_)) => (classes::REWRITE, rule::oid(oid), 0),
            _ => (classes::CLASS, oid, 0),
        },
        Key::Column(oid, attnum) => (classes::CLASS, oid, attnum.into()),
        Key::Default(oid, attnum) => (classes::ATTRDEF, attribute::attrdef_oid(oid, attnum), 0),
        Key::Constraint(_, oid) => (classes::CONSTRAINT, oid, 0),
        Key::Type(oid) => (classes::TYPE, oid, 0),
        Key::Function(oid) => (classes::PROC, oid, 0),
        Key::Trigger(_, oid) => (classes::TRIGGER, oid, 0),
        Key::Policy(_, oid) => (classes::POLICY, oid, 0),
        Key::Rule(_, oid) => (classes::REWRITE, oid, 0),
        Key::Extension(oid) => (classes::EXTENSION, oid, 0),
        Key::Operator(oid) => (classes::OPERATOR, oid, 0),
        Key::Cast(oid) => (classes::CAST, oid, 0),
        Key::OperatorClass(oid) => (classes::OPCLASS, oid, 0),
        Key::OperatorFamily(oid) => (classes::OPFAMILY, oid, 0),
        Key::Definition(kind, oid) => (kind.class(), oid, 0),
        Key::Published(_, oid) => (classes::PUBLICATION_REL, oid, 0),
        Key::Role(_) => return None,
    })
}

/// What depends on something: what a materialized view is kept by, and its schema, a view has itself and not by its rule, and it is
/// the expression of a generated column that names others.
fn dependent_address(catalog: &Catalog, own: Key, on: Key) -> Option<Address> {
    match (own, on) {
        (Key::Relation(oid), Key::Definition(DefinitionKind::AccessMethod, _) | Key::Schema(_)) => {
            Some((classes::CLASS, oid, 0))
        }
        (Key::Column(table, attnum), Key::Column(..) | Key::Function(_) | Key::Operator(_))
            if catalog.relation(table)?.column(attnum).is_some_and(|column| column.generated) =>
        {
            address(catalog, Key::Default(table, attnum))
        }
        _ => address(catalog, own),
    }
}

fn letter(kind: Dependency) -> char {
    match kind {
        Dependency::Normal => 'n',
        Dependency::Auto => 'a',
        Dependency::Internal => 'i',
        Dependency::Extension => 'e',
    }
}

/// Dependencies between objects of the database.
pub fn pg_depend(source: &Source<'_>, out: &mut Output<'_>) {
    // Some of what is recorded follows from the structure too; PostgreSQL has one row for it.
    let mut found = BTreeSet::new();
    let mut put = |dependent: Address, on: Address, kind: char| {
        found.insert((dependent, on, kind));
    };
    for (dependent, on, kind) in
        source.catalog.all_dependencies().filter(|(own, on, _)| source.lists(*own) && source.lists(*on))
    {
        if is_said_otherwise(source.catalog, dependent, on) {
            continue;
        }
        // A view depends through its rule; something that depends on the view depends on the relation itself.
        let of = on;
        let on = match on {
            Key::Relation(oid) => Some((classes::CLASS, oid, 0)),
            on => address(source.catalog, on),
        };
        let Some((own, on)) = dependent_address(source.catalog, dependent, of).zip(on) else { continue };
        match table_of_part(source.catalog, dependent, of).filter(|_| kind != Dependency::Normal) {
            Some(table) => {
                put(own, on, 'P');
                put(own, (classes::CLASS, table, 0), 'S');
            }
            None => put(own, on, letter(kind)),
        }
    }
    for trigger in source.catalog.triggers().filter(|trigger| trigger.constraint.is_valid()) {
        put((classes::CONSTRAINT, trigger.constraint, 0), (classes::TRIGGER, trigger.oid, 0), 'i');
        put((classes::CONSTRAINT, trigger.constraint, 0), (classes::CLASS, trigger.relation, 0), 'a');
    }
    for trigger in source.catalog.key_triggers() {
        put((classes::TRIGGER, trigger.oid, 0), (classes::CONSTRAINT, trigger.constraint, 0), 'i');
    }
    for routine in source.catalog.routines().filter(|routine| routine.language.oid() >= Oid::FIRST_UNPINNED) {
        put((classes::PROC, routine.oid, 0), (Language::CLASS, routine.language.oid(), 0), 'n');
    }
    for relation in source.relations().filter(|r| r.oid >= Oid::FIRST_NORMAL) {
        structural(source.catalog, relation, &mut put);
    }
    of_families(source.catalog, &mut put);
    of_languages(source.catalog, &mut put);
    of_definitions(source.catalog, &mut put);
    for (dependent, on, kind) in &found {
        if dependent.0 == classes::REWRITE && is_said_by_column(&found, *dependent, *on) {
            continue;
        }
        row!(out; dependent.0, dependent.1, dependent.2, on.0, on.1, on.2, *kind);
    }
}

/// Whether a rule depends on columns of the table, which says that it depends on the table.
fn is_said_by_column(found: &BTreeSet<(Address, Address, char)>, own: Address, (class, table, part): Address) -> bool {
    let columns = (own, (class, table, 1), char::MIN)..=(own, (class, table, i32::MAX), char::MAX);
    part == 0 && found.range(columns).next().is_some()
}

/// Whether what is recorded is not what PostgreSQL says: an index that serves a constraint depends on that, which depends on the
/// columns; only an index without simple columns depends on its table as a whole; a composite type's relation depends on the type.
fn is_said_otherwise(catalog: &Catalog, own: Key, on: Key) -> bool {
    if let (Key::Type(_), Key::Relation(relation)) | (Key::Relation(relation), Key::Schema(_)) = (own, on)
        && catalog.relation(relation).is_some_and(|relation| matches!(relation.kind, RelationKind::Composite))
    {
        return true;
    }
    let Key::Relation(own) = own else { return false };
    let Some(index) = catalog.relation(own).and_then(|relation| relation.index()) else { return false };
    let mut columns = index::attnums(index).filter(|attnum| *attnum != 0);
    match on {
        Key::Relation(table) if table == index.table => {
            columns.next().is_some() || constraint_of_index(catalog, table, own).is_some()
        }
        Key::Column(table, attnum) if table == index.table => {
            columns.any(|column| column == attnum) && constraint_of_index(catalog, table, own).is_some()
        }
        _ => false,
    }
}

/// The partition whose index, constraint or trigger is a part of its parent's: it goes with either of the two.
fn table_of_part(catalog: &Catalog, own: Key, of: Key) -> Option<Oid> {
    match (own, of) {
        (Key::Constraint(table, _), Key::Constraint(..)) | (Key::Trigger(table, _), Key::Trigger(..)) => Some(table),
        (Key::Relation(own), Key::Relation(of)) => {
            let index = |oid: Oid| catalog.relation(oid).and_then(|relation| relation.index());
            index(of)?;
            Some(index(own)?.table)
        }
        _ => None,
    }
}

/// What a publication consists of goes with it; text search configurations use dictionaries, built-in ones too.
fn of_definitions(catalog: &Catalog, put: &mut impl FnMut(Address, Address, char)) {
    for definition in catalog.definitions() {
        let whole = (definition.kind().class(), definition.oid, 0);
        if let Some(publication) = definition.publication() {
            for table in &publication.tables {
                put((classes::PUBLICATION_REL, table.oid, 0), whole, 'a');
            }
            for (row, schema) in &publication.schemas {
                let own = (classes::PUBLICATION_NAMESPACE, *row, 0);
                put(own, whole, 'a');
                put(own, (classes::NAMESPACE, *schema, 0), 'a');
            }
        }
        let dictionaries = definition.configuration().into_iter().flat_map(|own| &own.map).flat_map(|(_, used)| used);
        for dictionary in dictionaries.filter(|oid| **oid >= Oid::FIRST_UNPINNED) {
            put(whole, (DefinitionKind::Dictionary.class(), *dictionary, 0), 'n');
        }
    }
}

/// Operators and support functions are parts of the class that brought them, or belong to their family.
fn of_families(catalog: &Catalog, put: &mut impl FnMut(Address, Address, char)) {
    for family in catalog.operator_families() {
        let whole = |class: Oid| match class.is_valid() {
            true => ((classes::OPCLASS, class, 0), 'i'),
            false => ((classes::OPFAMILY, family.oid, 0), 'a'),
        };
        for (strategy, class) in &family.operators {
            let own = (classes::AMOP, strategy.oid, 0);
            let (on, kind) = whole(*class);
            put(own, on, kind);
            put(own, (classes::OPERATOR, strategy.operator, 0), 'n');
        }
        for (function, class) in &family.functions {
            let own = (classes::AMPROC, function.oid, 0);
            let (on, kind) = whole(*class);
            put(own, on, kind);
            put(own, (classes::PROC, function.proc, 0), 'n');
        }
    }
}

/// A language that an extension brings is a part of it, and so are the functions that the language needs.
fn of_languages(catalog: &Catalog, put: &mut impl FnMut(Address, Address, char)) {
    for mut row in facts::table("pg_language").into_iter().flat_map(facts::Table::rows) {
        let fields: Vec<&str> = std::iter::from_fn(|| row.field()).collect();
        let [oid, name, _is_procedural, _is_trusted, functions @ ..] = &*fields else { continue };
        let Some(extension) = catalog.extension_named(name) else { continue };
        let number = |text: &str| Oid(text.parse().unwrap_or_default());
        let (language, whole) = ((Language::CLASS, number(oid), 0), (classes::EXTENSION, extension.oid, 0));
        put(language, whole, 'e');
        for function in functions {
            let function = (classes::PROC, number(function), 0);
            put(function, whole, 'e');
            put(language, function, 'n');
        }
    }
}

/// Dependencies that follow from what an object is part of.
fn structural(catalog: &Catalog, relation: &Relation, put: &mut impl FnMut(Address, Address, char)) {
    let own = (classes::CLASS, relation.oid, 0);
    match &relation.kind {
        RelationKind::Index(index) => {
            let constraint = constraint_of_index(catalog, index.table, relation.oid);
            match constraint {
                Some(constraint) => put(own, (classes::CONSTRAINT, constraint, 0), 'i'),
                None => index::attnums(index)
                    .filter(|attnum| *attnum != 0)
                    .for_each(|attnum| put(own, (classes::CLASS, index.table, attnum.into()), 'a')),
            }
            return;
        }
        RelationKind::Sequence(sequence) => {
            if let Some((table, attnum, identity)) = sequence.owned_by {
                put(own, (classes::CLASS, table, attnum.into()), if identity { 'i' } else { 'a' });
            }
        }
        RelationKind::View(_) | RelationKind::MaterializedView(_) => {
            let rule = (classes::REWRITE, rule::oid(relation.oid), 0);
            put(rule, own, 'i');
            put(rule, own, 'n');
        }
        RelationKind::Table | RelationKind::Composite | RelationKind::Virtual => {}
    }
    match relation.kind {
        // What users see of a composite type is the type.
        RelationKind::Composite => {
            put(own, (classes::TYPE, relation.row_type, 0), 'i');
            put((classes::TYPE, relation.row_type, 0), (classes::NAMESPACE, relation.namespace, 0), 'n');
        }
        _ => {
            put(own, (classes::NAMESPACE, relation.namespace, 0), 'n');
            if relation.row_type.is_valid() {
                put((classes::TYPE, relation.row_type, 0), own, 'i');
            }
        }
    }
    for parent in &relation.parents {
        put(own, (classes::CLASS, *parent, 0), if relation.is_partition() { 'a' } else { 'n' });
    }
    for column in relation.partition_key.iter().flat_map(|key| &key.columns) {
        if let IndexTarget::Column(attnum) = column.target {
            put((classes::CLASS, relation.oid, attnum.into()), own, 'i');
        }
    }
    for (attnum, column) in relation.live_columns() {
        if column.default.is_some() && column.identity.is_none() {
            let default = (classes::ATTRDEF, attribute::attrdef_oid(relation.oid, attnum), 0);
            let kind = if column.generated { 'i' } else { 'a' };
            put(default, (classes::CLASS, relation.oid, attnum.into()), kind);
        }
        if column.ty.oid >= Oid::FIRST_NORMAL {
            put((classes::CLASS, relation.oid, attnum.into()), (classes::TYPE, column.ty.oid, 0), 'n');
        }
    }
    for constraint in &relation.constraints {
        let own = (classes::CONSTRAINT, constraint.oid, 0);
        let mut on_columns = |table: Oid, columns: &[i16], kind| {
            columns.iter().for_each(|attnum| put(own, (classes::CLASS, table, i32::from(*attnum)), kind));
        };
        match &constraint.kind {
            // Its columns are those of its expression too; the whole row counts where they do not.
            ConstraintKind::Check { columns, .. } => {
                let named: Vec<i16> = columns.iter().copied().filter(|attnum| *attnum > 0).collect();
                on_columns(relation.oid, if named.is_empty() { columns } else { &named }, 'a');
                on_columns(relation.oid, &named, 'n');
            }
            ConstraintKind::Primary { columns, .. } | ConstraintKind::Unique { columns, .. } => {
                on_columns(relation.oid, columns, 'a')
            }
            ConstraintKind::Exclude { columns, .. } => {
                let columns: Vec<i16> = columns.iter().copied().filter(|attnum| *attnum > 0).collect();
                on_columns(relation.oid, if columns.is_empty() { &[0] } else { &columns }, 'a');
            }
            ConstraintKind::Foreign(key) => {
                on_columns(relation.oid, &key.columns, 'a');
                on_columns(key.referenced, &key.referenced_columns, 'n');
                put(own, (classes::CLASS, key.index, 0), 'n');
            }
        }
    }
}

/// The constraint that an index serves.
pub fn constraint_of_index(catalog: &Catalog, table: Oid, index: Oid) -> Option<Oid> {
    let table = catalog.relation(table)?;
    let found = table.constraints.iter().find(|constraint| constraint.kind.index() == Some(index));
    found.map(|constraint| constraint.oid)
}

/// Owners of objects, the roles that have privileges on them, and those that policies are for, other than the bootstrap
/// superuser.
pub fn pg_shdepend(source: &Source<'_>, out: &mut Output<'_>) {
    let database = source.env.shared.database.oid;
    let relations = source.catalog.relations().map(|r| (classes::CLASS, r.oid, r.owner));
    let schemas = source.catalog.schemas().map(|s| (classes::NAMESPACE, s.oid, s.owner));
    let types = source.catalog.user_types().map(|t| (classes::TYPE, t.oid, t.owner));
    let routines = source.catalog.routines().map(|r| (classes::PROC, r.oid, r.owner));
    let operators = source.catalog.operators().map(|o| (classes::OPERATOR, o.oid, o.owner));
    let defaults = source.catalog.default_acls().map(|((owner, ..), oid, _)| (classes::DEFAULT_ACL, oid, *owner));
    let owned = relations.chain(schemas).chain(types).chain(routines).chain(operators).chain(defaults);
    for (class, oid, owner) in owned {
        if owner != BOOTSTRAP_ROLE && oid >= Oid::FIRST_NORMAL {
            row!(out; database, class, oid, 0, classes::AUTHID, owner, 'o');
        }
    }
    each_list(source.catalog, |(class, oid, part), owner, list| {
        let items = list.iter().filter_map(|item| AclItem::parse(item));
        let names: BTreeSet<String> = items.flat_map(|item| [item.grantee, item.grantor]).collect();
        let roles = names.iter().filter_map(|name| source.catalog.role_named(name)).map(|role| role.oid);
        for role in roles.filter(|role| *role != owner && *role != BOOTSTRAP_ROLE) {
            // Parameters are of all databases.
            let database = if class == classes::PARAMETER_ACL { Oid::INVALID } else { database };
            row!(out; database, class, oid, part, classes::AUTHID, role, 'a');
        }
    });
    for policy in source.catalog.relations().flat_map(|relation| &relation.policies) {
        for role in policy.roles.iter().filter(|role| role.is_valid() && **role != BOOTSTRAP_ROLE) {
            row!(out; database, classes::POLICY, policy.oid, 0, classes::AUTHID, *role, 'r');
        }
    }
}

/// Calls `f` with every list of privileges on users' objects, and the owner of what it is on.
fn each_list(catalog: &Catalog, mut f: impl FnMut(Address, Oid, &[Arc<str>])) {
    let mut on = |address: Address, owner: Oid, list: Option<&[Arc<str>]>| {
        if let Some(list) = list.filter(|_| address.1 >= Oid::FIRST_NORMAL) {
            f(address, owner, list);
        }
    };
    for relation in catalog.relations() {
        on((classes::CLASS, relation.oid, 0), relation.owner, relation.acl.as_deref());
        for attnum in relation.listed_columns() {
            on((classes::CLASS, relation.oid, attnum.into()), relation.owner, relation.column_acl(attnum));
        }
    }
    for schema in catalog.schemas() {
        on((classes::NAMESPACE, schema.oid, 0), schema.owner, schema.acl.as_deref());
    }
    for info in catalog.user_types() {
        on((classes::TYPE, info.oid, 0), info.owner, catalog.acl_of(classes::TYPE, info.oid));
    }
    for ((owner, ..), oid, list) in catalog.default_acls() {
        on((classes::DEFAULT_ACL, oid, 0), *owner, Some(list));
    }
    for (_, oid, list) in catalog.parameters() {
        on((classes::PARAMETER_ACL, oid, 0), BOOTSTRAP_ROLE, Some(list));
    }
    for routine in catalog.routines() {
        on((classes::PROC, routine.oid, 0), routine.owner, routine.acl.as_deref());
    }
}

//! Operators, casts, operator families and classes that users made (`pg_operator`, `pg_cast`, `pg_opfamily`, `pg_opclass`), and the
//! look-ups that find them.
//!
//! What a class brings into a family (`pg_amop`, `pg_amproc`) is kept in the family. Families that every database has take
//! additions too: those are kept under the family's oid in an entry that has no name.

use std::borrow::Cow;
use std::sync::Arc;

use dictdb_functions::facts::{self, AmProc, Cast, Opclass, Strategy};
use dictdb_types::Oid;

use crate::{BOOTSTRAP_ROLE, Catalog, Language, namespaces};

/// A row of `pg_operator`. Zero is "none" in every oid.
#[derive(Clone, Debug)]
pub struct Operator {
    /// `oid`.
    pub oid: Oid,
    /// `oprname`.
    pub name: Arc<str>,
    /// `oprnamespace`.
    pub namespace: Oid,
    /// `oprowner`.
    pub owner: Oid,
    /// `oprcanmerge`.
    pub can_merge: bool,
    /// `oprcanhash`.
    pub can_hash: bool,
    /// `oprleft`; zero for a prefix operator.
    pub left: Oid,
    /// `oprright`.
    pub right: Oid,
    /// `oprresult`; zero while it is only a shell.
    pub result: Oid,
    /// `oprcom`.
    pub commutator: Oid,
    /// `oprnegate`.
    pub negator: Oid,
    /// `oprcode`; zero while it is only a shell.
    pub code: Oid,
    /// `oprrest`.
    pub restriction_estimator: Oid,
    /// `oprjoin`.
    pub join_estimator: Oid,
}

impl From<&facts::Operator> for Operator {
    fn from(known: &facts::Operator) -> Self {
        Operator {
            oid: known.oid,
            name: Arc::from(known.name),
            namespace: known.namespace,
            owner: BOOTSTRAP_ROLE,
            can_merge: known.can_merge,
            can_hash: known.can_hash,
            left: known.left,
            right: known.right,
            result: known.result,
            commutator: known.commutator,
            negator: known.negator,
            code: known.code,
            restriction_estimator: known.restriction_estimator,
            join_estimator: known.join_estimator,
        }
    }
}

/// A row of `pg_opfamily` with its operators and functions.
#[derive(Clone, Debug)]
pub struct OperatorFamily {
    /// `oid`.
    pub oid: Oid,
    /// `opfname`; empty where only additions to a built-in family are kept.
    pub name: Arc<str>,
    /// `opfnamespace`.
    pub namespace: Oid,
    /// `opfowner`.
    pub owner: Oid,
    /// `opfmethod`.
    pub method: Oid,
    /// `pg_amop`, each with the class it belongs to (zero: loose in the family).
    pub operators: Vec<(Strategy, Oid)>,
    /// `pg_amproc`, likewise.
    pub functions: Vec<(AmProc, Oid)>,
}

/// A row of `pg_opclass`.
#[derive(Clone, Debug)]
pub struct OperatorClass {
    /// What resolution knows of it.
    pub class: Opclass,
    /// `opcowner`.
    pub owner: Oid,
}

impl Catalog {
    /// The user's operator with this oid.
    pub fn operator(&self, oid: Oid) -> Option<&Arc<Operator>> {
        self.operators.get(&oid)
    }

    /// The operator with this oid, built in or a user's.
    pub fn any_operator(&self, oid: Oid) -> Option<Cow<'_, Operator>> {
        match self.operators.get(&oid) {
            Some(own) => Some(Cow::Borrowed(own)),
            None => facts::operator_by_oid(oid).map(|known| Cow::Owned(known.into())),
        }
    }

    /// Whether users have made any operator at all.
    pub fn has_operators(&self) -> bool {
        !self.operators.is_empty()
    }

    /// All operators that users made, by oid.
    pub fn operators(&self) -> impl Iterator<Item = &Arc<Operator>> {
        self.operators.values()
    }

    /// The users' operators of this name in a schema.
    pub fn operators_named<'a>(&'a self, namespace: Oid, name: &str) -> impl Iterator<Item = &'a Arc<Operator>> + 'a {
        let name: Arc<str> = Arc::from(name);
        let range = (name.clone(), namespace, Oid(0))..=(name, namespace, Oid(u32::MAX));
        self.operator_names.range(range).filter_map(|(_, _, oid)| self.operators.get(oid))
    }

    /// The operator of exactly these operands in a schema, built in or a user's.
    pub fn operator_in(&self, namespace: Oid, name: &str, left: Oid, right: Oid) -> Option<Oid> {
        let built_in = facts::operators_named(name)
            .find(|o| o.namespace == namespace && (o.left, o.right) == (left, right))
            .map(|o| o.oid);
        built_in.or_else(|| {
            self.operators_named(namespace, name).find(|o| (o.left, o.right) == (left, right)).map(|o| o.oid)
        })
    }

    /// The user's cast with this oid.
    pub fn cast_by_oid(&self, oid: Oid) -> Option<&Cast> {
        self.casts.values().find(|cast| cast.oid == oid).map(|cast| &**cast)
    }

    /// The user's cast between two types.
    pub fn cast(&self, source: Oid, target: Oid) -> Option<&Cast> {
        self.casts.get(&(source, target)).map(|cast| &**cast)
    }

    /// All casts that users made.
    pub fn casts(&self) -> impl Iterator<Item = &Cast> {
        self.casts.values().map(|cast| &**cast)
    }

    /// The user's operator class with this oid.
    pub fn operator_class(&self, oid: Oid) -> Option<&Arc<OperatorClass>> {
        self.operator_classes.get(&oid)
    }

    /// All operator classes that users made, by oid.
    pub fn operator_classes(&self) -> impl Iterator<Item = &Arc<OperatorClass>> {
        self.operator_classes.values()
    }

    /// The operator class with this oid, built in or a user's.
    pub fn any_opclass(&self, oid: Oid) -> Option<&Opclass> {
        self.operator_classes.get(&oid).map(|own| &own.class).or_else(|| facts::opclass_by_oid(oid))
    }

    /// Whether a class compares or hashes by functions that are neither PostgreSQL's nor an extension's: only statements can call those.
    pub fn compares_by_users(&self, class: &Opclass) -> bool {
        let is_of_users = |function: Oid| self.routine(function).is_some_and(|own| own.language != crate::Language::C);
        class.oid >= Oid::FIRST_NORMAL
            && self
                .operator_family(class.family)
                .is_none_or(|family| family.functions.iter().any(|(function, _)| is_of_users(function.proc)))
    }

    /// What implements an operator class: its own name if every database has it, otherwise `pg_proc.prosrc` of the function that
    /// says what is searched for (gin) or searches (gist).
    pub fn class_implementation(&self, opclass: Oid) -> Option<Arc<str>> {
        let Some(own) = self.operator_classes.get(&opclass) else {
            return facts::opclass_by_oid(opclass).map(|class| class.name.clone());
        };
        let number = if own.class.method == facts::ids::GIN { 3 } else { 1 };
        let functions = &self.operator_families.get(&own.class.family)?.functions;
        let (function, _) = functions.iter().find(|(function, of)| *of == opclass && function.number == number)?;
        match self.routine(function.proc) {
            Some(routine) if matches!(routine.language, Language::C | Language::Internal) => {
                Some(routine.source.clone())
            }
            Some(_) => None,
            None => facts::proc_by_oid(function.proc).map(|proc| Arc::from(proc.source)),
        }
    }

    /// Operator classes of this name in a schema, built in or users', for a method.
    pub fn opclass_in(&self, namespace: Oid, method: Oid, name: &str) -> Option<&Opclass> {
        let own = self.operator_classes.values().map(|own| &own.class);
        let mut all = facts::opclasses().iter().chain(own);
        all.find(|class| class.namespace == namespace && class.method == method && *class.name == *name)
    }

    /// The user's operator family with this oid, or the additions to a built-in one.
    pub fn operator_family(&self, oid: Oid) -> Option<&Arc<OperatorFamily>> {
        self.operator_families.get(&oid)
    }

    /// All operator families that users made or added to, by oid.
    pub fn operator_families(&self) -> impl Iterator<Item = &Arc<OperatorFamily>> {
        self.operator_families.values()
    }

    /// The operator family of this name in a schema, built in or a user's, for a method.
    pub fn opfamily_in(&self, namespace: Oid, method: Oid, name: &str) -> Option<Oid> {
        let built_in = facts::opfamilies().iter();
        let built_in = built_in.filter(|_| namespace == namespaces::PG_CATALOG);
        let mut built_in = built_in.filter(|family| family.method == method && family.name == name);
        if let Some(family) = built_in.next() {
            return Some(family.oid);
        }
        let mut own = self.operator_families.values();
        own.find(|f| f.namespace == namespace && f.method == method && *f.name == *name).map(|f| f.oid)
    }

    /// What operators mean in a family, built in or a user's.
    pub fn strategies_of(&self, family: Oid) -> Vec<Strategy> {
        let mut found = facts::strategies_of_family(family).to_vec();
        if let Some(own) = self.operator_families.get(&family) {
            found.extend(own.operators.iter().map(|(strategy, _)| *strategy));
        }
        found
    }
}

//! The objects of `cases/oracle.sql`, in a schema before `pg_catalog` in the search path.

use std::borrow::Cow;
use std::sync::Arc;

use dictdb_types::{
    EnumLabel, Error, Field, Oid, Result, SqlState, Type, TypeInfo, TypeKind, TypeLookup, builtin_types, oids,
};

use super::super::{OperatorSignature, Scope, Signature, builtin_functions, builtin_operators};
use crate::facts::{ArgMode, ProcKind, ids};

const SCHEMA: Oid = Oid(20_000);
const POSINT: Oid = Oid(20_001);
const LABEL: Oid = Oid(20_002);
const INTS: Oid = Oid(20_003);
const MOOD: Oid = Oid(20_004);
const PAIR: Oid = Oid(20_005);
/// Arrays of the five.
const ARRAYS: u32 = 10;

/// Users' types and functions over the built-in ones.
pub struct TestScope {
    types: Vec<Arc<TypeInfo>>,
}

struct Function {
    name: &'static str,
    kind: ProcKind,
    args: &'static [Oid],
    names: &'static [&'static str],
    modes: &'static [ArgMode],
    all_args: &'static [Oid],
    variadic: Oid,
    defaults: usize,
    result: Oid,
}

const fn function(name: &'static str, args: &'static [Oid], names: &'static [&'static str], result: Oid) -> Function {
    Function {
        name,
        kind: ProcKind::Function,
        args,
        names,
        modes: &[],
        all_args: &[],
        variadic: Oid::INVALID,
        defaults: 0,
        result,
    }
}

const FUNCTIONS: &[Function] = &[
    Function {
        defaults: 2,
        ..function("defaulted", &[oids::INT4, oids::TEXT, oids::INT8], &["a", "b", "c"], oids::TEXT)
    },
    Function {
        variadic: oids::NUMERIC,
        modes: &[ArgMode::Variadic],
        all_args: &[oids::NUMERIC_ARRAY],
        ..function("gather", &[oids::NUMERIC_ARRAY], &["items"], oids::NUMERIC)
    },
    function("gather", &[oids::NUMERIC], &["one"], oids::INT4),
    Function { defaults: 1, ..function("either", &[oids::INT4], &["a"], oids::INT4) },
    Function { defaults: 2, ..function("either", &[oids::INT4, oids::INT4], &["a", "b"], oids::INT4) },
    Function {
        defaults: 1,
        ..function("poly_default", &[oids::ANYELEMENT, oids::ANYARRAY], &["a", "b"], oids::ANYARRAY)
    },
    Function {
        variadic: oids::ANYCOMPATIBLE,
        modes: &[ArgMode::In, ArgMode::Variadic],
        all_args: &[oids::ANYCOMPATIBLE, oids::ANYCOMPATIBLEARRAY],
        ..function("longest", &[oids::ANYCOMPATIBLE, oids::ANYCOMPATIBLEARRAY], &["a", "b"], oids::ANYCOMPATIBLE)
    },
    function("ranged", &[oids::ANYCOMPATIBLERANGE, oids::ANYCOMPATIBLE], &["a", "b"], oids::ANYCOMPATIBLE),
    function("spread", &[oids::ANYRANGE], &["a"], oids::ANYMULTIRANGE),
    function("single", &[oids::ANYMULTIRANGE], &["a"], oids::ANYRANGE),
    function("plain", &[oids::ANYNONARRAY], &["a"], oids::ANYARRAY),
    function("abs", &[oids::TEXT], &["a"], oids::TEXT),
    function("lower", &[oids::TEXT], &["a"], oids::INT4),
    Function {
        kind: ProcKind::Procedure,
        modes: &[ArgMode::In, ArgMode::Out],
        all_args: &[oids::INT4, oids::TEXT],
        ..function("proc", &[oids::INT4], &["a", "b"], oids::RECORD)
    },
];

const FIRST_FUNCTION: u32 = 21_000;

fn base(name: &str, oid: Oid, kind: TypeKind, category: u8) -> TypeInfo {
    TypeInfo {
        oid,
        name: Arc::from(name),
        namespace: SCHEMA,
        owner: Oid(10),
        kind,
        category,
        preferred: false,
        len: -1,
        by_value: false,
        align: b'i',
        delimiter: b',',
        relation: Oid::INVALID,
        element: Oid::INVALID,
        array: Oid(oid.0 + ARRAYS),
        collation: Oid::INVALID,
        input: Arc::from("domain_in"),
    }
}

impl Default for TestScope {
    fn default() -> Self {
        let label = |code, label| EnumLabel { oid: Oid(22_000 + code), code, label: Arc::from(label) };
        let field = |name, oid| Field { name: Arc::from(name), ty: Type::new(oid) };
        let mut types = vec![
            base("posint", POSINT, TypeKind::Domain(Type::new(oids::INT4)), b'N'),
            base("label", LABEL, TypeKind::Domain(Type::new(oids::TEXT)), b'S'),
            base("ints", INTS, TypeKind::Domain(Type::new(oids::INT4_ARRAY)), b'A'),
            TypeInfo { len: 4, ..base("mood", MOOD, TypeKind::Enum([label(1, "sad"), label(2, "ok")].into()), b'E') },
            TypeInfo {
                relation: Oid(23_000),
                ..base("pair", PAIR, TypeKind::Composite([field("a", oids::INT4), field("b", oids::TEXT)].into()), b'C')
            },
        ];
        let array = |of: &TypeInfo| TypeInfo {
            element: of.oid,
            array: Oid::INVALID,
            input: Arc::from("array_in"),
            ..base(&format!("_{}", of.name), of.array, TypeKind::Base, b'A')
        };
        types.extend(types.iter().map(array).collect::<Vec<_>>());
        TestScope { types: types.into_iter().map(Arc::new).collect() }
    }
}

impl TestScope {
    /// A user's type, row types included.
    pub fn type_by_name(&self, name: &str) -> Option<Oid> {
        self.types.iter().find(|t| &*t.name == name).map(|t| t.oid)
    }

    /// Name and parameters of a user's function.
    pub fn function_by_oid(&self, oid: Oid) -> (&'static str, Vec<Oid>) {
        let function = &FUNCTIONS[(oid.0 - FIRST_FUNCTION) as usize];
        (function.name, function.args.to_vec())
    }
}

fn signature(function: &'static Function, number: usize) -> Signature<'static> {
    Signature {
        oid: Oid(FIRST_FUNCTION + number as u32),
        path: 0,
        kind: function.kind,
        args: Cow::Borrowed(function.args),
        all_args: Cow::Borrowed(function.all_args),
        modes: Cow::Borrowed(function.modes),
        names: function.names.to_vec(),
        variadic: function.variadic,
        default_count: function.defaults,
        default_types: Cow::Borrowed(&[]),
        result: function.result,
        returns_set: false,
    }
}

impl TypeLookup for TestScope {
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        builtin_types::by_oid(oid).or_else(|| self.types.iter().find(|t| t.oid == oid).cloned())
    }
}

impl Scope for TestScope {
    fn functions(&self, schema: Option<&str>, name: &str) -> Result<Vec<Signature<'_>>> {
        let own = || FUNCTIONS.iter().enumerate().filter(|(_, f)| f.name == name).map(|(i, f)| signature(f, i));
        match schema {
            None => Ok(own().chain(builtin_functions(ids::PG_CATALOG, name, 1)).collect()),
            Some("resolve_cases") => Ok(own().collect()),
            Some("pg_catalog") => Ok(builtin_functions(ids::PG_CATALOG, name, 0).collect()),
            Some(schema) => {
                Err(Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist")))
            }
        }
    }

    fn operators(&self, _: Option<&str>, name: &str) -> Result<Vec<OperatorSignature>> {
        Ok(builtin_operators(name, 1).collect())
    }

    fn type_named(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
        let own = self.types.iter().find(|t| schema != Some("pg_catalog") && &*t.name == name).cloned();
        let found = own.or_else(|| builtin_types::by_name(name).filter(|_| schema != Some("resolve_cases")))?;
        (!found.relation.is_valid()).then_some(found.oid)
    }

    fn qualifier_of_type(&self, info: &TypeInfo) -> Option<String> {
        (info.namespace == Oid(13_207)).then(|| "information_schema".to_owned())
    }
}

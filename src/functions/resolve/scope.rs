//! What resolution can see: functions, operators, casts and types along a search path.

use std::borrow::Cow;
use std::sync::Arc;

use dictdb_types::{Oid, Result, TypeInfo, TypeLookup, builtin_types};

use crate::facts::{self, AggregateKind, ArgMode, Cast, Opclass, Operator, Proc, ProcKind, Strategy, ids};

/// A function as far as choosing it goes. Slices may borrow from the catalog or from the built-in tables.
#[derive(Clone, Debug)]
pub struct Signature<'a> {
    /// `pg_proc.oid`.
    pub oid: Oid,
    /// Position of its schema in the search path; equal for all when the name was qualified.
    pub path: usize,
    /// `prokind`.
    pub kind: ProcKind,
    /// `proargtypes`: input parameters.
    pub args: Cow<'a, [Oid]>,
    /// `proallargtypes`; empty when all parameters are input.
    pub all_args: Cow<'a, [Oid]>,
    /// `proargmodes`; empty when all parameters are plain input.
    pub modes: Cow<'a, [ArgMode]>,
    /// `proargnames`, `""` where there is none; empty when no parameter has a name.
    pub names: Vec<&'a str>,
    /// `provariadic`.
    pub variadic: Oid,
    /// `pronargdefaults`.
    pub default_count: usize,
    /// Types of the default expressions when they differ from their (polymorphic) parameters; else empty.
    pub default_types: Cow<'a, [Oid]>,
    /// `prorettype`.
    pub result: Oid,
    /// `proretset`.
    pub returns_set: bool,
}

impl Signature<'static> {
    /// A built-in function at this position of the search path.
    pub fn of_builtin(proc: &'static Proc, path: usize) -> Self {
        Signature {
            oid: proc.oid,
            path,
            kind: proc.kind,
            args: Cow::Borrowed(&proc.args),
            all_args: Cow::Borrowed(proc.all_args.as_deref().unwrap_or_default()),
            modes: Cow::Borrowed(proc.arg_modes.as_deref().unwrap_or_default()),
            names: proc.arg_names.as_deref().unwrap_or_default().to_vec(),
            variadic: proc.variadic,
            default_count: proc.default_count,
            default_types: Cow::Borrowed(&[]),
            result: proc.result,
            returns_set: proc.returns_set,
        }
    }
}

/// An operator as far as choosing and using it goes.
#[derive(Clone, Copy, Debug)]
pub struct OperatorSignature {
    /// `pg_operator.oid`.
    pub oid: Oid,
    /// Position of its schema in the search path; equal for all when the name was qualified.
    pub path: usize,
    /// `oprleft`; zero for a prefix operator.
    pub left: Oid,
    /// `oprright`.
    pub right: Oid,
    /// `oprresult`.
    pub result: Oid,
    /// `oprcode`: the function behind it; zero while it is only a shell.
    pub code: Oid,
}

impl OperatorSignature {
    /// A built-in operator at this position of the search path.
    pub fn of_builtin(operator: &Operator, path: usize) -> Self {
        OperatorSignature {
            oid: operator.oid,
            path,
            left: operator.left,
            right: operator.right,
            result: operator.result,
            code: operator.code,
        }
    }
}

/// The objects a statement can name. The catalog's view of a session implements it; [`BuiltinScope`] serves tests and
/// whatever needs built-in objects only.
pub trait Scope: TypeLookup {
    /// The functions of this name in a schema, or in all schemas of the search path except the temporary one.
    /// 3F000 when the schema does not exist.
    fn functions(&self, schema: Option<&str>, name: &str) -> Result<Vec<Signature<'_>>>;

    /// The operators of this name, likewise.
    fn operators(&self, schema: Option<&str>, name: &str) -> Result<Vec<OperatorSignature>>;

    /// The defined type of this name, as a function call could mean it: a catalog name (`int4`, not `integer`), not the
    /// row type of a relation.
    fn type_named(&self, schema: Option<&str>, name: &str) -> Option<Oid>;

    /// The name of the type's schema, when the search path does not find the type without it.
    fn qualifier_of_type(&self, info: &TypeInfo) -> Option<String>;

    /// The cast between two types.
    fn cast(&self, source: Oid, target: Oid) -> Option<Cast> {
        facts::cast(source, target).copied()
    }

    /// The kind of an aggregate and the number of its direct arguments.
    fn aggregate(&self, function: Oid) -> Option<(AggregateKind, usize)> {
        facts::aggregate(function).map(|aggregate| (aggregate.kind, aggregate.direct_args))
    }

    /// The operator classes that are the default of an access method for some type.
    fn default_opclasses(&self, method: Oid) -> Vec<&Opclass> {
        facts::opclasses().iter().filter(|class| class.method == method && class.default).collect()
    }

    /// What operators mean in a family.
    fn strategies(&self, family: Oid) -> Cow<'_, [Strategy]> {
        Cow::Borrowed(facts::strategies_of_family(family))
    }

    /// Whether a function's arity includes a type modifier and an explicit-cast flag, as cast functions may.
    fn function_arg_count(&self, function: Oid) -> usize {
        facts::proc_by_oid(function).map_or(1, |p| p.args.len())
    }

    /// The multirange type over a range type.
    fn multirange_of(&self, range: Oid) -> Option<Oid> {
        builtin_types::ranges().iter().find(|r| r.range == range).map(|r| r.multirange)
    }

    /// Whether a row type belongs to a table that inherits from the table of another row type.
    fn inherits(&self, _child: Oid, _parent: Oid) -> bool {
        false
    }
}

/// The built-in functions of this name in a schema (`pg_catalog` or `information_schema`), as if that schema were at
/// this position of the search path.
pub fn builtin_functions(namespace: Oid, name: &str, path: usize) -> impl Iterator<Item = Signature<'static>> {
    facts::procs_named(name).filter(move |p| p.namespace == namespace).map(move |p| Signature::of_builtin(p, path))
}

/// The built-in operators of this name, as if `pg_catalog` were at this position of the search path.
pub fn builtin_operators(name: &str, path: usize) -> impl Iterator<Item = OperatorSignature> {
    facts::operators_named(name).map(move |o| OperatorSignature::of_builtin(o, path))
}

/// Built-in objects alone: `pg_catalog` is the search path.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltinScope;

impl TypeLookup for BuiltinScope {
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        builtin_types::by_oid(oid)
    }
}

impl Scope for BuiltinScope {
    fn functions(&self, schema: Option<&str>, name: &str) -> Result<Vec<Signature<'_>>> {
        Ok(if schema.is_none_or(|s| s == "pg_catalog") {
            builtin_functions(ids::PG_CATALOG, name, 0).collect()
        } else {
            vec![]
        })
    }

    fn operators(&self, schema: Option<&str>, name: &str) -> Result<Vec<OperatorSignature>> {
        Ok(if schema.is_none_or(|s| s == "pg_catalog") { builtin_operators(name, 0).collect() } else { vec![] })
    }

    fn type_named(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
        let info = builtin_types::by_name(name).filter(|_| schema.is_none_or(|s| s == "pg_catalog"))?;
        (!info.relation.is_valid()).then_some(info.oid)
    }

    fn qualifier_of_type(&self, info: &TypeInfo) -> Option<String> {
        (info.namespace != ids::PG_CATALOG).then(|| "information_schema".into())
    }
}

//! Which function `f(a, b)` means (manual, section 10.3), and how its parameters are filled.

use dictdb_types::{Error, Oid, Result, SqlState, oids};

use super::candidates::{FunctionCandidate, collect};
use super::coercion::{Coercion, pathway};
use super::message::format_type;
use super::polymorphic::no_array_type;
use super::select::{best, reachable};
use super::traits::{STRING, TypeTraits};
use super::{FunctionCall, Scope, Signature, resolve_polymorphic, select_common_type};
use crate::facts::{AggregateKind, ArgMode, CastContext, ProcKind};

/// PostgreSQL's `FUNC_MAX_ARGS`.
pub const MAX_ARGS: usize = 100;

/// What a call means.
#[derive(Clone, Debug)]
pub enum Resolution {
    /// A function, aggregate, window function or procedure.
    Call(FunctionMatch),
    /// An explicit cast of the only argument to this type: `text(x)`, `date('2026-01-31')`.
    Cast(Oid),
}

/// A chosen function.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionMatch {
    /// `pg_proc.oid`.
    pub oid: Oid,
    /// `prokind`.
    pub kind: ProcKind,
    /// Type of the result; of a set, of its rows. `record` stays for the caller to refine by output parameters.
    pub result: Oid,
    /// Whether it returns a set.
    pub returns_set: bool,
    /// The arguments in the order of the function's parameters, expanded variadic ones singly.
    pub params: Vec<Param>,
    /// How the last arguments become one array.
    pub variadic: Option<VariadicArray>,
    /// `VARIADIC array` was written for a parameter declared `VARIADIC "any"`.
    pub variadic_any: bool,
    /// `aggkind` and number of direct arguments, for aggregates.
    pub aggregate: Option<(AggregateKind, usize)>,
}

/// One parameter of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Where its value comes from.
    pub source: ArgSource,
    /// The type the value is converted to, implicitly. `unknown` remains under `"any"`.
    pub ty: Oid,
}

/// Where a parameter's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgSource {
    /// The argument of this number in the call.
    Given(usize),
    /// The default expression of this number (they belong to the last parameters).
    Default(usize),
}

/// Arguments that are gathered into an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariadicArray {
    /// Number of the first such entry of [`FunctionMatch::params`]; all later ones follow it into the array.
    pub first: usize,
    /// Type of the array.
    pub array: Oid,
}

/// Finds the function a call means.
///
/// 42883 when nothing accepts the arguments, 42725 when several do, 42809 when the name is of another kind of routine
/// than the call, 42804 when polymorphic arguments disagree, 54023 beyond 100 arguments. Before 42883 is reported for
/// one argument of a row type, the caller tries `f(x)` as the field `x.f`.
pub fn resolve_function(scope: &dyn Scope, call: &FunctionCall<'_>) -> Result<Resolution> {
    check_arguments(call)?;
    let candidates = collect(call, scope.functions(call.schema, call.name)?);
    let exact = candidates.iter().position(|c| c.params.get(..call.args.len()) == Some(call.args));
    let chosen = match exact {
        Some(i) => candidates.into_iter().nth(i),
        None => match cast_target(scope, call) {
            Some(target) => {
                call.check_kind(scope, ProcKind::Function)?;
                return Ok(Resolution::Cast(target));
            }
            None => select(scope, call, candidates)?,
        },
    };
    let chosen = chosen.ok_or_else(|| call.not_found(scope))?;
    if chosen.ambiguous {
        return Err(call.not_unique(scope));
    }
    if call.variadic && misplaced_variadic(call, &chosen) {
        return Err(call.not_found(scope));
    }
    complete(scope, call, chosen).map(Resolution::Call)
}

fn check_arguments(call: &FunctionCall<'_>) -> Result<()> {
    if call.args.len() > MAX_ARGS {
        let message = format!("cannot pass more than {MAX_ARGS} arguments to a function");
        return Err(Error::new(SqlState::TOO_MANY_ARGUMENTS, message));
    }
    for (i, name) in call.arg_names.iter().enumerate() {
        if call.arg_names[..i].contains(name) {
            let message = format!("argument name \"{name}\" used more than once");
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
    }
    Ok(())
}

fn select<'a>(
    scope: &dyn Scope,
    call: &FunctionCall<'_>,
    candidates: Vec<FunctionCandidate<'a>>,
) -> Result<Option<FunctionCandidate<'a>>> {
    let mut candidates = reachable(scope, call.args, candidates);
    if candidates.len() <= 1 {
        return Ok(candidates.pop());
    }
    best(scope, call.args, candidates).map(Some).ok_or_else(|| call.not_unique(scope))
}

/// The type a one-argument call casts to, when it is no call of a function.
///
/// Casts that have a function are left to that function, which is named like its target type; casts between arrays and
/// from rows to strings must be written as casts.
fn cast_target(scope: &dyn Scope, call: &FunctionCall<'_>) -> Option<Oid> {
    let [source] = *call.args else { return None };
    if !call.arg_names.is_empty() {
        return None;
    }
    let target = scope.type_named(call.schema, call.name)?;
    if source == oids::UNKNOWN && call.literal {
        return Some(target);
    }
    let is_cast = match pathway(scope, source, scope.base_of(target), CastContext::Explicit)? {
        Coercion::Relabel => true,
        Coercion::ViaIo => {
            let row = source == oids::RECORD || scope.is_composite(source);
            !(row && scope.category(target).0 == STRING)
        }
        _ => false,
    };
    is_cast.then_some(target)
}

/// VARIADIC marks the last argument; with names that argument must be the variadic parameter.
fn misplaced_variadic(call: &FunctionCall<'_>, chosen: &FunctionCandidate<'_>) -> bool {
    let last = call.args.len().saturating_sub(1);
    !call.arg_names.is_empty() && chosen.positions.as_ref().is_some_and(|p| p.get(last) != Some(&last))
}

/// Checks the kind of routine, decides polymorphic types and lays out the parameters.
fn complete(scope: &dyn Scope, call: &FunctionCall<'_>, chosen: FunctionCandidate<'_>) -> Result<FunctionMatch> {
    let signature = &chosen.signature;
    call.check_kind(scope, signature.kind)?;
    let aggregate = match signature.kind {
        ProcKind::Aggregate => scope.aggregate(signature.oid),
        _ => None,
    };
    let mut actual = call.args.to_vec();
    let mut declared = chosen.params.clone();
    if let Some((kind, direct_args)) = aggregate {
        let variadic = signature.variadic.is_valid();
        call.check_aggregate(scope, kind, direct_args, variadic, chosen.expanded)?;
        unify_hypothetical(scope, call, kind, &mut actual, &mut declared)?;
    }
    let given = call.args.len();
    for i in given..declared.len() {
        actual.push(default_type(&chosen, i));
    }
    let result = resolve_polymorphic(scope, &actual, &mut declared, signature.result)?;
    // Under "any" an argument keeps its type.
    for (declared, actual) in declared.iter_mut().zip(&actual) {
        if *declared == oids::ANY {
            *declared = *actual;
        }
    }
    let variadic = variadic_array(scope, call, &chosen, &declared, given)?;
    let found = FunctionMatch {
        oid: signature.oid,
        kind: signature.kind,
        result,
        returns_set: signature.returns_set,
        params: lay_out(call, &chosen, &declared),
        variadic,
        variadic_any: check_variadic_any(scope, call, signature)?,
        aggregate,
    };
    call.check_use(&found)?;
    Ok(found)
}

/// The type of the default that fills an entry of the candidate's parameters.
fn default_type(chosen: &FunctionCandidate<'_>, entry: usize) -> Oid {
    let signature = &chosen.signature;
    let param = chosen.positions.as_ref().map_or(entry, |p| p[entry]);
    let number = param.checked_sub(declared_len(chosen) - signature.default_count);
    number.and_then(|n| signature.default_types.get(n)).copied().unwrap_or(chosen.params[entry])
}

/// Number of declared parameters of the routine, whatever the call made of them.
fn declared_len(chosen: &FunctionCandidate<'_>) -> usize {
    chosen.params.len() - chosen.expanded.saturating_sub(1)
}

/// Puts the parameters of named arguments and defaults into the function's order. Output parameters of a procedure
/// take no value.
fn lay_out(call: &FunctionCall<'_>, chosen: &FunctionCandidate<'_>, types: &[Oid]) -> Vec<Param> {
    let first_default = declared_len(chosen) - chosen.signature.default_count.min(declared_len(chosen));
    let mut params: Vec<(usize, Param)> = types
        .iter()
        .enumerate()
        .map(|(entry, ty)| {
            let position = chosen.positions.as_ref().map_or(entry, |p| p[entry]);
            let source = if entry < call.args.len() {
                ArgSource::Given(entry)
            } else {
                ArgSource::Default(position - first_default)
            };
            (position, Param { source, ty: *ty })
        })
        .collect();
    params.sort_by_key(|(position, _)| *position);
    let is_value = |position: usize| {
        !call.procedure || chosen.signature.modes.get(position).is_none_or(|mode| *mode != ArgMode::Out)
    };
    params.into_iter().filter(|(position, _)| is_value(*position)).map(|(_, param)| param).collect()
}

/// Where the variadic arguments begin among the values of the call, and their array.
fn variadic_array(
    scope: &dyn Scope,
    call: &FunctionCall<'_>,
    chosen: &FunctionCandidate<'_>,
    types: &[Oid],
    given: usize,
) -> Result<Option<VariadicArray>> {
    if chosen.expanded == 0 || chosen.signature.variadic == oids::ANY {
        return Ok(None);
    }
    let first = given - chosen.expanded;
    let element = types[first];
    let array = scope.array_of(element).ok_or_else(|| no_array_type(scope, element))?;
    let outputs = match call.procedure {
        true => chosen.signature.modes.iter().take(first).filter(|mode| **mode == ArgMode::Out).count(),
        false => 0,
    };
    Ok(Some(VariadicArray { first: first - outputs, array }))
}

/// Whether the call hands an array to `VARIADIC "any"`; 42804 when what it hands is none.
fn check_variadic_any(scope: &dyn Scope, call: &FunctionCall<'_>, signature: &Signature<'_>) -> Result<bool> {
    let Some(last) = call.args.last().filter(|_| call.variadic && signature.variadic == oids::ANY) else {
        return Ok(false);
    };
    if scope.is_array_or_domain(*last) {
        return Ok(true);
    }
    Err(Error::new(SqlState::DATATYPE_MISMATCH, "VARIADIC argument must be an array"))
}

/// Makes each hypothetical argument and its ordering column of one type, preferably the column's.
fn unify_hypothetical(
    scope: &dyn Scope,
    call: &FunctionCall<'_>,
    kind: AggregateKind,
    actual: &mut [Oid],
    declared: &mut [Oid],
) -> Result<()> {
    if kind != AggregateKind::HypotheticalSet {
        return Ok(());
    }
    let direct = call.args.len() - call.order_by;
    for argument in direct.saturating_sub(call.order_by)..direct {
        let column = argument + call.order_by;
        if declared[argument] != oids::ANY {
            continue;
        }
        let common = select_common_type(scope, &[actual[column], actual[argument]], &[], "WITHIN GROUP")?;
        for i in [argument, column] {
            (actual[i], declared[i]) = (common, common);
        }
    }
    Ok(())
}

impl FunctionMatch {
    /// The types of all parameters, for messages and tests.
    pub fn param_types(&self) -> impl Iterator<Item = Oid> + '_ {
        self.params.iter().map(|p| p.ty)
    }

    /// `name(integer, text)` with the types the parameters have in this call.
    pub fn describe(&self, scope: &dyn Scope, name: &str) -> String {
        let types: Vec<String> = self.param_types().map(|oid| format_type(scope, oid)).collect();
        format!("{name}({})", types.join(", "))
    }
}

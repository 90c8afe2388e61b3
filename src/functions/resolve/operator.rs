//! Which operator `a op b` or `op a` means (manual, section 10.2).

use dictdb_types::{Error, Oid, Result, SqlState, oids};

use super::message::operator_signature;
use super::polymorphic::no_array_type;
use super::select::{Candidate, best, reachable};
use super::traits::TypeTraits;
use super::{OperatorSignature, Scope, is_polymorphic, resolve_polymorphic};

/// A chosen operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorMatch {
    /// `pg_operator.oid`.
    pub oid: Oid,
    /// `pg_proc.oid` of its function.
    pub function: Oid,
    /// Type the left operand is converted to, implicitly; `None` for a prefix operator.
    pub left: Option<Oid>,
    /// Type the right operand is converted to, implicitly.
    pub right: Oid,
    /// Type of the result.
    pub result: Oid,
}

/// A chosen operator of `left op ANY (array)` or `left op ALL (array)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalarArrayMatch {
    /// The operator between the left operand and an element.
    pub operator: OperatorMatch,
    /// Type the array is converted to, implicitly.
    pub array: Oid,
}

struct BinaryCandidate {
    params: [Oid; 2],
    operator: OperatorSignature,
}

impl Candidate for BinaryCandidate {
    fn params(&self) -> &[Oid] {
        &self.params
    }
}

struct PrefixCandidate(OperatorSignature);

impl Candidate for PrefixCandidate {
    fn params(&self) -> &[Oid] {
        std::slice::from_ref(&self.0.right)
    }
}

/// Which choice failed: nothing fits, or too much does.
enum Failure {
    None,
    Many,
}

/// The operator for two operands; [`oids::UNKNOWN`] for literals and parameters without a type.
///
/// 42883 when no operator accepts them, 42725 when several do and none is better; 42804 when a polymorphic operator's
/// operands disagree.
pub fn resolve_operator(
    scope: &dyn Scope,
    schema: Option<&str>,
    name: &str,
    left: Oid,
    right: Oid,
) -> Result<OperatorMatch> {
    let chosen = choose_binary(scope, schema, name, left, right)?;
    let mut params = [chosen.left, chosen.right];
    let result = resolve_polymorphic(scope, &[left, right], &mut params, chosen.result)?;
    let [left_param, right_param] = params;
    Ok(OperatorMatch { left: Some(left_param), right: right_param, result, ..bare(&chosen) })
}

/// The prefix operator for one operand. Errors as [`resolve_operator`].
pub fn resolve_prefix_operator(
    scope: &dyn Scope,
    schema: Option<&str>,
    name: &str,
    operand: Oid,
) -> Result<OperatorMatch> {
    let mut candidates = scope.operators(schema, name)?;
    candidates.retain(|o| !o.left.is_valid());
    candidates.sort_by_key(|o| o.path);
    let chosen = match candidates.iter().find(|o| o.right == operand) {
        Some(exact) => Ok(*exact),
        None => {
            let distinct = without_hidden(candidates, |o| o.right);
            pick(scope, &[operand], distinct.into_iter().map(PrefixCandidate).collect()).map(|c| c.0)
        }
    };
    let chosen = chosen
        .map_err(|failure| no_operator(scope, schema, name, None, operand, failure))
        .and_then(|chosen| not_a_shell(scope, schema, name, chosen))?;
    let mut params = [chosen.right];
    let result = resolve_polymorphic(scope, &[operand], &mut params, chosen.result)?;
    Ok(OperatorMatch { left: None, right: params[0], result, ..bare(&chosen) })
}

/// The operator for `left op ANY (array)`; `array` is the type of the right side.
///
/// Besides the errors of [`resolve_operator`], 42809 when the right side is no array or the operator yields no boolean.
pub fn resolve_scalar_array_operator(
    scope: &dyn Scope,
    schema: Option<&str>,
    name: &str,
    left: Oid,
    array: Oid,
) -> Result<ScalarArrayMatch> {
    let wrong = |message: &str| Error::new(SqlState::WRONG_OBJECT_TYPE, message);
    let element = match array {
        oids::UNKNOWN => oids::UNKNOWN,
        array => scope
            .element_of(scope.base_of(array))
            .ok_or_else(|| wrong("op ANY/ALL (array) requires array on right side"))?,
    };
    let chosen = choose_binary(scope, schema, name, left, element)?;
    let mut params = [chosen.left, chosen.right];
    let result = resolve_polymorphic(scope, &[left, element], &mut params, chosen.result)?;
    if result != oids::BOOL {
        return Err(wrong("op ANY/ALL (array) requires operator to yield boolean"));
    }
    // Of a polymorphic operator the array's own type is right, whatever it is.
    let array = match (is_polymorphic(chosen.right), array) {
        (true, array) if array != oids::UNKNOWN => array,
        _ => scope.array_of(params[1]).ok_or_else(|| no_array_type(scope, params[1]))?,
    };
    let operator = OperatorMatch { left: Some(params[0]), right: params[1], result, ..bare(&chosen) };
    Ok(ScalarArrayMatch { operator, array })
}

fn bare(chosen: &OperatorSignature) -> OperatorMatch {
    OperatorMatch { oid: chosen.oid, function: chosen.code, left: None, right: chosen.right, result: chosen.result }
}

fn choose_binary(
    scope: &dyn Scope,
    schema: Option<&str>,
    name: &str,
    left: Oid,
    right: Oid,
) -> Result<OperatorSignature> {
    let mut candidates = scope.operators(schema, name)?;
    candidates.retain(|o| o.left.is_valid());
    candidates.sort_by_key(|o| o.path);
    let chosen = match exact(scope, &candidates, left, right) {
        Some(exact) => Ok(exact),
        None => {
            let distinct = without_hidden(candidates, |o| (o.left, o.right));
            let candidates = distinct.into_iter().map(|o| BinaryCandidate { params: [o.left, o.right], operator: o });
            pick(scope, &[left, right], candidates.collect()).map(|c| c.operator)
        }
    };
    chosen
        .map_err(|failure| no_operator(scope, schema, name, Some(left), right, failure))
        .and_then(|chosen| not_a_shell(scope, schema, name, chosen))
}

/// An operator on exactly these types. One unknown operand is taken to be of the other's type, or of its base type.
fn exact(scope: &dyn Scope, candidates: &[OperatorSignature], left: Oid, right: Oid) -> Option<OperatorSignature> {
    let find = |left, right| candidates.iter().find(|o| o.left == left && o.right == right).copied();
    let assumed = match (left, right) {
        (oids::UNKNOWN, other) | (other, oids::UNKNOWN) => other,
        (left, right) => return find(left, right),
    };
    find(assumed, assumed).or_else(|| {
        let base = scope.base_of(assumed);
        if base == assumed { None } else { find(base, base) }
    })
}

/// Drops operators whose operand types an earlier schema of the search path has too.
fn without_hidden<K: PartialEq>(
    sorted: Vec<OperatorSignature>,
    key: impl Fn(&OperatorSignature) -> K,
) -> Vec<OperatorSignature> {
    let mut visible: Vec<OperatorSignature> = Vec::with_capacity(sorted.len());
    for operator in sorted {
        // Only a later schema can hide behind an earlier one; within a schema operand types are unique.
        let hidden = |o: &OperatorSignature| o.path < operator.path && key(o) == key(&operator);
        if !visible.iter().any(hidden) {
            visible.push(operator);
        }
    }
    visible
}

fn pick<C: Candidate>(scope: &dyn Scope, args: &[Oid], candidates: Vec<C>) -> Result<C, Failure> {
    let mut candidates = reachable(scope, args, candidates);
    match candidates.len() {
        0 => Err(Failure::None),
        1 => candidates.pop().ok_or(Failure::None),
        _ => best(scope, args, candidates).ok_or(Failure::Many),
    }
}

fn no_operator(
    scope: &dyn Scope,
    schema: Option<&str>,
    name: &str,
    left: Option<Oid>,
    right: Oid,
    failure: Failure,
) -> Error {
    let signature = operator_signature(scope, schema, name, left, right);
    match failure {
        Failure::Many => Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("operator is not unique: {signature}"))
            .hint("Could not choose a best candidate operator. You might need to add explicit type casts."),
        Failure::None => Error::new(SqlState::UNDEFINED_FUNCTION, format!("operator does not exist: {signature}"))
            .hint(match left {
                None => {
                    "No operator matches the given name and argument type. You might need to add an explicit type cast."
                }
                Some(_) => {
                    "No operator matches the given name and argument types. You might need to add explicit type casts."
                }
            }),
    }
}

/// 42883 for an operator that was only named as commutator or negator of another.
fn not_a_shell(
    scope: &dyn Scope,
    schema: Option<&str>,
    name: &str,
    chosen: OperatorSignature,
) -> Result<OperatorSignature> {
    if chosen.code.is_valid() {
        return Ok(chosen);
    }
    let left = chosen.left.is_valid().then_some(chosen.left);
    let signature = operator_signature(scope, schema, name, left, chosen.right);
    Err(Error::new(SqlState::UNDEFINED_FUNCTION, format!("operator is only a shell: {signature}")))
}

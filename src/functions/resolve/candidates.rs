//! The functions of a name that could take as many arguments, each with its parameters laid out one per argument
//! (`FuncnameGetCandidates`).

use dictdb_types::Oid;

use super::select::Candidate;
use super::{FunctionCall, Signature};
use crate::facts::ArgMode;

/// A function prepared for one call.
#[derive(Debug)]
pub(super) struct FunctionCandidate<'a> {
    pub signature: Signature<'a>,
    /// One type per argument in the order of the call, then those filled from defaults.
    pub params: Vec<Oid>,
    /// For each entry of `params`, the parameter it is; only with named arguments.
    pub positions: Option<Vec<usize>>,
    /// Number of arguments that go into the variadic parameter.
    pub expanded: usize,
    /// Number of parameters filled from defaults.
    pub defaulted: usize,
    /// Another function of the same schema would take the same arguments just as well.
    pub ambiguous: bool,
}

impl Candidate for FunctionCandidate<'_> {
    fn params(&self) -> &[Oid] {
        &self.params
    }
}

impl FunctionCandidate<'_> {
    /// The types of the arguments actually given.
    fn given(&self) -> &[Oid] {
        &self.params[..self.params.len() - self.defaulted]
    }
}

/// Every visible function that could take the call's arguments by number and names.
pub(super) fn collect<'a>(call: &FunctionCall<'_>, visible: Vec<Signature<'a>>) -> Vec<FunctionCandidate<'a>> {
    let mut candidates: Vec<FunctionCandidate<'a>> = Vec::new();
    for candidate in visible.into_iter().filter_map(|signature| prepare(call, signature)) {
        match candidates.iter().position(|c| c.given() == candidate.given()) {
            None => candidates.push(candidate),
            Some(i) => match preference(&candidates[i], &candidate) {
                Preference::Old => {}
                Preference::New => candidates[i] = candidate,
                Preference::Neither => candidates[i].ambiguous = true,
            },
        }
    }
    candidates
}

enum Preference {
    Old,
    New,
    Neither,
}

/// Of two functions with the same parameters: the earlier one in the search path, then the one that is not variadic.
fn preference(old: &FunctionCandidate<'_>, new: &FunctionCandidate<'_>) -> Preference {
    let rank = |c: &FunctionCandidate<'_>| (c.signature.path, c.expanded > 0);
    match rank(old).cmp(&rank(new)) {
        std::cmp::Ordering::Less => Preference::Old,
        std::cmp::Ordering::Greater => Preference::New,
        std::cmp::Ordering::Equal => Preference::Neither,
    }
}

fn prepare<'a>(call: &FunctionCall<'_>, signature: Signature<'a>) -> Option<FunctionCandidate<'a>> {
    // CALL gives arguments for output parameters too.
    let declared = if call.procedure && !signature.all_args.is_empty() { &signature.all_args } else { &signature.args };
    let (declared_count, given) = (declared.len(), call.args.len());
    let named = !call.arg_names.is_empty();
    if named && signature.variadic.is_valid() && !call.variadic {
        // Elements of an expanded array have no names.
        return None;
    }
    let expand = !named && !call.variadic && declared_count <= given && signature.variadic.is_valid();
    let defaulted = declared_count.saturating_sub(given);
    if defaulted > signature.default_count || (declared_count < given && !expand) {
        return None;
    }
    let mut params = declared.to_vec();
    let mut positions = None;
    let mut expanded = 0;
    if named {
        let order = match_names(call, &signature, declared_count)?;
        params = order.iter().map(|i| declared[*i]).collect();
        positions = Some(order);
    } else if expand {
        params.truncate(declared_count - 1);
        params.resize(given, signature.variadic);
        expanded = given - (declared_count - 1);
    }
    Some(FunctionCandidate { signature, params, positions, expanded, defaulted, ambiguous: false })
}

/// For each argument in the order of the call, then for each default, the parameter it is.
fn match_names(call: &FunctionCall<'_>, signature: &Signature<'_>, declared: usize) -> Option<Vec<usize>> {
    let positional = call.args.len() - call.arg_names.len();
    if signature.names.is_empty() || positional > declared {
        return None;
    }
    let is_param = |i: usize| {
        let mode = signature.modes.get(i).copied().unwrap_or(ArgMode::In);
        mode.is_input() || (call.procedure && mode != ArgMode::Table)
    };
    let names: Vec<&str> =
        signature.names.iter().enumerate().filter(|(i, _)| is_param(*i)).map(|(_, name)| *name).collect();
    let mut given = vec![false; declared];
    given[..positional].fill(true);
    let mut order: Vec<usize> = (0..positional).collect();
    for name in call.arg_names {
        let i = names.iter().position(|n| n == name)?;
        if std::mem::replace(given.get_mut(i)?, true) {
            return None;
        }
        order.push(i);
    }
    let first_default = declared.saturating_sub(signature.default_count);
    for i in (0..declared).filter(|i| !given[*i]) {
        if i < first_default {
            return None;
        }
        order.push(i);
    }
    Some(order)
}

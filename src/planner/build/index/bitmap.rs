//! Which indexes find rows as sets, for operators that btree and hash know nothing of (`@>`, `&&`, `@@`), and for an OR of
//! which each arm has an index of its own.
//!
//! Of each condition only what an index knows is used; the rows found are looked at again.

use std::sync::Arc;

use dictdb_catalog::{Catalog, IndexInfo, IndexKey, IndexMethod, Relation};
use dictdb_types::{Oid, Result};

use super::{Builder, Conditions, Layout, Matching, Outer};
use crate::expr::{Call, Expr};
use crate::logical::Scan;
use crate::physical::{Bitmap, KeyCondition, KeyTest};

/// Rows of a block, as far as its summary is concerned.
const BLOCK_ROWS: f64 = 4096.0;

/// Searches that find a set of rows, with logical expressions in them.
#[derive(Clone)]
pub(crate) struct BitmapMatch {
    pub bitmap: Bitmap,
    /// Positions of the conditions it answers in part, in the order of the searches.
    pub used: Vec<usize>,
    /// Number of conditions looked up.
    pub searches: f64,
    /// Rows found.
    pub rows: f64,
}

/// An index that gives sets, and its keys over the scan.
pub(super) struct Candidate<'c> {
    pub catalog: &'c Catalog,
    pub index: &'c Arc<Relation>,
    pub info: &'c IndexInfo,
    /// None for a key of which the scan does not read everything.
    pub exprs: Vec<Option<Expr>>,
}

impl Builder<'_> {
    /// Sets of rows for as many of these conditions as indexes know.
    /// Values may use columns of `available` (an outer row) besides constants, parameters and slots.
    pub(crate) fn matching_bitmap(&self, scan: &Scan, conjuncts: &[Expr], available: &Layout) -> Option<BitmapMatch> {
        let total = self.rows_of(scan);
        let matching = Matching { scan, conjuncts, available, total };
        let candidates = self.candidates(&matching);
        if candidates.is_empty() && !conjuncts.iter().any(|conjunct| matches!(conjunct, Expr::Or(_))) {
            return None;
        }
        let (bitmap, used) = self.combined(&matching, &candidates, conjuncts)?;
        let kept: Vec<Expr> = used.iter().map(|position| conjuncts[*position].clone()).collect();
        let mut rows = (total * self.estimator().all(&kept)).max(1.0);
        if bitmap.has_blocks() {
            // Whole blocks are read, and more of them the less the rows are in order.
            rows = (BLOCK_ROWS * 2.0 + rows * 4.0).min(total);
        }
        Some(BitmapMatch { searches: bitmap.searches() as f64, bitmap, used, rows })
    }

    /// The indexes that give sets, as far as the conditions imply their predicates.
    pub(super) fn candidates<'c>(&'c self, matching: &Matching<'c>) -> Vec<Candidate<'c>> {
        let scan = matching.scan;
        let usable = self.catalog.valid_indexes(&scan.relation).filter_map(|index| {
            let info = index.index().filter(|info| info.method.is_bitmap())?;
            let is_implied = |text: &Arc<str>| self.implied_part(matching, text).is_some();
            if !info.predicate.as_ref().is_none_or(is_implied) {
                return None;
            }
            let exprs = info.keys.iter().map(|key| self.key_expr(scan, &key.target)).collect();
            Some(Candidate { catalog: self.catalog, index, info, exprs })
        });
        usable.collect()
    }

    /// Searches with their values translated.
    pub(crate) fn bitmap(&mut self, bitmap: &Bitmap, layout: &Layout, outer: &Outer) -> Result<Bitmap> {
        let mut all = |parts: &[Bitmap]| -> Result<Vec<_>> {
            parts.iter().map(|part| self.bitmap(part, layout, outer)).collect()
        };
        Ok(match bitmap {
            Bitmap::All(parts) => Bitmap::All(all(parts)?),
            Bitmap::Any(parts) => Bitmap::Any(all(parts)?),
            Bitmap::Ranges { index, bounds } => {
                let bounds = bounds.iter().map(|bounds| self.bounds(bounds, &Layout::new(), outer));
                Bitmap::Ranges { index: index.clone(), bounds: bounds.collect::<Result<_>>()? }
            }
            Bitmap::Search { index, conditions } => {
                Bitmap::Search { index: index.clone(), conditions: self.key_conditions(conditions, layout, outer)? }
            }
        })
    }

    /// Conditions with their keys and values translated.
    pub(crate) fn key_conditions(
        &mut self,
        conditions: &[KeyCondition],
        layout: &Layout,
        outer: &Outer,
    ) -> Result<Vec<KeyCondition>> {
        let translated = conditions.iter().map(|condition| {
            let left = self.expr(&condition.left, layout, outer)?;
            let test = match &condition.test {
                KeyTest::Operator { strategy, operator, value } => KeyTest::Operator {
                    strategy: *strategy,
                    operator: operator.clone(),
                    value: self.expr(value, &Layout::new(), outer)?,
                },
                other => other.clone(),
            };
            Ok(KeyCondition { key: condition.key, left, test })
        });
        translated.collect()
    }
}

impl Builder<'_> {
    /// The rows that conditions together leave, and which of them say so.
    fn combined(
        &self,
        matching: &Matching<'_>,
        candidates: &[Candidate<'_>],
        conjuncts: &[Expr],
    ) -> Option<(Bitmap, Vec<usize>)> {
        let mut used = Vec::new();
        let mut parts = Vec::new();
        loop {
            // The index that knows most of what is left comes first.
            let found = candidates.iter().map(|candidate| (candidate, candidate.known(matching, conjuncts, &used)));
            let Some((candidate, mut known)) = found.rev().max_by_key(|(_, known)| known.len()) else { break };
            if known.is_empty() {
                break;
            }
            known.sort_by_key(|(_, condition)| condition.key);
            used.extend(known.iter().map(|(position, _)| *position));
            let conditions = known.into_iter().map(|(_, condition)| condition).collect();
            parts.push(Bitmap::Search { index: candidate.index.clone(), conditions });
        }
        for (position, conjunct) in conjuncts.iter().enumerate() {
            let Expr::Or(arms) = conjunct else { continue };
            let arms = arms.iter().map(|arm| {
                let mut conjuncts = Vec::new();
                arm.clone().into_conjuncts(&mut conjuncts);
                let found = self.combined(matching, candidates, &conjuncts).map(|(bitmap, _)| bitmap);
                found.or_else(|| self.ranges(matching, &conjuncts))
            });
            if let Some(arms) = arms.collect() {
                parts.push(Bitmap::Any(arms));
                used.push(position);
            }
        }
        match parts.len() {
            0 => None,
            1 => Some((parts.remove(0), used)),
            _ => Some((Bitmap::All(parts), used)),
        }
    }

    /// The rows that an ordered index has under some of these conditions: the index that leaves fewest.
    fn ranges(&self, matching: &Matching<'_>, conjuncts: &[Expr]) -> Option<Bitmap> {
        let indexes = self.catalog.valid_indexes(&matching.scan.relation);
        let found = indexes.filter_map(|index| {
            let info = index.index().filter(|info| info.method == IndexMethod::Btree)?;
            if info.predicate.as_ref().is_some_and(|text| self.implied_part(matching, text).is_none()) {
                return None;
            }
            let exprs = self.key_exprs(matching.scan, info);
            let found = self.find_bounds(matching, info, &exprs, conjuncts);
            found.is_restricted().then_some((index, found))
        });
        let (index, found) = found.min_by(|(_, a), (_, b)| a.part.total_cmp(&b.part))?;
        Some(Bitmap::Ranges { index: index.clone(), bounds: vec![found.bounds] })
    }
}

impl Candidate<'_> {
    /// The conditions that the index knows something of, but for those in `used`, with their positions.
    pub fn known(&self, matching: &Matching<'_>, conjuncts: &[Expr], used: &[usize]) -> Vec<(usize, KeyCondition)> {
        let free = conjuncts.iter().enumerate().filter(|(position, _)| !used.contains(position));
        free.filter_map(|(position, conjunct)| Some((position, self.condition(matching, conjunct)?))).collect()
    }

    fn condition(&self, matching: &Matching<'_>, conjunct: &Expr) -> Option<KeyCondition> {
        if let Expr::IsNull(arg, not) = conjunct {
            return self.null_condition(matching, arg, *not);
        }
        let Expr::Call(call) = conjunct else { return None };
        let [left, right] = call.args.as_slice() else { return None };
        self.info.keys.iter().zip(&self.exprs).enumerate().find_map(|(number, (key, expr))| {
            let expr = expr.as_ref()?;
            let conditions = Conditions { matching, conjuncts: &[], expr, ty: key.ty };
            let class = self.catalog.any_opclass(key.opclass)?;
            let family = class.family;
            [(left, right, false), (right, left, true)].into_iter().find_map(|(own, value, commuted)| {
                let usable = conditions.is_key(own) && conditions.is_usable(value);
                let (strategy, operator) =
                    usable.then(|| strategy_of(self.catalog, family, call, commuted)).flatten()?;
                // Boxes of values that are in order are of the key's own type.
                if class.name.ends_with("_minmax_ops") && !super::same_key_type(value.ty(), key.ty) {
                    return None;
                }
                let test = KeyTest::Operator { strategy, operator, value: value.clone() };
                Some(KeyCondition { key: number, left: expr.clone(), test })
            })
        })
    }

    /// `key IS NULL`, or IS NOT NULL: boxes know where nothing is (`pg_am.amsearchnulls`).
    fn null_condition(&self, matching: &Matching<'_>, arg: &Expr, not: bool) -> Option<KeyCondition> {
        let knows_null = |key: &IndexKey| match self.info.method {
            IndexMethod::Gist | IndexMethod::Spgist | IndexMethod::Brin => key.opclass < Oid::FIRST_NORMAL,
            _ => false,
        };
        let keys = self.info.keys.iter().zip(&self.exprs).enumerate();
        let mut keys = keys.filter_map(|(number, (key, expr))| Some((number, key, expr.as_ref()?)));
        keys.find_map(|(number, key, expr)| {
            let conditions = Conditions { matching, conjuncts: &[], expr, ty: key.ty };
            let test = if not { KeyTest::IsNotNull } else { KeyTest::IsNull };
            (knows_null(key) && conditions.is_key(arg)).then(|| KeyCondition { key: number, left: expr.clone(), test })
        })
    }
}

/// What a call of an operator means in a family, with the key as left operand: the strategy, and the operator's name then.
fn strategy_of(catalog: &Catalog, family: Oid, call: &Call, commuted: bool) -> Option<(i16, Arc<str>)> {
    operator_of(catalog, family, call, commuted, false)
}

/// Likewise, of an operator that gives rows an order, if that is wanted.
pub(super) fn operator_of(
    catalog: &Catalog,
    family: Oid,
    call: &Call,
    commuted: bool,
    ordering: bool,
) -> Option<(i16, Arc<str>)> {
    let name = call.operator.as_deref()?;
    catalog.strategies_of(family).iter().filter(|strategy| strategy.ordering == ordering).find_map(|strategy| {
        let operator = catalog.any_operator(strategy.operator)?;
        let is_written = match commuted {
            false => operator.code == call.function.oid && *operator.name == *name,
            true => {
                let written = catalog.any_operator(operator.commutator)?;
                written.code == call.function.oid && *written.name == *name
            }
        };
        is_written.then(|| (strategy.number, operator.name.clone()))
    })
}

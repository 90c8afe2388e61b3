//! Which indexes of boxes in boxes (gist, spgist) find rows one by one: in the order of the index, or the nearest first
//! (`ORDER BY key <-> value`).

use std::sync::Arc;

use dictdb_catalog::{IndexInfo, IndexKey, IndexMethod, Relation};
use dictdb_functions::intervals::{IntervalClass, interval_class};
use dictdb_types::{Oid, Result, TypeLookup};

use super::bitmap::{Candidate, operator_of};
use super::{Builder, Conditions, Layout, Matching, Outer};
use crate::expr::{Expr, SortKey};
use crate::logical::Scan;
use crate::physical::{KeyCondition, Nearest};

/// An index whose rows are read one by one, with logical expressions in its conditions.
#[derive(Clone)]
pub(crate) struct RegionMatch {
    pub index: Arc<Relation>,
    pub conditions: Vec<KeyCondition>,
    /// Positions of the conditions it answers in part, in the order of those.
    pub used: Vec<usize>,
    pub nearest: Option<Nearest>,
    /// The order of the rows.
    pub order: Vec<SortKey>,
    /// Rows found.
    pub rows: f64,
}

impl Builder<'_> {
    /// All indexes that know some of these conditions, begin with the order asked for, or tell all that is read.
    pub(crate) fn matching_regions(&self, scan: &Scan, conjuncts: &[Expr], keys: &[SortKey]) -> Vec<RegionMatch> {
        let total = self.rows_of(scan);
        let available = Layout::new();
        let matching = Matching { scan, conjuncts, available: &available, total };
        let candidates = self.candidates(&matching).into_iter().filter(|candidate| is_walked(candidate.info));
        let found = candidates.filter_map(|candidate| {
            let mut known = candidate.known(&matching, conjuncts, &[]);
            known.sort_by_key(|(_, condition)| condition.key);
            let (used, conditions): (Vec<usize>, Vec<KeyCondition>) = known.into_iter().unzip();
            let nearest = keys.first().and_then(|key| candidate.nearest(&matching, key));
            let order: Vec<SortKey> = nearest.iter().flat_map(|_| keys.first().cloned()).collect();
            if conditions.is_empty() && order.is_empty() && !self.keys_tell(scan, candidate.index) {
                return None;
            }
            let kept: Vec<Expr> = used.iter().map(|position| conjuncts[*position].clone()).collect();
            let rows = (total * self.estimator().all(&kept)).max(1.0);
            Some(RegionMatch { index: candidate.index.clone(), conditions, used, nearest, order, rows })
        });
        found.collect()
    }

    /// Whether a key of an index of boxes tells its value.
    pub(super) fn box_tells(&self, key: &IndexKey) -> bool {
        let (oid, physical) = (self.catalog.base_type(key.ty).oid, self.catalog.physical(key.ty.oid));
        self.box_class(key).is_some_and(|class| class.tells_values(oid, physical))
    }

    fn box_class(&self, key: &IndexKey) -> Option<&'static IntervalClass> {
        interval_class(&self.catalog.class_implementation(key.opclass)?)
    }

    /// What comes nearest first, with its values translated.
    pub(crate) fn nearest(&mut self, nearest: &Nearest, layout: &Layout, outer: &Outer) -> Result<Nearest> {
        Ok(Nearest {
            key: nearest.key,
            left: self.expr(&nearest.left, layout, outer)?,
            operator: nearest.operator.clone(),
            value: self.expr(&nearest.value, &Layout::new(), outer)?,
            distance: self.expr(&nearest.distance, layout, outer)?,
        })
    }
}

impl Candidate<'_> {
    /// A sort key that is how far the index's key is from a value.
    fn nearest(&self, matching: &Matching<'_>, by: &SortKey) -> Option<Nearest> {
        let Expr::Call(call) = &by.expr else { return None };
        let [left, right] = call.args.as_slice() else { return None };
        if by.descending || by.nulls_first {
            return None;
        }
        self.info.keys.iter().zip(&self.exprs).enumerate().find_map(|(number, (key, expr))| {
            let expr = expr.as_ref()?;
            let conditions = Conditions { matching, conjuncts: &[], expr, ty: key.ty };
            let class = self.catalog.any_opclass(key.opclass)?;
            let implementation = interval_class(&self.catalog.class_implementation(key.opclass)?)?;
            [(left, right, false), (right, left, true)].into_iter().find_map(|(own, value, commuted)| {
                let usable = conditions.is_key(own) && conditions.is_usable(value) && implementation.has_distances();
                let (_, operator) =
                    usable.then(|| operator_of(self.catalog, class.family, call, commuted, true)).flatten()?;
                let (left, value, distance) = (expr.clone(), value.clone(), by.expr.clone());
                Some(Nearest { key: number, left, operator, value, distance })
            })
        })
    }
}

/// Whether rows are read from an index one by one: what gist keeps of classes that extensions bring may be no boxes.
pub(super) fn is_walked(info: &IndexInfo) -> bool {
    matches!(info.method, IndexMethod::Gist | IndexMethod::Spgist)
        && info.keys.iter().all(|key| key.opclass < Oid::FIRST_NORMAL)
}

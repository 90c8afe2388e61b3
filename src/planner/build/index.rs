//! Which indexes answer which conditions, and the order their rows come in.

mod bitmap;
mod region;
mod set;

use std::sync::Arc;

use dictdb_catalog::{IndexInfo, IndexKey, IndexMethod, IndexTarget, Relation};
use dictdb_types::sort_key::value::is_told;
use dictdb_types::{Datum, Result, Type, TypeLookup, oids};

use super::order::satisfied;
use super::{Builder, Layout, Outer};
use crate::collation::{self, index_order, is_key, with_value, without_key};
use crate::condition::{commuted, comparison, same_key_type, same_value};
use crate::expr::{BoolTest, ColumnId, Expr, RowOrder, SortKey};
use crate::implication::implies;
use crate::logical::Scan;
use crate::physical::IndexBounds;
use crate::routine::is_row;
use crate::table_expr::{TableExpr, over_scan};

pub(crate) use bitmap::BitmapMatch;
pub(crate) use region::RegionMatch;

/// An index that can be used for a scan, with logical expressions in its bounds.
#[derive(Clone)]
pub(crate) struct IndexMatch {
    pub index: Arc<Relation>,
    pub bounds: Vec<IndexBounds>,
    /// Positions of the conditions the bounds answer entirely.
    pub answered: Vec<usize>,
    /// Rows that one search fetches.
    pub rows: f64,
    /// The order of the rows.
    pub order: Vec<SortKey>,
    /// Whether the index is walked backwards for that.
    pub reverse: bool,
}

impl IndexMatch {
    /// Whether it looks up one key, which at most one row has.
    pub fn is_of_one_row(&self) -> bool {
        let ([bounds], Some(info)) = (self.bounds.as_slice(), self.index.index()) else { return false };
        info.unique && bounds.equal.len() == info.keys.len()
    }
}

/// What one index is matched against.
struct Matching<'m> {
    scan: &'m Scan,
    conjuncts: &'m [Expr],
    /// Columns of an outer row that bounds may use.
    available: &'m Layout,
    total: f64,
}

/// Bounds found for one index.
struct Found {
    bounds: IndexBounds,
    answered: Vec<usize>,
    /// Part of the table's rows.
    part: f64,
}

impl Found {
    fn nothing() -> Self {
        let bounds =
            IndexBounds { equal: Vec::new(), lower: None, upper: None, any: None, is_null: false, not_null: false };
        Found { bounds, answered: Vec::new(), part: 1.0 }
    }

    fn is_restricted(&self) -> bool {
        let bounds = &self.bounds;
        !bounds.equal.is_empty()
            || bounds.any.is_some()
            || bounds.lower.is_some()
            || bounds.upper.is_some()
            || bounds.is_null
            || bounds.not_null
    }

    /// Notes that the bounds answer a condition, whose part of the rows it is; an index that has a column twice may say so again.
    fn answers(&mut self, position: usize, part: f64) {
        if !self.answered.contains(&position) {
            self.answered.push(position);
            self.part *= part;
        }
    }
}

impl Builder<'_> {
    /// All indexes that answer some of these conditions or give some of the order asked for.
    /// Bounds may use columns of `available` (the outer row of an index join) besides constants, parameters and slots.
    pub(crate) fn matching_indexes(
        &self,
        scan: &Scan,
        conjuncts: &[Expr],
        keys: &[SortKey],
        available: &Layout,
    ) -> Vec<IndexMatch> {
        let total = self.rows_of(scan);
        let matching = Matching { scan, conjuncts, available, total };
        let mut found = Vec::new();
        for index in self.catalog.valid_indexes(&scan.relation) {
            let Some(info) = index.index() else { continue };
            found.extend(self.match_index(&matching, index, info, keys));
        }
        found
    }

    fn match_index(
        &self,
        matching: &Matching<'_>,
        index: &Arc<Relation>,
        info: &IndexInfo,
        keys: &[SortKey],
    ) -> Option<IndexMatch> {
        if info.method.is_bitmap() {
            return None;
        }
        let mut part = 1.0;
        if let Some(predicate) = &info.predicate {
            part = self.implied_part(matching, predicate)?;
        }
        let exprs = self.key_exprs(matching.scan, info);
        let mut found = self.find_bounds(matching, info, &exprs, matching.conjuncts);
        let mut bounds = Vec::new();
        if !found.is_restricted()
            && let Some((arms, arms_part)) = self.find_arms(matching, info, &exprs)
        {
            bounds = arms;
            found.part = arms_part;
        }
        if info.method == IndexMethod::Hash && found.bounds.equal.len() < info.keys.len() {
            return None;
        }
        let restricted = found.is_restricted() || !bounds.is_empty() || info.predicate.is_some();
        let (order, reverse) = match info.method == IndexMethod::Btree && bounds.len() < 2 {
            true => order_of(info, &exprs, &found.bounds, keys),
            false => (Vec::new(), false),
        };
        if !restricted && (keys.is_empty() || order.is_empty()) {
            return None;
        }
        let rows = self.rows_of_search(matching, index, info, &found, part);
        if bounds.is_empty() {
            bounds.push(found.bounds);
        }
        Some(IndexMatch { index: index.clone(), bounds, answered: found.answered, rows, order, reverse })
    }

    fn rows_of_search(
        &self,
        matching: &Matching<'_>,
        index: &Relation,
        info: &IndexInfo,
        found: &Found,
        part: f64,
    ) -> f64 {
        let whole = !info.keys.is_empty() && found.bounds.equal.len() == info.keys.len();
        if whole && info.unique {
            return 1.0;
        }
        let rows = matching.total * part * found.part;
        if whole && let Some(distinct) = self.statistics.distinct_keys(matching.scan.relation.storage, index.storage) {
            // Keys of several columns are rarely as independent as the product of their parts says.
            return rows.max(matching.total * part / distinct.max(1.0) * 0.5).max(1.0);
        }
        rows.max(1.0)
    }

    /// The part of the table in a partial index, if the conditions imply its predicate.
    fn implied_part(&self, matching: &Matching<'_>, predicate: &str) -> Option<f64> {
        let predicate = over_scan(matching.scan, predicate, TableExpr::IndexPredicate, self.cx)?;
        let mut parts = Vec::new();
        predicate.into_conjuncts(&mut parts);
        let implied = |part: &Expr| matching.conjuncts.iter().any(|conjunct| implies(conjunct, part, self.cx));
        parts.iter().all(implied).then(|| self.estimator().all(&parts))
    }

    /// The leading keys of an index as expressions over the scan, as far as the scan reads what they need.
    fn key_exprs(&self, scan: &Scan, info: &IndexInfo) -> Vec<Expr> {
        let keyed = |key: &IndexKey| {
            let value = self.key_expr(scan, &key.target)?;
            Some(match index_order(self.catalog, &scan.relation, info.method, key) {
                Some(order) => collation::keyed(self.cx, value, &order),
                None => value,
            })
        };
        info.keys.iter().map_while(keyed).collect()
    }

    /// Whether the keys of an index tell all that a scan reads, so that it need not look at rows.
    pub(crate) fn keys_tell(&self, scan: &Scan, index: &Relation) -> bool {
        let info = index.index().filter(|info| info.method == IndexMethod::Btree || region::is_walked(info));
        let Some(info) = info else { return false };
        let tells = |key: &IndexKey| {
            if info.method != IndexMethod::Btree {
                return self.box_tells(key);
            }
            let (oid, physical) = (self.catalog.base_type(key.ty).oid, self.catalog.physical(key.ty.oid));
            is_told(oid, physical) && index_order(self.catalog, &scan.relation, info.method, key).is_none()
        };
        let is_key = |attnum: i16| {
            let mut own =
                info.keys.iter().filter(|key| matches!(key.target, IndexTarget::Column(own) if own == attnum));
            own.next().is_some_and(tells)
        };
        self.methods.indexonlyscan && scan.row_id.is_none() && scan.columns.iter().all(|(_, attnum)| is_key(*attnum))
    }

    /// A key as an expression over the scan; `None` when the scan does not read what it needs.
    fn key_expr(&self, scan: &Scan, key: &IndexTarget) -> Option<Expr> {
        match key {
            IndexTarget::Column(attnum) => {
                let column = scan.columns.iter().find(|(_, number)| number == attnum);
                column.map(|(column, _)| Expr::column(column))
            }
            IndexTarget::Expression(text) => over_scan(scan, text, TableExpr::IndexKey, self.cx),
        }
    }

    /// Bounds for the leading keys: equalities as far as there are, then what the next key has.
    fn find_bounds(&self, matching: &Matching<'_>, info: &IndexInfo, exprs: &[Expr], conjuncts: &[Expr]) -> Found {
        let mut found = Found::nothing();
        for (key, expr) in info.keys.iter().zip(exprs) {
            let ty = if is_key(expr) { expr.ty() } else { key.ty };
            let conditions = Conditions { matching, conjuncts, expr, ty };
            if let Some((position, value)) = conditions.equality() {
                let part = self.part_of_equality(&conjuncts[position], expr, &value, matching.total);
                found.answers(position, part);
                found.bounds.equal.push(value);
                continue;
            }
            if let Some((position, array)) = conditions.any() {
                found.answers(position, self.estimator().one(&conjuncts[position]));
                found.bounds.any = Some(array);
                break;
            }
            if info.method != IndexMethod::Btree {
                break;
            }
            // A row of nothing but NULLs is NULL for the test, not for the index.
            if let Some(position) = conditions.is_null(false).filter(|_| !is_row(self.cx, expr.ty())) {
                found.answers(position, self.estimator().one(&conjuncts[position]));
                found.bounds.is_null = true;
                break;
            }
            let mut used = conditions.range(&mut found);
            if let Some(position) = conditions.is_null(true).filter(|_| !is_row(self.cx, expr.ty())) {
                found.answered.push(position);
                // Beside bounds it says nothing more; what is written first is kept.
                found.bounds.not_null = used.iter().all(|other| *other > position);
                used = if used.is_empty() { vec![position] } else { used };
            }
            let used: Vec<Expr> = used.into_iter().map(|position| conjuncts[position].clone()).collect();
            found.part *= self.estimator().all(&used);
            break;
        }
        found.part *= self.dependence(found.answered.iter().map(|position| conjuncts[*position].clone()).collect());
        found
    }

    /// How many times as many rows meet conditions as if these had nothing to do with each other.
    fn dependence(&self, conditions: Vec<Expr>) -> f64 {
        let apart: f64 = conditions.iter().map(|condition| self.estimator().one(condition)).product();
        match conditions.len() > 1 && apart > 0.0 {
            true => (self.estimator().all(&conditions) / apart).max(1.0),
            false => 1.0,
        }
    }

    /// `key = value`: known values are looked up in the statistics, others are average ones.
    fn part_of_equality(&self, conjunct: &Expr, key: &Expr, value: &Expr, total: f64) -> f64 {
        match value {
            Expr::Const(..) | Expr::Param(..) => self.estimator().one(conjunct),
            _ => 1.0 / self.estimator().distinct(key, total),
        }
    }

    /// One search for every arm of an OR, when each arm restricts this index.
    fn find_arms(&self, matching: &Matching<'_>, info: &IndexInfo, exprs: &[Expr]) -> Option<(Vec<IndexBounds>, f64)> {
        matching.conjuncts.iter().find_map(|conjunct| {
            let Expr::Or(arms) = conjunct else { return None };
            let mut bounds = Vec::with_capacity(arms.len());
            let mut part = 0.0;
            for arm in arms {
                let mut conjuncts = Vec::new();
                arm.clone().into_conjuncts(&mut conjuncts);
                let found = self.find_bounds(matching, info, exprs, &conjuncts);
                if !found.is_restricted() || (info.method == IndexMethod::Hash && found.bounds.equal.is_empty()) {
                    return None;
                }
                part += found.part;
                bounds.push(found.bounds);
            }
            Some((bounds, f64::min(part, 1.0)))
        })
    }

    /// Bounds with their expressions translated over an outer row.
    pub(crate) fn bounds(&mut self, bounds: &IndexBounds, layout: &Layout, outer: &Outer) -> Result<IndexBounds> {
        let mut side = |bound: &Option<(Expr, bool)>| {
            let translated = bound.as_ref().map(|(e, inclusive)| Ok((self.expr(e, layout, outer)?, *inclusive)));
            translated.transpose()
        };
        let (lower, upper): (Result<_>, Result<_>) = (side(&bounds.lower), side(&bounds.upper));
        Ok(IndexBounds {
            equal: self.exprs(&bounds.equal, layout, outer)?,
            lower: lower?,
            upper: upper?,
            any: bounds.any.as_ref().map(|e| self.expr(e, layout, outer)).transpose()?,
            is_null: bounds.is_null,
            not_null: bounds.not_null,
        })
    }
}

/// The order of a walk through the index, as far as it is asked for or, when nothing is, all of it; and the direction.
fn order_of(info: &IndexInfo, exprs: &[Expr], bounds: &IndexBounds, keys: &[SortKey]) -> (Vec<SortKey>, bool) {
    let fixed = bounds.equal.len();
    let natural = |reverse: bool| -> Vec<SortKey> {
        let keys = info.keys.iter().zip(exprs).skip(fixed);
        keys.map(|(key, expr)| SortKey {
            expr: expr.clone(),
            descending: key.descending != reverse,
            nulls_first: key.nulls_first != reverse,
            using: None,
        })
        .collect()
    };
    if keys.is_empty() {
        return (natural(false), false);
    }
    // Keys that an equality fixes order nothing.
    let free: Vec<SortKey> =
        keys.iter().filter(|key| !exprs[..fixed].iter().any(|expr| same_value(expr, &key.expr))).cloned().collect();
    let (forward, backward) = (satisfied(&natural(false), &free), satisfied(&natural(true), &free));
    let (count, reverse) = if backward > forward { (backward, true) } else { (forward, false) };
    // All free keys satisfied: so are the wanted ones, fixed ones included.
    let mut taken = 0;
    let prefix = keys.iter().take_while(|key| {
        if exprs[..fixed].iter().any(|expr| same_value(expr, &key.expr)) {
            return true;
        }
        taken += 1;
        taken <= count
    });
    (prefix.cloned().collect(), reverse)
}

/// The conditions on one key of an index.
struct Conditions<'c> {
    matching: &'c Matching<'c>,
    conjuncts: &'c [Expr],
    /// The key over the scan.
    expr: &'c Expr,
    /// The key's type.
    ty: Type,
}

impl Conditions<'_> {
    fn is_key(&self, expr: &Expr) -> bool {
        same_value(expr, self.expr)
    }

    /// Whether an expression is what the key is the sort key of, and no two texts have one key.
    fn is_keyed(&self, expr: &Expr) -> bool {
        collation::is_deterministic(self.expr) && without_key(self.expr).is_some_and(|value| same_value(value, expr))
    }

    /// Whether a value is known before the index is searched.
    fn is_usable(&self, value: &Expr) -> bool {
        let Matching { scan, available, .. } = self.matching;
        let own = |id: &ColumnId| scan.row_id == Some(*id) || scan.columns.iter().any(|(column, _)| column.id == *id);
        !value.is_volatile()
            && !value.any(&mut |e| match e {
                Expr::Column(id, _) => own(id) && !available.contains(id),
                Expr::Sublink(link) => !link.is_known_before(),
                _ => false,
            })
    }

    fn equality(&self) -> Option<(usize, Expr)> {
        self.conjuncts.iter().enumerate().find_map(|(position, conjunct)| {
            if self.ty.oid == oids::BOOL
                && let Some(value) = self.truth(conjunct)
            {
                return Some((position, Expr::boolean(value)));
            }
            let (operator, left, right) = comparison(conjunct)?;
            if operator != "=" {
                return None;
            }
            for (column, value) in [(left, right), (right, left)] {
                if self.is_key(column) && self.is_usable(value) {
                    return as_key(value, self.ty).map(|value| (position, value));
                }
                if self.is_keyed(column) && self.is_usable(value) {
                    return Some((position, with_value(self.expr, value)));
                }
            }
            None
        })
    }

    /// What a boolean key has to be where a condition holds that is the key itself, its negation or a test of it.
    fn truth(&self, conjunct: &Expr) -> Option<bool> {
        let (key, value) = match conjunct {
            Expr::Not(key) | Expr::BoolTest(key, BoolTest::False) => (&**key, false),
            Expr::BoolTest(key, BoolTest::True) => (&**key, true),
            key => (key, true),
        };
        self.is_key(key).then_some(value)
    }

    fn any(&self) -> Option<(usize, Expr)> {
        self.conjuncts.iter().enumerate().find_map(|(position, conjunct)| {
            let Expr::ScalarArray(array) = conjunct else { return None };
            if array.is_equal_any() && self.is_keyed(&array.left) && self.is_usable(&array.array) {
                return Some((position, with_value(self.expr, &array.array)));
            }
            let fits = array.is_equal_any()
                && self.is_key(&array.left)
                && self.is_usable(&array.array)
                && same_key_type(array.left.ty(), self.ty);
            // The array's elements are of the operator's right type, which resolution made that of the left operand.
            fits.then(|| (position, array.array.clone()))
        })
    }

    /// `key IS NULL`, or IS NOT NULL.
    fn is_null(&self, not: bool) -> Option<usize> {
        let is_own =
            |arg: &Expr| self.is_key(arg) || without_key(self.expr).is_some_and(|value| same_value(value, arg));
        self.conjuncts
            .iter()
            .position(|conjunct| matches!(conjunct, Expr::IsNull(arg, own) if *own == not && is_own(arg)))
    }

    /// Sets bounds from inequalities; returns the conditions they come from.
    fn range(&self, found: &mut Found) -> Vec<usize> {
        let mut used = Vec::new();
        for (position, conjunct) in self.conjuncts.iter().enumerate() {
            for (bound, is_lower, exact) in self.bounds_of(conjunct) {
                let side = if is_lower { &mut found.bounds.lower } else { &mut found.bounds.upper };
                if side.is_none() {
                    *side = Some(bound);
                    used.push(position);
                    if exact {
                        // The part of all of them together is estimated by who asks.
                        found.answers(position, 1.0);
                    }
                }
            }
        }
        used.dedup();
        used
    }

    /// The bounds a condition gives the key: value and inclusiveness, whether it is the lower one, and whether the
    /// bound says all that the condition does.
    fn bounds_of(&self, conjunct: &Expr) -> Vec<((Expr, bool), bool, bool)> {
        if let Expr::RowCompare(order, pairs) = conjunct {
            return self.row_bound(*order, pairs).into_iter().collect();
        }
        let Some((operator, left, right)) = comparison(conjunct) else { return Vec::new() };
        if operator == "~~" && self.is_key(left) {
            return self.prefix_bounds(right);
        }
        let (value, operator) = if self.is_key(left) && self.is_usable(right) {
            (right, operator)
        } else if self.is_key(right) && self.is_usable(left) {
            (left, commuted(operator))
        } else {
            return Vec::new();
        };
        let (is_lower, inclusive) = match operator {
            ">" => (true, false),
            ">=" => (true, true),
            "<" => (false, false),
            "<=" => (false, true),
            _ => return Vec::new(),
        };
        let bound = as_key(value, self.ty).map(|value| ((value, inclusive), is_lower, true));
        bound.into_iter().collect()
    }

    /// `(a, b) > (x, y)` bounds `a`; the whole condition is checked on every row.
    fn row_bound(&self, order: RowOrder, pairs: &[(Expr, Expr)]) -> Option<((Expr, bool), bool, bool)> {
        let (left, right) = pairs.first()?;
        let above = matches!(order, RowOrder::Greater | RowOrder::GreaterEqual);
        let (value, is_lower) = if self.is_key(left) && self.is_usable(right) {
            (right, above)
        } else if self.is_key(right) && self.is_usable(left) {
            (left, !above)
        } else {
            return None;
        };
        as_key(value, self.ty).map(|value| ((value, true), is_lower, false))
    }

    /// `LIKE 'abc%'` is between `abc` and `abd`; text is ordered by its bytes.
    fn prefix_bounds(&self, pattern: &Expr) -> Vec<((Expr, bool), bool, bool)> {
        let (Expr::Const(Datum::Text(pattern), _), oids::TEXT | oids::VARCHAR) = (pattern, self.ty.oid) else {
            return Vec::new();
        };
        let Some(end) = pattern.find(['%', '_', '\\']) else { return Vec::new() };
        let prefix = &pattern[..end];
        if prefix.is_empty() {
            return Vec::new();
        }
        let text = |text: &str| Expr::Const(Datum::text(text), Type::new(oids::TEXT));
        let mut bounds = vec![((text(prefix), true), true, false)];
        // The next text after all that begin so: its last character one higher. Beyond the surrogates is enough care.
        let mut chars: Vec<char> = prefix.chars().collect();
        if let Some(next) = chars.pop().and_then(|last| char::from_u32(u32::from(last) + 1)) {
            chars.push(next);
            bounds.push(((text(&chars.into_iter().collect::<String>()), false), false, false));
        }
        bounds
    }
}

/// The value as one of the key's type, when comparing it there means the same as the comparison does.
fn as_key(value: &Expr, key: Type) -> Option<Expr> {
    if same_key_type(value.ty(), key) {
        return Some(value.clone());
    }
    const MICROS_PER_DAY: i64 = 86_400_000_000;
    match (value, key.oid) {
        (Expr::Const(Datum::Date(days), _), oids::TIMESTAMP) if !matches!(*days, i32::MIN | i32::MAX) => {
            let micros = i64::from(*days).checked_mul(MICROS_PER_DAY)?;
            Some(Expr::Const(Datum::Timestamp(micros), Type::new(oids::TIMESTAMP)))
        }
        _ => None,
    }
}

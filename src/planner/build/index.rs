//! Which index answers which conditions.

use std::sync::Arc;

use dictdb_catalog::{Catalog, IndexInfo, IndexMethod, IndexTarget, Relation};
use dictdb_types::{Datum, Result, Type, oids};

use super::{Builder, Layout, Outer};
use crate::estimate::{EQUALITY, RANGE, Statistics};
use crate::expr::{ColumnId, Expr, SortKey};
use crate::logical::Scan;
use crate::physical::IndexBounds;

/// An index that can be used for a scan, with logical expressions in its bounds.
pub(crate) struct IndexMatch {
    pub index: Arc<Relation>,
    pub bounds: Vec<IndexBounds>,
    /// Positions of the conditions the bounds answer entirely.
    pub answered: Vec<usize>,
    /// Part of the table's rows the bounds keep.
    pub selectivity: f64,
    /// Whether the rows come in the order asked for.
    pub ordered: bool,
    /// Whether the index is walked backwards for that.
    pub reverse: bool,
}

/// The cheapest index for these conditions and this order; `None` when reading the whole table is cheaper.
/// Bounds may use columns of `available` (the outer row of an index join) besides constants, parameters and slots.
pub(crate) fn best_index(
    catalog: &Catalog,
    statistics: &dyn Statistics,
    scan: &Scan,
    conjuncts: &[Expr],
    keys: &[SortKey],
    available: &Layout,
) -> Option<IndexMatch> {
    let total = statistics.rows(scan.relation.storage).max(1.0);
    let mut best: Option<(f64, IndexMatch)> = None;
    for oid in &scan.relation.indexes {
        let Some(index) = catalog.relation(*oid) else { continue };
        let Some(info) = index.index() else { continue };
        let Some(found) = match_index(statistics, scan, index, info, conjuncts, keys, available, total) else {
            continue;
        };
        let sort_saving = if found.ordered { 0.5 } else { 1.0 };
        let score = found.selectivity * sort_saving;
        if best.as_ref().is_none_or(|(other, _)| score < *other) {
            best = Some((score, found));
        }
    }
    best.map(|(_, found)| found)
}

#[allow(clippy::too_many_arguments)]
fn match_index(
    statistics: &dyn Statistics,
    scan: &Scan,
    index: &Arc<Relation>,
    info: &IndexInfo,
    conjuncts: &[Expr],
    keys: &[SortKey],
    available: &Layout,
    total: f64,
) -> Option<IndexMatch> {
    if info.predicate.is_some() {
        return None;
    }
    let own: Vec<ColumnId> = scan.columns.iter().map(|(column, _)| column.id).collect();
    let usable = |value: &Expr| {
        !value.is_volatile()
            && !value.any(&mut |e| match e {
                Expr::Column(id, _) => own.contains(id) && !available.contains(id),
                Expr::Sublink(_) => true,
                _ => false,
            })
    };
    let mut bounds = IndexBounds { equal: Vec::new(), lower: None, upper: None, any: None, is_null: false };
    let mut answered = Vec::new();
    let mut selectivity = 1.0;
    for key in &info.keys {
        let IndexTarget::Column(attnum) = key.target else { break };
        let Some(id) = scan.columns.iter().find(|(_, number)| *number == attnum).map(|(column, _)| column.id) else {
            break;
        };
        if let Some((position, value)) = find_equality(conjuncts, id, key.ty, &usable) {
            bounds.equal.push(value);
            answered.push(position);
            selectivity *= EQUALITY;
            continue;
        }
        if let Some((position, array)) = find_any(conjuncts, id, key.ty, &usable) {
            bounds.any = Some(array);
            answered.push(position);
            selectivity *= EQUALITY * 4.0;
            break;
        }
        if info.method == IndexMethod::Btree {
            let (lower, upper) = find_range(conjuncts, id, key.ty, &usable);
            for (position, value, inclusive, is_lower) in [lower, upper].into_iter().flatten() {
                answered.push(position);
                selectivity *= RANGE * 0.3;
                let bound = Some((value, inclusive));
                if is_lower { bounds.lower = bound } else { bounds.upper = bound }
            }
        }
        break;
    }
    let restricted = !answered.is_empty();
    if info.method == IndexMethod::Hash && bounds.equal.len() < info.keys.len() {
        return None;
    }
    let whole_key = bounds.equal.len() == info.keys.len();
    if whole_key && info.unique {
        selectivity = 1.0 / total;
    } else if whole_key && let Some(distinct) = statistics.distinct_keys(index.storage) {
        selectivity = 1.0 / distinct.max(1.0);
    }
    let (ordered, reverse) = order_of(scan, info, keys, bounds.equal.len(), bounds.any.is_some());
    if !restricted && !ordered {
        return None;
    }
    Some(IndexMatch { index: index.clone(), bounds: vec![bounds], answered, selectivity, ordered, reverse })
}

/// Whether walking the index gives the order asked for, and in which direction.
fn order_of(scan: &Scan, info: &IndexInfo, keys: &[SortKey], fixed: usize, several: bool) -> (bool, bool) {
    if keys.is_empty() || info.method != IndexMethod::Btree || several {
        return (false, false);
    }
    let column_of = |position: usize| {
        let key = info.keys.get(position)?;
        let IndexTarget::Column(attnum) = key.target else { return None };
        scan.columns.iter().find(|(_, number)| *number == attnum).map(|(column, _)| (column.id, key))
    };
    let fixed_ids: Vec<ColumnId> = (0..fixed).filter_map(column_of).map(|(id, _)| id).collect();
    let mut direction = None;
    let mut position = fixed;
    for key in keys {
        let Expr::Column(id, _) = &key.expr else { return (false, false) };
        if fixed_ids.contains(id) {
            continue;
        }
        let Some((index_id, index_key)) = column_of(position) else { return (false, false) };
        if index_id != *id {
            return (false, false);
        }
        let forward = key.descending == index_key.descending && key.nulls_first == index_key.nulls_first;
        let backward = key.descending != index_key.descending && key.nulls_first != index_key.nulls_first;
        match (direction, forward, backward) {
            (None | Some(false), true, _) => direction = Some(false),
            (None | Some(true), _, true) => direction = Some(true),
            _ => return (false, false),
        }
        position += 1;
    }
    (true, direction.unwrap_or(false))
}

/// `column = value`, either way round.
pub(crate) fn equality(conjunct: &Expr) -> Option<(ColumnId, &Expr)> {
    let (operator, left, right) = comparison(conjunct)?;
    if operator != "=" {
        return None;
    }
    match (bare_column(left), bare_column(right)) {
        (Some(id), _) => Some((id, right)),
        (None, Some(id)) => Some((id, left)),
        (None, None) => None,
    }
}

fn comparison(conjunct: &Expr) -> Option<(&str, &Expr, &Expr)> {
    let Expr::Call(call) = conjunct else { return None };
    let [left, right] = call.args.as_slice() else { return None };
    Some((call.operator.as_deref()?, left, right))
}

/// A column, perhaps under another name of its type (`varchar` as `text`).
pub(crate) fn bare_column(expr: &Expr) -> Option<ColumnId> {
    match expr {
        Expr::Column(id, _) => Some(*id),
        Expr::Relabel(inner, _) => bare_column(inner),
        _ => None,
    }
}

type Usable<'u> = &'u dyn Fn(&Expr) -> bool;

fn find_equality(conjuncts: &[Expr], id: ColumnId, key: Type, usable: Usable<'_>) -> Option<(usize, Expr)> {
    conjuncts.iter().enumerate().find_map(|(position, conjunct)| {
        let (operator, left, right) = comparison(conjunct)?;
        if operator != "=" {
            return None;
        }
        for (column, value) in [(left, right), (right, left)] {
            if bare_column(column) == Some(id) && usable(value) {
                return as_key(value, key).map(|value| (position, value));
            }
        }
        None
    })
}

fn find_any(conjuncts: &[Expr], id: ColumnId, key: Type, usable: Usable<'_>) -> Option<(usize, Expr)> {
    conjuncts.iter().enumerate().find_map(|(position, conjunct)| {
        let Expr::ScalarArray(array) = conjunct else { return None };
        let fits =
            !array.all && &*array.operator == "=" && bare_column(&array.left) == Some(id) && usable(&array.array);
        if !fits || !same_key_type(array.left.ty(), key) {
            return None;
        }
        // The array's elements are of the operator's right type, which resolution made that of the left operand here.
        Some((position, array.array.clone()))
    })
}

type RangeBound = (usize, Expr, bool, bool);

fn find_range(
    conjuncts: &[Expr],
    id: ColumnId,
    key: Type,
    usable: Usable<'_>,
) -> (Option<RangeBound>, Option<RangeBound>) {
    let mut lower = None;
    let mut upper = None;
    for (position, conjunct) in conjuncts.iter().enumerate() {
        let Some((operator, left, right)) = comparison(conjunct) else { continue };
        let (value, operator) = if bare_column(left) == Some(id) && usable(right) {
            (right, operator)
        } else if bare_column(right) == Some(id) && usable(left) {
            (left, flipped(operator))
        } else {
            continue;
        };
        let (is_lower, inclusive) = match operator {
            ">" => (true, false),
            ">=" => (true, true),
            "<" => (false, false),
            "<=" => (false, true),
            _ => continue,
        };
        let Some(value) = as_key(value, key) else { continue };
        let side = if is_lower { &mut lower } else { &mut upper };
        if side.is_none() {
            *side = Some((position, value, inclusive, is_lower));
        }
    }
    (lower, upper)
}

fn flipped(operator: &str) -> &str {
    match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    }
}

/// The value as one of the key's type, when comparing it there means the same as the comparison does.
fn as_key(value: &Expr, key: Type) -> Option<Expr> {
    if same_key_type(value.ty(), key) {
        return Some(value.clone());
    }
    let Expr::Const(datum, _) = value else { return None };
    let wide = match datum {
        Datum::Int2(v) => i64::from(*v),
        Datum::Int4(v) => i64::from(*v),
        Datum::Int8(v) => *v,
        _ => return None,
    };
    let narrow = match key.oid {
        oids::INT2 => Datum::Int2(i16::try_from(wide).ok()?),
        oids::INT4 => Datum::Int4(i32::try_from(wide).ok()?),
        oids::INT8 => Datum::Int8(wide),
        _ => return None,
    };
    Some(Expr::Const(narrow, Type::new(key.oid)))
}

/// Whether keys of the two types are encoded alike.
fn same_key_type(value: Type, key: Type) -> bool {
    let family = |oid| match oid {
        oids::TEXT | oids::VARCHAR => oids::TEXT,
        oids::INT2 | oids::INT4 | oids::INT8 => oids::INT8,
        oids::REGCLASS | oids::REGTYPE | oids::REGPROC | oids::OID => oids::OID,
        other => other,
    };
    let integers = |oid| matches!(oid, oids::INT2 | oids::INT4 | oids::INT8);
    if integers(value.oid) && integers(key.oid) {
        return value.oid == key.oid;
    }
    family(value.oid) == family(key.oid)
}

impl Builder<'_> {
    /// Bounds with their expressions translated over an outer row.
    pub(crate) fn bounds(&mut self, bounds: &IndexBounds, layout: &Layout, outer: &Outer) -> Result<IndexBounds> {
        let side = |builder: &mut Self, bound: &Option<(Expr, bool)>| {
            bound
                .as_ref()
                .map(|(e, inclusive)| Ok::<_, dictdb_types::Error>((builder.expr(e, layout, outer)?, *inclusive)))
                .transpose()
        };
        let lower = side(self, &bounds.lower)?;
        let upper = side(self, &bounds.upper)?;
        Ok(IndexBounds {
            equal: self.exprs(&bounds.equal, layout, outer)?,
            lower,
            upper,
            any: bounds.any.as_ref().map(|e| self.expr(e, layout, outer)).transpose()?,
            is_null: bounds.is_null,
        })
    }
}

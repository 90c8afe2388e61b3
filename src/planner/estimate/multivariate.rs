//! What statistics objects say of conditions on several columns of a table: frequent combinations are asked each whether they
//! meet all conditions, and where one column goes by others its condition keeps more than its own part.
//!
//! After PostgreSQL's `clauselist_selectivity` with extended statistics: its formulas, and its choice among objects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dictdb_types::{Datum, Oid, order};

use super::ExtendedStatistics;
use super::column::comparable;
use super::extended::CommonRow;
use super::selectivity::Estimator;
use crate::expr::{Expr, ScalarArray};

/// A condition with the storage columns of one table that it is about.
struct Covered<'e> {
    condition: &'e Expr,
    table: Oid,
    slots: BTreeSet<usize>,
}

impl Covered<'_> {
    fn is_covered_by(&self, statistics: &ExtendedStatistics) -> bool {
        self.slots.iter().all(|slot| statistics.position(*slot).is_some())
    }
}

/// The parts of the rows that frequent combinations are which meet conditions.
#[derive(Clone, Copy, Default)]
struct Met {
    actual: f64,
    /// If the columns were independent.
    independent: f64,
}

impl Met {
    fn of<'r>(rows: impl Iterator<Item = &'r CommonRow>) -> Self {
        rows.fold(Met::default(), |met, row| Met {
            actual: met.actual + row.frequency,
            independent: met.independent + row.base_frequency,
        })
    }

    /// With the other rows, of which a list of so frequent combinations in all says nothing.
    fn combined(self, simple: f64, total: f64) -> f64 {
        let others = (simple - self.independent).clamp(0.0, 1.0).min((1.0 - total).max(0.0));
        (self.actual + others).clamp(0.0, 1.0)
    }
}

impl Estimator<'_> {
    /// The part of rows that conditions keep which must all hold, as far as statistics objects know, and the other conditions.
    pub(super) fn known_of_all<'e>(&self, conditions: &'e [Expr]) -> (f64, Vec<&'e Expr>) {
        let all: Vec<&Expr> = conditions.iter().collect();
        let Some((mut covered, mut others)) = self.covered(&all) else { return (1.0, all) };
        let mut kept = 1.0;
        for objects in self.objects(&covered) {
            while let Some(best) = best(&objects, &covered, |object| !object.common.is_empty()) {
                let own = taken(&mut covered, |one| one.is_covered_by(&best));
                let rows = best.common.iter().filter(|row| own.iter().all(|one| self.meets(one.condition, &best, row)));
                let simple = self.simple().of_refs(own.iter().map(|one| one.condition));
                kept *= Met::of(rows).combined(simple, Met::of(best.common.iter()).actual);
            }
            kept *= self.dependent(&objects, &mut covered);
        }
        others.extend(covered.iter().map(|one| one.condition));
        (kept, others)
    }

    /// The part of rows that meet at least one of several conditions, where statistics objects know of some.
    pub(super) fn known_of_any(&self, conditions: &[Expr]) -> Option<f64> {
        let all: Vec<&Expr> = conditions.iter().collect();
        let (mut covered, mut others) = self.covered(&all)?;
        let objects = self.objects(&covered).pop()?;
        let mut missed = None;
        while let Some(best) = best(&objects, &covered, |object| !object.common.is_empty()) {
            let own = taken(&mut covered, |one| one.is_covered_by(&best));
            missed = Some(missed.unwrap_or(1.0) * (1.0 - self.any_by(&best, &own)));
        }
        others.extend(covered.iter().map(|one| one.condition));
        let missed_others: f64 = others.iter().map(|condition| 1.0 - self.one(condition)).product();
        missed.map(|missed| 1.0 - missed * missed_others)
    }

    /// The part of rows that meet at least one of the conditions that an object covers: each in turn adds what it keeps and the
    /// ones before do not.
    fn any_by(&self, best: &ExtendedStatistics, covered: &[Covered<'_>]) -> f64 {
        let total = Met::of(best.common.iter()).actual;
        let (mut kept, mut simple_kept) = (0.0f64, 0.0f64);
        let mut is_met = vec![false; best.common.len()];
        for one in covered {
            let simple = self.simple().one(one.condition);
            let meets: Vec<bool> = best.common.iter().map(|row| self.meets(one.condition, best, row)).collect();
            let rows = |wanted: &dyn Fn(usize) -> bool| {
                Met::of(best.common.iter().enumerate().filter(|(at, _)| wanted(*at)).map(|(_, row)| row))
            };
            let own = match one.slots.len() {
                1 => simple,
                _ => rows(&|at| meets[at]).combined(simple, total),
            };
            let overlap = rows(&|at| meets[at] && is_met[at]).combined(simple_kept * simple, total);
            simple_kept = (simple_kept + simple - simple_kept * simple).clamp(0.0, 1.0);
            kept = (kept + own - overlap).clamp(0.0, 1.0);
            is_met.iter_mut().zip(meets).for_each(|(met, meets)| *met |= meets);
        }
        kept
    }

    /// The part that conditions keep which ask columns for values, where columns go by each other; those are taken out.
    fn dependent(&self, objects: &[Arc<ExtendedStatistics>], covered: &mut Vec<Covered<'_>>) -> f64 {
        let is_equality = |one: &Covered<'_>| one.slots.len() == 1 && self.asks_for_values(one.condition);
        let mut left: BTreeSet<usize> =
            covered.iter().filter(|one| is_equality(one)).flat_map(|one| one.slots.iter().copied()).collect();
        let mut applied: Vec<(Vec<usize>, f64)> = Vec::new();
        loop {
            let known = objects.iter().flat_map(|object| {
                let slots =
                    |columns: &[usize]| columns.iter().map(|at| object.dimensions[*at].slot).collect::<Vec<_>>();
                object.dependencies.iter().map(move |(columns, degree)| (slots(columns), *degree))
            });
            let usable = known.filter(|(slots, _): &(Vec<usize>, f64)| slots.iter().all(|slot| left.contains(slot)));
            // The widest, and of these the strongest.
            let strongest = usable.reduce(|best, next| match (next.0.len(), next.1) > (best.0.len(), best.1) {
                true => next,
                false => best,
            });
            let Some((slots, degree)) = strongest else { break };
            slots.last().iter().for_each(|implied| _ = left.remove(implied));
            applied.push((slots, degree));
        }
        let used: BTreeSet<usize> = applied.iter().flat_map(|(slots, _)| slots.iter().copied()).collect();
        let own = taken(covered, |one| is_equality(one) && one.slots.is_subset(&used));
        let mut parts: BTreeMap<usize, f64> = used.iter().map(|slot| (*slot, 1.0)).collect();
        for one in &own {
            let kept = self.simple().one(one.condition);
            one.slots.iter().for_each(|slot| _ = parts.entry(*slot).and_modify(|part| *part *= kept));
        }
        for (slots, degree) in applied.iter().rev() {
            let Some((implied, by)) = slots.split_last() else { continue };
            let by: f64 = by.iter().filter_map(|slot| parts.get(slot)).product();
            if let Some(part) = parts.get_mut(implied) {
                let shared = if by <= *part { 1.0 } else { *part / by };
                *part = degree * shared + (1.0 - degree) * *part;
            }
        }
        parts.values().product::<f64>().clamp(0.0, 1.0)
    }

    /// Conditions on one table each that statistics objects may know of, and the others; `None` where there are no objects.
    fn covered<'e>(&self, conditions: &[&'e Expr]) -> Option<(Vec<Covered<'e>>, Vec<&'e Expr>)> {
        let (mut covered, mut others) = (Vec::new(), Vec::new());
        for condition in conditions {
            match self.subject(condition) {
                Some((table, slots)) => covered.push(Covered { condition, table, slots }),
                None => others.push(*condition),
            }
        }
        (!covered.is_empty()).then_some((covered, others))
    }

    /// The objects of each table.
    fn objects(&self, covered: &[Covered<'_>]) -> Vec<Vec<Arc<ExtendedStatistics>>> {
        let tables: BTreeSet<Oid> = covered.iter().map(|one| one.table).collect();
        tables.into_iter().map(|table| self.statistics.extended(table)).filter(|own| !own.is_empty()).collect()
    }

    /// The table and its storage columns that a condition compares with constants.
    fn subject(&self, condition: &Expr) -> Option<(Oid, BTreeSet<usize>)> {
        let column = |expr: &Expr| {
            let (table, slot, _) = self.origins.of_expr(expr)?;
            Some((table, BTreeSet::from([slot])))
        };
        match condition {
            Expr::And(items) | Expr::Or(items) => {
                let mut items = items.iter();
                let first = self.subject(items.next()?)?;
                items.try_fold(first, |(table, mut slots), item| {
                    let (other, own) = self.subject(item)?;
                    slots.extend(own);
                    (other == table).then_some((table, slots))
                })
            }
            Expr::Not(item) => self.subject(item),
            Expr::IsNull(arg, _) => column(arg),
            Expr::Column(..) => column(condition),
            Expr::ScalarArray(array) if array.known_comparison() && self.elements(&array.array).is_some() => {
                column(&array.left)
            }
            Expr::Call(call) => {
                let ((table, slot, _), operator, value) = self.sides(call)?;
                let is_known = matches!(operator, "=" | "<>" | "<" | "<=" | ">" | ">=");
                (is_known && self.value(value).is_some()).then(|| (table, BTreeSet::from([slot])))
            }
            _ => None,
        }
    }

    /// Whether a condition on one column is that it has some value, or one of some.
    fn asks_for_values(&self, condition: &Expr) -> bool {
        match condition {
            Expr::Call(call) => self.sides(call).is_some_and(|(_, operator, _)| operator == "="),
            Expr::ScalarArray(array) => &*array.operator == "=" && !array.all,
            Expr::Or(items) => items.iter().all(|item| self.asks_for_values(item)),
            Expr::Not(item) => matches!(&**item, Expr::Column(..)),
            Expr::Column(..) => true,
            _ => false,
        }
    }

    fn meets(&self, condition: &Expr, statistics: &ExtendedStatistics, row: &CommonRow) -> bool {
        self.holds(condition, statistics, row) == Some(true)
    }

    /// What a condition is for a combination; `None` is NULL.
    fn holds(&self, condition: &Expr, statistics: &ExtendedStatistics, row: &CommonRow) -> Option<bool> {
        let cell = |expr: &Expr| {
            let (_, slot, _) = self.origins.of_expr(expr)?;
            let position = statistics.position(slot)?;
            Some((&row.values[position], statistics.dimensions[position].base_type))
        };
        match condition {
            Expr::And(items) => all(items.iter().map(|item| self.holds(item, statistics, row))),
            Expr::Or(items) => {
                all(items.iter().map(|item| self.holds(item, statistics, row).map(|is| !is))).map(|is| !is)
            }
            Expr::Not(item) => self.holds(item, statistics, row).map(|is| !is),
            Expr::IsNull(arg, negated) => cell(arg).map(|(value, _)| value.is_null() != *negated),
            Expr::Column(..) => match cell(condition)? {
                (Datum::Bool(value), _) => Some(*value),
                _ => None,
            },
            Expr::ScalarArray(array) => {
                let (value, base_type) = cell(&array.left)?;
                let items = self.elements(&array.array)?;
                let each = items.iter().map(|item| compared(value, &array.operator, item.as_ref()?, base_type));
                if array.all { all(each) } else { all(each.map(|is| is.map(|is| !is))).map(|is| !is) }
            }
            Expr::Call(call) => {
                let ((_, slot, base_type), operator, other) = self.sides(call)?;
                let value = &row.values[statistics.position(slot)?];
                compared(value, operator, &self.value(other)?, base_type)
            }
            _ => None,
        }
    }
}

impl ScalarArray {
    fn known_comparison(&self) -> bool {
        matches!(&*self.operator, "=" | "<>" | "<" | "<=" | ">" | ">=")
    }
}

/// AND of SQL's three values.
fn all(items: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for item in items {
        match item {
            Some(false) => return Some(false),
            None => result = None,
            Some(true) => {}
        }
    }
    result
}

fn compared(value: &Datum, operator: &str, other: &Datum, base_type: Oid) -> Option<bool> {
    if value.is_null() || other.is_null() {
        return None;
    }
    let order = order::compare_as(base_type, value, &comparable(value, other)?);
    Some(match operator {
        "=" => order.is_eq(),
        "<>" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// The object that covers conditions on the most columns, at least two, and of these the one with the fewest columns itself.
fn best(
    objects: &[Arc<ExtendedStatistics>],
    covered: &[Covered<'_>],
    is_usable: impl Fn(&ExtendedStatistics) -> bool,
) -> Option<Arc<ExtendedStatistics>> {
    let matched = |object: &ExtendedStatistics| {
        let own = covered.iter().filter(|one| one.is_covered_by(object));
        own.flat_map(|one| &one.slots).collect::<BTreeSet<_>>().len()
    };
    let usable = objects.iter().filter(|object| is_usable(object)).map(|object| (matched(object), object));
    let usable = usable.filter(|(matched, _)| *matched >= 2);
    let key =
        |(matched, object): &(usize, &Arc<ExtendedStatistics>)| (*matched, std::cmp::Reverse(object.dimensions.len()));
    usable.reduce(|best, next| if key(&next) > key(&best) { next } else { best }).map(|(_, object)| object.clone())
}

/// Takes those out that a condition is true of.
fn taken<'e>(covered: &mut Vec<Covered<'e>>, is_taken: impl Fn(&Covered<'e>) -> bool) -> Vec<Covered<'e>> {
    let (taken, left) = std::mem::take(covered).into_iter().partition(is_taken);
    *covered = left;
    taken
}

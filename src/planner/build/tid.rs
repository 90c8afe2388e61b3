//! Scans by `ctid`: of rows that are named, and of those between bounds (PostgreSQL: `tidpath.c`).

use dictdb_types::Result;

use super::scan::fetched;
use super::{Builder, Built, Layout, Outer, cost};
use crate::condition::{bare_column, commuted, comparison};
use crate::expr::{Expr, Volatility};
use crate::logical::Scan;
use crate::physical::{Node, Op, TableRef, TidCondition, TidTest, Tids};

/// The attribute number of `ctid`.
const CTID: i16 = -1;
/// Rows that an array of `tid` is expected to name.
const EXPECTED_TIDS: f64 = 10.0;
/// The part of a table that is expected beyond one bound, and between two.
const BEYOND: f64 = 1.0 / 3.0;
const BETWEEN: f64 = 1.0 / 9.0;

impl Builder<'_> {
    /// The rows that conditions on `ctid` leave.
    pub(super) fn build_tid_scan(
        &mut self,
        scan: &Scan,
        tids: Tids,
        conjuncts: Vec<Expr>,
        outer: &Outer,
    ) -> Result<Built> {
        let (fetch, layout, columns, names) = fetched(scan);
        let rows = match &tids {
            Tids::Named(conditions) => {
                let named =
                    |condition: &TidCondition| if condition.test == TidTest::Equal { 1.0 } else { EXPECTED_TIDS };
                conditions.iter().map(named).sum::<f64>()
            }
            Tids::Range(conditions) => self.rows_of(scan) * if conditions.len() > 1 { BETWEEN } else { BEYOND },
        };
        let mut translated = |conditions: Vec<TidCondition>| -> Result<Vec<TidCondition>> {
            let one = |condition: TidCondition| {
                let value = self.expr(&condition.value, &Layout::new(), outer)?;
                Ok(TidCondition { value, ..condition })
            };
            conditions.into_iter().map(one).collect()
        };
        let tids = Some(match tids {
            Tids::Named(conditions) => Tids::Named(translated(conditions)?),
            Tids::Range(conditions) => Tids::Range(translated(conditions)?),
        });
        let filter = self.scan_filter(conjuncts, &layout, outer)?;
        let table = TableRef { relation: scan.relation.clone(), alias: scan.alias.clone() };
        let op = Op::SeqScan { table, fetch, tids, filter };
        let cost = (cost::SCAN_START, cost::SCAN_START + rows * cost::INDEX_ROW);
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout, order: Vec::new() })
    }
}

/// What conditions say of the rows of a scan by their `ctid`; those that say nothing else are taken away.
pub(super) fn taken(conjuncts: &mut Vec<Expr>, scan: &Scan) -> Option<Tids> {
    let names = |condition: &TidCondition| condition.test.names_rows();
    let named = conjuncts.iter().enumerate().find_map(|(at, conjunct)| {
        let found = condition(conjunct, scan).filter(names).map(|condition| (vec![condition], true));
        let (conditions, exact) = found.or_else(|| arms(conjunct, scan))?;
        Some((at, conditions, exact))
    });
    if let Some((at, conditions, exact)) = named {
        if exact {
            conjuncts.remove(at);
        }
        return Some(Tids::Named(conditions));
    }
    let (mut bounds, mut others) = (Vec::new(), Vec::new());
    for conjunct in std::mem::take(conjuncts) {
        match condition(&conjunct, scan) {
            Some(bound) => bounds.push(bound),
            None => others.push(conjunct),
        }
    }
    *conjuncts = others;
    (!bounds.is_empty()).then_some(Tids::Range(bounds))
}

/// Where each arm of an OR names rows, those conditions, and whether the arms say nothing else.
fn arms(conjunct: &Expr, scan: &Scan) -> Option<(Vec<TidCondition>, bool)> {
    let Expr::Or(arms) = conjunct else { return None };
    let (mut conditions, mut exact) = (Vec::new(), true);
    for arm in arms {
        let mut parts = Vec::new();
        arm.clone().into_conjuncts(&mut parts);
        exact &= parts.len() == 1;
        let mut named = parts.iter().filter_map(|part| condition(part, scan));
        conditions.push(named.find(|condition| condition.test.names_rows())?);
    }
    Some((conditions, exact))
}

/// A condition that compares `ctid` with what is known before the scan.
fn condition(conjunct: &Expr, scan: &Scan) -> Option<TidCondition> {
    let (ctid, _) = scan.columns.iter().find(|(_, attnum)| *attnum == CTID)?;
    let is_ctid = |expr: &Expr| bare_column(expr) == Some(ctid.id);
    if let Expr::ScalarArray(array) = conjunct {
        let named = !array.all && &*array.operator == "=" && is_ctid(&array.left) && is_known(&array.array, scan);
        return named.then(|| TidCondition { test: TidTest::EqualAny, value: array.array.clone(), commuted: false });
    }
    let (operator, left, right) = comparison(conjunct)?;
    let (operator, value, turned) = match (is_ctid(left), is_ctid(right)) {
        (true, false) => (operator, right, false),
        (false, true) => (commuted(operator), left, true),
        _ => return None,
    };
    let test = match operator {
        "=" => TidTest::Equal,
        "<" => TidTest::Less,
        "<=" => TidTest::LessEqual,
        ">" => TidTest::Greater,
        ">=" => TidTest::GreaterEqual,
        _ => return None,
    };
    is_known(value, scan).then(|| TidCondition { test, value: value.clone(), commuted: turned })
}

/// Whether a value is known before the scan.
fn is_known(value: &Expr, scan: &Scan) -> bool {
    !value.any(&mut |e| match e {
        Expr::Column(id, _) => scan.row_id == Some(*id) || scan.columns.iter().any(|(column, _)| column.id == *id),
        Expr::Sublink(_) => true,
        Expr::Call(call) => call.function.volatility == Volatility::Volatile,
        _ => false,
    })
}

//! Subqueries in expressions: scalar, EXISTS, ARRAY, and comparisons with ANY and ALL.
//!
//! A subquery without arguments runs once per execution and its answer is kept, for `IN` as a hash table. One with
//! arguments runs for every row, with its outer slots set from that row.

use std::sync::Arc;

use dictdb_planner::expr::{RowOrder, SublinkKind, Subplan};
use dictdb_types::{Array, Datum, Error, Oid, Result, bail};
use hashbrown::HashSet;

use crate::eval::{CallCode, Code, CompileContext, Scope, compile, compile_all, rows_in_order, stack};
use crate::keys::JoinKeyKind;
use crate::row::{Cursor, Row, drain};
use crate::runtime::Runtime;
use crate::slots::Slots;

/// A compiled subquery.
#[derive(Debug)]
pub(crate) struct SubplanCode {
    kind: Kind,
    /// Number in the plan.
    plan: usize,
    /// Slots and their values over the current row.
    args: Box<[(usize, Code)]>,
    /// What else depends on the slots.
    slots: Slots,
}

#[derive(Debug)]
enum Kind {
    Scalar,
    Exists,
    /// `ARRAY(SELECT …)`: element type, and whether the column is an array itself.
    Array(Oid, bool),
    Compare(Compare),
}

/// `left op ANY/ALL (SELECT …)`.
#[derive(Debug)]
struct Compare {
    /// Rows are compared by an ordering.
    order: Option<RowOrder>,
    /// Rows are compared by `<>`.
    unequal: bool,
    all: bool,
    left: Box<[Code]>,
    /// One test per column.
    tests: Box<[CallCode]>,
    /// For `= ANY`: how values are brought into a hash table.
    hash: Option<Box<[JoinKeyKind]>>,
    /// What would be unknown is false.
    unknown_is_false: bool,
}

/// A subquery in one execution.
#[derive(Default)]
pub(crate) struct SubplanState {
    cursor: Option<Box<dyn Cursor>>,
    kept: Option<Kept>,
}

/// The answer of a subquery without arguments.
#[derive(Clone)]
enum Kept {
    Value(Datum),
    Table(Arc<Table>),
}

/// The rows of a subquery to compare with.
struct Table {
    /// The rows with a NULL come first. Of a single hashed column, one of them is enough and the others are not here.
    rows: Vec<Row>,
    /// Number of rows with a NULL.
    with_nulls: usize,
    /// Keys of the rows without NULL.
    hashed: Option<HashSet<Box<[u8]>>>,
    empty: bool,
}

impl SubplanState {
    /// Forgets the answer: outer values changed.
    pub fn reset(&mut self) {
        self.kept = None;
    }
}

impl SubplanCode {
    /// Compiles a subquery of the context's plan.
    pub fn compile(subplan: &Subplan, cx: &CompileContext<'_>) -> Result<Self> {
        let (plan, dependencies) = cx.plan.ok_or_else(|| Error::internal("subquery in an expression of a table"))?;
        let node = plan.subplans.get(subplan.plan).ok_or_else(|| Error::internal("subplan does not exist"))?;
        let kind = match &subplan.kind {
            SublinkKind::Scalar => Kind::Scalar,
            SublinkKind::Exists => Kind::Exists,
            SublinkKind::Array => {
                let element = crate::eval::element_type(cx.types, subplan.ty)?;
                let column = node.columns.first().map(|ty| cx.types.base_type(*ty).oid);
                Kind::Array(element, column.is_some_and(|oid| oid != element && is_array(cx, oid)))
            }
            SublinkKind::Compare { all, left, tests, operator, order, unknown_is_false } => {
                let types: Vec<_> = left.iter().map(|left| left.ty()).zip(node.columns.iter().copied()).collect();
                let hash = (!all && &**operator == "=")
                    .then(|| types.iter().map(|(l, r)| JoinKeyKind::of(*l, *r, cx.types)).collect::<Result<_>>().ok());
                let tests = tests.iter().zip(&types).map(|(test, (left, right))| {
                    let types = [*left, *right].map(|ty| cx.types.base_type(ty));
                    Ok(CallCode { types: Box::new(types), ..CallCode::bare(test)? })
                });
                Kind::Compare(Compare {
                    all: *all,
                    left: compile_all(left, cx)?,
                    tests: tests.collect::<Result<_>>()?,
                    hash: hash.flatten(),
                    order: *order,
                    unequal: &**operator == "<>" && left.len() > 1,
                    unknown_is_false: *unknown_is_false,
                })
            }
        };
        let args: Result<_> = subplan.args.iter().map(|(slot, arg)| Ok((*slot, compile(arg, cx)?))).collect();
        let slots = dependencies.on(subplan.args.iter().map(|(slot, _)| *slot), Some(subplan.plan));
        Ok(SubplanCode { kind, plan: subplan.plan, args: args?, slots })
    }

    /// The answer for a row.
    pub fn eval(&self, scope: Scope<'_>) -> Result<Datum> {
        let rt = scope.rt()?;
        if !self.args.is_empty() {
            for (slot, code) in &self.args {
                let value = code.eval(scope)?;
                rt.set_outer(*slot, value);
            }
            self.slots.changed(rt);
            return match &self.kind {
                Kind::Compare(compare) => self.run(rt, |cursor, rt| compare.stream(cursor, rt, scope)),
                _ => self.run(rt, |cursor, rt| self.value(cursor, rt)),
            };
        }
        match &self.kind {
            Kind::Compare(compare) => compare.table(&*self.table(rt, compare)?, scope),
            _ => self.kept_value(rt),
        }
    }

    fn kept_value(&self, rt: &Runtime) -> Result<Datum> {
        if let Some(Kept::Value(value)) = &rt.subplan(self.plan)?.lock().kept {
            return Ok(value.clone());
        }
        let value = self.run(rt, |cursor, rt| self.value(cursor, rt))?;
        rt.subplan(self.plan)?.lock().kept = Some(Kept::Value(value.clone()));
        Ok(value)
    }

    fn table(&self, rt: &Runtime, compare: &Compare) -> Result<Arc<Table>> {
        if let Some(Kept::Table(table)) = &rt.subplan(self.plan)?.lock().kept {
            return Ok(table.clone());
        }
        let rows = self.run(rt, drain)?;
        let table = Arc::new(Table::new(rows, compare, rt)?);
        rt.subplan(self.plan)?.lock().kept = Some(Kept::Table(table.clone()));
        Ok(table)
    }

    /// Runs the query with a cursor of its own: the state is not locked meanwhile, because the query may contain
    /// others.
    fn run<T>(&self, rt: &Runtime, f: impl FnOnce(&mut dyn Cursor, &Runtime) -> Result<T>) -> Result<T> {
        let used = rt.subplan(self.plan)?.lock().cursor.take();
        let mut cursor = match used {
            Some(mut cursor) => {
                cursor.rescan(rt)?;
                cursor
            }
            None => rt.open_subplan(self.plan)?,
        };
        let result = f(&mut *cursor, rt);
        rt.subplan(self.plan)?.lock().cursor = Some(cursor);
        result
    }

    fn value(&self, cursor: &mut dyn Cursor, rt: &Runtime) -> Result<Datum> {
        let mut row = Row::new();
        match &self.kind {
            Kind::Exists => cursor.next(rt, &mut row).map(Datum::Bool),
            Kind::Array(element, nested) => {
                let mut items = Vec::new();
                while cursor.next(rt, &mut row)? {
                    rt.charge_row(&row)?;
                    items.push(row.drain(..).next().unwrap_or(Datum::Null));
                }
                let array = if *nested { stack(*element, &items)? } else { Array::vector(*element, items) };
                Ok(Datum::Array(Arc::new(array)))
            }
            Kind::Scalar | Kind::Compare(_) => {
                if !cursor.next(rt, &mut row)? {
                    return Ok(Datum::Null);
                }
                let value = row.drain(..).next().unwrap_or(Datum::Null);
                if cursor.next(rt, &mut row)? {
                    bail!(CARDINALITY_VIOLATION, "more than one row returned by a subquery used as an expression");
                }
                Ok(value)
            }
        }
    }
}

fn is_array(cx: &CompileContext<'_>, oid: Oid) -> bool {
    cx.types.type_info(oid).is_some_and(|info| info.is_array())
}

impl Table {
    fn new(rows: Vec<Row>, compare: &Compare, rt: &Runtime) -> Result<Self> {
        let kinds = compare.hash.as_deref();
        let empty = rows.is_empty();
        let (mut with_nulls, whole): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| row.iter().any(Datum::is_null));
        if compare.unknown_is_false {
            with_nulls.clear();
        } else if kinds.is_some_and(|kinds| kinds.len() == 1) {
            with_nulls.truncate(1);
        }
        let nulls = with_nulls.len();
        let mut hashed = None;
        if let Some(kinds) = kinds {
            let mut keys = HashSet::with_capacity(whole.len());
            for row in &whole {
                let key = hash_key(row, kinds);
                rt.charge(key.len() + size_of::<Box<[u8]>>())?;
                keys.insert(key.into_boxed_slice());
            }
            hashed = Some(keys);
        }
        if hashed.is_none() || kinds.is_some_and(|kinds| kinds.len() > 1) {
            with_nulls.extend(whole);
        }
        Ok(Table { rows: with_nulls, with_nulls: nulls, hashed, empty })
    }
}

fn hash_key(values: &[Datum], kinds: &[JoinKeyKind]) -> Vec<u8> {
    let mut key = Vec::new();
    values.iter().zip(kinds).for_each(|(value, kind)| kind.append(value, &mut key));
    key
}

impl Compare {
    /// Compares with the rows of a running query.
    fn stream(&self, cursor: &mut dyn Cursor, rt: &Runtime, scope: Scope<'_>) -> Result<Datum> {
        let left: Row = self.left.iter().map(|code| code.eval(scope)).collect::<Result<_>>()?;
        let mut row = Row::new();
        let mut outcome = Outcome::new(self.all);
        while cursor.next(rt, &mut row)? {
            if outcome.decided_by(self.row(&left, &row, scope)?) {
                break;
            }
        }
        Ok(self.answer(&outcome))
    }

    fn answer(&self, outcome: &Outcome) -> Datum {
        match outcome.datum() {
            Datum::Null if self.unknown_is_false => Datum::Bool(false),
            answer => answer,
        }
    }

    /// Compares with kept rows.
    fn table(&self, table: &Table, scope: Scope<'_>) -> Result<Datum> {
        if table.empty {
            return Ok(Datum::Bool(self.all));
        }
        let left: Row = self.left.iter().map(|code| code.eval(scope)).collect::<Result<_>>()?;
        let candidates = match (&table.hashed, &self.hash) {
            (Some(hashed), Some(kinds)) => match left.iter().any(Datum::is_null) {
                true if self.unknown_is_false => return Ok(Datum::Bool(false)),
                true if left.len() == 1 => return Ok(Datum::Null),
                true => &table.rows[..],
                false if hashed.contains(hash_key(&left, kinds).as_slice()) => return Ok(Datum::Bool(true)),
                false => &table.rows[..table.with_nulls],
            },
            _ => &table.rows[..],
        };
        let mut outcome = Outcome::new(self.all);
        for row in candidates {
            if outcome.decided_by(self.row(&left, row, scope)?) {
                break;
            }
        }
        Ok(self.answer(&outcome))
    }

    /// A row's comparison: the conjunction of its columns', or for `<>` the disjunction.
    fn row(&self, left: &[Datum], right: &[Datum], scope: Scope<'_>) -> Result<Option<bool>> {
        if let Some(order) = self.order {
            let types = self.tests.iter().map(|test| test.types[0]);
            return Ok(rows_in_order(order, types.zip(left.iter().zip(right))));
        }
        // Rows are unequal if one of their columns is.
        let decisive = self.unequal;
        let mut result = Some(!decisive);
        for (test, (left, right)) in self.tests.iter().zip(left.iter().zip(right)) {
            match test.apply(scope, &[left.clone(), right.clone()])? {
                Datum::Bool(value) if value != decisive => {}
                Datum::Bool(_) => return Ok(Some(decisive)),
                _ => result = None,
            }
        }
        Ok(result)
    }
}

/// ANY or ALL over the rows so far.
struct Outcome {
    all: bool,
    decided: bool,
    unknown: bool,
}

impl Outcome {
    fn new(all: bool) -> Self {
        Outcome { all, decided: false, unknown: false }
    }

    /// Takes a row's comparison into account; `true`: no further row can change the answer.
    fn decided_by(&mut self, comparison: Option<bool>) -> bool {
        match comparison {
            Some(value) => self.decided = value != self.all,
            None => self.unknown = true,
        }
        self.decided
    }

    fn datum(&self) -> Datum {
        match (self.decided, self.unknown) {
            (true, _) => Datum::Bool(!self.all),
            (false, true) => Datum::Null,
            (false, false) => Datum::Bool(self.all),
        }
    }
}

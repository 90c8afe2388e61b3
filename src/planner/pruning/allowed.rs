//! What conditions leave of one column of a partition key.

use std::cmp::Ordering;

use dictdb_catalog::{PartitionBound, PartitionColumn, RangeDatum};
use dictdb_types::{Datum, Oid, oids, order};

use crate::condition::commuted;
use crate::expr::{BoolTest, Expr, ScalarArray};

/// One end: the value, and whether it belongs to what is left.
pub(super) type End = (Datum, bool);

/// What the conditions leave of one column of a key.
#[derive(Clone, Debug)]
pub(super) struct Allowed {
    /// One of these values, but for NULL.
    pub values: Option<Vec<Datum>>,
    /// None of these values.
    pub except: Vec<Datum>,
    /// Above this, inclusive or not.
    pub lower: Option<End>,
    /// Below this.
    pub upper: Option<End>,
    /// NULL may be.
    pub nulls: bool,
    /// Something else than NULL may be.
    pub others: bool,
}

impl Default for Allowed {
    fn default() -> Self {
        Allowed { values: None, except: Vec::new(), lower: None, upper: None, nulls: true, others: true }
    }
}

impl Allowed {
    /// What a partition's bound leaves of the first column of its table's key.
    pub fn of_bound(bound: &PartitionBound, columns: usize, column: &PartitionColumn) -> Allowed {
        let mut allowed = Allowed::default();
        match bound {
            PartitionBound::Range { from, to } => {
                allowed.nulls = false;
                if let Some(RangeDatum::Value(from)) = from.first() {
                    allowed.lower = Some((from.clone(), true));
                }
                if let Some(RangeDatum::Value(to)) = to.first() {
                    allowed.upper = Some((to.clone(), columns > 1));
                }
            }
            PartitionBound::List { values } => {
                allowed.nulls = values.iter().any(Datum::is_null);
                let known = values.iter().filter(|value| !value.is_null()).cloned().collect();
                allowed.one_of(known, column);
            }
            PartitionBound::Hash { .. } | PartitionBound::Default => {}
        }
        allowed
    }

    /// Nothing at all is left.
    pub fn is_empty(&self) -> bool {
        !self.nulls && !self.others
    }

    /// Takes another list of conditions into account.
    pub fn merge(&mut self, other: &Allowed, column: &PartitionColumn) {
        if let Some(values) = &other.values {
            self.one_of(values.clone(), column);
        }
        self.except.extend(other.except.iter().cloned());
        for (end, operator) in [(&other.lower, [">", ">="]), (&other.upper, ["<", "<="])] {
            if let Some((value, inclusive)) = end {
                self.bound(operator[usize::from(*inclusive)], value, column.ty.oid);
            }
        }
        self.nulls &= other.nulls;
        self.others &= other.others;
    }

    /// Finds out whether the conditions contradict each other, once all of them are known.
    pub fn settle(&mut self, column: &PartitionColumn) {
        if let Some(values) = self.values.take() {
            let kept: Vec<Datum> = values.into_iter().filter(|value| self.admits(value, column)).collect();
            self.others &= !kept.is_empty();
            self.values = Some(kept);
        }
        if let (Some((lower, from)), Some((upper, to))) = (&self.lower, &self.upper) {
            self.others &= match order::compare_as(column.ty.oid, lower, upper) {
                Ordering::Less => true,
                Ordering::Equal => *from && *to,
                Ordering::Greater => false,
            };
        }
    }

    /// The values that a key may have, NULL among them, where they are known.
    pub fn known(&self) -> Option<Vec<Datum>> {
        let mut known = match &self.values {
            _ if !self.others => Vec::new(),
            Some(values) => values.clone(),
            None => return None,
        };
        known.extend(self.nulls.then_some(Datum::Null));
        Some(known)
    }

    /// The only value that a key may have.
    pub fn single(&self) -> Option<&Datum> {
        match (&self.values, self.nulls) {
            (Some(values), false) if values.len() == 1 => values.first(),
            _ => None,
        }
    }

    /// Whether a key of this value satisfies everything.
    pub fn admits(&self, value: &Datum, column: &PartitionColumn) -> bool {
        let oid = column.ty.oid;
        if value.is_null() {
            return self.nulls;
        }
        let equals = |other: &Datum| order::compare_as(oid, value, other).is_eq();
        self.others
            && self.values.as_ref().is_none_or(|values| values.iter().any(equals))
            && !self.except.iter().any(equals)
            && self.is_above_lower(value, oid)
            && self.is_below_upper(value, oid)
    }

    fn is_above_lower(&self, value: &Datum, oid: Oid) -> bool {
        self.lower.as_ref().is_none_or(|(bound, inclusive)| match order::compare_as(oid, value, bound) {
            Ordering::Greater => true,
            Ordering::Equal => *inclusive,
            Ordering::Less => false,
        })
    }

    fn is_below_upper(&self, value: &Datum, oid: Oid) -> bool {
        self.upper.as_ref().is_none_or(|(bound, inclusive)| match order::compare_as(oid, value, bound) {
            Ordering::Less => true,
            Ordering::Equal => *inclusive,
            Ordering::Greater => false,
        })
    }

    /// Whether a value may be strictly between two ends of a range.
    pub fn reaches_between(&self, from: &RangeDatum, to: &RangeDatum, oid: Oid) -> bool {
        let is_inside = |value: &Datum| {
            let value = RangeDatum::Value(value.clone());
            from.compare(&value, oid) == Ordering::Less && value.compare(to, oid) == Ordering::Less
        };
        if let Some(values) = &self.values {
            return values.iter().any(is_inside);
        }
        let datum = |end: &Option<End>| end.as_ref().map(|(value, _)| RangeDatum::Value(value.clone()));
        let below_to = datum(&self.lower).is_none_or(|lower| lower.compare(to, oid) == Ordering::Less);
        let above_from = datum(&self.upper).is_none_or(|upper| from.compare(&upper, oid) == Ordering::Less);
        self.others && below_to && above_from && from.compare(to, oid) == Ordering::Less
    }

    /// Takes a condition into account if it is one on this column.
    pub fn restrict(&mut self, conjunct: &Expr, key: &Expr, column: &PartitionColumn) {
        if column.ty.oid == oids::BOOL
            && let Some((test, arg)) = truth(conjunct)
            && let Some(turned) = sides_with(arg, key)
        {
            return self.test(test, turned, column);
        }
        match conjunct {
            Expr::Const(Datum::Bool(false) | Datum::Null, _) => (self.nulls, self.others) = (false, false),
            Expr::IsNull(arg, false) if is_key(arg, key) => self.others = false,
            Expr::IsNull(arg, true) if is_key(arg, key) => self.nulls = false,
            Expr::ScalarArray(array) if array.function.is_known() && is_key(&array.left, key) => {
                self.restrict_by_array(array, column);
            }
            Expr::Call(call) => {
                let (Some(operator), [left, right]) = (call.known_operator(), call.args.as_slice()) else { return };
                match (left, right) {
                    (left, Expr::Const(value, ty)) if is_key(left, key) => {
                        self.compare(operator, value, ty.oid, column);
                    }
                    (Expr::Const(value, ty), right) if is_key(right, key) => {
                        self.compare(commuted(operator), value, ty.oid, column);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// A test of a boolean key, or of the negation of one.
    fn test(&mut self, test: BoolTest, turned: bool, column: &PartitionColumn) {
        match test {
            BoolTest::Unknown => self.others = false,
            BoolTest::NotUnknown => self.nulls = false,
            BoolTest::True | BoolTest::False => {
                self.nulls = false;
                self.one_of(vec![Datum::Bool((test == BoolTest::True) != turned)], column);
            }
            BoolTest::NotTrue | BoolTest::NotFalse => {
                self.one_of(vec![Datum::Bool((test == BoolTest::NotFalse) != turned)], column);
            }
        }
    }

    /// `key = ANY (array)`, `key <> ALL (array)`, `key < ALL (array)`.
    fn restrict_by_array(&mut self, array: &ScalarArray, column: &PartitionColumn) {
        let Expr::Const(value, _) = &array.array else { return };
        let Datum::Array(values) = value else {
            if value.is_null() {
                (self.nulls, self.others) = (false, false);
            }
            return;
        };
        if array.is_equal_any() {
            let known = values.items.iter().filter(|value| !value.is_null());
            let known = known.filter_map(|value| match as_key(value, values.element, column) {
                AsKey::Value(value) => Some(Some(value)),
                AsKey::Below | AsKey::Above => None,
                AsKey::Unknown => Some(None),
            });
            if let Some(known) = known.collect() {
                self.one_of(known, column);
                self.nulls = false;
            }
        } else if array.all {
            values.items.iter().for_each(|value| self.compare(&array.operator, value, values.element, column));
        }
    }

    fn one_of(&mut self, values: Vec<Datum>, column: &PartitionColumn) {
        let kept = match self.values.take() {
            None => values,
            Some(old) => {
                let among = |value: &Datum| old.iter().any(|old| order::compare_as(column.ty.oid, old, value).is_eq());
                values.into_iter().filter(among).collect()
            }
        };
        self.others &= !kept.is_empty();
        self.values = Some(kept);
    }

    fn compare(&mut self, operator: &str, value: &Datum, ty: Oid, column: &PartitionColumn) {
        if !matches!(operator, "=" | "<>" | "<" | "<=" | ">" | ">=") {
            return;
        }
        if value.is_null() {
            (self.nulls, self.others) = (false, false);
            return;
        }
        let (value, beyond) = match as_key(value, ty, column) {
            AsKey::Unknown => return,
            AsKey::Value(value) => (value, Ordering::Equal),
            AsKey::Below => (Datum::Null, Ordering::Less),
            AsKey::Above => (Datum::Null, Ordering::Greater),
        };
        self.nulls = false;
        match (operator, beyond) {
            ("=", Ordering::Equal) => self.one_of(vec![value], column),
            ("<>", Ordering::Equal) => self.except.push(value),
            (_, Ordering::Equal) => self.bound(operator, &value, column.ty.oid),
            ("=", _) | ("<" | "<=", Ordering::Less) => self.others = false,
            (">" | ">=", Ordering::Greater) => match greatest(column.ty.oid) {
                Some(greatest) => self.bound(">", &greatest, column.ty.oid),
                None => self.others = false,
            },
            _ => {}
        }
    }

    /// A lower or upper end, if it is tighter than the one known.
    fn bound(&mut self, operator: &str, value: &Datum, oid: Oid) {
        let inclusive = operator.ends_with('=');
        let (end, wanted) = match operator.starts_with('<') {
            true => (&mut self.upper, Ordering::Less),
            false => (&mut self.lower, Ordering::Greater),
        };
        let tighter = end.as_ref().is_none_or(|(bound, was)| match order::compare_as(oid, value, bound) {
            Ordering::Equal => *was && !inclusive,
            other => other == wanted,
        });
        if tighter {
            *end = Some((value.clone(), inclusive));
        }
    }
}

/// A condition as a test of a boolean.
fn truth(conjunct: &Expr) -> Option<(BoolTest, &Expr)> {
    Some(match conjunct {
        Expr::BoolTest(arg, test) => (*test, arg),
        Expr::Not(arg) => (BoolTest::False, arg),
        Expr::Const(..) | Expr::And(_) | Expr::Or(_) | Expr::IsNull(..) => return None,
        arg => (BoolTest::True, arg),
    })
}

/// Whether an expression is the key (`false`), or the key's negation (`true`).
fn sides_with(arg: &Expr, key: &Expr) -> Option<bool> {
    match (arg, key) {
        (arg, key) if is_key(arg, key) => Some(false),
        (Expr::Not(arg), key) if is_key(arg, key) => Some(true),
        (arg, Expr::Not(key)) if is_key(arg, key) => Some(true),
        _ => None,
    }
}

/// Whether an expression is the key, perhaps under another name of its type.
pub(super) fn is_key(expr: &Expr, key: &Expr) -> bool {
    match (expr, key) {
        (Expr::Relabel(inner, _), _) => is_key(inner, key),
        (_, Expr::Relabel(inner, _)) => is_key(expr, inner),
        _ => expr.same(key),
    }
}

/// A value as one of a column.
enum AsKey {
    Value(Datum),
    /// A number smaller than every one of the column's type.
    Below,
    /// A larger one.
    Above,
    /// Comparing the two means something else.
    Unknown,
}

/// A value of a type as one of a column's, where comparing them means the same: within one type, integers of other widths,
/// days as points in time.
fn as_key(value: &Datum, ty: Oid, column: &PartitionColumn) -> AsKey {
    const MICROS_PER_DAY: i64 = 86_400_000_000;
    let family = |oid| match oid {
        oids::TEXT | oids::VARCHAR => oids::TEXT,
        other => other,
    };
    if family(ty) == family(column.ty.oid) {
        return AsKey::Value(value.clone());
    }
    let number = match value {
        Datum::Int2(number) => i64::from(*number),
        Datum::Int4(number) => i64::from(*number),
        Datum::Int8(number) => *number,
        Datum::Date(days) if column.ty.oid == oids::TIMESTAMP => {
            let micros = i64::from(*days).checked_mul(MICROS_PER_DAY).filter(|_| !matches!(*days, i32::MIN | i32::MAX));
            return micros.map_or(AsKey::Unknown, |micros| AsKey::Value(Datum::Timestamp(micros)));
        }
        _ => return AsKey::Unknown,
    };
    let fitting = match column.ty.oid {
        oids::INT2 => i16::try_from(number).map(Datum::Int2).ok(),
        oids::INT4 => i32::try_from(number).map(Datum::Int4).ok(),
        oids::INT8 => Some(Datum::Int8(number)),
        _ => return AsKey::Unknown,
    };
    match fitting {
        Some(value) => AsKey::Value(value),
        None if number < 0 => AsKey::Below,
        None => AsKey::Above,
    }
}

/// The greatest value of an integer type.
fn greatest(oid: Oid) -> Option<Datum> {
    match oid {
        oids::INT2 => Some(Datum::Int2(i16::MAX)),
        oids::INT4 => Some(Datum::Int4(i32::MAX)),
        _ => None,
    }
}

//! `numeric` over columns: `+ - * /`, rounding, comparisons, casts from integers and to floats.
//!
//! Most numbers stand in the views of their column and are computed with there ([`SmallNumeric`]), longer ones in two words
//! ([`WideNumeric`]); a row that needs still more takes the exact way through [`Numeric`].

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, Datum as ArrowDatum, Float64Array, new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Int16Type, Int32Type, Int64Type};
use dictdb_types::arrow::NumericColumn;
use dictdb_types::numeric::{SmallNumeric, WideNumeric};
use dictdb_types::{Datum, Error, Numeric, Result, opaque};

use super::VectorFn;
use super::operand::{Operand as Numbered, argument, mismatch, operand};

macro_rules! comparisons {
    ($($name:literal: $test:expr;)*) => {
        &[$(($name, |args| compare(args, $test)),)*]
    };
}

pub(super) const COMPARISONS: &[(&str, VectorFn)] = comparisons! {
    "numeric_eq": Ordering::is_eq;
    "numeric_ne": Ordering::is_ne;
    "numeric_lt": Ordering::is_lt;
    "numeric_le": Ordering::is_le;
    "numeric_gt": Ordering::is_gt;
    "numeric_ge": Ordering::is_ge;
};

pub(super) const ARITHMETIC: &[(&str, VectorFn)] = &[
    ("numeric_add", |args| arithmetic(args, SmallNumeric::checked_add, WideNumeric::checked_add, Numeric::add)),
    ("numeric_sub", |args| arithmetic(args, SmallNumeric::checked_sub, WideNumeric::checked_sub, Numeric::sub)),
    ("numeric_mul", |args| arithmetic(args, SmallNumeric::checked_mul, WideNumeric::checked_mul, Numeric::mul)),
    ("numeric_div", divide),
    ("numeric_float8", to_floats),
    ("numeric_round", round),
];

pub(super) const CASTS: &[(&str, VectorFn)] = &[
    ("int2_numeric", of_integers::<Int16Type>),
    ("int4_numeric", of_integers::<Int32Type>),
    ("int8_numeric", of_integers::<Int64Type>),
];

/// An argument.
struct Operand<'a> {
    array: &'a BinaryViewArray,
    numbers: Numbers<'a>,
}

/// The numbers of an argument as they stand in views.
enum Numbers<'a> {
    /// Those of a column.
    Each(&'a [u128]),
    /// One for all rows; `None`: it is not in its view, or NULL.
    One(Option<SmallNumeric>),
}

impl<'a> Operand<'a> {
    fn of(args: &[&'a dyn ArrowDatum], index: usize) -> Result<Self> {
        let (array, is_single) = argument(args, index)?.get();
        let array = array.as_binary_view_opt().ok_or_else(|| mismatch(array))?;
        let numbers = match is_single {
            true => Numbers::One(array.views().first().copied().and_then(SmallNumeric::of_view)),
            false => Numbers::Each(array.views()),
        };
        Ok(Operand { array, numbers })
    }

    fn is_single(&self) -> bool {
        matches!(self.numbers, Numbers::One(_))
    }

    fn is_null(&self) -> bool {
        self.is_single() && (self.array.is_empty() || self.array.is_null(0))
    }

    fn nulls(&self) -> Option<&NullBuffer> {
        if self.is_single() { None } else { self.array.nulls() }
    }

    #[inline]
    fn small(&self, row: usize) -> Option<SmallNumeric> {
        match self.numbers {
            Numbers::Each(views) => SmallNumeric::of_view(views[row]),
            Numbers::One(number) => number,
        }
    }

    /// The number if words hold it.
    fn wide(&self, row: usize) -> Option<WideNumeric> {
        match self.small(row) {
            Some(small) => Some(small.into()),
            None => WideNumeric::of_bytes(self.array.value(if self.is_single() { 0 } else { row })),
        }
    }

    fn exact(&self, row: usize) -> Result<Numeric> {
        let row = if self.is_single() { 0 } else { row };
        match opaque::decode(self.array.value(row))? {
            Datum::Numeric(value) => Ok(value),
            other => Err(Error::internal(format!("{other:?} in a column of numeric"))),
        }
    }
}

/// Two operands, the rows of their result and its NULLs; no rows where a single one is NULL.
struct Pair<'a> {
    left: Operand<'a>,
    right: Operand<'a>,
    rows: usize,
    nulls: Option<NullBuffer>,
}

impl<'a> Pair<'a> {
    fn of(args: &[&'a dyn ArrowDatum]) -> Result<Self> {
        let (left, right) = (Operand::of(args, 0)?, Operand::of(args, 1)?);
        let rows = match (left.is_single(), right.is_single()) {
            (false, _) => left.array.len(),
            (true, false) => right.array.len(),
            (true, true) => 1,
        };
        let nulls = NullBuffer::union(left.nulls(), right.nulls());
        Ok(Pair { left, right, rows, nulls })
    }

    fn is_null(&self) -> bool {
        self.left.is_null() || self.right.is_null()
    }

    fn is_valid(&self, row: usize) -> bool {
        self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
    }

    #[inline]
    fn small(&self, row: usize) -> Option<(SmallNumeric, SmallNumeric)> {
        Some((self.left.small(row)?, self.right.small(row)?))
    }

    fn wide(&self, row: usize) -> Option<(WideNumeric, WideNumeric)> {
        Some((self.left.wide(row)?, self.right.wide(row)?))
    }

    /// The results for all rows whose operands and result stand in views; the others have none.
    fn small_results(&self, f: impl Fn(SmallNumeric, SmallNumeric) -> Option<SmallNumeric>) -> NumericColumn {
        let mut out = NumericColumn::with_capacity(self.rows);
        let mut push = |left: Option<SmallNumeric>, right: Option<SmallNumeric>| {
            out.push_small(left.zip(right).and_then(|(left, right)| f(left, right)));
        };
        let number = SmallNumeric::of_view;
        match (&self.left.numbers, &self.right.numbers) {
            (Numbers::Each(left), Numbers::Each(right)) => {
                left.iter().zip(*right).for_each(|(left, right)| push(number(*left), number(*right)));
            }
            (Numbers::Each(left), Numbers::One(right)) => left.iter().for_each(|left| push(number(*left), *right)),
            (Numbers::One(left), Numbers::Each(right)) => right.iter().for_each(|right| push(*left, number(*right))),
            (Numbers::One(left), Numbers::One(right)) => push(*left, *right),
        }
        out
    }
}

/// Gives the rows that have no result yet theirs: in words if that is possible, else exactly.
fn fill(
    pair: Pair<'_>,
    mut out: NumericColumn,
    wide: impl Fn(WideNumeric, WideNumeric) -> Option<WideNumeric>,
    exact: fn(&Numeric, &Numeric) -> Result<Numeric>,
) -> Result<ArrayRef> {
    for row in 0..pair.rows {
        if !out.is_missing(row) || !pair.is_valid(row) {
            continue;
        }
        match pair.wide(row).and_then(|(left, right)| wide(left, right)) {
            Some(result) => out.set_wide(row, result),
            None => out.set(row, &exact(&pair.left.exact(row)?, &pair.right.exact(row)?)?),
        }
    }
    out.finish(pair.nulls)
}

fn arithmetic(
    args: &[&dyn ArrowDatum],
    fast: impl Fn(SmallNumeric, SmallNumeric) -> Option<SmallNumeric>,
    wide: impl Fn(WideNumeric, WideNumeric) -> Option<WideNumeric>,
    exact: fn(&Numeric, &Numeric) -> Result<Numeric>,
) -> Result<ArrayRef> {
    let pair = Pair::of(args)?;
    if pair.is_null() {
        return Ok(new_null_array(&DataType::BinaryView, pair.rows));
    }
    let out = pair.small_results(fast);
    fill(pair, out, wide, exact)
}

/// Quotients, which seldom have a single word.
fn divide(args: &[&dyn ArrowDatum]) -> Result<ArrayRef> {
    let pair = Pair::of(args)?;
    if pair.is_null() {
        return Ok(new_null_array(&DataType::BinaryView, pair.rows));
    }
    let out = NumericColumn::missing(pair.rows);
    fill(pair, out, WideNumeric::checked_div, Numeric::div)
}

fn compare(args: &[&dyn ArrowDatum], test: impl Fn(Ordering) -> bool) -> Result<ArrayRef> {
    let pair = Pair::of(args)?;
    if pair.is_null() {
        return Ok(new_null_array(&DataType::Boolean, pair.rows));
    }
    let mut failed = None;
    let bits = BooleanBuffer::collect_bool(pair.rows, |row| {
        let order = match pair.small(row).and_then(|(left, right)| left.checked_cmp(right)) {
            Some(order) => Ok(order),
            None if pair.is_valid(row) => compare_exactly(&pair, row),
            None => Ok(Ordering::Equal),
        };
        match order {
            Ok(order) => test(order),
            Err(error) => {
                failed = Some(error);
                false
            }
        }
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(Arc::new(BooleanArray::new(bits, pair.nulls))),
    }
}

fn compare_exactly(pair: &Pair<'_>, row: usize) -> Result<Ordering> {
    Ok(pair.left.exact(row)?.cmp(&pair.right.exact(row)?))
}

fn of_integers<T: ArrowPrimitiveType>(args: &[&dyn ArrowDatum]) -> Result<ArrayRef>
where
    i64: From<T::Native>,
{
    let (array, _) = argument(args, 0)?.get();
    let numbers = array.as_primitive_opt::<T>().ok_or_else(|| mismatch(array))?;
    let mut out = NumericColumn::with_capacity(numbers.len());
    for number in numbers.values() {
        out.push_small(Some(SmallNumeric { coefficient: i64::from(*number), scale: 0 }));
    }
    out.finish(numbers.nulls().cloned())
}

/// `round` to so many digits after the point.
fn round(args: &[&dyn ArrowDatum]) -> Result<ArrayRef> {
    let (numbers, digits) = (Operand::of(args, 0)?, operand::<Int32Type>(args, 1)?);
    let rows = match &digits {
        Numbered::Column(digits) if numbers.is_single() => digits.len(),
        _ => numbers.array.len(),
    };
    let mut out = NumericColumn::missing(rows);
    for row in 0..rows {
        let digits = match &digits {
            Numbered::Column(digits) if digits.is_valid(row) => digits.value(row),
            Numbered::Value(digits) => *digits,
            _ => continue,
        };
        if numbers.array.is_null(if numbers.is_single() { 0 } else { row }) {
            continue;
        }
        match numbers.small(row).and_then(|number| number.checked_round(digits)) {
            Some(rounded) => out.set_wide(row, rounded.into()),
            None => out.set(row, &numbers.exact(row)?.round(digits)?),
        }
    }
    out.finish_with_nulls()
}

/// `numeric` as `double precision`.
fn to_floats(args: &[&dyn ArrowDatum]) -> Result<ArrayRef> {
    let numbers = Operand::of(args, 0)?;
    let value = |row: usize| match numbers.array.is_null(row) {
        true => Ok(0.0),
        false => match numbers.small(row) {
            Some(small) => Numeric::new(small.coefficient, small.scale).to_f64(),
            None => numbers.exact(row)?.to_f64(),
        },
    };
    let floats = (0..numbers.array.len()).map(value).collect::<Result<Vec<f64>>>()?;
    Ok(Arc::new(Float64Array::new(floats.into(), numbers.array.nulls().cloned())))
}

#[cfg(test)]
mod tests {
    use arrow::array::Scalar;
    use dictdb_types::Physical;
    use dictdb_types::arrow::{ColumnBuilder, datum_at};

    use super::*;
    use crate::vector::vector;

    fn column(texts: &[Option<&str>]) -> ArrayRef {
        let mut builder = ColumnBuilder::new(Physical::Opaque, texts.len());
        for text in texts {
            match text {
                Some(text) => builder.push(&Datum::Numeric(Numeric::parse(text).unwrap())).unwrap(),
                None => builder.push_null(),
            }
        }
        builder.finish()
    }

    fn run(name: &str, args: &[&dyn ArrowDatum]) -> ArrayRef {
        let kernel = vector(name).unwrap_or_else(|| panic!("no column kernel {name}"));
        (kernel.run)(args).unwrap()
    }

    fn texts(array: &ArrayRef) -> Vec<Option<String>> {
        let text = |row| match datum_at(array, row, Physical::Opaque).unwrap() {
            Datum::Numeric(value) => Some(value.to_string()),
            _ => None,
        };
        (0..array.len()).map(text).collect()
    }

    #[test]
    fn words_and_more_than_words() {
        let a = column(&[Some("1.50"), None, Some("9223372036854775807"), Some("NaN"), Some("-0.001")]);
        let b = column(&[Some("0.5"), Some("1"), Some("1"), Some("1"), Some("1000000")]);
        let some = |texts: [&str; 4]| {
            let [first, rest @ ..] = texts.map(|text| Some(text.to_owned()));
            [vec![first, None], rest.to_vec()].concat()
        };
        assert_eq!(texts(&run("numeric_add", &[&a, &b])), some(["2.00", "9223372036854775808", "NaN", "999999.999"]));
        assert_eq!(texts(&run("numeric_sub", &[&a, &b])), some(["1.00", "9223372036854775806", "NaN", "-1000000.001"]));
        assert_eq!(texts(&run("numeric_mul", &[&a, &b])), some(["0.750", "9223372036854775807", "NaN", "-1000.000"]));
        let sum = run("numeric_add", &[&a, &b]);
        assert_eq!(
            texts(&run("numeric_mul", &[&sum, &b])),
            some(["1.000", "9223372036854775808", "NaN", "999999999000.000"])
        );
    }

    #[test]
    fn quotients_have_postgresqls_scale() {
        let a = column(&[Some("1"), None, Some("-7.5"), Some("1234567890.12"), Some("NaN"), Some("0.00")]);
        let b = column(&[Some("3"), Some("0"), Some("2"), Some("0.0007"), Some("1"), Some("5")]);
        let expected =
            ["0.33333333333333333333", "-3.7500000000000000", "1763668414457.1429", "NaN", "0.00000000000000000000"];
        let expected: Vec<_> = expected.iter().map(|text| Some((*text).to_owned())).collect();
        assert_eq!(texts(&run("numeric_div", &[&a, &b])), [&expected[..1], &[None], &expected[1..]].concat());
        let zero = Scalar::new(column(&[Some("0")]));
        assert!((vector("numeric_div").unwrap().run)(&[&a, &zero]).is_err());
    }

    #[test]
    fn halves_round_away_from_zero() {
        let a = column(&[Some("1.25"), None, Some("-1.25"), Some("149"), Some("NaN"), Some("1e20"), Some("0.4")]);
        let rounded = |digits: i32| {
            texts(&run("numeric_round", &[&a, &Scalar::new(arrow::array::Int32Array::from(vec![digits]))]))
        };
        let owned = |texts: &[&str]| texts.iter().map(|text| Some((*text).to_owned())).collect::<Vec<_>>();
        let one = owned(&["1.3", "-1.3", "149.0", "NaN", "100000000000000000000.0", "0.4"]);
        assert_eq!(rounded(1), [&one[..1], &[None], &one[1..]].concat());
        let tens = owned(&["0", "0", "150", "NaN", "100000000000000000000", "0"]);
        assert_eq!(rounded(-1), [&tens[..1], &[None], &tens[1..]].concat());
    }

    #[test]
    fn comparisons_are_of_values() {
        let a = column(&[Some("1.5"), Some("NaN"), None, Some("1e30")]);
        let b = Scalar::new(column(&[Some("1.500")]));
        let bools = |name: &str| run(name, &[&a, &b]).as_boolean().iter().collect::<Vec<_>>();
        assert_eq!(bools("numeric_eq"), [Some(true), Some(false), None, Some(false)]);
        assert_eq!(bools("numeric_gt"), [Some(false), Some(true), None, Some(true)]);
        assert_eq!(bools("numeric_le"), [Some(true), Some(false), None, Some(false)]);
        let null = Scalar::new(column(&[None]));
        assert_eq!(run("numeric_lt", &[&a, &null]).null_count(), 4);
        assert_eq!(run("numeric_add", &[&null, &b]).null_count(), 1);
    }

    #[test]
    fn integers_become_numerics() {
        let numbers = arrow::array::Int32Array::from(vec![Some(i32::MIN), None, Some(0)]);
        assert_eq!(texts(&run("int4_numeric", &[&numbers])), [Some("-2147483648".into()), None, Some("0".into())]);
    }
}

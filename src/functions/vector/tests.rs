//! Column kernels agree with their scalar twins, and NULL slots never fail.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Datum, Float64Array, Int32Array, Int64Array, Scalar, StringViewArray,
};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};

use super::vector;

fn run(name: &str, args: &[&dyn Datum]) -> Result<ArrayRef, String> {
    let kernel = vector(name).unwrap_or_else(|| panic!("no column kernel {name}"));
    (kernel.run)(args).map_err(|error| format!("{} {}", error.code(), error.message()))
}

#[test]
fn arithmetic_propagates_null_and_checks_valid_slots_only() {
    let a = Int32Array::from(vec![Some(1), None, Some(i32::MAX)]);
    let one = Scalar::new(Int32Array::from(vec![1]));
    assert_eq!(run("int4pl", &[&a, &one]).unwrap_err(), "22003 integer out of range");
    // The slot under NULL holds zero, which would divide.
    let divisor = Int32Array::from(vec![Some(2), None]);
    let dividend = Int32Array::from(vec![Some(9), Some(1)]);
    let quotient = run("int4div", &[&dividend, &divisor]).unwrap();
    assert_eq!(quotient.as_primitive::<Int32Type>(), &Int32Array::from(vec![Some(4), None]));
    let zero = Scalar::new(Int32Array::from(vec![0]));
    assert_eq!(run("int4div", &[&dividend, &zero]).unwrap_err(), "22012 division by zero");
    let minus_one = Scalar::new(Int32Array::from(vec![-1]));
    let least = Int32Array::from(vec![i32::MIN]);
    assert_eq!(run("int4div", &[&least, &minus_one]).unwrap_err(), "22003 integer out of range");
    assert_eq!(run("int4mod", &[&least, &minus_one]).unwrap().as_primitive::<Int32Type>().value(0), 0);
}

#[test]
fn operands_of_two_widths() {
    let a = Int32Array::from(vec![2, 3]);
    let b = Int64Array::from(vec![5_000_000_000, 1]);
    assert_eq!(run("int48mul", &[&a, &b]).unwrap().as_primitive::<Int64Type>().values(), &[10_000_000_000, 3]);
    assert_eq!(run("int48lt", &[&a, &b]).unwrap().as_boolean(), &BooleanArray::from(vec![true, false]));
}

#[test]
fn floats_order_and_overflow_as_postgresql_does() {
    let a = Float64Array::from(vec![f64::NAN, -0.0, 1.0, f64::NAN]);
    let b = Float64Array::from(vec![-f64::NAN, 0.0, f64::NAN, 1.0]);
    let bools = |name: &str| run(name, &[&a, &b]).unwrap().as_boolean().values().iter().collect::<Vec<_>>();
    assert_eq!(bools("float8eq"), [true, true, false, false]);
    assert_eq!(bools("float8lt"), [false, false, true, false]);
    assert_eq!(bools("float8ge"), [true, true, false, true]);
    let big = Float64Array::from(vec![1e308]);
    assert_eq!(run("float8mul", &[&big, &big]).unwrap_err(), "22003 value out of range: overflow");
    let infinity = Float64Array::from(vec![f64::INFINITY]);
    assert_eq!(run("float8pl", &[&infinity, &big]).unwrap().as_primitive::<Float64Type>().value(0), f64::INFINITY);
}

#[test]
fn text_kernels() {
    let texts = StringViewArray::from(vec![Some("apple"), None, Some("Äpfel_und_Birnen")]);
    let suffix = Scalar::new(StringViewArray::from(vec!["!"]));
    let joined = run("textcat", &[&texts, &suffix]).unwrap();
    assert_eq!(joined.as_string_view().iter().collect::<Vec<_>>(), [Some("apple!"), None, Some("Äpfel_und_Birnen!")]);
    assert_eq!(run("textlen", &[&texts]).unwrap().as_primitive::<Int32Type>().value(2), 16);
    for (pattern, expected) in
        [("%pp%", [true, false]), ("apple", [true, false]), ("%\\_und%", [false, true]), ("_p%", [true, true])]
    {
        let pattern = Scalar::new(StringViewArray::from(vec![pattern]));
        let matched = run("textlike", &[&texts, &pattern]).unwrap();
        let matched = matched.as_boolean();
        assert_eq!([matched.value(0), matched.value(2)], expected);
        assert!(matched.is_null(1));
    }
}

#[test]
fn a_null_scalar_makes_everything_null() {
    let a = Int32Array::from(vec![1, 2]);
    let null = Scalar::new(Int32Array::from(vec![None]));
    assert_eq!(run("int4eq", &[&a, &null]).unwrap().null_count(), 2);
    let both: ArrayRef = run("int4pl", &[&null, &null]).unwrap();
    assert_eq!((both.len(), both.null_count()), (1, 1));
    let _: Arc<dyn Array> = both;
}

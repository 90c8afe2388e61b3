//! Runs `testdata/functions.txt`: calls of numeric functions with PostgreSQL's answers, made by `testdata/rewrite.sql`.

use super::*;

/// The arguments of `function('1.5', 'NaN', 3)`.
fn arguments(text: &str) -> Vec<&str> {
    text.split(", ").map(|argument| argument.trim_matches('\'')).collect()
}

fn call(function: &str, arguments: &[&str]) -> Result<String> {
    let number = |n: usize| Numeric::parse(arguments[n]);
    let integer = |n: usize| arguments[n].parse::<i32>().expect("an integer");
    let optional = |value: Option<i32>| value.map_or("NULL".to_owned(), |value| value.to_string());
    let result = match function {
        "numeric_add" => number(0)?.add(&number(1)?)?,
        "numeric_sub" => number(0)?.sub(&number(1)?)?,
        "numeric_mul" => number(0)?.mul(&number(1)?)?,
        "numeric_div" => number(0)?.div(&number(1)?)?,
        "numeric_mod" => number(0)?.rem(&number(1)?)?,
        "div" => number(0)?.div_trunc(&number(1)?)?,
        "gcd" => number(0)?.gcd(&number(1)?)?,
        "lcm" => number(0)?.lcm(&number(1)?)?,
        "sqrt" => number(0)?.sqrt()?,
        "exp" => number(0)?.exp()?,
        "ln" => number(0)?.ln()?,
        "log" => number(1)?.log(&number(0)?)?,
        "power" => number(0)?.power(&number(1)?)?,
        "round" => number(0)?.round(integer(1))?,
        "trunc" => number(0)?.trunc(integer(1))?,
        "ceil" => number(0)?.ceil()?,
        "floor" => number(0)?.floor()?,
        "trim_scale" => number(0)?.trim_scale(),
        "abs" => number(0)?.abs(),
        "factorial" => Numeric::factorial(i64::from(integer(0)))?,
        "scale" => return Ok(optional(number(0)?.scale())),
        "min_scale" => return Ok(optional(number(0)?.scale().and(Some(number(0)?.min_scale())))),
        "int8" => return Ok(number(0)?.to_i64()?.to_string()),
        "int4" => return Ok(number(0)?.to_i32()?.to_string()),
        "int2" => return Ok(number(0)?.to_i16()?.to_string()),
        "float8" => return Ok(crate::text::float::FloatText::of_f64(number(0)?.to_f64()?, 1).as_str().to_owned()),
        "float4" => return Ok(crate::text::float::FloatText::of_f32(number(0)?.to_f32()?, 1).as_str().to_owned()),
        "numeric_cmp" => return Ok((number(0)?.cmp(&number(1)?) as i32).to_string()),
        "width_bucket" => {
            return Ok(number(0)?.width_bucket(&number(1)?, &number(2)?, integer(3))?.to_string());
        }
        _ => panic!("function {function}"),
    };
    Ok(result.to_string())
}

#[test]
fn functions_answer_as_postgresql() {
    let mut wrong = String::new();
    let cases = include_str!("testdata/functions.txt");
    for line in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (case, expected) = line.split_once(" => ").expect("case => answer");
        let (function, rest) = case.split_once('(').expect("function(arguments)");
        let answer = call(function, &arguments(rest.trim_end_matches(')')))
            .unwrap_or_else(|error| format!("ERROR {} {}", error.code(), error.message()));
        if answer != expected {
            wrong.push_str(&format!("{case}\n  PostgreSQL {expected}\n  here       {answer}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn casts_from_floats_keep_their_significant_digits() {
    let cases = [
        (0.1 + 0.2, "0.3"),
        (1e20, "100000000000000000000"),
        (123456789.12345679, "123456789.123457"),
        (-1.5e-7, "-0.00000015"),
    ];
    for (float, text) in cases {
        assert_eq!(Numeric::from_f64(float).unwrap().to_string(), text);
    }
    assert_eq!(Numeric::from_f32(1.1).unwrap().to_string(), "1.1");
    assert_eq!(Numeric::from_f32(16_777_216.0).unwrap().to_string(), "16777200");
    assert!(Numeric::from_f64(f64::NAN).unwrap().is_nan());
}

#[test]
fn random_values_survive_text_and_binary() {
    let mut random = crate::samples::Random::new(11);
    for _ in 0..5000 {
        let value = random.numeric();
        let again = Numeric::parse(&value.to_string()).unwrap();
        assert_eq!((value.scale(), &value), (again.scale(), &again));
        if let Some(text) = NumericText::of(&value) {
            assert_eq!(text.as_bytes(), value.to_string().as_bytes());
        }
        let mut bytes = vec![];
        value.send(&mut bytes);
        let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let again = Numeric::recv(&bytes[8..], word(2) as i16, word(4), word(6)).unwrap();
        assert_eq!((value.scale(), &value), (again.scale(), &again));
    }
}

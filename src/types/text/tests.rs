//! Runs `../testdata/*.txt`, where PostgreSQL's answers are: text in, text out, and the binary form both ways.

use super::*;
use crate::test_env::TestEnv;
use crate::{binary, order};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `text ~ binary` of a literal, after checking that both read back as the same value.
fn round_trip(ty: Type, literal: &str, env: &TestEnv) -> Result<String> {
    let value = input(literal, ty, env)?;
    let mut text = String::new();
    output(&value, ty.oid, env, &mut text)?;
    let mut wire = vec![];
    write_wire(&value, ty.oid, env, &mut wire)?;
    assert_eq!(text.as_bytes(), wire, "wire text of {literal}");
    if env.format().extra_float_digits > 0 && ty.oid != oids::CHAR {
        let again = input(&text, ty, env)?;
        assert!(order::equal_as(ty.oid, &value, &again), "{literal}: {value:?} became {again:?}");
    }
    let mut bytes = vec![];
    binary::send(&value, ty.oid, env, &mut bytes)?;
    if matches!(ty.oid, oids::INT2VECTOR | oids::OIDVECTOR) && text.is_empty() {
        // PostgreSQL does not take back an empty vector that it has sent.
        assert_eq!(binary::recv(&bytes, ty, env).unwrap_err().code(), SqlState::INVALID_BINARY_REPRESENTATION);
        return Ok(format!("{text} ~ {}", hex(&bytes)));
    }
    let again = binary::recv(&bytes, ty, env)?;
    assert!(order::equal_as(ty.oid, &value, &again), "{literal}: {value:?} became {again:?} in binary");
    for end in 0..bytes.len() {
        // Cut short it may be another value or an error; it must only not panic.
        let _ = binary::recv(&bytes[..end], ty, env);
    }
    Ok(format!("{text} ~ {}", hex(&bytes)))
}

fn describe(result: Result<String>) -> String {
    let error = match result {
        Ok(answer) => return answer,
        Err(error) => error,
    };
    let fields = error.fields();
    let mut text = format!("ERROR {} {}", fields.code, fields.message);
    for (name, field) in [("DETAIL", &fields.detail), ("CONTEXT", &fields.context), ("HINT", &fields.hint)] {
        if let Some(field) = field {
            text.push_str(&format!(" {name} {field}"));
        }
    }
    text
}

/// Runs a file and panics with every case that differs.
fn run(cases: &str) {
    let mut env = TestEnv::default();
    let mut wrong = String::new();
    for line in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(setting) = line.strip_prefix("set ") {
            env.set(setting);
            continue;
        }
        let (case, expected) = line.split_once(" => ").expect("case => answer");
        let (spec, literal) = case.split_once(" '").expect("type 'literal'");
        let literal = literal.strip_suffix('\'').expect("type 'literal'");
        let mut answer = describe(round_trip(env.type_of(spec), literal, &env));
        if !expected.contains(" ~ ") && !expected.starts_with("ERROR") {
            answer.truncate(answer.find(" ~ ").unwrap_or(answer.len()));
        }
        if answer != expected {
            wrong.push_str(&format!("{case}\n  PostgreSQL {expected}\n  here       {answer}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn numbers() {
    run(include_str!("../testdata/numbers.txt"));
}

#[test]
fn numeric() {
    run(include_str!("../testdata/numeric.txt"));
}

#[test]
fn strings() {
    run(include_str!("../testdata/strings.txt"));
}

#[test]
fn containers() {
    run(include_str!("../testdata/containers.txt"));
}

#[test]
fn networks() {
    run(include_str!("../testdata/network.txt"));
}

#[test]
fn moments() {
    run(include_str!("../testdata/moments.txt"));
}

#[test]
fn bad_utf8_is_named_as_postgres_names_it() {
    for (bytes, message) in [
        (&b"a\xff"[..], r#"invalid byte sequence for encoding "UTF8": 0xff"#),
        (b"\xc3\x28", r#"invalid byte sequence for encoding "UTF8": 0xc3 0x28"#),
        (b"\xe2\x82", r#"invalid byte sequence for encoding "UTF8": 0xe2 0x82"#),
        (b"a\0b", r#"invalid byte sequence for encoding "UTF8": 0x00"#),
    ] {
        assert_eq!(super::from_utf8(bytes).unwrap_err().message(), message);
    }
}

//! Malformed bytes; well-formed ones are tested with the text forms, in `../text/tests.rs`.

use super::*;
use crate::test_env::{COMP, TestEnv};
use crate::{Oid, Type, oids};

fn fails(oid: Oid, bytes: &[u8]) -> (String, String) {
    let env = TestEnv::default();
    let error = recv(bytes, Type::new(oid), &env).unwrap_err();
    (error.code().to_string(), error.message().to_owned())
}

#[test]
fn malformed_bytes_are_reported_as_postgresql_does() {
    let array =
        |dims: i32, flags: i32, element: u32| [dims.to_be_bytes(), flags.to_be_bytes(), element.to_be_bytes()].concat();
    let too_short = "insufficient data left in message";
    let cases: &[(Oid, Vec<u8>, &str, &str)] = &[
        (oids::INT4, vec![0; 3], "08P01", too_short),
        (oids::INT4, vec![0; 5], "22P03", "incorrect binary data format"),
        (oids::BOOL, vec![], "08P01", "no data left in message"),
        (oids::TEXT, vec![b'a', 0], "22021", "invalid byte sequence for encoding \"UTF8\": 0x00"),
        (oids::TEXT, vec![0xc3, 0x28], "22021", "invalid byte sequence for encoding \"UTF8\": 0xc3 0x28"),
        (oids::TEXT, vec![b'a', 0xe2, 0x82], "22021", "invalid byte sequence for encoding \"UTF8\": 0xe2 0x82"),
        (oids::JSONB, vec![2, b'1'], "XX000", "unsupported jsonb version number 2"),
        (oids::NUMERIC, vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 1], "22P03", "invalid sign in external \"numeric\" value"),
        (oids::NUMERIC, vec![0, 1, 0, 0, 0, 0, 0x7f, 0, 0, 1], "22P03", "invalid scale in external \"numeric\" value"),
        (
            oids::NUMERIC,
            vec![0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10],
            "22P03",
            "invalid digit in external \"numeric\" value",
        ),
        (oids::NUMERIC, vec![0, 9, 0, 0, 0, 0, 0, 0], "08P01", too_short),
        (oids::DATE, vec![0x80, 0, 0, 1], "22008", "date out of range"),
        (oids::TIME, vec![0xff; 8], "22008", "time out of range"),
        (oids::BIT, vec![0xff; 4], "22P03", "invalid length in external bit string"),
        (oids::INET, vec![9, 0, 0, 4, 1, 1, 1, 1], "22P03", "invalid address family in external \"inet\" value"),
        (oids::INT4_ARRAY, array(-1, 0, 23), "22P03", "invalid number of dimensions: -1"),
        (oids::INT4_ARRAY, array(7, 0, 23), "54000", "number of array dimensions (7) exceeds the maximum allowed (6)"),
        (oids::INT4_ARRAY, array(0, 2, 23), "22P03", "invalid array flags"),
        (
            oids::INT4_ARRAY,
            array(0, 0, 25),
            "42804",
            "binary data has array element type 25 (text) instead of expected 23 (integer)",
        ),
        (
            oids::INT4_ARRAY,
            [array(1, 0, 23), vec![0x7f, 255, 255, 255, 0, 0, 0, 0]].concat(),
            "54000",
            "array size exceeds the maximum allowed (134217727)",
        ),
        (
            oids::INT4_ARRAY,
            [array(1, 0, 23), vec![0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0, 0]].concat(),
            "22P03",
            "improper binary format in array element 1",
        ),
        (COMP, vec![0, 0, 0, 2], "42804", "wrong number of columns: 2, expected 3"),
        (
            COMP,
            vec![0, 0, 0, 3, 0, 0, 0, 25],
            "42804",
            "binary data has type 25 (text) instead of expected 23 (integer) in record column 1",
        ),
        (
            COMP,
            vec![0, 0, 0, 3, 0, 0, 0, 23, 0, 0, 0, 5, 0, 0, 0, 0, 0],
            "22P03",
            "improper binary format in record column 1",
        ),
    ];
    for (oid, bytes, code, message) in cases {
        assert_eq!(fails(*oid, bytes), ((*code).to_owned(), (*message).to_owned()), "{oid} {bytes:?}");
    }
}

#[test]
fn random_bytes_never_panic() {
    let env = TestEnv::default();
    let mut random = crate::samples::Random::new(3);
    let types = [
        oids::NUMERIC,
        oids::INT4_ARRAY,
        oids::NUMERIC_ARRAY,
        oids::INET,
        oids::VARBIT,
        oids::INT4RANGE,
        oids::JSONB,
        oids::TIMETZ,
        oids::OIDVECTOR,
        COMP,
        crate::test_env::COMP_ARRAY,
    ];
    for _ in 0..20_000 {
        let oid = types[random.below(types.len() as u64) as usize];
        let len = random.below(40);
        // Mostly small numbers, so that counts and flags are often plausible.
        let bytes: Vec<u8> = (0..len).map(|_| (random.next() % 256) as u8 * u8::from(random.below(3) == 0)).collect();
        let _ = recv(&bytes, Type::new(oid), &env);
    }
}

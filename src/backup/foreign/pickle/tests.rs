//! Pickles that Python made, pickles that want to do harm, and pickles that are noise.

use super::*;
use crate::foreign::Value;

/// `DictDB` with a table `users`: `id` 1 with a value `v`, whose opcodes are given.
fn database(value: &[u8]) -> Vec<u8> {
    let mut pickle = b"\x80\x04cdictdb.storage.database\nDictDB\n)\x81}\x8c\x06tables}\x8c\x05userscdictdb.core.table\nTable\n)\x81}(".to_vec();
    pickle.extend_from_slice(
        b"\x8c\x0bprimary_key\x8c\x02id\x8c\x06schemaN\x8c\x07records}K\x01}(\x8c\x02idK\x01\x8c\x01v",
    );
    pickle.extend_from_slice(value);
    pickle.extend_from_slice(b"usubssb.");
    pickle
}

fn value_of(opcodes: &[u8]) -> Result<String> {
    let pickle = database(opcodes);
    let pickle = Pickle::read(&pickle, "x.pickle")?;
    let table = &pickle.tables[0];
    assert_eq!(table.name, "users");
    assert_eq!(table.key.as_deref(), Some("id"));
    let fields = pickle.converter().record(table.records[0]).map_err(|fault| fault.in_file("x.pickle"))?;
    let (_, value) = fields.iter().find(|(name, _)| name == "v").expect("a field");
    Ok(match value {
        Value::Typed(_, text) => text.to_string(),
        other => other.to_string(),
    })
}

/// Makes all values.
fn read_all(pickle: &[u8]) -> Result<()> {
    Pickle::read(pickle, "x.pickle")?.survey(&|_| Ok(())).map(drop)
}

#[test]
fn values_are_what_python_meant() {
    let cases: [(&[u8], &str); 22] = [
        (b"N", "null"),
        (b"\x88", "true"),
        (b"J\xff\xff\xff\xff", "-1"),
        (b"M\x00\x01", "256"),
        (b"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x40", "1180591620717411303424"),
        (b"\x8a\x02\x00\xff", "-256"),
        (b"I01\n", "true"),
        (b"L-12L\n", "-12"),
        (b"G\x3f\xf8\x00\x00\x00\x00\x00\x00", "1.5"),
        (b"F2.5\n", "2.5"),
        (b"\x8c\x02\xc3\xa4", "\"ä\""),
        (b"C\x02\x00\xff", "\"\\\\x00ff\""),
        (b"](K\x01}\x8c\x01aK\x02se", "[1, {\"a\": 2}]"),
        (b"K\x01K\x02\x86", "[1, 2]"),
        (b"\x8f(K\x01K\x02\x90", "[1, 2]"),
        (b"cdatetime\ndate\nC\x04\x07\xe8\x01\x02\x85R", "2024-01-02"),
        (b"cdatetime\ndatetime\nC\x0a\x07\xe8\x01\x02\x03\x04\x05\x00\x00\x06\x85R", "2024-01-02 03:04:05.000006"),
        (
            b"cdatetime\ndatetime\nC\x0a\x07\xe8\x01\x02\x03\x04\x05\x00\x00\x06cdatetime\ntimezone\ncdatetime\ntimedelta\nK\x00M\x20\x1cK\x00\x87R\x85R\x86R",
            "2024-01-02 03:04:05.000006+02:00:00",
        ),
        (b"cdatetime\ntime\nC\x06\x81\x02\x03\x00\x00\x00\x85R", "01:02:03.000000"),
        (b"cdatetime\ntimedelta\nJ\xff\xff\xff\xffM\x7f\x51K\x00\x87R", "-65537.000000 seconds"),
        (b"cdecimal\nDecimal\n\x8c\x041.50\x85R", "1.50"),
        (b"cuuid\nUUID\n)\x81}\x8c\x03intK\x05sb", "00000000000000000000000000000005"),
    ];
    for (opcodes, expected) in cases {
        assert_eq!(value_of(opcodes).expect("it is data"), expected, "{opcodes:?}");
    }
}

#[test]
fn what_is_not_data_is_refused_by_name() {
    let cases: [(&[u8], &str); 16] = [
        (b"cos\nsystem\n\x8c\x02id\x85R", "\"os.system\""),
        (b"\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R", "\"posix.system\""),
        (b"cbuiltins\neval\n\x8c\x011\x85R", "\"builtins.eval\""),
        (b"c__builtin__\nexec\n\x8c\x011\x85R", "\"builtins.exec\""),
        (b"cbuiltins\ngetattr\n", "\"builtins.getattr\""),
        (b"csubprocess\nPopen\n", "\"subprocess.Popen\""),
        (b"cdatetime\ndatetime.__class__\n", "\"datetime.datetime.__class__\""),
        (b"(S'id'\nios\nsystem\n", "INST"),
        (b"(cos\nsystem\no", "\"os.system\""),
        (b"Pid\n", "PERSID"),
        (b"\x82\x01", "EXT1"),
        (b"\x97", "NEXT_BUFFER"),
        (b"cbuiltins\nint\n", "builtins.int is a value"),
        (b"cbuiltins\nint\n\x8c\x011\x85R", "builtins.int"),
        (b"K\x01)R", "it calls an int"),
        (b"]}b", "state of a list"),
    ];
    for (opcodes, name) in cases {
        let error = value_of(opcodes).expect_err(name);
        assert_eq!(error.code(), SqlState::FEATURE_NOT_SUPPORTED, "{name}: {}", error.message());
        assert!(error.message().contains(name) && error.message().contains("x.pickle"), "{}", error.message());
    }
}

#[test]
fn small_pickles_of_large_things_are_refused() {
    // Lists of lists: 2 ** 60 of them.
    let mut doubled = b"]\x94".to_vec();
    for place in 0..60u8 {
        doubled.extend_from_slice(&[b'h', place, b'h', place, 0x86, 0x94]);
    }
    // A list in itself.
    let endless = b"]\x94h\x00a".to_vec();
    let deep = [&b"]"[..], &b"]".repeat(300), &b"a".repeat(300)].concat();
    // One long text, again and again.
    let mut texts = b"X\x00\x00\x10\x00".to_vec();
    texts.extend(vec![b'x'; 1 << 20]);
    texts.extend_from_slice(b"\x940](");
    texts.extend(b"h\x00".repeat(100_000));
    texts.push(b'e');
    // Begun and begun again; a call with a great many arguments.
    let marks = vec![b'('; 10_000];
    let arguments = [&b"cbuiltins\nset\n("[..], &[b'N'; 1000], b"tR"].concat();
    for hostile in [doubled, endless, deep, texts, marks, arguments] {
        let error = value_of(&hostile).expect_err("it is too large");
        assert_eq!(error.code(), SqlState::FEATURE_NOT_SUPPORTED, "{}", error.message());
    }
    // Lengths that are not there.
    for lie in [&b"X\xff\xff\xff\xff"[..], b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff", b"\x8b\xff\xff\xff\x7f", b"h\x07"] {
        assert_eq!(value_of(lie).expect_err("it lies").code(), SqlState::DATA_CORRUPTED);
    }
}

#[test]
fn noise_is_an_error_and_nothing_else() {
    let whole = database(b"](K\x01}\x8c\x01acdatetime\ndate\nC\x04\x07\xe8\x01\x02\x85R\x94sh\x00e");
    assert!(read_all(&whole).is_ok());
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let mut errors = 0;
    for _ in 0..50_000 {
        let mut noise = whole.clone();
        for _ in 0..=random(4) {
            let (at, byte) = (random(noise.len()), random(256) as u8);
            match random(3) {
                0 => noise[at] = byte,
                1 => noise.insert(at, byte),
                _ => drop(noise.remove(at)),
            }
        }
        errors += usize::from(read_all(&noise).is_err());
    }
    assert!(errors > 25_000, "{errors}");
    for end in 0..whole.len() {
        assert!(read_all(&whole[..end]).is_err(), "{end}");
    }
}

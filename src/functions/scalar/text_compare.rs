//! Comparisons, length coercions and casts of `text`, `varchar`, `bpchar`, `name` and `"char"`.
//!
//! Everything compares by bytes (collation `C`), which is also what the `pattern` operators promise; `bpchar` ignores
//! trailing blanks. A `"char"` is one byte, held as the character with that code.

use std::cmp::Ordering;

use dictdb_types::{Error, Result, SqlState, bail};

use super::limits::check_allocation;
use super::text::char_count;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] =
    &[TEXT, TEXT_SORT, NAME, NAME_TEXT, TEXT_NAME, CHAR, BPCHAR, TEXT_PATTERN, BPCHAR_PATTERN, COERCIONS];

macro_rules! compare {
    ($table:ident: [$eq:literal, $ne:literal, $lt:literal, $le:literal, $gt:literal, $ge:literal, $cmp:literal], $order:expr) => {
        const $table: &[(&str, ScalarFn)] = kernels! {
            $eq => |a: &str, b: &str| $order(a, b).is_eq(),
            $ne => |a: &str, b: &str| $order(a, b).is_ne(),
            $lt => |a: &str, b: &str| $order(a, b).is_lt(),
            $le => |a: &str, b: &str| $order(a, b).is_le(),
            $gt => |a: &str, b: &str| $order(a, b).is_gt(),
            $ge => |a: &str, b: &str| $order(a, b).is_ge(),
            $cmp => |a: &str, b: &str| $order(a, b) as i32,
        };
    };
}

fn bytes(a: &str, b: &str) -> Ordering {
    a.cmp(b)
}

/// `bpchar`'s order: trailing blanks do not count.
pub(crate) fn blank_padded(a: &str, b: &str) -> Ordering {
    a.trim_end_matches(' ').cmp(b.trim_end_matches(' '))
}

compare!(TEXT: ["texteq", "textne", "text_lt", "text_le", "text_gt", "text_ge", "bttextcmp"], bytes);
compare!(NAME: ["nameeq", "namene", "namelt", "namele", "namegt", "namege", "btnamecmp"], bytes);
compare!(NAME_TEXT: ["nameeqtext", "namenetext", "namelttext", "nameletext", "namegttext", "namegetext", "btnametextcmp"], bytes);
compare!(TEXT_NAME: ["texteqname", "textnename", "textltname", "textlename", "textgtname", "textgename", "bttextnamecmp"], bytes);
compare!(CHAR: ["chareq", "charne", "charlt", "charle", "chargt", "charge", "btcharcmp"], bytes);
compare!(BPCHAR: ["bpchareq", "bpcharne", "bpcharlt", "bpcharle", "bpchargt", "bpcharge", "bpcharcmp"], blank_padded);

const TEXT_SORT: &[(&str, ScalarFn)] = kernels! {
    "text_larger" => |a: &str, b: &str| if a > b { a } else { b },
    "text_smaller" => |a: &str, b: &str| if a < b { a } else { b },
    "bpchar_larger" => |a: &str, b: &str| if blank_padded(a, b).is_ge() { a } else { b },
    "bpchar_smaller" => |a: &str, b: &str| if blank_padded(a, b).is_le() { a } else { b },
};

const TEXT_PATTERN: &[(&str, ScalarFn)] = kernels! {
    "text_pattern_lt" => |a: &str, b: &str| a < b,
    "text_pattern_le" => |a: &str, b: &str| a <= b,
    "text_pattern_gt" => |a: &str, b: &str| a > b,
    "text_pattern_ge" => |a: &str, b: &str| a >= b,
    "bttext_pattern_cmp" => |a: &str, b: &str| a.cmp(b) as i32,
};

const BPCHAR_PATTERN: &[(&str, ScalarFn)] = kernels! {
    "bpchar_pattern_lt" => |a: &str, b: &str| blank_padded(a, b).is_lt(),
    "bpchar_pattern_le" => |a: &str, b: &str| blank_padded(a, b).is_le(),
    "bpchar_pattern_gt" => |a: &str, b: &str| blank_padded(a, b).is_gt(),
    "bpchar_pattern_ge" => |a: &str, b: &str| blank_padded(a, b).is_ge(),
    "btbpchar_pattern_cmp" => |a: &str, b: &str| blank_padded(a, b) as i32,
};

const COERCIONS: &[(&str, ScalarFn)] = kernels! {
    "varchar" => |s: &str, typmod: i32, explicit: bool| limit_varchar(s, typmod, explicit),
    "bpchar" => |s: &str, typmod: i32, explicit: bool| blank_pad(s, typmod, explicit),
    "bpcharlen" => |s: &str| char_count(s.trim_end_matches(' ')),
    "bpcharoctetlen" => |s: &str| s.len() as i32,
    "name_text" => |s: &str| s,
    "text_name" => |s: &str| truncate_name(s),
    "name_bpchar" => |s: &str| s,
    "bpchar_name" => |s: &str| truncate_name(s).trim_end_matches(' '),
    "nameconcatoid" => |s: &str, oid: dictdb_types::Oid| name_with_oid(s, oid.0),
    "text_char" => |s: &str| dictdb_types::text::string::char_datum(dictdb_types::text::string::input_char(s)),
    "char_text" => |s: &str| char_out(s),
    "char_bpchar" => |s: &str| char_out(s),
    "chartoi4" => |s: &str| s.chars().next().map_or(0, |c| i32::from(c as u32 as u8 as i8)),
    "i4tochar" => |code: i32| match i8::try_from(code) {
        Ok(0) => Ok(String::new()),
        Ok(code) => Ok(char::from(code as u8).to_string()),
        Err(_) => Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "\"char\" out of range")),
    },
};

/// What PostgreSQL adds to a value of variable length.
const VALUE_HEADER_BYTES: usize = 4;

/// Longest `name` in bytes.
const MAX_NAME_BYTES: usize = 63;

/// `rtrim1`'s sibling for names: cut to 63 bytes at a character boundary.
pub(crate) fn truncate_name(s: &str) -> &str {
    &s[..s.floor_char_boundary(MAX_NAME_BYTES)]
}

fn name_with_oid(name: &str, oid: u32) -> String {
    let suffix = format!("_{oid}");
    let room = name.floor_char_boundary(MAX_NAME_BYTES - suffix.len());
    format!("{}{suffix}", &name[..room])
}

/// A `"char"` as text: bytes above 127 as backslash and octal digits.
fn char_out(s: &str) -> String {
    match s.chars().next() {
        Some(c) if c as u32 >= 0x80 => format!("\\{:03o}", c as u32),
        _ => s.to_owned(),
    }
}

/// Characters that fit a `varchar(n)` or `char(n)` typmod, `None` without limit.
fn limit_of(typmod: i32) -> Option<usize> {
    (typmod >= 4).then(|| (typmod - 4) as usize)
}

/// The bytes kept of `s` under a limit of characters; 22001 if an implicit cast would lose more than blanks.
fn cut<'a>(s: &'a str, limit: usize, explicit: bool, type_name: &str) -> Result<&'a str> {
    if s.len() <= limit {
        return Ok(s);
    }
    let Some((at, _)) = s.char_indices().nth(limit) else { return Ok(s) };
    if !explicit && !s[at..].bytes().all(|b| b == b' ') {
        bail!(STRING_DATA_RIGHT_TRUNCATION, "value too long for type {type_name}({limit})");
    }
    Ok(&s[..at])
}

fn limit_varchar(s: &str, typmod: i32, explicit: bool) -> Result<&str> {
    match limit_of(typmod) {
        Some(limit) => cut(s, limit, explicit, "character varying"),
        None => Ok(s),
    }
}

fn blank_pad(s: &str, typmod: i32, explicit: bool) -> Result<String> {
    let Some(limit) = limit_of(typmod) else { return Ok(s.to_owned()) };
    let kept = cut(s, limit, explicit, "character")?;
    let blanks = limit.saturating_sub(char_count(kept) as usize);
    check_allocation(kept.len() + blanks + VALUE_HEADER_BYTES)?;
    let mut padded = String::with_capacity(kept.len() + blanks);
    padded.push_str(kept);
    padded.extend(std::iter::repeat_n(' ', blanks));
    Ok(padded)
}

//! Ordinal endings and Roman numerals.

use dictdb_types::{Error, Result, SqlState};

/// Upper or lower case `TH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ordinal {
    Upper,
    Lower,
}

/// `st`, `nd`, `rd` or `th` for a number's digits. 22P02 if the text does not end in a digit (`NaN`).
pub(super) fn ending(digits: &str, case: Ordinal) -> Result<&'static str> {
    let bytes = digits.as_bytes();
    let last = bytes.last().copied().filter(u8::is_ascii_digit);
    let last =
        last.ok_or_else(|| Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("\"{digits}\" is not a number")))?;
    let teen = bytes.len() > 1 && bytes[bytes.len() - 2] == b'1';
    let index = match last {
        b'1'..=b'3' if !teen => usize::from(last - b'1'),
        _ => 3,
    };
    Ok(match case {
        Ordinal::Upper => ["ST", "ND", "RD", "TH"][index],
        Ordinal::Lower => ["st", "nd", "rd", "th"][index],
    })
}

/// A number from 1 to 3999 in Roman numerals, fifteen `#` for any other.
pub(super) fn roman(number: i32) -> String {
    const STEPS: [(i32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..=3999).contains(&number) {
        return "#".repeat(15);
    }
    let (mut rest, mut text) = (number, String::new());
    for (value, numeral) in STEPS {
        while rest >= value {
            text.push_str(numeral);
            rest -= value;
        }
    }
    text
}

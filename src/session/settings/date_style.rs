//! `DateStyle`: two words in any order, an output style and a field order.

use dictdb_types::{DateOrder, DateStyle, Result};

use super::value::invalid;

/// Reads a `DateStyle` list. Parts that are missing stay as `current` has them.
pub fn parse(
    text: &str,
    current: (DateStyle, DateOrder),
    default: (DateStyle, DateOrder),
) -> Result<(DateStyle, DateOrder)> {
    let (mut style, mut order) = (None, None);
    let mut conflict = false;
    for word in text.split(',').map(|word| word.trim().to_ascii_lowercase()) {
        let (new_style, new_order) = match word.as_str() {
            "iso" => (Some(DateStyle::Iso), None),
            "sql" => (Some(DateStyle::Sql), None),
            word if word.starts_with("postgres") => (Some(DateStyle::Postgres), None),
            // The German style brings its own order unless one is given.
            word if word.starts_with("german") => (Some(DateStyle::German), None),
            "ymd" => (None, Some(DateOrder::Ymd)),
            word if word == "dmy" || word.starts_with("euro") => (None, Some(DateOrder::Dmy)),
            word if word == "mdy" || word == "us" || word.starts_with("noneuro") => (None, Some(DateOrder::Mdy)),
            "default" => {
                style = style.or(Some(default.0));
                order = order.or(Some(default.1));
                continue;
            }
            word => {
                return Err(invalid("DateStyle", text).detail(format!("Unrecognized key word: \"{word}\".")));
            }
        };
        conflict |= new_style.is_some_and(|new| style.is_some_and(|old| old != new));
        conflict |= new_order.is_some_and(|new| order.is_some_and(|old| old != new));
        style = new_style.or(style);
        order = new_order.or(order);
    }
    if conflict {
        return Err(invalid("DateStyle", text).detail("Conflicting \"datestyle\" specifications."));
    }
    if style == Some(DateStyle::German) && order.is_none() {
        order = Some(DateOrder::Dmy);
    }
    Ok((style.unwrap_or(current.0), order.unwrap_or(current.1)))
}

/// What `SHOW DateStyle` prints.
pub fn show(style: DateStyle, order: DateOrder) -> String {
    let style = match style {
        DateStyle::Iso => "ISO",
        DateStyle::Sql => "SQL",
        DateStyle::Postgres => "Postgres",
        DateStyle::German => "German",
    };
    let order = match order {
        DateOrder::Mdy => "MDY",
        DateOrder::Dmy => "DMY",
        DateOrder::Ymd => "YMD",
    };
    format!("{style}, {order}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_postgres_reads_them() {
        let iso = (DateStyle::Iso, DateOrder::Mdy);
        for (text, shown) in [
            ("iso, iso", Ok("ISO, MDY")),
            ("sql, dmy", Ok("SQL, DMY")),
            ("ymd", Ok("ISO, YMD")),
            ("german", Ok("German, DMY")),
            ("default", Ok("ISO, MDY")),
            ("iso, german", Err("Conflicting \"datestyle\" specifications.")),
            ("foo", Err("Unrecognized key word: \"foo\".")),
        ] {
            match parse(text, iso, iso) {
                Ok((style, order)) => assert_eq!(Ok(show(style, order).as_str()), shown),
                Err(error) => assert_eq!(Err(error.fields().detail.as_deref().unwrap_or("")), shown),
            }
        }
    }
}

//! The values of the settings `DateStyle` and `IntervalStyle`, as `SET` takes and `SHOW` prints them.
//!
//! `TimeZone` is in [`zone`](super::zone).

use crate::{DateOrder, DateStyle, IntervalStyle};

/// A `DateStyle` with its field order.
pub type StyleAndOrder = (DateStyle, DateOrder);

/// Reads a value of `DateStyle` such as `ISO, DMY`; what it leaves out stays as in `current`, what says `default` comes
/// from `default`. An error is the detail of the report that the value is invalid.
pub fn parse_date_style(value: &str, current: StyleAndOrder, default: StyleAndOrder) -> Result<StyleAndOrder, String> {
    if value.trim().is_empty() {
        return Ok(current);
    }
    let (mut style, mut order) = (None, None);
    let (mut default_style, mut german) = (None, false);
    let mut conflict = false;
    for word in value.split(',').map(|word| word.trim().trim_matches('"').to_ascii_uppercase()) {
        let mut set_style = |new| conflict |= style.replace(new).is_some_and(|old| old != new);
        match word.as_str() {
            "ISO" => set_style(DateStyle::Iso),
            "SQL" => set_style(DateStyle::Sql),
            "GERMAN" => {
                set_style(DateStyle::German);
                german = true;
            }
            word if word.starts_with("POSTGRES") => set_style(DateStyle::Postgres),
            "DEFAULT" => default_style = Some(default),
            word => {
                let new =
                    date_order(word).ok_or_else(|| format!("Unrecognized key word: \"{}\".", word.to_lowercase()))?;
                conflict |= order.replace(new).is_some_and(|old| old != new);
            }
        }
    }
    if conflict {
        return Err("Conflicting \"datestyle\" specifications.".to_owned());
    }
    let fallback = default_style.unwrap_or(current);
    let order = order.unwrap_or(if german { DateOrder::Dmy } else { fallback.1 });
    Ok((style.unwrap_or(fallback.0), order))
}

fn date_order(word: &str) -> Option<DateOrder> {
    Some(match word {
        "YMD" => DateOrder::Ymd,
        "MDY" | "US" => DateOrder::Mdy,
        "DMY" => DateOrder::Dmy,
        _ if word.starts_with("EURO") => DateOrder::Dmy,
        _ if word.starts_with("NONEURO") => DateOrder::Mdy,
        _ => return None,
    })
}

/// The value as `SHOW DateStyle` prints it.
pub fn date_style_name((style, order): StyleAndOrder) -> String {
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

const INTERVAL_STYLES: [(&str, IntervalStyle); 4] = [
    ("postgres", IntervalStyle::Postgres),
    ("postgres_verbose", IntervalStyle::PostgresVerbose),
    ("sql_standard", IntervalStyle::SqlStandard),
    ("iso_8601", IntervalStyle::Iso8601),
];

/// Reads a value of `IntervalStyle`, in any case.
pub fn parse_interval_style(value: &str) -> Option<IntervalStyle> {
    INTERVAL_STYLES.iter().find(|(name, _)| name.eq_ignore_ascii_case(value)).map(|(_, style)| *style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_styles_combine_with_the_current_one() {
        let current = (DateStyle::Sql, DateOrder::Ymd);
        let cases = [
            ("iso", Ok("ISO, YMD")),
            ("dmy", Ok("SQL, DMY")),
            ("german", Ok("German, DMY")),
            ("german, mdy", Ok("German, MDY")),
            ("Postgres, European", Ok("Postgres, DMY")),
            ("default", Ok("ISO, MDY")),
            ("", Ok("SQL, YMD")),
            ("iso, iso", Ok("ISO, YMD")),
            ("iso, sql", Err("Conflicting \"datestyle\" specifications.")),
            ("dmy, mdy", Err("Conflicting \"datestyle\" specifications.")),
            ("iso, foo", Err("Unrecognized key word: \"foo\".")),
        ];
        for (value, expected) in cases {
            let parsed = parse_date_style(value, current, Default::default()).map(date_style_name);
            assert_eq!(parsed, expected.map(str::to_owned).map_err(str::to_owned), "{value}");
        }
    }
}

//! `TimeZone` and `log_timezone`: names of the IANA database, POSIX rules, and hours east of Greenwich.

use jiff::tz::TimeZone;

/// The zone that `text` names, with the spelling `SHOW` prints; `None` when there is no such zone.
pub fn parse(text: &str) -> Option<(String, TimeZone)> {
    if let Ok(hours) = text.trim().parse::<f64>() {
        return from_seconds_east((hours * 3600.0).round() as i64);
    }
    if let Ok(zone) = TimeZone::get(text) {
        return Some((canonical_name(text, &zone), zone));
    }
    let rule = if text.starts_with('<') { text.to_owned() } else { text.to_ascii_uppercase() };
    let zone = TimeZone::posix(&rule).ok()?;
    Some((rule, zone))
}

/// A fixed offset, as `SET TIME ZONE 2` and `SET TIME ZONE INTERVAL '02:30'` make it: a POSIX rule, whose sign counts west.
pub fn from_seconds_east(seconds: i64) -> Option<(String, TimeZone)> {
    const LIMIT: i64 = 168 * 3600;
    if !(-LIMIT..=LIMIT).contains(&seconds) {
        return None;
    }
    let size = seconds.abs();
    let (hours, minutes, rest) = (size / 3600, size % 3600 / 60, size % 60);
    let mut digits = format!("{hours:02}");
    if minutes != 0 || rest != 0 {
        digits.push_str(&format!(":{minutes:02}"));
    }
    if rest != 0 {
        digits.push_str(&format!(":{rest:02}"));
    }
    let (east, west) = if seconds < 0 { ('-', '+') } else { ('+', '-') };
    let rule = format!("<{east}{digits}>{west}{digits}");
    let offset = jiff::tz::Offset::from_seconds(i32::try_from(seconds).ok()?).ok()?;
    Some((rule, TimeZone::fixed(offset)))
}

/// The database's own spelling of a name given in any case. A zone may have several names (`UTC`, `Etc/UTC`); the given one stays.
fn canonical_name(text: &str, zone: &TimeZone) -> String {
    match zone.iana_name() {
        Some(name) if name.eq_ignore_ascii_case(text) => name.to_owned(),
        _ => {
            let names = jiff::tz::db().available().map(|name| name.to_string());
            names.into_iter().find(|name| name.eq_ignore_ascii_case(text)).unwrap_or_else(|| text.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_named_as_postgres_names_them() {
        for (text, shown) in [
            ("europe/paris", "Europe/Paris"),
            ("2", "<+02>-02"),
            ("-3.5", "<-03:30>+03:30"),
            ("EST5EDT", "EST5EDT"),
            ("UTC+3", "UTC+3"),
            ("<+03>-03", "<+03>-03"),
            ("foo3", "FOO3"),
            ("Etc/UTC", "Etc/UTC"),
            ("utc", "UTC"),
        ] {
            assert_eq!(parse(text).map(|zone| zone.0).as_deref(), Some(shown), "{text}");
        }
        for text in ["Foo/Bar", "interval 3", "", "1000"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}

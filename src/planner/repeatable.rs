//! Whether a query over unchanged tables gives the same rows again: what a cache of results may keep, and for whom.
//!
//! What settings decide (time zone, formats, roles, the search path) is the cache's to compare; here it is about functions that look
//! at something else.

use dictdb_functions::facts::{Proc, ProcKind, Volatility};

/// When a query gives the same rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repeatable {
    /// As long as tables and settings are the same.
    #[default]
    Always,
    /// It asks for the time: for as long as somebody accepts an older one.
    ForATime,
    /// It is not known to.
    Never,
}

/// Symbols of functions, or their beginnings, that are stable because settings decide what they give.
const BY_SETTINGS: &[&str] = &[
    "array_to_json",
    "array_to_text",
    "cash_",
    "date_",
    "enum_",
    "extract_timestamptz",
    "float4_to_char",
    "float8_to_char",
    "generate_series_timestamptz",
    "in_range_timestamptz",
    "int4_cash",
    "int4_to_char",
    "int8_cash",
    "int8_to_char",
    "interval_to_char",
    "json",
    "make_timestamptz",
    "numeric_cash",
    "numeric_to_",
    "phraseto_tsquery",
    "plainto_tsquery",
    "row_to_json",
    "select $1 operator(pg_catalog.||)",
    "select $1::pg_catalog.text operator(pg_catalog.||)",
    "text_concat",
    "text_format",
    "time_timetz",
    "timestamp_",
    "timestamptz_",
    "to_date",
    "to_json",
    "to_timestamp",
    "to_tsquery",
    "to_tsvector",
    "ts_headline",
    "ts_match",
    "websearch_to_tsquery",
];
/// Those that ask for the time, by symbol and by name.
const CLOCKS: &[&str] = &["now", "statement_timestamp"];
const CLOCK_NAMES: &[&str] = &["age"];

/// What calling a built-in function does to a query.
pub(crate) fn of_function(proc: &Proc) -> Repeatable {
    match proc.volatility {
        Volatility::Immutable => Repeatable::Always,
        Volatility::Volatile => Repeatable::Never,
        Volatility::Stable if CLOCKS.contains(&proc.source) || CLOCK_NAMES.contains(&proc.name) => Repeatable::ForATime,
        // The aggregates among them make JSON.
        Volatility::Stable if proc.kind == ProcKind::Aggregate => Repeatable::Always,
        Volatility::Stable if BY_SETTINGS.iter().any(|symbol| proc.source.starts_with(symbol)) => Repeatable::Always,
        Volatility::Stable => Repeatable::Never,
    }
}

#[cfg(test)]
mod tests {
    use dictdb_functions::facts::procs_named;

    use super::*;

    #[test]
    fn functions_are_told_apart_by_what_they_look_at() {
        let of = |name: &str| procs_named(name).map(of_function).max();
        assert_eq!(of("lower"), Some(Repeatable::Always));
        assert_eq!(of("to_char"), Some(Repeatable::Always));
        assert_eq!(of("json_agg"), Some(Repeatable::Always));
        assert_eq!(of("now"), Some(Repeatable::ForATime));
        for name in ["random", "clock_timestamp", "nextval", "current_setting", "pg_backend_pid", "txid_current"] {
            assert_eq!(of(name), Some(Repeatable::Never), "{name}");
        }
    }
}

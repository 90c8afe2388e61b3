//! Dates, times, timestamps and intervals: their text forms, and the arithmetic on them.
//!
//! ```text
//!   text ──token──► fields ──reader, number_field, finish──► date and time ──read──► value
//!          word, seen, clock_field, number                   (zone, abbreviation, posix_zone)
//!   text ──token──► fields ──read_interval, read_iso_interval──► interval_sum ──read──► value
//!   value ──write, write_interval──► text
//!   values ──timestamp_math, interval_math, convert, construct, truncate, extract──► values
//! ```
//!
//! Input reads what PostgreSQL's own reader takes, with its reports; output writes the four `DateStyle`s and the four
//! `IntervalStyle`s. Calendar arithmetic is on integers ([`calendar`]), because PostgreSQL's range is wider than that
//! of any date library; time zone rules are jiff's ([`zone`]). Binary forms are plain integers and do not live here,
//! nor do SQL functions.
//!
//! Tests: `testdata/*.txt` hold inputs with what PostgreSQL 15 answered.

mod abbreviation;
pub mod calendar;
mod clock;
mod clock_field;
mod construct;
mod convert;
mod extract;
mod fault;
mod finish;
mod interval_math;
mod interval_sum;
pub mod interval_typmod;
mod number;
mod number_field;
mod posix_zone;
mod precision;
mod read;
mod read_interval;
mod read_iso_interval;
mod reader;
mod seen;
mod settings;
#[cfg(test)]
mod tests;
mod timestamp_math;
mod token;
mod truncate;
mod word;
mod write;
mod write_interval;
pub mod zone;

pub use abbreviation::{AbbreviationRow, abbreviations_at};
pub use clock::{
    Clock, date_out_of_range, date_out_of_range_for_timestamp, interval_out_of_range, timestamp_out_of_range,
};
pub use construct::{make_date, make_interval, make_time, make_timestamp, timestamp_from_seconds, zone_argument};
pub use convert::{
    add_to_time, compare_date, compare_timestamp, compare_timetz, date_to_timestamp, interval_to_time, shift,
    timestamp_to_date, timestamp_to_time, to_timestamp, to_timestamptz,
};
pub use extract::{Field, Part, date_part, interval_part, time_part, timestamp_part};
pub use precision::{round_micros, scale_timestamp};
pub use read::{input_date, input_interval, input_time, input_timestamp, input_timestamptz, input_timetz};
pub use settings::{StyleAndOrder, date_style_name, parse_date_style, parse_interval_style};
pub use timestamp_math::{add_interval, age, bin, difference, is_finite_timestamp, subtract_interval};
pub use truncate::{Truncation, truncate, truncate_interval};
pub use word::Unit;
pub use write::{write_date, write_time, write_timestamp, write_timestamptz, write_timetz};
pub use write_interval::write_interval;

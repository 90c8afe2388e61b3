//! Dates, times, timestamps and intervals: their text forms, and the arithmetic on them.
//!
//! ```text
//!   text ──token──► fields ──reader, number_field, finish──► date and time ──read──► value
//!          word, seen, clock_field, number                   (zone, abbreviation, posix_zone)
//!   text ──token──► fields ──read_interval, read_iso_interval──► interval_sum ──read──► value
//!   value ──write, write_interval──► text
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
mod clock_field;
mod fault;
mod finish;
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
#[cfg(test)]
mod tests;
mod token;
mod word;
mod write;
mod write_interval;
pub mod zone;

pub use abbreviation::{AbbreviationRow, abbreviations_at};
pub use precision::{round_micros, scale_timestamp};
pub use read::{input_date, input_interval, input_time, input_timestamp, input_timestamptz, input_timetz};
pub use word::Unit;
pub use write::{write_date, write_time, write_timestamp, write_timestamptz, write_timetz};
pub use write_interval::write_interval;

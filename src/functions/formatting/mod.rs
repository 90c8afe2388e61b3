//! Template formatting: `to_char`, `to_date`, `to_timestamp`, `to_number` (manual, section 9.8).
//!
//! ```text
//!   date template  ──date_template──► nodes ──write_date──► text        (to_char)
//!                                           ──read_date──► fields ──resolve_date──► value   (to_date, to_timestamp)
//!   number template ──number_template──► nodes ──write_number──► text   (to_char)
//!                                              ──read_number──► value   (to_number)
//! ```
//!
//! Names of months and days are English whatever the template asks (`TM`), numbers are punctuated as in the C locale:
//! DictDB has no other. `format()` is plain text substitution and lives with the text functions.

mod date_template;
mod functions;
mod number_picture;
mod number_template;
mod ordinal;
mod read_date;
mod read_number;
mod resolve_date;
#[cfg(test)]
mod tests;
mod write_date;
mod write_number;

pub(crate) use functions::{KERNELS, Parts, read_parts, timestamp_to_char};

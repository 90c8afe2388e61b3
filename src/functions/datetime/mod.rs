//! SQL functions and operators over dates, times, timestamps and intervals.
//!
//! These are the calls; what they compute is in [`dictdb_types::datetime`]. Functions of `timestamptz` take the
//! session's time zone from the environment. Text templates (`to_char`) are in the module `formatting`.

pub(crate) mod arithmetic;
mod cast;
mod clock;
mod compare;
mod field;
mod make;
mod overlap;
mod series;
pub(crate) mod values;
mod window_range;
mod zone;

#[cfg(test)]
mod tests;

use crate::kernel::ScalarFn;

/// The tables of this family.
pub(crate) const TABLES: &[&[(&str, ScalarFn)]] = &[
    arithmetic::KERNELS,
    cast::KERNELS,
    clock::KERNELS,
    compare::DATE,
    compare::TIME,
    compare::TIMETZ,
    compare::TIMESTAMP,
    compare::INTERVAL,
    compare::DATE_TIMESTAMP,
    compare::DATE_TIMESTAMPTZ,
    compare::TIMESTAMP_DATE,
    compare::TIMESTAMPTZ_DATE,
    compare::TIMESTAMP_TIMESTAMPTZ,
    compare::TIMESTAMPTZ_TIMESTAMP,
    compare::FINITE,
    field::KERNELS,
    make::KERNELS,
    overlap::KERNELS,
    window_range::KERNELS,
    zone::KERNELS,
];

pub(crate) use arithmetic::days_between;
pub(crate) use series::SETS;
pub(crate) use values::{Date, Timestamp};

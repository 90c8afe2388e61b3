//! Arguments and results of date and time types.
//!
//! Their datums carry bare integers, so each type gets a name of its own here.

use dictdb_types::datetime::{Clock, timestamp_to_date};
use dictdb_types::{Datum, Result};

use crate::CallContext;
use crate::args::{FromDatum, Output};

/// `date`: days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(pub(crate) i32);

/// `time`: microseconds since midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) i64);

/// `timetz`: microseconds since local midnight, and seconds west of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeTz(pub(crate) i64, pub(crate) i32);

/// `timestamp` or `timestamptz`: microseconds since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(pub(crate) i64);

macro_rules! datum {
    ($($name:ident),*) => {$(
        impl<'a> FromDatum<'a> for $name {
            fn from_datum(datum: &'a Datum) -> Option<Self> {
                match datum {
                    Datum::$name(value) => Some($name(*value)),
                    _ => None,
                }
            }
        }

        impl Output for $name {
            fn output(self) -> Result<Datum> {
                Ok(Datum::$name(self.0))
            }
        }
    )*};
}

datum!(Date, Time, Timestamp);

impl<'a> FromDatum<'a> for TimeTz {
    fn from_datum(datum: &'a Datum) -> Option<Self> {
        match datum {
            Datum::TimeTz(micros, west) => Some(TimeTz(*micros, *west)),
            _ => None,
        }
    }
}

impl Output for TimeTz {
    fn output(self) -> Result<Datum> {
        Ok(Datum::TimeTz(self.0, self.1))
    }
}

impl<'a> CallContext<'a> {
    /// The clock of the session's time zone, on which `timestamptz` has its fields.
    pub(crate) fn session_clock(&self) -> Clock<'a> {
        Clock::Zone(&self.env.format().time_zone)
    }

    /// Today in the session's time zone.
    pub(crate) fn today(&self) -> Date {
        Date(timestamp_to_date(self.env.transaction_timestamp(), self.session_clock()))
    }
}

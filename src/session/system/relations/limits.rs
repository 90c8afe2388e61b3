//! `dictdb.rate_limits` and `dictdb.unsupported_usage`.

use dictdb_types::Datum;

use super::super::output::{Output, row};
use super::Source;

/// How the buckets of clients that are limited stand.
pub fn rate_limits(source: &Source<'_>, out: &mut Output<'_>) {
    for usage in source.env.shared.instance.rate_limits.usage() {
        row!(out; usage.client.to_string(), usage.client.kind(), usage.tokens, i64::from(usage.rate.requests),
            usage.rate.tokens_per_second(), Datum::Timestamp(usage.filled_micros));
    }
}

/// What clients asked for and did not get.
pub fn unsupported_usage(source: &Source<'_>, out: &mut Output<'_>) {
    for (feature, wanted) in source.env.shared.instance.unsupported.all() {
        row!(out; feature, wanted.count as i64, Datum::Timestamp(wanted.last_micros));
    }
}

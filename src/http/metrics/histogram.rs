//! `db_query_duration_seconds`: a histogram of durations that sessions have counted in buckets.

use std::fmt::Write;

use dictdb_session::meters::{BOUNDS_MICROS, Totals, VERBS};

const NAME: &str = "db_query_duration_seconds";

/// Appends the histogram in Prometheus's text format.
pub(super) fn write(totals: &Totals, out: &mut String) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "# HELP {NAME} Time from a query string's or pipelined statement's receipt to its answer.");
    let _ = writeln!(out, "# TYPE {NAME} histogram");
    for ((_, verb), total) in VERBS.iter().zip(&totals.verbs) {
        let (mut count, mut micros) = (0, 0);
        let bounds = BOUNDS_MICROS.iter().map(|bound| seconds(*bound)).chain(std::iter::once("+Inf".to_owned()));
        for (bound, bucket) in bounds.zip(&total.buckets) {
            count += bucket.0;
            micros += bucket.1;
            let _ = writeln!(out, "{NAME}_bucket{{query_type=\"{verb}\",le=\"{bound}\"}} {count}");
        }
        let _ = writeln!(out, "{NAME}_sum{{query_type=\"{verb}\"}} {}", seconds(micros));
        let _ = writeln!(out, "{NAME}_count{{query_type=\"{verb}\"}} {count}");
    }
    out.push('\n');
}

fn seconds(micros: u64) -> String {
    (micros as f64 / 1e6).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up() {
        let mut totals = Totals::default();
        totals.verbs[0].buckets[0] = (2, 80);
        totals.verbs[0].buckets[4] = (1, 900);
        let mut text = String::new();
        write(&totals, &mut text);
        for line in [
            "db_query_duration_seconds_bucket{query_type=\"select\",le=\"0.00005\"} 2",
            "db_query_duration_seconds_bucket{query_type=\"select\",le=\"0.001\"} 3",
            "db_query_duration_seconds_bucket{query_type=\"select\",le=\"+Inf\"} 3",
            "db_query_duration_seconds_sum{query_type=\"select\"} 0.00098",
            "db_query_duration_seconds_count{query_type=\"select\"} 3",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} in\n{text}");
        }
    }
}

//! Histograms of durations that the session crate has counted in buckets: `db_query_duration_seconds`, `cache_latency_seconds`.

use std::fmt::Write;

use dictdb_session::meters::{BOUNDS_MICROS, VERBS};
use dictdb_session::observation::Observation;
use dictdb_session::result_cache::latency::BOUNDS_NANOS;

/// Appends them in Prometheus's text format.
pub(super) fn write(observation: &Observation, out: &mut String) {
    let queries = Histogram {
        name: "db_query_duration_seconds",
        help: "Time from a query string's or pipelined statement's receipt to its answer.",
        label: "query_type",
        bounds: BOUNDS_MICROS.map(|micros| micros as f64 / 1e6).to_vec(),
    };
    queries.head(out);
    for ((_, verb), total) in VERBS.iter().zip(&observation.totals.verbs) {
        let micros: u64 = total.buckets.iter().map(|(_, micros)| micros).sum();
        queries.series(verb, total.buckets.iter().map(|(count, _)| *count), micros as f64 / 1e6, out);
    }
    let cache = Histogram {
        name: "cache_latency_seconds",
        help: "Time to look for a result in the cache, and to keep one.",
        label: "operation",
        bounds: BOUNDS_NANOS.map(|nanos| nanos as f64 / 1e9).to_vec(),
    };
    cache.head(out);
    let results = &observation.results;
    for (operation, latency) in [("get", &results.gets), ("set", &results.puts)] {
        cache.series(operation, latency.counts.into_iter(), latency.nanos as f64 / 1e9, out);
    }
    out.push('\n');
}

struct Histogram {
    name: &'static str,
    help: &'static str,
    label: &'static str,
    /// Upper bounds of the buckets but the last, in seconds.
    bounds: Vec<f64>,
}

impl Histogram {
    // Writing to a string does not fail.
    fn head(&self, out: &mut String) {
        let _ = writeln!(out, "# HELP {} {}", self.name, self.help);
        let _ = writeln!(out, "# TYPE {} histogram", self.name);
    }

    /// The lines of one value of the label, from the number in each bucket and the sum of all in seconds.
    fn series(&self, value: &str, counts: impl Iterator<Item = u64>, sum: f64, out: &mut String) {
        let Histogram { name, label, .. } = self;
        let bounds = self.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let mut count = 0;
        for (bound, more) in bounds.zip(counts) {
            count += more;
            let _ = writeln!(out, "{name}_bucket{{{label}=\"{value}\",le=\"{bound}\"}} {count}");
        }
        let _ = writeln!(out, "{name}_sum{{{label}=\"{value}\"}} {sum}");
        let _ = writeln!(out, "{name}_count{{{label}=\"{value}\"}} {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up() {
        let histogram = Histogram { name: "seconds", help: "How long.", label: "of", bounds: vec![0.00005, 0.001] };
        let mut text = String::new();
        histogram.head(&mut text);
        histogram.series("a", [2, 0, 1].into_iter(), 0.00098, &mut text);
        let expected = [
            "# HELP seconds How long.",
            "# TYPE seconds histogram",
            "seconds_bucket{of=\"a\",le=\"0.00005\"} 2",
            "seconds_bucket{of=\"a\",le=\"0.001\"} 2",
            "seconds_bucket{of=\"a\",le=\"+Inf\"} 3",
            "seconds_sum{of=\"a\"} 0.00098",
            "seconds_count{of=\"a\"} 3",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }
}

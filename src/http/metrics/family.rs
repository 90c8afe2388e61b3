//! A metric with its series in Prometheus's text format.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::names::Kind;

/// Names and values of labels.
type Labels = Vec<(String, String)>;

/// A metric with its series.
pub(super) struct Family {
    name: String,
    help: String,
    kind: Kind,
    series: Vec<(Labels, f64)>,
    known: BTreeSet<Labels>,
}

impl Family {
    pub(super) fn new(name: &str, help: &str, kind: Kind) -> Family {
        Family { name: name.to_owned(), help: help.to_owned(), kind, series: Vec::new(), known: BTreeSet::new() }
    }

    /// Adds a series, unless there is one with these labels already; whether it has.
    pub(super) fn add(&mut self, labels: Labels, value: f64) -> bool {
        let is_new = self.known.insert(labels.clone());
        if is_new {
            self.series.push((labels, value));
        }
        is_new
    }

    /// Appends its lines, and an empty one.
    pub(super) fn write(&self, out: &mut String) {
        let Family { name, help, .. } = self;
        let kind = match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a string does not fail.
        let _ = writeln!(out, "# HELP {name} {}", help.replace('\\', "\\\\").replace('\n', "\\n"));
        let _ = writeln!(out, "# TYPE {name} {kind}");
        for (labels, value) in &self.series {
            let labels: Vec<String> =
                labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(out, "{name}{labels} {}", number(*value));
        }
        out.push('\n');
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A value as Prometheus writes it.
fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_numbers_are_those_of_prometheus() {
        let mut family = Family::new("m_total", "a \\ b\nc", Kind::Counter);
        let label = |value: &str| vec![("l".to_owned(), value.to_owned())];
        for (labels, value) in [
            (label("a\"b\\c\nd"), 2.5),
            (label("i"), f64::INFINITY),
            (label("n"), f64::NEG_INFINITY),
            (label("x"), f64::NAN),
            (Vec::new(), 1e20),
        ] {
            assert!(family.add(labels, value));
        }
        assert!(!family.add(label("i"), 3.0));
        let mut text = String::new();
        family.write(&mut text);
        let expected = [
            "# HELP m_total a \\\\ b\\nc",
            "# TYPE m_total counter",
            "m_total{l=\"a\\\"b\\\\c\\nd\"} 2.5",
            "m_total{l=\"i\"} +Inf",
            "m_total{l=\"n\"} -Inf",
            "m_total{l=\"x\"} NaN",
            "m_total 100000000000000000000",
            "",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }
}

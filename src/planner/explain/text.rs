//! The text format: a line per node, its properties below it.

use super::{ExplainNode, ExplainOptions, Summary, Value, put};

pub(super) fn write(root: &ExplainNode, options: ExplainOptions, summary: &Summary) -> Vec<String> {
    let mut lines = Vec::new();
    node(root, 0, true, options, &mut lines);
    if let Some(settings) = summary.settings.as_ref().filter(|settings| !settings.is_empty()) {
        let shown: Vec<String> = settings.iter().map(|(name, value)| format!("{name} = '{value}'")).collect();
        lines.push(format!("Settings: {}", shown.join(", ")));
    }
    lines.extend(summary.planning_ms.map(|ms| format!("Planning Time: {ms:.3} ms")));
    lines.extend(summary.execution_ms.map(|ms| format!("Execution Time: {ms:.3} ms")));
    lines
}

/// A node at a column; every one but the root has an arrow in front, and its own column is after that.
fn node(shown: &ExplainNode, indent: usize, root: bool, options: ExplainOptions, lines: &mut Vec<String>) {
    let (lead, inside) = if root { (String::new(), 2) } else { (format!("{:indent$}->  ", ""), indent + 6) };
    let mut line = format!("{lead}{}{}", shown.title, shown.target);
    if options.costs {
        let (start, total) = shown.cost;
        put(&mut line, format_args!("  (cost={start:.2}..{total:.2} rows={:.0} width={})", shown.rows, shown.width));
    }
    if let Some(actual) = shown.actual {
        match actual.loops {
            0 => line.push_str(" (never executed)"),
            loops => {
                let each = |sum: f64| sum / loops as f64;
                let rows = each(actual.rows as f64);
                line.push_str(" (actual");
                if options.timing {
                    let (first, all) = (each(actual.startup_ms), each(actual.total_ms));
                    put(&mut line, format_args!(" time={first:.3}..{all:.3}"));
                }
                put(&mut line, format_args!(" rows={rows:.0} loops={loops})"));
            }
        }
    }
    lines.push(line);
    for (label, value) in &shown.properties {
        let text = match value {
            Value::Text(text) => text.clone(),
            Value::List(items) => items.join(", "),
            Value::Count(0) => continue,
            Value::Count(count) => count.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Targets(operation, targets) => {
                lines.extend(targets.iter().map(|(target, _)| format!("{:inside$}{operation}{target}", "")));
                continue;
            }
        };
        let text = format!("{label}: {text}");
        lines.extend(text.split('\n').enumerate().map(|(at, part)| match at {
            0 => format!("{:inside$}{part}", ""),
            _ => part.to_owned(),
        }));
    }
    for child in &shown.children {
        match &child.subplan {
            Some(name) => {
                lines.push(format!("{:inside$}{name}", ""));
                node(&child.node, inside + 2, false, options, lines);
            }
            None => node(&child.node, inside, false, options, lines),
        }
    }
}

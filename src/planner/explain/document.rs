//! JSON, YAML and XML: the same tree as groups, lists and properties.

use super::{Child, ExplainFormat, ExplainNode, ExplainOptions, Summary, Value, put};

/// A piece of a document.
enum Item {
    Text(String),
    /// A number or boolean, written as it is.
    Bare(String),
    /// Texts.
    List(Vec<Item>),
    Group(Vec<(String, Item)>),
}

pub(super) fn write(root: &ExplainNode, options: ExplainOptions, summary: &Summary, format: ExplainFormat) -> String {
    let mut query = vec![("Plan".to_owned(), node(root, None, options))];
    if let Some(settings) = &summary.settings {
        let settings = settings.iter().map(|(name, value)| (name.clone(), Item::Text(value.clone()))).collect();
        query.push(("Settings".into(), Item::Group(settings)));
    }
    if options.buffers {
        query.push(("Planning".into(), Item::Group(blocks(options))));
    }
    query.extend(summary.planning_ms.map(|ms| ("Planning Time".into(), Item::Bare(format!("{ms:.3}")))));
    if summary.analyzed {
        query.push(("Triggers".into(), Item::List(Vec::new())));
    }
    query.extend(summary.execution_ms.map(|ms| ("Execution Time".into(), Item::Bare(format!("{ms:.3}")))));
    let mut out = String::new();
    match format {
        ExplainFormat::Json => {
            out.push_str("[\n  ");
            json(&Item::Group(query), 2, &mut out);
            out.push_str("\n]");
        }
        ExplainFormat::Yaml => {
            out.push_str("- ");
            yaml_group(&query, 2, true, &mut out);
        }
        _ => {
            out.push_str("<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query>\n");
            query.iter().for_each(|(name, item)| xml(name, item, 4, &mut out));
            out.push_str("  </Query>\n</explain>");
        }
    }
    out
}

fn node(shown: &ExplainNode, child: Option<&Child>, options: ExplainOptions) -> Item {
    let text = |text: &str| Item::Text(text.to_owned());
    let mut fields = vec![("Node Type".to_owned(), text(shown.node_type))];
    for (label, value) in shown.attributes.iter().filter(|(label, _)| is_kind(label)) {
        fields.push(((*label).into(), text(value)));
    }
    if let Some(child) = child {
        fields.push(("Parent Relationship".into(), text(child.relationship)));
        fields.extend(child.subplan.as_ref().map(|name| ("Subplan Name".into(), text(name))));
    }
    fields.push(("Parallel Aware".into(), Item::Bare("false".into())));
    fields.push(("Async Capable".into(), Item::Bare("false".into())));
    for (label, value) in shown.attributes.iter().filter(|(label, _)| !is_kind(label)) {
        let value = if *label == "Inner Unique" { Item::Bare(value.clone()) } else { text(value) };
        fields.push(((*label).into(), value));
    }
    if options.costs {
        let number = |value: f64| Item::Bare(format!("{value:.2}"));
        fields.push(("Startup Cost".into(), number(shown.cost.0)));
        fields.push(("Total Cost".into(), number(shown.cost.1)));
        fields.push(("Plan Rows".into(), Item::Bare(format!("{:.0}", shown.rows))));
        fields.push(("Plan Width".into(), Item::Bare(shown.width.to_string())));
    }
    if let Some(actual) = shown.actual {
        let loops = actual.loops.max(1) as f64;
        if options.timing {
            fields.push(("Actual Startup Time".into(), Item::Bare(format!("{:.3}", actual.startup_ms / loops))));
            fields.push(("Actual Total Time".into(), Item::Bare(format!("{:.3}", actual.total_ms / loops))));
        }
        fields.push(("Actual Rows".into(), Item::Bare(format!("{:.0}", actual.rows as f64 / loops))));
        fields.push(("Actual Loops".into(), Item::Bare(actual.loops.to_string())));
    }
    for (label, value) in &shown.properties {
        let value = match value {
            Value::Text(value) => text(value),
            Value::List(items) => Item::List(items.iter().map(|item| text(item)).collect()),
            Value::Count(count) => Item::Bare(count.to_string()),
            Value::Number(number) => Item::Bare(number.to_string()),
            Value::Targets(_, targets) => {
                let fields = |fields: &Vec<(&'static str, String)>| {
                    Item::Group(fields.iter().map(|(label, value)| ((*label).into(), text(value))).collect())
                };
                Item::List(targets.iter().map(|(_, attributes)| fields(attributes)).collect())
            }
        };
        fields.push(((*label).into(), value));
    }
    if options.buffers {
        fields.extend(blocks(options));
    }
    if options.wal {
        fields.extend(nothing(&["WAL Records", "WAL FPI", "WAL Bytes"]));
    }
    if !shown.children.is_empty() {
        let plans = shown.children.iter().map(|child| node(&child.node, Some(child), options));
        fields.push(("Plans".into(), Item::List(plans.collect())));
    }
    Item::Group(fields)
}

/// What PostgreSQL counts of blocks.
const BLOCKS: [&str; 10] = [
    "Shared Hit Blocks",
    "Shared Read Blocks",
    "Shared Dirtied Blocks",
    "Shared Written Blocks",
    "Local Hit Blocks",
    "Local Read Blocks",
    "Local Dirtied Blocks",
    "Local Written Blocks",
    "Temp Read Blocks",
    "Temp Written Blocks",
];

/// How long reading and writing them took.
const TIMES: [&str; 4] = ["I/O Read Time", "I/O Write Time", "Temp I/O Read Time", "Temp I/O Write Time"];

fn blocks(options: ExplainOptions) -> Vec<(String, Item)> {
    let mut fields = nothing(&BLOCKS);
    if options.io_timing {
        fields.extend(TIMES.iter().map(|label| ((*label).to_owned(), Item::Bare("0.000".into()))));
    }
    fields
}

fn nothing(labels: &[&str]) -> Vec<(String, Item)> {
    labels.iter().map(|label| ((*label).to_owned(), Item::Bare("0".into()))).collect()
}

/// Attributes that say what kind of node it is come before its place in the tree.
fn is_kind(label: &str) -> bool {
    matches!(label, "Strategy" | "Partial Mode" | "Operation")
}

fn json(item: &Item, indent: usize, out: &mut String) {
    let inside = indent + 2;
    match item {
        Item::Text(text) => json_string(text, out),
        Item::Bare(text) => out.push_str(text),
        Item::List(items) => {
            let short = items.iter().all(|item| matches!(item, Item::Text(_))) && !items.is_empty();
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                match (at, short) {
                    (0, true) => {}
                    (_, true) => out.push_str(", "),
                    (0, false) => put(out, format_args!("\n{:inside$}", "")),
                    (_, false) => put(out, format_args!(",\n{:inside$}", "")),
                }
                json(item, inside, out);
            }
            if !short {
                put(out, format_args!("\n{:indent$}", ""));
            }
            out.push(']');
        }
        Item::Group(fields) => {
            out.push('{');
            for (at, (name, item)) in fields.iter().enumerate() {
                out.push_str(if at > 0 { ",\n" } else { "\n" });
                put(out, format_args!("{:inside$}", ""));
                json_string(name, out);
                out.push_str(": ");
                json(item, inside, out);
            }
            put(out, format_args!("\n{:indent$}}}", ""));
        }
    }
}

fn json_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            control if control < ' ' => put(out, format_args!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// The fields of a group, each on its line; the first one stands where the writer is.
fn yaml_group(fields: &[(String, Item)], indent: usize, mut first: bool, out: &mut String) {
    for (name, item) in fields {
        if !first {
            put(out, format_args!("\n{:indent$}", ""));
        }
        first = false;
        put(out, format_args!("{name}: "));
        match item {
            Item::Text(text) => json_string(text, out),
            Item::Bare(text) => out.push_str(text),
            Item::Group(fields) => yaml_group(fields, indent + 2, false, out),
            Item::List(items) => {
                for item in items {
                    put(out, format_args!("\n{:width$}- ", "", width = indent + 2));
                    match item {
                        Item::Text(text) => json_string(text, out),
                        Item::Bare(text) => out.push_str(text),
                        Item::Group(fields) => yaml_group(fields, indent + 4, true, out),
                        Item::List(_) => {}
                    }
                }
            }
        }
    }
}

fn xml(name: &str, item: &Item, indent: usize, out: &mut String) {
    let tag: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    match item {
        Item::Text(text) => put(out, format_args!("{:indent$}<{tag}>{}</{tag}>\n", "", xml_text(text))),
        Item::Bare(text) => put(out, format_args!("{:indent$}<{tag}>{text}</{tag}>\n", "")),
        Item::Group(fields) => {
            put(out, format_args!("{:indent$}<{tag}>\n", ""));
            fields.iter().for_each(|(name, item)| xml(name, item, indent + 2, out));
            put(out, format_args!("{:indent$}</{tag}>\n", ""));
        }
        Item::List(items) => {
            put(out, format_args!("{:indent$}<{tag}>\n", ""));
            let one = if name == "Plans" { "Plan" } else { "Item" };
            items.iter().for_each(|item| xml(one, item, indent + 2, out));
            put(out, format_args!("{:indent$}</{tag}>\n", ""));
        }
    }
}

fn xml_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

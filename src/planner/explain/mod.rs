//! EXPLAIN: a physical plan as PostgreSQL shows its own.
//!
//! A plan becomes a tree of [`ExplainNode`]s with PostgreSQL's node names and properties ([`describe`]), which is then
//! written as text ([`text`]) or as JSON, YAML or XML ([`document`]). What an operator of ours does that is two nodes in
//! PostgreSQL is shown as two: the hash table of a hash join, the index scan inside an index join, the sort below a window.

mod describe;
mod document;
mod naming;
mod separate;
mod text;

use std::fmt::Write;
use std::sync::Arc;

use crate::bind::BindContext;
use crate::physical::Plan;
use crate::pruning::LatePruning;

pub(crate) use naming::is_init;
pub use separate::separate_filters;

/// What to print besides the shape.
#[derive(Clone, Copy, Debug)]
pub struct ExplainOptions {
    /// Estimated costs and rows.
    pub costs: bool,
    /// Output columns, names with their schemas.
    pub verbose: bool,
    /// Times of operators, when the plan has run.
    pub timing: bool,
    /// Blocks read and written: all is in memory, so that there are none.
    pub buffers: bool,
    /// How long that took (`track_io_timing`).
    pub io_timing: bool,
    /// What was logged: changes are logged when they are committed, so that running a plan logs nothing.
    pub wal: bool,
    /// How it is written.
    pub format: ExplainFormat,
}

/// `FORMAT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExplainFormat {
    /// `TEXT`.
    Text,
    /// `JSON`.
    Json,
    /// `YAML`.
    Yaml,
    /// `XML`.
    Xml,
}

/// What an operator did, over all its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Actual {
    /// Times it was started.
    pub loops: u64,
    /// Rows it gave.
    pub rows: u64,
    /// Milliseconds until the first row, summed over its runs.
    pub startup_ms: f64,
    /// Milliseconds in all.
    pub total_ms: f64,
    /// Rows that were looked at though all that is read of them is in an index: whether they are seen was not known.
    pub heap_fetches: u64,
}

/// What is said of the statement besides its plan.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Settings that differ from their defaults, when asked for.
    pub settings: Option<Vec<(String, String)>>,
    /// `Planning Time`.
    pub planning_ms: Option<f64>,
    /// `Execution Time`.
    pub execution_ms: Option<f64>,
    /// Whether the plan has run.
    pub analyzed: bool,
}

/// A node as it is shown.
#[derive(Debug, Default)]
struct ExplainNode {
    /// `Seq Scan` and so on, as the text format begins with: join type and strategy included.
    title: String,
    /// What follows the title: ` using i on t`.
    target: String,
    /// `Node Type` of the other formats, and what belongs to it there: label and value.
    node_type: &'static str,
    attributes: Vec<(&'static str, String)>,
    cost: (f64, f64),
    rows: f64,
    width: usize,
    actual: Option<Actual>,
    /// Output, conditions, keys, in the order they are shown.
    properties: Vec<(&'static str, Value)>,
    /// Subqueries in front, then inputs.
    children: Vec<Child>,
}

/// A node below another one.
#[derive(Debug)]
struct Child {
    /// `Outer`, `Inner`, `Member`, `InitPlan`, `SubPlan`, `Subquery`.
    relationship: &'static str,
    /// `CTE w`, `SubPlan 1`.
    subplan: Option<String>,
    /// The subplan's number; nothing for CTEs, which come first.
    number: usize,
    node: ExplainNode,
}

/// A property's value.
#[derive(Clone, Debug)]
enum Value {
    Text(String),
    List(Vec<String>),
    /// Left out of the text format when it is nothing.
    Count(usize),
    /// Shown whatever it is.
    Number(u64),
    /// What is done to which tables: a line for each, or its attributes.
    Targets(String, Vec<(String, Vec<(&'static str, String)>)>),
}

impl ExplainNode {
    /// Puts what runs before a node in front of its inputs, and subqueries that run with its rows behind them.
    fn arrange(&mut self) {
        let rank = |child: &Child| match child.relationship {
            "InitPlan" => 0,
            "SubPlan" => 2,
            _ => 1,
        };
        // This is said last, after the filters that are found above the scan.
        self.properties.sort_by_key(|(label, _)| *label == "Heap Fetches");
        self.children.sort_by_key(|child| (rank(child), child.number));
        self.children.iter_mut().for_each(|child| child.node.arrange());
    }
}

/// The lines that EXPLAIN answers with; one for each operator's counts in `actual`, numbered as
/// [`Plan::number`] does.
///
/// `kept` says which members of a table are left once the statement begins; nothing: all of them. Types, functions and operators
/// are named with their schemas where the search path of `cx` does not lead to them.
pub fn explain(
    plan: &Plan,
    (options, summary): (ExplainOptions, &Summary),
    (actual, kept): (Option<&[Actual]>, &dyn Fn(&Arc<LatePruning>) -> Vec<bool>),
    cx: BindContext<'_>,
) -> Vec<String> {
    let root = describe::describe(plan, options, (actual, kept), cx);
    let written = match options.format {
        ExplainFormat::Text => return text::write(&root, options, summary),
        format => document::write(&root, options, summary, format),
    };
    vec![written]
}

/// What EXPLAIN says of a command that has no plan.
pub fn explain_utility(options: ExplainOptions) -> Vec<String> {
    match options.format {
        ExplainFormat::Text => vec!["Utility statements have no plan structure".into()],
        ExplainFormat::Json => vec!["[\n  \"Utility Statement\"\n]".into()],
        ExplainFormat::Yaml => vec!["- Utility Statement".into()],
        ExplainFormat::Xml => vec![
            "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Utility-Statement>\n  </Utility-Statement>\n</explain>"
                .into(),
        ],
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}

//! How columns are called in the expressions of a plan.
//!
//! Conditions of scans name columns alone, what stands above them with their tables where there are several; what was
//! computed further down is in parentheses.

use dictdb_types::quote_identifier;

use super::Describer;
use crate::deparse::{self, ObjectNames};
use crate::expr::{Expr, Function, SortKey};
use crate::expression_text::NamesOnPath;

/// A column of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Label {
    /// Without tables.
    bare: String,
    /// With tables.
    full: String,
    origin: Origin,
}

/// Where a column's value is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Origin {
    /// It is a column of a table.
    #[default]
    Column,
    /// It is a constant, which every node writes as it is.
    Constant,
    /// The node that is being described computes it.
    Here,
    /// A node below does.
    Below,
}

/// The columns of a node, as those above it call them.
pub(super) type Labels = Vec<Label>;

/// Whether columns are named with their tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    /// `a`.
    No,
    /// `t.a`.
    Yes,
}

impl Label {
    /// A column of what is called `alias`.
    pub fn column(alias: &str, name: &str) -> Self {
        let bare = quote_identifier(name).into_owned();
        let full = format!("{}.{bare}", quote_identifier(alias));
        Label { bare, full, origin: Origin::Column }
    }

    /// A column of what has no name.
    pub fn nameless(name: &str) -> Self {
        let bare = quote_identifier(name).into_owned();
        Label { full: bare.clone(), bare, origin: Origin::Column }
    }

    /// What the node computes itself.
    pub fn computed(text: impl Fn(Prefix) -> String) -> Self {
        Label { bare: text(Prefix::No), full: text(Prefix::Yes), origin: Origin::Here }
    }

    /// The same, named in full everywhere: a value of another table's row.
    pub fn in_full(&self) -> Self {
        Label { bare: self.full.clone(), ..self.clone() }
    }

    fn text(&self, prefix: Prefix) -> String {
        let text = if prefix == Prefix::Yes { &self.full } else { &self.bare };
        if self.origin == Origin::Below { format!("({text})") } else { text.clone() }
    }
}

/// The columns as a new node sees them.
pub(super) fn from_below(mut labels: Labels) -> Labels {
    for label in labels.iter_mut().filter(|label| label.origin == Origin::Here) {
        label.origin = Origin::Below;
    }
    labels
}

/// The columns of a side of an outer join that may have no row for one of the other: a constant is NULL then, so that it
/// is no longer what every node writes as it is.
pub(super) fn nullable(mut labels: Labels) -> Labels {
    for label in labels.iter_mut().filter(|label| label.origin == Origin::Constant) {
        label.origin = Origin::Below;
    }
    labels
}

impl Describer<'_> {
    /// The label of an expression that a node computes.
    pub(super) fn label(&self, expr: &Expr, labels: &[Label]) -> Label {
        match expr {
            Expr::Input(position, _) => labels.get(*position).cloned().unwrap_or_default(),
            _ => {
                let label = Label::computed(|prefix| self.text(expr, labels, prefix));
                let constant = matches!(expr, Expr::Const(..));
                if constant { Label { origin: Origin::Constant, ..label } } else { label }
            }
        }
    }

    pub(super) fn is_parameter(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Param(..) | Expr::Outer(..) => true,
            Expr::Subplan(subplan) => crate::explain::is_init(subplan),
            _ => false,
        }
    }

    /// Text of the labels of a node's output.
    pub(super) fn output(&self, labels: &[Label]) -> Vec<String> {
        let prefix = if self.plan_ranges() > 1 { Prefix::Yes } else { Prefix::No };
        labels.iter().map(|label| label.text(prefix)).collect()
    }

    /// In conditions of joins and what is above scans.
    pub(super) fn upper(&self) -> Prefix {
        if self.plan_ranges() > 1 || self.options.verbose { Prefix::Yes } else { Prefix::No }
    }

    /// In conditions of scans.
    pub(super) fn scan_prefix(&self) -> Prefix {
        if self.options.verbose { Prefix::Yes } else { Prefix::No }
    }

    /// A key that a sort orders by: it is computed below.
    pub(super) fn key(&self, expr: &Expr, labels: &[Label]) -> String {
        let text = self.text(expr, labels, self.upper());
        let plain = matches!(expr, Expr::Input(..) | Expr::Const(..));
        if plain { text } else { format!("({text})") }
    }

    /// Keys of a sort.
    pub(super) fn keys(&self, keys: &[SortKey], labels: &[Label]) -> Vec<String> {
        keys.iter().map(|key| with_order(self.key(&key.expr, labels), key)).collect()
    }

    /// A function's name, with its schema where the search path does not lead to it.
    pub(super) fn function_name(&self, function: &Function) -> String {
        NamesOnPath { cx: self.cx, stored: false }.function_name(function)
    }

    pub(super) fn text(&self, expr: &Expr, labels: &[Label], prefix: Prefix) -> String {
        let mut named = expr.clone();
        let mut subplans = Vec::new();
        named.rewrite(&mut |e| {
            if let Expr::Subplan(subplan) = e {
                let ty = subplan.ty;
                subplans.push(self.naming.value(subplan));
                *e = Expr::Outer(FIRST_SUBPLAN + subplans.len() - 1, ty);
            }
        });
        let printed = deparse::Names {
            env: self.cx.env,
            column: &|_| None,
            input: &|position| labels.get(position).map(|label| label.text(prefix)),
            outer: &|slot| match slot.checked_sub(FIRST_SUBPLAN) {
                Some(subplan) => subplans.get(subplan).cloned(),
                None => self.slots.get(&slot).cloned(),
            },
            stored: false,
            pretty: false,
            indented: false,
            level: &Default::default(),
            query: None,
            objects: &NamesOnPath { cx: self.cx, stored: false },
        };
        deparse::expression(&named, &printed).unwrap_or_else(|_| "?".into())
    }
}

/// Slots from here on stand for subqueries while an expression is written.
const FIRST_SUBPLAN: usize = 1 << 40;

/// A key with what is said of its order.
pub(super) fn with_order(mut text: String, key: &SortKey) -> String {
    match key.using {
        Some(operator) => text.push_str(&format!(" USING {operator}")),
        None if key.descending => text.push_str(" DESC"),
        None => {}
    }
    if key.nulls_first != key.descending {
        text.push_str(if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
    }
    text
}

//! Functions in SQL put in place of their calls, where PostgreSQL does it.
//!
//! ```text
//!   scalar   f(x)            the only expression of the body        (inline_function in clauses.c)
//!   set      FROM f(x)       the query of the body, as a subquery   (inline_set_returning_function there)
//! ```
//! The body is bound as a text of its own; then its parameters are replaced by the arguments. What is put in place may call
//! further functions; none is put into itself.

mod properties;
mod scalar;
mod set;

use std::collections::BTreeSet;
use std::sync::Arc;

use dictdb_catalog::{AclKind, Language, Privileges, Routine};
use dictdb_functions::facts::ProcKind;
use dictdb_parser::{Limits, ParsedStatement, Statement, ast};
use dictdb_types::{Error, Oid, Result};

use crate::bind::Binder;
use crate::columns::{for_each_expr, for_each_expr_mut, for_each_input, for_each_input_mut};
use crate::expr::{Call, Expr};
use crate::logical::Node;
pub(crate) use properties::most_volatile_in;

/// What was put in place of calls.
#[derive(Default)]
pub(crate) struct Inlined {
    functions: BTreeSet<Oid>,
    /// A constant expression in a body that cannot be computed.
    pub failure: Option<Error>,
}

impl Inlined {
    /// The functions among those that were called that still are.
    pub(crate) fn left(&self, called: Vec<Oid>, node: &Node) -> Vec<Oid> {
        if self.functions.is_empty() {
            return called;
        }
        let mut still = BTreeSet::new();
        collect_calls(node, &mut still);
        called.into_iter().filter(|oid| !self.functions.contains(oid) || still.contains(oid)).collect()
    }
}

/// When a body is put in place of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Terms {
    /// When it does nothing that the function is declared not to do, as in PostgreSQL.
    Checked,
    /// Whatever it does: what the function is declared to be holds. Names in the body are looked for where the function is, since
    /// whoever evaluates it has no search path.
    Trusted,
}

/// Puts bodies in place of calls in a whole plan. Errors are those of binding a body, with CONTEXT.
pub(crate) fn inline(binder: &mut Binder<'_>, node: &mut Node) -> Result<Inlined> {
    let mut inliner = Inliner { binder, terms: Terms::Checked, active: Vec::new(), inlined: Inlined::default() };
    if inliner.binder.cx.catalog.has_routines() {
        inliner.node(node)?;
    }
    Ok(inliner.inlined)
}

/// Likewise in an expression on its own.
pub(crate) fn inline_expr(binder: &mut Binder<'_>, expr: &mut Expr, terms: Terms) -> Result<Inlined> {
    let mut inliner = Inliner { binder, terms, active: Vec::new(), inlined: Inlined::default() };
    if inliner.binder.cx.catalog.has_routines() {
        inliner.expr(expr)?;
    }
    Ok(inliner.inlined)
}

struct Inliner<'b, 'a> {
    binder: &'b mut Binder<'a>,
    terms: Terms,
    /// Functions whose bodies are being put in place.
    active: Vec<Oid>,
    inlined: Inlined,
}

impl Inliner<'_, '_> {
    fn node(&mut self, node: &mut Node) -> Result<()> {
        let mut result = Ok(());
        for_each_input_mut(node, &mut |input| {
            if result.is_ok() {
                result = self.node(input);
            }
        });
        result?;
        match node {
            // The call itself gives the rows; its arguments are expressions like others.
            Node::FunctionScan(scan) => scan.calls.iter_mut().try_for_each(|item| self.operands(&mut item.call))?,
            Node::ProjectSet { calls, .. } => calls.iter_mut().try_for_each(|(_, call)| self.operands(call))?,
            _ => {
                let mut result = Ok(());
                for_each_expr_mut(node, &mut |expr| {
                    if result.is_ok() {
                        result = self.expr(expr);
                    }
                });
                result?;
            }
        }
        self.set_returning(node)
    }

    fn operands(&mut self, expr: &mut Expr) -> Result<()> {
        let mut result = Ok(());
        expr.for_each_child_mut(&mut |child| {
            if result.is_ok() {
                result = self.expr(child);
            }
        });
        result
    }

    fn expr(&mut self, expr: &mut Expr) -> Result<()> {
        self.operands(expr)?;
        match expr {
            Expr::Sublink(link) => self.node(&mut link.query),
            Expr::Call(call) => match self.scalar(call)? {
                Some(value) => {
                    *expr = value;
                    Ok(())
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The function of a call and the only statement of its body, if it may be put in place at all.
    fn candidate(&self, call: &Call) -> Option<(Arc<Routine>, ParsedStatement)> {
        let cx = self.binder.cx;
        let routine = cx.catalog.routine(call.function.oid)?;
        let is_candidate = routine.language == Language::Sql
            && routine.kind == ProcKind::Function
            && !routine.security_definer
            && routine.config.is_empty()
            && routine.args.len() == call.args.len()
            && !self.active.contains(&routine.oid);
        if !is_candidate {
            return None;
        }
        // Whoever may not call it learns that when it is called.
        let held = cx.catalog.held_privileges(cx.role, AclKind::Function, routine.owner, routine.acl.as_deref());
        if !held.privileges.contains(Privileges::EXECUTE) {
            return None;
        }
        let mut parsed = dictdb_parser::parse(body(routine), &Limits::default()).ok()?;
        match (parsed.pop(), parsed.is_empty()) {
            (Some(only), true) => Some((routine.clone(), only)),
            _ => None,
        }
    }

    /// Works on what a body gave, which may call further functions.
    fn within(&mut self, routine: &Routine, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.active.push(routine.oid);
        let result = work(self);
        self.active.pop();
        self.inlined.functions.insert(routine.oid);
        result.map_err(|error| during_inlining(error, routine))
    }
}

/// The text of a function.
fn body(routine: &Routine) -> &Arc<str> {
    routine.body.as_ref().map_or(&routine.source, |body| &body.statements)
}

/// The query of a statement.
fn query_of(statement: &Statement) -> Option<&ast::Query> {
    match statement {
        Statement::Sql(tree) => match &**tree {
            ast::Statement::Query(query) => Some(query),
            _ => None,
        },
        Statement::Utility(_) => None,
    }
}

/// An error in a body while it is put in place of a call: its position counts in the body.
fn during_inlining(mut error: Error, routine: &Routine) -> Error {
    let fields = error.fields_mut();
    if let Some(position) = fields.position.take() {
        fields.internal = Some((position, body(routine).to_string()));
    }
    error.context(format!("SQL function \"{}\" during inlining", routine.name))
}

fn collect_calls(node: &Node, out: &mut BTreeSet<Oid>) {
    for_each_expr(node, &mut |expr| {
        expr.visit(&mut |expr| match expr {
            Expr::Aggregate(call) => {
                out.insert(call.function.oid);
            }
            Expr::Sublink(link) => collect_calls(&link.query, out),
            other => out.extend(other.function()),
        });
    });
    if let Node::Aggregate(aggregate) = node {
        out.extend(aggregate.calls.iter().map(|(_, call)| call.function.oid));
    }
    if let Node::Window { calls, .. } = node {
        out.extend(calls.iter().map(|(_, call)| call.function.oid));
    }
    for_each_input(node, &mut |input| collect_calls(input, out));
}

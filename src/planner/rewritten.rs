//! The plans of a statement whose target has rules: one for each statement that the rules make of it.
//!
//! The one that sets the command tag is the statement itself or, when rules replace it, the last of their unconditional
//! actions (or of the conditional ones) that is of its kind. The others are run before and after that one.

use dictdb_parser::ast::Statement;
use dictdb_types::{Error, Result, SqlState, Type};

use crate::bind::{Binder, Step, modification, notification, one_row, words};
use crate::estimate::Statistics;
use crate::logical::Node;
use crate::{Command, Planned, Product};

impl Binder<'_> {
    /// What rules make of a statement; nothing where it is planned as it is, or with the one statement that is left in a WITH
    /// query. 0A000 for a WITH query that they make several of.
    pub(crate) fn rewritten(&mut self, statement: &Statement) -> Result<Option<Vec<Step>>> {
        let Some(change) = modification(statement) else { return Ok(None) };
        let Some(steps) = self.steps(change)? else { return Ok(None) };
        if !matches!(statement, Statement::Query(_)) {
            return Ok(Some(steps));
        }
        match steps.len() {
            0 => Ok(Some(steps)),
            1 => Ok(None),
            _ => {
                let message = "WITH cannot be used in a query that is rewritten by rules into multiple queries";
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
            }
        }
    }
}

/// Plans the statements that rules made of one.
pub(crate) fn plan(
    steps: &[Step],
    statement: &Statement,
    mut binder: Binder<'_>,
    statistics: &dyn Statistics,
) -> Result<Planned> {
    let change = modification(statement).ok_or_else(|| Error::internal("rules for what changes nothing"))?;
    // The statement is analysed first, whatever becomes of it; and its parameters get their types.
    if !matches!(statement, Statement::Query(_)) {
        binder.in_level(|binder| binder.changed_rows(change, None).map(drop))?;
    }
    let command = command_of(change);
    let mut params = binder.known_params();
    let mut products = Vec::with_capacity(steps.len());
    for step in steps {
        products.push(product(step, statement, &binder, &mut params, statistics)?);
    }
    let main = main_step(steps, &products, command);
    let after = match main {
        Some(at) => products.split_off(at + 1),
        None => Vec::new(),
    };
    let planned = match main.and_then(|_| products.pop()) {
        Some(Product::Plan(planned)) => planned,
        _ => nothing(binder.again(&params), command, statistics)?,
    };
    let several = (steps.len() != 1).then(|| words(steps));
    Ok(Planned { before: products, after, several, ..planned })
}

fn product(
    step: &Step,
    statement: &Statement,
    binder: &Binder<'_>,
    params: &mut Vec<Type>,
    statistics: &dyn Statistics,
) -> Result<Product> {
    if let Some(application) = step.path.last()
        && let Some((channel, payload)) = notification(&application.parsed()?)
    {
        return Ok(Product::Notify(channel, payload));
    }
    let mut own = binder.again(params);
    let node = own.in_level(|binder| binder.bind_step(statement, step))?;
    own.check_privileges(&node)?;
    *params = own.known_params();
    let command = crate::command_of(&node);
    crate::finish(own, node, command, statistics).map(Product::Plan)
}

/// The step that sets the command tag.
fn main_step(steps: &[Step], products: &[Product], command: Command) -> Option<usize> {
    let original = steps.iter().position(|step| step.path.is_empty());
    original.or_else(|| {
        let replaces = |step: &Step| step.rule().is_some_and(|rule| rule.instead);
        let is_same = |product: &Product| matches!(product, Product::Plan(planned) if planned.command == command);
        (0..steps.len()).rev().find(|at| replaces(&steps[*at]) && is_same(&products[*at]))
    })
}

/// A plan that does nothing, in the name of a command.
fn nothing(binder: Binder<'_>, command: Command, statistics: &dyn Statistics) -> Result<Planned> {
    let Node::Values { columns, .. } = one_row() else { return Err(Error::internal("one row is no VALUES")) };
    let node = Node::Values { columns, rows: Vec::new() };
    let planned = crate::finish(binder, node, command, statistics)?;
    Ok(Planned { returns_rows: false, nothing: true, command, ..planned })
}

fn command_of(change: &Statement) -> Command {
    match change {
        Statement::Insert(_) => Command::Insert,
        Statement::Update(_) => Command::Update,
        _ => Command::Delete,
    }
}

//! From syntax tree to physical plan.
//!
//! Layer 4. Knows the catalog and PostgreSQL's resolution rules; knows nothing of sessions, rows or IO.
//!
//! ```text
//!   ast ──bind──► logical::Node ──rules──► logical::Node ──build──► physical::Plan ──► executor
//!                 (names resolved,          (decorrelated, pushed     (positions, index
//!                  types explicit)           down, pruned)             choice, join order)
//! ```
//!
//! [`plan`] does all of it for one statement. A plan depends on the catalog version, the search path, the parameter
//! types and the settings literals are read under, never on parameter values.

mod bind;
mod build;
pub mod collation;
mod columns;
mod compare;
mod condition;
mod deparse;
pub mod estimate;
pub mod explain;
pub mod expr;
mod expression_text;
mod fold;
pub mod hoist;
mod implication;
mod inlining;
pub mod logical;
mod negation;
pub mod operands;
pub mod part;
pub mod physical;
pub mod policy;
pub mod pruning;
mod renumber;
mod repeatable;
mod rewritten;
pub mod routine;
pub mod routine_body;
mod row_filter;
pub mod rule;
mod rules;
mod same_query;
pub mod scope;
mod standard_syntax;
pub mod table_expr;
#[cfg(test)]
mod tests;
pub mod trigger_when;
pub mod variables;
pub mod view;
mod walk;
mod whole_row;
mod xml_syntax;
pub mod xml_table;

use std::collections::BTreeSet;
use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_parser::Locations;
use dictdb_parser::ast;
use dictdb_types::{Datum, Error, Oid, Result, Type, TypeLookup};

use bind::Binder;
pub use bind::{BindContext, Renaming, Updatable, updatable};
use estimate::Statistics;
pub use repeatable::Repeatable;

/// A statement ready to be prepared by the executor.
pub struct Planned {
    /// The plan.
    pub plan: Arc<physical::Plan>,
    /// Types of its parameters.
    pub params: Vec<Type>,
    /// Columns of its result; none for statements that return no rows.
    pub columns: Vec<OutputColumn>,
    /// What the command tag says.
    pub command: Command,
    /// The functions of users that are called: they may run statements of their own.
    pub routines: Vec<Oid>,
    /// The built-in functions that are called and have a list of who may execute them.
    pub guarded: Vec<Oid>,
    /// Whether a built-in function is called that runs statements of its own.
    pub runs_statements: bool,
    /// Whether rows are returned (a SELECT without columns returns rows, an INSERT without RETURNING does not).
    pub returns_rows: bool,
    /// A constant expression in it cannot be computed: whoever runs the plan reports this instead. Describing it is fine.
    pub failure: Option<Error>,
    /// What whoever runs the plan without the values of its parameters reports: they decide how it would be.
    pub undecided: Option<Error>,
    /// The first table whose rows policies choose from, and whether the role owns it: an error where `row_security` is off.
    pub secured: Option<(Arc<str>, bool)>,
    /// An operator has only parameters and constants for operands, or an index has a constant where the statement has a
    /// parameter, so that plans with other constants may differ.
    pub computes_with_parameters: bool,
    /// When it gives the same rows again, as far as its functions decide that.
    pub repeatable: Repeatable,
    /// Rules leave nothing of the statement to be run in its name.
    pub nothing: bool,
    /// The kind of rules that make other than one statement of it, in words.
    pub several: Option<&'static str>,
    /// What rules have done before it.
    pub before: Vec<Product>,
    /// What rules have done after it.
    pub after: Vec<Product>,
}

/// What rules have done beside a statement.
pub enum Product {
    /// A query or a change.
    Plan(Planned),
    /// NOTIFY: channel and payload.
    Notify(String, String),
}

/// A column of a result, as RowDescription reports it.
#[derive(Clone, Debug)]
pub struct OutputColumn {
    /// Name.
    pub name: Arc<str>,
    /// Type.
    pub ty: Type,
    /// Table the column comes from, or zero.
    pub table: Oid,
    /// Its attnum there, or zero.
    pub attnum: i16,
    /// `pg_collation.oid`; zero for a type without collations, and where none is agreed on.
    pub collation: Oid,
}

/// Kinds of planned statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// SELECT, VALUES, TABLE.
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// MERGE.
    Merge,
}

/// A parsed query or data-modifying statement, and what only its client knows of it.
#[derive(Clone, Copy)]
pub struct RawStatement<'a> {
    /// The syntax tree.
    pub tree: &'a ast::Statement,
    /// Where its nodes stand, for errors.
    pub locations: &'a Locations,
    /// The parameter types that were declared (`unknown`: to be inferred). More parameters may appear, unless there are variables.
    pub declared: &'a [Type],
    /// Variables that names may mean: they are the first parameters.
    pub variables: Option<&'a dyn variables::Variables>,
    /// The rules of its target are not for it.
    pub ignores_rules: bool,
    /// The values of its parameters, where the plan is for one execution; none for any.
    pub values: &'a [Datum],
}

impl<'a> RawStatement<'a> {
    /// A statement as a client sends it: without variables, subject to rules.
    pub fn new(tree: &'a ast::Statement, locations: &'a Locations, declared: &'a [Type]) -> Self {
        RawStatement { tree, locations, declared, variables: None, ignores_rules: false, values: &[] }
    }
}

/// Plans a query or data-modifying statement, with the statements that rules make of it.
///
/// Errors are PostgreSQL's, with positions.
pub fn plan(statement: RawStatement<'_>, cx: BindContext<'_>, statistics: &dyn Statistics) -> Result<Planned> {
    let RawStatement { tree, locations, declared, variables, ignores_rules, values } = statement;
    let mut binder = Binder::new(cx, locations, declared, variables.is_none());
    (binder.variables, binder.values) = (variables, values);
    binder.ignores_rules = ignores_rules;
    if let Some(steps) = binder.rewritten(tree)? {
        return rewritten::plan(&steps, tree, binder, statistics);
    }
    let (node, command) = binder.bind_statement(tree)?;
    finish(binder, node, command, statistics)
}

/// A bound statement as a plan.
fn finish(
    mut binder: Binder<'_>,
    mut node: logical::Node,
    command: Command,
    statistics: &dyn Statistics,
) -> Result<Planned> {
    let cx = binder.cx;
    let inlined = inlining::inline(&mut binder, &mut node)?;
    let collations = binder.settle_collations(&mut node)?;
    let (routines, runs_statements) = (binder.user_functions(), binder.runs_statements());
    let returns_rows = match &node {
        node if command == Command::Select => !node.columns().is_empty() || !is_modify(node),
        node => !node.columns().is_empty(),
    };
    let guarded = binder.guarded_functions();
    let (secured, repeatable) = (binder.secured.take(), binder.repeatable.get());
    let (ranges, undecided) = (binder.ranges, binder.undecided.take());
    let params = binder.into_params()?;
    let outputs = node.columns();
    let columns = output_columns(&outputs, collations, cx);
    let routines = inlined.left(routines, &node);
    let (mut node, failure) = rules::apply(node, cx);
    let failure = inlined.failure.or(failure);
    let mut plan = build::plan(&node, &outputs, cx, statistics)?;
    plan.ranges += ranges;
    let plan = Arc::new(plan);
    let computes_with_parameters =
        rules::computes_with_parameters(&mut node) || !params.is_empty() && rules::names_indexed_constants(&node, cx);
    Ok(Planned {
        plan,
        params,
        columns,
        command,
        routines,
        guarded,
        runs_statements,
        returns_rows,
        failure,
        undecided,
        secured,
        computes_with_parameters,
        repeatable,
        nothing: false,
        several: None,
        before: Vec::new(),
        after: Vec::new(),
    })
}

/// The type that a type name means along the search path. 42704, 3F000, and 22023 for its modifiers.
pub fn bind_type(data_type: &ast::DataType, cx: BindContext<'_>) -> Result<Type> {
    Binder::new(cx, &Locations::default(), &[], false).bind_type(data_type)
}

/// Plans one row of values for EXECUTE, each coerced to a parameter's type as an assignment would be.
///
/// 42804 naming the parameter when a value does not fit.
pub fn plan_parameters(
    exprs: &[ast::Expr],
    types: &[Type],
    locations: &Locations,
    cx: BindContext<'_>,
) -> Result<Arc<physical::Plan>> {
    let mut binder = Binder::new(cx, locations, &[], false);
    let mut node = binder.bind_parameters(exprs, types)?;
    binder.settle_collations(&mut node)?;
    let outputs = node.columns();
    let (node, failure) = rules::apply(node, cx);
    match failure {
        Some(error) => Err(error),
        None => build::plan(&node, &outputs, cx, &estimate::NoStatistics).map(Arc::new),
    }
}

/// What a view's query gives.
pub struct BoundView {
    /// Its columns.
    pub columns: Vec<OutputColumn>,
    /// The relations it reads, each once.
    pub relations: Vec<Oid>,
    /// The columns of those relations that it mentions, and the fields of composite types: relation and attnum.
    pub columns_used: Vec<(Oid, i16)>,
    /// The primary keys that its grouping relies on: table and constraint.
    pub keys: Vec<(Oid, Oid)>,
    /// The functions of users it calls.
    pub functions: Vec<Oid>,
    /// The operators of users it calls, each with its function.
    pub operators: Vec<(Oid, Oid)>,
    /// The types of users that it casts to.
    pub types: Vec<Oid>,
    /// The collations it names.
    pub collations: Vec<Oid>,
}

/// Binds the query of a view, to check it and to learn its columns.
pub fn bind_view(query: &ast::Query, locations: &Locations, cx: BindContext<'_>) -> Result<BoundView> {
    let mut binder = Binder::new(cx, locations, &[], false);
    binder.ignores_policies = true;
    let node = binder.in_level(|binder| {
        let node = binder.bind_query(query)?;
        binder.settle_unknown(node)
    })?;
    let mut columns_used = columns::used(&node);
    let of_functions = |id: &expr::ColumnId| binder.function_fields.get(id).copied();
    let fields: Vec<(Oid, i16)> = columns::mentioned(&node).iter().filter_map(of_functions).collect();
    let outputs = node.columns();
    let mut settled = node;
    let collations = binder.settle_collations(&mut settled)?;
    let columns = output_columns(&outputs, collations, cx);
    let (functions, operators, types) = (binder.user_functions(), binder.user_operators(), binder.user_types());
    let keys = binder.keys.iter().copied().collect();
    let named = binder.collations.iter().copied().collect();
    let fields = fields.into_iter().chain(binder.fields_used());
    let fields: BTreeSet<(Oid, i16)> = fields.collect();
    let relations = binder.into_relations();
    // What is below another view is that view's business.
    columns_used.retain(|(relation, _)| relations.contains(relation));
    columns_used.extend(fields);
    Ok(BoundView { columns, functions, operators, types, collations: named, relations, columns_used, keys })
}

fn is_modify(node: &logical::Node) -> bool {
    match node {
        logical::Node::Modify(_) => true,
        logical::Node::With { body, .. } => is_modify(body),
        _ => false,
    }
}

/// Columns of a result with their collations: those that were settled, or their types'.
fn output_columns(outputs: &[logical::Column], settled: Option<Vec<Oid>>, cx: BindContext<'_>) -> Vec<OutputColumn> {
    let collation = |number: usize, ty: Type| match &settled {
        Some(known) => known.get(number).copied().unwrap_or_default(),
        None => cx.catalog.type_info(ty.oid).map_or(Oid::INVALID, |info| info.collation),
    };
    let columns = outputs.iter().enumerate().map(|(number, column)| {
        let (table, attnum) = column.source.unwrap_or_default();
        let collation = collation(number, column.ty);
        OutputColumn { name: column.name.clone(), ty: column.ty, table, attnum, collation }
    });
    columns.collect()
}

impl Binder<'_> {
    /// The collations of a plan's outputs, once it says what they make of it; `None` where there is nothing to say. 42P21.
    fn settle_collations(&mut self, node: &mut logical::Node) -> Result<Option<Vec<Oid>>> {
        let outputs: Vec<_> = node.columns().iter().map(|column| column.id).collect();
        collation::settle(node, &outputs, self)
    }

    /// Binds a whole statement.
    fn bind_statement(&mut self, statement: &ast::Statement) -> Result<(logical::Node, Command)> {
        let node = match statement {
            ast::Statement::Query(query) => self.in_level(|binder| {
                let node = binder.bind_query(query)?;
                binder.settle_unknown(node)
            })?,
            ast::Statement::Insert(_)
            | ast::Statement::Update(_)
            | ast::Statement::Delete(_)
            | ast::Statement::Merge(_) => self.in_level(|binder| binder.bind_modify(statement))?,
            other => return Err(Error::internal(format!("not a statement to plan: {other}"))),
        };
        self.check_privileges(&node)?;
        let command = command_of(&node);
        Ok((node, command))
    }
}

fn command_of(node: &logical::Node) -> Command {
    match node {
        logical::Node::With { body, .. } => command_of(body),
        logical::Node::Modify(modify) => match modify.action {
            logical::ModifyAction::Insert { .. } => Command::Insert,
            logical::ModifyAction::Update { .. } => Command::Update,
            logical::ModifyAction::Delete { .. } => Command::Delete,
            logical::ModifyAction::Instead { event: Event::Delete, .. } => Command::Delete,
            logical::ModifyAction::Instead { .. } => Command::Update,
            logical::ModifyAction::Merge { .. } => Command::Merge,
        },
        _ => Command::Select,
    }
}

//! The bodies of routines in standard SQL (`RETURN expression`, `BEGIN ATOMIC … END`): bound when the routine is made, kept as
//! a text that means the same under any search path, and written back.
//!
//! In what is kept parameters are numbers, so that it does not depend on their names.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use dictdb_catalog::{Catalog, SqlBody, namespaces};
use dictdb_parser::{Limits, Locations, ast};
use dictdb_types::{Datum, Error, Oid, Result, oids};

use crate::bind::{BindContext, Binder, Renaming, RowShape};
use crate::expr::{ColumnId, Expr};
use crate::logical::Node;
use crate::rule::assigned;
use crate::variables::Parameters;
use crate::view::record::Recorder;
use crate::view::tree::{Body, Query};
use crate::view::{Printer, Shown, Style};

/// The search path of the texts that are kept.
const PATH: &[Oid] = &[namespaces::PG_CATALOG];
/// How far the statements of a block are indented.
const BLOCK: i32 = 1;

/// A bound body.
#[derive(Default)]
pub struct BoundBody {
    /// Canonical text, to store.
    pub statements: String,
    /// The columns of tables that it mentions: relation and attnum.
    pub columns: BTreeSet<(Oid, i16)>,
    /// The relations that it reads, changes or names.
    pub relations: BTreeSet<Oid>,
    /// The functions of users that it calls.
    pub functions: BTreeSet<Oid>,
    /// The operators of users that it calls, each with its function.
    pub operators: BTreeSet<(Oid, Oid)>,
    /// The types of users that it casts to.
    pub types: BTreeSet<Oid>,
}

/// A statement with its wording.
struct Recorded {
    query: Query,
    shapes: HashMap<ColumnId, RowShape>,
}

/// Binds the statements of a body. Any error that they have; 0A000 for what is no query.
pub fn bind(body: &SqlBody, parameters: &Parameters, cx: BindContext<'_>) -> Result<BoundBody> {
    let mut bound = BoundBody::default();
    for_each_statement(body, |tree, locations| {
        let (recorded, node, binder) = recorded(tree, locations, body, parameters, (cx, None))?;
        let used = crate::columns::used(&node);
        named_relations(&node, &mut bound.relations);
        bound.functions.extend(binder.user_functions());
        bound.operators.extend(binder.user_operators());
        bound.types.extend(binder.user_types());
        let relations = binder.into_relations();
        // What is below a view is that view's business.
        let mentioned = used.into_iter().chain(assigned(&recorded.query));
        bound.columns.extend(mentioned.filter(|(relation, _)| relations.contains(relation)));
        bound.relations.extend(relations);
        add_stored(&recorded.query, recorded.shapes, cx, &mut bound.statements)
    })?;
    Ok(bound)
}

/// Adds what the default of a parameter uses, by its canonical text.
pub fn note_default(text: &str, cx: BindContext<'_>, uses: &mut BoundBody) -> Result<()> {
    let tree = dictdb_parser::parse_expression(text)?;
    let locations = Locations::default();
    let mut binder = Binder::of_stored_text(cx, &locations);
    let value = binder.in_level(|binder| binder.bind_expr(&tree))?;
    value.visit(&mut |part| note_relation(part, &mut uses.relations));
    uses.functions.extend(binder.user_functions());
    uses.operators.extend(binder.user_operators());
    uses.types.extend(binder.user_types());
    Ok(())
}

/// The text that is kept after something has got another name.
pub fn restated(body: &SqlBody, parameters: &Parameters, names: Renaming<'_>) -> Result<String> {
    let mut text = String::new();
    for_each_statement(body, |tree, locations| {
        let renamed = Some(names.after.catalog.clone());
        let (recorded, ..) = recorded(tree, locations, body, parameters, (names.before, renamed))?;
        add_stored(&recorded.query, recorded.shapes, names.after, &mut text)
    })?;
    Ok(text)
}

/// The body as `pg_get_function_sqlbody` writes it.
pub fn definition(body: &SqlBody, parameters: &Parameters, cx: BindContext<'_>) -> Result<String> {
    let is_return = body.shown.starts_with("RETURN");
    let mut out = String::from(if is_return { "" } else { "BEGIN ATOMIC\n" });
    let mut number = 0;
    for_each_statement(body, |tree, locations| {
        let returns = is_return || body.returns.contains(&number);
        number += 1;
        let (recorded, ..) = recorded(tree, locations, body, parameters, (cx, None))?;
        let printer = Printer::new(cx, Style { pretty: false, wrap: 0 }, recorded.shapes).with_parameters(parameters);
        match &recorded.query.body {
            Body::Select(select) if returns => {
                out.push_str(if is_return { "RETURN " } else { " RETURN " });
                select.list.first().map_or(Ok(()), |(_, expr)| printer.expr(expr, &mut out))?;
                out.push_str(if is_return { "" } else { ";\n" });
                Ok(())
            }
            _ => {
                printer.query(&recorded.query, BLOCK, Shown::default(), &mut out)?;
                out.push_str(";\n");
                Ok(())
            }
        }
    })?;
    if !is_return {
        out.push_str("END");
    }
    Ok(out)
}

fn for_each_statement(body: &SqlBody, mut f: impl FnMut(&ast::Statement, &Locations) -> Result<()>) -> Result<()> {
    for parsed in dictdb_parser::parse(&body.statements, &Limits::default())? {
        match &parsed.statement {
            dictdb_parser::Statement::Sql(tree) => f(tree, &parsed.locations)?,
            dictdb_parser::Statement::Utility(_) => {
                return Err(Error::unsupported("a utility statement in an unquoted SQL function body"));
            }
        }
    }
    Ok(())
}

fn recorded<'a>(
    tree: &ast::Statement,
    locations: &'a Locations,
    body: &'a SqlBody,
    parameters: &'a Parameters,
    (cx, renamed): (BindContext<'a>, Option<Arc<Catalog>>),
) -> Result<(Recorded, Node, Binder<'a>)> {
    let cx = BindContext { search_path: &body.search_path, ..cx };
    let mut binder = Binder::new(cx, locations, parameters.types(), false);
    (binder.keep_casts, binder.ignores_policies) = (true, true);
    binder.variables = Some(parameters);
    binder.recorder = Some(Recorder::new(renamed));
    let node = binder.in_level(|binder| match tree {
        ast::Statement::Query(query) => {
            let node = binder.bind_query(query)?;
            binder.settle_unknown(node)
        }
        change => binder.bind_modify(change),
    })?;
    let query = match tree {
        ast::Statement::Query(_) => binder.recorded_query(),
        _ => binder.recorded_body(),
    };
    let query = query.ok_or_else(|| Error::internal("a statement was bound without being recorded"))?;
    let shapes = std::mem::take(&mut binder.row_shapes);
    Ok((Recorded { query, shapes }, node, binder))
}

fn add_stored(query: &Query, shapes: HashMap<ColumnId, RowShape>, cx: BindContext<'_>, out: &mut String) -> Result<()> {
    let printer = Printer::for_storage(BindContext { search_path: PATH, ..cx }, shapes);
    let mut text = String::new();
    printer.view(query, Shown { visible: true, ..Shown::default() }, &mut text)?;
    out.push_str(text.trim_start());
    out.push_str(";\n");
    Ok(())
}

/// The relations that a plan has as values: `'t'::regclass`.
fn named_relations(node: &Node, relations: &mut BTreeSet<Oid>) {
    crate::columns::for_each_input(node, &mut |input| named_relations(input, relations));
    crate::columns::for_each_expr(node, &mut |expr| {
        expr.visit(&mut |part| match part {
            Expr::Sublink(link) => named_relations(&link.query, relations),
            part => note_relation(part, relations),
        });
    });
}

fn note_relation(expr: &Expr, relations: &mut BTreeSet<Oid>) {
    if let Expr::Const(Datum::Oid(oid), ty) = expr
        && ty.oid == oids::REGCLASS
        && *oid >= Oid::FIRST_NORMAL.0
    {
        relations.insert(Oid(*oid));
    }
}

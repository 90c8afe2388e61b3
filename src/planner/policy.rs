//! The conditions of policies: bound when they are made, and written back.
//!
//! They may contain queries. Columns of the table stand bare in them, but inside a query with the table's name.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_parser::{Locations, ast};
use dictdb_types::{Oid, Result, quote_identifier};

use crate::bind::{BindContext, Binder, Clause, Level, Names, Renaming};
use crate::deparse::QueryText;
use crate::expr::{ColumnId, Expr, Sublink};
use crate::expression_text::{self, Form};
use crate::logical::Column;
use crate::view::record::Recorder;
use crate::view::{Printer, Style, scope_of_table};
use crate::whole_row::WholeRow;

/// A bound condition.
pub struct BoundPolicy {
    /// Canonical text, to store.
    pub text: Arc<str>,
    /// Attnums it mentions; 0 for the whole row.
    pub columns: Vec<i16>,
    /// The relations that its queries read.
    pub relations: Vec<Oid>,
    /// The functions of users that it calls.
    pub functions: Vec<Oid>,
    /// The types of users that it casts to.
    pub types: Vec<Oid>,
}

/// Binds the condition of a policy. 42804 unless it is boolean.
pub fn bind(
    expr: &ast::Expr,
    locations: &Locations,
    relation: &Arc<Relation>,
    cx: BindContext<'_>,
) -> Result<BoundPolicy> {
    let mut binder = Binder::new(cx, locations, &[], false);
    binder.ignores_policies = true;
    let (row, bound) = enter(&mut binder, expr, locations.leftmost(expr), relation, None)?;
    let columns = WholeRow::named(relation, &row).mentions(&bound);
    let (functions, types) = (binder.user_functions(), binder.user_types());
    let text = written(&binder, &bound, (&row, relation), Form::Stored)?;
    let relations = binder.into_relations().into_iter().filter(|oid| *oid != relation.oid).collect();
    Ok(BoundPolicy { text: Arc::from(text), columns, relations, functions, types })
}

/// A stored condition as this search path shows it.
pub fn shown(text: &str, relation: &Arc<Relation>, pretty: bool, cx: BindContext<'_>) -> Result<String> {
    let tree = dictdb_parser::parse_expression(text)?;
    let locations = Locations::default();
    let mut binder = Binder::of_stored_text(cx, &locations);
    binder.ignores_policies = true;
    let (row, bound) = enter(&mut binder, &tree, None, relation, None)?;
    binder.cx = cx;
    written(&binder, &bound, (&row, relation), Form::Shown { pretty })
}

/// The canonical text of a condition after something in it has got another name.
pub fn restated(text: &str, old: &Arc<Relation>, new: &Arc<Relation>, names: Renaming<'_>) -> Result<Arc<str>> {
    let tree = dictdb_parser::parse_expression(text)?;
    let locations = Locations::default();
    let mut binder = Binder::of_stored_text(names.before, &locations);
    binder.ignores_policies = true;
    let renamed = Some(names.after.catalog.clone());
    let (mut row, bound) = enter(&mut binder, &tree, None, old, renamed)?;
    for (column, attnum) in &mut row {
        if let Some(renamed) = new.column(*attnum) {
            column.name = renamed.name.clone();
        }
    }
    binder.cx = names.after;
    written(&binder, &bound, (&row, new), Form::Stored).map(Arc::from)
}

type Row = Vec<(Column, i16)>;

fn enter(
    binder: &mut Binder<'_>,
    tree: &ast::Expr,
    position: Option<u32>,
    relation: &Arc<Relation>,
    renamed: Option<Arc<dictdb_catalog::Catalog>>,
) -> Result<(Row, Expr)> {
    let row = binder.returned_columns(relation);
    let names = Names::of_table(binder.row_name(relation, &relation.name, &row));
    binder.levels.push(Level { names, clause: Clause::Policy, ..Level::default() });
    binder.keep_casts = true;
    binder.recorder = Some(Recorder::new(renamed));
    let bound = binder.bind_expr(tree)?;
    let bound = binder.coerce_to_boolean(bound, "POLICY", position)?;
    Ok((row, bound))
}

/// Queries of a condition, and the columns around them.
struct Queries<'a, 'b> {
    printer: &'a Printer<'b>,
    whole: WholeRow<'a>,
}

impl QueryText for Queries<'_, '_> {
    fn named(&self, expr: &Expr, out: &mut String) -> Result<bool> {
        QueryText::named(&self.whole, expr, out)
    }

    fn sublink(&self, link: &Sublink, out: &mut String) -> Result<()> {
        self.printer.sublink(link, out)
    }
}

fn written(binder: &Binder<'_>, bound: &Expr, (row, relation): (&Row, &Arc<Relation>), form: Form) -> Result<String> {
    let column = |id: ColumnId| {
        let (column, _) = row.iter().find(|(column, _)| column.id == id)?;
        Some(quote_identifier(&column.name).into_owned())
    };
    let shapes = binder.row_shapes.clone();
    let printer = match form {
        Form::Stored => Printer::for_storage(binder.cx, shapes),
        Form::Shown { pretty } => Printer::new(binder.cx, Style { pretty, wrap: 0 }, shapes),
    };
    let queries = Queries { printer: &printer, whole: WholeRow::named(relation, row) };
    let text = || expression_text::text(bound, form, &column, Some(&queries), binder.cx);
    printer.in_scope(|_| scope_of_table(relation, row), text)
}

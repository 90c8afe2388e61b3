//! Assignment to a part of a variable, as PL/pgSQL writes it: `variable[1].field := value`.
//!
//! The host hands it over as `SELECT target, value`. What comes out is an expression that makes the new value of the whole
//! variable, or of the field of a row variable that the part belongs to, of the old one.

use dictdb_parser::node::PathStep;
use dictdb_parser::{Locations, ast};
use dictdb_types::{Error, Result, Type};

use crate::bind::{BindContext, Binder, Level, PartTarget};
use crate::expr::Expr;
use crate::routine::{SimpleExpr, is_plain, is_row, projection, to_inputs};
use crate::variables::Variables;

/// Binds an assignment. The first `names` names of the target make the variable or field. With `given` the value is not the
/// one written but that of a parameter of this type, which comes after all others. `None`: the value takes a query.
pub fn part_assignment(
    statement: &ast::Statement,
    locations: &Locations,
    params: &[Type],
    variables: &dyn Variables,
    (names, given): (usize, Option<Type>),
    cx: BindContext<'_>,
) -> Result<Option<SimpleExpr>> {
    let Some([target, rest @ ..]) = projection(statement) else { return Ok(None) };
    let ast::SelectItem::UnnamedExpr(target) = target else { return Err(Error::internal("an assignment to no name")) };
    let mut binder = Binder::new(cx, locations, params, false);
    binder.variables = Some(variables);
    binder.levels.push(Level::default());
    let (value, position) = match (given, rest) {
        (Some(ty), _) => (Expr::Param(params.len(), ty), None),
        (None, [ast::SelectItem::UnnamedExpr(value)]) => (binder.bind_expr(value)?, locations.leftmost(value)),
        (None, _) => return Ok(None),
    };
    if !is_plain(&mut binder, &value) {
        return Ok(None);
    }
    let (idents, steps) = path(target, names)?;
    let texts: Vec<&str> = idents.iter().map(String::as_str).collect();
    let Some(container) = binder.variable(&texts)? else { return Err(Error::internal("an assignment to no variable")) };
    let ty = container.ty();
    let part = PartTarget { ty, steps: &steps, name: texts[0], position: locations.leftmost(target) };
    let mut bound = binder.assign_steps(&part, container, value, position)?;
    if bound.any(&mut |expr| matches!(expr, Expr::Sublink(_))) {
        return Err(Error::unsupported("a subquery in a subscript of an assignment"));
    }
    if !binder.guarded_functions().is_empty() {
        return Ok(None);
    }
    let calls_routines = !binder.user_functions().is_empty() || binder.runs_statements();
    crate::collation::settle_simple(&mut bound, cx)?;
    crate::fold::fold(&mut bound, cx.env)?;
    to_inputs(&mut bound);
    let fields = match is_row(cx, ty) {
        true => binder.row_fields(&bound),
        false => None,
    };
    let fields = fields.map(|fields| fields.into_iter().map(|(name, ty)| dictdb_types::Field { name, ty }).collect());
    Ok(Some(SimpleExpr { expr: bound, ty, calls_routines, fields }))
}

/// The names in front of a target, and the steps after them.
fn path(target: &ast::Expr, names: usize) -> Result<(Vec<String>, Vec<PathStep<'_>>)> {
    let wrong = || Error::internal("an assignment to something else than a part of a variable");
    let (root, chain): (&ast::Expr, &[ast::AccessExpr]) = match target {
        ast::Expr::CompoundFieldAccess { root, access_chain } => (root, access_chain),
        other => (other, &[]),
    };
    let mut idents = Vec::new();
    let mut steps = Vec::new();
    // The first names of many stand in parentheses.
    let root = if let ast::Expr::Nested(inner) = root { &**inner } else { root };
    match root {
        ast::Expr::Identifier(ident) => idents.push(ident.value.clone()),
        ast::Expr::CompoundIdentifier(parts) => {
            idents.extend(parts.iter().take(names).map(|part| part.value.clone()));
            steps.extend(parts.iter().skip(names).map(PathStep::Field));
        }
        ast::Expr::Value(value) => match &value.value {
            ast::Value::Placeholder(name) => idents.push(name.clone()),
            _ => return Err(wrong()),
        },
        _ => return Err(wrong()),
    }
    for access in chain {
        steps.push(match access {
            ast::AccessExpr::Dot(ast::Expr::Identifier(ident)) => PathStep::Field(ident),
            ast::AccessExpr::Subscript(ast::Subscript::Index { index }) => PathStep::Index(index),
            ast::AccessExpr::Subscript(ast::Subscript::Slice { lower_bound, upper_bound, .. }) => {
                PathStep::Slice(lower_bound.as_ref(), upper_bound.as_ref())
            }
            ast::AccessExpr::Dot(_) => return Err(wrong()),
        });
    }
    Ok((idents, steps))
}

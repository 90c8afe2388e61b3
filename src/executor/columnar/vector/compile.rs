//! From bound expression to [`Vector`].

use dictdb_functions::vector::vector;
use dictdb_planner::expr::{Call, Case, Expr, Function, ScalarArray};
use dictdb_types::{Error, Physical, Result, Type, TypeKind};

use super::super::key::KeyForm;
use super::Vector;
use super::conditional::{CaseVector, MinMaxVector, NullIfVector};
use super::kernel::KernelCall;
use super::membership::{InSet, is_key_equality, is_key_inequality};
use super::rows::{RowKernel, RowsCode};
use crate::eval::{self, CallCode, CompileContext};

/// What compilation needs to know.
#[derive(Clone, Copy)]
pub(crate) struct VectorContext<'a> {
    /// Types and subqueries.
    pub eval: &'a CompileContext<'a>,
    /// Layouts of the columns of a batch.
    pub columns: &'a [Physical],
}

/// Compiles an expression. 0A000 for a function without implementation.
pub(crate) fn compile(expr: &Expr, cx: &VectorContext<'_>) -> Result<Vector> {
    Compiler { cx, operands: Vec::new() }.vector(expr)
}

/// Compiles a list.
pub(crate) fn compile_all<'e>(
    exprs: impl IntoIterator<Item = &'e Expr>,
    cx: &VectorContext<'_>,
) -> Result<Box<[Vector]>> {
    exprs.into_iter().map(|expr| compile(expr, cx)).collect()
}

/// Compiles an optional predicate.
pub(crate) fn compile_predicate(expr: Option<&Expr>, cx: &VectorContext<'_>) -> Result<Option<Vector>> {
    expr.map(|expr| compile(expr, cx)).transpose()
}

/// Stack left below which a deep expression is compiled on a fresh segment, and the size of that segment, in bytes.
const RED_ZONE_BYTES: usize = 96 * 1024;
const SEGMENT_BYTES: usize = 1024 * 1024;
/// Depth from which on an expression is left to the row evaluator, which is safe for the stack.
const MAX_DEPTH: usize = 64;

struct Compiler<'a> {
    cx: &'a VectorContext<'a>,
    /// Layouts of the operands of the CASEs around; they are columns after the batch's.
    operands: Vec<Physical>,
}

impl Compiler<'_> {
    fn vector(&mut self, expr: &Expr) -> Result<Vector> {
        stacker::maybe_grow(RED_ZONE_BYTES, SEGMENT_BYTES, || self.node(expr))
    }

    fn node(&mut self, expr: &Expr) -> Result<Vector> {
        if let Expr::Input(index, _) = expr {
            return Ok(Vector::Column(*index));
        }
        if is_single(expr) {
            let code = eval::compile(expr, self.cx.eval)?;
            return Ok(Vector::Single(Box::new(code), self.physical(expr.ty())));
        }
        if is_deep(expr, MAX_DEPTH) {
            return self.rows(expr);
        }
        match expr {
            Expr::Call(call) => self.call(call),
            Expr::And(items) => Ok(Vector::And(self.vectors(items)?)),
            Expr::Or(items) => Ok(Vector::Or(self.vectors(items)?)),
            Expr::Not(item) => Ok(Vector::Not(Box::new(self.vector(item)?))),
            Expr::IsNull(item, not) if !self.is_composite(item.ty()) => {
                Ok(Vector::IsNull(Box::new(self.vector(item)?), *not))
            }
            Expr::Relabel(item, ty) if self.physical(item.ty()) == self.physical(*ty) => self.vector(item),
            Expr::Case(case) => self.case(case),
            Expr::Coalesce(items, ty) => Ok(Vector::Coalesce(self.vectors(items)?, self.physical(*ty))),
            Expr::NullIf(equality, args) if vector(&equality.source).is_some() && !args.0.is_volatile() => {
                self.null_if(equality, &args.0, &args.1)
            }
            Expr::MinMax(greatest, items, ty) => Ok(Vector::MinMax(Box::new(MinMaxVector {
                greatest: *greatest,
                items: self.vectors(items)?,
                form: KeyForm::of_order(*ty, self.cx.eval.types),
                physical: self.physical(*ty),
            }))),
            Expr::ScalarArray(test) if self.is_set(test) => self.membership(test),
            // What differs from all members is none of them.
            Expr::ScalarArray(test) if self.is_set_difference(test) => {
                Ok(Vector::Not(Box::new(self.membership(test)?)))
            }
            Expr::TestValue(_) => match self.operands.len().checked_sub(1) {
                Some(last) => Ok(Vector::Column(self.cx.columns.len() + last)),
                None => Err(Error::internal("value of a CASE outside one")),
            },
            _ => self.rows(expr),
        }
    }

    fn vectors(&mut self, exprs: &[Expr]) -> Result<Box<[Vector]>> {
        exprs.iter().map(|expr| self.vector(expr)).collect()
    }

    fn call(&mut self, call: &Call) -> Result<Vector> {
        if let Some(kernel) = vector(&call.function.source) {
            let args = self.vectors(&call.args)?;
            return Ok(Vector::Kernel(Box::new(KernelCall { kernel, args })));
        }
        let types = call.args.iter().map(|arg| self.cx.eval.types.base_type(arg.ty())).collect();
        let bare = CallCode::bare(&call.function)?;
        Ok(Vector::RowKernel(Box::new(RowKernel {
            call: CallCode { types, result: call.ty, variadic: call.variadic, ..bare },
            layouts: call.args.iter().map(|arg| self.physical(arg.ty())).collect(),
            args: self.vectors(&call.args)?,
            result: self.physical(call.ty),
        })))
    }

    fn null_if(&mut self, equality: &Function, value: &Expr, other: &Expr) -> Result<Vector> {
        let kernel = vector(&equality.source).ok_or_else(|| Error::internal("equality without a kernel"))?;
        let args = [self.vector(value)?, self.vector(other)?].into();
        let equals = Vector::Kernel(Box::new(KernelCall { kernel, args }));
        Ok(Vector::NullIf(Box::new(NullIfVector { value: self.vector(value)?, equals })))
    }

    fn case(&mut self, case: &Case) -> Result<Vector> {
        let operand = match &case.operand {
            None => None,
            Some(operand) => {
                let vector = self.vector(operand)?;
                self.operands.push(self.physical(operand.ty()));
                Some(vector)
            }
        };
        let conditions: Result<Vec<Vector>> = case.whens.iter().map(|(condition, _)| self.vector(condition)).collect();
        // Results are evaluated while the operand is still there, but may not refer to it.
        let results: Result<Vec<Vector>> = case.whens.iter().map(|(_, result)| self.vector(result)).collect();
        let otherwise = case.otherwise.as_ref().map(|otherwise| self.vector(otherwise)).transpose();
        if operand.is_some() {
            self.operands.pop();
        }
        Ok(Vector::Case(Box::new(CaseVector {
            operand,
            whens: conditions?.into_iter().zip(results?).collect(),
            otherwise: otherwise?,
            result: self.physical(case.ty),
        })))
    }

    /// Leaves an expression to the row evaluator, over the columns it reads.
    fn rows(&mut self, expr: &Expr) -> Result<Vector> {
        let base = self.cx.columns.len();
        let mut inputs: Vec<usize> = Vec::new();
        let mut place = |column: usize| match inputs.iter().position(|input| *input == column) {
            Some(place) => place,
            None => {
                inputs.push(column);
                inputs.len() - 1
            }
        };
        let mut expr = expr.clone();
        let operand = self.operands.len().checked_sub(1).map(|last| base + last);
        rewrite_inputs(&mut expr, operand, &mut place);
        let layout = |column: &usize| match column.checked_sub(base) {
            None => self.cx.columns.get(*column).copied(),
            Some(operand) => self.operands.get(operand).copied(),
        };
        let layouts = inputs.iter().map(|column| layout(column).map(|layout| (*column, layout)));
        let missing = || Error::internal("expression over a column that does not exist");
        Ok(Vector::Rows(Box::new(RowsCode {
            code: eval::compile(&expr, self.cx.eval)?,
            inputs: layouts.collect::<Option<_>>().ok_or_else(missing)?,
            result: self.physical(expr.ty()),
        })))
    }

    fn membership(&mut self, test: &ScalarArray) -> Result<Vector> {
        Ok(Vector::InSet(Box::new(InSet {
            left: self.vector(&test.left)?,
            physical: self.physical(test.left.ty()),
            oid: self.cx.eval.types.base_type(test.left.ty()).oid,
            array: eval::compile(&test.array, self.cx.eval)?,
        })))
    }

    fn is_set(&self, test: &ScalarArray) -> bool {
        !test.all && test.function.strict && is_single(&test.array) && is_key_equality(&test.function)
    }

    fn is_set_difference(&self, test: &ScalarArray) -> bool {
        test.all && test.function.strict && is_single(&test.array) && is_key_inequality(&test.function)
    }

    fn is_composite(&self, ty: Type) -> bool {
        let base = self.cx.eval.types.base_type(ty);
        let info = self.cx.eval.types.type_info(base.oid);
        base.oid == dictdb_types::oids::RECORD
            || info.is_some_and(|info| matches!(info.kind, TypeKind::Composite(_)) || info.relation.is_valid())
    }

    fn physical(&self, ty: Type) -> Physical {
        self.cx.eval.types.physical(ty.oid)
    }
}

/// Renumbers the columns of an expression; the operand of a CASE around it becomes one of them.
fn rewrite_inputs(expr: &mut Expr, operand: Option<usize>, place: &mut dyn FnMut(usize) -> usize) {
    match expr {
        Expr::Input(index, _) => *index = place(*index),
        Expr::TestValue(ty) => {
            if let Some(operand) = operand {
                *expr = Expr::Input(place(operand), *ty);
            }
        }
        // Below these, the test value is their own.
        Expr::Case(case) if case.operand.is_some() => {
            case.operand.iter_mut().for_each(|inner| rewrite_inputs(inner, operand, place));
            for (condition, result) in &mut case.whens {
                rewrite_inputs(condition, None, place);
                rewrite_inputs(result, operand, place);
            }
            case.otherwise.iter_mut().for_each(|inner| rewrite_inputs(inner, operand, place));
        }
        Expr::ArrayCoerce(array, item, _) => {
            rewrite_inputs(array, operand, place);
            rewrite_inputs(item, None, place);
        }
        other => other.for_each_child_mut(&mut |child| rewrite_inputs(child, operand, place)),
    }
}

/// Whether an expression has one value for all rows of a batch.
fn is_single(expr: &Expr) -> bool {
    !expr.is_volatile() && !expr.any(&mut |part| matches!(part, Expr::Input(..) | Expr::TestValue(_)))
}

/// Whether an expression has more levels than this.
fn is_deep(expr: &Expr, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return true };
    let mut deep = false;
    expr.for_each_child(&mut |child| deep = deep || is_deep(child, below));
    deep
}

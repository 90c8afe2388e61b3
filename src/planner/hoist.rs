//! Calls of users' functions taken out of an expression, so that whoever has the session makes them one after the other
//! instead of lending the session to the whole expression.
//!
//! ```text
//!   a / b + f(g(x) * 2)      →      $n   := a / b          everything is evaluated in the order in which
//!                                   $n+1 := g(x)           the expression would have evaluated it
//!                                   $n+2 := f($n+1 * 2)
//!                                   $n + $n+2
//! ```

use dictdb_types::Type;

use crate::expr::{Call, Expr, Function};

/// Something that is evaluated before the rest of an expression; its value is the next input.
#[derive(Debug)]
pub enum Step {
    /// An expression without calls of users' functions.
    Value(Expr),
    /// A call of a user's function; its arguments have none.
    Call(Box<Call>),
}

/// Takes the calls of some functions out of an expression over inputs; the steps fill the inputs from a number on. `None`: a
/// call is made under a condition only, and the expression is of no use any more.
pub fn hoist(expr: &mut Expr, is_routine: &dyn Fn(&Function) -> bool, first: usize) -> Option<Vec<Step>> {
    let mut hoist = Hoist { is_routine, first, steps: Vec::new() };
    if hoist.has_call(expr) {
        hoist.take(expr)?;
    }
    Some(hoist.steps)
}

struct Hoist<'a> {
    is_routine: &'a dyn Fn(&Function) -> bool,
    first: usize,
    steps: Vec<Step>,
}

impl Hoist<'_> {
    fn has_call(&self, expr: &Expr) -> bool {
        expr.any(&mut |expr| matches!(expr, Expr::Call(call) if (self.is_routine)(&call.function)))
    }

    /// Takes the calls out of an expression that has some.
    fn take(&mut self, expr: &mut Expr) -> Option<()> {
        let (mut number, mut last) = (0, None);
        expr.for_each_child(&mut |child| {
            if self.has_call(child) {
                last = Some(number);
            }
            number += 1;
        });
        if let Some(last) = last {
            if last >= always_evaluated(expr) {
                return None;
            }
            let (mut number, mut taken) = (0, Some(()));
            expr.for_each_child_mut(&mut |child| {
                if taken.is_some() && number < last {
                    taken = self.settle(child);
                } else if taken.is_some() && number == last {
                    taken = self.take(child);
                }
                number += 1;
            });
            taken?;
        }
        if let Expr::Call(call) = expr
            && (self.is_routine)(&call.function)
        {
            let ty = call.ty;
            let Expr::Call(call) = std::mem::replace(expr, self.next(ty)) else { return None };
            self.steps.push(Step::Call(call));
        }
        Some(())
    }

    /// An operand in front of a call: evaluated before it.
    fn settle(&mut self, operand: &mut Expr) -> Option<()> {
        if self.has_call(operand) {
            self.take(operand)?;
        }
        if matches!(operand, Expr::Input(..) | Expr::Const(..)) {
            return Some(());
        }
        if operand.any(&mut |expr| matches!(expr, Expr::TestValue(_))) {
            return None;
        }
        let next = self.next(operand.ty());
        let value = std::mem::replace(operand, next);
        self.steps.push(Step::Value(value));
        Some(())
    }

    /// The input that the next step fills.
    fn next(&self, ty: Type) -> Expr {
        Expr::Input(self.first + self.steps.len(), ty)
    }
}

/// How many operands are evaluated whatever the values of the others are.
fn always_evaluated(expr: &Expr) -> usize {
    match expr {
        Expr::And(_)
        | Expr::Or(_)
        | Expr::Coalesce(..)
        | Expr::Case(_)
        | Expr::RowCompare(..)
        | Expr::ArrayCoerce(..) => 1,
        Expr::Assign(_) | Expr::Sublink(_) | Expr::Subplan(_) | Expr::Aggregate(_) | Expr::Window(_) => 0,
        _ => usize::MAX,
    }
}

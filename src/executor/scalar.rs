//! Expressions on their own, outside of a plan: over a row of values, without subqueries.

use dictdb_planner::expr::Expr;
use dictdb_types::{Datum, Env, Result, TypeLookup};

use crate::eval::{Code, CompileContext, Scope, compile};

/// A compiled expression. Its inputs are positions in the row it is evaluated over.
#[derive(Debug)]
pub struct Expression(Code);

impl Expression {
    /// Compiles an expression. 0A000 for a function without implementation.
    pub fn compile(expr: &Expr, types: &dyn TypeLookup) -> Result<Self> {
        compile(expr, &CompileContext::of_table(types)).map(Expression)
    }

    /// The value.
    pub fn eval(&self, env: &dyn Env, row: &[Datum]) -> Result<Datum> {
        self.0.eval(Scope::of_table(env, row))
    }

    /// The value of an assignment to a part of a value in the row. An array that only the row holds is changed where it is and
    /// taken out of the row, so that filling one element by element is no work for each of the others.
    pub fn assign(&self, env: &dyn Env, row: &mut [Datum]) -> Result<Datum> {
        match &self.0 {
            Code::Assign(assign) if assign.is_element_of_input(row) => assign.in_place(env, row),
            code => code.eval(Scope::of_table(env, row)),
        }
    }

    /// Whether the value is true: neither false nor NULL.
    pub fn is_true(&self, env: &dyn Env, row: &[Datum]) -> Result<bool> {
        self.0.is_true(Scope::of_table(env, row))
    }
}

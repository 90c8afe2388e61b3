//! Expressions on their own, outside of a plan: over a row of values, without subqueries.

use std::sync::Arc;

use dictdb_planner::expr::Expr;
use dictdb_types::{Datum, Env, Error, Result, TypeLookup};

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

    /// The value into a place of the row.
    pub fn store(&self, env: &dyn Env, row: &mut [Datum], place: usize) -> Result<()> {
        if let Code::Call(call) = &self.0
            && call.appends_to(row, place)
        {
            return call.append_in_place(env, row, place);
        }
        let value = self.0.register(&Scope::of_table(env, row))?;
        value.put(&mut row[place]);
        Ok(())
    }

    /// The value into a field of a row value that is in a place of the row.
    pub fn store_field(&self, env: &dyn Env, row: &mut [Datum], (place, field): (usize, usize)) -> Result<()> {
        let value = self.0.register(&Scope::of_table(env, row))?;
        match &mut row[place] {
            // A row that only this place holds is changed where it is.
            Datum::Record(record) => value.put(&mut Arc::make_mut(record).fields[field]),
            other => return Err(Error::internal(format!("a field of {other:?}"))),
        }
        Ok(())
    }

    /// The value of an assignment to a part of a value in the row; `None`: an array that only the row holds was changed where it
    /// is, so that filling one element by element is no work for each of the others.
    pub fn assign(&self, env: &dyn Env, row: &mut [Datum]) -> Result<Option<Datum>> {
        match &self.0 {
            Code::Assign(assign) if assign.is_element_of_input(row) => assign.in_place(env, row).map(|()| None),
            code => code.eval(Scope::of_table(env, row)).map(Some),
        }
    }

    /// Whether the value is true: neither false nor NULL.
    pub fn is_true(&self, env: &dyn Env, row: &[Datum]) -> Result<bool> {
        self.0.holds(&Scope::of_table(env, row))
    }
}

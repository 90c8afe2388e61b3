//! The interpreter: one call of a function, statement by statement.
//!
//! ```text
//!   mod        calls: entry, result, exit                 assign    values into variables and their parts
//!   flow       blocks, IF, CASE, loops over ranges, RETURN  query     SQL statements, EXECUTE, loops over rows
//!   exception  handlers, RAISE, ASSERT                    cursor    OPEN, FETCH, MOVE, CLOSE
//!   field      fields of rows                             report    GET DIAGNOSTICS
//!   activation what calls leave to the next ones
//! ```

mod activation;
mod assign;
mod cursor;
mod exception;
mod field;
mod flow;
mod query;
mod raise;
mod report;
mod result;
mod trigger;

use std::sync::Arc;

use dictdb_types::{Datum, Error, Field, Oid, Result, SqlState, Type};

pub use trigger::{TriggerData, call_trigger};

use crate::context::{CallSite, Place as ContextPlace};
use crate::host::Host;
use crate::names::Shape;
use crate::sql::Sql;
use crate::tree::{Activation, Frame, Function, Kind, Label, RowVariable, Statement};

/// Arguments of a call.
pub struct Arguments<'a> {
    /// Values of the input parameters.
    pub values: &'a [Datum],
    /// `pg_proc.oid`, for GET DIAGNOSTICS.
    pub oid: Oid,
}

/// What a call gives.
pub enum Returned {
    /// A value; of a procedure the row of its output parameters.
    Value(Datum),
    /// The rows of a set.
    Rows(Vec<Datum>),
}

/// How a statement ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flow {
    Next,
    Exit(Option<Label>),
    Continue(Option<Label>),
    Return,
}

/// A value with its type, and the fields of a row.
pub(crate) struct Value {
    pub datum: Datum,
    pub ty: Type,
    pub fields: Option<Shape>,
}

/// One call.
pub(crate) struct Interpreter<'a> {
    pub function: &'a Function,
    pub frame: Frame,
    pub host: &'a mut dyn Host,
    pub site: Arc<CallSite>,
    pub returned: Option<Value>,
    pub rows: Vec<Datum>,
    pub row_count: u64,
    pub oid: Oid,
    /// Errors whose handlers run, innermost last, with their whole CONTEXT.
    pub caught: Vec<Error>,
    /// The error on its way out has the line of this call already.
    pub context_is_complete: bool,
    pub ticks: u32,
}

/// Runs of loops and statements between two looks at the interrupt flag.
const TICKS_PER_CHECK: u32 = 256;

/// Calls a function.
pub fn call(
    function: &Function,
    activation: &mut Activation,
    arguments: Arguments<'_>,
    host: &mut dyn Host,
) -> Result<Returned> {
    let mut interpreter = Interpreter::new(function, activation, arguments.oid, host);
    interpreter.enter_arguments(arguments.values);
    interpreter.finish(activation, |interpreter| {
        let flow = interpreter.block(&function.body)?;
        interpreter.site.at(ContextPlace::outside("during function exit"));
        interpreter.result(flow)
    })
}

impl<'a> Interpreter<'a> {
    pub(crate) fn new(function: &'a Function, activation: &mut Activation, oid: Oid, host: &'a mut dyn Host) -> Self {
        Interpreter {
            function,
            frame: std::mem::take(&mut activation.frame),
            host,
            site: activation.site.clone(),
            returned: None,
            rows: Vec::new(),
            row_count: 0,
            oid,
            caught: Vec::new(),
            context_is_complete: false,
            ticks: 0,
        }
    }

    fn enter_arguments(&mut self, values: &[Datum]) {
        for (variable, value) in self.function.inputs.iter().zip(values) {
            self.set_row_shape(*variable, value);
            self.frame.values[*variable] = value.clone();
        }
    }

    /// A record that comes from outside has the names that its type gives, or f1, f2 and so on.
    fn set_row_shape(&mut self, variable: usize, value: &Datum) {
        if let (Some(RowVariable::Record), Datum::Record(record)) = (&self.function.variables[variable].row, value) {
            self.frame.shapes[variable] = Some(self.fields_of_record(record));
        }
    }

    pub(crate) fn fields_of_record(&mut self, record: &dictdb_types::Record) -> Shape {
        match self.host.fields(Type::new(record.ty)) {
            Some(fields) => fields,
            None => {
                let field = |(index, ty): (usize, &Oid)| Field {
                    name: Arc::from(format!("f{}", index + 1)),
                    ty: Type::new(*ty),
                };
                record.types.iter().enumerate().map(field).collect()
            }
        }
    }

    /// Runs the call with its place on the stack of calls, and adds its line of CONTEXT to an error.
    fn finish<T>(&mut self, activation: &mut Activation, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.host.enter(self.site.clone());
        let result = run(self);
        self.host.leave();
        let result = result.map_err(|error| match self.context_is_complete {
            true => error,
            false => error.context(self.site.line()),
        });
        activation.frame = std::mem::take(&mut self.frame);
        result
    }

    pub(crate) fn statements(&mut self, statements: &[Statement]) -> Result<Flow> {
        // What surrounds the statements is where the call is again after them.
        let outer = self.site.place();
        let mut flow = Flow::Next;
        for statement in statements {
            self.site.at(statement.place);
            // What loops do most is done here; everything else is worth a call.
            let next = match &statement.kind {
                Kind::Set { variable, ty, value } => {
                    self.host.assign(value, &mut self.frame, self.function, *variable, Some(*ty))?;
                    continue;
                }
                Kind::Null => continue,
                Kind::If { branches, otherwise } => self.if_statement(branches, otherwise)?,
                Kind::Exit { is_exit, label, condition } => {
                    self.exit_statement(*is_exit, *label, condition.as_ref())?
                }
                _ => self.statement(statement)?,
            };
            if !matches!(next, Flow::Next) {
                flow = next;
                break;
            }
        }
        self.site.at(outer);
        Ok(flow)
    }

    /// Loops and long lists of statements can be interrupted.
    #[inline]
    pub(crate) fn tick(&mut self) -> Result<()> {
        self.ticks += 1;
        if self.ticks < TICKS_PER_CHECK {
            return Ok(());
        }
        self.check_interrupts()
    }

    #[cold]
    fn check_interrupts(&mut self) -> Result<()> {
        self.ticks = 0;
        self.host.env().check_interrupts()
    }

    #[inline(never)]
    fn statement(&mut self, statement: &Statement) -> Result<Flow> {
        self.tick()?;
        match &statement.kind {
            Kind::Set { variable, ty, value } => {
                self.host.assign(value, &mut self.frame, self.function, *variable, Some(*ty))?;
            }
            Kind::Assign { place, value } => self.assign_expression(place, value)?,
            Kind::AssignPart { place, part } => self.assign_part(place, part)?,
            Kind::If { branches, otherwise } => return self.if_statement(branches, otherwise),
            Kind::Block(block) => return self.block(block),
            Kind::Case { operand, branches, otherwise } => {
                return self.case_statement(operand.as_ref(), branches, otherwise.as_deref());
            }
            Kind::Loop(body) => return self.loop_statement(body),
            Kind::While { condition, body } => return self.while_statement(condition, body),
            Kind::ForRange { variable, reverse, first, last, step, body } => {
                return self.for_range(*variable, *reverse, (first, last, step.as_ref()), body);
            }
            Kind::ForQuery { target, query, body } => return self.for_query(target, query, body),
            Kind::ForExecute { target, dynamic, body } => return self.for_execute(target, dynamic, body),
            Kind::ForCursor { row, cursor, args, body } => return self.for_cursor(*row, *cursor, args, body),
            Kind::Foreach { target, slice, array, body } => return self.foreach(target, *slice, array, body),
            Kind::Exit { is_exit, label, condition } => {
                return self.exit_statement(*is_exit, *label, condition.as_ref());
            }
            Kind::Return(value) => return self.return_statement(value.as_ref()),
            Kind::ReturnNext(value, row) => self.return_next(value.as_ref(), *row)?,
            Kind::ReturnQuery(query) => self.return_query(query)?,
            Kind::ReturnExecute(dynamic) => self.return_execute(dynamic)?,
            Kind::Raise(raise) => self.raise(raise)?,
            Kind::Assert { condition, message } => self.assert(condition, message.as_ref())?,
            Kind::Sql { sql, into } => self.sql_statement(sql, into.as_ref())?,
            Kind::Execute { dynamic, into } => self.execute_statement(dynamic, into.as_ref())?,
            Kind::GetDiagnostics { stacked, items } => self.diagnostics(*stacked, items)?,
            Kind::OpenBound { cursor, args } => self.open_bound(*cursor, args)?,
            Kind::OpenQuery { cursor, scroll, query } => self.open_query(*cursor, *scroll, query)?,
            Kind::OpenExecute { cursor, scroll, dynamic } => self.open_execute(*cursor, *scroll, dynamic)?,
            Kind::Fetch { cursor, count, target } => self.fetch(*cursor, count, target.as_ref())?,
            Kind::Close { cursor } => self.close(*cursor)?,
            Kind::Perform(sql) => self.perform(sql)?,
            Kind::Call { sql, is_call } => self.call_statement(sql, *is_call)?,
            Kind::EndTransaction { commit, chain } => self.host.end_transaction(*commit, *chain)?,
            Kind::Null => {}
        }
        Ok(Flow::Next)
    }

    /// The value of an expression.
    pub(crate) fn evaluate(&mut self, sql: &Sql) -> Result<Value> {
        let (datum, ty, fields) = self.host.evaluate(sql, &mut self.frame, self.function, None)?;
        Ok(Value { datum, ty, fields })
    }

    /// The value of an expression as one of a type.
    #[inline]
    pub(crate) fn evaluate_as(&mut self, sql: &Sql, ty: Type) -> Result<Datum> {
        self.host.value(sql, &mut self.frame, self.function, ty)
    }

    /// Whether a condition is true.
    #[inline]
    pub(crate) fn condition(&mut self, sql: &Sql) -> Result<bool> {
        self.host.is_true(sql, &mut self.frame, self.function)
    }

    pub(crate) fn set_found(&mut self, found: bool) {
        self.frame.values[self.function.found] = Datum::Bool(found);
    }

    /// The text of a value; `None` for NULL.
    pub(crate) fn text_of(&mut self, value: &Value) -> Result<Option<String>> {
        if value.datum.is_null() {
            return Ok(None);
        }
        self.host.text(&value.datum, value.ty).map(Some)
    }

    /// What a domain is over; other types as they are.
    pub(crate) fn base_type(&mut self, ty: Type) -> Type {
        match ty.oid >= Oid::FIRST_NORMAL {
            true => self.host.env().base_type(ty),
            false => ty,
        }
    }

    /// PostgreSQL's name of a type.
    pub(crate) fn type_name(&mut self, ty: Type) -> String {
        let env = self.host.env();
        env.reg_out(dictdb_types::RegKind::Type, ty.oid)
    }
}

/// 22004.
pub(crate) fn null_error(message: impl Into<String>) -> Error {
    Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message)
}

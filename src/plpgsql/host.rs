//! What the interpreter asks of the session it runs in.

use std::sync::Arc;

use dictdb_types::{Datum, Env, Error, Field, Result, Type};

use crate::context::CallSite;
use crate::sql::Sql;
use crate::tree::{Frame, Function};

/// Resolves type names while a function is compiled.
pub trait TypeSource {
    /// The type a name means, `table.column%TYPE` and `table%ROWTYPE` included. 42704, 42P01.
    fn named(&mut self, name: &str) -> Result<Type>;

    /// The fields of a composite type.
    fn fields(&mut self, ty: Type) -> Option<Arc<[Field]>>;

    /// The element type of an array type.
    fn element(&mut self, ty: Type) -> Option<Type>;

    /// The array type over an element type.
    fn array_of(&mut self, ty: Type) -> Option<Type>;

    /// `plpgsql.variable_conflict` and its like.
    fn setting(&mut self, name: &str) -> String;
}

/// Parameters of a statement that is made while the function runs.
pub type Params = Vec<(Datum, Type)>;

/// What a statement did.
#[derive(Debug, Default)]
pub struct Executed {
    /// Columns of its result; `None` when it returns no rows.
    pub columns: Option<Arc<[Field]>>,
    /// Rows, as far as they were asked for.
    pub rows: Vec<Vec<Datum>>,
    /// Rows returned or changed.
    pub processed: u64,
    /// The first word of its tag.
    pub command: String,
}

/// Where FETCH and MOVE go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Forward by a number of rows; `i64::MAX` is all.
    Forward(i64),
    /// Backward by a number of rows.
    Backward(i64),
    /// To a row by number.
    Absolute(i64),
    /// By a distance from the current row.
    Relative(i64),
}

/// The session of a running function.
pub trait Host: TypeSource {
    /// Settings, types, clock, interrupts.
    fn env(&mut self) -> Arc<dyn Env>;

    /// The value of an expression and its type. With a target it is converted to it as an assignment does, unless it is a
    /// row; then the fields are given too.
    fn evaluate(
        &mut self,
        sql: &Sql,
        frame: &Frame,
        function: &Function,
        target: Option<Type>,
    ) -> Result<(Datum, Type, Option<Arc<[Field]>>)>;

    /// Runs a statement, reading at most so many rows.
    fn execute(&mut self, sql: &Sql, frame: &Frame, function: &Function, limit: usize) -> Result<Executed>;

    /// Runs a statement made while the function runs.
    fn execute_text(&mut self, text: &str, params: Params, limit: usize) -> Result<Executed>;

    /// Runs CALL and gives the values of the output parameters; `None` when there are none. The second value has the
    /// arguments that stand for them, as text.
    fn execute_call(
        &mut self,
        sql: &Sql,
        frame: &Frame,
        function: &Function,
    ) -> Result<Option<(Executed, Vec<Option<String>>)>>;

    /// Opens a cursor over a query; its name.
    fn open(
        &mut self,
        name: Option<&str>,
        sql: &Sql,
        frame: &Frame,
        function: &Function,
        scroll: Option<bool>,
    ) -> Result<Arc<str>>;

    /// Likewise over a query made while the function runs.
    fn open_text(&mut self, name: Option<&str>, text: &str, params: Params, scroll: Option<bool>) -> Result<Arc<str>>;

    /// Moves a cursor; with `keep` its rows are given. 34000.
    fn fetch(&mut self, cursor: &str, direction: Direction, keep: bool) -> Result<Executed>;

    /// Closes a cursor. 34000.
    fn close(&mut self, cursor: &str) -> Result<()>;

    /// A value as one of another type, as an assignment converts it.
    fn cast(&mut self, value: Datum, from: Type, to: Type) -> Result<Datum>;

    /// The text of a value.
    fn text(&mut self, value: &Datum, ty: Type) -> Result<String>;

    /// Begins a part of the transaction that can be taken back.
    fn begin_part(&mut self) -> Result<()>;

    /// Ends the innermost part: keeps it, or takes it back.
    fn end_part(&mut self, keep: bool) -> Result<()>;

    /// COMMIT or ROLLBACK inside a procedure. 2D000 where that is not allowed.
    fn end_transaction(&mut self, commit: bool, chain: bool) -> Result<()>;

    /// Sends a notice or warning.
    fn notice(&mut self, notice: Error);

    /// The calls that run are on a stack, for CONTEXT.
    fn enter(&mut self, call: Arc<CallSite>);

    /// The innermost call has ended.
    fn leave(&mut self);

    /// CONTEXT of all calls but the innermost, which come after its own.
    fn outer_context(&mut self) -> Vec<String>;
}

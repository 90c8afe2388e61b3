//! What the interpreter asks of the session it runs in.

use std::sync::Arc;

use dictdb_types::{Datum, Env, Error, Field, Result, Type};

use crate::context::CallSite;
use crate::sql::Sql;
use crate::tree::{Frame, Function, PartAssignment};

/// Resolves type names while a function is compiled.
pub trait TypeSource {
    /// The type a name means, `table.column%TYPE` and `table%ROWTYPE` included. 42704, 42P01.
    fn named(&mut self, name: &str) -> Result<Type>;

    /// The fields of a composite type.
    fn fields(&mut self, ty: Type) -> Option<Arc<[Field]>>;

    /// What a domain is over; other types as they are.
    fn base(&mut self, ty: Type) -> Type;

    /// The element type of an array type.
    fn element(&mut self, ty: Type) -> Option<Type>;

    /// The array type over an element type.
    fn array_of(&mut self, ty: Type) -> Option<Type>;

    /// 42804 for a type that has no collations, 42704 for a collation that there is not.
    fn check_collation(&mut self, ty: Type, name: &str) -> Result<()>;

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
    pub command: std::borrow::Cow<'static, str>,
}

/// An output parameter of a procedure in a call.
#[derive(Debug)]
pub struct CallOutput {
    /// Its name.
    pub name: Arc<str>,
    /// The names of the argument that stands for it; `None` when that is no name.
    pub argument: Option<Vec<String>>,
}

/// What is wanted of a statement's rows.
#[derive(Clone, Copy, Debug)]
pub enum Read {
    /// All of them, if it returns any.
    All,
    /// The first one, and whether there is another.
    Two,
    /// All of them; 42601 from a statement that returns none.
    Tuples,
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

/// How a cursor is opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// Its name, if it has one.
    pub name: Option<&'a str>,
    /// `[NO] SCROLL`.
    pub scroll: Option<bool>,
    /// A loop reads it: it outlives the end of the transaction.
    pub pinned: bool,
    /// Somebody may say `CURRENT OF` it: there is a variable with its name.
    pub placed: bool,
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
        frame: &mut Frame,
        function: &Function,
        target: Option<Type>,
    ) -> Result<(Datum, Type, Option<Arc<[Field]>>)>;

    /// The value of an expression, converted to a type as an assignment does.
    fn value(&mut self, sql: &Sql, frame: &mut Frame, function: &Function, target: Type) -> Result<Datum>;

    /// The value of an expression into a variable of a type, converted to it as an assignment does; without a type as it is,
    /// and the type it has is given.
    fn assign(
        &mut self,
        sql: &Sql,
        frame: &mut Frame,
        function: &Function,
        variable: usize,
        target: Option<Type>,
    ) -> Result<Type>;

    /// The value of an expression into a field of a row variable, if the expression is simple and of the field's type already;
    /// whether it was.
    fn assign_field(&mut self, sql: &Sql, frame: &mut Frame, field: (usize, usize), ty: Type) -> Result<bool>;

    /// Whether a condition is true.
    fn is_true(&mut self, sql: &Sql, frame: &mut Frame, function: &Function) -> Result<bool>;

    /// The value of a variable, or of a field of one, with a part of it assigned; `None`: the variable has been changed where
    /// it is.
    fn evaluate_part(&mut self, part: &PartAssignment, frame: &mut Frame, function: &Function)
    -> Result<Option<Datum>>;

    /// Runs a statement, reading at most so many rows. With `must_return` it has to return some: 42601.
    fn execute(&mut self, sql: &Sql, frame: &Frame, function: &Function, read: Read) -> Result<Executed>;

    /// Runs a statement made while the function runs.
    fn execute_text(&mut self, text: &str, params: Params, read: Read) -> Result<Executed>;

    /// Whether statements of the function may end the transaction.
    fn is_nonatomic(&self) -> bool;

    /// Runs CALL and gives the values of the output parameters; `None` when there are none. Before it runs, `check` is told
    /// the parameters and their arguments.
    fn execute_call(
        &mut self,
        sql: &Sql,
        frame: &Frame,
        function: &Function,
        check: &mut dyn FnMut(&[CallOutput]) -> Result<()>,
    ) -> Result<Option<Executed>>;

    /// Opens a cursor over a query; its name.
    fn open(&mut self, how: Opening<'_>, sql: &Sql, frame: &Frame, function: &Function) -> Result<Arc<str>>;

    /// Likewise over a query made while the function runs.
    fn open_text(&mut self, how: Opening<'_>, text: &str, params: Params) -> Result<Arc<str>>;

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

//! Calls in places that take sets: set-returning functions, and scalar ones as sets of one value.

use dictdb_functions::CallContext;
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_planner::expr::Expr;
use dictdb_types::{Datum, Error, Field, Oid, Result, Type};

use crate::eval::{Code, CompileContext, Scope, compile, compile_all};
use crate::row::Row;

/// A compiled call.
#[derive(Debug)]
pub(crate) enum SetCall {
    /// A set-returning function.
    Set {
        /// Its kernel.
        kernel: SetFn,
        /// `pg_proc.oid`.
        function: Oid,
        /// NULL in, no rows out.
        strict: bool,
        /// Arguments.
        args: Box<[Code]>,
        /// Their types.
        types: Box<[Type]>,
        /// Type of a row.
        result: Type,
        /// `VARIADIC array` over `"any"`.
        variadic: bool,
        /// The column definition list of a call in FROM.
        columns: Box<[Field]>,
    },
    /// Anything else gives one value.
    Scalar(Code),
}

impl SetCall {
    /// Compiles a call. 0A000 for a set-returning function without implementation.
    pub fn compile(expr: &Expr, cx: &CompileContext<'_>) -> Result<Self> {
        let Expr::Call(call) = expr else { return compile(expr, cx).map(SetCall::Scalar) };
        if !call.function.returns_set {
            return compile(expr, cx).map(SetCall::Scalar);
        }
        let kernel = call.function.set.ok_or_else(|| {
            Error::unsupported(format_args!("function {} (oid {})", call.function.name, call.function.oid))
        })?;
        Ok(SetCall::Set {
            kernel,
            function: call.function.oid,
            strict: call.function.strict,
            args: compile_all(&call.args, cx)?,
            types: call.args.iter().map(|arg| cx.types.base_type(arg.ty())).collect(),
            result: call.ty,
            variadic: call.variadic,
            columns: call.columns.clone(),
        })
    }

    /// Begins a call.
    pub fn start(&self, scope: Scope<'_>) -> Result<SetRows> {
        match self {
            SetCall::Scalar(code) => Ok(SetRows::One(Some(code.eval(scope)?))),
            SetCall::Set { kernel, function, strict, args, types, result, variadic, columns } => {
                let mut values = Row::new();
                crate::eval::eval_into(args, scope, &mut values)?;
                if *strict && values.iter().any(Datum::is_null) {
                    return Ok(SetRows::One(None));
                }
                let call = CallContext::new(scope.env, types, *result);
                let cx = CallContext { variadic: *variadic, function: *function, columns, ..call };
                kernel(&cx, &values).map(SetRows::Many)
            }
        }
    }
}

/// The values of a call.
pub(crate) enum SetRows {
    /// At most one.
    One(Option<Datum>),
    /// Those of a set-returning function.
    Many(Rows),
    /// Those of either, with the ones that were read; how many were since the last beginning.
    Kept(Box<SetRows>, Vec<Datum>, usize),
}

impl SetRows {
    /// The same values, which can be had again.
    pub fn kept(self) -> SetRows {
        SetRows::Kept(Box::new(self), Vec::new(), 0)
    }

    /// Begins again; false when the values are not kept.
    pub fn rewind(&mut self) -> bool {
        match self {
            SetRows::Kept(_, _, read) => {
                *read = 0;
                true
            }
            _ => false,
        }
    }

    /// The next value.
    pub fn next(&mut self) -> Result<Option<Datum>> {
        match self {
            SetRows::One(value) => Ok(value.take()),
            SetRows::Many(rows) => rows.next().transpose(),
            SetRows::Kept(rest, seen, read) => {
                if *read == seen.len() {
                    let Some(value) = rest.next()? else { return Ok(None) };
                    seen.push(value);
                }
                *read += 1;
                Ok(seen.get(*read - 1).cloned())
            }
        }
    }
}

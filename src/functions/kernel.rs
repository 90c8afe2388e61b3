//! How a function is called: the context of a call, the shape of an implementation, the table that finds it.
//!
//! Implementations are attached to `pg_proc` entries by `prosrc`, the C symbol PostgreSQL itself binds to
//! (`int4pl`, `textcat`). The few built-in functions that PostgreSQL writes in SQL have no symbol of their own; their
//! key is the signature as `regprocedure` prints it without schema, for example `lpad(text,integer)`.
//!
//! Functions that read the catalog or the session live in upper crates; they join through [`Registry::with`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use dictdb_types::{Datum, Env, Field, Oid, Result, Type, oids, quote_all_identifiers, quote_identifier};

use crate::facts::{Proc, ids};
use crate::resolve::{BuiltinScope, format_type};
use crate::scalar::{families, type_io};
use crate::set_returning::{self, SetFn};

/// What a function may know of its call besides the values.
#[derive(Clone, Copy)]
pub struct CallContext<'a> {
    /// Settings, types, clock of the running statement.
    pub env: &'a dyn Env,
    /// `pg_proc.oid` of the function where one kernel serves many (functions that users wrote); otherwise zero.
    pub function: Oid,
    /// Types of the arguments as resolved: never polymorphic, `unknown` only where PostgreSQL leaves it (`"any"`).
    pub args: &'a [Type],
    /// Type of the result as resolved.
    pub result: Type,
    /// The column definition list of a call in FROM, `f(…) AS t(name type, …)`; otherwise empty.
    pub columns: &'a [Field],
    /// Whether the last argument was written `VARIADIC array` to a function over `"any"`.
    pub variadic: bool,
}

impl<'a> CallContext<'a> {
    /// The context of an ordinary call.
    pub fn new(env: &'a dyn Env, args: &'a [Type], result: Type) -> Self {
        CallContext { env, function: Oid::INVALID, args, result, columns: &[], variadic: false }
    }

    /// Type of one argument; `unknown` past the end.
    pub fn arg_type(&self, index: usize) -> Type {
        self.args.get(index).copied().unwrap_or(Type::new(oids::UNKNOWN))
    }

    /// Element type of an array type, `None` for any other.
    pub fn element_of(&self, array: Oid) -> Option<Oid> {
        let base = self.env.base_type(Type::new(array));
        let info = self.env.type_info(base.oid)?;
        info.element.is_valid().then_some(info.element)
    }
}

/// A scalar function over single values.
///
/// Strict functions (`pg_proc.proisstrict`) never see NULL: the caller checks. Others get the arguments as they are.
pub type ScalarFn = fn(&CallContext<'_>, &[Datum]) -> Result<Datum>;

/// The key a built-in function's implementation has: its symbol, or its signature where PostgreSQL wrote it in SQL.
pub fn key(proc: &Proc) -> Cow<'static, str> {
    if proc.language != ids::LANGUAGE_SQL {
        return Cow::Borrowed(proc.source);
    }
    // A key is the same whatever names a session wants in quotes.
    let before = quote_all_identifiers(false);
    let args: Vec<String> = proc.args.iter().map(|oid| format_type(&BuiltinScope, *oid)).collect();
    let key = format!("{}({})", quote_identifier(proc.name), args.join(","));
    quote_all_identifiers(before);
    Cow::Owned(key)
}

/// Finds scalar and set-returning functions by their [`key`].
#[derive(Clone, Default)]
pub struct Registry {
    scalars: HashMap<&'static str, ScalarFn>,
    sets: HashMap<&'static str, SetFn>,
}

impl Registry {
    /// Everything this crate implements.
    pub fn builtin() -> Registry {
        BUILTIN.clone()
    }

    /// Adds a table of implementations; a key that exists already is replaced.
    #[must_use]
    pub fn with(mut self, table: &[(&'static str, ScalarFn)]) -> Registry {
        self.scalars.extend(table.iter().copied());
        self
    }

    /// Adds a table of set-returning functions; likewise.
    #[must_use]
    pub fn with_sets(mut self, table: &[(&'static str, SetFn)]) -> Registry {
        self.sets.extend(table.iter().copied());
        self
    }

    /// The implementation of a set-returning function, if there is one.
    pub fn set(&self, prosrc: &str) -> Option<SetFn> {
        self.sets.get(prosrc).copied()
    }

    /// The implementation of a function, if there is one.
    pub fn scalar(&self, prosrc: &str) -> Option<ScalarFn> {
        self.scalars.get(prosrc).copied()
    }

    /// Every key with an implementation, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.scalars.keys().chain(self.sets.keys()).copied()
    }
}

static BUILTIN: LazyLock<Registry> = LazyLock::new(|| {
    let types = Registry::default().with(&type_io());
    let scalars = families().fold(types, |registry, table| registry.with(table));
    set_returning::FAMILIES.iter().fold(scalars, |registry, table| registry.with_sets(table))
});

/// The built-in implementation of a scalar function by `pg_proc.prosrc`.
pub fn scalar(prosrc: &str) -> Option<ScalarFn> {
    BUILTIN.scalar(prosrc)
}

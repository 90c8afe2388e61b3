//! Evaluation of `jsonpath` over `jsonb`.
//!
//! In lax mode arrays are unwrapped and scalars wrapped where an accessor wants it, and what is missing is nothing; in
//! strict mode both are errors. Errors of evaluation are [`Fault::Soft`]: predicates make `unknown` of them, and
//! `silent` makes nothing of them.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use dictdb_types::jsonpath::JsonPath;
use dictdb_types::{Env, Error, Jsonb, Result, SqlState};

mod datetime;
mod evaluate;
mod functions;
mod method;
mod predicate;

use datetime::Moment;

pub use predicate::check_path_pattern;

pub(super) use functions::KERNELS;
pub(crate) use functions::{Asked, query};

/// Why evaluation stopped.
pub(super) enum Fault {
    /// What `silent` and predicates catch.
    Soft(Error),
    /// What nothing catches.
    Hard(Error),
}

impl Fault {
    fn into_error(self) -> Error {
        match self {
            Fault::Soft(error) | Fault::Hard(error) => error,
        }
    }
}

/// A soft fault.
fn soft(code: SqlState, message: impl Into<String>) -> Fault {
    Fault::Soft(Error::new(code, message))
}

/// One item of a sequence: part of the document, or made on the way. A date or time is its text with what it means.
#[derive(Clone)]
struct Item<'a> {
    json: Cow<'a, Jsonb>,
    moment: Option<Moment>,
}

impl<'a> Item<'a> {
    /// A part of the document.
    fn of(json: &'a Jsonb) -> Self {
        Item { json: Cow::Borrowed(json), moment: None }
    }

    /// A value made on the way.
    fn made(json: Jsonb) -> Self {
        Item { json: Cow::Owned(json), moment: None }
    }

    fn into_json(self) -> Jsonb {
        self.json.into_owned()
    }
}

impl std::ops::Deref for Item<'_> {
    type Target = Jsonb;

    fn deref(&self) -> &Jsonb {
        &self.json
    }
}

/// Where results go; `None` if it only matters whether there are any.
type Found<'f, 'a> = Option<&'f mut Vec<Item<'a>>>;

/// Three truth values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    False,
    True,
    Unknown,
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Truth::True } else { Truth::False }
    }
}

/// An evaluation of one path over one document.
struct Evaluation<'a> {
    strict: bool,
    root: &'a Jsonb,
    /// Values of variables; without any all of them are null.
    variables: Option<&'a [(std::sync::Arc<str>, Jsonb)]>,
    /// Objects that `keyvalue` has numbered.
    numbered: i64,
    /// Settings, for dates and times.
    env: &'a dyn Env,
    /// Whether comparisons may use the session's time zone.
    zoned: bool,
}

/// Where in the evaluation a node stands.
#[derive(Clone, Copy)]
struct Scope<'s, 'a> {
    /// What `@` means.
    current: &'s Item<'a>,
    /// Size of the array whose subscripts are evaluated, for `last`.
    array_size: Option<usize>,
    /// Whether missing members and wrong kinds are passed over although the mode is strict, as under `**`.
    forgiving: bool,
}

/// Parsed paths kept by each thread.
const CACHED_PATHS: usize = 16;

thread_local! {
    static CACHE: RefCell<Vec<(Box<str>, Rc<JsonPath>)>> = const { RefCell::new(Vec::new()) };
}

/// The tree of a path's text, which was checked when the value was made.
fn parsed(text: &str) -> Result<Rc<JsonPath>> {
    CACHE.with_borrow_mut(|cache| {
        if let Some(at) = cache.iter().position(|(known, _)| **known == *text) {
            cache[..=at].rotate_right(1);
            return Ok(cache[0].1.clone());
        }
        let path = Rc::new(JsonPath::parse(text)?);
        cache.truncate(CACHED_PATHS - 1);
        cache.insert(0, (text.into(), path.clone()));
        Ok(path)
    })
}

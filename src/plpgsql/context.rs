//! Where a running function stands, for CONTEXT of errors and notices.

use std::sync::Arc;

use parking_lot::Mutex;

/// A call that is running.
#[derive(Debug)]
pub struct CallSite {
    /// The function as `regprocedure` shows it, or `inline_code_block`.
    signature: Arc<str>,
    place: Mutex<Place>,
}

/// Where a call is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// At a statement: line and kind.
    Statement(u32, &'static str),
    /// At a line doing something that is no statement of its own.
    During(u32, &'static str),
    /// Outside of statements.
    Outside(&'static str),
}

impl CallSite {
    pub(crate) fn new(signature: &Arc<str>) -> Self {
        CallSite { signature: signature.clone(), place: Mutex::new(Place::Outside("during function entry")) }
    }

    #[inline]
    pub(crate) fn at(&self, place: Place) {
        *self.place.lock() = place;
    }

    pub(crate) fn place(&self) -> Place {
        *self.place.lock()
    }

    /// The line of CONTEXT.
    pub fn line(&self) -> String {
        let signature = &self.signature;
        match self.place() {
            Place::Statement(line, name) => format!("PL/pgSQL function {signature} line {line} at {name}"),
            Place::During(line, what) => format!("PL/pgSQL function {signature} line {line} {what}"),
            Place::Outside(what) => format!("PL/pgSQL function {signature} {what}"),
        }
    }
}

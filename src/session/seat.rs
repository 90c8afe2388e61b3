//! Where a session waits while a plan runs, so that functions the plan calls can run statements in it.
//!
//! ```text
//!   Session ──lend──► seat ──take── function call ──put back──► seat ──► Session
//!              pump the plan …          nested statements lend it again
//! ```
//! Running a plan borrows nothing of the session; what runs in the plan finds the session here. Only one function call at
//! a time has it, because an execution runs on one thread at a time.

use std::sync::Arc;

use dictdb_executor::ddl::Definitions;
use dictdb_types::{Datum, Error, Result};
use parking_lot::Mutex;

use crate::portal::RowSource;
use crate::{Session, Shared};

/// The place of a session that has been lent.
#[derive(Default)]
pub struct Seat(Mutex<Option<Lent>>);

struct Lent {
    session: Box<Session>,
    defining: Option<Defining>,
}

/// The definition that a session is lent to has the session's definitions; a call has them for its length.
struct Defining {
    own: Arc<Mutex<Definitions>>,
    /// The edition of the catalog that the session has seen last.
    seen: u64,
}

impl Lent {
    fn begin_call(&mut self) {
        let Some(defining) = &mut self.defining else { return };
        std::mem::swap(&mut self.session.definitions, &mut *defining.own.lock());
        if self.session.definitions.catalog.edition() != defining.seen {
            self.session.catalog_epoch = self.session.shared.instance.new_epoch();
        }
    }

    fn end_call(&mut self) {
        let Some(defining) = &mut self.defining else { return };
        defining.seen = self.session.definitions.catalog.edition();
        std::mem::swap(&mut self.session.definitions, &mut *defining.own.lock());
    }
}

/// Gives the session back to whoever lent it, also when the work panics.
struct Return<'a> {
    owner: &'a mut Session,
}

impl Drop for Return<'_> {
    fn drop(&mut self) {
        let lent = self.owner.shared.seat.0.lock().take();
        if let Some(lent) = lent {
            *self.owner = *lent.session;
        }
    }
}

/// Puts the session back into its seat, also when the call panics.
struct Call<'a> {
    shared: &'a Shared,
    lent: Option<Lent>,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if let Some(lent) = &mut self.lent {
            lent.end_call();
        }
        *self.shared.seat.0.lock() = self.lent.take();
    }
}

impl Session {
    /// Runs work during which functions may use this session.
    pub(crate) fn lend<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.lend_to(None, work)
    }

    /// Likewise, a definition, which has what the session has defined so far.
    pub(crate) fn lend_defining<T>(&mut self, own: &Arc<Mutex<Definitions>>, work: impl FnOnce() -> T) -> T {
        let seen = own.lock().catalog.edition();
        self.lend_to(Some(Defining { own: own.clone(), seen }), work)
    }

    fn lend_to<T>(&mut self, defining: Option<Defining>, work: impl FnOnce() -> T) -> T {
        let vacant = Session::vacant(self);
        let shared = self.shared.clone();
        let session = Box::new(std::mem::replace(self, vacant));
        let outer = shared.seat.0.lock().replace(Lent { session, defining });
        debug_assert!(outer.is_none(), "a session is lent once");
        let _return = Return { owner: self };
        work()
    }

    /// Likewise, where somebody may ask for it at all.
    pub(crate) fn lend_if<T>(&mut self, wanted: bool, work: impl FnOnce() -> T) -> T {
        if wanted { self.lend(work) } else { work() }
    }

    /// All rows of a result, which have to fit into memory.
    pub(crate) fn all_rows(&mut self, mut source: RowSource) -> Result<Vec<Vec<Datum>>> {
        let mut rows = Vec::new();
        let lends = source.calls_routines();
        self.lend_if(lends, || {
            source.pump(usize::MAX, &mut Vec::new(), &mut |row| {
                rows.push(row.to_vec());
                Ok(true)
            })
        })?;
        Ok(rows)
    }
}

impl Shared {
    /// Runs a function call in the session that runs the plan. 0A000 where nobody lends it.
    pub(crate) fn in_session<T>(&self, call: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
        let Some(mut lent) = self.seat.0.lock().take() else {
            return Err(Error::unsupported("a user-defined function in this place"));
        };
        lent.begin_call();
        let mut seated = Call { shared: self, lent: Some(lent) };
        match &mut seated.lent {
            Some(lent) => call(&mut lent.session),
            None => Err(Error::internal("a call without its session")),
        }
    }
}

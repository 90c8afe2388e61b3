//! Where a session waits while a plan runs, so that functions the plan calls can run statements in it.
//!
//! ```text
//!   Session ──lend──► seat ──take── function call ──put back──► seat ──► Session
//!              pump the plan …          nested statements lend it again
//! ```
//! Running a plan borrows nothing of the session; what runs in the plan finds the session here. Only one function call at
//! a time has it, because an execution runs on one thread at a time.

use dictdb_types::{Datum, Error, Result};
use parking_lot::Mutex;

use crate::portal::RowSource;
use crate::{Session, Shared};

/// The place of a session that has been lent.
#[derive(Default)]
pub struct Seat(Mutex<Option<Box<Session>>>);

/// Gives the session back to whoever lent it, also when the work panics.
struct Return<'a> {
    owner: &'a mut Session,
}

impl Drop for Return<'_> {
    fn drop(&mut self) {
        let lent = self.owner.shared.seat.0.lock().take();
        if let Some(lent) = lent {
            *self.owner = *lent;
        }
    }
}

/// Puts the session back into its seat, also when the call panics.
struct Call<'a> {
    shared: &'a Shared,
    session: Option<Box<Session>>,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        *self.shared.seat.0.lock() = self.session.take();
    }
}

impl Session {
    /// Runs work during which functions may use this session.
    pub(crate) fn lend<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let vacant = Session::vacant(self);
        let shared = self.shared.clone();
        let own = std::mem::replace(self, vacant);
        let outer = shared.seat.0.lock().replace(Box::new(own));
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
        let Some(session) = self.seat.0.lock().take() else {
            return Err(Error::unsupported("a user-defined function in this place"));
        };
        let mut seated = Call { shared: self, session: Some(session) };
        match &mut seated.session {
            Some(session) => call(session),
            None => Err(Error::internal("a call without its session")),
        }
    }
}

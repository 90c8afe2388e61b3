//! The two query protocols, as calls: [`simple`] takes query strings, [`extended`] takes them apart; [`fastpath`] calls functions.

mod extended;
mod fastpath;
#[cfg(test)]
mod panics;
mod simple;

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use dictdb_types::{Error, Result, quote_all_identifiers};
use futures::FutureExt;

use crate::Session;
use crate::client::{Client, Row, Shape, Tag};
use crate::portal::{RowSource, TagCount};
use crate::settings::Beacon;

pub use extended::Target;
pub use fastpath::FunctionCall;

/// Rows that are asked of a stream at once.
const ROWS_AT_ONCE: usize = 4096;

/// Runs a statement so that a panic in it is an error of it: XX000, nothing of it told to the client but that; and so that names
/// are written as its session wants them. The work stays where it is: to move a future is to copy all of it.
async fn isolate<T>(beacon: &Beacon, mut work: Pin<&mut (impl Future<Output = Result<T>> + ?Sized)>) -> Result<T> {
    // A statement that has waited may go on on another thread.
    let work = poll_fn(|cx| quoting(beacon, || work.as_mut().poll(cx)));
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(panicked()))
}

/// Likewise for work that waits for nothing.
fn isolate_now<T>(beacon: &Beacon, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(|| quoting(beacon, work))).unwrap_or_else(|_| Err(panicked()))
}

/// Runs work of a session on this thread; texts that it writes have names in quotes where `quote_all_identifiers` says so.
fn quoting<T>(beacon: &Beacon, work: impl FnOnce() -> T) -> T {
    /// Puts back what held before, even after a panic.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            quote_all_identifiers(self.0);
        }
    }
    let _before = Before(quote_all_identifiers(beacon.quotes_all_identifiers()));
    work()
}

fn panicked() -> Error {
    Error::internal("internal error while the statement was running")
        .hint("The server's log has the details. The transaction was rolled back.")
}

impl Session {
    /// A message has failed: notes why, leaves what it called, and takes back what it did.
    fn fail_message(&mut self, error: &Error) {
        self.note_failure(error);
        self.leave_calls();
        self.fail();
    }

    /// Sends rows until the source is at its end or `limit` rows were sent; the number sent, and whether the end was seen.
    async fn send_rows(
        &mut self,
        shape: &Shape,
        source: &mut RowSource,
        limit: Option<usize>,
        client: &mut dyn Client,
    ) -> Result<(u64, bool)> {
        let mut row = std::mem::take(&mut self.row);
        let sent = self.send_rows_through(&mut row, shape, source, limit, client).await;
        row.clear();
        self.row = row;
        sent
    }

    async fn send_rows_through(
        &mut self,
        row: &mut Row,
        shape: &Shape,
        source: &mut RowSource,
        limit: Option<usize>,
        client: &mut dyn Client,
    ) -> Result<(u64, bool)> {
        let env = self.env();
        let mut sent = 0;
        loop {
            let wanted = limit.map_or(ROWS_AT_ONCE, |limit| ROWS_AT_ONCE.min(limit - sent));
            if wanted == 0 {
                return Ok((sent as u64, false));
            }
            let lends = source.calls_routines();
            if lends {
                self.lend_output(client);
            }
            let (count, at_end) = self.lend_if(lends, || {
                source.pump(wanted, row, &mut |row| {
                    // What functions reported while they made the row comes before it.
                    env.shared.send_notices(client);
                    client.row(shape, row, &*env)?;
                    let has_room = !client.is_full();
                    if lends {
                        client.lend_output();
                    }
                    Ok(has_room)
                })
            })?;
            sent += count;
            if at_end {
                return Ok((sent as u64, true));
            }
            self.send_notices(client);
            if client.is_full() {
                self.settle().await;
                client.relieve().await?;
            }
            env.shared.backend.interrupts.check()?;
        }
    }
}

/// The tag of a statement with rows.
fn tag(command: &'static str, count: TagCount, sent: u64) -> Tag {
    match count {
        TagCount::Sent => Tag::rows(command, sent),
        TagCount::None => Tag::new(command),
    }
}

//! Work in pieces on all cores, not many of them at a time: pieces that workers make and the caller takes in their order, and pieces
//! that the caller makes and workers take in any.
//!
//! ```text
//!   in_order   workers: take the next number, make its piece ──► a window of pieces ──► the caller: takes them one after the other
//!   hand_out   the caller: makes pieces ──► a short queue ──► workers: whoever is free takes the next
//! ```

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use dictdb_types::stack::spawn_deep;
use dictdb_types::{Error, Result};
use parking_lot::{Condvar, Mutex};

use crate::pace::Pace;

const MAX_WORKERS: usize = 16;
/// Pieces that are ready or in the making, for each worker.
const PIECES_PER_WORKER: usize = 4;
/// Pieces between the caller and its workers.
const QUEUE: usize = 4;

/// Threads that are worth having.
pub(crate) fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get()).clamp(1, MAX_WORKERS)
}

struct State<T> {
    /// The next piece that nobody makes yet.
    next: usize,
    /// The piece that the caller waits for.
    wanted: usize,
    ready: BTreeMap<usize, Result<T>>,
    is_over: bool,
}

struct Line<T> {
    pieces: usize,
    window: usize,
    state: Mutex<State<T>>,
    room: Condvar,
    arrived: Condvar,
}

/// Ends the work when it goes: also when a thread panics, so that nobody waits for it.
struct End<'a, T>(&'a Line<T>);

impl<T> Drop for End<'_, T> {
    fn drop(&mut self) {
        self.0.state.lock().is_over = true;
        self.0.room.notify_all();
        self.0.arrived.notify_all();
    }
}

/// Makes pieces `0..pieces`, each by one of several workers, which `worker` begins with what they keep between pieces. `take` gets
/// them in order and says whether to go on. The first error ends everything. Both keep `pace`.
pub(crate) fn in_order<T: Send, W: FnMut(usize) -> Result<T>>(
    pieces: usize,
    pace: &Pace<'_>,
    worker: impl Fn() -> W + Sync,
    mut take: impl FnMut(T) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let workers = workers().min(pieces);
    if workers <= 1 {
        let mut make = worker();
        for piece in 0..pieces {
            let made = pace.piece(|| make(piece))?;
            if pace.piece(|| take(made))?.is_break() {
                break;
            }
        }
        return Ok(());
    }
    let state = Mutex::new(State { next: 0, wanted: 0, ready: BTreeMap::new(), is_over: false });
    let window = workers * PIECES_PER_WORKER;
    let line = Line { pieces, window, state, room: Condvar::new(), arrived: Condvar::new() };
    std::thread::scope(|scope| {
        let end = End(&line);
        (0..workers).for_each(|_| {
            spawn_deep(scope, || line.work(pace, worker()));
        });
        let taken = line.hand_over(pace, &mut take);
        drop(end);
        taken
    })
}

impl<T> Line<T> {
    fn work(&self, pace: &Pace<'_>, mut make: impl FnMut(usize) -> Result<T>) {
        while let Some(piece) = self.next() {
            let panicked = End(self);
            let made = pace.piece(|| make(piece));
            std::mem::forget(panicked);
            self.state.lock().ready.insert(piece, made);
            self.arrived.notify_one();
        }
    }

    fn next(&self) -> Option<usize> {
        let mut state = self.state.lock();
        while !state.is_over && state.next < self.pieces && state.next >= state.wanted + self.window {
            self.room.wait(&mut state);
        }
        let piece = (!state.is_over && state.next < self.pieces).then_some(state.next)?;
        state.next += 1;
        Some(piece)
    }

    fn hand_over(&self, pace: &Pace<'_>, take: &mut impl FnMut(T) -> Result<ControlFlow<()>>) -> Result<()> {
        for piece in 0..self.pieces {
            let mut state = self.state.lock();
            let made = loop {
                if let Some(made) = state.ready.remove(&piece) {
                    break made;
                }
                if state.is_over {
                    return Err(Error::internal("a thread of the backup panicked"));
                }
                self.arrived.wait(&mut state);
            };
            state.wanted = piece + 1;
            drop(state);
            self.room.notify_one();
            let made = made?;
            if pace.piece(|| take(made))?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Has `make` send pieces, which `take` is given by several threads. A thread that failed goes on to receive, and its error is told at
/// the end: before that of `make`.
pub(crate) fn hand_out<T: Send>(
    take: impl Fn(T) -> Result<()> + Sync,
    make: impl FnOnce(&SyncSender<T>) -> Result<()>,
) -> Result<()> {
    let (sender, receiver) = sync_channel::<T>(QUEUE);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers()).map(|_| spawn_deep(scope, || take_all(&take, &receiver))).collect();
        let made = make(&sender);
        drop(sender);
        let taken = threads.into_iter().map(|thread| match thread.join() {
            Ok(result) => result,
            Err(_) => Err(Error::internal("a thread of the restore panicked")),
        });
        taken.fold(Ok(()), Result::and).and(made)
    })
}

fn take_all<T>(take: &impl Fn(T) -> Result<()>, pieces: &Mutex<Receiver<T>>) -> Result<()> {
    loop {
        let next = pieces.lock().recv();
        let Ok(piece) = next else { return Ok(()) };
        if let Err(error) = take(piece) {
            // Whoever sends more must not wait for ever.
            while pieces.lock().recv().is_ok() {}
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_order_and_the_first_error_ends_them() {
        let (mut taken, pace) = (Vec::new(), Pace::full());
        let slow = || {
            |piece: usize| {
                if piece.is_multiple_of(7) {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                Ok(piece)
            }
        };
        let all = in_order(200, &pace, slow, |piece| {
            taken.push(piece);
            Ok(ControlFlow::Continue(()))
        });
        all.unwrap();
        assert_eq!(taken, (0..200).collect::<Vec<_>>());
        taken.clear();
        let some = in_order(200, &pace, slow, |piece| {
            taken.push(piece);
            Ok(if piece == 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        some.unwrap();
        assert_eq!(taken.len(), 21);
        let failing = || |piece: usize| if piece == 50 { Err(Error::internal("fifty")) } else { Ok(piece) };
        let failed = in_order(200, &pace, failing, |_| Ok(ControlFlow::Continue(())));
        assert_eq!(failed.unwrap_err().message(), "fifty");
    }
}

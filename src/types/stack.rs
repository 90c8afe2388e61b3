//! Room on the stack for recursion over what users nest: syntax trees and JSON values.

use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Stack, in bytes, for a thread that runs statements or reads rows: their trees are walked recursively, and are as deep as
/// `dictdb_parser::Limits` and [`crate::json::MAX_DEPTH`] let them be. It is address space only until a deep tree comes.
pub const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Free stack below which recursion moves to a fresh segment, in bytes.
const RED_ZONE_BYTES: usize = 512 * 1024;
/// Size of a fresh segment, in bytes.
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;

/// Runs one level of a recursion over a tree, with more stack if little is left.
pub fn with_stack<R>(level: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(RED_ZONE_BYTES, SEGMENT_BYTES, level)
}

/// Starts a thread with [`STACK_BYTES`] in a scope.
///
/// # Panics
/// When the system has no room for a thread, as [`Scope::spawn`] does.
pub fn spawn_deep<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).expect("the system starts a thread")
}

/// A thread with [`STACK_BYTES`] that is still to be spawned.
pub fn deep_thread(name: &str) -> Builder {
    Builder::new().name(name.to_owned()).stack_size(STACK_BYTES)
}

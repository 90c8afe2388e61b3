//! The bytes in which columns keep values without a flat layout: a thin bridge to [`dictdb_types::opaque`].

use std::cell::Cell;

use dictdb_types::{Datum, Result, opaque};

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Datum> {
    opaque::decode(bytes)
}

/// Runs `run` on the bytes of a value, in a buffer that is kept.
pub(crate) fn with_bytes<R>(datum: &Datum, run: impl FnOnce(&[u8]) -> R) -> R {
    let mut bytes = SCRATCH.take();
    bytes.clear();
    opaque::encode(datum, &mut bytes);
    let result = run(&bytes);
    SCRATCH.set(bytes);
    result
}

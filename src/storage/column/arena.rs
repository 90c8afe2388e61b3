//! A column of byte strings in Arrow's view layout: 16 bytes per value, short ones inline, long ones in shared buffers.
//!
//! Bytes are only appended, so a view once written stays readable: undo records keep old views, not old bytes.
//! What updates leave behind is counted and squeezed out by [`Arena::compact`].

use arrow::array::make_view;
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::ToByteSlice;

use super::Cells;

/// Longest value that lives inside its view.
const INLINE: usize = 12;
/// An open chunk of this size is sealed when the next value would overflow it.
const CHUNK_BYTES: usize = 32 * 1024;
/// Values from this size on get a buffer of their own.
const LARGE_BYTES: usize = 8 * 1024;

/// Byte strings. The caller knows whether they are text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arena {
    views: Cells<u128>,
    sealed: Vec<Buffer>,
    open: Vec<u8>,
    live_bytes: usize,
    dead_bytes: usize,
}

fn view_len(view: u128) -> usize {
    view as u32 as usize
}

impl Arena {
    pub(crate) fn len(&self) -> usize {
        self.views.as_slice().len()
    }

    pub(crate) fn filled(len: usize, value: &[u8]) -> Self {
        let mut arena = Arena::default();
        let view = arena.store(value);
        arena.views = Cells::filled(len, view);
        arena
    }

    /// Byte strings that lie one after the other in a buffer, which is taken over: `offsets` are where they begin, and the last end.
    pub(crate) fn from_buffer(buffer: Buffer, offsets: &[i32]) -> Self {
        let bytes = buffer.as_slice();
        let mut live_bytes = 0;
        let view = |range: &[i32]| {
            let (start, end) = (range[0] as usize, range[1] as usize);
            if end - start > INLINE {
                live_bytes += end - start;
            }
            make_view(&bytes[start..end], 0, start as u32)
        };
        let views: Vec<u128> = offsets.windows(2).map(view).collect();
        let sealed = if live_bytes > 0 { vec![buffer] } else { Vec::new() };
        Arena { views: Cells::Owned(views), sealed, open: Vec::new(), live_bytes, dead_bytes: 0 }
    }

    #[inline]
    pub(crate) fn view(&self, slot: usize) -> u128 {
        self.views.as_slice()[slot]
    }

    #[inline]
    pub(crate) fn get(&self, slot: usize) -> &[u8] {
        self.resolve(&self.views.as_slice()[slot])
    }

    /// The bytes of a view of this arena, wherever the view itself is kept.
    #[inline]
    pub(crate) fn resolve<'a>(&'a self, view: &'a u128) -> &'a [u8] {
        let len = view_len(*view);
        if len <= INLINE {
            return &std::slice::from_ref(view).to_byte_slice()[4..4 + len];
        }
        let (buffer, offset) = ((*view >> 64) as u32 as usize, (*view >> 96) as u32 as usize);
        match self.sealed.get(buffer) {
            Some(sealed) => &sealed.as_slice()[offset..offset + len],
            None => &self.open[offset..offset + len],
        }
    }

    pub(crate) fn reserve_exact(&mut self, values: usize) {
        self.views.make_mut().reserve_exact(values);
    }

    pub(crate) fn push(&mut self, value: &[u8]) {
        let view = self.store(value);
        self.views.make_mut().push(view);
    }

    /// Overwrites a slot. The old bytes stay until [`Arena::compact`].
    pub(crate) fn set(&mut self, slot: usize, value: &[u8]) {
        let view = self.store(value);
        self.set_view(slot, view);
    }

    /// Puts a view of this arena into a slot.
    pub(crate) fn set_view(&mut self, slot: usize, view: u128) {
        self.views.make_mut()[slot] = view;
    }

    /// Tells the arena that nothing refers to this view any more.
    pub(crate) fn forget(&mut self, view: u128) {
        let len = view_len(view);
        if len > INLINE {
            self.dead_bytes += len;
            self.live_bytes = self.live_bytes.saturating_sub(len);
        }
    }

    /// Whether more than half of a worthwhile amount is garbage.
    pub(crate) fn wants_compaction(&self) -> bool {
        self.dead_bytes > 2 * CHUNK_BYTES && self.dead_bytes > self.live_bytes
    }

    /// Rewrites the buffers with what the slots and `others` refer to.
    pub(crate) fn compact<'a>(&mut self, others: impl Iterator<Item = &'a mut u128>) {
        let mut fresh = Arena::default();
        let views: Vec<u128> = self.views.as_slice().iter().map(|view| fresh.store(self.resolve(view))).collect();
        for other in others {
            *other = fresh.store(self.resolve(other));
        }
        fresh.views = Cells::Owned(views);
        *self = fresh;
    }

    /// Views and buffers for an Arrow array, shared and not copied. Writes go on in a new chunk.
    pub(crate) fn share(&mut self) -> (ScalarBuffer<u128>, Vec<Buffer>) {
        self.seal();
        (self.views.share(), self.sealed.clone())
    }

    pub(crate) fn bytes(&self) -> usize {
        self.views.bytes() + self.sealed.iter().map(Buffer::capacity).sum::<usize>() + self.open.capacity()
    }

    /// Keeps the bytes and makes a view of them.
    fn store(&mut self, value: &[u8]) -> u128 {
        if value.len() <= INLINE {
            return make_view(value, 0, 0);
        }
        self.live_bytes += value.len();
        if value.len() >= LARGE_BYTES {
            self.seal();
            self.sealed.push(Buffer::from_vec(value.to_vec()));
            return make_view(value, (self.sealed.len() - 1) as u32, 0);
        }
        self.reopen();
        if self.open.len() + value.len() > CHUNK_BYTES {
            self.open.shrink_to_fit();
            self.seal();
        }
        let offset = self.open.len() as u32;
        self.open.extend_from_slice(value);
        make_view(value, self.sealed.len() as u32, offset)
    }

    fn seal(&mut self) {
        if !self.open.is_empty() {
            self.sealed.push(Buffer::from_vec(std::mem::take(&mut self.open)));
        }
    }

    /// Takes back a chunk that was sealed before it was full, unless a reader holds it: a table that is written
    /// and scanned in turns must not end with a buffer per row.
    fn reopen(&mut self) {
        if !self.open.is_empty() {
            return;
        }
        if let Some(last) = self.sealed.pop_if(|last| last.len() < CHUNK_BYTES / 2) {
            match last.into_vec::<u8>() {
                Ok(open) => self.open = open,
                Err(held) => self.sealed.push(held),
            }
        }
    }
}

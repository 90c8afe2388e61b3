//! A growing bitmap with cheap conversion to Arrow's.

use arrow::buffer::{BooleanBuffer, Buffer};

/// Bits, least significant first, as Arrow packs them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// `len` equal bits.
    pub(crate) fn filled(len: usize, bit: bool) -> Self {
        Bits { words: vec![if bit { u64::MAX } else { 0 }; len.div_ceil(64)], len }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> bool {
        self.words.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    #[inline]
    pub(crate) fn set(&mut self, index: usize, bit: bool) {
        let mask = 1 << (index % 64);
        match bit {
            true => self.words[index / 64] |= mask,
            false => self.words[index / 64] &= !mask,
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        self.len += 1;
        self.set(self.len - 1, bit);
    }

    pub(crate) fn to_arrow(&self) -> BooleanBuffer {
        BooleanBuffer::new(Buffer::from_slice_ref(&self.words), 0, self.len)
    }

    pub(crate) fn from_arrow(bits: &BooleanBuffer) -> Self {
        let mut words: Vec<u64> = bits.bit_chunks().iter_padded().collect();
        words.truncate(bits.len().div_ceil(64));
        Bits { words, len: bits.len() }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.words.capacity() * 8
    }
}

//! Keys as hash indexes and logs of transactions keep them: the first 24 bytes in three words, the rest, if any, in a box.
//!
//! Keys are prefix-free (no key is the beginning of another), which [`dictdb_types::sort_key`] guarantees. So the
//! words, padded with zeros, order and tell apart all keys that fit into them.

/// The beginning of a key, big endian, padded with zeros.
pub(super) type Head = [u64; HEAD_WORDS];

const HEAD_WORDS: usize = 3;
/// Bytes of a key that need no box.
const HEAD_BYTES: usize = HEAD_WORDS * 8;

/// A key's bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(super) head: Head,
    pub(super) tail: Option<Box<[u8]>>,
    len: u32,
}

/// The head of a key's bytes.
#[inline]
fn head_of(bytes: &[u8]) -> Head {
    let mut padded = [0; HEAD_BYTES];
    let len = bytes.len().min(HEAD_BYTES);
    padded[..len].copy_from_slice(&bytes[..len]);
    let word = |at: usize| u64::from_be_bytes(std::array::from_fn(|i| padded[at * 8 + i]));
    [word(0), word(1), word(2)]
}

/// The part of a key's bytes after the head.
#[inline]
fn tail_of(bytes: &[u8]) -> &[u8] {
    bytes.get(HEAD_BYTES..).unwrap_or_default()
}

impl Key {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let tail = tail_of(bytes);
        Key { head: head_of(bytes), tail: (!tail.is_empty()).then(|| tail.into()), len: bytes.len() as u32 }
    }

    /// The bytes again.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.head.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.truncate(self.len as usize);
        bytes.extend_from_slice(self.tail());
        bytes
    }

    pub(super) fn tail(&self) -> &[u8] {
        self.tail.as_deref().unwrap_or_default()
    }

    /// Bytes outside the key itself.
    pub(super) fn boxed_bytes(&self) -> usize {
        self.tail().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_bytes() {
        for len in [0, 1, 8, 23, 24, 25, 100] {
            let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
            assert_eq!(Key::new(&bytes).to_bytes(), bytes);
        }
    }

    #[test]
    fn keys_order_as_their_bytes() {
        let long = |last: u8| [vec![7; 30], vec![last]].concat();
        let keys = [vec![1], vec![1, 2], vec![2], long(1), long(2), vec![8]];
        for pair in keys.windows(2) {
            assert!(Key::new(&pair[0]) < Key::new(&pair[1]), "{pair:?}");
        }
    }
}

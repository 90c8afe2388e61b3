//! Indexes of cloned tables: a clone reads nothing and copies nothing until it is used.
//!
//! ```text
//!   source ── twin ──► clone: empty, tied to the source
//!     │ first change after it            │ first use
//!     ▼                                  ▼
//!   hands a copy to all clones      takes a copy, of the source or of what was handed out
//! ```
//! A copy of an ordered index is one of pointers to nodes, which are copied when one of the two changes them; of the others it is
//! one of the entries. Why a copy made at either time serves the clone is told in `table/cloning.rs`.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use super::{Index, Map};

/// What an index has to do with its clones and with its source.
#[derive(Debug, Default)]
pub(super) struct Ties {
    /// Counts how often it was cloned.
    clones: AtomicU64,
    /// The count up to which clones have what they need.
    handed_out: AtomicU64,
    /// The clones that may need something when it changes.
    waiting: Mutex<Vec<Weak<Index>>>,
    /// Where a clone finds its keys while it has none of its own.
    source: Mutex<Option<Source>>,
}

#[derive(Debug)]
enum Source {
    /// An index that has not changed since.
    Live(Arc<Index>),
    /// A copy for all clones that were waiting when it changed.
    Copy(Arc<Map>),
}

impl Map {
    fn copy(&self) -> Map {
        match self {
            Map::Ordered(tree) => Map::Ordered(tree.copy()),
            Map::Hash(hash) => Map::Hash(Box::new(hash.copy())),
            Map::Inverted(inverted) => Map::Inverted(inverted.copy()),
            Map::Regions(regions) => Map::Regions(regions.copy()),
            Map::Blocks(blocks) => Map::Blocks(blocks.copy()),
        }
    }
}

impl Index {
    /// An index with the same entries, for the clone of its table.
    pub(crate) fn twin(self: &Arc<Self>) -> Arc<Index> {
        let source = Mutex::new(Some(Source::Live(self.clone())));
        let ties = Ties { source, ..Ties::default() };
        let twin = Arc::new(Index {
            def: self.def.clone(),
            map: OnceLock::new(),
            ties,
            stale: AtomicUsize::new(0),
            released: AtomicBool::new(false),
        });
        let mut waiting = self.ties.waiting.lock();
        waiting.retain(|other| other.strong_count() > 0);
        waiting.push(Arc::downgrade(&twin));
        self.ties.clones.fetch_add(1, Ordering::SeqCst);
        // Whoever has put in an entry that its row does not have for everybody has announced it before: it is seen here unless
        // the entry is not in the copy either. The clone has no snapshot for which the entry would ever be withdrawn.
        twin.stale.store(usize::from(self.stale.load(Ordering::SeqCst) != 0), Ordering::SeqCst);
        drop(waiting);
        twin
    }

    /// Gives clones what they need before the index changes.
    #[inline]
    pub(super) fn before_change(&self) {
        if self.ties.clones.load(Ordering::SeqCst) != self.ties.handed_out.load(Ordering::Acquire) {
            self.hand_out();
        }
    }

    #[cold]
    fn hand_out(&self) {
        let mut waiting = self.ties.waiting.lock();
        let clones = self.ties.clones.load(Ordering::SeqCst);
        let mut copy: Option<Arc<Map>> = None;
        for clone in waiting.drain(..).filter_map(|clone| clone.upgrade()) {
            // A clone that takes its copy at this moment holds this lock until it has it.
            let mut source = clone.ties.source.lock();
            if source.is_some() {
                let copy = copy.get_or_insert_with(|| Arc::new(self.map().copy()));
                *source = Some(Source::Copy(copy.clone()));
            }
        }
        self.ties.handed_out.store(clones, Ordering::Release);
    }

    /// The first use of a clone.
    #[cold]
    pub(super) fn take_over(&self) -> &Map {
        let mut source = self.ties.source.lock();
        self.map.get_or_init(|| match source.take() {
            Some(Source::Live(index)) => index.map().copy(),
            Some(Source::Copy(copy)) => Arc::try_unwrap(copy).unwrap_or_else(|copy| copy.copy()),
            None => Map::of(self.def.kind),
        })
    }
}

//! What a transaction has open: large objects by small numbers, each with a position.

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_storage::Snapshot;
use dictdb_types::{Error, Oid, Result, SqlState};

use crate::prepared::Source;

/// An open large object.
#[derive(Clone)]
pub(super) struct Descriptor {
    /// The object.
    pub object: Oid,
    /// Where it is read and written next.
    pub position: u64,
    /// It was opened for writing, and reads what is there now.
    pub writes: bool,
    /// Otherwise what was there when it was opened.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Depth of savepoints it was opened at.
    depth: usize,
}

/// The large objects a session has open, until its transaction ends.
#[derive(Default)]
pub(crate) struct OpenLargeObjects {
    descriptors: Vec<Option<Descriptor>>,
    /// What statements read by, while one that reads an earlier state runs.
    pub(crate) reads_at: Option<Arc<Snapshot>>,
    /// The statements that have been used.
    pub(super) statements: HashMap<&'static str, Arc<Source>>,
}

impl OpenLargeObjects {
    /// Opens an object; the lowest number that is free.
    pub(super) fn open(&mut self, object: Oid, snapshot: Option<Arc<Snapshot>>, depth: usize) -> i32 {
        let descriptor = Descriptor { object, position: 0, writes: snapshot.is_none(), snapshot, depth };
        let number = match self.descriptors.iter().position(Option::is_none) {
            Some(free) => {
                self.descriptors[free] = Some(descriptor);
                free
            }
            None => {
                self.descriptors.push(Some(descriptor));
                self.descriptors.len() - 1
            }
        };
        i32::try_from(number).unwrap_or(i32::MAX)
    }

    /// An open object. 42704.
    pub(super) fn get(&mut self, number: i32) -> Result<&mut Descriptor> {
        let found = usize::try_from(number).ok().and_then(|number| self.descriptors.get_mut(number)?.as_mut());
        found.ok_or_else(|| invalid(number))
    }

    /// Likewise, one that was opened for writing. 55000.
    pub(super) fn writable(&mut self, number: i32) -> Result<&mut Descriptor> {
        let found = self.get(number)?;
        if found.writes {
            return Ok(found);
        }
        let message = format!("large object descriptor {number} was not opened for writing");
        Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message))
    }

    /// Closes one. 42704.
    pub(super) fn close(&mut self, number: i32) -> Result<()> {
        self.get(number)?;
        if let Some(place) = usize::try_from(number).ok().and_then(|number| self.descriptors.get_mut(number)) {
            *place = None;
        }
        Ok(())
    }

    /// Closes all of an object.
    pub(super) fn close_object(&mut self, object: Oid) {
        self.close_if(|descriptor| descriptor.object == object);
    }

    fn close_if(&mut self, condition: impl Fn(&Descriptor) -> bool) {
        for place in &mut self.descriptors {
            place.take_if(|descriptor| condition(descriptor));
        }
    }

    /// The transaction has ended.
    pub(crate) fn close_all(&mut self) {
        self.descriptors.clear();
    }

    /// What was done at this depth of savepoints and deeper is taken back.
    pub(crate) fn close_from(&mut self, depth: usize) {
        self.close_if(|descriptor| descriptor.depth >= depth);
    }

    /// What was done deeper than this is kept.
    pub(crate) fn keep_at(&mut self, depth: usize) {
        for descriptor in self.descriptors.iter_mut().flatten() {
            descriptor.depth = descriptor.depth.min(depth);
        }
    }
}

/// 42704.
fn invalid(number: i32) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("invalid large-object descriptor: {number}"))
}

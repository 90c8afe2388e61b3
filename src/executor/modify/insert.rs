//! INSERT.

use dictdb_types::{Datum, Result};

use super::conflict::ConflictCode;
use super::node::{Changed, Modify};
use crate::row::Row;
use crate::runtime::Runtime;

impl Modify {
    pub(super) fn insert(
        &self,
        places: &[usize],
        on_conflict: Option<&ConflictCode>,
        input: Row,
        rt: &Runtime,
    ) -> Result<Option<Changed>> {
        let writer = rt.writer();
        let mut full = vec![Datum::Null; self.target.width()];
        for (place, value) in places.iter().zip(&input) {
            if let Some(cell) = full.get_mut(*place) {
                *cell = value.clone();
            }
        }
        if !writer.prepare_insert(&self.target, &mut full)? {
            return Ok(None);
        }
        let stored = match on_conflict {
            None => {
                writer.insert_new(&self.target, &full)?;
                Some(full)
            }
            Some(on_conflict) => on_conflict.insert(&self.target, full, &writer)?,
        };
        let Some(full) = stored else { return Ok(None) };
        writer.check_views(&self.target, &full)?;
        Ok(Some(Changed { full, input }))
    }
}

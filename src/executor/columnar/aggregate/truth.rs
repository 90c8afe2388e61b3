//! `bool_and`, `every` and `bool_or`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use dictdb_types::{Error, Result};

use super::accumulate::Accumulate;
use crate::runtime::Runtime;

/// The conjunction or disjunction of each group; nothing of no value.
pub(super) struct Truths {
    /// The value that decides: false in a conjunction.
    decisive: bool,
    values: Vec<Option<bool>>,
}

impl Truths {
    /// Conjunctions if `all` must be true, disjunctions otherwise.
    pub fn new(all: bool) -> Self {
        Truths { decisive: !all, values: Vec::new() }
    }
}

impl Accumulate for Truths {
    fn update(&mut self, args: &[ArrayRef], groups: &[usize], count: usize, _: &Runtime) -> Result<()> {
        self.values.resize(count, None);
        let booleans = args.first().and_then(|arg| arg.as_boolean_opt());
        let booleans = booleans.ok_or_else(|| Error::internal("truth of other than booleans"))?;
        for (row, group) in groups.iter().enumerate() {
            let value = &mut self.values[*group];
            if booleans.is_valid(row) && *value != Some(self.decisive) {
                *value = Some(booleans.value(row));
            }
        }
        Ok(())
    }

    fn finish(&mut self, count: usize, _: &Arc<Runtime>) -> Result<ArrayRef> {
        self.values.resize(count, None);
        Ok(Arc::new(std::mem::take(&mut self.values).into_iter().collect::<BooleanArray>()))
    }

    fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<Option<bool>>()
    }
}

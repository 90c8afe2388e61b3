//! `count(*)` and `count(x)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use dictdb_types::Result;

use super::accumulate::Accumulate;
use crate::runtime::Runtime;

/// One count per group.
#[derive(Default)]
pub(super) struct Count(Vec<i64>);

impl Accumulate for Count {
    fn update(&mut self, args: &[ArrayRef], groups: &[usize], count: usize, _: &Runtime) -> Result<()> {
        self.0.resize(count, 0);
        match args.first().and_then(|arg| arg.logical_nulls()) {
            None => groups.iter().for_each(|group| self.0[*group] += 1),
            Some(nulls) => {
                let present = groups.iter().zip(nulls.iter()).filter(|(_, valid)| *valid);
                present.for_each(|(group, _)| self.0[*group] += 1);
            }
        }
        Ok(())
    }

    fn finish(&mut self, count: usize, _: &Arc<Runtime>) -> Result<ArrayRef> {
        self.0.resize(count, 0);
        Ok(Arc::new(Int64Array::from(std::mem::take(&mut self.0))))
    }

    fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<i64>()
    }
}

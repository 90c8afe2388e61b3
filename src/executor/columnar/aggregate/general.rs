//! Any aggregate: one accumulator of [`dictdb_functions::aggregate`] per group, fed row by row from columns.

use std::sync::Arc;

use arrow::array::ArrayRef;
use dictdb_types::arrow::{ColumnBuilder, ColumnReader};
use dictdb_types::{Physical, Result};

use super::accumulate::Accumulate;
use crate::aggregate::{AggregateCode, AggregateState};
use crate::row::Row;
use crate::runtime::Runtime;

/// A call whose arguments come as columns: those in parentheses, then the ORDER BY keys.
#[derive(Debug)]
pub(super) struct GeneralCode {
    /// The call.
    pub code: AggregateCode,
    /// Layouts of the columns.
    pub layouts: Box<[Physical]>,
    /// Number of columns from the parentheses.
    pub args: usize,
    /// Whether those are direct arguments and the keys the aggregated ones.
    pub within_group: bool,
    /// Layout of the result.
    pub result: Physical,
}

/// One state per group.
pub(super) struct General {
    code: Arc<GeneralCode>,
    states: Vec<AggregateState>,
}

impl General {
    pub fn new(code: Arc<GeneralCode>) -> Self {
        General { code, states: Vec::new() }
    }

    fn grow(&mut self, count: usize) {
        let code = &self.code.code;
        self.states.resize_with(count, || code.start());
    }
}

impl Accumulate for General {
    fn update(&mut self, args: &[ArrayRef], groups: &[usize], count: usize, rt: &Runtime) -> Result<()> {
        self.grow(count);
        let code = &*self.code;
        let readers = args.iter().zip(&code.layouts).map(|(arg, layout)| ColumnReader::new(arg, *layout));
        let readers: Vec<ColumnReader<'_>> = readers.collect::<Result<_>>()?;
        let (first, keys) = readers.split_at(code.args.min(readers.len()));
        let read = |readers: &[ColumnReader<'_>], index: usize, out: &mut Row| -> Result<()> {
            out.clear();
            readers.iter().try_for_each(|reader| reader.get(index).map(|value| out.push(value)))
        };
        let (mut values, mut order) = (Row::new(), Row::new());
        for (index, group) in groups.iter().enumerate() {
            rt.tick(index)?;
            read(first, index, &mut values)?;
            read(keys, index, &mut order)?;
            let Some(state) = self.states.get_mut(*group) else { continue };
            if code.within_group {
                state.set_direct(|| values.clone());
                values.clone_from(&order);
            }
            state.push(&code.code, &mut values, &order, rt)?;
        }
        Ok(())
    }

    fn finish(&mut self, count: usize, rt: &Arc<Runtime>) -> Result<ArrayRef> {
        self.grow(count);
        let mut builder = ColumnBuilder::new(self.code.result, count);
        for state in &mut self.states {
            builder.push(&state.finish(&self.code.code, rt)?)?;
        }
        Ok(builder.finish())
    }

    fn bytes(&self) -> usize {
        self.states.capacity() * 2 * size_of::<AggregateState>()
    }
}

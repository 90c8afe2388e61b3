//! `xmlagg`.

use dictdb_types::{Datum, Result, oids};

use super::{Accumulator, Entry, arg};
use crate::CallContext;
use crate::xml::Concatenation;

pub(super) const AGGREGATES: &[Entry] = &[("xmlagg", &[oids::XML], || Box::new(Values::default()))];

#[derive(Default)]
struct Values(Concatenation);

impl Accumulator for Values {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        match arg(args, 0) {
            Datum::Text(text) => self.0.push(text),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(self.0.finish())
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

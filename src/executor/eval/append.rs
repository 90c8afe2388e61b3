//! `a := a || x`: an array that only its variable holds grows where it is, so that filling one is no work for each of the others.

use std::sync::Arc;

use dictdb_functions::array_push;
use dictdb_types::{Datum, Env, Error, Oid, Result};

use super::call::CallCode;
use super::{Code, Scope};

/// `pg_proc.oid` of `array_append`.
const ARRAY_APPEND: Oid = Oid(378);

impl CallCode {
    /// Whether this appends something to the array in a place of the row.
    pub(crate) fn appends_to(&self, row: &[Datum], place: usize) -> bool {
        self.function == ARRAY_APPEND
            && matches!(self.args.first(), Some(Code::Input(input)) if *input == place)
            && matches!(row.get(place), Some(Datum::Array(_)))
    }

    /// Appends it there. After an error the array is as it was.
    pub(crate) fn append_in_place(&self, env: &dyn Env, row: &mut [Datum], place: usize) -> Result<()> {
        let item = self.args.get(1).ok_or_else(|| Error::internal("nothing to append"))?;
        let item = item.eval(Scope::of_table(env, row))?;
        let Datum::Array(array) = &mut row[place] else { return Err(Error::internal("an array that is none")) };
        array_push(Arc::make_mut(array), item)
    }
}

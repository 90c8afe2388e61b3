//! `unaccent()`: a text through a dictionary, by default the one called `unaccent` beside the function.

use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = &[("unaccent_dict", unaccent_dict)];

/// 42704 when the dictionary is not there.
fn unaccent_dict(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let (dictionary, text) = match args {
        [Datum::Oid(dictionary), text] => (Oid(*dictionary), text),
        [text] => {
            let beside = cx.env.text_search_dictionary_beside(cx.function, "unaccent");
            let missing =
                || Error::new(SqlState::UNDEFINED_OBJECT, "text search dictionary \"unaccent\" does not exist");
            (beside.ok_or_else(missing)?, text)
        }
        _ => return Err(Error::internal("unaccent() of neither one nor two arguments")),
    };
    let Datum::Text(text) = text else { return Err(Error::internal("unaccent() of what is no text")) };
    crate::scalar::text_search::whole_text(dictionary, text, cx.env).map(Datum::text)
}

//! Functions that list words: keywords of the language, channels the session listens to.

use dictdb_functions::CallContext;
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_parser::{Category, keywords};
use dictdb_types::{Datum, Result};

use super::arguments::{records, session, values};

pub(super) const SETS: &[(&str, SetFn)] =
    &[("pg_get_keywords", pg_get_keywords), ("pg_listening_channels", pg_listening_channels)];

fn pg_get_keywords(_: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let row = |(word, category, bare): (&str, Category, bool)| {
        let (code, description) = match category {
            Category::Unreserved => ("U", "unreserved"),
            Category::ColumnName => ("C", "unreserved (cannot be function or type name)"),
            Category::TypeFunctionName => ("T", "reserved (can be function or type name)"),
            Category::Reserved => ("R", "reserved"),
        };
        let bare_description = if bare { "can be bare label" } else { "requires AS" };
        let texts = [description, bare_description].map(Datum::text);
        let [description, bare_description] = texts;
        vec![Datum::text(word), Datum::text(code), Datum::Bool(bare), description, bare_description]
    };
    Ok(records("pg_get_keywords", keywords().map(row).collect()))
}

fn pg_listening_channels(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let shared = &session(cx)?.shared;
    let channels = shared.instance.hub.channels_of(&shared.database.name, shared.backend.pid);
    Ok(values(channels.into_iter().map(Datum::Text).collect()))
}

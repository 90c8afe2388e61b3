//! `ts_stat`: the words of the documents that a query gives.

use std::sync::Arc;

use dictdb_functions::CallContext;
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::text_statistics::WordCounts;
use dictdb_types::{Datum, Error, Result, SqlState, oids};

use crate::Session;
use crate::portal::Outcome;
use crate::prepared::Source;
use crate::system::records;

pub(crate) const SETS: &[(&str, SetFn)] = &[
    ("ts_stat1", |cx, args| words("ts_stat1", cx, args, WordCounts::new())),
    ("ts_stat2", |cx, args| {
        let letters = if let Some(Datum::Text(letters)) = args.get(1) { letters.as_ref() } else { "" };
        words("ts_stat2", cx, args, WordCounts::with_weights(letters))
    }),
];

fn words(source: &str, cx: &CallContext<'_>, args: &[Datum], counts: WordCounts) -> Result<Rows> {
    let Some(Datum::Text(query)) = args.first() else { return Ok(Box::new(std::iter::empty())) };
    let counts = super::session(cx)?.shared.in_session(|session| session.count_words(query, counts))?;
    let row = |(word, documents, entries)| vec![Datum::text(word), Datum::Int4(documents), Datum::Int4(entries)];
    Ok(records(source, counts.into_rows().map(row).collect()))
}

impl Session {
    /// Counts the words of the documents in the only column of a query's rows. 22023 for another query.
    fn count_words(&mut self, query: &str, mut counts: WordCounts) -> Result<WordCounts> {
        let wrong = || Error::new(SqlState::INVALID_PARAMETER_VALUE, "ts_stat query must return one tsvector column");
        let source = Arc::new(Source::parse(query).map_err(|error| super::about_text(error, query))?);
        let Outcome::Rows { columns, mut source, .. } = self.execute_source(&source, &Arc::default(), None)? else {
            return Err(wrong());
        };
        if columns.len() != 1 || columns[0].ty.oid != oids::TSVECTOR {
            return Err(wrong());
        }
        let lends = source.calls_routines();
        self.lend_if(lends, || {
            source.pump(usize::MAX, &mut Vec::new(), &mut |row| {
                if let Some(Datum::Bytea(document)) = row.first() {
                    counts.add(document)?;
                }
                Ok(true)
            })
        })?;
        Ok(counts)
    }
}

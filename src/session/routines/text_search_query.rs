//! Text search over the rows of a query: `ts_stat` counts the words of its documents, `ts_rewrite` replaces by its pairs.

use std::sync::Arc;

use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::text_statistics::WordCounts;
use dictdb_functions::{CallContext, ScalarFn, text_search};
use dictdb_types::tsearch::Query;
use dictdb_types::{Datum, Error, Oid, Result, SqlState, oids};

use crate::Session;
use crate::portal::Outcome;
use crate::prepared::Source;
use crate::system::records;

pub(crate) const FUNCTIONS: &[(&str, ScalarFn)] = &[("tsquery_rewrite_query", |cx, args| {
    let [Datum::Bytea(own), Datum::Text(query)] = args else { return Ok(Datum::Null) };
    let session = super::session(cx)?;
    session.shared.in_session(|session| session.rewrite(own.to_vec(), query)).map(|own| Datum::Bytea(own.into()))
})];

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
        self.for_each_row(query, &[oids::TSVECTOR], "ts_stat query must return one tsvector column", |row| {
            if let Some(Datum::Bytea(document)) = row.first() {
                counts.add(document)?;
            }
            Ok(true)
        })?;
        Ok(counts)
    }

    /// A query in which the first column of every row has been replaced by the second, one after the other. 22023 for another
    /// query.
    fn rewrite(&mut self, mut own: Vec<u8>, query: &str) -> Result<Vec<u8>> {
        if Query::from_bytes(&own).is_none() {
            return Ok(own);
        }
        let wrong = "ts_rewrite query must return two tsquery columns";
        self.for_each_row(query, &[oids::TSQUERY, oids::TSQUERY], wrong, |row| {
            if let [Datum::Bytea(target), Datum::Bytea(substitute)] = row {
                own = text_search::rewritten(&own, target, substitute);
            }
            Ok(Query::from_bytes(&own).is_some())
        })?;
        Ok(own)
    }

    /// Calls `take` with the rows of a query until it has enough. 22023 with this message for columns of other types.
    fn for_each_row(
        &mut self,
        query: &str,
        types: &[Oid],
        message: &str,
        mut take: impl FnMut(&[Datum]) -> Result<bool> + Send,
    ) -> Result<()> {
        let wrong = || Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
        let source = Arc::new(Source::parse(query).map_err(|error| super::about_text(error, query))?);
        let Outcome::Rows { columns, mut source, .. } = self.execute_source(&source, &Arc::default(), None)? else {
            return Err(wrong());
        };
        if !columns.iter().map(|column| column.ty.oid).eq(types.iter().copied()) {
            return Err(wrong());
        }
        let lends = source.calls_routines();
        self.lend_if(lends, || source.pump(usize::MAX, &mut Vec::new(), &mut |row| take(row)))?;
        Ok(())
    }
}

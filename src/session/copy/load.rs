//! COPY FROM: rows from the client or a file into a table.
//!
//! Rows are inserted in batches. When a batch fails it is inserted again row by row, so that the error can name its line.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_executor::modify::StatementEvents;
use dictdb_parser::utility::{Copy, CopyTarget};
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use super::input::{Arrival, Incoming, Input};
use super::lines::Lines;
use super::options::{CopyFormat, Options};
use super::relation::{CopyTable, no_column};
use super::rows::{Batch, Rows};
use super::{binary, shape};
use crate::Session;
use crate::attention::Attention;
use crate::client::Client;
use crate::portal::{Outcome, Portal};
use crate::prepared::Source;

/// Values of one batch; its rows follow from the number of columns.
const BATCH_VALUES: usize = 512;

impl Session {
    /// Whether a table may be loaded with FREEZE: 0A000 for a partitioned one, 55000 for one that others have seen.
    fn check_freeze(&mut self, relation: &Relation) -> Result<()> {
        if relation.is_partitioned() {
            let message = "cannot perform COPY FREEZE on a partitioned table";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let committed = self.shared.database.catalog.current();
        match committed.relation(relation.oid) {
            Some(known) if known.storage == relation.storage => {
                let message = "cannot perform COPY FREEZE because the table was not created or truncated in the current \
                               subtransaction";
                Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message))
            }
            _ => Ok(()),
        }
    }

    /// Copies rows into a table; how many.
    pub(super) async fn load(
        &mut self,
        copy: &Copy,
        table: &CopyTable,
        options: &Options,
        client: &mut dyn Client,
    ) -> Result<u64> {
        let condition = self.copy_condition(copy, table)?;
        check_forced_columns(table, options)?;
        if let Err(refused) = self.check_copy_target(&table.relation) {
            if !matches!(copy.target, CopyTarget::File(_)) {
                client.copy_in(shape(options, table.columns.len())).await?;
            }
            return Err(refused);
        }
        let mut loader = Loader::new(self, table, options, condition.as_deref())?;
        let mut input = match &copy.target {
            CopyTarget::File(path) => Input::open(path)?,
            _ => {
                client.copy_in(shape(options, table.columns.len())).await?;
                Input::Client
            }
        };
        if options.freeze {
            self.check_freeze(&table.relation)?;
        }
        self.read_rows(&mut input, &mut loader, options, client).await?;
        loader.take_rows(self, true)?;
        loader.insert_batch(self)?;
        loader.finish(self)?;
        Ok(loader.inserted)
    }

    /// The text of WHERE, for the INSERT that takes the rows.
    fn copy_condition(&mut self, copy: &Copy, table: &CopyTable) -> Result<Option<Arc<str>>> {
        let Some(condition) = &copy.selection else { return Ok(None) };
        let (env, locations) = (self.env(), dictdb_parser::Locations::default());
        let search_path = env.search_path();
        let cx = env.bind_context(&search_path);
        let bound = table_expr::bind(condition, &locations, &table.relation, TableExpr::CopyWhere, cx)?;
        Ok(Some(bound.text))
    }

    /// Reads the input to its end; while the client pauses, what has come is looked at.
    async fn read_rows(
        &mut self,
        input: &mut Input,
        loader: &mut Loader<'_>,
        options: &Options,
        client: &mut dyn Client,
    ) -> Result<()> {
        let mut texts = match options.format {
            CopyFormat::Binary => None,
            CopyFormat::Text | CopyFormat::Csv => options.codec.map(Incoming::new),
        };
        let bell = Arc::<Attention>::default();
        loop {
            let wait = loader.has_news().then(|| self.shared.instance.deadlines.clone());
            let arrived = input.next_or_pause(client, wait, &bell).await;
            let piece = match arrived.map_err(|error| loader.next_line_context(error))? {
                Arrival::Piece(piece) => piece,
                Arrival::Pause => {
                    loader.look_at_waiting(self)?;
                    continue;
                }
                Arrival::End => break,
            };
            let failure = match &mut texts {
                None => {
                    loader.feed(&piece);
                    None
                }
                Some(texts) => loader.feed_text(texts, &piece, false),
            };
            loader.take_rows(self, false)?;
            failure.map_or(Ok(()), |error| Err(loader.next_line_context(error)))?;
            self.shared.backend.interrupts.check()?;
        }
        if let Some(error) = texts.as_mut().and_then(|texts| loader.feed_text(texts, &[], true)) {
            return Err(loader.next_line_context(error));
        }
        Ok(())
    }
}

/// 42703 and 42P10 for FORCE_NOT_NULL and FORCE_NULL of columns that are not copied.
fn check_forced_columns(table: &CopyTable, options: &Options) -> Result<()> {
    let forced = [("FORCE_NOT_NULL", &options.force_not_null), ("FORCE_NULL", &options.force_null)];
    for (option, name) in forced.into_iter().flat_map(|(option, names)| names.names().iter().map(move |n| (option, n)))
    {
        if table.relation.column_named(name).is_none() {
            return Err(no_column(name, &table.name));
        }
        if !table.columns.iter().any(|(column, _)| **column == **name) {
            let message = format!("{option} column \"{name}\" not referenced by COPY");
            return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message));
        }
    }
    Ok(())
}

/// Cuts the input into rows of its format.
enum Reader {
    Lines(Lines),
    Binary(binary::Rows),
}

/// A COPY FROM under way.
struct Loader<'a> {
    reader: Reader,
    /// Those that wait to be inserted.
    rows: Rows<'a>,
    /// INSERT of one row, and of a full batch.
    single: Arc<Source>,
    full: Arc<Source>,
    batch_rows: usize,
    inserted: u64,
    /// How many of the rows that wait were looked at while the client paused.
    looked_at: usize,
    /// Of a table with triggers: what is left for the end.
    events: Option<StatementEvents>,
}

impl<'a> Loader<'a> {
    fn new(
        session: &mut Session,
        table: &'a CopyTable,
        options: &'a Options,
        condition: Option<&str>,
    ) -> Result<Loader<'a>> {
        let reader = match options.format {
            CopyFormat::Binary => Reader::Binary(binary::Rows::new()),
            CopyFormat::Text | CopyFormat::Csv => Reader::Lines(Lines::new(options)),
        };
        // What triggers do must not be done twice: rows of their tables are inserted one by one from the beginning.
        let triggers = session.env().catalog.triggers_of(table.relation.oid).next().is_some();
        let batch_rows =
            if triggers || table.columns.is_empty() { 1 } else { (BATCH_VALUES / table.columns.len().max(1)).max(1) };
        let source = |rows: usize| -> Result<Arc<Source>> {
            let types: Vec<Oid> = table.columns.iter().map(|(_, ty)| ty.oid).collect();
            let sql = match condition {
                Some(condition) => table.insert_where(rows, condition),
                None => table.insert(rows),
            };
            Ok(Arc::new(Source::parse_with(&sql, &types.repeat(rows))?.without_rules()))
        };
        let single = source(1)?;
        // What is wrong with the table is told before the client is asked for data.
        session.plan(&single)?;
        let env = session.env();
        if env.catalog.is_secured(&table.relation, env.bind_context(&[]).role) {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "COPY FROM not supported with row-level security")
                .hint("Use INSERT statements instead."));
        }
        let events = triggers.then(StatementEvents::default);
        if let Some(events) = &events {
            let none = Source::parse_with(&table.insert_none(), &[])?.without_rules();
            session.insert(&Arc::new(none), Arc::default(), Some(events))?;
        }
        Ok(Loader {
            full: if batch_rows == 1 { single.clone() } else { source(batch_rows)? },
            single,
            rows: Rows::new(table, options, session.env()),
            reader,
            batch_rows,
            inserted: 0,
            looked_at: 0,
            events,
        })
    }

    fn feed(&mut self, piece: &[u8]) {
        match &mut self.reader {
            Reader::Lines(lines) => lines.feed(piece),
            Reader::Binary(rows) => rows.feed(piece),
        }
    }

    /// Likewise, in another encoding; what stops it is reported when the rows before it are done.
    fn feed_text(&mut self, texts: &mut Incoming, piece: &[u8], at_end: bool) -> Option<Error> {
        let (text, failure) = texts.text(piece, at_end);
        self.feed(text.as_bytes());
        failure
    }

    /// An error of what comes next. Before the first line, the binary format's header, it has no place.
    fn next_line_context(&self, error: Error) -> Error {
        match &self.reader {
            Reader::Binary(rows) if !rows.is_past_header() => error,
            _ => error.context(self.rows.place(self.rows.line + 1)),
        }
    }

    /// Converts and inserts the rows that are complete.
    fn take_rows(&mut self, session: &mut Session, at_end: bool) -> Result<()> {
        loop {
            match self.take_row(at_end) {
                Ok(false) => return Ok(()),
                Ok(true) if self.rows.batch.len() < self.batch_rows => {}
                Ok(true) => self.insert_batch(session)?,
                // What is wrong with a row before is told first.
                Err(error) => return self.look_at_waiting(session).and(Err(error)),
            }
        }
    }

    /// Whether rows wait to be inserted that nobody has looked at.
    fn has_news(&self) -> bool {
        self.rows.batch.len() > self.looked_at
    }

    /// Inserts the rows that wait, if they fit: an error about one of them is told. They go on waiting when others are in
    /// their way, of which PostgreSQL tells when it inserts a heap of rows.
    fn look_at_waiting(&mut self, session: &mut Session) -> Result<()> {
        if !self.has_news() {
            return Ok(());
        }
        let (batch, inserted) = (self.rows.batch.clone(), self.inserted);
        let transaction = session.transaction()?;
        let savepoint = transaction.savepoint();
        match self.insert_batch(session) {
            Err(error) if !quotes_line(&error) => {
                transaction.rollback_to(savepoint)?;
                self.looked_at = batch.len();
                (self.rows.batch, self.inserted) = (batch, inserted);
            }
            inserted => inserted?,
        }
        transaction.release(savepoint)
    }

    /// Converts the next row; false when there is none.
    fn take_row(&mut self, at_end: bool) -> Result<bool> {
        let taken = match &mut self.reader {
            Reader::Binary(rows) => match rows.next(self.rows.table.columns.len(), at_end) {
                Ok(binary::Next::Row(fields)) => Ok(self.rows.binary_row(&fields)?),
                Ok(binary::Next::Broken(fields, error)) => return Err(self.rows.broken_row(&fields, error)),
                Ok(binary::Next::Wait | binary::Next::End) => return Ok(false),
                Err(error) => Err(error),
            },
            Reader::Lines(lines) => match lines.next(at_end) {
                Ok(Some(line)) => Ok(self.rows.text_line(&line)?),
                Ok(None) => return Ok(false),
                Err(error) => Err(error),
            },
        };
        taken.map(|()| true).map_err(|error| self.next_line_context(error))
    }

    /// Ends the statement: what was left for its end happens.
    fn finish(&self, session: &mut Session) -> Result<()> {
        let Some(events) = &self.events else { return Ok(()) };
        let cx = session.constraint_context()?;
        let engine = session.shared.instance.engine.clone();
        session.lend(|| tokio::task::block_in_place(|| events.finish(&cx, &engine)))
    }

    /// Inserts what has been collected.
    fn insert_batch(&mut self, session: &mut Session) -> Result<()> {
        self.looked_at = 0;
        let mut batch = std::mem::take(&mut self.rows.batch);
        let result = self.insert_rows(session, &mut batch);
        // The next rows use its memory.
        batch.clear();
        self.rows.batch = batch;
        result
    }

    fn insert_rows(&mut self, session: &mut Session, batch: &mut Batch) -> Result<()> {
        let values: Arc<[Datum]> = batch.values.drain(..).collect();
        if batch.len() == self.batch_rows && self.batch_rows > 1 {
            let transaction = session.transaction()?;
            let savepoint = transaction.savepoint();
            match session.insert(&self.full, values.clone(), None) {
                Ok(count) => {
                    transaction.release(savepoint)?;
                    self.inserted += count;
                    return Ok(());
                }
                Err(_) => {
                    transaction.rollback_to(savepoint)?;
                    transaction.release(savepoint)?;
                }
            }
        }
        let columns = self.rows.table.columns.len();
        for row in 0..batch.len() {
            let values = values[row * columns..][..columns].into();
            let inserted = session.insert(&self.single, values, self.events.as_ref());
            self.inserted += inserted.map_err(|error| {
                let (line, shown) = batch.line(row);
                let shown = if quotes_line(&error) { format!(": \"{shown}\"") } else { String::new() };
                error.context(self.rows.place(line) + &shown)
            })?;
        }
        Ok(())
    }
}

/// Whether an error about a row repeats its line; those about keys come later, when PostgreSQL has forgotten it.
fn quotes_line(error: &Error) -> bool {
    use dictdb_types::SqlState;
    !matches!(
        error.code(),
        SqlState::UNIQUE_VIOLATION | SqlState::FOREIGN_KEY_VIOLATION | SqlState::EXCLUSION_VIOLATION
    )
}

impl Session {
    /// Runs an INSERT with these parameters; rows inserted.
    fn insert(&mut self, source: &Arc<Source>, params: Arc<[Datum]>, part_of: Option<&StatementEvents>) -> Result<u64> {
        let depth = self.block.savepoints.len();
        let portal = Portal::new("", Some(source.clone()), source.text.clone(), params, depth);
        self.part_of = part_of.cloned();
        match self.execute_query(&portal)? {
            Outcome::Done(tag) => Ok(tag.count()),
            Outcome::Rows { .. } => Err(Error::internal("an INSERT of COPY returned rows")),
        }
    }
}

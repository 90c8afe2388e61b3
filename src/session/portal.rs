//! Portals: statements ready to run or half run, and cursors, by name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use dictdb_planner::logical::LockStrength;
use dictdb_types::{Datum, Error, Result, SqlState};
use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::client::{Column, Format, Row, Shape, Tag};
use crate::pipeline::{RowSink, RowStream};
use crate::prepared::Source;
use crate::statement::current_row::Place;

/// Rows that a statement still has to give.
pub(crate) enum RowSource {
    /// Rows that are already there.
    Stored(std::vec::IntoIter<Row>),
    /// Rows that a cache shares.
    Kept(KeptRows),
    /// Rows that are computed as they are asked for.
    Stream(Box<RowStream>),
}

/// Rows that a cache shares.
pub(crate) struct KeptRows {
    rows: Arc<[Row]>,
    next: usize,
    /// A cursor over the query could go back.
    goes_back: bool,
}

impl KeptRows {
    fn pump(&mut self, limit: usize, sink: &mut RowSink<'_>) -> Result<(usize, bool)> {
        for count in 0..limit {
            let Some(row) = self.rows.get(self.next) else { return Ok((count, true)) };
            self.next += 1;
            if !sink(row)? {
                return Ok((count + 1, false));
            }
        }
        Ok((limit, false))
    }
}

impl RowSource {
    /// Rows that are already there.
    pub(crate) fn stored(rows: Vec<Row>) -> Self {
        RowSource::Stored(rows.into_iter())
    }

    /// Rows that a cache shares.
    pub(crate) fn kept(rows: Arc<[Row]>, goes_back: bool) -> Self {
        RowSource::Kept(KeptRows { rows, next: 0, goes_back })
    }

    /// Begins again from the first row; `false` if it cannot.
    pub(crate) fn restart(&mut self) -> Result<bool> {
        match self {
            RowSource::Stream(stream) => stream.restart().map(|()| true),
            RowSource::Kept(kept) => {
                kept.next = 0;
                Ok(true)
            }
            RowSource::Stored(_) => Ok(false),
        }
    }

    /// The strength in which it locks the rows it returns, if it does.
    pub(crate) fn locks_rows(&mut self) -> Option<LockStrength> {
        match self {
            RowSource::Stream(stream) => stream.locks_rows(),
            RowSource::Stored(_) | RowSource::Kept(_) => None,
        }
    }

    /// Whether a cursor over it may go backward although nobody said so.
    pub(crate) fn can_go_back(&mut self) -> bool {
        match self {
            RowSource::Stream(stream) => stream.can_go_back(),
            RowSource::Kept(kept) => kept.goes_back,
            RowSource::Stored(_) => false,
        }
    }

    /// Whether asking for rows may call functions of users: then the session must be lent.
    pub(crate) fn calls_routines(&self) -> bool {
        matches!(self, RowSource::Stream(stream) if stream.calls_routines)
    }

    /// Hands at most `limit` further rows to `sink`, which says whether it takes more. Returns how many, and whether that
    /// was the end. Rows that are computed pass through `row`.
    pub(crate) fn pump(&mut self, limit: usize, row: &mut Row, sink: &mut RowSink<'_>) -> Result<(usize, bool)> {
        match self {
            RowSource::Stream(stream) => stream.pump(limit, row, sink),
            RowSource::Kept(kept) => kept.pump(limit, sink),
            RowSource::Stored(rows) => {
                for count in 0..limit {
                    let Some(row) = rows.next() else { return Ok((count, true)) };
                    if !sink(&row)? {
                        return Ok((count + 1, false));
                    }
                }
                Ok((limit, false))
            }
        }
    }
}

/// What running a statement leaves to be done.
pub(crate) enum Outcome {
    /// Nothing: it is complete.
    Done(Tag),
    /// Its rows are to be sent.
    Rows {
        /// Their columns.
        columns: Arc<[Column]>,
        /// The rows.
        source: RowSource,
        /// The tag's command; the number of rows follows it unless `tag_rows` says otherwise.
        command: &'static str,
        /// The number in the tag.
        count: TagCount,
    },
}

/// The number in the tag of a statement with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagCount {
    /// Rows sent.
    Sent,
    /// No number.
    None,
}

/// Options of DECLARE.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CursorOptions {
    /// It can go backwards, and so keeps its rows.
    pub scroll: bool,
    /// It could: nobody said NO SCROLL and the query allows it. It keeps rows from the first time it does.
    pub may_scroll: bool,
    /// It outlives its transaction.
    pub hold: bool,
}

/// How far a portal has come.
pub(crate) enum Progress {
    /// Not started.
    New,
    /// Rows are left, or may be.
    Rows {
        /// Where they come from.
        source: RowSource,
        /// The tag's command.
        command: &'static str,
        /// The tag's number.
        count: TagCount,
    },
    /// Everything was sent; the tag's command and number if it may be asked again.
    Finished(Option<(&'static str, TagCount)>),
}

/// A portal.
pub(crate) struct Portal {
    /// Its name; empty for the unnamed one.
    pub name: Box<str>,
    /// The statement; `None` when its text was empty.
    pub source: Option<Arc<Source>>,
    /// Text for `pg_cursors` and `pg_stat_activity`.
    pub text: Arc<str>,
    /// Values of the parameters.
    pub params: Arc<[Datum]>,
    /// Columns and formats; `None` when it returns no rows.
    pub shape: Option<Shape>,
    /// A result format of Bind that does not exist.
    pub bad_format: Option<i16>,
    /// How far it has come.
    pub progress: Progress,
    /// Cursor options, when DECLARE made it.
    pub cursor: Option<Cursor>,
    /// Its columns as fields of rows, once a function has fetched from it.
    pub fields: Option<Arc<[dictdb_types::Field]>>,
    /// Depth of savepoints it was made at; it does not survive a rollback to a shallower one.
    pub depth: usize,
}

/// What a cursor has besides a portal.
#[derive(Default)]
pub(crate) struct Cursor {
    /// Options of DECLARE.
    pub options: CursorOptions,
    /// Rows that were read and are kept: of a SCROLL cursor all, of another those that were read ahead to be held.
    pub rows: Vec<Row>,
    /// How many rows before `rows` are kept no longer.
    pub dropped: usize,
    /// How many rows the query has given.
    pub seen: usize,
    /// Whether the query has no more.
    pub complete: bool,
    /// Number of the current row: 0 before the first, one more than the last after it.
    pub position: usize,
    /// The transaction that made it has ended.
    pub held: bool,
    /// Columns at the end of its rows that say where they come from and are not shown.
    pub hidden: usize,
    /// Those of the current row.
    pub place: Option<Row>,
    /// Reading it failed: it cannot be run again.
    pub failed: bool,
    /// A loop reads it: it outlives a transaction that a procedure ends.
    pub pinned: bool,
}

impl Portal {
    /// 55000: it has failed, or it ended and cannot begin again.
    pub(crate) fn not_runnable(&self) -> Error {
        let message = format!("portal \"{}\" cannot be run", self.name);
        Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
    }

    /// It failed: it lets go of what it has of its query, and is not run again.
    pub(crate) fn fail(&mut self) {
        self.progress = Progress::Finished(None);
        if let Some(cursor) = &mut self.cursor {
            cursor.failed = true;
        }
    }

    pub(crate) fn new(
        name: &str,
        source: Option<Arc<Source>>,
        text: Arc<str>,
        params: Arc<[Datum]>,
        depth: usize,
    ) -> Portal {
        Portal {
            name: name.into(),
            source,
            text,
            params,
            shape: None,
            bad_format: None,
            progress: Progress::New,
            cursor: None,
            fields: None,
            depth,
        }
    }

    /// Sets columns and formats of the result; 08P01 when there are too few formats.
    pub(crate) fn set_shape(&mut self, columns: Option<Arc<[Column]>>, formats: SmallVec<[Format; 8]>) -> Result<()> {
        // What has no rows at all takes any formats.
        if let Some(columns) = &columns
            && formats.len() > 1
            && formats.len() != columns.len()
        {
            let (formats, columns) = (formats.len(), columns.len());
            let message = format!("bind message has {formats} result formats but query has {columns} columns");
            return Err(Error::new(SqlState::PROTOCOL_VIOLATION, message));
        }
        self.shape = columns.map(|columns| Shape { columns, formats });
        Ok(())
    }

    /// Whether asking for rows may call functions of users.
    pub(crate) fn calls_routines(&self) -> bool {
        matches!(&self.progress, Progress::Rows { source, .. } if source.calls_routines())
    }

    /// The tables that its query reads or changes, unless it is at its end, or all its rows were read when its transaction ended.
    pub(crate) fn opened(&mut self) -> &[dictdb_types::Oid] {
        if self.is_held() {
            return &[];
        }
        match &mut self.progress {
            Progress::Rows { source: RowSource::Stream(stream), .. } => stream.opened(),
            _ => &[],
        }
    }

    /// Whether its rows are those of a SELECT.
    pub(crate) fn reads_only(&self) -> bool {
        matches!(&self.progress, Progress::Rows { command: "SELECT", .. } | Progress::Finished(_))
    }

    /// Whether it is a cursor WITH HOLD.
    pub(crate) fn is_holdable(&self) -> bool {
        self.cursor.as_ref().is_some_and(|cursor| cursor.options.hold)
    }

    /// Whether it outlives its transaction already.
    pub(crate) fn is_held(&self) -> bool {
        self.cursor.as_ref().is_some_and(|cursor| cursor.held)
    }
}

/// What `pg_cursors` shows of a named portal.
#[derive(Clone, Debug)]
pub(crate) struct CursorInfo {
    /// `statement`.
    pub statement: Arc<str>,
    /// `is_holdable` and `is_scrollable`.
    pub options: CursorOptions,
    /// `is_binary`.
    pub binary: bool,
    /// `creation_time`.
    pub created: i64,
    /// The row it stands on.
    pub place: Place,
}

/// The named portals of a session by name.
pub(crate) type NamedPortals = Mutex<BTreeMap<Arc<str>, CursorInfo>>;

/// The portals of a session.
#[derive(Default)]
pub(crate) struct Portals {
    /// The portal without a name: nearly always the only one.
    unnamed: Option<Box<Portal>>,
    by_name: HashMap<Arc<str>, Box<Portal>>,
    /// The named ones, to be looked at from elsewhere.
    named: Arc<NamedPortals>,
    /// Whether `named` has any: the common case is that all portals are unnamed.
    any_named: bool,
}

impl Portals {
    /// The named portals, to be looked at from elsewhere.
    pub(crate) fn named(&self) -> Arc<NamedPortals> {
        self.named.clone()
    }

    fn list(&mut self, portal: &Portal) {
        self.any_named = true;
        let mut named = self.named.lock();
        let listed = named.entry((*portal.name).into()).or_insert_with(|| CursorInfo {
            statement: portal.text.clone(),
            options: portal.cursor.as_ref().map(|cursor| cursor.options).unwrap_or_default(),
            binary: portal.shape.as_ref().is_some_and(|shape| shape.format(0) == Format::Binary),
            created: crate::clock::now_micros(),
            place: Place::default(),
        });
        listed.place = portal.place();
    }

    /// Takes portals off the list that are no more.
    fn unlist(&mut self) {
        if self.any_named {
            let mut named = self.named.lock();
            named.retain(|name, _| self.by_name.contains_key(name));
            self.any_named = !named.is_empty();
        }
    }

    /// The portal of that name for as long as the caller works with it; 34000. It must be put back.
    pub(crate) fn take(&mut self, name: &str, noun: &str) -> Result<Box<Portal>> {
        let taken = if name.is_empty() { self.unnamed.take() } else { self.by_name.remove(name) };
        taken.ok_or_else(|| no_such(name, noun))
    }

    pub(crate) fn get(&self, name: &str, noun: &str) -> Result<&Portal> {
        let found = if name.is_empty() { self.unnamed.as_ref() } else { self.by_name.get(name) };
        found.map(|portal| &**portal).ok_or_else(|| no_such(name, noun))
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        if name.is_empty() { self.unnamed.is_some() } else { self.by_name.contains_key(name) }
    }

    pub(crate) fn put(&mut self, portal: Box<Portal>) {
        if portal.name.is_empty() {
            self.unnamed = Some(portal);
        } else {
            self.list(&portal);
            self.by_name.insert((*portal.name).into(), portal);
        }
    }

    /// Adds a portal; the unnamed one replaces its predecessor, a named one must be new (42P03).
    pub(crate) fn check_free(&mut self, name: &str) -> Result<()> {
        if name.is_empty() {
            self.unnamed = None;
        } else if self.by_name.contains_key(name) {
            return Err(Error::new(SqlState::DUPLICATE_CURSOR, format!("cursor \"{name}\" already exists")));
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let found = self.take(name, "portal").is_ok();
        self.unlist();
        found
    }

    /// Keeps the portals that `keep` says.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Portal) -> bool) {
        self.unnamed.take_if(|portal| !keep(portal));
        if !self.by_name.is_empty() {
            self.by_name.retain(|_, portal| keep(portal));
        }
        self.unlist();
    }

    /// The names of the portals that `wanted` says.
    pub(crate) fn names(&self, wanted: impl Fn(&Portal) -> bool) -> Vec<Arc<str>> {
        self.by_name.values().filter(|portal| wanted(portal)).map(|portal| (*portal.name).into()).collect()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Portal> {
        self.unnamed.iter_mut().chain(self.by_name.values_mut()).map(|portal| &mut **portal)
    }
}

fn no_such(name: &str, noun: &str) -> Error {
    Error::new(SqlState::UNDEFINED_CURSOR, format!("{noun} \"{name}\" does not exist"))
}

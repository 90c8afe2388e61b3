//! DECLARE, FETCH, MOVE and CLOSE.
//!
//! A cursor's position is a row number: 0 before the first row, one more than the last after the end. SCROLL cursors keep
//! the rows they have read; others keep none and only go forward.

use std::sync::Arc;

use dictdb_parser::ast::Ident;
use dictdb_parser::utility::{DeclareCursor, Fetch, FetchDirection};
use dictdb_planner::logical::LockStrength;
use dictdb_types::{Error, Oid, Result, SqlState};
use smallvec::smallvec;

use super::current_row::shown;
use super::tag::stays;
use crate::Session;
use crate::client::{Client, Column, Format, Row, Shape, Tag};
use crate::portal::{Cursor, CursorOptions, Outcome, Portal, Progress, RowSource, TagCount};
use crate::prepared::Source;

/// Every row there is.
const ALL: usize = usize::MAX;

impl Session {
    pub(super) async fn run_declare(
        &mut self,
        declare: &DeclareCursor,
        outer: &Source,
        portal: &Portal,
        client: &mut dyn Client,
    ) -> Result<Outcome> {
        if declare.hold {
            self.shared.check_unrestricted(|| "create a cursor WITH HOLD".to_owned())?;
        }
        if !declare.hold && !self.in_block() {
            let message = "DECLARE CURSOR can only be used in transaction blocks";
            return Err(Error::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, message));
        }
        let name = declare.name.value.as_str();
        if self.portals.contains(name) {
            return Err(Error::new(SqlState::DUPLICATE_CURSOR, format!("cursor \"{name}\" already exists")));
        }
        let types: Vec<Oid> = outer.declared.iter().map(|ty| ty.oid).collect();
        let query = outer.nested(declare.text.clone(), &types)?;
        let (query, hidden) = self.with_places(&query);
        let (params, depth) = (portal.params.clone(), self.block.savepoints.len());
        let mut cursor = Portal::new(name, Some(query), outer.text.clone(), params, depth);
        let Outcome::Rows { columns, mut source, command, count } = Box::pin(self.run(&mut cursor, client)).await?
        else {
            return Err(Error::internal("a cursor's query returned no rows"));
        };
        let format = if declare.binary { Format::Binary } else { Format::Text };
        let columns = shown(columns, hidden);
        cursor.shape = Some(Shape { columns, formats: smallvec![format] });
        refuse_locks(declare, source.locks_rows())?;
        let may_scroll = declare.scroll.is_none() && source.can_go_back();
        cursor.progress = Progress::Rows { source, command, count };
        let options = CursorOptions { scroll: declare.scroll == Some(true), may_scroll, hold: declare.hold };
        cursor.cursor = Some(Cursor { options, hidden, ..Cursor::default() });
        self.portals.put(Box::new(cursor));
        Ok(Outcome::Done(Tag::new("DECLARE CURSOR")))
    }

    /// The columns FETCH returns, for Describe.
    pub(super) fn cursor_columns(&self, fetch: &Fetch) -> Option<Arc<[Column]>> {
        // A cursor that does not exist yet may do so when the statement runs.
        let portal = self.portals.get(&fetch.cursor.value, "cursor").ok();
        portal.and_then(|portal| portal.shape.as_ref()).map(|shape| shape.columns.clone())
    }

    pub(super) fn run_fetch(&mut self, fetch: &Fetch, target: &mut Portal) -> Result<Outcome> {
        let mut portal = self.portals.take(&fetch.cursor.value, "cursor")?;
        let begun = self.begin_cursor(&mut portal);
        let lends = portal.calls_routines();
        let fetched = begun.and_then(|()| self.lend_if(lends, || portal.fetch(fetch)));
        let shape = portal.shape.clone();
        self.portals.put(portal);
        let rows = fetched?;
        if fetch.is_move {
            return Ok(Outcome::Done(Tag::rows("MOVE", rows.count as u64)));
        }
        let Some(shape) = shape else { return Err(Error::internal("a cursor without columns")) };
        let columns = shape.columns.clone();
        // A BINARY cursor decides the format, whatever the simple protocol would use.
        if target.shape.is_none() || shape.format(0) == Format::Binary {
            target.shape = Some(shape);
        }
        Ok(Outcome::Rows { columns, source: RowSource::stored(rows.rows), command: "FETCH", count: TagCount::Sent })
    }

    /// A cursor over a statement that changes rows runs it when it is asked for rows first, to its end: whatever comes then sees
    /// the changes.
    pub(crate) fn begin_cursor(&mut self, portal: &mut Portal) -> Result<()> {
        let (Progress::New, Some(source)) = (&portal.progress, portal.source.clone()) else { return Ok(()) };
        let params = portal.params.clone();
        let Outcome::Rows { mut source, command, count, .. } = self.execute_source(&source, &params, None)? else {
            return Err(Error::internal("a cursor's statement returned no rows"));
        };
        let mut rows = Vec::new();
        self.lend_if(source.calls_routines(), || {
            source.pump(ALL, &mut Row::new(), &mut |row| {
                rows.push(row.clone());
                Ok(true)
            })
        })?;
        portal.progress = Progress::Rows { source: RowSource::stored(rows), command, count };
        Ok(())
    }

    pub(super) fn run_close(&mut self, name: Option<&Ident>) -> Result<Outcome> {
        let Some(name) = name else {
            self.portals.retain(|_| false);
            return Ok(Outcome::Done(Tag::new("CLOSE CURSOR ALL")));
        };
        self.portals.get(&name.value, "cursor")?;
        self.portals.remove(&name.value);
        Ok(Outcome::Done(Tag::new("CLOSE CURSOR")))
    }

    /// A procedure ends the transaction: the cursors of its loops outlive it.
    pub(crate) fn keep_cursors(&mut self) -> Result<()> {
        for portal in self.portals.iter_mut() {
            let reads_only = portal.reads_only();
            if let Some(cursor) = portal.cursor.as_mut().filter(|cursor| cursor.pinned) {
                if !reads_only {
                    let message = "cannot perform transaction commands inside a cursor loop that is not read-only";
                    return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
                }
                cursor.options.hold = true;
            }
        }
        self.hold_cursors()
    }

    /// The transaction commits: cursors WITH HOLD read their remaining rows, for they lose their snapshot.
    pub(crate) fn hold_cursors(&mut self) -> Result<()> {
        let holds = |portal: &Portal| portal.cursor.as_ref().is_some_and(|cursor| cursor.options.hold && !cursor.held);
        for name in self.portals.names(holds) {
            let mut portal = self.portals.take(&name, "cursor")?;
            let lends = portal.calls_routines();
            let read = self.lend_if(lends, || {
                portal.keep_rows()?;
                portal.read(ALL)
            });
            if let Some(cursor) = &mut portal.cursor {
                cursor.held = read.is_ok();
            }
            portal.depth = 0;
            self.portals.put(portal);
            read?;
        }
        Ok(())
    }
}

/// Cursors that lock rows go forward, inside their transaction, and see what it changes. 0A000, 42P11.
fn refuse_locks(declare: &DeclareCursor, strength: Option<LockStrength>) -> Result<()> {
    let Some(strength) = strength else { return Ok(()) };
    let (options, kind, code, why) = match (declare.hold, declare.scroll, declare.insensitive) {
        (true, _, _) => ("CURSOR WITH HOLD", "Holdable", SqlState::FEATURE_NOT_SUPPORTED, "supported"),
        (_, Some(true), _) => ("SCROLL CURSOR", "Scrollable", SqlState::FEATURE_NOT_SUPPORTED, "supported"),
        (_, _, Some(true)) => ("INSENSITIVE CURSOR", "Insensitive", SqlState::INVALID_CURSOR_DEFINITION, "valid"),
        _ => return Ok(()),
    };
    let message = format!("DECLARE {options} ... {} is not {why}", strength.as_sql());
    Err(Error::new(code, message).detail(format!("{kind} cursors must be READ ONLY.")))
}

/// What a FETCH or MOVE passed over; the rows are kept for FETCH only.
#[derive(Default)]
pub(crate) struct Fetched {
    pub rows: Vec<Row>,
    pub count: usize,
}

impl Portal {
    pub(crate) fn fetch(&mut self, fetch: &Fetch) -> Result<Fetched> {
        if self.cursor.as_ref().is_some_and(|cursor| cursor.failed) {
            return Err(self.not_runnable());
        }
        if self.cursor.is_none() {
            self.cursor = Some(Cursor::default());
        }
        let hidden = self.cursor.as_ref().is_some_and(|cursor| cursor.hidden > 0);
        let mut fetched = self.passed(fetch, !fetch.is_move || hidden).inspect_err(|_| self.fail())?;
        let moved = !stays(fetch.direction);
        self.take_places(&mut fetched.rows, moved);
        if fetch.is_move {
            fetched.rows.clear();
        }
        Ok(fetched)
    }

    fn passed(&mut self, fetch: &Fetch, keep: bool) -> Result<Fetched> {
        if stays(fetch.direction) {
            return self.current(keep);
        }
        match fetch.direction {
            FetchDirection::Forward(count) if count < 0 => self.backward(size(count), keep),
            FetchDirection::Forward(count) => self.forward(size(count), keep),
            FetchDirection::Backward(count) if count < 0 => self.forward(size(count), keep),
            FetchDirection::Backward(count) => self.backward(size(count), keep),
            FetchDirection::Relative(count) if count > 0 => {
                self.forward(size(count) - 1, false)?;
                self.forward(1, keep)
            }
            FetchDirection::Relative(count) => {
                self.backward(size(count) - 1, false)?;
                self.backward(1, keep)
            }
            FetchDirection::Absolute(row) if row >= 0 => self.absolute(size(row), keep),
            FetchDirection::Absolute(row) => {
                self.forward(ALL, false)?;
                self.backward(size(row) - 1, false)?;
                self.backward(1, keep)
            }
        }
    }

    fn position(&self) -> usize {
        self.cursor.as_ref().map_or(0, |cursor| cursor.position)
    }

    /// The row the cursor is on, once more.
    fn current(&mut self, keep: bool) -> Result<Fetched> {
        let position = self.position();
        let on_row = position > 0 && !self.is_after_end();
        if !on_row {
            return Ok(Fetched::default());
        }
        if !keep {
            return Ok(Fetched { rows: vec![], count: 1 });
        }
        self.backward(1, false)?;
        self.forward(1, keep)
    }

    fn is_after_end(&self) -> bool {
        self.cursor.as_ref().is_some_and(|cursor| cursor.complete && cursor.position > cursor.seen)
    }

    fn absolute(&mut self, row: usize, keep: bool) -> Result<Fetched> {
        let position = self.position();
        if row == 0 {
            if position > 0 {
                self.backward(ALL, false)?;
            }
            return Ok(Fetched::default());
        }
        if row > position {
            self.forward(row - position - 1, false)?;
        } else {
            self.backward(position - row + 1, false)?;
        }
        self.forward(1, keep)
    }

    /// Goes forward over at most `count` rows.
    fn forward(&mut self, count: usize, keep: bool) -> Result<Fetched> {
        if count == 0 || self.is_after_end() {
            return Ok(Fetched::default());
        }
        let position = self.position();
        let target = position.saturating_add(count);
        let mut fetched = Fetched::default();
        let scroll = self.cursor.as_ref().is_some_and(|cursor| cursor.options.scroll);
        if scroll {
            self.read(target)?;
        }
        let Some(cursor) = &mut self.cursor else { return Ok(fetched) };
        // Rows that were read before and are still kept: all of a SCROLL cursor, the rest of one that is held.
        let first = position - cursor.dropped.min(position);
        let kept = cursor.rows.len().saturating_sub(first).min(count);
        if keep {
            fetched.rows.extend_from_slice(&cursor.rows[first..first + kept]);
        }
        fetched.count = kept;
        if !scroll {
            let passed = first + kept;
            cursor.rows.drain(..passed);
            cursor.dropped += passed;
            while fetched.count < count && !self.is_complete() {
                let rows = self.read_more(count - fetched.count)?;
                fetched.count += rows.len();
                if let Some(cursor) = &mut self.cursor {
                    cursor.dropped += rows.len();
                }
                if keep {
                    fetched.rows.extend(rows);
                }
            }
        }
        let after_end = fetched.count < count;
        if let Some(cursor) = &mut self.cursor {
            cursor.position = position + fetched.count + usize::from(after_end);
        }
        Ok(fetched)
    }

    /// Makes a cursor that may scroll one that keeps its rows, those it has passed included.
    fn keep_rows(&mut self) -> Result<()> {
        let Some(cursor) = &mut self.cursor else { return Ok(()) };
        if !cursor.options.may_scroll || cursor.options.scroll {
            return Ok(());
        }
        let Progress::Rows { source, .. } = &mut self.progress else { return Ok(()) };
        if !source.restart()? {
            return Ok(());
        }
        let position = cursor.position;
        cursor.options.scroll = true;
        cursor.rows.clear();
        (cursor.dropped, cursor.seen, cursor.complete) = (0, 0, false);
        self.read(position)
    }

    /// Goes backward over at most `count` rows, the nearest first.
    fn backward(&mut self, count: usize, keep: bool) -> Result<Fetched> {
        if count > 0 && self.position() > 0 {
            self.keep_rows()?;
        }
        let Some(cursor) = &mut self.cursor else { return Ok(Fetched::default()) };
        if count == 0 {
            return Ok(Fetched::default());
        }
        let at_start = cursor.position == 0;
        let may_go = cursor.options.scroll || at_start && cursor.options.may_scroll;
        if !may_go {
            let error = Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward");
            return Err(error.hint("Declare it with SCROLL option to enable backward scan."));
        }
        if at_start {
            return Ok(Fetched::default());
        }
        let passed = count.min(cursor.position - 1);
        let rows = &cursor.rows[cursor.position - 1 - passed..cursor.position - 1];
        let fetched = Fetched { rows: if keep { rows.iter().rev().cloned().collect() } else { vec![] }, count: passed };
        cursor.position = if passed < count { 0 } else { cursor.position - passed };
        Ok(fetched)
    }

    fn is_complete(&self) -> bool {
        self.cursor.as_ref().is_some_and(|cursor| cursor.complete)
    }

    /// Keeps rows until number `target` is there or the end.
    fn read(&mut self, target: usize) -> Result<()> {
        while !self.is_complete() {
            let seen = self.cursor.as_ref().map_or(0, |cursor| cursor.seen);
            if seen >= target {
                break;
            }
            let rows = self.read_more(target - seen)?;
            if let Some(cursor) = &mut self.cursor {
                cursor.rows.extend(rows);
            }
        }
        Ok(())
    }

    /// Some further rows of the query; remembers when there are none.
    fn read_more(&mut self, wanted: usize) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        let (_, at_end) = match &mut self.progress {
            Progress::Rows { source, .. } => source.pump(wanted.min(READ_AT_ONCE), &mut Row::new(), &mut |row| {
                rows.push(row.clone());
                Ok(true)
            })?,
            Progress::New | Progress::Finished(_) => (0, true),
        };
        if let Some(cursor) = &mut self.cursor {
            cursor.seen += rows.len();
            cursor.complete |= at_end;
        }
        Ok(rows)
    }
}

/// Rows that a cursor asks of its query at once.
const READ_AT_ONCE: usize = 4096;

/// A count without its sign; the greatest one is all rows.
fn size(count: i64) -> usize {
    match count {
        i64::MAX | i64::MIN => ALL,
        count => usize::try_from(count.unsigned_abs()).unwrap_or(ALL),
    }
}

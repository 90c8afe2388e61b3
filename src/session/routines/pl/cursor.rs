//! Cursors of functions: portals of the session.

use std::sync::Arc;

use dictdb_parser::Statement;
use dictdb_parser::ast::Ident;
use dictdb_parser::utility::{Fetch, FetchDirection};
use dictdb_plpgsql::{Direction, Executed, Opening};
use dictdb_types::{Datum, Error, Result, SqlState};

use super::host::PlHost;
use super::plan::PlannedStatement;
use crate::client::{Column, Format, Shape};
use crate::portal::{Cursor, CursorOptions, Outcome, Portal, Progress};

impl PlHost<'_> {
    /// Opens a portal over a statement; its name.
    pub(super) fn open_portal(
        &mut self,
        how: Opening<'_>,
        statement: &PlannedStatement,
        params: Arc<[Datum]>,
    ) -> Result<Arc<str>> {
        self.forget_environment();
        let session = &mut *self.session;
        let name: Arc<str> = match how.name {
            Some(name) => Arc::from(name),
            None => loop {
                session.routines.unnamed_portals += 1;
                let name = format!("<unnamed portal {}>", session.routines.unnamed_portals);
                if !session.portals.contains(&name) {
                    break Arc::from(name);
                }
            },
        };
        if session.portals.contains(&name) {
            return Err(Error::new(SqlState::DUPLICATE_CURSOR, format!("cursor \"{name}\" already in use")));
        }
        let (source, hidden) = match how.placed {
            true => statement.placed(session),
            false => (statement.source.clone(), 0),
        };
        let source = &source;
        let no_rows = || {
            let tag = crate::statement::command_tag(&source.parsed.statement);
            Error::new(SqlState::INVALID_CURSOR_DEFINITION, format!("cannot open {tag} query as cursor"))
        };
        let (columns, progress) = match &source.parsed.statement {
            Statement::Sql(_) => {
                let plan = session.plan(source)?;
                match plan.modifies() {
                    true => (plan.columns.clone().ok_or_else(no_rows)?, Progress::New),
                    false => opened(session.execute_source(source, &params, None)?).ok_or_else(no_rows)?,
                }
            }
            Statement::Utility(_) => opened(session.run_command(source, &params)?).ok_or_else(no_rows)?,
        };
        let depth = session.block.savepoints.len();
        let mut portal = Portal::new(&name, Some(source.clone()), source.text.clone(), params, depth);
        let columns = crate::statement::current_row::shown(columns, hidden);
        portal.shape = Some(Shape { columns, formats: smallvec::smallvec![Format::Text] });
        portal.progress = progress;
        let options = CursorOptions { scroll: how.scroll != Some(false), may_scroll: false, hold: false };
        portal.cursor = Some(Cursor { options, pinned: how.pinned, hidden, ..Cursor::default() });
        session.portals.put(Box::new(portal));
        Ok(name)
    }

    /// Moves a cursor.
    pub(super) fn fetch_from(&mut self, cursor: &str, direction: Direction, keep: bool) -> Result<Executed> {
        self.forget_environment();
        let session = &mut *self.session;
        let direction = match direction {
            Direction::Forward(count) => FetchDirection::Forward(count),
            Direction::Backward(count) => FetchDirection::Backward(count),
            Direction::Absolute(row) => FetchDirection::Absolute(row),
            Direction::Relative(distance) => FetchDirection::Relative(distance),
        };
        let fetch = Fetch { is_move: !keep, direction, cursor: Ident::new(cursor) };
        let mut portal = session.portals.take(cursor, "cursor")?;
        let begun = session.begin_cursor(&mut portal);
        let lends = portal.calls_routines();
        let fetched = begun.and_then(|()| session.lend_if(lends, || portal.fetch(&fetch)));
        let fields = portal.fields.clone().or_else(|| {
            let shape = portal.shape.as_ref()?;
            Some(shape.columns.iter().map(|c| dictdb_types::Field { name: c.name.clone(), ty: c.ty }).collect())
        });
        portal.fields = fields.clone();
        session.portals.put(portal);
        let fetched = fetched?;
        let command = if keep { "FETCH" } else { "MOVE" };
        Ok(Executed { columns: fields, rows: fetched.rows, processed: fetched.count as u64, command: command.into() })
    }
}

/// Columns and rows of a statement that has been run; `None` when it has none.
fn opened(outcome: Outcome) -> Option<(Arc<[Column]>, Progress)> {
    match outcome {
        Outcome::Rows { columns, source, command, count } => Some((columns, Progress::Rows { source, command, count })),
        Outcome::Done(_) => None,
    }
}

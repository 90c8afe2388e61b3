//! Cursors of functions: portals of the session.

use std::sync::Arc;

use dictdb_parser::Statement;
use dictdb_parser::ast::Ident;
use dictdb_parser::utility::{Fetch, FetchDirection};
use dictdb_plpgsql::{Direction, Executed, Opening};
use dictdb_types::{Datum, Error, Result, SqlState};

use super::host::PlHost;
use super::plan::PlannedStatement;
use crate::client::{Format, Shape};
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
        // Loops over plain queries have no name that anybody could say CURRENT OF.
        let (source, hidden) = match how.name.is_some() || !how.pinned {
            true => statement.placed(session),
            false => (statement.source.clone(), 0),
        };
        let source = &source;
        let outcome = match &source.parsed.statement {
            Statement::Sql(_) => session.execute_source(source, &params, None)?,
            Statement::Utility(_) => session.run_command(source, &params)?,
        };
        let Outcome::Rows { columns, source: rows, command, count } = outcome else {
            let tag = crate::statement::command_tag(&source.parsed.statement);
            let message = format!("cannot open {tag} query as cursor");
            return Err(Error::new(SqlState::INVALID_CURSOR_DEFINITION, message));
        };
        let depth = session.block.savepoints.len();
        let mut portal = Portal::new(&name, Some(source.clone()), source.text.clone(), depth);
        portal.params = params;
        let columns = crate::statement::current_row::shown(columns, hidden);
        portal.shape = Some(Shape { columns, formats: smallvec::smallvec![Format::Text] });
        portal.progress = Progress::Rows { source: rows, command, count };
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
        let lends = portal.calls_routines();
        let fetched = session.lend_if(lends, || portal.fetch(&fetch));
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

//! Changes of what has no rows in storage: of a view by its INSTEAD OF triggers, of a system catalog by the session, which changes the
//! objects that the rows show.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_catalog::trigger::Event;
use dictdb_types::{Datum, Result};

use super::node::Modify;
use super::trigger::{Happening, Triggers};
use super::violation;
use crate::access::columns::TABLEOID;
use crate::eval::{Code, Scope, eval_into};
use crate::row::{Cursor, Node, Row};
use crate::runtime::Runtime;

/// Who carries out a change.
#[derive(Debug)]
pub(crate) enum Agent {
    /// The triggers of a view.
    Triggers(Box<Triggers>),
    /// The session, which knows what the rows of a system catalog show.
    Session,
}

/// INSERT, UPDATE or DELETE of a view or system catalog.
#[derive(Debug)]
pub(crate) struct InsteadOf {
    /// Rows.
    pub input: Arc<dyn Node>,
    /// The view or system catalog.
    pub view: Arc<Relation>,
    /// Who changes it.
    pub agent: Agent,
    /// What is done.
    pub event: Event,
    /// Place in the view's row and input column of the values of the old row.
    pub old: Box<[(usize, usize)]>,
    /// The same of new values.
    pub new: Box<[(usize, usize)]>,
    /// WITH CHECK OPTION of views over it, over the row that the triggers leave: names of the views and conditions.
    pub checks: Box<[(Arc<str>, Code)]>,
    /// RETURNING, over the row and the input row.
    pub returning: Option<Box<[Code]>>,
    /// System columns that stand between the row and the input.
    pub system: Box<[i16]>,
    /// Whether it is the statement itself, whose rows are counted.
    pub counts: bool,
}

impl Node for InsteadOf {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(InsteadCursor {
            input: self.input.clone().open(),
            node: self,
            position: 0,
            began: false,
            ended: false,
        })
    }
}

struct InsteadCursor {
    node: Arc<InsteadOf>,
    input: Box<dyn Cursor>,
    position: usize,
    began: bool,
    ended: bool,
}

impl InsteadOf {
    /// Has one row changed; the row that is left, `None` if a trigger did nothing.
    fn apply(&self, input: &Row, rt: &Runtime) -> Result<Option<Row>> {
        let with = |mut row: Row, values: &[(usize, usize)]| {
            values.iter().for_each(|(place, column)| row[*place] = Modify::input_value(input, *column));
            row
        };
        let empty = || vec![Datum::Null; self.view.columns.len()];
        let old = (self.event != Event::Insert).then(|| with(empty(), &self.old));
        let new = (self.event != Event::Delete).then(|| with(old.clone().unwrap_or_else(empty), &self.new));
        match &self.agent {
            Agent::Triggers(triggers) => {
                let happening = Happening { event: self.event, assigned: &[], old: old.as_ref(), new: new.as_ref() };
                rt.writer().instead_of(triggers, happening)
            }
            Agent::Session => {
                let assigned: Vec<usize> = self.new.iter().map(|(place, _)| *place).collect();
                let (before, after) = (old.as_deref(), new.as_deref());
                self.check_nulls(after, rt)?;
                rt.cx().session.change_row(&self.view, &assigned, before, after)?;
                Ok(new.or(old))
            }
        }
    }

    /// 23502 for NULL in a column of a system catalog that has none.
    fn check_nulls(&self, row: Option<&[Datum]>, rt: &Runtime) -> Result<()> {
        let Some(row) = row else { return Ok(()) };
        let null = self.view.columns.iter().zip(row).find(|(column, value)| column.not_null && value.is_null());
        let Some((column, _)) = null else { return Ok(()) };
        let catalog = &rt.cx().catalog;
        let schema = catalog.schema(self.view.namespace).map_or("", |schema| &schema.name);
        let shape = violation::RowShape { relation: &self.view, given: &[], order: None };
        Err(violation::null_in((&*self.view, schema), &column.name, shape, row, rt.cx()))
    }

    fn triggers(&self) -> Option<&Triggers> {
        match &self.agent {
            Agent::Triggers(triggers) => Some(triggers),
            Agent::Session => None,
        }
    }

    /// 44000 for a row that a view over this one would not show.
    fn check(&self, row: &Row, rt: &Runtime) -> Result<()> {
        for (name, condition) in self.checks.iter().filter(|_| self.event != Event::Delete) {
            if !condition.is_true(Scope::new(rt, row))? {
                let shape = violation::RowShape { relation: &self.view, given: &[], order: None };
                return Err(violation::view_check(name, shape, row, rt.cx()));
            }
        }
        Ok(())
    }

    fn assigned(&self) -> Vec<usize> {
        match self.event {
            Event::Update => self.new.iter().map(|(place, _)| *place).collect(),
            _ => Vec::new(),
        }
    }
}

impl Cursor for InsteadCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let node = self.node.clone();
        let triggers = node.triggers();
        if !std::mem::replace(&mut self.began, true) {
            rt.writer().before_statement(triggers, &node.view, node.event, &node.assigned())?;
        }
        let mut input = Row::new();
        while self.input.next(rt, &mut input)? {
            rt.tick(self.position)?;
            self.position += 1;
            let Some(mut full) = node.apply(&input, rt)? else { continue };
            node.check(&full, rt)?;
            if node.counts {
                rt.add_affected(1);
            }
            if let Some(returning) = &node.returning {
                // A view's row has no place.
                let system = |attnum: &i16| if *attnum == TABLEOID { Datum::Oid(node.view.oid.0) } else { Datum::Null };
                full.extend(node.system.iter().map(system));
                full.append(&mut input);
                row.clear();
                eval_into(returning, Scope::new(rt, &full), row)?;
                return Ok(true);
            }
        }
        if !std::mem::replace(&mut self.ended, true) {
            rt.writer().after_statement(triggers, &node.view, node.event, &node.assigned())?;
        }
        Ok(false)
    }

    /// A statement changes data once.
    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        Ok(())
    }
}

//! A table whose rows are in other tables: children of a parent, partitions of a partitioned table. Rows arrive as the named
//! table has them and are stored as the member has them.

use std::sync::{Arc, OnceLock};

use dictdb_catalog::Relation;
use dictdb_types::{Datum, Error, Oid, Result};

use super::node::{Action, Modify};
use super::partition::{Moving, Router};
use super::target::{Rules, Target};
use super::trigger::Capture;
use super::writer::Writer;
use crate::row::Row;

/// The tables that the rows of a changed table are in.
#[derive(Debug)]
pub(crate) struct Members {
    tables: Box<[Member]>,
    /// Finds the partition of a new row, where the table is partitioned.
    router: OnceLock<Arc<Router>>,
    database: Oid,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Member {
    /// The member.
    pub relation: Arc<Relation>,
    /// The table that the statement names.
    named: Oid,
    /// Where the named table's columns stand in its rows, if elsewhere.
    places: Option<Box<[usize]>>,
    /// The member as a table to change, once a row of it is.
    target: OnceLock<Arc<Target>>,
}

impl Members {
    /// The members of a table, in the order that row ids number them.
    pub fn new(named: &Relation, members: &[Arc<Relation>], database: Oid) -> Self {
        let tables = members.iter().map(|member| Member::new(named, member)).collect();
        Members { tables, router: OnceLock::new(), database }
    }

    /// The member that a row id says; `None` where the table has its rows itself.
    pub fn get(&self, number: usize) -> Result<Option<&Member>> {
        if self.tables.is_empty() {
            return Ok(None);
        }
        let found = self.tables.get(number);
        found.map(Some).ok_or_else(|| Error::internal(format!("a row of member {number}, which there is not")))
    }

    /// The router of a partitioned table; `None` for any other.
    pub fn router(&self, named: &Target, writer: &Writer<'_>) -> Result<Option<&Arc<Router>>> {
        if !named.relation().is_partitioned() {
            return Ok(None);
        }
        if let Some(router) = self.router.get() {
            return Ok(Some(router));
        }
        let router = Router::new(named.relation(), writer)?;
        Ok(Some(self.router.get_or_init(|| Arc::new(router))))
    }

    /// The database that relation locks are taken in.
    pub fn database(&self) -> Oid {
        self.database
    }
}

impl Modify {
    /// The table that a row id is of, with its member if it is one.
    pub(super) fn table_of(&self, number: usize, writer: &Writer<'_>) -> Result<(Option<&Member>, &Target)> {
        Ok(match self.members.get(number)? {
            Some(member) => (Some(member), &**member.target(self.members.database(), writer)?),
            None => (None, &self.target),
        })
    }

    /// Where the rows of a member may move to, if they can.
    pub(super) fn moving<'m>(&'m self, member: Option<&'m Member>, writer: &Writer<'_>) -> Result<Option<Moving<'m>>> {
        let router = self.members.router(&self.target, writer)?;
        let database = self.members.database();
        let captured = !matches!(self.action, Action::Merge { .. });
        Ok(member.zip(router).map(|(member, router)| Moving { router, member, database, captured }))
    }
}

impl Member {
    /// A member of a table.
    pub fn new(named: &Relation, relation: &Arc<Relation>) -> Self {
        let places = named.places_in(relation);
        Member { relation: relation.clone(), named: named.oid, places, target: OnceLock::new() }
    }

    /// The member as a table to change, with its own rules.
    pub fn target(&self, database: Oid, writer: &Writer<'_>) -> Result<&Arc<Target>> {
        if let Some(target) = self.target.get() {
            return Ok(target);
        }
        let cx = writer.cx;
        let rules = Rules::of_catalog(&self.relation, &cx.catalog, writer.engine.registry(), &*cx.env)?;
        let mut target = Target::new(&self.relation, rules, &cx.catalog, &cx.storage, database)?;
        target.named = (self.named != self.relation.oid).then(|| cx.catalog.relation(self.named).cloned()).flatten();
        target.order = self.places.clone();
        target.capture = Capture::of_relation(self.named, &cx.catalog);
        Ok(self.target.get_or_init(|| Arc::new(target)))
    }

    /// Where a column of the named table stands in the member's rows.
    pub fn place(&self, place: usize) -> usize {
        match &self.places {
            Some(places) => places.get(place).copied().unwrap_or(usize::MAX),
            None => place,
        }
    }

    /// A row of the named table as the member stores it.
    pub fn stored(&self, named: Row) -> Row {
        let Some(places) = &self.places else { return named };
        let mut row = vec![Datum::Null; self.relation.columns.len()];
        for (value, place) in named.into_iter().zip(places) {
            if let Some(cell) = row.get_mut(*place) {
                *cell = value;
            }
        }
        row
    }

    /// A row of the member as the named table has it.
    pub fn named(&self, stored: Row) -> Row {
        match &self.places {
            Some(places) => places.iter().map(|place| stored.get(*place).cloned().unwrap_or(Datum::Null)).collect(),
            None => stored,
        }
    }
}

//! Triggers (`pg_trigger`), kept in the order they fire in: by table and name.

use std::sync::Arc;

use dictdb_types::Oid;

use crate::Catalog;

/// When a trigger fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// `BEFORE`.
    Before,
    /// `AFTER`.
    After,
    /// `INSTEAD OF`.
    InsteadOf,
}

impl Timing {
    /// The words for it.
    pub const fn words(self) -> &'static str {
        match self {
            Timing::Before => "BEFORE",
            Timing::After => "AFTER",
            Timing::InsteadOf => "INSTEAD OF",
        }
    }
}

/// What a trigger fires for, as bits of `pg_trigger.tgtype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// `INSERT`.
    Insert,
    /// `DELETE`.
    Delete,
    /// `UPDATE`.
    Update,
    /// `TRUNCATE`.
    Truncate,
}

impl Event {
    /// Its bit in [`Trigger::events`] and `tgtype`.
    pub const fn bit(self) -> u8 {
        match self {
            Event::Insert => 1 << 2,
            Event::Delete => 1 << 3,
            Event::Update => 1 << 4,
            Event::Truncate => 1 << 5,
        }
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Event::Insert => "INSERT",
            Event::Delete => "DELETE",
            Event::Update => "UPDATE",
            Event::Truncate => "TRUNCATE",
        }
    }

    /// All of them, in the order `pg_get_triggerdef` lists them.
    pub const ALL: [Event; 4] = [Event::Insert, Event::Delete, Event::Update, Event::Truncate];
}

/// `pg_trigger.tgenabled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firing {
    /// `O`: in ordinary sessions.
    Origin,
    /// `D`: never.
    Disabled,
    /// `R`: in replica sessions.
    Replica,
    /// `A`: always.
    Always,
}

impl Firing {
    /// Whether such a trigger fires in an ordinary session, or in one of a replica.
    pub const fn fires(self, replica: bool) -> bool {
        match self {
            Firing::Always => true,
            Firing::Disabled => false,
            Firing::Origin => !replica,
            Firing::Replica => replica,
        }
    }

    /// The letter.
    pub const fn letter(self) -> char {
        match self {
            Firing::Origin => 'O',
            Firing::Disabled => 'D',
            Firing::Replica => 'R',
            Firing::Always => 'A',
        }
    }
}

/// A row of `pg_trigger`.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// `oid`.
    pub oid: Oid,
    /// `tgname`.
    pub name: Arc<str>,
    /// `tgrelid`.
    pub relation: Oid,
    /// `tgfoid`.
    pub function: Oid,
    /// When it fires.
    pub timing: Timing,
    /// [`Event::bit`]s.
    pub events: u8,
    /// `FOR EACH ROW`.
    pub row: bool,
    /// `tgenabled`.
    pub firing: Firing,
    /// `tgattr`: the columns of `UPDATE OF`.
    pub columns: Vec<i16>,
    /// `tgargs`.
    pub args: Vec<Arc<str>>,
    /// `tgqual`: canonical text over the columns of `new` and `old`.
    pub when: Option<Arc<str>>,
    /// `tgoldtable`.
    pub old_table: Option<Arc<str>>,
    /// `tgnewtable`.
    pub new_table: Option<Arc<str>>,
    /// `tgconstraint`, for constraint triggers, or zero.
    pub constraint: Oid,
    /// `tgconstrrelid`, or zero.
    pub referenced: Oid,
    /// `tgparentid`: the trigger of a partitioned table that this one stands for in a partition, or zero.
    pub parent: Oid,
    /// `tgdeferrable`.
    pub deferrable: bool,
    /// `tginitdeferred`.
    pub initially_deferred: bool,
}

impl Trigger {
    /// Whether it fires for an event.
    pub fn is_for(&self, event: Event) -> bool {
        self.events & event.bit() != 0
    }

    /// `tgtype`.
    pub fn type_bits(&self) -> i16 {
        let timing = match self.timing {
            Timing::Before => 1 << 1,
            Timing::After => 0,
            Timing::InsteadOf => 1 << 6,
        };
        i16::from(self.row) | timing | i16::from(self.events)
    }
}

impl Catalog {
    /// The triggers of a relation, in the order they fire.
    pub fn triggers_of(&self, relation: Oid) -> impl Iterator<Item = &Arc<Trigger>> {
        let range = (relation, Arc::from(""))..(Oid(relation.0.saturating_add(1)), Arc::from(""));
        self.triggers.range(range).map(|(_, trigger)| trigger)
    }

    /// The trigger of this name on a relation.
    pub fn trigger_named(&self, relation: Oid, name: &str) -> Option<&Arc<Trigger>> {
        self.triggers.get(&(relation, Arc::from(name)))
    }

    /// The trigger with this oid.
    pub fn trigger(&self, oid: Oid) -> Option<&Arc<Trigger>> {
        self.triggers.values().find(|trigger| trigger.oid == oid)
    }

    /// All triggers, by relation and name.
    pub fn triggers(&self) -> impl Iterator<Item = &Arc<Trigger>> {
        self.triggers.values()
    }

    /// Whether there are any triggers.
    pub fn has_triggers(&self) -> bool {
        !self.triggers.is_empty()
    }
}

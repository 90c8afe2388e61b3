//! Event triggers.

use sqlparser::ast::{Ident, ObjectName};

use super::FiringMode;

/// `CREATE EVENT TRIGGER`.
#[derive(Clone, Debug)]
pub struct CreateEventTrigger {
    /// Its name.
    pub name: Ident,
    /// `ON`: the event.
    pub event: Ident,
    /// `WHEN variable IN (…) AND …`.
    pub filters: Vec<(Ident, Vec<String>)>,
    /// The function.
    pub function: ObjectName,
}

/// `ALTER EVENT TRIGGER … ENABLE` and `DISABLE`.
#[derive(Clone, Debug)]
pub struct AlterEventTrigger {
    /// Its name.
    pub name: Ident,
    /// When it fires from now on.
    pub mode: FiringMode,
}

//! Frames of ended calls, kept for the next ones: a call of a small function costs no allocation.

use std::sync::Arc;

use dictdb_types::Datum;

use crate::context::CallSite;
use crate::names::Shape;
use crate::tree::{Activation, Frame, Function, RowVariable};

/// Frames that a function keeps: as many as calls of it are usually within each other.
const MAX_IDLE: usize = 64;

impl Function {
    /// A frame whose variables have no values yet.
    pub(crate) fn activation(&self) -> Activation {
        let mut activation = match self.idle.lock().pop() {
            Some(activation) => activation,
            None => self.new_activation(),
        };
        // The hidden variables of CASE may have got other types since.
        let types = self.types.lock();
        if !Arc::ptr_eq(&types, &activation.frame.types) {
            activation.frame.types = types.clone();
        }
        activation.frame.values[self.found] = Datum::Bool(false);
        activation
    }

    fn new_activation(&self) -> Activation {
        let frame = Frame {
            values: vec![Datum::Null; self.variables.len()],
            shapes: self.shapes().collect(),
            types: self.types.lock().clone(),
        };
        Activation { frame, site: Arc::new(CallSite::new(&self.header.signature)) }
    }

    /// What the types of variables tell of their structure.
    fn shapes(&self) -> impl Iterator<Item = Option<Shape>> + '_ {
        self.variables.iter().map(|variable| match &variable.row {
            Some(RowVariable::Composite(fields)) => Some(fields.clone()),
            _ => None,
        })
    }

    /// Takes the frame of an ended call back.
    pub(crate) fn end_activation(&self, mut frame: Frame, mut site: Arc<CallSite>) {
        frame.values.fill(Datum::Null);
        if frame.values.len() != self.variables.len() {
            return;
        }
        if self.variables.iter().any(|variable| variable.row.is_some()) {
            frame.shapes.clear();
            frame.shapes.extend(self.shapes());
        }
        if Arc::get_mut(&mut site).is_none() {
            site = Arc::new(CallSite::new(&self.header.signature));
        }
        site.enter();
        let mut idle = self.idle.lock();
        if idle.len() < MAX_IDLE {
            idle.push(Activation { frame, site });
        }
    }
}

//! Frames of ended calls, kept for the next ones: a call of a small function costs no allocation.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use dictdb_types::Datum;

use crate::context::CallSite;
use crate::names::Shape;
use crate::tree::{Activation, Frame, Function, RowVariable};

/// Frames that a function keeps: as many as calls of it are usually within each other.
const MAX_IDLE: usize = 64;

impl Function {
    /// What a call needs: a frame whose variables have no values yet.
    pub fn activation(&self) -> Activation {
        let changes = self.type_changes.load(Ordering::Acquire);
        let mut activation = match self.idle.lock().pop() {
            Some(activation) => activation,
            None => self.new_activation(),
        };
        // The hidden variables of CASE may have got other types since.
        if activation.type_changes != changes {
            activation.type_changes = changes;
            activation.frame.types = self.types.lock().clone();
        }
        activation.frame.values[self.found] = Datum::Bool(false);
        activation
    }

    fn new_activation(&self) -> Activation {
        let type_changes = self.type_changes.load(Ordering::Acquire);
        let frame = Frame {
            values: vec![Datum::Null; self.variables.len()],
            shapes: self.shapes().collect(),
            types: self.types.lock().clone(),
            fields: Vec::new(),
        };
        Activation { frame, site: Arc::new(CallSite::new(&self.header.signature)), type_changes, kept: None }
    }

    /// What the types of variables tell of their structure.
    fn shapes(&self) -> impl Iterator<Item = Option<Shape>> + '_ {
        self.variables.iter().map(|variable| match &variable.row {
            Some(RowVariable::Composite(fields)) => Some(fields.clone()),
            _ => None,
        })
    }

    /// Takes back what an ended call needed.
    pub fn end_activation(&self, mut activation: Activation) {
        let frame = &mut activation.frame;
        if frame.values.len() != self.variables.len() {
            return;
        }
        frame.values.iter_mut().for_each(|value| *value = Datum::Null);
        if self.has_rows {
            frame.shapes.clear();
            frame.shapes.extend(self.shapes());
        }
        if Arc::get_mut(&mut activation.site).is_none() {
            activation.site = Arc::new(CallSite::new(&self.header.signature));
        }
        activation.site.enter();
        let mut idle = self.idle.lock();
        if idle.len() < MAX_IDLE {
            idle.push(activation);
        }
    }
}

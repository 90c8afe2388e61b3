//! Which variable a name means: declarations of blocks from the inside out, and what the binder sees of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use dictdb_planner::variables::{Conflict, Variable, Variables};
use dictdb_types::{Error, Field, Oid, Result, SqlState, Type, oids};
use parking_lot::Mutex;

use crate::tree::Frame;

/// One name, and those that were visible before it.
#[derive(Debug)]
pub(crate) struct Scope {
    item: Item,
    outer: Option<Arc<Scope>>,
}

#[derive(Debug)]
enum Item {
    /// A block or loop begins; with its label.
    Label(Option<Arc<str>>, LabelKind),
    /// A variable of the innermost block; whether it is a row.
    Variable(Arc<str>, usize, bool),
}

/// What a label stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LabelKind {
    Block,
    Loop,
    Other,
}

pub(crate) type Names = Option<Arc<Scope>>;

/// The names with a label in front.
pub(crate) fn with_label(outer: &Names, label: Option<Arc<str>>, kind: LabelKind) -> Names {
    Some(Arc::new(Scope { item: Item::Label(label, kind), outer: outer.clone() }))
}

/// The names with one more variable, which is a row or not.
pub(crate) fn with_variable(outer: &Names, name: Arc<str>, variable: usize, row: bool) -> Names {
    Some(Arc::new(Scope { item: Item::Variable(name, variable, row), outer: outer.clone() }))
}

/// The variable that a dotted name begins with, and how many of its parts that took. A scalar takes all of them, a row leaves
/// at most one, its field.
pub(crate) fn find(names: &Names, name: &[&str]) -> Option<(usize, usize)> {
    let mut at = names;
    let mut level = names;
    let first = *name.first()?;
    while let Some(scope) = at {
        match &scope.item {
            Item::Variable(own, variable, row) if **own == *first && (*row || name.len() == 1) => {
                return (name.len() <= 2).then_some((*variable, 1));
            }
            Item::Variable(..) => {}
            Item::Label(label, _) => {
                if let (Some(label), [_, inner @ ..]) = (label, name)
                    && **label == *first
                    && let Some(variable) = labelled(level, inner)
                {
                    return (name.len() <= 3).then_some((variable, 2));
                }
                level = &scope.outer;
            }
        }
        at = &scope.outer;
    }
    None
}

/// The variable of the innermost block that a name after the block's label begins with.
fn labelled(names: &Names, name: &[&str]) -> Option<usize> {
    let first = *name.first()?;
    let mut at = names;
    while let Some(scope) = at {
        match &scope.item {
            Item::Variable(own, variable, row) if **own == *first && (*row || name.len() == 1) => {
                return Some(*variable);
            }
            Item::Variable(..) => {}
            Item::Label(..) => return None,
        }
        at = &scope.outer;
    }
    None
}

/// A variable of the innermost block.
pub(crate) fn find_in_level(names: &Names, name: &str) -> Option<usize> {
    let mut at = names;
    while let Some(scope) = at {
        match &scope.item {
            Item::Variable(own, variable, _) if **own == *name => return Some(*variable),
            Item::Variable(..) => {}
            Item::Label(..) => return None,
        }
        at = &scope.outer;
    }
    None
}

/// The kind of the innermost label of this name.
pub(crate) fn find_label(names: &Names, name: &str) -> Option<LabelKind> {
    let mut at = names;
    while let Some(scope) = at {
        if let Item::Label(Some(label), kind) = &scope.item
            && **label == *name
        {
            return Some(*kind);
        }
        at = &scope.outer;
    }
    None
}

/// Whether something is inside a loop.
pub(crate) fn in_loop(names: &Names) -> bool {
    let mut at = names;
    while let Some(scope) = at {
        if matches!(scope.item, Item::Label(_, LabelKind::Loop)) {
            return true;
        }
        at = &scope.outer;
    }
    false
}

/// Numbers of the variables that a piece of SQL names.
pub(crate) type Used = Arc<Mutex<BTreeSet<usize>>>;

/// The structure of a record.
pub(crate) type Shape = Arc<[Field]>;

/// The variables that an expression or statement may name, as they are when it is planned.
pub struct Visible {
    pub(crate) names: Names,
    pub(crate) types: Arc<[Type]>,
    pub(crate) variable_names: Arc<[Arc<str>]>,
    pub(crate) shapes: Vec<Option<Shape>>,
    pub(crate) conflict: Conflict,
    /// Records whose structure was looked at: a plan is good as long as they keep it.
    consulted: Mutex<BTreeSet<usize>>,
    /// Variables that were named.
    used: Used,
}

impl Visible {
    pub(crate) fn new(
        names: &Names,
        types: &Arc<[Type]>,
        variable_names: &Arc<[Arc<str>]>,
        shapes: &[Option<Shape>],
        conflict: Conflict,
        used: &Used,
    ) -> Self {
        Visible {
            names: names.clone(),
            types: types.clone(),
            variable_names: variable_names.clone(),
            shapes: shapes.to_vec(),
            conflict,
            consulted: Mutex::default(),
            used: used.clone(),
        }
    }

    /// Types of all variables: those of the statement's parameters.
    pub fn types(&self) -> &Arc<[Type]> {
        &self.types
    }

    /// Types of all variables as oids.
    pub fn oids(&self) -> Vec<Oid> {
        self.types.iter().map(|ty| ty.oid).collect()
    }

    /// The records whose structure was looked at.
    pub fn records(&self) -> Vec<usize> {
        self.consulted.lock().iter().copied().collect()
    }

    /// Whether every record that mattered still has the structure it had.
    pub fn is_current(&self, frame: &Frame) -> bool {
        let shapes = &frame.shapes;
        if !Arc::ptr_eq(&self.types, &frame.types) && self.types != frame.types {
            return false;
        }
        let same = |variable: &usize| match (&self.shapes[*variable], shapes.get(*variable).and_then(Option::as_ref)) {
            (Some(before), Some(now)) => Arc::ptr_eq(before, now) || before == now,
            (None, None) => true,
            _ => false,
        };
        self.consulted.lock().iter().all(same)
    }
}

impl Variables for Visible {
    fn find(&self, name: &[&str]) -> Result<Option<Variable>> {
        let Some((number, parts)) = find(&self.names, name) else { return Ok(None) };
        self.used.lock().insert(number);
        let ty = self.types[number];
        let fields = match ty.oid {
            oids::RECORD => {
                self.consulted.lock().insert(number);
                self.shapes[number].clone()
            }
            _ => None,
        };
        if ty.oid == oids::RECORD && fields.is_none() && name.len() > parts {
            return Err(not_assigned(&self.variable_names[number]));
        }
        Ok(Some(Variable { number, ty, fields, parts }))
    }

    fn conflict(&self) -> Conflict {
        self.conflict
    }
}

/// 55000: a record has no structure yet.
pub(crate) fn not_assigned(name: &str) -> Error {
    let message = format!("record \"{name}\" is not assigned yet");
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
        .detail("The tuple structure of a not-yet-assigned record is indeterminate.")
}

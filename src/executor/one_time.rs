//! A condition that is about no row: looked at once in an execution, or once for each outer row.

use std::sync::Arc;

use dictdb_types::Result;

use crate::eval::{Code, Scope};
use crate::runtime::Runtime;

/// All rows of an operator, or none, by such a condition. `N` is the operators of a model of execution.
#[derive(Debug)]
pub(crate) struct Gate<N: ?Sized> {
    /// The operator.
    pub input: Arc<N>,
    /// Whether there are rows.
    pub condition: Code,
}

/// What a one-time condition has said.
#[derive(Debug, Default)]
pub(crate) struct OneTime(Option<bool>);

impl OneTime {
    /// Whether the condition is true.
    pub fn holds(&mut self, condition: &Code, rt: &Runtime) -> Result<bool> {
        match self.0 {
            Some(holds) => Ok(holds),
            None => condition.is_true(Scope::new(rt, &[])).map(|holds| *self.0.insert(holds)),
        }
    }
}

//! What expressions of running functions see: looked up once, and again only after something that may have changed it.
//!
//! Expressions themselves change nothing that other expressions depend on but settings, whose generation is looked at; whoever
//! runs a statement, or enters or leaves a call from outside, says [`Environment::forget`].

use std::sync::Arc;

use crate::pipeline::PlanStamp;
use crate::{Session, StatementEnv};

/// The environment of expressions in PL/pgSQL.
#[derive(Default)]
pub(crate) struct Environment {
    current: Option<Current>,
    /// What expressions were looked up for last, and how often that has changed.
    last: Option<PlanStamp>,
    changes: u64,
}

/// An environment that is good now.
pub(super) struct Current {
    pub env: Arc<StatementEnv>,
    /// What plans made in it depend on.
    pub stamp: PlanStamp,
    /// Tells stamps apart: equal numbers, equal stamps.
    pub number: u64,
    settings: u64,
}

impl Environment {
    /// Something has run that may have changed it.
    pub(crate) fn forget(&mut self) {
        self.current = None;
    }

    /// The environment that was looked up last.
    pub(super) fn known(&self) -> Option<&Current> {
        self.current.as_ref()
    }
}

impl Session {
    /// The environment of expressions now.
    #[inline]
    pub(super) fn pl_environment(&mut self) -> &Current {
        let settings = self.shared.settings_generation();
        if self.routines.environment.current.as_ref().is_none_or(|current| current.settings != settings) {
            self.look_up_environment(settings);
        }
        match &self.routines.environment.current {
            Some(current) => current,
            None => unreachable!("it was looked up above"),
        }
    }

    fn look_up_environment(&mut self, settings: u64) {
        let env = self.env();
        let stamp = self.stamp(&env);
        let environment = &mut self.routines.environment;
        if environment.last != Some(stamp) {
            environment.last = Some(stamp);
            environment.changes += 1;
        }
        environment.current = Some(Current { env, stamp, number: environment.changes, settings });
    }
}

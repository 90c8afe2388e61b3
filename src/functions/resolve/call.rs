//! A call as the parser found it, and whether its decorations fit what the name turned out to be.

use dictdb_types::{Error, Oid, Result, SqlState};

use super::message::{function_signature, qualified};
use super::{FunctionMatch, Scope};
use crate::facts::{AggregateKind, ProcKind};

/// Everything about a call that decides which function it means.
#[derive(Clone, Copy, Debug, Default)]
pub struct FunctionCall<'a> {
    /// Schema, when the name is qualified.
    pub schema: Option<&'a str>,
    /// Name.
    pub name: &'a str,
    /// Types of the arguments; the expressions of WITHIN GROUP come last.
    pub args: &'a [Oid],
    /// Names of the last arguments (`name => value`).
    pub arg_names: &'a [&'a str],
    /// Whether the only argument is a literal of unknown type, not a parameter: `date('2026-01-31')` is a cast.
    pub literal: bool,
    /// `f(*)`.
    pub star: bool,
    /// `f(DISTINCT …)`.
    pub distinct: bool,
    /// The last argument is `VARIADIC array`.
    pub variadic: bool,
    /// Number of ORDER BY expressions, inside the call or in WITHIN GROUP.
    pub order_by: usize,
    /// The ORDER BY belongs to WITHIN GROUP.
    pub within_group: bool,
    /// `FILTER (WHERE …)`.
    pub filter: bool,
    /// `OVER …`.
    pub over: bool,
    /// `CALL` statement: procedures, whose output parameters are arguments too.
    pub procedure: bool,
}

fn wrong(message: String) -> Error {
    Error::new(SqlState::WRONG_OBJECT_TYPE, message)
}

impl FunctionCall<'_> {
    /// The name as messages print it.
    pub(super) fn display_name(&self) -> String {
        qualified(self.schema, self.name)
    }

    pub(super) fn signature(&self, scope: &dyn Scope) -> String {
        function_signature(scope, self.schema, self.name, self.args, self.arg_names)
    }

    /// 42883: nothing accepts these arguments.
    pub(super) fn not_found(&self, scope: &dyn Scope) -> Error {
        let what = if self.procedure { "procedure" } else { "function" };
        let hint = if self.order_by > 1 && !self.within_group {
            "No aggregate function matches the given name and argument types. \
             Perhaps you misplaced ORDER BY; ORDER BY must appear after all regular arguments of the aggregate."
                .to_owned()
        } else {
            format!("No {what} matches the given name and argument types. You might need to add explicit type casts.")
        };
        self.undefined(scope, what).hint(hint)
    }

    fn undefined(&self, scope: &dyn Scope, what: &str) -> Error {
        let signature = self.signature(scope);
        Error::new(SqlState::UNDEFINED_FUNCTION, format!("{what} {signature} does not exist"))
    }

    /// 42725: several accept these arguments.
    pub(super) fn not_unique(&self, scope: &dyn Scope) -> Error {
        let what = if self.procedure { "procedure" } else { "function" };
        let message = format!("{what} {} is not unique", self.signature(scope));
        Error::new(SqlState::AMBIGUOUS_FUNCTION, message)
            .hint(format!("Could not choose a best candidate {what}. You might need to add explicit type casts."))
    }

    /// Rejects a call of the wrong kind of routine, and decorations that this kind does not take. `kind` of a cast
    /// written as a call is that of a function.
    pub(super) fn check_kind(&self, scope: &dyn Scope, kind: ProcKind) -> Result<()> {
        if self.procedure && kind != ProcKind::Procedure {
            let message = format!("{} is not a procedure", self.signature(scope));
            return Err(wrong(message).hint("To call a function, use SELECT."));
        }
        if !self.procedure && kind == ProcKind::Procedure {
            let message = format!("{} is a procedure", self.signature(scope));
            return Err(wrong(message).hint("To call a procedure, use CALL."));
        }
        match kind {
            ProcKind::Function | ProcKind::Procedure => self.check_plain(),
            ProcKind::Window => self.check_window(),
            ProcKind::Aggregate => Ok(()),
        }
    }

    fn check_plain(&self) -> Result<()> {
        let name = self.display_name();
        let what = if self.star {
            format!("{name}(*) specified")
        } else if self.distinct {
            "DISTINCT specified".to_owned()
        } else if self.within_group {
            "WITHIN GROUP specified".to_owned()
        } else if self.order_by > 0 {
            "ORDER BY specified".to_owned()
        } else if self.filter {
            "FILTER specified".to_owned()
        } else if self.over {
            let message = format!("OVER specified, but {name} is not a window function nor an aggregate function");
            return Err(wrong(message));
        } else {
            return Ok(());
        };
        Err(wrong(format!("{what}, but {name} is not an aggregate function")))
    }

    fn check_window(&self) -> Result<()> {
        let name = self.display_name();
        if !self.over {
            return Err(wrong(format!("window function {name} requires an OVER clause")));
        }
        if self.within_group {
            return Err(wrong(format!("window function {name} cannot have WITHIN GROUP")));
        }
        Ok(())
    }

    /// Rejects an aggregate that is not called as its kind wants. `expanded` is the number of arguments that went into
    /// a variadic parameter, `variadic` whether it has one.
    pub(super) fn check_aggregate(
        &self,
        scope: &dyn Scope,
        kind: AggregateKind,
        direct_args: usize,
        variadic: bool,
        expanded: usize,
    ) -> Result<()> {
        let name = self.display_name();
        if kind == AggregateKind::Normal {
            return match self.within_group {
                true => Err(wrong(format!("{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP"))),
                false => Ok(()),
            };
        }
        if !self.within_group {
            return Err(wrong(format!("WITHIN GROUP is required for ordered-set aggregate {name}")));
        }
        if self.over {
            let message = format!("OVER is not supported for ordered-set aggregate {name}");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        self.check_direct_args(scope, kind, direct_args, variadic, expanded)
    }

    /// Checks that WITHIN GROUP divides the arguments as the aggregate declares them.
    fn check_direct_args(
        &self,
        scope: &dyn Scope,
        kind: AggregateKind,
        direct_args: usize,
        variadic: bool,
        expanded: usize,
    ) -> Result<()> {
        let (name, aggregated) = (self.display_name(), self.order_by);
        let direct = self.args.len().saturating_sub(aggregated);
        let plural = if direct_args == 1 { "" } else { "s" };
        let declared = self.args.len() - expanded.saturating_sub(1);
        let hint = if !variadic || direct_args < declared {
            (direct != direct_args).then(|| {
                format!(
                    "There is an ordered-set aggregate {name}, but it requires {direct_args} direct argument{plural}, not {direct}."
                )
            })
        } else if kind == AggregateKind::HypotheticalSet {
            (expanded != 2 * aggregated).then(|| {
                format!(
                    "To use the hypothetical-set aggregate {name}, the number of hypothetical direct arguments \
                     (here {}) must match the number of ordering columns (here {aggregated}).",
                    expanded.saturating_sub(aggregated)
                )
            })
        } else {
            (expanded <= aggregated).then(|| {
                format!(
                    "There is an ordered-set aggregate {name}, but it requires at least {direct_args} direct argument{plural}."
                )
            })
        };
        match hint {
            Some(hint) => Err(self.undefined(scope, "function").hint(hint)),
            None => Ok(()),
        }
    }

    /// What remains to be rejected once the function is known for good.
    pub(super) fn check_use(&self, found: &FunctionMatch) -> Result<()> {
        let aggregate = found.kind == ProcKind::Aggregate;
        if !aggregate && found.kind != ProcKind::Window {
            return Ok(());
        }
        let feature = |message: &str| Error::new(SqlState::FEATURE_NOT_SUPPORTED, message);
        if aggregate && self.args.is_empty() && !self.star && !self.within_group {
            let name = self.display_name();
            return Err(wrong(format!("{name}(*) must be used to call a parameterless aggregate function")));
        }
        if !self.over {
            return match self.arg_names.is_empty() {
                true => Ok(()),
                false => Err(feature("aggregates cannot use named arguments")),
            };
        }
        if self.distinct {
            return Err(feature("DISTINCT is not implemented for window functions"));
        }
        if self.order_by > 0 {
            return Err(feature("aggregate ORDER BY is not implemented for window functions"));
        }
        if !aggregate && self.filter {
            return Err(feature("FILTER is not implemented for non-aggregate window functions"));
        }
        Ok(())
    }
}

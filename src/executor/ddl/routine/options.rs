//! Attributes of a routine as CREATE and ALTER write them.

use std::sync::Arc;

use dictdb_catalog::{Language, Routine};
use dictdb_functions::facts::{Parallel, ProcKind, Volatility};
use dictdb_parser::utility::FunctionOption;
use dictdb_types::{Error, Result, SqlState};

use crate::ddl::DdlContext;

/// A SET clause of a routine with its value made out: the setting, and its text (`None` is RESET). RESET ALL has no name.
pub type FunctionSetting = (Option<String>, Option<String>);

/// What the options of CREATE say beyond attributes.
#[derive(Default)]
pub(super) struct Definition<'a> {
    pub language: Option<&'a str>,
    pub source: Option<(&'a str, Option<&'a str>)>,
    /// `RETURN` or `BEGIN ATOMIC`.
    pub body: Option<&'a FunctionOption>,
}

/// The kind of an option, of which there may be only one.
fn kind(option: &FunctionOption) -> u8 {
    match option {
        FunctionOption::Language(_) => 0,
        FunctionOption::As(..) => 1,
        FunctionOption::Return(_) | FunctionOption::Atomic { .. } => 2,
        FunctionOption::Volatility(_) => 3,
        FunctionOption::Strict(_) => 4,
        FunctionOption::Leakproof(_) => 5,
        FunctionOption::SecurityDefiner(_) => 6,
        FunctionOption::Parallel(_) => 7,
        FunctionOption::Window => 8,
        FunctionOption::Cost(_) => 9,
        FunctionOption::Rows(_) => 10,
        FunctionOption::Support(_) => 11,
        FunctionOption::Transform(_) => 12,
        FunctionOption::Set(_) => 13,
    }
}

/// 42601 when an option other than SET stands twice.
pub(super) fn check_repeated(options: &[FunctionOption]) -> Result<()> {
    for (at, option) in options.iter().enumerate() {
        let repeated = options[..at].iter().any(|other| kind(other) == kind(option));
        if repeated && !matches!(option, FunctionOption::Set(_)) {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options"));
        }
    }
    Ok(())
}

impl<'a> Definition<'a> {
    pub(super) fn of(options: &'a [FunctionOption]) -> Definition<'a> {
        let mut found = Definition::default();
        for option in options {
            match option {
                FunctionOption::Language(name) => found.language = Some(&name.value),
                FunctionOption::As(text, symbol) => found.source = Some((text, symbol.as_deref())),
                FunctionOption::Return(_) | FunctionOption::Atomic { .. } => found.body = Some(option),
                _ => {}
            }
        }
        found
    }

    /// The name of the language; 42P13.
    pub(super) fn language(&self) -> Result<&str> {
        match (self.language, self.body) {
            (Some(name), _) => Ok(name),
            (None, Some(_)) => Ok(Language::Sql.name()),
            (None, None) => Err(Error::new(SqlState::INVALID_FUNCTION_DEFINITION, "no language specified")),
        }
    }
}

impl DdlContext<'_> {
    /// Applies the attributes among some options. 22023, 42601, 42P13.
    pub(super) fn apply_routine_options(&mut self, routine: &mut Routine, options: &[FunctionOption]) -> Result<()> {
        for option in options {
            if routine.kind == ProcKind::Procedure {
                option.check_of_procedure()?;
            }
            match option {
                FunctionOption::Volatility('i') => routine.volatility = Volatility::Immutable,
                FunctionOption::Volatility('s') => routine.volatility = Volatility::Stable,
                FunctionOption::Volatility(_) => routine.volatility = Volatility::Volatile,
                FunctionOption::Strict(strict) => routine.strict = *strict,
                FunctionOption::Leakproof(true) if !self.is_superuser() => {
                    let message = "only superuser can define a leakproof function";
                    return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
                }
                FunctionOption::Leakproof(leakproof) => routine.leakproof = *leakproof,
                FunctionOption::SecurityDefiner(definer) => routine.security_definer = *definer,
                FunctionOption::Parallel(word) => routine.parallel = parallel(&word.value)?,
                FunctionOption::Cost(cost) => {
                    routine.cost = positive(cost, "COST")?;
                }
                FunctionOption::Rows(rows) => {
                    routine.rows = positive(rows, "ROWS")?;
                    if !routine.returns_set {
                        let message = "ROWS is not applicable when function does not return a set";
                        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
                    }
                }
                FunctionOption::Window => routine.kind = ProcKind::Window,
                FunctionOption::Support(_) => return Err(Error::unsupported("SUPPORT")),
                FunctionOption::Transform(_) => return Err(Error::unsupported("TRANSFORM")),
                FunctionOption::Set(_)
                | FunctionOption::Language(_)
                | FunctionOption::As(..)
                | FunctionOption::Return(_)
                | FunctionOption::Atomic { .. } => {}
            }
        }
        for setting in std::mem::take(&mut self.function_settings) {
            apply_setting(&mut routine.config, setting);
        }
        Ok(())
    }
}

fn parallel(word: &str) -> Result<Parallel> {
    Ok(match word {
        "safe" => Parallel::Safe,
        "restricted" => Parallel::Restricted,
        "unsafe" => Parallel::Unsafe,
        _ => {
            let message = "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE";
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
    })
}

fn positive(number: &str, what: &str) -> Result<f32> {
    match number.parse::<f32>() {
        Ok(value) if value > 0.0 => Ok(value),
        _ => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("{what} must be positive"))),
    }
}

fn apply_setting(config: &mut Vec<Arc<str>>, (name, value): FunctionSetting) {
    let Some(name) = name else { return config.clear() };
    let is_own = |item: &Arc<str>| item.split_once('=').is_some_and(|(own, _)| own == name);
    let new = value.map(|value| Arc::from(format!("{name}={value}")));
    match (config.iter().position(is_own), new) {
        (Some(at), Some(new)) => config[at] = new,
        (Some(at), None) => drop(config.remove(at)),
        (None, Some(new)) => config.push(new),
        (None, None) => {}
    }
}

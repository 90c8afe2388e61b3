//! VACUUM and ANALYZE: their options and tables. What there is to do is [`crate::pipeline`]'s.

use std::sync::Arc;

use dictdb_catalog::{Relation, RelationKind};
use dictdb_parser::position;
use dictdb_parser::utility::{DefElem, DefValue, Vacuum};
use dictdb_types::{Error, Result, Severity, SqlState};

use crate::Session;

/// Options with a boolean value, and whether ANALYZE has them too.
const FLAGS: [(&str, bool); 9] = [
    ("full", false),
    ("freeze", false),
    ("verbose", true),
    ("analyze", false),
    ("disable_page_skipping", false),
    ("skip_locked", true),
    ("process_toast", false),
    ("truncate", false),
    ("index_cleanup", false),
];

impl Session {
    /// Checks what VACUUM or ANALYZE names. 42601, 42P01, 42703; warnings for what is skipped.
    pub(super) fn check_vacuum(&mut self, vacuum: &Vacuum) -> Result<()> {
        let command = if vacuum.vacuum { "VACUUM" } else { "ANALYZE" };
        let mut given: Vec<&str> = Vec::new();
        for option in &vacuum.options {
            check_option(option, vacuum.vacuum, command)?;
            if flag(option, vacuum.vacuum)? {
                given.push(option.name.value.as_str());
            }
        }
        let given_off =
            |name: &str| vacuum.options.iter().any(|option| option.name.value == name) && !given.contains(&name);
        if given.contains(&"full") && given_off("process_toast") {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "PROCESS_TOAST required with VACUUM FULL"));
        }
        if given.contains(&"full") && given.contains(&"disable_page_skipping") {
            let message = "VACUUM option DISABLE_PAGE_SKIPPING cannot be used with FULL";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        if given.contains(&"full") && vacuum.options.iter().any(|option| option.name.value == "parallel") {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "VACUUM FULL cannot be performed in parallel"));
        }
        let analyzes = !vacuum.vacuum || given.contains(&"analyze");
        for (name, columns) in &vacuum.tables {
            if !columns.is_empty() && !analyzes {
                let message = "ANALYZE option must be specified when a column list is provided";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            let relation = self.find_relation(name)?;
            if !self.is_vacuumed(&relation, vacuum.vacuum) {
                continue;
            }
            for column in columns {
                if relation.column_named(&column.value).is_none() {
                    let message =
                        format!("column \"{}\" of relation \"{}\" does not exist", column.value, relation.name);
                    return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
                }
            }
        }
        Ok(())
    }

    /// Whether a relation is one to work on; a warning when it is not.
    fn is_vacuumed(&mut self, relation: &Arc<Relation>, vacuum: bool) -> bool {
        let verb = if vacuum { "vacuum" } else { "analyze" };
        let warn = |message: String| Error::with_severity(Severity::Warning, SqlState::WARNING, message);
        let role = self.role();
        let env = self.env();
        let is_table = relation.is_stored() || matches!(relation.kind, RelationKind::Virtual);
        let owns = env.catalog.inherited_roles(role).contains(&relation.owner);
        if !env.catalog.role(role).is_none_or(|role| role.superuser) && !owns {
            let message = format!("skipping \"{}\" --- only table or database owner can {verb} it", relation.name);
            self.shared.notice(warn(message));
            return false;
        }
        if !is_table {
            let message =
                format!("skipping \"{}\" --- cannot {verb} non-tables or special system tables", relation.name);
            self.shared.notice(warn(message));
        }
        is_table
    }
}

fn check_option(option: &DefElem, vacuum: bool, command: &str) -> Result<()> {
    let name = option.name.value.as_str();
    if name == "parallel" && vacuum {
        return match option.value.as_ref() {
            Some(DefValue::Number(text)) if text.parse::<i64>().is_ok_and(|n| (0..=1024).contains(&n)) => Ok(()),
            Some(_) => {
                let message = "parallel workers for vacuum must be between 0 and 1024";
                Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position::of_span(option.name.span)))
            }
            None => {
                let message = "parallel option requires a value between 0 and 1024";
                Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position::of_span(option.name.span)))
            }
        };
    }
    let known = FLAGS.iter().any(|(flag, analyze)| *flag == name && (vacuum || *analyze));
    if known {
        return Ok(());
    }
    let error = Error::new(SqlState::SYNTAX_ERROR, format!("unrecognized {command} option \"{name}\""));
    Err(error.at(position::of_span(option.name.span)))
}

/// Whether an option is on. 42601 for a value that is no boolean; `index_cleanup` may also be `auto`.
fn flag(option: &DefElem, vacuum: bool) -> Result<bool> {
    let name = option.name.value.as_str();
    match word(option.value.as_ref()).as_deref() {
        _ if name == "parallel" => Ok(true),
        None | Some("true" | "on" | "1") => Ok(true),
        Some("false" | "off" | "0") => Ok(false),
        Some("auto") if name == "index_cleanup" && vacuum => Ok(false),
        Some(_) => Err(Error::new(SqlState::SYNTAX_ERROR, format!("{name} requires a Boolean value"))),
    }
}

/// Whether a boolean option is among these and on.
pub(super) fn is_given(options: &[DefElem], name: &str) -> bool {
    options.iter().any(|option| {
        option.name.value == name && !matches!(word(option.value.as_ref()).as_deref(), Some("false" | "off" | "0"))
    })
}

/// The value of an option in lower case.
fn word(value: Option<&DefValue>) -> Option<String> {
    Some(match value? {
        DefValue::Keyword(text) | DefValue::String(text) | DefValue::Number(text) => text.to_lowercase(),
        DefValue::Type(data_type) => match dictdb_parser::TypeName::of(data_type) {
            Some(name) => name.names.last().map_or_else(String::new, |ident| ident.value.to_lowercase()),
            None => data_type.to_string().to_lowercase(),
        },
        _ => String::new(),
    })
}

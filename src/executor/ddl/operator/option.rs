//! Values of a definition list: `(name = value, …)`.

use dictdb_parser::TypeName;
use dictdb_parser::ast::{DataType, Ident, ObjectName};
use dictdb_parser::utility::{DefElem, DefValue};
use dictdb_types::{Error, Result, Severity, SqlState};

/// The type of a definition as written, without position.
pub(in crate::ddl) fn of_type(option: &DefElem) -> Result<DataType> {
    let name = |text: &str| DataType::Custom(ObjectName::from(vec![Ident::new(text)]), Vec::new());
    match &option.value {
        Some(DefValue::Type(data_type)) => Ok(data_type.clone()),
        Some(DefValue::Keyword(word) | DefValue::String(word)) => Ok(name(word)),
        None => Err(needs_value(option, "parameter")),
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, format!("argument of {} must be a type name", option.name.value))),
    }
}

/// A qualified name: of a function, or of an operator.
pub(in crate::ddl) fn of_name(option: &DefElem) -> Result<ObjectName> {
    let single = |text: &str| ObjectName::from(vec![Ident::new(text)]);
    match &option.value {
        Some(DefValue::Type(data_type)) => match TypeName::of(data_type) {
            Some(name) => Ok(ObjectName::from(name.names.into_iter().cloned().collect::<Vec<_>>())),
            None => Ok(single(&data_type.to_string())),
        },
        Some(DefValue::Operator(name)) => Ok(name.clone()),
        Some(DefValue::Keyword(word) | DefValue::String(word)) => Ok(single(word)),
        None => Err(needs_value(option, "parameter")),
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, format!("argument of {} must be a name", option.name.value))),
    }
}

/// The text of a value.
pub(in crate::ddl) fn of_text(option: &DefElem) -> Result<String> {
    match &option.value {
        Some(DefValue::String(text) | DefValue::Keyword(text) | DefValue::Number(text)) => Ok(text.clone()),
        Some(DefValue::SetOf(_)) => {
            Err(Error::new(SqlState::SYNTAX_ERROR, format!("{} cannot be a set", option.name.value)))
        }
        Some(DefValue::Type(_) | DefValue::Operator(_)) => {
            of_name(option).map(|name| super::super::names::shown(&name))
        }
        Some(DefValue::Star) => Ok("*".to_owned()),
        Some(DefValue::List(_)) => Ok(String::new()),
        None => Err(needs_value(option, "parameter")),
    }
}

/// A boolean; without a value it is true. 42601.
pub(in crate::ddl) fn of_boolean(option: &DefElem) -> Result<bool> {
    if option.value.is_none() {
        return Ok(true);
    }
    match of_text(option)?.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => {
            let message = format!("{} requires a Boolean value", option.name.value);
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}

/// An integer. 42601.
pub(in crate::ddl) fn of_integer(option: &DefElem) -> Result<i32> {
    match &option.value {
        Some(DefValue::Number(text)) if text.parse::<i32>().is_ok() => Ok(text.parse().unwrap_or_default()),
        None => Err(needs_value(option, "numeric value")),
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, format!("{} requires an integer value", option.name.value))),
    }
}

fn needs_value(option: &DefElem, what: &str) -> Error {
    let article = if what == "parameter" { "a parameter" } else { "a numeric value" };
    Error::new(SqlState::SYNTAX_ERROR, format!("{} requires {article}", option.name.value))
}

/// The warning about an option nobody knows.
pub(in crate::ddl) fn unknown(noun: &str, option: &DefElem) -> Error {
    let message = format!("{noun} attribute \"{}\" not recognized", option.name.value);
    Error::with_severity(Severity::Warning, SqlState::SYNTAX_ERROR, message)
}

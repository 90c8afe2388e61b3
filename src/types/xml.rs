//! The type `xml`: text that is checked when it comes in and keeps its form. A declaration is written back without its encoding.

use dictdb_xml::declaration::{self, Declaration};
use dictdb_xml::parse::{Parsed, parse_content, parse_document};
use dictdb_xml::problem::{Domain, Problem, Severity as ProblemSeverity, detail};

use crate::{Env, Error, Result, Severity, SqlState, encoding};

/// What a text must be to be `xml` (`xmloption`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum XmlOption {
    /// Anything that may stand in an element, or a document.
    #[default]
    Content,
    /// A document.
    Document,
}

impl XmlOption {
    fn of(env: &dyn Env) -> XmlOption {
        env.format().xml_option
    }

    fn error(self, message: &str) -> Error {
        let (state, noun) = match self {
            XmlOption::Content => (SqlState::INVALID_XML_CONTENT, "content"),
            XmlOption::Document => (SqlState::INVALID_XML_DOCUMENT, "document"),
        };
        Error::new(state, format!("invalid XML {noun}{message}"))
    }
}

/// Checks a text as the setting `xmloption` wants it. 2200M, 2200N.
pub(crate) fn input(text: &str, env: &dyn Env) -> Result<()> {
    check(text, XmlOption::of(env), env)
}

/// Whether a text is well-formed by an option.
pub fn is_well_formed(text: &str, option: XmlOption, env: &dyn Env) -> bool {
    check(text, option, env).is_ok()
}

/// Checks that a text is well-formed: prefixes need no declarations. Warnings go to the client. 2200M, 2200N.
pub fn check(text: &str, option: XmlOption, env: &dyn Env) -> Result<()> {
    let parsed = match option {
        XmlOption::Document => parse_document(text),
        XmlOption::Content => {
            let declaration =
                Declaration::read(text).map_err(|why| option.error(": invalid XML declaration").detail(why.0))?;
            let rest = &text[declaration.length..];
            match declaration::has_document_type(rest) {
                true => parse_document(text),
                false => parse_content(rest),
            }
        }
    };
    // libxml2 looks for the encoding of an empty text first.
    if text.is_empty() && parsed.has_error(false) {
        let first = "line 1: switching encoding : no input\n\n^\n";
        return Err(option.error("").detail(format!("{first}{}", detail(&parsed.problems))));
    }
    warn(&parsed, false, env);
    match parsed.has_error(false) {
        true => Err(option.error("").detail(detail(well_formedness(&parsed)))),
        false => Ok(()),
    }
}

/// Parses a document whose names are to mean something: prefixes must be declared. `message` is the error's. 2200M.
pub fn document(text: &str, message: &str, env: &dyn Env) -> Result<Parsed> {
    let parsed = parse_document(text);
    warn(&parsed, true, env);
    match parsed.has_error(true) {
        true => Err(Error::new(SqlState::INVALID_XML_DOCUMENT, message).detail(detail(&parsed.problems))),
        false => Ok(parsed),
    }
}

fn well_formedness(parsed: &Parsed) -> impl Iterator<Item = &Problem> {
    parsed.problems.iter().filter(|problem| problem.domain == Domain::WellFormedness)
}

fn warn(parsed: &Parsed, with_namespaces: bool, env: &dyn Env) {
    for problem in &parsed.problems {
        let counts = with_namespaces || problem.domain == Domain::WellFormedness;
        if counts && problem.severity == ProblemSeverity::Warning {
            env.notice(Error::with_severity(Severity::Warning, SqlState::WARNING, problem.text.as_str()));
        }
    }
}

/// Appends a value as the output function writes it.
pub(crate) fn output(text: &str, out: &mut String) {
    match text.starts_with("<?xml") {
        true => out.push_str(&declaration::output(text, None)),
        false => out.push_str(text),
    }
}

/// Bytes in the encoding that their declaration names as text, checked. 22023 for an unknown encoding, 22021, 2200M, 2200N.
pub(crate) fn receive(bytes: &[u8], env: &dyn Env) -> Result<String> {
    // The declaration itself is ASCII in every encoding that can be here.
    let head: String = bytes.iter().take_while(|byte| **byte != b'>').map(|byte| char::from(*byte)).collect();
    let declared = Declaration::read(&format!("{head}>")).ok().and_then(|found| found.encoding.map(str::to_owned));
    let text = match declared {
        Some(name) if encoding::number(&name).is_none() => {
            let message = format!("invalid encoding name \"{name}\"");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        Some(name) if !is_utf8(&name) => env.decode(&name, bytes)?,
        _ => crate::text::from_utf8(bytes)?.to_owned(),
    };
    check(&text, XmlOption::of(env), env)?;
    Ok(text)
}

fn is_utf8(name: &str) -> bool {
    encoding::number(name) == encoding::number("UTF8")
}

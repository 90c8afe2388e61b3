//! The XML declaration at the start of a value, as PostgreSQL reads it and writes it back, and whether content is a document
//! with a document type.

use crate::chars::{is_name, is_space};

/// The version that is not written.
const DEFAULT_VERSION: &str = "1.0";

/// What a declaration says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Declaration<'a> {
    /// `version`.
    pub version: Option<&'a str>,
    /// `encoding`.
    pub encoding: Option<&'a str>,
    /// `standalone`.
    pub standalone: Option<bool>,
    /// Bytes of the declaration; zero where there is none.
    pub length: usize,
}

/// What is wrong with a declaration; the text is that of a DETAIL line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

const SPACE_REQUIRED: Malformed = Malformed("Space required.");
const VERSION_MISSING: Malformed = Malformed("Malformed declaration: missing version.");
const ENCODING_MISSING: Malformed = Malformed("Missing encoding in text declaration.");
const BAD_STANDALONE: Malformed = Malformed("standalone accepts only 'yes' or 'no'.");
const NOT_FINISHED: Malformed = Malformed("Parsing XML declaration: '?>' expected.");
const INVALID_CHARACTER: Malformed = Malformed("Invalid character value.");

impl<'a> Declaration<'a> {
    /// Reads the declaration that a text may begin with.
    ///
    /// # Errors
    /// Where it begins like one and is none.
    pub fn read(text: &'a str) -> Result<Declaration<'a>, Malformed> {
        // A longer name is an instruction such as `<?xml-stylesheet ?>`.
        let Some(rest) = text.strip_prefix("<?xml").filter(|rest| !rest.starts_with(is_name)) else {
            return Ok(Declaration::default());
        };
        if !rest.starts_with(is_space) {
            return Err(SPACE_REQUIRED);
        }
        let rest = rest.trim_start_matches(is_space).strip_prefix("version").ok_or(VERSION_MISSING)?;
        let (version, rest) = quoted(rest, VERSION_MISSING)?;
        let (encoding, rest) = match clause(rest, "encoding")? {
            Some(rest) => quoted(rest, ENCODING_MISSING).map(|(encoding, rest)| (Some(encoding), rest))?,
            None => (None, rest),
        };
        let (standalone, rest) = match clause(rest, "standalone")? {
            Some(rest) => match quoted(rest, BAD_STANDALONE)? {
                ("yes", rest) => (Some(true), rest),
                ("no", rest) => (Some(false), rest),
                _ => return Err(BAD_STANDALONE),
            },
            None => (None, rest),
        };
        let rest = rest.trim_start_matches(is_space).strip_prefix("?>").ok_or(NOT_FINISHED)?;
        let length = text.len() - rest.len();
        if !text[..length].is_ascii() {
            return Err(INVALID_CHARACTER);
        }
        Ok(Declaration { version: Some(version), encoding, standalone, length })
    }

    /// The declaration as it is written; nothing when it says no more than what goes without saying.
    pub fn written(&self) -> String {
        let version = self.version.unwrap_or(DEFAULT_VERSION);
        if version == DEFAULT_VERSION && self.standalone.is_none() && self.encoding.is_none() {
            return String::new();
        }
        let encoding = self.encoding.map(|encoding| format!(" encoding=\"{encoding}\"")).unwrap_or_default();
        let standalone = match self.standalone {
            Some(true) => " standalone=\"yes\"",
            Some(false) => " standalone=\"no\"",
            None => "",
        };
        format!("<?xml version=\"{version}\"{encoding}{standalone}?>")
    }
}

/// What follows a keyword that comes next, after a space; `None` when it does not come.
fn clause<'a>(text: &'a str, keyword: &str) -> Result<Option<&'a str>, Malformed> {
    match text.trim_start_matches(is_space).strip_prefix(keyword) {
        Some(_) if !text.starts_with(is_space) => Err(SPACE_REQUIRED),
        rest => Ok(rest),
    }
}

/// `= "value"` and the rest.
fn quoted(text: &str, otherwise: Malformed) -> Result<(&str, &str), Malformed> {
    let rest = text.trim_start_matches(is_space).strip_prefix('=').ok_or(otherwise)?;
    let rest = rest.trim_start_matches(is_space);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(otherwise)?;
    rest[1..].split_once(quote).ok_or(otherwise)
}

/// A value as its output function writes it: without an encoding, and with a declaration only where it says something. Text
/// with a declaration that cannot be read comes back as it is.
pub fn output(text: &str, encoding: Option<&str>) -> String {
    let Ok(declaration) = Declaration::read(text) else { return text.to_owned() };
    let mut out = Declaration { encoding, ..declaration }.written();
    let mut rest = &text[declaration.length..];
    // Without a declaration the value does not begin with an empty line either.
    if out.is_empty() {
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    out.push_str(rest);
    out
}

/// Whether a document type declaration follows, after comments and instructions at most: then content is a document.
pub fn has_document_type(text: &str) -> bool {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(is_space);
        if rest.starts_with("<!DOCTYPE") {
            return true;
        }
        let after = if let Some(comment) = rest.strip_prefix("<!--") {
            comment.split_once("--").and_then(|(_, rest)| rest.strip_prefix('>'))
        } else if let Some(instruction) = rest.strip_prefix("<?") {
            instruction.split_once("?>").map(|(_, rest)| rest)
        } else {
            None
        };
        match after {
            Some(after) => rest = after,
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_read_and_written() {
        let text = "<?xml version='1.1'  encoding=\"UTF-8\" standalone = 'no' ?><a/>";
        let read = Declaration::read(text).expect("a declaration");
        assert_eq!((read.version, read.encoding, read.standalone), (Some("1.1"), Some("UTF-8"), Some(false)));
        assert_eq!(output(text, None), "<?xml version=\"1.1\" standalone=\"no\"?><a/>");
        assert_eq!(output("<?xml version=\"1.0\" encoding=\"latin1\"?>\n<a/>", None), "<a/>");
        assert_eq!(output("<?xml-stylesheet a?>\n<a/>", None), "<?xml-stylesheet a?>\n<a/>");
    }

    #[test]
    fn what_is_no_declaration_is_told() {
        for (text, why) in [
            ("<?xml?>", SPACE_REQUIRED),
            ("<?xml ?>", VERSION_MISSING),
            ("<?xml version=1?>", VERSION_MISSING),
            ("<?xml version='1.0'encoding='x'?>", SPACE_REQUIRED),
            ("<?xml version='1.0' encoding=x?>", ENCODING_MISSING),
            ("<?xml version='1.0' standalone='maybe'?>", BAD_STANDALONE),
            ("<?xml version='1.0' other='x'?>", NOT_FINISHED),
            ("<?xml version='ä'?>", INVALID_CHARACTER),
        ] {
            assert_eq!(Declaration::read(text), Err(why), "{text}");
        }
    }

    #[test]
    fn a_document_type_makes_content_a_document() {
        assert!(has_document_type(" <!-- a --><?b c?> <!DOCTYPE a><a/>"));
        assert!(!has_document_type("text<!DOCTYPE a><a/>"));
        assert!(!has_document_type("<a/>"));
    }
}

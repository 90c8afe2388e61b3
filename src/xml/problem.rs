//! What is wrong with a document, in the words and with the context lines that PostgreSQL's users know from libxml2.

use std::fmt::Write;

/// Bytes of a line that are shown around a problem.
const CONTEXT_BYTES: usize = 80;

/// Where a problem comes from, which says who cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The text is not well-formed.
    WellFormedness,
    /// Names and prefixes are not as "Namespaces in XML" wants them.
    Namespaces,
}

/// How grave a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The document is good all the same.
    Warning,
    /// It is not.
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whose rule is broken.
    pub domain: Domain,
    /// Whether that is an error.
    pub severity: Severity,
    /// `line n: message`, the line of text and a pointer into it.
    pub text: String,
}

impl Problem {
    /// A problem at an offset of a text.
    pub(crate) fn at(domain: Domain, severity: Severity, message: &str, text: &str, offset: usize) -> Problem {
        let line = 1 + text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count();
        let mut shown = format!("line {line}: {message}\n");
        write_context(text, offset, &mut shown);
        shown.truncate(shown.trim_end_matches('\n').len());
        Problem { domain, severity, text: shown }
    }
}

/// All errors of a list as one text, as a DETAIL line has them.
pub fn detail<'a>(problems: impl IntoIterator<Item = &'a Problem>) -> String {
    let errors = problems.into_iter().filter(|problem| problem.severity == Severity::Error);
    errors.map(|problem| problem.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// The line of the offset, and under it a pointer to the offset.
fn write_context(text: &str, offset: usize, out: &mut String) {
    let bytes = text.as_bytes();
    let is_end = |at: usize| matches!(bytes.get(at), Some(b'\n' | b'\r'));
    let mut start = offset;
    while start > 0 && is_end(start) {
        start -= 1;
    }
    let mut steps = 0;
    while steps < CONTEXT_BYTES && start > 0 && !is_end(start) {
        start -= 1;
        steps += 1;
    }
    if is_end(start) {
        start += 1;
    }
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let column = offset.saturating_sub(start);
    let mut end = start;
    while end < bytes.len() && !is_end(end) && end - start < CONTEXT_BYTES {
        end += 1;
    }
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let line = &text[start..end];
    let _ = writeln!(out, "{line}");
    // Room for the pointer is kept, so a pointer past the shown bytes stands at their end.
    let blanks = line.bytes().take(column.min(CONTEXT_BYTES - 1));
    out.extend(blanks.map(|byte| if byte == b'\t' { '\t' } else { ' ' }));
    out.push('^');
}

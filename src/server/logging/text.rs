//! Entries as lines for people: PostgreSQL's form, with what belongs to the message on lines of its own.

use super::entry::Entry;
use super::prefix;

/// Fields that get a line of their own, and its head.
const LINES: &[(&str, &str)] = &[
    ("detail", "DETAIL"),
    ("hint", "HINT"),
    ("internal_query", "QUERY"),
    ("context", "CONTEXT"),
    ("statement", "STATEMENT"),
];

/// Fields that say who a session is; they stand in the prefix.
const IDENTITY: &[&str] = &[
    "pid",
    "user",
    "dbname",
    "remote_host",
    "remote_port",
    "session_id",
    "session_start",
    "application_name",
    "backend_type",
    "state_code",
    "internal_position",
    "cursor_position",
];

/// The lines of an entry.
pub(super) fn write(entry: &Entry, line_prefix: &str) -> String {
    let prefix = prefix::expand(line_prefix, entry);
    // PostgreSQL puts two blanks behind the colon.
    let gap = if entry.of_session { "  " } else { " " };
    let mut out = format!("{prefix}{}:{gap}{}", entry.severity, continued(&entry.message));
    if let Some(position) = entry.text("cursor_position") {
        out.push_str(&format!(" at character {position}"));
    }
    let stands_elsewhere = |name: &str| IDENTITY.contains(&name) || LINES.iter().any(|(field, _)| *field == name);
    for name in entry.fields.keys().filter(|name| !stands_elsewhere(name)) {
        out.push_str(&format!(" {name}={}", continued(&entry.text(name).unwrap_or_default())));
    }
    out.push('\n');
    for (field, head) in LINES {
        if let Some(text) = entry.text(field) {
            out.push_str(&format!("{prefix}{head}:  {}\n", continued(&text)));
        }
    }
    out
}

/// A message of several lines is indented, so that what looks like an entry is one.
fn continued(text: &str) -> String {
    text.replace('\n', "\n\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_its_lines() {
        let text = write(&Entry::example(), "%m [%p] %q%u@%d ");
        let head = "1970-01-01 00:00:00.000 UTC [101] anna@shop ";
        let expected = format!(
            "{head}ERROR:  relation \"nothing\" does not exist\n{head}HINT:  Look\n\telsewhere.\n\
             {head}STATEMENT:  select * from nothing\n"
        );
        assert_eq!(text, expected);
    }
}

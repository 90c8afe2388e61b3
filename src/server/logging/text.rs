//! Entries as lines for people: PostgreSQL's form, with what belongs to the message on lines of its own.

use super::entry::{Entry, Verbosity};
use super::prefix;

/// Fields that get a line of their own, and its head.
const LINES: &[(&str, &str)] = &[
    ("detail", "DETAIL"),
    ("hint", "HINT"),
    ("internal_query", "QUERY"),
    ("context", "CONTEXT"),
    ("location", "LOCATION"),
    ("statement", "STATEMENT"),
];
/// Those that stand there whatever `log_error_verbosity` says.
const ALWAYS: &[&str] = &["statement"];

/// Fields that say who a session is and where a message is from; they stand in the prefix, or in a line that is made of them.
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
    "vxid",
    "txid",
    "func_name",
    "file_name",
    "file_line_num",
];

/// The lines of an entry.
pub(super) fn write(entry: &Entry, line_prefix: &str) -> String {
    let prefix = prefix::expand(line_prefix, entry);
    // PostgreSQL puts two blanks behind the colon.
    let gap = if entry.of_session { "  " } else { " " };
    let code = match entry.verbosity {
        Verbosity::Verbose => format!("{}: ", entry.text("state_code").unwrap_or_else(|| "00000".to_owned())),
        _ => String::new(),
    };
    let mut out = format!("{prefix}{}:{gap}{code}{}", entry.severity, continued(&entry.message));
    if let Some(position) = entry.text("cursor_position") {
        out.push_str(&format!(" at character {position}"));
    }
    let stands_elsewhere = |name: &str| IDENTITY.contains(&name) || LINES.iter().any(|(field, _)| *field == name);
    for name in entry.fields.keys().filter(|name| !stands_elsewhere(name)) {
        out.push_str(&format!(" {name}={}", continued(&entry.text(name).unwrap_or_default())));
    }
    out.push('\n');
    let is_wanted = |field: &str| entry.verbosity != Verbosity::Terse || ALWAYS.contains(&field);
    for (field, head) in LINES.iter().filter(|(field, _)| is_wanted(field)) {
        let text = if *field == "location" { location(entry) } else { entry.text(field) };
        if let Some(text) = text {
            out.push_str(&format!("{prefix}{head}:  {}\n", continued(&text)));
        }
    }
    out
}

/// Where in the source a message is from: routine, file and line.
fn location(entry: &Entry) -> Option<String> {
    let place = format!("{}:{}", entry.text("file_name")?, entry.text("file_line_num")?);
    match entry.text("func_name") {
        Some(routine) => Some(format!("{routine}, {place}")),
        None => Some(place),
    }
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

    #[test]
    fn verbosity_decides_what_belongs_to_it() {
        let mut entry = Entry::example();
        entry.fields.insert("file_name".to_owned(), "from.rs".into());
        entry.fields.insert("file_line_num".to_owned(), 7.into());
        entry.verbosity = Verbosity::Terse;
        let terse = "ERROR:  relation \"nothing\" does not exist\nSTATEMENT:  select * from nothing\n";
        assert_eq!(write(&entry, ""), terse);
        entry.verbosity = Verbosity::Verbose;
        let verbose = "ERROR:  42P01: relation \"nothing\" does not exist\nHINT:  Look\n\telsewhere.\n\
                       LOCATION:  from.rs:7\nSTATEMENT:  select * from nothing\n";
        assert_eq!(write(&entry, ""), verbose);
    }
}

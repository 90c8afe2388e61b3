//! `log_line_prefix`: what stands in front of every line.

use super::entry::{Entry, TIME, TIME_MILLIS};

/// Replaces the escapes of PostgreSQL's manual, section "log_line_prefix", with optional padding (`%-10u`). What follows `%q`
/// is for sessions only.
pub(super) fn expand(prefix: &str, entry: &Entry) -> String {
    let mut out = String::with_capacity(prefix.len() + 32);
    let mut chars = prefix.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut padding = String::new();
        while let Some(next) = chars.next_if(|next| next.is_ascii_digit() || *next == '-') {
            padding.push(next);
        }
        match chars.next() {
            Some('q') if !entry.of_session => return out,
            Some('%') => out.push('%'),
            Some(escape) => pad(&value(escape, entry), &padding, &mut out),
            None => {}
        }
    }
    out
}

fn pad(value: &str, padding: &str, out: &mut String) {
    let width = padding.parse::<i32>().unwrap_or(0);
    let size = usize::try_from(width.unsigned_abs()).unwrap_or(0);
    match width {
        0 => out.push_str(value),
        1.. => out.push_str(&format!("{value:>size$}")),
        _ => out.push_str(&format!("{value:<size$}")),
    }
}

fn value(escape: char, entry: &Entry) -> String {
    let field = |name: &str| entry.text(name).unwrap_or_default();
    let named = |name: &str| entry.text(name).unwrap_or_else(|| "[unknown]".to_owned());
    match escape {
        'a' if entry.of_session => named("application_name"),
        'u' if entry.of_session => named("user"),
        'd' if entry.of_session => named("dbname"),
        'r' => match entry.text("remote_port") {
            Some(port) => format!("{}({port})", field("remote_host")),
            None => field("remote_host"),
        },
        'h' => field("remote_host"),
        'p' => entry.text("pid").unwrap_or_else(|| std::process::id().to_string()),
        't' => entry.time.strftime(TIME).to_string(),
        'm' => entry.time.strftime(TIME_MILLIS).to_string(),
        'n' => format!("{}.{:03}", entry.time.timestamp().as_second(), entry.time.millisecond()),
        'b' => entry.text("backend_type").unwrap_or_else(|| "server".to_owned()),
        'c' => field("session_id"),
        'l' => entry.number.to_string(),
        's' => field("session_start"),
        'e' => entry.text("state_code").unwrap_or_else(|| "00000".to_owned()),
        'v' => field("vxid"),
        'x' => entry.text("txid").unwrap_or_else(|| "0".to_owned()),
        'Q' => "0".to_owned(),
        // What is unknown is left out, as PostgreSQL does.
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_replaced_and_padded() {
        let mut entry = Entry::example();
        assert_eq!(expand("%%%e|%6u|%-6d|%h|%l%q!", &entry), "%42P01|  anna|shop  |127.0.0.1|7!");
        assert_eq!(expand("%t|%n|%v|%x", &entry), "1970-01-01 00:00:00 UTC|0.000|101/3|742");
        entry.of_session = false;
        entry.fields.clear();
        assert_eq!(expand("%e %x %q%u", &entry), "00000 0 ");
    }
}

//! Characters that text may not hold as they are.

/// Text of an element as PostgreSQL writes it.
pub fn text(text: &str, out: &mut String) {
    write(text, out, |c| match c {
        '\r' => Some("&#x0d;"),
        other => markup(other),
    });
}

/// [`text`] as a new string.
pub fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    text(value, &mut out);
    out
}

/// Text of a node of a tree.
pub(crate) fn node_text(text: &str, out: &mut String) {
    write(text, out, |c| match c {
        '\r' => Some("&#13;"),
        other => markup(other),
    });
}

/// The value of an attribute between double quotes. The encoding of what it becomes part of is not known: only ASCII is written
/// as it is.
pub fn attribute(text: &str, out: &mut String) {
    for piece in text.split_inclusive(|c: char| !c.is_ascii()) {
        let last = piece.chars().next_back().filter(|c| !c.is_ascii());
        quoted(&piece[..piece.len() - last.map_or(0, char::len_utf8)], out);
        if let Some(c) = last {
            out.push_str(&format!("&#x{:X};", u32::from(c)));
        }
    }
}

/// A text between double quotes in any encoding.
pub(crate) fn quoted(text: &str, out: &mut String) {
    write(text, out, |c| match c {
        '"' => Some("&quot;"),
        '\n' => Some("&#10;"),
        '\r' => Some("&#13;"),
        '\t' => Some("&#9;"),
        other => markup(other),
    });
}

fn markup(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

fn write(text: &str, out: &mut String, replacement: impl Fn(char) -> Option<&'static str>) {
    for c in text.chars() {
        match replacement(c) {
            Some(reference) => out.push_str(reference),
            None => out.push(c),
        }
    }
}

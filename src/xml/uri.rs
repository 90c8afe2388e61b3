//! Just enough of RFC 3986 to tell whether a namespace's name is a URI, and an absolute one.

/// The scheme of a URI reference, if it has one; `Err` when the text is no URI reference.
#[allow(clippy::result_unit_err, reason = "there is nothing to say but that it is none")]
pub fn scheme(uri: &str) -> Result<Option<&str>, ()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let (rest, fragment) = uri.split_once('#').unwrap_or((uri, ""));
    if !uri.chars().all(allowed) || fragment.contains(['#', '[', ']']) || !has_whole_escapes(uri) {
        return Err(());
    }
    let before_path = rest.find(['/', '?']).unwrap_or(rest.len());
    let Some(colon) = rest[..before_path].find(':') else {
        return if has_brackets_outside_host(rest) { Err(()) } else { Ok(None) };
    };
    let scheme = &rest[..colon];
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    match is_scheme && !has_brackets_outside_host(&rest[colon + 1..]) {
        true => Ok(Some(scheme)),
        false => Err(()),
    }
}

fn has_whole_escapes(uri: &str) -> bool {
    let is_hex = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
    let bytes = uri.as_bytes();
    let escapes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    escapes.into_iter().all(|(at, _)| is_hex(bytes.get(at + 1).copied()) && is_hex(bytes.get(at + 2).copied()))
}

/// Brackets are for addresses of IP version 6 alone.
fn has_brackets_outside_host(rest: &str) -> bool {
    match rest.strip_prefix("//") {
        Some(rest) => rest.split_once('/').is_some_and(|(_, path)| path.contains(['[', ']'])),
        None => rest.contains(['[', ']']),
    }
}

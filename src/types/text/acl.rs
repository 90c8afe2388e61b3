//! `aclitem`: `grantee=privileges/grantor`, kept as the text that it is shown as.

use crate::{Env, Error, Oid, RegKind, Result, Severity, SqlState, quote_identifier};

/// Letters of privileges in the order in which items list them.
const LETTERS: &str = "arwdDxtXUCTcsA";
/// Who has granted what nobody is named for.
const BOOTSTRAP_ROLE: Oid = Oid(10);

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
}

/// Reads an item and writes it as it is shown. 22P02, 42704 for an unknown role.
pub fn input_aclitem(text: &str, env: &dyn Env) -> Result<String> {
    let (mut grantee, mut rest) = name(text);
    if !rest.starts_with('=') {
        if grantee != "group" && grantee != "user" {
            return Err(invalid(format!("unrecognized key word: \"{grantee}\""))
                .hint("ACL key word must be \"group\" or \"user\"."));
        }
        (grantee, rest) = name(rest);
        if grantee.is_empty() {
            return Err(invalid("missing name").hint("A name must follow the \"group\" or \"user\" key word."));
        }
    }
    let rest = rest.strip_prefix('=').ok_or_else(|| invalid("missing \"=\" sign"))?;
    let end = rest.find(|c: char| !c.is_ascii_alphabetic() && c != '*').unwrap_or(rest.len());
    let (letters, rest) = rest.split_at(end);
    let privileges = in_order(letters)?;
    let (grantor, rest) = match rest.strip_prefix('/') {
        Some(rest) => name(rest),
        None => {
            let message = format!("defaulting grantor to user ID {BOOTSTRAP_ROLE}");
            env.notice(Error::with_severity(Severity::Warning, SqlState::INVALID_GRANTOR, message));
            (unquoted(&env.reg_out(RegKind::Role, BOOTSTRAP_ROLE)), rest)
        }
    };
    if grantor.is_empty() {
        return Err(invalid("a name must follow the \"/\" sign"));
    }
    if !rest.trim_ascii().is_empty() {
        return Err(invalid("extra garbage at the end of the ACL specification"));
    }
    for role in [&grantee, &grantor] {
        if !role.is_empty() {
            env.check_role(&quote_identifier(role))?;
        }
    }
    Ok(format!("{}={privileges}/{}", shown(&grantee), shown(&grantor)))
}

/// The name at the start, spaces around it and quotes taken off, and the rest.
fn name(text: &str) -> (String, &str) {
    let text = text.trim_ascii_start();
    let (mut name, mut quoted, mut end) = (String::new(), false, text.len());
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if quoted && chars.peek().is_some_and(|(_, next)| *next == '"') => {
                chars.next();
                name.push('"');
            }
            '"' => quoted = !quoted,
            c if quoted || c.is_alphanumeric() || c == '_' => name.push(c),
            _ => {
                end = at;
                break;
            }
        }
    }
    (name, text[end..].trim_ascii_start())
}

fn unquoted(name: &str) -> String {
    let inner = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    inner.map_or_else(|| name.to_owned(), |inner| inner.replace("\"\"", "\""))
}

/// A role's name: in quotes unless it is of letters, digits and underscores.
fn shown(name: &str) -> String {
    match name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// The letters in the order in which items list them, each once; a star behind one is its grant option.
fn in_order(letters: &str) -> Result<String> {
    let mut found: [Option<bool>; LETTERS.len()] = [None; LETTERS.len()];
    let mut last = None;
    for letter in letters.chars() {
        if letter == '*' {
            let place: Option<&mut Option<bool>> = last.and_then(|at: usize| found.get_mut(at));
            if let Some(place) = place {
                *place = Some(true);
            }
            continue;
        }
        let at = LETTERS
            .find(letter)
            .ok_or_else(|| invalid(format!("invalid mode character: must be one of \"{LETTERS}\"")))?;
        found[at] = Some(found[at].unwrap_or(false));
        last = Some(at);
    }
    let listed = LETTERS.chars().zip(found).filter_map(|(letter, option)| option.map(|option| (letter, option)));
    Ok(listed.fold(String::new(), |mut text, (letter, option)| {
        text.push(letter);
        if option {
            text.push('*');
        }
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::BareEnv;

    #[test]
    fn items_are_put_in_order() {
        assert_eq!(in_order("wr*a").unwrap(), "ar*w");
        assert!(in_order("z").is_err());
        assert_eq!(name("\"a \"\"b\"=r"), ("a \"b".to_owned(), "=r"));
        assert_eq!(shown("a \"b"), "\"a \"\"b\"");
        for wrong in ["x", "a=r/", "a=q/b", "group =r/b", "a=r/b c"] {
            assert!(input_aclitem(wrong, &BareEnv::default()).is_err(), "{wrong}");
        }
    }
}

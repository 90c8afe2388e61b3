//! Character classes and case mapping of the database's locale.
//!
//! The locale is `C` over UTF-8, as reported in `pg_database`: only ASCII letters have case, only ASCII characters
//! belong to a class, and every other character is itself. This file is the one place that knows.

/// `toupper`.
pub(crate) fn to_upper(text: &str) -> String {
    text.to_ascii_uppercase()
}

/// `tolower`.
pub(crate) fn to_lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// `isalnum`.
pub(crate) fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

/// The other case of a letter that has one.
pub(crate) fn other_case(c: char) -> Option<char> {
    match c {
        'a'..='z' => Some(c.to_ascii_uppercase()),
        'A'..='Z' => Some(c.to_ascii_lowercase()),
        _ => None,
    }
}

/// `initcap`: the first letter of every word upper, the rest lower.
pub(crate) fn initcap(text: &str) -> String {
    let mut inside_word = false;
    text.chars()
        .map(|c| {
            let c = if inside_word { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
            inside_word = is_alphanumeric(c);
            c
        })
        .collect()
}

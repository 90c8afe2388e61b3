//! The text that a reference to a declared entity stands for.

use crate::tree::{Document, Symbol};

/// Deepest nesting of references that is followed.
const MAX_DEPTH: usize = 40;

/// The five entities that need no declaration.
pub fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// The character of a reference such as `#65` or `#x41`, without `&` and `;`.
pub fn character(reference: &str) -> Option<char> {
    let digits = reference.strip_prefix('#')?;
    let code = match digits.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    char::from_u32(code.ok()?)
}

/// Appends the characters of an entity's text, markup left out and references followed. It stops at a limit, so that entities
/// that refer to each other cannot fill the memory.
pub(crate) fn append_text(document: &Document, name: Symbol, max_bytes: usize, out: &mut String) {
    let limit = out.len().saturating_add(max_bytes);
    append(document, name, MAX_DEPTH, limit, out);
}

fn append(document: &Document, name: Symbol, depth: usize, limit: usize, out: &mut String) {
    let Some(mut rest) = document.entity(name).filter(|_| depth > 0) else { return };
    while let Some(at) = rest.find(['&', '<']) {
        if out.len() > limit {
            return;
        }
        out.push_str(&rest[..at]);
        let markup = rest[at..].starts_with('<');
        rest = &rest[at + 1..];
        let Some(end) = rest.find(if markup { '>' } else { ';' }) else { return };
        let inside = &rest[..end];
        rest = &rest[end + 1..];
        if markup {
            continue;
        }
        match predefined(inside).or_else(|| character(inside)) {
            Some(c) => out.push(c),
            None => {
                if let Some(symbol) = document.symbol(inside) {
                    append(document, symbol, depth - 1, limit, out);
                }
            }
        }
    }
    out.push_str(rest);
}

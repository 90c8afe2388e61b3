//! The statements of histories: lines of `statements.txt`, whose braces are filled at random.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::random::Random;

const TEXT: &str = include_str!("statements.txt");

/// Names out of a few, so that statements meet: what stands in braces, the name's beginning, and how many there are.
const NAMES: [(&str, &str, u64); 11] = [
    ("t", "t", 4),
    ("c", "c", 4),
    ("d", "d", 3),
    ("e", "e", 2),
    ("k", "k", 2),
    ("s", "s", 3),
    ("f", "f", 2),
    ("m", "m", 2),
    ("r", "r", 3),
    ("g", "p", 3),
    ("b", "b", 2),
];
/// What stands in braces for a line of another section.
const SECTIONS: [(&str, &str); 3] = [("column", "columns"), ("type", "types"), ("value", "values")];
/// Numbers: what stands in braces, and where they end.
const NUMBERS: [(&str, u64); 2] = [("n", 200), ("i", 5)];

fn sections() -> &'static BTreeMap<&'static str, Vec<&'static str>> {
    static SECTIONS: OnceLock<BTreeMap<&str, Vec<&str>>> = OnceLock::new();
    SECTIONS.get_or_init(|| {
        let mut sections: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut current = "";
        for line in TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(name) => current = name,
                None => sections.entry(current).or_default().push(line),
            }
        }
        sections
    })
}

/// A statement of a section.
pub fn statement(random: &mut Random, section: &str) -> String {
    filled(random.pick(&sections()[section]), random)
}

/// The line with something for everything in braces that has a meaning.
fn filled(line: &str, random: &mut Random) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let inside = rest.split('}').next().unwrap_or_default();
        match replacement(inside, random) {
            Some(text) => {
                out.push_str(&text);
                rest = &rest[inside.len() + 1..];
            }
            None => out.push('{'),
        }
    }
    out + rest
}

fn replacement(inside: &str, random: &mut Random) -> Option<String> {
    if let Some((_, beginning, count)) = NAMES.iter().find(|(name, ..)| *name == inside) {
        return Some(format!("{beginning}{}", random.below(*count)));
    }
    if let Some((_, end)) = NUMBERS.iter().find(|(name, _)| *name == inside) {
        return Some(random.below(*end).to_string());
    }
    let (_, section) = SECTIONS.iter().find(|(name, _)| *name == inside)?;
    Some(statement(random, section))
}

//! Which functions of PostgreSQL depend on the collation of their arguments, and in what way.

use dictdb_types::Oid;

/// What a function does with the collation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Compares by order: the function that compares sort keys likewise.
    Order(Oid),
    /// Tells apart.
    Equality(Oid),
    /// The greater or lesser of two.
    Extreme { greatest: bool },
    /// `lower`, `upper`, `initcap`: the function by a rule.
    Case(&'static str),
    /// `ILIKE`: the function over texts of one case.
    IgnoringCase(Oid),
    /// What collations that are not deterministic do not have, as the message calls it.
    Exact(&'static str),
    /// Hashes.
    Hash,
}

const EQUAL: Oid = Oid(1948);
const LESS: Oid = Oid(1949);
const LESS_EQUAL: Oid = Oid(1950);
const GREATER: Oid = Oid(1951);
const GREATER_EQUAL: Oid = Oid(1952);
const UNEQUAL: Oid = Oid(1953);
const COMPARE: Oid = Oid(1954);
const LIKE: Oid = Oid(850);
const NOT_LIKE: Oid = Oid(851);

/// Endings of the comparisons' symbols.
const COMPARISONS: &[(&str, Use)] = &[
    ("eq", Use::Equality(EQUAL)),
    ("ne", Use::Equality(UNEQUAL)),
    ("lt", Use::Order(LESS)),
    ("le", Use::Order(LESS_EQUAL)),
    ("gt", Use::Order(GREATER)),
    ("ge", Use::Order(GREATER_EQUAL)),
];

/// Comparisons by the parts of their symbols around the ending.
const FAMILIES: &[(&str, &str)] =
    &[("text", ""), ("text_", ""), ("bpchar", ""), ("name", ""), ("name", "text"), ("text", "name")];

const OTHERS: &[(&str, Use)] = &[
    ("bttextcmp", Use::Order(COMPARE)),
    ("bpcharcmp", Use::Order(COMPARE)),
    ("btnamecmp", Use::Order(COMPARE)),
    ("btnametextcmp", Use::Order(COMPARE)),
    ("bttextnamecmp", Use::Order(COMPARE)),
    ("text_larger", Use::Extreme { greatest: true }),
    ("text_smaller", Use::Extreme { greatest: false }),
    ("bpchar_larger", Use::Extreme { greatest: true }),
    ("bpchar_smaller", Use::Extreme { greatest: false }),
    ("lower", Use::Case(dictdb_functions::collation::LOWER)),
    ("upper", Use::Case(dictdb_functions::collation::UPPER)),
    ("initcap", Use::Case(dictdb_functions::collation::INITCAP)),
    ("texticlike", Use::IgnoringCase(LIKE)),
    ("texticnlike", Use::IgnoringCase(NOT_LIKE)),
    ("nameiclike", Use::IgnoringCase(LIKE)),
    ("nameicnlike", Use::IgnoringCase(NOT_LIKE)),
    ("textlike", Use::Exact("LIKE")),
    ("textnlike", Use::Exact("LIKE")),
    ("namelike", Use::Exact("LIKE")),
    ("namenlike", Use::Exact("LIKE")),
    ("textpos", Use::Exact("substring searches")),
    ("split_part", Use::Exact("substring searches")),
    ("replace_text", Use::Exact("substring searches")),
    ("text_to_array", Use::Exact("substring searches")),
    ("text_to_array_null", Use::Exact("substring searches")),
    ("text_starts_with", Use::Exact("substring searches")),
    ("hashtext", Use::Hash),
    ("hashtextextended", Use::Hash),
    ("hashbpchar", Use::Hash),
    ("hashbpcharextended", Use::Hash),
];

/// Functions over regular expressions.
const REGULAR: &[&str] = &[
    "textregexeq",
    "textregexne",
    "texticregexeq",
    "texticregexne",
    "nameregexeq",
    "nameregexne",
    "nameicregexeq",
    "nameicregexne",
    "textregexsubstr",
    "textregexreplace",
    "textregexreplace_noopt",
    "textregexreplace_extended",
    "regexp_match",
    "regexp_matches",
    "regexp_split_to_table",
    "regexp_split_to_array",
    "regexp_count",
    "regexp_instr",
    "regexp_like",
    "regexp_substr",
];

/// What a function with this symbol does with the collation; `None` is that it does not ask.
pub(super) fn use_of(source: &str) -> Option<Use> {
    let compares = || {
        COMPARISONS.iter().find_map(|(ending, found)| {
            let is = |(before, after): &(&str, &str)| {
                let middle = source.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                middle == Some(ending)
            };
            FAMILIES.iter().any(is).then_some(*found)
        })
    };
    let other = || OTHERS.iter().find(|(name, _)| *name == source).map(|(_, found)| *found);
    let regular = || {
        let base = source.strip_suffix("_no_flags").unwrap_or(source);
        REGULAR.iter().any(|name| *name == base || *name == source).then_some(Use::Exact("regular expressions"))
    };
    compares().or_else(other).or_else(regular)
}

/// What 42P22 says of a function: what the collation is for.
pub(super) fn purpose(found: Use, source: &str) -> String {
    match found {
        Use::Order(_) | Use::Equality(_) | Use::Extreme { .. } => "string comparison".into(),
        Use::Hash => "string hashing".into(),
        Use::Case(_) => format!("{source}() function"),
        Use::IgnoringCase(_) => "ILIKE".into(),
        Use::Exact("regular expressions") => "regular expression".into(),
        Use::Exact(_) => "string comparison".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_known_by_their_parts() {
        assert_eq!(use_of("text_lt"), Some(Use::Order(LESS)));
        assert_eq!(use_of("texteq"), Some(Use::Equality(EQUAL)));
        assert_eq!(use_of("textltname"), Some(Use::Order(LESS)));
        assert_eq!(use_of("bpcharge"), Some(Use::Order(GREATER_EQUAL)));
        assert_eq!(use_of("int4lt"), None);
        assert_eq!(use_of("textcat"), None);
    }

    #[test]
    fn functions_over_keys_are_those_of_bytea() {
        for (oid, name) in [(EQUAL, "byteaeq"), (LESS, "bytealt"), (LESS_EQUAL, "byteale"), (GREATER, "byteagt")] {
            assert_eq!(dictdb_functions::facts::proc_by_oid(oid).map(|proc| proc.name), Some(name));
        }
        for (oid, name) in [(GREATER_EQUAL, "byteage"), (UNEQUAL, "byteane"), (COMPARE, "byteacmp")] {
            assert_eq!(dictdb_functions::facts::proc_by_oid(oid).map(|proc| proc.name), Some(name));
        }
        for (oid, name) in [(LIKE, "textlike"), (NOT_LIKE, "textnlike")] {
            assert_eq!(dictdb_functions::facts::proc_by_oid(oid).map(|proc| proc.name), Some(name));
        }
    }
}

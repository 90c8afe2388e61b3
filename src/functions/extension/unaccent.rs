//! `unaccent`: letters without their accents.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "unaccent_dict" => |text: &str| unaccent(text),
};

/// What characters become; those that stay are not listed.
static RULES: LazyLock<HashMap<char, &'static str>> = LazyLock::new(|| {
    let rule = |line: &'static str| {
        let (code, text) = line.split_once('\t')?;
        let code = u32::from_str_radix(code, 16).ok()?;
        Some((char::from_u32(code)?, text))
    };
    include_str!("../facts/unaccent.tsv").lines().filter_map(rule).collect()
});

fn unaccent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match RULES.get(&c) {
            Some(plain) => out.push_str(plain),
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::unaccent;

    #[test]
    fn letters_lose_accents_and_ligatures_come_apart() {
        assert_eq!(unaccent("Hôtel Müller, Œuvre, Straße"), "Hotel Muller, OEuvre, Strasse");
    }
}

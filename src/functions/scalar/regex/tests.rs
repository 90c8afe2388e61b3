//! Matches and captures against PostgreSQL 15's answers. SQL functions are covered by `tests/expressions`.

use super::compile;
use super::syntax::Options;

type Captures = &'static [Option<&'static str>];

/// Pattern, text, captures (or the whole match) as PostgreSQL's `regexp_match` shows them; `None` is no match.
const CASES: &[(&str, &str, Option<Captures>)] = &[
    ("(a*)*", "b", Some(&[Some("")])),
    ("(a|ab)(b|c|bcd)*", "aab", Some(&[Some("a"), None])),
    ("foo|foobar", "foobar", Some(&[Some("foobar")])),
    ("(ab){0}", "abab", Some(&[None])),
    ("(a|b)*", "abab", Some(&[Some("b")])),
    ("(?:(a)|(b))*", "ab", Some(&[None, Some("b")])),
    ("(x)?(y)?(q)?", "xyz", Some(&[Some("x"), Some("y"), None])),
    ("(a|ab|abc)(bcd|d)?", "abcd", Some(&[Some("abc"), Some("d")])),
    ("(a|ab)(c|bcd)(d*)", "abcd", Some(&[Some("ab"), Some("c"), Some("d")])),
    ("Y*([0-9]{1,3})", "XY1234Z", Some(&[Some("123")])),
    ("Y*?([0-9]{1,3})", "XY1234Z", Some(&[Some("1")])),
    ("(.*)(\\d+)(.*)", "abc01234xyz", Some(&[Some("abc0123"), Some("4"), Some("xyz")])),
    ("(.*?)(\\d+)(.*)", "abc01234xyz", Some(&[Some("abc"), Some("0"), Some("")])),
    ("(?:(.*?)(\\d+)(.*)){1,1}", "abc01234xyz", Some(&[Some("abc"), Some("01234"), Some("xyz")])),
    ("(a)\\1", "baac", Some(&[Some("a")])),
    ("^https?://(?:www\\.)?([^/]+)/.*$", "https://www.a.b/c/", Some(&[Some("a.b")])),
    ("ab{2}(?:c|d)(e|f)(g*)h", "abbdfh", Some(&[Some("f"), Some("")])),
    ("é{2}(x)(?:yy){2}(z+)", "ééxyyyyzz", Some(&[Some("x"), Some("zz")])),
    ("ab(c)\\1(d*)", "abcabccd", Some(&[Some("c"), Some("d")])),
    ("(?<=a)b", "cbab", Some(&[Some("b")])),
    ("(\\w+) \\1", "the the cat", Some(&[Some("the")])),
    ("a(?!b)", "abac", Some(&[Some("a")])),
    ("[[:<:]]c\\w+", "abc cde", Some(&[Some("cde")])),
    ("é+", "caféé", Some(&[Some("éé")])),
    ("\\W", "aé", Some(&[Some("é")])),
    ("x(?=(?:ab)+$)", "xababx", None),
];

#[test]
fn captures_are_postgresqls() {
    for (pattern, text, expected) in CASES {
        let found = compile(pattern, Options::ADVANCED).and_then(|regex| regex.find_captures(text, 0)).unwrap();
        let found = found.map(|spans| {
            let chosen = if spans.len() > 1 { &spans[1..] } else { &spans[..] };
            chosen.iter().map(|span| span.map(|(from, to)| &text[from..to])).collect::<Vec<_>>()
        });
        assert_eq!(found.as_deref(), *expected, "{pattern} on {text}");
    }
}

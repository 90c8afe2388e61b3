//! Texts at random: whatever comes in, the parser ends, and what it takes can be written and read again.

use super::{MAX_DEPTH, Parsed, parse_content, parse_document};
use crate::problem::detail;
use crate::serialize;
use crate::tree::Kind;
use crate::xpath::{self, Evaluation};

/// Pieces that random texts are made of.
const PIECES: &[&str] = &[
    "<",
    ">",
    "/",
    "/>",
    "</",
    "<a",
    "<a>",
    "</a>",
    "<b c=\"",
    "'",
    "\"",
    "=",
    " ",
    "\n",
    "&",
    ";",
    "&lt;",
    "&#65;",
    "&#x",
    "&e;",
    "<!--",
    "-->",
    "--",
    "<![CDATA[",
    "]]>",
    "<?",
    "?>",
    "<?xml version=\"1.0\"?>",
    "<!DOCTYPE a [",
    "]>",
    "<!ENTITY e \"",
    "<!ENTITY % p '",
    "%p;",
    "<!ATTLIST a c ID #IMPLIED>",
    "<!ELEMENT a (b|c)*>",
    "xmlns:x=\"u:x\"",
    "x:y",
    "xml",
    "é",
    "\u{1}",
    "\u{FFFF}",
    "\r\n",
    "text",
];

/// A small generator of numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % limit
    }

    fn text(&mut self, pieces: &[&str], most: usize) -> String {
        (0..self.below(most)).map(|_| pieces[self.below(pieces.len())]).collect()
    }
}

fn is_good(parsed: &Parsed) -> bool {
    !parsed.has_error(true)
}

#[test]
fn random_texts_end_and_good_ones_come_back() {
    let mut random = Random(7);
    let mut good = 0;
    for _ in 0..4_000 {
        let text = random.text(PIECES, 14);
        let _ = detail(&parse_document(&text).problems);
        let wrapped = format!("<r xmlns:x=\"u:x\">{}</r>", random.text(PIECES, 6));
        let parsed = parse_document(&wrapped);
        let _ = parse_content(&text);
        if let (true, Some(element)) = (is_good(&parsed), parsed.document.document_element()) {
            good += 1;
            let written = serialize(&parsed.document, element);
            let again = parse_document(&written);
            assert!(is_good(&again), "{wrapped:?} was written as {written:?}");
            let element = again.document.document_element().expect("an element");
            assert_eq!(serialize(&again.document, element), written, "{wrapped:?}");
        }
    }
    assert!(good > 100, "only {good} good texts");
}

#[test]
fn changed_documents_end() {
    let document = "<!DOCTYPE a [<!ENTITY e \"x<b/>\"><!ATTLIST a c (d|e) 'd'>]>\n<a c='&amp;' x:y=\"1\" xmlns:x=\"u:x\">t&e;\
        <!--c--><?p q?><![CDATA[]]]]><é/></a>";
    let mut random = Random(11);
    for _ in 0..4_000 {
        let mut chars: Vec<char> = document.chars().collect();
        for _ in 0..=random.below(3) {
            let at = random.below(chars.len());
            match random.below(3) {
                0 => drop(chars.remove(at)),
                1 => chars.insert(at, chars[random.below(chars.len())]),
                _ => chars[at] = chars[random.below(chars.len())],
            }
        }
        let text: String = chars.into_iter().collect();
        let _ = parse_document(&text);
        let _ = parse_content(&text);
    }
}

#[test]
fn random_paths_end() {
    const PATHS: &[&str] = &[
        "/",
        "//",
        "a",
        "b",
        "*",
        "@",
        "[",
        "]",
        "(",
        ")",
        "1",
        ".",
        "..",
        "::",
        "text()",
        "node()",
        "last()",
        "count(",
        "ancestor::",
        " and ",
        " or ",
        " div ",
        "|",
        "=",
        "-",
        "+",
        "'s'",
        "following::",
        "preceding::",
        "namespace::",
        "$v",
        ",",
        "string(",
        "x:y",
    ];
    let parsed = parse_document("<a b='1'><b>2<a/></b><!--c--><b xmlns:x='u:x'/>3</a>");
    let mut random = Random(13);
    let mut good = 0;
    for _ in 0..20_000 {
        let Ok(expr) = xpath::parse(&random.text(PATHS, 9)) else { continue };
        let mut evaluation = Evaluation::new(&parsed.document, &[], &|| true);
        good += usize::from(evaluation.evaluate(&expr, parsed.document.root()).is_ok());
    }
    assert!(good > 400, "only {good} good paths");
}

#[test]
fn entities_cannot_grow_without_limit() {
    let mut document = String::from("<!DOCTYPE a [<!ENTITY e0 \"0123456789\">");
    for level in 1..30 {
        let inner = format!("&e{};", level - 1).repeat(10);
        document.push_str(&format!("<!ENTITY e{level} \"{inner}\">"));
    }
    for last in ["]><a>&e29;</a>", "]><a b=\"&e29;\"/>"] {
        let parsed = parse_document(&format!("{document}{last}"));
        assert!(detail(&parsed.problems).contains("entity reference loop"), "{:?}", parsed.problems);
    }
    let itself = "<!DOCTYPE a [<!ENTITY e \"&f;\"><!ENTITY f \"&e;\">]><a>&e;</a>";
    assert!(detail(&parse_document(itself).problems).contains("entity reference loop"));
}

#[test]
fn what_entities_name_elsewhere_is_not_read() {
    let parsed = parse_document("<!DOCTYPE a [<!ENTITY e SYSTEM \"/etc/passwd\">]><a>&e;</a>");
    assert!(is_good(&parsed));
    assert_eq!(parsed.document.string_value(parsed.document.root()), "");
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| parse_document(&format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth)));
    assert!(is_good(&nested(MAX_DEPTH)));
    assert!(!is_good(&nested(MAX_DEPTH * 2)));
    assert!(!is_good(&nested(1_000_000)));
}

#[test]
fn a_tree_is_in_document_order() {
    let parsed = parse_document("<a b='1' c='2'><d e='3'/>f</a>");
    let document = &parsed.document;
    let element = document.document_element().expect("an element");
    let attributes: Vec<_> = document.attributes(element).collect();
    let children: Vec<_> = document.children(element).collect();
    assert!(element < attributes[0] && attributes[1] < children[0] && children[0] < children[1]);
    assert!(matches!(document.kind(children[1]), Kind::Text(text) if &**text == "f"));
    assert_eq!(document.string_value(element), "f");
}

//! Expressions and what they give.

use super::{Error, Evaluation, Value, parse};
use crate::parse::parse_document;
use crate::serialize;
use crate::xpath::Node;

const LIBRARY: &str = "<?xml version=\"1.0\"?><!DOCTYPE l [<!ATTLIST b key ID #IMPLIED>]>\
    <l xml:lang=\"en-GB\" xmlns:x=\"u:x\"><!--c--><b key=\"k1\" n=\"1\">one</b><b n=\"2\" key=\"k2\">two<i>!</i></b>\
    <x:b n=\"3\">three</x:b><?p q?><e/></l>";

fn shown(document: &str, text: &str) -> String {
    let parsed = parse_document(document);
    assert!(!parsed.has_error(true), "{:?}", parsed.problems);
    let namespaces = [("y".to_owned(), "u:x".to_owned())];
    let value = parse(text).and_then(|expr| {
        let mut evaluation = Evaluation::new(&parsed.document, &namespaces, &|| true);
        evaluation.evaluate(&expr, parsed.document.root())
    });
    match value {
        Err(Error::Message(message)) => message.to_owned(),
        Err(Error::Interrupted) => "interrupted".to_owned(),
        Ok(Value::Nodes(nodes)) => {
            let node = |node: &Node| match node {
                Node::Tree(id) => serialize(&parsed.document, *id).trim_end().to_owned(),
                Node::Namespace(..) => node.string_value(&parsed.document),
            };
            nodes.iter().map(node).collect::<Vec<_>>().join("|")
        }
        Ok(other) => other.string(&parsed.document),
    }
}

#[test]
fn expressions_give_what_the_recommendation_says() {
    for (text, expected) in [
        ("/l/b[1]", "<b key=\"k1\" n=\"1\">one</b>"),
        ("//b[last()]/@n", " n=\"2\""),
        ("//y:b/text()", "three"),
        ("//*[@n > 1]/@n", " n=\"2\"| n=\"3\""),
        ("count(//b) + count(//@*)", "8"),
        ("string(//b[2])", "two!"),
        ("//i/ancestor::*[1]/@n", " n=\"2\""),
        ("//i/preceding::text()", "one|two"),
        (
            "//b[1]/following-sibling::*",
            "<b n=\"2\" key=\"k2\">two<i>!</i></b>|<x:b xmlns:x=\"u:x\" n=\"3\">three</x:b>|<e/>",
        ),
        ("//i/following::node()", "<x:b xmlns:x=\"u:x\" n=\"3\">three</x:b>|three|<?p q?>|<e/>"),
        ("//comment() | //processing-instruction('p')", "<!--c-->|<?p q?>"),
        ("id('k2 k1')/@n", " n=\"1\"| n=\"2\""),
        ("boolean(//b[lang('en')])", "true"),
        ("name(//*[last()]) = 'e' or false()", "false"),
        ("local-name(/l/*[3])", "b"),
        ("namespace-uri(/l/*[3])", "u:x"),
        ("//e/namespace::*", "http://www.w3.org/XML/1998/namespace|u:x"),
        ("substring('12345', 1.5, 2.6)", "234"),
        ("substring('12345', 0, 3)", "12"),
        ("translate('bar', 'abc', 'AB')", "BAr"),
        ("normalize-space('  a  b ')", "a b"),
        ("concat('a', 1 div 0, -1 div 0, 0 div 0)", "aInfinity-InfinityNaN"),
        ("round(-0.5) + round(2.5)", "3"),
        ("7 mod -3", "1"),
        ("- - 2 * 3", "6"),
        ("1 = '1.0' and 2 >= 2", "true"),
        ("'a' < 'b'", "false"),
        ("//b = 'one'", "true"),
        ("//b != 'one'", "true"),
        ("sum(//@n)", "6"),
        ("(//b)[2]/@n", " n=\"2\""),
        ("//b[@n = 2 or @key = 'k1'][2]/@n", " n=\"2\""),
        ("/..", ""),
        ("div div div", "NaN"),
        ("0.1 + 0.2", "0.3"),
        ("1000000 * 1000000", "1e+12"),
    ] {
        assert_eq!(shown(LIBRARY, text), expected, "{text}");
    }
}

#[test]
fn wrong_expressions_say_why() {
    for (text, expected) in [
        ("", "Invalid expression"),
        ("//", "Invalid expression"),
        ("a[", "Invalid expression"),
        ("a[1", "Invalid predicate"),
        ("'a", "Unfinished literal"),
        ("$x", "Undefined variable"),
        ("nothing()", "Unregistered function"),
        ("count()", "Invalid number of arguments"),
        ("count(1)", "Invalid type"),
        ("z:a", "Undefined namespace prefix"),
        ("position()", "Invalid context position"),
        ("last()", "Invalid context size"),
    ] {
        assert_eq!(shown("<a/>", text), expected, "{text}");
    }
}

#[test]
fn nesting_is_limited_and_long_chains_are_not_deep() {
    let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(shown("<a/>", &deep), "Recursion limit exceeded");
    assert_eq!(shown("<a/>", &vec!["1"; 50_000].join("+")), "50000");
    assert_eq!(shown("<a/>", &format!("{}1", "-".repeat(50_001))), "-1");
}

#[test]
fn a_long_evaluation_can_be_stopped() {
    let parsed = parse_document(&format!("<a>{}</a>", "<b/>".repeat(1000)));
    let expr = parse("//b[count(//b[count(//b) > 1]) > 1]").expect("an expression");
    let mut evaluation = Evaluation::new(&parsed.document, &[], &|| false);
    assert_eq!(evaluation.evaluate(&expr, parsed.document.root()), Err(Error::Interrupted));
}

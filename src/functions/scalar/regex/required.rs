//! What a text needs to contain to match a pattern, as far as that is easily said.

use dictdb_types::Result;

use super::class::CharSet;
use super::parse::parse;
use super::syntax::{Assertion, Kind, Node, Options};

/// A condition that every matching text satisfies.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Required {
    /// It contains this, ASCII letters in either case.
    Text(Run),
    /// All of these.
    All(Vec<Required>),
    /// One of these.
    Any(Vec<Required>),
}

/// Characters that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub text: String,
    /// A word begins where the run does, if its first character belongs to one.
    pub begins_word: bool,
    /// Likewise at its end.
    pub ends_word: bool,
}

/// What the pattern of `~` and `~*` requires. 2201B for what is no pattern.
pub(crate) fn required(pattern: &str, ignore_case: bool) -> Result<Required> {
    let options = Options { ignore_case, ..Options::ADVANCED };
    // Reports what is wrong with it as the operator does.
    super::compile(pattern, options)?;
    let mut found = Finder::default();
    if let Ok(parsed) = parse(pattern, options) {
        found.node(&parsed.root);
    }
    Ok(found.finish())
}

/// What was found up to some place of the pattern.
#[derive(Default)]
struct Finder {
    run: Run,
    parts: Vec<Required>,
}

impl Finder {
    fn finish(mut self) -> Required {
        self.end_run();
        Required::All(self.parts)
    }

    /// What comes next does not follow the run immediately.
    fn end_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        if !run.text.is_empty() {
            self.parts.push(Required::Text(run));
        }
    }

    fn node(&mut self, node: &Node) {
        match &node.kind {
            Kind::Empty => {}
            Kind::Set(set) => match only_letter(set) {
                Some(letter) => self.run.text.push(letter),
                None => self.end_run(),
            },
            Kind::Concat(nodes) => nodes.iter().for_each(|node| self.node(node)),
            Kind::Capture(_, node) => self.node(node),
            Kind::Alternate(branches) => {
                self.end_run();
                self.parts.push(Required::Any(branches.iter().map(alone).collect()));
            }
            Kind::Repeat { node, min, .. } => self.repeated(node, *min),
            Kind::Assert(assertion) => self.assert(*assertion),
            Kind::BackReference(_) | Kind::Look { .. } => self.end_run(),
        }
    }

    fn repeated(&mut self, node: &Node, min: u32) {
        let letter = match &node.kind {
            Kind::Set(set) if min > 0 => only_letter(set),
            _ => None,
        };
        match letter {
            // The run goes up to the first of the repeated letters, and another one begins with the last.
            Some(letter) => {
                self.run.text.push(letter);
                self.end_run();
                self.run.text.push(letter);
            }
            None => {
                self.end_run();
                if min > 0 {
                    self.parts.push(alone(node));
                }
            }
        }
    }

    fn assert(&mut self, assertion: Assertion) {
        match assertion {
            Assertion::TextStart | Assertion::LineStart | Assertion::WordStart => {
                self.end_run();
                self.run.begins_word = true;
            }
            Assertion::TextEnd | Assertion::LineEnd | Assertion::WordEnd => {
                self.run.ends_word = true;
                self.end_run();
            }
            Assertion::WordEdge | Assertion::NotWordEdge => self.end_run(),
        }
    }
}

fn alone(node: &Node) -> Required {
    let mut found = Finder::default();
    found.node(node);
    found.finish()
}

/// The only character of a set, in lower case.
fn only_letter(set: &CharSet) -> Option<char> {
    let mut letter = None;
    for (low, high) in set.ranges() {
        if low != high || letter.is_some_and(|known: char| known != low.to_ascii_lowercase()) {
            return None;
        }
        letter = Some(low.to_ascii_lowercase());
    }
    letter
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str, begins_word: bool, ends_word: bool) -> Required {
        Required::Text(Run { text: text.to_owned(), begins_word, ends_word })
    }

    #[test]
    fn runs_end_where_the_next_character_is_unknown() {
        let found = |pattern| required(pattern, true).unwrap();
        assert_eq!(found("^abc.de$"), Required::All(vec![run("abc", true, false), run("de", false, true)]));
        assert_eq!(found("ab+c"), Required::All(vec![run("ab", false, false), run("bc", false, false)]));
        assert_eq!(found("ab*c"), Required::All(vec![run("a", false, false), run("c", false, false)]));
        let Required::All(parts) = found("x(foo|b.r)") else { panic!() };
        assert!(matches!(&parts[1], Required::Any(branches) if branches.len() == 2));
        assert!(required("a(", false).is_err());
    }
}

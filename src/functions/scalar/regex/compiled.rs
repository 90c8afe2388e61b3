//! A pattern ready to search: finds the leftmost match, takes the longest or shortest there, and its captures.
//!
//! Where the pattern is regular, `regex-automata` finds the place and the longest end; the automaton of this module
//! settles the rest: shortest ends, captures, look-around, back-references. For those last two, `regex-automata` still
//! searches for places with what is left of the pattern when conditions are dropped.

use std::cell::OnceCell;

use dictdb_types::Result;
use regex_automata::meta::{Builder, Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, Look, Repetition};

use super::automaton::Automaton;
use super::dissect::{Dissection, Spans};
use super::fault::Fault;
use super::parse::{Parsed, parse};
use super::syntax::{Assertion, Kind, Node, Options, Preference};

/// Bytes that one compiled search program may take.
const MAX_PROGRAM_BYTES: usize = 64 << 20;

pub(super) struct Compiled {
    parsed: Parsed,
    /// Finds where a match begins.
    leftmost: Regex,
    /// Finds how far the longest match from a place goes.
    longest: OnceCell<Regex>,
    automaton: OnceCell<Automaton>,
}

impl Compiled {
    pub(super) fn new(pattern: &str, options: Options) -> Result<Compiled, Fault> {
        let parsed = parse(pattern, options)?;
        let leftmost = program(&parsed.root, MatchKind::LeftmostFirst)?;
        Ok(Compiled { parsed, leftmost, longest: OnceCell::new(), automaton: OnceCell::new() })
    }

    /// Number of captures.
    pub(super) fn captures(&self) -> usize {
        self.parsed.captures
    }

    pub(super) fn is_match(&self, text: &str) -> Result<bool> {
        if self.parsed.regular {
            return Ok(self.leftmost.is_match(text));
        }
        Ok(self.find(text, 0)?.is_some())
    }

    /// The span of the leftmost match that starts at or after byte `from`.
    pub(super) fn find(&self, text: &str, from: usize) -> Result<Option<(usize, usize)>> {
        if !self.parsed.regular {
            return Ok(self.search(text, from)?.map(|(span, _)| span));
        }
        let Some(start) = self.candidate(text, from) else { return Ok(None) };
        Ok(self.regular_end(text, start)?.map(|end| (start, end)))
    }

    /// The leftmost match and its captures; the whole match is capture zero.
    pub(super) fn find_captures(&self, text: &str, from: usize) -> Result<Option<Spans>> {
        if !self.parsed.regular {
            return Ok(self.search(text, from)?.map(|(_, spans)| spans));
        }
        let Some((start, end)) = self.find(text, from)? else { return Ok(None) };
        let mut spans = vec![None; self.parsed.captures + 1];
        spans[0] = Some((start, end));
        if self.parsed.captures == 0 {
            return Ok(Some(spans));
        }
        let mut dissection = self.dissection(text, spans)?;
        dissection.node(&self.parsed.root, start, end)?;
        Ok(Some(dissection.spans))
    }

    fn automaton(&self) -> Result<&Automaton, Fault> {
        if let Some(automaton) = self.automaton.get() {
            return Ok(automaton);
        }
        let automaton = Automaton::new(&self.parsed.root, self.parsed.nodes)?;
        Ok(self.automaton.get_or_init(|| automaton))
    }

    fn dissection<'a>(&'a self, text: &'a str, spans: Spans) -> Result<Dissection<'a>> {
        let ignore_case = self.parsed.options.ignore_case;
        Ok(Dissection { automaton: self.automaton()?, text, ignore_case, spans, steps: 0 })
    }

    fn candidate(&self, text: &str, from: usize) -> Option<usize> {
        self.leftmost.find(Input::new(text).span(from..text.len())).map(|found| found.start())
    }

    fn regular_end(&self, text: &str, start: usize) -> Result<Option<usize>> {
        if self.parsed.root.preference == Preference::Shortest {
            let fragment = self.automaton()?.fragment(&self.parsed.root);
            let mut shortest = None;
            self.automaton()?.ends(text, (fragment.entry, fragment.exit), start, text.len(), &mut |end| {
                shortest = Some(end);
                true
            });
            return Ok(shortest);
        }
        let longest = match self.longest.get() {
            Some(regex) => regex,
            None => {
                let regex = program(&self.parsed.root, MatchKind::All)?;
                self.longest.get_or_init(|| regex)
            }
        };
        let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes);
        Ok(longest.find(input).map(|found| found.end()))
    }

    /// The search for patterns with look-around or back-references.
    fn search(&self, text: &str, from: usize) -> Result<Option<((usize, usize), Spans)>> {
        let root = &self.parsed.root;
        let fragment = self.automaton()?.fragment(root);
        let mut next = self.candidate(text, from);
        while let Some(start) = next {
            let mut ends = vec![];
            self.automaton()?.ends(text, (fragment.entry, fragment.exit), start, text.len(), &mut |end| {
                ends.push(end);
                false
            });
            if root.preference != Preference::Shortest {
                ends.reverse();
            }
            for end in ends {
                let mut spans = vec![None; self.parsed.captures + 1];
                spans[0] = Some((start, end));
                let mut dissection = self.dissection(text, spans)?;
                if dissection.node(root, start, end)? {
                    return Ok(Some(((start, end), dissection.spans)));
                }
            }
            let Some(c) = text[start..].chars().next() else { return Ok(None) };
            next = self.candidate(text, start + c.len_utf8());
        }
        Ok(None)
    }
}

/// The tree as a `regex-automata` program, without captures and conditions.
fn program(root: &Node, kind: MatchKind) -> Result<Regex, Fault> {
    let config = Config::new()
        .match_kind(kind)
        .nfa_size_limit(Some(MAX_PROGRAM_BYTES))
        .onepass_size_limit(Some(1 << 20))
        .hybrid_cache_capacity(2 << 20);
    let mut builder = Builder::new();
    builder.configure(config).syntax(syntax::Config::new());
    builder.build_from_hir(&hir(root)).map_err(|_| Fault::TooComplex)
}

fn hir(node: &Node) -> Hir {
    match &node.kind {
        Kind::Empty | Kind::Look { .. } => Hir::empty(),
        Kind::Set(set) => {
            let ranges = set.ranges().iter().map(|(low, high)| ClassUnicodeRange::new(*low, *high));
            Hir::class(Class::Unicode(ClassUnicode::new(ranges)))
        }
        Kind::Concat(items) => Hir::concat(items.iter().map(hir).collect()),
        Kind::Alternate(branches) => Hir::alternation(branches.iter().map(hir).collect()),
        Kind::Repeat { node, min, max } => repetition(hir(node), *min, *max),
        Kind::Capture(_, node) => hir(node),
        Kind::BackReference(_) => {
            let any = ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)]);
            repetition(Hir::class(Class::Unicode(any)), 0, None)
        }
        Kind::Assert(assertion) => Hir::look(match assertion {
            Assertion::TextStart => Look::Start,
            Assertion::TextEnd => Look::End,
            Assertion::LineStart => Look::StartLF,
            Assertion::LineEnd => Look::EndLF,
            Assertion::WordStart => Look::WordStartAscii,
            Assertion::WordEnd => Look::WordEndAscii,
            Assertion::WordEdge => Look::WordAscii,
            Assertion::NotWordEdge => Look::WordAsciiNegate,
        }),
    }
}

fn repetition(sub: Hir, min: u32, max: Option<u32>) -> Hir {
    Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(sub) })
}

//! `ltxtquery`: which labels a path has anywhere, joined with `&`, `|`, `!` and parentheses.

use std::iter::Peekable;
use std::str::Chars;

use super::label::{LabelPattern, is_label_char};
use super::ltree::Ltree;
use crate::{Error, Result, SqlState};

/// Most operators that may wait for an operand inside one pair of parentheses.
const PENDING_MAX: usize = 32;

/// Longest operand, in bytes.
const OPERAND_BYTES_MAX: usize = u8::MAX as usize;

/// Most bytes of operands, each with one behind it, before another one.
const OPERANDS_BYTES_MAX: usize = u16::MAX as usize;

/// Most items from an operator to its left operand.
const DISTANCE_MAX: usize = i16::MAX as usize;

/// A value of the type: each operator before its operands, the right one first. A tree of nodes that own each other could be
/// deeper than a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ltxtquery {
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Label(LabelPattern),
    Not,
    /// With how many items further on the left operand begins.
    Binary(Operator, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    And,
    Or,
}

impl Ltxtquery {
    /// Reads the text form. 42601, 22023, 54000; XX000 for too many operators before an operand, as PostgreSQL answers.
    pub fn parse(text: &str) -> Result<Ltxtquery> {
        let mut parser = Parser {
            chars: text.chars().peekable(),
            postfix: Vec::new(),
            pending: Vec::new(),
            opened: Vec::new(),
            operand_bytes: 0,
        };
        while parser.operand()? {}
        parser.finish()
    }

    /// Whether a path has such labels.
    pub fn matches(&self, path: &Ltree) -> bool {
        let has = |pattern: &LabelPattern| path.labels().any(|label| pattern.matches(label));
        self.fold(has, |operand| !operand, |left, right| left && right, |left, right| left || right).unwrap_or_default()
    }

    /// Bytes it takes.
    pub(super) fn size(&self) -> usize {
        let text = |item: &Item| match item {
            Item::Label(pattern) => pattern.text.len(),
            Item::Not | Item::Binary(..) => 0,
        };
        size_of_val(self.items.as_slice()) + self.items.iter().map(text).sum::<usize>()
    }

    /// Computes something bottom up. `None` only for a query without items, which no text makes.
    pub fn fold<T>(
        &self,
        label: impl Fn(&LabelPattern) -> T,
        not: impl Fn(T) -> T,
        and: impl Fn(T, T) -> T,
        or: impl Fn(T, T) -> T,
    ) -> Option<T> {
        let mut done = Vec::new();
        for item in self.items.iter().rev() {
            let value = match item {
                Item::Label(pattern) => label(pattern),
                Item::Not => not(done.pop()?),
                Item::Binary(operator, _) => {
                    let (right, left) = (done.pop()?, done.pop()?);
                    match operator {
                        Operator::And => and(left, right),
                        Operator::Or => or(left, right),
                    }
                }
            };
            done.push(value);
        }
        done.pop()
    }

    /// Appends the text form: parentheses around an `|` inside something, and around what is negated unless it is a label.
    pub fn write(&self, out: &mut String) {
        enum Step {
            Item { at: usize, bare: bool },
            Text(&'static str),
        }
        let mut steps = vec![Step::Item { at: 0, bare: true }];
        while let Some(step) = steps.pop() {
            let (at, bare) = match step {
                Step::Item { at, bare } => (at, bare),
                Step::Text(text) => {
                    out.push_str(text);
                    continue;
                }
            };
            let operand = at + 1;
            match self.items.get(at) {
                None => {}
                Some(Item::Label(pattern)) => pattern.write(out),
                Some(Item::Not) => {
                    out.push('!');
                    let is_label = matches!(self.items.get(operand), Some(Item::Label(_)));
                    let (before, after) = if is_label { ("", "") } else { ("( ", " )") };
                    steps.extend([Step::Text(after), Step::Item { at: operand, bare: true }, Step::Text(before)]);
                }
                Some(Item::Binary(operator, left)) => {
                    let (right, left) =
                        (Step::Item { at: operand, bare: false }, Step::Item { at: at + left, bare: false });
                    match operator {
                        Operator::And => steps.extend([right, Step::Text(" & "), left]),
                        Operator::Or if bare => steps.extend([right, Step::Text(" | "), left]),
                        Operator::Or => {
                            steps.extend([Step::Text(" )"), right, Step::Text(" | "), left, Step::Text("( ")]);
                        }
                    }
                }
            }
        }
    }
}

/// An operator that waits for its right operand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pending {
    Not,
    Binary(Operator),
}

/// Operators by precedence: `!` before `&` before `|`; those of one kind from the left.
struct Parser<'t> {
    chars: Peekable<Chars<'t>>,
    /// Operands, each operator behind its own.
    postfix: Vec<Item>,
    pending: Vec<Pending>,
    /// How many operators were pending at each open parenthesis.
    opened: Vec<usize>,
    /// Bytes of the operands so far, each with one behind it.
    operand_bytes: usize,
}

impl Parser<'_> {
    /// Reads a label and what is around it, up to the operator before the next one; `false` at the end.
    fn operand(&mut self) -> Result<bool> {
        loop {
            match self.chars.peek().copied() {
                Some('!') => self.wait(Pending::Not)?,
                Some('(') => self.opened.push(self.pending.len()),
                Some(c) if is_label_char(c) => break,
                Some(' ' | '\t'..='\r') => {}
                _ => return Err(syntax_error("operand syntax error")),
            }
            self.chars.next();
        }
        let pattern = self.pattern()?;
        self.postfix.push(Item::Label(pattern));
        self.close_tight();
        self.operator()
    }

    fn pattern(&mut self) -> Result<LabelPattern> {
        let mut text = String::new();
        let mut pattern = LabelPattern::default();
        while let Some(c) = self.chars.peek().copied() {
            if is_label_char(c) {
                if pattern.is_marked() {
                    return Err(syntax_error("modifiers syntax error"));
                }
                text.push(c);
            } else if !pattern.mark(c) {
                break;
            }
            self.chars.next();
        }
        let too_long = |message: &str| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        if text.len() > OPERANDS_BYTES_MAX {
            return too_long("word is too long");
        }
        if self.operand_bytes > OPERANDS_BYTES_MAX {
            return too_long("value is too big");
        }
        if text.len() > OPERAND_BYTES_MAX {
            return too_long("operand is too long");
        }
        self.operand_bytes += text.len() + 1;
        pattern.text = text.into();
        Ok(pattern)
    }

    /// Closing parentheses and the operator behind them.
    fn operator(&mut self) -> Result<bool> {
        loop {
            match self.chars.next() {
                Some('&') => {
                    self.wait(Pending::Binary(Operator::And))?;
                    return Ok(true);
                }
                Some('|') => {
                    // Only another one can be pending.
                    if self.pending_here() > 0 {
                        self.close();
                    }
                    self.wait(Pending::Binary(Operator::Or))?;
                    return Ok(true);
                }
                Some(')') if !self.opened.is_empty() => {
                    self.close_all();
                    self.opened.pop();
                    self.close_tight();
                }
                // PostgreSQL passes over characters of several bytes here.
                Some(c) if c == ' ' || !c.is_ascii() => {}
                None if self.opened.is_empty() => return Ok(false),
                _ => return Err(syntax_error("syntax error")),
            }
        }
    }

    /// How many operators are pending inside the innermost open parenthesis.
    fn pending_here(&self) -> usize {
        self.pending.len() - self.opened.last().unwrap_or(&0)
    }

    fn wait(&mut self, operator: Pending) -> Result<()> {
        if self.pending_here() == PENDING_MAX {
            return Err(Error::internal("stack too short"));
        }
        self.pending.push(operator);
        Ok(())
    }

    /// The last pending operator has its operands.
    fn close(&mut self) {
        self.postfix.extend(self.pending.pop().map(|operator| match operator {
            Pending::Not => Item::Not,
            Pending::Binary(operator) => Item::Binary(operator, 0),
        }));
    }

    /// So have those that bind more tightly than `|`, now that an operand is complete.
    fn close_tight(&mut self) {
        while self.pending_here() > 0 && self.pending.last() != Some(&Pending::Binary(Operator::Or)) {
            self.close();
        }
    }

    fn close_all(&mut self) {
        while self.pending_here() > 0 {
            self.close();
        }
    }

    /// Turns operators and operands around. 54000.
    fn finish(mut self) -> Result<Ltxtquery> {
        self.close_all();
        // Sizes of the operands that wait for their operators.
        let mut sizes: Vec<usize> = Vec::new();
        for item in &mut self.postfix {
            let size = match item {
                Item::Label(_) => 1,
                Item::Not => 1 + sizes.pop().unwrap_or_default(),
                Item::Binary(_, left) => {
                    let (right_size, left_size) = (sizes.pop().unwrap_or_default(), sizes.pop().unwrap_or_default());
                    *left = 1 + right_size;
                    if *left > DISTANCE_MAX {
                        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "ltxtquery is too large"));
                    }
                    1 + right_size + left_size
                }
            };
            sizes.push(size);
        }
        self.postfix.reverse();
        Ok(Ltxtquery { items: self.postfix })
    }
}

fn syntax_error(message: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> String {
        match Ltxtquery::parse(text) {
            Ok(query) => {
                let mut out = String::new();
                query.write(&mut out);
                out
            }
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn queries_are_read_and_written_as_by_postgresql() {
        assert_eq!(round_trip("foo"), "foo");
        assert_eq!(round_trip(" a|b|c "), "( a | b ) | c");
        assert_eq!(round_trip("a & b|c & d"), "a & b | c & d");
        assert_eq!(round_trip("a&(b|c)"), "a & ( b | c )");
        assert_eq!(round_trip("!(a|b) & !c@*%"), "!( a | b ) & !c%@*");
        assert_eq!(round_trip("!!a"), "!( !a )");
        assert_eq!(round_trip("a \u{e9} & b"), "a & b");
        assert_eq!(round_trip(""), "operand syntax error");
        assert_eq!(round_trip("a &"), "operand syntax error");
        assert_eq!(round_trip("a b"), "syntax error");
        assert_eq!(round_trip("(a"), "syntax error");
        assert_eq!(round_trip("a)"), "syntax error");
        assert_eq!(round_trip("a@b"), "modifiers syntax error");
        assert_eq!(round_trip(&"!".repeat(33)), "stack too short");
        assert_eq!(round_trip(&"a".repeat(256)), "operand is too long");
    }

    #[test]
    fn long_queries_need_no_deep_stack() {
        let chain = vec!["a"; 32000].join("|");
        let query = Ltxtquery::parse(&chain).unwrap();
        assert!(query.matches(&Ltree::parse("x.a").unwrap()));
        assert!(round_trip(&chain).len() > 32000);
        let nested = format!("{}a{}", "(b&".repeat(16000), ")".repeat(16000));
        assert!(!Ltxtquery::parse(&nested).unwrap().matches(&Ltree::parse("a").unwrap()));
        assert_eq!(round_trip(&format!("a&({})", vec!["a"; 20000].join("&"))), "ltxtquery is too large");
    }

    #[test]
    fn labels_are_looked_for_on_every_level() {
        let matches = |path: &str, query: &str| Ltxtquery::parse(query).unwrap().matches(&Ltree::parse(path).unwrap());
        assert!(matches("tree.awdfg", "tree & aWdf@*") && !matches("tree.awdfg", "tree & aWdf@"));
        assert!(matches("tree.awdfg", "tree | qq") && matches("tree", "!qq") && !matches("", "a"));
        assert!(matches("tree.awdfg_qwerty", "tree & aw_qw%*") && !matches("tree.awdfg_qwerty", "tree & aw_rw%*"));
    }
}

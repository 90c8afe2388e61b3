//! `query_int`: which integers an array has, joined with `&`, `|`, `!` and parentheses.

use crate::{Error, Result, SqlState};

/// Most operators that may wait for an operand inside one pair of parentheses.
const PENDING_MAX: usize = 16;

/// Most characters of a number.
const DIGITS_MAX: usize = 16;

/// Most items of a query.
const ITEMS_MAX: usize = (1 << 30) / 8;

/// Most items from an operator to its left operand.
const DISTANCE_MAX: usize = i16::MAX as usize;

/// A value of the type: each operator behind its operands. A tree of nodes that own each other could be deeper than a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryInt {
    items: Vec<Item>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Value(i32),
    Not,
    And,
    Or,
}

/// An operand of the text form.
struct Shown {
    text: String,
    /// The outermost item.
    item: Item,
}

impl QueryInt {
    /// Reads the text form. 42601, 22023, 54000, 54001.
    pub fn parse(text: &str) -> Result<QueryInt> {
        let mut parser =
            Parser { bytes: text.as_bytes(), at: 0, waits: true, items: Vec::new(), open: vec![Vec::new()] };
        while parser.token()? {}
        let items = parser.items;
        if items.is_empty() {
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "empty query"));
        }
        let limit = |message: String| Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        if items.len() > ITEMS_MAX {
            let count = items.len();
            return limit(format!("number of query items ({count}) exceeds the maximum allowed ({ITEMS_MAX})"));
        }
        let query = QueryInt { items };
        let sizes = query.fold(|_| 1usize, |size| size.saturating_add(1), joined, joined);
        match sizes.is_none_or(|size| size == usize::MAX) {
            true => limit("query_int expression is too complex".to_owned()),
            false => Ok(query),
        }
    }

    /// Whether an array has such integers.
    pub fn matches(&self, has: impl Fn(i32) -> bool) -> bool {
        self.fold(has, |operand| !operand, |left, right| left && right, |left, right| left || right).unwrap_or_default()
    }

    /// Bytes it takes.
    pub(super) fn size(&self) -> usize {
        size_of_val(self.items.as_slice())
    }

    /// Computes something bottom up. `None` only for a query without items, which no text makes.
    pub fn fold<T>(
        &self,
        value: impl Fn(i32) -> T,
        not: impl Fn(T) -> T,
        and: impl Fn(T, T) -> T,
        or: impl Fn(T, T) -> T,
    ) -> Option<T> {
        let mut done = Vec::new();
        for item in &self.items {
            let next = match item {
                Item::Value(number) => value(*number),
                Item::Not => not(done.pop()?),
                Item::And | Item::Or => {
                    let (right, left) = (done.pop()?, done.pop()?);
                    if *item == Item::And { and(left, right) } else { or(left, right) }
                }
            };
            done.push(next);
        }
        done.pop()
    }

    /// Appends the text form: parentheses around an `|` inside something, and around what is negated unless it is a number.
    pub fn write(&self, out: &mut String) {
        let operand = |shown: Shown| match shown.item {
            Item::Or => format!("( {} )", shown.text),
            _ => shown.text,
        };
        let binary = |left: Shown, right: Shown, sign: &str, item: Item| Shown {
            text: format!("{} {sign} {}", operand(left), operand(right)),
            item,
        };
        let shown = self.fold(
            |number| Shown { text: number.to_string(), item: Item::Value(number) },
            |negated| {
                let text = match negated.item {
                    Item::Value(_) => format!("!{}", negated.text),
                    _ => format!("!( {} )", negated.text),
                };
                Shown { text, item: Item::Not }
            },
            |left, right| binary(left, right, "&", Item::And),
            |left, right| binary(left, right, "|", Item::Or),
        );
        out.push_str(&shown.map(|shown| shown.text).unwrap_or_default());
    }
}

/// Items of a binary operator over operands of so many; `usize::MAX` when the left one is too far away.
fn joined(left: usize, right: usize) -> usize {
    if left == usize::MAX || right == usize::MAX || right + 1 > DISTANCE_MAX + 1 {
        usize::MAX
    } else {
        left + right + 1
    }
}

/// Operators by precedence: `!` before `&` before `|`.
struct Parser<'t> {
    bytes: &'t [u8],
    at: usize,
    /// An operand comes next, not an operator.
    waits: bool,
    items: Vec<Item>,
    /// The operators that wait for their right operands, by open parenthesis.
    open: Vec<Vec<Item>>,
}

impl Parser<'_> {
    /// Reads what comes next; `false` at the end.
    fn token(&mut self) -> Result<bool> {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
        let next = self.peek();
        if self.waits {
            match next {
                Some(b'0'..=b'9' | b'-') => {
                    let number = self.number()?;
                    self.items.push(Item::Value(number));
                    self.waits = false;
                    self.close_tight();
                }
                Some(b'!') => {
                    self.at += 1;
                    self.wait(Item::Not)?;
                }
                Some(b'(') => {
                    self.at += 1;
                    self.open.push(Vec::new());
                }
                _ => return Err(syntax_error()),
            }
            return Ok(true);
        }
        match next {
            Some(sign @ (b'&' | b'|')) => {
                self.at += 1;
                self.waits = true;
                self.wait(if sign == b'&' { Item::And } else { Item::Or })?;
            }
            Some(b')') if self.open.len() > 1 => {
                self.at += 1;
                self.close();
                self.close_tight();
            }
            None if self.open.len() == 1 => {
                self.close();
                return Ok(false);
            }
            _ => return Err(syntax_error()),
        }
        Ok(true)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// A number as C reads it: octal after a zero.
    fn number(&mut self) -> Result<i32> {
        let start = self.at;
        self.at += 1;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        let text = std::str::from_utf8(&self.bytes[start..self.at]).map_err(|_| syntax_error())?;
        // PostgreSQL leaves no room for more, and sees the end of the text only after the last digit.
        if text.len() >= DIGITS_MAX || self.open.len() > 1 && self.at == self.bytes.len() {
            return Err(syntax_error());
        }
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let radix: i64 = if digits.starts_with('0') { 8 } else { 10 };
        let digits = digits.bytes().map(|byte| i64::from(byte - b'0')).take_while(|digit| *digit < radix);
        let size = digits.fold(0i64, |number, digit| number * radix + digit);
        i32::try_from(if negative { -size } else { size }).map_err(|_| syntax_error())
    }

    fn wait(&mut self, item: Item) -> Result<()> {
        let Some(pending) = self.open.last_mut() else { return Err(syntax_error()) };
        if item == Item::Or && !pending.is_empty() {
            // All that waits binds as tightly or is the same.
            self.items.push(item);
            return Ok(());
        }
        if pending.len() == PENDING_MAX {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "statement too complex"));
        }
        pending.push(item);
        Ok(())
    }

    /// An operand is complete: so is what binds tightly.
    fn close_tight(&mut self) {
        if let Some(pending) = self.open.last_mut() {
            while let Some(item) = pending.pop_if(|item| matches!(item, Item::And | Item::Not)) {
                self.items.push(item);
            }
        }
    }

    /// The end of a pair of parentheses, or of the text.
    fn close(&mut self) {
        if self.open.len() > 1 {
            self.items.extend(self.open.pop().unwrap_or_default().into_iter().rev());
        } else if let Some(pending) = self.open.last_mut() {
            self.items.extend(std::mem::take(pending).into_iter().rev());
        }
    }
}

fn syntax_error() -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "syntax error")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut out = String::new();
        QueryInt::parse(text).unwrap().write(&mut out);
        out
    }

    #[test]
    fn queries_are_written_as_they_are_read() {
        assert_eq!(shown(" ! 1 "), "!1");
        assert_eq!(shown("1|2|!3"), "( 1 | 2 ) | !3");
        assert_eq!(shown("1|(2&(4&(5|6)))"), "1 | 2 & 4 & ( 5 | 6 )");
        assert_eq!(shown("!(1|!2)"), "!( 1 | !2 )");
        assert_eq!(shown("010&-2"), "8 & -2");
        for wrong in ["1 2", "(1", "1)", "&1", "a", "", "1&", "99999999999"] {
            assert!(QueryInt::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn queries_are_asked() {
        let query = QueryInt::parse("1&(2|!3)").unwrap();
        assert!(query.matches(|item| item != 3) && !query.matches(|item| item == 2));
    }
}

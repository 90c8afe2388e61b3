//! Literals lifted out of statement texts, so that `… where id = 42` and `… where id = 43` share a cached plan.
//!
//! [`Lifted::read`] is one pass over the text without a tree. It copies the text into a *shape* in which constants are
//! replaced by markers; statements with equal shapes may share a plan whose parameters are those constants, in order.
//!
//! ```text
//!   select * from t where id = 42 and name = 'a' limit 10
//!   select * from t where id = ⍟i and name = ⍟s limit 10      literals: 42 (int4), 'a' (unknown)
//! ```
//!
//! # What keeps it correct
//! - Only `SELECT`, `INSERT`, `UPDATE`, `DELETE` and `WITH` are lifted, one statement per text, without `$n`, and without
//!   anything that compares expressions for being the same (`GROUP BY`, `DISTINCT`, windows) or resolves types across
//!   branches (`UNION`): there a constant's value is part of the statement's meaning.
//! - The marker tells the class PostgreSQL types the constant by: int4, int8, numeric, or string. A sign in front stays in
//!   the text, except where it would change the class.
//! - Ordinals (`ORDER BY 1`), `LIMIT`, type modifiers, typed literals (`date '…'`, `interval '…'`), patterns, JSON keys and
//!   strings with a prefix stay in the shape.
//! - The pass only guesses at the grammar. [`crate::parse_lifted`] reads the text with the grammar and takes the guess only
//!   if every lifted constant is an operand of its own; a shape it refuses is refused for every text of that shape.
//!
//! # How the planner types them
//! In the tree a lifted constant is a placeholder ([`crate::node::lifted`]). Integers and numerics are parameters of
//! exactly their class. Strings are literals of type `unknown`: they take part in resolution as such (not as `$n`, which
//! may be refused where a literal becomes `text`), and the type they end up with is the parameter's type, to which the
//! executor converts each text by that type's input function. Neither may be folded, nor be used to match a partial
//! index or an index expression; where that matters, plan the statement with its constants.

use std::borrow::Cow;
use std::ops::Range;

use smallvec::SmallVec;

use crate::keyword::Keyword as K;
use crate::scan;

/// How PostgreSQL types a constant by its looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralKind {
    /// An integer up to 2147483647.
    Int4,
    /// An integer up to 9223372036854775807.
    Int8,
    /// Any other number.
    Numeric,
    /// A plain string.
    String,
}

/// A constant that was lifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiftedLiteral {
    /// Its class.
    pub kind: LiteralKind,
    /// Where it stands in the text, in bytes, quotes included.
    pub range: Range<usize>,
}

impl LiftedLiteral {
    /// The constant's value as text, out of the text it was lifted from.
    pub fn value<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        let raw = sql.get(self.range.clone()).unwrap_or("");
        match self.kind {
            LiteralKind::String => {
                let inside = raw.get(1..raw.len().saturating_sub(1)).unwrap_or("");
                if inside.contains('\'') { Cow::Owned(inside.replace("''", "'")) } else { Cow::Borrowed(inside) }
            }
            _ => Cow::Borrowed(raw),
        }
    }
}

/// A statement's shape and its constants. Reused from statement to statement it allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Lifted {
    /// The text with markers for constants, to be compared for equality only.
    pub shape: String,
    /// The constants in the order of the text.
    pub literals: SmallVec<[LiftedLiteral; 8]>,
}

/// More constants than this are not worth a shared plan.
const MOST_LITERALS: usize = 64;
/// Longest text that is looked at, in bytes.
const LONGEST_TEXT: usize = 16 * 1024;
/// Starts a marker; no statement text contains it.
const MARKER: u8 = 0;

/// What came before, as far as it decides about the next constant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// An operand may stand here.
    Operand,
    /// A sign in front of an operand.
    Minus,
    /// A constant here keeps its place in the shape.
    Kept,
}

impl Lifted {
    /// Reads a statement; false if its constants cannot be lifted or it has none. On false the contents mean nothing.
    pub fn read(&mut self, sql: &str) -> bool {
        self.shape.clear();
        self.literals.clear();
        if sql.len() > LONGEST_TEXT {
            return false;
        }
        let mut shape = std::mem::take(&mut self.shape).into_bytes();
        shape.reserve(sql.len());
        let mut lifter = Lifter {
            text: sql.as_bytes(),
            at: 0,
            shape: &mut shape,
            literals: &mut self.literals,
            before: Before::Kept,
            depth: 0,
            by_list: None,
        };
        let lifted = lifter.run().is_some();
        // Only whole tokens were copied or replaced, so the bytes are still UTF-8.
        let Ok(shape) = String::from_utf8(shape) else { return false };
        self.shape = shape;
        lifted && !self.literals.is_empty()
    }
}

struct Lifter<'a> {
    text: &'a [u8],
    at: usize,
    shape: &'a mut Vec<u8>,
    literals: &'a mut SmallVec<[LiftedLiteral; 8]>,
    before: Before,
    depth: u32,
    /// The parenthesis depth of the `ORDER BY` list we are in.
    by_list: Option<u32>,
}

impl Lifter<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    /// Copies the text up to `end` into the shape.
    fn copy(&mut self, end: usize) {
        self.shape.extend_from_slice(&self.text[self.at..end]);
        self.at = end;
    }

    /// Reads the whole text; `None` if it cannot be lifted.
    fn run(&mut self) -> Option<()> {
        self.first_word()?;
        loop {
            self.blank()?;
            let byte = self.byte(self.at);
            if self.at >= self.text.len() {
                return Some(());
            }
            match byte {
                b'\'' => self.string()?,
                b'"' => {
                    let end = scan::quoted(self.text, self.at, b'"')?;
                    self.copy(end);
                    self.before = Before::Kept;
                }
                b'0'..=b'9' => self.number()?,
                b'.' if self.byte(self.at + 1).is_ascii_digit() => self.number()?,
                b';' => return self.end(),
                b'$' | MARKER => return None,
                b if scan::is_name_start(b) => self.word()?,
                b if scan::is_operator(b) => self.operator(),
                _ => self.symbol(byte),
            }
        }
    }

    /// White space; comments do not belong to the shape.
    fn blank(&mut self) -> Option<()> {
        let end = scan::blank(self.text, self.at).ok()?;
        if end > self.at {
            self.shape.push(b' ');
            self.at = end;
        }
        Some(())
    }

    fn first_word(&mut self) -> Option<()> {
        self.at = scan::blank(self.text, 0).ok()?;
        let end = scan::name(self.text, self.at);
        let keyword = K::of(&self.text[self.at..end]);
        if !matches!(keyword, K::Select | K::Insert | K::Update | K::Delete | K::With) {
            return None;
        }
        self.copy(end);
        self.before = Before::Operand;
        Some(())
    }

    /// A semicolon: only blanks may follow.
    fn end(&mut self) -> Option<()> {
        let end = scan::blank(self.text, self.at + 1).ok()?;
        (end >= self.text.len()).then_some(())
    }

    fn lift(&mut self, kind: LiteralKind, end: usize) -> Option<()> {
        if self.literals.len() >= MOST_LITERALS {
            return None;
        }
        let letter = match kind {
            LiteralKind::Int4 => b'i',
            LiteralKind::Int8 => b'l',
            LiteralKind::Numeric => b'n',
            LiteralKind::String => b's',
        };
        self.shape.extend_from_slice(&[MARKER, letter]);
        self.literals.push(LiftedLiteral { kind, range: self.at..end });
        self.at = end;
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        let end = scan::quoted(self.text, self.at, b'\'')?;
        let continued = scan::continuation(self.text, end).is_some();
        let end = if continued { scan::string(self.text, self.at, false)? } else { end };
        match self.before == Before::Operand && !continued {
            true => self.lift(LiteralKind::String, end)?,
            false => self.copy(end),
        }
        self.before = Before::Kept;
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let number = scan::number(self.text, self.at);
        if number.junk {
            return None;
        }
        let digits = &self.text[self.at..number.end];
        let kind = match number.integer {
            true => integer_kind(digits),
            false => LiteralKind::Numeric,
        };
        // With its sign such a number belongs to a smaller class than without.
        let boundary = self.before == Before::Minus && matches!(digits, b"2147483648" | b"9223372036854775808");
        match self.before != Before::Kept && !boundary {
            true => self.lift(kind, number.end)?,
            false => self.copy(number.end),
        }
        self.before = Before::Kept;
        Some(())
    }

    /// A run of operator characters.
    fn operator(&mut self) {
        let end = scan::operator(self.text, self.at);
        let text = &self.text[self.at..end];
        let was_operand = self.before != Before::Kept;
        self.before = match text {
            b"-" if was_operand => Before::Minus,
            // A binary minus may stand before a constant of any class.
            b"-" => Before::Operand,
            // Patterns decide about indexes, and keys about index expressions.
            _ if text.contains(&b'~')
                || matches!(text, b"->" | b"->>" | b"#>" | b"#>>" | b"?" | b"?|" | b"?&" | b"@?" | b"@@") =>
            {
                Before::Kept
            }
            _ => Before::Operand,
        };
        self.copy(end);
    }

    fn symbol(&mut self, byte: u8) {
        match byte {
            b'(' => self.depth += 1,
            b')' => {
                self.depth = self.depth.saturating_sub(1);
                if self.by_list.is_some_and(|depth| self.depth < depth) {
                    self.by_list = None;
                }
            }
            _ => {}
        }
        let in_list = self.by_list == Some(self.depth);
        let cast = byte == b':' && self.byte(self.at + 1) == b':';
        self.copy(self.at + if cast { 2 } else { 1 });
        self.before = match byte {
            b'(' | b'[' => Before::Operand,
            b',' if !in_list => Before::Operand,
            _ => Before::Kept,
        };
        if cast {
            self.type_name();
        }
    }

    /// A type after `::` or `AS`: its words, modifiers and brackets.
    fn type_name(&mut self) {
        loop {
            let next = scan::blank(self.text, self.at).unwrap_or(self.text.len());
            let byte = self.byte(next);
            let word = scan::name(self.text, next);
            if byte == b'"' {
                match scan::quoted(self.text, next, b'"') {
                    Some(end) => self.copy(end),
                    None => return,
                }
            } else if scan::is_name_start(byte) && may_be_type(K::of(&self.text[next..word])) {
                self.copy(word);
            } else if byte == b'.' {
                self.copy(next + 1);
            } else {
                break;
            }
        }
        while matches!(self.byte(self.at), b'(' | b'[') {
            let close = if self.byte(self.at) == b'(' { b')' } else { b']' };
            match memchr::memchr(close, &self.text[self.at..]) {
                Some(length) => self.copy(self.at + length + 1),
                None => return,
            }
        }
    }

    fn word(&mut self) -> Option<()> {
        // `E'…'`, `B'…'`, `U&'…'` and the like stay as they are.
        let end = scan::name(self.text, self.at);
        let prefixed = self.byte(end) == b'\'' && end - self.at == 1;
        let unicode = self.byte(end) == b'&' && matches!(self.byte(end + 1), b'\'' | b'"') && end - self.at == 1;
        if prefixed && matches!(self.byte(self.at), b'e' | b'E') {
            let end = scan::string(self.text, end, true)?;
            self.copy(end);
            self.before = Before::Kept;
            return Some(());
        }
        if unicode {
            return None;
        }
        let keyword = K::of(&self.text[self.at..end]);
        self.copy(end);
        self.before = Before::Kept;
        match keyword {
            K::Group
            | K::Distinct
            | K::Having
            | K::Window
            | K::Over
            | K::Union
            | K::Intersect
            | K::Except
            | K::Tablesample
            | K::Partition
            | K::Into
                if keyword != K::Into || !self.after_insert() =>
            {
                return None;
            }
            K::By => self.by_list = Some(self.depth),
            K::Limit | K::Offset | K::Fetch | K::For | K::Returning if self.by_list == Some(self.depth) => {
                self.by_list = None;
                self.before = operand_after(keyword);
            }
            K::As => self.type_name(),
            _ => self.before = operand_after(keyword),
        }
        Some(())
    }

    /// Whether the `INTO` just read belongs to an `INSERT` or `MERGE`.
    fn after_insert(&self) -> bool {
        let before = &self.shape[..self.shape.len().saturating_sub(4)];
        let word = before.trim_ascii_end();
        let start = word.iter().rposition(|b| !scan::is_name_part(*b)).map_or(0, |at| at + 1);
        matches!(K::of(&word[start..]), K::Insert)
    }
}

/// Whether a word may be part of a type's name (and not the clause after it).
fn may_be_type(keyword: K) -> bool {
    matches!(
        keyword,
        K::Unkeyed
            | K::Int
            | K::Integer
            | K::Smallint
            | K::Bigint
            | K::Real
            | K::Float
            | K::Double
            | K::Precision
            | K::Decimal
            | K::Dec
            | K::Numeric
            | K::Boolean
            | K::Bit
            | K::Varying
            | K::Character
            | K::Char
            | K::Varchar
            | K::National
            | K::Nchar
            | K::Time
            | K::Timestamp
            | K::Without
            | K::Zone
            | K::Interval
            | K::Year
            | K::Month
            | K::Day
            | K::Hour
            | K::Minute
            | K::Second
            | K::Name
            | K::Text
            | K::Xml
            | K::Setof
    )
}

/// Whether a constant after this word is an operand.
fn operand_after(keyword: K) -> Before {
    match keyword {
        K::Select
        | K::Where
        | K::And
        | K::Or
        | K::Not
        | K::Between
        | K::In
        | K::When
        | K::Then
        | K::Else
        | K::Case
        | K::Set
        | K::Returning
        | K::On
        | K::All
        | K::Values
        | K::Symmetric
        | K::Asymmetric => Before::Operand,
        _ => Before::Kept,
    }
}

fn integer_kind(digits: &[u8]) -> LiteralKind {
    let value =
        digits.iter().try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
    match value {
        Some(0..=0x7fff_ffff) => LiteralKind::Int4,
        Some(0x8000_0000..=0x7fff_ffff_ffff_ffff) => LiteralKind::Int8,
        _ => LiteralKind::Numeric,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shape with readable markers, and the constants' values.
    fn shape(sql: &str) -> Option<(String, Vec<String>)> {
        let mut lifted = Lifted::default();
        if !lifted.read(sql) {
            return None;
        }
        let values = lifted.literals.iter().map(|literal| literal.value(sql).into_owned()).collect();
        Some((lifted.shape.replace('\0', "?"), values))
    }

    #[test]
    fn constants_become_markers() {
        for (sql, expected, values) in [
            ("select * from t where id = 42", "select * from t where id = ?i", "42"),
            (
                "select 3000000000, 99999999999999999999, 1.5, .5",
                "select ?l, ?n, ?n, ?n",
                "3000000000|99999999999999999999|1.5|.5",
            ),
            ("select a from t where b = 'it''s' and c=-5", "select a from t where b = ?s and c=-?i", "it's|5"),
            (
                "select a from t where b in (1, 2) /* tag 7 */ limit 10",
                "select a from t where b in (?i, ?i) limit 10",
                "1|2",
            ),
            (
                "select a from t where b = 1 order by 1, a + 2 desc, 3 limit 5",
                "select a from t where b = ?i order by 1, a + ?i desc, 3 limit 5",
                "1|2",
            ),
            ("insert into t (a, b) values (1, 'x');", "insert into t (a, b) values (?i, ?s)", "1|x"),
            (
                "update t set a = 1, b = a + 2 where c = 'x'::varchar(10)",
                "update t set a = ?i, b = a + ?i where c = ?s::varchar(10)",
                "1|2|x",
            ),
            (
                "delete from t where a < 5 and b between 1 and 2",
                "delete from t where a < ?i and b between ?i and ?i",
                "5|1|2",
            ),
            (
                "select cast(1 as numeric(10,2)), a::char(3) from t",
                "select cast(?i as numeric(10,2)), a::char(3) from t",
                "1",
            ),
            (
                "select date '2020-01-01', interval '1 day', a from t where b = 5",
                "select date '2020-01-01', interval '1 day', a from t where b = ?i",
                "5",
            ),
            ("select a from t where b like 'x%' and c = 1", "select a from t where b like 'x%' and c = ?i", "1"),
            ("select a->'k' from t where b ~ 'x' and c = 1", "select a->'k' from t where b ~ 'x' and c = ?i", "1"),
            ("select E'a\\'1', b'1', 5", "select E'a\\'1', b'1', ?i", "5"),
            ("select -2147483648, -9223372036854775808, -1", "select -2147483648, -9223372036854775808, -?i", "1"),
            (
                "with x as (select 1 as a) select * from x where a = 2",
                "with x as (select ?i as a) select * from x where a = ?i",
                "1|2",
            ),
        ] {
            let (actual, actual_values) = shape(sql).unwrap_or_default();
            assert_eq!(actual, expected, "{sql}");
            assert_eq!(actual_values.join("|"), values, "{sql}");
        }
    }

    #[test]
    fn what_constants_decide_is_not_lifted() {
        for sql in [
            "select a from t",
            "select a + 1 from t group by a + 1",
            "select distinct a + 1 from t",
            "select 1 union select 2",
            "select sum(a) over (rows 1 preceding) from t",
            "select 1 into t",
            "select 1; select 2",
            "select 1, $1",
            "select 1 /*",
            "select 'a",
            "create table t (a int default 1)",
            "explain select 1",
            "set a = 1",
        ] {
            assert_eq!(shape(sql), None, "{sql}");
        }
    }
}

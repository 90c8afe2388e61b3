//! Number templates: `FM999G990D00MI` as a list of patterns, and the description of the number they ask for.

use std::cell::RefCell;
use std::rc::Rc;

use dictdb_types::{Error, Result, SqlState};

use super::date_template::{literal, quoted_text};
use super::ordinal::Ordinal;

/// What a pattern of a number template does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Comma,
    /// `.` and `D`, which are the same character in the C locale.
    Point,
    /// `0`.
    Zero,
    /// `9`.
    Nine,
    /// `B`.
    Blank,
    /// `EEEE`.
    Exponent,
    /// `FM`.
    Fill,
    /// `G`.
    Group,
    /// `L`.
    Currency,
    /// `MI`.
    Minus,
    /// `PL`.
    Plus,
    /// `PR`.
    Brackets,
    /// `RN`, `rn`.
    Roman {
        lower: bool,
    },
    /// `SG`.
    SignHere,
    /// `S`.
    Sign,
    /// `TH`, `th`.
    Ordinal(Ordinal),
    /// `V`.
    Shift,
    /// `C` and `SP`, which do nothing.
    Nothing,
}

/// A piece of a template.
#[derive(Clone, Copy, Debug)]
pub(super) enum Node {
    Pattern(Pattern),
    Text(char),
}

/// Where `S` puts the sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SignPlace {
    #[default]
    None,
    Before,
    After,
}

/// The number a template asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// Digits before the decimal point.
    pub(super) before: usize,
    /// Digits after it.
    pub(super) after: usize,
    pub(super) sign_place: SignPlace,
    /// Digits before the `S`.
    pub(super) before_sign: usize,
    /// Digits after `V`.
    pub(super) shift: usize,
    /// Position of the first `0`, from 1.
    pub(super) zero_start: usize,
    /// Position of the last `0`.
    pub(super) zero_end: usize,
    pub(super) point: bool,
    pub(super) zero: bool,
    pub(super) blank: bool,
    pub(super) fill: bool,
    pub(super) sign: bool,
    pub(super) brackets: bool,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) roman: bool,
    pub(super) shifted: bool,
    pub(super) exponent: bool,
}

/// A template, read.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) nodes: Vec<Node>,
    pub(super) shape: Shape,
}

/// The keywords in upper case; lower case means the same but for `RN` and `TH`.
const KEYWORDS: &[(&str, Pattern)] = &[
    (",", Pattern::Comma),
    (".", Pattern::Point),
    ("0", Pattern::Zero),
    ("9", Pattern::Nine),
    ("B", Pattern::Blank),
    ("C", Pattern::Nothing),
    ("D", Pattern::Point),
    ("EEEE", Pattern::Exponent),
    ("FM", Pattern::Fill),
    ("G", Pattern::Group),
    ("L", Pattern::Currency),
    ("MI", Pattern::Minus),
    ("PL", Pattern::Plus),
    ("PR", Pattern::Brackets),
    ("RN", Pattern::Roman { lower: false }),
    ("SG", Pattern::SignHere),
    ("SP", Pattern::Nothing),
    ("S", Pattern::Sign),
    ("TH", Pattern::Ordinal(Ordinal::Upper)),
    ("V", Pattern::Shift),
];

/// The longest keyword a text begins with, in one case throughout, and its length.
fn keyword(text: &str) -> Option<(Pattern, usize)> {
    let lower = text.starts_with(|c: char| c.is_ascii_lowercase());
    let begins = |name: &str| match text.get(..name.len()) {
        Some(start) if lower => start.chars().zip(name.chars()).all(|(s, n)| s == n.to_ascii_lowercase()),
        Some(start) => start == name,
        None => false,
    };
    let matching = KEYWORDS.iter().filter(|(name, _)| begins(name));
    let (name, pattern) = matching.copied().max_by_key(|(name, _)| name.len())?;
    let pattern = match pattern {
        Pattern::Roman { .. } => Pattern::Roman { lower },
        Pattern::Ordinal(_) if lower => Pattern::Ordinal(Ordinal::Lower),
        pattern => pattern,
    };
    Some((pattern, name.len()))
}

thread_local! {
    /// The template used last: a query formats many rows with one.
    static LAST: RefCell<Option<(String, Rc<Template>)>> = const { RefCell::new(None) };
}

/// Reads a template. 42601 for patterns that contradict each other.
pub(super) fn parse(template: &str) -> Result<Rc<Template>> {
    LAST.with_borrow_mut(|last| {
        if let Some((known, parsed)) = last
            && known == template
        {
            return Ok(Rc::clone(parsed));
        }
        let parsed = Rc::new(read(template)?);
        *last = Some((template.to_owned(), Rc::clone(&parsed)));
        Ok(parsed)
    })
}

fn read(template: &str) -> Result<Template> {
    let (mut nodes, mut shape) = (Vec::new(), Shape::default());
    let mut rest = template;
    while !rest.is_empty() {
        if let Some((pattern, length)) = keyword(rest) {
            shape.add(pattern)?;
            nodes.push(Node::Pattern(pattern));
            rest = &rest[length..];
        } else if let Some(quoted) = rest.strip_prefix('"') {
            rest = quoted_text(quoted, |c| nodes.push(Node::Text(c)));
        } else {
            rest = literal(rest, |c| nodes.push(Node::Text(c)));
        }
    }
    Ok(Template { nodes, shape })
}

fn conflict(message: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message)
}

impl Shape {
    /// Counts a pattern in. Reports are PostgreSQL's, in its order.
    fn add(&mut self, pattern: Pattern) -> Result<()> {
        if self.exponent && pattern != Pattern::Exponent {
            return Err(conflict("\"EEEE\" must be the last pattern used"));
        }
        match pattern {
            Pattern::Nine if self.brackets => return Err(conflict("\"9\" must be ahead of \"PR\"")),
            Pattern::Nine if self.shifted => self.shift += 1,
            Pattern::Nine if self.point => self.after += 1,
            Pattern::Nine => self.before += 1,
            Pattern::Zero if self.brackets => return Err(conflict("\"0\" must be ahead of \"PR\"")),
            Pattern::Zero => self.add_zero(),
            Pattern::Blank => self.blank |= self.before == 0 && self.after == 0 && !self.zero,
            Pattern::Point if self.point => return Err(conflict("multiple decimal points")),
            Pattern::Point if self.shifted => return Err(conflict(SHIFT_AND_POINT)),
            Pattern::Point => self.point = true,
            Pattern::Shift if self.point => return Err(conflict(SHIFT_AND_POINT)),
            Pattern::Shift => self.shifted = true,
            Pattern::Fill => self.fill = true,
            Pattern::Sign => self.add_sign()?,
            Pattern::Minus if self.sign => return Err(conflict("cannot use \"S\" and \"MI\" together")),
            Pattern::Minus => self.minus = true,
            Pattern::Plus if self.sign => return Err(conflict("cannot use \"S\" and \"PL\" together")),
            Pattern::Plus => self.plus = true,
            Pattern::SignHere if self.sign => return Err(conflict("cannot use \"S\" and \"SG\" together")),
            Pattern::SignHere => (self.minus, self.plus) = (true, true),
            Pattern::Brackets if self.sign || self.plus || self.minus => {
                return Err(conflict("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together"));
            }
            Pattern::Brackets => self.brackets = true,
            Pattern::Roman { .. } => self.roman = true,
            Pattern::Exponent => self.add_exponent()?,
            Pattern::Comma | Pattern::Group | Pattern::Currency | Pattern::Ordinal(_) | Pattern::Nothing => {}
        }
        Ok(())
    }

    fn add_zero(&mut self) {
        if !self.zero && !self.point {
            self.zero = true;
            self.zero_start = self.before + 1;
        }
        if self.point {
            self.after += 1;
        } else {
            self.before += 1;
        }
        self.zero_end = self.before + self.after;
    }

    fn add_sign(&mut self) -> Result<()> {
        if self.sign {
            return Err(conflict("cannot use \"S\" twice"));
        }
        if self.plus || self.minus || self.brackets {
            return Err(conflict("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together"));
        }
        self.sign = true;
        if self.point {
            self.sign_place = SignPlace::After;
        } else {
            self.sign_place = SignPlace::Before;
            self.before_sign = self.before;
        }
        Ok(())
    }

    fn add_exponent(&mut self) -> Result<()> {
        if self.exponent {
            return Err(conflict("cannot use \"EEEE\" twice"));
        }
        let others = [self.blank, self.fill, self.sign, self.brackets, self.minus, self.plus, self.roman, self.shifted];
        if others.contains(&true) {
            return Err(conflict("\"EEEE\" is incompatible with other formats")
                .detail("\"EEEE\" may only be used together with digit and decimal point patterns."));
        }
        self.exponent = true;
        Ok(())
    }
}

const SHIFT_AND_POINT: &str = "cannot use \"V\" and decimal point together";

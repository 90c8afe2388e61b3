//! Date and time templates: `YYYY-MM-DD "at" HH24:MI` as a list of fields and literal characters.

use std::cell::RefCell;
use std::rc::Rc;

use dictdb_types::{Error, Result, SqlState};

use super::ordinal::Ordinal;

/// What a field of a template stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// `AD`, `BC`; dotted: `A.D.`, `B.C.`.
    Era {
        dotted: bool,
    },
    /// `AM`, `PM`; dotted: `A.M.`, `P.M.`.
    Meridiem {
        dotted: bool,
    },
    Century,
    Day,
    DayShort,
    YearDay,
    MonthDay,
    WeekDay,
    /// `FF1` to `FF6`.
    Fraction(u8),
    /// `FX`: fixed reading from here on.
    Exact,
    Hour24,
    Hour12,
    IsoYearDay,
    IsoWeekDay,
    IsoWeek,
    /// `IYYY`, `IYY`, `IY`, `I`: so many digits.
    IsoYear(u8),
    Julian,
    Minute,
    MonthNumber,
    Month,
    MonthShort,
    Millisecond,
    Offset,
    Quarter,
    RomanMonth,
    SecondOfDay,
    Second,
    ZoneHour,
    ZoneMinute,
    Zone,
    Microsecond,
    Week,
    MonthWeek,
    /// `Y,YYY`.
    YearWithComma,
    /// `YYYY`, `YYY`, `YY`, `Y`: so many digits.
    Year(u8),
}

/// Which calendar a field belongs to; one template must not read both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calendar {
    Gregorian,
    IsoWeek,
}

impl Field {
    /// Whether the field is digits in the text, so that a field before it must have its fixed width.
    pub(super) fn is_digits(self) -> bool {
        !matches!(
            self,
            Field::Era { .. }
                | Field::Meridiem { .. }
                | Field::Day
                | Field::DayShort
                | Field::Exact
                | Field::Month
                | Field::MonthShort
                | Field::Offset
                | Field::RomanMonth
                | Field::ZoneHour
                | Field::Zone
        )
    }

    /// Whether the field is part of a time of day.
    pub(super) fn is_time(self) -> bool {
        matches!(
            self,
            Field::Meridiem { .. }
                | Field::Fraction(_)
                | Field::Hour24
                | Field::Hour12
                | Field::Minute
                | Field::Millisecond
                | Field::SecondOfDay
                | Field::Second
                | Field::Microsecond
        )
    }

    /// Whether the field is part of a time zone.
    pub(super) fn is_zone(self) -> bool {
        matches!(self, Field::Offset | Field::ZoneHour | Field::ZoneMinute | Field::Zone)
    }

    /// Whether the field is part of a date.
    pub(super) fn is_date(self) -> bool {
        self != Field::Exact && !self.is_time() && !self.is_zone()
    }

    /// The calendar the field belongs to, if to one.
    pub(super) fn calendar(self) -> Option<Calendar> {
        match self {
            Field::IsoYearDay | Field::IsoWeekDay | Field::IsoWeek | Field::IsoYear(_) => Some(Calendar::IsoWeek),
            Field::YearDay
            | Field::MonthDay
            | Field::WeekDay
            | Field::MonthNumber
            | Field::Month
            | Field::MonthShort
            | Field::RomanMonth
            | Field::Week
            | Field::MonthWeek
            | Field::YearWithComma
            | Field::Year(_) => Some(Calendar::Gregorian),
            _ => None,
        }
    }
}

/// How words are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Title,
    Lower,
}

/// A field with its modifiers.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldNode {
    /// The keyword as reports name it.
    pub(super) name: &'static str,
    pub(super) field: Field,
    pub(super) case: Case,
    /// `FM`: no padding.
    pub(super) fill: bool,
    /// `TM`: names in the language of the locale, unpadded.
    pub(super) localized: bool,
    /// `TH`, `th`.
    pub(super) ordinal: Option<Ordinal>,
}

/// A piece of a template.
#[derive(Clone, Copy, Debug)]
pub(super) enum Node {
    Field(FieldNode),
    /// White space, or punctuation, outside quotes.
    Separator(char),
    /// A character in quotes.
    Quoted(char),
    /// Any other character.
    Text(char),
}

/// The keywords in upper case, and in title case where that exists. Lower case follows.
const KEYWORDS: &[(&str, Field)] = &[
    ("A.D.", Field::Era { dotted: true }),
    ("A.M.", Field::Meridiem { dotted: true }),
    ("AD", Field::Era { dotted: false }),
    ("AM", Field::Meridiem { dotted: false }),
    ("B.C.", Field::Era { dotted: true }),
    ("BC", Field::Era { dotted: false }),
    ("CC", Field::Century),
    ("DAY", Field::Day),
    ("DDD", Field::YearDay),
    ("DD", Field::MonthDay),
    ("DY", Field::DayShort),
    ("Day", Field::Day),
    ("Dy", Field::DayShort),
    ("D", Field::WeekDay),
    ("FF1", Field::Fraction(1)),
    ("FF2", Field::Fraction(2)),
    ("FF3", Field::Fraction(3)),
    ("FF4", Field::Fraction(4)),
    ("FF5", Field::Fraction(5)),
    ("FF6", Field::Fraction(6)),
    ("FX", Field::Exact),
    ("HH24", Field::Hour24),
    ("HH12", Field::Hour12),
    ("HH", Field::Hour12),
    ("IDDD", Field::IsoYearDay),
    ("ID", Field::IsoWeekDay),
    ("IW", Field::IsoWeek),
    ("IYYY", Field::IsoYear(4)),
    ("IYY", Field::IsoYear(3)),
    ("IY", Field::IsoYear(2)),
    ("I", Field::IsoYear(1)),
    ("J", Field::Julian),
    ("MI", Field::Minute),
    ("MM", Field::MonthNumber),
    ("MONTH", Field::Month),
    ("MON", Field::MonthShort),
    ("MS", Field::Millisecond),
    ("Month", Field::Month),
    ("Mon", Field::MonthShort),
    ("OF", Field::Offset),
    ("P.M.", Field::Meridiem { dotted: true }),
    ("PM", Field::Meridiem { dotted: false }),
    ("Q", Field::Quarter),
    ("RM", Field::RomanMonth),
    ("SSSSS", Field::SecondOfDay),
    ("SSSS", Field::SecondOfDay),
    ("SS", Field::Second),
    ("TZH", Field::ZoneHour),
    ("TZM", Field::ZoneMinute),
    ("TZ", Field::Zone),
    ("US", Field::Microsecond),
    ("WW", Field::Week),
    ("W", Field::MonthWeek),
    ("Y,YYY", Field::YearWithComma),
    ("YYYY", Field::Year(4)),
    ("YYY", Field::Year(3)),
    ("YY", Field::Year(2)),
    ("Y", Field::Year(1)),
    ("a.d.", Field::Era { dotted: true }),
    ("a.m.", Field::Meridiem { dotted: true }),
    ("ad", Field::Era { dotted: false }),
    ("am", Field::Meridiem { dotted: false }),
    ("b.c.", Field::Era { dotted: true }),
    ("bc", Field::Era { dotted: false }),
    ("cc", Field::Century),
    ("day", Field::Day),
    ("ddd", Field::YearDay),
    ("dd", Field::MonthDay),
    ("dy", Field::DayShort),
    ("d", Field::WeekDay),
    ("ff1", Field::Fraction(1)),
    ("ff2", Field::Fraction(2)),
    ("ff3", Field::Fraction(3)),
    ("ff4", Field::Fraction(4)),
    ("ff5", Field::Fraction(5)),
    ("ff6", Field::Fraction(6)),
    ("fx", Field::Exact),
    ("hh24", Field::Hour24),
    ("hh12", Field::Hour12),
    ("hh", Field::Hour12),
    ("iddd", Field::IsoYearDay),
    ("id", Field::IsoWeekDay),
    ("iw", Field::IsoWeek),
    ("iyyy", Field::IsoYear(4)),
    ("iyy", Field::IsoYear(3)),
    ("iy", Field::IsoYear(2)),
    ("i", Field::IsoYear(1)),
    ("j", Field::Julian),
    ("mi", Field::Minute),
    ("mm", Field::MonthNumber),
    ("month", Field::Month),
    ("mon", Field::MonthShort),
    ("ms", Field::Millisecond),
    ("of", Field::Offset),
    ("p.m.", Field::Meridiem { dotted: true }),
    ("pm", Field::Meridiem { dotted: false }),
    ("q", Field::Quarter),
    ("rm", Field::RomanMonth),
    ("sssss", Field::SecondOfDay),
    ("ssss", Field::SecondOfDay),
    ("ss", Field::Second),
    ("tzh", Field::ZoneHour),
    ("tzm", Field::ZoneMinute),
    ("tz", Field::Zone),
    ("us", Field::Microsecond),
    ("ww", Field::Week),
    ("w", Field::MonthWeek),
    ("y,yyy", Field::YearWithComma),
    ("yyyy", Field::Year(4)),
    ("yyy", Field::Year(3)),
    ("yy", Field::Year(2)),
    ("y", Field::Year(1)),
];

/// The longest keyword a text begins with.
fn keyword(text: &str) -> Option<(&'static str, Field)> {
    let first = text.as_bytes().first()?;
    let matching = KEYWORDS.iter().filter(|(name, _)| name.as_bytes()[0] == *first && text.starts_with(name));
    matching.copied().max_by_key(|(name, _)| name.len())
}

/// The case a keyword is written in: title case has a lower second letter after an upper first one.
fn case_of(name: &str) -> Case {
    match name.as_bytes() {
        [first, ..] if first.is_ascii_lowercase() => Case::Lower,
        [_, second, ..] if second.is_ascii_lowercase() => Case::Title,
        _ => Case::Upper,
    }
}

thread_local! {
    /// The template used last: a query formats many rows with one.
    static LAST: RefCell<Option<(String, Rc<[Node]>)>> = const { RefCell::new(None) };
}

/// Reads a template. Every text is one.
pub(super) fn parse(template: &str) -> Rc<[Node]> {
    LAST.with_borrow_mut(|last| match last {
        Some((known, nodes)) if known == template => Rc::clone(nodes),
        _ => {
            let nodes: Rc<[Node]> = nodes(template).into();
            *last = Some((template.to_owned(), Rc::clone(&nodes)));
            nodes
        }
    })
}

fn nodes(template: &str) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let (mut fill, mut localized) = (false, false);
        match rest.get(..2) {
            Some("FM" | "fm") => fill = true,
            Some("TM" | "tm") => localized = true,
            _ => {}
        }
        if fill || localized {
            rest = &rest[2..];
        }
        if let Some((name, field)) = keyword(rest) {
            rest = &rest[name.len()..];
            let ordinal = match rest.get(..2) {
                Some("TH") => Some(Ordinal::Upper),
                Some("th") => Some(Ordinal::Lower),
                _ => None,
            };
            // `SP` (spelled out) is taken and has no effect, as in PostgreSQL.
            if ordinal.is_some() || rest.starts_with("SP") {
                rest = &rest[2..];
            }
            nodes.push(Node::Field(FieldNode { name, field, case: case_of(name), fill, localized, ordinal }));
        } else if let Some(quoted) = rest.strip_prefix('"') {
            rest = quoted_text(quoted, |c| nodes.push(Node::Quoted(c)));
        } else {
            rest = literal(rest, |c| nodes.push(literal_node(c)));
        }
    }
    nodes
}

/// The SQL standard's templates have fields, quoted text and a few separators only. 22007.
pub(super) fn check_standard(nodes: &[Node]) -> Result<()> {
    nodes.iter().try_for_each(|node| match node {
        Node::Separator(c) | Node::Text(c) if !"-./,':; ".contains(*c) => {
            Err(Error::new(SqlState::INVALID_DATETIME_FORMAT, format!("invalid datetime format separator: \"{c}\"")))
        }
        _ => Ok(()),
    })
}

fn literal_node(c: char) -> Node {
    let separator = c == ' ' || matches!(c, '\t'..='\r') || c.is_ascii_punctuation();
    if separator { Node::Separator(c) } else { Node::Text(c) }
}

/// Takes one character outside quotes; a backslash before a double quote makes that one an ordinary character.
pub(super) fn literal(text: &str, mut push: impl FnMut(char)) -> &str {
    let text = text.strip_prefix('\\').filter(|rest| rest.starts_with('"')).unwrap_or(text);
    let mut chars = text.chars();
    if let Some(c) = chars.next() {
        push(c);
    }
    chars.as_str()
}

/// Takes the characters up to the closing double quote, and the quote; a backslash makes the next one ordinary.
pub(super) fn quoted_text(text: &str, mut push: impl FnMut(char)) -> &str {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => push(chars.next().unwrap_or('\\')),
            c => push(c),
        }
    }
    chars.as_str()
}

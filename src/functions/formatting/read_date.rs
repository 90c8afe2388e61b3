//! `to_date` and `to_timestamp`: the numbers and names a text has in the places its template names.
//!
//! What they make together is in [`resolve_date`](super::resolve_date).

use dictdb_types::{Error, Result, SqlState};

use super::date_template::{Calendar, Field, FieldNode, Node, check_standard};
use super::write_date::{DAYS, MONTHS, ROMAN_MONTHS};

/// The fields read; zero is "not given".
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    pub(super) calendar: Option<Calendar>,
    pub(super) hour: i32,
    pub(super) pm: i32,
    pub(super) minute: i32,
    pub(super) second: i32,
    pub(super) second_of_day: i32,
    /// Sunday 1.
    pub(super) weekday: i32,
    pub(super) day: i32,
    pub(super) year_day: i32,
    pub(super) month: i32,
    pub(super) millis: i32,
    pub(super) micros: i32,
    pub(super) year: i32,
    /// Digits of the year's field.
    pub(super) year_digits: u8,
    pub(super) bc: i32,
    pub(super) week: i32,
    pub(super) month_week: i32,
    pub(super) century: i32,
    pub(super) julian: i32,
    pub(super) twelve_hours: bool,
    /// 1, -1, or 0 without a zone.
    pub(super) zone_sign: i32,
    pub(super) zone_hours: i32,
    pub(super) zone_minutes: i32,
    /// Digits of a fraction field, 0 without one.
    pub(super) fraction_digits: u8,
}

fn format_error(message: String) -> Error {
    Error::new(SqlState::INVALID_DATETIME_FORMAT, message)
}

/// Reads a text by a template. 22007 where it does not fit, 22008 for numbers out of range, 0A000 for fields that can
/// only be written.
pub(super) fn read(nodes: &[Node], text: &str) -> Result<Reading> {
    scan(nodes, text, false).map(|(reader, _)| reader.out)
}

/// Reads as the SQL standard has it: the text has the template's separators and quoted characters, and both are used up. 22007.
pub(super) fn read_standard(nodes: &[Node], text: &str) -> Result<Reading> {
    check_standard(nodes)?;
    let (reader, used) = scan(nodes, text, true)?;
    if used < nodes.len() {
        return Err(format_error("input string is too short for datetime format".into()));
    }
    if !reader.rest().is_empty() {
        return Err(format_error("trailing characters remain in input string after datetime format".into()));
    }
    Ok(reader.out)
}

/// Reads as far as template or text reach; how many nodes of the template that was.
fn scan<'a>(nodes: &[Node], text: &'a str, standard: bool) -> Result<(Reader<'a>, usize)> {
    let mut used = 0;
    let mut reader = Reader { text, at: 0, fixed: standard, skipped: 0, out: Reading::default() };
    for (index, node) in nodes.iter().enumerate() {
        if reader.rest().is_empty() {
            break;
        }
        used = index + 1;
        let exact = matches!(node, Node::Field(FieldNode { field: Field::Exact, .. }));
        if !reader.fixed && !exact && (index == 0 || matches!(node, Node::Field(_))) {
            reader.skip_spaces();
        }
        match node {
            Node::Separator(c) if standard => reader.expect(*c, "separator")?,
            Node::Quoted(c) if standard => reader.expect(*c, "character")?,
            Node::Separator(_) => reader.separator(),
            Node::Quoted(_) | Node::Text(_) => reader.literal(),
            Node::Field(node) => {
                reader.check_calendar(node)?;
                reader.field(node, next_is_separator(node, nodes.get(index + 1)))?;
                if !reader.fixed {
                    reader.skipped = 0;
                    reader.skip_spaces();
                }
            }
        }
    }
    Ok((reader, used))
}

/// Whether a field's digits end where the text has something else; otherwise it takes its exact width.
fn next_is_separator(node: &FieldNode, next: Option<&Node>) -> bool {
    node.ordinal.is_some()
        || match next {
            None => true,
            Some(Node::Field(next)) => !next.field.is_digits(),
            Some(Node::Separator(c) | Node::Quoted(c) | Node::Text(c)) => !c.is_ascii_digit(),
        }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// `FX`: every character counts.
    fixed: bool,
    /// Spaces and separators of the text beyond those of the template.
    skipped: i32,
    out: Reading,
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
            self.skipped += 1;
        }
    }

    fn skip_char(&mut self) {
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    fn expect(&mut self, c: char, what: &str) -> Result<()> {
        if !self.rest().starts_with(c) {
            return Err(format_error(format!("unmatched format {what} \"{c}\"")));
        }
        self.at += c.len_utf8();
        Ok(())
    }

    /// A space or separator of the template takes one from the text if there is one; with `FX` any character.
    fn separator(&mut self) {
        if self.fixed {
            return self.skip_char();
        }
        self.skipped -= 1;
        if self.peek().is_some_and(|b| is_space(b) || b.is_ascii_punctuation()) {
            self.at += 1;
            self.skipped += 1;
        }
    }

    /// Any other character takes one, unless more than expected was skipped before.
    fn literal(&mut self) {
        if !self.fixed && self.skipped > 0 {
            self.skipped -= 1;
        } else {
            self.skip_char();
        }
    }

    fn check_calendar(&mut self, node: &FieldNode) -> Result<()> {
        let Some(calendar) = node.field.calendar() else { return Ok(()) };
        if *self.out.calendar.get_or_insert(calendar) != calendar {
            return Err(format_error("invalid combination of date conventions".into())
                .hint("Do not mix Gregorian and ISO week date conventions in a formatting template."));
        }
        Ok(())
    }

    /// Reads a field; `open` when its digits may go on to the next separator.
    fn field(&mut self, node: &FieldNode, open: bool) -> Result<()> {
        let name_width = node.name.len();
        match node.field {
            Field::Exact => self.fixed = true,
            Field::Meridiem { dotted } => {
                let names: &[&str] = if dotted { &["a.m.", "p.m."] } else { &["am", "pm"] };
                let pm = self.name(node, names)?;
                set(&mut self.out.pm, pm as i32, node)?;
                self.out.twelve_hours = true;
            }
            Field::Era { dotted } => {
                let names: &[&str] = if dotted { &["a.d.", "b.c."] } else { &["ad", "bc"] };
                let bc = self.name(node, names)?;
                set(&mut self.out.bc, bc as i32, node)?;
            }
            Field::Hour12 => {
                self.number(node, 2, open, |out| &mut out.hour)?;
                self.out.twelve_hours = true;
            }
            Field::Hour24 => self.number(node, 2, open, |out| &mut out.hour).map(drop)?,
            Field::Minute => self.number(node, name_width, open, |out| &mut out.minute).map(drop)?,
            Field::Second => self.number(node, name_width, open, |out| &mut out.second).map(drop)?,
            Field::SecondOfDay => self.number(node, name_width, open, |out| &mut out.second_of_day).map(drop)?,
            Field::Millisecond => {
                let taken = self.number_before_ordinal(node, 3, open, |out| &mut out.millis)?;
                scale_fraction(&mut self.out.millis, taken, 3);
                self.skip_ordinal(node);
            }
            Field::Fraction(digits) => {
                self.out.fraction_digits = digits;
                self.fraction(node, digits.into(), open)?;
            }
            Field::Microsecond => self.fraction(node, 6, open)?,
            Field::Zone | Field::Offset => {
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("formatting field \"{}\" is only supported in to_char", node.name),
                ));
            }
            Field::ZoneHour => self.zone_hours(node, open)?,
            Field::ZoneMinute => {
                if self.out.zone_sign == 0 {
                    self.out.zone_sign = 1;
                }
                self.number_before_ordinal(node, 2, open, |out| &mut out.zone_minutes)?;
            }
            Field::Month | Field::MonthShort => {
                let short: Vec<&str> = MONTHS.iter().map(|name| &name[..3]).collect();
                let month = self.name(node, if node.field == Field::Month { &MONTHS } else { &short })?;
                set(&mut self.out.month, month as i32 + 1, node)?;
            }
            Field::MonthNumber => self.number(node, name_width, open, |out| &mut out.month).map(drop)?,
            Field::Day | Field::DayShort => {
                let short: Vec<&str> = DAYS.iter().map(|name| &name[..3]).collect();
                let day = self.name(node, if node.field == Field::Day { &DAYS } else { &short })?;
                set(&mut self.out.weekday, day as i32, node)?;
                self.out.weekday += 1;
            }
            Field::YearDay | Field::IsoYearDay => self.number(node, 3, open, |out| &mut out.year_day).map(drop)?,
            Field::MonthDay => self.number(node, name_width, open, |out| &mut out.day).map(drop)?,
            Field::WeekDay => self.number(node, name_width, open, |out| &mut out.weekday).map(drop)?,
            Field::IsoWeekDay => {
                self.number_before_ordinal(node, 1, open, |out| &mut out.weekday)?;
                self.out.weekday = match self.out.weekday.saturating_add(1) {
                    8.. => 1,
                    weekday => weekday,
                };
                self.skip_ordinal(node);
            }
            Field::Week | Field::IsoWeek => self.number(node, name_width, open, |out| &mut out.week).map(drop)?,
            // A quarter has no day to stand for, so it is read and forgotten.
            Field::Quarter => {
                self.integer(node, name_width, open)?;
                self.skip_ordinal(node);
            }
            Field::Century => self.number(node, name_width, open, |out| &mut out.century).map(drop)?,
            Field::YearWithComma => self.year_with_comma(node)?,
            Field::Year(digits) | Field::IsoYear(digits) => {
                let taken = self.number_before_ordinal(node, name_width, open, |out| &mut out.year)?;
                if digits < 4 && taken < 4 {
                    self.out.year = near_2020(self.out.year);
                }
                self.out.year_digits = digits;
                self.skip_ordinal(node);
            }
            Field::RomanMonth => {
                // Longer numerals first: `VIII` begins with `V`.
                let names: Vec<&str> = ROMAN_MONTHS.iter().rev().copied().collect();
                let from_december = self.name(node, &names)?;
                set(&mut self.out.month, 12 - from_december as i32, node)?;
            }
            Field::MonthWeek => self.number(node, name_width, open, |out| &mut out.month_week).map(drop)?,
            Field::Julian => self.number(node, name_width, open, |out| &mut out.julian).map(drop)?,
        }
        Ok(())
    }

    /// An integer into its field, and the ordinal ending after it. Returns the characters taken by the number.
    fn number(
        &mut self,
        node: &FieldNode,
        width: usize,
        open: bool,
        target: impl Fn(&mut Reading) -> &mut i32,
    ) -> Result<usize> {
        let taken = self.number_before_ordinal(node, width, open, target)?;
        self.skip_ordinal(node);
        Ok(taken)
    }

    fn number_before_ordinal(
        &mut self,
        node: &FieldNode,
        width: usize,
        open: bool,
        target: impl Fn(&mut Reading) -> &mut i32,
    ) -> Result<usize> {
        let (value, taken) = self.integer(node, width, open)?;
        set(target(&mut self.out), value, node)?;
        Ok(taken)
    }

    fn skip_ordinal(&mut self, node: &FieldNode) {
        if node.ordinal.is_some() {
            self.skip_char();
            self.skip_char();
        }
    }

    fn fraction(&mut self, node: &FieldNode, width: usize, open: bool) -> Result<()> {
        let taken = self.number_before_ordinal(node, width, open, |out| &mut out.micros)?;
        scale_fraction(&mut self.out.micros, taken, 6);
        self.skip_ordinal(node);
        Ok(())
    }

    /// Reads an integer: as far as it goes, or exactly `width` characters after white space. Returns it with the
    /// number of characters taken, white space included.
    fn integer(&mut self, node: &FieldNode, width: usize, open: bool) -> Result<(i32, usize)> {
        let start = self.at;
        let spaces = self.rest().bytes().take_while(|b| is_space(*b)).count();
        let rest = &self.rest()[spaces..];
        let field = clip(rest, width);
        let (digits, length) = if node.fill || open {
            let length = integer_length(rest);
            (&rest[..length], length)
        } else {
            if rest.len() < width {
                return Err(format_error(format!("source string too short for \"{}\" formatting field", node.name))
                    .detail(format!("Field requires {width} characters, but only {} remain.", rest.len()))
                    .hint(FIXED_WIDTH_HINT));
            }
            let length = integer_length(field);
            if length > 0 && length < width {
                return Err(invalid_value(field, node)
                    .detail(format!("Field requires {width} characters, but only {length} could be parsed."))
                    .hint(FIXED_WIDTH_HINT));
            }
            (&field[..length], length)
        };
        // Where no digits are found the space before them does not count, unless the width is fixed.
        let taken = if length == 0 && (node.fill || open) { 0 } else { spaces + length };
        if taken == 0 {
            return Err(invalid_value(field, node).detail("Value must be an integer."));
        }
        self.at = start + taken;
        if length == 0 {
            return Ok((0, taken));
        }
        let value = digits.parse().map_err(|_| {
            Error::new(
                SqlState::DATETIME_VALUE_OUT_OF_RANGE,
                format!("value for \"{}\" in source string is out of range", node.name),
            )
            .detail(format!("Value must be in the range {} to {}.", i32::MIN, i32::MAX))
        })?;
        Ok((value, taken))
    }

    /// Reads one of these names in any case, and returns its index.
    fn name(&mut self, node: &FieldNode, names: &[&str]) -> Result<usize> {
        let rest = self.rest();
        let begins = |name: &&str| rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        match names.iter().position(begins) {
            Some(index) => {
                self.at += names[index].len();
                Ok(index)
            }
            None => {
                let word = rest.split([' ', '\t', '\n', '\r', '\x0c']).next().unwrap_or_default();
                Err(invalid_value(word, node)
                    .detail("The given value did not match any of the allowed values for this field."))
            }
        }
    }

    /// A sign that was taken for a separator before still counts.
    fn zone_hours(&mut self, node: &FieldNode, open: bool) -> Result<()> {
        let previous = self.at.checked_sub(1).and_then(|at| self.text.as_bytes().get(at));
        self.out.zone_sign = match self.peek() {
            Some(sign @ (b'+' | b'-' | b' ')) => {
                self.at += 1;
                if sign == b'-' { -1 } else { 1 }
            }
            _ if self.skipped > 0 && previous == Some(&b'-') => -1,
            _ => 1,
        };
        self.number_before_ordinal(node, 2, open, |out| &mut out.zone_hours).map(drop)
    }

    /// `thousands,ddd`.
    fn year_with_comma(&mut self, node: &FieldNode) -> Result<()> {
        let rest = self.rest();
        let parsed = || {
            let start = rest.bytes().take_while(|b| is_space(*b)).count();
            let thousands = integer_length(&rest[start..]);
            let after = rest[start + thousands..].strip_prefix(',')?;
            let spaces = after.bytes().take_while(|b| is_space(*b)).count();
            let units = integer_length(clip(&after[spaces..], 3));
            let year = rest[start..start + thousands].parse::<i64>().ok()? * 1000
                + after[spaces..spaces + units].parse::<i64>().ok()?;
            Some((i32::try_from(year).ok()?, start + thousands + 1 + spaces + units))
        };
        let (year, taken) = parsed().ok_or_else(|| format_error("invalid input string for \"Y,YYY\"".into()))?;
        set(&mut self.out.year, year, node)?;
        self.out.year_digits = 4;
        self.at += taken;
        self.skip_ordinal(node);
        Ok(())
    }
}

const FIXED_WIDTH_HINT: &str = "If your source string is not fixed-width, try using the \"FM\" modifier.";

fn invalid_value(value: &str, node: &FieldNode) -> Error {
    format_error(format!("invalid value \"{value}\" for \"{}\"", node.name))
}

/// The first bytes of a text, fewer if they would end inside a character.
fn clip(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Length of the integer with optional sign a text begins with.
fn integer_length(text: &str) -> usize {
    let sign = usize::from(text.starts_with(['+', '-']));
    let digits = text[sign..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 { 0 } else { sign + digits }
}

/// Stores a field, unless it has another value already.
fn set(target: &mut i32, value: i32, node: &FieldNode) -> Result<()> {
    if *target != 0 && *target != value {
        return Err(format_error(format!("conflicting values for \"{}\" field in formatting string", node.name))
            .detail("This value contradicts a previous setting for the same field type."));
    }
    *target = value;
    Ok(())
}

/// Digits after a decimal point count from its left: 25 milliseconds in `.25` are 250.
fn scale_fraction(value: &mut i32, taken: usize, digits: u32) {
    let missing = digits.saturating_sub(taken as u32);
    if taken > 0 {
        *value = value.saturating_mul(10_i32.pow(missing));
    }
}

/// Years with fewer than four digits lie near 2020.
fn near_2020(year: i32) -> i32 {
    match year {
        ..70 => year.saturating_add(2000),
        70..100 => year + 1900,
        100..520 => year + 2000,
        520..1000 => year + 1000,
        _ => year,
    }
}

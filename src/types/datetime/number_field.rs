//! What a number without a label means: year, month, day, day of the year, `yyyymmdd`, `hhmmss`.
//!
//! It follows from how many digits it has, which fields are known already, and the field order of `DateStyle`.

use super::fault::Fault;
use super::number::{digits, fraction_micros, leading_fraction_micros, leading_i32};
use super::reader::Reader;
use super::seen::Seen;
use super::token::{Kind, MAX_FIELDS, Tokens};
use super::word::{self, Word};
use crate::DateOrder;

impl Reader<'_> {
    /// A number in a timestamp.
    pub(super) fn number_in_timestamp(&mut self, text: &str) -> Result<Seen, Fault> {
        let point = text.find('.');
        let dated = self.seen.intersects(Seen::DATE);
        if point.is_some() && !dated {
            return self.delimited_date(text);
        }
        let long = text.len() >= 6 && !(dated && self.seen.intersects(Seen::TIME));
        if point.is_some_and(|digits_before| digits_before > 2) || long {
            return self.run_together(text, self.seen);
        }
        self.number(text, self.text_month, self.seen)
    }

    /// A number in a time of day, where the date counts as known.
    pub(super) fn number_in_time(&mut self, tokens: &Tokens, index: usize, text: &str) -> Result<Seen, Fault> {
        let seen = self.seen | Seen::DATE;
        match text.find('.') {
            Some(_) if index == 0 && tokens.len() >= 2 && tokens.kind(tokens.len() - 1) == Some(Kind::Date) => {
                self.delimited_date(text)
            }
            Some(digits_before) if digits_before > 2 => self.run_together(text, seen),
            Some(_) => Err(Fault::Format),
            None if text.len() > 4 => self.run_together(text, seen),
            None => self.number(text, false, seen),
        }
    }

    /// A date with delimiters, a month's name perhaps among its fields.
    pub(super) fn delimited_date(&mut self, text: &str) -> Result<Seen, Fault> {
        let parts = split_date(text)?;
        let (mut seen, mut found, mut text_month) = (self.seen, Seen::NOTHING, false);
        let mut give = |seen: &mut Seen, field: Seen| {
            if seen.intersects(field) {
                return Err(Fault::Format);
            }
            *seen |= field;
            found |= field;
            Ok(())
        };
        let is_name = |part: &&&str| part.starts_with(|c: char| c.is_ascii_alphabetic());
        for name in parts.iter().filter(is_name) {
            let Some(Word::Month(month)) = word::datetime_word(name) else { return Err(Fault::Format) };
            self.civil.month = month;
            text_month = true;
            give(&mut seen, Seen::MONTH)?;
        }
        for number in parts.iter().filter(|part| !is_name(part)) {
            let micros = self.civil.micros;
            let field = self.number(number, text_month, seen)?;
            self.civil.micros = micros;
            give(&mut seen, field)?;
        }
        if seen.without(Seen::YEAR_DAY | Seen::ZONE) == Seen::DATE { Ok(found) } else { Err(Fault::Format) }
    }

    /// One number as one field.
    fn number(&mut self, text: &str, text_month: bool, seen: Seen) -> Result<Seen, Fault> {
        let (value, rest) = leading_i32(text)?;
        if rest.len() == text.len() {
            return Err(Fault::Format);
        }
        if rest.starts_with('.') {
            if text.len() - rest.len() > 2 {
                return self.run_together(text, seen | Seen::DATE);
            }
            self.civil.micros = fraction_micros(rest)?;
        } else if !rest.is_empty() {
            return Err(Fault::Format);
        }
        let date = seen.only(Seen::DATE);
        if text.len() == 3 && date == Seen::YEAR && (1..=366).contains(&value) {
            self.year_day = value;
            return Ok(Seen::YEAR_DAY | Seen::MONTH | Seen::DAY);
        }
        if date == Seen::DATE {
            return self.run_together(text, seen);
        }
        let long = text.len() >= 3;
        if text_month && long && self.two_digit_year && date == Seen::YEAR | Seen::MONTH {
            // What was taken for a short year before the month's name was the day.
            self.civil.day = self.civil.year;
            self.civil.year = value;
            self.two_digit_year = false;
            return Ok(Seen::DAY);
        }
        let field = self.next_field(date, long, text_month).ok_or(Fault::Format)?;
        match field {
            Seen::YEAR => {
                self.civil.year = value;
                self.two_digit_year = text.len() <= 2;
            }
            Seen::MONTH => self.civil.month = value,
            _ => self.civil.day = value,
        }
        Ok(field)
    }

    /// The date field that comes next after those known. A year and a day leave the month open, which no order allows.
    fn next_field(&self, known: Seen, long: bool, text_month: bool) -> Option<Seen> {
        let year_first = long || self.cx.order == DateOrder::Ymd;
        Some(match known {
            Seen::NOTHING if year_first => Seen::YEAR,
            Seen::NOTHING if self.cx.order == DateOrder::Dmy => Seen::DAY,
            Seen::NOTHING => Seen::MONTH,
            Seen::MONTH if text_month && year_first => Seen::YEAR,
            Seen::MONTH => Seen::DAY,
            Seen::YEAR | Seen::DAY => Seen::MONTH,
            known if known.contains(Seen::YEAR | Seen::MONTH) => Seen::DAY,
            known if known.contains(Seen::MONTH | Seen::DAY) => Seen::YEAR,
            _ => return None,
        })
    }

    /// Fields without delimiters: `yyyymmdd` or `yymmdd` while the date is open, then `hhmmss`, `hhmm`, `hhmmss.fff`.
    pub(super) fn run_together(&mut self, text: &str, seen: Seen) -> Result<Seen, Fault> {
        let text = match text.find('.') {
            Some(point) => {
                self.civil.micros = leading_fraction_micros(&text[point..]);
                &text[..point]
            }
            None if !seen.contains(Seen::DATE) && text.len() >= 6 => {
                let (year, month_day) = text.split_at(text.len() - 4);
                self.civil.year = digits(year);
                self.civil.month = digits(&month_day[..2]);
                self.civil.day = digits(&month_day[2..]);
                self.two_digit_year |= year.len() == 2;
                return Ok(Seen::DATE);
            }
            None => text,
        };
        if seen.contains(Seen::TIME) || !matches!(text.len(), 4 | 6) {
            return Err(Fault::Format);
        }
        self.civil.hour = digits(&text[..2]);
        self.civil.minute = digits(&text[2..4]);
        self.civil.second = digits(&text[4..]);
        Ok(Seen::TIME)
    }
}

/// The runs of digits and of letters in a date. The character after a run is its delimiter, whatever it is.
fn split_date(text: &str) -> Result<Vec<&str>, Fault> {
    let mut parts = Vec::with_capacity(3);
    let mut rest = text;
    while !rest.is_empty() && parts.len() < MAX_FIELDS {
        rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let first = rest.bytes().next().ok_or(Fault::Format)?;
        let same = |c: char| if first.is_ascii_digit() { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
        let end = rest.find(|c| !same(c)).unwrap_or(rest.len());
        parts.push(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    Ok(parts)
}

//! Reading ISO 8601 intervals: with designators (`P1Y2M3DT4H5M6S`), and the alternative `P0001-02-03T04:05:06`.

use super::calendar::{HOUR, MINUTE, SECOND};
use super::fault::Fault;
use super::interval_sum::{IntervalSum, Quantity};

/// Larger numbers have no exact fraction in a double.
const MAX_NUMBER: f64 = 1.0e15;

/// Reads the text as it came: designators are upper case.
pub(super) fn decode(text: &str) -> Result<IntervalSum, Fault> {
    let rest = text.strip_prefix('P').filter(|rest| !rest.is_empty()).ok_or(Fault::Format)?;
    let mut reader = Reader { rest, sum: IntervalSum::default() };
    reader.date_part()?;
    Ok(reader.sum)
}

struct Reader<'a> {
    rest: &'a str,
    sum: IntervalSum,
}

impl<'a> Reader<'a> {
    /// The next character, if any, left in place.
    fn peek(&self) -> Option<u8> {
        self.rest.bytes().next()
    }

    /// Takes the next character, which is ASCII or an error for the caller.
    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let taken = chars.next();
        self.rest = chars.as_str();
        taken
    }

    /// Years to days up to the end or to `T`.
    fn date_part(&mut self) -> Result<(), Fault> {
        let mut first = true;
        while let Some(byte) = self.peek() {
            if byte == b'T' {
                self.take();
                return self.time_part();
            }
            let start = self.rest;
            let quantity = self.number()?;
            match self.take() {
                Some('Y') => self.sum.add_years(quantity, 1)?,
                Some('M') => self.sum.add_months(quantity)?,
                Some('W') => self.sum.add_days(quantity, 7)?,
                Some('D') => self.sum.add_days(quantity, 1)?,
                end @ (None | Some('T')) if first && integer_width(start) == 8 => {
                    self.compact_date(quantity)?;
                    return if end.is_some() { self.time_part() } else { Ok(()) };
                }
                delimiter @ (None | Some('T' | '-')) if first => return self.extended_date(quantity, delimiter),
                _ => return Err(Fault::Format),
            }
            first = false;
        }
        Ok(())
    }

    /// `yyyymmdd`.
    fn compact_date(&mut self, quantity: Quantity) -> Result<(), Fault> {
        let part = |whole| Quantity { whole, fraction: 0.0 };
        self.sum.add_years(part(quantity.whole / 10_000), 1)?;
        self.sum.add_months(part(quantity.whole / 100 % 100))?;
        self.sum.add_days(Quantity { whole: quantity.whole % 100, ..quantity }, 1)
    }

    /// `yyyy[-mm[-dd]]`, the years and what follows them taken already.
    fn extended_date(&mut self, years: Quantity, delimiter: Option<char>) -> Result<(), Fault> {
        self.sum.add_years(years, 1)?;
        match delimiter {
            None => return Ok(()),
            Some('T') => return self.time_part(),
            Some(_) => {}
        }
        let months = self.number()?;
        self.sum.add_months(months)?;
        if self.peek() == Some(b'-') {
            self.take();
            let days = self.number()?;
            self.sum.add_days(days, 1)?;
        }
        match self.take() {
            None => Ok(()),
            Some('T') => self.time_part(),
            Some(_) => Err(Fault::Format),
        }
    }

    /// Hours to seconds up to the end.
    fn time_part(&mut self) -> Result<(), Fault> {
        let mut first = true;
        while let Some(byte) = self.peek() {
            if byte == b'T' {
                self.take();
                first = true;
                continue;
            }
            let start = self.rest;
            let quantity = self.number()?;
            match self.take() {
                Some('H') => self.sum.add_micros(quantity, HOUR)?,
                Some('M') => self.sum.add_micros(quantity, MINUTE)?,
                Some('S') => self.sum.add_micros(quantity, SECOND)?,
                None if first && integer_width(start) == 6 => return self.compact_time(quantity),
                None if first => return self.sum.add_micros(quantity, HOUR),
                Some(':') if first => return self.extended_time(quantity),
                _ => return Err(Fault::Format),
            }
            first = false;
        }
        Ok(())
    }

    /// `hhmmss`; PostgreSQL takes its fraction for one of a microsecond.
    fn compact_time(&mut self, quantity: Quantity) -> Result<(), Fault> {
        let part = |whole| Quantity { whole, fraction: 0.0 };
        self.sum.add_micros(part(quantity.whole / 10_000), HOUR)?;
        self.sum.add_micros(part(quantity.whole / 100 % 100), MINUTE)?;
        self.sum.add_micros(part(quantity.whole % 100), SECOND)?;
        self.sum.add_micros(Quantity { whole: 0, ..quantity }, 1)
    }

    /// `hh:mm[:ss]`, the hours taken already.
    fn extended_time(&mut self, hours: Quantity) -> Result<(), Fault> {
        self.sum.add_micros(hours, HOUR)?;
        let minutes = self.number()?;
        self.sum.add_micros(minutes, MINUTE)?;
        match self.take() {
            None => return Ok(()),
            Some(':') => {}
            Some(_) => return Err(Fault::Format),
        }
        let seconds = self.number()?;
        self.sum.add_micros(seconds, SECOND)?;
        if self.rest.is_empty() { Ok(()) } else { Err(Fault::Format) }
    }

    /// A decimal number, perhaps with an exponent.
    fn number(&mut self) -> Result<Quantity, Fault> {
        let end = float_width(self.rest);
        let value: f64 = self.rest[..end].parse().map_err(|_| Fault::Format)?;
        self.rest = &self.rest[end..];
        if value.is_infinite() || value.is_subnormal() {
            return Err(Fault::Format);
        }
        if !(-MAX_NUMBER..=MAX_NUMBER).contains(&value) {
            return Err(Fault::Field);
        }
        Ok(Quantity { whole: value.trunc() as i64, fraction: value - value.trunc() })
    }
}

/// Length of the number a text begins with, as C's `strtod` would take it; zero if there is none.
fn float_width(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = usize::from(bytes.first() == Some(&b'-'));
    let mut count = digits(end);
    end += count;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        count += fraction;
        end += 1 + fraction;
    }
    if count == 0 {
        return 0;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = bytes.get(end + 1 + sign).map_or(0, |_| digits(end + 1 + sign));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    end
}

/// Digits before the fraction, without the sign.
fn integer_width(text: &str) -> usize {
    text.trim_start_matches('-').bytes().take_while(u8::is_ascii_digit).count()
}

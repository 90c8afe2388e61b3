//! Reading the fields of a date, time or timestamp: the state all of it shares, and the walk over the fields.
//!
//! What a number means in context is in [`number_field`](super::number_field), the end of a reading in
//! [`finish`](super::finish).

use jiff::tz::TimeZone;

use super::abbreviation::{self, Abbreviation};
use super::calendar::{Civil, DAY, civil_from_days};
use super::clock_field::{ClockField, displacement, time_overflows};
use super::fault::Fault;
use super::number::{fraction, fraction_micros, leading_i32};
use super::seen::Seen;
use super::token::{Kind, Tokens};
use super::word::{self, Meridiem, Reserved, Unit, Word};
use super::{calendar, zone};
use crate::{DateOrder, Env};

/// What reading depends on besides the text.
pub(super) struct Surroundings<'e> {
    pub(super) order: DateOrder,
    pub(super) zone: &'e TimeZone,
    /// The transaction's time, microseconds since 1970 UTC.
    pub(super) now: i64,
}

impl<'e> Surroundings<'e> {
    pub(super) fn of(env: &'e dyn Env) -> Self {
        let format = env.format();
        Surroundings { order: format.date_order, zone: &format.time_zone, now: env.transaction_timestamp() }
    }
}

/// What the text is to be: the rules differ in which fields may come before which.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// `date`, `timestamp` and `timestamptz`.
    Timestamp,
    /// `time` and `timetz`.
    Time,
}

/// Which value was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The one the fields say.
    Fields,
    Epoch,
    Infinity,
    NegInfinity,
}

/// A date and time as read, before the type's own checks.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) reading: Reading,
    pub(super) civil: Civil,
    /// Seconds west of UTC.
    pub(super) west: i32,
}

/// Reads tokens as a date and time, or as a time of day.
pub(super) fn decode(tokens: &Tokens, cx: &Surroundings<'_>, target: Target) -> Result<Decoded, Fault> {
    let mut reader = Reader::new(cx, target);
    for index in 0..tokens.len() {
        let found = reader.token(tokens, index)?;
        if reader.seen.intersects(found) {
            return Err(Fault::Format);
        }
        reader.seen |= found;
    }
    reader.finish()
}

/// The state of a reading.
pub(super) struct Reader<'a> {
    pub(super) cx: &'a Surroundings<'a>,
    pub(super) target: Target,
    pub(super) seen: Seen,
    pub(super) civil: Civil,
    pub(super) year_day: i32,
    /// The month came by name, which settles the meaning of numbers around it.
    pub(super) text_month: bool,
    pub(super) julian: bool,
    pub(super) two_digit_year: bool,
    pub(super) bc: bool,
    pub(super) meridiem: Option<Meridiem>,
    pub(super) west: i32,
    pub(super) named_zone: Option<TimeZone>,
    pub(super) dynamic_zone: Option<(String, TimeZone)>,
    /// A label before the number to come.
    label: Option<Unit>,
    pub(super) reading: Reading,
}

impl<'a> Reader<'a> {
    fn new(cx: &'a Surroundings<'a>, target: Target) -> Self {
        Reader {
            cx,
            target,
            seen: Seen::NOTHING,
            civil: Civil::default(),
            year_day: 0,
            text_month: false,
            julian: false,
            two_digit_year: false,
            bc: false,
            meridiem: None,
            west: 0,
            named_zone: None,
            dynamic_zone: None,
            label: None,
            reading: Reading::Fields,
        }
    }

    /// Reads one field and says which ones it gave.
    fn token(&mut self, tokens: &Tokens, index: usize) -> Result<Seen, Fault> {
        let Some((kind, text)) = tokens.get(index) else { return Ok(Seen::NOTHING) };
        match kind {
            Kind::Date if self.target == Target::Time => self.date_in_time(tokens, index, text),
            Kind::Date => self.date_token(text),
            Kind::Time => self.time_token(text),
            Kind::Signed => {
                self.west = displacement(text)?;
                Ok(Seen::ZONE)
            }
            Kind::Number => match self.label.take() {
                Some(label) => self.labelled_number(label, text),
                None if self.target == Target::Time => self.number_in_time(tokens, index, text),
                None => self.number_in_timestamp(text),
            },
            Kind::Word | Kind::SignedWord => self.word(text, tokens.kind(index + 1)),
        }
    }

    /// A field with delimiters in a timestamp: a date; once the day is known, a zone's name or `hhmmss-zz`.
    fn date_token(&mut self, text: &str) -> Result<Seen, Fault> {
        match self.label.take() {
            Some(Unit::Julian) => {
                let (day, rest) = leading_i32(text)?;
                self.set_julian_day(day)?;
                self.west = displacement(rest)?;
                Ok(Seen::DATE | Seen::TIME | Seen::ZONE)
            }
            Some(Unit::Time) => self.run_together_time(text, self.seen),
            Some(_) => Err(Fault::Format),
            None if !self.seen.contains(Seen::MONTH | Seen::DAY) => self.delimited_date(text),
            None if text.starts_with(|c: char| c.is_ascii_digit()) => self.run_together_time(text, self.seen),
            None => self.zone_name(text),
        }
    }

    /// A field with delimiters in a time of day: a date only where it can serve to find the zone's offset.
    fn date_in_time(&mut self, tokens: &Tokens, index: usize, text: &str) -> Result<Seen, Fault> {
        let dated = index == 0
            && tokens.len() >= 2
            && (tokens.kind(tokens.len() - 1) == Some(Kind::Date) || tokens.kind(1) == Some(Kind::Time));
        if dated {
            self.delimited_date(text)
        } else if text.starts_with(|c: char| c.is_ascii_digit()) {
            self.run_together_time(text, self.seen | Seen::DATE)
        } else {
            self.zone_name(text)
        }
    }

    /// `hhmmss-zz`.
    fn run_together_time(&mut self, text: &str, seen: Seen) -> Result<Seen, Fault> {
        if self.seen.contains(Seen::TIME) {
            return Err(Fault::Format);
        }
        let dash = text.find('-').ok_or(Fault::Format)?;
        self.west = displacement(&text[dash..])?;
        Ok(self.run_together(&text[..dash], seen)? | Seen::ZONE)
    }

    fn zone_name(&mut self, text: &str) -> Result<Seen, Fault> {
        self.named_zone = Some(zone::require(text)?);
        Ok(Seen::ZONE)
    }

    fn time_token(&mut self, text: &str) -> Result<Seen, Fault> {
        if self.target == Target::Timestamp && !matches!(self.label.take(), None | Some(Unit::Time)) {
            return Err(Fault::Format);
        }
        let field = ClockField::read(text, false)?;
        self.civil.hour = i32::try_from(field.hours).map_err(|_| Fault::Field)?;
        self.civil.minute = field.minutes;
        self.civil.second = field.seconds;
        self.civil.micros = field.micros;
        if self.target == Target::Timestamp && self.time_overflows() {
            return Err(Fault::Field);
        }
        Ok(Seen::TIME)
    }

    pub(super) fn time_overflows(&self) -> bool {
        time_overflows(self.civil.hour, self.civil.minute, self.civil.second, self.civil.micros)
    }

    /// A number after its label, as in `y2001m02d04` or `j2451187.5`.
    fn labelled_number(&mut self, label: Unit, text: &str) -> Result<Seen, Fault> {
        let (value, rest) = leading_i32(text)?;
        if rest.starts_with('.') && !matches!(label, Unit::Julian | Unit::Time | Unit::Second) {
            return Err(Fault::Format);
        }
        self.reading = Reading::Fields;
        match label {
            Unit::Year => {
                self.civil.year = value;
                Ok(Seen::YEAR)
            }
            // After a month and an hour this can only be minutes.
            Unit::Month if !self.seen.contains(Seen::MONTH | Seen::HOUR) => {
                self.civil.month = value;
                Ok(Seen::MONTH)
            }
            Unit::Month | Unit::Minute => {
                self.civil.minute = value;
                Ok(Seen::MINUTE)
            }
            Unit::Day => {
                self.civil.day = value;
                Ok(Seen::DAY)
            }
            Unit::Hour => {
                self.civil.hour = value;
                Ok(Seen::HOUR)
            }
            Unit::Second => self.labelled_seconds(value, rest),
            Unit::Julian => self.labelled_julian(value, rest),
            Unit::Time => match self.run_together(text, self.seen | Seen::DATE)? {
                Seen::TIME => Ok(Seen::TIME),
                _ => Err(Fault::Format),
            },
            _ => Err(Fault::Format),
        }
    }

    fn labelled_seconds(&mut self, value: i32, rest: &str) -> Result<Seen, Fault> {
        self.civil.second = value;
        if rest.is_empty() {
            return Ok(Seen::SECOND);
        }
        self.civil.micros = fraction_micros(rest)?;
        Ok(Seen::ALL_SECONDS)
    }

    fn labelled_julian(&mut self, day: i32, rest: &str) -> Result<Seen, Fault> {
        self.set_julian_day(day)?;
        if rest.is_empty() {
            return Ok(Seen::DATE);
        }
        self.civil.set_time((fraction(rest)? * DAY as f64) as i64);
        Ok(Seen::DATE | Seen::TIME)
    }

    fn set_julian_day(&mut self, day: i32) -> Result<(), Fault> {
        if day < 0 {
            return Err(Fault::Field);
        }
        self.set_date(i64::from(day) - i64::from(calendar::UNIX_EPOCH_JULIAN));
        self.julian = true;
        Ok(())
    }

    fn set_date(&mut self, days: i64) {
        (self.civil.year, self.civil.month, self.civil.day) = civil_from_days(days);
    }

    /// A word: abbreviations of zones first, then what dates have, then zones by full name.
    fn word(&mut self, text: &str, next: Option<Kind>) -> Result<Seen, Fault> {
        match abbreviation::lookup(text) {
            Some(Abbreviation::Fixed { east, dst }) => {
                self.west = -east;
                return Ok(if dst { Seen::ZONE | Seen::DAYLIGHT } else { Seen::ZONE });
            }
            Some(Abbreviation::Dynamic(name)) => {
                self.dynamic_zone = Some((text.to_ascii_uppercase(), zone::dynamic_zone(name)?));
                return Ok(Seen::ZONE | Seen::DYNAMIC_ZONE);
            }
            None => {}
        }
        match word::datetime_word(text) {
            Some(Word::Filler) => Ok(Seen::NOTHING),
            Some(Word::Reserved(reserved)) => self.reserved(reserved),
            Some(Word::Month(month)) if self.target == Target::Timestamp => Ok(self.month_name(month)),
            Some(Word::Weekday) if self.target == Target::Timestamp => Ok(Seen::WEEKDAY),
            Some(Word::Month(_) | Word::Weekday) => Err(Fault::Format),
            Some(Word::Meridiem(meridiem)) => {
                self.meridiem = Some(meridiem);
                Ok(Seen::MERIDIEM)
            }
            Some(Word::Era { bc }) => {
                self.bc = bc;
                Ok(Seen::ERA)
            }
            Some(Word::Daylight) => {
                self.west -= 3600;
                Ok(Seen::DAYLIGHT_MODIFIER | Seen::DAYLIGHT)
            }
            Some(Word::Label(unit)) => {
                self.label = Some(unit);
                Ok(Seen::NOTHING)
            }
            Some(Word::TimeMark) => self.time_mark(next),
            None => {
                self.named_zone = Some(zone::find(text).ok_or(Fault::Format)?);
                Ok(Seen::ZONE)
            }
        }
    }

    /// `t` stands between a date and a time.
    fn time_mark(&mut self, next: Option<Kind>) -> Result<Seen, Fault> {
        let dated = self.target == Target::Time || self.seen.contains(Seen::DATE);
        if !dated || !matches!(next, Some(Kind::Number | Kind::Time | Kind::Date)) {
            return Err(Fault::Format);
        }
        self.label = Some(Unit::Time);
        Ok(Seen::NOTHING)
    }

    /// A month's name. A number taken for the month before was the day.
    fn month_name(&mut self, month: i32) -> Seen {
        let mistaken = self.seen.contains(Seen::MONTH)
            && !self.text_month
            && !self.seen.contains(Seen::DAY)
            && (1..=31).contains(&self.civil.month);
        if mistaken {
            self.civil.day = self.civil.month;
        }
        self.text_month = true;
        self.civil.month = month;
        if mistaken { Seen::DAY } else { Seen::MONTH }
    }

    fn reserved(&mut self, word: Reserved) -> Result<Seen, Fault> {
        let (now, east) = zone::local(self.cx.zone, self.cx.now);
        let days_from_today = match word {
            Reserved::Midnight => {
                self.civil = Civil { hour: 0, minute: 0, second: 0, ..self.civil };
                self.west = 0;
                self.reading = Reading::Fields;
                return Ok(Seen::TIME | Seen::ZONE);
            }
            Reserved::Now if self.target == Target::Time => {
                self.civil = now;
                return Ok(Seen::TIME);
            }
            _ if self.target == Target::Time => return Err(Fault::Format),
            Reserved::Now => {
                self.civil = now;
                self.west = -east;
                self.reading = Reading::Fields;
                return Ok(Seen::DATE | Seen::TIME | Seen::ZONE);
            }
            Reserved::Epoch => return Ok(self.special(Reading::Epoch)),
            Reserved::Infinity => return Ok(self.special(Reading::Infinity)),
            Reserved::NegInfinity => return Ok(self.special(Reading::NegInfinity)),
            Reserved::Today => 0,
            Reserved::Tomorrow => 1,
            Reserved::Yesterday => -1,
        };
        self.set_date(now.days() + days_from_today);
        self.reading = Reading::Fields;
        Ok(Seen::DATE)
    }

    fn special(&mut self, reading: Reading) -> Seen {
        self.reading = reading;
        Seen::RESERVED
    }
}

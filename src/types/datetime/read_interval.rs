//! Reading intervals: PostgreSQL's `1 day 2 hours`, the SQL standard's `1-2 3 4:05:06`.
//!
//! ISO 8601 (`P1DT2H`) is in [`read_iso_interval`](super::read_iso_interval).

use super::calendar::{HOUR, MINUTE, SECOND};
use super::clock_field::ClockField;
use super::fault::Fault;
use super::interval_sum::{IntervalSum, Quantity};
use super::interval_typmod as typmod;
use super::number::{fraction, leading_i32, leading_i64};
use super::seen::Seen;
use super::token::{Kind, Tokens};
use super::word::{IntervalWord, Unit, interval_word};

/// Reads the fields from right to left, so that a unit is known before its number. `range` is the type modifier's, for
/// numbers without unit. `signed_whole`: in the style of the SQL standard one leading sign is for all fields.
pub(super) fn decode(tokens: &Tokens, range: i32, sql_standard: bool) -> Result<IntervalSum, Fault> {
    let mut reader = Reader {
        range,
        negative: sql_standard && leading_sign_is_for_all(tokens),
        unit: NextUnit::Unknown,
        seen: Seen::NOTHING,
        sum: IntervalSum::default(),
    };
    let mut ago = false;
    for (kind, text) in tokens.iter().rev() {
        let found = match kind {
            Kind::Time => reader.clock(text)?,
            Kind::Signed => match reader.signed_clock(text)? {
                Some(found) => found,
                None => reader.number(text)?,
            },
            Kind::Date | Kind::Number => reader.number(text)?,
            Kind::Word | Kind::SignedWord => {
                match interval_word(text).ok_or(Fault::Format)? {
                    IntervalWord::Filler => {}
                    IntervalWord::Unit(unit) => reader.unit = NextUnit::Is(unit),
                    IntervalWord::Ago => {
                        ago = true;
                        reader.unit = NextUnit::Missing;
                    }
                }
                continue;
            }
        };
        if reader.seen.intersects(found) {
            return Err(Fault::Format);
        }
        reader.seen |= found;
    }
    if reader.seen == Seen::NOTHING {
        return Err(Fault::Format);
    }
    if ago {
        reader.sum.negate()?;
    }
    Ok(reader.sum)
}

fn leading_sign_is_for_all(tokens: &Tokens) -> bool {
    let mut texts = tokens.iter().map(|(_, text)| text);
    texts.next().is_some_and(|first| first.starts_with('-')) && !texts.any(|text| text.starts_with(['+', '-']))
}

/// The unit of the next number to the left.
#[derive(Clone, Copy)]
enum NextUnit {
    /// None was given: the type modifier decides.
    Unknown,
    /// `ago` must follow a unit.
    Missing,
    Is(Unit),
}

struct Reader {
    range: i32,
    negative: bool,
    unit: NextUnit,
    seen: Seen,
    sum: IntervalSum,
}

impl Reader {
    /// `hh:mm:ss`; a number to its left without unit counts days.
    fn clock(&mut self, text: &str) -> Result<Seen, Fault> {
        let field = ClockField::read(text, typmod::minutes_first(self.range))?;
        let micros = field.total_micros().ok_or(Fault::Field)?;
        self.set_clock(if self.negative { -micros } else { micros })
    }

    fn set_clock(&mut self, micros: i64) -> Result<Seen, Fault> {
        self.sum.set_micros(micros);
        self.unit = NextUnit::Is(Unit::Day);
        Ok(Seen::TIME)
    }

    /// `±hh:mm:ss`; `None` if the field is a signed number.
    fn signed_clock(&mut self, text: &str) -> Result<Option<Seen>, Fault> {
        let unsigned = &text[1..];
        if !unsigned.contains(':') {
            return Ok(None);
        }
        let field = ClockField::read(unsigned, typmod::minutes_first(self.range)).ok();
        let Some(micros) = field.and_then(|field| field.total_micros()) else { return Ok(None) };
        let negative = self.negative || text.starts_with('-');
        self.set_clock(if negative { -micros } else { micros }).map(Some)
    }

    fn number(&mut self, text: &str) -> Result<Seen, Fault> {
        if matches!(self.unit, NextUnit::Unknown) {
            self.unit = NextUnit::Is(last_unit(self.range));
        }
        let (whole, rest) = leading_i64(text)?;
        let negative = text.starts_with('-');
        let mut quantity = Quantity { whole, fraction: 0.0 };
        match rest.as_bytes().first() {
            None => {}
            Some(b'-') => return self.years_months(whole, &rest[1..], negative),
            Some(b'.') => {
                let fraction = fraction(rest)?;
                quantity.fraction = if negative { -fraction } else { fraction };
            }
            Some(_) => return Err(Fault::Format),
        }
        match self.unit {
            NextUnit::Is(unit) => self.add(unit, self.signed(quantity)),
            _ => Err(Fault::Format),
        }
    }

    /// The SQL standard's `years-months`.
    fn years_months(&mut self, years: i64, months: &str, negative: bool) -> Result<Seen, Fault> {
        let (months, rest) = leading_i32(months)?;
        if !(0..12).contains(&months) {
            return Err(Fault::Field);
        }
        if !rest.is_empty() {
            return Err(Fault::Format);
        }
        let months = i64::from(if negative { -months } else { months });
        let whole = years.checked_mul(12).and_then(|total| total.checked_add(months)).ok_or(Fault::Field)?;
        self.unit = NextUnit::Is(Unit::Month);
        self.add(Unit::Month, self.signed(Quantity { whole, fraction: 0.0 }))
    }

    fn signed(&self, quantity: Quantity) -> Quantity {
        if self.negative {
            Quantity { whole: -quantity.whole.saturating_abs(), fraction: -quantity.fraction.abs() }
        } else {
            quantity
        }
    }

    fn add(&mut self, unit: Unit, quantity: Quantity) -> Result<Seen, Fault> {
        let sum = &mut self.sum;
        Ok(match unit {
            Unit::Microsecond => sum.add_micros(quantity, 1).map(|()| Seen::MICROSECOND)?,
            Unit::Millisecond => sum.add_micros(quantity, 1000).map(|()| Seen::MILLISECOND)?,
            Unit::Second => {
                sum.add_micros(quantity, SECOND)?;
                if quantity.fraction == 0.0 { Seen::SECOND } else { Seen::ALL_SECONDS }
            }
            Unit::Minute => sum.add_micros(quantity, MINUTE).map(|()| Seen::MINUTE)?,
            Unit::Hour => {
                self.unit = NextUnit::Is(Unit::Day);
                sum.add_micros(quantity, HOUR).map(|()| Seen::HOUR)?
            }
            Unit::Day => sum.add_days(quantity, 1).map(|()| Seen::DAY)?,
            Unit::Week => sum.add_days(quantity, 7).map(|()| Seen::WEEK)?,
            Unit::Month => sum.add_months(quantity).map(|()| Seen::MONTH)?,
            Unit::Year => sum.add_years(quantity, 1).map(|()| Seen::YEAR)?,
            Unit::Decade => sum.add_years(quantity, 10).map(|()| Seen::DECADE)?,
            Unit::Century => sum.add_years(quantity, 100).map(|()| Seen::CENTURY)?,
            Unit::Millennium => sum.add_years(quantity, 1000).map(|()| Seen::MILLENNIUM)?,
            _ => return Err(Fault::Format),
        })
    }
}

/// The unit of a number at the end: the last field the type modifier names, seconds without one.
fn last_unit(range: i32) -> Unit {
    let has = |bit| range & bit != 0;
    match range {
        typmod::FULL_RANGE => Unit::Second,
        _ if has(typmod::SECOND) => Unit::Second,
        _ if has(typmod::MINUTE) => Unit::Minute,
        _ if has(typmod::HOUR) => Unit::Hour,
        _ if has(typmod::DAY) => Unit::Day,
        _ if has(typmod::MONTH) => Unit::Month,
        _ if has(typmod::YEAR) => Unit::Year,
        _ => Unit::Second,
    }
}

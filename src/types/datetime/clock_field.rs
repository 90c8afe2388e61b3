//! Two fields that mean the same everywhere: `hh:mm[:ss[.fff]]` and the displacement `±hh[[:]mm[:ss]]`.

use super::calendar::{DAY, HOUR, MINUTE, SECOND};
use super::fault::Fault;
use super::number::{fraction_micros, leading_i32, leading_i64};

/// Zones are at most this many hours from UTC.
const MAX_DISPLACEMENT_HOURS: i32 = 15;

/// A time of day, or the time part of an interval, whose hours are unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ClockField {
    pub(super) hours: i64,
    pub(super) minutes: i32,
    pub(super) seconds: i32,
    pub(super) micros: i32,
}

impl ClockField {
    /// Reads a field with colons. `minutes_first`: two fields are minutes and seconds, as `INTERVAL MINUTE TO SECOND`
    /// has it; with a fraction they always are.
    pub(super) fn read(text: &str, minutes_first: bool) -> Result<ClockField, Fault> {
        let (hours, rest) = leading_i64(text)?;
        let (minutes, rest) = leading_i32(rest.strip_prefix(':').ok_or(Fault::Format)?)?;
        let mut field = ClockField { hours, minutes, ..ClockField::default() };
        match rest.as_bytes().first() {
            None if minutes_first => field.shift()?,
            None => {}
            Some(b'.') => {
                field.micros = fraction_micros(rest)?;
                field.shift()?;
            }
            Some(b':') => {
                let (seconds, rest) = leading_i32(&rest[1..])?;
                field.seconds = seconds;
                if !rest.is_empty() {
                    field.micros = fraction_micros(rest)?;
                }
            }
            Some(_) => return Err(Fault::Format),
        }
        let in_range = field.hours >= 0
            && (0..60).contains(&field.minutes)
            && (0..=60).contains(&field.seconds)
            && (0..=SECOND).contains(&i64::from(field.micros));
        if in_range { Ok(field) } else { Err(Fault::Field) }
    }

    /// Takes hours and minutes for minutes and seconds.
    fn shift(&mut self) -> Result<(), Fault> {
        self.seconds = self.minutes;
        self.minutes = i32::try_from(self.hours).map_err(|_| Fault::Field)?;
        self.hours = 0;
        Ok(())
    }

    /// Microseconds, unless too many.
    pub(super) fn total_micros(&self) -> Option<i64> {
        let small = i64::from(self.minutes) * MINUTE + i64::from(self.seconds) * SECOND + i64::from(self.micros);
        self.hours.checked_mul(HOUR)?.checked_add(small)
    }
}

/// Whether fields are no time of day. 24:00:00 and a second 60 that does not pass it are.
pub(super) fn time_overflows(hour: i32, minute: i32, second: i32, micros: i32) -> bool {
    let in_range = (0..=24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second)
        && (0..=SECOND).contains(&i64::from(micros));
    !in_range
        || i64::from(hour) * HOUR + i64::from(minute) * MINUTE + i64::from(second) * SECOND + i64::from(micros) > DAY
}

/// Reads a displacement with its sign: seconds **west** of UTC.
pub(super) fn displacement(text: &str) -> Result<i32, Fault> {
    let unsigned = text.strip_prefix(['+', '-']).ok_or(Fault::Format)?;
    let part = |text| leading_i32(text).map_err(|_| Fault::Displacement);
    let (mut hours, mut rest) = part(unsigned)?;
    let (mut minutes, mut seconds) = (0, 0);
    if let Some(after) = rest.strip_prefix(':') {
        (minutes, rest) = part(after)?;
        if let Some(after) = rest.strip_prefix(':') {
            (seconds, rest) = part(after)?;
        }
    } else if rest.is_empty() && text.len() > 3 {
        (hours, minutes) = (hours / 100, hours % 100);
    }
    let in_range =
        (0..=MAX_DISPLACEMENT_HOURS).contains(&hours) && (0..60).contains(&minutes) && (0..60).contains(&seconds);
    if !in_range {
        return Err(Fault::Displacement);
    }
    if !rest.is_empty() {
        return Err(Fault::Format);
    }
    let east = hours * 3600 + minutes * 60 + seconds;
    Ok(if text.starts_with('-') { east } else { -east })
}

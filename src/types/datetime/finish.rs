//! The end of reading a date or time: year adjustments, range checks, noon, and the zone's offset.

use jiff::tz::TimeZone;

use super::calendar::{Civil, civil_from_days, days_from_civil, days_in_month};
use super::fault::Fault;
use super::reader::{Decoded, Reader, Reading, Target};
use super::seen::Seen;
use super::word::Meridiem;
use super::{abbreviation, zone};

impl Reader<'_> {
    /// Checks the fields together and completes them.
    pub(super) fn finish(mut self) -> Result<Decoded, Fault> {
        self.check_date()?;
        self.apply_meridiem()?;
        match self.target {
            Target::Timestamp if self.reading == Reading::Fields => {
                if !self.seen.contains(Seen::DATE) {
                    return Err(Fault::Format);
                }
                self.resolve_zone()?;
            }
            Target::Timestamp => {}
            Target::Time => {
                if self.time_overflows() {
                    return Err(Fault::Field);
                }
                if !self.seen.contains(Seen::TIME) {
                    return Err(Fault::Format);
                }
                self.resolve_zone()?;
            }
        }
        Ok(Decoded { reading: self.reading, civil: self.civil, west: self.west })
    }

    fn check_date(&mut self) -> Result<(), Fault> {
        if self.seen.contains(Seen::YEAR) && !self.julian {
            self.adjust_year()?;
        }
        if self.seen.contains(Seen::YEAR_DAY) {
            let days = days_from_civil(self.civil.year, 1, 1) + i64::from(self.year_day) - 1;
            (self.civil.year, self.civil.month, self.civil.day) = civil_from_days(days);
        }
        if self.seen.contains(Seen::MONTH) && !(1..=12).contains(&self.civil.month) {
            return Err(Fault::MonthOrDay);
        }
        if self.seen.contains(Seen::DAY) && !(1..=31).contains(&self.civil.day) {
            return Err(Fault::MonthOrDay);
        }
        // 29 February is hardly a question of field order.
        if self.seen.contains(Seen::DATE) && self.civil.day > days_in_month(self.civil.year, self.civil.month) {
            return Err(Fault::Field);
        }
        Ok(())
    }

    /// Years have no zero; one or two digits mean 1970 to 2069.
    fn adjust_year(&mut self) -> Result<(), Fault> {
        let year = &mut self.civil.year;
        match *year {
            1.. if self.bc => *year = 1 - *year,
            _ if self.bc => return Err(Fault::Field),
            0..70 if self.two_digit_year => *year += 2000,
            70..100 if self.two_digit_year => *year += 1900,
            1.. => {}
            _ => return Err(Fault::Field),
        }
        Ok(())
    }

    fn apply_meridiem(&mut self) -> Result<(), Fault> {
        let hour = &mut self.civil.hour;
        match self.meridiem {
            None => {}
            Some(_) if *hour > 12 => return Err(Fault::Field),
            Some(Meridiem::Am) if *hour == 12 => *hour = 0,
            Some(Meridiem::Pm) if *hour != 12 => *hour += 12,
            Some(_) => {}
        }
        Ok(())
    }

    /// Finds the offset of a zone that needs the date for it, or of the session's zone if the text has none.
    fn resolve_zone(&mut self) -> Result<(), Fault> {
        let named = self.named_zone.take();
        let dynamic = self.dynamic_zone.take();
        let unzoned = !self.seen.contains(Seen::ZONE);
        let modified = self.seen.contains(Seen::DAYLIGHT_MODIFIER);
        if modified && (named.is_some() || dynamic.is_some() || unzoned) {
            return Err(Fault::Format);
        }
        if let Some(zone) = &named {
            self.west = -self.named_offset(zone)?;
        }
        if let Some((name, zone)) = &dynamic {
            let local = self.dated()?.seconds();
            let east = zone::offset_of_local(zone, local);
            self.west = -abbreviation::meaning_at(name, zone, local - i64::from(east)).map_or(east, |(east, _)| east);
        }
        if unzoned {
            self.west = -zone::offset_of_local(self.cx.zone, self.dated()?.seconds());
        }
        Ok(())
    }

    /// Seconds east of UTC. A time without a date cannot know them unless they never change.
    fn named_offset(&self, zone: &TimeZone) -> Result<i32, Fault> {
        if self.target == Target::Time {
            if let Some(east) = zone::constant_offset(zone) {
                return Ok(east);
            }
            if !self.seen.contains(Seen::DATE) {
                return Err(Fault::Format);
            }
        }
        Ok(zone::offset_of_local(zone, self.civil.seconds()))
    }

    /// The fields, with today's date if the text has none.
    fn dated(&self) -> Result<Civil, Fault> {
        if self.seen.contains(Seen::DATE) {
            return Ok(self.civil);
        }
        if self.seen.intersects(Seen::DATE) {
            return Err(Fault::Format);
        }
        let (today, _) = zone::local(self.cx.zone, self.cx.now);
        let Civil { year, month, day, .. } = today;
        Ok(Civil { year, month, day, ..self.civil })
    }
}

//! The words of dates, times and intervals: months, weekdays, units, `now`, `bc`, …
//!
//! Words count up to their tenth letter, as in PostgreSQL, so that `microseconds` needs no entry besides `microsecon`.

use std::borrow::Cow;

/// Letters that matter.
const SIGNIFICANT_CHARS: usize = 10;

/// Half of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meridiem {
    Am,
    Pm,
}

/// Words that stand for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reserved {
    Now,
    Today,
    Tomorrow,
    Yesterday,
    Midnight,
    Epoch,
    Infinity,
    NegInfinity,
}

/// Units, as `extract`, `date_trunc` and intervals name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds.
    Microsecond,
    /// Milliseconds.
    Millisecond,
    /// Seconds.
    Second,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Days.
    Day,
    /// Weeks.
    Week,
    /// Months.
    Month,
    /// Quarters.
    Quarter,
    /// Years.
    Year,
    /// Decades.
    Decade,
    /// Centuries.
    Century,
    /// Millennia.
    Millennium,
    /// Julian days.
    Julian,
    /// Day of the week from Sunday, 0.
    Dow,
    /// Day of the week from Monday, 1.
    IsoDow,
    /// Day of the year.
    Doy,
    /// Year of the ISO 8601 week.
    IsoYear,
    /// Seconds since 1970.
    Epoch,
    /// Offset from UTC.
    Zone,
    /// Hours of the offset.
    ZoneHour,
    /// Minutes of the offset.
    ZoneMinute,
    /// The time that follows a `T`.
    Time,
    /// No unit but a value, such as `now`: nothing has this field.
    Value,
}

/// What a word in a date or time means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Reserved(Reserved),
    Month(i32),
    Weekday,
    Meridiem(Meridiem),
    Era {
        bc: bool,
    },
    /// `dst` after a zone.
    Daylight,
    /// Skipped.
    Filler,
    /// Labels the number that follows: `y2001m02d04`.
    Label(Unit),
    /// `t` before a time.
    TimeMark,
}

/// What a word in an interval means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IntervalWord {
    Unit(Unit),
    Ago,
    Filler,
}

/// A word of dates and times, in lower case.
pub(super) fn datetime_word(lower: &str) -> Option<Word> {
    find(DATETIME_WORDS, lower)
}

/// A word of intervals, in lower case.
pub(super) fn interval_word(lower: &str) -> Option<IntervalWord> {
    find(INTERVAL_WORDS, lower)
}

/// A unit's name in lower case, copied only if it is not.
pub(super) fn lower(name: &str) -> Cow<'_, str> {
    match name.bytes().any(|b| b.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}

impl Unit {
    /// The unit a field of `extract` or `date_trunc` names, in lower case: an interval's, or one only dates have.
    pub fn parse(lower: &str) -> Option<Unit> {
        match interval_word(lower) {
            Some(IntervalWord::Unit(unit)) => Some(unit),
            Some(_) => None,
            None => match datetime_word(lower) {
                Some(Word::Label(unit)) => Some(unit),
                Some(Word::Reserved(Reserved::Epoch)) => Some(Unit::Epoch),
                Some(Word::Reserved(_)) => Some(Unit::Value),
                _ => None,
            },
        }
    }
}

fn find<T: Copy>(table: &[(&str, T)], lower: &str) -> Option<T> {
    let key = &lower.as_bytes()[..lower.len().min(SIGNIFICANT_CHARS)];
    let index = table.binary_search_by(|(word, _)| word.as_bytes().cmp(key)).ok()?;
    table.get(index).map(|(_, meaning)| *meaning)
}

/// In byte order.
const DATETIME_WORDS: &[(&str, Word)] = &[
    ("-infinity", Word::Reserved(Reserved::NegInfinity)),
    ("ad", Word::Era { bc: false }),
    ("allballs", Word::Reserved(Reserved::Midnight)),
    ("am", Word::Meridiem(Meridiem::Am)),
    ("apr", Word::Month(4)),
    ("april", Word::Month(4)),
    ("at", Word::Filler),
    ("aug", Word::Month(8)),
    ("august", Word::Month(8)),
    ("bc", Word::Era { bc: true }),
    ("d", Word::Label(Unit::Day)),
    ("dec", Word::Month(12)),
    ("december", Word::Month(12)),
    ("dow", Word::Label(Unit::Dow)),
    ("doy", Word::Label(Unit::Doy)),
    ("dst", Word::Daylight),
    ("epoch", Word::Reserved(Reserved::Epoch)),
    ("feb", Word::Month(2)),
    ("february", Word::Month(2)),
    ("fri", Word::Weekday),
    ("friday", Word::Weekday),
    ("h", Word::Label(Unit::Hour)),
    ("infinity", Word::Reserved(Reserved::Infinity)),
    ("isodow", Word::Label(Unit::IsoDow)),
    ("isoyear", Word::Label(Unit::IsoYear)),
    ("j", Word::Label(Unit::Julian)),
    ("jan", Word::Month(1)),
    ("january", Word::Month(1)),
    ("jd", Word::Label(Unit::Julian)),
    ("jul", Word::Month(7)),
    ("julian", Word::Label(Unit::Julian)),
    ("july", Word::Month(7)),
    ("jun", Word::Month(6)),
    ("june", Word::Month(6)),
    ("m", Word::Label(Unit::Month)),
    ("mar", Word::Month(3)),
    ("march", Word::Month(3)),
    ("may", Word::Month(5)),
    ("mm", Word::Label(Unit::Minute)),
    ("mon", Word::Weekday),
    ("monday", Word::Weekday),
    ("nov", Word::Month(11)),
    ("november", Word::Month(11)),
    ("now", Word::Reserved(Reserved::Now)),
    ("oct", Word::Month(10)),
    ("october", Word::Month(10)),
    ("on", Word::Filler),
    ("pm", Word::Meridiem(Meridiem::Pm)),
    ("s", Word::Label(Unit::Second)),
    ("sat", Word::Weekday),
    ("saturday", Word::Weekday),
    ("sep", Word::Month(9)),
    ("sept", Word::Month(9)),
    ("september", Word::Month(9)),
    ("sun", Word::Weekday),
    ("sunday", Word::Weekday),
    ("t", Word::TimeMark),
    ("thu", Word::Weekday),
    ("thur", Word::Weekday),
    ("thurs", Word::Weekday),
    ("thursday", Word::Weekday),
    ("today", Word::Reserved(Reserved::Today)),
    ("tomorrow", Word::Reserved(Reserved::Tomorrow)),
    ("tue", Word::Weekday),
    ("tues", Word::Weekday),
    ("tuesday", Word::Weekday),
    ("wed", Word::Weekday),
    ("wednesday", Word::Weekday),
    ("weds", Word::Weekday),
    ("y", Word::Label(Unit::Year)),
    ("yesterday", Word::Reserved(Reserved::Yesterday)),
];

/// In byte order.
const INTERVAL_WORDS: &[(&str, IntervalWord)] = &[
    ("@", IntervalWord::Filler),
    ("ago", IntervalWord::Ago),
    ("c", IntervalWord::Unit(Unit::Century)),
    ("cent", IntervalWord::Unit(Unit::Century)),
    ("centuries", IntervalWord::Unit(Unit::Century)),
    ("century", IntervalWord::Unit(Unit::Century)),
    ("d", IntervalWord::Unit(Unit::Day)),
    ("day", IntervalWord::Unit(Unit::Day)),
    ("days", IntervalWord::Unit(Unit::Day)),
    ("dec", IntervalWord::Unit(Unit::Decade)),
    ("decade", IntervalWord::Unit(Unit::Decade)),
    ("decades", IntervalWord::Unit(Unit::Decade)),
    ("decs", IntervalWord::Unit(Unit::Decade)),
    ("h", IntervalWord::Unit(Unit::Hour)),
    ("hour", IntervalWord::Unit(Unit::Hour)),
    ("hours", IntervalWord::Unit(Unit::Hour)),
    ("hr", IntervalWord::Unit(Unit::Hour)),
    ("hrs", IntervalWord::Unit(Unit::Hour)),
    ("m", IntervalWord::Unit(Unit::Minute)),
    ("microsecon", IntervalWord::Unit(Unit::Microsecond)),
    ("mil", IntervalWord::Unit(Unit::Millennium)),
    ("millennia", IntervalWord::Unit(Unit::Millennium)),
    ("millennium", IntervalWord::Unit(Unit::Millennium)),
    ("millisecon", IntervalWord::Unit(Unit::Millisecond)),
    ("mils", IntervalWord::Unit(Unit::Millennium)),
    ("min", IntervalWord::Unit(Unit::Minute)),
    ("mins", IntervalWord::Unit(Unit::Minute)),
    ("minute", IntervalWord::Unit(Unit::Minute)),
    ("minutes", IntervalWord::Unit(Unit::Minute)),
    ("mon", IntervalWord::Unit(Unit::Month)),
    ("mons", IntervalWord::Unit(Unit::Month)),
    ("month", IntervalWord::Unit(Unit::Month)),
    ("months", IntervalWord::Unit(Unit::Month)),
    ("ms", IntervalWord::Unit(Unit::Millisecond)),
    ("msec", IntervalWord::Unit(Unit::Millisecond)),
    ("msecond", IntervalWord::Unit(Unit::Millisecond)),
    ("mseconds", IntervalWord::Unit(Unit::Millisecond)),
    ("msecs", IntervalWord::Unit(Unit::Millisecond)),
    ("qtr", IntervalWord::Unit(Unit::Quarter)),
    ("quarter", IntervalWord::Unit(Unit::Quarter)),
    ("s", IntervalWord::Unit(Unit::Second)),
    ("sec", IntervalWord::Unit(Unit::Second)),
    ("second", IntervalWord::Unit(Unit::Second)),
    ("seconds", IntervalWord::Unit(Unit::Second)),
    ("secs", IntervalWord::Unit(Unit::Second)),
    ("timezone", IntervalWord::Unit(Unit::Zone)),
    ("timezone_h", IntervalWord::Unit(Unit::ZoneHour)),
    ("timezone_m", IntervalWord::Unit(Unit::ZoneMinute)),
    ("us", IntervalWord::Unit(Unit::Microsecond)),
    ("usec", IntervalWord::Unit(Unit::Microsecond)),
    ("usecond", IntervalWord::Unit(Unit::Microsecond)),
    ("useconds", IntervalWord::Unit(Unit::Microsecond)),
    ("usecs", IntervalWord::Unit(Unit::Microsecond)),
    ("w", IntervalWord::Unit(Unit::Week)),
    ("week", IntervalWord::Unit(Unit::Week)),
    ("weeks", IntervalWord::Unit(Unit::Week)),
    ("y", IntervalWord::Unit(Unit::Year)),
    ("year", IntervalWord::Unit(Unit::Year)),
    ("years", IntervalWord::Unit(Unit::Year)),
    ("yr", IntervalWord::Unit(Unit::Year)),
    ("yrs", IntervalWord::Unit(Unit::Year)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_order() {
        assert!(DATETIME_WORDS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(INTERVAL_WORDS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn long_words_match_by_their_beginning() {
        assert_eq!(interval_word("microseconds"), Some(IntervalWord::Unit(Unit::Microsecond)));
        assert_eq!(Unit::parse("timezone_hour"), Some(Unit::ZoneHour));
        assert_eq!(datetime_word("septembers"), None);
    }
}

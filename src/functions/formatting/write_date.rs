//! `to_char` of timestamps and intervals.

use dictdb_types::datetime::calendar::{
    Civil, IntervalFields, UNIX_EPOCH_JULIAN, day_of_year, days_from_civil, iso_week, iso_year_start, weekday,
};
use dictdb_types::{Error, Interval, Result, SqlState};

use super::date_template::{Case, Field, FieldNode, Node};
use super::ordinal::ending;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// January first.
pub(super) const ROMAN_MONTHS: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];
/// Names of months and days are padded to the longest of them.
const NAME_WIDTH: usize = 9;

/// What a template prints: the fields of a timestamp, or those of an interval.
pub(super) struct Moment {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    /// From Sunday; without meaning for an interval.
    weekday: i64,
    /// For an interval its length in days, with months of 30.
    year_day: i64,
    /// Seconds east of UTC.
    east: i64,
    zone: Option<String>,
    interval: bool,
}

impl Moment {
    /// A timestamp's fields; offset and abbreviation for `timestamptz`.
    pub(super) fn of_timestamp(civil: &Civil, east: i32, zone: Option<String>) -> Moment {
        Moment {
            year: civil.year.into(),
            month: civil.month.into(),
            day: civil.day.into(),
            hour: civil.hour.into(),
            minute: civil.minute.into(),
            second: civil.second.into(),
            micros: civil.micros.into(),
            weekday: weekday(civil.days()).into(),
            year_day: day_of_year(civil.year, civil.month, civil.day).into(),
            east: east.into(),
            zone,
            interval: false,
        }
    }

    /// An interval's fields.
    pub(super) fn of_interval(interval: &Interval) -> Moment {
        let fields = IntervalFields::from(interval);
        Moment {
            year: fields.years.into(),
            month: fields.months.into(),
            day: fields.days.into(),
            hour: fields.hours,
            minute: fields.minutes.into(),
            second: fields.seconds.into(),
            micros: fields.micros.into(),
            weekday: 0,
            year_day: i64::from(interval.months) * 30 + i64::from(fields.days),
            east: 0,
            zone: None,
            interval: true,
        }
    }

    /// The day count of the date; an interval's fields are taken for one.
    fn days(&self) -> i64 {
        days_from_civil(self.year as i32, self.month as i32, self.day as i32)
    }

    /// The year as people count.
    fn display_year(&self, year: i64) -> i64 {
        if self.interval || year > 0 { year } else { 1 - year }
    }

    fn iso_year(&self) -> i64 {
        iso_week(self.days()).0.into()
    }

    fn century(&self) -> i64 {
        match self.year {
            year if self.interval => year / 100,
            year if year > 0 => (year - 1) / 100 + 1,
            year => year / 100 - 1,
        }
    }
}

/// Prints a moment. 22007 for fields an interval does not have.
pub(super) fn write(nodes: &[Node], moment: &Moment) -> Result<String> {
    let mut out = String::with_capacity(nodes.len() * 3);
    for node in nodes {
        match node {
            Node::Field(node) => write_field(node, moment, &mut out)?,
            Node::Separator(c) | Node::Quoted(c) | Node::Text(c) => out.push(*c),
        }
    }
    Ok(out)
}

fn write_field(node: &FieldNode, moment: &Moment, out: &mut String) -> Result<()> {
    if moment.interval && !exists_in_intervals(node.field) {
        return Err(Error::new(
            SqlState::INVALID_DATETIME_FORMAT,
            "invalid format specification for an interval value",
        )
        .hint("Intervals are not tied to specific calendar dates."));
    }
    if let Some(number) = number(node, moment) {
        let digits = number?;
        out.push_str(&digits);
        if let Some(case) = node.ordinal {
            out.push_str(ending(&digits, case)?);
        }
    } else {
        word(node, moment, out);
    }
    Ok(())
}

fn exists_in_intervals(field: Field) -> bool {
    !matches!(
        field,
        Field::Zone
            | Field::ZoneHour
            | Field::ZoneMinute
            | Field::Offset
            | Field::Era { .. }
            | Field::Month
            | Field::MonthShort
            | Field::Day
            | Field::DayShort
            | Field::WeekDay
            | Field::IsoWeekDay
    )
}

/// A number with at least `width` digits, zeros before them; the sign takes a place more.
fn padded(value: i64, width: usize, fill: bool) -> String {
    match (fill, value < 0) {
        (true, _) => value.to_string(),
        (false, false) => format!("{value:0width$}"),
        (false, true) => format!("{value:0width$}", width = width + 1),
    }
}

/// The digits of a numeric field, which may take an ordinal ending.
fn number(node: &FieldNode, moment: &Moment) -> Option<Result<String>> {
    let fill = node.fill;
    let fraction = |digits: u32| {
        let value = moment.micros / 10_i64.pow(6 - digits);
        // The width counts the sign here.
        format!("{value:0width$}", width = digits as usize)
    };
    let year = |year: i64, digits: u8| {
        let year = moment.display_year(year);
        match digits {
            1 => (year % 10).to_string(),
            4 => padded(year, 4, fill),
            digits => padded_like(year, year % 10_i64.pow(digits.into()), digits.into(), fill),
        }
    };
    Some(Ok(match node.field {
        Field::Hour12 => {
            let hour = if moment.hour % 12 == 0 { 12 } else { moment.hour % 12 };
            padded_like(moment.hour, hour, 2, fill)
        }
        Field::Hour24 => padded(moment.hour, 2, fill),
        Field::Minute => padded(moment.minute, 2, fill),
        Field::Second => padded(moment.second, 2, fill),
        Field::Fraction(digits) => fraction(digits.into()),
        Field::Millisecond => fraction(3),
        Field::Microsecond => fraction(6),
        Field::SecondOfDay => (moment.hour * 3600 + moment.minute * 60 + moment.second).to_string(),
        Field::MonthNumber => padded(moment.month, 2, fill),
        Field::YearDay => exact_width(moment.year_day, 3, fill),
        Field::IsoYearDay => exact_width(moment.days() - iso_year_start(moment.iso_year() as i32) + 1, 3, fill),
        Field::MonthDay => exact_width(moment.day, 2, fill),
        Field::WeekDay => (moment.weekday + 1).to_string(),
        Field::IsoWeekDay => if moment.weekday == 0 { 7 } else { moment.weekday }.to_string(),
        Field::Week => exact_width((moment.year_day - 1) / 7 + 1, 2, fill),
        Field::IsoWeek => exact_width(iso_week(moment.days()).1.into(), 2, fill),
        Field::Quarter if moment.month == 0 => return None,
        Field::Quarter => ((moment.month - 1) / 3 + 1).to_string(),
        Field::Century => padded(moment.century(), 2, fill),
        Field::YearWithComma => {
            let year = moment.display_year(moment.year);
            format!("{},{:03}", year / 1000, year % 1000)
        }
        Field::Year(digits) => year(moment.year, digits),
        Field::IsoYear(digits) => year(moment.iso_year(), digits),
        Field::MonthWeek => ((moment.day - 1) / 7 + 1).to_string(),
        Field::Julian => (moment.days() + i64::from(UNIX_EPOCH_JULIAN)).to_string(),
        _ => return None,
    }))
}

/// A number padded as wide as the sign of another one asks.
fn padded_like(sign: i64, value: i64, width: usize, fill: bool) -> String {
    match fill {
        true => value.to_string(),
        false => format!("{value:0width$}", width = width + usize::from(sign < 0)),
    }
}

/// A number padded to a width that counts the sign.
fn exact_width(value: i64, width: usize, fill: bool) -> String {
    if fill { value.to_string() } else { format!("{value:0width$}") }
}

/// A field that is words, signs, or a number without ordinal ending.
fn word(node: &FieldNode, moment: &Moment, out: &mut String) {
    match node.field {
        Field::Meridiem { dotted } => {
            let pm = moment.hour % 24 >= 12;
            cased(
                match (pm, dotted) {
                    (false, false) => "AM",
                    (true, false) => "PM",
                    (false, true) => "A.M.",
                    (true, true) => "P.M.",
                },
                node.case,
                out,
            );
        }
        Field::Era { dotted } => {
            cased(
                match (moment.year <= 0, dotted) {
                    (false, false) => "AD",
                    (true, false) => "BC",
                    (false, true) => "A.D.",
                    (true, true) => "B.C.",
                },
                node.case,
                out,
            );
        }
        Field::Month => name(MONTHS[month_index(moment)], node, out),
        Field::MonthShort => cased(&MONTHS[month_index(moment)][..3], node.case, out),
        Field::Day => name(DAYS[weekday_index(moment)], node, out),
        Field::DayShort => cased(&DAYS[weekday_index(moment)][..3], node.case, out),
        Field::RomanMonth => roman_month(node, moment, out),
        Field::Zone => cased(moment.zone.as_deref().unwrap_or_default(), keep_upper(node.case), out),
        Field::ZoneHour => out.push_str(&format!("{}{:02}", zone_sign(moment), moment.east.abs() / 3600)),
        Field::ZoneMinute => out.push_str(&format!("{:02}", moment.east.abs() % 3600 / 60)),
        Field::Offset => {
            out.push(zone_sign(moment));
            out.push_str(&padded(moment.east.abs() / 3600, 2, node.fill));
            if moment.east % 3600 != 0 {
                out.push_str(&format!(":{:02}", moment.east.abs() % 3600 / 60));
            }
        }
        _ => {}
    }
}

/// An abbreviation is printed as it is, or in lower case.
fn keep_upper(case: Case) -> Case {
    if case == Case::Lower { Case::Lower } else { Case::Title }
}

fn zone_sign(moment: &Moment) -> char {
    if moment.east < 0 { '-' } else { '+' }
}

fn month_index(moment: &Moment) -> usize {
    (moment.month - 1).clamp(0, 11) as usize
}

fn weekday_index(moment: &Moment) -> usize {
    moment.weekday.clamp(0, 6) as usize
}

/// A name, padded unless `FM` or `TM` asks otherwise.
fn name(text: &str, node: &FieldNode, out: &mut String) {
    cased(text, node.case, out);
    if !node.fill && !node.localized {
        out.extend(std::iter::repeat_n(' ', NAME_WIDTH.saturating_sub(text.len())));
    }
}

/// Text given in title case (or upper case, for which title case changes nothing).
fn cased(text: &str, case: Case, out: &mut String) {
    match case {
        Case::Title => out.push_str(text),
        Case::Upper => out.push_str(&text.to_ascii_uppercase()),
        Case::Lower => out.push_str(&text.to_ascii_lowercase()),
    }
}

/// The month in Roman numerals. Months of an interval count back from December when negative; a whole number of years
/// is December, or January when negative.
fn roman_month(node: &FieldNode, moment: &Moment, out: &mut String) {
    let index = match moment.month {
        0 if moment.year == 0 => return,
        0 if moment.year > 0 => 11,
        0 => 0,
        month if month > 0 => month - 1,
        month => 12 + month,
    };
    let numeral = ROMAN_MONTHS[index.clamp(0, 11) as usize];
    cased(numeral, node.case, out);
    if !node.fill {
        out.extend(std::iter::repeat_n(' ', 4_usize.saturating_sub(numeral.len())));
    }
}

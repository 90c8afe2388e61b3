//! Units of settings: `4MB`, `1500ms`. The tables and the rounding are those of PostgreSQL's `guc.c`.

/// The unit a setting's number is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain number.
    None,
    /// Bytes.
    Byte,
    /// 1024 bytes.
    Kilobyte,
    /// 1024² bytes.
    Megabyte,
    /// Disk blocks of 8192 bytes.
    Block,
    /// Milliseconds.
    Millisecond,
    /// Seconds.
    Second,
    /// Minutes.
    Minute,
}

/// How many base units one written unit is, largest first: the order in which a value is shown.
type Conversions = &'static [(&'static str, f64)];

const KIB: f64 = 1024.0;
const BYTES: Conversions =
    &[("TB", KIB * KIB * KIB * KIB), ("GB", KIB * KIB * KIB), ("MB", KIB * KIB), ("kB", KIB), ("B", 1.0)];
const KILOBYTES: Conversions =
    &[("TB", KIB * KIB * KIB), ("GB", KIB * KIB), ("MB", KIB), ("kB", 1.0), ("B", 1.0 / KIB)];
const MEGABYTES: Conversions =
    &[("TB", KIB * KIB), ("GB", KIB), ("MB", 1.0), ("kB", 1.0 / KIB), ("B", 1.0 / (KIB * KIB))];
const BLOCKS: Conversions = &[
    ("TB", KIB * KIB * KIB / 8.0),
    ("GB", KIB * KIB / 8.0),
    ("MB", KIB / 8.0),
    ("kB", 1.0 / 8.0),
    ("B", 1.0 / 8192.0),
];
const MILLISECONDS: Conversions =
    &[("d", 86_400_000.0), ("h", 3_600_000.0), ("min", 60_000.0), ("s", 1000.0), ("ms", 1.0), ("us", 0.001)];
const SECONDS: Conversions =
    &[("d", 86_400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 0.001), ("us", 0.000_001)];
const MINUTES: Conversions =
    &[("d", 1440.0), ("h", 60.0), ("min", 1.0), ("s", 1.0 / 60.0), ("ms", 1.0 / 60_000.0), ("us", 1.0 / 60_000_000.0)];

const MEMORY_HINT: &str = r#"Valid units for this parameter are "B", "kB", "MB", "GB", and "TB"."#;
const TIME_HINT: &str = r#"Valid units for this parameter are "us", "ms", "s", "min", "h", and "d"."#;

impl Unit {
    /// The unit by its name in `pg_settings.unit`.
    pub(super) fn by_name(name: &str) -> Unit {
        match name {
            "B" => Unit::Byte,
            "kB" => Unit::Kilobyte,
            "MB" => Unit::Megabyte,
            "8kB" => Unit::Block,
            "ms" => Unit::Millisecond,
            "s" => Unit::Second,
            "min" => Unit::Minute,
            _ => Unit::None,
        }
    }

    /// `pg_settings.unit`.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Unit::None => None,
            Unit::Byte => Some("B"),
            Unit::Kilobyte => Some("kB"),
            Unit::Megabyte => Some("MB"),
            Unit::Block => Some("8kB"),
            Unit::Millisecond => Some("ms"),
            Unit::Second => Some("s"),
            Unit::Minute => Some("min"),
        }
    }

    fn conversions(self) -> Conversions {
        match self {
            Unit::None => &[],
            Unit::Byte => BYTES,
            Unit::Kilobyte => KILOBYTES,
            Unit::Megabyte => MEGABYTES,
            Unit::Block => BLOCKS,
            Unit::Millisecond => MILLISECONDS,
            Unit::Second => SECONDS,
            Unit::Minute => MINUTES,
        }
    }

    /// The hint that lists the units, for a setting that has one.
    pub(super) fn hint(self) -> Option<&'static str> {
        match self {
            Unit::None => None,
            Unit::Byte | Unit::Kilobyte | Unit::Megabyte | Unit::Block => Some(MEMORY_HINT),
            Unit::Millisecond | Unit::Second | Unit::Minute => Some(TIME_HINT),
        }
    }

    /// `value` written in unit `name`, counted in this unit; `None` when there is no such unit. A fraction is rounded to
    /// the next smaller unit: `30.1GB` is a whole number of megabytes.
    pub(super) fn to_base(self, value: f64, name: &str) -> Option<f64> {
        let table = self.conversions();
        let index = table.iter().position(|(unit, _)| *unit == name)?;
        let scaled = value * table[index].1;
        Some(match table.get(index + 1) {
            Some((_, smaller)) => (scaled / smaller).round_ties_even() * smaller,
            None => scaled,
        })
    }

    /// The largest unit that shows a whole number, and that number.
    pub(super) fn largest_whole(self, value: i64) -> (i64, &'static str) {
        for (name, factor) in self.conversions() {
            if *factor <= 1.0 {
                return ((value as f64 / factor).round_ties_even() as i64, name);
            }
            if value % (*factor as i64) == 0 {
                return (value / *factor as i64, name);
            }
        }
        (value, "")
    }

    /// Likewise for a fractional setting: the first unit in which the value is whole to within rounding.
    pub(super) fn largest_whole_real(self, value: f64) -> (f64, &'static str) {
        let mut shown = (value, "");
        for (name, factor) in self.conversions() {
            shown = (value / factor, name);
            if shown.0 > 0.0 && (shown.0.round_ties_even() / shown.0 - 1.0).abs() <= 1e-8 {
                break;
            }
        }
        shown
    }
}

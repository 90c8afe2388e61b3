//! Names of backup files: what kind, and when, to the microsecond.

use std::fmt;

/// A full backup or the changes since the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Everything.
    Full,
    /// What changed since its parent.
    Delta,
}

impl Kind {
    /// As it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Full => "full",
            Kind::Delta => "delta",
        }
    }
}

/// How a backup is written: `backup_format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines that a person and the original package can read.
    Json,
    /// Compressed columns: quick.
    Arrow,
}

impl Format {
    /// The format of a setting's value, which is also the ending of its files.
    pub fn of(name: &str) -> Format {
        if name == Format::Arrow.ending() { Format::Arrow } else { Format::Json }
    }

    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Arrow => "arrow",
        }
    }
}

const PREFIXES: [(Kind, &str); 2] = [(Kind::Full, "dictdb_backup_"), (Kind::Delta, "dictdb_delta_")];
/// Endings that backup files have.
const ENDINGS: [&str; 3] = ["json", "arrow", "pickle"];
const MICROS_PER_SECOND: i64 = 1_000_000;

/// `dictdb_backup_<seconds>_<micros>.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// What is in it.
    pub kind: Kind,
    /// When it was begun, in microseconds since 1970.
    pub micros: i64,
    /// The format, as its ending.
    pub ending: &'static str,
}

impl FileName {
    /// Takes a name apart; `None` when it is none of a backup file.
    pub fn parse(name: &str) -> Option<FileName> {
        let (stem, ending) = name.rsplit_once('.')?;
        let ending = ENDINGS.into_iter().find(|known| *known == ending)?;
        let (kind, rest) = PREFIXES.iter().find_map(|(kind, prefix)| Some((*kind, stem.strip_prefix(prefix)?)))?;
        let (seconds, fraction) = rest.split_once('_')?;
        let micros: i64 = (fraction.len() == 6).then(|| fraction.parse().ok())??;
        let seconds: i64 = seconds.parse().ok()?;
        Some(FileName { kind, micros: seconds.checked_mul(MICROS_PER_SECOND)?.checked_add(micros)?, ending })
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = PREFIXES.iter().find(|(kind, _)| *kind == self.kind).map_or("", |(_, prefix)| prefix);
        let (seconds, micros) = (self.micros / MICROS_PER_SECOND, self.micros % MICROS_PER_SECOND);
        write!(f, "{prefix}{seconds}_{micros:06}.{}", self.ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let name = FileName { kind: Kind::Full, micros: 1_234_567_890_012_345, ending: "json" };
        assert_eq!(name.to_string(), "dictdb_backup_1234567890_012345.json");
        assert_eq!(FileName::parse("dictdb_backup_1234567890_012345.json"), Some(name));
        assert_eq!(FileName::parse("dictdb_delta_1_000002.json").unwrap().micros, 1_000_002);
        for other in ["dictdb_backup_1_2.json", "dictdb_backup_1_000002.txt", ".dictdb_delta_1_000002.json.tmp", "x"] {
            assert_eq!(FileName::parse(other), None, "{other}");
        }
    }
}

//! Which fields of a date, time or interval a text has given already. A field given twice is an error.

use std::ops::{BitOr, BitOrAssign};

/// A set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(u32);

macro_rules! fields {
    ($($name:ident),* $(,)?) => { fields!(@number 0u32; $($name)*); };
    (@number $bit:expr; $name:ident $($rest:ident)*) => {
        pub(super) const $name: Seen = Seen(1 << $bit);
        fields!(@number $bit + 1; $($rest)*);
    };
    (@number $bit:expr;) => {};
}

impl Seen {
    pub(super) const NOTHING: Seen = Seen(0);

    fields! {
        YEAR, MONTH, DAY, YEAR_DAY, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, ZONE, DAYLIGHT, DAYLIGHT_MODIFIER,
        DYNAMIC_ZONE, MERIDIEM, ERA, WEEKDAY, RESERVED, WEEK, DECADE, CENTURY, MILLENNIUM,
    }

    /// Year, month and day.
    pub(super) const DATE: Seen = Seen(Self::YEAR.0 | Self::MONTH.0 | Self::DAY.0);
    /// Seconds with their fraction.
    pub(super) const ALL_SECONDS: Seen = Seen(Self::SECOND.0 | Self::MILLISECOND.0 | Self::MICROSECOND.0);
    /// A time of day.
    pub(super) const TIME: Seen = Seen(Self::HOUR.0 | Self::MINUTE.0 | Self::ALL_SECONDS.0);

    /// Whether all of `fields` are here.
    pub(super) fn contains(self, fields: Seen) -> bool {
        self.0 & fields.0 == fields.0
    }

    /// Whether any of `fields` is here.
    pub(super) fn intersects(self, fields: Seen) -> bool {
        self.0 & fields.0 != 0
    }

    /// Those of `fields` that are here.
    pub(super) fn only(self, fields: Seen) -> Seen {
        Seen(self.0 & fields.0)
    }

    /// Without `fields`.
    pub(super) fn without(self, fields: Seen) -> Seen {
        Seen(self.0 & !fields.0)
    }
}

impl BitOr for Seen {
    type Output = Seen;

    fn bitor(self, other: Seen) -> Seen {
        Seen(self.0 | other.0)
    }
}

impl BitOrAssign for Seen {
    fn bitor_assign(&mut self, other: Seen) {
        self.0 |= other.0;
    }
}

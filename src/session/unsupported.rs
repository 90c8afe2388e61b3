//! What clients asked for and DictDB has not: every 0A000 that was answered, by feature (`dictdb.unsupported_usage`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use dictdb_types::{Error, SqlState};
use parking_lot::Mutex;

use crate::clock;

/// Features that are told apart; what more there are is counted as one.
const MAX_FEATURES: usize = 1000;
/// Bytes of a feature's name.
const MAX_NAME_BYTES: usize = 200;
/// The name of all others.
const OTHERS: &str = "(others)";

/// How often a feature was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Times.
    pub(crate) count: u64,
    /// The last time, in microseconds since 1970.
    pub(crate) last_micros: i64,
}

/// The count since the server started.
#[derive(Default)]
pub(crate) struct UnsupportedUsage {
    features: Mutex<BTreeMap<String, Wanted>>,
}

impl UnsupportedUsage {
    /// Counts an error, if it is one of these.
    pub(crate) fn count(&self, error: &Error) {
        if error.code() != SqlState::FEATURE_NOT_SUPPORTED {
            return;
        }
        let feature = feature(error.message());
        let mut features = self.features.lock();
        let is_known = features.contains_key(&*feature);
        let name = if is_known || features.len() < MAX_FEATURES { &*feature } else { OTHERS };
        let wanted = match features.get_mut(name) {
            Some(wanted) => wanted,
            None => features.entry(name.to_owned()).or_default(),
        };
        *wanted = Wanted { count: wanted.count + 1, last_micros: clock::now_micros() };
    }

    /// All features.
    pub(crate) fn all(&self) -> Vec<(String, Wanted)> {
        self.features.lock().iter().map(|(name, wanted)| (name.clone(), *wanted)).collect()
    }

    /// All times together.
    pub(crate) fn total(&self) -> u64 {
        self.features.lock().values().map(|wanted| wanted.count).sum()
    }
}

/// What a message names: our own end in "is not supported". Names of users' objects in PostgreSQL's own are no part of a feature.
fn feature(message: &str) -> Cow<'_, str> {
    let cut = |text: &str| text.floor_char_boundary(MAX_NAME_BYTES);
    if let Some(feature) = message.strip_suffix(" is not supported") {
        return Cow::Borrowed(&feature[..cut(feature)]);
    }
    let parts = message.split('"').enumerate().map(|(index, part)| if index % 2 == 0 { part } else { "…" });
    let mut feature = parts.collect::<Vec<_>>().join("\"");
    feature.truncate(cut(&feature));
    Cow::Owned(feature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_counted_under_one_name() {
        let usage = UnsupportedUsage::default();
        for _ in 0..2 {
            usage.count(&Error::unsupported("client encoding \"X\""));
        }
        for name in ["a", "b"] {
            let message = format!("cannot alter table \"{name}\" because it is so");
            usage.count(&Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        usage.count(&Error::internal("something else"));
        let counted: Vec<(String, u64)> = usage.all().into_iter().map(|(name, wanted)| (name, wanted.count)).collect();
        let expected =
            [("cannot alter table \"…\" because it is so".to_owned(), 2), ("client encoding \"X\"".to_owned(), 2)];
        assert_eq!(counted, expected);
    }

    #[test]
    fn features_without_number_are_one() {
        let usage = UnsupportedUsage::default();
        (0..MAX_FEATURES + 5).for_each(|number| usage.count(&Error::unsupported(format!("feature {number}"))));
        let counted = usage.all();
        assert_eq!(counted.len(), MAX_FEATURES + 1);
        assert_eq!(counted.iter().find(|(name, _)| name == OTHERS).map(|(_, wanted)| wanted.count), Some(5));
        assert_eq!(usage.total(), MAX_FEATURES as u64 + 5);
    }
}

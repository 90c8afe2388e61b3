//! How old a cached result may be: `dictdb.cache_policy`.

use std::time::Duration;

/// A policy; none is that a result must be what the query would give now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The value of the setting.
    pub name: &'static str,
    /// For how long a result is good.
    pub ttl: Duration,
}

const MINUTE: u64 = 60;

/// All policies.
pub const POLICIES: [Policy; 4] = [
    Policy { name: "latest_sample", ttl: Duration::from_secs(10) },
    Policy { name: "dashboard_metrics", ttl: Duration::from_secs(5 * MINUTE) },
    Policy { name: "device_stats", ttl: Duration::from_secs(15 * MINUTE) },
    Policy { name: "hourly_aggregates", ttl: Duration::from_secs(10 * MINUTE) },
];

impl Policy {
    /// The place in [`POLICIES`] of a policy.
    pub(crate) fn named(name: &str) -> Option<usize> {
        POLICIES.iter().position(|policy| policy.name == name)
    }
}

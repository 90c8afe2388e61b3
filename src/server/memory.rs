//! How much memory there is: the machine's, or what the control group allows.

use std::fs;

/// Share of the memory that statements may use when nothing is configured.
const SHARE_PERCENT: u64 = 75;
/// Assumed when the system does not say.
const FALLBACK_BYTES: u64 = 1 << 30;

/// The default budget in bytes.
pub(crate) fn default_budget() -> usize {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    let available = machine.into_iter().chain(group).min().unwrap_or(FALLBACK_BYTES);
    usize::try_from(available / 100 * SHARE_PERCENT).unwrap_or(usize::MAX)
}

/// `MemTotal` in bytes.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::total_of;

    #[test]
    fn the_machine_says_it_in_kilobytes() {
        assert_eq!(
            total_of("MemFree: 1 kB\nMemTotal:       2048 kB\n").or(total_of("MemTotal: 2048 kB")),
            Some(2 << 20)
        );
        assert_eq!(total_of(""), None);
    }
}

//! How much memory there is: the machine's, or what the control group allows.

use std::fs;

/// Share of the memory that statements may use when nothing is configured.
const SHARE_PERCENT: u64 = 75;
/// Assumed when the system does not say.
const FALLBACK_BYTES: u64 = 1 << 30;

/// The default budget in bytes.
pub(crate) fn default_budget() -> usize {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let groups = limit_files(&own).into_iter().filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    let available = machine.into_iter().chain(groups).min().unwrap_or(FALLBACK_BYTES);
    usize::try_from(available / 100 * SHARE_PERCENT).unwrap_or(usize::MAX)
}

/// Where limits of the process's control groups may stand: its own and all above it, of either version. A group without a limit says
/// `max`, or a number beyond every machine.
fn limit_files(own: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            other if other.split(',').any(|controller| controller == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let mut group = path.trim_end_matches('/');
        loop {
            files.push(format!("{root}{group}/{name}"));
            match group.rsplit_once('/') {
                Some((above, _)) => group = above,
                None => break,
            }
        }
    }
    files
}

/// `MemTotal` in bytes.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::{limit_files, total_of};

    #[test]
    fn groups_are_limited_by_those_above_them() {
        assert_eq!(
            limit_files("0::/a/b\n"),
            ["/sys/fs/cgroup/a/b/memory.max", "/sys/fs/cgroup/a/memory.max", "/sys/fs/cgroup/memory.max"]
        );
        let first = "12:cpu,cpuacct:/x\n7:memory:/docker/y\n";
        assert_eq!(limit_files(first).last().unwrap(), "/sys/fs/cgroup/memory/memory.limit_in_bytes");
        assert!(limit_files("").is_empty());
    }

    #[test]
    fn the_machine_says_it_in_kilobytes() {
        assert_eq!(
            total_of("MemFree: 1 kB\nMemTotal:       2048 kB\n").or(total_of("MemTotal: 2048 kB")),
            Some(2 << 20)
        );
        assert_eq!(total_of(""), None);
    }
}

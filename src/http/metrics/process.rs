//! The process as the kernel knows it, under the names that every exporter gives these numbers.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::names::Readings;

/// Clock ticks of a second in `/proc`: `USER_HZ`, which Linux has fixed for programs.
const TICKS: f64 = 100.0;
/// Fields of `/proc/self/stat` behind the command's closing parenthesis.
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const START_TICKS: usize = 19;

/// Reads what `/proc` says; nothing where there is no `/proc`.
pub(super) fn read(readings: &Readings) {
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        for (field, name) in [("VmRSS:", "process_resident_memory_bytes"), ("VmSize:", "process_virtual_memory_bytes")]
        {
            if let Some(bytes) = kilobytes(&status, field) {
                readings.put(name, &[], bytes * 1024.0);
            }
        }
    }
    if let Ok(stat) = fs::read_to_string("/proc/self/stat") {
        let fields: Vec<f64> = numbers(&stat);
        if let (Some(user), Some(system)) = (fields.get(USER_TICKS), fields.get(SYSTEM_TICKS)) {
            readings.put("process_cpu_seconds_total", &[], (user + system) / TICKS);
        }
        if let (Some(start), Some(booted)) = (fields.get(START_TICKS), boot_time()) {
            readings.put("process_start_time_seconds", &[], booted + start / TICKS);
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        readings.put("process_open_fds", &[], open.count() as f64);
    }
    if let Some(limit) = fs::read_to_string("/proc/self/limits").ok().as_deref().and_then(open_files) {
        readings.put("process_max_fds", &[], limit);
    }
}

fn kilobytes(status: &str, field: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The fields behind the command, which may hold blanks and parentheses itself.
fn numbers(stat: &str) -> Vec<f64> {
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_ascii_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect()
}

/// When the machine was started, in seconds since 1970.
fn boot_time() -> Option<f64> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let up: f64 = uptime.split_ascii_whitespace().next()?.parse().ok()?;
    Some(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64() - up)
}

fn open_files(limits: &str) -> Option<f64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_parentheses_does_not_shift_the_fields() {
        let stat = "1 (a ) b) S 1 1 1 0 -1 4194560 1 0 0 0 7 3 0 0 20 0 4 0 500 1 1";
        let fields = numbers(stat);
        assert_eq!((fields[USER_TICKS], fields[SYSTEM_TICKS], fields[START_TICKS]), (7.0, 3.0, 500.0));
    }
}

//! Ports for servers of tests. A port that was free when somebody looked may be taken when the server binds it: by the server of
//! another test, or by a client, whose end of a connection has a port as well. So ports are reserved with locks on files, and are
//! none of those that the system gives to clients.

use std::fs::{File, OpenOptions};
use std::io::{Error, Result};
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

/// The first port that is tried; those below belong to services.
const FIRST: u16 = 10_000;
/// Where clients' ports begin if the system does not say.
const CLIENTS: u16 = 32_768;

/// A port that no other test has while this value lives.
pub struct Port {
    /// Its number.
    pub number: u16,
    _lock: File,
}

impl Port {
    /// Reserves one that nobody listens on.
    pub fn reserve() -> Result<Port> {
        static TRIED: AtomicU16 = AtomicU16::new(0);
        let folder = std::env::temp_dir().join("dictdb-test-ports");
        std::fs::create_dir_all(&folder)?;
        let count = clients_begin().saturating_sub(FIRST).max(1000);
        // Processes begin at different places, so that they seldom meet.
        let start = std::process::id().wrapping_mul(997);
        for _ in 0..count {
            let offset = start.wrapping_add(u32::from(TRIED.fetch_add(1, Ordering::Relaxed)));
            let number = FIRST + (offset % u32::from(count)) as u16;
            let file = OpenOptions::new().create(true).append(true).open(folder.join(number.to_string()));
            // A file of another user is a port of another user.
            if let Ok(file) = file
                && file.try_lock().is_ok()
                && TcpListener::bind(("127.0.0.1", number)).is_ok()
            {
                return Ok(Port { number, _lock: file });
            }
        }
        Err(Error::other("no port is free"))
    }
}

/// The first port that the system gives to clients.
fn clients_begin() -> u16 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(CLIENTS)
}

/// A port nobody listens on, reserved until the process ends.
pub fn free_port() -> Result<u16> {
    static KEPT: Mutex<Vec<Port>> = Mutex::new(Vec::new());
    let port = Port::reserve()?;
    let number = port.number;
    KEPT.lock().expect("nobody panics").push(port);
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_gets_a_reserved_port() {
        let ports: Vec<Port> = (0..50).map(|_| Port::reserve().unwrap()).collect();
        let mut numbers: Vec<u16> = ports.iter().map(|port| port.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 50);
        let file = std::env::temp_dir().join("dictdb-test-ports").join(numbers[0].to_string());
        assert!(File::open(file).unwrap().try_lock().is_err());
    }
}

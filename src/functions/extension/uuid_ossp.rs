//! `uuid-ossp`: UUIDs by time, by name and by chance.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use md5::Md5;
use sha1::Sha1;
use sha2::Digest;
use uuid::{Builder, Uuid};

use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "uuid_nil" => | | *Uuid::nil().as_bytes(),
    "uuid_ns_dns" => | | *Uuid::NAMESPACE_DNS.as_bytes(),
    "uuid_ns_url" => | | *Uuid::NAMESPACE_URL.as_bytes(),
    "uuid_ns_oid" => | | *Uuid::NAMESPACE_OID.as_bytes(),
    "uuid_ns_x500" => | | *Uuid::NAMESPACE_X500.as_bytes(),
    "uuid_generate_v1" => | | by_time(&NODE),
    "uuid_generate_v1mc" => | | by_time(&random_node()),
    "uuid_generate_v3" => |space: [u8; 16], name: &str| by_md5(&space, name),
    "uuid_generate_v4" => | | *Uuid::new_v4().as_bytes(),
    "uuid_generate_v5" => |space: [u8; 16], name: &str| by_sha1(&space, name),
};

/// The node of this process. Its multicast bit is set, as of every address that is no network card's.
static NODE: LazyLock<[u8; 6]> = LazyLock::new(random_node);
/// Keeps apart what other processes with the same node make.
static SEQUENCE: LazyLock<[u8; 2]> = LazyLock::new(|| {
    let random = Uuid::new_v4();
    [random.as_bytes()[0] & 0x3f | 0x80, random.as_bytes()[1]]
});
/// The last time that was given away: none is given twice.
static LAST_TICK: AtomicU64 = AtomicU64::new(0);
/// From the beginning of the Gregorian calendar to that of Unix time, in units of 100 ns.
const GREGORIAN_TICKS: u64 = 0x01b2_1dd2_1381_4000;

fn random_node() -> [u8; 6] {
    let random = Uuid::new_v4();
    let mut node = [0; 6];
    node.copy_from_slice(&random.as_bytes()[..6]);
    node[0] |= 1;
    node
}

/// RFC 4122, version 1.
fn by_time(node: &[u8; 6]) -> [u8; 16] {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = (since.as_nanos() / 100) as u64 + GREGORIAN_TICKS;
    let last = LAST_TICK.fetch_max(now, Ordering::Relaxed);
    let tick = if now > last { now } else { LAST_TICK.fetch_add(1, Ordering::Relaxed) + 1 };
    let (low, middle, high) = (tick as u32, (tick >> 32) as u16, (tick >> 48) as u16 & 0x0fff | 0x1000);
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&low.to_be_bytes());
    bytes[4..6].copy_from_slice(&middle.to_be_bytes());
    bytes[6..8].copy_from_slice(&high.to_be_bytes());
    bytes[8..10].copy_from_slice(&*SEQUENCE);
    bytes[10..].copy_from_slice(node);
    bytes
}

fn by_md5(space: &[u8; 16], name: &str) -> [u8; 16] {
    let hash = Md5::new().chain_update(space).chain_update(name).finalize();
    *Builder::from_md5_bytes(hash.into()).as_uuid().as_bytes()
}

fn by_sha1(space: &[u8; 16], name: &str) -> [u8; 16] {
    let hash = Sha1::new().chain_update(space).chain_update(name).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    *Builder::from_sha1_bytes(bytes).as_uuid().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_what_rfc_4122_says() {
        let space = Uuid::NAMESPACE_DNS;
        let shown = |bytes| Uuid::from_bytes(bytes).to_string();
        assert_eq!(shown(by_md5(space.as_bytes(), "www.widgets.com")), "3d813cbb-47fb-32ba-91df-831e1593ac29");
        assert_eq!(shown(by_sha1(space.as_bytes(), "www.widgets.com")), "21f7f8de-8051-5b89-8680-0195ef798b6a");
    }

    #[test]
    fn no_time_comes_twice() {
        let made: std::collections::BTreeSet<_> = (0..10_000).map(|_| by_time(&NODE)).collect();
        assert_eq!(made.len(), 10_000);
        let one = Uuid::from_bytes(by_time(&NODE));
        assert_eq!((one.get_version_num(), one.get_variant()), (1, uuid::Variant::RFC4122));
    }
}

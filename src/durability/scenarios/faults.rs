//! A call to the disk fails, the disk is full: commits fail, reads go on, and when it is told to the server goes on with everything.

use std::io::ErrorKind;

use dictdb_types::SqlState;
use dictdb_wal::SimulatedDisk;
use dictdb_wal::disk::{Random, Survival};

use super::{rounds, start};
use crate::{BreakerState, Reason};

const STEPS: u64 = 50;

/// Failures of one call, at every call of a life.
#[test]
fn every_call_may_fail() {
    let (mut failures, mut stops) = (0, 0);
    for seed in 100..100 + rounds(8) {
        let whole = SimulatedDisk::new();
        start(&whole).and_then(|mut run| run.work(&mut Random::new(seed), STEPS)).unwrap();
        for call in 1..=whole.calls() {
            let (kind, code) = match call % 2 {
                0 => (ErrorKind::StorageFull, SqlState::DISK_FULL),
                _ => (ErrorKind::Other, SqlState::IO_ERROR),
            };
            let context = format!("seed {seed} call {call}");
            let disk = SimulatedDisk::new();
            disk.fail_at(call, kind);
            // The failure may hit the start itself; then the next start must work.
            let Ok(mut run) = start(&disk) else {
                let left = disk.crash(Survival(60), call);
                start(&left).unwrap_or_else(|error| panic!("{context}: {error}"));
                continue;
            };
            failures += 1;
            let mut random = Random::new(seed);
            let worked = run.work(&mut random, STEPS);
            if run.durability.log().failure().is_some() {
                stops += 1;
                assert_eq!(worked.unwrap_err().code(), code, "{context}");
                let breaker = run.durability.breaker();
                assert_eq!((breaker.state, breaker.failures), (BreakerState::Open, 1), "{context}");
                // A transaction that changes something is refused; what was there is read.
                let before = run.read();
                while let Ok(()) = run.transact(&mut random) {
                    assert_eq!(run.read(), before, "{context}: a change was accepted");
                    run.states.pop();
                }
                assert_eq!(run.read(), before, "{context}");
                assert_eq!(run.durability.checkpoint(Reason::Shutdown).unwrap_err().sqlstate(), code, "{context}");
                let image = start(&disk.crash(Survival(50), call)).unwrap_or_else(|error| panic!("{context}: {error}"));
                assert!(
                    run.states[run.acknowledged..].contains(&image.states[0]),
                    "{context}: an acknowledged state is lost"
                );
                run.durability.resume().unwrap_or_else(|error| panic!("{context}: {error}"));
                assert_eq!(run.durability.breaker().state, BreakerState::Closed, "{context}");
                assert_eq!(run.states.last(), Some(&before), "{context}: what was visible stays");
                run.acknowledge();
            }
            run.work(&mut random, 10).unwrap_or_else(|error| panic!("{context}, afterwards: {error}"));
            let image = start(&disk.crash(Survival(50), call)).unwrap_or_else(|error| panic!("{context}: {error}"));
            assert!(run.states[run.acknowledged..].contains(&image.states[0]), "{context}: a state is lost afterwards");
        }
    }
    println!("{failures} failures, {stops} of them stopped the log");
    assert!(stops > 100);
}

/// The disk stays broken: trials fail, and the breaker stays open.
#[test]
fn trials_fail_while_the_disk_does() {
    let disk = SimulatedDisk::new();
    let mut run = start(&disk).unwrap();
    let mut random = Random::new(7);
    run.work(&mut random, 30).unwrap();
    disk.power_off_after(disk.calls());
    while run.durability.log().failure().is_none() {
        let _ = run.work(&mut random, 5);
    }
    let before = run.read();
    for _ in 0..3 {
        assert!(run.durability.resume().is_err());
        assert_eq!(run.durability.breaker().state, BreakerState::Open);
        assert_eq!(run.read(), before);
    }
    disk.power_off_after(u64::MAX);
    run.durability.resume().unwrap();
    run.acknowledge();
    run.work(&mut random, 20).unwrap();
    let image = start(&disk.crash(Survival(0), 1)).unwrap();
    assert!(run.states[run.acknowledged..].contains(&image.states[0]));
}

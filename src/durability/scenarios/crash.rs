//! The power goes at any call that changes something on the disk.

use dictdb_catalog::Persistence;
use dictdb_wal::SimulatedDisk;
use dictdb_wal::disk::{Random, Survival};

use super::{Run, State, rounds, start};

/// Steps of a life.
const STEPS: u64 = 60;
/// How much of what was not synced survives, in percent.
const SURVIVALS: [u64; 4] = [0, 35, 70, 100];
/// So many images at least are recovered by a run of the tests.
const IMAGES_MIN: u64 = 2000;

#[test]
fn crash_images_are_states_after_a_commit() {
    let mut images = 0;
    for seed in 0..rounds(4) {
        let whole = SimulatedDisk::new();
        start(&whole).and_then(|mut run| run.work(&mut Random::new(seed), STEPS)).unwrap();
        let calls = whole.calls();
        println!("seed {seed}: {calls} calls");
        for power_off in 0..calls {
            let disk = SimulatedDisk::new();
            disk.power_off_after(power_off);
            let (mut states, mut acknowledged, mut drawn) = (vec![State::default()], 0, 0);
            if let Ok(mut run) = start(&disk) {
                let _ = run.work(&mut Random::new(seed), STEPS);
                (states, acknowledged, drawn) =
                    (std::mem::take(&mut run.states), run.acknowledged, run.acknowledged_draw);
            }
            for survival in SURVIVALS {
                let image = disk.crash(Survival(survival), seed * 7919 + power_off * 4 + survival);
                let context = format!("seed {seed} power off after {power_off} survival {survival}");
                let mut run = start(&image).unwrap_or_else(|error| panic!("{context}: {error}"));
                let found = run.states[0].clone();
                let is_known = states[acknowledged..].contains(&found);
                assert!(is_known, "{context}: {found:?} after {acknowledged} commits");
                let next = run.next_draw();
                assert!(drawn == 0 || next > drawn, "{context}: the sequence gives {next} after {drawn}");
                for table in run.tables().iter().filter(|table| table.persistence == Persistence::Unlogged) {
                    assert!(run.rows(table).is_empty(), "{context}");
                }
                // The next life must not find remains of this one.
                run.work(&mut Random::new(power_off), 5).unwrap_or_else(|error| panic!("{context}: {error}"));
                let later = image.crash(Survival(survival), power_off);
                let again = start(&later).unwrap_or_else(|error| panic!("{context}, then: {error}"));
                assert!(run.states[run.acknowledged..].contains(&again.states[0]), "{context}, then: a state is lost");
                images += 2;
            }
        }
    }
    println!("{images} crash images");
    assert!(images >= IMAGES_MIN, "{images} crash images");
}

#[test]
fn a_clean_stop_keeps_unlogged_rows_and_sequences_exactly() {
    let disk = SimulatedDisk::new();
    let mut run = start(&disk).unwrap();
    let mut random = Random::new(3);
    let unlogged = |run: &Run| -> usize {
        let tables = run.tables();
        tables
            .iter()
            .filter(|table| table.persistence == Persistence::Unlogged)
            .map(|table| run.rows(table).len())
            .sum()
    };
    while unlogged(&run) == 0 {
        run.work(&mut random, 20).unwrap();
    }
    let (state, rows) = (run.read(), unlogged(&run));
    assert!(rows > 0, "the workload has rows in unlogged tables");
    run.durability.shut_down().unwrap();
    let stopped = disk.crash(Survival(0), 1);
    let again = start(&stopped).unwrap();
    assert_eq!((again.read(), unlogged(&again)), (state.clone(), rows));
    // The second server did not stop cleanly.
    let crashed = start(&stopped.crash(Survival(100), 1)).unwrap();
    assert_eq!((crashed.read(), unlogged(&crashed)), (state, 0));
}

//! DictDB and PostgreSQL 15 give the same answers: to random statements over random schemas, to broken ones, to calls of the functions
//! and operators that both have, and to three sessions that change and lock the same rows.
//!
//! Each of the four runs for about 20 seconds with the same seeds every time. `DICTDB_FUZZ_SECONDS` makes them run longer, from a
//! seed that the clock gives; `DICTDB_FUZZ_SEED` runs this seed, or with seconds begins with it. A failure prints its seed, and its
//! steps made as small as could be:
//!
//! ```text
//!   DICTDB_FUZZ_SECONDS=3600 cargo test -p dictdb-tests --test differential random_statements -- --nocapture
//!   DICTDB_FUZZ_SEED=8016 cargo test -p dictdb-tests --test differential random_statements -- --nocapture
//! ```
//! Without PostgreSQL's server (`POSTGRES_BIN`) nothing is run, which is said.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dictdb_tests::differential::broken::{TABLES, broken};
use dictdb_tests::differential::calls::callables;
use dictdb_tests::differential::case::{Manner, Step, steps_of};
use dictdb_tests::differential::comparer::Verdict;
use dictdb_tests::differential::history::{compare, history};
use dictdb_tests::differential::pair::Pair;
use dictdb_tests::differential::shrinker::{Failure, shrink};
use dictdb_tests::random::Random;
use dictdb_tests::server::postgres_bin;

/// How long it runs when nothing is said.
const SECONDS: u64 = 20;
/// The seeds that are run when nothing is said: the same each time, so that a slow machine does less but nothing else.
const USUAL_SEEDS: std::ops::Range<u64> = 1..60;
/// Failures after which it stops.
const FAILURES: usize = 5;

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is not a number")))
}

/// The seeds to run, and how long; some that are run usually.
fn plan(usual: std::ops::Range<u64>) -> (Box<dyn Iterator<Item = u64>>, Duration) {
    let seconds = number_of("DICTDB_FUZZ_SECONDS");
    let seed = number_of("DICTDB_FUZZ_SEED");
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs() * 1000);
    let seeds: Box<dyn Iterator<Item = u64>> = match (seconds, seed) {
        (None, None) => Box::new(usual),
        (None, Some(seed)) => Box::new(seed..=seed),
        (Some(_), seed) => Box::new(seed.unwrap_or(clock)..),
    };
    (seeds, Duration::from_secs(seconds.unwrap_or(SECONDS)))
}

fn has_postgres() -> bool {
    let found = postgres_bin().join("postgres").exists();
    if !found {
        println!("skipped: there is no PostgreSQL 15 in {}", postgres_bin().display());
    }
    found
}

#[test]
fn random_statements_give_what_postgresql_gives() {
    if !has_postgres() {
        return;
    }
    let (seeds, duration) = plan(USUAL_SEEDS);
    let mut pair = Pair::start().expect("both servers start");
    let begun = Instant::now();
    let (mut cases, mut reports) = (0, Vec::new());
    for seed in seeds.take_while(|_| cases_may_go_on(begun, duration)) {
        cases += 1;
        if let Some(failure) = run_case(&mut pair, seed) {
            let report = report(seed, &shrink(&mut pair, failure));
            println!("{report}");
            reports.push(report);
        }
        if reports.len() >= FAILURES {
            break;
        }
    }
    println!(
        "{cases} cases, {} answers compared, {} of them errors, {} differ",
        pair.compared,
        pair.errors,
        reports.len()
    );
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}

/// Broken statements of a seed.
const BROKEN: u32 = 40;
/// Of the next thousand some are still refused for another one of their mistakes, or without its place.
const USUAL_BROKEN_SEEDS: std::ops::Range<u64> = 1..6;

#[test]
fn broken_statements_are_refused_as_by_postgresql() {
    if !has_postgres() {
        return;
    }
    let (seeds, duration) = plan(USUAL_BROKEN_SEEDS);
    let mut pair = Pair::start().expect("both servers start");
    let begun = Instant::now();
    let mut reports = Vec::new();
    let mut sessions = pair.sessions().expect("both servers answer");
    for sql in TABLES {
        sessions.run_call(sql).expect("both servers answer");
    }
    for seed in seeds.take_while(|_| cases_may_go_on(begun, duration)) {
        let mut random = Random::new(seed * 1_000_003);
        for _ in 0..BROKEN {
            let sql = broken(&mut random);
            if let Verdict::Different(text) = sessions.run_broken(&sql).expect("both servers answer") {
                reports.push(format!("DICTDB_FUZZ_SEED={seed}\n{sql};\n{text}"));
            }
        }
        if reports.len() >= FAILURES {
            break;
        }
    }
    drop(sessions);
    println!("{} answers compared, {} of them errors, {} differ", pair.compared, pair.errors, reports.len());
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}

/// Calls of a function before the next one has its turn.
const CALLS: u32 = 6;

#[test]
fn functions_and_operators_give_what_those_of_postgresql_give() {
    if !has_postgres() {
        return;
    }
    let (seeds, duration) = plan(USUAL_SEEDS);
    let mut pair = Pair::start().expect("both servers start");
    let begun = Instant::now();
    let mut reports = BTreeMap::new();
    let mut sessions = pair.sessions().expect("both servers answer");
    let callables = callables(&mut sessions).expect("PostgreSQL answers");
    'time: for seed in seeds {
        for (at, callable) in callables.iter().enumerate() {
            if begun.elapsed() > duration {
                break 'time;
            }
            let mut random = Random::new(seed * 1_000_003 + at as u64);
            match callable.try_out(&mut sessions, &mut random, CALLS) {
                Ok(None) => {}
                Ok(Some((sql, difference))) => {
                    reports.entry(at).or_insert(format!("DICTDB_FUZZ_SEED={seed}\n{sql};\n{difference}"));
                }
                Err(error) => {
                    reports.entry(at).or_insert(format!("DICTDB_FUZZ_SEED={seed}\n{callable:?}: {error}"));
                    drop(sessions);
                    sessions = pair.sessions().expect("both servers answer");
                }
            }
        }
    }
    drop(sessions);
    println!(
        "{} functions and operators, {} answers compared, {} of them errors, {} differ",
        callables.len(),
        pair.compared,
        pair.errors,
        reports.len()
    );
    let reports: Vec<String> = reports.into_values().collect();
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}

#[test]
fn sessions_see_and_wait_as_on_postgresql() {
    if !has_postgres() {
        return;
    }
    let (seeds, duration) = plan(USUAL_SEEDS);
    let pair = Pair::start().expect("both servers start");
    let begun = Instant::now();
    let (mut histories, mut reports) = (0, Vec::new());
    for seed in seeds.take_while(|_| cases_may_go_on(begun, duration)) {
        histories += 1;
        let steps = history(&mut Random::new(seed.wrapping_mul(7919)));
        let Some((steps, difference)) = compare(&steps, pair.ports()).expect("both servers answer") else { continue };
        let lines: Vec<String> = steps.iter().map(|step| format!("{}> {}", step.session, step.sql)).collect();
        reports.push(format!("DICTDB_FUZZ_SEED={seed}\n{}\n{difference}\n", lines.join("\n")));
        if reports.len() >= FAILURES {
            break;
        }
    }
    println!("{histories} histories, {} differ", reports.len());
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}

fn cases_may_go_on(begun: Instant, duration: Duration) -> bool {
    begun.elapsed() < duration
}

/// The first difference of a seed's case.
fn run_case(pair: &mut Pair, seed: u64) -> Option<Failure> {
    let steps = steps_of(seed);
    let mut sessions = pair.sessions().expect("both servers answer");
    for (at, step) in steps.iter().enumerate() {
        let difference = match sessions.run(step) {
            Ok(Verdict::Different(text)) => text,
            Ok(verdict) => {
                if verdict == Verdict::Slow {
                    println!("seed {seed}: DictDB is slow with {}", step.phrase.text().sql);
                }
                // Where only one of them has changed rows, nothing can be compared any more.
                if verdict != Verdict::Same && !step.only_reads() {
                    return None;
                }
                continue;
            }
            Err(error) => format!("  {error}"),
        };
        return Some(Failure { steps: steps[..=at].to_vec(), difference });
    }
    None
}

fn report(seed: u64, failure: &Failure) -> String {
    let lines: Vec<String> = failure.steps.iter().map(shown).collect();
    format!("DICTDB_FUZZ_SEED={seed}\n{}\n{}\n", lines.join("\n"), failure.difference)
}

fn shown(step: &Step) -> String {
    match &step.manner {
        Manner::Text => format!("{};", step.phrase.text().sql),
        Manner::Prepared { executions, between, binary } => {
            let format = if *binary { ", binary" } else { "" };
            let between = between.as_ref().map(|phrase| format!(", then {}", phrase.text().sql)).unwrap_or_default();
            format!("{};\n  -- prepared, {executions} executions{format}{between}", step.phrase.with_parameters().sql)
        }
    }
}

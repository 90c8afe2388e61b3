//! Random histories of definitions and rows: whatever was defined, taken back, prepared, failed or thrown away, a server that is killed
//! comes back with the same, and so does a backup of it.
//!
//! A round runs statements of `tests/histories/statements.txt` in a few sessions, in blocks with savepoints that end one way or the
//! other. What there is then, catalogs and rows, is compared with what is there after a crash, after a checkpoint and a crash, after a
//! clean end, and in databases restored from backups.
//!
//! `DICTDB_HISTORIES_ROUNDS` sets the number of rounds, which are as many as take a few seconds otherwise, `DICTDB_HISTORIES_SEED` the
//! first seed; failures print theirs. With `DICTDB_HISTORIES_SHOW` every statement is shown with its answer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dictdb_tests::histories::state::{After, DatabaseState, State};
use dictdb_tests::histories::writer::Writer;
use dictdb_tests::place::{Place, connect, run};
use dictdb_tests::random::Random;
use dictdb_tests::server::Server;

/// Statements between two looks at a server.
const STEPS: usize = 120;
/// When nothing is said no round begins later than this.
const USUAL_TIME: Duration = Duration::from_secs(8);
const FORMATS: [&str; 2] = ["backup_format=json", "backup_format=arrow"];

const SETUP: &str = "
    CREATE SCHEMA apart;
    CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
    CREATE TABLE part0 PARTITION OF parted FOR VALUES FROM (0) TO (10);
    CREATE TABLE rest PARTITION OF parted DEFAULT;
    CREATE TABLE kept (id int PRIMARY KEY, a int);
    CREATE ROLE r0;
    CREATE ROLE r1;
    CREATE TYPE e0 AS ENUM ('one', 'two');
    CREATE TYPE k0 AS (id int, a text);
    CREATE DOMAIN d0 AS int DEFAULT 7;
    CREATE SEQUENCE s0;
    CREATE TABLE t0 (id int PRIMARY KEY, c0 text, c1 int DEFAULT 5);
    INSERT INTO t0 SELECT g, 'row ' || g FROM generate_series(1, 60) g;
    CREATE TABLE t1 (id serial PRIMARY KEY, c2 e0, c3 k0, c4 d0);
    INSERT INTO t1 (c2, c3) SELECT 'one', ROW(g, 'field')::k0 FROM generate_series(1, 60) g;
";

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A server whose past is random.
struct Round {
    seed: u64,
    place: Place,
    /// Gone for the moment of a restart.
    server: Option<Server>,
    random: Random,
    codes: BTreeMap<String, u64>,
}

impl Round {
    fn new(seed: u64) -> Self {
        let place = Place::new();
        let server = start(&place, seed);
        let mut connection = connect(&server, "postgres");
        run(&mut connection, SETUP);
        run(&mut connection, "CREATE DATABASE b0 TEMPLATE postgres");
        let location = place.0.join("space");
        std::fs::create_dir(&location).expect("a directory can be made");
        run(&mut connection, &format!("CREATE TABLESPACE space LOCATION '{}'", location.display()));
        Round { seed, place, server: Some(server), random: Random::new(seed), codes: BTreeMap::new() }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    fn state(&self) -> State {
        State::of_server(self.server().port)
    }

    fn run(&self, sql: &str) -> Vec<String> {
        run(&mut connect(self.server(), "postgres"), sql)
    }

    /// More of its history; what is not committed is taken back at the end.
    fn go_on(&mut self) {
        let mut writer = Writer::new(self.server().port, self.random.clone());
        (0..STEPS).for_each(|_| writer.step());
        writer.end_blocks();
        self.took_part(writer);
    }

    /// Kills the server while a few transactions are open, and starts it.
    fn crash(&mut self) {
        let mut writer = Writer::new(self.server().port, self.random.clone());
        writer.begin_blocks();
        self.restart(|server| server.kill());
        self.took_part(writer);
    }

    fn took_part(&mut self, writer: Writer) {
        let Writer { random, codes, wrong, .. } = writer;
        self.random = random;
        codes.into_iter().for_each(|(code, count)| *self.codes.entry(code).or_default() += count);
        assert!(wrong.is_empty(), "seed {}: {} unexpected errors:\n{}", self.seed, wrong.len(), wrong.join("\n"));
    }

    fn restart(&mut self, end: impl FnOnce(Server) -> std::io::Result<()>) {
        end(self.server.take().expect("it runs")).expect("the server ends");
        self.server = Some(start(&self.place, self.seed));
    }

    fn check(&self, what: &str, differences: &[String]) {
        assert!(differences.is_empty(), "seed {}, {what}:\n{}", self.seed, differences.join("\n"));
    }

    /// Restores the newest backup into a database of its own.
    fn restore(&self, database: &str) {
        self.run(&format!("RESTORE FROM LATEST INTO DATABASE {database}"));
        let [restored, original] = [database, "postgres"].map(|name| DatabaseState::of(self.server().port, name));
        let differences = restored.differences_of_restored(&original);
        self.check(&format!("restored as {database}"), &differences);
    }
}

fn start(place: &Place, seed: u64) -> Server {
    place.start(&["-c", "max_prepared_transactions=4", "-c", FORMATS[seed as usize % FORMATS.len()]])
}

/// Ends what waits for its second phase, because a backup has what is committed.
fn end_prepared(round: &Round) {
    for line in round.run("SELECT gid, database FROM pg_prepared_xacts ORDER BY 1") {
        let (gid, database) = line.split_once(" | ").expect("two columns");
        run(&mut connect(round.server(), database), &format!("COMMIT PREPARED '{gid}'"));
    }
}

fn tell(seed: u64) -> BTreeMap<String, u64> {
    let mut round = Round::new(seed);
    round.go_on();
    let before = round.state();
    round.crash();
    round.check("after a crash", &round.state().differences(&before, After::Crash));

    round.go_on();
    let before = round.state();
    round.run("CHECKPOINT");
    round.crash();
    round.check("after a checkpoint and a crash", &round.state().differences(&before, After::Crash));

    end_prepared(&round);
    let before = round.state();
    round.crash();
    round.check("after the second phase and a crash", &round.state().differences(&before, After::Crash));
    round.run("BACKUP FULL");
    round.restore("restored");
    round.go_on();
    end_prepared(&round);
    round.run("BACKUP DELTA");
    round.restore("followed");
    let before = round.state();
    round.crash();
    round.check("after restores and a crash", &round.state().differences(&before, After::Crash));

    let before = round.state();
    round.restart(|server| server.stop().map(drop));
    round.check("after a clean end", &round.state().differences(&before, After::Stop));
    round.codes
}

#[test]
fn a_history_is_kept() {
    let (first, rounds) = (setting("DICTDB_HISTORIES_SEED", 1), setting("DICTDB_HISTORIES_ROUNDS", 0));
    let begun = Instant::now();
    for seed in first.. {
        println!("seed {seed}: {:?}", tell(seed));
        let is_enough = if rounds == 0 { begun.elapsed() > USUAL_TIME } else { seed + 1 >= first + rounds };
        if is_enough {
            return;
        }
    }
}

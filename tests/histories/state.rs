//! Everything that a server holds, to be compared with what it holds at another time.

use std::collections::BTreeMap;

use crate::message::Message;
use crate::wire::Connection;

/// Columns of catalogs that are estimates or of the moment.
const MOMENTARY: &str = "'{relpages,reltuples,relallvisible,relfrozenxid,relminmxid,datfrozenxid,datminmxid}'::text[]";
/// What a database that comes from a backup has of its own.
const OF_A_PLACE: [&str; 2] = ["pg_catalog.pg_statistic", "pg_catalog.pg_statistic_ext_data"];

/// What happened between two states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The server was killed: unlogged relations are empty, sequences may have left out numbers.
    Crash,
    /// It ended as it should.
    Stop,
}

/// What there is, by a name for it.
type Facts = BTreeMap<String, Vec<String>>;

/// What one database holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseState {
    /// Rows of catalogs that all databases share.
    shared: Facts,
    catalogs: Facts,
    rows: Facts,
    unlogged: Facts,
    /// Last values.
    sequences: BTreeMap<String, i64>,
}

/// What all databases hold that one can connect to.
#[derive(Clone, Debug)]
pub struct State(BTreeMap<String, DatabaseState>);

fn rows(connection: &mut Connection, sql: &str) -> Vec<String> {
    let messages = connection.query(sql).expect("the server answers");
    match messages.iter().find(|message| message.tag == b'E') {
        // What a prepared transaction has locked stays locked.
        Some(error) if error.field(b'C').as_deref() == Some("55P03") => vec!["locked".to_owned()],
        Some(error) => panic!("{sql}: {}", error.error_text()),
        None => messages.iter().filter(|message| message.tag == b'D').filter_map(Message::shown).collect(),
    }
}

impl DatabaseState {
    /// Reads a database.
    pub fn of(port: u16, database: &str) -> Self {
        let connection = &mut Connection::open(port, "postgres", database).expect("the server answers");
        rows(connection, "SET lock_timeout = '50ms'; SET enable_indexscan = off; SET enable_bitmapscan = off");
        let mut state = DatabaseState::default();
        let catalogs = rows(
            connection,
            "SELECT c.oid::regclass, relisshared, max(attname) FROM pg_class c
             LEFT JOIN pg_attribute ON attrelid = c.oid AND attname IN ('oid', 'attrelid', 'objoid')
             WHERE relkind = 'r' AND relnamespace = 'pg_catalog'::regnamespace GROUP BY 1, 2 ORDER BY 1",
        );
        for line in catalogs {
            let [name, is_shared, about] = line.split(" | ").collect::<Vec<_>>()[..] else { panic!("{line}") };
            let condition = if about == "∅" { "true".to_owned() } else { format!("t.{about} >= 16384") };
            let sql = format!(
                "SELECT (to_jsonb(t) - {MOMENTARY})::text FROM pg_catalog.{name} t WHERE {condition} ORDER BY 1"
            );
            let facts = if is_shared == "t" { &mut state.shared } else { &mut state.catalogs };
            facts.insert(format!("pg_catalog.{name}"), rows(connection, &sql));
        }
        state.shared.insert(
            "prepared".to_owned(),
            rows(connection, "SELECT gid, owner, database FROM pg_prepared_xacts ORDER BY 1"),
        );
        let relations = rows(
            connection,
            "SELECT oid::regclass, relkind, relpersistence, relispopulated FROM pg_class
             WHERE relkind IN ('r', 'm', 'S') AND oid >= 16384 AND relpersistence <> 't' ORDER BY 1",
        );
        for line in relations {
            let [name, kind, persistence, is_populated] = line.split(" | ").collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            if kind == "S" {
                let last = rows(connection, &format!("SELECT last_value FROM {name}"));
                let last = last[0].parse::<i64>();
                if let (Ok(last), "p") = (last, persistence) {
                    state.sequences.insert(name.to_owned(), last);
                }
            } else if is_populated == "t" {
                let found = rows(connection, &format!("SELECT t::text FROM ONLY {name} t ORDER BY 1"));
                let facts = if persistence == "u" { &mut state.unlogged } else { &mut state.rows };
                facts.insert(name.to_owned(), found);
            }
        }
        let wrong = rows(connection, "SELECT * FROM dictdb.check_integrity()");
        state.catalogs.insert("check_integrity".to_owned(), wrong);
        state
    }

    /// What is not as it was, for a reader.
    fn differences(&self, before: &DatabaseState, after: After) -> Vec<String> {
        let mut found = differing(&before.shared, &self.shared);
        found.extend(differing(&before.catalogs, &self.catalogs));
        found.extend(differing(&before.rows, &self.rows));
        found.extend(self.behind(before));
        if after == After::Stop {
            found.extend(differing(&before.unlogged, &self.unlogged));
            found.extend((self.sequences != before.sequences).then(|| "sequences have moved".to_owned()));
        }
        found
    }

    /// What a database that was restored has otherwise than the one that was backed up. What is where in storage may differ, and
    /// what ANALYZE found is in no backup.
    pub fn differences_of_restored(&self, original: &DatabaseState) -> Vec<String> {
        let essence = |state: &DatabaseState| -> Facts {
            let kept = state.catalogs.iter().filter(|(name, _)| !OF_A_PLACE.contains(&name.as_str()));
            kept.map(|(name, rows)| (name.clone(), rows.iter().map(|row| without_place(row)).collect())).collect()
        };
        let mut found = differing(&essence(original), &essence(self));
        found.extend(differing(&original.rows, &self.rows));
        found.extend(differing(&original.unlogged, &self.unlogged));
        found.extend(
            (self.sequences != original.sequences)
                .then(|| format!("sequences: {:?} before, {:?} now", original.sequences, self.sequences)),
        );
        found
    }

    fn behind(&self, before: &DatabaseState) -> Vec<String> {
        let behind =
            before.sequences.iter().filter(|(name, last)| self.sequences.get(*name).is_none_or(|now| now < last));
        behind
            .map(|(name, last)| format!("sequence {name} was at {last}, is at {:?}", self.sequences.get(name)))
            .collect()
    }
}

impl State {
    /// Reads all databases of a server.
    pub fn of_server(port: u16) -> Self {
        let mut connection = Connection::open(port, "postgres", "postgres").expect("the server answers");
        let names = "SELECT datname FROM pg_database WHERE datallowconn AND datname <> 'template1' ORDER BY 1";
        let names = rows(&mut connection, names);
        State(names.into_iter().map(|name| (name.clone(), DatabaseState::of(port, &name))).collect())
    }

    /// What is not as it was.
    pub fn differences(&self, before: &State, after: After) -> Vec<String> {
        let names = |state: &State| state.0.keys().cloned().collect::<Vec<_>>();
        if names(self) != names(before) {
            return vec![format!("databases were {:?}, are {:?}", names(before), names(self))];
        }
        let pairs = self.0.iter().zip(before.0.values());
        let found = pairs.flat_map(|((name, now), before)| {
            now.differences(before, after).into_iter().map(move |difference| format!("{name}: {difference}"))
        });
        found.collect()
    }
}

/// A row of a catalog without its place in storage.
fn without_place(row: &str) -> String {
    let Some((head, rest)) = row.split_once("\"relfilenode\": ") else { return row.to_owned() };
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    format!("{head}{}", &rest[end..])
}

/// Of each fact that is not the same, the lines that only one side has.
fn differing(before: &Facts, now: &Facts) -> Vec<String> {
    let nothing = Vec::new();
    let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let mut found = Vec::new();
    for name in names {
        let (old, new) = (before.get(name).unwrap_or(&nothing), now.get(name).unwrap_or(&nothing));
        if old == new {
            continue;
        }
        let only = |these: &[String], those: &[String], sign: &str| {
            let lines = these.iter().filter(|line| !those.contains(line));
            lines
                .take(6)
                .map(|line| format!("\n  {sign} {}", line.chars().take(600).collect::<String>()))
                .collect::<String>()
        };
        found.push(format!("{name} differs:{}{}", only(old, new, "-"), only(new, old, "+")));
    }
    found
}

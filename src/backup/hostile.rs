//! Files that somebody has changed and sealed again: their hash is right and their content is not. Reading them is an error, or not,
//! and nothing else. `tests/data/backups` keeps one small file for everything that was ever said of such a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dictdb_catalog::BOOTSTRAP_ROLE;
use dictdb_durability::{DatabaseAttributes, DatabaseView};
use dictdb_storage::Storage;
use dictdb_types::{Oid, Result, SqlState};

use crate::name::{FileName, Format};
use crate::pace::Pace;
use crate::progress::{Progress, Work};
use crate::series::{Series, Source, Taken, Wish};
use crate::{Folder, From, Restored, Sources, Until, restore};

/// Files of each format.
const ROUNDS: usize = 400;
/// Files of each kind that are tried for the corpus.
const CORPUS_ROUNDS: usize = 20_000;
const OUTCOMES: &str = "outcomes.txt";

/// The same numbers each time.
struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

fn put(folder: &Folder, micros: i64, ending: &'static str, bytes: &[u8]) -> String {
    let name = FileName { kind: crate::Kind::Full, micros, ending };
    let _ = folder.remove(&name);
    let mut draft = folder.create(&name).expect("it can be made");
    draft.write_all(bytes).expect("it can be written");
    draft.publish().expect("it can be published");
    name.to_string()
}

fn get(folder: &Folder, name: &str) -> Vec<u8> {
    let (_, mut opened) = folder.open(name).expect("it is there");
    let mut bytes = Vec::new();
    opened.file.read_to_end(&mut bytes).expect("it can be read");
    bytes
}

fn restored(folder: &Folder, name: &str) -> Result<Restored> {
    let storage = Storage::new();
    let sources = Sources { folder, database: "db", durability: None, staging: None, storage: &storage };
    let work = Work { progress: &Progress::default(), check: &|| Ok(()), pace: Pace::full() };
    restore(&sources, &From::File(name.to_owned()), &Until::End, &work)
}

/// A full backup of a small database.
fn backup(folder: &Folder, format: Format) -> String {
    let records: Vec<String> = (0..300)
        .map(|i| format!(r#"{{"id": {i}, "name": "number {i}", "score": {i}.5, "tags": [{i}], "big": 1{i:040}}}"#))
        .collect();
    let original = format!(
        r#"{{"tables": {{"users": {{"primary_key": "id", "schema": null, "records": [{}]}}}}}}"#,
        records.join(",\n")
    );
    backup_of(folder, &put(folder, 1, "json", original.as_bytes()), format)
}

/// A full backup of what is in another file.
fn backup_of(folder: &Folder, original: &str, format: Format) -> String {
    let database = restored(folder, original).expect("it is whole");
    let view = || DatabaseView {
        oid: Oid(5),
        name: Arc::from("db"),
        attributes: DatabaseAttributes::of_owner(BOOTSTRAP_ROLE),
        catalog: database.catalog.clone(),
        next_oid: Oid(20_000),
        analyzed: Vec::new(),
    };
    let source = Source { storage: &database.storage, durability: None, present: &view, folder, format };
    let work = Work { progress: &Progress::default(), check: &|| Ok(()), pace: Pace::full() };
    match Series::default().take(&source, Wish::Full, &work) {
        Ok(Taken::File(written)) => written.name.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn changed_and_sealed_again_is_an_error_at_worst() {
    for format in [Format::Json, Format::Arrow] {
        let folder = Folder::new(&format!("memory://hostile/{}", format.ending()), Path::new("/"), Vec::new());
        let whole = get(&folder, &backup(&folder, format));
        let again = put(&folder, 2, format.ending(), &crate::seal::sealed_again(&whole, format));
        assert_eq!(restored(&folder, &again).expect("nothing has changed").rows, 300);
        let mut random = Random(0x51ed_270b_9f3c_aa17);
        let mut errors = 0;
        for _ in 0..ROUNDS {
            let mut changed = whole.clone();
            let end = changed.len() - 200;
            for _ in 0..=random.below(3) {
                let at = random.below(end);
                changed[at] = match random.below(4) {
                    0 => changed[random.below(end)],
                    1 => b'0' + random.below(10) as u8,
                    _ => random.below(256) as u8,
                };
            }
            let name = put(&folder, 3, format.ending(), &crate::seal::sealed_again(&changed, format));
            if let Err(error) = restored(&folder, &name) {
                errors += 1;
                assert_ne!(error.code(), SqlState::INTERNAL_ERROR, "{}", error.message());
            }
        }
        assert!(errors > ROUNDS / 10, "{errors} of {format:?}");
    }
}

/// Where files are kept, and `outcomes.txt`, which says what became of each.
fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/backups")
}

/// What becomes of a file, in a line.
fn outcome(folder: &Folder, ending: &'static str, bytes: &[u8]) -> String {
    match restored(folder, &put(folder, 4, ending, bytes)) {
        Ok(restored) => format!("{} tables, {} rows", restored.tables, restored.rows),
        Err(error) => format!("{} {}", error.code().as_str(), error.message()),
    }
}

/// A small database as files of every kind that can be read, with the endings of their names.
fn small_files(folder: &Folder) -> Vec<(&'static str, Vec<u8>)> {
    const ORIGINAL: &[u8] = br#"{"tables": {"t": {"primary_key": "id", "schema": null, "records": [
{"id": 1, "n": "a\u00e4\"", "x": 1.5, "l": [1, {"k": null}]},
{"id": 2, "n": null, "x": NaN, "b": true}
]}}}"#;
    const PICKLED: &[u8] =
        b"\x80\x04}\x8c\x06tables}\x8c\x01t}(\x8c\x0bprimary_key\x8c\x02id\x8c\x06schemaN\x8c\x07records]\
        (}(\x8c\x02idK\x01\x8c\x01nX\x01\x00\x00\x00au}(\x8c\x02idK\x02\x8c\x01nG?\xf8\x00\x00\x00\x00\x00\x00ueusss.";
    let original = put(folder, 5, "json", ORIGINAL);
    let mut files = vec![("json", ORIGINAL.to_vec()), ("pickle", PICKLED.to_vec())];
    for format in [Format::Json, Format::Arrow] {
        files.push((format.ending(), get(folder, &backup_of(folder, &original, format))));
    }
    files
}

/// Looks for changed files that nobody has said the like of, and keeps them.
fn extend_corpus(folder: &Folder) {
    std::fs::create_dir_all(corpus()).expect("a folder");
    let mut known = std::collections::BTreeSet::new();
    for (kind, (ending, whole)) in small_files(folder).iter().enumerate() {
        let mut random = Random(0x2545_f491_4f6c_dd1d + kind as u64);
        for round in 0..CORPUS_ROUNDS {
            let mut bytes = whole.clone();
            // The first is as it is.
            for _ in 0..random.below(3).min(round) {
                let at = random.below(bytes.len());
                match random.below(4) {
                    0 => bytes[at] = random.below(256) as u8,
                    1 => bytes.insert(at, b"{}[]\",:0n"[random.below(9)]),
                    2 => drop(bytes.remove(at)),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            let format = if *ending == "arrow" { Format::Arrow } else { Format::Json };
            if kind >= 2 && random.below(8) > 0 && bytes.len() > 300 {
                bytes = crate::seal::sealed_again(&bytes, format);
            }
            // Of the same sort are those that differ in numbers and names only.
            let said = outcome(folder, ending, &bytes);
            let sort: String = said.chars().filter(|c| c.is_ascii_alphabetic() || c.is_whitespace()).take(60).collect();
            if known.insert((kind, sort)) {
                let name = format!("{kind}-{:03}.{ending}", known.len());
                std::fs::write(corpus().join(name), &bytes).expect("a file");
            }
        }
    }
}

/// What was said of kept files is said of them.
#[test]
fn kept_files_give_what_they_gave() {
    let folder = Folder::new("memory://kept", Path::new("/"), Vec::new());
    let rewrite = std::env::var_os("DICTDB_REWRITE").is_some();
    if rewrite {
        extend_corpus(&folder);
    }
    let entries = std::fs::read_dir(corpus()).expect("the corpus").flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| name != OUTCOMES);
    names.sort();
    let mut found = String::new();
    for name in names {
        let ending = ["json", "pickle", "arrow"].into_iter().find(|ending| name.ends_with(ending)).expect("an ending");
        let said = outcome(&folder, ending, &std::fs::read(corpus().join(&name)).expect("a file"));
        assert!(!said.starts_with("XX000"), "{name}: {said}");
        found.push_str(&format!("{name}: {}\n", said.replace('\n', " ")));
    }
    match rewrite {
        true => std::fs::write(corpus().join(OUTCOMES), found).expect("a file"),
        false => assert_eq!(found, std::fs::read_to_string(corpus().join(OUTCOMES)).expect("the outcomes")),
    }
}

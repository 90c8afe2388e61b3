//! Files that somebody has changed and sealed again: their hash is right and their content is not. Reading them is an error, or not,
//! and nothing else.

use std::path::Path;
use std::sync::Arc;

use dictdb_catalog::BOOTSTRAP_ROLE;
use dictdb_durability::DatabaseView;
use dictdb_types::{Oid, Result, SqlState};

use crate::name::{FileName, Format};
use crate::progress::{Progress, Work};
use crate::series::{Series, Source, Taken, Wish};
use crate::{Folder, From, Restored, Sources, Until, restore};

/// Files of each format.
const ROUNDS: usize = 400;

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
    let sources = Sources { folder, database: "db", durability: None, build_indexes: &|_, _| Ok(()) };
    let work = Work { progress: &Progress::default(), check: &|| Ok(()) };
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
    let original = put(folder, 1, "json", original.as_bytes());
    let database = restored(folder, &original).expect("it is whole");
    let view = || DatabaseView {
        oid: Oid(5),
        name: Arc::from("db"),
        owner: BOOTSTRAP_ROLE,
        connection_limit: -1,
        catalog: database.catalog.clone(),
        next_oid: Oid(20_000),
    };
    let source = Source { storage: &database.storage, durability: None, present: &view, folder, format };
    let work = Work { progress: &Progress::default(), check: &|| Ok(()) };
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

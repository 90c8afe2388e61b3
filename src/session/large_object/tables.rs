//! The places in storage that the two system catalogs of large objects get with a database's first large object.

use dictdb_executor::ddl::make_large_object_tables;
use dictdb_storage::Accompaniment;
use dictdb_types::{Error, Result};

use super::METADATA;
use crate::Session;
use crate::instance::{Database, Instance};

impl Session {
    /// Sees to it that they have them. That is no part of the transaction: others may come to need them at the same moment.
    pub(super) fn large_object_tables(&mut self) -> Result<()> {
        if is_made(&self.shared.database) {
            return Ok(());
        }
        let shared = self.shared.clone();
        tokio::task::block_in_place(|| make(&shared.instance, &shared.database))
    }
}

fn is_made(database: &Database) -> bool {
    database.catalog.current().relation(METADATA).is_some_and(|relation| relation.is_stored())
}

fn make(instance: &Instance, database: &Database) -> Result<()> {
    let mut places = Vec::new();
    let new_oid = || {
        places.push(database.catalog.allocate_oid());
        places[places.len() - 1]
    };
    let made = make_large_object_tables(&instance.storage, &database.catalog.current(), &instance.registry, new_oid);
    let committed = made.and_then(|changes| {
        let attachment = instance.attachment(database, &changes);
        let mut publish = || match is_made(database) {
            true => Err(Error::internal("the tables of large objects are there")),
            false => database.catalog.commit(&changes).map(drop),
        };
        let with = Accompaniment { attachment: &attachment, publish: &mut publish };
        instance.storage.begin().commit_with(Some(with), true)
    });
    match committed {
        Ok(committed) => instance.wait_logged(committed.lsn),
        Err(error) => {
            places.into_iter().for_each(|place| instance.storage.drop_table(place));
            // Another session was first.
            if is_made(database) { Ok(()) } else { Err(error) }
        }
    }
}

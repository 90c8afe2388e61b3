//! Backup files in an object store: `s3://bucket/prefix`, `gs://…`, `az://…`, and `memory://…`, which lives as long as the process.
//!
//! Who the server is there, object_store's environment variables say (`AWS_ACCESS_KEY_ID`, `GOOGLE_SERVICE_ACCOUNT`,
//! `AZURE_STORAGE_ACCOUNT_NAME`, …). An object appears when its upload is complete, and not before.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use dictdb_types::{Error, Result, SqlState};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreExt, RetryConfig, WriteMultipart};
use parking_lot::Mutex;

use super::reading::ObjectFile;
use super::runtime::wait;
use super::{Draft, Opened, Store};

/// Bytes of a part of an upload; less is put at once.
const PART_BYTES: usize = 8 << 20;
/// Parts on their way at the same time.
const PARTS_AT_ONCE: usize = 4;
const RETRIES: usize = 6;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

const SCHEMES: [&str; 9] = ["s3", "s3a", "gs", "az", "abfs", "abfss", "adl", "azure", "memory"];

/// Stores by scheme and bucket: their connections are kept.
static KNOWN: LazyLock<Mutex<HashMap<String, Arc<dyn ObjectStore>>>> = LazyLock::new(Mutex::default);

/// A prefix in a bucket.
#[derive(Debug)]
pub(crate) struct Object {
    /// `s3://bucket`.
    bucket: String,
    prefix: String,
}

impl Object {
    /// Takes a URL apart; `None` when it is none, or one of a file.
    pub(crate) fn parse(url: &str) -> Option<Object> {
        let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| *scheme != "file")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        Some(Object { bucket: format!("{scheme}://{bucket}"), prefix: prefix.trim_matches('/').to_owned() })
    }

    /// 0A000 when there are no stores of this scheme.
    fn store(&self) -> Result<Arc<dyn ObjectStore>> {
        let scheme = self.bucket.split("://").next().unwrap_or_default();
        if !SCHEMES.contains(&scheme) {
            return Err(Error::unsupported(format_args!("backup_dir with the scheme \"{scheme}\"")));
        }
        let mut known = KNOWN.lock();
        if let Some(store) = known.get(&self.bucket) {
            return Ok(store.clone());
        }
        let store = connect(&self.bucket).map_err(|error| failure("open", &self.bucket, &error))?;
        known.insert(self.bucket.clone(), store.clone());
        Ok(store)
    }

    fn path(&self, name: &str) -> Path {
        Path::from(if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) })
    }

    fn address(&self, name: &str) -> String {
        format!("{}/{}", self.bucket, self.path(name))
    }
}

fn connect(bucket: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let backoff = BackoffConfig { init_backoff: FIRST_PAUSE, max_backoff: LONGEST_PAUSE, base: 2.0 };
    let retry = RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_TIMEOUT };
    Ok(match bucket.split("://").next().unwrap_or_default() {
        "memory" => Arc::new(InMemory::new()),
        "gs" => Arc::new(GoogleCloudStorageBuilder::from_env().with_url(bucket).with_retry(retry).build()?),
        "s3" | "s3a" => Arc::new(AmazonS3Builder::from_env().with_url(bucket).with_retry(retry).build()?),
        _ => Arc::new(MicrosoftAzureBuilder::from_env().with_url(bucket).with_retry(retry).build()?),
    })
}

/// `could not … "s3://…": …`, with PostgreSQL's codes for files.
fn failure(action: &str, what: &str, error: &object_store::Error) -> Error {
    use object_store::Error as E;
    let code = match error {
        E::NotFound { .. } => SqlState::UNDEFINED_FILE,
        E::AlreadyExists { .. } => SqlState::DUPLICATE_FILE,
        _ => SqlState::IO_ERROR,
    };
    let failed = Error::new(code, format!("could not {action} \"{what}\": {error}"));
    match error {
        E::NotFound { .. } | E::AlreadyExists { .. } => failed,
        _ => failed.hint(
            "Check \"backup_dir\", the network, and the credentials that the server has in its environment variables.",
        ),
    }
}

impl Store for Object {
    fn names(&self) -> Result<Vec<String>> {
        let (store, prefix) = (self.store()?, (!self.prefix.is_empty()).then(|| Path::from(self.prefix.as_str())));
        let listed = wait(async move { store.list_with_delimiter(prefix.as_ref()).await })?;
        let listed = listed.map_err(|error| failure("list", &self.address(""), &error))?;
        Ok(listed.objects.iter().filter_map(|object| object.location.filename()).map(str::to_owned).collect())
    }

    fn open(&self, name: &str) -> Result<Opened> {
        let (store, path) = (self.store()?, self.path(name));
        let asked = (store.clone(), path.clone());
        let found = wait(async move { asked.0.head(&asked.1).await })?;
        let bytes = found.map_err(|error| failure("open", &self.address(name), &error))?.size;
        Ok(Opened { file: Box::new(ObjectFile::new(store, path, bytes)), bytes })
    }

    fn create(&self, name: &str) -> Result<Box<dyn Draft>> {
        let (store, path, address) = (self.store()?, self.path(name), self.address(name));
        Ok(Box::new(Upload { store, path, address, first: Vec::new(), parts: None }))
    }

    fn remove(&self, name: &str) -> Result<()> {
        let (store, path) = (self.store()?, self.path(name));
        let removed = wait(async move { store.delete(&path).await })?;
        removed.map_err(|error| failure("remove", &self.address(name), &error))
    }
}

/// An object that is being written.
struct Upload {
    store: Arc<dyn ObjectStore>,
    path: Path,
    address: String,
    /// What there is until it is too much to be put at once.
    first: Vec<u8>,
    parts: Option<WriteMultipart>,
}

impl Upload {
    fn send(&mut self) -> io::Result<()> {
        let (store, path, bytes) = (self.store.clone(), self.path.clone(), std::mem::take(&mut self.first));
        let parts = self.parts.take();
        let sent = wait(async move {
            let mut parts = match parts {
                Some(parts) => parts,
                None => WriteMultipart::new_with_chunk_size(store.put_multipart(&path).await?, PART_BYTES),
            };
            parts.wait_for_capacity(PARTS_AT_ONCE).await?;
            parts.put(bytes.into());
            Ok::<_, object_store::Error>(parts)
        });
        let sent = sent.map_err(|error| io::Error::other(error.message().to_owned()))?;
        self.parts = Some(sent.map_err(io::Error::other)?);
        Ok(())
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.first.extend_from_slice(bytes);
        if self.first.len() >= PART_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Draft for Upload {
    fn publish(mut self: Box<Self>) -> Result<()> {
        let (store, path, rest) = (self.store.clone(), self.path.clone(), std::mem::take(&mut self.first));
        let parts = self.parts.take();
        let done = wait(async move {
            match store.head(&path).await {
                Ok(_) => {
                    let error = "it is there already".into();
                    return Err(object_store::Error::AlreadyExists { path: path.to_string(), source: error });
                }
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
            match parts {
                Some(mut parts) => {
                    parts.put(rest.into());
                    parts.finish().await.map(drop)
                }
                None => store.put(&path, rest.into()).await.map(drop),
            }
        })?;
        done.map_err(|error| failure("write", &self.address, &error))
    }

    fn failed(&self, error: &io::Error) -> Error {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<object_store::Error>()) {
            Some(error) => failure("write", &self.address, error),
            None => Error::new(SqlState::IO_ERROR, format!("could not write \"{}\": {error}", self.address)),
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(parts) = self.parts.take() {
            // Without it the parts stay, unseen but paid for, until the bucket's own rules remove them.
            let _ = wait(parts.abort());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, SeekFrom};

    #[test]
    fn urls_name_a_bucket_and_a_prefix() {
        let parts = |url: &str| Object::parse(url).map(|object| (object.bucket, object.prefix));
        assert_eq!(parts("s3://b/x/y/"), Some(("s3://b".to_owned(), "x/y".to_owned())));
        assert_eq!(parts("gs://b"), Some(("gs://b".to_owned(), String::new())));
        assert_eq!(parts("/var/backups"), None);
        assert_eq!(parts("file:///var/backups"), None);
        let unknown = Object::parse("ftp://host/x").map(|object| object.names().unwrap_err().code());
        assert_eq!(unknown, Some(SqlState::FEATURE_NOT_SUPPORTED));
    }

    #[test]
    fn an_object_is_there_when_it_is_published_and_reads_like_a_file() {
        let place = Object::parse("memory://objects/some/where").unwrap();
        let contents: Vec<u8> = (0..PART_BYTES * 2 + 1234).map(|i| (i * 7 % 251) as u8).collect();
        for (name, contents) in [("large", &contents[..]), ("small", b"abc"), ("empty", b"")] {
            let mut draft = place.create(name).unwrap();
            contents.chunks(1 << 20).for_each(|chunk| draft.write_all(chunk).unwrap());
            assert!(!place.names().unwrap().contains(&name.to_owned()));
            draft.publish().unwrap();
            let mut opened = place.open(name).unwrap();
            assert_eq!(opened.bytes, contents.len() as u64);
            let mut read = Vec::new();
            opened.file.read_to_end(&mut read).unwrap();
            assert!(read == contents);
            opened.file.seek(SeekFrom::End(-(contents.len().min(3) as i64))).unwrap();
            read.clear();
            opened.file.read_to_end(&mut read).unwrap();
            assert_eq!(read, contents[contents.len() - contents.len().min(3)..]);
        }
        let mut dropped = place.create("dropped").unwrap();
        dropped.write_all(&contents).unwrap();
        drop(dropped);
        let again = place.create("small").unwrap().publish().unwrap_err();
        assert_eq!(again.code(), SqlState::DUPLICATE_FILE);
        place.remove("large").unwrap();
        let mut names = place.names().unwrap();
        names.sort();
        assert_eq!(names, ["empty", "small"]);
        assert_eq!(place.open("large").err().unwrap().code(), SqlState::UNDEFINED_FILE);
    }
}

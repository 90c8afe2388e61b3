//! Who receives what a script's statements answer: nobody, but for notices, which are logged. COPY takes its data from the script.

use async_trait::async_trait;
use bytes::Bytes;
use dictdb_session::{Client, CopyShape, Row, Shape, Tag};
use dictdb_types::{Env, Error, Oid, Result};

use super::script::Script;

/// Bytes of COPY data that are handed over at once.
const DATA_BYTES: usize = 64 << 10;

/// The script as a client.
pub(super) struct ScriptClient<'a, 'text> {
    script: &'a mut Script<'text>,
    at_end: bool,
}

impl<'a, 'text> ScriptClient<'a, 'text> {
    pub(super) fn new(script: &'a mut Script<'text>) -> Self {
        ScriptClient { script, at_end: false }
    }
}

#[async_trait]
impl Client for ScriptClient<'_, '_> {
    fn parsed(&mut self) {}

    fn bound(&mut self) {}

    fn closed(&mut self) {}

    fn parameters(&mut self, _: &[Oid]) {}

    fn describe(&mut self, _: &Shape, _: &dyn Env) {}

    fn no_data(&mut self) {}

    fn row(&mut self, _: &Shape, _: &Row, _: &dyn Env) -> Result<()> {
        Ok(())
    }

    fn complete(&mut self, _: &Tag) {}

    fn empty_query(&mut self) {}

    fn suspended(&mut self) {}

    fn notice(&mut self, notice: &Error) {
        tracing::info!("{}: {}", notice.fields().severity.as_str(), notice.message());
    }

    fn parameter_status(&mut self, _: &str, _: &str) {}

    fn notification(&mut self, _: i32, _: &str, _: &str) {}

    fn is_full(&self) -> bool {
        false
    }

    async fn relieve(&mut self) -> Result<()> {
        Ok(())
    }

    async fn copy_in(&mut self, _: CopyShape) -> Result<()> {
        self.script.begin_data();
        self.at_end = false;
        Ok(())
    }

    async fn copy_data(&mut self) -> Result<Option<Bytes>> {
        let mut data = Vec::new();
        while !self.at_end && data.len() < DATA_BYTES {
            match self.script.next_data() {
                Some(line) => {
                    data.extend_from_slice(line.as_bytes());
                    data.push(b'\n');
                }
                None => self.at_end = true,
            }
        }
        Ok((!data.is_empty()).then(|| data.into()))
    }

    fn copy_out(&mut self, _: CopyShape) {}

    fn copy_row(&mut self, _: &[u8]) {}

    fn copy_done(&mut self) {}
}

//! Who receives what a script's statements answer: nobody, but for notices, which are logged. COPY takes its data from the script.

use async_trait::async_trait;
use bytes::Bytes;
use dictdb_session::{Client, CopyShape, Row, Shape};
use dictdb_types::{Env, Error, Result};

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
    fn row(&mut self, _: &Shape, _: &Row, _: &dyn Env) -> Result<()> {
        Ok(())
    }

    fn notice(&mut self, notice: &Error) {
        tracing::info!("{}: {}", notice.fields().severity.as_str(), notice.message());
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
}

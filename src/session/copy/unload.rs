//! COPY TO: the rows of a query, to the client or into a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use dictdb_parser::utility::CopyTarget;
use dictdb_types::{Error, Result, SqlState};

use super::options::{CopyFormat, Header, Options};
use super::write::Writer;
use super::{file_error, shape};
use crate::Session;
use crate::client::{Client, Column, Row};
use crate::portal::{Outcome, Portal, RowSource};
use crate::prepared::Source;

/// Rows that are asked of the query at once.
const ROWS_AT_ONCE: usize = 4096;

impl Session {
    /// Copies the rows of a query; how many.
    pub(super) async fn unload(
        &mut self,
        query: &Arc<Source>,
        options: &Options,
        target: &CopyTarget,
        client: &mut dyn Client,
    ) -> Result<u64> {
        let depth = self.block.savepoints.len();
        let portal = Portal::new("", Some(query.clone()), query.text.clone(), Arc::default(), depth);
        if let dictdb_parser::Statement::Utility(_) = &query.parsed.statement {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "COPY (SELECT INTO) is not supported"));
        }
        let plan = self.plan(query)?;
        if let Some(rules) = plan.several {
            let message = format!("{rules} rules are not supported for COPY");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        if plan.notifies() {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "COPY query must not be a utility command"));
        }
        if let dictdb_parser::Statement::Sql(tree) = &query.parsed.statement
            && matches!(&**tree, dictdb_parser::ast::Statement::Merge(_))
        {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "MERGE not supported in COPY"));
        }
        let no_rows = || Error::new(SqlState::FEATURE_NOT_SUPPORTED, "COPY query must have a RETURNING clause");
        if plan.columns.is_none() {
            return Err(no_rows());
        }
        let Outcome::Rows { columns, mut source, .. } = self.execute_query(&portal)? else { return Err(no_rows()) };
        for name in options.force_quote.names() {
            if !columns.iter().any(|column| *column.name == **name) {
                let message = format!("column \"{name}\" does not exist");
                return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
            }
        }
        match target {
            CopyTarget::File(path) if !path.starts_with('/') => {
                Err(Error::new(SqlState::INVALID_NAME, "relative path not allowed for COPY to file"))
            }
            CopyTarget::File(path) => self.unload_into_file(path, options, &columns, &mut source),
            _ => self.unload_to_client(options, &columns, &mut source, client).await,
        }
    }

    async fn unload_to_client(
        &mut self,
        options: &Options,
        columns: &[Column],
        source: &mut RowSource,
        client: &mut dyn Client,
    ) -> Result<u64> {
        let env = self.env();
        let mut writer = Writer::new(options, columns);
        let mut data = Vec::new();
        self.send_notices(client);
        client.copy_out(shape(options, columns.len()));
        writer.header(options.header == Header::Names, &mut data);
        // The header of the binary format travels with the first row.
        if !data.is_empty() && options.format != CopyFormat::Binary {
            client.copy_row(&data);
            data.clear();
        }
        let (mut total, mut buffer) = (0, Row::new());
        loop {
            let lends = source.calls_routines();
            let (count, at_end) = self.lend_if(lends, || {
                source.pump(ROWS_AT_ONCE, &mut buffer, &mut |row| {
                    writer.row(row, &*env, &mut data)?;
                    client.copy_row(&data);
                    data.clear();
                    Ok(!client.is_full())
                })
            })?;
            total += count as u64;
            if client.is_full() {
                self.settle().await;
                client.relieve().await?;
            }
            if at_end {
                break;
            }
            env.shared.backend.interrupts.check()?;
        }
        writer.trailer(&mut data);
        if !data.is_empty() {
            client.copy_row(&data);
        }
        client.copy_done();
        Ok(total)
    }

    fn unload_into_file(
        &mut self,
        path: &str,
        options: &Options,
        columns: &[Column],
        source: &mut RowSource,
    ) -> Result<u64> {
        let env = self.env();
        let mut writer = Writer::new(options, columns);
        let failed = |error: std::io::Error| file_error("write to", path, &error);
        tokio::task::block_in_place(|| {
            let file = File::create(path).map_err(|error| super::open_error(path, &error, super::WRITING))?;
            let mut file = BufWriter::new(file);
            let mut data = Vec::new();
            writer.header(options.header == Header::Names, &mut data);
            let (mut total, mut buffer) = (0, Row::new());
            loop {
                let lends = source.calls_routines();
                let (count, at_end) = self.lend_if(lends, || {
                    source.pump(ROWS_AT_ONCE, &mut buffer, &mut |row| {
                        writer.row(row, &*env, &mut data)?;
                        Ok(true)
                    })
                })?;
                file.write_all(&data).map_err(failed)?;
                data.clear();
                total += count as u64;
                if at_end {
                    break;
                }
            }
            writer.trailer(&mut data);
            file.write_all(&data).and_then(|()| file.flush()).map_err(failed)?;
            Ok(total)
        })
    }
}

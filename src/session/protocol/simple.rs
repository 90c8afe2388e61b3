//! The simple query protocol: a string of statements in one transaction, all results as text.

use std::pin::pin;
use std::sync::Arc;

use dictdb_parser::{Statement, parse};
use dictdb_types::{Datum, Result};

use super::{isolate, tag};
use crate::client::{Client, Shape, Tag};
use crate::deadlines::Deadline;
use crate::portal::{Outcome, Portal, RowSource};
use crate::prepared::Source;
use crate::statement;
use crate::{Session, Status};

impl Session {
    /// Runs a query string and answers it, up to but without ReadyForQuery. The error is the answer that remains to be sent;
    /// the transaction has been aborted then.
    pub async fn simple_query(&mut self, sql: &str, client: &mut dyn Client) -> Result<()> {
        let text: Arc<str> = sql.into();
        let deadline = self.begin_message();
        self.start_statement();
        self.show_activity(&text);
        self.begin_watch();
        let result = isolate(&self.shared.beacon(), pin!(self.run_query_string(&text, deadline, client))).await;
        self.end_watch(result.is_ok());
        if let Err(error) = &result {
            self.fail_message(error);
        }
        self.end_activity(client);
        result
    }

    /// Each statement of the string has the time that `statement_timeout` gives when it begins.
    async fn run_query_string(
        &mut self,
        text: &Arc<str>,
        mut deadline: Option<Deadline>,
        client: &mut dyn Client,
    ) -> Result<()> {
        self.prepared.remove("");
        if self.block.status() != Status::Failed
            && !self.shared.backend.interrupts.is_reset()
            && let Some((source, params)) = self.shared_call(text)
        {
            return self.run_last(&source, text, params, client).await;
        }
        let statements = parse(text, &self.limits())?;
        let count = statements.len();
        for (index, parsed) in statements.into_iter().enumerate() {
            let source = Arc::new(Source::new(text.clone(), parsed, &[]));
            self.send_parser_notices(&source);
            self.check_not_aborted(&source.parsed.statement)?;
            self.start_statement();
            if index > 0 {
                deadline = self.statement_deadline();
            }
            if count > 1 {
                self.block.begin_implicit();
            }
            self.shared.backend.interrupts.check()?;
            let is_last = index + 1 == count;
            if is_last {
                self.run_last(&source, text, Arc::default(), client).await?;
                if count == 1 {
                    self.share_text(&source, &[]);
                }
                continue;
            }
            let tag = self.run_and_send(&source, text, Arc::default(), client).await?;
            if is_transaction_statement(&source.parsed.statement) {
                self.finish_statement().await?;
            }
            self.send_notices(client);
            self.complete(&tag, client);
        }
        self.finish_statement().await?;
        drop(deadline);
        if count == 0 {
            client.empty_query();
        }
        Ok(())
    }

    /// Runs the last statement of a query string. Its tag is a promise: its transaction is committed first.
    async fn run_last(
        &mut self,
        source: &Arc<Source>,
        text: &Arc<str>,
        params: Arc<[Datum]>,
        client: &mut dyn Client,
    ) -> Result<()> {
        let tag = self.run_and_send(source, text, params, client).await?;
        self.finish_statement().await?;
        self.send_notices(client);
        self.complete(&tag, client);
        Ok(())
    }

    async fn run_and_send(
        &mut self,
        source: &Arc<Source>,
        text: &Arc<str>,
        params: Arc<[Datum]>,
        client: &mut dyn Client,
    ) -> Result<Tag> {
        let depth = self.block.savepoints.len();
        let mut portal = Portal::new("", Some(source.clone()), text.clone(), params, depth);
        // What the client sent has no parameters, whatever the plan cache made of it.
        self.watch_statement(source, || "statement".to_owned(), text, &Arc::default());
        self.admit_statement(source)?;
        let begun = self.begin_count();
        let outcome = self.run(&mut portal, client).await?;
        for (columns, rows) in self.rows_of_rules.take().unwrap_or_default() {
            let shape = Shape::text(columns);
            client.describe(&shape, &*self.env());
            self.send_rows(&shape, &mut RowSource::stored(rows), None, client).await?;
        }
        let tag = match outcome {
            Outcome::Done(tag) => tag,
            Outcome::Rows { columns, source, command, count } => {
                let shape = match portal.shape.take() {
                    Some(shape) => shape,
                    None => Shape::text(columns),
                };
                let mut rows = source;
                self.send_notices(client);
                client.describe(&shape, &*self.env());
                let (sent, _) = self.send_rows(&shape, &mut rows, None, client).await?;
                tag(command, count, sent)
            }
        };
        self.end_count(begun, source, &tag);
        Ok(tag)
    }

    /// What the parser has to say about the text, such as names that were cut.
    pub(super) fn send_parser_notices(&self, source: &Source) {
        source.parsed.notices.iter().for_each(|notice| self.shared.notice(notice.clone()));
    }

    /// 25P02 in a failed block, except for the statements that end it.
    /// 40001 first when that is because the database became another one.
    #[inline]
    pub(super) fn check_not_aborted(&mut self, statement: &Statement) -> Result<()> {
        self.check_reset(statement)?;
        if self.block.status() == Status::Failed && !statement::ends_failed_block(statement) {
            return Err(crate::transaction::aborted());
        }
        Ok(())
    }
}

/// Transaction statements end the transaction around a query string's earlier statements.
fn is_transaction_statement(statement: &Statement) -> bool {
    statement::transaction_of(statement).is_some()
}

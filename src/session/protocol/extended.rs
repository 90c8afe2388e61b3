//! The extended query protocol: Parse, Bind, Describe, Execute, Close, Sync.
//!
//! After an error the server discards messages until Sync; the session only has to be told of Sync.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use dictdb_parser::{Statement, parse};
use dictdb_types::text::from_utf8;
use dictdb_types::{Datum, Error, Oid, Result, SqlState, Type, binary, text};

use smallvec::SmallVec;

use super::{isolate, isolate_now, tag};
use crate::client::{Client, Format, Shape};
use crate::encoding::{Codec, is_text_in_binary};
use crate::portal::{Outcome, Portal, Progress};
use crate::prepared::{Analysis, PreparedStatement, Source};
use crate::transaction::aborted;
use crate::{Session, StatementEnv, Status, statement};

/// What Describe and Close name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A prepared statement.
    Statement,
    /// A portal.
    Portal,
}

impl Session {
    /// Parse. 42P05, 26000, 25P02, 42601 and whatever is wrong with the statement.
    pub fn parse(&mut self, name: &str, sql: &str, types: &[Oid], client: &mut dyn Client) -> Result<()> {
        let text: Arc<str> = sql.into();
        let deadline = self.begin_message();
        self.start_statement();
        self.show_activity(&text);
        let result = isolate_now(&self.shared.beacon(), || self.parse_statement(name, &text, types));
        drop(deadline);
        self.end_extended(result, client)?;
        client.parsed();
        Ok(())
    }

    fn parse_statement(&mut self, name: &str, text: &Arc<str>, types: &[Oid]) -> Result<()> {
        if name.is_empty() {
            self.prepared.remove("");
        }
        if self.block.status() != Status::Failed
            && let Some(source) = self.shared_statement(text, types)
        {
            let analysis = self.analyze(&source, types)?;
            return self.keep_statement(name, Some(source), text, analysis);
        }
        let mut statements = parse(text, &self.limits())?;
        if statements.len() > 1 {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
        let source = statements.pop().map(|parsed| Arc::new(Source::new(text.clone(), parsed, types)));
        let analysis = match &source {
            Some(source) => {
                self.send_parser_notices(source);
                self.check_not_aborted(&source.parsed.statement)?;
                let analysis = self.analyze(source, types)?;
                self.share_text(source, types);
                analysis
            }
            None => Analysis { params: types.into(), columns: None, failure: None },
        };
        self.keep_statement(name, source, text, analysis)
    }

    fn keep_statement(
        &mut self,
        name: &str,
        source: Option<Arc<Source>>,
        text: &Arc<str>,
        analysis: Analysis,
    ) -> Result<()> {
        self.prepared.check_free(name)?;
        self.prepared.put(PreparedStatement::new(name, source, text.clone(), analysis));
        Ok(())
    }

    /// Bind. Formats, of the parameters and of the result, are as in the message: none, one for all, or one for each. A
    /// parameter that is `None` is NULL.
    pub fn bind(
        &mut self,
        portal: &str,
        statement: &str,
        formats: (&[i16], &[i16]),
        params: &[Option<&[u8]>],
        client: &mut dyn Client,
    ) -> Result<()> {
        let deadline = self.begin_message();
        let result = isolate_now(&self.shared.beacon(), || self.bind_portal(portal, statement, formats, params));
        drop(deadline);
        self.end_extended(result, client)?;
        client.bound();
        Ok(())
    }

    fn bind_portal(
        &mut self,
        name: &str,
        statement: &str,
        (param_formats, result_formats): (&[i16], &[i16]),
        params: &[Option<&[u8]>],
    ) -> Result<()> {
        let prepared = self.prepared.get(statement)?;
        prepared.uses.fetch_add(1, Ordering::Relaxed);
        self.start_statement();
        self.show_activity(&prepared.text);
        check_counts(&prepared, param_formats, params.len())?;
        if let Some(source) = &prepared.source {
            self.check_not_aborted(&source.parsed.statement)?;
        }
        self.portals.check_free(name)?;
        let values = match params {
            [] => Arc::default(),
            params => decode_parameters(&prepared, param_formats, params, self.env_now())
                .map_err(|refused| refused.of_portal(name))?,
        };
        let (source, text) = (prepared.source.clone(), prepared.text.clone());
        let mut portal = Box::new(Portal::new(name, source, text, values, self.block.savepoints.len()));
        if let Some(failure) = &prepared.analysis.failure {
            return Err(failure.clone());
        }
        self.check_still_valid(&prepared)?;
        let mut formats = SmallVec::new();
        for code in result_formats {
            // A format that does not exist is the concern of Execute.
            let format = format_of(*code).unwrap_or_else(|_| {
                portal.bad_format.get_or_insert(*code);
                Format::Text
            });
            formats.push(format);
        }
        portal.set_shape(prepared.analysis.columns.clone(), formats)?;
        self.portals.put(portal);
        Ok(())
    }

    /// A statement whose tables changed since Parse is planned again, and must give what Describe said. 0A000.
    fn check_still_valid(&mut self, prepared: &PreparedStatement) -> Result<()> {
        match &prepared.source {
            Some(source) if matches!(source.parsed.statement, Statement::Sql(_)) => {
                self.check_plan(source, prepared.analysis.columns.as_ref())
            }
            _ => Ok(()),
        }
    }

    /// Describe of a statement.
    pub fn describe_statement(&mut self, name: &str, client: &mut dyn Client) -> Result<()> {
        let deadline = self.begin_message();
        let described = self.describe_prepared(name, client);
        drop(deadline);
        self.end_extended(described, client)
    }

    fn describe_prepared(&mut self, name: &str, client: &mut dyn Client) -> Result<()> {
        self.start_statement();
        let prepared = self.prepared.get(name)?;
        self.check_may_return(prepared.analysis.columns.is_some())?;
        client.parameters(&prepared.analysis.params);
        self.check_still_valid(&prepared)?;
        match &prepared.analysis.columns {
            Some(columns) => client.describe(&Shape::text(columns.clone()), &*self.env()),
            None => client.no_data(),
        }
        Ok(())
    }

    /// Describe of a portal.
    pub fn describe_portal(&mut self, name: &str, client: &mut dyn Client) -> Result<()> {
        let deadline = self.begin_message();
        let described = self.describe_bound(name, client);
        drop(deadline);
        self.end_extended(described, client)
    }

    fn describe_bound(&mut self, name: &str, client: &mut dyn Client) -> Result<()> {
        self.start_statement();
        let portal = self.portals.take(name, "portal")?;
        let may_return = self.check_may_return(portal.shape.is_some());
        if may_return.is_ok() {
            match &portal.shape {
                Some(shape) => client.describe(shape, &**self.env_now()),
                None => client.no_data(),
            }
        }
        self.portals.put(portal);
        may_return
    }

    /// Row descriptions need a catalog, which a failed transaction has no longer.
    fn check_may_return(&self, returns_rows: bool) -> Result<()> {
        if returns_rows && self.block.status() == Status::Failed { Err(aborted()) } else { Ok(()) }
    }

    /// Execute: sends up to `max_rows` rows (all when it is not positive), then the tag or [`Client::suspended`].
    pub async fn execute(&mut self, portal: &str, max_rows: i32, client: &mut dyn Client) -> Result<()> {
        let deadline = self.begin_message();
        self.begin_watch();
        let result = isolate(&self.shared.beacon(), pin!(self.execute_portal(portal, max_rows, client))).await;
        self.end_watch(result.is_ok());
        self.end_message(deadline);
        self.end_extended(result, client)
    }

    async fn execute_portal(&mut self, name: &str, max_rows: i32, client: &mut dyn Client) -> Result<()> {
        let mut portal = self.portals.take(name, "portal")?;
        let limit = usize::try_from(max_rows).ok().filter(|rows| *rows > 0);
        let executed = self.execute_taken(&mut portal, limit, client).await;
        // A portal goes with its transaction.
        let has_ended = executed.as_ref().map_or_else(|_| !self.block.is_open(), |ended| *ended);
        if !has_ended {
            self.portals.put(portal);
        }
        executed.map(drop)
    }

    /// Runs the portal; whether that has ended its transaction.
    async fn execute_taken(
        &mut self,
        portal: &mut Portal,
        limit: Option<usize>,
        client: &mut dyn Client,
    ) -> Result<bool> {
        let Some(source) = &portal.source else {
            client.empty_query();
            return Ok(false);
        };
        self.start_statement();
        self.show_activity(&portal.text);
        self.check_not_aborted(&source.parsed.statement)?;
        self.shared.backend.interrupts.check()?;
        if let Some(code) = portal.bad_format {
            format_of(code)?;
        }
        if matches!(portal.progress, Progress::New) {
            if self.watch.is_some() {
                self.watch_execute(source, &portal.name, &portal.text, &portal.params);
            }
            self.admit_statement(source)?;
        }
        let ends_transaction = statement::ends_transaction(&source.parsed.statement);
        let begun = self.begin_count();
        let counted = begun.map(|_| source.clone());
        let advanced = self.advance(portal, limit, client).await;
        if advanced.is_err() {
            portal.fail();
        }
        let Some(tag) = advanced? else {
            client.suspended();
            return Ok(ends_transaction && !self.block.is_open());
        };
        if let Some(source) = counted {
            self.end_count(begun, &source, &tag);
        }
        if ends_transaction {
            self.finish_statement().await?;
        } else {
            self.block.pipelined = true;
        }
        self.send_notices(client);
        self.complete(&tag, client);
        Ok(ends_transaction)
    }

    /// Runs a portal, or goes on with it; its tag when it is at its end.
    async fn advance(
        &mut self,
        portal: &mut Portal,
        limit: Option<usize>,
        client: &mut dyn Client,
    ) -> Result<Option<crate::Tag>> {
        if let Progress::New = portal.progress {
            portal.progress = match self.run(portal, client).await? {
                Outcome::Done(tag) => {
                    portal.progress = Progress::Finished(None);
                    return Ok(Some(tag));
                }
                Outcome::Rows { columns, source, command, count } => {
                    if portal.shape.is_none() {
                        portal.shape = Some(Shape::text(columns));
                    }
                    Progress::Rows { source, command, count }
                }
            };
        }
        match &mut portal.progress {
            Progress::Rows { source, command, count } => {
                let (command, count) = (*command, *count);
                let shape = portal.shape.take().unwrap_or_else(|| Shape::text(Arc::default()));
                let sent = self.send_rows(&shape, source, limit, client).await;
                portal.shape = Some(shape);
                let (sent, at_end) = sent?;
                if !at_end {
                    return Ok(None);
                }
                portal.progress = Progress::Finished(Some((command, count)));
                Ok(Some(tag(command, count, sent)))
            }
            Progress::Finished(Some((command, count))) => Ok(Some(tag(command, *count, 0))),
            Progress::Finished(None) | Progress::New => Err(portal.not_runnable()),
        }
    }

    /// Close; nothing happens when there is no such statement or portal.
    pub fn close_named(&mut self, target: Target, name: &str, client: &mut dyn Client) {
        match target {
            Target::Statement => self.prepared.remove(name),
            Target::Portal => self.portals.remove(name),
        };
        client.closed();
    }

    /// Sync: outside a block the pipeline's transaction is committed. The error is an answer of its own.
    pub async fn sync(&mut self, client: &mut dyn Client) -> Result<()> {
        let mut result = Ok(());
        if self.block.is_open() {
            result = isolate(&self.shared.beacon(), pin!(self.finish_statement())).await;
            self.block.pipelined = false;
        }
        if let Err(error) = &result {
            self.fail_message(error);
        }
        self.end_activity(client);
        result
    }

    /// Takes back what a failed message did, and says what there is to say before its answer.
    fn end_extended(&mut self, result: Result<()>, client: &mut dyn Client) -> Result<()> {
        if let Err(error) = &result {
            self.fail_message(error);
            self.pause();
        }
        self.send_notices(client);
        result
    }

    /// The protocol was violated: the transaction is aborted as by any error.
    pub fn protocol_error(&mut self) {
        self.fail();
    }
}

fn check_counts(prepared: &PreparedStatement, formats: &[i16], params: usize) -> Result<()> {
    let violation = |message: String| Err(Error::new(SqlState::PROTOCOL_VIOLATION, message));
    if formats.len() > 1 && formats.len() != params {
        let message = format!("bind message has {} parameter formats but {params} parameters", formats.len());
        return violation(message);
    }
    let required = prepared.analysis.params.len();
    if params != required {
        return violation(format!(
            "bind message supplies {params} parameters, but prepared statement \"{}\" requires {required}",
            prepared.name
        ));
    }
    Ok(())
}

pub(super) fn format_of(code: i16) -> Result<Format> {
    match code {
        0 => Ok(Format::Text),
        1 => Ok(Format::Binary),
        other => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("unsupported format code: {other}"))),
    }
}

/// A parameter that cannot be read.
pub(super) struct Refused {
    pub(super) error: Error,
    index: usize,
    /// What is wrong is the value, and not the bytes it came in.
    is_value: bool,
}

impl Refused {
    /// The error with its `CONTEXT`; values are not repeated.
    fn of_portal(self, portal: &str) -> Error {
        let portal = match portal {
            "" => "unnamed portal".to_owned(),
            name => format!("portal \"{name}\""),
        };
        let number = self.index + 1;
        let value = if self.is_value { " = '...'" } else { "" };
        self.surplus(format_args!("bind parameter {number}")).context(format!("{portal} parameter ${number}{value}"))
    }

    /// The error; one about bytes that are left over says of what.
    pub(super) fn surplus(&self, of: std::fmt::Arguments<'_>) -> Error {
        match self.error.message() {
            message @ "incorrect binary data format" => Error::new(self.error.code(), format!("{message} in {of}")),
            _ => self.error.clone(),
        }
    }

    /// Its place among the parameters, from 1.
    pub(super) fn number(&self) -> usize {
        self.index + 1
    }
}

/// The values of parameters.
pub(super) fn decode_parameters(
    prepared: &PreparedStatement,
    formats: &[i16],
    params: &[Option<&[u8]>],
    env: &StatementEnv,
) -> std::result::Result<Arc<[Datum]>, Box<Refused>> {
    // One allocation, filled in place.
    let mut values: Arc<[Datum]> = std::iter::repeat_n(Datum::Null, params.len()).collect();
    // Nobody else has it yet.
    let places = Arc::get_mut(&mut values).unwrap_or_default();
    for (index, (place, param)) in places.iter_mut().zip(params).enumerate() {
        let code = match formats {
            [] => 0,
            [one] => *one,
            each => each.get(index).copied().unwrap_or(0),
        };
        let ty = Type::new(prepared.analysis.params[index]);
        *place = decode_parameter(*param, ty, code, env).map_err(|error| {
            let is_value = code == 0 && param.is_some_and(|bytes| is_text(bytes, env));
            Box::new(Refused { error, index, is_value })
        })?;
    }
    Ok(values)
}

fn decode_parameter(param: Option<&[u8]>, ty: Type, code: i16, env: &StatementEnv) -> Result<Datum> {
    let format = format_of(code)?;
    let Some(bytes) = param else { return text::input_null(ty, env) };
    if let Some(codec) = env.derived.codec {
        return decode_in(codec, bytes, ty, format, env);
    }
    match format {
        Format::Text => text::input(from_utf8(bytes)?, ty, env),
        Format::Binary => binary::recv(bytes, ty, env),
    }
}

/// Likewise, from a client that speaks another encoding than UTF-8.
fn decode_in(codec: &Codec, bytes: &[u8], ty: Type, format: Format, env: &StatementEnv) -> Result<Datum> {
    match format {
        Format::Text => text::input(&codec.decode(bytes)?, ty, env),
        Format::Binary if is_text_in_binary(ty.oid) => binary::recv(codec.decode(bytes)?.as_bytes(), ty, env),
        Format::Binary => binary::recv(bytes, ty, env),
    }
}

/// Whether bytes are text in the client's encoding.
fn is_text(bytes: &[u8], env: &StatementEnv) -> bool {
    match env.derived.codec {
        Some(codec) => codec.decode(bytes).is_ok(),
        None => from_utf8(bytes).is_ok(),
    }
}

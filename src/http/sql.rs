//! Statements of the HTTP side: each in a session of its own, parameters bound, one JSON document as its result.

use std::sync::Arc;

use dictdb_session::backends::Identity;
use dictdb_session::{Client, Column, Instance, Row, Session, Shape, Startup};
use dictdb_types::{Datum, Env, Result, text};

use crate::State;
use crate::answer::Refusal;

/// How long a query of an operator may run.
const READ_TIMEOUT: &str = "5s";

/// A statement with the values of its parameters, as text.
pub(crate) struct Statement<'a> {
    pub text: &'a str,
    pub params: &'a [Option<&'a str>],
}

impl State {
    /// Runs a statement of `/api` and gives the text in the first column of its first row, if it has one.
    pub(crate) async fn ask(&self, statement: Statement<'_>) -> std::result::Result<Option<String>, Refusal> {
        Ok(self.try_ask(&self.options.database, statement).await??)
    }

    /// Likewise in any database, with what the statement itself or the beginning of its session says against it apart.
    pub(crate) async fn try_ask(
        &self,
        database: &Arc<str>,
        statement: Statement<'_>,
    ) -> std::result::Result<Result<Option<String>>, Refusal> {
        let Some(instance) = self.lifecycle.instance() else {
            return Err(Refusal::unavailable("The server is starting up"));
        };
        let Ok(_place) = self.places.acquire().await else {
            return Err(Refusal::unavailable("The server is shutting down"));
        };
        let mut session = match self.session(instance, database, instance.max_connections(), &[]) {
            Ok(session) => session,
            Err(error) => return Ok(Err(error)),
        };
        Ok(run(&mut session, statement).await)
    }

    /// A session as the role of `/api`, unless there are `limit` sessions already. Whoever gave up waiting for the answer
    /// does not leave its statement behind: its time is limited too.
    fn session(
        &self,
        instance: &Arc<Instance>,
        database: &Arc<str>,
        limit: usize,
        more: &[(&str, &str)],
    ) -> Result<Session> {
        let identity = Identity {
            user: self.options.user.clone(),
            database: database.clone(),
            address: None,
            server: None,
            encrypted: false,
        };
        let backend = instance.backends.enter(identity, rand::random(), limit)?;
        let pid = backend.pid;
        let timeout = self.options.timeout.as_millis().to_string();
        let own = [
            ("application_name", "dictdb http"),
            ("statement_timeout", &timeout),
            ("search_path", "public"),
            ("timezone", "UTC"),
        ];
        let settings = own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let startup = Startup { settings: settings.collect() };
        Session::start(instance.clone(), backend, &startup).inspect_err(|_| instance.backends.leave(pid))
    }

    /// A query of the server's own, not limited by the number of connections: whether it answers.
    pub(crate) async fn probe(&self, instance: &Arc<Instance>) -> Result<()> {
        let mut session = self.session(instance, &self.options.database, usize::MAX, &[])?;
        run(&mut session, Statement { text: "SELECT 1::text", params: &[] }).await.map(drop)
    }

    /// The whole result of one query that an operator has written, as text. It may only read, and not for long.
    pub(crate) async fn read(&self, instance: &Arc<Instance>, text: &str) -> Result<TextRows> {
        let bounds = [("default_transaction_read_only", "on"), ("statement_timeout", READ_TIMEOUT)];
        let mut session = self.session(instance, &self.options.database, usize::MAX, &bounds)?;
        let mut answer = TextRows::default();
        let result = execute(&mut session, Statement { text, params: &[] }, &mut answer).await;
        let ended = session.sync(&mut answer).await;
        result.and(ended)?;
        Ok(answer)
    }
}

/// A result as text.
#[derive(Debug, Default)]
pub(crate) struct TextRows {
    /// Names of the columns.
    pub columns: Vec<Arc<str>>,
    /// Values; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Client for TextRows {
    fn describe(&mut self, shape: &Shape, _: &dyn Env) {
        self.columns = shape.columns.iter().map(|column| column.name.clone()).collect();
    }

    fn row(&mut self, shape: &Shape, row: &Row, env: &dyn Env) -> Result<()> {
        let shown = |(value, column): (&Datum, &Column)| {
            let mut text = String::new();
            match value.is_null() {
                true => Ok(None),
                false => text::output(value, column.ty.oid, env, &mut text).map(|()| Some(text)),
            }
        };
        self.rows.push(row.iter().zip(&*shape.columns).map(shown).collect::<Result<_>>()?);
        Ok(())
    }
}

async fn run(session: &mut Session, statement: Statement<'_>) -> Result<Option<String>> {
    let mut answer = TextRows::default();
    let result = execute(session, statement, &mut answer).await;
    let ended = session.sync(&mut answer).await;
    result.and(ended)?;
    Ok(answer.rows.pop().and_then(|row| row.into_iter().next().flatten()))
}

async fn execute(session: &mut Session, statement: Statement<'_>, answer: &mut TextRows) -> Result<()> {
    session.parse("", statement.text, &[], answer)?;
    let params: Vec<Option<&[u8]>> = statement.params.iter().map(|param| param.map(str::as_bytes)).collect();
    session.bind("", "", (&[], &[]), &params, answer)?;
    session.describe_portal("", answer)?;
    session.execute("", 0, answer).await
}

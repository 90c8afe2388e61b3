//! The two servers side by side.

use std::io::Result;

use super::case::{Manner, Step};
use super::comparer::{NOT_SUPPORTED, Verdict, compare};
use super::phrase::Rendered;
use super::side::{Answer, Side};
use crate::random::Random;
use crate::server::Server;

/// Both sessions see their own schema first. What takes PostgreSQL long is not compared; DictDB, which may not be optimised, has
/// more time.
const DICTDB_SETTINGS: &str = "SET search_path = differential, public; SET statement_timeout = '20s'";
const POSTGRES_SETTINGS: &str = "SET search_path = differential, public; SET statement_timeout = '1s'";
/// The name of the prepared statement.
const PREPARED: &str = "prepared";

/// Errors that PostgreSQL has only when it plans a statement.
const LEFT: [&str; 1] = ["matching the ON CONFLICT specification"];

/// DictDB and PostgreSQL.
pub struct Pair {
    dictdb: Server,
    postgres: Server,
    /// Answers compared so far.
    pub compared: u64,
    /// Of these, how many were errors.
    pub errors: u64,
}

/// A session on each server.
pub struct Sessions<'a> {
    pair: &'a mut Pair,
    dictdb: Side,
    postgres: Side,
}

impl Pair {
    /// Starts both.
    pub fn start() -> Result<Self> {
        Ok(Pair { dictdb: Server::dictdb()?, postgres: Server::postgres()?, compared: 0, errors: 0 })
    }

    /// The ports of DictDB and PostgreSQL.
    pub fn ports(&self) -> (u16, u16) {
        (self.dictdb.port, self.postgres.port)
    }

    /// New sessions with an empty schema. A DictDB that is gone is started again.
    pub fn sessions(&mut self) -> Result<Sessions<'_>> {
        let dictdb = match Side::open(self.dictdb.port, DICTDB_SETTINGS) {
            Ok(side) => side,
            Err(_) => {
                self.dictdb = Server::dictdb()?;
                Side::open(self.dictdb.port, DICTDB_SETTINGS)?
            }
        };
        let postgres = Side::open(self.postgres.port, POSTGRES_SETTINGS)?;
        Ok(Sessions { pair: self, dictdb, postgres })
    }
}

impl Sessions<'_> {
    /// Runs a step on both servers.
    pub fn run(&mut self, step: &Step) -> Result<Verdict> {
        let verdict = match &step.manner {
            Manner::Text => {
                let text = step.phrase.text();
                let (dictdb, postgres) = self.ask(|side| side.send_query(&text.sql))?;
                self.leave_failed(&dictdb, &postgres)?;
                self.judge(&dictdb, &postgres, text.ordered, step.any_error)
            }
            Manner::Prepared { executions, between, binary } => {
                self.run_prepared(step, *executions, between.as_ref().map(|phrase| phrase.text().sql), *binary)?
            }
        };
        match step.aftermath() {
            Some(sql) if verdict == Verdict::Same => {
                let (dictdb, postgres) = self.ask(|side| side.send_query(&sql))?;
                Ok(match self.judge(&dictdb, &postgres, false, false) {
                    Verdict::Different(text) => Verdict::Different(format!("  afterwards, {sql}\n{text}")),
                    verdict => verdict,
                })
            }
            _ => Ok(verdict),
        }
    }

    /// What PostgreSQL alone says.
    pub fn ask_postgres(&mut self, sql: &str) -> Result<Answer> {
        self.postgres.send_query(sql)?;
        self.postgres.receive()
    }

    /// Runs a call of a function; whether PostgreSQL refused it. What DictDB does not have is not compared.
    pub fn run_call(&mut self, sql: &str) -> Result<(Verdict, bool)> {
        let (dictdb, postgres) = self.ask(|side| side.send_query(sql))?;
        let verdict =
            if dictdb.sqlstate == NOT_SUPPORTED { Verdict::Void } else { self.judge(&dictdb, &postgres, false, false) };
        Ok((verdict, !postgres.sqlstate.is_empty()))
    }

    /// Prepares a statement that may be broken: its columns, or the whole error, are compared.
    pub fn run_broken(&mut self, sql: &str) -> Result<Verdict> {
        self.ask(|side| side.send_query("DEALLOCATE ALL"))?;
        let statement = Rendered { sql: sql.to_owned(), ..Rendered::default() };
        let (dictdb, postgres) = self.ask(|side| side.send_prepare(PREPARED, &statement))?;
        if dictdb.sqlstate == NOT_SUPPORTED || LEFT.iter().any(|left| dictdb.error.contains(left)) {
            return Ok(Verdict::Void);
        }
        Ok(match self.judge(&dictdb, &postgres, false, false) {
            Verdict::Same if dictdb.error != postgres.error => {
                Verdict::Different(format!("  DictDB:     {}\n  PostgreSQL: {}", dictdb.error, postgres.error))
            }
            verdict => verdict,
        })
    }

    fn run_prepared(&mut self, step: &Step, executions: u32, between: Option<String>, binary: bool) -> Result<Verdict> {
        let statement = step.phrase.with_parameters();
        self.ask(|side| side.send_query("DEALLOCATE ALL"))?;
        let (dictdb, postgres) = self.ask(|side| side.send_prepare(PREPARED, &statement))?;
        let verdict = self.judge(&dictdb, &postgres, false, step.any_error);
        if verdict != Verdict::Same || !postgres.sqlstate.is_empty() {
            self.leave_failed(&dictdb, &postgres)?;
            return Ok(verdict);
        }
        for execution in 0..executions {
            let values = values_of(&statement, execution);
            let (dictdb, postgres) = self.ask(|side| side.send_execute(PREPARED, &values, binary))?;
            self.leave_failed(&dictdb, &postgres)?;
            let verdict = match self.judge(&dictdb, &postgres, statement.ordered, step.any_error) {
                Verdict::Different(text) => {
                    Verdict::Different(format!("  execution {} with {values:?}\n{text}", execution + 1))
                }
                verdict => verdict,
            };
            if verdict != Verdict::Same {
                return Ok(verdict);
            }
            if let Some(sql) = between.as_ref().filter(|_| execution == executions / 2) {
                let (dictdb, postgres) = self.ask(|side| side.send_query(sql))?;
                let verdict = self.judge(&dictdb, &postgres, false, false);
                if verdict != Verdict::Same {
                    return Ok(verdict);
                }
            }
        }
        Ok(Verdict::Same)
    }

    /// Both get something to do, then both are heard.
    fn ask(&mut self, send: impl Fn(&mut Side) -> Result<()>) -> Result<(Answer, Answer)> {
        send(&mut self.postgres)?;
        send(&mut self.dictdb)?;
        let postgres = self.postgres.receive()?;
        let dictdb = self.dictdb.receive()?;
        Ok((dictdb, postgres))
    }

    fn judge(&mut self, dictdb: &Answer, postgres: &Answer, ordered: bool, any_error: bool) -> Verdict {
        self.pair.compared += 1;
        self.pair.errors += u64::from(!postgres.sqlstate.is_empty());
        compare(dictdb, postgres, ordered, any_error)
    }

    /// A transaction that failed on one of them is over on both, so that what follows is not refused.
    fn leave_failed(&mut self, dictdb: &Answer, postgres: &Answer) -> Result<()> {
        if !postgres.sqlstate.is_empty() || !dictdb.sqlstate.is_empty() {
            self.ask(|side| side.send_query("ROLLBACK"))?;
        }
        Ok(())
    }
}

/// The values of an execution: at first those of the statement, then others.
fn values_of(statement: &Rendered, execution: u32) -> Vec<String> {
    let value = |at: usize| {
        let constant = &statement.parameters[at];
        if execution == 0 {
            return constant.value.clone();
        }
        let mut random = Random::new((u64::from(constant.number) << 8) + u64::from(execution));
        random.below(2);
        constant.kind.sample(&mut random)
    };
    (0..statement.parameters.len()).map(value).collect()
}

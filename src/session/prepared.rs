//! Prepared statements: a statement by name, analysed once.

use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use dictdb_parser::{Limits, Locations, ParsedStatement, Statement, parse};
use dictdb_planner::variables::Variables;
use dictdb_types::{Error, Oid, Result, SqlState, Type, oids};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::client::Column;
use crate::pipeline::CachedPlan;
use crate::statement_statistics::Normal;

/// One statement of a query string.
pub(crate) struct Source {
    /// The query string, shared by its statements; positions in errors count in it.
    pub text: Arc<str>,
    /// The statement.
    pub parsed: ParsedStatement,
    /// Parameter types that were declared; `unknown` is for the planner to find out.
    pub declared: Vec<Type>,
    /// Texts of the parameters of one of the statements it stands for, where they were constants: hints for estimates.
    pub hints: Box<[Arc<str>]>,
    /// Variables that names in it may mean: their values are its parameters.
    pub variables: Option<Arc<dyn Variables + Send + Sync>>,
    /// It is COPY's own: the rules of its target are not for it.
    pub ignores_rules: bool,
    /// The last plan made of it.
    pub plan: Mutex<Option<Arc<CachedPlan>>>,
    /// What it has in common with statements of other constants, once that was asked.
    pub normal: OnceLock<Normal>,
}

impl Source {
    pub(crate) fn new(text: Arc<str>, parsed: ParsedStatement, declared: &[Oid]) -> Source {
        let types = declared.iter().map(|oid| Type::new(if oid.is_valid() { *oid } else { oids::UNKNOWN }));
        let declared = types.collect();
        Source {
            text,
            parsed,
            declared,
            hints: Box::default(),
            variables: None,
            ignores_rules: false,
            plan: Mutex::default(),
            normal: OnceLock::new(),
        }
    }

    /// The same statement without regard to rules.
    pub(crate) fn without_rules(self) -> Source {
        Source { ignores_rules: true, ..self }
    }

    /// A statement of the session's own making.
    pub(crate) fn parse(sql: &str) -> Result<Source> {
        Source::parse_with(sql, &[])
    }

    /// Likewise, with parameters of these types.
    pub(crate) fn parse_with(sql: &str, declared: &[Oid]) -> Result<Source> {
        let parsed = parse(sql, &Limits::default())?.pop().ok_or_else(|| Error::internal("an empty statement"))?;
        Ok(Source::new(sql.into(), parsed, declared))
    }

    /// A statement that is a part of this one's tree. Its copy has no positions of its own.
    pub(crate) fn inner(&self, statement: Statement) -> Source {
        let locations = Locations::default();
        let (text, strings) = (self.parsed.text.clone(), self.parsed.strings);
        let parsed = ParsedStatement { statement, text, locations, notices: Vec::new(), strings };
        let (text, declared, hints) = (self.text.clone(), self.declared.clone(), self.hints.clone());
        let variables = self.variables.clone();
        Source {
            text,
            parsed,
            declared,
            hints,
            variables,
            ignores_rules: self.ignores_rules,
            plan: Mutex::default(),
            normal: OnceLock::new(),
        }
    }

    /// The same with hints.
    pub(crate) fn with_hints(self, hints: Box<[Arc<str>]>) -> Source {
        Source { hints, ..self }
    }

    /// What it has in common with statements of other constants.
    pub(crate) fn normal(&self) -> &Normal {
        self.normal.get_or_init(|| Normal::of(&self.parsed.statement, self.own_text()))
    }

    /// The statement's own text.
    pub(crate) fn own_text(&self) -> &str {
        self.text.get(self.parsed.text.clone()).unwrap_or(&self.text)
    }

    /// A statement inside this one, such as the query of a cursor, as a statement of its own. It is parsed again with what
    /// stands before it blanked out, so that positions in errors still count in the query string.
    pub(crate) fn nested(&self, range: Range<usize>, declared: &[Oid]) -> Result<Arc<Source>> {
        let lost = || Error::internal("a nested statement is not where it was");
        let before = self.text.get(..range.start).ok_or_else(lost)?;
        let mut text = " ".repeat(before.chars().count());
        text.push_str(self.text.get(range).ok_or_else(lost)?);
        let limits = Limits { strings: self.parsed.strings, ..Limits::default() };
        let parsed = parse(&text, &limits)?.pop().ok_or_else(lost)?;
        let source = Source::new(text.into(), parsed, declared);
        Ok(Arc::new(Source { variables: self.variables.clone(), ..source }))
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "statement {:?}", self.own_text())
    }
}

/// What analysis finds out without executing anything.
#[derive(Clone, Debug)]
pub(crate) struct Analysis {
    /// Types of the parameters.
    pub params: Arc<[Oid]>,
    /// Columns of the result; `None` when the statement returns no rows.
    pub columns: Option<Arc<[Column]>>,
    /// What binding it reports: a constant expression cannot be computed.
    pub failure: Option<Error>,
}

/// A prepared statement.
#[derive(Debug)]
pub(crate) struct PreparedStatement {
    /// Its name; empty for the unnamed one.
    pub name: Arc<str>,
    /// Its text, as `pg_prepared_statements.statement` shows it.
    pub text: Arc<str>,
    /// The statement; `None` when the text was empty.
    pub source: Option<Arc<Source>>,
    /// What is known of it.
    pub analysis: Analysis,
    /// Made by PREPARE rather than by the protocol.
    pub from_sql: bool,
    /// When it was made.
    pub prepared_at: i64,
    /// How often it was run.
    pub uses: AtomicU64,
}

impl PreparedStatement {
    pub(crate) fn new(name: &str, source: Option<Arc<Source>>, text: Arc<str>, analysis: Analysis) -> Self {
        PreparedStatement {
            name: name.into(),
            text,
            source,
            analysis,
            from_sql: false,
            prepared_at: crate::clock::now_micros(),
            uses: AtomicU64::default(),
        }
    }
}

/// The named prepared statements of a session, which `pg_prepared_statements` shows to itself.
pub(crate) type NamedStatements = Mutex<FxHashMap<Arc<str>, Arc<PreparedStatement>>>;

/// The prepared statements of a session. They are not transactional.
#[derive(Debug, Default)]
pub(crate) struct PreparedStatements {
    by_name: FxHashMap<Arc<str>, Arc<PreparedStatement>>,
    /// The named ones, to be looked at from elsewhere: without it a look at them would take a lock.
    named: Arc<NamedStatements>,
    unnamed: Option<Arc<PreparedStatement>>,
}

impl PreparedStatements {
    /// The named ones, to be looked at from elsewhere.
    pub(crate) fn named(&self) -> Arc<NamedStatements> {
        self.named.clone()
    }

    /// The statement of that name; 26000.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<PreparedStatement>> {
        let found = if name.is_empty() { self.unnamed.as_ref() } else { self.by_name.get(name) };
        found.cloned().ok_or_else(|| {
            let message = match name {
                "" => "unnamed prepared statement does not exist".to_owned(),
                name => format!("prepared statement \"{name}\" does not exist"),
            };
            Error::new(SqlState::UNDEFINED_PSTATEMENT, message)
        })
    }

    /// The name of the statement that this is the source of; the unnamed one's is empty.
    pub(crate) fn name_of(&self, source: &Arc<Source>) -> Arc<str> {
        let is_it = |statement: &&Arc<PreparedStatement>| {
            statement.source.as_ref().is_some_and(|found| Arc::ptr_eq(found, source))
        };
        self.by_name.values().find(is_it).map_or_else(Arc::default, |statement| statement.name.clone())
    }

    /// 42P05 when the name is taken. The unnamed statement may always be replaced.
    pub(crate) fn check_free(&self, name: &str) -> Result<()> {
        if self.by_name.contains_key(name) {
            let message = format!("prepared statement \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_PSTATEMENT, message));
        }
        Ok(())
    }

    pub(crate) fn put(&mut self, statement: PreparedStatement) {
        let statement = Arc::new(statement);
        if statement.name.is_empty() {
            self.unnamed = Some(statement);
        } else {
            self.named.lock().insert(statement.name.clone(), statement.clone());
            self.by_name.insert(statement.name.clone(), statement);
        }
    }

    /// Forgets a statement; false when there was none.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        if name.is_empty() {
            return self.unnamed.take().is_some();
        }
        self.named.lock().remove(name);
        self.by_name.remove(name).is_some()
    }

    pub(crate) fn clear(&mut self) {
        self.by_name.clear();
        self.named.lock().clear();
    }
}

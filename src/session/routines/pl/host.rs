//! The session as the interpreter's host.

use std::sync::Arc;

use dictdb_catalog::{Parameter, Routine};
use dictdb_parser::utility::Utility;
use dictdb_parser::{LexemeKind, Limits, Statement, ast, lexemes, parse};
use dictdb_plpgsql::{
    Activation, CallOutput, CallSite, Direction, Executed, Frame, Function, Host, Opening, Params, PartAssignment,
    Read, Sql, SqlKind,
};
use dictdb_types::{Datum, Env, Error, Field, Oid, Result, SqlState, Type, text};

use super::ContextEntry;
use super::plan::{PlannedKind, PlannedStatement, context_line};
use super::simple::Scratch;
use crate::pipeline::PlanStamp;
use crate::prepared::Source;
use crate::transaction::Ending;
use crate::{Session, StatementEnv};

/// One call's view of its session.
pub(super) struct PlHost<'a> {
    pub session: &'a mut Session,
    /// The function may not change data.
    pub read_only: bool,
    /// It may end the transaction.
    nonatomic: bool,
    /// Parts of the transaction that were open when the call began.
    parts: usize,
    /// What is known of the function's expressions.
    pub scratch: Box<Scratch>,
}

impl<'a> PlHost<'a> {
    /// For a call of a function.
    pub(super) fn new(session: &'a mut Session, activation: &mut Activation, read_only: bool, nonatomic: bool) -> Self {
        let parts = session.block.savepoints.len();
        let kept = activation.kept.take();
        let scratch = kept.and_then(|kept| kept.downcast::<Scratch>().ok()).unwrap_or_default();
        PlHost { session, read_only, nonatomic, parts, scratch }
    }

    /// The call has ended: what is known of the function's expressions is there for the next one.
    pub(super) fn end(self, function: &Function, mut activation: Activation) {
        activation.kept = Some(self.scratch);
        function.end_activation(activation);
    }

    pub(super) fn environment(&mut self) -> Arc<StatementEnv> {
        self.session.pl_environment().env.clone()
    }

    pub(super) fn stamp(&mut self) -> PlanStamp {
        self.session.pl_environment().stamp
    }

    /// A statement may have changed what names mean.
    pub(super) fn forget_environment(&mut self) {
        self.session.routines.environment.forget();
    }

    /// How its statements are read.
    pub(super) fn limits(&self) -> Limits<'_> {
        Limits { database: Some(&self.session.shared.database.name), ..Limits::default() }
    }

    /// A statement that is made while the function runs.
    fn dynamic(&mut self, text: &str, params: &Params) -> Result<Vec<PlannedStatement>> {
        let types: Vec<Oid> = params.iter().map(|(_, ty)| ty.oid).collect();
        let text: Arc<str> = text.into();
        let mut statements = Vec::new();
        for parsed in parse(&text, &self.limits()).map_err(|error| locate(error, &text))? {
            let source = Source::new(text.clone(), parsed, &types);
            check_dynamic(&source)?;
            statements.push(PlannedStatement::new(source));
        }
        Ok(statements)
    }
}

/// 0A000 for what EXECUTE cannot run.
fn check_dynamic(source: &Source) -> Result<()> {
    let Statement::Utility(utility) = &source.parsed.statement else { return Ok(()) };
    let refuse =
        |what: &str| Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("EXECUTE of {what} is not implemented"));
    match &**utility {
        Utility::Transaction(_) => Err(refuse("transaction commands")),
        // The tree is the same; CREATE TABLE AS is what it is called.
        Utility::CreateTableAs(_) if !begins_with_create(source.own_text()) => Err(refuse("SELECT ... INTO")
            .hint("You might want to use EXECUTE ... INTO or EXECUTE CREATE TABLE ... AS instead.")),
        _ => Ok(()),
    }
}

/// Whether a statement is CREATE TABLE AS rather than SELECT INTO, whose tree is the same.
pub(crate) fn begins_with_create(text: &str) -> bool {
    let first = lexemes(text).ok().and_then(|(tokens, _)| tokens.into_iter().next());
    matches!(first.map(|token| token.kind), Some(LexemeKind::Word(word)) if word == "create")
}

/// An error of a statement that the client has not sent: its position counts in the text, or the text is named.
fn locate(mut error: Error, text: &str) -> Error {
    match error.fields_mut().position.take() {
        Some(position) => {
            error.fields_mut().internal = Some((position, text.to_owned()));
            error
        }
        None => error.context(context_line(SqlKind::Statement, text)),
    }
}

impl Host for PlHost<'_> {
    fn env(&mut self) -> Arc<dyn Env> {
        self.environment()
    }

    fn evaluate(
        &mut self,
        sql: &Sql,
        frame: &mut Frame,
        function: &Function,
        target: Option<Type>,
    ) -> Result<(Datum, Type, Option<Arc<[Field]>>)> {
        let planned = match self.ready(sql, frame, target) {
            Some((ready, env)) => match ready.planned.simple() {
                Some(simple) if simple.is_pure() => {
                    return Ok((simple.expression.eval(env, &frame.values)?, simple.ty, simple.fields.clone()));
                }
                _ => ready.planned.clone(),
            },
            None => {
                let planned = self.planned_expression(sql, frame, function, target)?;
                self.keep_ready(sql, frame, target, &planned);
                planned
            }
        };
        match &planned.kind {
            PlannedKind::Simple(simple) => {
                let value = self.evaluate_simple(simple, frame)?;
                Ok((value, simple.ty, simple.fields.clone()))
            }
            PlannedKind::Statement(statement) => {
                let params = frame.values.clone().into();
                let run = self.run(statement, params, Read::Two, (sql.kind, &sql.shown));
                let executed = run.map_err(|error| sql.locate(error))?;
                let columns = executed.columns.unwrap_or_default();
                let [column] = &*columns else {
                    return Err(not_one_column(sql, columns.len()));
                };
                if executed.rows.len() > 1 {
                    let message = "query returned more than one row";
                    return Err(Error::new(SqlState::CARDINALITY_VIOLATION, message).context(query_line(sql)));
                }
                let row = executed.rows.into_iter().next();
                let value = row.and_then(|row| row.into_iter().next()).unwrap_or(Datum::Null);
                match target {
                    Some(target) => Ok((self.session.assign_cast(value, column.ty, target)?, target, None)),
                    None => Ok((value, column.ty, None)),
                }
            }
        }
    }

    #[inline]
    fn value(&mut self, sql: &Sql, frame: &mut Frame, function: &Function, target: Type) -> Result<Datum> {
        if let Some((ready, env)) = self.ready(sql, frame, Some(target))
            && let Some(simple) = ready.planned.simple()
            && simple.is_pure()
        {
            return simple.expression.eval(env, &frame.values);
        }
        self.evaluate(sql, frame, function, Some(target)).map(|(datum, ..)| datum)
    }

    #[inline]
    fn assign(
        &mut self,
        sql: &Sql,
        frame: &mut Frame,
        function: &Function,
        variable: usize,
        target: Option<Type>,
    ) -> Result<Type> {
        if let Some((ready, env)) = self.ready(sql, frame, target)
            && let Some(simple) = ready.planned.simple()
            && simple.is_pure()
        {
            simple.expression.store(env, &mut frame.values, variable)?;
            return Ok(simple.ty);
        }
        let (value, ty, _) = self.evaluate(sql, frame, function, target)?;
        frame.values[variable] = value;
        Ok(ty)
    }

    fn assign_field(&mut self, sql: &Sql, frame: &mut Frame, field: (usize, usize), ty: Type) -> Result<bool> {
        let Some((ready, env)) = self.ready(sql, frame, None) else { return Ok(false) };
        match ready.planned.simple() {
            Some(simple) if simple.is_pure() && simple.ty.oid == ty.oid && ty.typmod < 0 => {
                simple.expression.store_field(env, &mut frame.values, field).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    #[inline]
    fn is_true(&mut self, sql: &Sql, frame: &mut Frame, function: &Function) -> Result<bool> {
        let bool = Type::new(dictdb_types::oids::BOOL);
        if let Some((ready, env)) = self.ready(sql, frame, Some(bool))
            && let Some(simple) = ready.planned.simple()
            && simple.is_pure()
        {
            return simple.expression.is_true(env, &frame.values);
        }
        let (value, ..) = self.evaluate(sql, frame, function, Some(bool))?;
        Ok(matches!(value, Datum::Bool(true)))
    }

    fn evaluate_part(
        &mut self,
        part: &PartAssignment,
        frame: &mut Frame,
        function: &Function,
    ) -> Result<Option<Datum>> {
        if let Some((ready, env)) = self.ready(&part.sql, frame, None)
            && let Some(simple) = ready.planned.simple()
            && simple.is_pure()
        {
            return simple.expression.assign(env, &mut frame.values);
        }
        let by_query = part.value.plan.lock().is_some();
        let planned = match by_query {
            true => None,
            false => self.planned_part(part, frame, function, None)?,
        };
        if let Some(planned) = planned {
            self.keep_ready(&part.sql, frame, None, &planned);
            return self.evaluate_simple(planned.simple().ok_or_else(not_compiled)?, frame).map(Some);
        }
        let (value, ty, _) = self.evaluate(&part.value, frame, function, None)?;
        let planned = self.planned_part(part, frame, function, Some(ty))?.ok_or_else(not_compiled)?;
        frame.values.push(value);
        let result = self.evaluate_simple(planned.simple().ok_or_else(not_compiled)?, frame);
        frame.values.pop();
        result.map(Some)
    }

    fn execute(&mut self, sql: &Sql, frame: &Frame, function: &Function, read: Read) -> Result<Executed> {
        let planned = self.planned_statement(sql, frame, function)?;
        let PlannedKind::Statement(statement) = &planned.kind else {
            return Err(Error::internal("a statement was planned as an expression"));
        };
        statement.check_allowed()?;
        if matches!(&statement.source.parsed.statement, Statement::Utility(utility) if matches!(**utility, Utility::Do(_)))
        {
            self.session.routines.may_end = self.nonatomic && self.session.block.savepoints.len() == self.parts;
        }
        let params = frame.values.clone().into();
        self.run(statement, params, read, (sql.kind, &sql.shown)).map_err(|error| sql.locate(error))
    }

    fn execute_text(&mut self, text: &str, params: Params, read: Read) -> Result<Executed> {
        let statements = self.dynamic(text, &params)?;
        let values: Arc<[Datum]> = params.into_iter().map(|(value, _)| value).collect();
        let shown: Arc<str> = text.into();
        let mut executed = Executed::default();
        for statement in &statements {
            statement.check_allowed()?;
            let run = self.run(statement, values.clone(), read, (SqlKind::Statement, &shown));
            executed = run.map_err(|error| locate(error, text))?;
        }
        Ok(executed)
    }

    fn is_nonatomic(&self) -> bool {
        self.nonatomic
    }

    fn execute_call(
        &mut self,
        sql: &Sql,
        frame: &Frame,
        function: &Function,
        check: &mut dyn FnMut(&[CallOutput]) -> Result<()>,
    ) -> Result<Option<Executed>> {
        let planned = self.planned_statement(sql, frame, function)?;
        let PlannedKind::Statement(statement) = &planned.kind else {
            return Err(Error::internal("CALL was planned as an expression"));
        };
        let Statement::Utility(utility) = &statement.source.parsed.statement else {
            return Err(Error::internal("CALL is a command"));
        };
        let Utility::Call(call) = &**utility else { return Err(Error::internal("CALL is a command")) };
        let params: Arc<[Datum]> = frame.values.clone().into();
        let nonatomic = self.nonatomic && self.session.block.savepoints.len() == self.parts;
        self.forget_environment();
        let entry = ContextEntry::Sql(sql.kind, sql.shown.clone());
        let source = statement.source.clone();
        let mut refused = None;
        let mut check = |routine: &Routine, arguments: &[Option<ast::Expr>]| {
            let output = |(parameter, argument): (&Parameter, &Option<ast::Expr>)| CallOutput {
                name: parameter.name.clone(),
                argument: argument.as_ref().and_then(dotted_name),
            };
            let outputs: Vec<CallOutput> = routine.outputs().zip(arguments).map(output).collect();
            check(&outputs).inspect_err(|error| refused = Some(error.clone()))
        };
        let call = |session: &mut Session| session.call_procedure(call, &source, &params, nonatomic, &mut check);
        let called = self.session.within(entry, call);
        // What the interpreter refuses is not an error of the statement.
        if let Some(error) = refused {
            return Err(error);
        }
        let Some(results) = called.map_err(|error| sql.locate(error))? else { return Ok(None) };
        let columns = statement.fields(&results.columns);
        Ok(Some(Executed { columns: Some(columns), rows: vec![results.row], ..Executed::default() }))
    }

    fn open(&mut self, how: Opening<'_>, sql: &Sql, frame: &Frame, function: &Function) -> Result<Arc<str>> {
        let planned = self.planned_statement(sql, frame, function)?;
        let PlannedKind::Statement(statement) = &planned.kind else {
            return Err(Error::internal("a query was planned as an expression"));
        };
        let params = frame.values.clone().into();
        self.open_portal(how, statement, params).map_err(|error| match error.code() {
            SqlState::DUPLICATE_CURSOR | SqlState::INVALID_CURSOR_DEFINITION => error,
            _ => sql.locate(error),
        })
    }

    fn open_text(&mut self, how: Opening<'_>, text: &str, params: Params) -> Result<Arc<str>> {
        let mut statements = self.dynamic(text, &params)?;
        let (Some(statement), true) = (statements.pop(), statements.is_empty()) else {
            let message = "cannot open multi-query plan as cursor";
            return Err(Error::new(SqlState::INVALID_CURSOR_DEFINITION, message));
        };
        let values = params.into_iter().map(|(value, _)| value).collect();
        self.open_portal(how, &statement, values).map_err(|error| match error.code() {
            SqlState::DUPLICATE_CURSOR | SqlState::INVALID_CURSOR_DEFINITION => error,
            _ => locate(error, text),
        })
    }

    fn fetch(&mut self, cursor: &str, direction: Direction, keep: bool) -> Result<Executed> {
        self.fetch_from(cursor, direction, keep)
    }

    fn close(&mut self, cursor: &str) -> Result<()> {
        self.session.portals.take(cursor, "cursor").map(drop)
    }

    fn cast(&mut self, value: Datum, from: Type, to: Type) -> Result<Datum> {
        self.session.assign_cast(value, from, to)
    }

    fn text(&mut self, value: &Datum, ty: Type) -> Result<String> {
        let mut out = String::new();
        text::output(value, ty.oid, &*self.session.pl_environment().env, &mut out)?;
        Ok(out)
    }

    fn begin_part(&mut self) -> Result<()> {
        self.session.begin_part("");
        Ok(())
    }

    fn end_part(&mut self, keep: bool) -> Result<()> {
        self.forget_environment();
        let Some(depth) = self.session.block.savepoints.len().checked_sub(1) else {
            return Err(Error::internal("a part of a transaction ended twice"));
        };
        if !keep {
            self.session.roll_back_part(depth)?;
        }
        self.session.release_part(depth)
    }

    fn end_transaction(&mut self, commit: bool, chain: bool) -> Result<()> {
        let invalid = |message: &str| Err(Error::new(SqlState::INVALID_TRANSACTION_TERMINATION, message));
        if self.session.block.savepoints.len() > self.parts {
            return invalid(match commit {
                true => "cannot commit while a subtransaction is active",
                false => "cannot roll back while a subtransaction is active",
            });
        }
        if !self.nonatomic {
            return invalid("invalid transaction termination");
        }
        self.forget_environment();
        let session = &mut *self.session;
        let modes = session.block.modes;
        session.keep_cursors()?;
        let ending = if commit { Ending::Commit } else { Ending::Rollback };
        session.block.abandon();
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(session.conclude(ending)))?;
        session.start_statement();
        // The statement that calls began long before this transaction.
        session.block.started = crate::clock::now_micros();
        if chain {
            session.block.modes = modes;
        }
        Ok(())
    }

    fn notice(&mut self, notice: Error) {
        self.session.shared.notice(notice);
    }

    fn enter(&mut self, call: Arc<CallSite>) {
        self.session.routines.calls.contexts.push(ContextEntry::Call(call));
    }

    fn leave(&mut self) {
        self.session.routines.calls.contexts.pop();
    }

    fn outer_context(&mut self) -> Vec<String> {
        let outer = self.session.routines.calls.contexts.iter().rev().skip(1);
        outer
            .map(|entry| match entry {
                ContextEntry::Call(site) => site.line(),
                ContextEntry::Text(text) => text.to_string(),
                ContextEntry::Sql(kind, text) => context_line(*kind, text).to_string(),
            })
            .collect()
    }
}

/// 42601: an expression that does not give one column.
fn not_one_column(sql: &Sql, columns: usize) -> Error {
    let noun = if columns == 1 { "column" } else { "columns" };
    match sql.kind {
        SqlKind::Assignment | SqlKind::PartAssignment => {
            let message = format!("assignment source returned {columns} {noun}");
            sql.locate(Error::new(SqlState::SYNTAX_ERROR, message))
        }
        SqlKind::Expression | SqlKind::Statement => {
            let message = format!("query returned {columns} {noun}");
            Error::new(SqlState::SYNTAX_ERROR, message).context(query_line(sql))
        }
    }
}

/// The names of an argument that is one.
fn dotted_name(expr: &ast::Expr) -> Option<Vec<String>> {
    match expr {
        ast::Expr::Identifier(ident) => Some(vec![ident.value.clone()]),
        ast::Expr::CompoundIdentifier(parts) => Some(parts.iter().map(|part| part.value.clone()).collect()),
        _ => None,
    }
}

fn not_compiled() -> Error {
    Error::internal("an assignment was not compiled")
}

/// `query: …`, as errors about the result of an expression name it.
fn query_line(sql: &Sql) -> String {
    format!("query: {}", sql.shown)
}

//! Pieces of SQL with their plans: simple expressions are compiled, everything else is a statement of the session.

use std::sync::{Arc, OnceLock};

use dictdb_parser::{Statement, parse};
use dictdb_planner::part::part_assignment;
use dictdb_planner::routine::{Target, simple_expression};
use dictdb_plpgsql::{Executed, Frame, Function, PartAssignment, Read, Sql, SqlKind, Visible};
use dictdb_types::{Datum, Error, Field, Result, SqlState, Type};
use parking_lot::Mutex;

use super::ContextEntry;
use super::host::PlHost;
use super::simple::Simple;
use crate::Session;
use crate::client::Column;
use crate::portal::Outcome;
use crate::prepared::Source;

/// What is kept with a piece of SQL.
pub(super) struct Planned {
    visible: Arc<Visible>,
    pub kind: PlannedKind,
}

pub(super) enum PlannedKind {
    /// Evaluated over the row of variables.
    Simple(Simple),
    /// A statement whose parameters are the variables.
    Statement(PlannedStatement),
}

/// A statement and the columns its rows had last.
pub(super) struct PlannedStatement {
    pub source: Arc<Source>,
    fields: Mutex<Option<(Arc<[Column]>, Arc<[Field]>)>>,
    /// The query of a cursor with the places of its rows, once it was opened.
    placed: OnceLock<(Arc<Source>, usize)>,
}

impl PlannedStatement {
    pub(super) fn new(source: Source) -> Self {
        PlannedStatement { source: Arc::new(source), fields: Mutex::default(), placed: OnceLock::new() }
    }

    /// The query of a cursor with the places of its rows, and how many columns that adds.
    pub(super) fn placed(&self, session: &mut Session) -> (Arc<Source>, usize) {
        self.placed.get_or_init(|| session.with_places(&self.source)).clone()
    }

    /// 0A000 for commands that a function cannot run; the error is not one of the command.
    pub(super) fn check_allowed(&self) -> Result<()> {
        match &self.source.parsed.statement {
            Statement::Utility(utility) => refuse(utility),
            Statement::Sql(_) => Ok(()),
        }
    }

    /// The columns as fields; the same ones as long as the plan is the same.
    pub(super) fn fields(&self, columns: &Arc<[Column]>) -> Arc<[Field]> {
        let mut kept = self.fields.lock();
        if let Some((of, fields)) = &*kept
            && Arc::ptr_eq(of, columns)
        {
            return fields.clone();
        }
        let fields: Arc<[Field]> =
            columns.iter().map(|column| Field { name: column.name.clone(), ty: column.ty }).collect();
        *kept = Some((columns.clone(), fields.clone()));
        fields
    }
}

impl Planned {
    /// The records whose structure it depends on.
    pub(super) fn records(&self) -> Vec<usize> {
        self.visible.records()
    }
}

impl PlHost<'_> {
    /// The plan of an expression.
    pub(super) fn planned_expression(
        &mut self,
        sql: &Sql,
        frame: &Frame,
        function: &Function,
        target: Option<Type>,
    ) -> Result<Arc<Planned>> {
        let stamp = self.stamp();
        let kept = sql.plan.lock().clone().and_then(|plan| plan.downcast::<Planned>().ok());
        if let Some(planned) = kept
            && planned.visible.is_current(frame)
        {
            match &planned.kind {
                PlannedKind::Simple(simple) if simple.stamp == stamp && simple.target == target => return Ok(planned),
                PlannedKind::Statement(_) => return Ok(planned),
                PlannedKind::Simple(_) => {}
            }
        }
        let planned = Arc::new(self.plan_expression(sql, frame, function, target).map_err(|e| sql.locate(e))?);
        *sql.plan.lock() = Some(planned.clone());
        Ok(planned)
    }

    fn plan_expression(
        &mut self,
        sql: &Sql,
        frame: &Frame,
        function: &Function,
        target: Option<Type>,
    ) -> Result<Planned> {
        let visible = Arc::new(function.visible(sql, frame));
        let text = sql.statement();
        let parsed = parse(&text, &self.limits())?.pop().ok_or_else(|| Error::internal("an empty expression"))?;
        let env = self.environment();
        if let Statement::Sql(tree) = &parsed.statement {
            let path = env.search_path();
            let mut cx = env.bind_context(&path);
            cx.transient = &self.session.routines.calls.transition_tables;
            let wanted = target.map(|ty| Target { ty, located: sql.kind == SqlKind::Assignment });
            let simple = simple_expression(tree, &parsed.locations, visible.types(), &*visible, wanted, cx)?;
            if let Some(simple) = simple {
                let simple = Simple::compile(simple, (self.stamp(), target), visible.types().len(), &env)?;
                return Ok(Planned { visible, kind: PlannedKind::Simple(simple) });
            }
        }
        let source = Source::new(text.into(), parsed, &visible.oids());
        let source = Source { variables: Some(visible.clone()), ..source };
        Ok(Planned { visible, kind: PlannedKind::Statement(PlannedStatement::new(source)) })
    }

    /// The plan of an assignment to a part of a variable, with a value of the given type in the place after all variables;
    /// `None`: the value takes a query.
    pub(super) fn planned_part(
        &mut self,
        part: &PartAssignment,
        frame: &Frame,
        function: &Function,
        given: Option<Type>,
    ) -> Result<Option<Arc<Planned>>> {
        let (sql, stamp) = (&part.sql, self.stamp());
        let kept = sql.plan.lock().clone().and_then(|plan| plan.downcast::<Planned>().ok());
        if let Some(planned) = kept
            && let PlannedKind::Simple(simple) = &planned.kind
            && simple.stamp == stamp
            && simple.target == given
            && planned.visible.is_current(frame)
        {
            return Ok(Some(planned));
        }
        let visible = Arc::new(function.visible(sql, frame));
        let parsed = parse(&sql.statement(), &self.limits()).map_err(|error| sql.locate(error))?.pop();
        let Some(Statement::Sql(tree)) = parsed.as_ref().map(|parsed| &parsed.statement) else { return Ok(None) };
        let locations = parsed.as_ref().map(|parsed| &parsed.locations).cloned().unwrap_or_default();
        let env = self.environment();
        let path = env.search_path();
        let cx = env.bind_context(&path);
        let types = visible.types();
        let bound = part_assignment(tree, &locations, types, &*visible, (part.names, given), cx);
        let Some(simple) = bound.map_err(|error| sql.locate(error))? else { return Ok(None) };
        let values = visible.types().len() + usize::from(given.is_some());
        let kind = PlannedKind::Simple(Simple::compile(simple, (stamp, given), values, &env)?);
        let planned = Arc::new(Planned { visible, kind });
        *sql.plan.lock() = Some(planned.clone());
        Ok(Some(planned))
    }

    /// A statement with its names made out.
    pub(super) fn planned_statement(&mut self, sql: &Sql, frame: &Frame, function: &Function) -> Result<Arc<Planned>> {
        let kept = sql.plan.lock().clone().and_then(|plan| plan.downcast::<Planned>().ok());
        if let Some(planned) = kept
            && planned.visible.is_current(frame)
        {
            return Ok(planned);
        }
        let visible = Arc::new(function.visible(sql, frame));
        let text = sql.statement();
        let parsed = parse(&text, &self.limits()).map_err(|error| sql.locate(error))?.pop();
        let parsed = parsed.ok_or_else(|| Error::internal("an empty statement"))?;
        let source = Source::new(text.into(), parsed, &visible.oids());
        let source = Source { variables: Some(visible.clone()), ..source };
        let planned = Arc::new(Planned { visible, kind: PlannedKind::Statement(PlannedStatement::new(source)) });
        *sql.plan.lock() = Some(planned.clone());
        Ok(planned)
    }

    /// Runs a statement and reads of its rows what is wanted.
    pub(super) fn run(
        &mut self,
        statement: &PlannedStatement,
        params: Arc<[Datum]>,
        read: Read,
        context: (SqlKind, &Arc<str>),
    ) -> Result<Executed> {
        self.forget_environment();
        let (kind, text) = context;
        let read_only = self.read_only;
        let limit = if matches!(read, Read::Two) { 2 } else { usize::MAX };
        let must_return = matches!(read, Read::Tuples);
        self.session.within(ContextEntry::Sql(kind, text.clone()), |session| {
            let source = &statement.source;
            let outcome = match &source.parsed.statement {
                Statement::Utility(_) => {
                    if read_only {
                        let tag = crate::statement::command_tag(&source.parsed.statement);
                        return Err(not_volatile(tag));
                    }
                    session.run_command(source, &params)?
                }
                Statement::Sql(_) => {
                    if read_only || must_return {
                        let plan = session.plan(source)?;
                        if must_return && plan.columns.is_none() {
                            return Err(no_tuples(plan.tag()));
                        }
                        if read_only && plan.modifies() {
                            return Err(not_volatile(plan.tag()));
                        }
                    }
                    session.execute_source(source, &params, None)?
                }
            };
            match outcome {
                Outcome::Done(_) if must_return => {
                    Err(no_tuples(crate::statement::command_tag(&source.parsed.statement)))
                }
                Outcome::Done(tag) => {
                    let command = tag.first_word();
                    Ok(Executed { columns: None, rows: Vec::new(), processed: tag.count(), command })
                }
                Outcome::Rows { columns, source, command, .. } => {
                    let mut source = source;
                    let mut rows: Vec<Vec<Datum>> = Vec::new();
                    let lends = source.calls_routines();
                    session.lend_if(lends, || {
                        source.pump(limit, &mut Vec::new(), &mut |row| {
                            rows.push(row.clone());
                            Ok(true)
                        })
                    })?;
                    let processed = rows.len() as u64;
                    let fields = statement.fields(&columns);
                    Ok(Executed { columns: Some(fields), rows, processed, command: command.into() })
                }
            }
        })
    }
}

/// The line of CONTEXT of a piece of SQL.
pub(super) fn context_line(kind: SqlKind, text: &str) -> Arc<str> {
    let noun = match kind {
        SqlKind::Expression => "SQL expression",
        SqlKind::Assignment | SqlKind::PartAssignment => "PL/pgSQL assignment",
        SqlKind::Statement => "SQL statement",
    };
    format!("{noun} \"{text}\"").into()
}

/// 42601 for a statement that returns no rows where rows are wanted.
fn no_tuples(command: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, format!("{command} query does not return tuples"))
}

fn not_volatile(command: &str) -> Error {
    let message = format!("{command} is not allowed in a non-volatile function");
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

/// 0A000 for commands that a function cannot run.
fn refuse(utility: &dictdb_parser::utility::Utility) -> Result<()> {
    use dictdb_parser::utility::Utility;
    let message = match utility {
        Utility::Transaction(_) => "unsupported transaction command in PL/pgSQL",
        Utility::Copy(copy) if matches!(copy.target, dictdb_parser::utility::CopyTarget::Client) => {
            "cannot COPY to/from client in PL/pgSQL"
        }
        _ => return Ok(()),
    };
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
}

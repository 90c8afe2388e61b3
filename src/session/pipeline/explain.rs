//! EXPLAIN and EXPLAIN ANALYZE: options, the statement explained, its run.

use std::sync::Arc;
use std::time::Instant;

use dictdb_executor::{Prepared, kept_at_start};
use dictdb_parser::utility::{DefElem, DefValue, Explain, TableSource, Utility};
use dictdb_parser::{Locations, ParsedStatement, Statement, ast};
use dictdb_planner::explain::{ExplainFormat, ExplainOptions, Summary, explain, explain_utility};
use dictdb_planner::physical::Op;
use dictdb_planner::pruning::LatePruning;
use dictdb_types::{Datum, Error, Oid, Result, SqlState, oids};

use super::Beside;
use crate::Session;
use crate::client::{Column, Row};
use crate::portal::{Outcome, Portal, RowSource, TagCount};
use crate::prepared::Source;

/// What EXPLAIN's options say.
struct Options {
    analyze: bool,
    summary: bool,
    settings: bool,
    shown: ExplainOptions,
}

/// The statement whose plan is shown, with its parameters.
struct Explained {
    source: Arc<Source>,
    params: Arc<[Datum]>,
}

impl Session {
    pub(crate) fn run_explain(&mut self, statement: &Explain, portal: &Portal) -> Result<Outcome> {
        let mut options = options(&statement.options)?;
        options.shown.io_timing = self.shared.settings.lock().bool("track_io_timing");
        let created = match &*statement.statement {
            Statement::Utility(utility) if options.analyze => self.explain_creation(utility, portal, &options)?,
            _ => None,
        };
        let lines = match created {
            Some(lines) => lines,
            None => match self.explained(&statement.statement, portal)? {
                Some(explained) => self.explain_lines(&explained, &options)?,
                None => explain_utility(options.shown),
            },
        };
        let rows: Vec<Row> = lines.into_iter().map(|line| [Datum::text(line)].into_iter().collect()).collect();
        Ok(Outcome::Rows {
            columns: explain_columns(&statement.options),
            source: RowSource::stored(rows),
            command: "EXPLAIN",
            count: TagCount::None,
        })
    }

    /// Runs CREATE TABLE AS for EXPLAIN ANALYZE; nothing is shown when the table is there already. `None` for another command.
    fn explain_creation(
        &mut self,
        command: &Utility,
        portal: &Portal,
        options: &Options,
    ) -> Result<Option<Vec<String>>> {
        let (Utility::CreateTableAs(create), Some(source)) = (command, &portal.source) else { return Ok(None) };
        if self.block.modes.read_only {
            let message = "cannot execute CREATE TABLE AS in a read-only transaction";
            return Err(Error::new(SqlState::READ_ONLY_SQL_TRANSACTION, message));
        }
        let source = source.clone();
        let started = Instant::now();
        let (_, counted) = self.create_table_as(create, command, &source, portal, true)?;
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        let Some(counted) = counted else { return Ok(None) };
        let Some(query) = counted.query else { return Ok(Some(Vec::new())) };
        let summary = Summary {
            planning_ms: options.summary.then_some(counted.planning_ms),
            settings: options.settings.then(|| self.changed_planner_settings()),
            analyzed: true,
            execution_ms: options.summary.then_some(ms - counted.planning_ms),
        };
        let (env, begun) = (self.env(), self.begun(&query, &portal.params)?);
        let kept = |pruning: &Arc<LatePruning>| begun.as_ref().map_or_else(Vec::new, |begun| begun(pruning));
        let ran = (Some(&counted.actual[..]), &kept as _);
        let path = env.search_path();
        Ok(Some(explain(query.plan(), (options.shown, &summary), ran, env.bind_context(&path))))
    }

    /// `None` for a command without a plan.
    fn explained(&mut self, statement: &Statement, portal: &Portal) -> Result<Option<Explained>> {
        let Some(outer) = &portal.source else { return Err(Error::internal("EXPLAIN without text")) };
        let utility = match statement {
            Statement::Sql(tree) => {
                // The positions of the statement's nodes stay with the original; errors in it are reported without them.
                let parsed = ParsedStatement {
                    statement: Statement::Sql(tree.clone()),
                    text: outer.parsed.text.clone(),
                    locations: Locations::default(),
                    notices: Vec::new(),
                    strings: outer.parsed.strings,
                };
                let declared: Vec<Oid> = outer.declared.iter().map(|ty| ty.oid).collect();
                let source = Arc::new(Source::new(outer.text.clone(), parsed, &declared));
                return Ok(Some(Explained { source, params: portal.params.clone() }));
            }
            Statement::Utility(utility) => utility,
        };
        let declared: Vec<Oid> = outer.declared.iter().map(|ty| ty.oid).collect();
        let (source, params) = match &**utility {
            Utility::Execute(execute) => {
                let inner = self.executed(execute, portal)?;
                return Ok(inner.source.map(|source| Explained { source, params: inner.params }));
            }
            Utility::DeclareCursor(declare) => {
                let source = outer.nested(declare.text.clone(), &declared)?;
                return Ok(Some(Explained { source, params: portal.params.clone() }));
            }
            Utility::CreateTableAs(create) => match &create.source {
                TableSource::Query(query) => {
                    let parsed = ParsedStatement {
                        statement: Statement::Sql(utility.rebuilt(ast::Statement::Query(query.query.clone()))),
                        text: outer.parsed.text.clone(),
                        locations: Locations::default(),
                        notices: Vec::new(),
                        strings: outer.parsed.strings,
                    };
                    (Arc::new(Source::new(outer.text.clone(), parsed, &declared)), portal.params.clone())
                }
                TableSource::Execute(execute) => {
                    let inner = self.executed(execute, portal)?;
                    return Ok(inner.source.map(|source| Explained { source, params: inner.params }));
                }
            },
            _ => return Ok(None),
        };
        Ok(Some(Explained { source, params }))
    }

    fn explain_lines(&mut self, explained: &Explained, options: &Options) -> Result<Vec<String>> {
        loop {
            if let Some(lines) = self.try_explain(explained, options)? {
                return Ok(lines);
            }
        }
    }

    /// `None` when the plan was overtaken by a change of its tables.
    fn try_explain(&mut self, explained: &Explained, options: &Options) -> Result<Option<Vec<String>>> {
        let started = Instant::now();
        let plan = self.plan_to_explain(&explained.source, &explained.params, options.analyze)?;
        plan.check_runnable()?;
        let ms = |since: Instant| since.elapsed().as_secs_f64() * 1000.0;
        let mut summary = Summary {
            planning_ms: options.summary.then(|| ms(started)),
            settings: options.settings.then(|| self.changed_planner_settings()),
            analyzed: options.analyze,
            execution_ms: None,
        };
        let actual = match options.analyze {
            true => {
                let started = Instant::now();
                let Some(actual) = self.run_counting(&plan, &explained.params)? else { return Ok(None) };
                summary.execution_ms = options.summary.then(|| ms(started));
                Some(actual)
            }
            false => None,
        };
        let env = self.env();
        let path = env.search_path();
        let form = (options.shown, &summary);
        let transition_tables = self.routines.calls.transition_tables.clone();
        let mut cx = env.bind_context(&path);
        cx.transient = &transition_tables;
        let lines = match plan.nothing {
            true => None,
            false => {
                let begun = self.begun(&plan.prepared, &explained.params)?;
                let kept = |pruning: &Arc<LatePruning>| begun.as_ref().map_or_else(Vec::new, |begun| begun(pruning));
                Some(explain(plan.prepared.plan(), form, (actual.as_deref(), &kept), cx))
            }
        };
        let [before, after] = &plan.beside;
        if before.is_empty() && after.is_empty() {
            return Ok(Some(lines.unwrap_or_else(|| vec!["Query rewrites to nothing".to_owned()])));
        }
        if options.analyze || options.shown.format != ExplainFormat::Text {
            return Err(Error::unsupported("this form of EXPLAIN for a statement that rules make several of"));
        }
        let shown = |beside: &Beside| match beside {
            Beside::Plan(plan) => explain(plan.prepared.plan(), form, (None, &|_| Vec::new()), cx),
            Beside::Notify(..) => vec!["NOTIFY".to_owned()],
        };
        let parts = before.iter().map(shown).chain(lines).chain(after.iter().map(shown));
        // An empty line stands between two plans.
        Ok(Some(parts.collect::<Vec<Vec<String>>>().join(&String::new())))
    }

    /// What says which members of tables a plan begins with, if parameters rule some of them out.
    fn begun(
        &mut self,
        prepared: &Arc<Prepared>,
        params: &Arc<[Datum]>,
    ) -> Result<Option<impl Fn(&Arc<LatePruning>) -> Vec<bool>>> {
        let mut prunes = false;
        prepared.plan().for_each_node(&mut |node| {
            prunes |= matches!(&node.op, Op::Append { pruning: Some(_), .. });
        });
        if !prunes {
            return Ok(None);
        }
        let (env, wait) = (self.env(), self.wait_options());
        let transaction = self.transaction()?;
        let cx = self.exec_context(env, params, transaction, wait)?;
        Ok(Some(kept_at_start(prepared, cx)))
    }

    /// Settings of the planner that differ from their defaults.
    fn changed_planner_settings(&self) -> Vec<(String, String)> {
        let rows = self.shared.settings.lock().rows();
        let changed = rows.into_iter().filter(|row| {
            row.definition.is_some_and(|known| known.in_explain && known.default != Some(row.setting.as_str()))
        });
        changed.map(|row| (row.name, row.shown)).collect()
    }
}

/// The result's column: its type follows the format.
pub(crate) fn explain_columns(given: &[DefElem]) -> Arc<[Column]> {
    let oid = match options(given).map(|options| options.shown.format) {
        Ok(ExplainFormat::Json) => oids::JSON,
        Ok(ExplainFormat::Xml) => oids::XML,
        _ => oids::TEXT,
    };
    [Column::new("QUERY PLAN", oid)].into()
}

fn options(given: &[DefElem]) -> Result<Options> {
    let shown = ExplainOptions {
        costs: true,
        verbose: false,
        timing: true,
        buffers: false,
        io_timing: false,
        wal: false,
        format: ExplainFormat::Text,
    };
    let mut options = Options { analyze: false, summary: false, settings: false, shown };
    let (mut summary, mut timing, mut buffers, mut wal) = (None, None, false, false);
    for option in given {
        match option.name.value.as_str() {
            "analyze" => options.analyze = boolean(option)?,
            "verbose" => options.shown.verbose = boolean(option)?,
            "costs" => options.shown.costs = boolean(option)?,
            "settings" => options.settings = boolean(option)?,
            "summary" => summary = Some(boolean(option)?),
            "timing" => timing = Some(boolean(option)?),
            "buffers" => buffers = boolean(option)?,
            "wal" => wal = boolean(option)?,
            "format" => options.shown.format = format(option)?,
            other => {
                let message = format!("unrecognized EXPLAIN option \"{other}\"");
                return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position(option)));
            }
        }
    }
    for (given, name) in [(wal, "WAL"), (timing == Some(true), "TIMING")] {
        if given && !options.analyze {
            let message = format!("EXPLAIN option {name} requires ANALYZE");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
    }
    (options.shown.buffers, options.shown.wal) = (buffers, wal);
    options.shown.timing = timing.unwrap_or(true);
    options.summary = summary.unwrap_or(options.analyze);
    Ok(options)
}

fn format(option: &DefElem) -> Result<ExplainFormat> {
    let given = match &option.value {
        Some(DefValue::Keyword(word) | DefValue::String(word)) => word.as_str(),
        Some(_) => "",
        None => {
            return Err(Error::new(SqlState::SYNTAX_ERROR, format!("{} requires a parameter", option.name.value)));
        }
    };
    match given {
        "text" => Ok(ExplainFormat::Text),
        "json" => Ok(ExplainFormat::Json),
        "yaml" => Ok(ExplainFormat::Yaml),
        "xml" => Ok(ExplainFormat::Xml),
        other => {
            let message = format!("unrecognized value for EXPLAIN option \"format\": \"{other}\"");
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(position(option)))
        }
    }
}

fn position(option: &DefElem) -> Option<u32> {
    dictdb_parser::position::of_span(option.name.span)
}

fn boolean(option: &DefElem) -> Result<bool> {
    let word = match &option.value {
        None => return Ok(true),
        Some(DefValue::Keyword(word) | DefValue::String(word) | DefValue::Number(word)) => word.to_ascii_lowercase(),
        Some(_) => String::new(),
    };
    match word.as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, format!("{} requires a Boolean value", option.name.value))),
    }
}

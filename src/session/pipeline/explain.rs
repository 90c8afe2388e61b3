//! EXPLAIN and EXPLAIN ANALYZE, in the text format.

use std::time::Instant;

use dictdb_parser::utility::{DefElem, DefValue, Explain};
use dictdb_parser::{Locations, ParsedStatement, Statement};
use dictdb_planner::explain::{ExplainOptions, explain};
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use crate::Session;
use crate::client::{Column, Row};
use crate::portal::{Outcome, Portal, RowSource, TagCount};
use crate::prepared::Source;

/// What EXPLAIN's options say.
struct Options {
    analyze: bool,
    summary: bool,
    shown: ExplainOptions,
}

impl Session {
    pub(crate) fn run_explain(&mut self, statement: &Explain, portal: &Portal) -> Result<Outcome> {
        let options = options(&statement.options)?;
        let Statement::Sql(tree) = &*statement.statement else {
            return Err(Error::unsupported("EXPLAIN of a utility command"));
        };
        let Some(outer) = &portal.source else { return Err(Error::internal("EXPLAIN without text")) };
        // The positions of the statement's nodes stay with the original; errors in it are reported without them.
        let parsed = ParsedStatement {
            statement: Statement::Sql(tree.clone()),
            text: outer.parsed.text.clone(),
            locations: Locations::default(),
            notices: Vec::new(),
        };
        let declared: Vec<Oid> = outer.declared.iter().map(|ty| ty.oid).collect();
        let source = Source::new(outer.text.clone(), parsed, &declared);
        let started = Instant::now();
        let plan = self.plan(&source)?;
        plan.check_runnable()?;
        let planning_ms = started.elapsed().as_secs_f64() * 1000.0;
        let env = self.env();
        let mut lines = explain(plan.prepared.plan(), options.shown, &*env);
        if options.analyze {
            let started = Instant::now();
            let rows = match self.execute_source(&source, &portal.params, None)? {
                Outcome::Rows { mut source, .. } => source.pump(usize::MAX, &mut |_| Ok(true))?.0,
                Outcome::Done(_) => 0,
            };
            let elapsed_ms = started.elapsed().as_secs_f64() * 1000.0;
            if let Some(first) = lines.first_mut() {
                first.push_str(&format!(" (actual time={elapsed_ms:.3}..{elapsed_ms:.3} rows={rows} loops=1)"));
            }
            if options.summary {
                lines.push(format!("Planning Time: {planning_ms:.3} ms"));
                lines.push(format!("Execution Time: {elapsed_ms:.3} ms"));
            }
        } else if options.summary {
            lines.push(format!("Planning Time: {planning_ms:.3} ms"));
        }
        let rows: Vec<Row> = lines.into_iter().map(|line| [Datum::text(line)].into_iter().collect()).collect();
        Ok(Outcome::Rows {
            columns: [Column::new("QUERY PLAN", dictdb_types::oids::TEXT)].into(),
            source: RowSource::stored(rows),
            command: "EXPLAIN",
            count: TagCount::None,
        })
    }
}

fn options(given: &[DefElem]) -> Result<Options> {
    let mut options = Options { analyze: false, summary: false, shown: ExplainOptions { costs: true, verbose: false } };
    let mut summary = None;
    for option in given {
        let name = option.name.value.as_str();
        match name {
            "analyze" => options.analyze = boolean(option)?,
            "verbose" => options.shown.verbose = boolean(option)?,
            "costs" => options.shown.costs = boolean(option)?,
            "summary" => summary = Some(boolean(option)?),
            "timing" | "buffers" | "settings" | "wal" => {
                if boolean(option)? {
                    return Err(Error::unsupported(format_args!("EXPLAIN option \"{name}\"")));
                }
            }
            "format" => match &option.value {
                Some(DefValue::Keyword(format) | DefValue::String(format)) if format.eq_ignore_ascii_case("text") => {}
                _ => return Err(Error::unsupported("an EXPLAIN format other than text")),
            },
            other => {
                return Err(Error::new(SqlState::SYNTAX_ERROR, format!("unrecognized EXPLAIN option \"{other}\"")));
            }
        }
    }
    options.summary = summary.unwrap_or(options.analyze);
    Ok(options)
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

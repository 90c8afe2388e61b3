//! Calls of the functions and operators that the catalog has, with values at the edges of their types: what they give and which
//! errors they raise.

use std::io::Result;

use super::comparer::Verdict;
use super::pair::Sessions;
use super::samples::{concrete_type, samples_of};
use crate::random::Random;

/// A function or an operator.
#[derive(Clone, Debug)]
pub struct Callable {
    /// Its name.
    pub name: String,
    /// Whether it is written between or before its arguments.
    pub is_operator: bool,
    /// Whether its result says only by its sign which argument is the greater one.
    pub compares: bool,
    /// The types it is called with.
    pub types: Vec<String>,
}

/// What is asked for: whatever gives the same at each call, takes few arguments, and does not tell of the server itself. Ages of
/// infinite times have no meaning, and cube roots differ in their last digit from one C library to the next.
const CALLABLES: &str = "
    SELECT 'f', proname, array_to_string(array(SELECT format_type(t, NULL) FROM unnest(proargtypes) WITH ORDINALITY a(t, n) ORDER BY n), ' ; ')
    FROM pg_proc
    WHERE prokind = 'f' AND provolatile <> 'v' AND pronargs BETWEEN 1 AND 4 AND oid < 10000 AND provariadic = 0
      AND prorettype NOT IN ('internal'::regtype, 'cstring'::regtype, 'trigger'::regtype)
      AND (proname !~ '^(pg_|has_|inet_(client|server)|current_|to_reg|txid_|xmin|ts_stat|obj_desc|col_desc|shobj_desc|acldefault)'
           OR proname ~ '^pg_(size_|lsn_|encoding_to|char_to)')
      AND proname NOT IN ('age', 'cbrt', 'dcbrt')
    UNION ALL
    SELECT 'o', oprname, concat_ws(' ; ', format_type(NULLIF(oprleft, 0), NULL), format_type(oprright, NULL))
    FROM pg_operator WHERE oid < 10000 AND oprname <> '||/'
    ORDER BY 1, 2, 3";

/// Functions that are known to differ and left so for now: the names of parsers are taken as they stand, not as identifiers, and rows
/// of what is no row type are none instead of an error.
const LEFT: [&str; 4] = ["ts_parse", "ts_token_type", "json_populate_recordset", "jsonb_populate_recordset"];

/// Rows of a result, at most: some functions give as many as there are numbers.
const ROWS: u32 = 60;

/// Everything that can be called with values that are at hand.
pub fn callables(sessions: &mut Sessions<'_>) -> Result<Vec<Callable>> {
    let rows = sessions.ask_postgres(CALLABLES)?.rows;
    let found = rows.iter().filter_map(|row| {
        let mut parts = row.splitn(3, " | ");
        let is_operator = parts.next()? == "o";
        let name = parts.next().filter(|name| !LEFT.contains(name))?.to_owned();
        let types: Option<Vec<String>> =
            parts.next()?.split(" ; ").map(|name| concrete_type(name).map(str::to_owned)).collect();
        let compares = name.ends_with("cmp") && !is_operator;
        Some(Callable { name, is_operator, compares, types: types? })
    });
    Ok(found.collect())
}

impl Callable {
    /// How it is written with arguments.
    fn call(&self, arguments: &[String]) -> String {
        match (self.is_operator, arguments) {
            (true, [right]) => format!("OPERATOR(pg_catalog.{}) {right}", self.name),
            (true, [left, right]) => format!("{left} OPERATOR(pg_catalog.{}) {right}", self.name),
            _ if self.compares => format!("sign(pg_catalog.\"{}\"({}))", self.name, arguments.join(", ")),
            _ => format!("pg_catalog.\"{}\"({})", self.name, arguments.join(", ")),
        }
    }

    /// A call with constants.
    fn constant_call(&self, values: &[Option<&'static str>]) -> String {
        let written: Vec<String> = values.iter().zip(&self.types).map(|(value, name)| written(*value, name)).collect();
        format!("SELECT {} LIMIT {ROWS}", self.call(&written))
    }

    /// A call for rows of values.
    fn call_for_rows(&self, rows: &[Vec<Option<&'static str>>]) -> String {
        let names: Vec<String> = (1..=self.types.len()).map(|at| format!("c{at}")).collect();
        let row = |values: &Vec<Option<&'static str>>| {
            let cells: Vec<String> =
                values.iter().zip(&self.types).map(|(value, name)| written(*value, name)).collect();
            format!("({})", cells.join(", "))
        };
        let rows: Vec<String> = rows.iter().map(row).collect();
        format!("SELECT {} FROM (VALUES {}) v({}) LIMIT {ROWS}", self.call(&names), rows.join(", "), names.join(", "))
    }

    /// Calls it with random values, one by one and then, those it takes, for rows at once. What differs first.
    pub fn try_out(
        &self,
        sessions: &mut Sessions<'_>,
        random: &mut Random,
        calls: u32,
    ) -> Result<Option<(String, String)>> {
        let mut accepted = Vec::new();
        for _ in 0..calls {
            let values: Vec<Option<&'static str>> = self.types.iter().map(|name| sample(random, name)).collect();
            let sql = self.constant_call(&values);
            let (verdict, failed) = sessions.run_call(&sql)?;
            match verdict {
                Verdict::Different(text) => return Ok(Some((sql, text))),
                Verdict::Same if !failed => accepted.push(values),
                _ => {}
            }
        }
        if accepted.is_empty() {
            return Ok(None);
        }
        let sql = self.call_for_rows(&accepted);
        Ok(match sessions.run_call(&sql)?.0 {
            Verdict::Different(text) => Some((sql, text)),
            _ => None,
        })
    }
}

fn sample(random: &mut Random, name: &str) -> Option<&'static str> {
    if random.chance(4) { None } else { Some(random.pick(samples_of(name)?)) }
}

fn written(value: Option<&str>, name: &str) -> String {
    match value {
        Some(value) => format!("'{}'::{name}", value.replace('\'', "''")),
        None => format!("NULL::{name}"),
    }
}

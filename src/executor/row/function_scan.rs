//! Functions in FROM: one, or several side by side, WITH ORDINALITY.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Oid, Record, Result, SqlState, Type, oids};

use super::project_set::lockstep;
use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope};
use crate::runtime::Runtime;
use crate::set_call::{SetCall, SetRows};

/// FunctionScan.
#[derive(Debug)]
pub(crate) struct FunctionScan {
    /// The calls, each with the columns its composite result is spread over.
    pub calls: Box<[(SetCall, Option<Spread>)]>,
    /// Whether the number of the row follows.
    pub ordinality: bool,
}

/// Columns that the fields of a composite become.
#[derive(Debug)]
pub(crate) struct Spread {
    /// How many.
    pub columns: usize,
    /// Their types, where only the query says what the function returns: each record has to be like that.
    pub expected: Option<Box<[Type]>>,
    /// What becomes of NULLs, by column; of `XMLTABLE` only.
    pub nulls: Box<[NullColumn]>,
}

/// What becomes of a NULL in a column.
#[derive(Debug)]
pub(crate) struct NullColumn {
    /// The value in its place.
    pub default: Option<Code>,
    /// The column's name, where it may not be NULL.
    pub forbidden_in: Option<Arc<str>>,
}

impl NullColumn {
    /// 22004.
    fn replace(&self, value: &mut Datum, rt: &Runtime) -> Result<()> {
        if !value.is_null() {
            return Ok(());
        }
        if let Some(default) = &self.default {
            *value = default.eval(Scope::new(rt, &[]))?;
        }
        match &self.forbidden_in {
            Some(column) if value.is_null() => {
                let message = format!("null is not allowed in column \"{column}\"");
                Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message))
            }
            _ => Ok(()),
        }
    }
}

impl Node for FunctionScan {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(FunctionScanCursor { node: self, running: None, values: Row::new(), count: 0 })
    }
}

struct FunctionScanCursor {
    node: Arc<FunctionScan>,
    running: Option<Vec<SetRows>>,
    values: Row,
    count: i64,
}

impl Cursor for FunctionScanCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let running = match &mut self.running {
            Some(running) => running,
            None => {
                let scope = Scope::new(rt, &[]);
                let started = self.node.calls.iter().map(|(call, spread)| match spread {
                    Some(spread) if !spread.nulls.is_empty() => spread.fill(call.start(scope)?, rt),
                    _ => call.start(scope),
                });
                let started = started.collect::<Result<_>>()?;
                self.running.insert(started)
            }
        };
        rt.tick(self.count as usize)?;
        self.values.clear();
        if !lockstep(running, &mut self.values)? {
            return Ok(false);
        }
        self.count += 1;
        row.clear();
        for (value, (_, spread)) in self.values.drain(..).zip(&self.node.calls) {
            match spread {
                Some(spread) => spread.record(value, rt, row)?,
                None => row.push(value),
            }
        }
        if self.node.ordinality {
            row.push(Datum::Int8(self.count));
        }
        Ok(true)
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        self.running = None;
        self.count = 0;
        Ok(())
    }
}

impl Spread {
    /// All rows of `XMLTABLE`, NULLs replaced: what is wrong with one is known before the first is seen.
    fn fill(&self, mut rows: SetRows, rt: &Runtime) -> Result<SetRows> {
        let mut filled = Vec::new();
        while let Some(row) = rows.next()? {
            rt.tick(filled.len())?;
            let Datum::Record(record) = row else { continue };
            let mut record = Arc::unwrap_or_clone(record);
            self.nulls.iter().zip(&mut record.fields).try_for_each(|(null, value)| null.replace(value, rt))?;
            filled.push(Ok(Datum::Record(record.into())));
        }
        Ok(SetRows::Many(Box::new(filled.into_iter())))
    }

    /// Appends the fields of a composite; NULLs for NULL. 42804 when it is of another shape than expected.
    fn record(&self, value: Datum, rt: &Runtime, row: &mut Row) -> Result<()> {
        match value {
            Datum::Record(record) => {
                if let Some(expected) = &self.expected {
                    check_shape(&record, expected, rt)?;
                }
                row.extend(record.fields.iter().take(self.columns).cloned());
                row.extend(std::iter::repeat_n(Datum::Null, self.columns.saturating_sub(record.fields.len())));
                Ok(())
            }
            Datum::Null => {
                row.extend(std::iter::repeat_n(Datum::Null, self.columns));
                Ok(())
            }
            other => Err(Error::internal(format!("{other:?} where a composite was planned"))),
        }
    }
}

fn check_shape(record: &Record, expected: &[Type], rt: &Runtime) -> Result<()> {
    let refused = |detail: String| {
        let message = "function return row and query-specified return row do not match";
        Err(Error::new(SqlState::DATATYPE_MISMATCH, message).detail(detail))
    };
    let (given, wanted) = (record.types.len(), expected.len());
    if given != wanted {
        let plural = if given == 1 { "" } else { "s" };
        return refused(format!("Returned row contains {given} attribute{plural}, but query expects {wanted}."));
    }
    for (number, (given, wanted)) in record.types.iter().zip(expected).enumerate() {
        if !is_like(*given, wanted.oid, rt) {
            let name = |oid| dictdb_types::type_name(rt.env(), oid, &|_| None);
            let (given, wanted, place) = (name(*given), name(wanted.oid), number + 1);
            return refused(format!("Returned type {given} at ordinal position {place}, but query expects {wanted}."));
        }
    }
    Ok(())
}

/// Whether values of one type are values of another.
fn is_like(given: Oid, wanted: Oid, rt: &Runtime) -> bool {
    let base = |oid| rt.env().base_type(Type::new(oid)).oid;
    let texts = [oids::TEXT, oids::VARCHAR];
    given == wanted || base(given) == wanted || texts.contains(&given) && texts.contains(&wanted)
}

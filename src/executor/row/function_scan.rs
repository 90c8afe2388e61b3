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
    /// The calls.
    pub calls: Box<[ScannedCall]>,
    /// Whether the number of the row follows.
    pub ordinality: bool,
}

/// A call of a function in FROM.
#[derive(Debug)]
pub(crate) struct ScannedCall {
    /// The call.
    pub call: SetCall,
    /// The columns its composite result is spread over.
    pub spread: Option<Spread>,
    /// Its rows are kept: the scan may begin again, and they are the same then. The function is called once.
    pub keeps: bool,
}

impl ScannedCall {
    fn start(&self, rt: &Runtime) -> Result<SetRows> {
        let started = self.call.start(Scope::new(rt, &[]))?;
        let rows = match &self.spread {
            Some(spread) if !spread.nulls.is_empty() => spread.fill(started, rt)?,
            _ => started,
        };
        Ok(if self.keeps { rows.kept() } else { rows })
    }
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
        let running = self.calls.iter().map(|_| None).collect();
        let keeps = self.calls.iter().any(|call| call.keeps);
        let charged = if keeps { 0 } else { i64::MAX };
        Box::new(FunctionScanCursor { node: self, running, is_running: false, values: Row::new(), count: 0, charged })
    }
}

struct FunctionScanCursor {
    node: Arc<FunctionScan>,
    /// What each call gives, once it is called.
    running: Box<[Option<SetRows>]>,
    /// All are called.
    is_running: bool,
    values: Row,
    count: i64,
    /// How many rows are charged to the statement because they are kept.
    charged: i64,
}

impl Cursor for FunctionScanCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if !self.is_running {
            for (running, call) in self.running.iter_mut().zip(&self.node.calls) {
                if running.is_none() {
                    *running = Some(call.start(rt)?);
                }
            }
            self.is_running = true;
        }
        rt.tick(self.count as usize)?;
        self.values.clear();
        if !lockstep(self.running.iter_mut().flatten(), &mut self.values)? {
            return Ok(false);
        }
        self.count += 1;
        if self.count > self.charged {
            rt.charge_row(&self.values)?;
            self.charged = self.count;
        }
        row.clear();
        for (value, call) in self.values.drain(..).zip(&self.node.calls) {
            match &call.spread {
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
        for running in &mut self.running {
            if !running.as_mut().is_some_and(SetRows::rewind) {
                *running = None;
            }
        }
        (self.is_running, self.count) = (false, 0);
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

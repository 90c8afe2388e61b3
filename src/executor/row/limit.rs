//! LIMIT, OFFSET, FETCH FIRST … WITH TIES.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Result, SqlState};

use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope};
use crate::keys::{OrderKey, compare_values, order_values};
use crate::runtime::Runtime;

/// Limit.
#[derive(Debug)]
pub(crate) struct Limit {
    /// Input.
    pub input: Arc<dyn Node>,
    /// Number of rows; NULL is all.
    pub limit: Option<Code>,
    /// Rows left out before; NULL is none.
    pub offset: Option<Code>,
    /// `WITH TIES`: by which keys rows tie.
    pub ties: Option<Box<[OrderKey]>>,
}

/// Evaluates LIMIT or OFFSET; `None` is NULL. 2201W and 2201X when negative.
pub(crate) fn row_count(code: &Code, scope: Scope<'_>, clause: &str) -> Result<Option<u64>> {
    match code.eval(scope)? {
        Datum::Null => Ok(None),
        Datum::Int8(count) => u64::try_from(count).map(Some).map_err(|_| negative(clause)),
        other => Err(Error::internal(format!("{other:?} in {clause}"))),
    }
}

fn negative(clause: &str) -> Error {
    let code = if clause == "LIMIT" {
        SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE
    } else {
        SqlState::INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE
    };
    Error::new(code, format!("{clause} must not be negative"))
}

impl Limit {
    /// Rows to skip and rows to return.
    fn bounds(&self, rt: &Runtime) -> Result<(u64, Option<u64>)> {
        let scope = Scope::new(rt, &[]);
        let offset = match &self.offset {
            Some(code) => row_count(code, scope, "OFFSET")?.unwrap_or(0),
            None => 0,
        };
        let limit = match &self.limit {
            Some(code) => row_count(code, scope, "LIMIT")?,
            None => None,
        };
        if limit.is_none() && self.ties.is_some() {
            return Err(Error::new(
                SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE,
                "row count cannot be null in FETCH FIRST ... WITH TIES clause",
            ));
        }
        Ok((offset, limit))
    }
}

impl Node for Limit {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        Box::new(LimitCursor { node: self, input, bounds: None, returned: 0, last: Row::new() })
    }
}

struct LimitCursor {
    node: Arc<Limit>,
    input: Box<dyn Cursor>,
    /// Rows to return; known after the skipping.
    bounds: Option<Option<u64>>,
    returned: u64,
    /// Key values of the last row, when ties matter.
    last: Row,
}

impl LimitCursor {
    fn begin(&mut self, rt: &Runtime, row: &mut Row) -> Result<Option<u64>> {
        if let Some(limit) = self.bounds {
            return Ok(limit);
        }
        let (offset, limit) = self.node.bounds(rt)?;
        self.bounds = Some(limit);
        if limit == Some(0) {
            return Ok(limit);
        }
        for skipped in 0..offset {
            rt.tick(skipped as usize)?;
            if !self.input.next(rt, row)? {
                self.bounds = Some(Some(0));
                return Ok(Some(0));
            }
        }
        Ok(limit)
    }

    /// A row after the last one wanted, if it ties with it.
    fn tie(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let Some(keys) = &self.node.ties else { return Ok(false) };
        if self.returned == 0 || !self.input.next(rt, row)? {
            return Ok(false);
        }
        let values = order_values(keys, Scope::new(rt, row))?;
        Ok(compare_values(keys, &values, &self.last).is_eq())
    }
}

impl Cursor for LimitCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let limit = self.begin(rt, row)?;
        if limit.is_some_and(|limit| self.returned >= limit) {
            return self.tie(rt, row);
        }
        if !self.input.next(rt, row)? {
            return Ok(false);
        }
        self.returned += 1;
        if let Some(keys) = &self.node.ties
            && limit == Some(self.returned)
        {
            self.last = order_values(keys, Scope::new(rt, row))?;
        }
        Ok(true)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.bounds = None;
        self.returned = 0;
        self.input.rescan(rt)
    }
}

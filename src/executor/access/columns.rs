//! Which values of a stored row a plan wants, and in which order: table columns, system columns, the row id.

use dictdb_catalog::{Column, Relation};
use dictdb_planner::physical::Fetch;
use dictdb_storage::{Origin, RowView, Transaction};
use dictdb_types::{Datum, Error, Oid, Result, RowId};

use crate::row::Row;

pub(crate) use system::TABLEOID;

/// Attnums of system columns.
pub(crate) mod system {
    pub const CTID: i16 = -1;
    pub const XMIN: i16 = -2;
    pub const CMIN: i16 = -3;
    pub const XMAX: i16 = -4;
    pub const CMAX: i16 = -5;
    pub const TABLEOID: i16 = -6;
}

/// Where an output value comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A storage column.
    Slot(usize),
    /// The same for every row.
    Constant(Datum),
    /// The row id as `ctid`.
    Ctid,
    /// The transaction, or the command of it, that made or ended the version, by the column's number.
    Origin(i16),
}

/// The output columns of a table access.
#[derive(Clone, Debug)]
pub(crate) struct OutputColumns {
    sources: Box<[Source]>,
    row_id: bool,
    /// What marks the row ids, among those of a table's other members.
    mark: i64,
}

impl OutputColumns {
    /// Resolves attnums. XX000 for a column that does not exist.
    pub fn new(relation: &Relation, fetch: &Fetch) -> Result<Self> {
        let sources = fetch.columns.iter().map(|attnum| source(relation, *attnum)).collect::<Result<_>>()?;
        Ok(OutputColumns { sources, row_id: fetch.row_id, mark: mark_of(fetch.member) })
    }

    /// The sources in order.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether the row id follows.
    pub fn has_row_id(&self) -> bool {
        self.row_id
    }

    /// What the row ids are marked with.
    pub fn mark(&self) -> i64 {
        self.mark
    }

    /// Number of output columns.
    pub fn len(&self) -> usize {
        self.sources.len() + usize::from(self.row_id)
    }

    /// Appends the values of a row.
    #[inline]
    pub fn append(&self, id: RowId, version: &RowView<'_>, transaction: &Transaction, row: &mut Row) -> Result<()> {
        row.reserve(self.len());
        for source in &self.sources {
            row.push(match source {
                Source::Slot(slot) => version.datum(*slot)?,
                Source::Constant(value) => value.clone(),
                Source::Ctid => ctid(id),
                Source::Origin(attnum) => origin(*attnum, transaction.origin(version)),
            });
        }
        if self.row_id {
            row.push(Datum::Int8(id.0 as i64 | self.mark));
        }
        Ok(())
    }
}

fn source(relation: &Relation, attnum: i16) -> Result<Source> {
    Ok(match attnum {
        system::TABLEOID => Source::Constant(Datum::Oid(relation.oid.0)),
        system::CTID => Source::Ctid,
        system::XMIN | system::XMAX | system::CMIN | system::CMAX => Source::Origin(attnum),
        _ => match relation.column(attnum).or_else(|| written_at(relation, attnum)) {
            Some(column) => Source::Slot(column.slot),
            None => return Err(Error::internal(format!("column {attnum} of \"{}\" does not exist", relation.name))),
        },
    })
}

/// The column of a table with `ttl` that no name means.
fn written_at(relation: &Relation, attnum: i16) -> Option<&Column> {
    relation.written_at().filter(|(own, _)| *own == attnum).map(|(_, column)| column)
}

/// Whether a column says which transaction made or ended a version.
pub(crate) fn is_of_origin(attnum: i16) -> bool {
    (system::CMAX..=system::XMIN).contains(&attnum)
}

/// The value of such a column.
pub(crate) fn origin(attnum: i16, origin: Origin) -> Datum {
    Datum::Oid(match attnum {
        system::XMIN => origin.made_by.0 as u32,
        system::XMAX => origin.ended_by.0 as u32,
        _ => origin.command,
    })
}

/// The system columns of a row that a statement has written, in RETURNING.
pub(crate) fn returned(attnum: i16, table: Oid, row: RowId, made: Origin) -> Datum {
    match attnum {
        system::TABLEOID => Datum::Oid(table.0),
        system::CTID => ctid(row),
        attnum => origin(attnum, made),
    }
}

/// Bits of a `tid` below its block number.
const TID_PLACE_BITS: u32 = 16;
/// Rows per block of a `ctid`, as storage numbers them.
const BLOCK_ROWS: u64 = dictdb_storage::BLOCK_ROWS as u64;

/// A row's `ctid`: block and, counted from one, place in it.
pub(crate) fn ctid(id: RowId) -> Datum {
    Datum::Int8(ctid_value(id) as i64)
}

/// The number that stands for a row's `ctid`: in its order.
pub(crate) fn ctid_value(id: RowId) -> u64 {
    let (block, place) = (id.0 / BLOCK_ROWS, id.0 % BLOCK_ROWS + 1);
    block << TID_PLACE_BITS | place
}

/// The block that such a number is in.
pub(crate) fn block_of_ctid(value: u64) -> usize {
    usize::try_from(value >> TID_PLACE_BITS).unwrap_or(usize::MAX)
}

/// The row that a `ctid` names; `None` for one that no row has.
pub(crate) fn row_of_ctid(tid: &Datum) -> Option<RowId> {
    let Datum::Int8(tid) = tid else { return None };
    let (block, place) = (*tid as u64 >> TID_PLACE_BITS, *tid as u64 & ((1 << TID_PLACE_BITS) - 1));
    (1..=BLOCK_ROWS).contains(&place).then(|| RowId(block * BLOCK_ROWS + place - 1))
}

/// Bits of a row id that travels that say which row; those above say of which member of the table.
const ROW_BITS: u32 = 48;

fn mark_of(member: u16) -> i64 {
    i64::from(member) << ROW_BITS
}

/// A row id that travelled, with the member of the table; `None` where an outer join found no row.
pub(crate) fn row_id(value: &Datum) -> Result<Option<(usize, RowId)>> {
    match value {
        Datum::Int8(id) => {
            let id = *id as u64;
            Ok(Some(((id >> ROW_BITS) as usize, RowId(id & ((1 << ROW_BITS) - 1)))))
        }
        Datum::Null => Ok(None),
        other => Err(Error::internal(format!("{other:?} as row id"))),
    }
}

//! Where a producer of system rows puts them: only wanted columns are kept, and rows that a condition excludes are
//! dropped before they cost anything.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Oid, oids};

/// A row as the executor takes it.
pub(crate) type Row = Vec<Datum>;

/// Attnum of the system column `tableoid`.
const TABLEOID: i16 = -6;
/// Attnum of the system column `xmin`.
const XMIN: i16 = -2;
/// What `xmin` shows of rows that everybody sees (`FrozenTransactionId`).
const FROZEN: Oid = Oid(2);

/// The rows of one scan of a system relation.
pub(crate) struct Output<'a> {
    relation: Oid,
    equals: &'a [(i16, Datum)],
    columns: &'a [i16],
    rows: Vec<Row>,
}

impl<'a> Output<'a> {
    /// For a relation, with conditions on some columns and the columns wanted, by attnum.
    pub fn new(relation: Oid, equals: &'a [(i16, Datum)], columns: &'a [i16]) -> Self {
        Output { relation, equals, columns, rows: Vec::new() }
    }

    /// The oid a column must have, if the scan asks for one.
    pub fn wanted_oid(&self, attnum: i16) -> Option<Oid> {
        self.equals.iter().find_map(|(column, value)| match value {
            Datum::Oid(oid) if *column == attnum => Some(Oid(*oid)),
            _ => None,
        })
    }

    /// Adds a full row, unless a condition excludes it.
    pub fn push(&mut self, row: &[Datum]) {
        if self.equals.iter().all(|(attnum, value)| may_equal(row, *attnum, value)) {
            self.rows.push(self.columns.iter().map(|attnum| self.column(row, *attnum)).collect());
        }
    }

    fn column(&self, row: &[Datum], attnum: i16) -> Datum {
        match attnum {
            TABLEOID => Datum::Oid(self.relation.0),
            XMIN => Datum::Oid(FROZEN.0),
            attnum => position(attnum).and_then(|i| row.get(i)).cloned().unwrap_or(Datum::Null),
        }
    }

    /// The rows so far.
    pub fn into_rows(self) -> Vec<Row> {
        self.rows
    }
}

fn position(attnum: i16) -> Option<usize> {
    usize::try_from(attnum).ok()?.checked_sub(1)
}

/// Whether a column may have this value. Values of different kinds are left to the executor, which checks again.
fn may_equal(row: &[Datum], attnum: i16, value: &Datum) -> bool {
    match (position(attnum).and_then(|i| row.get(i)), value) {
        (Some(Datum::Null), _) => false,
        (Some(Datum::Oid(a)), Datum::Oid(b)) => a == b,
        (Some(Datum::Text(a)), Datum::Text(b)) => a == b,
        (Some(Datum::Bool(a)), Datum::Bool(b)) => a == b,
        (Some(Datum::Int2(a)), Datum::Int2(b)) => a == b,
        (Some(Datum::Int4(a)), Datum::Int4(b)) => a == b,
        _ => true,
    }
}

/// A value of a system column.
pub(crate) trait Cell {
    fn datum(self) -> Datum;
}

macro_rules! cells {
    ($($ty:ty => |$value:ident| $datum:expr),* $(,)?) => {
        $(impl Cell for $ty {
            fn datum(self) -> Datum {
                let $value = self;
                $datum
            }
        })*
    };
}

cells! {
    Datum => |v| v,
    Oid => |v| Datum::Oid(v.0),
    bool => |v| Datum::Bool(v),
    i16 => |v| Datum::Int2(v),
    i32 => |v| Datum::Int4(v),
    i64 => |v| Datum::Int8(v),
    f32 => |v| Datum::Float4(v),
    f64 => |v| Datum::Float8(v),
    char => |v| Datum::text(v.encode_utf8(&mut [0; 4])),
    &str => |v| Datum::text(v),
    String => |v| Datum::text(v),
    Arc<str> => |v| Datum::Text(v),
    &Arc<str> => |v| Datum::Text(v.clone()),
}

impl<T: Cell> Cell for Option<T> {
    fn datum(self) -> Datum {
        self.map_or(Datum::Null, Cell::datum)
    }
}

/// Absent.
pub(crate) const NULL: Datum = Datum::Null;

/// Adds a row of cells: `row!(out; oid, name, …)`.
macro_rules! row {
    ($out:expr; $($cell:expr),* $(,)?) => {
        $out.push(&[$($crate::system::output::Cell::datum($cell)),*])
    };
}
pub(crate) use row;

/// An array of oids.
pub(crate) fn oid_array(items: impl IntoIterator<Item = Oid>) -> Datum {
    Datum::Array(Arc::new(Array::vector(oids::OID, items.into_iter().map(|oid| Datum::Oid(oid.0)).collect())))
}

/// An array of attnums.
pub(crate) fn attnum_array(items: &[i16]) -> Datum {
    Datum::Array(Arc::new(Array::vector(oids::INT2, items.iter().map(|n| Datum::Int2(*n)).collect())))
}

/// An `oidvector`.
pub(crate) fn oid_vector(items: impl IntoIterator<Item = Oid>) -> Datum {
    Datum::Array(Arc::new(Array::zero_based(oids::OID, items.into_iter().map(|oid| Datum::Oid(oid.0)).collect())))
}

/// An `int2vector`.
pub(crate) fn attnum_vector(items: impl IntoIterator<Item = i16>) -> Datum {
    Datum::Array(Arc::new(Array::zero_based(oids::INT2, items.into_iter().map(Datum::Int2).collect())))
}

/// A `text[]`; NULL when there is nothing.
pub(crate) fn options(items: &[Arc<str>]) -> Datum {
    if items.is_empty() { Datum::Null } else { text_array(oids::TEXT, items) }
}

/// An `aclitem[]`; NULL when there is none.
pub(crate) fn acl(items: Option<&[Arc<str>]>) -> Datum {
    items.map_or(Datum::Null, |items| text_array(oids::ACLITEM, items))
}

/// An array of a type whose values are text.
pub(crate) fn text_array(element: Oid, items: &[Arc<str>]) -> Datum {
    let items = items.iter().map(|item| Datum::Text(item.clone())).collect();
    Datum::Array(Arc::new(Array::vector(element, items)))
}

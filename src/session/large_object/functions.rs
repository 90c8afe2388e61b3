//! The functions, by `pg_proc.prosrc`.

use std::sync::Arc;

use dictdb_catalog::Privileges;
use dictdb_functions::kernel::{CallContext, ScalarFn};
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use super::{MAX_BYTES, MAX_VALUE_BYTES};
use crate::{Session, StatementEnv};

/// Every function of this family.
pub(crate) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("be_lo_creat", |cx, _| in_session(cx, |session| session.make_large_object(Oid::INVALID).map(oid_of))),
    ("be_lo_create", |cx, args| in_session(cx, |session| session.make_large_object(object(args, 0)).map(oid_of))),
    ("be_lo_unlink", |cx, args| in_session(cx, |session| session.unlink_large_object(object(args, 0)).map(|()| ONE))),
    ("be_lo_open", |cx, args| in_session(cx, |session| session.lo_open(object(args, 0), number(args, 1)))),
    ("be_lo_close", |cx, args| in_session(cx, |session| session.large_objects.close(number(args, 0)).map(|()| ZERO))),
    ("be_loread", |cx, args| in_session(cx, |session| session.lo_read(number(args, 0), number(args, 1)))),
    ("be_lowrite", |cx, args| in_session(cx, |session| session.lo_write(number(args, 0), bytes(args, 1)))),
    ("be_lo_lseek", |cx, args| in_session(cx, |session| narrow(session.lo_seek(args)?, "lo_lseek", args))),
    ("be_lo_lseek64", |cx, args| in_session(cx, |session| session.lo_seek(args).map(Datum::Int8))),
    ("be_lo_tell", |cx, args| in_session(cx, |session| narrow(session.lo_tell(args)?, "lo_tell", args))),
    ("be_lo_tell64", |cx, args| in_session(cx, |session| session.lo_tell(args).map(Datum::Int8))),
    ("be_lo_truncate", |cx, args| in_session(cx, |session| session.lo_truncate(args))),
    ("be_lo_truncate64", |cx, args| in_session(cx, |session| session.lo_truncate(args))),
    ("be_lo_get", |cx, args| in_session(cx, |session| session.lo_get(object(args, 0)))),
    ("be_lo_get_fragment", |cx, args| in_session(cx, |session| session.lo_get_fragment(args))),
    ("be_lo_put", |cx, args| in_session(cx, |session| session.lo_put(args))),
    ("be_lo_from_bytea", |cx, args| in_session(cx, |session| session.lo_from_bytea(object(args, 0), bytes(args, 1)))),
    ("be_lo_import", |cx, args| {
        in_session(cx, |session| session.import_object(text(args, 0), Oid::INVALID).map(oid_of))
    }),
    ("be_lo_import_with_oid", |cx, args| {
        in_session(cx, |session| session.import_object(text(args, 0), object(args, 1)).map(oid_of))
    }),
    ("be_lo_export", |cx, args| {
        in_session(cx, |session| session.export_object(object(args, 0), text(args, 1)).map(|()| ONE))
    }),
];

/// `INV_WRITE` and `INV_READ`.
const WRITE: i32 = 0x2_0000;
const READ: i32 = 0x4_0000;
const ZERO: Datum = Datum::Int4(0);
const ONE: Datum = Datum::Int4(1);

fn in_session(cx: &CallContext<'_>, call: impl FnOnce(&mut Session) -> Result<Datum>) -> Result<Datum> {
    let env = StatementEnv::of(cx.env).ok_or_else(|| Error::internal("called outside a session"))?;
    env.shared.in_session(call)
}

fn object(args: &[Datum], index: usize) -> Oid {
    if let Some(Datum::Oid(oid)) = args.get(index) { Oid(*oid) } else { Oid::INVALID }
}

fn oid_of(oid: Oid) -> Datum {
    Datum::Oid(oid.0)
}

fn number(args: &[Datum], index: usize) -> i32 {
    if let Some(Datum::Int4(number)) = args.get(index) { *number } else { 0 }
}

/// A number of either width.
fn wide(args: &[Datum], index: usize) -> i64 {
    match args.get(index) {
        Some(Datum::Int8(number)) => *number,
        _ => number(args, index).into(),
    }
}

fn bytes(args: &[Datum], index: usize) -> &[u8] {
    if let Some(Datum::Bytea(bytes)) = args.get(index) { bytes } else { &[] }
}

fn text(args: &[Datum], index: usize) -> &str {
    if let Some(Datum::Text(text)) = args.get(index) { text } else { "" }
}

/// A position as the older functions return it; 22003.
fn narrow(position: i64, function: &str, args: &[Datum]) -> Result<Datum> {
    i32::try_from(position).map(Datum::Int4).map_err(|_| {
        let message = format!("{function} result out of range for large-object descriptor {}", number(args, 0));
        Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
    })
}

/// 22023.
fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message.into())
}

/// A position that a large object can have. 22023.
fn seek_target(position: i64) -> Result<u64> {
    match u64::try_from(position) {
        Ok(target) if position <= MAX_BYTES => Ok(target),
        _ => Err(invalid(format!("invalid large object seek target: {position}"))),
    }
}

/// What it takes to open an object: who writes may read, too.
fn wanted(writes: bool) -> Privileges {
    if writes { Privileges::SELECT.with(Privileges::UPDATE) } else { Privileges::SELECT }
}

fn bytea(bytes: Vec<u8>) -> Datum {
    Datum::Bytea(bytes.into())
}

impl Session {
    fn lo_open(&mut self, object: Oid, mode: i32) -> Result<Datum> {
        if mode & (READ | WRITE) == 0 {
            return Err(invalid(format!("invalid flags for opening a large object: {mode}")));
        }
        let writes = mode & WRITE != 0;
        self.permitted_large_object(object, wanted(writes))?;
        let snapshot = if writes { None } else { Some(Arc::new(self.transaction()?.snapshot()?)) };
        let depth = self.block.savepoints.len();
        Ok(Datum::Int4(self.large_objects.open(object, snapshot, depth)))
    }

    /// Reads as an open object is read: now, or as of when it was opened.
    fn as_of<T>(&mut self, number: i32, read: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
        self.large_objects.reads_at = self.large_objects.get(number)?.snapshot.clone();
        let result = read(self);
        self.large_objects.reads_at = None;
        result
    }

    fn lo_read(&mut self, number: i32, count: i32) -> Result<Datum> {
        let descriptor = self.large_objects.get(number)?.clone();
        let count = u64::try_from(count).unwrap_or(0);
        let read = self.as_of(number, |session| session.read_object(descriptor.object, descriptor.position, count))?;
        self.large_objects.get(number)?.position += read.len() as u64;
        Ok(bytea(read))
    }

    fn lo_write(&mut self, number: i32, bytes: &[u8]) -> Result<Datum> {
        let descriptor = self.large_objects.writable(number)?.clone();
        let count = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        if descriptor.position + u64::from(count.unsigned_abs()) > MAX_BYTES.unsigned_abs() {
            return Err(invalid(format!("invalid large object write request size: {count}")));
        }
        self.write_object(descriptor.object, descriptor.position, bytes)?;
        self.large_objects.get(number)?.position += bytes.len() as u64;
        Ok(Datum::Int4(count))
    }

    fn lo_seek(&mut self, args: &[Datum]) -> Result<i64> {
        let (number, offset, whence) = (number(args, 0), wide(args, 1), number(args, 2));
        let descriptor = self.large_objects.get(number)?.clone();
        let from = match whence {
            0 => 0,
            1 => descriptor.position,
            2 => self.as_of(number, |session| session.size_of_object(descriptor.object))?,
            other => return Err(invalid(format!("invalid whence setting: {other}"))),
        };
        let target = seek_target(i64::try_from(from).unwrap_or(i64::MAX).saturating_add(offset))?;
        self.large_objects.get(number)?.position = target;
        Ok(target.cast_signed())
    }

    fn lo_tell(&mut self, args: &[Datum]) -> Result<i64> {
        Ok(self.large_objects.get(number(args, 0))?.position.cast_signed())
    }

    fn lo_truncate(&mut self, args: &[Datum]) -> Result<Datum> {
        let object = self.large_objects.writable(number(args, 0))?.object;
        let length = wide(args, 1);
        match u64::try_from(length) {
            Ok(target) if length <= MAX_BYTES => self.truncate_object(object, target)?,
            _ => return Err(invalid(format!("invalid large object truncation target: {length}"))),
        }
        Ok(ZERO)
    }

    fn lo_get(&mut self, object: Oid) -> Result<Datum> {
        self.permitted_large_object(object, Privileges::SELECT)?;
        let size = self.size_of_object(object)?;
        self.read_object(object, 0, size.min(MAX_VALUE_BYTES + 1)).map(bytea)
    }

    fn lo_get_fragment(&mut self, args: &[Datum]) -> Result<Datum> {
        let (object, count) = (object(args, 0), number(args, 2));
        let count = u64::try_from(count).map_err(|_| invalid("requested length cannot be negative"))?;
        self.permitted_large_object(object, Privileges::SELECT)?;
        let position = seek_target(wide(args, 1))?;
        let rest = self.size_of_object(object)?.saturating_sub(position);
        self.read_object(object, position, count.min(rest)).map(bytea)
    }

    fn lo_put(&mut self, args: &[Datum]) -> Result<Datum> {
        let object = object(args, 0);
        self.permitted_large_object(object, wanted(true))?;
        self.write_object(object, seek_target(wide(args, 1))?, bytes(args, 2))?;
        Ok(Datum::text(""))
    }

    fn lo_from_bytea(&mut self, wanted: Oid, bytes: &[u8]) -> Result<Datum> {
        let object = self.make_large_object(wanted)?;
        self.write_object(object, 0, bytes)?;
        Ok(oid_of(object))
    }
}

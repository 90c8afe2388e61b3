//! Wire forms straight from a column, without a [`Datum`](crate::Datum) where the array already holds the bytes.

use super::ColumnReader;
use crate::{Env, Oid, Result, binary, oids, text};

impl ColumnReader<'_> {
    /// Appends the text form of a row that is not NULL, without a length; see [`text::write_wire`].
    #[inline]
    pub fn write_text(&self, row: usize, oid: Oid, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
        match self {
            ColumnReader::Text(array) if oid != oids::CHAR => {
                out.extend_from_slice(array.value(row).as_bytes());
                Ok(())
            }
            _ => text::write_wire(&self.get(row)?, oid, env, out),
        }
    }

    /// Appends the binary form of a row that is not NULL, without a length; see [`binary::send`].
    #[inline]
    pub fn write_binary(&self, row: usize, oid: Oid, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
        match self {
            ColumnReader::Text(array) if matches!(oid, oids::TEXT | oids::VARCHAR | oids::BPCHAR | oids::JSON) => {
                out.extend_from_slice(array.value(row).as_bytes());
                Ok(())
            }
            ColumnReader::Bytea(array) if oid == oids::BYTEA => {
                out.extend_from_slice(array.value(row));
                Ok(())
            }
            _ => binary::send(&self.get(row)?, oid, env, out),
        }
    }
}

//! Binary forms of `tsvector` and `tsquery`: their bytes as they are, checked.

use super::reader::{Reader, invalid};
use crate::tsearch::{Malformed, Query, Vector};
use crate::{Error, Result, SqlState};

fn short() -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, "insufficient data left in message")
}

/// Lexemes may come in any order.
pub(super) fn read_vector(reader: &mut Reader<'_>) -> Result<Vec<u8>> {
    let bytes = reader.rest();
    match Vector::split_from(bytes) {
        Some((vector, [])) => Ok(Vector::new(vector.lexemes)?.to_bytes()),
        Some(_) => Err(invalid("incorrect binary data format")),
        None => Err(short()),
    }
}

pub(super) fn read_query(reader: &mut Reader<'_>) -> Result<Vec<u8>> {
    let internal = |message: String| Err(Error::internal(message));
    let bytes = reader.rest();
    match Query::split_from(bytes) {
        Ok((query, [])) => Ok(Query::to_bytes(query.as_ref())),
        Ok(_) => Err(invalid("incorrect binary data format")),
        Err(Malformed::Short) => Err(short()),
        Err(Malformed::Item(item)) => internal(format!("unrecognized tsquery node type: {item}")),
        Err(Malformed::Operator(operator)) => {
            internal(format!("invalid tsquery: unrecognized operator type {operator}"))
        }
        Err(Malformed::Weight) => internal("invalid tsquery: invalid weight bitmap".into()),
        Err(Malformed::Tree) => internal("malformed tsquery: operand not found".into()),
    }
}

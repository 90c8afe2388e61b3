//! PostgreSQL 15's own types, from the exported `pg_type`.

use std::sync::Arc;

use crate::{Oid, TypeInfo};

/// The built-in type with this oid.
pub fn by_oid(_oid: Oid) -> Option<Arc<TypeInfo>> {
    None
}

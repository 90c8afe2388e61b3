//! Changes of data: INSERT, UPDATE, DELETE, their constraints and foreign keys.

/// Constraints of a transaction that are checked when it commits.
#[derive(Debug, Default)]
pub struct ConstraintQueue {}

//! Identifiers as newtypes, so that one kind of number is never taken for another.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// Object identifier, as in PostgreSQL's catalogs. Zero is "no object".
    Oid(u32)
);
id!(
    /// Stable identity of a row inside its table, for as long as any version of it is visible to
    /// anybody. The upper bits name the block, the lower ones the slot in it.
    RowId(u64)
);
id!(
    /// A transaction, from its first use until nothing in storage mentions it.
    TxnId(u64)
);
id!(
    /// A point in commit order. A snapshot at `t` sees what committed at or before `t`.
    CommitTs(u64)
);

impl Oid {
    /// `InvalidOid`.
    pub const INVALID: Oid = Oid(0);
    /// First of PostgreSQL's own objects that the system does not require; what depends on them is recorded.
    pub const FIRST_UNPINNED: Oid = Oid(12_000);
    /// First object id handed out to users' objects; smaller ones are PostgreSQL's own.
    pub const FIRST_NORMAL: Oid = Oid(16384);

    /// Whether this names an object at all.
    pub const fn is_valid(self) -> bool {
        self.0 != 0
    }
}

//! The columns that tables have of themselves.

use std::sync::Arc;

use dictdb_types::{Type, oids};

use crate::{Relation, RelationKind};

/// System columns of tables: name, attnum, type.
pub const SYSTEM_COLUMNS: [(&str, i16, Type); 6] = [
    ("ctid", -1, Type::new(oids::TID)),
    ("xmin", -2, Type::new(oids::XID)),
    ("cmin", -3, Type::new(oids::CID)),
    ("xmax", -4, Type::new(oids::XID)),
    ("cmax", -5, Type::new(oids::CID)),
    ("tableoid", -6, Type::new(oids::OID)),
];

/// The attnum of a system column.
pub fn system_column_named(name: &str) -> Option<i16> {
    SYSTEM_COLUMNS.iter().find(|(known, ..)| *known == name).map(|(_, attnum, _)| *attnum)
}

/// The name of a system column.
pub fn system_column_name(attnum: i16) -> Option<&'static str> {
    SYSTEM_COLUMNS.iter().find(|(_, known, _)| *known == attnum).map(|(name, ..)| *name)
}

impl Relation {
    /// Whether system columns of it are in `pg_attribute`.
    pub fn has_system_columns(&self) -> bool {
        self.is_stored() || matches!(self.kind, RelationKind::Virtual | RelationKind::Sequence(_))
    }

    /// The attnum of a column of this name, system columns included.
    pub fn attnum_named(&self, name: &str) -> Option<i16> {
        let system = || system_column_named(name).filter(|_| self.has_system_columns());
        self.column_named(name).map(|(attnum, _)| attnum).or_else(system)
    }

    /// Whether it has a column of this attnum, system columns included.
    pub fn has_attnum(&self, attnum: i16) -> bool {
        let is_system = || self.has_system_columns() && system_column_name(attnum).is_some();
        self.column(attnum).is_some() || is_system()
    }

    /// `attacl` of a column, system columns included.
    pub fn column_acl(&self, attnum: i16) -> Option<&[Arc<str>]> {
        match attnum < 0 {
            true => self.system_acls.iter().find(|(own, _)| *own == attnum).map(|(_, acl)| acl.as_slice()),
            false => self.column(attnum)?.acl.as_deref(),
        }
    }

    /// Gives a system column another list of privileges.
    pub fn set_system_acl(&mut self, attnum: i16, acl: Option<Vec<Arc<str>>>) {
        self.system_acls.retain(|(own, _)| *own != attnum);
        self.system_acls.extend(acl.map(|acl| (attnum, acl)));
        self.system_acls.sort_by_key(|(attnum, _)| *attnum);
    }

    /// The columns that have a list of privileges, system columns included.
    pub fn listed_columns(&self) -> impl Iterator<Item = i16> {
        let own = self.live_columns().filter(|(_, column)| column.acl.is_some()).map(|(attnum, _)| attnum);
        self.system_acls.iter().map(|(attnum, _)| *attnum).chain(own)
    }
}

//! Statistics objects, text search objects and publications.

use sqlparser::ast::{Ident, ObjectName, TableWithJoins};

use super::{DefElem, SourceExpr, TableRef};

/// `CREATE STATISTICS`.
#[derive(Clone, Debug)]
pub struct CreateStatistics {
    /// The statistics object.
    pub name: ObjectName,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Kinds of statistics; none is all.
    pub kinds: Vec<Ident>,
    /// What they are about; a plain column is an identifier expression.
    pub items: Vec<SourceExpr>,
    /// `FROM`.
    pub from: Vec<TableWithJoins>,
}

/// `ALTER STATISTICS … SET STATISTICS`.
#[derive(Clone, Debug)]
pub struct AlterStatistics {
    /// The statistics object.
    pub name: ObjectName,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The new target.
    pub target: i64,
}

/// `ALTER TEXT SEARCH DICTIONARY … ( … )`.
#[derive(Clone, Debug)]
pub struct AlterDictionary {
    /// The dictionary.
    pub name: ObjectName,
    /// Options to set; those without a value go.
    pub options: Vec<DefElem>,
}

/// `ALTER TEXT SEARCH CONFIGURATION … MAPPING …`.
#[derive(Clone, Debug)]
pub struct AlterConfiguration {
    /// The configuration.
    pub name: ObjectName,
    /// What happens.
    pub action: MappingAction,
}

/// What happens to a configuration's map.
#[derive(Clone, Debug)]
pub enum MappingAction {
    /// `ADD MAPPING FOR … WITH …` and `ALTER MAPPING FOR … WITH …`.
    Set {
        /// Token types must not have dictionaries yet.
        add: bool,
        /// Token types.
        tokens: Vec<Ident>,
        /// Dictionaries.
        dictionaries: Vec<ObjectName>,
    },
    /// `ALTER MAPPING [FOR …] REPLACE … WITH …`.
    Replace {
        /// Token types; none is all.
        tokens: Vec<Ident>,
        /// The dictionary to replace.
        old: ObjectName,
        /// What it is replaced by.
        new: ObjectName,
    },
    /// `DROP MAPPING FOR …`.
    Drop {
        /// `IF EXISTS`.
        if_exists: bool,
        /// Token types.
        tokens: Vec<Ident>,
    },
}

/// `CREATE PUBLICATION`.
#[derive(Clone, Debug)]
pub struct CreatePublication {
    /// The publication.
    pub name: Ident,
    /// `FOR ALL TABLES`.
    pub all_tables: bool,
    /// `FOR TABLE …, TABLES IN SCHEMA …`.
    pub objects: Vec<PublicationObject>,
    /// `WITH`.
    pub options: Vec<DefElem>,
}

/// `ALTER PUBLICATION`.
#[derive(Clone, Debug)]
pub struct AlterPublication {
    /// The publication.
    pub name: Ident,
    /// What happens.
    pub action: PublicationAction,
}

/// What happens to a publication.
#[derive(Clone, Debug)]
pub enum PublicationAction {
    /// `ADD …`.
    Add(Vec<PublicationObject>),
    /// `SET …`.
    Set(Vec<PublicationObject>),
    /// `DROP …`.
    Drop(Vec<PublicationObject>),
    /// `SET ( … )`.
    Options(Vec<DefElem>),
}

/// What a publication publishes.
#[derive(Clone, Debug)]
pub enum PublicationObject {
    /// `TABLE name (columns) WHERE (…)`.
    Table {
        /// The table.
        table: TableRef,
        /// Its columns; none is all.
        columns: Vec<Ident>,
        /// Which rows.
        condition: Option<SourceExpr>,
    },
    /// `TABLES IN SCHEMA name`; `None` is `CURRENT_SCHEMA`.
    Schema(Option<Ident>),
}

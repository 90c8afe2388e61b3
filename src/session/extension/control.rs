//! The extensions that can be created: what PostgreSQL keeps in control files.

/// An extension as its control file describes it.
pub(crate) struct Control {
    /// Its name.
    pub name: &'static str,
    /// `default_version`, which is the only one.
    pub version: &'static str,
    /// `comment`.
    pub comment: &'static str,
    /// `relocatable`.
    pub relocatable: bool,
    /// `superuser`.
    pub superuser: bool,
    /// `trusted`.
    pub trusted: bool,
    /// `schema`, if it has to be in one.
    pub schema: Option<&'static str>,
    /// `requires`.
    pub requires: &'static [&'static str],
    /// The script that makes its objects.
    pub script: &'static str,
}

impl Control {
    /// An extension of functions that anybody who may create objects in the database can have.
    const fn trusted(name: &'static str, version: &'static str, comment: &'static str, script: &'static str) -> Self {
        Control {
            name,
            version,
            comment,
            relocatable: true,
            superuser: true,
            trusted: true,
            schema: None,
            requires: &[],
            script,
        }
    }

    /// The extension of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Control> {
        CONTROLS.iter().find(|control| control.name == name)
    }
}

/// All of them by name.
pub(crate) const CONTROLS: &[Control] = &[
    Control {
        trusted: false,
        ..Control::trusted(
            "autoinc",
            "1.0",
            "functions for autoincrementing fields",
            include_str!("../../../sql/extensions/autoinc.sql"),
        )
    },
    Control {
        relocatable: false,
        ..Control::trusted(
            "bug_tracking",
            "1.0",
            "bug reports with comments, attachments and daily figures",
            include_str!("../../../sql/bug_tracking_schema.sql"),
        )
    },
    Control {
        trusted: false,
        ..Control::trusted(
            "bloom",
            "1.0",
            "bloom access method - signature file based index",
            include_str!("../../../sql/extensions/bloom.sql"),
        )
    },
    Control::trusted(
        "btree_gin",
        "1.3",
        "support for indexing common datatypes in GIN",
        include_str!("../../../sql/extensions/btree_gin.sql"),
    ),
    Control::trusted(
        "btree_gist",
        "1.7",
        "support for indexing common datatypes in GiST",
        include_str!("../../../sql/extensions/btree_gist.sql"),
    ),
    Control::trusted(
        "citext",
        "1.6",
        "data type for case-insensitive character strings",
        include_str!("../../../sql/extensions/citext.sql"),
    ),
    Control::trusted(
        "cube",
        "1.5",
        "data type for multidimensional cubes",
        include_str!("../../../sql/extensions/cube.sql"),
    ),
    Control::trusted(
        "dict_int",
        "1.0",
        "text search dictionary template for integers",
        include_str!("../../../sql/extensions/dict_int.sql"),
    ),
    Control {
        trusted: false,
        ..Control::trusted(
            "dict_xsyn",
            "1.0",
            "text search dictionary template for extended synonym processing",
            include_str!("../../../sql/extensions/dict_xsyn.sql"),
        )
    },
    Control {
        trusted: false,
        requires: &["cube"],
        ..Control::trusted(
            "earthdistance",
            "1.1",
            "calculate great-circle distances on the surface of the Earth",
            include_str!("../../../sql/extensions/earthdistance.sql"),
        )
    },
    Control::trusted(
        "fuzzystrmatch",
        "1.1",
        "determine similarities and distance between strings",
        include_str!("../../../sql/extensions/fuzzystrmatch.sql"),
    ),
    Control::trusted(
        "hstore",
        "1.8",
        "data type for storing sets of (key, value) pairs",
        include_str!("../../../sql/extensions/hstore.sql"),
    ),
    Control {
        trusted: false,
        ..Control::trusted(
            "insert_username",
            "1.0",
            "functions for tracking who changed a table",
            include_str!("../../../sql/extensions/insert_username.sql"),
        )
    },
    Control::trusted(
        "intarray",
        "1.5",
        "functions, operators, and index support for 1-D arrays of integers",
        include_str!("../../../sql/extensions/intarray.sql"),
    ),
    Control::trusted("lo", "1.1", "Large Object maintenance", include_str!("../../../sql/extensions/lo.sql")),
    Control::trusted(
        "ltree",
        "1.2",
        "data type for hierarchical tree-like structures",
        include_str!("../../../sql/extensions/ltree.sql"),
    ),
    Control {
        trusted: false,
        ..Control::trusted(
            "moddatetime",
            "1.0",
            "functions for tracking last modification time",
            include_str!("../../../sql/extensions/moddatetime.sql"),
        )
    },
    Control {
        trusted: false,
        ..Control::trusted(
            "pg_stat_statements",
            "1.10",
            "track planning and execution statistics of all SQL statements executed",
            include_str!("../../../sql/extensions/pg_stat_statements.sql"),
        )
    },
    Control::trusted(
        "pg_trgm",
        "1.6",
        "text similarity measurement and index searching based on trigrams",
        include_str!("../../../sql/extensions/pg_trgm.sql"),
    ),
    Control::trusted(
        "pgcrypto",
        "1.3",
        "cryptographic functions",
        include_str!("../../../sql/extensions/pgcrypto.sql"),
    ),
    Control {
        relocatable: false,
        schema: Some("pg_catalog"),
        ..Control::trusted("plpgsql", "1.0", "PL/pgSQL procedural language", "")
    },
    Control::trusted(
        "tablefunc",
        "1.0",
        "functions that manipulate whole tables, including crosstab",
        include_str!("../../../sql/extensions/tablefunc.sql"),
    ),
    Control::trusted("tcn", "1.0", "Triggered change notifications", include_str!("../../../sql/extensions/tcn.sql")),
    Control::trusted(
        "unaccent",
        "1.1",
        "text search dictionary that removes accents",
        include_str!("../../../sql/extensions/unaccent.sql"),
    ),
    Control::trusted(
        "uuid-ossp",
        "1.1",
        "generate universally unique identifiers (UUIDs)",
        include_str!("../../../sql/extensions/uuid-ossp.sql"),
    ),
];

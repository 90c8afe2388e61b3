//! The schema `dictdb`: what the server tells of itself where PostgreSQL has no table for it. Rows are made by the session.
//!
//! It is found by its name like any schema, but the system catalogs do not list it: tools that look through a database are told of
//! what PostgreSQL has, and dump what is the user's.

use std::sync::Arc;

use dictdb_types::{Oid, Type, oids};

use crate::{BOOTSTRAP_ROLE, Column, Relation, RelationKind, namespaces};

/// Name, and columns with their types.
type Definition = (Oid, &'static str, &'static [(&'static str, Oid)]);

/// Every relation; oids are below those of users' objects, and never change.
const RELATIONS: &[Definition] = &[
    (
        Oid(9910),
        "backups",
        &[
            ("file", oids::TEXT),
            ("kind", oids::TEXT),
            ("database", oids::TEXT),
            ("taken_at", oids::TIMESTAMPTZ),
            ("bytes", oids::INT8),
            ("lsn", oids::PG_LSN),
            ("parent", oids::TEXT),
            ("number", oids::INT4),
            ("content_hash", oids::TEXT),
            ("error", oids::TEXT),
        ],
    ),
    (
        Oid(9911),
        "backup_status",
        &[
            ("database", oids::TEXT),
            ("consecutive_failures", oids::INT4),
            ("deltas_since_full", oids::INT4),
            ("last_success", oids::TIMESTAMPTZ),
            ("next_due", oids::TIMESTAMPTZ),
            ("running", oids::BOOL),
            ("manager", oids::BOOL),
            ("last_file", oids::TEXT),
            ("last_error", oids::TEXT),
        ],
    ),
    (
        Oid(9912),
        "jobs",
        &[
            ("id", oids::INT8),
            ("command", oids::TEXT),
            ("database", oids::TEXT),
            ("role", oids::TEXT),
            ("state", oids::TEXT),
            ("started_at", oids::TIMESTAMPTZ),
            ("finished_at", oids::TIMESTAMPTZ),
            ("rows_done", oids::INT8),
            ("rows_total", oids::INT8),
            ("progress", oids::FLOAT8),
            ("result", oids::TEXT),
            ("error", oids::TEXT),
        ],
    ),
    (
        Oid(9913),
        "snapshots",
        &[
            ("name", oids::NAME),
            ("database", oids::NAME),
            ("owner", oids::NAME),
            ("created_at", oids::TIMESTAMPTZ),
            ("size", oids::INT8),
        ],
    ),
    (
        Oid(9930),
        "cache_stats",
        &[
            ("hits", oids::INT8),
            ("misses", oids::INT8),
            ("hit_rate", oids::FLOAT8),
            ("total_keys", oids::INT8),
            ("size_bytes", oids::INT8),
            ("max_bytes", oids::INT8),
            ("evictions", oids::INT8),
            ("expirations", oids::INT8),
            ("invalidations", oids::INT8),
        ],
    ),
    (
        Oid(9920),
        "circuit_breakers",
        &[
            ("name", oids::TEXT),
            ("state", oids::TEXT),
            ("failures", oids::INT8),
            ("last_failure_at", oids::TIMESTAMPTZ),
            ("last_error", oids::TEXT),
            ("next_trial_at", oids::TIMESTAMPTZ),
        ],
    ),
    (
        Oid(9921),
        "recovery",
        &[
            ("phase", oids::TEXT),
            ("progress", oids::FLOAT8),
            ("started_at", oids::TIMESTAMPTZ),
            ("finished_at", oids::TIMESTAMPTZ),
            ("checkpoint_lsn", oids::PG_LSN),
            ("checkpoint_bytes", oids::INT8),
            ("end_lsn", oids::PG_LSN),
            ("log_bytes", oids::INT8),
            ("records", oids::INT8),
            ("was_clean", oids::BOOL),
        ],
    ),
    (
        Oid(9940),
        "rate_limits",
        &[
            ("client", oids::TEXT),
            ("kind", oids::TEXT),
            ("current_tokens", oids::FLOAT8),
            ("max_tokens", oids::INT8),
            ("refill_rate", oids::FLOAT8),
            ("last_refill", oids::TIMESTAMPTZ),
        ],
    ),
    (
        Oid(9941),
        "unsupported_usage",
        &[("feature", oids::TEXT), ("count", oids::INT8), ("last_used", oids::TIMESTAMPTZ)],
    ),
];

/// The relations of the schema.
pub(crate) fn relations() -> impl Iterator<Item = Relation> {
    RELATIONS.iter().map(|(oid, name, columns)| {
        let columns = columns.iter().enumerate().map(|(slot, (name, ty))| Column::new(*name, Type::new(*ty), slot));
        Relation {
            columns: columns.collect(),
            acl: Some(vec![Arc::from("postgres=arwdDxt/postgres"), Arc::from("pg_monitor=r/postgres")]),
            ..Relation::new(*oid, namespaces::DICTDB, Arc::from(*name), BOOTSTRAP_ROLE, RelationKind::Virtual)
        }
    })
}

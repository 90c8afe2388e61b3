//! The functions that list what a DictDB server never has: replication, foreign servers,
//! maintenance in progress, temporary files, configuration files of PostgreSQL's kind.

use dictdb_functions::CallContext;
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_types::{Datum, Result};

pub(super) const SETS: &[(&str, SetFn)] = &[
    ("pg_get_backend_memory_contexts", none),
    ("pg_get_replication_slots", none),
    ("pg_get_shmem_allocations", none),
    ("pg_hba_file_rules", none),
    ("pg_ls_archive_statusdir", none),
    ("pg_ls_logicalmapdir", none),
    ("pg_ls_logicalsnapdir", none),
    ("pg_ls_tmpdir_noargs", none),
    ("pg_ident_file_mappings", none),
    ("pg_show_replication_origin_status", none),
    ("pg_stat_get_progress_info", none),
    ("pg_stat_get_recovery_prefetch", none),
    ("pg_stat_get_subscription", none),
    ("pg_stat_get_wal_senders", none),
    ("show_all_file_settings", none),
];

fn none(_: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    Ok(Box::new(std::iter::empty()))
}

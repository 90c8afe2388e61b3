//! Functions that read the catalog, by the C symbol PostgreSQL gives them.

mod absent;
mod activity;
mod address;
mod arguments;
mod collation;
mod definition;
mod event_trigger;
mod files;
mod function_text;
mod hash_partition;
mod index_property;
mod index_upkeep;
mod information_schema;
mod integrity;
mod name;
mod object;
mod operator_class;
mod partition;
mod prepared;
mod prepared_transactions;
mod privilege;
mod setting;
mod size;
mod statistics;
mod statistics_object;
mod statistics_reset;
mod transaction_id;
mod trigger;
mod view;
mod visibility;
mod wal;
mod word;

pub(crate) use arguments::{record, records};
use dictdb_functions::ScalarFn;
use dictdb_functions::set_returning::SetFn;
pub(super) use size::{bytes_of, main_size};
pub(crate) use size::{pages, row_bytes};

pub(super) use partition::bound_text;

/// Scalar functions.
pub(super) fn scalars() -> impl Iterator<Item = &'static [(&'static str, ScalarFn)]> {
    let files = [
        crate::advisory::FUNCTIONS,
        crate::encoding::FUNCTIONS,
        crate::functions::FUNCTIONS,
        crate::large_object::FUNCTIONS,
        crate::result_cache::FUNCTIONS,
        crate::routines::FUNCTIONS,
        crate::routines::TRIGGER_FUNCTIONS,
        crate::routines::XML_FUNCTIONS,
        crate::routines::TEXT_SEARCH_FUNCTIONS,
        crate::sequences::FUNCTIONS,
        crate::statement::current_row::FUNCTIONS,
        crate::statement_statistics::FUNCTIONS,
        activity::FUNCTIONS,
        address::FUNCTIONS,
        definition::FUNCTIONS,
        event_trigger::FUNCTIONS,
        function_text::FUNCTIONS,
        hash_partition::FUNCTIONS,
        index_property::FUNCTIONS,
        index_upkeep::FUNCTIONS,
        information_schema::FUNCTIONS,
        name::FUNCTIONS,
        object::FUNCTIONS,
        operator_class::FUNCTIONS,
        partition::FUNCTIONS,
        setting::FUNCTIONS,
        size::FUNCTIONS,
        statistics::FUNCTIONS,
        statistics_reset::FUNCTIONS,
        transaction_id::FUNCTIONS,
        trigger::FUNCTIONS,
        view::FUNCTIONS,
        collation::FUNCTIONS,
        statistics_object::FUNCTIONS,
        visibility::FUNCTIONS,
        wal::FUNCTIONS,
    ];
    files.into_iter().chain(privilege::FAMILIES.iter().copied())
}

/// Set-returning functions.
pub(super) const SETS: &[&[(&str, SetFn)]] = &[
    crate::extension::SETS,
    crate::routines::SETS,
    crate::routines::TABLE_FUNCTION_SETS,
    crate::routines::TEXT_SEARCH_SETS,
    crate::statement_statistics::SETS,
    absent::SETS,
    activity::SETS,
    event_trigger::SETS,
    files::SETS,
    information_schema::SETS,
    integrity::SETS,
    object::SETS,
    partition::SETS,
    prepared::SETS,
    prepared_transactions::SETS,
    statistics_object::SETS,
    statistics_reset::SETS,
    privilege::SETS,
    setting::SETS,
    wal::SETS,
    word::SETS,
];

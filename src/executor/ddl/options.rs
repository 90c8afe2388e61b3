//! Storage parameters (`WITH (…)`, `SET (…)`): which there are, what values they take.
//!
//! `ttl` and `max_rows` are DictDB's own: rows of such tables go by themselves. What describes pages, TOAST or autovacuum has nothing to act on in memory; it is checked and kept as `reloptions`, where
//! tools look for it.

use std::sync::Arc;

use dictdb_catalog::{CheckOption, IndexMethod, Relation, RelationKind};
use dictdb_parser::utility::{DefElem, DefValue};
use dictdb_types::{Error, Result, SqlState};

/// What the parameters are of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Target {
    /// A table or materialized view.
    Table,
    /// An index of this method.
    Index(IndexMethod),
    /// A view.
    View,
    /// A column.
    Column,
    /// A tablespace.
    Tablespace,
    /// A key of an index, by an operator class with these parameters.
    OperatorClass(&'static [(&'static str, Kind)]),
}

impl Target {
    /// What a relation's parameters are checked as.
    pub fn of(relation: &Relation) -> Result<Self> {
        Ok(match &relation.kind {
            RelationKind::Table | RelationKind::MaterializedView(_) => Target::Table,
            RelationKind::View(_) => Target::View,
            RelationKind::Index(info) => Target::Index(info.method),
            _ => return Err(Error::internal("a relation without storage parameters")),
        })
    }
}

/// What values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Bool,
    Int(i64, i64),
    /// An integer between two that is a multiple of a third.
    Multiple(i64, i64, i64),
    Real(f64, f64),
    /// How long rows are there.
    Ttl,
    /// One of these words, and how a message lists them.
    Word(&'static [&'static str], &'static str),
}

const ON_OFF_AUTO: Kind = Kind::Word(
    &["auto", "on", "off", "true", "false", "yes", "no", "1", "0"],
    "Valid values are \"on\", \"off\", and \"auto\".",
);
const CHECK_OPTIONS: Kind = Kind::Word(&["local", "cascaded"], "Valid values are \"local\" and \"cascaded\".");

/// Parameters of tables; those of the vacuum family may be given for TOAST tables too.
const TABLE: &[(&str, Kind)] = &[
    ("fillfactor", Kind::Int(10, 100)),
    ("toast_tuple_target", Kind::Int(128, 8160)),
    ("parallel_workers", Kind::Int(0, 1024)),
    ("user_catalog_table", Kind::Bool),
    ("ttl", Kind::Ttl),
    ("max_rows", Kind::Int(1, i64::MAX)),
];
const VACUUM: &[(&str, Kind)] = &[
    ("autovacuum_enabled", Kind::Bool),
    ("autovacuum_vacuum_threshold", Kind::Int(0, i32::MAX as i64)),
    ("autovacuum_vacuum_insert_threshold", Kind::Int(-1, i32::MAX as i64)),
    ("autovacuum_analyze_threshold", Kind::Int(0, i32::MAX as i64)),
    ("autovacuum_vacuum_cost_limit", Kind::Int(1, 10_000)),
    ("autovacuum_vacuum_cost_delay", Kind::Real(0.0, 100.0)),
    ("autovacuum_freeze_min_age", Kind::Int(0, 1_000_000_000)),
    ("autovacuum_freeze_max_age", Kind::Int(100_000, 2_000_000_000)),
    ("autovacuum_freeze_table_age", Kind::Int(0, 2_000_000_000)),
    ("autovacuum_multixact_freeze_min_age", Kind::Int(0, 1_000_000_000)),
    ("autovacuum_multixact_freeze_max_age", Kind::Int(10_000, 2_000_000_000)),
    ("autovacuum_multixact_freeze_table_age", Kind::Int(0, 2_000_000_000)),
    ("autovacuum_vacuum_scale_factor", Kind::Real(0.0, 100.0)),
    ("autovacuum_vacuum_insert_scale_factor", Kind::Real(0.0, 100.0)),
    ("autovacuum_analyze_scale_factor", Kind::Real(0.0, 100.0)),
    ("log_autovacuum_min_duration", Kind::Int(-1, i32::MAX as i64)),
    ("vacuum_index_cleanup", ON_OFF_AUTO),
    ("vacuum_truncate", Kind::Bool),
];
const BTREE: &[(&str, Kind)] = &[("fillfactor", Kind::Int(10, 100)), ("deduplicate_items", Kind::Bool)];
const HASH: &[(&str, Kind)] = &[("fillfactor", Kind::Int(10, 100))];
const GIN: &[(&str, Kind)] = &[("fastupdate", Kind::Bool), ("gin_pending_list_limit", Kind::Int(64, i32::MAX as i64))];
const GIST: &[(&str, Kind)] = &[
    ("fillfactor", Kind::Int(10, 100)),
    ("buffering", Kind::Word(&["auto", "on", "off"], "Valid values are \"on\", \"off\", and \"auto\".")),
];
const SPGIST: &[(&str, Kind)] = &[("fillfactor", Kind::Int(10, 100))];
const BRIN: &[(&str, Kind)] = &[("pages_per_range", Kind::Int(1, 131_072)), ("autosummarize", Kind::Bool)];
/// Bits of a column's values in the signature of a row.
const BLOOM_BITS: Kind = Kind::Int(1, 4095);
const BLOOM_INDEX: &[(&str, Kind)] = &[
    ("length", Kind::Int(1, 4096)),
    ("col1", BLOOM_BITS),
    ("col2", BLOOM_BITS),
    ("col3", BLOOM_BITS),
    ("col4", BLOOM_BITS),
    ("col5", BLOOM_BITS),
    ("col6", BLOOM_BITS),
    ("col7", BLOOM_BITS),
    ("col8", BLOOM_BITS),
    ("col9", BLOOM_BITS),
    ("col10", BLOOM_BITS),
    ("col11", BLOOM_BITS),
    ("col12", BLOOM_BITS),
    ("col13", BLOOM_BITS),
    ("col14", BLOOM_BITS),
    ("col15", BLOOM_BITS),
    ("col16", BLOOM_BITS),
    ("col17", BLOOM_BITS),
    ("col18", BLOOM_BITS),
    ("col19", BLOOM_BITS),
    ("col20", BLOOM_BITS),
    ("col21", BLOOM_BITS),
    ("col22", BLOOM_BITS),
    ("col23", BLOOM_BITS),
    ("col24", BLOOM_BITS),
    ("col25", BLOOM_BITS),
    ("col26", BLOOM_BITS),
    ("col27", BLOOM_BITS),
    ("col28", BLOOM_BITS),
    ("col29", BLOOM_BITS),
    ("col30", BLOOM_BITS),
    ("col31", BLOOM_BITS),
    ("col32", BLOOM_BITS),
];
const VIEW: &[(&str, Kind)] =
    &[("security_barrier", Kind::Bool), ("security_invoker", Kind::Bool), ("check_option", CHECK_OPTIONS)];
const COLUMN: &[(&str, Kind)] =
    &[("n_distinct", Kind::Real(-1.0, f64::MAX)), ("n_distinct_inherited", Kind::Real(-1.0, f64::MAX))];

/// What reading from a tablespace costs; nothing is read from one.
const TABLESPACE: &[(&str, Kind)] = &[
    ("random_page_cost", Kind::Real(-1.0, f64::MAX)),
    ("seq_page_cost", Kind::Real(-1.0, f64::MAX)),
    ("effective_io_concurrency", Kind::Int(-1, 1000)),
    ("maintenance_io_concurrency", Kind::Int(-1, 1000)),
];

/// Parameters of operator classes: how long signatures are and how much a summary may hold. In memory there are neither.
const OPERATOR_CLASSES: &[(&str, &[(&str, Kind)])] = &[
    ("tsvector_ops", SIGNATURE),
    ("gist_trgm_ops", SIGNATURE),
    ("gist_hstore_ops", SIGNATURE),
    ("gist__intbig_ops", SIGNATURE),
    ("gist__ltree_ops", SIGNATURE),
    ("gist_ltree_ops", &[("siglen", Kind::Multiple(4, 2024, 4))]),
    ("gist__int_ops", &[("numranges", Kind::Int(1, 252))]),
];
const SIGNATURE: &[(&str, Kind)] = &[("siglen", Kind::Int(1, 2024))];
const BLOOM: &[(&str, Kind)] =
    &[("n_distinct_per_range", Kind::Real(-1.0, i32::MAX as f64)), ("false_positive_rate", Kind::Real(0.0001, 0.25))];
const MINMAX_MULTI: &[(&str, Kind)] = &[("values_per_range", Kind::Int(8, 256))];

/// Options of an operator class for a key of an index. 22023 for a class without options and for what is none of them.
pub(super) fn of_opclass(given: &[DefElem], class: &str) -> Result<Vec<Arc<str>>> {
    let table = match OPERATOR_CLASSES.iter().find(|(name, _)| *name == class) {
        Some((_, table)) => *table,
        None if class.ends_with("_bloom_ops") => BLOOM,
        None if class.ends_with("_minmax_multi_ops") => MINMAX_MULTI,
        None => return Err(invalid(format!("operator class {class} has no options"))),
    };
    changed(&[], given, false, Target::OperatorClass(table))
}

fn kind_of(name: &str, target: Target, toast: bool) -> Option<Kind> {
    let tables: &[&[(&str, Kind)]] = match target {
        Target::Table if toast => &[VACUUM],
        Target::Table => &[TABLE, VACUUM],
        Target::Index(IndexMethod::Btree) => &[BTREE],
        Target::Index(IndexMethod::Hash) => &[HASH],
        Target::Index(IndexMethod::Gin) => &[GIN],
        Target::Index(IndexMethod::Gist) => &[GIST],
        Target::Index(IndexMethod::Brin) => &[BRIN],
        Target::Index(IndexMethod::Spgist) => &[SPGIST],
        Target::Index(IndexMethod::Bloom) => &[BLOOM_INDEX],
        Target::View => &[VIEW],
        Target::Column => &[COLUMN],
        Target::Tablespace => &[TABLESPACE],
        Target::OperatorClass(table) => &[table],
    };
    tables.iter().flat_map(|table| table.iter()).find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// Parameters as `pg_class.reloptions` shows them; 22023 for what there is not.
pub(super) fn given(options: &[DefElem], target: Target) -> Result<Vec<Arc<str>>> {
    changed(&[], options, false, target)
}

/// The parameters after SET or RESET.
pub(super) fn changed(old: &[Arc<str>], given: &[DefElem], reset: bool, target: Target) -> Result<Vec<Arc<str>>> {
    let mut names: Vec<String> = Vec::with_capacity(given.len());
    let mut added: Vec<Arc<str>> = Vec::new();
    for option in given {
        let name = option.name.value.as_str();
        if let Some(namespace) = &option.namespace
            && (namespace.value != "toast" || target != Target::Table)
        {
            return Err(invalid(format!("unrecognized parameter namespace \"{}\"", namespace.value)));
        }
        let toast = option.namespace.is_some();
        let full = if toast { format!("toast.{name}") } else { name.to_owned() };
        let kind = kind_of(name, target, toast);
        if target == Target::Table && name == "oids" && !toast {
            match boolean(&shown(option.value.as_ref())) {
                Some(true) => {
                    let message = "tables declared WITH OIDS are not supported";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                _ => continue,
            }
        }
        if reset {
            if option.value.is_some() {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "RESET must not include values for parameters"));
            }
        } else {
            let kind = kind.ok_or_else(|| invalid(format!("unrecognized parameter \"{name}\"")))?;
            if names.contains(&full) {
                return Err(invalid(format!("parameter \"{name}\" specified more than once")));
            }
            let value = shown(option.value.as_ref());
            check(name, &value, kind)?;
            added.push(Arc::from(format!("{full}={value}")));
        }
        names.push(full);
    }
    let keeps = |option: &&Arc<str>| !names.iter().any(|name| option.split('=').next() == Some(name));
    Ok(old.iter().filter(keeps).cloned().chain(added).collect())
}

/// A partitioned table has no rows, and so no storage parameters. 22023.
pub(super) fn refuse_for_partitioned(relation: &Relation, given: &[DefElem], reset: bool) -> Result<()> {
    match given.first().filter(|_| relation.is_partitioned() && !reset) {
        Some(option) => Err(invalid(format!("unrecognized parameter \"{}\"", option.name.value))),
        None => Ok(()),
    }
}

/// The value of an option as text; nothing means true.
pub(super) fn shown(value: Option<&DefValue>) -> String {
    match value {
        None => "true".to_owned(),
        Some(DefValue::Number(text) | DefValue::String(text) | DefValue::Keyword(text)) => text.clone(),
        Some(DefValue::Type(data_type) | DefValue::SetOf(data_type)) => match dictdb_parser::TypeName::of(data_type) {
            Some(name) => name.names.iter().map(|ident| ident.value.as_str()).collect::<Vec<_>>().join("."),
            None => data_type.to_string().to_ascii_lowercase(),
        },
        Some(DefValue::Operator(name)) => name.to_string(),
        Some(DefValue::Star) => "*".to_owned(),
        Some(DefValue::List(items)) => items.iter().map(|item| shown(Some(item))).collect::<Vec<_>>().join(", "),
    }
}

/// An integer; one with a fraction is rounded.
fn integer(value: &str) -> Option<i64> {
    let rounded = || value.parse::<f64>().ok().filter(|number| number.is_finite());
    value.parse().ok().or_else(|| rounded().map(|number| number.round_ties_even() as i64))
}

fn check(name: &str, value: &str, kind: Kind) -> Result<()> {
    match kind {
        Kind::Bool => match boolean(value) {
            Some(_) => Ok(()),
            None => Err(invalid(format!("invalid value for boolean option \"{name}\": {value}"))),
        },
        Kind::Int(min, max) => {
            let number = integer(value)
                .ok_or_else(|| invalid(format!("invalid value for integer option \"{name}\": {value}")))?;
            match (min..=max).contains(&number) {
                true => Ok(()),
                false => {
                    Err(out_of_bounds(name, value).detail(format!("Valid values are between \"{min}\" and \"{max}\".")))
                }
            }
        }
        Kind::Multiple(min, max, unit) => {
            check(name, value, Kind::Int(min, max))?;
            match integer(value).is_some_and(|number| number % unit == 0) {
                true => Ok(()),
                false => Err(invalid(format!("{name} value must be a multiple of {unit}"))),
            }
        }
        Kind::Real(min, max) => {
            let number: f64 = value
                .parse()
                .map_err(|_| invalid(format!("invalid value for floating point option \"{name}\": {value}")))?;
            match (min..=max).contains(&number) {
                true => Ok(()),
                false => Err(out_of_bounds(name, value)
                    .detail(format!("Valid values are between \"{min:.6}\" and \"{max:.6}\"."))),
            }
        }
        Kind::Ttl => match dictdb_catalog::ttl_micros(value) {
            Some(_) => Ok(()),
            None => Err(invalid(format!("invalid value for interval option \"{name}\": {value}"))
                .detail("It is an interval of more than nothing, such as \"10s\" or \"1 day\".")),
        },
        Kind::Word(words, listed) => match words.iter().any(|word| word.eq_ignore_ascii_case(value)) {
            true => Ok(()),
            false => Err(invalid(format!("invalid value for enum option \"{name}\": {value}")).detail(listed)),
        },
    }
}

fn out_of_bounds(name: &str, value: &str) -> Error {
    invalid(format!("value {value} out of bounds for option \"{name}\""))
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// A boolean as PostgreSQL reads it, prefixes included.
pub(super) fn boolean(text: &str) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    let is = |word: &str, shortest: usize| text.len() >= shortest && word.starts_with(&text);
    if is("true", 1) || is("yes", 1) || is("on", 2) || text == "1" {
        return Some(true);
    }
    (is("false", 1) || is("no", 1) || is("off", 2) || text == "0").then_some(false)
}

/// `check_option` of a view's parameters.
pub(super) fn check_option(options: &[Arc<str>]) -> Option<CheckOption> {
    options.iter().find_map(|option| match option.split_once('=')? {
        ("check_option", value) if value.eq_ignore_ascii_case("local") => Some(CheckOption::Local),
        ("check_option", _) => Some(CheckOption::Cascaded),
        _ => None,
    })
}

//! `pg_statistic` and `pg_statistic_ext_data`: what ANALYZE found.

use std::sync::Arc;

use dictdb_functions::resolve::opclass;
use dictdb_planner::estimate::ExtendedStatistics;
use dictdb_planner::scope::CatalogScope;
use dictdb_types::{Array, Datum, Oid, Record, Result, TypeLookup, oids, text};

use super::super::output::{Output, row};
use super::Source;
use crate::StatementEnv;
use crate::analysis::{AnalyzedColumn, AnalyzedObject};

/// `stakindN`.
const COMMON: i16 = 1;
const HISTOGRAM: i16 = 2;
const CORRELATION: i16 = 3;
/// Places for such in a row.
const SLOTS: usize = 5;
/// The row type of `pg_statistic`.
const ROW_TYPE: Oid = Oid(10029);

/// One of the places.
#[derive(Default)]
struct Slot {
    kind: i16,
    operator: Oid,
    numbers: Option<Datum>,
    values: Option<Datum>,
}

/// Statistics of columns.
pub fn pg_statistic(source: &Source<'_>, out: &mut Output<'_>) {
    for (subject, analysis) in source.env.shared.instance.analyses.of_database(source.env.shared.database.oid) {
        let Some(relation) = source.catalog.relation(subject.relation) else { continue };
        for (attnum, column) in &analysis.columns {
            let is_same = |now: &dictdb_catalog::Column| !now.dropped && now.ty == column.ty;
            if let Some(now) = relation.column(*attnum).filter(|now| is_same(now)) {
                let cells = cells(source.env, subject.relation, *attnum, subject.is_inherited, column, now.collation);
                out.push(&cells);
            }
        }
    }
}

/// Data of statistics objects.
pub fn pg_statistic_ext_data(source: &Source<'_>, out: &mut Output<'_>) {
    for (subject, analysis) in source.env.shared.instance.analyses.of_database(source.env.shared.database.oid) {
        let Some(relation) = source.catalog.relation(subject.relation) else { continue };
        for (oid, object) in &analysis.objects {
            let types = object.statistics.dimensions.iter().zip(&object.types);
            let mut of_columns = types.filter(|(dimension, _)| dimension.expression.is_none());
            let is_same = of_columns.all(|(own, ty)| relation.column(own.attnum).is_some_and(|now| now.ty == *ty));
            if !is_same || source.catalog.definition(*oid).is_none() {
                continue;
            }
            let (kinds, statistics) = (object.kinds, &*object.statistics);
            let dependencies =
                (kinds.dependencies && !statistics.dependencies.is_empty()).then(|| dependencies(statistics));
            let common = (kinds.common && !statistics.common.is_empty()).then(|| common_rows(source.env, object));
            row!(out;
                *oid, subject.is_inherited, kinds.distinct.then(|| distinct(statistics)), dependencies,
                common.and_then(Result::ok).map(|bytes| Datum::Bytea(bytes.into())), expressions(source.env, object),
            );
        }
    }
}

/// A row of `pg_statistic`.
fn cells(
    env: &StatementEnv,
    relation: Oid,
    attnum: i16,
    is_inherited: bool,
    column: &AnalyzedColumn,
    collation: Oid,
) -> Vec<Datum> {
    let statistics = &column.statistics;
    let scope = CatalogScope { catalog: &env.catalog, search_path: &[] };
    let equality = opclass::equality_operator(&scope, column.ty.oid).unwrap_or(Oid::INVALID);
    let less = opclass::less_than_operator(&scope, column.ty.oid).unwrap_or(Oid::INVALID);
    let numbers = |numbers: &mut dyn Iterator<Item = f64>| {
        let items = numbers.map(|number| Datum::Float4(number as f32)).collect();
        Some(Datum::Array(Arc::new(Array::vector(oids::FLOAT4, items))))
    };
    let values = |values: &mut dyn Iterator<Item = &Datum>| {
        Some(Datum::Array(Arc::new(Array::vector(column.ty.oid, values.cloned().collect()))))
    };
    let mut slots: Vec<Slot> = Vec::new();
    if !statistics.common.is_empty() {
        let parts = numbers(&mut statistics.common.iter().map(|(_, part)| *part));
        let values = values(&mut statistics.common.iter().map(|(value, _)| value));
        slots.push(Slot { kind: COMMON, operator: equality, numbers: parts, values });
    }
    if !statistics.histogram.is_empty() {
        let values = values(&mut statistics.histogram.iter());
        slots.push(Slot { kind: HISTOGRAM, operator: less, numbers: None, values });
    }
    if let Some(correlation) = statistics.correlation {
        let numbers = numbers(&mut std::iter::once(correlation));
        slots.push(Slot { kind: CORRELATION, operator: less, numbers, values: None });
    }
    slots.resize_with(SLOTS, Slot::default);
    let used = |slot: &Slot| if slot.kind == 0 { Oid::INVALID } else { collation };
    let mut cells = vec![
        Datum::Oid(relation.0),
        Datum::Int2(attnum),
        Datum::Bool(is_inherited),
        Datum::Float4(statistics.null_fraction as f32),
        Datum::Int4(column.width),
        Datum::Float4(statistics.stadistinct() as f32),
    ];
    cells.extend(slots.iter().map(|slot| Datum::Int2(slot.kind)));
    cells.extend(slots.iter().map(|slot| Datum::Oid(slot.operator.0)));
    cells.extend(slots.iter().map(|slot| Datum::Oid(used(slot).0)));
    cells.extend(slots.iter().map(|slot| slot.numbers.clone().unwrap_or(Datum::Null)));
    cells.extend(slots.iter().map(|slot| slot.values.clone().unwrap_or(Datum::Null)));
    cells
}

/// `stxdexpr`: rows of `pg_statistic` for expressions.
fn expressions(env: &StatementEnv, object: &AnalyzedObject) -> Option<Datum> {
    let types = [
        [oids::OID, oids::INT2, oids::BOOL, oids::FLOAT4, oids::INT4, oids::FLOAT4].as_slice(),
        &[oids::INT2; SLOTS],
        &[oids::OID; 2 * SLOTS],
        &[oids::FLOAT4_ARRAY; SLOTS],
        &[oids::ANYARRAY; SLOTS],
    ]
    .concat();
    let rows = object.expressions.iter().map(|expression| {
        let collation = env.catalog.type_info(expression.ty.oid).map_or(Oid::INVALID, |info| info.collation);
        let fields = cells(env, Oid::INVALID, 0, false, expression, collation);
        Datum::Record(Arc::new(Record { ty: ROW_TYPE, types: types.clone(), fields, names: None }))
    });
    let rows: Vec<Datum> = rows.collect();
    (!rows.is_empty()).then(|| Datum::Array(Arc::new(Array::vector(ROW_TYPE, rows))))
}

fn attnums(statistics: &ExtendedStatistics, columns: &[usize]) -> Vec<String> {
    columns.iter().map(|column| statistics.dimensions[*column].attnum.to_string()).collect()
}

/// `{"1, 2": 11}`.
fn distinct(statistics: &ExtendedStatistics) -> String {
    let one = |(columns, distinct): &(Vec<usize>, f64)| {
        format!("\"{}\": {}", attnums(statistics, columns).join(", "), *distinct as i32)
    };
    format!("{{{}}}", statistics.distinct.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// `{"1 => 2": 1.000000}`.
fn dependencies(statistics: &ExtendedStatistics) -> String {
    let one = |(columns, degree): &(Vec<usize>, f64)| {
        let mut by = attnums(statistics, columns);
        let implied = by.pop().unwrap_or_default();
        format!("\"{} => {implied}\": {degree:.6}", by.join(", "))
    };
    format!("{{{}}}", statistics.dependencies.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// A combination of a `pg_mcv_list`.
pub(crate) struct CommonItem {
    /// Texts of the values.
    pub values: Vec<Option<String>>,
    pub frequency: f64,
    pub base_frequency: f64,
}

/// A `pg_mcv_list`: u32 dimensions, and for each combination f64 frequency, f64 base frequency, and for each value i32 length
/// (-1 for NULL) and so many bytes of its text.
fn common_rows(env: &StatementEnv, object: &AnalyzedObject) -> Result<Vec<u8>> {
    let mut bytes = (object.types.len() as u32).to_be_bytes().to_vec();
    for row in &object.statistics.common {
        bytes.extend(row.frequency.to_be_bytes());
        bytes.extend(row.base_frequency.to_be_bytes());
        for (value, ty) in row.values.iter().zip(&object.types) {
            let mut shown = String::new();
            if value.is_null() {
                bytes.extend((-1i32).to_be_bytes());
                continue;
            }
            text::output(value, ty.oid, env, &mut shown)?;
            bytes.extend((shown.len() as i32).to_be_bytes());
            bytes.extend(shown.as_bytes());
        }
    }
    Ok(bytes)
}

/// The combinations in such bytes; none where they are something else.
pub(crate) fn common_items(bytes: &[u8]) -> Vec<CommonItem> {
    let mut items = Vec::new();
    let mut rest = bytes;
    let Some(dimensions) = take(&mut rest).map(u32::from_be_bytes) else { return items };
    while !rest.is_empty() {
        let Some(item) = common_item(&mut rest, dimensions) else { break };
        items.push(item);
    }
    items
}

fn common_item(rest: &mut &[u8], dimensions: u32) -> Option<CommonItem> {
    let frequency = take(rest).map(f64::from_be_bytes)?;
    let base_frequency = take(rest).map(f64::from_be_bytes)?;
    let mut values = Vec::new();
    for _ in 0..dimensions {
        let length = take(rest).map(i32::from_be_bytes)?;
        values.push(match usize::try_from(length) {
            Err(_) => None,
            Ok(length) => {
                let (text, after) = rest.split_at_checked(length)?;
                *rest = after;
                Some(String::from_utf8_lossy(text).into_owned())
            }
        });
    }
    Some(CommonItem { values, frequency, base_frequency })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*head)
}

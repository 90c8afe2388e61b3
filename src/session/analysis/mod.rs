//! ANALYZE of one relation: a sample of its rows, statistics of its columns, and the data of its statistics objects.
//!
//! Columns alone are sampled in storage. Statistics objects with expressions are asked by a query, which their table's owner
//! runs: functions of a table's owner do not become those of whoever analyzes.

mod kept;
mod width;

use std::collections::BTreeMap;
use std::sync::Arc;

use dictdb_catalog::{Catalog, Column, Definition, Relation, StatisticsInfo};
use dictdb_durability::Lsn;
use dictdb_functions::resolve::opclass;
use dictdb_planner::estimate::{
    ColumnStatistics, Dimension, ExtendedStatistics, Kinds, ROWS_PER_TARGET, RowSample, Sample,
};
use dictdb_planner::scope::CatalogScope;
use dictdb_types::{Datum, Error, Result, SqlState, Type, TypeLookup, quote_identifier, quote_qualified};

pub(crate) use kept::{Analyses, Analysis, AnalyzedColumn, AnalyzedObject, Subject};
pub(crate) use width::stored_width;

use crate::portal::Outcome;
use crate::prepared::Source;
use crate::transaction::warning;
use crate::{Session, StatementEnv};

/// The rows a sample has where nothing asks for more.
const LEAST_ROWS: usize = 100;

/// Rows of a relation, with values of some of its columns.
struct Rows {
    values: Vec<Vec<Datum>>,
    /// Rows in all.
    total: f64,
}

/// A relation with those whose rows are looked at.
struct Looked<'a> {
    relation: &'a Arc<Relation>,
    members: Vec<Arc<Relation>>,
    is_inherited: bool,
    /// Frequent values of columns that say nothing of it.
    default_target: usize,
}

impl Session {
    /// Looks at the rows of a relation, and at those of all that inherit from it; of these columns, or of all. Warnings for
    /// statistics objects that need others. What to wait for in the log.
    pub(crate) fn analyze_relation(&mut self, relation: &Arc<Relation>, columns: &[i16]) -> Result<Option<Lsn>> {
        let env = self.env();
        let default_target = self.shared.settings.lock().int("default_statistics_target").max(1) as usize;
        let looked =
            |members: Vec<Arc<Relation>>, is_inherited| Looked { relation, members, is_inherited, default_target };
        let descendants = env.catalog.descendants(relation);
        let mut logged = None;
        if !relation.is_partitioned() {
            logged = self.look_at(&env, &looked(vec![relation.clone()], false), columns)?;
        }
        if descendants.len() > 1 {
            let stored = descendants.into_iter().filter(|member| !member.is_partitioned()).collect();
            logged = self.look_at(&env, &looked(stored, true), columns)?.or(logged);
        }
        self.shared.instance.statistics.renew();
        Ok(logged)
    }

    fn look_at(&mut self, env: &Arc<StatementEnv>, looked: &Looked<'_>, columns: &[i16]) -> Result<Option<Lsn>> {
        let relation = looked.relation;
        let wanted = |(attnum, column): &(i16, &Column)| {
            column.statistics != 0 && (columns.is_empty() || columns.contains(attnum))
        };
        let own: Vec<(i16, Column)> =
            relation.live_columns().filter(wanted).map(|(attnum, column)| (attnum, column.clone())).collect();
        let targets: Vec<usize> = own.iter().map(|(_, column)| looked.target(column)).collect();
        let definitions =
            env.catalog.definitions().filter(|own| own.statistics().is_some_and(|info| info.relation == relation.oid));
        let definitions: Vec<Arc<Definition>> = definitions.cloned().collect();
        let attnums: Vec<i16> = own.iter().map(|(attnum, _)| *attnum).collect();
        let most = targets.iter().max().map_or(LEAST_ROWS, |target| target * ROWS_PER_TARGET);
        let object_target = |info: &StatisticsInfo| match info.target {
            -1 => info
                .columns
                .iter()
                .filter_map(|attnum| own.iter().position(|(own, _)| own == attnum))
                .map(|at| targets[at])
                .max()
                .unwrap_or(looked.default_target),
            target => usize::try_from(target).unwrap_or(0),
        };
        let rows = looked.rows(self, &attnums, most)?;
        let mut found = Analysis { storage: relation.storage, ..Analysis::default() };
        for (at, (attnum, column)) in own.iter().enumerate() {
            let values = rows.values.iter().map(|row| row[at].clone()).collect();
            let analyzed = analyzed_column(env, values, column.ty, rows.total, targets[at])?;
            found.columns.extend(analyzed.map(|analyzed| (*attnum, analyzed)));
        }
        for definition in definitions {
            let Some(info) = definition.statistics() else { continue };
            if !info.columns.iter().all(|attnum| attnums.contains(attnum)) {
                self.not_computed(env, &definition, relation);
                continue;
            }
            let target = object_target(info);
            if target > 0 && !rows.values.is_empty() {
                let of_columns = || Rows { values: picked(&rows.values, &attnums, &info.columns), total: rows.total };
                let object = self.analyzed_object(env, looked, info, target, of_columns)?;
                found.objects.insert(definition.oid, object);
            }
        }
        let database = self.shared.database.oid;
        let subject = Subject { database, relation: relation.oid, is_inherited: looked.is_inherited };
        // What is known of rows that have gone stays; otherwise it is known now that there are none.
        if rows.values.is_empty() && self.shared.instance.analyses.knows(&subject) {
            return Ok(None);
        }
        if !looked.is_inherited
            && let Some(table) = self.shared.instance.storage.table(relation.storage)
        {
            for (attnum, analyzed) in &found.columns {
                let Some(column) = relation.column(*attnum) else { continue };
                self.shared.instance.statistics.keep(&table, column.slot, analyzed.statistics.clone());
            }
        }
        let instance = self.shared.instance.clone();
        match instance.analyses.add(subject, found, &env.catalog) {
            Some(analyzed) => instance.log_analyzed(database, &[analyzed]),
            None => Ok(None),
        }
    }

    fn not_computed(&self, env: &StatementEnv, own: &Definition, relation: &Relation) {
        let schema = |oid| env.catalog.schema(oid).map(|schema| schema.name.clone()).unwrap_or_default();
        let message = format!(
            "statistics object \"{}.{}\" could not be computed for relation \"{}.{}\"",
            schema(own.namespace),
            own.name,
            schema(relation.namespace),
            relation.name
        );
        self.shared.notice(warning(SqlState::INVALID_OBJECT_DEFINITION, &message));
    }

    fn analyzed_object(
        &mut self,
        env: &Arc<StatementEnv>,
        looked: &Looked<'_>,
        info: &StatisticsInfo,
        target: usize,
        of_columns: impl FnOnce() -> Rows,
    ) -> Result<AnalyzedObject> {
        let relation = looked.relation;
        let of_columns_types =
            info.columns.iter().filter_map(|attnum| relation.column(*attnum)).map(|column| column.ty);
        let mut types: Vec<Type> = of_columns_types.collect();
        let rows = match info.expressions.is_empty() {
            true => of_columns(),
            false => {
                let (found, of_query) = self.rows_with_expressions(env, looked, info, target * ROWS_PER_TARGET)?;
                types = of_query;
                found
            }
        };
        let first = info.columns.len();
        let expression = |at: usize| {
            let values = rows.values.iter().map(|row| row[at].clone()).collect();
            analyzed_column(env, values, types[at], rows.total, looked.default_target)
        };
        let expressions: Vec<Option<AnalyzedColumn>> = (first..types.len()).map(expression).collect::<Result<_>>()?;
        let dimension = |at: usize| {
            let attnum = info.columns.get(at).copied().unwrap_or(first as i16 - at as i16 - 1);
            let expression = at.checked_sub(first).map(|at| info.expressions[at].clone());
            let of_column = || relation.column(attnum).map_or(0, |column| column.slot);
            let slot = expression.as_deref().map_or_else(of_column, Dimension::slot_of_expression);
            Dimension { attnum, slot, base_type: env.catalog.base_type(types[at]).oid, expression }
        };
        let dimensions = (0..types.len()).map(dimension).collect();
        let has = |kind: u8| info.kinds.contains(&kind);
        let kinds = Kinds { distinct: has(b'd'), dependencies: has(b'f'), common: has(b'm') };
        let sample = RowSample { dimensions, values: rows.values, rows: rows.total, target };
        let statistics = Arc::new(ExtendedStatistics::of_sample(sample, kinds));
        Ok(AnalyzedObject { kinds, types, statistics, expressions: expressions.into_iter().flatten().collect() })
    }

    /// Rows with the columns and expressions of a statistics object, and the types of these.
    fn rows_with_expressions(
        &mut self,
        env: &Arc<StatementEnv>,
        looked: &Looked<'_>,
        info: &StatisticsInfo,
        wanted: usize,
    ) -> Result<(Rows, Vec<Type>)> {
        let relation = looked.relation;
        let schema = env.catalog.schema(relation.namespace).map(|schema| schema.name.clone()).unwrap_or_default();
        let columns = info.columns.iter().filter_map(|attnum| relation.column(*attnum));
        let columns = columns.map(|column| quote_identifier(&column.name).into_owned());
        let expressions = info.expressions.iter().map(|text| format!("({text})"));
        let list = columns.chain(expressions).collect::<Vec<_>>().join(", ");
        let only = if looked.is_inherited { "" } else { "ONLY " };
        let total = looked.total(self);
        let part = match total > wanted as f64 {
            true => format!(" TABLESAMPLE bernoulli ({}) REPEATABLE (0)", wanted as f64 * 100.0 / total),
            false => String::new(),
        };
        let query = format!("SELECT {list} FROM {only}{}{part}", quote_qualified(&schema, &relation.name));
        let owner = env.catalog.role(relation.owner).map(|role| role.name.clone());
        let outer = owner.map(|name| self.shared.act_as(Some(name)));
        self.forget_surroundings();
        let found = self.all_rows_of(&query);
        if let Some(outer) = outer {
            self.shared.act_as(outer);
        }
        self.forget_surroundings();
        let (values, types) = found?;
        let total = total.max(values.len() as f64);
        Ok((Rows { values, total }, types))
    }

    fn all_rows_of(&mut self, query: &str) -> Result<(Vec<Vec<Datum>>, Vec<Type>)> {
        let source = Arc::new(Source::parse(query)?);
        let Outcome::Rows { columns, source, .. } = self.execute_source(&source, &Arc::default(), None)? else {
            return Err(Error::internal("a sample without rows"));
        };
        let rows = self.all_rows(source)?;
        Ok((rows, columns.iter().map(|column| column.ty).collect()))
    }
}

impl Looked<'_> {
    fn target(&self, column: &Column) -> usize {
        usize::try_from(column.statistics).unwrap_or(self.default_target)
    }

    fn total(&self, session: &Session) -> f64 {
        let storage = &session.shared.instance.storage;
        let rows = |member: &Arc<Relation>| storage.table(member.storage).map_or(0, |table| table.live_rows());
        self.members.iter().map(rows).sum::<usize>() as f64
    }

    /// About so many rows, of each member as its share of all is.
    fn rows(&self, session: &Session, attnums: &[i16], wanted: usize) -> Result<Rows> {
        let total = self.total(session);
        let mut values = Vec::new();
        for member in &self.members {
            let Some(table) = session.shared.instance.storage.table(member.storage) else { continue };
            let slot =
                |attnum: &i16| member.column(self.relation.attnum_in(*attnum, member)?).map(|column| column.slot);
            let slots: Option<Vec<usize>> = attnums.iter().map(slot).collect();
            let slots = slots.ok_or_else(|| Error::internal(format!("\"{}\" lacks a column", member.name)))?;
            let share = match self.members.len() {
                1 => wanted,
                _ => (wanted as f64 * table.live_rows() as f64 / total.max(1.0)).ceil() as usize,
            };
            values.extend(table.sample_rows(&slots, share));
        }
        let total = total.max(values.len() as f64);
        Ok(Rows { values, total })
    }
}

/// Statistics of a column or expression; of one whose values have no order the NULLs and the width only.
fn analyzed_column(
    env: &StatementEnv,
    values: Vec<Datum>,
    ty: Type,
    rows: f64,
    target: usize,
) -> Result<Option<AnalyzedColumn>> {
    if values.is_empty() {
        return Ok(None);
    }
    let (mut bytes, mut present) = (0, 0usize);
    for value in values.iter().filter(|value| !value.is_null()) {
        bytes += stored_width(value, ty, env)?;
        present += 1;
    }
    let length = env.catalog.type_info(ty.oid).map_or(-1, |info| i32::from(info.len));
    let width = match present {
        0 => length.max(0),
        _ => (bytes as f64 / present as f64) as i32,
    };
    let statistics = match is_ordered(&env.catalog, ty) {
        true => {
            let sample = Sample { values, base_type: env.catalog.base_type(ty).oid, rows, target };
            ColumnStatistics::of_sample(sample, None)
        }
        false => {
            let mut known = ColumnStatistics::default();
            known.null_fraction = 1.0 - present as f64 / values.len() as f64;
            known.rows = rows;
            known
        }
    };
    Ok(Some(AnalyzedColumn { ty, width, statistics: Arc::new(statistics) }))
}

fn is_ordered(catalog: &Arc<Catalog>, ty: Type) -> bool {
    let scope = CatalogScope { catalog, search_path: &[] };
    opclass::less_than_operator(&scope, ty.oid).is_some() && scope.refuse_comparing_by_users(ty.oid).is_ok()
}

/// Some of the columns of rows.
fn picked(rows: &[Vec<Datum>], attnums: &[i16], wanted: &[i16]) -> Vec<Vec<Datum>> {
    let places: BTreeMap<i16, usize> = attnums.iter().enumerate().map(|(at, attnum)| (*attnum, at)).collect();
    let places: Vec<usize> = wanted.iter().filter_map(|attnum| places.get(attnum).copied()).collect();
    rows.iter().map(|row| places.iter().map(|at| row[*at].clone()).collect()).collect()
}

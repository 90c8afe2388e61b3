//! CREATE TABLE AS, SELECT INTO, and materialized views.

use std::collections::HashSet;
use std::sync::Arc;

use dictdb_catalog::{Column, Dependency, Key, Persistence, Relation, RelationKind, ViewInfo};
use dictdb_parser::Locations;
use dictdb_parser::ast;
use dictdb_parser::utility::{CreateTableAs, RefreshMaterializedView, SourceQuery, TableSource};
use dictdb_planner::OutputColumn;
use dictdb_storage::LockMode;
use dictdb_types::{Datum, Error, Oid, Record, Result, SqlState, Type, TypeKind};

use super::options::{self, Target};
use super::statement::Query;
use super::{Completed, DdlContext};
use crate::modify::value_text;
use crate::row::Row;

impl DdlContext<'_> {
    pub(super) fn create_table_as(&mut self, create: &CreateTableAs, locations: &Locations) -> Result<Completed> {
        let TableSource::Query(source) = &create.source else {
            return Err(Error::internal("EXECUTE has not been looked up"));
        };
        let persistence = self.persistence(&create.name, create.persistence);
        let temporary = persistence == Persistence::Temporary;
        let (namespace, name) = self.new_name(&create.name, temporary)?;
        self.check_create_in(namespace)?;
        if self.view().relation_in(namespace, &name).is_some() {
            if create.if_not_exists {
                let message = format!("relation \"{name}\" already exists, skipping");
                self.notice(SqlState::DUPLICATE_TABLE, message);
                return Ok(Completed::Done);
            }
            return Err(super::create_table::already_exists(&name));
        }
        let access_method = self.new_table_method(create.access_method.as_ref(), false)?;
        let tablespace = self.new_tablespace(create.tablespace.as_ref(), (persistence, false), Oid::INVALID)?;
        let path = self.search_path.to_vec();
        let has_parameters = !self.param_types.is_empty() || self.variables.is_some();
        let runs = create.with_data || has_parameters || self.counted.is_some();
        let query = match runs {
            true => Some(self.prepare_query(&ast::Statement::Query(source.query.clone()), locations, &path)?),
            false => None,
        };
        let columns = match &query {
            Some(query) => self.output_columns(&query.columns, &create.columns)?,
            None => {
                let bound = self.with_binding(|cx| dictdb_planner::bind_view(&source.query, locations, cx))?;
                bound.relations.iter().try_for_each(|table| self.lock(*table, LockMode::AccessShare))?;
                self.output_columns(&bound.columns, &create.columns)?
            }
        };
        let mut relation = Relation::clone(&*self.new_table(namespace, name, columns, persistence)?);
        relation.options = options::given(&create.options, Target::Table)?;
        relation.tablespace = tablespace;
        relation.access_method = access_method;
        self.depend_on_table_method(&relation);
        relation.on_commit = super::create_table::on_commit(create.on_commit, temporary)?;
        let relation = match create.materialized {
            true => self.put_materialized_view(relation, source, create.with_data, locations)?,
            false => self.put_relation(relation),
        };
        let completed = match query.filter(|_| create.with_data) {
            Some(query) if matches!(relation.kind, RelationKind::MaterializedView(_)) => {
                Completed::Rows(self.confined(None, |ddl| ddl.fill_table(&relation, query))?)
            }
            Some(query) => Completed::Rows(self.fill_table(&relation, query)?),
            None => Completed::Done,
        };
        self.settle_expiry(relation.oid)?;
        Ok(completed)
    }

    fn put_materialized_view(
        &mut self,
        table: Relation,
        source: &SourceQuery,
        populated: bool,
        locations: &Locations,
    ) -> Result<Arc<Relation>> {
        let info = ViewInfo {
            query: Arc::from(source.text.as_str()),
            search_path: Arc::from(self.search_path),
            check_option: None,
            populated,
        };
        let bound = self.with_binding(|cx| dictdb_planner::bind_view(&source.query, locations, cx))?;
        let columns = bound.columns_used.iter().map(|(table, attnum)| Key::Column(*table, *attnum));
        let tables = bound.relations.iter().map(|table| Key::Relation(*table));
        let functions = bound.functions.iter().map(|function| Key::Function(*function));
        let types = bound.types.iter().map(|ty| Key::Type(*ty));
        for used in columns.chain(tables).chain(functions).chain(types) {
            self.depend(Key::Relation(table.oid), used, Dependency::Normal);
        }
        let kind = RelationKind::MaterializedView(Arc::new(info.clone()));
        let relation = self.put_relation(Relation { kind, ..table });
        let info = Arc::new(self.canonical_view(&relation, info)?);
        let kind = RelationKind::MaterializedView(info);
        Ok(self.put_relation(Relation { kind, ..Relation::clone(&relation) }))
    }

    /// The columns of a table made from a query: its own names unless others are given. 42601, 42701, 42P16.
    fn output_columns(&mut self, outputs: &[OutputColumn], names: &[ast::Ident]) -> Result<Vec<Column>> {
        if names.len() > outputs.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "too many column names were specified"));
        }
        let columns = self.columns_of_query(outputs, names)?;
        columns.iter().try_for_each(|column| super::alter::check_system_name(&column.name))?;
        Ok(columns)
    }

    /// 42P22 for a column of a query that has no collation.
    fn no_collation(&mut self, name: &str, ty: Type) -> Error {
        let catalog = self.view();
        let shown = self.shown_type(ty.oid, &catalog);
        let message = format!("no collation was derived for column \"{name}\" with collatable type {shown}");
        Error::new(SqlState::INDETERMINATE_COLLATION, message)
            .hint("Use the COLLATE clause to set the collation explicitly.")
    }

    /// The columns of a relation that a query defines: the query's names, but for the first ones that are given. 42701, 42P16.
    pub(super) fn columns_of_query(&mut self, outputs: &[OutputColumn], names: &[ast::Ident]) -> Result<Vec<Column>> {
        let mut columns: Vec<Column> = Vec::with_capacity(outputs.len());
        for (slot, output) in outputs.iter().enumerate() {
            let name = names.get(slot).map_or_else(|| output.name.clone(), |ident| Arc::from(ident.value.as_str()));
            if columns.iter().any(|column| column.name == name) {
                return Err(Error::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{name}\" specified more than once"),
                ));
            }
            let info = self.type_info(output.ty.oid)?;
            if matches!(info.kind, TypeKind::Pseudo) {
                let catalog = self.view();
                return Err(Error::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    format!("column \"{name}\" has pseudo-type {}", self.shown_type(output.ty.oid, &catalog)),
                ));
            }
            self.check_type_usage(output.ty.oid)?;
            if info.collation.is_valid() && !output.collation.is_valid() {
                return Err(self.no_collation(&output.name, output.ty));
            }
            columns.push(Column { collation: output.collation, ..Column::new(name, output.ty, slot) });
        }
        Ok(columns)
    }

    pub(super) fn refresh(&mut self, refresh: &RefreshMaterializedView) -> Result<Completed> {
        let relation = self.find_relation(&refresh.name)?;
        let RelationKind::MaterializedView(info) = &relation.kind else {
            let (code, message) = match relation.is_stored() || relation.view().is_some() {
                true => (SqlState::FEATURE_NOT_SUPPORTED, format!("\"{}\" is not a materialized view", relation.name)),
                false => {
                    (SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a table or materialized view", relation.name))
                }
            };
            return Err(Error::new(code, message));
        };
        self.check_owner(&relation)?;
        let mode = if refresh.concurrently { LockMode::Exclusive } else { LockMode::AccessExclusive };
        self.lock(relation.oid, mode)?;
        self.check_not_in_use(&relation, "REFRESH MATERIALIZED VIEW")?;
        if refresh.concurrently {
            self.check_concurrent_refresh(&relation, info, refresh.with_data)?;
        }
        let storage = self.new_storage(&relation.columns, relation.persistence);
        let owner = relation.owner;
        self.confined(Some(owner), |ddl| ddl.refill(&relation, info, storage, refresh))?;
        Ok(Completed::Done)
    }

    /// Fills a materialized view anew.
    fn refill(
        &mut self,
        relation: &Arc<Relation>,
        info: &ViewInfo,
        storage: Oid,
        refresh: &RefreshMaterializedView,
    ) -> Result<()> {
        let with_data = refresh.with_data;
        let query = match with_data {
            true => Some(self.prepare_view_query(info)?),
            false => None,
        };
        self.own.lock().changes.dropped_table(relation.storage);
        let mut changed = Relation::clone(relation);
        changed.storage = storage;
        changed.kind =
            RelationKind::MaterializedView(Arc::new(ViewInfo { populated: with_data, ..ViewInfo::clone(info) }));
        let relation = self.put_relation(changed);
        if let Some(query) = query {
            self.fill_table(&relation, query)?;
        }
        if !refresh.concurrently {
            return self.rebuild_indexes(&relation);
        }
        self.check_distinct(&relation)?;
        self.rebuild_indexes(&relation).map_err(of_changed_rows)
    }

    /// 21000 when two rows are the same and have no NULL: what a concurrent refresh changes is found by comparing rows.
    fn check_distinct(&mut self, relation: &Arc<Relation>) -> Result<()> {
        let mut seen = HashSet::new();
        let complete = |row: &Row| !row.iter().any(Datum::is_null);
        for rows in self.stored_rows(relation)? {
            for row in rows?.into_iter().filter(complete) {
                let mut image = Vec::new();
                row.iter().for_each(|value| dictdb_types::opaque::encode(value, &mut image));
                if !seen.insert(image) {
                    return Err(self.is_repeated(relation, row));
                }
            }
        }
        Ok(())
    }

    fn is_repeated(&mut self, relation: &Relation, row: Row) -> Error {
        let env = self.row_env();
        let types = relation.columns.iter().map(|column| column.ty.oid).collect();
        let record = Record { ty: relation.row_type, types, fields: row.to_vec(), names: None };
        let text = value_text(&Datum::Record(Arc::new(record)), relation.row_type, &*env);
        let message = format!(
            "new data for materialized view \"{}\" contains duplicate rows without any null columns",
            relation.name
        );
        Error::new(SqlState::CARDINALITY_VIOLATION, message).detail(format!("Row: {text}"))
    }

    fn check_concurrent_refresh(&mut self, relation: &Relation, info: &ViewInfo, with_data: bool) -> Result<()> {
        if !with_data {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                "CONCURRENTLY and WITH NO DATA options cannot be used together",
            ));
        }
        if !info.populated {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "CONCURRENTLY cannot be used when the materialized view is not populated",
            ));
        }
        let catalog = self.view();
        let unique = catalog.valid_indexes(relation).filter_map(|index| index.index()).any(|index| {
            let plain = index.keys.iter().all(|key| matches!(key.target, dictdb_catalog::IndexTarget::Column(_)));
            index.unique && index.predicate.is_none() && plain
        });
        if unique {
            return Ok(());
        }
        let name = self.qualified(relation.namespace, &relation.name);
        Err(Error::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("cannot refresh materialized view \"{name}\" concurrently"),
        )
        .hint("Create a unique index with no WHERE clause on one or more columns of the materialized view."))
    }

    pub(super) fn qualified(&mut self, namespace: Oid, name: &str) -> String {
        let catalog = self.view();
        let schema = catalog.schema(namespace).map_or("?", |schema| &schema.name);
        dictdb_types::quote_qualified(schema, name)
    }

    fn prepare_view_query(&mut self, info: &ViewInfo) -> Result<Query> {
        let mut parsed = dictdb_parser::parse(&info.query, &dictdb_parser::Limits::default())?;
        let parsed = parsed.pop().ok_or_else(|| Error::internal("a view without a query"))?;
        let dictdb_parser::Statement::Sql(tree) = &parsed.statement else {
            return Err(Error::internal("a view's query is not a query"));
        };
        self.prepare_query(tree, &parsed.locations, &info.search_path)
    }
}

/// The error of an index that cannot be built, as one of the row that a concurrent refresh would have inserted.
fn of_changed_rows(mut error: Error) -> Error {
    if error.code() == SqlState::UNIQUE_VIOLATION {
        let fields = error.fields_mut();
        let worded = "duplicate key value violates unique constraint";
        fields.message = fields.message.replace("could not create unique index", worded);
        fields.detail = fields.detail.take().map(|detail| detail.replace("is duplicated", "already exists"));
    }
    error
}

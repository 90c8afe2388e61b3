//! CREATE VIEW.

use std::sync::Arc;

use dictdb_catalog::{Column, Dependency, Key, Persistence, Relation, RelationKind, ViewInfo};
use dictdb_parser::utility::{self, CreateView};
use dictdb_parser::{Limits, Locations, Statement, ast};
use dictdb_planner::BoundView;
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, SqlState, quote_identifier};

use super::DdlContext;
use super::options::{self, Target};

/// Whether a WITH item of a query changes data.
pub(super) fn changes_data(query: &ast::Query) -> bool {
    use ast::SetExpr::{Delete, Insert, Merge, Update};
    let items = query.with.iter().flat_map(|with| &with.cte_tables);
    items.into_iter().any(|cte| matches!(&*cte.query.body, Insert(_) | Update(_) | Delete(_) | Merge(_)))
}

impl DdlContext<'_> {
    pub(super) fn create_view(&mut self, create: &CreateView, locations: &Locations) -> Result<()> {
        let parsed = if create.recursive { Some(recursive(create)?) } else { None };
        let (query, locations, text) = match &parsed {
            Some((query, locations, text)) => (query, locations, text.as_str()),
            None => (&*create.query.query, locations, create.query.text.as_str()),
        };
        if matches!(&*query.body, ast::SetExpr::Select(select) if select.into.is_some()) {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "views must not contain SELECT INTO"));
        }
        let bound = self.with_binding(|cx| dictdb_planner::bind_view(query, locations, cx))?;
        if changes_data(query) {
            let message = "views must not contain data-modifying statements in WITH";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let written = self.persistence(&create.name, create.persistence) == Persistence::Temporary;
        let temporary = written || self.uses_temporary(&bound.relations);
        if temporary && !written {
            let name = create.name.0.last().and_then(|part| part.as_ident()).map_or("", |ident| &ident.value);
            self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("view \"{name}\" will be a temporary view"));
        }
        let (namespace, name) = self.new_name(&create.name, temporary).map_err(|mut error| {
            // PostgreSQL points at the names of tables only.
            error.fields_mut().position = None;
            error
        })?;
        self.check_create_in(namespace)?;
        let old = self.view().relation_in(namespace, &name).cloned();
        let columns = self.view_columns(create, &bound.columns)?;
        let options = view_options(create)?;
        let info = ViewInfo {
            query: Arc::from(text),
            search_path: Arc::from(self.search_path),
            check_option: options::check_option(&options),
            populated: true,
        };
        let checked = info.check_option.is_some();
        let relation = match old {
            Some(old) if create.or_replace => {
                self.lock(old.oid, LockMode::AccessExclusive)?;
                self.changing_fields(old.oid, |ddl| ddl.replace_view(&old, columns, info))?
            }
            Some(_) => return Err(super::create_table::already_exists(&name)),
            None => self.new_view(namespace, name, columns, info, temporary)?,
        };
        let relation = self.put_relation(Relation { options, ..Relation::clone(&relation) });
        let relation = self.canonical_relation(&relation)?;
        if checked {
            self.require_updatable(&relation)?;
        }
        self.depend_view(&relation, bound)
    }

    /// Puts a view with its query as it is kept.
    pub(super) fn canonical_relation(&mut self, view: &Arc<Relation>) -> Result<Arc<Relation>> {
        let RelationKind::View(info) = &view.kind else { return Ok(view.clone()) };
        let info = self.canonical_view(view, ViewInfo::clone(info))?;
        Ok(self.put_relation(Relation { kind: RelationKind::View(Arc::new(info)), ..Relation::clone(view) }))
    }

    /// Records what a view's query is made of, and locks it.
    pub(super) fn depend_view(&mut self, relation: &Relation, bound: BoundView) -> Result<()> {
        for table in &bound.relations {
            self.lock(*table, LockMode::AccessShare)?;
        }
        for (table, attnum) in bound.columns_used {
            self.lock(table, LockMode::AccessShare)?;
            self.depend(Key::Relation(relation.oid), Key::Column(table, attnum), Dependency::Normal);
        }
        for table in bound.relations {
            self.depend(Key::Relation(relation.oid), Key::Relation(table), Dependency::Normal);
        }
        for (table, constraint) in bound.keys {
            self.depend(Key::Relation(relation.oid), Key::Constraint(table, constraint), Dependency::Normal);
        }
        self.depend_on_calls(Key::Relation(relation.oid), &bound.functions, &bound.operators);
        self.depend_on_types(Key::Relation(relation.oid), &bound.types);
        for collation in &bound.collations {
            self.depend_on_collation(Key::Relation(relation.oid), *collation);
        }
        Ok(())
    }

    fn uses_temporary(&mut self, relations: &[Oid]) -> bool {
        let catalog = self.view();
        relations.iter().filter_map(|oid| catalog.relation(*oid)).any(|r| r.persistence == Persistence::Temporary)
    }

    fn view_columns(&mut self, create: &CreateView, outputs: &[dictdb_planner::OutputColumn]) -> Result<Vec<Column>> {
        if create.columns.len() > outputs.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "CREATE VIEW specifies more column names than columns"));
        }
        // A recursive view's names are its query's already.
        self.columns_of_query(outputs, if create.recursive { &[] } else { &create.columns })
    }

    /// 0A000 for WITH CHECK OPTION of a view that no row can be changed through.
    pub(super) fn require_updatable(&mut self, view: &Arc<Relation>) -> Result<()> {
        match self.with_binding(|cx| dictdb_planner::updatable(view, true, cx)) {
            Ok(updatable) if !updatable.columns.is_empty() => Ok(()),
            refused => {
                let reason = match refused {
                    Err(error) => error.fields().detail.clone(),
                    Ok(_) => None,
                };
                let reason = reason.unwrap_or_else(|| {
                    "Views that have no updatable columns are not automatically updatable.".to_owned()
                });
                Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "WITH CHECK OPTION is supported only on automatically updatable views",
                )
                .hint(reason))
            }
        }
    }

    fn new_view(
        &mut self,
        namespace: Oid,
        name: Arc<str>,
        columns: Vec<Column>,
        info: ViewInfo,
        temporary: bool,
    ) -> Result<Arc<Relation>> {
        let oid = self.new_oid();
        let row_type = self.put_row_type(namespace, &name, oid, &columns)?;
        self.depend(Key::Relation(oid), Key::Schema(namespace), Dependency::Normal);
        let acl = self.initial_acl(utility::ObjectKind::Table, namespace);
        Ok(self.put_relation(Relation {
            acl,
            persistence: if temporary { Persistence::Temporary } else { Persistence::Permanent },
            columns: columns.into(),
            row_type,
            ..Relation::new(oid, namespace, name, self.role, RelationKind::View(Arc::new(info)))
        }))
    }

    /// OR REPLACE keeps the columns there are and may add some at the end. The view is locked.
    fn replace_view(&mut self, old: &Arc<Relation>, columns: Vec<Column>, info: ViewInfo) -> Result<Arc<Relation>> {
        if !matches!(old.kind, RelationKind::View(_)) {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a view", old.name)));
        }
        let refuse = |message: String| Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        if columns.len() < old.columns.len() {
            return refuse("cannot drop columns from view".to_owned());
        }
        for (before, after) in old.columns.iter().zip(&columns) {
            if before.name != after.name {
                return refuse(format!("cannot change name of view column \"{}\" to \"{}\"", before.name, after.name))
                    .map_err(|e| {
                        e.hint("Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.")
                    });
            }
            if before.ty != after.ty {
                let catalog = self.view();
                let shown = |ty: dictdb_types::Type| dictdb_types::type_name_with_modifier(&*catalog, ty, &|_| None);
                return refuse(format!(
                    "cannot change data type of view column \"{}\" from {} to {}",
                    before.name,
                    shown(before.ty),
                    shown(after.ty)
                ));
            }
            if before.collation != after.collation {
                let catalog = self.view();
                let shown = |oid| catalog.collation_name(oid);
                return refuse(format!(
                    "cannot change collation of view column \"{}\" from \"{}\" to \"{}\"",
                    before.name,
                    shown(before.collation),
                    shown(after.collation)
                ));
            }
        }
        for added in &columns[old.columns.len()..] {
            self.refuse_own_member(old, added.ty.oid)?;
        }
        self.undepend_all(Key::Relation(old.oid));
        self.depend(Key::Relation(old.oid), Key::Schema(old.namespace), Dependency::Normal);
        let mut relation = Relation::clone(old);
        relation.columns = columns.into();
        relation.kind = RelationKind::View(Arc::new(info));
        let relation = self.put_relation(relation);
        self.sync_row_type(&relation)?;
        Ok(relation)
    }
}

/// The query of CREATE RECURSIVE VIEW, as the manual says it is meant.
fn recursive(create: &CreateView) -> Result<(ast::Query, Locations, String)> {
    let name = create.name.0.last().and_then(|part| part.as_ident()).map_or("", |ident| &ident.value);
    let name = quote_identifier(name);
    let columns: Vec<_> = create.columns.iter().map(|column| quote_identifier(&column.value)).collect();
    let columns = columns.join(", ");
    let text = format!("WITH RECURSIVE {name}({columns}) AS ({}) SELECT {columns} FROM {name}", create.query.text);
    let mut parsed = dictdb_parser::parse(&text, &Limits::default())?;
    let parsed = parsed.pop().ok_or_else(|| Error::internal("a view without a query"))?;
    let Statement::Sql(tree) = &parsed.statement else { return Err(Error::internal("a view's query is no query")) };
    let ast::Statement::Query(query) = &**tree else { return Err(Error::internal("a view's query is no query")) };
    Ok((ast::Query::clone(query), parsed.locations, text))
}

/// Options as written, WITH CHECK OPTION among them.
fn view_options(create: &CreateView) -> Result<Vec<Arc<str>>> {
    let mut options = options::given(&create.options, Target::View)?;
    if let Some(option) = create.check_option {
        if options.iter().any(|option| option.starts_with("check_option=")) {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "parameter \"check_option\" specified more than once",
            ));
        }
        options.push(Arc::from(match option {
            utility::CheckOption::Local => "check_option=local",
            utility::CheckOption::Cascaded => "check_option=cascaded",
        }));
    }
    Ok(options)
}

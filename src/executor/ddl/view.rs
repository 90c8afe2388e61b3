//! CREATE VIEW.

use std::sync::Arc;

use dictdb_catalog::{CheckOption, Column, Dependency, Key, Persistence, Relation, RelationKind, ViewInfo};
use dictdb_parser::Locations;
use dictdb_parser::utility::{self, CreateView};
use dictdb_storage::LockMode;
use dictdb_types::{Datum, Error, Oid, Result, SqlState, TypeLookup};

use super::DdlContext;

impl DdlContext<'_> {
    pub(super) fn create_view(&mut self, create: &CreateView, locations: &Locations) -> Result<()> {
        if create.recursive {
            return Err(Error::unsupported("CREATE RECURSIVE VIEW"));
        }
        if create.check_option.is_some() || !create.options.is_empty() {
            return Err(Error::unsupported("a view option"));
        }
        let temporary = create.persistence == utility::Persistence::Temporary;
        let (namespace, name) = self.new_name(&create.name, temporary)?;
        let old = self.view().relation_in(namespace, &name).cloned();
        let bound = self.with_binding(|cx| dictdb_planner::bind_view(&create.query.query, locations, cx))?;
        if create.columns.len() > bound.columns.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "CREATE VIEW specifies more column names than columns"));
        }
        let catalog = self.view();
        let mut columns: Vec<Column> = Vec::with_capacity(bound.columns.len());
        for (slot, output) in bound.columns.iter().enumerate() {
            let name =
                create.columns.get(slot).map_or_else(|| output.name.clone(), |ident| Arc::from(ident.value.as_str()));
            if columns.iter().any(|other| other.name == name) {
                return Err(Error::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{name}\" specified more than once"),
                ));
            }
            let collation = catalog.type_info(output.ty.oid).map_or(Oid::INVALID, |info| info.collation);
            columns.push(Column {
                name,
                ty: output.ty,
                not_null: false,
                default: None,
                identity: None,
                generated: false,
                dropped: false,
                collation,
                slot,
                missing: Datum::Null,
                acl: None,
            });
        }
        let info = ViewInfo {
            query: Arc::from(create.query.text.as_str()),
            search_path: Arc::from(self.search_path),
            check_option: create.check_option.map(|option| match option {
                utility::CheckOption::Local => CheckOption::Local,
                utility::CheckOption::Cascaded => CheckOption::Cascaded,
            }),
        };
        let relation = match old {
            Some(old) if create.or_replace => self.replace_view(&old, columns, info)?,
            Some(_) => return Err(super::create_table::already_exists(&name)),
            None => self.new_view(namespace, name, columns, info, temporary)?,
        };
        for table in bound.relations {
            self.depend(Key::Relation(relation.oid), Key::Relation(table), Dependency::Normal);
        }
        Ok(())
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
        Ok(self.put_relation(Relation {
            oid,
            name,
            namespace,
            owner: self.role,
            kind: RelationKind::View(Arc::new(info)),
            persistence: if temporary { Persistence::Temporary } else { Persistence::Permanent },
            columns: columns.into(),
            row_type,
            storage: Oid::INVALID,
            acl: None,
            options: Vec::new(),
            constraints: Vec::new(),
            indexes: Vec::new(),
            referenced_by: Vec::new(),
        }))
    }

    /// OR REPLACE keeps the columns there are and may add some at the end.
    fn replace_view(&mut self, old: &Arc<Relation>, columns: Vec<Column>, info: ViewInfo) -> Result<Arc<Relation>> {
        if !matches!(old.kind, RelationKind::View(_)) {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a view", old.name)));
        }
        self.lock(old.oid, LockMode::AccessExclusive)?;
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
        }
        self.catalog.change(self.store, dictdb_catalog::Change::Undepend { dependent: Key::Relation(old.oid) });
        self.depend(Key::Relation(old.oid), Key::Schema(old.namespace), Dependency::Normal);
        let mut relation = Relation::clone(old);
        relation.columns = columns.into();
        relation.kind = RelationKind::View(Arc::new(info));
        Ok(self.put_relation(relation))
    }
}

//! The access method of an index: what it can do decides which clauses CREATE INDEX may have.

use std::sync::Arc;

use dictdb_catalog::{IndexMethod, Relation};
use dictdb_functions::facts::Opclass;
use dictdb_functions::resolve::opclass::equality_operator;
use dictdb_parser::ast::Ident;
use dictdb_parser::utility::{CreateIndex, Exclude, IndexElement};
use dictdb_planner::scope::CatalogScope;
use dictdb_types::{Error, Result, SqlState, Type, TypeLookup};

use super::DdlContext;
use crate::access::{entries, regions};

impl DdlContext<'_> {
    /// The method that USING names. 42704 for one that does not exist.
    pub(super) fn index_method(&mut self, name: Option<&Ident>) -> Result<IndexMethod> {
        let name = name.map_or("btree", |name| name.value.as_str());
        if let Some(method) = IndexMethod::named(name) {
            return Ok(method);
        }
        if name == "rtree" {
            let message = "substituting access method \"gist\" for obsolete method \"rtree\"";
            self.notice(SqlState::SUCCESSFUL_COMPLETION, message.to_owned());
            return Ok(IndexMethod::Gist);
        }
        Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("access method \"{name}\" does not exist")))
    }
}

/// Refuses clauses that the method has no use for. 0A000.
pub(super) fn check_abilities(method: IndexMethod, create: &CreateIndex) -> Result<()> {
    let abilities = method.abilities();
    let refused = [
        (create.unique && !abilities.unique, "unique indexes"),
        (!create.include.is_empty() && !abilities.include, "included columns"),
        (create.elements.len() > 1 && !abilities.multicolumn, "multicolumn indexes"),
    ];
    refuse(method, &refused)
}

/// Whether the method can keep an exclusion constraint. 0A000.
pub(super) fn check_exclusion(method: IndexMethod, exclude: &Exclude) -> Result<()> {
    let abilities = method.abilities();
    let refused = [
        (!exclude.include.is_empty() && !abilities.include, "included columns"),
        (exclude.elements.len() > 1 && !abilities.multicolumn, "multicolumn indexes"),
        (!abilities.exclusion, "exclusion constraints"),
    ];
    refuse(method, &refused)
}

/// Likewise of one key.
pub(super) fn check_order(method: IndexMethod, element: &IndexElement) -> Result<()> {
    if method.abilities().order {
        return Ok(());
    }
    // A direction that is written without effect cannot be told from none.
    let refused =
        [(element.descending, "ASC/DESC options"), (element.nulls_first.is_some(), "NULLS FIRST/LAST options")];
    refuse(method, &refused)
}

fn refuse(method: IndexMethod, clauses: &[(bool, &str)]) -> Result<()> {
    match clauses.iter().find(|(refused, _)| *refused) {
        Some((_, what)) => {
            let message = format!("access method \"{}\" does not support {what}", method.name());
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
        None => Ok(()),
    }
}

impl DdlContext<'_> {
    /// Whether an operator class can keep keys of this type. 0A000 for one without implementation, 42883 for arrays whose
    /// elements cannot be compared.
    pub(super) fn check_opclass(&mut self, class: &Opclass, method: IndexMethod, ty: Type) -> Result<()> {
        let catalog = self.view();
        match method {
            IndexMethod::Btree | IndexMethod::Hash => return Ok(()),
            IndexMethod::Gin => {
                entries::class_of(&catalog, class.oid)?;
            }
            IndexMethod::Gist if entries::class_of(&catalog, class.oid).is_ok() => {}
            IndexMethod::Gist | IndexMethod::Brin | IndexMethod::Spgist => {
                regions::class_of(&catalog, class.oid)?;
            }
        }
        let element = catalog.type_info(catalog.base_type(ty).oid).map(|info| info.element);
        let Some(element) = element.filter(|element| element.is_valid() && &*class.name == "array_ops") else {
            return Ok(());
        };
        let scope = CatalogScope { catalog: &catalog, search_path: self.search_path };
        if equality_operator(&scope, element).is_some() {
            return Ok(());
        }
        let shown = self.shown_type(element, &catalog);
        let message = format!("could not identify a comparison function for type {shown}");
        Err(Error::new(SqlState::UNDEFINED_FUNCTION, message))
    }
}

/// Whether a table may have an index. 42809.
pub(super) fn check_indexable(relation: &Arc<Relation>, plural: &str) -> Result<()> {
    if relation.is_stored() {
        return Ok(());
    }
    let message = format!("cannot create index on relation \"{}\"", relation.name);
    let detail = format!("This operation is not supported for {plural}.");
    Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).detail(detail))
}

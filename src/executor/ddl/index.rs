//! CREATE INDEX, and the building of every index.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Dependency, IndexInfo, IndexKey, IndexMethod, IndexTarget, Key, Relation, RelationKind};
use dictdb_functions::Registry;
use dictdb_parser::ast::Expr as Ast;
use dictdb_parser::utility::{CreateIndex, IndexElement};
use dictdb_parser::{Locations, position};
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_storage::{IndexBuilt, IndexDef, LockMode};
use dictdb_types::{Error, Oid, Result, SqlState, Type, TypeKind, TypeLookup, oids};

use super::concurrently::ConcurrentIndex;
use super::{DdlContext, index_method};
use crate::access::extractor::{index_kind, key_extractor};

/// Keys an index may have.
const MAX_KEYS: usize = 32;

impl DdlContext<'_> {
    pub(super) fn create_index(&mut self, create: &CreateIndex, locations: &Locations) -> Result<()> {
        let relation = self.table_to_index(create)?;
        let method = self.index_method_named(create.method.as_ref())?;
        index_method::check_abilities(method, create)?;
        let kind = (relation.persistence, relation.is_partitioned());
        let tablespace = self.new_tablespace(create.tablespace.as_ref(), kind, Oid::INVALID)?;
        let (name, info) = self.described_index(&relation, method, create, locations)?;
        let options = super::options::given(&create.options, super::options::Target::Index(method))?;
        if create.unique {
            self.check_unique_over_partitions(&relation, &info.keys, "UNIQUE")?;
        }
        if self.has_index_named(&relation, create)? {
            return Ok(());
        }
        let oid = match create.concurrently {
            true => self.make_index_concurrently(relation.oid, name, info, tablespace)?,
            false => self.make_index(relation.oid, name, info, tablespace)?,
        };
        let index = self.table(oid)?;
        self.put_relation(Relation { options, ..Relation::clone(&index) });
        if !create.table.only {
            let members: Vec<Oid> = self.view().descendants(&relation).iter().map(|member| member.oid).collect();
            self.check_no_foreign_partition(&relation, oid, &members)?;
            self.index_partitions(relation.oid, oid)?;
        }
        Ok(())
    }

    /// The table that gets an index, locked as strongly as two of them must not be at once: each adds itself to the table's list of
    /// indexes.
    fn table_to_index(&mut self, create: &CreateIndex) -> Result<Arc<Relation>> {
        let relation = self.find_relation(&create.table.name)?;
        index_method::check_indexable(&relation, plural(&relation.kind))?;
        self.check_owner(&relation)?;
        let mode = if create.concurrently { LockMode::ShareUpdateExclusive } else { LockMode::ShareRowExclusive };
        self.lock(relation.oid, mode)?;
        let relation = self.table(relation.oid)?;
        self.check_not_in_use(&relation, "CREATE INDEX")?;
        if relation.foreign.is_some() {
            let message = format!("cannot create index on relation \"{}\"", relation.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .detail("This operation is not supported for foreign tables."));
        }
        if create.concurrently && relation.is_partitioned() {
            let message = format!("cannot create index on partitioned table \"{}\" concurrently", relation.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        Ok(relation)
    }

    /// Whether the index is there, with a notice; 42P07 where it must not be.
    fn has_index_named(&mut self, relation: &Relation, create: &CreateIndex) -> Result<bool> {
        let Some(name) = &create.name else { return Ok(false) };
        if self.view().relation_in(relation.namespace, &name.value).is_none() {
            return Ok(false);
        }
        if !create.if_not_exists {
            return Err(super::create_table::already_exists(&name.value));
        }
        self.notice(SqlState::DUPLICATE_TABLE, format!("relation \"{}\" already exists, skipping", name.value));
        Ok(true)
    }

    /// Name and description of an index.
    fn described_index(
        &mut self,
        relation: &Arc<Relation>,
        method: IndexMethod,
        create: &CreateIndex,
        locations: &Locations,
    ) -> Result<(Arc<str>, IndexInfo)> {
        let keys = self.index_keys(relation, &create.elements, method, locations)?;
        let name = match &create.name {
            Some(name) => Arc::from(name.value.as_str()),
            None => {
                let words = joined_words(create.elements.iter().chain(&create.include).map(element_word));
                self.choose_name(relation.namespace, &relation.name, &words, "idx", &[])
            }
        };
        let predicate = match &create.predicate {
            Some(source) => Some(self.with_binding(|cx| {
                table_expr::bind(&source.expr, locations, relation, TableExpr::IndexPredicate, cx)
                    .map(|bound| bound.text)
            })?),
            None => None,
        };
        let include = self.include_columns(relation, &create.include)?;
        let info = IndexInfo {
            table: relation.oid,
            method,
            unique: create.unique,
            primary: false,
            nulls_not_distinct: create.nulls_not_distinct,
            keys,
            include,
            predicate,
            deferrable: false,
            partitioned: relation.is_partitioned(),
            invalid: create.table.only && relation.is_partitioned() && !relation.children.is_empty(),
        };
        Ok((name, info))
    }

    fn make_index_concurrently(&mut self, table: Oid, name: Arc<str>, info: IndexInfo, tablespace: Oid) -> Result<Oid> {
        if self.concurrent_index == ConcurrentIndex::Failed {
            let oid = self.new_oid();
            self.enter_index(table, oid, name, IndexInfo { invalid: true, ..info }, tablespace)?;
            return Ok(oid);
        }
        self.concurrent_index = ConcurrentIndex::Begun;
        let oid = self.while_locked(table, LockMode::Share, |cx| cx.make_index(table, name, info, tablespace))?;
        self.wait_for_older_snapshots()?;
        Ok(oid)
    }

    /// 42P16 for an expression of a type that no column may have.
    fn check_key_type(&mut self, target: &IndexTarget, element: &IndexElement, ty: Type) -> Result<()> {
        if !matches!(target, IndexTarget::Expression(_)) || !matches!(self.type_info(ty.oid)?.kind, TypeKind::Pseudo) {
            return Ok(());
        }
        let catalog = self.view();
        let shown = self.shown_type(ty.oid, &catalog);
        let message = format!("column \"{}\" has pseudo-type {shown}", element_word(element));
        Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message))
    }

    pub(super) fn index_keys(
        &mut self,
        relation: &Arc<Relation>,
        elements: &[IndexElement],
        method: IndexMethod,
        locations: &Locations,
    ) -> Result<Vec<IndexKey>> {
        if elements.len() > MAX_KEYS {
            return Err(Error::new(
                SqlState::TOO_MANY_COLUMNS,
                format!("cannot use more than {MAX_KEYS} columns in an index"),
            ));
        }
        elements.iter().map(|element| self.index_key(relation, element, method, locations)).collect()
    }

    fn index_key(
        &mut self,
        relation: &Arc<Relation>,
        element: &IndexElement,
        method: IndexMethod,
        locations: &Locations,
    ) -> Result<IndexKey> {
        let mut derived = None;
        // COLLATE around a whole expression is the key's.
        let (expr, around) = without_collate(&element.expr.expr);
        let (target, ty) = match expr {
            Ast::Identifier(ident) => {
                let (attnum, column) = relation.column_named(&ident.value).ok_or_else(|| {
                    if super::alter::check_system_name(&ident.value).is_err() {
                        let message = "index creation on system columns is not supported";
                        return Error::new(SqlState::FEATURE_NOT_SUPPORTED, message);
                    }
                    // PostgreSQL does not point at it.
                    Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{}\" does not exist", ident.value))
                })?;
                (IndexTarget::Column(attnum), column.ty)
            }
            expr => {
                let bound =
                    self.with_binding(|cx| table_expr::bind(expr, locations, relation, TableExpr::IndexKey, cx))?;
                derived = self.derived_collation(bound.expr.ty(), bound.collation)?;
                (IndexTarget::Expression(bound.text), bound.expr.ty())
            }
        };
        self.check_key_type(&target, element, ty)?;
        let opclass = match &element.opclass {
            Some(name) => self.named_opclass(name, ty, method)?,
            None => self.default_opclass(ty, method)?,
        };
        let collation = match element.collation.as_ref().or(around) {
            Some(name) => Some(self.column_collation(ty, Some(name))?),
            None => derived,
        };
        self.check_pattern_class(relation, &target, opclass, collation)?;
        if let Some(class) = self.view().any_opclass(opclass) {
            self.check_opclass(class, method, ty)?;
        }
        index_method::check_order(method, element)?;
        let options = match element.opclass_options.as_slice() {
            [] => Vec::new(),
            given => {
                let class = self.view().any_opclass(opclass).map(|class| class.name.to_string());
                super::options::of_opclass(given, &class.unwrap_or_default())?
            }
        };
        Ok(IndexKey {
            target,
            ty,
            opclass,
            descending: element.descending,
            nulls_first: element.nulls_first.unwrap_or(element.descending),
            statistics: None,
            collation,
            options,
        })
    }

    /// The collation of an index over an expression, where it is another one than the type's. 42P22.
    fn derived_collation(&mut self, ty: Type, collation: Oid) -> Result<Option<Oid>> {
        let own = self.type_info(ty.oid)?.collation;
        if own.is_valid() && !collation.is_valid() {
            let message = "could not determine which collation to use for index expression";
            return Err(Error::new(SqlState::INDETERMINATE_COLLATION, message)
                .hint("Use the COLLATE clause to set the collation explicitly."));
        }
        Ok((collation != own).then_some(collation))
    }

    /// 0A000 for a class that goes by bytes under a collation that does not.
    fn check_pattern_class(
        &mut self,
        relation: &Relation,
        target: &IndexTarget,
        opclass: Oid,
        collation: Option<Oid>,
    ) -> Result<()> {
        let own = match target {
            IndexTarget::Column(attnum) => relation.column(*attnum).map(|column| column.collation),
            IndexTarget::Expression(_) => None,
        };
        let catalog = self.view();
        let info = collation.or(own).and_then(|oid| catalog.collation_info(oid));
        let name = catalog.any_opclass(opclass).map(|class| class.name.clone()).unwrap_or_default();
        if info.is_some_and(|info| !info.deterministic) && name.ends_with("_pattern_ops") {
            let message = format!("nondeterministic collations are not supported for operator class \"{name}\"");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        Ok(())
    }

    /// The operator class of that name for a type and method. 42704, 42804; 0A000 for those that order otherwise than the
    /// default one: all collations are byte order, so the pattern classes do not.
    pub(super) fn named_opclass(
        &mut self,
        name: &dictdb_parser::ast::ObjectName,
        ty: Type,
        method: IndexMethod,
    ) -> Result<Oid> {
        let shown = super::names::shown(name);
        let wanted = shown.strip_prefix("pg_catalog.").unwrap_or(&shown);
        let catalog = self.view();
        let (access_method, method_name) = (catalog.index_method_oid(method), method.name());
        let bare = super::own_type::bare(name);
        let namespaces = self.namespaces_of(name)?;
        let found = namespaces.iter().find_map(|namespace| catalog.opclass_in(*namespace, access_method, &bare));
        let class = found.ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("operator class \"{wanted}\" does not exist for access method \"{method_name}\""),
            )
        })?;
        let base = catalog.base_type(ty).oid;
        let strings = [oids::TEXT, oids::VARCHAR, oids::BPCHAR];
        let is_array = catalog.type_info(base).is_some_and(|info| info.is_array());
        let is_range = catalog
            .type_info(base)
            .is_some_and(|info| matches!(info.kind, TypeKind::Range(_) | TypeKind::Multirange(_)));
        let is_enum = catalog.type_info(base).is_some_and(|info| matches!(info.kind, TypeKind::Enum(_)));
        let accepts = class.input == base
            || strings.contains(&class.input) && strings.contains(&base)
            || class.input == oids::ANYARRAY && is_array
            || class.input == oids::ANYENUM && is_enum
            || matches!(class.input, oids::ANYRANGE | oids::ANYMULTIRANGE) && is_range
            || class.input == oids::INET && base == oids::CIDR;
        if !accepts {
            return Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!("operator class \"{wanted}\" does not accept data type {}", self.shown_type(ty.oid, &catalog)),
            ));
        }
        if method.is_bitmap() || class.oid >= Oid::FIRST_NORMAL && !catalog.compares_by_users(class) {
            return Ok(class.oid);
        }
        let default = self.default_opclass(ty, method)?;
        let pattern = matches!(wanted, "text_pattern_ops" | "varchar_pattern_ops" | "bpchar_pattern_ops");
        let same = catalog.any_opclass(default).is_some_and(|own| own.family == class.family);
        if same || pattern {
            Ok(class.oid)
        } else {
            Err(Error::unsupported(format_args!("operator class \"{wanted}\"")))
        }
    }

    /// 42804 and 42704 for a collation that the key cannot have.
    fn include_columns(&mut self, relation: &Relation, elements: &[IndexElement]) -> Result<Vec<i16>> {
        elements
            .iter()
            .map(|element| match &*element.expr.expr {
                Ast::Identifier(ident) => {
                    relation.column_named(&ident.value).map(|(attnum, _)| attnum).ok_or_else(|| {
                        Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{}\" does not exist", ident.value))
                            .at(position::of_span(ident.span))
                    })
                }
                _ => Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "expressions are not supported in included columns",
                )),
            })
            .collect()
    }

    /// Makes an index in catalog and storage, filled with the table's rows. 23505 when they do not fit it.
    pub(super) fn make_index(&mut self, table: Oid, name: Arc<str>, info: IndexInfo, tablespace: Oid) -> Result<Oid> {
        let oid = self.new_oid();
        let relation = self.table(table)?;
        self.build_index(&relation, oid, &name, &info)?;
        self.own.lock().changes.created_index(relation.storage, oid);
        self.enter_index(table, oid, name, info, tablespace)?;
        Ok(oid)
    }

    /// Makes an index in the catalog.
    fn enter_index(&mut self, table: Oid, oid: Oid, name: Arc<str>, info: IndexInfo, tablespace: Oid) -> Result<()> {
        let relation = self.table(table)?;
        let index = self.put_relation(Relation {
            persistence: relation.persistence,
            storage: oid,
            tablespace,
            ..Relation::new(oid, relation.namespace, name, relation.owner, RelationKind::Index(Arc::new(info)))
        });
        self.depend_index(&index)?;
        let mut relation = Relation::clone(&relation);
        relation.indexes.push(oid);
        self.put_relation(relation);
        Ok(())
    }

    /// An index goes with the columns of its keys.
    pub(super) fn depend_index(&mut self, index: &Relation) -> Result<()> {
        let Some(info) = index.index().cloned() else { return Ok(()) };
        let relation = self.table(info.table)?;
        for key in &info.keys {
            if key.opclass >= Oid::FIRST_NORMAL {
                self.depend(Key::Relation(index.oid), Key::OperatorClass(key.opclass), Dependency::Normal);
            }
            if let Some(collation) = key.collation {
                self.depend_on_collation(Key::Relation(index.oid), collation);
            }
            match &key.target {
                IndexTarget::Column(attnum) => {
                    self.depend(Key::Relation(index.oid), Key::Column(info.table, *attnum), Dependency::Auto);
                }
                IndexTarget::Expression(text) => {
                    self.depend_on_columns(index.oid, &relation, text, TableExpr::IndexKey)?;
                }
            }
        }
        for attnum in &info.include {
            self.depend(Key::Relation(index.oid), Key::Column(info.table, *attnum), Dependency::Auto);
        }
        if let Some(text) = &info.predicate {
            self.depend_on_columns(index.oid, &relation, text, TableExpr::IndexPredicate)?;
        }
        let constraint = relation.constraints.iter().find(|constraint| constraint.kind.index() == Some(index.oid));
        if let Some(constraint) = constraint {
            let whole = Key::Constraint(info.table, constraint.oid);
            self.depend(Key::Relation(index.oid), whole, Dependency::Internal);
        }
        Ok(())
    }

    /// An index goes with the columns its expressions mention.
    fn depend_on_columns(&mut self, index: Oid, table: &Arc<Relation>, text: &str, purpose: TableExpr) -> Result<()> {
        let path = [dictdb_catalog::namespaces::PG_CATALOG];
        let bound = self.with_path(&path, |cx| table_expr::bind_text(text, table, purpose, cx))?;
        self.with_path(&path, |cx| table_expr::bind_for_storage(text, table, purpose, cx))?;
        let catalog = self.view();
        let by_operators = bound.operators.iter().map(|(_, function)| function);
        let called = bound.functions.iter().chain(by_operators);
        called.into_iter().try_for_each(|function| self.surroundings.check_for_index(&catalog, *function))?;
        self.depend_on_calls(Key::Relation(index), &bound.functions, &bound.operators);
        self.depend_on_types(Key::Relation(index), &bound.types);
        self.depend_on_fields(Key::Relation(index), &bound.fields);
        for attnum in bound.mentions(table).into_iter().filter(|attnum| *attnum > 0) {
            self.depend(Key::Relation(index), Key::Column(table.oid, attnum), Dependency::Auto);
        }
        self.depend(Key::Relation(index), Key::Relation(table.oid), Dependency::Auto);
        Ok(())
    }

    /// Builds an index of a table anew, which makes it valid.
    pub(super) fn rebuild_index(&mut self, relation: &Arc<Relation>, index: Oid) -> Result<()> {
        let index = self.table(index)?;
        let Some(info) = index.index().cloned() else { return Err(Error::internal("not an index")) };
        // The old index stays until the transaction commits; the new one has an id of its own.
        let storage = self.new_oid();
        self.build_index(relation, storage, &index.name, &info)?;
        self.own.lock().changes.created_index(relation.storage, storage);
        self.own.lock().changes.dropped_index(self.storage, relation.storage, index.storage);
        let kind = RelationKind::Index(Arc::new(IndexInfo { invalid: false, ..IndexInfo::clone(&info) }));
        self.put_relation(Relation { storage, kind, ..Relation::clone(&index) });
        Ok(())
    }

    /// Builds an index's contents in storage under this id.
    pub(super) fn build_index(
        &mut self,
        relation: &Arc<Relation>,
        id: Oid,
        name: &str,
        info: &IndexInfo,
    ) -> Result<()> {
        let table = self
            .storage
            .table(relation.storage)
            .ok_or_else(|| Error::internal(format!("table {} has no storage", relation.name)))?;
        self.debug(format!("building index \"{name}\" on table \"{}\" serially", relation.name));
        let mut def = index_def(relation, id, info, &self.view(), self.registry)?;
        if info.keys.iter().any(|key| matches!(key.target, IndexTarget::Expression(_))) || info.predicate.is_some() {
            // What cannot be computed of a row that nobody sees any more is no obstacle.
            self.storage.vacuum();
        }
        let env = self.row_env();
        loop {
            match table.create_index(self.transaction, def.clone(), &|| env.check_interrupts())? {
                // A deferrable key admits duplicates for the length of a transaction, but not to begin with.
                IndexBuilt::Done(_) if info.deferrable && def.unique => {
                    table.drop_index(id);
                    def.unique = false;
                }
                IndexBuilt::Done(_) => return Ok(()),
                IndexBuilt::Busy(holder) => self.transaction.wait_for(holder, &self.wait)?,
                IndexBuilt::Conflict(conflict) => {
                    let cx = self.exec_context()?;
                    let key = crate::modify::key_of_row(relation, info, conflict.row, &cx, self.engine)?;
                    let schema = self.view().schema(relation.namespace).map(|schema| schema.name.to_string());
                    let message = format!("could not create unique index \"{name}\"");
                    return Err(Error::new(SqlState::UNIQUE_VIOLATION, message)
                        .detail(format!("Key {key} is duplicated."))
                        .schema(schema.unwrap_or_default())
                        .table(&*relation.name)
                        .constraint(name));
                }
            }
        }
    }
}

pub(super) fn plural(kind: &RelationKind) -> &'static str {
    match kind {
        RelationKind::View(_) => "views",
        RelationKind::Index(_) => "indexes",
        RelationKind::Sequence(_) => "sequences",
        RelationKind::Composite => "composite types",
        _ => "this kind of relation",
    }
}

/// What storage needs to keep an index under this id.
pub(super) fn index_def(
    relation: &Arc<Relation>,
    id: Oid,
    info: &IndexInfo,
    catalog: &Arc<Catalog>,
    registry: &Registry,
) -> Result<IndexDef> {
    Ok(IndexDef {
        id,
        kind: index_kind(info, catalog),
        unique: info.unique,
        nulls_not_distinct: info.nulls_not_distinct,
        row_identity: info.unique && info.predicate.is_none(),
        key: key_extractor(relation, info, catalog, registry)?,
    })
}

/// The middle of a made-up name: words that come again are numbered (`ChooseIndexColumnNames`).
pub(super) fn joined_words(words: impl Iterator<Item = String>) -> String {
    let mut known: Vec<String> = Vec::new();
    for word in words {
        let numbered = (1..).map(|number| format!("{word}{number}"));
        let free = std::iter::once(word.clone()).chain(numbered).find(|name| !known.contains(name));
        known.push(free.unwrap_or(word));
    }
    known.join("_")
}

/// What an element adds to an index's made-up name.
pub(super) fn element_word(element: &IndexElement) -> String {
    word_of(&element.expr.expr)
}

/// Likewise, an expression that is kept as text.
pub(super) fn expression_word(text: &str) -> String {
    dictdb_parser::parse_expression(text).map_or_else(|_| "expr".into(), |expr| word_of(&expr))
}

fn word_of(expr: &Ast) -> String {
    dictdb_planner::table_expr::expression_name(expr).unwrap_or_else(|| "expr".into())
}

/// An expression without the COLLATE clauses around it, and what the outermost one names.
fn without_collate(expr: &Ast) -> (&Ast, Option<&dictdb_parser::ast::ObjectName>) {
    match expr {
        Ast::Nested(inner) => match without_collate(inner) {
            (bare, Some(name)) => (bare, Some(name)),
            _ => (expr, None),
        },
        Ast::Collate { expr: inner, collation } => (without_collate(inner).0, Some(collation)),
        _ => (expr, None),
    }
}

//! CREATE TABLE.

use std::sync::Arc;

use dictdb_catalog::{Column, Dependency, Key, OnCommit, PartitionBound, Persistence, Relation, RelationKind};
use dictdb_parser::utility::{
    self, Constraint, ConstraintKind as Syntax, CreateTable, KeyConstraint, ObjectKind, TableElement,
};
use dictdb_parser::{Locations, position};
use dictdb_types::{Error, Field, Oid, Result, SqlState, TypeInfo, TypeKind, TypeLookup};

use super::DdlContext;
use super::column::NewColumn;
use super::inherit::Inheritance;

/// Columns a table may have (`MaxHeapAttributeNumber`).
const MAX_COLUMNS: usize = 1600;

impl DdlContext<'_> {
    pub(super) fn create_table(&mut self, create: &CreateTable, locations: &Locations) -> Result<()> {
        let access_method = self.new_table_method(create.access_method.as_ref(), create.partition_by.is_some())?;
        self.refuse_unlogged_temporary(&create.name, create.persistence)?;
        let persistence = self.persistence(&create.name, create.persistence);
        let temporary = persistence == Persistence::Temporary;
        let (namespace, name) = self.new_name(&create.name, temporary)?;
        if self.view().relation_in(namespace, &name).is_some() {
            if create.if_not_exists {
                self.notice(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists, skipping"));
                return Ok(());
            }
            return Err(already_exists(&name));
        }
        let position = super::names::parts(&create.name).first().and_then(|ident| position::of_span(ident.span));
        self.check_create_in(namespace).map_err(|error| error.at(position))?;
        let (mut inheritance, bound) = self.family_of(create, &name, persistence, locations)?;
        let above = match (&bound, inheritance.parents.first()) {
            (Some(_), Some(parent)) => parent.tablespace,
            _ => Oid::INVALID,
        };
        let kind = (persistence, create.partition_by.is_some());
        let tablespace = self.new_tablespace(create.tablespace.as_ref(), kind, above)?;
        let of_type = create.of_type.as_ref().map(|name| self.row_type_named(name)).transpose()?;
        let mut columns: Vec<NewColumn<'_>> = match &of_type {
            Some(of_type) => {
                of_type.live_columns().enumerate().map(|(slot, (_, column))| typed_column(column, slot)).collect()
            }
            None => self.inherited_columns(&mut inheritance)?,
        };
        let mut inherited: Vec<bool> = vec![true; columns.len()];
        let mut own_columns = 0;
        let mut templates = Vec::new();
        let mut constraints: Vec<(Option<usize>, &Constraint)> = Vec::new();
        for element in &create.elements {
            match element {
                TableElement::Column(definition) => {
                    let known = columns.iter().position(|other| *other.column.name == *definition.name.value);
                    let given = bound.is_some() || of_type.is_some();
                    let mut column = match (given, known) {
                        (false, _) => self.define_column(definition, &name, columns.len())?,
                        (true, Some(at)) => {
                            refuse_made_values(definition, bound.is_some())?;
                            let ty = columns[at].column.ty;
                            self.define_typed(definition, (ty, false), &name, columns.len())?
                        }
                        (true, None) => return Err(missing_in_parent(&definition.name.value)),
                    };
                    let own = std::mem::take(&mut column.constraints);
                    let place = known.unwrap_or(columns.len());
                    constraints.extend(own.into_iter().map(|constraint| (Some(place), constraint)));
                    match known {
                        Some(at) if inherited.get(at) == Some(&true) => {
                            inherited[at] = false;
                            let moved = at != own_columns;
                            self.merge_own(&mut columns[at], column, moved, !given)?;
                        }
                        Some(_) => return Err(specified_twice(&column.column.name)),
                        None => columns.push(column),
                    }
                    own_columns += 1;
                }
                TableElement::Constraint(constraint) => constraints.push((None, constraint)),
                TableElement::Like(like) => {
                    let template = self.template(like)?;
                    for column in self.template_columns(&template, columns.len())? {
                        let known = columns.iter().position(|other| other.column.name == column.column.name);
                        match known {
                            Some(at) if inherited.get(at) == Some(&true) => {
                                inherited[at] = false;
                                let moved = at != own_columns;
                                self.merge_own(&mut columns[at], column, moved, true)?;
                            }
                            Some(_) => return Err(specified_twice(&column.column.name)),
                            None => columns.push(column),
                        }
                        own_columns += 1;
                    }
                    templates.push(template);
                }
            }
        }
        Self::refuse_torn(&columns)?;
        if columns.len() > MAX_COLUMNS {
            return Err(Error::new(
                SqlState::TOO_MANY_COLUMNS,
                format!("tables can have at most {MAX_COLUMNS} columns"),
            ));
        }
        mark_primary_key_columns(&mut columns, &constraints);
        self.check_foreign_columns(create, &name, &columns, &constraints)?;
        let plain = columns.iter().map(|column| column.column.clone()).collect();
        let relation = self.new_table(namespace, name, plain, persistence)?;
        let relation = self.fill_defaults(relation, columns, locations)?;
        let relation = self.put_foreign(relation, create)?;
        let options = super::options::given(&create.options, super::options::Target::Table)?;
        let on_commit = on_commit(create.on_commit, temporary)?;
        let typed = of_type.as_ref().map_or(Oid::INVALID, |of_type| of_type.row_type);
        let relation = self.put_relation(Relation {
            options,
            on_commit,
            tablespace,
            access_method: if create.foreign.is_some() { Oid::INVALID } else { access_method },
            of_type: typed,
            ..Relation::clone(&relation)
        });
        self.depend_on_table_method(&relation);
        if let Some(of_type) = &of_type {
            self.depend(Key::Relation(relation.oid), Key::Relation(of_type.oid), Dependency::Normal);
        }
        self.put_inheritance(relation.oid, &inheritance)?;
        if let (Some(bound), [parent]) = (bound, inheritance.parents.as_slice()) {
            self.put_partition(parent.oid, relation.oid, bound)?;
        }
        if let Some(by) = &create.partition_by {
            let key = self.partition_key(&relation, by, locations)?;
            let table = self.table(relation.oid)?;
            let table = self.put_relation(Relation { partition_key: Some(Arc::new(key)), ..Relation::clone(&table) });
            super::options::refuse_for_partitioned(&table, &create.options, false)?;
        }
        for template in &templates {
            self.copy_template(relation.oid, template)?;
        }
        self.add_constraints(relation.oid, &constraints, locations)?;
        self.settle_expiry(relation.oid)?;
        match (&create.partition_of, inheritance.parents.as_slice()) {
            (Some(_), [parent]) => {
                self.check_foreign_partition(parent, &relation, false)?;
                self.complete_partition(parent.oid, relation.oid)
            }
            _ => Ok(()),
        }
    }

    /// The parents of a new table, and its bound if it is to be a partition.
    fn family_of(
        &mut self,
        create: &CreateTable,
        name: &str,
        persistence: Persistence,
        locations: &Locations,
    ) -> Result<(Inheritance, Option<PartitionBound>)> {
        if create.partition_by.is_some() && !create.inherits.is_empty() {
            let message = "cannot create partitioned table as inheritance child";
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        let Some((parent, spec)) = &create.partition_of else {
            return Ok((self.parents_named(&create.inherits, persistence)?, None));
        };
        let parent = self.partition_parent(parent, persistence)?;
        self.check_not_in_use(&parent, "CREATE TABLE .. PARTITION OF")?;
        let bound = self.partition_bound(&parent, spec, locations)?;
        self.check_room(&parent, name, &bound, spec, locations)?;
        Ok((Inheritance::of_partition(parent), Some(bound)))
    }

    /// Makes a table with these columns in catalog and storage, with its row type.
    pub(super) fn new_table(
        &mut self,
        namespace: Oid,
        name: Arc<str>,
        columns: Vec<Column>,
        persistence: Persistence,
    ) -> Result<Arc<Relation>> {
        let oid = self.new_oid();
        let row_type = self.put_row_type(namespace, &name, oid, &columns)?;
        let catalog = self.view();
        let layouts: Vec<_> = columns.iter().map(|column| catalog.physical(column.ty.oid)).collect();
        self.storage.create_table(oid, &layouts).set_logged(persistence == Persistence::Permanent);
        self.own.lock().changes.created_table(oid);
        let acl = self.initial_acl(ObjectKind::Table, namespace);
        let relation = Relation {
            acl,
            persistence,
            columns: columns.into(),
            row_type,
            storage: oid,
            ..Relation::new(oid, namespace, name, self.role, RelationKind::Table)
        };
        self.depend(Key::Relation(oid), Key::Schema(namespace), Dependency::Normal);
        for (attnum, column) in relation.live_columns().filter(|(_, column)| column.ty.oid >= Oid::FIRST_NORMAL) {
            self.depend(Key::Column(oid, attnum), Key::Type(column.ty.oid), Dependency::Normal);
        }
        for (attnum, column) in relation.live_columns() {
            self.depend_on_collation(Key::Column(oid, attnum), column.collation);
        }
        Ok(self.put_relation(relation))
    }

    /// The composite type of a table's rows, and the array type over it. 42710 where another type has the name, unless that can go
    /// out of the way.
    pub(super) fn put_row_type(
        &mut self,
        namespace: Oid,
        name: &Arc<str>,
        relation: Oid,
        columns: &[Column],
    ) -> Result<Oid> {
        if let Some(taken) = self.view().type_in(namespace, name)
            && !self.move_array_type(&taken)
        {
            let hint = "A relation has an associated type of the same name, so you must use a name that doesn't conflict with any existing type.";
            let message = format!("type \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message).hint(hint));
        }
        let fields = columns.iter().filter(|c| !c.dropped).map(|c| Field { name: c.name.clone(), ty: c.ty }).collect();
        self.put_composite_type(namespace, name, relation, fields)
    }

    pub(super) fn put_composite_type(
        &mut self,
        namespace: Oid,
        name: &Arc<str>,
        relation: Oid,
        fields: Arc<[Field]>,
    ) -> Result<Oid> {
        let info = TypeInfo {
            kind: TypeKind::Composite(fields),
            category: b'C',
            len: -1,
            align: b'd',
            relation,
            input: Arc::from("record_in"),
            ..self.new_type(namespace, name.clone())
        };
        self.put_type_with_array(info)
    }

    /// Fills in defaults and makes the sequences of serial and identity columns.
    fn fill_defaults(
        &mut self,
        relation: Arc<Relation>,
        columns: Vec<NewColumn<'_>>,
        locations: &Locations,
    ) -> Result<Arc<Relation>> {
        let mut filled: Vec<Column> = Vec::with_capacity(columns.len());
        for (index, new) in columns.into_iter().enumerate() {
            let mut column = new.column;
            if let Some(options) = &new.identity_of {
                let sequence = super::column::NewSequence { identity: true, options };
                let oid = self.column_sequence(&relation, &column, index as i16 + 1, &sequence)?;
                column.default = Some(Arc::from(format!("nextval('{oid}'::regclass)")));
            } else if new.stored_default.is_some() {
                column.default = new.stored_default;
            } else if let Some(sequence) = &new.sequence {
                let attnum = index as i16 + 1;
                let oid = self.column_sequence(&relation, &column, attnum, sequence)?;
                // An identity column's default is implied by its sequence; both are stored alike.
                column.default = Some(Arc::from(format!("nextval('{oid}'::regclass)")));
            } else if let Some(source) = new.default {
                column.default = self.column_expression(source, locations, &relation, &column)?;
            }
            filled.push(column);
        }
        let relation = self.put_relation(Relation { columns: filled.into(), ..Relation::clone(&relation) });
        for attnum in 1..=relation.columns.len() as i16 {
            self.depend_default(relation.oid, attnum)?;
        }
        Ok(relation)
    }

    /// Adds table and column constraints in the order PostgreSQL makes them: keys, checks, foreign keys.
    pub(super) fn add_constraints(
        &mut self,
        table: Oid,
        constraints: &[(Option<usize>, &Constraint)],
        locations: &Locations,
    ) -> Result<()> {
        let rank = |constraint: &Constraint| match constraint.kind {
            Syntax::PrimaryKey(_) => 0,
            Syntax::Unique(_) => 1,
            Syntax::Check(_) => 2,
            _ => 3,
        };
        let mut ordered: Vec<_> = constraints.to_vec();
        ordered.sort_by_key(|(_, constraint)| rank(constraint));
        let relation = self.table(table)?;
        for (column, constraint) in without_repeated_keys(&ordered, &relation) {
            // A table without rows has none that are in the way.
            let constraint = Constraint { not_valid: false, ..constraint };
            self.add_constraint(table, column, &constraint, true, locations)?;
        }
        Ok(())
    }
}

/// Of keys over the same columns, to be checked alike, only the first is made (`UNIQUE PRIMARY KEY`); it goes by the first name
/// that one of them was given.
fn without_repeated_keys(
    constraints: &[(Option<usize>, &Constraint)],
    relation: &Relation,
) -> Vec<(Option<usize>, Constraint)> {
    let columns = |place: Option<usize>, key: &KeyConstraint| -> Vec<String> {
        match place.and_then(|place| relation.columns.get(place)) {
            Some(column) => vec![column.name.to_string()],
            None => key.columns.iter().map(|column| column.value.clone()).collect(),
        }
    };
    let repeats = |(place, one): (Option<usize>, &Constraint), (earlier, other): &(Option<usize>, Constraint)| {
        let (Syntax::Unique(key), Syntax::Unique(kept) | Syntax::PrimaryKey(kept)) = (&one.kind, &other.kind) else {
            return false;
        };
        key.using_index.is_none()
            && kept.using_index.is_none()
            && columns(place, key) == columns(*earlier, kept)
            && key.include.iter().map(|column| &column.value).eq(kept.include.iter().map(|column| &column.value))
            && key.nulls_not_distinct == kept.nulls_not_distinct
            && (one.deferrable, one.initially_deferred) == (other.deferrable, other.initially_deferred)
    };
    let mut kept: Vec<(Option<usize>, Constraint)> = Vec::with_capacity(constraints.len());
    for (place, constraint) in constraints {
        match kept.iter_mut().find(|earlier| repeats((*place, constraint), earlier)) {
            Some((_, earlier)) => earlier.name = earlier.name.take().or_else(|| constraint.name.clone()),
            None => kept.push((*place, Constraint::clone(constraint))),
        }
    }
    kept
}

/// 0A000 for a column that makes its own values in a table whose columns are another's.
fn refuse_made_values(definition: &utility::ColumnDef, partition: bool) -> Result<()> {
    let of = if partition { "partitions" } else { "typed tables" };
    for constraint in &definition.constraints {
        let what = match constraint.kind {
            Syntax::Identity { .. } => "identity",
            Syntax::Generated(_) => "generated",
            _ => continue,
        };
        let message = format!("{what} columns are not supported on {of}");
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    Ok(())
}

/// 42703: a partition has no columns of its own.
fn missing_in_parent(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{name}\" does not exist"))
}

/// 42701.
fn specified_twice(name: &str) -> Error {
    Error::new(SqlState::DUPLICATE_COLUMN, format!("column \"{name}\" specified more than once"))
}

/// 42P07.
pub(super) fn already_exists(name: &str) -> Error {
    Error::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists"))
}

/// 42P16 for ON COMMIT of a table that stays.
pub(super) fn on_commit(action: Option<utility::OnCommit>, temporary: bool) -> Result<OnCommit> {
    if action.is_some() && !temporary {
        return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, "ON COMMIT can only be used on temporary tables"));
    }
    Ok(match action {
        None | Some(utility::OnCommit::PreserveRows) => OnCommit::PreserveRows,
        Some(utility::OnCommit::DeleteRows) => OnCommit::DeleteRows,
        Some(utility::OnCommit::Drop) => OnCommit::Drop,
    })
}

/// A column of the type that a table is made of.
fn typed_column(column: &Column, slot: usize) -> NewColumn<'static> {
    let mut typed = super::inherit::taken_over(column, slot);
    (typed.column.local, typed.column.inherited) = (true, 0);
    typed
}

/// Columns of a primary key are NOT NULL from the start.
fn mark_primary_key_columns(columns: &mut [NewColumn<'_>], constraints: &[(Option<usize>, &Constraint)]) {
    for (column, constraint) in constraints {
        let Syntax::PrimaryKey(key) = &constraint.kind else { continue };
        if let Some(column) = column {
            columns[*column].column.not_null = true;
        }
        for name in &key.columns {
            if let Some(column) = columns.iter_mut().find(|column| *column.column.name == *name.value) {
                column.column.not_null = true;
            }
        }
    }
}

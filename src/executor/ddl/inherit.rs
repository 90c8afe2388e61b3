//! Table inheritance: what a new table takes over from its parents, and INHERIT and NO INHERIT of tables that are there.

use std::sync::Arc;

use dictdb_catalog::{Column, Constraint, ConstraintKind, Persistence, Relation, RelationKind};
use dictdb_parser::ast::ObjectName;
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;
use super::column::NewColumn;

/// What a new table takes over.
#[derive(Default)]
pub(super) struct Inheritance {
    /// The parents, in order.
    pub parents: Vec<Arc<Relation>>,
    /// CHECK constraints, with the number of parents that have each.
    checks: Vec<(Arc<Constraint>, Arc<Relation>, i32)>,
}

impl Inheritance {
    /// What a partition takes over from its only parent.
    pub fn of_partition(parent: Arc<Relation>) -> Self {
        Inheritance { parents: vec![parent], checks: Vec::new() }
    }
}

impl DdlContext<'_> {
    /// The parents that INHERITS names. 42809, 42P07, 42501.
    pub(super) fn parents_named(&mut self, names: &[ObjectName], persistence: Persistence) -> Result<Inheritance> {
        let mut parents: Vec<Arc<Relation>> = Vec::with_capacity(names.len());
        for name in names {
            let parent = self.find_relation(name)?;
            self.lock(parent.oid, LockMode::ShareUpdateExclusive)?;
            let wrong = |message: String| Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            if !matches!(parent.kind, RelationKind::Table) {
                return wrong(format!("inherited relation \"{}\" is not a table or foreign table", parent.name));
            }
            refuse_parent(&parent)?;
            if persistence != Persistence::Temporary && parent.persistence == Persistence::Temporary {
                return wrong(format!("cannot inherit from temporary relation \"{}\"", parent.name));
            }
            self.check_owner(&parent)?;
            if parents.iter().any(|other| other.oid == parent.oid) {
                let message = format!("relation \"{}\" would be inherited from more than once", parent.name);
                return Err(Error::new(SqlState::DUPLICATE_TABLE, message));
            }
            parents.push(parent);
        }
        Ok(Inheritance { parents, checks: Vec::new() })
    }

    /// The columns that a table has from its parents, each once, and the CHECK constraints.
    pub(super) fn inherited_columns(&mut self, inheritance: &mut Inheritance) -> Result<Vec<NewColumn<'static>>> {
        let mut columns: Vec<NewColumn<'static>> = Vec::new();
        for parent in inheritance.parents.clone() {
            for (_, column) in parent.live_columns() {
                let known = columns.iter().position(|known| known.column.name == column.name);
                match known {
                    Some(at) => self.merge_inherited(&mut columns[at], column)?,
                    None => columns.push(taken_over(column, columns.len())),
                }
            }
            for check in &parent.constraints {
                take_over_check(&mut inheritance.checks, check, &parent)?;
            }
        }
        Ok(columns)
    }

    /// 42611 where parents disagree about a default and the table does not decide.
    pub(super) fn refuse_torn(columns: &[NewColumn<'_>]) -> Result<()> {
        let Some(torn) = columns.iter().find(|column| column.torn) else { return Ok(()) };
        if torn.column.generated {
            let message = format!("column \"{}\" inherits conflicting generation expressions", torn.column.name);
            return Err(Error::new(SqlState::INVALID_COLUMN_DEFINITION, message));
        }
        let message = format!("column \"{}\" inherits conflicting default values", torn.column.name);
        Err(Error::new(SqlState::INVALID_COLUMN_DEFINITION, message)
            .hint("To resolve the conflict, specify a default explicitly."))
    }

    /// A column that several parents have.
    fn merge_inherited(&mut self, known: &mut NewColumn<'_>, other: &Column) -> Result<()> {
        let name = &other.name;
        self.notice(
            SqlState::SUCCESSFUL_COMPLETION,
            format!("merging multiple inherited definitions of column \"{name}\""),
        );
        if known.column.ty != other.ty {
            return Err(self.type_conflict(format!("inherited column \"{name}\" has a type conflict"), known, other));
        }
        self.refuse_collations("inherited column", known, other)?;
        self.refuse_storage("inherited column", known, other)?;
        merge_compression(known, other)?;
        if known.column.generated != other.generated {
            let message = format!("inherited column \"{name}\" has a generation conflict");
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        known.column.inherited += 1;
        known.column.not_null |= other.not_null;
        let default = other.default.as_ref().filter(|_| other.identity.is_none());
        match (&known.stored_default, default) {
            (None, Some(default)) => known.stored_default = Some(default.clone()),
            (Some(known_default), Some(default)) => known.torn |= known_default != default,
            (_, None) => {}
        }
        Ok(())
    }

    fn type_conflict(&mut self, message: String, known: &NewColumn<'_>, other: &Column) -> Error {
        let catalog = self.view();
        let shown = |ty: dictdb_types::Type| dictdb_types::type_name_with_modifier(&*catalog, ty, &|_| None);
        let detail = format!("{} versus {}", shown(known.column.ty), shown(other.ty));
        Error::new(SqlState::DATATYPE_MISMATCH, message).detail(detail)
    }

    /// 42804 for two definitions of a column that are stored differently.
    fn refuse_storage(&mut self, what: &str, known: &NewColumn<'_>, other: &Column) -> Result<()> {
        let catalog = self.view();
        let shown = |column: &Column| match column.storage.unwrap_or_else(|| catalog.type_storage(column.ty.oid)) {
            b'p' => "PLAIN",
            b'm' => "MAIN",
            b'x' => "EXTENDED",
            _ => "EXTERNAL",
        };
        let (known, other_storage) = (shown(&known.column), shown(other));
        if known == other_storage {
            return Ok(());
        }
        let message = format!("{what} \"{}\" has a storage parameter conflict", other.name);
        Err(Error::new(SqlState::DATATYPE_MISMATCH, message).detail(format!("{known} versus {other_storage}")))
    }

    /// 42P21 for two definitions of a column that sort differently.
    fn refuse_collations(&mut self, what: &str, known: &NewColumn<'_>, other: &Column) -> Result<()> {
        if known.column.collation == other.collation {
            return Ok(());
        }
        let catalog = self.view();
        let shown = |oid: Oid| if oid.is_valid() { catalog.collation_name(oid) } else { Arc::from("") };
        let message = format!("{what} \"{}\" has a collation conflict", other.name);
        Err(Error::new(SqlState::COLLATION_MISMATCH, message).detail(format!(
            "\"{}\" versus \"{}\"",
            shown(known.column.collation),
            shown(other.collation)
        )))
    }

    /// A column that the table defines itself and has from parents too.
    pub(super) fn merge_own<'d>(
        &mut self,
        known: &mut NewColumn<'d>,
        own: NewColumn<'d>,
        moved: bool,
        announced: bool,
    ) -> Result<()> {
        let name = own.column.name.clone();
        if announced {
            let verb = if moved { "moving and merging" } else { "merging" };
            let message = format!("{verb} column \"{name}\" with inherited definition");
            let notice = Error::with_severity(dictdb_types::Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message);
            self.notices.push(match moved {
                true => notice.detail("User-specified column moved to the position of the inherited column."),
                false => notice,
            });
        }
        if known.column.ty != own.column.ty {
            return Err(self.type_conflict(format!("column \"{name}\" has a type conflict"), known, &own.column));
        }
        if announced {
            self.refuse_collations("column", known, &own.column)?;
            if own.column.storage.is_some() {
                self.refuse_storage("column", known, &own.column)?;
            }
            merge_compression(known, &own.column)?;
        }
        if known.column.generated && !own.column.generated && (own.default.is_some() || own.sequence.is_some()) {
            let what = if own.sequence.is_some() { "specifies identity" } else { "specifies default" };
            let message = format!("column \"{name}\" inherits from generated column but {what}");
            return Err(Error::new(SqlState::INVALID_COLUMN_DEFINITION, message));
        }
        if own.column.generated && known.column.generated {
            let message = format!("child column \"{name}\" specifies generation expression");
            return Err(Error::new(SqlState::INVALID_COLUMN_DEFINITION, message)
                .hint("Omit the generation expression in the definition of the child table column to inherit the generation expression from the parent table."));
        }
        known.column.local = announced;
        known.column.not_null |= own.column.not_null;
        known.constraints = own.constraints;
        if own.default.is_some() || own.sequence.is_some() {
            known.torn = false;
            known.stored_default = None;
            known.default = own.default;
            known.sequence = own.sequence;
            known.column.generated = own.column.generated;
            known.column.identity = own.column.identity;
        }
        Ok(())
    }

    /// Makes a new table known as a child, with the CHECK constraints it takes over.
    pub(super) fn put_inheritance(&mut self, table: Oid, inheritance: &Inheritance) -> Result<()> {
        for parent in &inheritance.parents {
            self.add_child(parent.oid, table)?;
        }
        for (check, parent, inherited) in &inheritance.checks {
            let ConstraintKind::Check { expression, columns } = &check.kind else { continue };
            refuse_whole_row(check, columns, parent)?;
            let relation = self.table(table)?;
            let columns = columns.iter().filter_map(|attnum| parent.attnum_in(*attnum, &relation)).collect();
            let kind = ConstraintKind::Check { expression: expression.clone(), columns };
            let (oid, inherited) = (self.new_oid(), *inherited);
            let copy = Constraint { oid, relation: table, kind, local: false, inherited, ..Constraint::clone(check) };
            self.put_constraint(table, copy)?;
        }
        Ok(())
    }

    fn add_child(&mut self, parent: Oid, child: Oid) -> Result<()> {
        let mut parent = Relation::clone(&*self.table(parent)?);
        parent.children.push(child);
        let parent = self.put_relation(parent);
        let mut child = Relation::clone(&*self.table(child)?);
        child.parents.push(parent.oid);
        self.put_relation(child);
        Ok(())
    }

    /// `ALTER TABLE … INHERIT parent`.
    pub(super) fn inherit(&mut self, relation: &Arc<Relation>, name: &ObjectName) -> Result<()> {
        let parent = self.find_relation(name)?;
        self.lock(parent.oid, LockMode::ShareUpdateExclusive)?;
        let wrong = |message: &str| Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        if relation.is_partition() {
            return wrong("cannot change inheritance of a partition");
        }
        if relation.is_partitioned() {
            return wrong("cannot change inheritance of partitioned table");
        }
        self.check_owner(&parent)?;
        if !matches!(parent.kind, RelationKind::Table) {
            let message = format!("\"{}\" is not a table or foreign table", parent.name);
            return wrong(&message);
        }
        if parent.is_partition() {
            return wrong("cannot inherit from a partition");
        }
        refuse_parent(&parent)?;
        super::expiry::refuse_family(relation)?;
        if relation.parents.contains(&parent.oid) {
            let message = format!("relation \"{}\" would be inherited from more than once", parent.name);
            return Err(Error::new(SqlState::DUPLICATE_TABLE, message));
        }
        self.refuse_circle(&parent, relation)?;
        self.refuse_transition_tables(relation, "an inheritance child", "in inheritance hierarchies")?;
        self.take_parent(&parent, relation.oid)
    }

    /// 42P07 for a parent that inherits from its child.
    pub(super) fn refuse_circle(&mut self, parent: &Arc<Relation>, child: &Arc<Relation>) -> Result<()> {
        let circular = self.view().descendants(child).iter().any(|relation| relation.oid == parent.oid);
        if !circular {
            return Ok(());
        }
        Err(Error::new(SqlState::DUPLICATE_TABLE, "circular inheritance not allowed")
            .detail(format!("\"{}\" is already a child of \"{}\".", parent.name, child.name)))
    }

    /// Makes a table that is there a child: it must have everything that children have. 42804.
    pub(super) fn take_parent(&mut self, parent: &Arc<Relation>, child: Oid) -> Result<()> {
        let mismatch = |message: String| Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        let mut relation = Relation::clone(&*self.table(child)?);
        let mut columns = relation.columns.to_vec();
        for (_, column) in parent.live_columns() {
            let Some((attnum, own)) = relation.column_named(&column.name) else {
                return mismatch(format!("child table is missing column \"{}\"", column.name));
            };
            if own.ty != column.ty {
                return mismatch(format!(
                    "child table \"{}\" has different type for column \"{}\"",
                    relation.name, column.name
                ));
            }
            if column.not_null && !own.not_null {
                return mismatch(format!("column \"{}\" in child table must be marked NOT NULL", column.name));
            }
            if column.generated && !own.generated {
                return mismatch(format!("column \"{}\" in child table must be a generated column", column.name));
            }
            if column.generated && own.default != column.default {
                let what = "has a conflicting generation expression";
                return mismatch(format!("column \"{}\" in child table {what}", column.name));
            }
            if own.collation != column.collation {
                return Err(Error::new(
                    SqlState::COLLATION_MISMATCH,
                    format!("child table \"{}\" has different collation for column \"{}\"", relation.name, column.name),
                ));
            }
            let own = &mut columns[attnum as usize - 1];
            own.inherited += 1;
            own.local &= parent.partition_key.is_none();
        }
        for check in &parent.constraints {
            let ConstraintKind::Check { expression, .. } = &check.kind else { continue };
            if check.no_inherit {
                continue;
            }
            let same_name =
                |own: &Arc<Constraint>| own.name == check.name && matches!(own.kind, ConstraintKind::Check { .. });
            let Some(at) = relation.constraints.iter().position(same_name) else {
                return mismatch(format!("child table is missing constraint \"{}\"", check.name));
            };
            let own = &relation.constraints[at];
            if !matches!(&own.kind, ConstraintKind::Check { expression: other, .. } if other == expression) {
                return mismatch(format!(
                    "child table \"{}\" has different definition for check constraint \"{}\"",
                    relation.name, check.name
                ));
            }
            let (inherited, local) = (own.inherited + 1, own.local && parent.partition_key.is_none());
            relation.constraints[at] = Arc::new(Constraint { inherited, local, ..Constraint::clone(own) });
        }
        relation.columns = columns.into();
        self.put_relation(relation);
        self.add_child(parent.oid, child)
    }

    /// `ALTER TABLE … NO INHERIT parent`.
    pub(super) fn disinherit(&mut self, relation: &Arc<Relation>, name: &ObjectName) -> Result<()> {
        if relation.is_partition() {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot change inheritance of a partition"));
        }
        let parent = self.find_relation(name)?;
        self.leave_parent(&parent, relation.oid)
    }

    /// Makes a table a child no longer; its columns and constraints become its own. 42P01.
    pub(super) fn leave_parent(&mut self, parent: &Arc<Relation>, child: Oid) -> Result<()> {
        let mut relation = Relation::clone(&*self.table(child)?);
        if !relation.parents.contains(&parent.oid) {
            let message = format!("relation \"{}\" is not a parent of relation \"{}\"", parent.name, relation.name);
            return Err(Error::new(SqlState::UNDEFINED_TABLE, message));
        }
        relation.parents.retain(|oid| *oid != parent.oid);
        let mut columns = relation.columns.to_vec();
        for column in columns.iter_mut().filter(|column| parent.column_named(&column.name).is_some()) {
            column.inherited = (column.inherited - 1).max(0);
            column.local |= column.inherited == 0;
        }
        relation.columns = columns.into();
        for own in &mut relation.constraints {
            let shared = own.inherited > 0
                && matches!(own.kind, ConstraintKind::Check { .. })
                && parent.constraints.iter().any(|check| check.name == own.name);
            if shared {
                let inherited = own.inherited - 1;
                let local = own.local || inherited == 0;
                *own = Arc::new(Constraint { inherited, local, ..Constraint::clone(own) });
            }
        }
        self.put_relation(relation);
        let mut parent = Relation::clone(&*self.table(parent.oid)?);
        parent.children.retain(|oid| *oid != child);
        self.put_relation(parent);
        Ok(())
    }
}

/// 42809 for a table that takes partitions only, or is one.
fn refuse_parent(parent: &Relation) -> Result<()> {
    super::expiry::refuse_family(parent)?;
    let message = match (parent.is_partitioned(), parent.is_partition()) {
        (true, _) => format!("cannot inherit from partitioned table \"{}\"", parent.name),
        (_, true) => format!("cannot inherit from partition \"{}\"", parent.name),
        _ => return Ok(()),
    };
    Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
}

/// Takes over the compression of another definition of a column. 42804 where both have one, and not the same.
fn merge_compression(known: &mut NewColumn<'_>, other: &Column) -> Result<()> {
    let shown = |letter: u8| if letter == b'l' { "lz4" } else { "pglz" };
    match (known.column.compression, other.compression) {
        (Some(one), Some(two)) if one != two => {
            let message = format!("column \"{}\" has a compression method conflict", other.name);
            let detail = format!("{} versus {}", shown(one), shown(two));
            Err(Error::new(SqlState::DATATYPE_MISMATCH, message).detail(detail))
        }
        (one, two) => {
            known.column.compression = one.or(two);
            Ok(())
        }
    }
}

/// A parent's column as a child has it.
pub(super) fn taken_over(column: &Column, slot: usize) -> NewColumn<'static> {
    let own = Column {
        not_null: column.not_null,
        generated: column.generated,
        collation: column.collation,
        storage: column.storage,
        compression: column.compression,
        local: false,
        inherited: 1,
        ..Column::new(column.name.clone(), column.ty, slot)
    };
    NewColumn {
        column: own,
        sequence: None,
        identity_of: None,
        default: None,
        stored_default: column.default.clone().filter(|_| column.identity.is_none()),
        constraints: Vec::new(),
        torn: false,
    }
}

/// 0A000 for a CHECK of a table's whole row, which another table has not.
pub(super) fn refuse_whole_row(check: &Constraint, columns: &[i16], table: &Relation) -> Result<()> {
    if !columns.contains(&0) {
        return Ok(());
    }
    let message = "cannot convert whole-row table reference";
    let (check, table) = (&check.name, &table.name);
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        .detail(format!("Constraint \"{check}\" contains a whole-row reference to table \"{table}\".")))
}

fn take_over_check(
    checks: &mut Vec<(Arc<Constraint>, Arc<Relation>, i32)>,
    check: &Arc<Constraint>,
    parent: &Arc<Relation>,
) -> Result<()> {
    let ConstraintKind::Check { expression, .. } = &check.kind else { return Ok(()) };
    if check.no_inherit {
        return Ok(());
    }
    let Some((known, _, count)) = checks.iter_mut().find(|(known, ..)| known.name == check.name) else {
        checks.push((check.clone(), parent.clone(), 1));
        return Ok(());
    };
    if matches!(&known.kind, ConstraintKind::Check { expression: other, .. } if other == expression) {
        *count += 1;
        return Ok(());
    }
    Err(Error::new(
        SqlState::DUPLICATE_OBJECT,
        format!("check constraint name \"{}\" appears multiple times but with different expressions", check.name),
    ))
}

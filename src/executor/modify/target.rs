//! A table that is changed, with everything a change of it has to respect.

use std::sync::{Arc, OnceLock};

use dictdb_catalog::trigger::{Event, Timing};
use dictdb_catalog::{Catalog, Column, ConstraintKind, Relation};
use dictdb_functions::Registry;
use dictdb_planner::BindContext;
use dictdb_planner::expr::Expr;
use dictdb_planner::logical::Check;
use dictdb_planner::table_expr::{TableExpr, bind_text};
use dictdb_storage::{RowStrength, Storage};
use dictdb_types::{Datum, Env, Error, Oid, Result};

use super::exclusion::ExclusionCode;
use super::foreign_key::ForeignKeyCode;
use super::lifetime::Lifetime;
use super::partition::PartitionRule;
use super::trigger::{Capture, Triggers};
use super::unique::UniqueCode;
use super::writer::Writer;
use crate::access::TableHandle;
use crate::eval::{Code, CompileContext, compile};
use crate::row::Row;

/// A table as changes see it.
#[derive(Debug)]
pub(crate) struct Target {
    /// Relation and storage.
    pub handle: TableHandle,
    /// Name of its schema, for error fields.
    pub schema: Arc<str>,
    /// Conditions on rows.
    pub rules: Rules,
    /// The columns that the statement gives values to, by attnum.
    pub given: Box<[i16]>,
    /// The table that the statement names, where that is another one.
    pub named: Option<Arc<Relation>>,
    /// The places of a row in that table's order, where they are not the same.
    pub order: Option<Box<[usize]>>,
    /// Storage column of each place of a full row, where they are not the same.
    slots: Option<Box<[usize]>>,
    /// Its foreign keys.
    pub foreign_keys: Box<[Arc<ForeignKeyCode>]>,
    /// Foreign keys that refer to it.
    pub referenced_by: Box<[Arc<ForeignKeyCode>]>,
    /// Unique constraints that are not checked when a row is written.
    pub deferrable: Box<[Arc<UniqueCode>]>,
    /// Its exclusion constraints.
    pub exclusions: Box<[Arc<ExclusionCode>]>,
    /// What takes its rows away by itself.
    pub lifetime: Option<Lifetime>,
    /// Its triggers.
    pub triggers: Option<Box<Triggers>>,
    /// What transition tables want of its rows.
    pub capture: Option<Capture>,
    /// The rule of a partition, once a row is put into it by its own name.
    partition: OnceLock<PartitionRule>,
}

/// What a full row has to satisfy, and what of it is computed.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// CHECK conditions and WITH CHECK OPTION, over the full row.
    pub checks: Box<[(Check, Code)]>,
    /// Generated columns: place and expression over the full row.
    pub generated: Box<[(usize, Code)]>,
    /// Places of NOT NULL columns.
    pub not_null: Box<[usize]>,
}

impl Rules {
    /// Compiles the rules that a plan brings along.
    pub fn of_plan(
        relation: &Relation,
        checks: &[(Check, Expr)],
        generated: &[(i16, Expr)],
        cx: &CompileContext<'_>,
    ) -> Result<Self> {
        Ok(Rules {
            checks: checks
                .iter()
                .map(|(check, expr)| Ok((check.clone(), compile(expr, cx)?)))
                .collect::<Result<_>>()?,
            generated: generated
                .iter()
                .map(|(attnum, expr)| Ok((place(*attnum)?, compile(expr, cx)?)))
                .collect::<Result<_>>()?,
            not_null: not_null(relation),
        })
    }

    /// Binds the rules of a table from its catalog text, for changes that no plan mentions: cascades, COPY.
    pub fn of_catalog(
        relation: &Arc<Relation>,
        catalog: &Arc<Catalog>,
        registry: &Registry,
        env: &dyn Env,
    ) -> Result<Self> {
        let search_path = [dictdb_catalog::namespaces::PG_CATALOG];
        let role = dictdb_catalog::BOOTSTRAP_ROLE;
        let bind = BindContext { catalog, registry, env, search_path: &search_path, role, transient: &[] };
        let cx = CompileContext::of_table(&**catalog);
        let code = |text: &str, purpose| compile(&bind_text(text, relation, purpose, bind)?.expr, &cx);
        let mut checks = Vec::new();
        for constraint in &relation.constraints {
            if let ConstraintKind::Check { expression, .. } = &constraint.kind {
                checks.push((Check::Constraint(constraint.name.clone()), code(expression, TableExpr::Check)?));
            }
        }
        let mut generated = Vec::new();
        for (attnum, column) in relation.computed_columns() {
            let purpose = match column.is_written_at() {
                true => TableExpr::Default(column.ty),
                false => TableExpr::Generated(column.ty),
            };
            if let Some(text) = &column.default {
                generated.push((place(attnum)?, code(text, purpose)?));
            }
        }
        Ok(Rules { checks: checks.into(), generated: generated.into(), not_null: not_null(relation) })
    }
}

fn not_null(relation: &Relation) -> Box<[usize]> {
    let columns = relation.columns.iter().enumerate();
    columns.filter(|(_, column)| column.not_null && !column.dropped).map(|(place, _)| place).collect()
}

/// Place of a column in the full row.
pub(crate) fn place(attnum: i16) -> Result<usize> {
    let place = usize::try_from(attnum).ok().and_then(|attnum| attnum.checked_sub(1));
    place.ok_or_else(|| Error::internal(format!("column {attnum} cannot be changed")))
}

impl Target {
    /// Resolves a table with its foreign keys.
    pub fn new(
        relation: &Arc<Relation>,
        rules: Rules,
        catalog: &Arc<Catalog>,
        storage: &Storage,
        database: Oid,
    ) -> Result<Self> {
        let (foreign_keys, referenced_by) = ForeignKeyCode::of_relation(relation, catalog, storage, database)?;
        let deferrable = UniqueCode::of_relation(relation, catalog, storage)?;
        let exclusions = ExclusionCode::of_relation(relation, catalog, storage)?;
        let bare = Target::bare(&TableHandle::new(relation, storage)?, catalog);
        let triggers = Triggers::of_relation(relation, catalog)?;
        let capture = Capture::of_relation(relation.oid, catalog);
        Ok(Target { rules, foreign_keys, referenced_by, deferrable, exclusions, triggers, capture, ..bare })
    }

    /// A table without its rules: to read rows and to name it in errors.
    pub fn bare(handle: &TableHandle, catalog: &Catalog) -> Self {
        let relation = &handle.relation;
        let identical = relation.columns.iter().enumerate().all(|(place, column)| column.slot == place);
        Target {
            handle: handle.clone(),
            schema: catalog.schema(relation.namespace).map_or_else(|| Arc::from(""), |schema| schema.name.clone()),
            rules: Rules::default(),
            given: Box::default(),
            named: None,
            order: None,
            slots: (!identical).then(|| relation.columns.iter().map(|column| column.slot).collect()),
            foreign_keys: Box::default(),
            referenced_by: Box::default(),
            deferrable: Box::default(),
            exclusions: Box::default(),
            lifetime: Lifetime::of(relation),
            triggers: None,
            capture: None,
            partition: OnceLock::new(),
        }
    }

    /// Whether it has row triggers of this kind.
    #[inline]
    pub fn has_triggers(&self, timing: Timing, event: Event) -> bool {
        self.triggers.as_ref().is_some_and(|triggers| triggers.has(timing, true, event))
    }

    /// Whether somebody wants to know of every row that such an event happens to.
    pub fn watches_rows(&self, event: Event) -> bool {
        self.has_triggers(Timing::Before, event)
            || self.has_triggers(Timing::After, event)
            || self.capture.is_some_and(|capture| capture.wants(event))
    }

    /// A row as the table that the statement names has it.
    pub fn as_named(&self, row: &Row) -> Row {
        match &self.order {
            Some(places) => places.iter().map(|place| row.get(*place).cloned().unwrap_or(Datum::Null)).collect(),
            None => row.clone(),
        }
    }

    /// Whether policies say which rows it may get.
    pub fn has_policies(&self) -> bool {
        self.rules.checks.iter().any(|(check, _)| matches!(check, Check::Policy { .. }))
    }

    /// The rule of a partition; `None` for any other table.
    pub fn partition_rule(&self, writer: &Writer<'_>) -> Result<Option<&PartitionRule>> {
        if !self.relation().is_partition() {
            return Ok(None);
        }
        if let Some(rule) = self.partition.get() {
            return Ok(Some(rule));
        }
        let rule = PartitionRule::new(self.relation(), writer)?;
        Ok(Some(self.partition.get_or_init(|| rule)))
    }

    /// The relation.
    pub fn relation(&self) -> &Arc<Relation> {
        &self.handle.relation
    }

    /// Number of places of a full row.
    pub fn width(&self) -> usize {
        self.handle.relation.columns.len()
    }

    /// The strength in which a row is locked before these places of it are given values, whatever they turn out to be
    /// (`ExecUpdateLockMode`): foreign keys may refer to the columns of a unique index.
    pub fn update_strength(&self, places: impl Iterator<Item = usize> + Clone) -> RowStrength {
        let is_given = |column: &usize| places.clone().any(|place| self.slot(place) == *column);
        let indexes = self.handle.table.indexes();
        let mut identities = indexes.iter().map(|index| index.def()).filter(|index| index.row_identity);
        match identities.any(|index| index.key.columns().iter().any(is_given)) {
            true => RowStrength::Update,
            false => RowStrength::NoKeyUpdate,
        }
    }

    /// Storage column of a place.
    pub fn slot(&self, place: usize) -> usize {
        match &self.slots {
            Some(slots) => slots.get(place).copied().unwrap_or(place),
            None => place,
        }
    }

    /// The column at a place.
    pub fn column(&self, place: usize) -> Option<&Column> {
        self.relation().columns.get(place)
    }

    /// Places that an update of some places writes: those, and the generated columns.
    pub fn with_generated(&self, mut places: Vec<usize>) -> Vec<usize> {
        for (place, _) in &self.rules.generated {
            if !places.contains(place) {
                places.push(*place);
            }
        }
        places
    }

    /// Appends the full row of a stored version.
    pub fn read_full(&self, version: &dyn dictdb_storage::RowReader, row: &mut Row) -> Result<()> {
        for (place, column) in self.relation().columns.iter().enumerate() {
            row.push(if column.is_kept() { version.column(self.slot(place)).to_datum()? } else { Datum::Null });
        }
        Ok(())
    }

    /// A full row in the order of storage columns; borrowed where that is the same order.
    pub fn storage_row<'a>(&self, full: &'a [Datum]) -> std::borrow::Cow<'a, [Datum]> {
        let Some(slots) = &self.slots else { return std::borrow::Cow::Borrowed(full) };
        let width = slots.iter().max().map_or(0, |last| last + 1);
        let mut row = vec![Datum::Null; width];
        for (value, slot) in full.iter().zip(slots) {
            row[*slot] = value.clone();
        }
        std::borrow::Cow::Owned(row)
    }
}

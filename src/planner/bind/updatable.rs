//! Changes through views: a view over one table, row for row, stands for the table (manual, "Updatable Views").
//!
//! The view's query is bound over a scan of the table at the bottom; its columns are expressions over that scan, its
//! conditions filter it. An INSERT puts the new row's columns in place of the scan's.

use std::collections::BTreeSet;
use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{CheckOption, PolicyCommand, Privileges, Relation, RelationKind, ViewInfo};
use dictdb_parser::ast::{self, Distinct, SetExpr, TableFactor};
use dictdb_parser::node;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::clause::Clause;
use super::level::Level;
use super::modify::RowColumns;
use super::names::{NamedColumn, Names, TableName};
use super::{BindContext, Binder};
use crate::columns::{expr_columns, replace_in_expr};
use crate::expr::{ColumnId, Expr};
use crate::logical::{Check, Node};

/// What is to be done through a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Insert,
    Update,
    Delete,
}

impl Verb {
    /// That of an event of rows.
    pub fn of(event: Event) -> Verb {
        match event {
            Event::Insert => Verb::Insert,
            Event::Update => Verb::Update,
            Event::Delete | Event::Truncate => Verb::Delete,
        }
    }

    fn event(self) -> Event {
        match self {
            Verb::Insert => Event::Insert,
            Verb::Update => Event::Update,
            Verb::Delete => Event::Delete,
        }
    }

    /// The policies that choose the rows.
    fn policies(self) -> &'static [PolicyCommand] {
        match self {
            Verb::Insert => &[],
            Verb::Update => &[PolicyCommand::Update, PolicyCommand::Select],
            Verb::Delete => &[PolicyCommand::Delete, PolicyCommand::Select],
        }
    }

    /// `cannot … view`, `To enable … the view`, the event.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Verb::Insert => ("insert into", "inserting into", "INSERT"),
            Verb::Update => ("update", "updating", "UPDATE"),
            Verb::Delete => ("delete from", "deleting from", "DELETE"),
        }
    }
}

/// A view as the target of a change.
#[derive(Clone)]
pub(crate) struct ViewTarget {
    /// The view.
    pub view: Arc<Relation>,
    /// The table at the bottom.
    pub base: Arc<Relation>,
    /// The scan of it.
    pub scan: Node,
    /// The view's columns, over the scan, in order.
    columns: Vec<ViewColumn>,
    /// Conditions of this view and of those below it, over the scan.
    filters: Vec<Expr>,
    /// Whose view of the table counts.
    pub role: Oid,
    /// What the change goes through, the table at the bottom first.
    layers: Vec<Layer>,
    /// Those that a new row has to satisfy, with the views they are of: the innermost first.
    checks: Vec<(Arc<str>, Expr)>,
}

/// A view that a change goes through, or the table, and as whom.
#[derive(Clone)]
struct Layer {
    relation: Arc<Relation>,
    role: Oid,
    /// The table's column that each of its own is, if it is one: attnums.
    columns: Vec<(i16, i16)>,
    /// Those of its own that the view right above it is made of.
    read: Vec<i16>,
}

#[derive(Clone)]
struct ViewColumn {
    name: Arc<str>,
    expr: Expr,
    /// The table's column, when the view's is one.
    attnum: Option<i16>,
    /// Otherwise, the column and view where something else than a column is selected.
    made_by: (Arc<str>, Arc<str>),
    /// It is a column of what the view selects from.
    is_plain: bool,
    default: Option<Arc<str>>,
}

impl Binder<'_> {
    /// Binds a view as the target of a change. 55000 when it is no view that can be one.
    pub(crate) fn view_target(&mut self, view: &Arc<Relation>, verb: Verb) -> Result<ViewTarget> {
        self.nested(|binder| binder.view_target_inside(view, verb, false))
    }

    fn view_target_inside(&mut self, view: &Arc<Relation>, verb: Verb, cascaded: bool) -> Result<ViewTarget> {
        let RelationKind::View(info) = &view.kind else { return Err(Error::internal("not a view")) };
        self.relations.insert(view.oid);
        let statements = dictdb_parser::parse(&info.query, &dictdb_parser::Limits::default())?;
        let [statement] = statements.as_slice() else {
            return Err(Error::internal("a stored query is not one statement"));
        };
        let query = match &statement.statement {
            dictdb_parser::Statement::Sql(tree) => match &**tree {
                ast::Statement::Query(query) => query,
                _ => return Err(Error::internal("a stored query is not a SELECT")),
            },
            dictdb_parser::Statement::Utility(_) => return Err(Error::internal("a stored query is not a query")),
        };
        let refuse = |detail: &str| not_updatable(view, verb, detail);
        let select = simple_select(query).map_err(refuse)?;
        let invoker = view.option("security_invoker").is_some_and(|value| value == "true");
        let role = if invoker { self.invoker } else { view.owner };
        let context = BindContext { search_path: &info.search_path, role, transient: &[], ..self.cx };
        let mut inner = Binder::new(context, &statement.locations, &[], false);
        inner.invoker = self.invoker;
        (inner.ignores_triggers, inner.ignores_policies) = (self.ignores_triggers, self.ignores_policies);
        inner.stops_at = self.stops_at;
        self.enter_view(view, &mut inner)?;
        let cascade = cascaded || info.check_option == Some(CheckOption::Cascaded);
        let target = inner.flatten(view, info, select, verb, cascade)?;
        (self.next_column, self.next_cte) = (inner.next_column, inner.next_cte);
        self.relations.extend(inner.relations.iter().copied());
        self.accesses.append(&mut inner.accesses);
        self.mentions.append(&mut inner.mentions);
        self.secured = self.secured.take().or(inner.secured.take());
        if !matches!(verb, Verb::Delete) && !target.columns.iter().any(|column| column.is_plain) {
            return Err(refuse("Views that have no updatable columns are not automatically updatable."));
        }
        Ok(target)
    }

    /// Binds a view's SELECT over the table at the bottom.
    fn flatten(
        &mut self,
        view: &Arc<Relation>,
        info: &ViewInfo,
        select: &ast::Select,
        verb: Verb,
        cascade: bool,
    ) -> Result<ViewTarget> {
        let refuse = |detail: &str| not_updatable(view, verb, detail);
        let (name, alias, only) = single_table(select).map_err(refuse)?;
        let from = self.relation(name)?;
        let below = match &from.kind {
            RelationKind::View(_) if self.stops_at == Some(from.oid) => None,
            // Its triggers or rules change something, as a table does.
            RelationKind::View(_) if self.has_instead(&from, verb.event()) => None,
            RelationKind::View(_) if self.has_replacing_rule(&from, verb.event()) => None,
            RelationKind::View(_) => Some(self.view_target_inside(&from, verb, cascade)?),
            RelationKind::Table => None,
            _ => return Err(refuse(NOT_SINGLE)),
        };
        let below_made: Vec<BelowColumn> = match &below {
            Some(below) => {
                below.numbered_all().map(|(attnum, c)| ((from.oid, attnum), Some(c.made_by.clone()))).collect()
            }
            None => from.live_columns().map(|(attnum, _)| ((from.oid, attnum), None)).collect(),
        };
        let role_of_base = below.as_ref().map(|below| below.role);
        let mut layers = below.as_ref().map(|below| below.layers.clone()).unwrap_or_default();
        let below_columns = match &below {
            Some(below) => below.numbered(),
            None => from.live_columns().map(|(attnum, _)| (attnum, attnum)).collect(),
        };
        let (scan, names, base, mut filters, mut checks) = match below {
            Some(below) => {
                let names =
                    below.names(&below.columns.iter().map(|c| c.expr.clone()).collect::<Vec<_>>(), alias, self)?;
                (below.scan, names, below.base, below.filters, below.checks)
            }
            None => {
                let (scan, names) = self.bind_relation(&from, alias, only, None)?;
                self.note_target();
                let secured = match &scan {
                    Node::Scan(scan) => self.visible_rows(&from, &scan.columns, verb.policies())?,
                    _ => Vec::new(),
                };
                (scan, names, from.clone(), secured, Vec::new())
            }
        };
        let mentioned = self.mentions.len();
        self.levels.push(Level { names, ..Level::default() });
        let targets = self.in_clause(Clause::Select, |binder| binder.bind_targets(&select.projection))?;
        let own = match &select.selection {
            Some(selection) => Some(self.bind_predicate(selection, Clause::Where)?),
            None => None,
        };
        let level = self.levels.pop().unwrap_or_default();
        only_plain_rows(&level).map_err(refuse)?;
        let mut read = columns_read(&scan, targets.iter().map(|(_, expr)| expr).chain(&own), &from);
        let by_name = self.mentions.get(mentioned..).unwrap_or_default();
        read.extend(by_name.iter().filter(|(oid, _)| *oid == from.oid).map(|(_, attnum)| *attnum));
        layers.push(Layer { relation: from, role: self.cx.role, columns: below_columns, read });
        let columns = view_columns(view, targets, (&scan, &base), &below_made);
        if let Some(own) = own {
            if cascade || info.check_option.is_some() {
                checks.push((view.name.clone(), own.clone()));
            }
            filters.push(own);
        }
        Ok(ViewTarget {
            view: view.clone(),
            base,
            scan,
            columns,
            filters,
            checks,
            role: role_of_base.unwrap_or(self.cx.role),
            layers,
        })
    }
}

const NOT_SINGLE: &str = "Views that do not select from a single table or view are not automatically updatable.";

/// The one table or view that a SELECT is from, its alias, and whether it is `ONLY` it; else why that is not enough.
fn single_table(select: &ast::Select) -> Result<(&ast::ObjectName, Option<&ast::TableAlias>, bool), &'static str> {
    let [item] = select.from.as_slice() else { return Err(NOT_SINGLE) };
    match &item.relation {
        _ if !item.joins.is_empty() => Err(NOT_SINGLE),
        TableFactor::Table { sample: Some(_), .. } => {
            Err("Views containing TABLESAMPLE are not automatically updatable.")
        }
        TableFactor::Table { name, alias, with_hints, .. } => {
            Ok((name, alias.as_ref(), dictdb_parser::node::is_only(with_hints)))
        }
        _ => Err(NOT_SINGLE),
    }
}

/// Whether a select list computes with single rows of its table; else why that is not enough.
fn only_plain_rows(level: &Level) -> Result<(), &'static str> {
    let refused = [
        (!level.aggregates.is_empty(), "Views that return aggregate functions are not automatically updatable."),
        (!level.windows.is_empty(), "Views that return window functions are not automatically updatable."),
        (!level.sets.is_empty(), "Views that return set-returning functions are not automatically updatable."),
    ];
    refused.iter().find(|(found, _)| *found).map_or(Ok(()), |(_, detail)| Err(*detail))
}

impl Binder<'_> {
    /// Notes what a change through a view needs: rights of the current role on the view, of each view's owner on what is
    /// below it. `from` is where the accesses begin that binding the view has noted: those of the view come first.
    pub(crate) fn note_view_change(&mut self, target: &ViewTarget, wanted: Privileges, assigned: &[i16], from: usize) {
        let below = self.accesses.split_off(from.min(self.accesses.len()));
        let own = |columns: &[(i16, i16)]| -> Vec<i16> {
            columns.iter().filter(|(_, base)| assigned.contains(base)).map(|(own, _)| *own).collect()
        };
        self.note_change(&target.view, wanted, own(&target.numbered()));
        let first = self.accesses.len();
        for layer in target.layers.iter().rev() {
            let outer = std::mem::replace(&mut self.cx.role, layer.role);
            self.note_change_below(&layer.relation, wanted, own(&layer.columns), &layer.read);
            self.cx.role = outer;
        }
        self.accesses.extend(below);
        self.note_below(first, target.view.oid);
    }
}

/// A column of what a view selects from, and where it was made if not by the table at the bottom.
type BelowColumn = ((Oid, i16), Option<(Arc<str>, Arc<str>)>);

/// The view's columns by its own names, with the table's columns they are.
fn view_columns(
    view: &Relation,
    targets: Vec<(crate::logical::Column, Expr)>,
    (scan, table): (&Node, &Relation),
    below: &[BelowColumn],
) -> Vec<ViewColumn> {
    let base = base_columns(scan);
    let attnum_of = |expr: &Expr| match expr {
        Expr::Column(id, _) => {
            base.iter().find(|(column, attnum)| column.id == *id && *attnum > 0).map(|(_, attnum)| *attnum)
        }
        _ => None,
    };
    let declared = view.live_columns();
    targets
        .into_iter()
        .zip(declared)
        .map(|((target, expr), (_, column))| {
            let attnum = attnum_of(&expr).filter(|attnum| table.column(*attnum).is_some());
            let made = below.iter().find(|(source, _)| Some(*source) == target.source);
            let made_by = made.and_then(|(_, made)| made.clone());
            ViewColumn {
                name: column.name.clone(),
                attnum,
                expr,
                made_by: made_by.unwrap_or_else(|| (column.name.clone(), view.name.clone())),
                is_plain: made.is_some() || attnum.is_some(),
                default: column.default.clone(),
            }
        })
        .collect()
}

/// The columns of a scanned table that expressions over the scan are of: attnums.
fn columns_read<'e>(scan: &Node, exprs: impl Iterator<Item = &'e Expr>, table: &Relation) -> Vec<i16> {
    let Node::Scan(scan) = scan else { return Vec::new() };
    if scan.relation.oid != table.oid {
        return Vec::new();
    }
    let mut ids = BTreeSet::new();
    exprs.for_each(|expr| expr_columns(expr, &mut ids));
    scan.columns.iter().filter(|(column, _)| ids.contains(&column.id)).map(|(_, attnum)| *attnum).collect()
}

/// The columns of what is at the bottom, with their attnums: a table, or a view whose triggers carry changes out.
fn base_columns(scan: &Node) -> Vec<(crate::logical::Column, i16)> {
    match scan {
        Node::Scan(scan) => scan.columns.clone(),
        shown => shown.columns().into_iter().zip(1..).collect(),
    }
}

/// The SELECT of a view that stands for its table row for row; the error is the detail that says why it does not.
fn simple_select(query: &ast::Query) -> Result<&ast::Select, &'static str> {
    let select = match &*query.body {
        SetExpr::Select(select) => select,
        SetExpr::SetOperation { .. } => {
            return Err("Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable.");
        }
        _ => return Err("Views that do not select from a single table or view are not automatically updatable."),
    };
    let (groups, _) = node::group_by(&select.group_by);
    let distinct = matches!(&select.distinct, Some(Distinct::Distinct | Distinct::On(_)));
    let reasons = [
        (distinct, "Views containing DISTINCT are not automatically updatable."),
        (!groups.is_empty(), "Views containing GROUP BY are not automatically updatable."),
        (select.having.is_some(), "Views containing HAVING are not automatically updatable."),
        (query.with.is_some(), "Views containing WITH are not automatically updatable."),
        (
            query.limit_clause.is_some() || query.fetch.is_some(),
            "Views containing LIMIT or OFFSET are not automatically updatable.",
        ),
    ];
    match reasons.iter().find(|(holds, _)| *holds) {
        Some((_, detail)) => Err(detail),
        None => Ok(select),
    }
}

pub(crate) fn not_updatable(view: &Relation, verb: Verb, detail: &str) -> Error {
    let (doing, enabling, event) = verb.words();
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, format!("cannot {doing} view \"{}\"", view.name))
        .detail(detail)
        .hint(format!(
            "To enable {enabling} the view, provide an INSTEAD OF {event} trigger or an unconditional ON {event} DO \
             INSTEAD rule."
        ))
}

impl ViewTarget {
    /// The table with the view's own defaults, where it has any.
    pub fn base_with_defaults(&self) -> Arc<Relation> {
        if self.columns.iter().all(|column| column.default.is_none()) {
            return self.base.clone();
        }
        let mut columns = self.base.columns.to_vec();
        for column in &self.columns {
            if let (Some(attnum), Some(default)) = (column.attnum, &column.default) {
                columns[attnum as usize - 1].default = Some(default.clone());
            }
        }
        Arc::new(Relation { columns: columns.into(), ..Relation::clone(&self.base) })
    }

    /// The table as UPDATE sees it through the view: DEFAULT is the view's own default or none, never the table's, and the table's
    /// columns that make their own values take no value from a view at all.
    pub fn base_to_update(&self) -> Arc<Relation> {
        let mut columns = self.base.columns.to_vec();
        for column in columns.iter_mut().filter(|column| !column.generated) {
            column.default = None;
        }
        for column in &self.columns {
            if let Some(attnum) = column.attnum.filter(|attnum| !columns[*attnum as usize - 1].generated) {
                columns[attnum as usize - 1].default = column.default.clone();
            }
        }
        Arc::new(Relation { columns: columns.into(), ..Relation::clone(&self.base) })
    }

    /// What the view is over, the view right below it first and the table last.
    pub fn below(&self) -> Vec<Arc<Relation>> {
        self.layers.iter().rev().map(|layer| layer.relation.clone()).collect()
    }

    /// The rows the view has of the table.
    pub fn node(&self) -> Node {
        self.filters.iter().fold(self.scan.clone(), |node, predicate| Node::Filter {
            input: Box::new(node),
            predicate: predicate.clone(),
        })
    }

    /// The columns an INSERT without a column list gives. What the view itself makes is refused before what is made below.
    pub fn all_targets(&self, width: usize, verb: Verb) -> Result<Vec<i16>> {
        let given = || self.columns.iter().take(width.max(1));
        let mut own = given().filter(|column| column.attnum.is_none() && column.made_by.1 == self.view.name);
        if let Some(column) = own.next() {
            self.assignable(column, verb)?;
        }
        given().map(|column| self.assignable(column, verb)).collect()
    }

    /// 0A000 for a default of the view for a column that no value can be given to, unless the statement gives it.
    pub fn check_defaults(&self, verb: Verb) -> Result<()> {
        for column in self.columns.iter().filter(|column| column.default.is_some()) {
            let attnum = self.assignable(column, verb)?;
            if let Some(generated) = self.base.column(attnum).filter(|column| column.generated) {
                return Err(super::modify::not_assignable(generated, "insert"));
            }
        }
        Ok(())
    }

    /// Its columns with their attnums.
    fn numbered_all(&self) -> impl Iterator<Item = (i16, &ViewColumn)> {
        self.view.live_columns().map(|(attnum, _)| attnum).zip(&self.columns)
    }

    /// Attnums of its columns that are columns of the table, with those.
    fn numbered(&self) -> Vec<(i16, i16)> {
        self.numbered_all().filter_map(|(own, column)| Some((own, column.attnum?))).collect()
    }

    /// The columns of the view, and of those between, that a column of the table is shown as.
    pub fn shown_as(&self, attnum: i16) -> Vec<(Oid, i16)> {
        let own = self.numbered().into_iter().map(|columns| (self.view.oid, columns));
        let between =
            self.layers.iter().flat_map(|layer| layer.columns.iter().map(|columns| (layer.relation.oid, *columns)));
        own.chain(between).filter(|(_, (_, base))| *base == attnum).map(|(oid, (own, _))| (oid, own)).collect()
    }

    /// The table under the names that the view has for its columns; the others have none that could be written.
    pub fn base_as_named(&self) -> Arc<Relation> {
        let mut columns = self.base.columns.to_vec();
        for (place, column) in columns.iter_mut().enumerate() {
            let shown = self.columns.iter().find(|shown| shown.attnum == Some(place as i16 + 1));
            column.name = shown.map_or_else(|| Arc::from(""), |shown| shown.name.clone());
        }
        Arc::new(Relation { columns: columns.into(), ..Relation::clone(&self.base) })
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The table's column that a name of the view means. 42703, 0A000.
    pub fn attnum(&self, name: &str, verb: Verb) -> Result<i16> {
        match self.columns.iter().find(|column| *column.name == *name) {
            Some(column) => self.assignable(column, verb),
            None => Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{name}\" of relation \"{}\" does not exist", self.view.name),
            )),
        }
    }

    fn assignable(&self, column: &ViewColumn, verb: Verb) -> Result<i16> {
        column.attnum.ok_or_else(|| {
            let doing = verb.words().0;
            Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cannot {doing} column \"{}\" of view \"{}\"", column.made_by.0, column.made_by.1),
            )
            .detail(match &column.expr {
                Expr::Column(id, _) if self.is_system(*id) => {
                    "View columns that refer to system columns are not updatable."
                }
                _ => "View columns that are not columns of their base relation are not updatable.",
            })
        })
    }

    fn is_system(&self, id: ColumnId) -> bool {
        base_columns(&self.scan).iter().any(|(column, attnum)| column.id == id && *attnum < 0)
    }

    /// The view's columns over the scan, as names.
    pub fn scan_names(&self, alias: Option<&ast::TableAlias>, binder: &Binder<'_>) -> Result<Names> {
        let exprs: Vec<Expr> = self.columns.iter().map(|column| column.expr.clone()).collect();
        self.names(&exprs, alias, binder)
    }

    fn names(&self, exprs: &[Expr], alias: Option<&ast::TableAlias>, binder: &Binder<'_>) -> Result<Names> {
        let columns = self.named(exprs);
        let columns = match alias {
            Some(alias) => binder.alias_columns(alias, columns)?,
            None => columns,
        };
        let shown = alias.map_or(&*self.view.name, |alias| alias.name.value.as_str());
        Ok(Names::of_table(TableName::new(shown, columns, self.view.row_type)))
    }

    fn named(&self, exprs: &[Expr]) -> Vec<NamedColumn> {
        let attnums = self.view.live_columns().map(|(attnum, _)| attnum);
        self.columns
            .iter()
            .zip(exprs)
            .zip(attnums)
            .map(|((column, expr), attnum)| NamedColumn {
                name: column.name.clone(),
                expr: expr.clone(),
                source: Some((self.view.oid, attnum)),
            })
            .collect()
    }

    /// The view's columns over a row of the table, as a table name.
    pub fn row_name(&self, alias: &str, row: &RowColumns) -> TableName {
        let exprs: Vec<Expr> = self.columns.iter().map(|column| self.over_row(&column.expr, row)).collect();
        TableName::new(alias, self.named(&exprs), self.view.row_type)
    }

    /// WITH CHECK OPTION over a new row of the table.
    pub fn checks_over(&self, row: &RowColumns) -> Vec<(Check, Expr)> {
        let over = |(name, expr): &(Arc<str>, Expr)| (Check::View(name.clone()), self.over_row(expr, row));
        self.checks.iter().map(over).collect()
    }

    fn over_row(&self, expr: &Expr, row: &RowColumns) -> Expr {
        let mut expr = expr.clone();
        for (column, attnum) in base_columns(&self.scan) {
            if let Some((new, _)) = row.iter().find(|(_, number)| *number == attnum) {
                replace_in_expr(&mut expr, column.id, &Expr::column(new));
            }
        }
        expr
    }
}

/// Whether rows can be changed through a view: by which commands, and which columns.
pub struct Updatable {
    /// Rows can be inserted.
    pub insert: bool,
    /// Rows can be updated.
    pub update: bool,
    /// Rows can be deleted.
    pub delete: bool,
    /// Positions of the columns that can be assigned to; when there is none, neither INSERT nor UPDATE is possible.
    pub columns: Vec<usize>,
}

/// Finds out what can be done through a view; whether triggers of a view below count is the caller's to say. Errors of its query
/// are the caller's to ignore.
pub fn updatable(view: &Arc<Relation>, triggers: bool, cx: BindContext<'_>) -> Result<Updatable> {
    let locations = dictdb_parser::Locations::default();
    let mut binder = Binder::new(cx, &locations, &[], false);
    binder.ignores_triggers = !triggers;
    let delete = binder.view_target(view, Verb::Delete);
    // A view below may have rules for some commands only.
    let (insert, update) = (binder.view_target(view, Verb::Insert), binder.view_target(view, Verb::Update));
    let (inserts, updates, deletes) = (insert.is_ok(), update.is_ok(), delete.is_ok());
    let target = delete.or_else(|error| update.or(insert).map_err(|_| error))?;
    let assignable = target.columns.iter().enumerate().filter(|(_, column)| column.attnum.is_some());
    let columns: Vec<usize> = assignable.map(|(position, _)| position).collect();
    let assigns = !columns.is_empty();
    Ok(Updatable { insert: inserts && assigns, update: updates && assigns, delete: deletes, columns })
}

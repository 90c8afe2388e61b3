//! The texts of rules: the condition and the actions, bound when a rule is made, and written back.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{Catalog, Relation, Rule, RuleAction};
use dictdb_parser::ast;
use dictdb_parser::utility::Utility;
use dictdb_parser::{Limits, Locations, Statement};
use dictdb_types::{Error, Oid, RegKind, Result, SqlState, quote_identifier, quote_literal, quote_qualified};

use crate::bind::{
    BindContext, Binder, Clause, Level, NamedColumn, Names, Referable, Renaming, RowShape, RuleRows, TableName,
};
use crate::expr::{ColumnId, Expr};
use crate::logical::Column;
use crate::view::record::Recorder;
use crate::view::scope::Scope;
use crate::view::tree::{
    Assignment, Body, ChangeAction, FromItem, InsertSource, MergeThen, MergeWhen, Query, Source, Table, TargetName,
};
use crate::view::{CLAUSE, Printer, Shown, Style};

/// A rule as CREATE RULE says it.
pub struct WrittenRule<'a> {
    /// What it is about.
    pub event: Event,
    /// Its relation.
    pub relation: &'a Arc<Relation>,
    /// `INSTEAD`.
    pub instead: bool,
    /// `WHERE`.
    pub condition: Option<&'a ast::Expr>,
    /// Its statements.
    pub actions: &'a [Statement],
}

/// A bound rule.
#[derive(Default)]
pub struct BoundRule {
    /// Canonical text, to store.
    pub condition: Option<Arc<str>>,
    /// Likewise.
    pub actions: Vec<RuleAction>,
    /// The columns that it mentions: relation and attnum.
    pub columns: BTreeSet<(Oid, i16)>,
    /// The relations that it reads or changes.
    pub relations: BTreeSet<Oid>,
    /// The functions of users that it calls.
    pub functions: BTreeSet<Oid>,
    /// The operators of users that it calls, each with its function.
    pub operators: BTreeSet<(Oid, Oid)>,
    /// The types of users that it casts to.
    pub types: BTreeSet<Oid>,
}

/// The columns of the rows `old` and `new`.
struct Rows {
    relation: Arc<Relation>,
    old: Vec<(Column, i16)>,
    new: Vec<(Column, i16)>,
}

impl Rows {
    fn of(relation: &Arc<Relation>, binder: &mut Binder<'_>) -> Rows {
        let (old, new) = (binder.returned_columns(relation), binder.row_columns(relation));
        Rows { relation: relation.clone(), old, new }
    }

    fn tables(&self, binder: &Binder<'_>) -> Vec<TableName> {
        let table = |alias, row| TableName { schema: None, ..binder.row_name(&self.relation, alias, row) };
        vec![table("old", &self.old), table("new", &self.new)]
    }

    /// Whether columns of either row are among these.
    fn used(&self, columns: &BTreeSet<ColumnId>) -> (bool, bool) {
        let any = |row: &[(Column, i16)]| row.iter().any(|(column, _)| columns.contains(&column.id));
        (any(&self.old), any(&self.new))
    }

    fn mentioned(&self, columns: &BTreeSet<ColumnId>) -> impl Iterator<Item = (Oid, i16)> {
        let row = self.old.iter().chain(&self.new).filter(|(column, _)| columns.contains(&column.id));
        row.map(|(_, attnum)| (self.relation.oid, *attnum)).filter(|(_, attnum)| *attnum > 0)
    }

    /// The names around a text, under the names that the columns have now.
    fn scope(&self, now: &Arc<Relation>) -> Scope {
        let table = |alias: &str, row: &[(Column, i16)]| {
            let named = |system: bool| {
                let own = row.iter().filter(|(_, attnum)| (*attnum < 0) == system);
                let named = own.map(|(column, attnum)| {
                    let name = now.column(*attnum).map_or_else(|| column.name.clone(), |column| column.name.clone());
                    NamedColumn { name, ..NamedColumn::of(column) }
                });
                named.collect()
            };
            FromItem::Table(Table {
                source: Source::Relation(now.clone(), false),
                alias: Some(Arc::from(alias)),
                renames: false,
                columns: named(false),
                system: named(true),
                also: Vec::new(),
                lateral: false,
                sample: None,
            })
        };
        Scope::new(&[table("old", &self.old), table("new", &self.new)], Some(&Scope::default()))
    }
}

/// What a text says, bound.
enum Wording {
    Condition(Expr),
    Action(Query),
    /// NOTIFY.
    Words(String),
}

/// A text bound with its wording.
struct Recorded {
    wording: Wording,
    rows: Rows,
    shapes: HashMap<ColumnId, RowShape>,
    /// The columns that it takes from outside.
    free: BTreeSet<ColumnId>,
    /// The columns of tables that it mentions.
    used: Vec<(Oid, i16)>,
}

fn recording<'a>(cx: BindContext<'a>, locations: &'a Locations, renamed: Option<Arc<Catalog>>) -> Binder<'a> {
    let mut binder = Binder::new(cx, locations, &[], false);
    (binder.keep_casts, binder.ignores_policies) = (true, true);
    binder.recorder = Some(Recorder::new(renamed));
    binder
}

fn condition(tree: &ast::Expr, relation: &Arc<Relation>, event: Event, binder: &mut Binder<'_>) -> Result<Recorded> {
    let rows = Rows::of(relation, binder);
    let mut tables = rows.tables(binder);
    match event {
        Event::Insert => tables[0].referable = Referable::No,
        Event::Delete => tables[1].referable = Referable::No,
        _ => {}
    }
    // Names without a table mean columns of these rows.
    let seen = tables.iter().filter(|table| table.referable == Referable::Yes);
    let columns = seen.flat_map(|table| table.columns.clone()).collect();
    let names = Names { tables, columns };
    binder.levels.push(Level { names, clause: Clause::Where, ..Level::default() });
    let bound = binder.bind_predicate(tree, Clause::Where)?;
    binder.levels.pop();
    let mut free = BTreeSet::new();
    crate::columns::expr_columns(&bound, &mut free);
    Ok(Recorded {
        wording: Wording::Condition(bound),
        rows,
        shapes: std::mem::take(&mut binder.row_shapes),
        free,
        used: Vec::new(),
    })
}

fn action(statement: &Statement, relation: &Arc<Relation>, binder: &mut Binder<'_>) -> Result<Recorded> {
    let rows = Rows::of(relation, binder);
    let tree = match statement {
        Statement::Sql(tree) => tree,
        Statement::Utility(utility) => {
            let wording = Wording::Words(notify(utility)?);
            return Ok(Recorded { wording, rows, shapes: HashMap::new(), free: BTreeSet::new(), used: Vec::new() });
        }
    };
    let names = rows.tables(binder);
    binder.enclose_in_rule(&names);
    binder.rule_rows = Some(RuleRows { node: None, names });
    let node = binder.in_level(|binder| match &**tree {
        ast::Statement::Query(query) => {
            let node = binder.bind_query(query)?;
            binder.settle_unknown(node)
        }
        change => binder.bind_modify(change),
    })?;
    let query = match &**tree {
        ast::Statement::Query(_) => binder.recorded_query(),
        _ => binder.recorded_body(),
    };
    let query = query.ok_or_else(|| Error::internal("an action was bound without being recorded"))?;
    let free = crate::columns::free_columns(&node);
    let mut used = crate::columns::used(&node);
    used.extend(assigned(&query));
    Ok(Recorded { wording: Wording::Action(query), rows, shapes: std::mem::take(&mut binder.row_shapes), free, used })
}

/// The columns that an action gives values to.
pub(crate) fn assigned(query: &Query) -> Vec<(Oid, i16)> {
    let Body::Change(change) = &query.body else { return Vec::new() };
    let Source::Relation(relation, _) = &change.target.source else { return Vec::new() };
    let targets: Vec<&TargetName> = match &change.action {
        ChangeAction::Insert(insert) => insert.columns.iter().collect(),
        ChangeAction::Update(update) => update.set.iter().flat_map(Assignment::targets).collect(),
        ChangeAction::Delete(..) => Vec::new(),
        ChangeAction::Merge(merge) => {
            let of = |when: &'_ MergeWhen| match &when.action {
                MergeThen::Nothing | MergeThen::Delete => Vec::new(),
                MergeThen::Update(set) => set.iter().flat_map(Assignment::targets).cloned().collect(),
                MergeThen::Insert(_, given) => given.iter().map(|(target, _)| target.clone()).collect(),
            };
            return merge.clauses.iter().flat_map(of).map(|target| (relation.oid, target.attnum)).collect();
        }
    };
    targets.into_iter().map(|target| (relation.oid, target.attnum)).collect()
}

fn notify(utility: &Utility) -> Result<String> {
    let Utility::Notify(notify) = utility else {
        return Err(Error::internal("an action of a rule that is neither a query nor NOTIFY"));
    };
    let channel = quote_identifier(&notify.channel.value);
    Ok(match &notify.payload {
        Some(payload) => format!("NOTIFY {channel}, {}", quote_literal(payload)),
        None => format!("NOTIFY {channel}"),
    })
}

/// The text of what was recorded.
fn text(recorded: &Recorded, now: &Arc<Relation>, printer: &Printer<'_>) -> Result<String> {
    let mut out = String::new();
    match &recorded.wording {
        Wording::Words(words) => {
            out.push_str("\n ");
            out.push_str(words);
        }
        Wording::Condition(expr) => {
            printer.in_scope(|_| recorded.rows.scope(now), || printer.bare(expr, &mut out))?;
        }
        Wording::Action(query) => {
            let shown = Shown { visible: true, ..Shown::default() };
            printer.in_scope(|_| recorded.rows.scope(now), || printer.view(query, shown, &mut out))?;
        }
    }
    Ok(out)
}

/// Binds a rule. 42P17 and 0A000 for what rules cannot do.
pub fn bind(written: &WrittenRule<'_>, locations: &Locations, cx: BindContext<'_>) -> Result<BoundRule> {
    let mut rule = BoundRule::default();
    let mut in_condition = (false, false);
    if let Some(tree) = written.condition {
        let mut binder = recording(cx, locations, None);
        let mut recorded = condition(tree, written.relation, written.event, &mut binder)?;
        in_condition = recorded.rows.used(&recorded.free);
        rule.note(&recorded, binder);
        rule.condition = Some(Arc::from(stored(&mut recorded, written.relation, cx)?));
    }
    for statement in written.actions {
        let mut binder = recording(cx, locations, None);
        let mut recorded = action(statement, written.relation, &mut binder)?;
        let in_action = recorded.rows.used(&recorded.free);
        let used = (in_condition.0 || in_action.0, in_condition.1 || in_action.1);
        check_action(written, &recorded, used)?;
        let uses_row = used.0 || used.1 && written.event == Event::Update;
        rule.note(&recorded, binder);
        let returning = check_returning(written, &recorded, rule.actions.iter().any(|action| action.returning), cx)?;
        let text = Arc::from(stored(&mut recorded, written.relation, cx)?.trim_start());
        rule.actions.push(RuleAction { text, uses_row, returning });
    }
    Ok(rule)
}

fn stored(recorded: &mut Recorded, relation: &Arc<Relation>, cx: BindContext<'_>) -> Result<String> {
    let printer = Printer::for_storage(cx, std::mem::take(&mut recorded.shapes));
    text(recorded, relation, &printer)
}

impl BoundRule {
    /// What a text depends on.
    fn note(&mut self, recorded: &Recorded, binder: Binder<'_>) {
        self.columns.extend(recorded.rows.mentioned(&recorded.free));
        self.functions.extend(binder.user_functions());
        self.operators.extend(binder.user_operators());
        self.types.extend(binder.user_types());
        let relations = binder.into_relations();
        // What is below a view is that view's business.
        self.columns.extend(recorded.used.iter().filter(|(relation, _)| relations.contains(relation)));
        self.relations.extend(relations);
    }
}

fn invalid(message: &str) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, message.to_owned())
}

fn not_supported(message: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message.to_owned())
}

/// What an action may be, given its rule's event and condition. 42P17, 0A000.
fn check_action(written: &WrittenRule<'_>, recorded: &Recorded, (old, new): (bool, bool)) -> Result<()> {
    let set_operation = match &recorded.wording {
        Wording::Words(_) if written.condition.is_some() => {
            return Err(invalid("rules with WHERE conditions can only have SELECT, INSERT, UPDATE, or DELETE actions"));
        }
        Wording::Action(query) => is_set_operation(query),
        _ => false,
    };
    match written.event {
        Event::Insert if old => return Err(invalid("ON INSERT rule cannot use OLD")),
        Event::Delete if new => return Err(invalid("ON DELETE rule cannot use NEW")),
        _ => {}
    }
    let joined = old || new && written.event == Event::Update;
    if set_operation && (joined || written.condition.is_some()) {
        return Err(not_supported("conditional UNION/INTERSECT/EXCEPT statements are not implemented"));
    }
    Ok(())
}

fn is_set_operation(query: &Query) -> bool {
    match &query.body {
        Body::SetOp(_) => true,
        Body::Change(change) => match &change.action {
            ChangeAction::Insert(insert) => {
                matches!(&insert.source, InsertSource::Query(query) if matches!(query.body, Body::SetOp(_)))
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether an action has a RETURNING list, which has to give the relation's row. 0A000, 42P17.
fn check_returning(written: &WrittenRule<'_>, recorded: &Recorded, another: bool, cx: BindContext<'_>) -> Result<bool> {
    let Wording::Action(Query { body: Body::Change(change), .. }) = &recorded.wording else { return Ok(false) };
    if change.returning.is_empty() {
        return Ok(false);
    }
    for (found, message) in [
        (another, "cannot have multiple RETURNING lists in a rule"),
        (written.condition.is_some(), "RETURNING lists are not supported in conditional rules"),
        (!written.instead, "RETURNING lists are not supported in non-INSTEAD rules"),
    ] {
        if found {
            return Err(not_supported(message));
        }
    }
    let columns: Vec<_> = written.relation.live_columns().map(|(_, column)| column).collect();
    for (at, (given, _)) in change.returning.iter().enumerate() {
        let Some(column) = columns.get(at) else { return Err(invalid("RETURNING list has too many entries")) };
        let name = |ty| Binder::new(cx, &Locations::default(), &[], false).type_name_with_modifier(ty);
        if given.ty.oid != column.ty.oid {
            let message =
                format!("RETURNING list's entry {} has different type from column \"{}\"", at + 1, column.name);
            let (given, wanted) = (name(given.ty.oid.into()), name(column.ty.oid.into()));
            let detail = format!("RETURNING list entry has type {given}, but column has type {wanted}.");
            return Err(invalid(&message).detail(detail));
        }
        if given.ty.typmod != column.ty.typmod && given.ty.typmod >= 0 {
            let message =
                format!("RETURNING list's entry {} has different size from column \"{}\"", at + 1, column.name);
            let (given, wanted) = (name(given.ty), name(column.ty));
            let detail = format!("RETURNING list entry has type {given}, but column has type {wanted}.");
            return Err(invalid(&message).detail(detail));
        }
    }
    match change.returning.len() < columns.len() {
        true => Err(invalid("RETURNING list has too few entries")),
        false => Ok(true),
    }
}

/// Binds a stored condition again.
fn stored_condition(
    stored: &str,
    relation: &Arc<Relation>,
    cx: BindContext<'_>,
    renamed: Option<Arc<Catalog>>,
) -> Result<Recorded> {
    let tree = dictdb_parser::parse_expression(stored)?;
    let locations = Locations::default();
    let mut binder = recording(cx.for_stored_texts(), &locations, renamed);
    binder.reads_stored = true;
    condition(&tree, relation, Event::Update, &mut binder)
}

/// Binds a stored action again.
fn stored_action(
    stored: &str,
    relation: &Arc<Relation>,
    cx: BindContext<'_>,
    renamed: Option<Arc<Catalog>>,
) -> Result<Recorded> {
    let statements = dictdb_parser::parse(stored, &Limits::default())?;
    let [statement] = statements.as_slice() else { return Err(Error::internal("an action is not one statement")) };
    let mut binder = recording(cx.for_stored_texts(), &statement.locations, renamed);
    binder.reads_stored = true;
    action(&statement.statement, relation, &mut binder)
}

/// The texts of a rule after something has got another name.
pub fn restated(rule: &Rule, old: &Arc<Relation>, new: &Arc<Relation>, names: Renaming<'_>) -> Result<Rule> {
    let renamed = || Some(names.after.catalog.clone());
    let mut restated = rule.clone();
    if let Some(stored_text) = &mut restated.condition {
        let mut recorded = stored_condition(stored_text, old, names.before, renamed())?;
        *stored_text = Arc::from(stored(&mut recorded, new, names.after)?);
    }
    for action in &mut restated.actions {
        let mut recorded = stored_action(&action.text, old, names.before, renamed())?;
        action.text = Arc::from(stored(&mut recorded, new, names.after)?.trim_start());
    }
    Ok(restated)
}

/// CREATE RULE as `pg_get_ruledef` writes it; the pretty form spares parentheses and names the table as the search path does.
pub fn definition(rule: &Rule, relation: &Arc<Relation>, pretty: bool, cx: BindContext<'_>) -> Result<String> {
    let style = Style { pretty, wrap: 0 };
    let schema = cx.catalog.schema(relation.namespace).filter(|_| !pretty);
    let table = match schema {
        Some(schema) => quote_qualified(&schema.name, &relation.name),
        None => cx.env.reg_out(RegKind::Class, relation.oid),
    };
    let (name, event) = (quote_identifier(&rule.name), rule.event.word());
    let mut out = format!("CREATE RULE {name} AS\n    ON {event} TO {table}");
    if let Some(stored) = &rule.condition {
        let mut recorded = stored_condition(stored, relation, cx, None)?;
        let printer = Printer::new(cx, style, std::mem::take(&mut recorded.shapes));
        // Queries in it stand a level further in.
        let shown = printer.at_level(CLAUSE, || text(&recorded, relation, &printer))?;
        out.push_str(&format!("\n   WHERE {shown}"));
    }
    out.push_str(" DO ");
    if rule.instead {
        out.push_str("INSTEAD ");
    }
    let several = rule.actions.len() > 1;
    if several {
        out.push('(');
    }
    for action in &rule.actions {
        let mut recorded = stored_action(&action.text, relation, cx, None)?;
        let printer = Printer::new(cx, style, std::mem::take(&mut recorded.shapes));
        let text = text(&recorded, relation, &printer)?;
        if text.starts_with('\n') {
            out.truncate(out.trim_end_matches(' ').len());
        }
        out.push_str(&text);
        out.push_str(if several { ";\n" } else { ";" });
    }
    match &rule.actions[..] {
        [] => out.push_str("NOTHING;"),
        [_] => {}
        _ => out.push_str(");"),
    }
    Ok(out)
}

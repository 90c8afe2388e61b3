//! The rows that a statement changes, as the rules of its target see them: `old` as they are, `new` as they are to be.
//!
//! Both are names over what the statement's FROM and WHERE (or VALUES, or query) give; `new` has the assigned expressions
//! themselves for columns, so that every use of one computes it.

use std::sync::Arc;

use dictdb_catalog::{Relation, Rule};
use dictdb_parser::Locations;
use dictdb_parser::ast::{self, SetExpr, Statement};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::level::Level;
use super::names::{NamedColumn, Names, TableName};
use super::{BindContext, Binder};
use crate::expr::{BoolTest, ColumnId, Expr};
use crate::logical::{Column, JoinKind, Node};

/// What the action of a rule works over.
pub(crate) struct RuleRows {
    /// Where the rows come from; nothing for the single row of a VALUES.
    pub node: Option<Node>,
    /// `old` and `new`, as far as there are such rows.
    pub names: Vec<TableName>,
}

/// Where the rows that a statement changes come from, whether the target itself is needed for them.
pub(crate) struct ChangedRows {
    relation: Arc<Relation>,
    node: Option<Node>,
    /// What is left of it without the target; `None` where it cannot be spared.
    rest: Option<Option<Node>>,
    old: Vec<(i16, Expr)>,
    new: Vec<(i16, Expr)>,
    system: Vec<NamedColumn>,
    /// The statement itself mentions columns of the target.
    reads_target: bool,
}

impl ChangedRows {
    /// The rows by names; without the target itself if no rule needs it.
    pub fn into_rule_rows(self, uses_row: bool) -> RuleRows {
        let names = rule_names(&self.relation, &self.old, &self.new, self.system);
        let node = match self.rest {
            Some(rest) if !uses_row => rest,
            _ => self.node,
        };
        RuleRows { node, names }
    }
}

/// `old` and `new` of a relation.
pub(crate) fn rule_names(
    relation: &Relation,
    old: &[(i16, Expr)],
    new: &[(i16, Expr)],
    system: Vec<NamedColumn>,
) -> Vec<TableName> {
    let table = |alias: &str, row: &[(i16, Expr)]| {
        let columns = row.iter().filter_map(|(attnum, expr)| {
            let name = relation.column(*attnum)?.name.clone();
            Some(NamedColumn { name, expr: expr.clone(), source: None })
        });
        TableName::new(alias, columns.collect(), relation.row_type)
    };
    let mut names = Vec::new();
    if !old.is_empty() {
        names.push(TableName { system, ..table("old", old) });
    }
    if !new.is_empty() {
        names.push(table("new", new));
    }
    names
}

impl Binder<'_> {
    /// The rows that a data-modifying statement changes in its target, or in what a view stands for: its table or a view between.
    pub(crate) fn changed_rows(&mut self, statement: &Statement, through: Option<Oid>) -> Result<ChangedRows> {
        let from = self.accesses.len();
        let outer = std::mem::replace(&mut self.stops_at, through);
        let rows = self.changed_rows_inside(statement, through.is_some());
        self.stops_at = outer;
        if rows.as_ref().is_ok_and(|rows| !rows.reads_target) {
            self.forget_reading_target(from);
        }
        self.spares_target = false;
        rows
    }

    fn changed_rows_inside(&mut self, statement: &Statement, through: bool) -> Result<ChangedRows> {
        (self.takes_view, self.spares_target) = (!through, true);
        match statement {
            Statement::Insert(insert) => self.inserted_rows(insert),
            Statement::Update(update) => self.with_update_target(update, |binder, (relation, view), alias| {
                let (source, values) = binder.update_rows(update, &relation, view, alias)?;
                let new = binder.with_generated(&relation, updated_row(&source.current, &values))?;
                Ok(binder.stored_rows(relation, source, new, &values))
            }),
            Statement::Delete(delete) => self.with_delete_target(delete, |binder, (relation, view), rows| {
                let source = binder.delete_rows(delete, &relation, view, rows)?;
                Ok(binder.stored_rows(relation, source, Vec::new(), &[]))
            }),
            other => Err(Error::internal(format!("not a data-modifying statement: {other}"))),
        }
    }

    /// The rows that UPDATE and DELETE find.
    fn stored_rows(
        &mut self,
        relation: Arc<Relation>,
        source: super::modify_source::ModifySource,
        new: Vec<(i16, Expr)>,
        values: &[(i16, Expr)],
    ) -> ChangedRows {
        let mut mentioned = std::collections::BTreeSet::new();
        let exprs = values.iter().map(|(_, value)| value).chain(&source.condition);
        exprs.for_each(|expr| crate::columns::expr_columns(expr, &mut mentioned));
        let is_mentioned = |(_, expr): &(i16, Expr)| matches!(expr, Expr::Column(id, _) if mentioned.contains(id));
        let reads_target = source.current.iter().any(is_mentioned);
        let system = source.names.tables.first().map(|table| table.system.clone()).unwrap_or_default();
        ChangedRows {
            relation,
            node: Some(source.node),
            rest: source.rest,
            old: source.current,
            new,
            system,
            reads_target,
        }
    }

    fn inserted_rows(&mut self, insert: &ast::Insert) -> Result<ChangedRows> {
        self.with_insert_target(insert, |binder, (relation, view, from), _| {
            let (input, targets, _) = binder.insert_rows(insert, &relation, (view, from))?;
            let (node, columns) = apart(input);
            let new = binder.with_generated(&relation, new_row(&relation, &targets, &columns))?;
            let (old, rest, system) = (Vec::new(), None, Vec::new());
            Ok(ChangedRows { relation, node, rest, old, new, system, reads_target: false })
        })
    }

    /// A new row with what its generated columns are going to be.
    fn with_generated(&mut self, relation: &Relation, mut new: Vec<(i16, Expr)>) -> Result<Vec<(i16, Expr)>> {
        if !relation.columns.iter().any(|column| column.generated) {
            return Ok(new);
        }
        let row = self.row_columns(relation);
        let (_, computed) = self.row_rules(relation, &row)?;
        let mut values = Vec::new();
        for (attnum, mut value) in computed {
            if !relation.column(attnum).is_some_and(|column| column.generated) {
                continue;
            }
            for (column, number) in &row {
                if let Some((_, own)) = new.iter().find(|(attnum, _)| attnum == number) {
                    crate::columns::replace_in_expr(&mut value, column.id, own);
                }
            }
            values.push((attnum, value));
        }
        for (attnum, value) in values {
            match new.iter_mut().find(|(own, _)| *own == attnum) {
                Some((_, place)) => *place = value,
                None => new.push((attnum, value)),
            }
        }
        Ok(new)
    }

    /// Takes the rows of the rule that the statement being bound is an action of: their names become visible, and the node
    /// has to be joined with what the statement reads.
    pub(crate) fn take_rule_rows(&mut self) -> Option<Node> {
        let rows = self.rule_rows.take()?;
        rows.names.iter().for_each(|table| self.enter(table, None));
        self.level().names.tables.extend(rows.names);
        rows.node
    }

    /// Makes the rows of a rule visible in every query of the action that is bound next, those in FROM too.
    pub(crate) fn enclose_in_rule(&mut self, names: &[TableName]) {
        let names = Names { tables: names.to_vec(), columns: Vec::new() };
        self.levels.push(Level { names, ..Level::default() });
        self.in_rule = true;
    }

    /// A FROM clause with the rows of a rule before it.
    pub(crate) fn beside_rule_rows(&mut self, rows: Option<Node>, from: Node) -> Node {
        let Some(rows) = rows else { return from };
        if matches!(&from, Node::Values { columns, rows } if columns.is_empty() && rows.len() == 1) {
            return rows;
        }
        let given: Vec<ColumnId> = rows.columns().iter().map(|column| column.id).collect();
        let free = crate::columns::free_columns(&from);
        let lateral = given.iter().any(|id| free.contains(id));
        Node::Join { kind: JoinKind::Inner, left: Box::new(rows), right: Box::new(from), on: None, lateral }
    }

    /// 0A000 for a set operation over the rows of a rule.
    pub(crate) fn refuse_rule_rows(&mut self, body: &SetExpr) -> Result<()> {
        let rows = self.rule_rows.take_if(|_| !matches!(body, SetExpr::Select(_) | SetExpr::Values(_)));
        match rows.and_then(|rows| rows.node) {
            Some(_) => Err(conditional_set_operation()),
            None => Ok(()),
        }
    }

    /// A binder for the texts of a rule, which are read with the rights of who owns the rule's relation.
    pub(crate) fn for_rule<'b>(&'b self, relation: &Relation, locations: &'b Locations) -> Binder<'b> {
        let cx = BindContext { role: relation.owner, transient: &[], ..self.cx };
        let mut inner = Binder::of_stored_text(cx, locations);
        inner.invoker = self.invoker;
        inner.policed.clone_from(&self.policed);
        inner.views.clone_from(&self.views);
        (inner.next_column, inner.next_cte, inner.depth) = (self.next_column, self.next_cte, self.depth + 1);
        inner
    }

    /// The condition of a rule over the rows `old` and `new`.
    pub(crate) fn rule_condition(
        &mut self,
        rule: &Rule,
        relation: &Relation,
        names: &[TableName],
    ) -> Result<Option<Expr>> {
        let Some(text) = &rule.condition else { return Ok(None) };
        let tree = dictdb_parser::parse_expression(text)?;
        let locations = Locations::default();
        let mut inner = self.for_rule(relation, &locations);
        let names = Names { tables: names.to_vec(), columns: Vec::new() };
        inner.levels.push(Level { names, ..Level::default() });
        let bound = inner.bind_expr(&tree)?;
        let bound = inner.coerce_to_boolean(bound, "WHERE", None)?;
        let carried = inner.carried();
        self.carry(carried);
        Ok(Some(bound))
    }

    /// Leaves the rows to conditional INSTEAD rules that are theirs.
    pub(crate) fn except(&mut self, node: Node, relation: &Relation, names: &[TableName]) -> Result<Node> {
        let mut node = node;
        for rule in std::mem::take(&mut self.exceptions) {
            if let Some(condition) = self.rule_condition(&rule, relation, names)? {
                let predicate = Expr::BoolTest(Box::new(condition), BoolTest::NotTrue);
                node = Node::Filter { input: Box::new(node), predicate };
            }
        }
        Ok(node)
    }

    /// Likewise of the rows of an UPDATE or DELETE.
    pub(crate) fn except_changed(
        &mut self,
        node: Node,
        relation: &Relation,
        source: &super::modify_source::ModifySource,
        values: &[(i16, Expr)],
    ) -> Result<Node> {
        if self.exceptions.is_empty() {
            return Ok(node);
        }
        let system = source.names.tables.first().map(|table| table.system.clone()).unwrap_or_default();
        let new = self.with_generated(relation, updated_row(&source.current, values))?;
        let names = rule_names(relation, &source.current, &new, system);
        self.except(node, relation, &names)
    }

    /// Likewise of the rows of an INSERT.
    pub(crate) fn except_inserted(&mut self, input: Node, relation: &Relation, targets: &[i16]) -> Result<Node> {
        if self.exceptions.is_empty() {
            return Ok(input);
        }
        let (node, columns) = apart(input);
        let new = self.with_generated(relation, new_row(relation, targets, &columns))?;
        let names = rule_names(relation, &[], &new, Vec::new());
        let node = node.unwrap_or_else(one_row);
        Ok(Node::Project { input: Box::new(self.except(node, relation, &names)?), columns })
    }
}

/// What an inner binder has found out that concerns the whole statement.
pub(crate) struct Carried {
    next: (u32, u32),
    relations: std::collections::BTreeSet<Oid>,
    accesses: Vec<super::privilege::Access>,
    mentions: Vec<(Oid, i16)>,
    secured: Option<(Arc<str>, bool)>,
    functions: std::collections::BTreeSet<Oid>,
    runs_statements: bool,
}

impl Binder<'_> {
    pub(crate) fn carried(self) -> Carried {
        Carried {
            next: (self.next_column, self.next_cte),
            relations: self.relations,
            accesses: self.accesses,
            mentions: self.mentions,
            secured: self.secured,
            functions: self.functions.into_inner(),
            runs_statements: self.runs_statements.get(),
        }
    }

    pub(crate) fn carry(&mut self, carried: Carried) {
        (self.next_column, self.next_cte) = carried.next;
        self.relations.extend(carried.relations);
        self.accesses.extend(carried.accesses);
        self.mentions.extend(carried.mentions);
        self.secured = self.secured.take().or(carried.secured);
        self.functions.borrow_mut().extend(carried.functions);
        self.runs_statements.set(self.runs_statements.get() || carried.runs_statements);
    }
}

/// Rows of expressions over the rows of a rule.
pub(crate) fn over_rule_rows(given: Option<Node>, node: Node) -> Node {
    let Some(given) = given else { return node };
    match node {
        Node::Values { columns, mut rows } if rows.len() == 1 => {
            let columns = columns.into_iter().zip(rows.pop().unwrap_or_default()).collect();
            Node::Project { input: Box::new(given), columns }
        }
        several => {
            let columns = several.columns().into_iter().map(|column| (column.clone(), Expr::column(&column))).collect();
            let (left, right) = (Box::new(given), Box::new(several));
            let input = Box::new(Node::Join { kind: JoinKind::Inner, left, right, on: None, lateral: true });
            Node::Project { input, columns }
        }
    }
}

/// 0A000.
fn conditional_set_operation() -> Error {
    let message = "conditional UNION/INTERSECT/EXCEPT statements are not implemented";
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

/// One row without columns.
pub(crate) fn one_row() -> Node {
    Node::Values { columns: Vec::new(), rows: vec![Vec::new()] }
}

/// The expressions that make an INSERT's rows, apart from what they are computed over.
fn apart(input: Node) -> (Option<Node>, Vec<(Column, Expr)>) {
    match input {
        Node::Values { columns, mut rows } if rows.len() == 1 => {
            (None, columns.into_iter().zip(rows.pop().unwrap_or_default()).collect())
        }
        Node::Project { input, columns } => {
            let single = matches!(&*input, Node::Values { columns, rows } if columns.is_empty() && rows.len() == 1);
            ((!single).then_some(*input), columns)
        }
        other => {
            let columns = other.columns().into_iter().map(|column| (column.clone(), Expr::column(&column))).collect();
            (Some(other), columns)
        }
    }
}

/// A row after an UPDATE that gives some columns values.
fn updated_row(current: &[(i16, Expr)], values: &[(i16, Expr)]) -> Vec<(i16, Expr)> {
    let value = |(attnum, old): &(i16, Expr)| {
        let value = values.iter().find(|(other, _)| other == attnum);
        (*attnum, value.map_or_else(|| old.clone(), |(_, value)| value.clone()))
    };
    current.iter().map(value).collect()
}

/// A new row with NULL for what no value was given for.
fn new_row(relation: &Relation, targets: &[i16], columns: &[(Column, Expr)]) -> Vec<(i16, Expr)> {
    let value = |(attnum, column): (i16, &dictdb_catalog::Column)| {
        let given = targets.iter().position(|target| *target == attnum).and_then(|at| columns.get(at));
        (attnum, given.map_or_else(|| Expr::null(column.ty), |(_, expr)| expr.clone()))
    };
    relation.live_columns().map(value).collect()
}

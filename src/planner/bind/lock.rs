//! `FOR UPDATE` and its kin: which rows of which tables a query locks.
//!
//! A clause without names means every table of the FROM clause, those of subqueries and views included; the row ids of
//! the latter are carried up through their projections.

use std::sync::Arc;

use dictdb_catalog::{Relation, RelationKind};
use dictdb_parser::ast::{self, SetExpr};
use dictdb_parser::node;
use dictdb_types::{Error, Result, SqlState};

use super::Binder;
use super::modify_source::identity_of;
use super::names::FromItem;
use crate::expr::{ColumnId, Expr};
use crate::logical::{Column, JoinKind, LockStrength, LockTarget, LockWait, Node};

/// A table below a FROM clause.
struct Lockable {
    relation: Arc<Relation>,
    members: Arc<[Arc<Relation>]>,
    row_id: ColumnId,
    nullable: bool,
}

impl Binder<'_> {
    /// Locking clauses over the tables of the current level, which `input` reads.
    pub(crate) fn bind_locks(&mut self, mut input: Node, clauses: &[ast::LockClause]) -> Result<Node> {
        if clauses.is_empty() {
            return Ok(input);
        }
        let mut targets: Vec<LockTarget> = Vec::new();
        for clause in clauses {
            let read = node::lock_clause(clause);
            let strength = lock_strength(read.strength);
            let wait = match read.nonblock {
                None => LockWait::Block,
                Some(ast::NonBlock::SkipLocked) => LockWait::SkipLocked,
                Some(ast::NonBlock::Nowait) => LockWait::NoWait,
            };
            let only = match read.of {
                None | Some([]) => {
                    let places = self.level().names.tables.iter().filter_map(|table| table.noted.clone());
                    let places: Vec<_> = places.collect();
                    self.note_locks(&places);
                    None
                }
                Some([part]) => part.as_ident().map(|table| self.locked_item(table, strength)).transpose()?,
                Some([part, ..]) => {
                    let message = format!("{} must specify unqualified relation names", strength.as_sql());
                    let position = part.as_ident().and_then(|ident| self.position(ident.span));
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position));
                }
            };
            let mut found = Vec::new();
            collect(&mut input, only.as_deref(), false, clause, &mut found)?;
            for Lockable { relation, members, row_id, nullable } in found {
                if nullable {
                    let message =
                        format!("{} cannot be applied to the nullable side of an outer join", strength.as_sql());
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                lockable_kind(&relation)?;
                match targets.iter_mut().find(|target| target.row_id == row_id) {
                    Some(target) => {
                        target.strength = target.strength.max(strength);
                        target.wait = target.wait.max(wait);
                    }
                    None => targets.push(LockTarget { relation, members, row_id, strength, wait }),
                }
            }
        }
        if targets.is_empty() {
            return Ok(input);
        }
        let locked = |id: &ColumnId| targets.iter().any(|target| target.row_id == *id);
        let identity = identity_of(&input).into_iter().filter(|id| !locked(id)).collect();
        Ok(Node::LockRows { input: Box::new(input), targets, identity })
    }

    /// The row ids of the FROM item that a clause names. 42P01, and 0A000 for what has no rows to lock.
    fn locked_item(&mut self, table: &ast::Ident, strength: LockStrength) -> Result<Vec<ColumnId>> {
        let position = self.position(table.span);
        let found = self.level().names.tables.iter().find(|name| *name.alias == *table.value);
        let Some(found) = found else {
            let message =
                format!("relation \"{}\" in {} clause not found in FROM clause", table.value, strength.as_sql());
            return Err(Error::new(SqlState::UNDEFINED_TABLE, message).at(position));
        };
        let noun = match &found.item {
            FromItem::Rows(row_ids) => {
                let (row_ids, place) = (row_ids.clone(), found.noted.clone());
                self.note_locks(place.as_slice());
                return Ok(row_ids);
            }
            FromItem::Join => "a join",
            FromItem::Function => "a function",
            FromItem::Values => "VALUES",
            FromItem::Cte => "a WITH query",
        };
        let message = format!("{} cannot be applied to {noun}", strength.as_sql());
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(position))
    }
}

/// The tables below a FROM clause, their row ids made visible above. `only` restricts them to some.
fn collect(
    node: &mut Node,
    only: Option<&[ColumnId]>,
    nullable: bool,
    clause: &ast::LockClause,
    found: &mut Vec<Lockable>,
) -> Result<()> {
    match node {
        Node::Scan(scan) => {
            if matches!(scan.relation.kind, RelationKind::Sequence(_)) && only.is_none() {
                lockable_kind(&scan.relation)?;
            }
            if let Some(row_id) = scan.row_id
                && only.is_none_or(|only| only.contains(&row_id))
            {
                let (relation, members) = (scan.relation.clone(), scan.members.clone());
                found.push(Lockable { relation, members, row_id, nullable });
            }
            Ok(())
        }
        Node::Filter { input, .. } | Node::Sort { input, .. } | Node::Limit { input, .. } => {
            collect(input, only, nullable, clause, found)
        }
        Node::Sample(sample) => collect(&mut sample.input, only, nullable, clause, found),
        Node::Project { input, columns } => {
            let first = found.len();
            collect(input, only, nullable, clause, found)?;
            for lockable in &found[first..] {
                if !columns.iter().any(|(column, _)| column.id == lockable.row_id) {
                    let column = row_id_column(lockable.row_id);
                    columns.push((column.clone(), Expr::column(&column)));
                }
            }
            Ok(())
        }
        Node::Join { kind, left, right, .. } => {
            let (left_nullable, right_nullable) = match kind {
                JoinKind::Left => (false, true),
                JoinKind::Right => (true, false),
                JoinKind::Full => (true, true),
                JoinKind::Inner | JoinKind::Semi | JoinKind::Anti => (false, false),
            };
            collect(left, only, nullable || left_nullable, clause, found)?;
            collect(right, only, nullable || right_nullable, clause, found)
        }
        other => match reads_wanted(other, only).then(|| collected(other)).flatten() {
            Some(what) => Err(not_allowed(clause, what)),
            None => Ok(()),
        },
    }
}

/// 42809 for a relation whose rows nobody locks.
fn lockable_kind(relation: &Relation) -> Result<()> {
    match relation.kind {
        RelationKind::Sequence(_) | RelationKind::MaterializedView(_) => Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("cannot lock rows in {} \"{}\"", relation.kind_noun(), relation.name),
        )),
        _ => Ok(()),
    }
}

/// Whether a subquery that groups rows is one of those whose rows are to be locked.
fn reads_wanted(node: &Node, only: Option<&[ColumnId]>) -> bool {
    let Some(only) = only else { return true };
    let mut wanted = matches!(node, Node::Scan(scan) if scan.row_id.is_some_and(|id| only.contains(&id)));
    crate::columns::for_each_input(node, &mut |input| wanted |= reads_wanted(input, Some(only)));
    wanted
}

/// What makes the rows of a node be no rows of tables.
fn collected(node: &Node) -> Option<&'static str> {
    match node {
        Node::SetOp { .. } => Some("UNION/INTERSECT/EXCEPT"),
        Node::Distinct { .. } => Some("DISTINCT clause"),
        Node::Aggregate(aggregate) if aggregate.groups.is_empty() && aggregate.sets.is_none() => {
            Some("aggregate functions")
        }
        Node::Aggregate(_) => Some("GROUP BY clause"),
        Node::Window { .. } => Some("window functions"),
        Node::ProjectSet { .. } => Some("set-returning functions in the target list"),
        _ => None,
    }
}

fn row_id_column(id: ColumnId) -> Column {
    Column { id, name: Arc::from("row id"), ty: crate::physical::ROW_ID, source: None }
}

/// The row ids of the tables that a FROM item's rows come from.
pub(crate) fn row_ids(node: &Node) -> Vec<ColumnId> {
    if let Node::Scan(scan) = node {
        return scan.row_id.into_iter().collect();
    }
    let mut found = Vec::new();
    crate::columns::for_each_input(node, &mut |input| found.extend(row_ids(input)));
    found
}

/// 0A000 for a query whose rows are not rows of tables.
pub(crate) fn not_allowed(lock: &ast::LockClause, with: &str) -> Error {
    let strength = lock_strength(node::lock_clause(lock).strength).as_sql();
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{strength} is not allowed with {with}"))
}

/// 0A000 for a body that is no SELECT.
pub(crate) fn refused(lock: &ast::LockClause, body: &SetExpr) -> Error {
    let strength = lock_strength(node::lock_clause(lock).strength).as_sql();
    match body {
        SetExpr::Values(_) => {
            Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{strength} cannot be applied to VALUES"))
        }
        _ => not_allowed(lock, "UNION/INTERSECT/EXCEPT"),
    }
}

fn lock_strength(strength: node::LockStrength) -> LockStrength {
    match strength {
        node::LockStrength::KeyShare => LockStrength::KeyShare,
        node::LockStrength::Share => LockStrength::Share,
        node::LockStrength::NoKeyUpdate => LockStrength::NoKeyUpdate,
        node::LockStrength::Update => LockStrength::Update,
    }
}

//! GROUP BY by hash, grouping sets, and the one group of a query without GROUP BY.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Oid, Result};
use hashbrown::HashMap;

use super::{Cursor, Node, Row};
use crate::aggregate::{AggregateCode, AggregateState};
use crate::eval::{Code, Scope, eval_into};
use crate::grouping_set::{SetOrder, grouping, rank};
use crate::hash_table::{HashTable, MOST_GROUPS};
use crate::keys::append_equality_key;
use crate::runtime::{Runtime, row_bytes};

/// Aggregate.
#[derive(Debug)]
pub(crate) struct Aggregate {
    /// Input.
    pub input: Arc<dyn Node>,
    /// Grouping expressions.
    pub groups: Box<[Code]>,
    /// Their base types.
    pub types: Box<[Oid]>,
    /// Grouping sets as positions in `groups`; one set of all when the query has none.
    pub sets: Vec<Vec<usize>>,
    /// The order of groups of several sets.
    pub set_order: Option<SetOrder>,
    /// The hash table of each set; none where groups come by value.
    pub set_tables: Vec<HashTable>,
    /// The aggregates of each set: a direct argument that its set does not group by is NULL there.
    pub calls: Vec<Arc<[AggregateCode]>>,
    /// `GROUPING(…)`: positions in `groups`.
    pub groupings: Vec<Vec<usize>>,
}

impl Node for Aggregate {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        Box::new(AggregateCursor { node: self, input, groups: None })
    }
}

struct AggregateCursor {
    node: Arc<Aggregate>,
    input: Box<dyn Cursor>,
    groups: Option<std::vec::IntoIter<Group>>,
}

struct Group {
    /// Which grouping set it belongs to.
    set: usize,
    /// Values of all grouping expressions on its first row.
    values: Row,
    states: Vec<AggregateState>,
}

impl Aggregate {
    fn group(&self, set: usize, values: Row) -> Group {
        Group { set, values, states: self.calls(set).iter().map(AggregateCode::start).collect() }
    }

    fn calls(&self, set: usize) -> &[AggregateCode] {
        self.calls.get(set).map(|calls| &**calls).unwrap_or_default()
    }

    /// Whether a set has its group even without rows: the empty set.
    fn always_present(&self, set: usize) -> bool {
        self.sets.get(set).is_some_and(Vec::is_empty)
    }
}

impl Aggregate {
    /// Groups of several sets: that of all rows first, the others by set as the tables have them.
    fn by_tables(&self, groups: Vec<Group>, rt: &Runtime) -> Result<Vec<Group>> {
        let mut by_set: Vec<Vec<Group>> = self.sets.iter().map(|_| Vec::new()).collect();
        groups.into_iter().for_each(|group| by_set[group.set].push(group));
        let mut sets: Vec<usize> = (0..self.sets.len()).collect();
        sets.sort_by_key(|set| rank(&self.sets[*set]));
        let mut out = Vec::new();
        for set in sets {
            let (mut own, table) = (std::mem::take(&mut by_set[set]), self.set_tables.get(set));
            let value = |group: &Group, column: usize| Ok(group.values.get(column).cloned().unwrap_or(Datum::Null));
            let hash = |group: &Group| table.map(|table| table.hash(rt, |column| value(group, column)));
            let hashes: Option<Result<Vec<u32>>> = own.iter().map(hash).collect();
            if let (Some(Ok(hashes)), Some(table)) = (hashes, table.filter(|_| own.len() <= MOST_GROUPS)) {
                let mut numbered: Vec<Option<Group>> = own.into_iter().map(Some).collect();
                own = table.order(&hashes).into_iter().filter_map(|at| numbered[at as usize].take()).collect();
            }
            out.extend(own);
        }
        Ok(out)
    }
}

impl AggregateCursor {
    fn build(&mut self, rt: &Runtime) -> Result<Vec<Group>> {
        let node = self.node.clone();
        let mut table = GroupTable::default();
        let (mut row, mut values, mut args) = (Row::new(), Row::new(), Row::new());
        let mut position = 0;
        while self.input.next(rt, &mut row)? {
            rt.tick(position)?;
            position += 1;
            let scope = Scope::new(rt, &row);
            values.clear();
            eval_into(&node.groups, scope, &mut values)?;
            for set in 0..node.sets.len() {
                let group = table.find(&node, set, &values, rt)?;
                for (code, state) in node.calls(set).iter().zip(&mut group.states) {
                    state.update(code, scope, &mut args)?;
                }
            }
        }
        for set in 0..node.sets.len() {
            if node.always_present(set) && !table.groups.iter().any(|group| group.set == set) {
                table.groups.push(node.group(set, vec![Datum::Null; node.groups.len()]));
            }
        }
        let Some(order) = &node.set_order else { return Ok(table.groups) };
        if node.set_tables.is_empty() {
            table.groups.sort_by(|a, b| order.compare((a.set, &a.values), (b.set, &b.values)));
            return Ok(table.groups);
        }
        node.by_tables(table.groups, rt)
    }
}

/// The groups so far, by set and key.
#[derive(Default)]
struct GroupTable {
    index: HashMap<Box<[u8]>, usize>,
    groups: Vec<Group>,
    /// What the group that is looked for has in common.
    key: Vec<u8>,
}

impl GroupTable {
    fn find(&mut self, node: &Aggregate, set: usize, values: &Row, rt: &Runtime) -> Result<&mut Group> {
        let columns = node.sets.get(set).map(Vec::as_slice).unwrap_or_default();
        if columns.is_empty() && node.sets.len() == 1 && !self.groups.is_empty() {
            return Ok(&mut self.groups[0]);
        }
        self.key.clear();
        if node.sets.len() > 1 {
            self.key.extend_from_slice(&(set as u32).to_be_bytes());
        }
        for column in columns {
            if let (Some(value), Some(oid)) = (values.get(*column), node.types.get(*column)) {
                append_equality_key(value, *oid, &mut self.key);
            }
        }
        let index = match self.index.get(&*self.key) {
            Some(index) => *index,
            None => {
                let per_state = 2 * size_of::<AggregateState>();
                rt.charge(self.key.len() + row_bytes(values) + node.calls(set).len() * per_state)?;
                self.groups.push(node.group(set, values.clone()));
                self.index.insert(self.key.as_slice().into(), self.groups.len() - 1);
                self.groups.len() - 1
            }
        };
        self.groups.get_mut(index).ok_or_else(|| Error::internal("group table out of step"))
    }
}

impl Cursor for AggregateCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if self.groups.is_none() {
            self.groups = Some(self.build(rt)?.into_iter());
        }
        let Some(mut group) = self.groups.as_mut().and_then(Iterator::next) else { return Ok(false) };
        let set = self.node.sets.get(group.set).map(Vec::as_slice).unwrap_or_default();
        row.clear();
        for (position, value) in group.values.into_iter().enumerate() {
            row.push(if set.contains(&position) { value } else { Datum::Null });
        }
        for (code, state) in self.node.calls(group.set).iter().zip(&mut group.states) {
            row.push(state.finish(code, rt)?);
        }
        row.extend(self.node.groupings.iter().map(|columns| Datum::Int4(grouping(columns, set))));
        Ok(true)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.groups = None;
        self.input.rescan(rt)
    }
}

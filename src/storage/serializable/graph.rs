//! The graph of rw-dependencies, and when a transaction has to be cancelled.
//!
//! Commits are numbered. A transaction is concurrent with another unless one committed before the other's snapshot.

use std::collections::{BTreeMap, BTreeSet};

use dictdb_types::{Error, Oid, Result, SqlState, TxnId};

use super::predicate::{KeyRange, Reads, Writes};
use super::{RowChange, shown};
use crate::lock::Ongoing;

/// Names a transaction in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeId(u64);

/// The SERIALIZABLE transactions in progress, and those that committed while one of them was.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    nodes: BTreeMap<NodeId, Node>,
    next: u64,
    /// Number of the last commit.
    commits: u64,
}

#[derive(Debug)]
struct Node {
    /// Whose transaction it is.
    whose: Ongoing,
    id: Option<TxnId>,
    /// Declared READ ONLY, or committed without having written.
    read_only: bool,
    /// The last commit before its snapshot.
    begun: u64,
    /// Number of its commit.
    committed: Option<u64>,
    /// The last commit before it was prepared: it will commit, and cannot be cancelled any more.
    prepared: Option<u64>,
    /// It has to roll back.
    doomed: bool,
    /// Of a committed transaction: the first commit it has a dependency on, if that was before its own.
    earliest_out: Option<u64>,
    reads: Reads,
    writes: Writes,
    /// Those that read what it wrote over.
    ins: BTreeSet<NodeId>,
    /// Those that wrote over what it read.
    outs: BTreeSet<NodeId>,
}

impl Node {
    /// The commit that it counts as: its own, or the last one before it was prepared.
    fn settled(&self) -> Option<u64> {
        self.prepared.or(self.committed)
    }

    /// Whether it can be cancelled.
    fn is_open(&self) -> bool {
        self.settled().is_none()
    }

    /// Whether it committed, and by then `commit` had been made.
    fn is_after(&self, commit: u64) -> bool {
        self.committed.is_none_or(|own| own >= commit)
    }

    fn is_concurrent_with(&self, other: &Node) -> bool {
        self.committed.is_none_or(|commit| commit > other.begun)
            && other.committed.is_none_or(|commit| commit > self.begun)
    }
}

impl Graph {
    /// Enters a transaction whose snapshot is taken now, or is that of another one in progress.
    pub fn enter(&mut self, whose: Ongoing, read_only: bool, like: Option<NodeId>) -> NodeId {
        self.next += 1;
        let begun = like.and_then(|other| self.nodes.get(&other)).map_or(self.commits, |other| other.begun);
        let node = Node {
            whose,
            id: None,
            read_only,
            begun,
            committed: None,
            prepared: None,
            doomed: false,
            earliest_out: None,
            reads: Reads::default(),
            writes: Writes::default(),
            ins: BTreeSet::new(),
            outs: BTreeSet::new(),
        };
        self.nodes.insert(NodeId(self.next), node);
        NodeId(self.next)
    }

    /// A transaction is about to read a table or a range of it.
    pub fn read(&mut self, me: NodeId, table: Oid, range: Option<(Oid, KeyRange)>) -> Result<()> {
        let Some(own) = self.nodes.get_mut(&me) else { return Ok(()) };
        if own.doomed {
            return Err(failure("Canceled on identification as a pivot, during conflict out checking."));
        }
        own.reads.add(table, range.clone());
        let range = range.as_ref();
        let own = &self.nodes[&me];
        let writers = self.nodes.iter().filter(|(id, writer)| {
            // A reader that only reads can be put before a writer, unless that one comes before another already.
            let comes_first = own.read_only
                && writer.committed.is_some()
                && writer.earliest_out.is_none_or(|commit| own.begun < commit);
            **id != me
                && !writer.doomed
                && !comes_first
                && own.is_concurrent_with(writer)
                && writer.writes.touch(table, range)
        });
        let writers: Vec<NodeId> = writers.map(|(id, _)| *id).collect();
        writers.into_iter().try_for_each(|writer| self.depend(me, writer, me))
    }

    /// A transaction has written a row.
    pub fn wrote(&mut self, me: NodeId, id: Option<TxnId>, change: RowChange) -> Result<()> {
        let Some(own) = self.nodes.get_mut(&me) else { return Ok(()) };
        if own.doomed {
            return Err(failure("Canceled on identification as a pivot, during conflict in checking."));
        }
        own.id = id;
        let own = &self.nodes[&me];
        let readers = self.nodes.iter().filter(|(id, reader)| {
            **id != me
                && !reader.doomed
                && own.is_concurrent_with(reader)
                && reader.reads.cover(&change, true)
                && (!self.is_overwritten(reader, own, &change) || reader.reads.cover(&change, false))
        });
        let readers: Vec<NodeId> = readers.map(|(id, _)| *id).collect();
        if let Some(own) = self.nodes.get_mut(&me) {
            own.writes.add(change);
        }
        readers.into_iter().try_for_each(|reader| self.depend(reader, me, me))
    }

    /// Whether somebody has committed a version of the row between what the reader sees of it and what the writer wrote over.
    fn is_overwritten(&self, reader: &Node, writer: &Node, change: &RowChange) -> bool {
        let Some(row) = change.row.filter(|_| !change.before.is_empty()) else { return false };
        let between = |commit: u64| reader.begun < commit && commit <= writer.begun;
        self.nodes.values().any(|other| other.committed.is_some_and(between) && other.writes.has(change.table, row))
    }

    /// Adds a dependency; `me` is one of the two. One of the transactions is cancelled if it may complete an anomaly.
    fn depend(&mut self, reader: NodeId, writer: NodeId, me: NodeId) -> Result<()> {
        if self.nodes[&reader].outs.contains(&writer) {
            return Ok(());
        }
        let dangerous = self.is_dangerous(reader, writer);
        if dangerous && me == writer {
            return Err(failure("Canceled on identification as a pivot, during write."));
        }
        if let Some(pivot) = self.nodes.get_mut(&writer) {
            if dangerous && !pivot.is_open() {
                let pivot = shown(pivot.id);
                return Err(failure(&format!("Canceled on conflict out to pivot {pivot}, during read.")));
            }
            pivot.doomed |= dangerous;
            pivot.ins.insert(reader);
        }
        if let Some(reader) = self.nodes.get_mut(&reader) {
            reader.outs.insert(writer);
        }
        Ok(())
    }

    /// Whether a dependency would make a row of two of which the last one committed first.
    fn is_dangerous(&self, reader: NodeId, writer: NodeId) -> bool {
        let (first, second) = (&self.nodes[&reader], &self.nodes[&writer]);
        if second.committed.is_some() && second.earliest_out.is_some() {
            return true;
        }
        // reader → writer → out
        let ends_early = |out: &NodeId| {
            let Some(commit) = self.nodes.get(out).and_then(Node::settled) else { return false };
            first.is_after(commit) && second.is_after(commit) && (!first.read_only || commit <= first.begun)
        };
        if second.outs.iter().any(ends_early) {
            return true;
        }
        // in → reader → writer
        let Some(commit) = second.settled().filter(|_| !first.read_only) else { return false };
        first
            .ins
            .iter()
            .filter_map(|id| self.nodes.get(id))
            .any(|start| !start.doomed && start.is_after(commit) && (!start.read_only || start.begun >= commit))
    }

    /// Whether a transaction may commit. It is the `Tout` of those that read what it wrote over: their pivots are doomed,
    /// so that something has been achieved when they are tried again.
    pub fn check_commit(&mut self, me: NodeId) -> Result<()> {
        let Some(own) = self.nodes.get(&me) else { return Ok(()) };
        if own.prepared.is_some() {
            return Ok(());
        }
        if own.doomed {
            return Err(failure("Canceled on identification as a pivot, during commit attempt."));
        }
        let is_pivot = |near: &&NodeId| {
            let Some(near) = self.nodes.get(near).filter(|near| near.committed.is_none() && !near.doomed) else {
                return false;
            };
            near.ins.iter().any(|far| {
                let open = |far: &Node| far.committed.is_none() && !far.read_only && !far.doomed;
                *far == me || self.nodes.get(far).is_some_and(open)
            })
        };
        let pivots: Vec<NodeId> = own.ins.iter().filter(is_pivot).copied().collect();
        if pivots.iter().any(|pivot| self.nodes.get(pivot).is_some_and(|pivot| !pivot.is_open())) {
            return Err(failure("Canceled on commit attempt with conflict in from prepared pivot."));
        }
        for pivot in pivots {
            if let Some(pivot) = self.nodes.get_mut(&pivot) {
                pivot.doomed = true;
            }
        }
        Ok(())
    }

    /// A transaction that may commit has been prepared, and is another session's from now on.
    pub fn prepared(&mut self, me: NodeId, whose: Ongoing) {
        let commits = self.commits;
        if let Some(own) = self.nodes.get_mut(&me) {
            own.prepared = Some(commits);
            own.whose = whose;
        }
    }

    /// The transactions in progress that may write, any of which may make the snapshot of a reader unsafe.
    pub fn writers(&self) -> Vec<NodeId> {
        let open = self.nodes.iter().filter(|(_, node)| node.committed.is_none() && !node.read_only);
        open.map(|(id, _)| *id).collect()
    }

    /// Whether a transaction has committed that comes before another which a reader's snapshot has: then that reader, which
    /// cannot see this one, may see what no serial order shows.
    pub fn spoils(&self, writer: NodeId, reader: NodeId) -> bool {
        let (Some(writer), Some(reader)) = (self.nodes.get(&writer), self.nodes.get(&reader)) else { return false };
        writer.earliest_out.is_some_and(|commit| commit <= reader.begun)
    }

    /// Whether a transaction goes on: whose it is.
    pub fn goes_on(&self, id: NodeId) -> Option<Ongoing> {
        self.nodes.get(&id).filter(|node| node.committed.is_none()).map(|node| node.whose.clone())
    }

    /// A transaction has committed.
    pub fn committed(&mut self, me: NodeId) {
        self.commits += 1;
        let Some(own) = self.nodes.get(&me) else { return };
        let read_only = own.read_only || own.writes.is_empty();
        let outs = own.outs.iter().filter_map(|out| self.nodes.get(out)?.committed);
        let earliest_out = if read_only { None } else { outs.min() };
        if let Some(own) = self.nodes.get_mut(&me) {
            own.committed = Some(self.commits);
            own.read_only = read_only;
            own.earliest_out = earliest_out;
        }
        self.forget();
    }

    /// A transaction has rolled back.
    pub fn aborted(&mut self, me: NodeId) {
        self.remove(me);
        self.forget();
    }

    /// Drops committed transactions that nobody in progress was concurrent with.
    fn forget(&mut self) {
        let open = self.nodes.values().filter(|node| node.committed.is_none());
        let oldest = open.map(|node| node.begun).min().unwrap_or(u64::MAX);
        let done = self.nodes.iter().filter(|(_, node)| node.committed.is_some_and(|commit| commit <= oldest));
        let done: Vec<NodeId> = done.map(|(id, _)| *id).collect();
        done.into_iter().for_each(|id| self.remove(id));
    }

    fn remove(&mut self, id: NodeId) {
        let Some(node) = self.nodes.remove(&id) else { return };
        for other in node.ins {
            if let Some(other) = self.nodes.get_mut(&other) {
                other.outs.remove(&id);
            }
        }
        for other in node.outs {
            if let Some(other) = self.nodes.get_mut(&other) {
                other.ins.remove(&id);
            }
        }
    }

    /// Transactions it knows of.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }
}

fn failure(reason: &str) -> Error {
    Error::new(
        SqlState::T_R_SERIALIZATION_FAILURE,
        "could not serialize access due to read/write dependencies among transactions",
    )
    .detail(format!("Reason code: {reason}"))
    .hint("The transaction might succeed if retried.")
}

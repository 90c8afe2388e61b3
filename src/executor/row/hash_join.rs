//! Equi-joins: right rows in a hash table by the bytes of their key.

use std::sync::Arc;

use dictdb_planner::physical;
use dictdb_types::Result;
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::join::{Candidates, JoinCursor, JoinSpec, RightRows};
use super::{Cursor, Node, Row};
use crate::eval::{Code, CompileContext, Scope, compile};
use crate::keys::JoinKeyKind;
use crate::runtime::Runtime;

/// Hash join.
#[derive(Debug)]
pub(crate) struct HashJoin {
    /// The join; its residual is what the keys do not say.
    pub spec: JoinSpec,
    /// Number of left columns.
    pub left_columns: usize,
    /// Right input.
    pub right: Arc<dyn Node>,
    /// The keys.
    pub keys: Box<[Key]>,
    /// Whether of several right rows the last one comes first, as in PostgreSQL's hash tables.
    pub last_first: bool,
}

/// One key of an equi-join.
#[derive(Debug)]
pub(crate) struct Key {
    pub(super) left: Code,
    pub(super) right: Code,
    kind: JoinKeyKind,
    null_equals_null: bool,
}

impl Key {
    /// Compiles the keys of a join.
    pub fn compile_all(keys: &[physical::JoinKey], cx: &CompileContext<'_>) -> Result<Box<[Key]>> {
        keys.iter()
            .map(|key| {
                Ok(Key {
                    left: compile(&key.left, cx)?,
                    right: compile(&key.right, cx)?,
                    kind: JoinKeyKind::of(key.left.ty(), key.right.ty(), cx.types)?,
                    null_equals_null: key.null_equals_null,
                })
            })
            .collect()
    }
}

impl AsRef<JoinSpec> for HashJoin {
    fn as_ref(&self) -> &JoinSpec {
        &self.spec
    }
}

impl Node for HashJoin {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let candidates = SameKey {
            node: self.clone(),
            rows: RightRows::new(&self.right, self.left_columns),
            table: HashMap::new(),
            found: Indexes::new(),
            position: 0,
            key: Vec::new(),
        };
        JoinCursor::open(self, candidates)
    }
}

/// Positions of right rows.
type Indexes = SmallVec<[u32; 4]>;

struct SameKey {
    node: Arc<HashJoin>,
    rows: RightRows,
    table: HashMap<Box<[u8]>, Indexes>,
    found: Indexes,
    position: usize,
    key: Vec<u8>,
}

impl SameKey {
    fn build(&mut self, rt: &Runtime) -> Result<()> {
        let (rows, fresh) = self.rows.load(rt)?;
        if !fresh {
            return Ok(());
        }
        self.table.clear();
        for (index, row) in rows.iter().enumerate() {
            rt.tick(index)?;
            if !write_key(&self.node.keys, |key| &key.right, Scope::new(rt, row), &mut self.key)? {
                continue;
            }
            if !self.table.contains_key(&*self.key) {
                rt.charge(self.key.len() + size_of::<(Box<[u8]>, Indexes)>())?;
            }
            self.table.entry_ref(self.key.as_slice()).or_default().push(index as u32);
        }
        Ok(())
    }
}

/// Writes the key of a row; `false` when a NULL keeps it from matching anything. Keys are in the order of their values.
pub(super) fn write_key(keys: &[Key], side: fn(&Key) -> &Code, scope: Scope<'_>, out: &mut Vec<u8>) -> Result<bool> {
    out.clear();
    for key in keys {
        let value = side(key).eval_ref(scope)?;
        if value.is_null() && !key.null_equals_null {
            return Ok(false);
        }
        key.kind.append(&value, out);
    }
    Ok(true)
}

impl Candidates for SameKey {
    fn seek(&mut self, rt: &Runtime, left: &Row) -> Result<()> {
        self.build(rt)?;
        self.position = 0;
        self.found.clear();
        if write_key(&self.node.keys, |key| &key.left, Scope::new(rt, left), &mut self.key)?
            && let Some(indexes) = self.table.get(&*self.key)
        {
            self.found.extend_from_slice(indexes);
            if self.node.last_first {
                self.found.reverse();
            }
        }
        Ok(())
    }

    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let Some(index) = self.found.get(self.position) else { return Ok(false) };
        rt.tick(self.position)?;
        self.position += 1;
        Ok(self.rows.append(*index as usize, row))
    }

    fn ends_soon(&mut self, _: &Runtime) -> Result<bool> {
        Ok(self.found.len() - self.position <= 1)
    }

    fn matched(&mut self) {
        self.rows.mark();
    }

    fn next_unmatched(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        self.rows.next_unmatched(rt, row)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.rows.rescan(rt)
    }
}

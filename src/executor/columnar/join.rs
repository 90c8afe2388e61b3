//! Equi-joins and joins on any condition, by DataFusion's operators over our cursors.
//!
//! An operator is built for each execution. Inputs bring their join keys as further columns in a form that Arrow compares
//! as PostgreSQL would ([`KeyForm`]); the operator leaves them out of its result. The smaller side is built into memory.

mod bridge;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_common::{JoinSide, JoinType, NullEquality};
use datafusion_physical_expr::PhysicalExprRef;
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::joins::utils::{ColumnIndex, JoinFilter};
use datafusion_physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, PartitionMode};
use dictdb_planner::logical::JoinKind;
use dictdb_types::{Physical, Result};

use self::bridge::{CursorExec, Pull, Residual};
use super::error::datafusion_error;
use super::key::KeyForm;
use super::vector::Vector;
use super::{Chunk, Cursor, Node};
use crate::runtime::Runtime;

/// A join.
#[derive(Debug)]
pub(crate) struct Join {
    /// Inner, left and so on.
    pub kind: JoinKind,
    /// Left input.
    pub left: Arc<dyn Node>,
    /// Right input.
    pub right: Arc<dyn Node>,
    /// Equalities; without any it is a nested loop.
    pub keys: Box<[JoinKey]>,
    /// What else must hold.
    pub residual: Option<JoinResidual>,
    /// Whether the right input is kept in memory instead of the left one.
    pub build_right: bool,
    /// Layouts of the result's columns.
    pub columns: Box<[Physical]>,
}

/// One equality: expressions over either input, and the form in which they are compared.
#[derive(Debug)]
pub(crate) struct JoinKey {
    /// Over the left input.
    pub left: (Vector, Physical),
    /// Over the right input.
    pub right: (Vector, Physical),
    /// The form.
    pub form: KeyForm,
}

/// A condition over columns of both inputs.
#[derive(Debug)]
pub(crate) struct JoinResidual {
    /// Over the columns in `inputs`.
    pub vector: Arc<Vector>,
    /// The columns it reads: left columns, then right ones.
    pub inputs: Vec<usize>,
}

impl Node for Join {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(JoinCursor { node: self, running: None })
    }

    fn columns(&self) -> &[Physical] {
        &self.columns
    }
}

/// One input on its way into the operator: our columns, then the keys.
struct Side {
    exec: Arc<CursorExec>,
    /// Number of columns without the keys.
    width: usize,
}

impl Join {
    fn start(self: &Arc<Self>, rt: &Arc<Runtime>) -> Result<Pull> {
        let exec = self.operator(rt).map_err(datafusion_error)?;
        let task = rt.prepared().engine().task().clone();
        exec.execute(0, task).map(Pull::new).map_err(datafusion_error)
    }

    fn operator(self: &Arc<Self>, rt: &Arc<Runtime>) -> datafusion_common::Result<Arc<dyn ExecutionPlan>> {
        let (left, right) = (self.side(true, rt), self.side(false, rt));
        let (left_width, right_width) = (left.width, right.width);
        let (build, probe) = if self.build_right { (right, left) } else { (left, right) };
        let join_type = self.join_type();
        let filter = self.residual.as_ref().map(|residual| self.filter(residual, left_width, rt));
        let projection = Some(self.projection(left_width, right_width));
        if self.keys.is_empty() {
            let exec = NestedLoopJoinExec::try_new(build.exec, probe.exec, filter, &join_type, projection)?;
            return Ok(Arc::new(exec));
        }
        let key = |side: &Side, index: usize| {
            Arc::new(Column::new(&column_name(side.width + index), side.width + index)) as PhysicalExprRef
        };
        let on = (0..self.keys.len()).map(|index| (key(&build, index), key(&probe, index))).collect();
        let (mode, nulls) = (PartitionMode::CollectLeft, NullEquality::NullEqualsNothing);
        let exec =
            HashJoinExec::try_new(build.exec, probe.exec, on, filter, &join_type, projection, mode, nulls, false)?;
        Ok(Arc::new(exec))
    }

    fn side(self: &Arc<Self>, left: bool, rt: &Arc<Runtime>) -> Side {
        let input = if left { &self.left } else { &self.right };
        let width = input.columns().len();
        let plain = input.columns().iter().map(|physical| dictdb_types::arrow::data_type(*physical));
        let keys = self.keys.iter().map(|key| {
            let (_, physical) = if left { &key.left } else { &key.right };
            key.form.data_type(*physical)
        });
        let cursor = input.clone().open();
        let exec = CursorExec::new(self.clone(), left, cursor, schema_of(plain.chain(keys)), rt);
        Side { exec: Arc::new(exec), width }
    }

    /// The operator's type for its own left side, which is the one built into memory.
    fn join_type(&self) -> JoinType {
        match (self.kind, self.build_right) {
            (JoinKind::Inner, _) => JoinType::Inner,
            (JoinKind::Full, _) => JoinType::Full,
            (JoinKind::Left, false) | (JoinKind::Right, true) => JoinType::Left,
            (JoinKind::Right, false) | (JoinKind::Left, true) => JoinType::Right,
            (JoinKind::Semi, false) => JoinType::LeftSemi,
            (JoinKind::Semi, true) => JoinType::RightSemi,
            (JoinKind::Anti, false) => JoinType::LeftAnti,
            (JoinKind::Anti, true) => JoinType::RightAnti,
        }
    }

    /// The operator's output columns that are ours, in our order.
    fn projection(&self, left_width: usize, right_width: usize) -> Vec<usize> {
        let keys = self.keys.len();
        let (left, right) = match (self.kind, self.build_right) {
            (JoinKind::Semi | JoinKind::Anti, _) => return (0..left_width).collect(),
            (_, false) => (0, left_width + keys),
            (_, true) => (right_width + keys, 0),
        };
        (left..left + left_width).chain(right..right + right_width).collect()
    }

    fn filter(&self, residual: &JoinResidual, left_width: usize, rt: &Arc<Runtime>) -> JoinFilter {
        let side = |left: bool| if left != self.build_right { JoinSide::Left } else { JoinSide::Right };
        let indices = residual.inputs.iter().map(|input| match input.checked_sub(left_width) {
            None => ColumnIndex { index: *input, side: side(true) },
            Some(index) => ColumnIndex { index, side: side(false) },
        });
        let (left, right) = (self.left.columns(), self.right.columns());
        let types = residual.inputs.iter().filter_map(|input| left.iter().chain(right).nth(*input));
        let schema = schema_of(types.map(|physical| dictdb_types::arrow::data_type(*physical)));
        JoinFilter::new(Arc::new(Residual::new(residual.vector.clone(), rt)), indices.collect(), schema)
    }
}

/// Columns have no names here; the operators want some.
fn column_name(index: usize) -> String {
    format!("c{index}")
}

/// A schema of nullable columns.
fn schema_of(types: impl Iterator<Item = DataType>) -> SchemaRef {
    let fields: Vec<Field> = types.enumerate().map(|(index, ty)| Field::new(column_name(index), ty, true)).collect();
    Arc::new(Schema::new(fields))
}

struct JoinCursor {
    node: Arc<Join>,
    running: Option<Pull>,
}

impl Cursor for JoinCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        let running = match &mut self.running {
            Some(running) => running,
            None => self.running.insert(self.node.start(rt)?),
        };
        running.next(rt)
    }

    fn rescan(&mut self, _: &Arc<Runtime>) -> Result<()> {
        self.running = None;
        Ok(())
    }
}

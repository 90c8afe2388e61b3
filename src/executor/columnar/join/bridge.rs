//! Between our cursors and DataFusion's plans: a cursor as a leaf, a residual condition as an expression, a stream pulled
//! on this thread.
//!
//! What is handed to DataFusion does not own the execution: a join that is read in part, as EXISTS does, is kept by it to be run
//! again, and the two would keep each other, with the transaction, forever.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion_common::DataFusionError;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use dictdb_types::{Error, Result};
use futures::StreamExt;
use parking_lot::Mutex;

use super::super::error::{datafusion_error, into_datafusion};
use super::super::vector::{Batch, Vector};
use super::super::{Chunk, Cursor};
use super::Join;
use crate::runtime::Runtime;

/// A cursor as a leaf of a plan, with the join's keys of its side after its columns.
pub(super) struct CursorExec {
    join: Arc<Join>,
    left: bool,
    /// Taken by the one execution there is.
    cursor: Mutex<Option<Box<dyn Cursor>>>,
    schema: SchemaRef,
    rt: Weak<Runtime>,
    properties: Arc<PlanProperties>,
}

impl CursorExec {
    pub fn new(join: Arc<Join>, left: bool, cursor: Box<dyn Cursor>, schema: SchemaRef, rt: &Arc<Runtime>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let rt = Arc::downgrade(rt);
        CursorExec { join, left, cursor: Mutex::new(Some(cursor)), schema, rt, properties: Arc::new(properties) }
    }
}

/// The execution, while it is there.
fn running(rt: &Weak<Runtime>) -> Result<Arc<Runtime>> {
    rt.upgrade().ok_or_else(|| Error::internal("a join outlived its execution"))
}

/// The keys of a chunk after its columns.
fn with_keys(join: &Join, left: bool, chunk: Chunk, rt: &Runtime) -> Result<Vec<ArrayRef>> {
    let mut columns = chunk.columns.clone();
    let batch = Batch { columns: &chunk.columns, rows: chunk.rows, rt };
    for key in &join.keys {
        let (vector, physical) = if left { &key.left } else { &key.right };
        columns.push(key.form.apply(vector.array(batch)?, *physical)?);
    }
    Ok(columns)
}

impl fmt::Debug for CursorExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorExec")
    }
}

impl DisplayAs for CursorExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorExec")
    }
}

impl ExecutionPlan for CursorExec {
    fn name(&self) -> &'static str {
        "CursorExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> datafusion_common::Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> datafusion_common::Result<TreeNodeRecursion>,
    ) -> datafusion_common::Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> datafusion_common::Result<SendableRecordBatchStream> {
        let taken = self.cursor.lock().take();
        let mut cursor = taken.ok_or_else(|| DataFusionError::Internal("a cursor is executed once".into()))?;
        let (join, left, rt, schema) = (self.join.clone(), self.left, self.rt.clone(), self.schema.clone());
        let batches = std::iter::from_fn(move || {
            let next = running(&rt).and_then(|rt| {
                let Some(chunk) = cursor.next(&rt)? else { return Ok(None) };
                let rows = chunk.rows;
                with_keys(&join, left, chunk, &rt).map(|columns| Some((columns, rows)))
            });
            match next.transpose()? {
                Ok((columns, rows)) => {
                    let options = RecordBatchOptions::new().with_row_count(Some(rows));
                    let batch = RecordBatch::try_new_with_options(schema.clone(), columns, &options);
                    Some(batch.map_err(DataFusionError::from))
                }
                Err(error) => Some(Err(into_datafusion(error))),
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), futures::stream::iter(batches))))
    }
}

/// A condition over columns of both sides.
pub(super) struct Residual {
    vector: Arc<Vector>,
    rt: Weak<Runtime>,
}

impl Residual {
    pub fn new(vector: Arc<Vector>, rt: &Arc<Runtime>) -> Self {
        Residual { vector, rt: Arc::downgrade(rt) }
    }
}

impl fmt::Debug for Residual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.vector.fmt(f)
    }
}

impl fmt::Display for Residual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("residual")
    }
}

impl PartialEq for Residual {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.vector, &other.vector) && Weak::ptr_eq(&self.rt, &other.rt)
    }
}

impl Eq for Residual {}

impl Hash for Residual {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.vector).hash(state);
    }
}

impl PhysicalExpr for Residual {
    fn data_type(&self, _: &Schema) -> datafusion_common::Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, _: &Schema) -> datafusion_common::Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> datafusion_common::Result<ColumnarValue> {
        let rt = running(&self.rt).map_err(into_datafusion)?;
        // A nested loop returns only when it has rows, which may be never: here is where it can be stopped.
        rt.env().check_interrupts().map_err(into_datafusion)?;
        let batch = Batch { columns: batch.columns(), rows: batch.num_rows(), rt: &rt };
        self.vector.array(batch).map(ColumnarValue::Array).map_err(into_datafusion)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn PhysicalExpr>>,
    ) -> datafusion_common::Result<Arc<dyn PhysicalExpr>> {
        Ok(self)
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("residual")
    }
}

/// A stream, pulled on this thread. All that our plans wait for is computed by the pull itself.
pub(super) struct Pull {
    stream: SendableRecordBatchStream,
}

/// Polls without progress after which a stream is taken for stuck.
const PATIENCE: usize = 1 << 20;

impl Pull {
    pub fn new(stream: SendableRecordBatchStream) -> Self {
        Pull { stream }
    }

    /// The next batch that has rows.
    pub fn next(&mut self, rt: &Runtime) -> Result<Option<Chunk>> {
        let mut context = Context::from_waker(Waker::noop());
        let mut idle = 0;
        while idle < PATIENCE {
            rt.env().check_interrupts()?;
            match self.stream.poll_next_unpin(&mut context) {
                Poll::Pending => {
                    idle += 1;
                    std::thread::yield_now();
                }
                Poll::Ready(None) => return Ok(None),
                Poll::Ready(Some(Err(error))) => return Err(datafusion_error(error)),
                Poll::Ready(Some(Ok(batch))) if batch.num_rows() == 0 => idle = 0,
                Poll::Ready(Some(Ok(batch))) => {
                    return Ok(Some(Chunk { rows: batch.num_rows(), columns: batch.columns().to_vec() }));
                }
            }
        }
        Err(Error::internal("a join made no progress"))
    }
}

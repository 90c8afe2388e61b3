//! Functions with a kernel over arrays.

use arrow::array::Datum as ArrowDatum;
use dictdb_functions::vector::Kernel;
use dictdb_types::Result;
use smallvec::SmallVec;

use super::{Batch, Value, Vector};

/// A call of a column kernel.
pub(crate) struct KernelCall {
    /// The kernel. It is strict.
    pub kernel: Kernel,
    /// Arguments.
    pub args: Box<[Vector]>,
}

impl std::fmt::Debug for KernelCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.args).finish()
    }
}

impl KernelCall {
    pub(super) fn eval(&self, batch: Batch<'_>) -> Result<Value> {
        let values: SmallVec<[Value; 3]> = self.args.iter().map(|arg| arg.eval(batch)).collect::<Result<_>>()?;
        let args: SmallVec<[&dyn ArrowDatum; 3]> = values.iter().map(Value::as_datum).collect();
        let all_single = values.iter().all(|value| matches!(value, Value::Single(_)));
        let array = (self.kernel.run)(&args)?;
        Ok(Value::of_kernel(array, all_single))
    }

    pub(super) fn can_fail(&self) -> bool {
        !self.kernel.is_total || self.args.iter().any(Vector::can_fail)
    }
}

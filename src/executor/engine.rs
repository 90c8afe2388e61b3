//! What all executions of a server share: the memory budget and DataFusion's task context.

use std::sync::Arc;

use crate::columnar::choose::EngineChoice;
use datafusion_execution::TaskContext;
use datafusion_execution::config::SessionConfig;
use datafusion_execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion_execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion_execution::runtime_env::RuntimeEnvBuilder;
use dictdb_functions::Registry;
use dictdb_storage::Storage;
use dictdb_types::{Error, Result, SqlState};

use crate::memory::Budget;

/// Rows of a batch in the columnar engine.
pub(crate) const BATCH_ROWS: usize = 8192;

/// Shared by all executions. One task context serves them all: making one costs more than a short statement.
pub struct Engine {
    task: Arc<TaskContext>,
    registry: Registry,
    choice: EngineChoice,
    budget: Arc<Budget>,
}

impl Engine {
    /// An engine whose executions, with the tables that it counts, hold no more than `memory_bytes`; beyond that statements fail
    /// (53200).
    /// `registry` has the functions that expressions of tables call.
    pub fn new(memory_bytes: usize, registry: Registry) -> Result<Arc<Self>> {
        let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
        let budget = Arc::new(Budget::new(memory_bytes));
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(budget.clone())
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(|error| Error::internal(error.to_string()))?;
        let config = SessionConfig::new().with_target_partitions(1).with_batch_size(BATCH_ROWS);
        let task = TaskContext::default().with_session_config(config).with_runtime(runtime);
        Ok(Arc::new(Engine { task: Arc::new(task), registry, choice: EngineChoice::Automatic, budget }))
    }

    /// Has the tables of a storage count against the budget; once.
    pub fn count_tables(&self, storage: &Storage) {
        self.budget.count(storage.clone());
    }

    /// Has the tables of a storage that is being built beside count too, for as long as what this returns is there.
    pub fn count_beside(&self, storage: &Storage) -> CountedBeside {
        self.budget.count_beside(storage, true);
        CountedBeside { storage: storage.clone(), budget: self.budget.clone() }
    }

    /// Whether tables hold no more than they may, as they are now. 53200.
    pub fn check_tables(&self) -> Result<()> {
        self.budget.obstacle_now().map_or(Ok(()), |obstacle| Err(out_of_memory(obstacle)))
    }

    /// Whether there is memory for more rows. 53200.
    pub fn check_room(&self) -> Result<()> {
        self.budget.obstacle().map_or(Ok(()), |obstacle| Err(out_of_memory(obstacle)))
    }

    /// The context DataFusion's operators run in.
    pub(crate) fn task(&self) -> &Arc<TaskContext> {
        &self.task
    }

    /// The same engine that chooses otherwise, for tests.
    #[cfg(test)]
    pub(crate) fn choosing(&self, choice: EngineChoice) -> Arc<Self> {
        let (task, registry, budget) = (self.task.clone(), self.registry.clone(), self.budget.clone());
        Arc::new(Engine { task, registry, choice, budget })
    }

    /// How operators are chosen.
    pub(crate) fn choice(&self) -> EngineChoice {
        self.choice
    }

    /// Implementations of functions.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    fn pool(&self) -> &Arc<dyn MemoryPool> {
        self.task.memory_pool()
    }

    /// Bytes that statements hold now.
    pub fn reserved_bytes(&self) -> usize {
        self.pool().reserved()
    }

    /// Memory for something that outlives executions; none so far.
    pub fn reserve(&self, name: &str) -> Reservation {
        Reservation(self.reservation(name))
    }

    /// A share of the budget, empty.
    pub(crate) fn reservation(&self, name: &str) -> MemoryReservation {
        MemoryConsumer::new(name).register(self.pool())
    }
}

/// A storage whose tables count against the budget: [`Engine::count_beside`].
pub struct CountedBeside {
    storage: Storage,
    budget: Arc<Budget>,
}

impl Drop for CountedBeside {
    fn drop(&mut self) {
        self.budget.count_beside(&self.storage, false);
    }
}

/// Memory taken from the budget of all statements, given back in the end.
#[derive(Debug)]
pub struct Reservation(MemoryReservation);

impl Reservation {
    /// Takes more. 53200.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        self.0.try_grow(bytes).map_err(|error| out_of_memory(error.strip_backtrace()))
    }

    /// Gives some back.
    pub fn shrink(&mut self, bytes: usize) {
        self.0.shrink(bytes);
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "engine with {} bytes in use", self.pool().reserved())
    }
}

/// 53200.
pub(crate) fn out_of_memory(detail: impl Into<String>) -> Error {
    Error::new(SqlState::OUT_OF_MEMORY, "out of memory").detail(detail)
}

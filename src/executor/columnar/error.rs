//! Errors of Arrow and DataFusion as ours, and ours through theirs.

use arrow::error::ArrowError;
use datafusion_common::DataFusionError;
use dictdb_types::Error;

use crate::engine::out_of_memory;

/// An error of an Arrow kernel.
#[cold]
pub(crate) fn arrow_error(error: ArrowError) -> Error {
    match error {
        ArrowError::ExternalError(inner) => unwrap(inner),
        ArrowError::MemoryError(detail) => out_of_memory(detail),
        other => Error::internal(other.to_string()),
    }
}

/// An error of a DataFusion operator; ours comes back as it went in.
#[cold]
pub(crate) fn datafusion_error(error: DataFusionError) -> Error {
    match error {
        DataFusionError::External(inner) => unwrap(inner),
        DataFusionError::ArrowError(inner, _) => arrow_error(*inner),
        DataFusionError::ResourcesExhausted(detail) => out_of_memory(detail),
        DataFusionError::Context(_, inner) => datafusion_error(*inner),
        DataFusionError::Shared(shared) => match std::sync::Arc::try_unwrap(shared) {
            Ok(inner) => datafusion_error(inner),
            Err(shared) => of_shared(&shared),
        },
        other => Error::internal(other.strip_backtrace()),
    }
}

/// An error that several consumers hold.
fn of_shared(error: &DataFusionError) -> Error {
    match error {
        DataFusionError::External(inner) => match inner.downcast_ref::<Error>() {
            Some(error) => error.clone(),
            None => Error::internal(inner.to_string()),
        },
        DataFusionError::ResourcesExhausted(detail) => out_of_memory(detail.clone()),
        DataFusionError::Shared(inner) => of_shared(inner),
        DataFusionError::Context(_, inner) => of_shared(inner),
        other => Error::internal(other.strip_backtrace()),
    }
}

fn unwrap(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(error) => match error.downcast::<DataFusionError>() {
            Ok(error) => datafusion_error(*error),
            Err(error) => Error::internal(error.to_string()),
        },
    }
}

/// Our error on its way through DataFusion.
pub(crate) fn into_datafusion(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

//! Which partition takes a row, and whether a row belongs where it is put.

mod level;
mod moving;
mod own_order;
mod router;
mod rule;

pub(crate) use moving::Moving;
pub(crate) use own_order::{order_of, routine_name, written_value};
pub(crate) use router::Router;
pub(crate) use rule::PartitionRule;

//! Which partition takes a row, and whether a row belongs where it is put.

mod level;
mod moving;
mod router;
mod rule;

pub(crate) use moving::Moving;
pub(crate) use router::Router;
pub(crate) use rule::PartitionRule;

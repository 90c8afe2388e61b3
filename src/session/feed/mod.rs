//! Live feeds: committed changes of a table and notifications of a channel, for listeners that are no sessions.
//!
//! ```text
//!   commit ─► Feeds (under the commit lock) ─► queue ─► Changes::next ─► waits for the log ─► JSON
//!   NOTIFY ─► Hub                           ─► queue ─► Notices::next ─► waits for the log
//! ```
//! A queue holds so many bytes and no more: a listener that falls behind is cut off ([`End::Behind`]), and nobody waits for it. What
//! comes out is on disk as far as commits were promised to be.

mod changes;
mod message;
mod notices;
mod queue;

pub use changes::Changes;
pub(crate) use changes::Feeds;
pub use notices::Notices;
pub use queue::End;
pub(crate) use queue::{Sink, Stream, queue};

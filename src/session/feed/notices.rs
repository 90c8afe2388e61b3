//! Notifications of one channel for a listener that is no session.

use std::sync::Arc;

use super::{End, Stream};
use crate::notifications::Notification;
use crate::{Database, Instance};

/// Payloads of a channel as they become public. The channel is left when it is dropped.
pub struct Notices {
    instance: Arc<Instance>,
    database: Arc<str>,
    channel: Arc<str>,
    number: u64,
    stream: Stream<Notification>,
    /// Taken from the stream, and not told yet.
    waiting: Option<Notification>,
}

impl Instance {
    /// Listens to a channel of a database.
    pub fn follow_channel(self: &Arc<Self>, database: &Database, channel: &str) -> Notices {
        let (database, channel): (Arc<str>, Arc<str>) = (database.name.clone(), channel.into());
        let (number, stream) = self.hub.follow(&database, &channel);
        Notices { instance: self.clone(), database, channel, number, stream, waiting: None }
    }
}

impl Notices {
    /// Whether something waits to be told.
    pub fn has_more(&self) -> bool {
        self.waiting.is_some() || !self.stream.is_empty()
    }

    /// The next notification. May be given up at any time without losing one.
    pub async fn next(&mut self) -> Result<Notification, End> {
        if self.waiting.is_none() {
            self.waiting = Some(self.stream.next().await?);
        }
        if let Some(durability) = &self.instance.durability {
            // When the log has stopped, what is visible is told all the same, as to sessions.
            let _ = durability.durable_at(durability.promised()).await;
        }
        match self.waiting.take() {
            Some(notification) => Ok(notification),
            None => Err(End::Gone("nothing was waiting")),
        }
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.instance.hub.unfollow(&self.database, &self.channel, self.number);
    }
}

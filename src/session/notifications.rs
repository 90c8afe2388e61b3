//! LISTEN and NOTIFY: who listens to what, and what waits to be delivered.
//!
//! A notification becomes public when its transaction commits. It is put into the inbox of every session of the same
//! database that listens, and each session hands its inbox to its client between transactions. A bound on all inboxes
//! together stands where PostgreSQL bounds its queue.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use dictdb_types::{Error, Result, SqlState};
use parking_lot::{Mutex, RwLock};

use crate::attention::Attention;
use crate::feed::{Sink, Stream, queue};

/// Bytes of undelivered notifications, over all sessions, beyond which NOTIFY fails.
const MAX_QUEUED_BYTES: usize = 256 << 20;
/// Longest payload, as in PostgreSQL.
pub const MAX_PAYLOAD_BYTES: usize = 7999;
/// Longest channel name.
pub const MAX_CHANNEL_BYTES: usize = 63;

/// One notification.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Notification {
    /// Process id of the session that sent it.
    pub sender: i32,
    /// Channel.
    pub channel: Arc<str>,
    /// Payload, possibly empty.
    pub payload: Arc<str>,
}

impl Notification {
    fn bytes(&self) -> usize {
        self.channel.len() + self.payload.len() + size_of::<Self>()
    }
}

/// What waits for one session.
#[derive(Default)]
pub struct Inbox {
    queue: Mutex<Vec<Notification>>,
    /// Whether something is in it; changed under the queue's lock.
    is_filled: AtomicBool,
}

impl Inbox {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        !self.is_filled.load(Ordering::Acquire)
    }
}

impl Inbox {
    fn push(&self, notification: Notification) {
        let mut queue = self.queue.lock();
        queue.push(notification);
        self.is_filled.store(true, Ordering::Release);
    }

    fn take(&self) -> Vec<Notification> {
        let mut queue = self.queue.lock();
        self.is_filled.store(false, Ordering::Release);
        std::mem::take(&mut *queue)
    }
}

/// A session as the hub knows it: the inbox and what wakes its connection.
type Listener = (Arc<Inbox>, Arc<Attention>);

/// Those who follow a channel without a session.
type Followers = Vec<(u64, Sink<Notification>)>;

/// All listeners of a server.
#[derive(Default)]
pub struct Hub {
    followers: RwLock<HashMap<(Arc<str>, Arc<str>), Followers>>,
    follower_numbers: AtomicU64,
    listeners: RwLock<HashMap<(Arc<str>, Arc<str>), HashMap<i32, Listener>>>,
    queued_bytes: AtomicUsize,
}

impl Hub {
    /// Session `pid` listens to a channel of a database.
    pub fn listen(&self, database: &Arc<str>, channel: &Arc<str>, pid: i32, listener: Listener) {
        let key = (database.clone(), channel.clone());
        self.listeners.write().entry(key).or_default().insert(pid, listener);
    }

    /// Session `pid` listens no longer.
    pub fn unlisten(&self, database: &Arc<str>, channel: &Arc<str>, pid: i32) {
        let key = (database.clone(), channel.clone());
        let mut listeners = self.listeners.write();
        if let Some(channel) = listeners.get_mut(&key) {
            channel.remove(&pid);
            if channel.is_empty() {
                listeners.remove(&key);
            }
        }
    }

    /// Follows a channel of a database without a session: by a queue of its own, that stands in nobody's way.
    pub(crate) fn follow(&self, database: &Arc<str>, channel: &Arc<str>) -> (u64, Stream<Notification>) {
        let number = self.follower_numbers.fetch_add(1, Ordering::Relaxed);
        let (sink, stream) = queue();
        let key = (database.clone(), channel.clone());
        self.followers.write().entry(key).or_default().push((number, sink));
        (number, stream)
    }

    /// Follows it no longer.
    pub(crate) fn unfollow(&self, database: &Arc<str>, channel: &Arc<str>, number: u64) {
        let key = (database.clone(), channel.clone());
        let mut followers = self.followers.write();
        if let Some(channel) = followers.get_mut(&key) {
            channel.retain(|(own, _)| *own != number);
            if channel.is_empty() {
                followers.remove(&key);
            }
        }
    }

    /// The channels of a database that session `pid` listens to.
    pub fn channels_of(&self, database: &Arc<str>, pid: i32) -> Vec<Arc<str>> {
        let listeners = self.listeners.read();
        let own = listeners.iter().filter(|((name, _), sessions)| name == database && sessions.contains_key(&pid));
        own.map(|((_, channel), _)| channel.clone()).collect()
    }

    /// Whether `notifications` fit; 54000 otherwise. Asked before a transaction commits.
    pub fn check_room(&self, notifications: &[Notification]) -> Result<()> {
        let bytes: usize = notifications.iter().map(Notification::bytes).sum();
        if self.queued_bytes.load(Ordering::Relaxed).saturating_add(bytes) > MAX_QUEUED_BYTES {
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "too many notifications in the NOTIFY queue"));
        }
        Ok(())
    }

    /// Puts notifications of a committed transaction into the inboxes.
    pub fn deliver(&self, database: &Arc<str>, notifications: &[Notification]) {
        if notifications.is_empty() {
            return;
        }
        let listeners = self.listeners.read();
        for notification in notifications {
            let Some(channel) = listeners.get(&(database.clone(), notification.channel.clone())) else { continue };
            for (inbox, wake) in channel.values() {
                self.queued_bytes.fetch_add(notification.bytes(), Ordering::Relaxed);
                inbox.push(notification.clone());
                wake.ring();
            }
        }
        drop(listeners);
        self.tell_followers(database, notifications);
    }

    fn tell_followers(&self, database: &Arc<str>, notifications: &[Notification]) {
        if self.followers.read().is_empty() {
            return;
        }
        let mut followers = self.followers.write();
        for notification in notifications {
            if let Some(channel) = followers.get_mut(&(database.clone(), notification.channel.clone())) {
                channel.retain(|(_, sink)| sink.offer(notification.clone(), notification.bytes()));
            }
        }
    }

    /// Empties an inbox.
    pub fn take(&self, inbox: &Inbox) -> Vec<Notification> {
        let taken = inbox.take();
        let bytes: usize = taken.iter().map(Notification::bytes).sum();
        self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        taken
    }

    /// Share of the queue in use, for `pg_notification_queue_usage()`.
    pub fn usage(&self) -> f64 {
        self.queued_bytes.load(Ordering::Relaxed) as f64 / MAX_QUEUED_BYTES as f64
    }
}

/// What one transaction does to channels; takes effect when it commits.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    actions: Vec<Action>,
    sent: Vec<Notification>,
    seen: HashSet<Notification>,
}

/// LISTEN, UNLISTEN, `UNLISTEN *`.
#[derive(Clone, Debug)]
pub enum Action {
    /// LISTEN.
    Listen(Arc<str>),
    /// UNLISTEN.
    Unlisten(Arc<str>),
    /// `UNLISTEN *`.
    UnlistenAll,
}

impl Pending {
    /// Whether the transaction touched no channel.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty() && self.sent.is_empty()
    }

    /// Adds a LISTEN or UNLISTEN.
    pub fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Adds a notification, unless the transaction sent the same one before. 22023 for a bad name or payload.
    pub fn send(&mut self, sender: i32, channel: &str, payload: &str) -> Result<()> {
        let refuse = |message: &str| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        if channel.is_empty() {
            return refuse("channel name cannot be empty");
        }
        if channel.len() > MAX_CHANNEL_BYTES {
            return refuse("channel name too long");
        }
        if payload.len() > MAX_PAYLOAD_BYTES {
            return refuse("payload string too long");
        }
        let notification = Notification { sender, channel: channel.into(), payload: payload.into() };
        if self.seen.insert(notification.clone()) {
            self.sent.push(notification);
        }
        Ok(())
    }

    /// How far it has come, for a savepoint.
    pub fn position(&self) -> (usize, usize) {
        (self.actions.len(), self.sent.len())
    }

    /// Takes back what came after a savepoint.
    pub fn rollback_to(&mut self, position: (usize, usize)) {
        self.actions.truncate(position.0);
        for notification in self.sent.drain(position.1..) {
            self.seen.remove(&notification);
        }
    }

    /// The notifications, in the order they were sent.
    pub fn sent(&self) -> &[Notification] {
        &self.sent
    }

    /// The changes of what is listened to, in order.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_sends_each_notification_once() {
        let mut pending = Pending::default();
        pending.send(1, "c", "a").unwrap();
        let savepoint = pending.position();
        pending.send(1, "c", "b").unwrap();
        pending.send(1, "c", "a").unwrap();
        pending.rollback_to(savepoint);
        pending.send(1, "c", "b").unwrap();
        let payloads: Vec<&str> = pending.sent().iter().map(|n| &*n.payload).collect();
        assert_eq!(payloads, ["a", "b"]);
        assert!(pending.send(1, "", "").is_err());
        assert!(pending.send(1, "c", &"x".repeat(8000)).is_err());
    }

    #[test]
    fn notifications_reach_the_listeners_of_their_database() {
        let (hub, inbox) = (Hub::default(), Arc::new(Inbox::default()));
        let (here, there, channel): (Arc<str>, Arc<str>, Arc<str>) = ("a".into(), "b".into(), "c".into());
        hub.listen(&here, &channel, 7, (inbox.clone(), Arc::default()));
        let sent = [Notification { sender: 1, channel: channel.clone(), payload: "x".into() }];
        hub.deliver(&there, &sent);
        assert!(inbox.is_empty());
        hub.deliver(&here, &sent);
        assert_eq!(hub.take(&inbox), sent);
        assert_eq!(hub.usage(), 0.0);
        hub.unlisten(&here, &channel, 7);
        hub.deliver(&here, &sent);
        assert!(inbox.is_empty());
    }
}

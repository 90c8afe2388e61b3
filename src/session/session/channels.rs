//! The channels a session listens to.

use std::sync::Arc;

use super::Session;
use crate::notifications::Action;

impl Session {
    pub(super) fn change_channels(&mut self, action: &Action) {
        let (hub, backend) = (&self.shared.instance.hub, &self.shared.backend);
        let database = &self.shared.database.name;
        match action {
            Action::Listen(channel) => {
                if self.listening.insert(channel.clone()) {
                    hub.listen(database, channel, backend.pid, (backend.inbox.clone(), backend.attention.clone()));
                }
            }
            Action::Unlisten(channel) => {
                if self.listening.remove(channel) {
                    hub.unlisten(database, channel, backend.pid);
                }
            }
            Action::UnlistenAll => {
                for channel in std::mem::take(&mut self.listening) {
                    hub.unlisten(database, &channel, backend.pid);
                }
            }
        }
    }

    /// Whether it listens to something, or is about to.
    pub(crate) fn is_listening(&self) -> bool {
        !self.listening.is_empty() || !self.shared.pending.lock().is_empty()
    }

    /// Channels this session listens to.
    pub fn channels(&self) -> impl Iterator<Item = &Arc<str>> {
        self.listening.iter()
    }
}

//! LISTEN, UNLISTEN and NOTIFY. They take effect when the transaction commits.

use dictdb_parser::ast::Ident;
use dictdb_parser::utility::Notify;
use dictdb_types::Result;

use crate::Session;
use crate::client::Tag;
use crate::notifications::Action;
use crate::portal::Outcome;

impl Session {
    pub(super) fn run_listen(&mut self, channel: &str) -> Result<Outcome> {
        self.shared.pending.lock().act(Action::Listen(channel.into()));
        Ok(Outcome::Done(Tag::new("LISTEN")))
    }

    pub(super) fn run_unlisten(&mut self, channel: Option<&Ident>) -> Result<Outcome> {
        let action = match channel {
            Some(channel) => Action::Unlisten(channel.value.as_str().into()),
            // Nothing that a transaction would have to do at its end.
            None if !self.is_listening() => return Ok(Outcome::Done(Tag::new("UNLISTEN"))),
            None => Action::UnlistenAll,
        };
        self.shared.pending.lock().act(action);
        Ok(Outcome::Done(Tag::new("UNLISTEN")))
    }

    pub(super) fn run_notify(&mut self, notify: &Notify) -> Result<Outcome> {
        let payload = notify.payload.as_deref().unwrap_or_default();
        self.shared.pending.lock().send(self.shared.backend.pid, &notify.channel.value, payload)?;
        Ok(Outcome::Done(Tag::new("NOTIFY")))
    }
}

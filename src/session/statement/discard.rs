//! DISCARD: a session as good as new.

use dictdb_parser::utility::Discard;
use dictdb_types::Result;

use crate::Session;
use crate::client::Tag;
use crate::notifications::Action;
use crate::portal::Outcome;
use crate::settings::{Authority, Scope};

impl Session {
    pub(super) fn run_discard(&mut self, what: Discard) -> Result<Outcome> {
        let tag = match what {
            Discard::All => {
                self.discard_all()?;
                "DISCARD ALL"
            }
            // Plans are checked against the catalog's version whenever they are used; discarding them frees memory only.
            Discard::Plans => "DISCARD PLANS",
            Discard::Sequences => {
                self.discard_sequences();
                "DISCARD SEQUENCES"
            }
            Discard::Temp => {
                self.discard_temporary()?;
                "DISCARD TEMP"
            }
        };
        Ok(Outcome::Done(Tag::new(tag)))
    }

    fn discard_all(&mut self) -> Result<()> {
        self.portals.retain(|_| false);
        {
            let mut settings = self.shared.settings.lock();
            settings.reset("session_authorization", Scope::Session, Authority::User)?;
            settings.reset("role", Scope::Session, Authority::User)?;
            settings.reset_all();
        }
        self.prepared.clear();
        self.shared.pending.lock().act(Action::UnlistenAll);
        self.storage.unlock_all_advisory();
        self.discard_sequences();
        self.discard_temporary()
    }
}

//! The sessions of a storage by process id.

use std::sync::{Arc, Weak};

use hashbrown::HashMap;
use parking_lot::RwLock;

use crate::session::SessionState;

/// Sessions that are connected.
#[derive(Default)]
pub(crate) struct Sessions(RwLock<HashMap<u32, Weak<SessionState>>>);

impl Sessions {
    pub(crate) fn add(&self, session: &Arc<SessionState>) {
        self.0.write().insert(session.pid, Arc::downgrade(session));
    }

    pub(crate) fn remove(&self, pid: u32) {
        self.0.write().remove(&pid);
    }

    pub(crate) fn get(&self, pid: u32) -> Option<Arc<SessionState>> {
        self.0.read().get(&pid).and_then(Weak::upgrade)
    }

    pub(crate) fn all(&self) -> Vec<Arc<SessionState>> {
        self.0.read().values().filter_map(Weak::upgrade).collect()
    }
}

//! What a statement is run with: settings, modes of the transaction, catalog, times; made anew only when one of them changed.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Session;
use crate::encoding::Codec;
use crate::env::StatementEnv;
use crate::settings::Derived;
use crate::transaction::Modes;

/// What an environment depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EnvKey {
    catalog: u64,
    epoch: u64,
    settings: u64,
    transaction: i64,
    statement: i64,
    modes: Modes,
}

impl EnvKey {
    /// Makes an environment that was made for this key good for another one, if only the time has changed since and nobody
    /// uses it any more.
    fn renew(&mut self, key: &EnvKey, env: &mut Arc<StatementEnv>) -> bool {
        if self == key {
            return true;
        }
        let same = (self.catalog, self.epoch, self.settings) == (key.catalog, key.epoch, key.settings);
        let Some(env) = Arc::get_mut(env).filter(|_| same) else { return false };
        env.transaction_timestamp = key.transaction;
        env.statement_timestamp = key.statement;
        env.modes = key.modes;
        *self = *key;
        true
    }
}

impl Session {
    /// What statements need of the settings.
    #[inline]
    pub(crate) fn derived(&mut self) -> &Arc<Derived> {
        if self.derived.0 != self.shared.settings_generation() {
            self.derive();
        }
        &self.derived.1
    }

    #[cold]
    fn derive(&mut self) {
        let settings = self.shared.settings.lock();
        self.derived = (settings.generation(), settings.derived().clone());
    }

    /// What converts texts from and to the client's encoding; `None` when that is UTF-8.
    #[inline]
    pub fn codec(&mut self) -> Option<&'static Codec> {
        self.derived().codec
    }

    /// The modes of the open transaction, or those that the next one begins with.
    pub(crate) fn modes(&mut self) -> Modes {
        if self.block.is_open() { self.block.modes } else { self.derived().transaction_modes }
    }

    /// The environment of a statement that begins now.
    #[inline]
    pub(crate) fn env(&mut self) -> Arc<StatementEnv> {
        self.env_now().clone()
    }

    /// Likewise, for a look.
    pub(crate) fn env_now(&mut self) -> &Arc<StatementEnv> {
        let key = EnvKey {
            catalog: self.shared.database.catalog.version(),
            epoch: if self.definitions.catalog.is_changed() { self.catalog_epoch } else { 0 },
            settings: self.shared.settings_generation(),
            transaction: if self.block.is_open() { self.block.started } else { self.statement_timestamp },
            statement: self.statement_timestamp,
            modes: self.modes(),
        };
        let is_good = self.last_env.as_mut().is_some_and(|(last, env)| last.renew(&key, env));
        if !is_good {
            self.last_env = Some((key, self.make_env(&key)));
        }
        match &self.last_env {
            Some((_, env)) => env,
            None => unreachable!("made above"),
        }
    }

    fn make_env(&mut self, key: &EnvKey) -> Arc<StatementEnv> {
        let derived = self.derived().clone();
        Arc::new(StatementEnv {
            catalog: self.definitions.catalog.view(&self.shared.database.catalog),
            derived,
            transaction_timestamp: key.transaction,
            statement_timestamp: key.statement,
            modes: key.modes,
            shared: self.shared.clone(),
            domains: Mutex::default(),
        })
    }

    /// Whether there were routines when the surroundings were last looked at: then a query may call one.
    #[inline]
    pub(crate) fn may_call_routines(&self) -> bool {
        self.last_env.as_ref().is_none_or(|(_, env)| env.catalog.has_routines())
    }
}

//! The messages of a client as others see them: what runs, since when, how long it may; and what goes to the client between
//! its answers.

use std::sync::Arc;
use std::time::Duration;

use super::Session;
use crate::backends::State;
use crate::client::Client;
use crate::clock;
use crate::deadlines::Deadline;
use crate::transaction::Status;

impl Session {
    /// A message begins to be answered: it can be cancelled, and its time is limited. Its time is that of its receipt, so
    /// messages that arrived together share it, up to the first that runs a statement.
    pub(crate) fn begin_message(&mut self) -> Option<Deadline> {
        if !self.is_running {
            self.is_running = true;
            self.follow_configuration();
            self.shared.backend.interrupts.begin_statement();
        }
        if !self.clock_read {
            self.clock_read = true;
            self.statement_timestamp = clock::now_micros();
        }
        self.statement_deadline()
    }

    /// Goes over to values for all sessions that were read since the last message.
    fn follow_configuration(&mut self) {
        let instance = &self.shared.instance;
        let version = instance.configuration.version();
        if version != self.configured {
            self.configured = version;
            let server = instance.settings.read().clone();
            self.shared.settings.lock().set_server(server);
        }
    }

    /// When a statement that begins now must have ended.
    pub(crate) fn statement_deadline(&mut self) -> Option<Deadline> {
        let timeout_ms = self.derived().statement_timeout_ms;
        let limit = Duration::from_millis(timeout_ms);
        (timeout_ms > 0).then(|| self.shared.instance.deadlines.set(limit, &self.shared.backend))
    }

    /// Shows others what runs.
    pub(crate) fn show_activity(&mut self, text: &Arc<str>) {
        let now = self.statement_timestamp;
        let is_known = Arc::ptr_eq(&self.shown.0, text);
        if is_known && self.shown.1 == Some(now) {
            return;
        }
        if let Some(started) = self.shown.1.replace(now) {
            self.meter_time(started, now);
        }
        let mut activity = self.shared.backend.activity.lock();
        if !is_known {
            self.shown.0 = text.clone();
            activity.query = text.clone();
        }
        activity.state = State::Active;
        activity.state_change = now;
        activity.query_start = Some(now);
        activity.transaction_start = self.block.is_open().then_some(self.block.started);
    }

    /// The statement of a message has run, well or badly; messages behind it run later than they came.
    pub(crate) fn end_message(&mut self, deadline: Option<Deadline>) {
        self.clock_read = false;
        // What came too late for this statement is not for the next one.
        if deadline.is_some() {
            drop(deadline);
            self.shared.backend.interrupts.end_statement();
            self.shared.backend.interrupts.begin_statement();
        }
    }

    /// The client is waited for: nothing can be cancelled.
    pub fn pause(&mut self) {
        self.clock_read = false;
        if std::mem::take(&mut self.is_running) {
            self.shared.backend.interrupts.end_statement();
        }
    }

    /// A query string or pipeline has been answered.
    pub(crate) fn end_activity(&mut self, client: &mut dyn Client) {
        self.pause();
        self.send_notices(client);
        let Some(started) = self.shown.1.take() else { return };
        let now = clock::now_micros();
        self.meter_time(started, now);
        let mut activity = self.shared.backend.activity.lock();
        activity.state_change = now;
        activity.state = match self.block.status() {
            Status::Idle => State::Idle,
            Status::InTransaction => State::IdleInTransaction,
            Status::Failed => State::IdleInTransactionAborted,
        };
        activity.transaction_start = self.block.is_open().then_some(self.block.started);
    }

    /// Lets notices of a statement that begins reach the client while it runs.
    pub(crate) fn lend_output(&self, client: &mut dyn Client) {
        self.send_notices(client);
        client.lend_output();
    }

    /// Hands waiting notices to the client.
    #[inline]
    pub fn send_notices(&self, client: &mut dyn Client) {
        self.shared.send_notices(client);
    }

    /// What came for the session while it waited for its client: notifications, outside a transaction.
    pub fn report_mail(&mut self, client: &mut dyn Client) {
        if !self.block.is_open() && !self.shared.backend.inbox.is_empty() {
            for notification in self.shared.instance.hub.take(&self.shared.backend.inbox) {
                client.notification(notification.sender, &notification.channel, &notification.payload);
            }
        }
    }

    /// Tells the client what changed for it: notices, notifications outside a transaction, reported settings. Called before
    /// every ReadyForQuery.
    pub fn report_changes(&mut self, client: &mut dyn Client) {
        self.send_notices(client);
        self.report_mail(client);
        if self.reported_generation == self.shared.settings_generation() {
            return;
        }
        let settings = self.shared.settings.lock();
        self.reported_generation = settings.generation();
        let known = std::mem::take(&mut self.reported);
        for (index, (name, value)) in settings.reported().enumerate() {
            if known.get(index) != Some(&value) {
                client.parameter_status(name, &value);
            }
            self.reported.push(value);
        }
        self.shared.backend.activity.lock().application_name = settings.text("application_name").into();
    }
}

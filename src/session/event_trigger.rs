//! Event triggers: the commands that fire them, the calls of their functions, and what those may ask about the command.
//!
//! ```text
//!   run_other ─► watched: ddl_command_start ─► the command, which collects what it does ─► sql_drop ─► ddl_command_end
//!                                                    └─ about to write a table anew: table_rewrite
//!   pg_event_trigger_… ─► the innermost command that runs
//! ```

use std::sync::Arc;

use dictdb_catalog::trigger::Firing;
use dictdb_catalog::{CommandEvent, Language};
use dictdb_executor::ddl::{self, Collected};
use dictdb_functions::facts::Volatility;
use dictdb_parser::Statement;
use dictdb_parser::utility::{Grant, GrantTarget, ObjectKind, Utility};
use dictdb_types::{Datum, Error, Oid, Result, Type, oids};
use parking_lot::Mutex;

use crate::prepared::Source;
use crate::routines::{Invocation, begins_with_create};
use crate::statement::command_tag;
use crate::{Session, StatementEnv};

/// The commands that run, the innermost last.
#[derive(Default)]
pub(crate) struct RunningCommands(Mutex<Vec<RunningCommand>>);

/// A command that event triggers watch.
pub(crate) struct RunningCommand {
    /// Its tag.
    pub tag: &'static str,
    /// The event whose triggers fire now.
    pub event: Option<CommandEvent>,
    /// What it has done so far.
    pub collected: Collected,
    /// The table that is about to be written anew, and why.
    pub rewritten: Option<(Oid, i32)>,
}

impl RunningCommands {
    /// Looks at the innermost command.
    pub(crate) fn innermost<T>(&self, look: impl FnOnce(&mut RunningCommand) -> T) -> Option<T> {
        self.0.lock().last_mut().map(look)
    }

    /// Whether somebody wants to know what the running command does.
    pub(crate) fn are_watched(&self) -> bool {
        !self.0.lock().is_empty()
    }

    /// Takes over what a command has done.
    pub(crate) fn add(&self, done: Collected) {
        self.innermost(|command| {
            command.collected.commands.extend(done.commands);
            command.collected.dropped.extend(done.dropped);
        });
    }

    fn begin(&self, tag: &'static str) {
        self.0.lock().push(RunningCommand { tag, event: None, collected: Collected::default(), rewritten: None });
    }

    fn end(&self) {
        self.0.lock().pop();
    }
}

impl Session {
    /// The tag of a statement that event triggers may watch.
    pub(crate) fn watched_tag(&mut self, source: &Source) -> Option<&'static str> {
        let statement = &source.parsed.statement;
        let tag = match statement {
            Statement::Utility(command) => match &**command {
                Utility::CreateTableAs(_) if !begins_with_create(source.own_text()) => "SELECT INTO",
                Utility::Comment(comment) if !is_watched(comment.kind) => return None,
                Utility::Grant(Grant { target: GrantTarget::Objects(kind, _), .. }) if !is_watched(*kind) => {
                    return None;
                }
                _ => command_tag(statement),
            },
            Statement::Sql(_) => return None,
        };
        (ddl::fires_event_triggers(tag) == Some(true) && self.env().catalog.has_event_triggers()).then_some(tag)
    }

    /// What comes before a watched command.
    pub(crate) fn begin_watched(&mut self, tag: &'static str) -> Result<()> {
        self.shared.commands.begin(tag);
        self.fire_event_triggers(CommandEvent::Start)
    }

    /// What comes after one that went well.
    pub(crate) fn finish_watched(&mut self) -> Result<()> {
        let has_dropped = self.shared.commands.innermost(|command| !command.collected.dropped.is_empty());
        if has_dropped == Some(true) {
            self.fire_event_triggers(CommandEvent::Drop)?;
        }
        self.fire_event_triggers(CommandEvent::End)
    }

    /// A watched command is over, however it went.
    pub(crate) fn end_watched(&mut self) {
        self.shared.commands.end();
    }

    fn fire_event_triggers(&mut self, event: CommandEvent) -> Result<()> {
        let env = self.env();
        let Some(tag) = self.shared.commands.innermost(|command| command.tag) else { return Ok(()) };
        let replica = env.derived.is_replica;
        for trigger in env.catalog.event_triggers_for(event, tag) {
            let Some(info) = trigger.event_trigger() else { continue };
            let fires = match info.firing {
                Firing::Disabled => false,
                Firing::Origin => !replica,
                Firing::Replica => replica,
                Firing::Always => true,
            };
            if fires {
                self.shared.commands.innermost(|command| command.event = Some(event));
                let called = self.call_event_trigger(info.function, event, tag);
                self.shared.commands.innermost(|command| command.event = None);
                called?;
            }
        }
        Ok(())
    }

    fn call_event_trigger(&mut self, function: Oid, event: CommandEvent, tag: &'static str) -> Result<()> {
        let routine = self.routine(function)?;
        if routine.language != Language::Plpgsql {
            return Err(Error::unsupported(format_args!("an event trigger function in {}", routine.language.name())));
        }
        let text = Type::new(oids::TEXT);
        let args = [Datum::text(event.name()), Datum::text(tag)];
        let call = Invocation {
            routine: function,
            types: &[text, text],
            result: Type::new(oids::VOID),
            columns: &[],
            args: &args,
            nonatomic: false,
        };
        self.routines.environment.forget();
        let called = self.deeper(|session| {
            session.seeing(Volatility::Volatile, |session| {
                session.with_surroundings(&routine, |session| session.run_plpgsql(&routine, &call, None).map(drop))
            })
        });
        self.routines.environment.forget();
        called
    }

    /// A table is about to be written anew.
    pub(crate) fn fire_rewrite(&mut self, table: Oid, reason: i32) -> Result<()> {
        self.shared.commands.innermost(|command| command.rewritten = Some((table, reason)));
        let fired = self.fire_event_triggers(CommandEvent::Rewrite);
        self.shared.commands.innermost(|command| command.rewritten = None);
        fired
    }
}

/// Objects of all databases, and event triggers themselves, are not watched.
fn is_watched(kind: ObjectKind) -> bool {
    use ObjectKind as K;
    !matches!(kind, K::Database | K::EventTrigger | K::Role | K::Tablespace)
}

/// The session's running commands, for functions about them.
pub(crate) fn running(env: &StatementEnv) -> &Arc<RunningCommands> {
    &env.shared.commands
}

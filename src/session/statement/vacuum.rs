//! VACUUM and ANALYZE: their options, their tables, and the locks they take of these.
//!
//! VACUUM reclaims versions nobody sees; what ANALYZE does is in [`crate::analysis`].

use std::sync::Arc;

use dictdb_catalog::{Persistence, Relation, RelationKind, namespaces};
use dictdb_durability::Lsn;
use dictdb_parser::ast::Ident;
use dictdb_parser::position;
use dictdb_parser::utility::{DefElem, DefValue, Vacuum};
use dictdb_storage::{Isolation, LockMode, Transaction, WaitPolicy};
use dictdb_types::{Error, Oid, Result, Severity, SqlState};

use crate::Session;
use crate::transaction::warning;

/// Why a table is skipped.
const NOT_AVAILABLE: (SqlState, &str) = (SqlState::LOCK_NOT_AVAILABLE, "lock not available");
const GONE: (SqlState, &str) = (SqlState::UNDEFINED_TABLE, "relation no longer exists");

/// Options with a boolean value, and whether ANALYZE has them too.
const FLAGS: [(&str, bool); 9] = [
    ("full", false),
    ("freeze", false),
    ("verbose", true),
    ("analyze", false),
    ("disable_page_skipping", false),
    ("skip_locked", true),
    ("process_toast", false),
    ("truncate", false),
    ("index_cleanup", false),
];

/// What VACUUM or ANALYZE is to do.
struct Task {
    vacuums: bool,
    analyzes: bool,
    /// `FULL`: nobody else may use the table meanwhile.
    is_full: bool,
    /// `PARALLEL`, as far as it asks for something.
    is_parallel: bool,
    /// `SKIP_LOCKED`: tables that cannot be locked at once are left out.
    skips_locked: bool,
    /// `VERBOSE`: the client is told what is done.
    is_verbose: bool,
}

impl Task {
    /// Reads the options. 42601, 0A000.
    fn of(vacuum: &Vacuum) -> Result<Task> {
        let command = if vacuum.vacuum { "VACUUM" } else { "ANALYZE" };
        let mut given: Vec<&str> = Vec::new();
        for option in &vacuum.options {
            check_option(option, vacuum.vacuum, command)?;
            if flag(option, vacuum.vacuum)? {
                given.push(option.name.value.as_str());
            }
        }
        let is_parallel = vacuum.options.iter().any(|option| {
            let workers = match &option.value {
                Some(DefValue::Number(text)) => text.parse::<i64>().unwrap_or(0),
                _ => 0,
            };
            option.name.value == "parallel" && workers > 0
        });
        let is_named = |name: &str| vacuum.options.iter().any(|option| option.name.value == name);
        let is_full = given.contains(&"full");
        let refused = [
            (is_named("process_toast") && !given.contains(&"process_toast"), "PROCESS_TOAST required with VACUUM FULL"),
            (given.contains(&"disable_page_skipping"), "VACUUM option DISABLE_PAGE_SKIPPING cannot be used with FULL"),
            (is_parallel, "VACUUM FULL cannot be performed in parallel"),
        ];
        if let Some((_, message)) = refused.iter().find(|(present, _)| is_full && *present) {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, *message));
        }
        let analyzes = !vacuum.vacuum || given.contains(&"analyze");
        if !analyzes && vacuum.tables.iter().any(|(_, columns)| !columns.is_empty()) {
            let message = "ANALYZE option must be specified when a column list is provided";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let (skips_locked, is_verbose) = (given.contains(&"skip_locked"), given.contains(&"verbose"));
        Ok(Task { vacuums: vacuum.vacuum, analyzes, is_full, is_parallel, skips_locked, is_verbose })
    }

    /// What it calls itself in the warnings of its first part.
    fn verb(&self) -> &'static str {
        if self.vacuums { "vacuum" } else { "analyze" }
    }
}

/// A table to work on.
struct Target<'a> {
    oid: Oid,
    /// How it was called; nothing is said of others that cannot be worked on.
    name: Option<&'a str>,
    columns: &'a [Ident],
}

impl Session {
    /// VACUUM and ANALYZE: every table under the lock PostgreSQL takes, in a transaction of its own unless it is an ANALYZE in a
    /// block or of one table.
    ///
    /// 42601, 42P01, 42703; 55P03, 40P01, 57014 while it waits for a lock; warnings for what is skipped.
    pub(super) fn run_vacuum(&mut self, vacuum: &Vacuum) -> Result<()> {
        let task = Task::of(vacuum)?;
        let targets = match vacuum.tables.is_empty() {
            true => self.every_table(&task),
            false => self.named_tables(vacuum, &task)?,
        };
        let is_apart = task.vacuums || !self.in_block() && targets.len() > 1;
        let (mut vacuumed, mut logged) = (Vec::new(), None);
        for target in &targets {
            if task.vacuums {
                let transaction = self.transaction_for(is_apart)?;
                match self.vacuum_table(&transaction, target, &task)? {
                    Some(relation) => vacuumed.push(relation),
                    None => continue,
                }
            }
            if task.analyzes {
                let transaction = self.transaction_for(is_apart)?;
                logged = self.analyze_table(&transaction, target, &task)?.or(logged);
            }
        }
        self.shared.instance.wait_logged(logged)?;
        if !vacuumed.is_empty() {
            let (shared, instance) = (self.shared.clone(), self.shared.instance.clone());
            tokio::task::block_in_place(|| {
                instance.reclaim_expired(&shared.database, &|| shared.backend.interrupts.check())?;
                instance.storage.vacuum();
                Ok::<_, Error>(())
            })?;
        }
        for relation in vacuumed.iter().filter(|_| task.is_verbose) {
            let (rows, pages) = self.size_of(relation);
            let name = self.called(relation);
            let database = &self.shared.database.name;
            self.tell(format!("finished vacuuming \"{database}.{name}\": {rows} tuples remain in {pages} pages"));
        }
        Ok(())
    }

    /// What VERBOSE says.
    fn tell(&self, message: String) {
        self.shared.notice(Error::with_severity(Severity::Info, SqlState::SUCCESSFUL_COMPLETION, message));
    }

    /// A relation's name behind that of its schema, without quotes.
    fn called(&mut self, relation: &Relation) -> String {
        let env = self.env();
        let schema = env.catalog.schema(relation.namespace).map_or("", |schema| &*schema.name);
        format!("{schema}.{}", relation.name)
    }

    /// Rows of a table and the blocks they are in.
    fn size_of(&self, relation: &Relation) -> (usize, usize) {
        let table = self.shared.instance.storage.table(relation.storage);
        table.map_or((0, 0), |table| (table.live_rows(), table.block_count()))
    }

    /// The session's transaction, or one that ends when it is dropped.
    fn transaction_for(&mut self, is_apart: bool) -> Result<Arc<Transaction>> {
        if is_apart { Ok(Arc::new(self.storage.begin(Isolation::ReadCommitted))) } else { self.transaction() }
    }

    /// All tables that the role may work on.
    fn every_table(&mut self, task: &Task) -> Vec<Target<'static>> {
        let env = self.env();
        let tables = env.catalog.relations().filter(|relation| relation.is_stored()).cloned().collect::<Vec<_>>();
        let mut found: Vec<Target<'static>> = Vec::new();
        for table in tables {
            if self.may_vacuum(&table, task.verb()) {
                found.push(Target { oid: table.oid, name: None, columns: &[] });
            }
        }
        found
    }

    /// The tables named, and partitions of those.
    fn named_tables<'a>(&mut self, vacuum: &'a Vacuum, task: &Task) -> Result<Vec<Target<'a>>> {
        let mut found: Vec<Target<'a>> = Vec::new();
        for (name, columns) in &vacuum.tables {
            let transaction = self.transaction_for(task.vacuums)?;
            let relation = self.find_relation(name)?;
            let shown = name.0.last().and_then(|part| part.as_ident()).map_or("", |ident| ident.value.as_str());
            // Only for a look: nobody else changes what it is meanwhile.
            let look = transaction.savepoint();
            let is_locked = self.lock_for(&transaction, relation.oid, LockMode::AccessShare, task.skips_locked);
            transaction.rollback_to(look)?;
            transaction.release(look)?;
            if !is_locked? {
                self.skipping(task.verb(), shown, NOT_AVAILABLE);
                continue;
            }
            let relation = self.find_relation(name)?;
            if self.may_vacuum(&relation, task.verb()) {
                found.push(Target { oid: relation.oid, name: Some(shown), columns });
            }
            if relation.is_partitioned() {
                let partitions = self.env().catalog.descendants(&relation);
                let partitions = partitions.iter().skip(1);
                found.extend(partitions.map(|member| Target { oid: member.oid, name: None, columns }));
            }
        }
        Ok(found)
    }

    /// Whether the role may work on a relation; a warning when it may not.
    fn may_vacuum(&mut self, relation: &Relation, verb: &str) -> bool {
        let role = self.role();
        let env = self.env();
        let roles = env.catalog.inherited_roles(role);
        let is_owner = roles.contains(&relation.owner) || roles.contains(&self.shared.database.attributes.owner);
        if is_owner || env.catalog.role(role).is_none_or(|role| role.superuser) {
            return true;
        }
        let who = match relation.namespace {
            _ if relation.is_shared() => "superuser",
            namespaces::PG_CATALOG => "superuser or database owner",
            _ => "table or database owner",
        };
        let message = format!("skipping \"{}\" --- only {who} can {verb} it", relation.name);
        self.shared.notice(warning(SqlState::WARNING, &message));
        false
    }

    fn skipping(&self, verb: &str, name: &str, (code, why): (SqlState, &str)) {
        self.shared.notice(warning(code, &format!("skipping {verb} of \"{name}\" --- {why}")));
    }

    fn lock_for(&mut self, transaction: &Transaction, oid: Oid, mode: LockMode, skips: bool) -> Result<bool> {
        let lock = self.shared.instance.storage.relation_lock(self.shared.database.oid, oid);
        let policy = if skips { WaitPolicy::Skip } else { WaitPolicy::Block };
        transaction.lock_relation(&lock, mode, policy, &self.wait_options())
    }

    /// Locks a table and looks at it again; `None` when it is to be skipped, about which there is a warning if it was named.
    fn open_table(
        &mut self,
        transaction: &Transaction,
        target: &Target<'_>,
        (mode, verb): (LockMode, &str),
        skips: bool,
    ) -> Result<Option<Arc<Relation>>> {
        let is_locked = self.lock_for(transaction, target.oid, mode, skips)?;
        let found = self.env().catalog.relation(target.oid).cloned().filter(|_| is_locked);
        if found.is_none()
            && let Some(name) = target.name
        {
            self.skipping(verb, name, if is_locked { GONE } else { NOT_AVAILABLE });
        }
        let Some(relation) = found.filter(|relation| self.may_vacuum(relation, verb)) else { return Ok(None) };
        if relation.is_stored() || matches!(relation.kind, RelationKind::Virtual) {
            return Ok(Some(relation));
        }
        let message = format!("skipping \"{}\" --- cannot {verb} non-tables or special system tables", relation.name);
        self.shared.notice(warning(SqlState::WARNING, &message));
        Ok(None)
    }

    /// The part of VACUUM; the table if it was done.
    fn vacuum_table(
        &mut self,
        transaction: &Transaction,
        target: &Target<'_>,
        task: &Task,
    ) -> Result<Option<Arc<Relation>>> {
        let mode = if task.is_full { LockMode::AccessExclusive } else { LockMode::ShareUpdateExclusive };
        let opened = self.open_table(transaction, target, (mode, "vacuum"), task.skips_locked)?;
        if let Some(table) = &opened {
            self.forget_told_size(table);
            if task.is_verbose {
                let name = self.called(table);
                self.tell(format!("vacuuming \"{}.{name}\"", self.shared.database.name));
            }
            if task.is_parallel && table.indexes.len() > 1 && table.persistence == Persistence::Temporary {
                let message = format!(
                    "disabling parallel option of vacuum on \"{}\" --- cannot vacuum temporary tables in parallel",
                    table.name
                );
                self.shared.notice(warning(SqlState::WARNING, &message));
            }
        }
        Ok(opened)
    }

    /// The part of ANALYZE. What to wait for in the log.
    fn analyze_table(&mut self, transaction: &Transaction, target: &Target<'_>, task: &Task) -> Result<Option<Lsn>> {
        let how = (LockMode::ShareUpdateExclusive, "analyze");
        let Some(relation) = self.open_table(transaction, target, how, task.skips_locked)? else { return Ok(None) };
        for (at, column) in target.columns.iter().enumerate() {
            let (name, table) = (&column.value, &relation.name);
            if relation.column_named(name).is_none() {
                let message = format!("column \"{name}\" of relation \"{table}\" does not exist");
                return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
            }
            if target.columns[..at].iter().any(|before| before.value == *name) {
                let message = format!("column \"{name}\" of relation \"{table}\" appears more than once");
                return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
            }
        }
        for member in self.env().catalog.descendants(&relation).iter().skip(1) {
            self.lock_for(transaction, member.oid, LockMode::AccessShare, false)?;
        }
        if matches!(relation.kind, RelationKind::Virtual) {
            return Ok(None);
        }
        let attnum = |column: &Ident| relation.column_named(&column.value).map(|(attnum, _)| attnum);
        let columns: Vec<i16> = target.columns.iter().filter_map(attnum).collect();
        self.forget_told_size(&relation);
        if task.is_verbose {
            let ((rows, pages), name) = (self.size_of(&relation), self.called(&relation));
            self.tell(format!("analyzing \"{name}\""));
            self.tell(format!("\"{}\": {rows} live rows in {pages} pages", relation.name));
        }
        self.analyze_relation(&relation, &columns)
    }
}

fn check_option(option: &DefElem, vacuum: bool, command: &str) -> Result<()> {
    let name = option.name.value.as_str();
    if name == "parallel" && vacuum {
        return match option.value.as_ref() {
            Some(DefValue::Number(text)) if text.parse::<i64>().is_ok_and(|n| (0..=1024).contains(&n)) => Ok(()),
            Some(_) => {
                let message = "parallel workers for vacuum must be between 0 and 1024";
                Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position::of_span(option.name.span)))
            }
            None => {
                let message = "parallel option requires a value between 0 and 1024";
                Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position::of_span(option.name.span)))
            }
        };
    }
    let known = FLAGS.iter().any(|(flag, analyze)| *flag == name && (vacuum || *analyze));
    if known {
        return Ok(());
    }
    let error = Error::new(SqlState::SYNTAX_ERROR, format!("unrecognized {command} option \"{name}\""));
    Err(error.at(position::of_span(option.name.span)))
}

/// Whether an option is on. 42601 for a value that is no boolean; `index_cleanup` may also be `auto`.
fn flag(option: &DefElem, vacuum: bool) -> Result<bool> {
    let name = option.name.value.as_str();
    match word(option.value.as_ref()).as_deref() {
        _ if name == "parallel" => Ok(true),
        None | Some("true" | "on" | "1") => Ok(true),
        Some("false" | "off" | "0") => Ok(false),
        Some("auto") if name == "index_cleanup" && vacuum => Ok(false),
        Some(_) => Err(Error::new(SqlState::SYNTAX_ERROR, format!("{name} requires a Boolean value"))),
    }
}

/// Whether a boolean option is among these and on.
pub(super) fn is_given(options: &[DefElem], name: &str) -> bool {
    options.iter().any(|option| {
        option.name.value == name && !matches!(word(option.value.as_ref()).as_deref(), Some("false" | "off" | "0"))
    })
}

/// The value of an option in lower case.
fn word(value: Option<&DefValue>) -> Option<String> {
    Some(match value? {
        DefValue::Keyword(text) | DefValue::String(text) | DefValue::Number(text) => text.to_ascii_lowercase(),
        DefValue::Type(data_type) => match dictdb_parser::TypeName::of(data_type) {
            Some(name) => name.names.last().map_or_else(String::new, |ident| ident.value.to_ascii_lowercase()),
            None => data_type.to_string().to_ascii_lowercase(),
        },
        _ => String::new(),
    })
}

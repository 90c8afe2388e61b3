//! CREATE SEQUENCE, ALTER SEQUENCE, and the sequences behind serial and identity columns.

use std::sync::Arc;

use dictdb_catalog::{Column, Dependency, Key, Persistence, Relation, RelationKind, SequenceInfo};
use dictdb_parser::utility::{self, AlterSequence, CreateSequence, SequenceOption};
use dictdb_storage::{LockMode, Sequence, SequenceOptions, SequenceState};
use dictdb_types::{Error, Oid, Result, SqlState, Type, oids};

use super::DdlContext;
use super::column::NewSequence;

impl DdlContext<'_> {
    pub(super) fn create_sequence(&mut self, create: &CreateSequence) -> Result<()> {
        let persistence = self.persistence(&create.name, create.persistence);
        let (namespace, name) = self.new_name(&create.name, persistence == Persistence::Temporary)?;
        if self.view().relation_in(namespace, &name).is_some() {
            if create.if_not_exists {
                self.notice(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists, skipping"));
                return Ok(());
            }
            return Err(super::create_table::already_exists(&name));
        }
        let info = self.sequence_info(&create.options, None, None)?;
        let sequence = self.put_sequence(namespace, name, persistence, info)?;
        self.own(&sequence, &create.options)
    }

    pub(super) fn alter_sequence(&mut self, alter: &AlterSequence) -> Result<()> {
        let Some(relation) = self.look_up_relation(&alter.name)? else {
            let name = super::names::shown(&alter.name);
            if alter.if_exists {
                self.notice(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist")));
        };
        if !matches!(relation.kind, RelationKind::Sequence(_)) {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a sequence", relation.name)));
        }
        self.check_owner(&relation)?;
        self.alter_sequence_options(&relation, &alter.options)
    }

    /// Changes what a sequence is by some options.
    pub(super) fn alter_sequence_options(&mut self, relation: &Arc<Relation>, given: &[SequenceOption]) -> Result<()> {
        let RelationKind::Sequence(old) = &relation.kind else { return Err(Error::internal("not a sequence")) };
        self.lock(relation.oid, LockMode::ShareRowExclusive)?;
        let info = self.sequence_info(given, Some(old), None)?;
        let restart = given.iter().find_map(|option| match option {
            SequenceOption::Restart(value) => Some(value.clone()),
            _ => None,
        });
        let state = match restart {
            None => None,
            Some(None) => Some(SequenceState { last_value: info.start, is_called: false }),
            Some(Some(text)) => Some(SequenceState { last_value: number(&text)?, is_called: false }),
        };
        if let Some(SequenceState { last_value, .. }) = state {
            check_bound("RESTART", last_value, info.min, info.max)?;
        }
        let relation = self.replace_sequence(relation, info, state)?;
        self.own(&relation, given)
    }

    /// Puts a sequence with other properties, and another state if one is given, in the place of one: others see it once the
    /// transaction commits.
    pub(super) fn replace_sequence(
        &mut self,
        relation: &Relation,
        info: SequenceInfo,
        state: Option<SequenceState>,
    ) -> Result<Arc<Relation>> {
        let old = self.storage.sequence(relation.storage);
        let old = old.ok_or_else(|| Error::internal(format!("sequence {} has no storage", relation.name)))?;
        let storage = self.new_oid();
        let new = self.storage.create_sequence(storage, Sequence::new(options(&info)));
        new.set_logged(old.is_logged());
        new.alter(options(&info), Some(state.unwrap_or_else(|| old.state())));
        self.own.lock().changes.created_sequence(storage);
        self.own.lock().changes.dropped_sequence(relation.storage);
        let kind = RelationKind::Sequence(Arc::new(info));
        Ok(self.put_relation(Relation { kind, storage, ..Relation::clone(relation) }))
    }

    /// The sequence of a serial or identity column.
    pub(super) fn column_sequence(
        &mut self,
        table: &Arc<Relation>,
        column: &Column,
        attnum: i16,
        new: &NewSequence<'_>,
    ) -> Result<Oid> {
        let chosen = new.options.iter().find_map(|option| match option {
            SequenceOption::Name(name) => Some(name.clone()),
            _ => None,
        });
        let (namespace, name) = match &chosen {
            Some(name) => self.new_name(name, false)?,
            None => {
                let name = self.choose_name(
                    table.namespace,
                    &table.name,
                    &column.name,
                    "seq",
                    std::slice::from_ref(&table.name),
                );
                (table.namespace, name)
            }
        };
        let statement = if self.alters { "ALTER TABLE" } else { "CREATE TABLE" };
        self.debug(format!(
            "{statement} will create implicit sequence \"{name}\" for serial column \"{}.{}\"",
            table.name, column.name
        ));
        let plain: Vec<SequenceOption> =
            new.options.iter().filter(|option| !matches!(option, SequenceOption::Logged(..))).cloned().collect();
        let mut info = self.sequence_info(&plain, None, Some(column.ty.oid))?;
        info.owned_by = Some((table.oid, attnum, new.identity));
        let persistence = identity_persistence(table, new.options)?;
        let sequence = self.put_sequence(namespace, name, persistence, info)?;
        let kind = if new.identity { Dependency::Internal } else { Dependency::Auto };
        self.depend(Key::Relation(sequence.oid), Key::Column(table.oid, attnum), kind);
        Ok(sequence.oid)
    }

    fn put_sequence(
        &mut self,
        namespace: Oid,
        name: Arc<str>,
        persistence: Persistence,
        info: SequenceInfo,
    ) -> Result<Arc<Relation>> {
        let oid = self.new_oid();
        let sequence = self.storage.create_sequence(oid, Sequence::new(options(&info)));
        sequence.set_logged(persistence == Persistence::Permanent);
        self.own.lock().changes.created_sequence(oid);
        self.depend(Key::Relation(oid), Key::Schema(namespace), Dependency::Normal);
        let acl = self.initial_acl(utility::ObjectKind::Sequence, namespace);
        Ok(self.put_relation(Relation {
            acl,
            persistence,
            columns: sequence_columns(),
            storage: oid,
            ..Relation::new(oid, namespace, name, self.role, RelationKind::Sequence(Arc::new(info)))
        }))
    }

    /// `OWNED BY`.
    fn own(&mut self, sequence: &Arc<Relation>, options: &[SequenceOption]) -> Result<()> {
        let owner = options.iter().find_map(|option| match option {
            SequenceOption::OwnedBy(owner) => Some(owner.clone()),
            _ => None,
        });
        let (Some(owner), RelationKind::Sequence(info)) = (owner, &sequence.kind) else { return Ok(()) };
        let mut info = SequenceInfo::clone(info);
        if let Some((of, ..)) = info.owned_by.filter(|(.., identity)| *identity) {
            let message = "cannot change ownership of identity sequence";
            let of = self.table(of)?;
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                .detail(format!("Sequence \"{}\" is linked to table \"{}\".", sequence.name, of.name)));
        }
        info.owned_by = match owner {
            None => None,
            Some(column) => {
                let mut parts = column.0.clone();
                let last = parts.pop().and_then(|part| part.as_ident().cloned()).filter(|_| !parts.is_empty());
                let last = last.ok_or_else(|| {
                    Error::new(SqlState::SYNTAX_ERROR, "invalid OWNED BY option")
                        .hint("Specify OWNED BY table.column or OWNED BY NONE.")
                })?;
                let table = self.find_relation(&dictdb_parser::ast::ObjectName(parts))?;
                check_owning_table(sequence, &table)?;
                let (attnum, _) = table.column_named(&last.value).ok_or_else(|| {
                    Error::new(
                        SqlState::UNDEFINED_COLUMN,
                        format!("column \"{}\" of relation \"{}\" does not exist", last.value, table.name),
                    )
                })?;
                self.depend(Key::Relation(sequence.oid), Key::Column(table.oid, attnum), Dependency::Auto);
                Some((table.oid, attnum, false))
            }
        };
        let mut changed = Relation::clone(sequence);
        changed.kind = RelationKind::Sequence(Arc::new(info));
        self.put_relation(changed);
        Ok(())
    }

    /// A sequence's properties from its options, over those it had.
    fn sequence_info(
        &mut self,
        given: &[SequenceOption],
        old: Option<&SequenceInfo>,
        column_type: Option<Oid>,
    ) -> Result<SequenceInfo> {
        if let Some(logged) = given.iter().find_map(|option| match option {
            SequenceOption::Logged(logged, _) => Some(*logged),
            _ => None,
        }) {
            let word = if logged { "logged" } else { "unlogged" };
            return Err(Error::internal(format!("option \"{word}\" not recognized")));
        }
        let mut ty = old.map(|old| old.ty).or(column_type).unwrap_or(oids::INT8);
        for option in given {
            if let SequenceOption::As(data_type) = option {
                ty = self.placed_type(data_type)?.oid;
            }
        }
        let Some((lowest, highest)) = limits(ty) else {
            let identity = column_type.is_some() && given.iter().all(|option| !matches!(option, SequenceOption::As(_)));
            let what = if identity { "identity column" } else { "sequence" };
            return Err(invalid(format!("{what} type must be smallint, integer, or bigint")));
        };
        let mut info = old.cloned().unwrap_or(SequenceInfo {
            ty,
            start: 0,
            increment: 1,
            min: 0,
            max: 0,
            cache: 1,
            cycle: false,
            owned_by: None,
        });
        info.ty = ty;
        let (mut min, mut max, mut start) = (old.map(|old| old.min), old.map(|old| old.max), old.map(|old| old.start));
        // What was a limit of the old type becomes one of the new.
        let before = old.filter(|old| old.ty != ty).and_then(|old| Some((old, limits(old.ty)?)));
        let reset_min = before.is_some_and(|(old, (lowest, _))| old.min == lowest);
        let reset_max = before.is_some_and(|(old, (_, highest))| old.max == highest);
        min = min.filter(|_| !reset_min);
        max = max.filter(|_| !reset_max);
        for option in given {
            match option {
                SequenceOption::Increment(text) => info.increment = number(text)?,
                SequenceOption::MinValue(value) => min = value.as_deref().map(number).transpose()?,
                SequenceOption::MaxValue(value) => max = value.as_deref().map(number).transpose()?,
                SequenceOption::Start(text) => start = Some(number(text)?),
                SequenceOption::Cache(text) => info.cache = number(text)?,
                SequenceOption::Cycle(cycle) => info.cycle = *cycle,
                SequenceOption::As(_)
                | SequenceOption::Restart(_)
                | SequenceOption::OwnedBy(_)
                | SequenceOption::Name(_)
                | SequenceOption::Logged(..) => {}
            }
        }
        if info.increment == 0 {
            return Err(invalid("INCREMENT must not be zero".to_owned()));
        }
        if info.cache <= 0 {
            return Err(invalid(format!("CACHE ({}) must be greater than zero", info.cache)));
        }
        let ascending = info.increment > 0;
        info.max = max.unwrap_or(if ascending || reset_max { highest } else { -1 });
        info.min = min.unwrap_or(if ascending && !reset_min { 1 } else { lowest });
        if info.max > highest || info.max < lowest {
            return Err(invalid(format!(
                "MAXVALUE ({}) is out of range for sequence data type {}",
                info.max,
                type_word(ty)
            )));
        }
        if info.min > highest || info.min < lowest {
            return Err(invalid(format!(
                "MINVALUE ({}) is out of range for sequence data type {}",
                info.min,
                type_word(ty)
            )));
        }
        if info.min >= info.max {
            return Err(invalid(format!("MINVALUE ({}) must be less than MAXVALUE ({})", info.min, info.max)));
        }
        info.start = start.unwrap_or(if ascending { info.min } else { info.max });
        check_bound("START", info.start, info.min, info.max)?;
        Ok(info)
    }
}

/// 42809, 55000: a sequence belongs to a column of a table that has its owner and is in its schema.
fn check_owning_table(sequence: &Relation, table: &Relation) -> Result<()> {
    if !matches!(table.kind, RelationKind::Table | RelationKind::View(_) | RelationKind::Virtual) {
        let message = format!("sequence cannot be owned by relation \"{}\"", table.name);
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
            .detail(format!("This operation is not supported for {}.", super::index::plural(&table.kind))));
    }
    let refuse = |what: &str| {
        let message = format!("sequence must {what} as table it is linked to");
        Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message))
    };
    if sequence.owner != table.owner {
        return refuse("have same owner");
    }
    if sequence.namespace != table.namespace {
        return refuse("be in same schema");
    }
    Ok(())
}

/// The least and the greatest value of a sequence's type.
fn limits(ty: Oid) -> Option<(i64, i64)> {
    match ty {
        oids::INT2 => Some((i64::from(i16::MIN), i64::from(i16::MAX))),
        oids::INT4 => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
        oids::INT8 => Some((i64::MIN, i64::MAX)),
        _ => None,
    }
}

fn type_word(ty: Oid) -> &'static str {
    match ty {
        oids::INT2 => "smallint",
        oids::INT4 => "integer",
        _ => "bigint",
    }
}

fn check_bound(what: &str, value: i64, min: i64, max: i64) -> Result<()> {
    if value < min {
        return Err(invalid(format!("{what} value ({value}) cannot be less than MINVALUE ({min})")));
    }
    if value > max {
        return Err(invalid(format!("{what} value ({value}) cannot be greater than MAXVALUE ({max})")));
    }
    Ok(())
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| {
        Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("value \"{text}\" is out of range for type bigint"))
    })
}

fn options(info: &SequenceInfo) -> SequenceOptions {
    SequenceOptions { increment: info.increment, min: info.min, max: info.max, start: info.start, cycle: info.cycle }
}

/// The columns of `SELECT * FROM sequence`.
fn sequence_columns() -> Arc<[Column]> {
    let column = |name: &str, oid, slot| Column { not_null: true, ..Column::new(name, Type::new(oid), slot) };
    Arc::from([
        column("last_value", oids::INT8, 0),
        column("log_cnt", oids::INT8, 1),
        column("is_called", oids::BOOL, 2),
    ])
}

/// Whether the sequence of an identity column is logged: as its table is, unless it says so itself. 42601, 42P16.
fn identity_persistence(table: &Relation, options: &[SequenceOption]) -> Result<Persistence> {
    let mut given = options.iter().filter_map(|option| match option {
        SequenceOption::Logged(logged, position) => Some((*logged, Some(*position))),
        _ => None,
    });
    let Some((logged, position)) = given.next() else { return Ok(table.persistence) };
    if let Some((_, position)) = given.next() {
        return Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options").at(position));
    }
    match table.persistence {
        Persistence::Temporary => {
            let message = "cannot set logged status of a temporary sequence";
            Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message).at(position))
        }
        _ if logged => Ok(Persistence::Permanent),
        _ => Ok(Persistence::Unlogged),
    }
}

//! Whether the body of a function fits what it says to return; when it is made, and again when it is called.

use std::sync::Arc;

use dictdb_catalog::{Language, Routine, SqlBody};
use dictdb_functions::resolve::is_polymorphic;
use dictdb_parser::Statement;
use dictdb_types::{Error, Oid, Result, SqlState, Type, oids};

use super::Invocation;
use super::sql::{RowShape, SqlFunction, in_body};
use crate::Session;
use crate::client::Column;

impl Session {
    /// Checks a routine that has just been made. The error is reported where the body stands in the command's text.
    pub(crate) fn check_body(&mut self, oid: Oid, command: &str) -> Result<()> {
        let routine = self.routine(oid)?;
        // A body in standard SQL is part of the command.
        if routine.body.is_none() && !self.shared.settings.lock().bool("check_function_bodies") {
            return Ok(());
        }
        for (name, value) in routine.config.iter().filter_map(|setting| setting.split_once('=')) {
            crate::statement::named_object(&self.env(), name, value)?;
        }
        match routine.language {
            Language::Sql => self.check_sql_body(&routine).map_err(|error| transpose(error, &routine, command)),
            Language::Plpgsql => self.check_plpgsql_body(&routine, command),
            Language::Internal | Language::C => Ok(()),
        }
    }

    fn check_sql_body(&mut self, routine: &Arc<Routine>) -> Result<()> {
        let trigger = [(oids::TRIGGER, "trigger"), (oids::EVENT_TRIGGER, "event_trigger")];
        if let Some((_, name)) = trigger.iter().find(|(oid, _)| *oid == routine.result) {
            let message = format!("SQL functions cannot return type {name}");
            return Err(Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message));
        }
        let context = format!("SQL function \"{}\"", routine.name);
        // Polymorphic functions are checked when a call decides the types; only their syntax can be now.
        if routine.args.iter().any(|oid| is_polymorphic(*oid)) {
            let text = routine.body.as_ref().map_or(&routine.source, |body| &body.statements);
            return dictdb_parser::parse(text, &dictdb_parser::Limits::default()).map(drop);
        }
        let types: Vec<Type> = routine.args.iter().map(|oid| Type::new(*oid)).collect();
        let function = self.sql_function(routine, &types)?;
        for source in &function.statements {
            if matches!(source.parsed.statement, Statement::Sql(_)) {
                self.plan(source)?;
            } else if routine.body.is_some() {
                let tag = crate::statement::command_tag(&source.parsed.statement);
                let message = format!("{tag} is not yet supported in unquoted SQL function body");
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
        }
        let call = Invocation {
            routine: routine.oid,
            types: &types,
            result: Type::new(routine.result),
            columns: &[],
            args: &[],
            nonatomic: false,
        };
        let shape = self.row_shape(routine, &call)?;
        self.check_result(&function, &shape, call.result).map_err(|error| error.context(context))
    }

    /// 42P13 when the last statement does not give what the function returns.
    pub(super) fn check_result(&mut self, function: &SqlFunction, shape: &RowShape, result: Type) -> Result<()> {
        if matches!(shape, RowShape::Void) {
            return Ok(());
        }
        let env = self.env();
        let declared = dictdb_types::type_name(&*env.catalog, result.oid, &|_| None);
        let mismatch = |detail: String| {
            let message = format!("return type mismatch in function declared to return {declared}");
            Err(Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message).detail(detail))
        };
        let last = function.statements.last().filter(|source| matches!(source.parsed.statement, Statement::Sql(_)));
        let columns = match last {
            Some(last) => self.plan(last)?.columns.clone(),
            None => None,
        };
        let Some(columns) = columns else {
            let detail = "Function's final statement must be SELECT or INSERT/UPDATE/DELETE RETURNING.";
            return mismatch(detail.to_owned());
        };
        match shape {
            RowShape::Void | RowShape::Any => Ok(()),
            RowShape::Scalar(ty) => match &*columns {
                [only] if self.fits(only, *ty)? => Ok(()),
                [only] => mismatch(format!("Actual return type is {}.", self.shown(only.ty))),
                _ => mismatch("Final statement must return exactly one column.".to_owned()),
            },
            RowShape::Fields(oid, fields) if super::sql::is_whole_row(&columns, *oid, fields) => Ok(()),
            RowShape::Fields(_, fields) => {
                for (number, field) in fields.iter().enumerate() {
                    let Some(column) = columns.get(number) else {
                        return mismatch("Final statement returns too few columns.".to_owned());
                    };
                    if !self.fits(column, field.ty)? {
                        let (actual, wanted) = (self.shown(column.ty), self.shown(field.ty));
                        let place = format!("at column {}.", number + 1);
                        return mismatch(format!("Final statement returns {actual} instead of {wanted} {place}"));
                    }
                }
                match columns.len() > fields.len() {
                    true => mismatch("Final statement returns too many columns.".to_owned()),
                    false => Ok(()),
                }
            }
        }
    }

    fn fits(&mut self, column: &Column, ty: Type) -> Result<bool> {
        if column.ty.oid == ty.oid {
            return Ok(true);
        }
        let env = self.env();
        let path = env.search_path();
        let cast = dictdb_planner::routine::result_cast(column.ty, ty, env.bind_context(&path))?;
        Ok(cast.is_some())
    }

    fn shown(&mut self, ty: Type) -> String {
        dictdb_types::type_name(&*self.env().catalog, ty.oid, &|_| None)
    }
}

/// Moves a position in the body to where the body stands in the text of the command, if it stands there once.
pub(super) fn transpose(error: Error, routine: &Routine, command: &str) -> Error {
    let mut error = in_body(error, routine);
    let Some((position, body)) = error.fields().internal.clone() else { return error };
    let found = match &routine.body {
        Some(own) => in_standard_body(position, own, command),
        None => transposed(position, &body, command),
    };
    if let Some(found) = found {
        error.fields_mut().position = Some(found);
        error.fields_mut().internal = None;
    }
    error
}

/// A position in the statements of a body in standard SQL as one in the command, whose last part the body is.
fn in_standard_body(position: u32, body: &SqlBody, command: &str) -> Option<u32> {
    let (text, before) = match body.shown.strip_prefix("RETURN ") {
        Some(expression) => (expression, "SELECT ".len() as u32),
        None => {
            let inside = body.shown.strip_prefix("BEGIN ATOMIC\n ")?.strip_suffix("\nEND")?;
            let space = body.statements.len() - body.statements.trim_start().len();
            (inside, body.statements[..space].chars().count() as u32)
        }
    };
    let start = command[..command.rfind(text)?].chars().count() as u32;
    (start + position).checked_sub(before)
}

/// Where a body stands as a literal in a command, between dollar signs as it is or between quotes with its own doubled.
fn literals<'a>(command: &'a str, body: &'a str, doubled: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    command.char_indices().filter_map(move |(at, mark)| {
        let inside = &command[at + mark.len_utf8()..];
        let written = match mark {
            '$' => Some(body).filter(|body| inside.strip_prefix(*body).is_some_and(|rest| rest.starts_with('$'))),
            '\'' => Some(doubled).filter(|doubled| {
                inside.strip_prefix(*doubled).is_some_and(|rest| rest.starts_with('\'') && !rest.starts_with("''"))
            }),
            _ => None,
        };
        written.map(|written| (at + mark.len_utf8(), written))
    })
}

/// The position in a command of a position in a body that is a literal of it.
pub(crate) fn transposed(position: u32, body: &str, command: &str) -> Option<u32> {
    let doubled = body.replace('\'', "''");
    let mut literals = literals(command, body, &doubled);
    let (at, written) = literals.next()?;
    if literals.next().is_some() {
        return None;
    }
    let inside = position.saturating_sub(1) as usize;
    let quotes = match written.len() == body.len() {
        true => 0,
        false => body.chars().take(inside).filter(|c| *c == '\'').count(),
    };
    let before = command[..at].chars().count();
    u32::try_from(before + inside + quotes + 1).ok()
}

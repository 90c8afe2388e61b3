//! `pg_ls_dir`: what lies in a directory of the server.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use dictdb_functions::CallContext;
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_types::{Datum, Error, Result, SqlState};

use super::arguments::{flag, session, text, values};
use crate::StatementEnv;

pub(super) const SETS: &[(&str, SetFn)] = &[("pg_ls_dir", list), ("pg_ls_dir_1arg", list)];

/// The names in a directory; nothing, if it is missing and that was allowed. 42501, 58P01.
fn list(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let (name, missing_ok, with_dots) = (text(args, 0), flag(args, 1), flag(args, 2));
    let folder = allowed(session(cx)?, name)?;
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound && missing_ok => return Ok(values(Vec::new())),
        Err(error) => return Err(unreadable("open", name, &error)),
    };
    let mut names: Vec<Datum> = [".", ".."].into_iter().filter(|_| with_dots).map(Datum::text).collect();
    for entry in entries {
        let entry = entry.map_err(|error| unreadable("read", name, &error))?;
        names.push(Datum::text(entry.file_name().to_string_lossy()));
    }
    Ok(values(names))
}

/// The path that a name means, beginning in the data directory. Whoever may not read the files of the server does not get out of that.
fn allowed(env: &StatementEnv, name: &str) -> Result<PathBuf> {
    // Without a log there is no such directory: names begin where the server was started.
    let data = match env.shared.instance.durability {
        Some(_) => env.shared.show("data_directory").unwrap_or_default(),
        None => String::new(),
    };
    let path = Path::new(name);
    let may_read_all = || {
        let user = env.catalog.role_named(&env.shared.current_user());
        let readers = env.catalog.role_named("pg_read_server_files");
        user.is_some_and(|user| {
            user.superuser
                || readers.is_some_and(|readers| env.catalog.inherited_roles(user.oid).contains(&readers.oid))
        })
    };
    let leaves = path.components().any(|part| part == Component::ParentDir);
    let denied = |message: &str| Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
    if path.is_absolute() {
        let is_inside = !data.is_empty() && path.starts_with(&data) && !leaves;
        return if is_inside || may_read_all() { Ok(path.into()) } else { denied("absolute path not allowed") };
    }
    if leaves && !may_read_all() {
        return denied("path must be in or below the data directory");
    }
    Ok(if data.is_empty() { path.into() } else { Path::new(&data).join(path) })
}

fn unreadable(doing: &str, name: &str, error: &std::io::Error) -> Error {
    let (code, why) = match error.kind() {
        ErrorKind::NotFound => (SqlState::UNDEFINED_FILE, "No such file or directory".to_owned()),
        ErrorKind::PermissionDenied => (SqlState::INSUFFICIENT_PRIVILEGE, "Permission denied".to_owned()),
        ErrorKind::NotADirectory => (SqlState::WRONG_OBJECT_TYPE, "Not a directory".to_owned()),
        _ => (SqlState::IO_ERROR, error.to_string()),
    };
    Error::new(code, format!("could not {doing} directory \"{name}\": {why}"))
}

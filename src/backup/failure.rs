//! Who is told when a backup fails: the log, louder each time, whoever listens, and a command of the operator's.

use std::process::{Command, Stdio};
use std::sync::Arc;

use dictdb_types::Error;

use crate::host::Host;

/// The channel of notifications.
const CHANNEL: &str = "dictdb_backup_failure";
/// From the third failure in a row on it is an error, from the fifth it is critical.
const ERROR_FROM: u32 = 3;
const CRITICAL_FROM: u32 = 5;
/// Bytes of an error's text in a notification, whose payload is limited.
const MAX_TEXT_BYTES: usize = 2000;

/// Tells of a failure.
pub(crate) fn report(host: &dyn Host, database: &Arc<str>, error: &Error, failures: u32, command: &str) {
    let message = error.message();
    match failures {
        CRITICAL_FROM.. => {
            tracing::error!(
                database = &**database,
                failures,
                "CRITICAL: backup failed {failures} times in a row: {message}"
            );
        }
        ERROR_FROM.. => tracing::error!(database = &**database, failures, "backup failed: {message}"),
        _ => tracing::warn!(database = &**database, failures, "backup failed: {message}"),
    }
    let end = (0..=message.len().min(MAX_TEXT_BYTES)).rev().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
    let payload = serde_json::json!({
        "error": &message[..end],
        "consecutive_failures": failures,
        "sqlstate": error.code().as_str(),
        "database": &**database,
    });
    host.notify(CHANNEL, &payload.to_string());
    if !command.is_empty() {
        run(command, &payload.to_string(), failures);
    }
}

/// Runs the operator's command, with the payload and the number of failures in its environment; its end is not waited for here.
fn run(command: &str, payload: &str, failures: u32) {
    let child = Command::new("/bin/sh")
        .args(["-c", command])
        .env("DICTDB_BACKUP_ERROR", payload)
        .env("DICTDB_BACKUP_FAILURES", failures.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match child {
        Ok(mut child) => {
            // Somebody has to collect it.
            std::thread::spawn(move || child.wait());
        }
        Err(error) => tracing::error!("could not run backup_failure_command: {error}"),
    }
}

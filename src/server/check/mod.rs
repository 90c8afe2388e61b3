//! `dictdb check`: would a server start here? One line for each thing that it needs, in colour where somebody looks.
//!
//! Nothing is changed, except that a directory is made and removed again to see that it can be. Exit code 0 when everything is
//! in order or nearly so, 1 when a server would not start.

mod directory;
mod network;

use std::io::{IsTerminal, Write};

use dictdb_session::{verify_backups, verify_directory};

use crate::configuration::Configuration;

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// In order.
    Good,
    /// A server starts, but somebody should look.
    Warning,
    /// A server does not start, or not as it should.
    Bad,
}

impl Verdict {
    /// The sign in front of a line, and its colour.
    fn sign(self) -> (&'static str, &'static str) {
        match self {
            Verdict::Good => ("ok", "32"),
            Verdict::Warning => ("warning", "33"),
            Verdict::Bad => ("error", "31"),
        }
    }
}

/// A thing, how it stands, and a sentence about it.
type Line = (&'static str, Verdict, String);

/// Checks everything and prints it; the error is how many things are not as they must be.
pub(crate) async fn run(configuration: Result<Configuration, String>) -> Result<(), String> {
    let lines = match configuration {
        Err(error) => vec![("configuration", Verdict::Bad, error)],
        Ok(configuration) => lines(&configuration).await,
    };
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut out = std::io::stdout().lock();
    for (thing, verdict, sentence) in &lines {
        let (sign, colour) = verdict.sign();
        let sign = format!("{sign:<7}");
        let sign = if colours { format!("\x1b[{colour}m{sign}\x1b[0m") } else { sign };
        // Nobody is left to be told that nobody reads it.
        let _ = writeln!(out, "{sign}  {thing:<16} {sentence}");
    }
    match lines.iter().filter(|(_, verdict, _)| *verdict == Verdict::Bad).count() {
        0 => Ok(()),
        1 => Err("1 check failed".to_owned()),
        count => Err(format!("{count} checks failed")),
    }
}

async fn lines(configuration: &Configuration) -> Vec<Line> {
    let mut lines = vec![("configuration", Verdict::Good, configuration.origin())];
    match &configuration.data_directory {
        None => lines.push(("data directory", Verdict::Good, "none: everything is kept in memory only".to_owned())),
        Some(path) => {
            let usable = directory::usable("data directory", path);
            let is_usable = usable.1 != Verdict::Bad;
            lines.push(usable);
            lines.extend(directory::permissions(path));
            lines.extend(directory::space(path));
            if is_usable {
                lines.push(log(path, configuration));
                lines.push(backups(path, configuration));
            }
        }
    }
    if let Some(path) = configuration.log_file().as_deref().and_then(std::path::Path::parent) {
        lines.push(directory::usable("log directory", path));
    }
    lines.push(match configuration.tls() {
        Ok(None) => ("tls", Verdict::Good, "off".to_owned()),
        Ok(Some(_)) => ("tls", Verdict::Good, "certificate and key fit".to_owned()),
        Err(error) => ("tls", Verdict::Bad, error),
    });
    lines.extend(network::ports(configuration).await);
    lines
}

/// Every backup, with its hash and what it follows.
fn backups(path: &std::path::Path, configuration: &Configuration) -> Line {
    match verify_backups(&configuration.settings, path) {
        Ok(found) => ("backups", Verdict::Good, found),
        Err(error) => {
            let each = error.fields().detail.as_deref().map(|detail| format!(": {}", detail.replace('\n', "; ")));
            ("backups", Verdict::Bad, format!("{}{}", error.message(), each.unwrap_or_default()))
        }
    }
}

/// The checkpoint and the log behind it, with all their checksums.
fn log(path: &std::path::Path, configuration: &Configuration) -> Line {
    match verify_directory(path, &configuration.settings) {
        Ok(found) => ("write-ahead log", Verdict::Good, found),
        Err(error) => ("write-ahead log", Verdict::Bad, error.message().to_owned()),
    }
}

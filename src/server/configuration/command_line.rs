//! The command line.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use dictdb_session::settings::Source;

use super::Values;

/// DictDB: the in-memory database that speaks PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "dictdb", version, disable_help_flag = true, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
    /// Print help
    #[arg(long, action = ArgAction::Help, global = true)]
    help: Option<bool>,
    #[arg(skip)]
    pub config: Option<PathBuf>,
    /// What is to be done.
    #[arg(skip)]
    pub task: Task,
}

/// What the program is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Task {
    /// Be a server.
    #[default]
    Serve,
    /// See whether a server would start.
    Check,
    /// Ask a server how it is.
    Health,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (the default)
    Serve(Serve),
    /// Check whether a server would start here
    Check(Serve),
    /// Ask a running server how it is
    Health(Serve),
}

#[derive(Clone, Debug, Args)]
struct Serve {
    /// Address to listen on; several are separated by commas [default: 127.0.0.1]
    #[arg(short = 'h', long)]
    host: Option<String>,
    /// Port to listen on [default: 5432]
    #[arg(short, long)]
    port: Option<u16>,
    /// Address and port of the HTTP interface, or off [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
    /// Directory of the database files [default: ./data]
    #[arg(short = 'D', long)]
    data_dir: Option<String>,
    /// Set any setting
    #[arg(short = 'c', value_name = "NAME=VALUE")]
    setting: Vec<String>,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Keep everything in memory only
    #[arg(long)]
    ephemeral: bool,
    /// Directory of scripts (*.sql, *.sh) that run at the first start
    #[arg(long, value_name = "DIRECTORY")]
    init_dir: Option<String>,
    /// File with the password of the first user
    #[arg(long, value_name = "FILE")]
    password_file: Option<String>,
}

impl Arguments {
    /// Parses the process's arguments.
    pub(crate) fn try_parse() -> Result<Arguments, clap::Error> {
        let mut arguments = <Arguments as Parser>::try_parse()?;
        let given = arguments.command.take().map(|command| match command {
            Command::Serve(serve) => (Task::Serve, serve),
            Command::Check(serve) => (Task::Check, serve),
            Command::Health(serve) => (Task::Health, serve),
        });
        if let Some((task, serve)) = given {
            (arguments.task, arguments.serve) = (task, serve);
        }
        arguments.config = arguments.serve.config.clone();
        Ok(arguments)
    }

    /// Puts what was given over what is there.
    pub(super) fn read(&self, values: &mut Values) -> Result<(), String> {
        let mut put = |key: &str, value: String| values.insert(key.to_owned(), (value, Source::CommandLine));
        for setting in &self.serve.setting {
            let Some((name, value)) = setting.split_once('=') else {
                return Err(format!("-c {setting} requires a value"));
            };
            put(&name.trim().replace('-', "_").to_ascii_lowercase(), value.to_owned());
        }
        let given = [
            ("host", self.serve.host.clone()),
            ("port", self.serve.port.map(|port| port.to_string())),
            ("http", self.serve.http.clone()),
            ("data_dir", self.serve.data_dir.clone()),
            ("init_dir", self.serve.init_dir.clone()),
            ("password_file", self.serve.password_file.clone()),
            ("ephemeral", self.serve.ephemeral.then(|| "on".to_owned())),
        ];
        for (key, value) in given {
            if let Some(value) = value {
                put(key, value);
            }
        }
        Ok(())
    }
}

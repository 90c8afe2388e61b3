//! Servers for tests: each test owns its own, on a free port, and it ends with the test.

use std::io::{BufRead, BufReader, Result};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::patience::{PATIENCE, wait_for};
use crate::port::Port;
pub use crate::port::free_port;

/// What scripts need that is off by default.
const PREPARED: &str = "max_prepared_transactions=8";

/// A running server.
pub struct Server {
    child: Child,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// Others find it taken as long as the server is there.
    _reserved: Port,
    directory: PathBuf,
}

impl Server {
    /// The real `dictdb` binary, built if need be, with nothing kept on disk.
    pub fn dictdb() -> Result<Self> {
        Self::dictdb_with(&["-c", PREPARED], "")
    }

    /// The same with further arguments; with a password clients must prove that they know it.
    pub fn dictdb_with(arguments: &[&str], password: &str) -> Result<Self> {
        let directory = fresh_directory()?;
        let port = Port::reserve()?;
        let mut command = Command::new(binary());
        // Switches of the tests, which the server would take for settings it does not know.
        let switches =
            std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("DICTDB_"));
        switches.for_each(|name| {
            command.env_remove(name);
        });
        let child = command
            .args(["-c", "timezone=UTC", "--ephemeral", "--port", &port.number.to_string(), "--data-dir"])
            .arg(directory.join("data"))
            .args(without_http(arguments))
            .args(arguments)
            .env("DICTDB_PASSWORD", password)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log_file(&directory)?)
            .spawn()?;
        Server { child, port: port.number, _reserved: port, directory }.ready()
    }

    /// The real `dictdb` binary on a data directory, which outlives it.
    pub fn dictdb_on(data: &Path, arguments: &[&str]) -> Result<Self> {
        Self::dictdb_in(data, arguments, &[])
    }

    /// The same with these environment variables, and no others.
    pub fn dictdb_in(data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Self> {
        let directory = fresh_directory()?;
        let port = Port::reserve()?;
        let child = Command::new(binary())
            .args(["--port", &port.number.to_string(), "--data-dir"])
            .arg(data)
            .args(without_http(arguments))
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log_file(&directory)?)
            .spawn()?;
        Server { child, port: port.number, _reserved: port, directory }.ready()
    }

    /// Ends it as a power failure would: without a word.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }

    /// Asks it to end and waits until it has.
    pub fn stop(mut self) -> Result<std::process::ExitStatus> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()
    }

    /// A PostgreSQL 15 with everything at its default but C collation and UTF-8, and room for prepared transactions.
    pub fn postgres() -> Result<Self> {
        let directory = fresh_directory()?;
        let port = Port::reserve()?;
        let bin = postgres_bin();
        let data = directory.join("data");
        let as_user = |program: &str| {
            let mut command = if is_root() {
                let mut command = Command::new("runuser");
                command.args(["-u", "postgres", "--"]).arg(bin.join(program));
                command
            } else {
                Command::new(bin.join(program))
            };
            command.stdin(Stdio::null()).stdout(Stdio::null());
            command
        };
        if is_root() {
            Command::new("chown").arg("postgres").arg(&directory).status()?;
        }
        let status = as_user("initdb")
            .args(["--no-sync", "--auth=trust", "--locale=C", "--encoding=UTF8", "--username=postgres", "--pgdata"])
            .arg(&data)
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(std::io::Error::other("initdb failed"));
        }
        let child = as_user("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.number.to_string(), "-k", ""])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "timezone=UTC", "-c", PREPARED])
            .stderr(log_file(&directory)?)
            .spawn()?;
        Server { child, port: port.number, _reserved: port, directory }.ready()
    }

    fn ready(mut self) -> Result<Self> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            // It answers, be it with a refusal.
            if crate::wire::Connection::answers(self.port) {
                return Ok(self);
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(std::io::Error::other(format!("the server ended with {status}:\n{}", self.log())));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(std::io::Error::other(format!("the server was not ready in time:\n{}", self.log())))
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -s {name} works");
    }

    /// Waits for the end; its exit code.
    pub fn exit_code(&mut self) -> Option<i32> {
        let status = wait_for("the end of the server", || self.child.try_wait().expect("it is a child"));
        status.code()
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) * 1024
    }

    /// What the server has written to its standard error. What it says about a statement may come after the answer.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// Waits until the log has something, and returns all of it.
    ///
    /// # Panics
    /// When it does not come.
    pub fn log_with(&self, text: &str) -> String {
        wait_for(&format!("{text:?} in {}", self.directory.join("log").display()), || {
            Some(self.log()).filter(|log| log.contains(text))
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM first: a server that cannot end cleanly should be noticed, but not hold up the tests.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Servers of tests run side by side, so that only who asks for the HTTP interface has one.
fn without_http(arguments: &[&str]) -> &'static [&'static str] {
    if arguments.contains(&"--http") { &[] } else { &["--http", "off"] }
}

/// The server's binary. `cargo test` does not build binaries of other packages, so it is built here, once.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        // What cargo tells this test of its own package is not the environment the server is built in: dependencies
        // whose build scripts look at it would be compiled anew, here and by whoever builds next.
        for (name, _) in std::env::vars_os() {
            let about_the_test = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
            if name.to_str().is_some_and(about_the_test) {
                build.env_remove(name);
            }
        }
        let output = build
            .args(["build", "--package", "dictdb-server", "--bin", "dictdb", "--message-format=json"])
            .current_dir(workspace())
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo can be run");
        assert!(output.status.success(), "the server does not build");
        let executable = BufReader::new(output.stdout.as_slice())
            .lines()
            .map_while(std::result::Result::ok)
            .filter_map(|line| {
                let start = line.find("\"executable\":\"")? + "\"executable\":\"".len();
                let end = line[start..].find('"')?;
                Some(PathBuf::from(&line[start..start + end]))
            })
            .last();
        executable.expect("cargo names the binary it built")
    })
}

/// The workspace's root.
pub fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The files of a folder of the workspace with an extension, in order.
pub fn files_of(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(workspace().join(folder))
        .expect("the folder is readable")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

/// Where PostgreSQL 15's programs are.
pub fn postgres_bin() -> PathBuf {
    std::env::var_os("POSTGRES_BIN").map_or_else(|| PathBuf::from("/usr/lib/postgresql/15/bin"), PathBuf::from)
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}

/// An empty directory of this test run.
pub fn fresh_directory() -> Result<PathBuf> {
    static COUNTER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    loop {
        let number = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("dictdb-test-{}-{number}", std::process::id()));
        match std::fs::create_dir(&directory) {
            // What an earlier process of the same number left behind.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| directory),
        }
    }
}

fn log_file(directory: &Path) -> Result<std::fs::File> {
    std::fs::File::create(directory.join("log"))
}

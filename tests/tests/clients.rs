//! Real Python drivers against the real server. Their environment is made here, once, in the target folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use dictdb_tests::server::{Server, workspace};

/// The Python of an environment with the drivers of `clients/requirements.txt`.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let requirements = workspace().join("tests/clients/requirements.txt");
        let text = std::fs::read_to_string(&requirements).expect("requirements.txt is there");
        let target = dictdb_tests::server::binary().parent().and_then(Path::parent).expect("a target folder");
        let venv = target.join("client-venv");
        let stamp = venv.join("installed.txt");
        let python = venv.join("bin/python");
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == text) {
            return python;
        }
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv), "python3 -m venv");
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements), "pip install");
        std::fs::write(&stamp, text).expect("the stamp can be written");
        python
    })
}

fn run(command: &mut Command, what: &str) {
    let status = command.stdin(Stdio::null()).status().unwrap_or_else(|e| panic!("{what} cannot be run: {e}"));
    assert!(status.success(), "{what} failed: the client tests need Python 3 with venv and a package index");
}

fn passes(script: &str) {
    let server = Server::dictdb().expect("DictDB starts");
    let output = Command::new(python())
        .arg(workspace().join("tests/clients").join(script))
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", server.port.to_string())
        .env("PGUSER", "postgres")
        .env("PGDATABASE", "postgres")
        .stdin(Stdio::null())
        .output()
        .expect("Python runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{script} failed:\n{}\n{}\nserver log:\n{}",
        text(&output.stdout),
        text(&output.stderr),
        server.log()
    );
}

#[test]
fn psycopg2_works() {
    passes("use_psycopg2.py");
}

#[test]
fn psycopg3_works() {
    passes("use_psycopg.py");
}

#[test]
fn asyncpg_works() {
    passes("use_asyncpg.py");
}

#[test]
fn sqlalchemy_works() {
    passes("use_sqlalchemy.py");
}

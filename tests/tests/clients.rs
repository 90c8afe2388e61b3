//! Real drivers, ORMs and tools in Python, JavaScript and Java against the real server. Their environments are made here,
//! once, in the target folder. `DICTDB_CLIENTS=postgres` runs the same scripts against PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use dictdb_tests::environment::{self, environment, succeed};
use dictdb_tests::server::{Server, free_port, workspace};

fn clients() -> PathBuf {
    workspace().join("tests/clients")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{} cannot be read: {e}", path.display()))
}

/// The Python of an environment with the packages of `clients/requirements.txt`.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        environment::python("client-venv", &read(&clients().join("requirements.txt")), &[]).join("python")
    })
}

/// A folder with the packages of `clients/js/package.json`.
fn node_modules() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let package = read(&clients().join("js/package.json"));
        environment("client-node", &package, |folder| {
            std::fs::write(folder.join("package.json"), &package).expect("the target folder can be written");
            let install = ["install", "--no-audit", "--no-fund", "--silent"];
            succeed(Command::new("npm").args(install).current_dir(folder), "npm install");
        })
    })
}

/// The JDBC driver: of Debian's `libpostgresql-jdbc-java`, or what `POSTGRESQL_JDBC` names.
fn jdbc_driver() -> PathBuf {
    let named = std::env::var_os("POSTGRESQL_JDBC").map(PathBuf::from);
    let driver = named.unwrap_or_else(|| PathBuf::from("/usr/share/java/postgresql.jar"));
    assert!(driver.exists(), "{} is not there: install libpostgresql-jdbc-java", driver.display());
    driver
}

fn server() -> Server {
    match std::env::var("DICTDB_CLIENTS").as_deref() {
        Ok("postgres") => Server::postgres().expect("PostgreSQL starts"),
        _ => Server::dictdb().expect("DictDB starts"),
    }
}

/// Runs a client against a server of its own.
fn succeeds(command: &mut Command, what: &str) {
    let server = server();
    let output = command
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", server.port.to_string())
        .env("PGUSER", "postgres")
        .env("PGDATABASE", "postgres")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{what} cannot be run: {e}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{what} failed:\n{}\n{}\nserver log:\n{}",
        text(&output.stdout),
        text(&output.stderr),
        server.log()
    );
}

fn passes(script: &str) {
    succeeds(Command::new(python()).arg(clients().join(script)), script);
}

/// Modules are looked for beside the script, so it is copied to where they are.
fn node_passes(script: &str) {
    let copy = node_modules().join(script);
    std::fs::copy(clients().join("js").join(script), &copy).expect("the script can be copied");
    succeeds(Command::new("node").arg(&copy), script);
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

#[test]
fn psycopg3_types_work() {
    passes("use_psycopg_types.py");
}

#[test]
fn asyncpg_types_work() {
    passes("use_asyncpg_types.py");
}

#[test]
fn sqlalchemy_types_work() {
    passes("use_sqlalchemy_types.py");
}

#[test]
fn alembic_works() {
    passes("use_alembic.py");
}

#[test]
fn the_lens_application_works() {
    passes("use_lens.py");
}

#[test]
fn the_rest_interface_answers_as_described() {
    let http = format!("127.0.0.1:{}", free_port().expect("a port is free"));
    let server = Server::dictdb_with(&["--http", &http, "-c", "http_rate_limit=off"], "").expect("DictDB starts");
    let schema = workspace().join("sql/bug_tracking_schema.sql");
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres", "-p"]);
    succeed(psql.arg(server.port.to_string()).arg("-f").arg(schema), "psql");
    let output = Command::new(python())
        .arg(clients().join("use_rest.py"))
        .env("DICTDB_URL", format!("http://{http}"))
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null())
        .output()
        .expect("python can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn django_works() {
    passes("use_django.py");
}

#[test]
fn pandas_works() {
    passes("use_pandas.py");
}

#[test]
fn peewee_works() {
    passes("use_peewee.py");
}

#[test]
fn pony_works() {
    passes("use_pony.py");
}

#[test]
fn tortoise_works() {
    passes("use_tortoise.py");
}

#[test]
fn node_postgres_works() {
    node_passes("pg.mjs");
}

#[test]
fn postgres_js_works() {
    node_passes("postgres.mjs");
}

#[test]
fn knex_works() {
    node_passes("knex.mjs");
}

#[test]
fn sequelize_works() {
    node_passes("sequelize.mjs");
}

#[test]
fn typeorm_works() {
    node_passes("typeorm.mjs");
}

#[test]
fn drizzle_works() {
    node_passes("drizzle.mjs");
}

#[test]
fn jdbc_works() {
    let (source, driver) = (clients().join("java/Jdbc.java"), jdbc_driver());
    succeeds(Command::new("java").arg("-cp").arg(driver).arg(source), "Jdbc.java");
}

//! What operators do with the real binary: check a configuration, ask how a server is, read its log, run scripts at the first
//! start, stop it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use dictdb_tests::http::wait_until_ready;
use dictdb_tests::patience::wait_for;
use dictdb_tests::place::{connect, run};
use dictdb_tests::server::{Server, binary, free_port, fresh_directory, postgres_bin};

fn dictdb(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).env_clear().stdin(Stdio::null()).output().expect("dictdb runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn psql(server: &Server, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(postgres_bin().join("psql"))
        .args(["-X", "-A", "-t", "-q", "-h", "127.0.0.1", "-U", "postgres", "-p"])
        .arg(server.port.to_string())
        .args(arguments)
        .output()
        .expect("psql runs");
    (output.status.success(), text(&output.stdout).trim().to_owned())
}

/// The line about a thing in what `dictdb check` says.
fn line<'a>(said: &'a str, thing: &str) -> &'a str {
    let found = said.lines().find(|line| line.get(9..).is_some_and(|rest| rest.starts_with(thing)));
    found.unwrap_or_else(|| panic!("{thing} in\n{said}"))
}

#[test]
fn check_says_what_is_in_order() {
    let directory = fresh_directory().unwrap();
    let data = directory.join("data");
    let port = free_port().unwrap().to_string();
    let data = data.to_string_lossy();
    let output = dictdb(&["check", "-D", &data, "-p", &port, "--http", "off"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}");
    for thing in ["configuration", "data directory", "write-ahead log", "backups", "port", "http", "tls"] {
        assert!(line(&said, thing).starts_with("ok"), "{said}");
    }
    // How full the disk is, is no matter of the server.
    assert!(line(&said, "disk space").contains("MB free"), "{said}");
    assert!(!directory.join("data").exists(), "nothing is changed");
}

#[test]
fn check_names_what_is_not() {
    let output = dictdb(&["check", "-c", "no_such_setting=1"]);
    assert!(!output.status.success());
    assert!(line(&text(&output.stdout), "configuration").contains("no_such_setting"));

    let directory = fresh_directory().unwrap();
    let data = directory.join("data");
    let server = Server::dictdb_on(&data, &[]).unwrap();
    psql(&server, &["-d", "postgres", "-c", "CREATE TABLE t (n int)"]);
    let (port, path) = (server.port.to_string(), data.to_string_lossy().into_owned());
    let check = |port: &str| {
        let output = dictdb(&["check", "-D", &path, "-p", port, "--http", "off"]);
        (output.status.success(), text(&output.stdout))
    };
    let (well, said) = check(&port);
    assert!(!well && line(&said, "port").starts_with("error"), "{said}");
    assert!(line(&said, "write-ahead log").starts_with("error"), "another server has it: {said}");
    assert!(server.stop().unwrap().success());
    let (well, said) = check(&port);
    assert!(well && line(&said, "write-ahead log").contains("checkpoint at"), "{said}");
    assert!(line(&said, "backups").contains("every chain is whole"), "a clean stop takes a backup: {said}");

    // A byte of the checkpoint is another one.
    let checkpoint = newest(&data.join("checkpoint"));
    let mut bytes = std::fs::read(&checkpoint).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&checkpoint, bytes).unwrap();
    let (well, said) = check(&port);
    assert!(!well && line(&said, "write-ahead log").starts_with("error"), "{said}");
}

fn newest(folder: &Path) -> std::path::PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.pop().expect("a file")
}

#[test]
fn health_asks_a_running_server() {
    let port = free_port().unwrap();
    let http = format!("127.0.0.1:{port}");
    let server = Server::dictdb_with(&["--http", &http], "").unwrap();
    wait_until_ready(port);
    let output = dictdb(&["health", "--http", &http]);
    assert!(output.status.success() && text(&output.stdout).contains("\"status\":\"healthy\""), "{output:?}");
    let knocked = dictdb(&["health", "--http", "off", "-p", &server.port.to_string()]);
    assert!(knocked.status.success(), "{knocked:?}");
    drop(server);
    assert_eq!(dictdb(&["health", "--http", &http]).status.code(), Some(1));
}

#[test]
fn the_log_has_postgres_form() {
    let settings = ["-c", "log_statement=mod", "-c", "log_connections=on", "-c", "log_disconnections=on"];
    let server = Server::dictdb_with(&settings, "").unwrap();
    psql(
        &server,
        &["-d", "postgres", "-c", "CREATE TABLE t (n int)", "-c", "INSERT INTO t VALUES (1)", "-c", "SELECT 1"],
    );
    psql(&server, &["-d", "postgres", "-c", "SELECT * FROM nothing"]);
    psql(&server, &["-d", "nowhere", "-c", "SELECT 1"]);
    for expected in [
        "LOG:  connection authorized: user=postgres database=postgres application_name=psql",
        "LOG:  statement: CREATE TABLE t (n int)",
        "LOG:  statement: INSERT INTO t VALUES (1)",
        "ERROR:  relation \"nothing\" does not exist at character 15",
        "STATEMENT:  SELECT * FROM nothing",
        "FATAL:  database \"nowhere\" does not exist",
        "LOG:  disconnection: session time: 0:0",
    ] {
        server.log_with(expected);
    }
    assert!(!server.log().contains("statement: SELECT 1"), "{}", server.log());
}

#[test]
fn slow_statements_are_logged_with_their_parameters() {
    let settings = ["-c", "log_min_duration_statement=0", "-c", "log_parameter_max_length=5"];
    let server = Server::dictdb_with(&settings, "").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let address = format!("host=127.0.0.1 port={} user=postgres dbname=postgres", server.port);
        let (client, connection) = tokio_postgres::connect(&address, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.query("SELECT $1::int, $2::text", &[&7_i32, &"o'brien"]).await.unwrap();
    });
    server.log_with(" ms  execute ");
    server.log_with("DETAIL:  parameters: $1 = '7', $2 = 'o''bri...'");
}

#[test]
fn the_log_can_be_json_in_a_file() {
    let directory = fresh_directory().unwrap();
    let file = directory.join("logs/dictdb.log");
    let path = format!("log_file={}", file.display());
    let settings = ["-c", "log_json=on", "-c", &path, "-c", "log_console=off", "-c", "log_statement=all"];
    let server = Server::dictdb_with(&settings, "").unwrap();
    psql(&server, &["-d", "postgres", "-c", "SELECT 1/0"]);
    assert_eq!(server.log(), "", "nothing goes to standard error");
    let text = wait_for("an error", || {
        let text = std::fs::read_to_string(&file).unwrap();
        Some(text).filter(|text| text.contains("ERROR") && text.ends_with('\n'))
    });
    let entry = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let entries: Vec<serde_json::Value> = text.lines().map(entry).collect();
    let error = entries.iter().find(|entry| entry["error_severity"] == "ERROR").expect("an error");
    assert_eq!(error["state_code"], "22012");
    assert_eq!(error["statement"], "SELECT 1/0");
    for key in ["timestamp", "pid", "user", "dbname", "remote_host", "session_id", "line_num", "application_name"] {
        assert!(!error[key].is_null(), "{key} in {error}");
    }
}

#[test]
fn logging_changes_while_the_server_runs() {
    let server = Server::dictdb().unwrap();
    let alter = "ALTER SYSTEM SET log_json = on";
    psql(&server, &["-d", "postgres", "-c", alter, "-c", "ALTER SYSTEM SET log_level = 'error'"]);
    psql(&server, &["-d", "postgres", "-c", "SELECT pg_reload_conf()", "-c", "SELECT 1/0"]);
    let log = server.log_with("division by zero");
    let last = log.lines().last().expect("a line");
    let entry: serde_json::Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {log}"));
    assert_eq!(entry["message"], "division by zero", "{log}");
    assert!(!log.contains("the configuration was read again"), "only errors are logged now: {log}");
}

#[test]
fn entries_say_which_transaction_they_are_of() {
    let server = Server::dictdb_with(&["-c", "log_line_prefix=<%v %x> "], "").unwrap();
    psql(&server, &["-d", "postgres", "-c", "SELECT 1/0"]);
    server.log_with(" 0> ERROR:  division by zero");
    let alter = "ALTER SYSTEM SET log_json = on";
    psql(&server, &["-d", "postgres", "-c", alter, "-c", "SELECT pg_reload_conf()"]);
    let fails = "BEGIN; CREATE TABLE t (n int); SELECT 'id ' || txid_current(); SELECT 1/0";
    let (_, said) = psql(&server, &["-d", "postgres", "-c", fails]);
    let id = said.lines().find_map(|line| line.trim().strip_prefix("id ")).expect("an id").to_owned();
    let log = server.log_with("\"22012\"");
    let entry = log.lines().rfind(|line| line.contains("\"22012\"")).expect("an error");
    let entry: serde_json::Value = serde_json::from_str(entry).unwrap();
    assert_eq!(entry["txid"].to_string(), id, "{entry}");
    assert!(entry["vxid"].as_str().is_some_and(|place| place.starts_with(&format!("{}/", entry["pid"]))), "{entry}");
}

#[test]
fn entries_are_as_verbose_as_is_wished_and_have_the_times_of_a_zone() {
    let server = Server::dictdb_with(&["-c", "log_timezone=Asia/Tokyo", "-c", "log_line_prefix=%t|%s|"], "").unwrap();
    let duplicate = "INSERT INTO t VALUES (1)";
    psql(&server, &["-d", "postgres", "-c", "CREATE TABLE t (n int PRIMARY KEY)", "-c", duplicate]);
    for verbosity in ["terse", "default", "verbose"] {
        psql(
            &server,
            &["-d", "postgres", "-c", &format!("SET log_error_verbosity = {verbosity}"), "-c", duplicate, "-c", "x"],
        );
    }
    let log = server.log_with("ERROR:  42601: syntax error");
    let times = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(times("ERROR:  duplicate key value"), 2, "{log}");
    assert_eq!(times("ERROR:  23505: duplicate key value"), 1, "{log}");
    assert_eq!(times("DETAIL:  Key (n)=(1) already exists."), 2, "{log}");
    assert_eq!(times("LOCATION:  "), 2, "{log}");
    assert_eq!(times(&format!("STATEMENT:  {duplicate}")), 3, "{log}");
    let is_stamped = |line: &str| line.matches(" JST|").count() == 2;
    assert!(log.lines().filter(|line| line.contains("ERROR:")).all(is_stamped), "{log}");
}

#[test]
fn a_share_of_statements_and_of_transactions_is_logged() {
    let count = |setting: &str, rate: &str, statement: &str| {
        let mut server = Server::dictdb_with(&["-c", setting, "-c", rate], "").unwrap();
        let statements: Vec<&str> = (0..40).flat_map(|_| ["-c", statement]).collect();
        psql(&server, &[&["-d", "postgres"], &*statements].concat());
        server.signal("TERM");
        assert_eq!(server.exit_code(), Some(0));
        server.log().lines().filter(|line| line.contains(&format!("  statement: {statement}"))).count()
    };
    assert_eq!(count("log_min_duration_sample=0", "log_statement_sample_rate=0.25", "VALUES (1)"), 10);
    assert_eq!(count("log_min_duration_sample=1h", "log_statement_sample_rate=1", "VALUES (1)"), 0);
    assert_eq!(count("log_transaction_sample_rate=0.25", "log_min_duration_sample=-1", "VALUES (1)"), 10);
}

#[test]
fn long_waits_for_locks_are_logged() {
    let server = Server::dictdb_with(&["-c", "log_lock_waits=on", "-c", "deadlock_timeout=50ms"], "").unwrap();
    let mut holder = connect(&server, "postgres");
    run(&mut holder, "CREATE TABLE t (n int); INSERT INTO t VALUES (1)");
    for (locks, waits, lock) in [
        ("UPDATE t SET n = 2", "UPDATE t SET n = 3", "ShareLock on transaction "),
        ("LOCK TABLE t", "SELECT * FROM t", "AccessShareLock on relation "),
        ("SELECT pg_advisory_xact_lock(7)", "SELECT pg_advisory_xact_lock(7)", "ExclusiveLock on advisory lock "),
    ] {
        run(&mut holder, "BEGIN");
        run(&mut holder, locks);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| psql(&server, &["-d", "postgres", "-c", waits]));
            let log = server.log_with(&format!(" still waiting for {lock}"));
            let detail = log.lines().rfind(|line| line.contains("DETAIL:")).expect("a detail").to_owned();
            assert!(detail.contains("DETAIL:  Process holding the lock: "), "{log}");
            assert!(log.contains(&format!("STATEMENT:  {waits}")), "{log}");
            run(&mut holder, "COMMIT");
            assert!(waiter.join().unwrap().0);
        });
        server.log_with(&format!(" acquired {lock}"));
    }
}

#[test]
fn maintenance_tells_what_it_does_when_asked_to() {
    let server = Server::dictdb().unwrap();
    let mut connection = connect(&server, "postgres");
    run(&mut connection, "CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 5000)");
    run(&mut connection, "DELETE FROM t WHERE n > 4990");
    for (statement, told) in [
        (
            "VACUUM (VERBOSE) t",
            "INFO vacuuming \"postgres.public.t\"|INFO finished vacuuming \"postgres.public.t\": 4990 tuples remain in 2 pages",
        ),
        ("ANALYZE VERBOSE t", "INFO analyzing \"public.t\"|INFO \"t\": 4990 live rows in 2 pages"),
        ("REINDEX (VERBOSE) TABLE t", "INFO index \"t_pkey\" was reindexed"),
        ("REINDEX (VERBOSE, CONCURRENTLY) INDEX t_pkey", "INFO index \"public.t_pkey\" was reindexed"),
        (
            "CLUSTER VERBOSE t USING t_pkey",
            "INFO clustering \"public.t\" using sequential scan and sort|INFO \"public.t\": found 0 removable, 4990 nonremovable row versions in 2 pages",
        ),
        ("VACUUM t", ""),
        ("REINDEX (VERBOSE off) TABLE t", ""),
    ] {
        let messages = connection.query(statement).unwrap();
        let notices = messages.iter().filter(|message| message.tag == b'N');
        let said: Vec<String> =
            notices.map(|notice| [b'S', b'M'].map(|field| notice.field(field).unwrap_or_default()).join(" ")).collect();
        assert_eq!(said.join("|"), told, "{statement}");
    }
}

#[test]
fn one_debug_entry_in_so_many_is_logged() {
    let mut server = Server::dictdb_with(&["-c", "log_level=debug", "-c", "log_sample_debug_every=10"], "").unwrap();
    let statements: Vec<&str> = (0..100).flat_map(|_| ["-c", "VALUES (1)"]).collect();
    psql(&server, &[&["-d", "postgres"], &*statements].concat());
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0));
    let log = server.log();
    let debugs = log.lines().filter(|line| line.contains("DEBUG:")).count();
    assert!((8..=20).contains(&debugs), "{debugs} in\n{log}");
}

#[test]
fn a_shutdown_logs_its_steps() {
    let mut server = Server::dictdb().unwrap();
    server.signal("INT");
    assert_eq!(server.exit_code(), Some(0));
    let log = server.log();
    let mut rest = log.as_str();
    for step in [
        "INFO: Shutdown signal received (SIGINT)",
        "INFO: Rejecting new requests (503)",
        "INFO: All requests completed",
        "INFO: Closing WebSocket connections (0 active)",
        "INFO: Closing database pool",
        "INFO: Closing result cache",
        "INFO: Closing write-ahead log",
        "INFO: Graceful shutdown completed in ",
    ] {
        let at = rest.find(step).unwrap_or_else(|| panic!("{step} in\n{log}"));
        rest = &rest[at..];
    }
}

#[test]
fn scripts_run_at_the_first_start_only() {
    let directory = fresh_directory().unwrap();
    let scripts = directory.join("init");
    std::fs::create_dir(&scripts).unwrap();
    let write = |name: &str, text: &str| std::fs::write(scripts.join(name), text).unwrap();
    write(
        "01.sql",
        "CREATE TABLE t (n int, s text);\nCOPY t FROM stdin;\n1\tone; two\n\\.\nCREATE DATABASE shop;\n\\connect shop\nCREATE TABLE goods (id int);\n",
    );
    write("02.sh", "psql -X -q -c \"INSERT INTO t VALUES (2, 'shell')\"\n");
    write("03.sql", "DO $$ BEGIN INSERT INTO t VALUES (3, 'do;'); END $$;\n");
    // As the documentation of the official image writes them.
    write(
        "04.sh",
        "#!/bin/bash\nset -Eeo pipefail\npsql -X -q --username \"$POSTGRES_USER\" --dbname \"$POSTGRES_DB\" <<-EOSQL\n\tINSERT INTO t VALUES (4, 'bash');\nEOSQL\n",
    );
    write("05.sql", "INSERT INTO t VALUES (5, 'gz');\n");
    assert!(Command::new("gzip").arg(scripts.join("05.sql")).status().unwrap().success());
    write(
        "06.sh",
        "#!/usr/bin/env python3\nimport subprocess\nsubprocess.check_call(['psql', '-X', '-q', '-c', \"INSERT INTO t VALUES (6, 'any')\"])\n",
    );
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(scripts.join("06.sh"), executable).unwrap();
    write("notes.txt", "ignored");
    let data = directory.join("data");
    let path = scripts.to_string_lossy();
    for _ in 0..2 {
        let server = started(&data, &["--init-dir", &path]);
        let rows = psql(&server, &["-d", "postgres", "-c", "SELECT string_agg(n || s, ',' ORDER BY n) FROM t"]).1;
        assert_eq!(rows, "1one; two,2shell,3do;,4bash,5gz,6any", "{}", server.log());
        assert!(psql(&server, &["-d", "shop", "-c", "TABLE goods"]).0);
        assert!(server.stop().unwrap().success());
    }
}

/// A server on a data directory, with the path that shell scripts need.
fn started(data: &Path, arguments: &[&str]) -> Server {
    let server = Server::dictdb_on(data, arguments).unwrap();
    server.log_with("ready to accept connections");
    server
}

#[test]
fn a_script_that_fails_ends_the_start() {
    let directory = fresh_directory().unwrap();
    let script = directory.join("broken.sql");
    std::fs::write(&script, "SELECT 1;\n\nSELECT *\nFROM nothing;\n").unwrap();
    let port = free_port().unwrap().to_string();
    let output = dictdb(&["--ephemeral", "--http", "off", "-p", &port, "--init-dir", &directory.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("broken.sql: line 3: relation \"nothing\" does not exist"), "{said}");
}

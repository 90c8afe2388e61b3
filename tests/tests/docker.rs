//! What is in `docker/`: the entrypoint as the image runs it, and rules and dashboard that use no name the server does not export.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use dictdb_tests::http::{get, wait_until_ready};
use dictdb_tests::patience::wait_for;
use dictdb_tests::place::{connect, run, try_run};
use dictdb_tests::server::{Server, binary, free_port, fresh_directory, postgres_bin, workspace};
use serde_json::Value;

fn read(path: &str) -> String {
    std::fs::read_to_string(workspace().join("docker").join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Words of PromQL, labels and values aside.
fn metrics_in(expression: &str) -> BTreeSet<String> {
    let (mut names, mut depth, mut word) = (BTreeSet::new(), 0, String::new());
    for c in expression.chars().chain([' ']) {
        if depth == 0 && (c.is_ascii_alphanumeric() || c == '_' || c == ':') {
            word.push(c);
            continue;
        }
        if word.contains('_') {
            names.insert(word.clone());
        }
        word.clear();
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
    }
    names.remove("histogram_quantile");
    names
}

#[test]
fn names_are_found_in_expressions() {
    let names = metrics_in("sum by (le) (rate(a_b_bucket{c_d=~\"5..\"}[5m])) / histogram_quantile(0.9, e_f) > 1");
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a_b_bucket", "e_f"]);
}

/// `by (…)` lists labels, which are no metrics.
fn without_groups(expression: &str) -> String {
    let mut rest = expression;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once(" by (") {
        kept.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    kept + rest
}

#[test]
fn rules_and_dashboard_use_exported_names_only() {
    let port = free_port().unwrap();
    let http = format!("127.0.0.1:{port}");
    let directory = fresh_directory().unwrap();
    let server = Server::dictdb_on(&directory.join("data"), &["--http", &http]).unwrap();
    wait_until_ready(port);
    get(port, "/health").unwrap();
    let mut connection = connect(&server, "postgres");
    // It may run again.
    for name in ["bug_tracking_schema.sql", "business_metrics.sql", "business_metrics.sql"] {
        let sql = std::fs::read_to_string(workspace().join("sql").join(name)).unwrap();
        try_run(&mut connection, &sql).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    run(
        &mut connection,
        "INSERT INTO samples (device_id, grade, quality, conforms, processing_seconds) VALUES ('d', 'A+', 1, true, 0.1);
         INSERT INTO bug_reports (title, description, status) VALUES ('a', 'b', 'open'), ('c', 'd', 'resolved')",
    );
    run(&mut connection, "BACKUP FULL");
    let text = wait_for("the last query", || {
        Some(get(port, "/metrics").unwrap().body).filter(|text| text.contains("samples_throughput_per_second"))
    });
    let exported: BTreeSet<&str> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(['{', ' ']).next()).collect();
    let mut expressions: Vec<String> = read("prometheus/alerts.yml")
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: ").map(str::to_owned))
        .collect();
    for file in ["grafana/dashboards/dictdb.json", "grafana/dashboards/business.json"] {
        let dashboard: Value = serde_json::from_str(&read(file)).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                expressions.push(target["expr"].as_str().unwrap().to_owned());
            }
        }
    }
    assert!(expressions.len() > 20, "{expressions:?}");
    for expression in &expressions {
        let names = metrics_in(&without_groups(expression));
        let ours = !expression.contains("up{");
        assert_eq!(names.is_empty(), !ours, "{expression}");
        for name in names {
            assert!(exported.contains(&*name), "{name} of {expression} is not exported");
        }
    }
}

/// Runs a tool of Debian's over files of `docker/`; where it is not installed there is nothing to see.
fn lint(tool: &str, arguments: &[&str]) {
    match Command::new(tool).args(arguments).current_dir(workspace().join("docker")).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => eprintln!("{tool} is not installed"),
        Err(error) => panic!("{tool}: {error}"),
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
        }
    }
}

#[test]
fn tools_find_nothing_wrong() {
    lint("promtool", &["check", "config", "prometheus/prometheus.yml"]);
    lint("promtool", &["check", "rules", "prometheus/alerts.yml"]);
    lint("shellcheck", &["entrypoint.sh"]);
}

/// The entrypoint in an empty directory, with nothing but a path and this environment.
fn entrypoint(directory: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Command {
    let bin = binary().parent().expect("a folder").to_string_lossy().into_owned();
    let path = format!("{bin}:/usr/bin:/bin");
    let mut command = Command::new("/bin/sh");
    command
        .arg(workspace().join("docker/entrypoint.sh"))
        .args(arguments)
        .env_clear()
        .env("PATH", path)
        .env("PGDATA", directory.join("data"))
        .envs(environment.iter().copied())
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}

#[test]
fn the_entrypoint_wants_a_password_as_the_official_image_does() {
    let directory = fresh_directory().unwrap();
    let output = entrypoint(&directory, &[], &["postgres"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("You must specify POSTGRES_PASSWORD to a non-empty value"), "{said}");
    let version = entrypoint(&directory, &[], &["dictdb", "--version"]).output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("dictdb "), "{version:?}");
}

#[test]
fn the_entrypoint_starts_a_server_with_the_official_images_environment() {
    let directory = fresh_directory().unwrap();
    let init = directory.join("initdb.d");
    std::fs::create_dir(&init).unwrap();
    std::fs::write(init.join("a.sql"), "CREATE TABLE from_script (n int);").unwrap();
    let (port, http) = (free_port().unwrap().to_string(), format!("127.0.0.1:{}", free_port().unwrap()));
    let init = init.to_string_lossy().into_owned();
    let environment = [
        ("POSTGRES_USER", "anna"),
        ("POSTGRES_PASSWORD", "secret"),
        ("POSTGRES_DB", "shop"),
        ("DICTDB_PORT", &*port),
        ("DICTDB_HTTP", &*http),
        ("DICTDB_INIT_DIR", &*init),
    ];
    // The service that only makes the database.
    let made = entrypoint(&directory, &environment, &["init"]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let arguments = ["postgres", "-c", "max_connections=17", "--work_mem=9MB"];
    let mut child = entrypoint(&directory, &environment, &arguments).stderr(Stdio::null()).spawn().unwrap();
    let sql = "SELECT current_user, current_database(), current_setting('max_connections'), current_setting('work_mem'), \
               (SELECT count(*) FROM from_script)";
    let said = wait_for("an answer", || {
        let output = Command::new(postgres_bin().join("psql"))
            .args(["-X", "-A", "-t", "-h", "127.0.0.1", "-p", &port, "-U", "anna", "-d", "shop", "-c", sql])
            .env("PGPASSWORD", "secret")
            .output()
            .unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    });
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(said, "anna|shop|17|9MB|0");
}

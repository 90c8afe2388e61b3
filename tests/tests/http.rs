//! The HTTP interface of the real server: health, metrics, the bug tracker, and what it does with requests that are not as they
//! should be.

use std::collections::BTreeSet;
use std::process::Command;

use dictdb_tests::http::{Answer, ask, get, json, send, wait_until_ready};
use dictdb_tests::patience::{wait_for, wait_until};
use dictdb_tests::server::{Server, free_port, postgres_bin, workspace};
use serde_json::Value;

/// A server with its HTTP interface on a port of its own.
fn server(arguments: &[&str]) -> (Server, u16) {
    let port = free_port().expect("a port is free");
    let address = format!("127.0.0.1:{port}");
    let mut all = vec!["--http", &address];
    all.extend(arguments);
    let server = Server::dictdb_with(&all, "").expect("DictDB starts");
    wait_until_ready(port);
    (server, port)
}

/// The same with the bug tracker's schema, and without a limit on requests.
fn tracker() -> (Server, u16) {
    let (server, port) = server(&["-c", "http_rate_limit=off"]);
    let schema = workspace().join("sql/bug_tracking_schema.sql");
    let file = schema.to_string_lossy();
    psql(&server, &["-v", "ON_ERROR_STOP=1", "-f", &file]);
    (server, port)
}

fn psql(server: &Server, arguments: &[&str]) -> String {
    let output = Command::new(postgres_bin().join("psql"))
        .args(["-X", "-A", "-t", "-q", "-h", "127.0.0.1", "-U", "postgres", "-d", "postgres", "-p"])
        .arg(server.port.to_string())
        .args(arguments)
        .output()
        .expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn read(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

fn metric(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} in\n{text}")).parse().expect("a number")
}

#[test]
fn health_has_the_fields_that_operators_know() {
    let (_server, port) = server(&[]);
    // A look at the database may have taken too long on a busy machine; the next one is a second later.
    let is_healthy = |health: &Value| health["database"] == "healthy";
    let health = wait_for("health", || Some(read(&get(port, "/health").unwrap())).filter(is_healthy));
    assert_eq!((&health["status"], &health["database"]), (&"healthy".into(), &"healthy".into()), "{health}");
    for key in ["uptime_seconds", "requests", "errors", "error_rate", "last_db_check", "timestamp", "components"] {
        assert!(!health[key].is_null(), "{key} in {health}");
    }
    // The helper's look for readiness may have come while the server started, which is an error of the interface.
    let (requests, errors) = (health["requests"].as_f64().unwrap(), health["errors"].as_f64().unwrap());
    assert_eq!(health["error_rate"], format!("{:.2}%", errors / requests * 100.0), "{health}");
    assert_eq!(health["components"]["backup"]["consecutive_failures"], 0, "{health}");
    for breaker in ["database", "backup", "cache"] {
        assert_eq!(health["components"]["circuit_breakers"][breaker], "closed", "{health}");
    }
    let live = read(&get(port, "/health/live").unwrap());
    assert!(live["status"] == "alive" && live["uptime"].is_u64(), "{live}");
    let started = read(&get(port, "/health/startup").unwrap());
    assert!(started["status"] == "started" && started["duration"].is_number(), "{started}");
    for path in ["/health/ready", "/ready"] {
        wait_until_ready(port);
        let ready = read(&get(port, path).unwrap());
        assert!(ready["status"] == "ready" && ready["ready"] == true, "{ready}");
        assert!(ready["components"]["database"] == true && ready["components"]["cache"] == true, "{ready}");
    }
}

#[test]
fn metrics_count_what_happens() {
    let (server, port) = server(&[]);
    psql(&server, &["-c", "CREATE TABLE t (n int)"]);
    // The interface asks the database itself now and then.
    let before = get(port, "/metrics").unwrap().body;
    psql(&server, &["-c", "INSERT INTO t SELECT generate_series(1, 5)"]);
    psql(&server, &["-c", "SELECT * FROM t", "-c", "BEGIN", "-c", "ROLLBACK"]);
    get(port, "/health/live").unwrap();
    // A session counts when it has answered, and the last one may not have yet.
    let text = wait_for("the last statement", || {
        let answer = get(port, "/metrics").unwrap();
        assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
        let rollbacks = |text: &str| metric(text, "dictdb_transactions_total{outcome=\"rollback\"}");
        let inserts = |text: &str| metric(text, "db_query_duration_seconds_count{query_type=\"insert\"}");
        let is_counted = rollbacks(&answer.body) > rollbacks(&before) && inserts(&answer.body) > inserts(&before);
        Some(answer.body).filter(|_| is_counted)
    });
    let more = |series: &str| metric(&text, series) - metric(&before, series);
    let live = "http_requests_total{method=\"GET\",endpoint=\"/health/live\",status=\"200\"}";
    assert_eq!(metric(&text, live), 1.0);
    assert_eq!(more("dictdb_statements_total{query_type=\"insert\"}"), 1.0);
    assert_eq!(more("dictdb_rows_total{query_type=\"insert\"}"), 5.0);
    assert_eq!(more("db_query_duration_seconds_count{query_type=\"insert\"}"), 1.0);
    assert_eq!(more("db_query_duration_seconds_bucket{query_type=\"insert\",le=\"+Inf\"}"), 1.0);
    // The rows of the statement, and one of the look for metric queries.
    assert!(more("dictdb_rows_total{query_type=\"select\"}") >= 5.0);
    assert_eq!(more("dictdb_transactions_total{outcome=\"rollback\"}"), 1.0);
    assert_eq!(metric(&text, "db_connection_pool_size"), 100.0);
    assert_eq!(metric(&text, "circuit_breaker_state{name=\"database\"}"), 0.0);
    assert_eq!(metric(&text, "dictdb_ready"), 1.0);
    assert!(metric(&text, "process_resident_memory_bytes") > 1e6);
    assert!(metric(&text, "dictdb_connections_opened_total") >= 2.0);
}

#[test]
fn operators_define_metrics_in_sql() {
    let (server, port) = server(&[]);
    psql(
        &server,
        &[
            "-c",
            "INSERT INTO dictdb.metric_queries (name, help, sql, labels) VALUES \
             ('conformity_rate_percent', 'Share of good samples.', 'SELECT 98.5 AS value', '{}'), \
             ('samples', 'Samples.', 'SELECT s AS site, n AS value FROM (VALUES (''a'', 1), (''b'', 2)) v (s, n)', '{site}'), \
             ('broken', NULL, 'SELECT 1/0', '{}'), ('writes', NULL, 'DELETE FROM dictdb.metric_queries', '{}'), \
             ('http_requests_total', 'Taken.', 'SELECT 1', '{}'), ('again', NULL, 'VALUES (1), (2)', '{}')",
            "-c",
            "INSERT INTO dictdb.metric_queries (name, type, sql) VALUES ('litres_total', 'counter', 'SELECT 2.5')",
        ],
    );
    // Queries that a scrape has no time left for are left out of it.
    let text = wait_for("the last query", || {
        Some(get(port, "/metrics").unwrap().body).filter(|text| text.contains("samples{site=\"b\"}"))
    });
    assert_eq!(metric(&text, "conformity_rate_percent"), 98.5);
    assert_eq!(metric(&text, "samples{site=\"b\"}"), 2.0);
    assert_eq!(metric(&text, "litres_total"), 2.5);
    assert_eq!(metric(&text, "dictdb_metric_query_errors"), 4.0);
    // One that is there twice would spoil the whole scrape.
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE ")).collect();
    let families: BTreeSet<&str> = heads.iter().filter_map(|line| line.split(' ').nth(2)).collect();
    assert_eq!(heads.len(), families.len());
    assert!(families.iter().all(|name| text.contains(&format!("# HELP {name} "))), "{text}");
    assert_eq!(psql(&server, &["-c", "SELECT count(*) FROM dictdb.metric_queries"]), "7");
}

#[test]
fn bugs_are_reported_listed_commented_and_counted() {
    let (server, port) = tracker();
    let report = r#"{"title": "VL53L8CH sensor timeout", "description": "Device ESP32_LL_01 stops responding after 2 hours",
        "severity": "high", "priority": "urgent", "category": "hardware", "deviceId": "ESP32_LL_01",
        "firmwareVersion": "v2.3.1", "reportedBy": "Jean Dupont", "reportedByEmail": "jean@euralis.com",
        "reproductionSteps": "1. Start device\n2. Wait 2 hours\n3. Observe timeout", "tags": ["sensor", "timeout", "esp32"]}"#;
    let made = json(port, "POST", "/api/bugs/", report).unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    let id = read(&made)["id"].as_str().expect("an id").to_owned();
    assert_eq!(made.header("location"), Some(&*format!("/api/bugs/{id}")));
    assert_eq!(read(&made)["message"], "Bug report created successfully");
    let second = r#"{"title":"Test bug","description":"Test description","severity":"low","priority":"medium"}"#;
    assert_eq!(json(port, "POST", "/api/bugs/", second).unwrap().status, 201);

    let listed = read(&get(port, "/api/bugs/?status=open&severity=high&category=hardware&limit=50").unwrap());
    assert!(listed["total"] == 1 && listed["skip"] == 0 && listed["limit"] == 50, "{listed}");
    let bug = &listed["bugs"][0];
    assert_eq!(bug["deviceId"], "ESP32_LL_01");
    assert_eq!(bug["tags"], serde_json::json!(["sensor", "timeout", "esp32"]));
    let page = read(&get(port, "/api/bugs/?skip=1&limit=1").unwrap());
    assert!(page["total"] == 2 && page["bugs"].as_array().is_some_and(|bugs| bugs.len() == 1), "{page}");

    let comment = r#"{"comment": "Fixed in firmware v2.3.2", "author": "Marie Martin", "isInternal": false}"#;
    let commented = json(port, "POST", &format!("/api/bugs/{id}/comments"), comment).unwrap();
    assert_eq!(commented.status, 201, "{commented:?}");
    let file = r#"{"fileName": "log.txt", "fileUrl": "https://files/log.txt", "fileSize": 12}"#;
    assert_eq!(json(port, "POST", &format!("/api/bugs/{id}/attachments"), file).unwrap().status, 201);
    let changes = r#"{"status": "resolved", "resolution": "firmware", "deviceId": null}"#;
    let changed = json(port, "PATCH", &format!("/api/bugs/{id}"), changes).unwrap();
    assert_eq!(changed.status, 200, "{changed:?}");
    let shown = read(&get(port, &format!("/api/bugs/{id}")).unwrap());
    assert!(shown["status"] == "resolved" && shown["deviceId"].is_null() && !shown["resolvedAt"].is_null(), "{shown}");
    assert_eq!(shown["firmwareVersion"], "v2.3.1");
    assert_eq!(shown["comments"][0]["comment"], "Fixed in firmware v2.3.2");
    assert_eq!(shown["attachments"][0]["fileName"], "log.txt");

    let summary = read(&get(port, "/api/bugs/metrics/summary").unwrap());
    for (key, count) in [("totalBugs", 2), ("openBugs", 1), ("resolvedBugs", 1)] {
        assert_eq!(summary[key], count, "{key} in {summary}");
    }
    let trends = read(&get(port, "/api/bugs/metrics/trends?days=7").unwrap());
    let days = trends["trends"].as_array().expect("days");
    assert!(days.len() == 7 && days[6]["openBugs"] == 1, "{trends}");
    // Midnight may have passed since the reports.
    let today = "SELECT count(*) FILTER (WHERE created_at >= current_date), count(*) FILTER (WHERE resolved_at >= current_date) \
                 FROM bug_reports";
    let counted = psql(&server, &["-c", today]);
    if counted == "2|1" {
        assert!(summary["newToday"] == 2 && summary["resolvedToday"] == 1, "{summary}");
        assert_eq!(days[6]["newBugs"], 2, "{trends}");
    }
    // What the triggers keep is what can be counted.
    let counted = "SELECT (SELECT sum(new_bugs) FROM bug_metrics) = count(*) \
                   AND (SELECT sum(resolved_bugs) FROM bug_metrics) = count(resolved_at) FROM bug_reports";
    assert_eq!(psql(&server, &["-c", counted]), "t");
}

#[test]
fn requests_that_are_wrong_are_told_so() {
    let (_server, port) = tracker();
    let nobody = "123e4567-e89b-12d3-a456-426614174000";
    let cases = [
        ("POST", "/api/bugs/".to_owned(), "{}", 422),
        ("POST", "/api/bugs/".to_owned(), "not json", 422),
        ("POST", "/api/bugs/".to_owned(), r#"{"title":"a","description":"b","severity":"awful"}"#, 422),
        ("POST", "/api/bugs/".to_owned(), r#"{"title":"a\u0000","description":"b"}"#, 422),
        ("GET", "/api/bugs/?limit=0".to_owned(), "", 422),
        ("GET", "/api/bugs/?status=gone".to_owned(), "", 422),
        ("GET", "/api/bugs/metrics/trends?days=x".to_owned(), "", 422),
        ("GET", "/api/bugs/x".to_owned(), "", 422),
        ("GET", format!("/api/bugs/{nobody}"), "", 404),
        ("PATCH", format!("/api/bugs/{nobody}"), r#"{"status":"closed"}"#, 404),
        ("POST", format!("/api/bugs/{nobody}/comments"), r#"{"comment":"a","author":"b"}"#, 404),
        ("POST", format!("/api/bugs/{nobody}/attachments"), r#"{"fileName":"a","fileUrl":"b"}"#, 404),
        ("DELETE", "/api/bugs/".to_owned(), "", 405),
        ("PUT", "/health".to_owned(), "", 405),
        ("GET", "/nowhere".to_owned(), "", 404),
    ];
    for (method, path, body, status) in cases {
        let answer = json(port, method, &path, body).unwrap();
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert!(!read(&answer)["detail"].is_null(), "{answer:?}");
    }
    assert_eq!(ask(port, "POST", "/api/bugs/", &["Content-Type: text/plain"], "{}").unwrap().status, 415);
    let long = format!(r#"{{"title":"a","description":"{}"}}"#, "x".repeat(1 << 20));
    assert_eq!(json(port, "POST", "/api/bugs/", &long).unwrap().status, 413);
    let asking = ["Content-Type: application/json", "Content-Length: 99999999", "Expect: 100-continue"];
    assert_eq!(ask(port, "POST", "/api/bugs/", &asking, "").unwrap().status, 413);
    assert_eq!(send(port, "nonsense\r\n\r\n").unwrap().status, 400);
}

#[test]
fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    let (_server, port) = server(&["-c", "http_rate_limit=3/3600s"]);
    for _ in 0..3 {
        // The schema is not there.
        assert_eq!(get(port, "/api/bugs/").unwrap().status, 503);
    }
    let answer = get(port, "/api/bugs/").unwrap();
    assert_eq!(answer.status, 429, "{answer:?}");
    let seconds: u64 = answer.header("retry-after").expect("Retry-After").parse().expect("seconds");
    assert!((1..=1200).contains(&seconds), "{seconds}");
    assert_eq!(get(port, "/health").unwrap().status, 200);
}

#[test]
fn a_token_guards_the_interface() {
    let (_server, port) = server(&["-c", "http_token=secret"]);
    let with = |header: &str| ask(port, "GET", "/api/bugs/", &[header], "").unwrap().status;
    assert_eq!(with("Authorization: Bearer wrong"), 401);
    assert_eq!(get(port, "/api/bugs/").unwrap().status, 401);
    assert_eq!(with("Authorization: Bearer secret"), 503);
    assert_eq!(get(port, "/metrics").unwrap().status, 200);
}

#[test]
fn pages_of_configured_origins_may_read_answers() {
    let (_server, port) = server(&["-c", "http_cors_origins=http://localhost:3000"]);
    let from = |origin: &str| ask(port, "GET", "/health/live", &[origin], "").unwrap();
    let allowed = from("Origin: http://localhost:3000");
    assert_eq!(allowed.header("access-control-allow-origin"), Some("http://localhost:3000"));
    assert_eq!(from("Origin: http://elsewhere").header("access-control-allow-origin"), None);
    let asks = ["Origin: http://localhost:3000", "Access-Control-Request-Method: POST"];
    assert_eq!(ask(port, "OPTIONS", "/api/bugs/", &asks, "").unwrap().status, 204);
}

#[test]
fn readiness_ends_with_the_signal_and_liveness_does_not() {
    let (mut server, port) = server(&[]);
    // A statement that runs holds the end back: this one until there is no more to copy.
    let address = server.port.to_string();
    psql(&server, &["-c", "CREATE TABLE t (n int)"]);
    let mut busy = Command::new(postgres_bin().join("psql"))
        .args(["-X", "-h", "127.0.0.1", "-U", "postgres", "-d", "postgres", "-p", &address, "-c", "COPY t FROM STDIN"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("psql runs");
    let active = "SELECT count(*) FROM pg_stat_activity WHERE query = 'COPY t FROM STDIN' AND state = 'active'";
    wait_until("COPY", || psql(&server, &["-c", active]) == "1");
    server.signal("TERM");
    wait_until("the end of readiness", || get(port, "/ready").unwrap().status == 503);
    assert_eq!(read(&get(port, "/ready").unwrap())["status"], "draining");
    assert_eq!(get(port, "/health").unwrap().status, 503);
    assert_eq!(get(port, "/health/live").unwrap().status, 200);
    assert_eq!(get(port, "/api/bugs/").unwrap().status, 503);
    drop(busy.stdin.take());
    assert!(busy.wait().expect("psql ends").success());
    assert_eq!(server.exit_code(), Some(0), "{}", server.log());
}

#[test]
fn the_description_names_every_path() {
    let (_server, port) = server(&[]);
    let description = read(&get(port, "/openapi.json").unwrap());
    let paths = description["paths"].as_object().expect("paths");
    let page = get(port, "/docs").unwrap();
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    for (path, item) in paths {
        for method in ["get", "post", "patch"].into_iter().filter(|method| item.get(method).is_some()) {
            assert!(page.body.contains(&format!("<code>{} {path}</code>", method.to_uppercase())), "{method} {path}");
            let path = path.replace("{id}", "123e4567-e89b-12d3-a456-426614174000");
            let answer = json(port, &method.to_uppercase(), &path, if method == "get" { "" } else { "{}" }).unwrap();
            let described = &item[method]["responses"][answer.status.to_string()];
            assert!(described.is_object(), "{method} {path}: {answer:?}");
        }
    }
}

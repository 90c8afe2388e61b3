//! A panic in a statement is an error of that statement: its transaction is gone, its session and all others go on.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use dictdb_types::{Env, Error, Oid, Result, SqlState};

use crate::backends::Identity;
use crate::client::{Client, Collector, CopyShape, Herald, Row, Shape, Tag};
use crate::session::Startup;
use crate::settings::ServerSettings;
use crate::{Instance, Session, Status};

/// Memory of the test's instance.
const MEMORY_BYTES: usize = 64 << 20;

/// Panics when it is handed a row.
struct Fragile(Collector);

#[async_trait]
impl Client for Fragile {
    fn parsed(&mut self) {}

    fn bound(&mut self) {}

    fn closed(&mut self) {}

    fn parameters(&mut self, _: &[Oid]) {}

    fn no_data(&mut self) {}

    fn describe(&mut self, shape: &Shape, env: &dyn Env) {
        self.0.describe(shape, env);
    }

    fn row(&mut self, _: &Shape, _: &Row, _: &dyn Env) -> Result<()> {
        panic!("injected")
    }

    fn complete(&mut self, tag: &Tag) {
        self.0.complete(tag);
    }

    fn empty_query(&mut self) {}

    fn suspended(&mut self) {}

    fn notice(&mut self, notice: &Error) {
        self.0.notice(notice);
    }

    fn parameter_status(&mut self, _: &str, _: &str) {}

    fn notification(&mut self, _: i32, _: &str, _: &str) {}

    fn is_full(&self) -> bool {
        false
    }

    async fn relieve(&mut self) -> Result<()> {
        Ok(())
    }

    async fn copy_in(&mut self, shape: CopyShape) -> Result<()> {
        self.0.copy_in(shape).await
    }

    async fn copy_data(&mut self) -> Result<Option<Bytes>> {
        Ok(None)
    }

    fn copy_out(&mut self, _: CopyShape) {}

    fn copy_row(&mut self, _: &[u8]) {
        panic!("injected")
    }

    fn copy_done(&mut self) {}
}

/// Panics when it is to say something.
struct FragileHerald;

impl Herald for FragileHerald {
    fn say(&self, _: &Error) -> bool {
        panic!("injected")
    }
}

fn session(instance: &Arc<Instance>) -> Session {
    let user: Arc<str> = "postgres".into();
    let identity = Identity { user: user.clone(), database: user, address: None, server: None, encrypted: false };
    let backend = instance.backends.enter(identity, 1, 10).unwrap();
    Session::start(instance.clone(), backend, &Startup::default()).unwrap()
}

async fn count(session: &mut Session) -> String {
    let mut client = Collector::default();
    session.simple_query("SELECT count(*)::text FROM t", &mut client).await.unwrap();
    format!("{:?}", client.rows[0][0])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_its_statement_only() {
    let instance = Arc::new(Instance::new(ServerSettings::default(), "postgres", MEMORY_BYTES, None).unwrap());
    let (mut victim, mut other) = (session(&instance), session(&instance));
    let mut quiet = Collector::default();
    victim.simple_query("CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1)", &mut quiet).await.unwrap();
    let before = count(&mut other).await;

    let mut fragile = Fragile(Collector::default());
    for statement in ["INSERT INTO t VALUES (2) RETURNING a", "SELECT * FROM t", "COPY t TO STDOUT"] {
        let error = victim.simple_query(statement, &mut fragile).await.unwrap_err();
        assert_eq!(error.code(), SqlState::INTERNAL_ERROR, "{statement}");
        assert!(!error.message().contains("injected"), "a client hears nothing of the inside");
        assert_eq!(victim.status(), Status::Idle, "{statement}");
        assert_eq!(count(&mut other).await, before, "{statement}");
    }

    victim.simple_query("BEGIN; INSERT INTO t VALUES (3); SAVEPOINT s", &mut quiet).await.unwrap();
    victim.simple_query("SELECT 1", &mut fragile).await.unwrap_err();
    assert_eq!(victim.status(), Status::Failed);
    victim.simple_query("ROLLBACK TO s; COMMIT", &mut quiet).await.unwrap();
    victim.simple_query("UPDATE t SET a = a + 10", &mut quiet).await.unwrap();
    assert_ne!(count(&mut other).await, before, "what was done outside of the failed statement is there");
}

/// A function that panics is left as one that fails is: nobody stays its definer, its table can be dropped, calls can nest
/// as deep as before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_leaves_the_calls_it_ends() {
    let instance = Arc::new(Instance::new(ServerSettings::default(), "postgres", MEMORY_BYTES, None).unwrap());
    let (mut victim, mut quiet) = (session(&instance), Collector::default());
    let setup = "CREATE ROLE definer; CREATE TABLE t (a int); INSERT INTO t VALUES (1);
        CREATE FUNCTION says(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
            IF n = 0 THEN RAISE NOTICE 'now'; RETURN 0; END IF; RETURN says(n - 1); END $$;
        CREATE FUNCTION defined() RETURNS int LANGUAGE sql SECURITY DEFINER SET work_mem = '1MB' AS 'SELECT says(300)';
        GRANT ALL ON t TO definer; ALTER FUNCTION defined OWNER TO definer";
    victim.simple_query(setup, &mut quiet).await.unwrap();
    victim.shared.set_herald(Arc::new(FragileHerald));
    for _ in 0..10 {
        let error = victim.simple_query("SELECT defined() FROM t", &mut quiet).await.unwrap_err();
        assert_eq!(error.code(), SqlState::INTERNAL_ERROR);
    }
    let mut after = Collector::default();
    victim.simple_query("SELECT current_user::text, current_setting('work_mem')", &mut after).await.unwrap();
    assert_eq!(format!("{:?}", after.rows[0]), r#"[Text("postgres"), Text("4MB")]"#);
    victim.simple_query("DROP TABLE t", &mut quiet).await.unwrap();
}

//! tokio-postgres: types it looks up, portals, savepoints, binary COPY, pipelined statements, cancellation.

use dictdb_tests::server::Server;
use futures::{SinkExt, TryStreamExt};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{Kind, Type};
use tokio_postgres::{Client, Error, NoTls};

async fn connect(server: &Server) -> Client {
    let address = format!("host=127.0.0.1 port={} user=postgres dbname=postgres", server.port);
    let (client, connection) = tokio_postgres::connect(&address, NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    client
}

/// A server with a client, for the time of `f`.
fn with_client(f: impl AsyncFnOnce(Client) -> Result<(), Error>) {
    let server = Server::dictdb().expect("DictDB starts");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let result = runtime.expect("a runtime").block_on(async { f(connect(&server).await).await });
    result.expect("every statement succeeds");
}

#[test]
fn types_are_looked_up() {
    with_client(async |client| {
        client
            .batch_execute(
                "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE place AS (street text, n int[], m mood); \
                 CREATE TABLE t (id serial, m mood, p place, r int4range, a mood[])",
            )
            .await?;
        let statement = client.prepare("SELECT id, m, p, r, a FROM t WHERE m = $1 AND id = ANY($2)").await?;
        assert_eq!(statement.params()[1], Type::INT4_ARRAY);
        assert!(matches!(statement.params()[0].kind(), Kind::Enum(labels) if labels == &["sad", "ok"]));
        let kind = |column: usize| statement.columns()[column].type_().kind();
        let Kind::Composite(fields) = kind(2) else { panic!("{:?} is no composite", kind(2)) };
        assert!(fields[1].name() == "n" && matches!(fields[2].type_().kind(), Kind::Enum(_)));
        assert!(matches!(kind(3), Kind::Range(element) if *element == Type::INT4));
        assert!(matches!(kind(4), Kind::Array(element) if element.name() == "mood"));
        Ok(())
    });
}

#[test]
fn transactions_and_portals_work() {
    with_client(async |mut client| {
        client.batch_execute("CREATE TABLE t AS SELECT * FROM generate_series(1, 10) id").await?;
        let mut transaction = client.transaction().await?;
        let portal = transaction.bind("SELECT id FROM t ORDER BY id", &[]).await?;
        assert_eq!(transaction.query_portal(&portal, 4).await?.len(), 4);
        assert_eq!(transaction.query_portal(&portal, 40).await?.len(), 6);
        let savepoint = transaction.savepoint("s").await?;
        savepoint.execute("DELETE FROM t", &[]).await?;
        savepoint.rollback().await?;
        transaction.commit().await?;
        let row = client.query_one("SELECT count(*), max(id), $1::text || 'x' FROM t", &[&"y"]).await?;
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i32>(1), row.get::<_, &str>(2)), (10, 10, "yx"));
        let error = client.query("SELECT * FROM nowhere", &[]).await.expect_err("there is no such table");
        assert_eq!(error.code().map(|code| code.code()), Some("42P01"));
        Ok(())
    });
}

#[test]
fn copy_works_both_ways() {
    with_client(async |client| {
        client.batch_execute("CREATE TABLE t (a int, b text)").await?;
        let sink = client.copy_in("COPY t FROM STDIN BINARY").await?;
        let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &[Type::INT4, Type::TEXT]));
        for i in 0..100i32 {
            writer.as_mut().write(&[&i, &format!("t{i}")]).await?;
        }
        assert_eq!(writer.finish().await?, 100);
        let mut sink = std::pin::pin!(client.copy_in::<_, bytes::Bytes>("COPY t FROM STDIN").await?);
        sink.send(bytes::Bytes::from_static(b"7\tx\n")).await?;
        assert_eq!(sink.finish().await?, 1);
        let query = "COPY (SELECT * FROM t WHERE a = 7 ORDER BY b) TO STDOUT";
        let parts: Vec<bytes::Bytes> = client.copy_out(query).await?.try_collect().await?;
        assert_eq!(parts.concat(), b"7\tt7\n7\tx\n");
        Ok(())
    });
}

#[test]
fn statements_are_pipelined_and_cancelled() {
    with_client(async |client| {
        let doubled =
            (0..50i32).map(async |i| Ok::<i32, Error>(client.query_one("SELECT $1::int * 2", &[&i]).await?.get(0)));
        let doubled = futures::future::try_join_all(doubled).await?;
        assert_eq!(doubled, (0..50).map(|i| i * 2).collect::<Vec<_>>());
        // A request that comes before its statement has begun has nothing to cancel.
        let token = client.cancel_token();
        let mut slept = std::pin::pin!(client.batch_execute("SELECT pg_sleep(1000)"));
        let slept = loop {
            let cancel = async {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                token.cancel_query(NoTls).await
            };
            tokio::select! {
                slept = &mut slept => break slept,
                cancelled = cancel => cancelled?,
            }
        };
        assert_eq!(slept.expect_err("it was cancelled").code().map(|code| code.code()), Some("57014"));
        Ok(())
    });
}

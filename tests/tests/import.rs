//! `IMPORT CSV`: tables made of files.

use dictdb_tests::place::{run, try_run};
use dictdb_tests::server::{Server, fresh_directory};
use dictdb_tests::wire::Connection;

struct Bed {
    _server: Server,
    connection: Connection,
    folder: std::path::PathBuf,
}

impl Bed {
    fn new() -> Bed {
        let server = Server::dictdb().expect("DictDB starts");
        let connection = Connection::open(server.port, "postgres", "postgres").expect("DictDB answers");
        Bed { _server: server, connection, folder: fresh_directory().expect("a directory") }
    }

    /// Imports a text; the error, if there is one.
    fn import(&mut self, table: &str, text: &[u8], options: &str) -> Result<Vec<String>, String> {
        let file = self.folder.join("data.csv");
        std::fs::write(&file, text).expect("a file");
        try_run(&mut self.connection, &format!("IMPORT CSV '{}' INTO {table} {options}", file.display()))
    }

    fn columns(&mut self, table: &str) -> Vec<String> {
        let sql = format!(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute \
             WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum"
        );
        run(&mut self.connection, &sql)
    }
}

#[test]
fn columns_are_named_by_the_first_line_and_typed_by_all_values() {
    let mut bed = Bed::new();
    let text = "\u{feff}id,Name,zip,price,day,at,ok,\"a \"\"b\"\"\",nothing,,doc,key\n\
        1,Ann,01234,1.50,2024-01-31,2024-01-31 10:00+02,true,\"x\ny\",,7,\"{\"\"a\"\": 1}\",a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\n\
        3000000000,,2,2e3,2024-02-29,2024-01-31T10:00Z,f,\"\",,8,[],a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12\n";
    bed.import("things", text.as_bytes(), "").expect("it is imported");
    assert_eq!(
        bed.columns("things"),
        [
            "id | bigint",
            "Name | text",
            "zip | text",
            "price | double precision",
            "day | date",
            "at | timestamp with time zone",
            "ok | boolean",
            "a \"b\" | text",
            "nothing | text",
            "column10 | integer",
            "doc | jsonb",
            "key | uuid",
        ]
    );
    let rows = run(
        &mut bed.connection,
        "SELECT id, \"Name\" IS NULL, zip, price, nothing IS NULL, \"a \"\"b\"\"\" = '' FROM things",
    );
    assert_eq!(rows, ["1 | f | 01234 | 1.5 | t | f", "3000000000 | t | 2 | 2000 | t | t"]);
}

#[test]
fn options_are_those_of_copy() {
    let mut bed = Bed::new();
    let options = "WITH (header false, delimiter ';', null '-', quote '''', encoding 'LATIN1')";
    bed.import("public.\"T\"", b"1;'a;b';-\n2;\xe9;0.5\n", options).expect("it is imported");
    assert_eq!(bed.columns("\"T\""), ["column1 | integer", "column2 | text", "column3 | numeric"]);
    let rows = run(&mut bed.connection, "SELECT column1, column2, column3 IS NULL FROM \"T\"");
    assert_eq!(rows, ["1 | a;b | t", "2 | é | f"]);
    for options in ["WITH (format text)", "WITH (header match)", "WITH (nothing 1)", "WITH (delimiter 'xx')"] {
        assert!(bed.import("other", b"a\n1\n", options).is_err(), "{options}");
    }
}

#[test]
fn what_fails_leaves_no_table() {
    let mut bed = Bed::new();
    for (text, code) in [
        (&b"a,b\n1,2\n3\n"[..], "22P04"),
        (b"a,b\n1,2,3\n", "22P04"),
        (b"a,a\n1,2\n", "42701"),
        (b"a\n\"1\n", "22P04"),
        (b"a\n\xff\n", "22021"),
        (b"", "22P04"),
    ] {
        let error = bed.import("broken", text, "").expect_err("it is broken");
        assert!(error.contains(code), "{error}");
    }
    assert_eq!(run(&mut bed.connection, "SELECT to_regclass('broken') IS NULL"), ["t"]);
    bed.import("whole", b"a\n1\n", "").expect("it is imported");
    assert!(bed.import("whole", b"a\n1\n", "").expect_err("it exists").contains("42P07"));
    run(&mut bed.connection, "BEGIN");
    bed.import("undone", b"a\n1\n", "").expect("it is imported");
    run(&mut bed.connection, "ROLLBACK");
    assert_eq!(run(&mut bed.connection, "SELECT to_regclass('undone') IS NULL"), ["t"]);
}

#[test]
fn files_are_for_those_who_may_read_them() {
    let mut bed = Bed::new();
    run(&mut bed.connection, "CREATE ROLE plain; GRANT CREATE ON SCHEMA public TO plain; SET ROLE plain");
    assert!(bed.import("t", b"a\n1\n", "").expect_err("it is not for everybody").contains("42501"));
    run(&mut bed.connection, "RESET ROLE; GRANT pg_read_server_files TO plain; SET ROLE plain");
    bed.import("t", b"a\n1\n", "").expect("it is imported");
    assert_eq!(run(&mut bed.connection, "SELECT a FROM t"), ["1"]);
    let error = try_run(&mut bed.connection, "IMPORT FOREIGN SCHEMA s FROM SERVER f INTO public");
    assert!(error.expect_err("there is no such server").contains("42704"));
}

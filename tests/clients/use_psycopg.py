"""psycopg 3: extended protocol, binary format, pipeline, server-side cursors, COPY, prepared statements."""
import datetime as dt
import decimal
import uuid

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

with psycopg.connect("", autocommit=True) as connection:
    connection.execute("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')")
    connection.execute("CREATE TABLE person (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, mood mood, data jsonb, born timestamptz)")
    born = dt.datetime(2000, 1, 1, 12, tzinfo=dt.timezone.utc)
    for number in range(10):  # past the threshold where psycopg prepares
        connection.execute("INSERT INTO person (name, mood, data, born) VALUES (%s, %s, %s, %s)", (f"p{number}", "ok", Jsonb({"n": number}), born))
    for binary in (False, True):
        cursor = connection.cursor(binary=binary)
        cursor.execute("SELECT id, name, mood::text, data, born FROM person WHERE id = %s", (3,))
        assert cursor.fetchone() == (3, "p2", "ok", {"n": 2}, born)
        values = [True, 7, 2**40, 1.5, decimal.Decimal("1.50"), "x", b"\x01", dt.date(2020, 1, 1), dt.time(1, 2, 3), uuid.UUID(int=9), [1, 2, None], dt.timedelta(days=1, seconds=2)]
        casts = ["bool", "int4", "int8", "float8", "numeric", "text", "bytea", "date", "time", "uuid", "int4[]", "interval"]
        query = sql.SQL(", ").join(sql.SQL("%s::" + cast) for cast in casts)
        assert list(cursor.execute(sql.SQL("SELECT ") + query, values).fetchone()) == values
    with connection.pipeline():
        results = [connection.execute("SELECT %s::int + 1", (i,)) for i in range(50)]
    assert [r.fetchone()[0] for r in results] == list(range(1, 51))
    with connection.transaction():
        try:
            with connection.transaction():
                connection.execute("DELETE FROM person")
                connection.execute("SELECT 1/0")
        except psycopg.errors.DivisionByZero:
            pass
        assert connection.execute("SELECT count(*) FROM person").fetchone() == (10,)
    with connection.cursor() as cursor:
        with cursor.copy("COPY person (name) FROM STDIN") as copy:
            for i in range(100):
                copy.write_row((f"c{i}",))
        with cursor.copy("COPY (SELECT name FROM person ORDER BY id LIMIT 2) TO STDOUT") as copy:
            assert list(copy.rows()) == [("p0",), ("p1",)]
    with connection.transaction(), connection.cursor("c", row_factory=dict_row) as cursor:
        cursor.execute("SELECT id FROM person ORDER BY id")
        assert cursor.fetchmany(2) == [{"id": 1}, {"id": 2}]
    try:
        connection.execute("SELECT * FROM nowhere")
        raise AssertionError("a missing table was found")
    except psycopg.errors.UndefinedTable as error:
        assert error.diag.statement_position == "15"
    notices = []
    connection.add_notice_handler(lambda diag: notices.append(diag.message_primary))
    connection.execute("DROP TABLE IF EXISTS nowhere")
    assert notices == ['table "nowhere" does not exist, skipping'], notices
    connection.execute("LISTEN ch")
    connection.execute("NOTIFY ch, 'hello'")
    note = next(connection.notifies(timeout=600))
    assert (note.channel, note.payload) == ("ch", "hello")

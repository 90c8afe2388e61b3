"""psycopg2: simple protocol with literals, types both ways, transactions, COPY, errors, notices, LISTEN."""
import datetime as dt
import decimal
import io
import uuid

import psycopg2
import psycopg2.errors
import psycopg2.extras

psycopg2.extras.register_uuid()
connection = psycopg2.connect("")
cursor = connection.cursor()
assert connection.server_version // 10000 == 15, connection.server_version

cursor.execute("CREATE TABLE item (id serial PRIMARY KEY, name text NOT NULL UNIQUE, price numeric(10,2), made date, tags text[])")
cursor.execute("INSERT INTO item (name, price, made, tags) VALUES (%s, %s, %s, %s) RETURNING id", ("it's", decimal.Decimal("9.90"), dt.date(2020, 2, 29), ["a", "b,c", None]))
assert cursor.fetchone() == (1,)
connection.commit()

cursor.execute("SELECT * FROM item WHERE id = %s", (1,))
assert cursor.fetchone() == (1, "it's", decimal.Decimal("9.90"), dt.date(2020, 2, 29), ["a", "b,c", None])
assert [c.name for c in cursor.description] == ["id", "name", "price", "made", "tags"]

values = (True, 2**40, 1.5, "ü\n", b"\x00\xff", dt.datetime(2020, 1, 2, 3, 4, 5, 678900), uuid.UUID(int=5), dt.timedelta(days=3, seconds=7))
cursor.execute("SELECT %s, %s, %s::float8, %s, %s::bytea, %s, %s, %s", values)
row = list(cursor.fetchone())
row[4] = bytes(row[4])
assert tuple(row) == values, row

try:
    cursor.execute("INSERT INTO item (name) VALUES (%s)", ("it's",))
    raise AssertionError("a duplicate was accepted")
except psycopg2.errors.UniqueViolation as error:
    assert error.diag.constraint_name == "item_name_key", error.diag.constraint_name
    assert error.diag.message_detail == "Key (name)=(it's) already exists."
try:
    cursor.execute("SELECT 1")
    raise AssertionError("a failed transaction went on")
except psycopg2.errors.InFailedSqlTransaction:
    connection.rollback()

psycopg2.extras.execute_values(cursor, "INSERT INTO item (name, price) VALUES %s", [(f"n{i}", i) for i in range(1000)])
cursor.execute("SELECT count(*), sum(price) FROM item WHERE name LIKE 'n%%'")
assert cursor.fetchone() == (1000, decimal.Decimal("499500.00"))
connection.commit()

cursor.execute("CREATE TABLE pair (a int, b text)")
cursor.copy_expert("COPY pair FROM STDIN", io.StringIO("1\tone\n2\t\\N\n"))
out = io.StringIO()
cursor.copy_expert("COPY (SELECT * FROM pair ORDER BY a) TO STDOUT WITH CSV HEADER", out)
assert out.getvalue() == "a,b\n1,one\n2,\n", out.getvalue()

with connection.cursor("named") as named:
    named.itersize = 10
    named.execute("SELECT id FROM item ORDER BY id")
    assert sum(1 for _ in named) == 1001
connection.commit()

with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as dicts:
    dicts.execute("SELECT a, b FROM pair ORDER BY a")
    assert dicts.fetchall() == [{"a": 1, "b": "one"}, {"a": 2, "b": None}]
connection.close()

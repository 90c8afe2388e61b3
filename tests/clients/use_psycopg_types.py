"""psycopg 3: async connections and pools, types it looks up, COPY in binary, cursors on the server, pipelines that fail."""
import asyncio
import datetime as dt
import decimal
import ipaddress
import os
import uuid

import psycopg
from psycopg import sql
from psycopg.rows import class_row, namedtuple_row
from psycopg.types import TypeInfo
from psycopg.types.composite import CompositeInfo, register_composite
from psycopg.types.enum import EnumInfo, register_enum
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range, RangeInfo
from psycopg_pool import AsyncConnectionPool, ConnectionPool


def types(connection):
    connection.execute("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE place AS (street text, number int, mood mood)")
    info = EnumInfo.fetch(connection, "mood")
    register_enum(info, connection)
    assert list(info.labels) == ["sad", "ok"] and info.enum.sad.name == "sad"
    place = CompositeInfo.fetch(connection, "place")
    assert (list(place.field_names), place.field_types[1]) == (["street", "number", "mood"], 23)
    register_composite(place, connection)
    value = place.python_type("High", 5, info.enum.ok)
    for binary in (False, True):
        cursor = connection.cursor(binary=binary)
        assert cursor.execute("SELECT %s::place, ARRAY[%s::mood]", (value, info.enum.sad)).fetchone() == (value, [info.enum.sad])
        samples = {
            "int4range": Range(1, 5),
            "int4multirange": Multirange([Range(1, 3), Range(7, 9)]),
            "inet": ipaddress.ip_address("10.0.0.1"),
            "numeric": decimal.Decimal("NaN"),
            "float8": float("inf"),
            "timestamp": dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
            "interval": dt.timedelta(days=-3, microseconds=5),
            "uuid": uuid.UUID(int=1),
            "int4[]": [[1, 2], [3, 4]],
            "bytea": b"\x00" * 10,
        }
        for kind, sample in samples.items():
            back = cursor.execute(sql.SQL("SELECT %s::{}").format(sql.SQL(kind)), (sample,)).fetchone()[0]
            assert back == sample or str(back) == str(sample), (kind, back)
    assert TypeInfo.fetch(connection, "int4range").array_oid == 3905
    assert RangeInfo.fetch(connection, "numrange").subtype_oid == 1700


def copying(connection):
    connection.execute("CREATE TABLE many (a int, b text, c timestamptz, d numeric, e int[])")
    now = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)
    with connection.cursor() as cursor:
        with cursor.copy("COPY many FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int4", "text", "timestamptz", "numeric", "int4[]"])
            for i in range(1000):
                copy.write_row((i, f"t{i}\t\\", now, decimal.Decimal(i) / 4, [i, None]))
        assert cursor.rowcount == 1000
        with cursor.copy("COPY (SELECT * FROM many ORDER BY a LIMIT 2) TO STDOUT (FORMAT BINARY)") as copy:
            copy.set_types(["int4", "text", "timestamptz", "numeric", "int4[]"])
            assert list(copy.rows())[1] == (1, "t1\t\\", now, decimal.Decimal("0.25"), [1, None])
        try:
            with cursor.copy("COPY many FROM STDIN") as copy:
                copy.write("x\n")
            raise AssertionError("bad data was accepted")
        except psycopg.errors.InvalidTextRepresentation as error:
            assert error.diag.context == 'COPY many, line 1, column a: "x"', error.diag.context


def cursors(connection):
    with connection.transaction():
        with connection.cursor("scrolling", scrollable=True, row_factory=namedtuple_row) as cursor:
            cursor.execute("SELECT a, b FROM many ORDER BY a")
            assert cursor.fetchone().a == 0
            cursor.scroll(500, mode="absolute")
            assert cursor.fetchone().a == 500
            cursor.scroll(-3)
            assert [row.a for row in cursor.fetchmany(2)] == [498, 499]
            names = connection.execute("SELECT name, is_scrollable, is_holdable FROM pg_cursors").fetchall()
            assert names == [("scrolling", True, False)], names
    with connection.cursor("held", withhold=True) as cursor:
        cursor.execute("SELECT a FROM many ORDER BY a DESC")
        assert sum(1 for _ in cursor) == 1000
    for _ in range(7):
        connection.execute("SELECT a FROM many WHERE a = %s", (5,))
    prepared = connection.execute("SELECT statement, parameter_types::text[], from_sql FROM pg_prepared_statements").fetchall()
    assert ("SELECT a FROM many WHERE a = $1", ["smallint"], False) in prepared, prepared


def pipelines(connection):
    with connection.pipeline() as pipeline:
        first = connection.execute("SELECT 1")
        pipeline.sync()
        bad = connection.execute("SELECT 1/0")
        skipped = None
        try:
            # The error comes with whichever call happens to read it.
            skipped = connection.execute("SELECT 2")
            pipeline.sync()
            bad.fetchone()
            raise AssertionError("a division by zero went through")
        except psycopg.errors.DivisionByZero:
            pass
        assert first.fetchone() == (1,)
        try:
            if skipped is not None:
                skipped.fetchone()
                raise AssertionError("a statement ran after a failure")
        except (psycopg.errors.PipelineAborted, psycopg.ProgrammingError):
            pass
        try:
            pipeline.sync()
        except psycopg.errors.PipelineAborted:
            pass
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO many (a) VALUES (%s) RETURNING a", [(i,) for i in range(-5, 0)], returning=True)
        got = [cursor.fetchone()[0]]
        while cursor.nextset():
            got.append(cursor.fetchone()[0])
        assert got == [-5, -4, -3, -2, -1]


class Pair:
    def __init__(self, a, b):
        self.a, self.b = a, b


async def asynchronous():
    async with await psycopg.AsyncConnection.connect("", autocommit=True) as connection:
        cursor = await connection.execute("SELECT a, b FROM many WHERE a = %s", (3,))
        cursor.row_factory = class_row(Pair)
        assert (await cursor.fetchone()).b == "t3\t\\"
        async with connection.transaction(), connection.cursor("c") as cursor:
            await cursor.execute("SELECT a FROM many ORDER BY a")
            assert len([row async for row in cursor]) == 1005
        task = asyncio.create_task(connection.execute("SELECT pg_sleep(1000)"))
        while not task.done():  # a request that comes before the statement has begun cancels nothing
            await asyncio.sleep(0.1)
            connection.cancel()
        try:
            await task
            raise AssertionError("a statement was not cancelled")
        except psycopg.errors.QueryCanceled:
            pass
    async with AsyncConnectionPool("", min_size=2, max_size=4) as pool:
        async def one(n):
            async with pool.connection() as connection:
                return (await (await connection.execute("SELECT %s::int * 2", (n,))).fetchone())[0]
        assert await asyncio.gather(*(one(n) for n in range(30))) == [n * 2 for n in range(30)]


with psycopg.connect("", autocommit=True) as connection:
    assert connection.info.server_version // 10000 == 15 and connection.info.encoding == "utf-8"
    for step in (types, copying, cursors, pipelines):
        step(connection)
    isolation = psycopg.IsolationLevel.REPEATABLE_READ
    connection.autocommit = False
    connection.isolation_level, connection.read_only = isolation, True
    assert connection.execute("SHOW transaction_isolation").fetchone() == ("repeatable read",)
    try:
        connection.execute("DELETE FROM many")
        raise AssertionError("a read-only transaction wrote")
    except psycopg.errors.ReadOnlySqlTransaction:
        connection.rollback()
asyncio.run(asynchronous())
with ConnectionPool("", min_size=1) as pool, pool.connection() as connection:
    assert connection.execute("SELECT count(*) FROM many").fetchone() == (1005,)

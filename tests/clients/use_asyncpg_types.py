"""asyncpg: types it has to look up in the catalog, codecs of its own, cursors, COPY in every direction, listeners."""
import asyncio
import datetime as dt
import decimal
import io
import ipaddress
import json
import os
import uuid

import asyncpg


async def main():
    where = dict(host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]), user="postgres", database=os.environ["PGDATABASE"])
    connection = await asyncpg.connect(**where)
    await connection.execute(
        """
        CREATE SCHEMA lib;
        CREATE TYPE lib.mood AS ENUM ('sad', 'ok');
        CREATE TYPE lib.place AS (street text, numbers int[], mood lib.mood);
        CREATE TABLE lib.person (id int PRIMARY KEY, mood lib.mood, moods lib.mood[], home lib.place, homes lib.place[], born date, during tstzrange, spans int4multirange);
        """
    )
    home = ("High", [1, 2], "ok")
    during = asyncpg.Range(dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc), None, lower_inc=True)
    spans = [asyncpg.Range(1, 5), asyncpg.Range(7, 9)]
    await connection.execute("INSERT INTO lib.person VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", 1, "sad", ["ok", "sad"], home, [home, None], dt.date(1950, 1, 2), during, spans)
    row = await connection.fetchrow("SELECT * FROM lib.person WHERE mood = $1", "sad")
    assert (row["mood"], row["moods"], tuple(row["home"]), row["home"]["street"], row["during"], row["spans"]) == ("sad", ["ok", "sad"], home, "High", during, spans), row
    assert tuple(row["homes"][0]) == home and row["homes"][1] is None
    record = await connection.fetchval("SELECT p FROM lib.person p")
    assert record["id"] == 1 and record["home"]["numbers"] == [1, 2]

    values = {
        "bool": True, "int2": -5, "int4": 7, "int8": 2**62, "float4": 1.5, "float8": -2.25, "numeric": decimal.Decimal("-12345678901234567890.12345"), "text": "ü", "bytea": b"\x00\xff",
        "date": dt.date(1, 1, 1), "time": dt.time(1, 2, 3, 4), "timestamp": dt.datetime(2020, 1, 2, 3, 4, 5, 6), "timestamptz": dt.datetime(2020, 1, 2, tzinfo=dt.timezone.utc), "interval": dt.timedelta(days=400, seconds=7),
        "uuid": uuid.UUID(int=5), "inet": ipaddress.ip_interface("10.0.0.1/8"), "cidr": ipaddress.ip_network("10.0.0.0/8"), "json": '{"a": 1}', "jsonb": '{"a": 1}', "oid": 7, "bit(3)": asyncpg.BitString("101"), "int4range": asyncpg.Range(1, 5),
    }
    for name, value in values.items():
        back = await connection.fetchval(f"SELECT $1::{name}", value)
        assert back == value, (name, back)
        arrays = await connection.fetchval(f"SELECT $1::{name}[]", [value, None])
        assert arrays == [value, None], (name, arrays)

    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    assert await connection.fetchval("SELECT $1::jsonb || '{\"b\": 2}'", {"a": [1]}) == {"a": [1], "b": 2}
    await connection.set_type_codec("mood", schema="lib", encoder=str.lower, decoder=str.upper, format="text")
    assert await connection.fetchval("SELECT mood FROM lib.person") == "SAD"
    await connection.reset_type_codec("mood", schema="lib")

    statement = await connection.prepare("SELECT id, mood FROM lib.person WHERE id = $1")
    assert [p.name for p in statement.get_parameters()] == ["int4"]
    assert [(a.name, a.type.name, a.type.schema) for a in statement.get_attributes()] == [("id", "int4", "pg_catalog"), ("mood", "mood", "lib")]

    await connection.execute("CREATE TABLE many (a int, b text, c timestamptz, d numeric)")
    now = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)
    assert await connection.copy_records_to_table("many", records=[(i, f"t{i}", now, decimal.Decimal(i)) for i in range(1000)]) == "COPY 1000"
    assert await connection.copy_to_table("many", source=io.BytesIO(b"-1,x,2020-01-01,1.5\n"), format="csv") == "COPY 1"
    out = io.BytesIO()
    assert await connection.copy_from_query("SELECT a, b FROM many WHERE a < $1 ORDER BY a", 2, output=out) == "COPY 3"
    assert out.getvalue() == b"-1\tx\n0\tt0\n1\tt1\n"
    out = io.BytesIO()
    await connection.copy_from_table("many", columns=["a"], output=out, format="binary")
    assert out.getvalue().startswith(b"PGCOPY\n")

    async with connection.transaction(isolation="repeatable_read", readonly=True):
        cursor = await connection.cursor("SELECT a FROM many ORDER BY a")
        assert [r["a"] for r in await cursor.fetch(2)] == [-1, 0]
        assert await cursor.forward(10) == 10
        assert (await cursor.fetchrow())["a"] == 11
        assert len([r async for r in connection.cursor("SELECT * FROM many", prefetch=100)]) == 1001

    heard = asyncio.Queue()
    await connection.add_listener("news", lambda *event: heard.put_nowait(event[2:]))
    other = await asyncpg.connect(**where)
    await other.execute("NOTIFY news, 'hello'")
    assert await asyncio.wait_for(heard.get(), 600) == ("news", "hello")
    logged = []
    connection.add_log_listener(lambda _, message: logged.append(message.message))
    await connection.execute("DROP TABLE IF EXISTS nowhere")
    while not logged:
        await asyncio.sleep(0.01)
    assert logged == ['table "nowhere" does not exist, skipping'], logged
    try:
        await asyncio.wait_for(connection.fetch("SELECT pg_sleep(1000)"), 0.2)
        raise AssertionError("a timeout did not come")
    except asyncio.TimeoutError:
        pass
    assert await connection.fetchval("SELECT 1") == 1  # the statement was cancelled, the connection is not lost
    await other.execute("ALTER TABLE many ADD COLUMN e int DEFAULT 5")
    assert (await connection.fetchrow("SELECT * FROM many WHERE a = 1"))["e"] == 5
    await connection.reset()
    await other.close()
    await connection.close()

    pool = await asyncpg.create_pool(**where, min_size=1, max_size=3, server_settings={"application_name": "pooled"})
    async with pool.acquire() as pooled, pooled.transaction():
        assert await pooled.fetchval("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()") == "pooled"
        async with pooled.transaction():
            await pooled.execute("DELETE FROM many")
    await pool.close()


asyncio.run(main())

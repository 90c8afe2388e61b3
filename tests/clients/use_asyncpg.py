"""asyncpg: binary protocol throughout, type introspection, prepared statements, cursors, COPY."""
import asyncio
import datetime as dt
import decimal
import os

import asyncpg


async def main():
    connection = await asyncpg.connect(host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]), user="postgres", database="postgres")
    await connection.execute("CREATE TYPE colour AS ENUM ('red', 'green')")
    await connection.execute("CREATE TABLE thing (id serial PRIMARY KEY, name varchar(20), colour colour, prices numeric(8,2)[], at timestamptz DEFAULT now())")
    await connection.executemany("INSERT INTO thing (name, colour, prices) VALUES ($1, $2, $3)", [(f"t{i}", "red", [decimal.Decimal("1.50")]) for i in range(20)])
    row = await connection.fetchrow("SELECT id, name, colour, prices, at FROM thing WHERE id = $1", 5)
    assert (row["id"], row["name"], row["colour"], row["prices"]) == (5, "t4", "red", [decimal.Decimal("1.50")])
    assert isinstance(row["at"], dt.datetime)
    statement = await connection.prepare("SELECT count(*) FROM thing WHERE name LIKE $1 || '%'")
    assert await statement.fetchval("t1") == 11
    async with connection.transaction():
        ids = [r["id"] async for r in connection.cursor("SELECT id FROM thing ORDER BY id")]
        assert ids == list(range(1, 21))
    try:
        async with connection.transaction():
            await connection.execute("DELETE FROM thing")
            raise KeyError
    except KeyError:
        pass
    assert await connection.fetchval("SELECT count(*) FROM thing") == 20
    await connection.copy_records_to_table("thing", records=[("x", "green")], columns=["name", "colour"])
    assert await connection.fetchval("SELECT colour FROM thing WHERE name = 'x'") == "green"
    value = await connection.fetchval("SELECT ROW(1, 'a', NULL::int)")
    assert tuple(value) == (1, "a", None)
    try:
        await connection.execute("INSERT INTO thing (id) VALUES (1)")
        raise AssertionError("a duplicate was accepted")
    except asyncpg.UniqueViolationError as error:
        assert error.constraint_name == "thing_pkey"
    await connection.close()
    pool = await asyncpg.create_pool(host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]), user="postgres", database="postgres", min_size=2, max_size=5)
    results = await asyncio.gather(*(pool.fetchval("SELECT $1::int * 2", i) for i in range(20)))
    assert results == [i * 2 for i in range(20)]
    await pool.close()


asyncio.run(main())

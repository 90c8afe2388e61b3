"""SQLAlchemy: every type there and back, many rows with RETURNING, upserts, reflection of all there is, on three drivers."""
import asyncio
import datetime as dt
import decimal
import enum
import os
import uuid

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import create_async_engine

ADDRESS = f"postgres@{os.environ['PGHOST']}:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}"


class Mood(enum.Enum):
    sad = 1
    happy = 2


metadata = sa.MetaData(schema="app", naming_convention={"ix": "ix_%(table_name)s_%(column_0_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s", "ck": "ck_%(table_name)s_%(constraint_name)s"})
everything = sa.Table(
    "everything",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(start=10, increment=5), primary_key=True),
    sa.Column("flag", sa.Boolean, server_default=sa.true()),
    sa.Column("small", sa.SmallInteger),
    sa.Column("real", sa.REAL),
    sa.Column("double", sa.Double),
    sa.Column("exact", sa.Numeric(20, 6)),
    sa.Column("text", sa.Text),
    sa.Column("short", sa.String(10)),
    sa.Column("fixed", sa.CHAR(5)),
    sa.Column("raw", sa.LargeBinary),
    sa.Column("day", sa.Date),
    sa.Column("clock", sa.Time),
    sa.Column("local", sa.DateTime),
    sa.Column("moment", sa.DateTime(timezone=True), server_default=sa.func.now()),
    sa.Column("span", sa.Interval),
    sa.Column("key", sa.Uuid, default=uuid.uuid4),
    sa.Column("mood", sa.Enum(Mood, name="mood", metadata=metadata)),
    sa.Column("moods", pg.ARRAY(sa.Enum(Mood, name="mood", metadata=metadata))),
    sa.Column("numbers", pg.ARRAY(sa.Integer)),
    sa.Column("grid", pg.ARRAY(sa.Integer, dimensions=2)),
    sa.Column("json", sa.JSON),
    sa.Column("jsonb", pg.JSONB),
    sa.Column("address", pg.INET),
    sa.Column("bits", pg.BIT(3)),
    sa.Column("during", pg.INT4RANGE),
    sa.Column("lower", sa.Text, sa.Computed("lower(text)", persisted=True)),
)
parent = sa.Table("parent", metadata, sa.Column("a", sa.Integer, primary_key=True), sa.Column("b", sa.Text, primary_key=True), sa.Column("c", sa.Text, unique=True, index=True))
child = sa.Table(
    "child",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("a", sa.Integer),
    sa.Column("b", sa.Text),
    sa.ForeignKeyConstraint(["a", "b"], ["app.parent.a", "app.parent.b"], onupdate="CASCADE", ondelete="SET NULL", deferrable=True, initially="DEFERRED", match="FULL"),
    sa.CheckConstraint("a > 0", name="positive"),
    sa.Index("ix_child_part", sa.text("lower(b)"), sa.text("a DESC NULLS LAST"), unique=True, postgresql_where=sa.text("a < 100"), postgresql_include=["id"]),
)

VALUES = dict(
    flag=False, small=-3, real=1.5, double=-2.25, exact=decimal.Decimal("12345678901234.123456"), text="It's ME", short="short", fixed="ab", raw=b"\x00\xff", day=dt.date(2020, 2, 29), clock=dt.time(1, 2, 3, 4), local=dt.datetime(2020, 1, 2, 3, 4, 5, 6),
    moment=dt.datetime(2020, 1, 2, tzinfo=dt.timezone.utc), span=dt.timedelta(days=3, seconds=7), key=uuid.UUID(int=5), mood=Mood.happy, moods=[Mood.sad, Mood.happy], numbers=[1, None, 3], grid=[[1, 2], [3, 4]], json={"a": [1, None]}, jsonb={"k": {"n": 2.5}},
)


def work(connection):
    connection.execute(sa.text("CREATE SCHEMA app"))
    metadata.create_all(connection)
    metadata.create_all(connection)
    row = connection.execute(everything.insert().values(**VALUES).returning(everything)).one()
    for name, value in VALUES.items():
        back = getattr(row, name)
        assert (back.rstrip() if name == "fixed" else back) == value, (name, back)
    assert (row.id, row.lower) == (10, "it's me")
    found = connection.scalar(sa.select(everything.c.id).where(everything.c.mood == Mood.happy, sa.any_(everything.c.numbers) == 3, everything.c.moods.contains([Mood.sad]), everything.c.jsonb["k"]["n"].as_float() > 2, everything.c.span < dt.timedelta(days=4)))
    assert found == 10
    # Thousands of rows in a few statements, their keys in the order of the parameters.
    ids = connection.execute(everything.insert().returning(everything.c.id, sort_by_parameter_order=True), [{"small": i} for i in range(3000)]).scalars().all()
    assert ids == list(range(15, 15 + 5 * 3000, 5))
    assert connection.scalar(sa.select(sa.func.sum(everything.c.small))) == sum(range(3000)) - 3
    upsert = pg.insert(parent).values([{"a": i, "b": "x", "c": f"c{i}"} for i in range(3)])
    connection.execute(upsert)
    upsert = upsert.on_conflict_do_update(index_elements=[parent.c.a, parent.c.b], set_={"c": upsert.excluded.c + "!"}, where=parent.c.a > 0)
    assert connection.execute(upsert.returning(parent.c.c)).scalars().all() == ["c1!", "c2!"]
    connection.execute(pg.insert(parent).values(a=1, b="x").on_conflict_do_nothing())
    connection.execute(child.insert(), [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}])
    tree = sa.select(sa.literal(1).label("n")).cte("tree", recursive=True)
    tree = tree.union_all(sa.select(tree.c.n + 1).where(tree.c.n < 10))
    assert connection.scalar(sa.select(sa.func.count()).select_from(tree)) == 10
    lateral = sa.select(child.c.id).where(child.c.a == parent.c.a).lateral("l")
    assert len(connection.execute(sa.select(parent.c.a, lateral.c.id).join(lateral, sa.true())).all()) == 2
    assert connection.execute(sa.select(child.c.id).with_for_update(skip_locked=True, of=child)).scalars().all() == [1, 2]
    ranked = sa.select(child.c.id, sa.func.row_number().over(order_by=child.c.id.desc())).order_by(child.c.id)
    assert connection.execute(ranked).all() == [(1, 2), (2, 1)]
    assert connection.execute(sa.update(child).values(a=parent.c.a).where(child.c.b == parent.c.b, child.c.a == parent.c.a, parent.c.c == "c2!").returning(child.c.id)).all() != []
    result = connection.execute(sa.select(everything.c.id), execution_options={"yield_per": 100})
    assert sum(1 for _ in result) == 3001
    reflect(connection)


def clean(connection):
    metadata.drop_all(connection)
    connection.execute(sa.text("DROP SCHEMA app"))


def reflect(connection):
    connection.execute(sa.text("CREATE VIEW app.named AS SELECT id, text FROM app.everything WHERE flag"))
    connection.execute(sa.text("CREATE TEMPORARY TABLE passing (a int)"))
    inspector = sa.inspect(connection)
    assert set(inspector.get_table_names("app")) == {"everything", "parent", "child"}
    assert inspector.get_view_names("app") == ["named"] and "FROM app.everything" in inspector.get_view_definition("named", "app")
    assert inspector.get_temp_table_names() == ["passing"] and {"app", "public"} <= set(inspector.get_schema_names())
    assert inspector.has_table("child", "app") and not inspector.has_table("child") and inspector.has_sequence("everything_id_seq", "app")
    columns = {c["name"]: c for c in inspector.get_columns("everything", "app")}
    shown = {name: str(c["type"].compile(connection.dialect)) for name, c in columns.items()}
    assert (shown["exact"], shown["short"], shown["moment"], shown["span"], shown["numbers"], shown["bits"], shown["mood"]) == ("NUMERIC(20, 6)", "VARCHAR(10)", "TIMESTAMP WITH TIME ZONE", "INTERVAL", "INTEGER[]", "BIT(3)", "app.mood"), shown
    assert columns["id"]["identity"]["start"] == 10 and columns["id"]["identity"]["increment"] == 5
    assert columns["lower"]["computed"] == {"sqltext": "lower(text)", "persisted": True}
    assert columns["moment"]["default"] == "now()" and columns["flag"]["default"] == "true"
    (key,) = inspector.get_foreign_keys("child", "app")
    assert (key["name"], key["constrained_columns"], key["referred_schema"], key["referred_table"]) == ("fk_child_a", ["a", "b"], "app", "parent")
    assert key["options"] == {"onupdate": "CASCADE", "ondelete": "SET NULL", "deferrable": True, "initially": "DEFERRED", "match": "FULL"}, key
    (index,) = inspector.get_indexes("child", "app")
    assert index["expressions"] == ["lower(b)", "a"] and index["unique"] and index["dialect_options"]["postgresql_where"] == "(a < 100)" and index["dialect_options"]["postgresql_include"] == ["id"], index
    assert index["column_sorting"] == {"a": ("desc", "nulls_last")}
    assert [c["sqltext"] for c in inspector.get_check_constraints("child", "app")] == ["a > 0"]
    assert [u["column_names"] for u in inspector.get_unique_constraints("parent", "app")] in ([["c"]], [])
    assert inspector.get_pk_constraint("parent", "app")["constrained_columns"] == ["a", "b"]
    assert inspector.get_enums("app")[0]["labels"] == ["sad", "happy"]
    reflected = sa.MetaData()
    reflected.reflect(connection, schema="app", views=True)
    assert set(reflected.tables) == {"app.everything", "app.parent", "app.child", "app.named"}
    connection.execute(sa.text("DROP VIEW app.named"))
    connection.execute(sa.text("DROP TABLE passing"))


for driver in ("psycopg2", "psycopg"):
    engine = sa.create_engine(f"postgresql+{driver}://{ADDRESS}")
    with engine.begin() as connection:
        work(connection)
    with engine.begin() as connection:
        clean(connection)
    engine.dispose()


async def asynchronous():
    engine = create_async_engine(f"postgresql+asyncpg://{ADDRESS}")
    async with engine.begin() as connection:
        await connection.run_sync(work)
    async with engine.begin() as connection:
        await connection.run_sync(clean)
    await engine.dispose()


asyncio.run(asynchronous())

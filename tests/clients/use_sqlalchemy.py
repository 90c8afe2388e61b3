"""SQLAlchemy: create_all, CRUD, relationships, joined and select-in loading, nested transactions, reflection, on three drivers."""
import asyncio
import datetime as dt
import decimal
import os

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


class Base(orm.DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(50), unique=True, index=True)
    born: orm.Mapped[dt.date | None]
    books: orm.Mapped[list["Book"]] = orm.relationship(back_populates="author", cascade="all, delete-orphan", order_by="Book.id")


class Book(Base):
    __tablename__ = "book"
    __table_args__ = (sa.CheckConstraint("price >= 0", name="price_positive"), sa.Index("ix_book_title_price", "title", "price"))
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    title: orm.Mapped[str]
    price: orm.Mapped[decimal.Decimal] = orm.mapped_column(sa.Numeric(8, 2), server_default="0")
    kind: orm.Mapped[str] = orm.mapped_column(sa.Enum("novel", "essay", name="book_kind"), default="novel")
    tags: orm.Mapped[list[str]] = orm.mapped_column(ARRAY(sa.Text), default=list)
    extra: orm.Mapped[dict] = orm.mapped_column(JSONB, default=dict)
    author_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("author.id", ondelete="CASCADE"))
    author: orm.Mapped[Author] = orm.relationship(back_populates="books")


def work(session):
    anna = Author(name="Anna", born=dt.date(1950, 5, 1), books=[Book(title="A", price=decimal.Decimal("3.50"), tags=["x"], extra={"k": [1, 2]}), Book(title="B")])
    session.add_all([anna, Author(name="Ben")])
    session.commit()
    found = session.scalars(sa.select(Author).options(orm.joinedload(Author.books)).where(Author.name == "Anna")).unique().one()
    assert [b.title for b in found.books] == ["A", "B"] and found.books[0].extra == {"k": [1, 2]} and found.books[1].price == 0
    session.expire_all()
    everyone = session.scalars(sa.select(Author).options(orm.selectinload(Author.books)).order_by(Author.name)).all()
    assert [(a.name, len(a.books)) for a in everyone] == [("Anna", 2), ("Ben", 0)]
    try:
        with session.begin_nested():
            session.add(Book(title="C", price=-1, author=anna))
            session.flush()
    except sa.exc.IntegrityError as error:
        assert "price_positive" in str(error)
    anna.books[0].price += 1
    session.commit()
    counted = session.execute(sa.select(Author.name, sa.func.count(Book.id), sa.func.sum(Book.price)).join(Book, isouter=True).group_by(Author.name).order_by(Author.name)).all()
    assert counted == [("Anna", 2, decimal.Decimal("4.50")), ("Ben", 0, None)], counted
    upsert = insert(Author).values(name="Ben", born=dt.date(1960, 1, 1))
    session.execute(upsert.on_conflict_do_update(index_elements=["name"], set_={"born": upsert.excluded.born}))
    session.commit()
    assert session.scalar(sa.select(Author.born).where(Author.name == "Ben")) == dt.date(1960, 1, 1)
    page = session.scalars(sa.select(Book).order_by(Book.title.desc()).limit(1).offset(1)).all()
    assert [b.title for b in page] == ["A"]
    session.delete(anna)
    session.commit()
    assert session.scalar(sa.select(sa.func.count()).select_from(Book)) == 0


def check_reflection(connection):
    inspector = sa.inspect(connection)
    assert set(inspector.get_table_names()) == {"author", "book"}
    columns = {c["name"]: c for c in inspector.get_columns("book")}
    assert str(columns["price"]["type"]) == "NUMERIC(8, 2)" and columns["title"]["nullable"] is False
    assert inspector.get_pk_constraint("book")["constrained_columns"] == ["id"]
    (foreign,) = inspector.get_foreign_keys("book")
    assert foreign["referred_table"] == "author" and foreign["options"] == {"ondelete": "CASCADE"}
    assert {i["name"] for i in inspector.get_indexes("book")} == {"ix_book_title_price"}
    assert [c["name"] for c in inspector.get_check_constraints("book")] == ["price_positive"]
    assert inspector.get_enums()[0]["labels"] == ["novel", "essay"]
    reflected = sa.MetaData()
    reflected.reflect(connection)
    assert set(reflected.tables) == {"author", "book"}


address = f"postgres@{os.environ['PGHOST']}:{os.environ['PGPORT']}/postgres"
for driver in ("psycopg2", "psycopg"):
    engine = sa.create_engine(f"postgresql+{driver}://{address}")
    Base.metadata.create_all(engine)
    Base.metadata.create_all(engine)  # finds everything there already
    with orm.Session(engine) as session:
        work(session)
    with engine.connect() as connection:
        check_reflection(connection)
    Base.metadata.drop_all(engine)
    engine.dispose()


async def asynchronous():
    engine = create_async_engine(f"postgresql+asyncpg://{address}")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        await session.run_sync(work)
    async with engine.connect() as connection:
        await connection.run_sync(check_reflection)
    await engine.dispose()


asyncio.run(asynchronous())

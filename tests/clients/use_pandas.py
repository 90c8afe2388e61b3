"""pandas over SQLAlchemy: to_sql and read_sql, with chunks, multi-row inserts and types both ways."""
import os

import pandas as pd
import sqlalchemy as sa

frame = pd.DataFrame(
    {
        "n": range(1000),
        "x": [i / 7 for i in range(1000)],
        "s": [f"text {i}" if i % 10 else None for i in range(1000)],
        "b": [i % 2 == 0 for i in range(1000)],
        "t": pd.date_range("2020-01-01", periods=1000, freq="h"),
        "z": pd.date_range("2020-01-01", periods=1000, freq="h", tz="UTC"),
    }
)
for driver in ("psycopg2", "psycopg"):
    engine = sa.create_engine(f"postgresql+{driver}://postgres@{os.environ['PGHOST']}:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}")
    frame.to_sql("frame", engine, index_label="i", if_exists="replace")
    frame.to_sql("frame", engine, index_label="i", if_exists="append", method="multi", chunksize=200)
    back = pd.read_sql("SELECT * FROM frame ORDER BY i, s LIMIT 2000", engine, index_col="i")
    assert len(back) == 2000
    once = pd.read_sql_query(sa.text("SELECT DISTINCT n, x, s, b, t, z FROM frame ORDER BY n"), engine, dtype={"n": "int64"})
    pd.testing.assert_frame_equal(once, frame, check_dtype=False)
    assert sum(len(part) for part in pd.read_sql_table("frame", engine, chunksize=300)) == 2000
    grouped = pd.read_sql("SELECT b, count(*) AS c, avg(x) AS m FROM frame GROUP BY b ORDER BY b", engine)
    assert list(grouped["c"]) == [1000, 1000]
    assert abs(grouped["m"].mean() - frame["x"].mean()) < 1e-9
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE frame"))

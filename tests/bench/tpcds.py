#!/usr/bin/env python3
"""TPC-DS's 99 queries on PostgreSQL 15 and DictDB, with --duckdb also on DuckDB: results compared, times side by side.

    pip install duckdb==1.5.5 duckdb-extension-tpcds==1.5.5
    cargo build --release && python3 tests/bench/tpcds.py [--scale 0.1] [--only 3,17] [--explain] [--duckdb] [--dictdb PATH]

The rows and the texts of the queries come from DuckDB's extension `tpcds`, which is installed with the two packages above. All get
the same rows; the two servers also the tables' primary keys and an ANALYZE. Each query runs three times on each, on one core; the
best time counts. PostgreSQL runs without parallel workers. A query that takes longer than --limit seconds is given up and counts as
that long.
"""
import pathlib

from engines import run

KEYS = {
    "call_center": "cc_call_center_sk", "catalog_page": "cp_catalog_page_sk", "catalog_returns": "cr_item_sk, cr_order_number",
    "catalog_sales": "cs_item_sk, cs_order_number", "customer": "c_customer_sk", "customer_address": "ca_address_sk",
    "customer_demographics": "cd_demo_sk", "date_dim": "d_date_sk", "household_demographics": "hd_demo_sk",
    "income_band": "ib_income_band_sk", "inventory": "inv_date_sk, inv_item_sk, inv_warehouse_sk", "item": "i_item_sk",
    "promotion": "p_promo_sk", "reason": "r_reason_sk", "ship_mode": "sm_ship_mode_sk", "store": "s_store_sk",
    "store_returns": "sr_item_sk, sr_ticket_number", "store_sales": "ss_item_sk, ss_ticket_number", "time_dim": "t_time_sk",
    "warehouse": "w_warehouse_sk", "web_page": "wp_web_page_sk", "web_returns": "wr_item_sk, wr_order_number",
    "web_sales": "ws_item_sk, ws_order_number", "web_site": "web_site_sk",
}
INDEXES = "".join(f"ALTER TABLE {table} ADD PRIMARY KEY ({key});\n" for table, key in KEYS.items()) + "VACUUM ANALYZE;\n"


def generate(scale, folder):
    """Writes one file per table in COPY's text format; returns schema, indexes and queries."""
    try:
        import duckdb
        import duckdb_extension_tpcds as package
    except ImportError as error:
        raise SystemExit(f"{error}: pip install duckdb==1.5.5 duckdb-extension-tpcds==1.5.5")
    made = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    extension = next(pathlib.Path(package.__file__).parent.rglob("tpcds.duckdb_extension"))
    made.execute(f"LOAD '{extension}'")
    made.execute(f"CALL dsdgen(sf = {scale})")
    types = {"VARCHAR": "varchar", "BIGINT": "bigint", "INTEGER": "integer", "DATE": "date"}
    schema = []
    for (table,) in made.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall():
        columns = made.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index", [table]).fetchall()
        listed = ", ".join(f"{name} {types.get(kind, kind.replace('DECIMAL', 'numeric'))}" for name, kind in columns)
        schema.append(f"CREATE TABLE {table} ({listed});\n")
        made.execute(f"COPY {table} TO '{folder / table}' (FORMAT csv, DELIMITER '\t', HEADER false, NULLSTR '\\N', QUOTE '', ESCAPE '')")
    queries = made.execute("SELECT query_nr, query FROM tpcds_queries() ORDER BY 1").fetchall()
    return "".join(schema), INDEXES, {number: text.strip().rstrip(";") for number, text in queries}


if __name__ == "__main__":
    run(__doc__, 0.1, generate)

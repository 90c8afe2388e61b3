"""What is measured: the tables, and the scripts that run over them."""
from dataclasses import dataclass

SETUP = """
CREATE TABLE accounts (aid int PRIMARY KEY, bid int NOT NULL, abalance int NOT NULL, filler char(84));
INSERT INTO accounts SELECT i, i % 10 + 1, 0, '' FROM generate_series(1, 100000) i;
CREATE TABLE tellers (tid int PRIMARY KEY, bid int NOT NULL, tbalance int NOT NULL);
INSERT INTO tellers SELECT i, i % 10 + 1, 0 FROM generate_series(1, 100) i;
CREATE TABLE branches (bid int PRIMARY KEY, bbalance int NOT NULL);
INSERT INTO branches SELECT i, 0 FROM generate_series(1, 10) i;
CREATE TABLE history (tid int, bid int, aid int, delta int, mtime timestamp);
CREATE TABLE sink (id bigserial PRIMARY KEY, a int, t text);
CREATE TABLE upserted (id int PRIMARY KEY, n int NOT NULL);
CREATE TABLE loaded (a int, b text, c timestamp);
CREATE TABLE customer (id int PRIMARY KEY, name text);
INSERT INTO customer SELECT i, 'customer ' || i FROM generate_series(1, 1000) i;
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, at timestamp NOT NULL, amount int NOT NULL);
INSERT INTO orders SELECT i, i % 1000 + 1, timestamp '2020-01-01' + i * interval '1 minute', i % 97 FROM generate_series(1, 20000) i;
CREATE INDEX ON orders (customer_id);
CREATE TABLE item (id int PRIMARY KEY, order_id int NOT NULL, what text);
INSERT INTO item SELECT i, i % 20000 + 1, 'item ' || i FROM generate_series(1, 40000) i;
CREATE INDEX ON item (order_id);
CREATE TABLE big (g int, h text, v int, x double precision);
INSERT INTO big SELECT i % 100, 'kind ' || i % 7, i, i / 3.0 FROM generate_series(1, 1000000) i;
"""

AID = "\\set aid random(1, 100000)\n"
SELECT = "SELECT abalance FROM accounts WHERE aid = :aid;\n"
UPDATE = "UPDATE accounts SET abalance = abalance + 1 WHERE aid = :aid;\n"
PIPELINED = 50

TPCB = AID + r"""\set bid random(1, 10)
\set tid random(1, 100)
\set delta random(-5000, 5000)
BEGIN;
UPDATE accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM accounts WHERE aid = :aid;
UPDATE tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
END;
"""

JOIN = """\\set id random(1, 20000)
SELECT o.amount, c.name FROM orders o JOIN customer c ON c.id = o.customer_id WHERE o.id = :id;
"""

LEFT_JOIN_3 = """\\set id random(1, 1000)
SELECT c.name, o.id, i.what FROM customer c LEFT JOIN orders o ON o.customer_id = c.id
LEFT JOIN item i ON i.order_id = o.id WHERE c.id > :id ORDER BY c.id, o.id, i.id LIMIT 20;
"""

UPSERT = """\\set id random(1, 1000)
INSERT INTO upserted VALUES (:id, 1) ON CONFLICT (id) DO UPDATE SET n = upserted.n + 1;
"""

COPIED_ROWS = 500_000


@dataclass
class Workload:
    """A pgbench script; `units` is what one transaction counts for."""
    script: str
    protocol: str = "prepared"
    clients: int = 1
    units: int = 1
    reconnect: bool = False


WORKLOADS = {
    "select-prepared": Workload(AID + SELECT),
    "select-prepared-8": Workload(AID + SELECT, clients=8),
    "select-prepared-32": Workload(AID + SELECT, clients=32),
    "select-simple-8": Workload(AID + SELECT, "simple", 8),
    "select-extended": Workload(AID + SELECT, "extended"),
    "select-pipelined": Workload(AID + "\\startpipeline\n" + SELECT * PIPELINED + "\\endpipeline\n", units=PIPELINED),
    "connect": Workload("SELECT 1;", "simple", reconnect=True),
    "insert": Workload("INSERT INTO sink (a, t) VALUES (1, 'text');"),
    "update": Workload(AID + UPDATE),
    "upsert": Workload(UPSERT),
    "join": Workload(JOIN),
    "range": Workload(AID + "SELECT aid, abalance FROM accounts WHERE aid >= :aid ORDER BY aid LIMIT 100;"),
    "left-join-3": Workload(LEFT_JOIN_3),
    "count": Workload("SELECT count(*) FROM accounts WHERE abalance < 0 AND bid = 3;"),
    "savepoint": Workload(AID + "BEGIN;\nSAVEPOINT s;\n" + UPDATE + "RELEASE s;\nCOMMIT;"),
    "tpcb": Workload(TPCB),
    "tpcb-8": Workload(TPCB, clients=8),
    "tpcb-32": Workload(TPCB, clients=32),
    "group-1m": Workload("SELECT g, count(*), sum(v) FROM big GROUP BY g;"),
    "group-text-1m": Workload("SELECT h, avg(x), min(v), max(v) FROM big GROUP BY h ORDER BY h;"),
    "sum-1m": Workload("SELECT sum(v), avg(x), count(*) FROM big WHERE g < 50;"),
    "distinct-1m": Workload("SELECT count(DISTINCT v) FROM big;"),
    "top-1m": Workload("SELECT v, x FROM big ORDER BY x DESC, v LIMIT 10;"),
}

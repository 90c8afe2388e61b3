#!/usr/bin/env python3
"""PostgreSQL 15 beside DictDB in one run: server CPU per transaction and throughput, with the ratio.

    cargo build --release && python3 tests/bench/bench.py [--seconds 3] [--rounds 3] [--only NAME] [--cpu 0]

Both servers and pgbench are pinned to the same core, so that the CPU figure is steady. Each workload runs alternately on the two
servers; medians are printed. CPU is user + system time of the server's processes (ended children included) over the transactions.
PostgreSQL runs with fsync, synchronous_commit and full_page_writes off. Programs of PostgreSQL are looked for in $POSTGRES_BIN.
"""
import argparse
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))
TICKS = os.sysconf("SC_CLK_TCK")

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
CREATE TABLE customer (id int PRIMARY KEY, name text);
INSERT INTO customer SELECT i, 'customer ' || i FROM generate_series(1, 1000) i;
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, at timestamp NOT NULL, amount int NOT NULL);
INSERT INTO orders SELECT i, i % 1000 + 1, timestamp '2020-01-01' + i * interval '1 minute', i % 97 FROM generate_series(1, 20000) i;
CREATE INDEX ON orders (customer_id);
CREATE TABLE item (id int PRIMARY KEY, order_id int NOT NULL, what text);
INSERT INTO item SELECT i, i % 20000 + 1, 'item ' || i FROM generate_series(1, 40000) i;
CREATE INDEX ON item (order_id);
CREATE TABLE big (g int, v int);
INSERT INTO big SELECT i % 100, i FROM generate_series(1, 1000000) i;
"""

TPCB = r"""
\set aid random(1, 100000)
\set bid random(1, 10)
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

AID = "\\set aid random(1, 100000)\n"
# name: (script, protocol, clients)
WORKLOADS = {
    "select-prepared": (AID + "SELECT abalance FROM accounts WHERE aid = :aid;", "prepared", 1),
    "select-prepared-8": (AID + "SELECT abalance FROM accounts WHERE aid = :aid;", "prepared", 8),
    "select-simple-8": (AID + "SELECT abalance FROM accounts WHERE aid = :aid;", "simple", 8),
    "select-extended": (AID + "SELECT abalance FROM accounts WHERE aid = :aid;", "extended", 1),
    "insert": ("INSERT INTO sink (a, t) VALUES (1, 'text');", "prepared", 1),
    "update": (AID + "UPDATE accounts SET abalance = abalance + 1 WHERE aid = :aid;", "prepared", 1),
    "upsert": ("\\set id random(1, 1000)\nINSERT INTO upserted VALUES (:id, 1) ON CONFLICT (id) DO UPDATE SET n = upserted.n + 1;", "prepared", 1),
    "join": ("\\set id random(1, 20000)\nSELECT o.amount, c.name FROM orders o JOIN customer c ON c.id = o.customer_id WHERE o.id = :id;", "prepared", 1),
    "range": (AID + "SELECT aid, abalance FROM accounts WHERE aid >= :aid ORDER BY aid LIMIT 100;", "prepared", 1),
    "left-join-3": ("\\set id random(1, 1000)\nSELECT c.name, o.id, i.what FROM customer c LEFT JOIN orders o ON o.customer_id = c.id LEFT JOIN item i ON i.order_id = o.id WHERE c.id > :id ORDER BY c.id, o.id, i.id LIMIT 20;", "prepared", 1),
    "count": ("SELECT count(*) FROM accounts WHERE abalance < 0 AND bid = 3;", "prepared", 1),
    "savepoint": (AID + "BEGIN;\nSAVEPOINT s;\nUPDATE accounts SET abalance = abalance + 1 WHERE aid = :aid;\nRELEASE s;\nCOMMIT;", "prepared", 1),
    "tpcb": (TPCB, "prepared", 1),
    "tpcb-8": (TPCB, "prepared", 8),
    "group-1m": ("SELECT g, count(*), sum(v) FROM big GROUP BY g;", "prepared", 1),
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    """User and system time of a process, its live children and those it has waited for."""
    total = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        own = int(stat.parent.name)
        if own == pid:
            total += sum(int(f) for f in fields[11:15])
        elif int(fields[1]) == pid:
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


class Server:
    def __init__(self, name, command, port, cpu, environment=None):
        self.name, self.port = name, port
        self.process = subprocess.Popen(["taskset", "-c", cpu] + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        for _ in range(600):
            if subprocess.run([BIN / "psql", *self.address(), "-qc", "SELECT 1"], capture_output=True).returncode == 0:
                break
            time.sleep(0.05)
        subprocess.run([BIN / "psql", *self.address(), "-qv", "ON_ERROR_STOP=1"], input=SETUP, text=True, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([BIN / "psql", *self.address(), "-qc", "VACUUM ANALYZE"], check=True)

    def address(self):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]

    def run(self, script, protocol, clients, seconds, cpu):
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            before = cpu_seconds(self.process.pid)
            command = ["taskset", "-c", cpu, str(BIN / "pgbench"), "-n", "-M", protocol, "-c", str(clients), "-j", "1", "-T", str(seconds), "-f", file.name, *self.address(), "postgres"]
            output = subprocess.run(command, capture_output=True, text=True)
            used = cpu_seconds(self.process.pid) - before
        found = re.search(r"number of transactions actually processed: (\d+)", output.stdout)
        failed = re.search(r"number of failed transactions: (\d+)", output.stdout)
        if output.returncode or not found or (failed and int(failed[1])):
            raise SystemExit(f"{self.name}: {output.stdout}\n{output.stderr}")
        transactions = max(int(found[1]), 1)
        return used / transactions * 1e6, transactions / seconds

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--cpu", default="0")
    parser.add_argument("--dictdb", default=None)
    options = parser.parse_args()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    dictdb = options.dictdb or str(target / "release" / "dictdb")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dictdb-bench-"))
    servers = []
    try:
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if as_user:
            shutil.chown(folder, "postgres")
        data = folder / "data"
        subprocess.run([*as_user, str(BIN / "initdb"), "--no-sync", "-A", "trust", "-U", "postgres", "--locale=C", "-E", "UTF8", "-D", str(data)], check=True, capture_output=True)
        port = free_port()
        settings = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=127.0.0.1", "max_parallel_workers_per_gather=0"]
        # runuser would be the process that is measured; setpriv replaces itself by the server.
        start = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if as_user else []
        command = [*start, str(BIN / "postgres"), "-D", str(data), "-p", str(port), "-k", ""]
        for setting in settings:
            command += ["-c", setting]
        servers.append(Server("postgresql", command, port, options.cpu))
        port = free_port()
        servers.append(Server("dictdb", [dictdb, "--ephemeral", "--port", str(port), "-D", str(folder / "dictdb")], port, options.cpu))
        print(f"{'workload':20} {'postgresql':>22} {'dictdb':>22} {'CPU':>7} {'tps':>7}")
        for name, (script, protocol, clients) in WORKLOADS.items():
            if options.only not in name:
                continue
            figures = {server.name: [] for server in servers}
            for _ in range(options.rounds):
                for server in servers:
                    figures[server.name].append(server.run(script, protocol, clients, options.seconds, options.cpu))
            median = {key: [statistics.median(column) for column in zip(*rows)] for key, rows in figures.items()}
            (pg_cpu, pg_tps), (own_cpu, own_tps) = median["postgresql"], median["dictdb"]
            print(f"{name:20} {pg_cpu:9.1f} µs {pg_tps:6.0f} tps {own_cpu:9.1f} µs {own_tps:6.0f} tps {own_cpu / pg_cpu:7.2f} {own_tps / pg_tps:7.2f}", flush=True)
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

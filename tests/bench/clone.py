#!/usr/bin/env python3
"""A fresh database per test, PostgreSQL 15 beside DictDB in one run: medians in milliseconds as a client sees them.

    cargo build --release && python3 tests/bench/clone.py [--rows 1000,100000,1000000] [--rounds 20]

For each number of rows (in ten tables with two indexes each) both servers make a database from the filled one (`CREATE DATABASE …
TEMPLATE`) and drop it; DictDB also resets a database to a snapshot after a change of every table, which PostgreSQL has no word for. DictDB keeps its
log on disk; PostgreSQL runs with fsync, synchronous_commit and full_page_writes off and copies files.
"""
import argparse
import contextlib
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from server import BIN, dictdb, postgresql

ROOT = pathlib.Path(__file__).resolve().parents[2]
SETTINGS = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
TABLES = 10


def arguments():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1000,100000,1000000", help="sizes of the source, separated by commas")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--cpu", default="0", help="the core of the servers")
    parser.add_argument("--realtime", action="store_true")
    parser.add_argument("--dictdb", default=str(target / "release" / "dictdb"), help="the binary")
    return parser.parse_args()


class Psql:
    """A psql that stays, so that a statement's time is not that of a connection."""

    def __init__(self, server, database):
        command = [str(BIN / "psql"), *server.address(), "-qXAtd", database]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT)
        self.run("select 1")

    def run(self, sql):
        """Milliseconds until the statement is answered."""
        begun = time.perf_counter()
        self.process.stdin.write(sql + ";\n\\echo done\n")
        self.process.stdin.flush()
        lines = list(iter(self.process.stdout.readline, "done\n"))
        if any("ERROR" in line for line in lines):
            raise RuntimeError("".join(lines))
        return (time.perf_counter() - begun) * 1000

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def fill(server, rows):
    admin = Psql(server, "postgres")
    admin.run("create database source")
    source = Psql(server, "source")
    for number in range(TABLES):
        source.run(f"create table t{number} (id int primary key, v text)")
        source.run(f"insert into t{number} select i, 'value ' || i from generate_series(1, {rows // TABLES}) i")
        source.run(f"create index on t{number} (v)")
    source.close()
    return admin


def cloned(admin, rounds):
    made, dropped = [], []
    for number in range(rounds):
        made.append(admin.run(f"create database c{number} template source"))
        dropped.append(admin.run(f"drop database c{number}"))
    return statistics.median(made), statistics.median(dropped)


def reset(server, admin, rounds):
    admin.run("create database work template source")
    admin.run("create snapshot base of database work")
    work = Psql(server, "work")
    times = []
    for _ in range(rounds):
        for number in range(TABLES):
            work.run(f"update t{number} set v = 'changed' where id = 7")
        times.append(work.run("reset database work to snapshot base"))
    work.close()
    admin.run("drop database work")
    return statistics.median(times)


def main():
    options = arguments()
    for rows in map(int, options.rows.split(",")):
        figures = {}
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dictdb-clone-", ignore_cleanup_errors=True))
            folder = pathlib.Path(folder)
            servers = []
            for start in (lambda: postgresql(folder, SETTINGS, options), lambda: dictdb(folder / "dictdb", [], options)):
                servers.append(start())
                stack.callback(servers[-1].stop)
            for server in servers:
                admin = fill(server, rows)
                figures[server.name] = cloned(admin, options.rounds)
                if server.name == "dictdb":
                    back = reset(server, admin, options.rounds)
                admin.close()
        (pg_made, pg_dropped), (made, dropped) = figures["postgresql"], figures["dictdb"]
        print(f"{rows:9} rows  create {pg_made:8.2f} ms {made:7.2f} ms  ratio {made / pg_made:6.3f}  "
              f"drop {pg_dropped:7.2f} ms {dropped:6.2f} ms  reset {back:6.2f} ms", flush=True)


if __name__ == "__main__":
    main()

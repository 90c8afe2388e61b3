#!/usr/bin/env python3
"""PostgreSQL 15 beside DictDB in one run: server CPU per transaction and throughput, with the ratio.

    cargo build --release && python3 tests/bench/bench.py [--seconds 3] [--rounds 3] [--only NAME,NAME] [--cpu 0]

Both servers and the client are pinned to the same core, so that the CPU figure is steady. Each workload runs alternately on the two
servers; medians are printed. CPU is user + system time of the server's processes (ended children included) over the transactions
(connections for `connect`, statements for `select-pipelined`, rows for `copy-in`). PostgreSQL runs with fsync, synchronous_commit and
full_page_writes off. Programs of PostgreSQL are looked for in $POSTGRES_BIN. At the end: time from start to the first answer, memory of
the idle server before any data, and per idle connection.
"""
import argparse
import contextlib
import os
import pathlib
import statistics
import tempfile

from server import dictdb, postgresql
from workloads import COPIED_ROWS, WORKLOADS

ROOT = pathlib.Path(__file__).resolve().parents[2]
IDLE_CONNECTIONS = 100
# Memory is shared between PostgreSQL's processes, so only the server that is one process is measured.
SETTINGS = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_parallel_workers_per_gather=0"]


def arguments():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3, help="how long each workload runs each time")
    parser.add_argument("--rounds", type=int, default=3, help="how often each workload runs on each server")
    parser.add_argument("--only", default="", help="workloads whose names begin so, separated by commas")
    parser.add_argument("--cpu", default="0", help="the core")
    parser.add_argument("--realtime", action="store_true", help="keep the core free of other work (needs root; use it where others compute)")
    parser.add_argument("--dictdb", default=str(target / "release" / "dictdb"), help="the binary")
    return parser.parse_args()


def start_postgresql(folder, options):
    return postgresql(folder, SETTINGS, options)


def start_dictdb(folder, options):
    return dictdb(folder / "dictdb", ["--ephemeral"], options)


def compare(name, servers, rounds, run):
    """Runs something on both servers and prints medians and ratios."""
    figures = {server.name: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            figures[server.name].append(run(server))
    median = {key: [statistics.median(column) for column in zip(*rows)] for key, rows in figures.items()}
    (pg_cpu, pg_rate), (own_cpu, own_rate) = median["postgresql"], median["dictdb"]
    print(f"{name:20} {pg_cpu:9.1f} µs {pg_rate:7.0f} /s {own_cpu:9.1f} µs {own_rate:7.0f} /s {own_cpu / pg_cpu:7.2f} {own_rate / pg_rate:7.2f}", flush=True)


def main():
    options = arguments()
    wanted = options.only.split(",")
    is_wanted = lambda name: any(name.startswith(beginning) for beginning in wanted)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dictdb-bench-", ignore_cleanup_errors=True)))
        servers = []
        for start in (start_postgresql, start_dictdb):
            servers.append(start(folder, options))
            stack.callback(servers[-1].stop)
        memory = servers[1].idle_memory()
        for server in servers:
            server.fill()
        print(f"{'workload':20} {'postgresql':>23} {'dictdb':>23} {'CPU':>7} {'rate':>7}")
        for name, workload in WORKLOADS.items():
            if is_wanted(name):
                compare(name, servers, options.rounds, lambda server: server.run(workload))
        if is_wanted("copy-in"):
            file = folder / "rows"
            file.write_text("".join(f"{i}\trow number {i}\t2024-01-01 00:00:{i % 60:02}\n" for i in range(COPIED_ROWS)))
            file.chmod(0o644)
            compare("copy-in", servers, options.rounds, lambda server: server.copy_in(file))
        if is_wanted("footprint"):
            first = ", ".join(f"{server.name} {server.start_ms:.0f} ms" for server in servers)
            each = servers[1].idle_connections(IDLE_CONNECTIONS)
            print(f"first answer after: {first}; dictdb idle: {memory / 1024:.0f} MB, {each:.0f} kB per idle connection")


if __name__ == "__main__":
    main()

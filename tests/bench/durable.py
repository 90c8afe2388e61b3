#!/usr/bin/env python3
"""PostgreSQL 15 beside DictDB with every commit on disk: commits per second, processor time per commit, recovery.

    cargo build --release && python3 tests/bench/durable.py [--seconds 5] [--rounds 3] [--folder DIR] [--rows 1000000] [--realtime]

Both keep their data below --folder, on one disk, and run with fsync and synchronous_commit on; without --folder the
system's temporary directory is used, which should not be in memory. A transaction inserts one row into a table with a
primary key, prepared, from 1, 8 and 32 clients on all cores; processor time is measured with one client and client and
server on one core. Recovery: so many rows are inserted, the server is killed, started
again and asked until it answers; neither server makes a checkpoint before that. Medians and ratios are printed.
"""
import argparse
import contextlib
import os
import pathlib
import statistics
import tempfile

from server import dictdb, postgresql
from workloads import Workload

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIENTS = [1, 8, 32]
TABLE = "CREATE TABLE sink (id bigserial PRIMARY KEY, a int, t text)"
INSERT = "INSERT INTO sink (a, t) VALUES (1, 'text');"
ROWS_PER_TRANSACTION = 10_000
NO_CHECKPOINT = ["checkpoint_timeout=1h", "max_wal_size=64GB"]


def arguments():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="how long each number of clients runs each time")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runs on each server")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows in the log when the server is killed")
    parser.add_argument("--folder", default=None, help="where the data directories are made")
    parser.add_argument("--realtime", action="store_true", help="servers and clients go before everything else that runs (root only)")
    parser.add_argument("--dictdb", default=str(target / "release" / "dictdb"), help="the binary")
    return parser.parse_args()


def start_both(stack, options, cores):
    """Both servers, new, on these cores."""
    options.cpu = cores
    folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dictdb-durable-", dir=options.folder, ignore_cleanup_errors=True)))
    folder.chmod(0o755)
    (folder / "postgresql").mkdir()
    settings = [word for setting in NO_CHECKPOINT for word in ("-c", setting)]
    servers = []
    for start in (lambda: postgresql(folder / "postgresql", NO_CHECKPOINT, options), lambda: dictdb(folder / "dictdb", settings, options)):
        server = start()
        stack.callback(lambda server=server: server.stop() if server.process.poll() is None else None)
        server.psql("-c", TABLE)
        servers.append(server)
    return servers


def line(name, unit, pg, own, ratio):
    print(f"{name:24} {pg:11.1f} {unit} {own:11.1f} {unit} {ratio:8.2f}", flush=True)


def commits(options):
    with contextlib.ExitStack() as stack:
        servers = start_both(stack, options, f"0-{os.cpu_count() - 1}")
        for clients in CLIENTS:
            rates = {server.name: [] for server in servers}
            for _ in range(options.rounds):
                for server in servers:
                    rates[server.name].append(server.run(Workload(INSERT, clients=clients))[1])
            pg, own = (statistics.median(rates[server.name]) for server in servers)
            line(f"commits, {clients} clients", "/s", pg, own, own / pg)


def processor_time(options):
    with contextlib.ExitStack() as stack:
        servers = start_both(stack, options, "0")
        used = {server.name: [] for server in servers}
        for _ in range(options.rounds):
            for server in servers:
                used[server.name].append(server.run(Workload(INSERT))[0])
        pg, own = (statistics.median(used[server.name]) for server in servers)
        line("CPU per commit", "µs", pg, own, own / pg)


def recovery(options):
    with contextlib.ExitStack() as stack:
        servers = start_both(stack, options, f"0-{os.cpu_count() - 1}")
        seconds = []
        for server in servers:
            insert = f"INSERT INTO sink (a, t) SELECT i, 'row number ' || i FROM generate_series(1, {ROWS_PER_TRANSACTION}) i;\n"
            server.psql(input=insert * (options.rows // ROWS_PER_TRANSACTION))
            server.kill()
            recovered = server.again()
            stack.callback(recovered.stop)
            seconds.append(recovered.start_ms / 1000)
        line(f"recovery, {options.rows} rows", "s ", *seconds, seconds[0] / seconds[1])


def main():
    options = arguments()
    print(f"{'':24} {'postgresql':>14} {'dictdb':>14} {'ratio':>8}")
    commits(options)
    processor_time(options)
    recovery(options)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""PostgreSQL 15's pg_dump and psql beside DictDB's backups, and the original Python package beside both.

    cargo build --release && python3 tests/bench/backup.py [--megabytes 1000] [--rounds 3] [--folder DIR] [--realtime] [--records 1000000] [--python PYTHON]

Both servers run with fsync on all cores and keep everything below --folder. The same table is made on both, with a plain
dump of about --megabytes. A backup is compared with `pg_dump -f`, which forces its file to disk as well; a restore into a new database
with `psql -f` of that dump. Writers: single-row updates per second from 4 clients, while full backups are taken and while not.
With --python (one that imports dictdb), its save, load and save_delta of --records records beside BACKUP FULL, RESTORE
of its own file, and BACKUP DELTA of 1,000 changed records in a table of that size and in one ten times smaller.
Medians and ratios are printed; a ratio over 1 is in DictDB's favour.
"""
import argparse
import contextlib
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

from server import BIN, dictdb, postgresql

ROOT = pathlib.Path(__file__).resolve().parents[2]
BYTES_PER_ROW = 190
CLIENTS = 4
CHANGED = 1000
ITEMS = """
CREATE TABLE items (id bigint PRIMARY KEY, customer int NOT NULL, name text NOT NULL, note text, price numeric(12,2) NOT NULL,
    rating double precision, created timestamptz NOT NULL, ok boolean NOT NULL);
"""
FILL = """
INSERT INTO items SELECT i, i % 10007, 'item number ' || i, CASE WHEN i % 5 > 0 THEN 'note ' || repeat(md5(i::text), 3) END,
    (i % 100000)::numeric / 100, i / 7.0, '2024-01-01'::timestamptz + i * interval '1 second', i % 3 = 0
    FROM generate_series({first}, {last}) i;
"""
ROWS_PER_INSERT = 250_000
UPDATE = "\\set id random(1, {rows})\nUPDATE items SET customer = customer + 1 WHERE id = :id;\n"
RECORDS = """
CREATE TABLE records (id bigint PRIMARY KEY, name text NOT NULL, email text NOT NULL, age int NOT NULL, score double precision NOT NULL,
    active boolean NOT NULL);
INSERT INTO records SELECT i, 'user_' || i, 'user_' || i || '@example.com', i % 90, i * 0.5, i % 2 = 0 FROM generate_series(1, {rows}) i;
"""
PACKAGE = """
import sys, time
from dictdb import DictDB
from dictdb.storage.persist import save_delta
from loguru import logger
logger.remove()
rows, path = int(sys.argv[1]), sys.argv[2]
db = DictDB()
db.create_table("records", primary_key="id")
table = db.get_table("records")
for i in range(1, rows + 1):
    table.records[i] = {"id": i, "name": f"user_{i}", "email": f"user_{i}@example.com", "age": i % 90, "score": i * 0.5, "active": i % 2 == 0}
started = time.perf_counter(); db.save(path + ".json", "json"); print("save", time.perf_counter() - started)
started = time.perf_counter(); DictDB.load(path + ".json", "json"); print("load", time.perf_counter() - started)
table.clear_dirty_tracking()
table.update({"age": 1}, where=table.id <= 1000)
started = time.perf_counter(); save_delta(db, path + "_delta.json"); print("delta", time.perf_counter() - started)
"""


def arguments():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the dump, about")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--seconds", type=int, default=10, help="how long writers run each time")
    parser.add_argument("--folder", default=None, help="where everything is kept")
    parser.add_argument("--records", type=int, default=1_000_000, help="records of the original package")
    parser.add_argument("--realtime", action="store_true", help="servers and clients go before everything else that runs (root only)")
    parser.add_argument("--python", default=None, help="a Python that imports dictdb")
    parser.add_argument("--dictdb", default=str(target / "release" / "dictdb"), help="the binary")
    options = parser.parse_args()
    options.cpu = f"0-{os.cpu_count() - 1}"
    return options


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def line(name, pg, own, unit="s ", ratio=None):
    print(f"{name:34} {pg:10.3f} {unit} {own:10.3f} {unit} {ratio or pg / own:8.2f}", flush=True)


def fill(server, rows):
    server.psql("-c", ITEMS)
    for first in range(1, rows + 1, ROWS_PER_INSERT):
        server.psql("-c", FILL.format(first=first, last=min(first + ROWS_PER_INSERT - 1, rows)))
    server.psql("-c", "CHECKPOINT")


def dump_and_load(pg, folder, rounds):
    """Median seconds of pg_dump and of psql loading its file into a new database."""
    file, dumps, loads = folder / "dump.sql", [], []
    for _ in range(rounds):
        dumps.append(seconds(lambda: subprocess.run([*pg.pinned(), BIN / "pg_dump", *pg.address(), "-f", file, "postgres"], check=True)))
        pg.psql("-c", "CREATE DATABASE loaded")
        loads.append(seconds(lambda: pg.psql("-d", "loaded", "-f", str(file))))
        pg.psql("-c", "DROP DATABASE loaded")
    print(f"the dump has {file.stat().st_size / 1e6:.0f} MB")
    file.unlink()
    return statistics.median(dumps), statistics.median(loads)


def newest(folder):
    return max(folder.glob("dictdb_*"), key=lambda file: file.stat().st_mtime_ns)


def backup_and_restore(own, backups, form, rounds):
    """The same for backups in a format."""
    taken, restored = [], []
    for _ in range(rounds):
        own.psql("-c", "CHECKPOINT")
        taken.append(seconds(lambda: own.psql("-c", f"SET backup_format = {form}", "-c", "BACKUP FULL")))
        file = newest(backups)
        restored.append(seconds(lambda: own.psql("-c", f"RESTORE FROM '{file.name}' INTO DATABASE restored")))
        own.psql("-c", "DROP DATABASE restored")
        size = file.stat().st_size
        file.unlink()
    print(f"the {form} backup has {size / 1e6:.0f} MB")
    return statistics.median(taken), statistics.median(restored)


def updates_per_second(own, rows, duration):
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(UPDATE.format(rows=rows))
        script.flush()
        command = [*own.pinned(), BIN / "pgbench", "-n", "-M", "prepared", "-c", CLIENTS, "-j", 1, "-T", duration, "-f", script.name, *own.address(), "postgres"]
        output = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout
    return float(re.search(r"tps = ([\d.]+)", output)[1])


def writers(own, backups, rows, options):
    for form in "json", "arrow":
        quiet, busy = [], []
        for _ in range(options.rounds):
            quiet.append(updates_per_second(own, rows, options.seconds))
            stop = threading.Event()

            def back_up():
                while not stop.is_set():
                    own.psql("-c", f"SET backup_format = {form}", "-c", "BACKUP FULL")
                    newest(backups).unlink()

            thread = threading.Thread(target=back_up)
            thread.start()
            busy.append(updates_per_second(own, rows, options.seconds))
            stop.set()
            thread.join()
        without, during = statistics.median(quiet), statistics.median(busy)
        line(f"updates/s, beside {form} backups", without, during, "/s", during / without)


def deltas(own):
    """Milliseconds of deltas of some changed records."""
    times = []
    for round in range(7):
        own.psql("-c", f"UPDATE records SET age = {round} + 100 WHERE id <= {CHANGED}")
        times.append(timed(own, "BACKUP DELTA"))
    return statistics.median(times)


def timed(own, command):
    """Milliseconds of a command, by psql's own clock: starting psql takes longer than a delta."""
    output = subprocess.run([BIN / "psql", *own.address(), "-qX", "-c", "\\timing on", "-c", command], capture_output=True, text=True, check=True)
    return float(re.findall(r"Time: ([\d.]+) ms", output.stdout)[-1])


def package(own, backups, folder, options):
    script = folder / "package.py"
    script.write_text(PACKAGE)
    output = subprocess.run([*own.pinned(), options.python, script, str(options.records), str(folder / "original")], capture_output=True, text=True, check=True).stdout
    theirs = {name: float(value) for name, value in (text.split() for text in output.splitlines() if text.count(" ") == 1)}
    own.psql("-c", "DROP TABLE IF EXISTS items")
    own.psql("-c", RECORDS.format(rows=options.records))
    full = statistics.median(timed(own, "BACKUP FULL") for _ in range(options.rounds)) / 1000
    line("save 1 M records, JSON", theirs["save"], full)
    own_file = newest(backups).name
    line("load our own JSON", theirs["load"], statistics.median(timed(own, f"RESTORE FROM '{own_file}' INTO DATABASE a") for _ in range(options.rounds)) / 1000)
    shutil.copy(folder / "original.json", backups / "original.json")
    line("load its JSON", theirs["load"], statistics.median(timed(own, "RESTORE FROM 'original.json' INTO DATABASE b") for _ in range(options.rounds)) / 1000)
    own.psql("-c", "BACKUP FULL")
    line(f"delta of {CHANGED}", theirs["delta"] * 1000, deltas(own), "ms")
    own.psql("-c", "DROP TABLE records")
    own.psql("-c", RECORDS.format(rows=options.records // 10))
    own.psql("-c", "BACKUP FULL")
    line("the same, table 10 times smaller", theirs["delta"] * 1000, deltas(own), "ms")


def main():
    options = arguments()
    rows = options.megabytes * 1_000_000 // BYTES_PER_ROW
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dictdb-backup-", dir=options.folder, ignore_cleanup_errors=True)))
        folder.chmod(0o755)
        (folder / "postgresql").mkdir()
        backups = folder / "backups"
        print(f"{'':34} {'postgresql':>13} {'dictdb':>13} {'ratio':>8}")
        if options.megabytes > 0:
            pg = postgresql(folder / "postgresql", ["max_wal_size=8GB"], options)
            fill(pg, rows)
            dump, load = dump_and_load(pg, folder, options.rounds)
            pg.stop()
        settings = [f"backup_dir={backups}", "backup_on_shutdown=off", "max_deltas_before_full=1000", "max_wal_size=8GB"]
        own = dictdb(folder / "dictdb", [word for setting in settings for word in ("-c", setting)], options)
        stack.callback(own.stop)
        if options.megabytes > 0:
            fill(own, rows)
            for form in "json", "arrow":
                taken, restored = backup_and_restore(own, backups, form, options.rounds)
                line(f"full backup, {form}", dump, taken)
                line(f"restore, {form}", load, restored)
            writers(own, backups, rows, options)
        if options.python:
            backups.mkdir(exist_ok=True)
            package(own, backups, folder, options)


if __name__ == "__main__":
    main()

"""Engines that are asked the same queries: what they answer, and how long that takes."""
import argparse
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from server import BIN, dictdb, postgresql

ROOT = pathlib.Path(__file__).resolve().parents[2]
SETTINGS = ["fsync=off", "max_parallel_workers_per_gather=0", "shared_buffers=1GB", "work_mem=256MB", "jit=off"]


class WireEngine:
    """A server of PostgreSQL's protocol, asked by psql."""

    def __init__(self, server):
        self.name, self.server = server.name, server

    def psql(self, sql, check=True):
        command = [BIN / "psql", "-X", *self.server.address(), "-v", "ON_ERROR_STOP=1", "-qAt"]
        done = subprocess.run(command, input=sql, text=True, capture_output=True)
        if check and done.returncode:
            raise SystemExit(f"{self.name}: {done.stderr}")
        return done.returncode, done.stdout, done.stderr

    def load(self, schema, folder, indexes):
        """Makes tables of files in COPY's text format, each named like its table."""
        self.psql(schema)
        for file in sorted(folder.iterdir()):
            self.psql(f"\\copy {file.name} from '{file}'")
        self.psql(indexes)

    def run(self, sql, limit):
        """Best time of three in milliseconds and the answer."""
        code, out, error = self.psql(f"SET statement_timeout = '{limit}s';\n\\timing on\n" + (sql + ";\n") * 3, check=False)
        if code:
            return None, error.strip().splitlines()[0] if error.strip() else "failed"
        lines = out.splitlines()
        times = [float(line.split()[1].replace(",", ".")) for line in lines if line.startswith("Time: ")]
        rows = [line for line in lines if not line.startswith("Time: ")]
        return min(times), rows[: len(rows) // 3]

    def stop(self):
        self.server.stop()


class DuckDB:
    """The same tables in a DuckDB inside this process."""
    name = "duckdb"

    def __init__(self, cpu):
        import duckdb
        os.sched_setaffinity(0, {int(number) for number in cpu.split(",")})
        self.connection = duckdb.connect()
        self.connection.execute(f"SET threads = {len(os.sched_getaffinity(0))}")

    def load(self, schema, folder, _indexes):
        self.connection.execute(schema)
        for file in sorted(folder.iterdir()):
            self.connection.execute(f"COPY {file.name} FROM '{file}' (DELIMITER '\t', HEADER false, NULLSTR '\\N')")

    def run(self, sql, _limit):
        """Best time of three in milliseconds and the answer."""
        times = []
        for _ in range(3):
            started = time.perf_counter()
            rows = self.connection.execute(sql).fetchall()
            times.append((time.perf_counter() - started) * 1000)
        return min(times), rows

    def stop(self):
        self.connection.close()


def run(description, scale, generate):
    """A benchmark of queries. `generate` writes one file per table at a scale and returns the schema, what is run after loading, and the
    queries by number."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=scale)
    parser.add_argument("--only", default="", help="numbers of queries, separated by commas")
    parser.add_argument("--limit", type=int, default=60, help="seconds after which a query is given up")
    parser.add_argument("--cpu", default="0", help="the core")
    parser.add_argument("--dictdb", default=None, help="the binary")
    parser.add_argument("--duckdb", action="store_true", help="DuckDB as well")
    parser.add_argument("--explain", action="store_true", help="show DictDB's plans")
    parser.set_defaults(realtime=False)
    options = parser.parse_args()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    options.dictdb = options.dictdb or str(target / "release" / "dictdb")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dictdb-queries-"))
    engines = []
    try:
        rows = folder / "rows"
        rows.mkdir()
        schema, indexes, queries = generate(options.scale, rows)
        engines.append(WireEngine(postgresql(folder, SETTINGS, options)))
        engines.append(WireEngine(dictdb(folder / "dictdb", ["--ephemeral"], options)))
        if options.duckdb:
            engines.append(DuckDB(options.cpu))
        for engine in engines:
            started = time.time()
            engine.load(schema, rows, indexes)
            print(f"{engine.name} loaded in {time.time() - started:.1f} s", flush=True)
        wanted = [int(number) for number in options.only.split(",") if number] or list(queries)
        compare(engines, [(number, queries[number]) for number in wanted], options.limit, options.explain)
    finally:
        for engine in engines:
            engine.stop()
        shutil.rmtree(folder, ignore_errors=True)


def compare(engines, queries, limit, explain):
    """Asks every engine each of the queries, (name, text), and prints times, their ratios and where the second one's answer is not the first one's."""
    print(f"{'query':>5}" + "".join(f" {engine.name:>14}" for engine in engines) + "   DictDB's time over the others'")
    shown = lambda ms: "-" if ms is None else f"{ms:.1f} ms"
    ratio = lambda ours, theirs: f"{ours / theirs:.2f}" if ours and theirs else "-"
    totals = [0] * len(engines)
    for name, sql in queries:
        (theirs, expected), (ours, answer), *others = (engine.run(sql, limit) for engine in engines)
        times = [theirs, ours, *(best for best, _ in others)]
        totals = [total + (best or limit * 1000) for total, best in zip(totals, times)]
        ratios = [ratio(ours, other) for other in [theirs, *times[2:]]]
        verdict = "" if expected == answer else f"  DIFFERENT: {str(expected)[:150]} / {str(answer)[:150]}"
        print(f"{name:>5}" + "".join(f" {shown(best):>14}" for best in times) + f"   {'  '.join(ratios)}{verdict}", flush=True)
        if explain:
            print(engines[1].psql("EXPLAIN " + sql, check=False)[1])
    ratios = [ratio(totals[1], other) for other in [totals[0], *totals[2:]]]
    print(f"{'all':>5}" + "".join(f" {shown(total):>14}" for total in totals) + f"   {'  '.join(ratios)}")

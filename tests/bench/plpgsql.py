#!/usr/bin/env python3
"""Functions in PL/pgSQL on PostgreSQL 15 and DictDB: results compared, nanoseconds per iteration side by side.

    cargo build --release && python3 tests/bench/plpgsql.py [--rounds 5] [--only NAME,NAME] [--cpu 0] [--dictdb PATH]

Each function is called once unmeasured, then alternately on the two servers, on one core; medians count. The last line is the median
and the worst of the ratios. A result that differs ends the run.
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
SETTINGS = ["fsync=off", "max_parallel_workers_per_gather=0"]

# Name, iterations (the parameter n), result type, declarations, body.
LOOPS = [
    ("empty loop", 2_000_000, "int", "", "FOR i IN 1..n LOOP NULL; END LOOP; RETURN n;"),
    ("integer FOR", 1_000_000, "int", "s int := 0;", "FOR i IN 1..n LOOP s := s + i % 7; END LOOP; RETURN s;"),
    ("bigint FOR", 1_000_000, "bigint", "s bigint := 0;", "FOR i IN 1..n LOOP s := s + i; END LOOP; RETURN s;"),
    ("WHILE", 1_000_000, "int", "i int := 0;", "WHILE i < n LOOP i := i + 1; END LOOP; RETURN i;"),
    ("EXIT, CONTINUE", 500_000, "int", "i int := 0;",
     "LOOP EXIT WHEN i >= n; i := i + 1; CONTINUE WHEN i % 2 = 0; END LOOP; RETURN i;"),
    ("IF, ELSIF", 500_000, "int", "s int := 0;",
     "FOR i IN 1..n LOOP IF i % 3 = 0 THEN s := s + 1; ELSIF i % 3 = 1 THEN s := s - 1; ELSE s := s + 2; END IF; END LOOP; RETURN s;"),
    ("CASE", 500_000, "int", "s int := 0;",
     "FOR i IN 1..n LOOP CASE i % 4 WHEN 0 THEN s := s + 1; WHEN 1 THEN s := s + 2; ELSE s := s - 1; END CASE; END LOOP; RETURN s;"),
    ("booleans", 500_000, "int", "a bool := false; s int := 0;",
     "FOR i IN 1..n LOOP a := NOT a; IF a AND i > 5 OR i IS NULL THEN s := s + 1; END IF; END LOOP; RETURN s;"),
    ("numeric", 500_000, "numeric", "s numeric := 0;", "FOR i IN 1..n LOOP s := s + i * 1.5; END LOOP; RETURN s;"),
    ("double precision", 500_000, "float8", "s float8 := 0;", "FOR i IN 1..n LOOP s := s + i * 0.5::float8; END LOOP; RETURN s;"),
    ("dates", 500_000, "date", "d date := '2020-01-01';",
     "FOR i IN 1..n LOOP d := d + 1; IF d > '2030-01-01' THEN d := '2020-01-01'; END IF; END LOOP; RETURN d;"),
    ("text appended", 500_000, "int", "s text := '';",
     "FOR i IN 1..n LOOP s := s || 'x'; IF length(s) > 100 THEN s := ''; END IF; END LOOP; RETURN length(s);"),
    ("text of numbers", 300_000, "text", "s text;", "FOR i IN 1..n LOOP s := 'item ' || i || ' of ' || n; END LOOP; RETURN s;"),
    ("substr", 300_000, "int", "t text := 'the quick brown fox'; s int := 0;",
     "FOR i IN 1..n LOOP IF substr(t, i % 19 + 1, 1) = 'o' THEN s := s + 1; END IF; END LOOP; RETURN s;"),
    ("array elements", 300_000, "int", "a int[] := array_fill(0, ARRAY[100]);",
     "FOR i IN 1..n LOOP a[i % 100 + 1] := a[i % 100 + 1] + i % 5; END LOOP; RETURN a[7];"),
    ("sieve", 100_000, "int", "a bool[] := array_fill(true, ARRAY[n]); s int := 0; j int;",
     "FOR i IN 2..n LOOP IF a[i] THEN s := s + 1; j := i * 2; WHILE j <= n LOOP a[j] := false; j := j + i; END LOOP; END IF; END LOOP; RETURN s;"),
    ("FOREACH", 500_000, "int", "a int[] := array(SELECT generate_series(1, 100)); x int; s int := 0;",
     "FOR i IN 1..n / 100 LOOP FOREACH x IN ARRAY a LOOP s := s + x % 3; END LOOP; END LOOP; RETURN s;"),
    ("record fields", 300_000, "int", "r record;",
     "SELECT 0 AS a, 0 AS b INTO r; FOR i IN 1..n LOOP r.a := r.a + 1; r.b := r.a % 7; END LOOP; RETURN r.a;"),
    ("FOR over a query", 200_000, "int", "r record; s int := 0;",
     "FOR r IN SELECT g, g * 2 AS h FROM generate_series(1, n) g LOOP s := s + r.g % 3 + r.h % 2; END LOOP; RETURN s;"),
    ("EXCEPTION block", 100_000, "int", "s int := 0;",
     "FOR i IN 1..n LOOP BEGIN s := s + 1; EXCEPTION WHEN division_by_zero THEN s := 0; END; END LOOP; RETURN s;"),
    ("SELECT INTO", 100_000, "int", "s int := 0; v int;", "FOR i IN 1..n LOOP SELECT i + 1 INTO v; s := s + v % 3; END LOOP; RETURN s;"),
    ("function calls", 200_000, "int", "s int := 0;", "FOR i IN 1..n LOOP s := plus(s, i % 5); END LOOP; RETURN s;"),
    ("greatest divisor", 200_000, "int", "a int; b int; t int; s int := 0;",
     "FOR i IN 1..n / 4 LOOP a := i; b := 36; WHILE b <> 0 LOOP t := b; b := a % b; a := t; END LOOP; s := s + a; END LOOP; RETURN s;"),
]
HELPERS = """
CREATE FUNCTION plus(a int, b int) RETURNS int LANGUAGE plpgsql AS $$BEGIN RETURN a + b; END$$;
CREATE FUNCTION fib(n int) RETURNS int LANGUAGE plpgsql AS
  $$BEGIN IF n < 2 THEN RETURN n; END IF; RETURN fib(n - 1) + fib(n - 2); END$$;
CREATE FUNCTION numbers(n int) RETURNS SETOF int LANGUAGE plpgsql AS
  $$BEGIN FOR i IN 1..n LOOP RETURN NEXT i; END LOOP; END$$;
"""
# Name, iterations, query.
QUERIES = [
    ("RETURN NEXT", 500_000, "SELECT count(*) FROM numbers(500000)"),
    ("fib(25)", 242_785, "SELECT fib(25)"),
]


def schema():
    functions = [
        f"CREATE FUNCTION loop_{number}(n int) RETURNS {result} LANGUAGE plpgsql AS $$DECLARE {declared} BEGIN {body} END$$;"
        for number, (_, _, result, declared, body) in enumerate(LOOPS)
    ]
    return HELPERS + "\n".join(functions)


def workloads():
    loops = [(name, count, f"SELECT loop_{number}({count})") for number, (name, count, *_) in enumerate(LOOPS)]
    return loops + QUERIES


class Client:
    """A psql that stays connected."""

    def __init__(self, server):
        command = [*server.pinned(), str(BIN / "psql"), *server.address(), "-qXAt", "postgres"]
        self.process = subprocess.Popen([str(word) for word in command], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def ask(self, query):
        """The answer, and the seconds it took."""
        started = time.perf_counter()
        self.process.stdin.write(f"{query};\n\\echo ---\n")
        lines = []
        for line in self.process.stdout:
            if line == "---\n":
                return "".join(lines), time.perf_counter() - started
            lines.append(line)
        raise SystemExit(f"the server is gone after {query}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def arguments():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each function is called on each server")
    parser.add_argument("--only", default="", help="functions whose names begin so, separated by commas")
    parser.add_argument("--cpu", default="0", help="the core")
    parser.add_argument("--realtime", action="store_true", help="keep the core free of other work (needs root)")
    parser.add_argument("--dictdb", default=str(target / "release" / "dictdb"), help="the binary")
    return parser.parse_args()


def compare(clients, name, iterations, query, rounds):
    """Prints nanoseconds per iteration on both servers; their ratio."""
    answers = {client.ask(query)[0] for client in clients}
    if len(answers) > 1:
        raise SystemExit(f"{name}: the servers disagree: {answers}")
    times = [[client.ask(query)[1] for client in clients] for _ in range(rounds)]
    theirs, own = (statistics.median(column) / iterations * 1e9 for column in zip(*times))
    print(f"{name:20} {theirs:9.1f} ns {own:9.1f} ns {own / theirs:7.2f}", flush=True)
    return own / theirs


def main():
    options = arguments()
    wanted = tuple(name for name in options.only.split(",") if name)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [postgresql(folder, SETTINGS, options), dictdb(folder / "dictdb", ["--ephemeral"], options)]
        clients = []
        for server in servers:
            stack.callback(server.stop)
            server.psql(input=schema())
            clients.append(Client(server))
            stack.callback(clients[-1].close)
        print(f"{'':20} {'PostgreSQL':>12} {'DictDB':>12} {'ratio':>7}")
        chosen = [workload for workload in workloads() if workload[0].startswith(wanted or "")]
        ratios = [compare(clients, *workload, options.rounds) for workload in chosen]
        print(f"median {statistics.median(ratios):.2f}, worst {max(ratios):.2f}")


if __name__ == "__main__":
    main()

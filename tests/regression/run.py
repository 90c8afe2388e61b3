#!/usr/bin/env python3
"""PostgreSQL's own regression files run on DictDB: how far the output is from what PostgreSQL expects.

    run.py --source ~/postgresql-15.18 [--binary FILE] [--output DIR] all | FILE...

The source tree is PostgreSQL's, of version 15; nothing of it is in this repository. `all` runs the files in the order of
`parallel_schedule`, one after the other; a file that is named runs after `test_setup` and those it needs. The differences of
each file are left in the output folder, and counted by places (runs of lines) of three kinds: `plan` inside the answer of
EXPLAIN, `order` where the same lines come in another order, `other` for all else.
"""
import argparse
import collections
import difflib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

# What a file takes for granted beside test_setup, as the comments in parallel_schedule say.
NEEDS = {
    "create_index": ["create_misc"], "create_view": ["create_misc"], "create_aggregate": ["create_operator"],
    "select_parallel": ["create_misc"], "rules": ["create_misc"], "inherit": ["create_misc"], "geometry": ["point", "lseg", "line", "box", "path", "polygon", "circle"],
    "horology": ["date", "time", "timetz", "timestamp", "timestamptz", "interval"], "select": ["create_index"],
    "btree_index": ["create_index"], "portals": ["create_index"], "sanity_check": ["create_index"], "misc": ["create_misc"],
}
FILE_SECONDS = 300


def scheduled(regress):
    """The names of all files, in the schedule's order."""
    lines = (regress / "parallel_schedule").read_text().splitlines()
    return [name for line in lines if line.startswith("test:") for name in line.split()[1:]]


def wanted(names, regress):
    """The files to run: what was asked for, after what it needs."""
    order = scheduled(regress)
    if names == ["all"]:
        return order
    needed = {"test_setup"}

    def need(name):
        if name not in needed:
            needed.add(name)
            for other in NEEDS.get(name, []):
                need(other)
    for name in names:
        need(name)
    return [name for name in order if name in needed] + [name for name in names if name not in order]


def places(expected, actual):
    """The differing runs of lines, each as (kind, lines expected, lines that came)."""
    in_plan, inside = [], False
    for line in expected:
        if line.strip() == "QUERY PLAN":
            inside = True
        in_plan.append(inside)
        if re.match(r"\(\d+ rows?\)", line):
            inside = False
    found = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, expected, actual, autojunk=False).get_opcodes():
        if tag != "equal":
            kind = "plan" if any(in_plan[i:j] or in_plan[max(i - 1, 0):i]) else "other"
            found.append([kind, expected[i:j], actual[k:m]])
    # Rows that only changed places are taken away here and put back there.
    gone = collections.Counter(line for kind, old, _ in found if kind == "other" for line in old)
    come = collections.Counter(line for kind, _, new in found if kind == "other" for line in new)
    for place in found:
        kind, old, new = place
        if kind == "other" and all(come[line] >= gone[line] for line in old) and all(gone[line] >= come[line] for line in new):
            place[0] = "order"
    return found


def compared(name, output, regress):
    """The places against the nearest of the expected outputs."""
    actual = output.splitlines()
    variants = [regress / "expected" / f"{name}{suffix}.out" for suffix in ("", "_1", "_2", "_3")]
    return min((places(file.read_text(errors="replace").splitlines(), actual) for file in variants if file.exists()), key=len)


def report(found, file):
    with open(file, "w") as out:
        for kind, old, new in found:
            print(f"@@ {kind}", *(f"-{line}" for line in old), *(f"+{line}" for line in new), sep="\n", file=out)


def run(name, regress, port, folder):
    environment = os.environ | {
        "PGTZ": "America/Los_Angeles", "PGDATESTYLE": "Postgres, MDY", "LANG": "C", "PG_ABS_SRCDIR": str(regress), "PG_ABS_BUILDDIR": str(folder),
        "PG_LIBDIR": str(regress), "PG_DLSUFFIX": ".so", "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "postgres",
        "PGOPTIONS": "-c intervalstyle=postgres_verbose", "PGAPPNAME": f"pg_regress/{name}",
    }
    command = ["psql", "-X", "-a", "-q", "-d", "regression", "-v", "HIDE_TABLEAM=on", "-v", "HIDE_TOAST_COMPRESSION=on"]
    with open(regress / "sql" / f"{name}.sql") as script, open(folder / "results" / f"{name}.out", "wb") as output:
        try:
            subprocess.run(command, stdin=script, stdout=output, stderr=subprocess.STDOUT, env=environment, timeout=FILE_SECONDS)
        except subprocess.TimeoutExpired:
            output.write(f"\nended after {FILE_SECONDS} seconds\n".encode())
    return (folder / "results" / f"{name}.out").read_text(errors="replace")


def start(binary, folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = open(folder / "server.log", "w")
    arguments = ["--ephemeral", "--port", str(port), "--http", "off"]
    server = subprocess.Popen([binary, *arguments], stdout=log, stderr=log, cwd=folder)
    psql = ["psql", "-Xqh", "127.0.0.1", "-p", str(port), "-U", "postgres", "-d", "postgres"]
    for _ in range(200):
        made = subprocess.run([*psql, "-c", "CREATE DATABASE regression TEMPLATE template0"], capture_output=True, text=True)
        if made.returncode == 0:
            break
        if server.poll() is not None:
            sys.exit(f"{binary} ended, see {log.name}")
        time.sleep(0.05)
    for name, value in [("lc_messages", "C"), ("lc_monetary", "C"), ("lc_numeric", "C"), ("lc_time", "C"), ("bytea_output", "hex"),
                        ("timezone_abbreviations", "Default")]:
        subprocess.run([*psql, "-c", f"ALTER DATABASE regression SET {name} TO '{value}'"], check=True)
    return server, port


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=pathlib.Path, required=True, help="PostgreSQL's source tree")
    parser.add_argument("--binary", default="dictdb", help="the server to run")
    parser.add_argument("--output", type=pathlib.Path, help="folder of results and differences")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    regress = (options.source / "src/test/regress").resolve()
    folder = (options.output or pathlib.Path(tempfile.mkdtemp(prefix="regression-"))).resolve()
    for part in ("results", "differences"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    server, port = start(os.path.abspath(options.binary) if os.sep in options.binary else options.binary, folder)
    total = collections.Counter()
    try:
        for name in wanted(options.files, regress):
            began = time.monotonic()
            found = compared(name, run(name, regress, port, folder), regress)
            report(found, folder / "differences" / f"{name}.diff")
            counts = collections.Counter(kind for kind, _, _ in found)
            total += counts
            print(f"{name:24} plan {counts['plan']:4} order {counts['order']:4} other {counts['other']:4}  {time.monotonic() - began:6.1f} s", flush=True)
            if server.poll() is not None:
                sys.exit(f"the server ended in {name}")
    finally:
        server.terminate()
        server.wait(20)
    print(f"{'together':24} plan {total['plan']:4} order {total['order']:4} other {total['other']:4}  in {folder}")


if __name__ == "__main__":
    main()

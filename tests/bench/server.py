"""A server under measurement: started on one core, fed, asked for the processor time it used."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from workloads import COPIED_ROWS, SETUP, Workload

BIN = pathlib.Path(os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))
TICKS = os.sysconf("SC_CLK_TCK")


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


def resident_kilobytes(pid):
    """Memory of a process that is its own and in use."""
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(re.search(rf"^{key}:\s+(\d+)", rollup, re.M)[1]) for key in ("Private_Clean", "Private_Dirty"))


def wait_for_answer(process, port):
    """Returns when the server answers a query, which this asks for by hand: a psql would take longer than the server."""
    startup = b"\0\3\0\0user\0postgres\0database\0postgres\0\0"
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as s:
                s.sendall((len(startup) + 4).to_bytes(4, "big") + startup)
                query = b"SELECT 1\0"
                s.sendall(b"Q" + (len(query) + 4).to_bytes(4, "big") + query)
                answer = b""
                while b"SELECT 1\0" not in answer:
                    part = s.recv(4096)
                    if not part or b"57P03" in part:
                        raise ConnectionError
                    answer += part
                return
        except OSError:
            if process.poll() is not None:
                sys.exit(f"{' '.join(map(str, process.args))}: ended before it answered, with status {process.returncode}")
            time.sleep(0.002)


class Server:
    def __init__(self, name, command, port, options):
        self.name, self.command, self.port, self.options = name, command, port, options
        started = time.monotonic()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([*self.pinned(), *command], **quiet)
        wait_for_answer(self.process, port)
        self.start_ms = (time.monotonic() - started) * 1000

    def pinned(self):
        """In front of a command: where it runs, and that nothing else runs there meanwhile if that is wanted."""
        realtime = ["chrt", "-f", "1"] if self.options.realtime else []
        return [*realtime, "taskset", "-c", self.options.cpu]

    def address(self):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]

    def psql(self, *arguments, **keywords):
        command = [*self.pinned(), str(BIN / "psql"), *self.address(), "-qXv", "ON_ERROR_STOP=1", *arguments]
        return subprocess.run(command, text=True, check=True, stdout=subprocess.DEVNULL, **keywords)

    def fill(self):
        self.psql(input=SETUP)
        self.psql("-c", "VACUUM ANALYZE")

    def measured(self, work):
        """Microseconds of processor time, and seconds, that the server needed for some work."""
        before, started = cpu_seconds(self.process.pid), time.monotonic()
        result = work()
        elapsed = time.monotonic() - started
        # PostgreSQL's children are counted when it has taken note of their end.
        time.sleep(0.1)
        return (cpu_seconds(self.process.pid) - before) * 1e6, elapsed, result

    def run(self, workload: Workload):
        """Microseconds of processor time per unit, and units per second."""
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(workload.script)
            file.flush()
            arguments = ["-M", workload.protocol, "-c", workload.clients, "-j", 1, "-T", self.options.seconds, "-f", file.name]
            if workload.reconnect:
                arguments.append("-C")
            command = [*self.pinned(), BIN / "pgbench", "-n", *arguments, *self.address(), "postgres"]
            used, elapsed, output = self.measured(
                lambda: subprocess.run([str(word) for word in command], capture_output=True, text=True))
        found = re.search(r"number of transactions actually processed: (\d+)", output.stdout)
        failed = re.search(r"number of failed transactions: (\d+)", output.stdout)
        if output.returncode or not found or (failed and int(failed[1])):
            raise SystemExit(f"{self.name}: {output.stdout}\n{output.stderr}")
        units = max(int(found[1]), 1) * workload.units
        return used / units, units / elapsed

    def copy_in(self, file):
        """The same for rows loaded by COPY."""
        used, elapsed, _ = self.measured(lambda: self.psql("-c", f"\\copy loaded FROM '{file}'"))
        self.psql("-c", "TRUNCATE loaded")
        return used / COPIED_ROWS, COPIED_ROWS / elapsed

    def idle_memory(self):
        """Memory in kilobytes."""
        return resident_kilobytes(self.process.pid)

    def idle_connections(self, count):
        """Kilobytes of memory per idle connection that has run a query."""
        before = self.idle_memory()
        sockets = []
        startup = b"\0\3\0\0user\0postgres\0database\0postgres\0\0"
        query = b"SELECT count(*) FROM accounts WHERE aid = 1\0"
        for _ in range(count):
            s = socket.create_connection(("127.0.0.1", self.port), 5)
            s.sendall((len(startup) + 4).to_bytes(4, "big") + startup)
            s.sendall(b"Q" + (len(query) + 4).to_bytes(4, "big") + query)
            answer = b""
            while b"SELECT 1\0" not in answer:
                answer += s.recv(4096)
            sockets.append(s)
        after = self.idle_memory()
        for s in sockets:
            s.close()
        return (after - before) / count

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def kill(self):
        """Ends the server as a crash would, and waits until its children have noticed."""
        children = [stat.parent.name for stat in pathlib.Path("/proc").glob("[0-9]*/stat") if parent_of(stat) == self.process.pid]
        self.process.kill()
        self.process.wait(30)
        while any(pathlib.Path("/proc", child).exists() for child in children):
            time.sleep(0.01)

    def again(self):
        """The same server started once more; `start_ms` is how long it took to its first answer."""
        return Server(self.name, self.command, self.port, self.options)


def parent_of(stat):
    """The parent of the process with this file in /proc; none when it is gone."""
    try:
        return int(stat.read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
        return None


def postgresql(folder, settings, options):
    """A new PostgreSQL in a new folder."""
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    initdb = [str(BIN / "initdb"), "--no-sync", "-A", "trust", "-U", "postgres", "--locale=C", "-E", "UTF8", "-D", str(data)]
    subprocess.run([*as_user, *initdb], check=True, capture_output=True)
    port = free_port()
    # runuser would be the process that is measured; setpriv replaces itself by the server.
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if as_user else []
    command = [*as_user, str(BIN / "postgres"), "-D", str(data), "-p", str(port), "-k", ""]
    settings = ["listen_addresses=127.0.0.1", *settings]
    return Server("postgresql", command + [word for setting in settings for word in ("-c", setting)], port, options)


def dictdb(data, arguments, options):
    """A DictDB with this data directory."""
    port = free_port()
    return Server("dictdb", [options.dictdb, "--port", str(port), "-D", str(data), *arguments], port, options)

"""From ActivityWatch to this program: its real Python server, and databases and exports as users have them."""
import contextlib
import hashlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from datetime import datetime, timezone

import clients
from lib import ROOT, run

SAMPLES = ROOT / "tests/data/activitywatch"
SAMPLE_EVENTS = 7


def hashes(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def sample(path, name, journal="DELETE"):
    """The database that NAME.sql makes, at PATH."""
    path.parent.mkdir(parents=True, exist_ok=True)
    base = sqlite3.connect(path)
    base.execute(f"PRAGMA journal_mode = {journal}")
    base.executescript((SAMPLES / f"{name}.sql").read_text())
    base.commit()
    base.close()
    return path


def summary(result, *keys):
    return [result.json()[key] for key in keys]


# --- the real server ---

FILL = """
import sys
from datetime import datetime, timedelta, timezone
from aw_client import ActivityWatchClient
from aw_core.models import Event

client = ActivityWatchClient("migrate", host="127.0.0.1", port=int(sys.argv[1]), testing=True)
start = datetime(2026, 3, 1, 8, 0, 0, 123456, tzinfo=timezone.utc)
client.create_bucket("aw-watcher-window_laptop", "currentwindow")
client.create_bucket("aw-watcher-afk_laptop", "afkstatus")
client.insert_events("aw-watcher-window_laptop", [
    Event(timestamp=start + timedelta(seconds=7 * i, milliseconds=i % 3),
          duration=timedelta(seconds=i % 5, microseconds=(i % 4) * 1001),
          data={"title": f"\\u00dcml\\u00e4ut {i % 11}", "app": "x", "n": i % 2, "f": 1.0, "deep": {"b": [1], "a": None}})
    for i in range(400)])
for i in range(20):
    client.heartbeat("aw-watcher-afk_laptop", Event(timestamp=start + timedelta(seconds=3 * i),
                     data={"status": "not-afk" if i < 15 else "afk"}), pulsetime=5)
"""
FILLED = 402


class Server:
    """aw-server, in New York, with folders of its own."""

    def __init__(self, case):
        self.python = clients.python_with(case, clients.AW_SERVER)
        self.top = case.top / "activitywatch"
        self.data = self.top / "data/activitywatch/aw-server"
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.top), "TZ": "America/New_York", "NO_PROXY": "*",
                    **{f"XDG_{name}_HOME": str(self.top / name.lower()) for name in ("DATA", "CONFIG", "CACHE")}}
        self.top.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = open(self.top / "log", "wb")
        self.child = subprocess.Popen([str(self.python.parent / "aw-server"), "--testing", "--host", "127.0.0.1", "--port", str(self.port)],
                                      env=self.env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        case.cleanups.append(self.kill)
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                self.get("/api/0/info")
                return
            assert self.child.poll() is None and time.monotonic() < deadline, (self.top / "log").read_text()[-2000:]
            time.sleep(0.1)

    def get(self, path):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
            return answer.read()

    def fill(self):
        subprocess.run([str(self.python), "-c", FILL, str(self.port)], env=self.env, check=True, timeout=60)

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        self.log.close()


def exported_events(export):
    """(bucket, instant in µs, duration in µs, data) of an export."""
    events = []
    for bucket in json.loads(export)["buckets"].values():
        for event in bucket["events"]:
            at = datetime.fromisoformat(event["timestamp"]).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
            events.append((bucket["id"], at, round(event["duration"] * 1e6), json.dumps(event["data"], sort_keys=True)))
    return sorted(events)


def stored_events(machine):
    events = []
    for line in machine.events().splitlines():
        event = json.loads(line)
        source, kind = event["source"], event["type"]
        assert source.startswith("aw.") and kind in ("currentwindow", "afkstatus"), line
        duration = round(event.get("duration_ms", 0) * 1e3)
        events.append((source[3:], event["timestamp"], duration, json.dumps(event["data"], sort_keys=True)))
    return sorted(events)


def real_server(case):
    """The database of a server that runs, and of one that was killed, and its export, are one history."""
    server = Server(case)
    server.fill()
    export = case.top / "export.json"
    export.write_bytes(server.get("/api/0/export"))
    database = next(server.data.glob("*.db"))
    live, killed, exported = (case.machine(name) for name in ("live", "killed", "exported"))
    before = hashes(server.data)

    case.equal(summary(live.must("import", "--json", database), "new", "duplicate", "quarantined", "buckets_made", "server"),
               [FILLED, 0, 0, 2, "aw-server"], "everything is read while the server runs")
    case.equal(hashes(server.data), before, "and none of its files has changed")
    case.equal(stored_events(live), exported_events(export.read_bytes()), "the events are those that the server exports")
    case.equal(summary(live.must("import", "--json", export), "new", "duplicate", "format"), [0, FILLED, "aw"],
               "its export has nothing new")
    server.kill()
    before = hashes(server.data)
    case.equal(summary(killed.must("import", "--json", database), "new", "quarantined"), [FILLED, 0],
               "everything is read after the server was killed")
    case.equal(hashes(server.data), before, "and none of its files has changed")
    case.equal(summary(exported.must("import", "--json", export), "new"), [FILLED], "an export alone is enough")
    case.equal(stored_events(killed), stored_events(exported), "both ways end in the same")
    case.equal(summary(killed.must("import", "--json", export), "new"), [0], "in either order")


# --- the command ---

def formats(case):
    """What a file is it tells itself; what it is not, too."""
    machine = case.machine("one")
    for name in ("rust_v1", "rust_v5", "peewee_v2", "peewee_v2_old", "sqlite_v1"):
        path = sample(machine.home / f"{name}.db", name)
        case.equal(summary(machine.must("import", "--json", "--dry-run", path), "new", "format", "dry_run"),
                   [SAMPLE_EVENTS, "aw-db", True], f"{name} is a database")
    for name in ("export_rust.json", "export_python.json"):
        text = (SAMPLES / name).read_bytes()
        case.equal(summary(machine.must("import", "--json", "--dry-run", SAMPLES / name), "new", "format"),
                   [SAMPLE_EVENTS, "aw"], f"{name} is an export")
        pretty = json.dumps(json.loads(text), indent=2, sort_keys=True).encode()
        for what, bytes_in in (("as it is", text), ("laid out in lines", pretty), ("with a mark", b"\xef\xbb\xbf" + text)):
            case.equal(summary(machine.must("import", "--json", "--dry-run", stdin=bytes_in), "new", "format"),
                       [SAMPLE_EVENTS, "aw"], f"{name} through a pipe, {what}")
    case.equal(machine.events(), "", "nothing was written")
    case.equal(list((machine.home / ".local/state/tt").glob("import-*")), [], "and nothing was left behind")

    result = machine.tt("import", "--dry-run", stdin=b'{"id":"x"}\n')
    case.ok(result.status == 2 and "--dry-run" in result.err, "a dry run is not for lines", result)
    result = machine.tt("import", "--format", "csv", stdin=b"")
    case.ok(result.status == 2 and "aw-db" in result.err, "an unknown format is refused with those that are known", result)
    result = machine.tt("import", stdin=(machine.home / "rust_v5.db").read_bytes())
    case.ok(result.status == 2 and "name its file" in result.err, "a database without its log is not read", result)
    other = machine.home / "other.db"
    sqlite3.connect(other).executescript("CREATE TABLE t(a); INSERT INTO t VALUES(1)")
    result = machine.tt("import", other)
    case.ok(result.status == 1 and "ActivityWatch" in result.err, "another program's database is not taken", result)
    case.ok(machine.verified()[0], "the store is sound")


def no_identity(case):
    """Whose events would they be?"""
    machine = case.machine("nobody", identity=False)
    for path in (SAMPLES / "export_rust.json", sample(machine.home / "x.db", "rust_v5")):
        result = machine.tt("import", path)
        case.ok(result.status == 1 and "No machine identity found. Run 'tt init' first." in result.err,
                f"{path.name} needs an identity", result)


def cut_short(case):
    """A file that was cut says where; the whole adds the rest."""
    machine = case.machine("one")
    events = [{"timestamp": f"2026-01-{1 + n // 86400:02d}T{n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d}Z", "duration": 1.0,
               "data": {"title": str(n % 9)}} for n in range(12000)]
    text = json.dumps({"buckets": {"b": {"id": "b", "type": "t", "client": "c", "hostname": "h", "events": events}}}).encode()
    (machine.home / "cut.json").write_bytes(text[:-1000])
    (machine.home / "whole.json").write_bytes(text)
    result = machine.tt("import", "--json", "cut.json")
    case.equal(result.status, 1, "cut: it fails")
    case.equal(result.json()["error"]["code"], "parse", "as what it is")
    case.ok(f"byte {len(text) - 1000}" in result.json()["error"]["message"], "and says where", result)
    case.ok("10000 events were taken" in result.err, "and what came", result)
    case.equal(summary(machine.must("import", "--json", "whole.json"), "new", "duplicate"), [2000, 10000], "the whole adds the rest")
    case.equal(summary(machine.must("import", "--json", "whole.json"), "new", "duplicate"), [0, 12000], "and then nothing")


def setup(case):
    """What lies in ActivityWatch's usual places is found, told, brought, and then left alone."""
    machine = case.machine("one")
    data = machine.home / ".local/share/activitywatch"
    steps = lambda *words: [[step["status"], step["detail"]] for step in machine.must("setup", *words, "--json").json()["steps"]
                            if step["step"] == "activitywatch"]

    case.equal(steps("list"), [], "where there is nothing, nothing is said")
    case.equal([status for status, _ in steps("activitywatch")], ["skipped"], "unless somebody asks")
    rust = sample(data / "aw-server-rust/sqlite.db", "rust_v5", "WAL")
    sample(data / "aw-server/peewee-sqlite.v2.db", "peewee_v2")
    settings = machine.home / ".config/activitywatch/aw-server/settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"startOfDay": "05:00", "theme": "dark"}')
    before = hashes(machine.home / ".local/share/activitywatch")

    case.equal([status for status, _ in steps("list")], ["missing"], "the overview says that there is something")
    told = steps("activitywatch")
    case.equal([status for status, _ in told], ["missing"] * 3, "each is told")
    for status, detail in told:
        words = detail[detail.index("'tt ") + 4:-1].split()
        case.equal(machine.tt(*words, "--dry-run").status, 0, f"the command that is named works: {' '.join(words[:-1])}")
    case.equal([status for status, _ in steps("activitywatch", "--import")], ["done"] * 3, "all are brought")
    case.equal(len(machine.ids()), SAMPLE_EVENTS, "one history, once")
    case.equal([status for status, _ in steps("activitywatch", "--import")], ["unchanged"] * 3, "twice does nothing")
    case.equal([status for status, _ in steps("list")], ["done"], "the overview knows")
    case.equal(hashes(machine.home / ".local/share/activitywatch"), before, "nothing of ActivityWatch has changed")
    base = sqlite3.connect(rust)
    base.execute("INSERT INTO events (bucketrow, starttime, endtime, data) VALUES (1, 1767700000000000000, 1767700000000000000, '{}')")
    base.commit()  # and stays in the log
    case.ok("has grown" in steps("activitywatch")[0][1], "what has grown since is told")
    case.equal([status for status, _ in steps("activitywatch", "--import")], ["done", "unchanged", "unchanged"], "and brought")
    base.close()
    case.equal(len(machine.ids()), SAMPLE_EVENTS + 1, "what is new of it")
    case.ok(machine.verified()[0], "the store is sound")


def killed(case):
    """Killed at any moment, an import is done again, and nothing is there twice."""
    machine = case.machine("one")
    base = sqlite3.connect(sample(machine.home / "big.db", "rust_v5"))
    base.execute("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) INSERT INTO events"
                 " (bucketrow, starttime, endtime, data) SELECT 4, i * 1000000000, i * 1000000000, '{\"n\":' || (i % 100) || '}' FROM n")
    base.commit()
    base.close()
    before = hashlib.sha256((machine.home / "big.db").read_bytes()).hexdigest()
    for wait in (0.02, 0.05, 0.1, 0.2):
        child = machine.start("-q", "import", "big.db")
        time.sleep(wait)
        child.kill()
        child.wait()
        case.ok(machine.verified()[0] or not machine.store.exists(), f"killed after {wait} s: the store is sound")
    result = machine.must("import", "--json", "big.db").json()
    case.equal(result["new"] + result["duplicate"], 60000 + SAMPLE_EVENTS + 1, "then everything is read")
    case.equal(len(machine.ids()), 60000 + SAMPLE_EVENTS, "and is there once")
    case.equal(hashlib.sha256((machine.home / "big.db").read_bytes()).hexdigest(), before, "the source is as it was")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    run([formats, no_identity, cut_short, setup, killed, real_server])

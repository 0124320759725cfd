#!/usr/bin/env python3
"""The server and its store: what is answered is on disk, whoever else writes, whatever is killed, and whichever file has its name."""
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "api"))

from api import BUCKET, Server  # noqa: E402
from lib import Skip, focus_line, run, seeded  # noqa: E402

WRITERS = 6
STORM_ROUNDS = 5
LONG_WAIT_S = 3  # an import of IMPORTED events takes longer where nobody is let in between
IMPORTED = 400000


def event(number):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1770000000 + number))
    return {"timestamp": at, "duration": 1, "data": {"n": number}}


class Client(threading.Thread):
    """One kept connection; does `step(self)` again and again until it is told to stop or the server is gone."""

    def __init__(self, server, number):
        super().__init__()
        self.server = server
        self.number = number
        self.next = 0
        self.stopped = False
        self.refused = []
        self.waits = [0]
        self.bucket = f"b{number}"
        self.events = set()   # acknowledged
        self.deleted = set()  # acknowledged; of those in doubt nothing is known
        self.doubt = set()
        self.settings = {}
        self.setting_doubt = set()
        self.beats = -1
        self.connection = server.connect()

    def send(self, method, path, body=None):
        """Its answer, or None: refused, or nobody knows what became of it."""
        began = time.monotonic()
        try:
            text = None if body is None else json.dumps(body).encode()
            self.connection.request(method, "/api/0" + path, text, {"Content-Type": "application/json"})
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.stopped = True
            return None
        self.waits.append(time.monotonic() - began)
        if answer.status in (200, 201):
            return text
        self.refused.append((answer.status, text[:200]))
        return None

    def run(self):
        while not self.stopped:
            self.step()
        self.connection.close()

    def step(self):
        (self.post, self.beat, self.post, self.set, self.imported, self.remove)[self.next % 6]()
        self.next += 1

    def post(self):
        number = self.number * 1000000 + self.next
        self.doubt.add(number)
        if self.send("POST", f"/buckets/{self.bucket}/events", event(number)) is not None:
            self.doubt.discard(number)
            self.events.add(number)

    def imported(self):
        number = self.number * 1000000 + self.next
        self.doubt.add(number)
        export = {"buckets": {self.bucket: {**BUCKET, "id": self.bucket, "events": [event(number)]}}}
        if self.send("POST", "/import", export) is not None:
            self.doubt.discard(number)
            self.events.add(number)

    def beat(self):
        """One heartbeat that grows by a second each time."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1760000000 + self.beats + 1))
        beat = {"timestamp": at, "duration": 0, "data": {"beat": True}}
        if self.send("POST", f"/buckets/{self.bucket}-beats/heartbeat?pulsetime=2", beat) is not None:
            self.beats += 1

    def set(self):
        self.setting_doubt.add(self.next)
        if self.send("POST", f"/settings/s{self.number}", self.next) is not None:
            self.settings = {f"s{self.number}": self.next}
            self.setting_doubt = set()

    def remove(self):
        text = self.send("GET", f"/buckets/{self.bucket}/events?limit=1")
        found = json.loads(text) if text else []
        if not found:
            return
        number = found[0]["data"]["n"]
        self.doubt.add(number)
        self.events.discard(number)
        if self.send("DELETE", f"/buckets/{self.bucket}/events/{found[0]['id']}") is not None:
            self.doubt.discard(number)
            self.deleted.add(number)


def start_clients(server, rounds):
    clients = [Client(server, rounds * WRITERS + number) for number in range(WRITERS)]
    for client in clients:
        for name in (client.bucket, client.bucket + "-beats"):
            server.bucket(name)
    for client in clients:
        client.start()
    return clients


def faults_of(server, client):
    """What the server has of CLIENT's that differs from what it acknowledged."""
    numbers = [row["data"]["n"] for row in server.events(client.bucket, "?limit=-1")]
    beats = server.events(client.bucket + "-beats", "?limit=-1")
    grown = beats[0]["duration"] if beats else -1
    faults = [f"lost: {sorted(client.events - set(numbers))[:5]}"] if client.events - set(numbers) else []
    faults += [f"back again: {sorted(client.deleted & set(numbers))[:5]}"] if client.deleted & set(numbers) else []
    faults += [f"never sent: {set(numbers) - client.events - client.doubt}"] if set(numbers) - client.events - client.doubt else []
    faults += ["something twice"] if len(numbers) != len(set(numbers)) else []
    faults += [f"beats: {grown} of {client.beats}"] if len(beats) > 1 or grown not in (client.beats, client.beats + 1) else []
    for key, value in client.settings.items():
        got = server.get(f"/0/settings/{key}").json
        faults += [f"{key}: {got} for {value}"] if got != value and got not in client.setting_doubt else []
    return faults


def storm(case, end, words):
    random = seeded(words)
    server = Server(case)
    clients = []
    for number in range(STORM_ROUNDS):
        now = start_clients(server, number)
        time.sleep(random.uniform(0.1, 0.6))
        end(server)
        for client in now:
            client.join()
        clients += now
        case.ok({status for client in now for status, _ in client.refused} <= {503}, "nobody is told nonsense",
                [client.refused[:1] for client in now])
        server.start()
    faults = {client.bucket: faults_of(server, client) for client in clients}
    case.ok(sum(client.next for client in clients) > 100, "there was a load", sum(client.next for client in clients))
    case.equal({name: fault for name, fault in faults.items() if fault}, {}, "what was acknowledged is there, and nothing else")
    case.equal(server.stop(), 0, "it ends well")
    case.ok(*reversed(["the store is sound", server.machine.verified()[0]]))


def killed(case):
    """kill -9 under events, heartbeats, settings, imports and deletions."""
    storm(case, Server.kill, "killed")


def ended(case):
    """SIGTERM under the same."""
    storm(case, lambda server: case.equal(server.stop(), 0, "it ends well"), "ended")


def synced(case):
    """Between the last byte of the log and the answer there is a sync, for every write."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    server = Server(case)
    server.bucket()
    trace = case.top / "trace"
    tracer = subprocess.Popen(["strace", "-f", "-y", "-qq", "-o", trace, "-e", "trace=pwrite64,fsync,fdatasync,sendmsg,sendto,write,writev",
                               "-p", str(server.child.pid)], stderr=subprocess.PIPE)
    case.cleanups.append(tracer.kill)
    attached = time.monotonic() + 10
    while "TracerPid:\t0" in Path(f"/proc/{server.child.pid}/status").read_text():
        if tracer.poll() is not None:
            raise Skip(f"strace may not look: {tracer.stderr.read().decode()[:200]}")
        assert time.monotonic() < attached
        time.sleep(0.02)
    time.sleep(0.3)  # its threads too
    for number in range(5):
        case.equal(server.post("/0/buckets/b/events", event(number)).status, 200, f"event {number} is taken")
        case.equal(server.post("/0/buckets/b/heartbeat?pulsetime=0.1", event(1000 + 5 * number)).status, 200, f"heartbeat {number}")
    tracer.send_signal(signal.SIGINT)
    tracer.wait(20)
    written = answers = unsynced = 0
    for line in trace.read_text(errors="replace").splitlines():
        if "pwrite64(" in line and "tt.db-wal" in line:
            written, unsynced = written + 1, unsynced + 1
        elif re.search(r"f(data)?sync\(", line) and "tt.db-wal" in line:
            unsynced = 0
        elif "socket:" in line and "HTTP/1.1 200" in line:
            answers += 1
            if not case.equal(unsynced, 0, f"answer {answers} comes after the sync"):
                return
    case.ok(written > 0 and answers >= 10, "the log was written, and ten answers seen", f"{written} {answers}")


def others_write(case):
    """A long import beside heartbeats: nobody waits for all of it, and nobody is refused."""
    server = Server(case)
    machine = server.machine
    clients = start_clients(server, 0)
    for client in clients:
        client.step = client.beat
    file = case.top / "long.jsonl"
    file.write_text("".join(focus_line(machine.id, number) for number in range(IMPORTED)))
    began = time.monotonic()
    machine.must("import", file)
    took = time.monotonic() - began
    for client in clients:
        client.stopped = True
    for client in clients:
        client.join()
    longest = max(max(client.waits) for client in clients)
    case.equal([client.refused for client in clients if client.refused], [], "no heartbeat is refused")
    case.equal([faults_of(server, client) for client in clients if faults_of(server, client)], [], "and none is lost")
    case.ok(longest < max(took / 2, LONG_WAIT_S), f"the longest wait was {longest:.2f} s of {took:.2f} s")


def two(case):
    """Two servers on one store: each sees what the other was told."""
    first = Server(case)
    second = Server(case, machine=first.machine)
    clients = start_clients(first, 0) + start_clients(second, 1)
    time.sleep(1)
    for client in clients:
        client.stopped = True
    for client in clients:
        client.join()
    case.equal([client.refused[:1] for client in clients if client.refused], [], "nobody is refused")
    for client in clients:
        other = second if client.server is first else first
        case.equal(faults_of(other, client), [], f"{client.bucket}, seen from the other one")


def replaced(case):
    """Another file gets the store's name: what is acknowledged from then on is in that one."""
    server = Server(case)
    server.bucket()
    case.equal(server.post("/0/buckets/b/events", event(1)).status, 200, "an event")
    copy = case.top / "copy.db"
    server.machine.must("backup", copy)
    case.equal(server.post("/0/buckets/b/events", event(2)).status, 200, "another one")
    query = {"timeperiods": ["2026-01-01T00:00:00Z/2027-01-01T00:00:00Z"], "query": ['RETURN = query_bucket("b");']}
    case.equal(len(server.post("/0/query/", query).json[0]), 2, "a query has both")
    refused = server.machine.tt("restore", copy)
    case.ok(refused.status == 1 and "in use" in refused.err, "tt restore refuses while the server runs", refused)
    for name in ("tt.db-wal", "tt.db-shm"):
        (server.machine.data / name).unlink()
    os.rename(copy, server.machine.store)
    numbers = [row["data"]["n"] for row in server.events()]
    case.equal(numbers, [1], "readers have the new file")
    case.equal(len(server.post("/0/query/", query).json[0]), 1, "queries too")
    case.equal(server.post("/0/buckets/b/events", event(3)).status, 200, "a third one")
    server.again()
    case.equal(sorted(row["data"]["n"] for row in server.events()), [1, 3], "which is in the new file")
    for path in server.machine.data.glob("tt.db*"):
        path.unlink()
    gone = server.post("/0/buckets/b/events", event(4))
    case.ok(gone.status == 500 and "message" in gone.json, "without a file nothing is acknowledged", gone)
    case.equal(server.get("/readyz").status, 500, "and it is not ready")
    case.equal(server.get("/healthz").status, 200, "but alive")


def not_ready(case):
    """/readyz says whether the store can be written, and sees when it can be again."""
    server = Server(case)
    server.bucket()
    ready = server.ask("GET", "/readyz")
    case.equal(ready.status, 200, "ready")
    pid = str(server.child.pid)
    subprocess.run(["prlimit", "--pid", pid, "--fsize=4096:unlimited"], check=True, capture_output=True)
    case.ok(server.post("/0/buckets/b/events", event(1)).status >= 500, "a write fails")
    case.ok(server.ask("GET", "/readyz").status >= 500, "not ready")
    subprocess.run(["prlimit", "--pid", pid, "--fsize=unlimited:unlimited"], check=True, capture_output=True)
    case.equal(server.ask("GET", "/readyz").status, 200, "ready again, without a write in between")
    case.equal(server.post("/0/buckets/b/events", event(2)).status, 200, "and it is true")


SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[0-9.e+-]+|\+Inf|NaN)$')


def metrics(case):
    """The text that Prometheus reads: types before samples, histograms that add up."""
    server = Server(case)
    server.bucket()
    server.post("/0/buckets/b/events", event(1))
    server.get("/nowhere")
    text = server.ask("GET", "/metrics").body.decode()
    types, series, wrong = {}, {}, []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            wrong += [line] if name in types else []
            types[name] = kind
        elif not line.startswith("# HELP "):
            match = SAMPLE.match(line)
            family = re.sub(r"_(bucket|sum|count)$", "", match[1]) if match else ""
            if not match or not (types.get(match[1]) or types.get(family) == "histogram") or (match[1], match[2]) in series:
                wrong.append(line)
            else:
                series[match[1], match[2]] = float(match[3])
    case.equal(wrong, [], "every line is understood, each series is there once")
    counts = {key: value for key, value in series.items() if key[0].endswith("_seconds_count")}
    for (name, labels), value in counts.items():
        plain = [series[key] for key in series if key[0] == name.replace("_count", "_bucket") and
                 re.sub(r',?le="[^"]*"', "", key[1]) == (labels or "")]
        case.ok(plain == sorted(plain) and plain[-1] == value, f"{name}{{{labels or ''}}} adds up", plain)
    case.ok(text.endswith("\n") and len(counts) > 3, "and it ends with a line's end")


def many(case):
    """Two thousand connections that stay, each of which is answered."""
    server = Server(case)
    connections = [server.connect() for _ in range(2000)]
    try:
        for turn in range(2):
            for connection in connections:
                connection.request("GET", "/api/0/info")
            got = {connection.getresponse().read()[:1] for connection in connections}
            case.equal(got, {b"{"}, f"turn {turn}: all are answered")
    finally:
        for connection in connections:
            connection.close()
    with open(f"/proc/{server.child.pid}/status", encoding="ascii") as file:
        case.ok(True, re.search(r"VmRSS:\s*(\d+ kB)", file.read()).group(1) + " resident")


run([killed, ended, synced, others_write, two, replaced, not_ready, metrics, many])

#!/usr/bin/env python3
"""Two servers on one PostgreSQL store behind a balancer: they are as one, and what ends or breaks is not noticed, or said plainly."""
import contextlib
import http.client
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "api"))

from api import BUCKET, Server, lib  # noqa: E402

import pg  # noqa: E402
from balancer import Balancer  # noqa: E402

CLIENTS = 8
LIMIT_S = 60
ROUNDS = 2
EMAIL = "anna@example.org"


def wait_for(condition, what):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


def moment(second):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1760000000 + second))


class Cluster:
    """The servers, each a machine of its own, and the balancer in front of them."""

    def __init__(self, case, count=2):
        self.case = case
        self.balancer = Balancer()
        case.cleanups.append(self.balancer.close)
        self.servers = []
        for number in range(count):
            machine = case.machine(f"server{number}")
            machine.env.pop("TT_USER")
            machine.env["TT_SERVE_RATE"] = "1000000"
            self.servers.append(Server(case, machine=machine))
        self.admin = self.servers[0].machine
        self.key = self.make_key()
        self.listen()

    def listen(self):
        self.balancer.servers = [(server.host, server.port) for server in self.servers]

    def make_key(self, email=EMAIL, *words):
        return self.admin.must("serve", "generate-key", "--email", email, "--role", "write", "--json", *words).json()

    def connect(self):
        return http.client.HTTPConnection(self.balancer.host, self.balancer.port, timeout=LIMIT_S)

    def database(self):
        return re.search(r"@/(\w+)", self.case.database).group(1)

    def psql(self, sql):
        return self.case.suite.postgres.psql(sql, self.database())


def bearer(key):
    return {"Authorization": f"Bearer {key['key']}"}


def needs_postgres(case):
    if not case.database:
        raise lib.Skip("several servers need a store that they share: TT_TEST_STORE=postgres")


class Client(threading.Thread):
    """Events of one bucket, one after the other, over kept connections to the balancer."""

    def __init__(self, cluster, number, key, pause_s=0.0, again=False):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.key = bearer(key)
        self.bucket = f"b{number}"
        self.pause_s = pause_s
        self.again = again  # what failed is sent again
        self.next = 0       # events 0 to next - 1 are acknowledged
        self.beats = 0
        self.failed = []
        self.refused = []   # (status, Retry-After)
        self.longest_s = 0.0
        self.stopped = False
        self.connection = None

    def once(self, method, path, body):
        """The status; None: nobody knows what became of it."""
        began = time.monotonic()
        try:
            if not self.connection:
                self.connection = self.cluster.connect()
            self.connection.request(method, "/api/0" + path, json.dumps(body).encode(), {"Content-Type": "application/json", **self.key})
            answer = self.connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            self.connection = None
            self.failed.append(f"{method} {path}: {error!r}")
            return None
        self.longest_s = max(self.longest_s, time.monotonic() - began)
        if answer.status not in (200, 304):
            self.refused.append((answer.status, answer.headers.get("Retry-After")))
        return answer.status

    def send(self, method, path, body):
        while self.once(method, path, body) not in (200, 304):
            if not self.again or self.stopped:
                return False
            time.sleep(0.02)
        return True

    def run(self):
        ok = self.send("POST", f"/buckets/{self.bucket}", BUCKET) and self.send("POST", f"/buckets/{self.bucket}-beats", BUCKET)
        while ok and not self.stopped:
            if not self.send("POST", f"/buckets/{self.bucket}/events", {"timestamp": moment(self.next), "duration": 1, "data": {"n": self.next}}):
                break
            self.next += 1
            beat = {"timestamp": moment(self.beats + 1), "duration": 0, "data": {"b": 1}}
            if not self.send("POST", f"/buckets/{self.bucket}-beats/heartbeat?pulsetime=5", beat):
                break
            self.beats += 1
            time.sleep(self.pause_s)
        if self.connection:
            self.connection.close()


def start(clients):
    for client in clients:
        client.start()
    wait_for(lambda: all(client.next > 3 or client.failed or client.refused for client in clients), "everybody writes")


def finish(clients):
    for client in clients:
        client.stopped = True
    for client in clients:
        client.join(LIMIT_S)


def stored(cluster, client):
    """The numbers in the client's bucket, and how many seconds its heartbeats last."""
    events = cluster.servers[0].get(f"/0/buckets/{client.bucket}/events", headers=client.key).json
    beats = cluster.servers[0].get(f"/0/buckets/{client.bucket}-beats/events", headers=client.key).json
    return sorted(one["data"]["n"] for one in events), sum(one["duration"] for one in beats)


def check_stored(case, cluster, clients, exactly):
    """All that was acknowledged is there; what was not may be, unless EXACTLY."""
    wrong = []
    for client in clients:
        numbers, seconds = stored(cluster, client)
        acknowledged = list(range(client.next))
        if exactly and numbers != acknowledged or not set(acknowledged) <= set(numbers):
            wrong.append(f"{client.bucket}: {len(acknowledged)} acknowledged, {len(numbers)} stored")
        if client.beats > 1 and seconds < client.beats - 1:
            wrong.append(f"{client.bucket}: heartbeats over {client.beats - 1} s, {seconds} s stored")
    case.equal(wrong, [], f"{sum(client.next + client.beats for client in clients)} acknowledged, all of it is there")


def as_one(case):
    """What one does the other knows: keys, data, heartbeats that go now here, now there."""
    needs_postgres(case)
    cluster = Cluster(case)
    one, two = cluster.servers
    key = bearer(cluster.key)
    case.equal([server.get("/0/buckets", headers=key).status for server in (one, two)], [200, 200], "a key is good at both")
    case.equal(one.post("/0/buckets/w", BUCKET, headers=key).status, 200, "a bucket is made at one")
    for number in range(20):
        server = cluster.servers[number % 2]
        answer = server.post("/0/buckets/w/heartbeat?pulsetime=5", {"timestamp": moment(number), "duration": 0, "data": {"a": 1}}, headers=key)
        assert answer.status == 200, answer
    for server in (one, two):
        events = server.get("/0/buckets/w/events", headers=key).json
        case.equal([round(event["duration"]) for event in events], [19], "heartbeats at both are one event")
    for number in range(6):
        one.post(f"/0/settings/k{number}", number, headers=key)
        case.equal(two.get(f"/0/settings/k{number}", headers=key).json, number, "what one has answered the other sees")
    another = cluster.make_key()
    case.equal([server.get("/0/buckets", headers=bearer(another)).status for server in (one, two)], [200, 200], "another key")
    cluster.admin.must("serve", "revoke", another["key_id"])
    wait_for(lambda: [server.get("/0/buckets", headers=bearer(another)).status for server in (one, two)] == [401, 401], "revoked at both")
    case.equal([server.get("/0/buckets", headers=key).status for server in (one, two)], [200, 200], "the first is good still")
    stranger = cluster.make_key("bert@example.org")
    case.equal([server.get("/0/buckets", headers=bearer(stranger)).json for server in (one, two)], [{}, {}], "another person sees nothing of it")


def rolling(case):
    """Each server is restarted under load: no request fails, and nothing is lost or done twice."""
    needs_postgres(case)
    cluster = Cluster(case)
    keys = [cluster.make_key(f"person{number}@example.org") for number in range(3)]
    clients = [Client(cluster, number, keys[number % 3], pause_s=(0, 0.005, 0.05, 0.3)[number % 4]) for number in range(CLIENTS)]
    start(clients)
    for _ in range(ROUNDS):
        for server in cluster.servers:
            before = [client.next for client in clients]
            case.equal(server.stop(), 0, "ended")
            server.kill()
            server.start()
            cluster.listen()
            wait_for(lambda seen=tuple(before): all(client.next > past + 2 or not client.is_alive() for client, past in zip(clients, seen)), "all go on")
    finish(clients)
    case.equal([client.failed for client in clients if client.failed], [], "no request was cut")
    case.equal([client.refused for client in clients if client.refused], [], "none was refused")
    check_stored(case, cluster, clients, True)


def killed(case):
    """kill -9 of a server, all sessions of PostgreSQL terminated: what was acknowledged is there, what was not is said at once."""
    needs_postgres(case)
    cluster = Cluster(case)
    keys = [cluster.make_key(f"person{number}@example.org") for number in range(3)]
    clients = [Client(cluster, number, keys[number % 3], again=True) for number in range(CLIENTS)]
    start(clients)

    def go_on():
        before = [client.next for client in clients]
        wait_for(lambda: all(client.next > past + 2 for client, past in zip(clients, before)), "all go on")

    for number in range(ROUNDS):
        cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = 'tt'")
        go_on()
        server = cluster.servers[number % 2]
        server.kill()
        server.start()
        cluster.listen()
        go_on()
    finish(clients)
    statuses = {refused for client in clients for refused in client.refused}
    case.ok(statuses <= {(503, "1")}, "who was refused was told to try again", statuses)
    case.ok(max(client.longest_s for client in clients) < 20, "nobody waited for long", [client.longest_s for client in clients])
    check_stored(case, cluster, clients, False)


def away(case):
    """PostgreSQL is gone for a while: 503 at once, also of /readyz; it comes back by itself."""
    needs_postgres(case)
    cluster = Cluster(case)
    server, key = cluster.servers[0], bearer(cluster.key)
    server.post("/0/buckets/b", BUCKET, headers=key)
    case.equal(server.get("/readyz").status, 200, "ready")
    postgres = case.suite.postgres
    postgres.stop()
    try:
        for _ in range(3):
            for method, path, *body in (("GET", "/0/buckets"), ("POST", "/0/buckets/b/heartbeat?pulsetime=1", {"timestamp": moment(0), "data": {}}),
                                        ("GET", "/readyz")):
                began = time.monotonic()
                answer = server.ask(method, path, *body, headers=key)
                case.ok(answer.status == 503 and answer.headers.get("Retry-After") == "1" and time.monotonic() - began < 10, f"{method} {path}: 503", answer)
        case.equal(server.get("/healthz").status, 200, "it is alive")
    finally:
        postgres.start()
    wait_for(lambda: server.get("/readyz").status == 200, "ready again")
    wait_for(lambda: server.post("/0/buckets/b/heartbeat?pulsetime=1", {"timestamp": moment(0), "data": {}}, headers=key).status == 200, "it writes")
    case.equal(len(server.get("/0/buckets/b/events", headers=key).json), 1, "once")


@contextlib.contextmanager
def held(cluster, sql):
    """What SQL locks is locked meanwhile."""
    postgres = cluster.case.suite.postgres
    sleeping = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    holder = subprocess.Popen([pg.bindir() / "psql", "-X", "-q", "-h", postgres.sockets, "-p", str(postgres.port), "-U", pg.SUPERUSER, "-d", cluster.database(),
                               "-c", f"BEGIN; {sql}; SELECT pg_sleep(600)"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **pg.owner())
    try:
        wait_for(lambda: cluster.psql(sleeping.replace("pg_terminate_backend(pid)", "count(*)")) == "1", "the lock is held")
        yield
    finally:
        cluster.psql(sleeping)
        holder.kill()
        holder.wait()


def hot_rows(case):
    """While somebody else writes for one person, the others do not wait."""
    needs_postgres(case)
    cluster = Cluster(case, 1)
    server = cluster.servers[0]
    keys = {name: bearer(cluster.make_key(f"{name}@example.org")) for name in ("anna", "bert", "carl", "dora")}
    for key in keys.values():
        assert server.post("/0/buckets/b", BUCKET, headers=key).status == 200
    lock = "SELECT * FROM tidemark.store_state WHERE user_no = (SELECT user_no FROM tidemark.\"user\" WHERE email = 'anna@example.org') FOR UPDATE"
    answers = []

    def beat():
        while answers[-1:] != [200]:
            answers.append(server.post("/0/buckets/b/heartbeat?pulsetime=5", {"timestamp": moment(0), "data": {}}, headers=keys["anna"]).status)

    waiting = threading.Thread(target=beat)
    with held(cluster, lock):
        waiting.start()
        for number in range(10):
            for name in ("bert", "carl", "dora"):
                answer = server.post("/0/buckets/b/heartbeat?pulsetime=5", {"timestamp": moment(number), "data": {}}, headers=keys[name])
                assert answer.status == 200, f"{name}: {answer}"
        case.ok(waiting.is_alive() and 200 not in answers, "the others were answered, the one who is written for waits", answers)
    waiting.join(LIMIT_S)
    case.ok(answers[-1] == 200 and set(answers) <= {200, 503}, "until it is their turn", answers)
    case.equal(len(server.get("/0/buckets/b/events", headers=keys["anna"]).json), 1, "it is there")


def long_queries(case):
    """Queries that wait for the database leave a reader to everybody else's short requests, and one to other people's queries."""
    needs_postgres(case)
    cluster = Cluster(case, 1)
    server = cluster.servers[0]
    keys = {name: bearer(cluster.make_key(f"{name}@example.org")) for name in ("anna", "bert", "carl")}
    for key in keys.values():
        assert server.post("/0/buckets/b", BUCKET, headers=key).status == 200
        assert server.post("/0/buckets/b/events", {"timestamp": moment(0), "duration": 1, "data": {"n": 1}}, headers=key).status == 200
    program = {"timeperiods": [f"{moment(-10)}/{moment(10)}"], "query": ['RETURN = query_bucket("b");']}
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'tt'"
    answers, threads = [], []

    def ask(name):
        """Who has waited for too long is told to ask again."""
        while (status := server.post("/0/query", program, headers=keys[name]).status) == 503:
            pass
        answers.append((name, status))

    def ask_all(name, count):
        for _ in range(count):
            threads.append(threading.Thread(target=ask, args=(name,)))
            threads[-1].start()

    with held(cluster, "LOCK TABLE tidemark.dict IN ACCESS EXCLUSIVE MODE"):
        ask_all("anna", 6)
        wait_for(lambda: cluster.psql(waiting) == "2", "two of hers are at work")
        ask_all("bert", 3)
        wait_for(lambda: cluster.psql(waiting) == "3", "and one of his")
        for name, key in keys.items():
            for path in ("/0/settings", "/0/buckets", "/0/buckets/b"):
                case.equal(server.get(path, headers=key).status, 200, f"{path} of {name} waits for none of them")
                case.ok(int(cluster.psql(waiting)) <= 3, "no more of them are at work", cluster.psql(waiting))
        case.equal(answers, [], "which wait still")
    for thread in threads:
        thread.join(LIMIT_S)
    case.equal(sorted(answers), [("anna", 200)] * 6 + [("bert", 200)] * 3, "then all are answered")


if __name__ == "__main__":
    sys.exit(lib.run([as_one, rolling, killed, away, hot_rows, long_queries]))

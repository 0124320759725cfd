#!/usr/bin/env python3
"""A PostgreSQL primary with a synchronous standby, two servers in front: the primary is killed, the standby promoted. Nobody is told
anything but to try again, and what was acknowledged is there.

    test_pg_failover.py TT [FUNCTION…]
"""
import http.client
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "api"))

from api import BUCKET, Server, lib  # noqa: E402

import pg  # noqa: E402

CLIENTS = 8
LIMIT_S = 120
DATABASE = "store"


class Pair:
    """A primary and a standby that has every commit before it is acknowledged."""

    def __init__(self, case):
        pg.bindir()
        self.place = pg.Place()
        case.cleanups.append(self.place.remove)
        self.primary = pg.Cluster(self.place.path, "primary").init().start()
        case.cleanups.append(lambda: self.primary.signal(pg.signal.SIGQUIT))
        self.primary.make_role()
        self.primary.make_database(DATABASE)
        self.standby = pg.Cluster(self.place.path, "standby").init_standby_of(self.primary, "standby").start()
        case.cleanups.append(lambda: self.standby.signal(pg.signal.SIGQUIT))
        # From now on: a standby that is not there would hold up the first commit.
        self.primary.psql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        self.primary.psql("SELECT pg_reload_conf()")
        wait_for(lambda: self.primary.psql("SELECT sync_state FROM pg_stat_replication") == "sync", "the standby is synchronous")

    def url(self, **words):
        """Of whichever of the two takes writes."""
        ports = f"{self.primary.port},{self.standby.port}"
        sockets = f"{self.place.path},{self.place.path}"
        return f"postgresql://{pg.ROLE}@/{DATABASE}?host={sockets}&port={ports}" + "".join(f"&{key}={words[key]}" for key in words)

    def fail_over(self):
        self.standby.promote()


def wait_for(condition, what):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


class Client(threading.Thread):
    """Events and heartbeats of a bucket of its own, each of them until it is acknowledged."""

    def __init__(self, server, number):
        super().__init__(daemon=True)
        self.server = server
        self.number = number
        self.bucket = f"b{number}"
        self.next = 0  # events 0 to next - 1 are acknowledged
        self.beats = 0
        self.refused = []  # (status, Retry-After)
        self.cut = 0
        self.longest_s = 0.0
        self.stopped = False

    def send(self, path, body):
        """Until it is acknowledged, or it is time to stop; False then."""
        while not self.stopped:
            began = time.monotonic()
            try:
                answer = self.server.post(path, body)
            except (OSError, http.client.HTTPException):
                self.cut += 1
                time.sleep(0.05)
                continue
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            if answer.status == 200:
                return True
            self.refused.append((answer.status, answer.headers.get("Retry-After")))
            time.sleep(0.05)
        return False

    def run(self):
        while not self.stopped:
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1760000000 + self.next))
            if not self.send(f"/0/buckets/{self.bucket}/events", {"timestamp": at, "duration": 1, "data": {"n": self.next}}):
                return
            self.next += 1
            beat = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1760000000 + self.beats + 1))
            if not self.send(f"/0/buckets/{self.bucket}-beats/heartbeat?pulsetime=2", {"timestamp": beat, "duration": 0, "data": {"b": 1}}):
                return
            self.beats += 1


def machine_on(case, url, name="server"):
    machine = case.machine(name, identity=False)
    machine.use(url, "ana@example.org")
    machine.init()
    return machine


def start_clients(servers):
    clients = [Client(servers[number % len(servers)], number) for number in range(CLIENTS)]
    for client in clients:
        for name in (client.bucket, client.bucket + "-beats"):
            assert client.server.post(f"/0/buckets/{name}", BUCKET).status == 200
    for client in clients:
        client.start()
    return clients


def faults_of(server, client):
    """What differs from what CLIENT was told. One event, the last, may be there without an acknowledgement; one that was sent again
    may be there twice, when the first answer was lost."""
    numbers = [row["data"]["n"] for row in server.events(client.bucket, "?limit=-1")]
    lost = sorted(set(range(client.next)) - set(numbers))
    faults = [f"lost: {lost[:5]}"] if lost else []
    faults += [f"never sent: {max(numbers)} of {client.next}"] if numbers and max(numbers) > client.next else []
    twice = len(numbers) - len(set(numbers))
    faults += [f"{twice} twice, {client.cut} cut, {len(client.refused)} refused"] if twice > client.cut + len(client.refused) else []
    beats = server.events(client.bucket + "-beats", "?limit=-1")
    grown = beats[0]["duration"] + 1 if beats else 0
    faults += [f"beats: {len(beats)}, {grown} of {client.beats}"] if len(beats) > 1 or grown not in (client.beats, client.beats + 1) else []
    return faults


def primary_killed(case):
    """kill -9 of the primary under load, promotion: retries, and nothing that was acknowledged is lost."""
    pair = Pair(case)
    machine = machine_on(case, pair.url(target_session_attrs="read-write"))
    servers = [Server(case, machine=machine), Server(case, machine=machine)]
    clients = start_clients(servers)
    wait_for(lambda: all(client.next >= 20 for client in clients), "every client is served")
    before = [len(client.refused) for client in clients]
    case.equal(before, [0] * CLIENTS, "nobody is refused while all is well")
    pair.primary.kill()
    wait_for(lambda: all(client.refused for client in clients), "every client is refused while there is no primary")
    for server in servers:
        case.equal(server.ask("GET", "/healthz").status, 200, "the server lives")
        case.ok(server.ask("GET", "/readyz").status == 503, "and is not ready")
    pair.fail_over()
    acknowledged = [client.next for client in clients]
    wait_for(lambda: all(client.next >= told + 20 for client, told in zip(clients, acknowledged)), "every client is served again")
    for client in clients:
        client.stopped = True
    for client in clients:
        client.join()
    statuses = {status for client in clients for status, _ in client.refused}
    case.equal(statuses, {503}, "whoever was refused was told to come again")
    case.ok(all(after and after.isdigit() for client in clients for _, after in client.refused), "and when")
    case.equal(sum(client.cut for client in clients), 0, "no connection was cut")
    faults = {client.bucket: faults_of(servers[0], client) for client in clients}
    case.equal({name: fault for name, fault in faults.items() if fault}, {}, "all that was acknowledged is there, and nothing else")
    case.ok(True, f"longest wait {max(client.longest_s for client in clients):.2f} s, {sum(client.next for client in clients)} events")
    case.equal([server.ask("GET", "/readyz").status for server in servers], [200, 200], "both are ready")
    case.ok(*reversed(["the store is sound", machine.verified()[0]]))
    case.equal([server.stop() for server in servers], [0, 0], "both end well")


def restarted(case):
    """The database is restarted again and again: servers find it again by themselves."""
    pair = Pair(case)
    pair.primary.psql("ALTER SYSTEM RESET synchronous_standby_names")
    pair.primary.psql("SELECT pg_reload_conf()")
    server = Server(case, machine=machine_on(case, pair.primary.url(DATABASE)))
    clients = start_clients([server])
    for turn in range(3):
        told = [client.next for client in clients]
        wait_for(lambda told=told: all(client.next >= before + 10 for client, before in zip(clients, told)), f"turn {turn}: served")
        pair.primary.stop()
        pair.primary.start()
    told = [client.next for client in clients]
    wait_for(lambda: all(client.next >= before + 10 for client, before in zip(clients, told)), "served in the end")
    for client in clients:
        client.stopped = True
    for client in clients:
        client.join()
    case.ok({status for client in clients for status, _ in client.refused} <= {503}, "whoever was refused was told to come again")
    faults = {client.bucket: faults_of(server, client) for client in clients}
    case.equal({name: fault for name, fault in faults.items() if fault}, {}, "all that was acknowledged is there, and nothing else")


def commands_too(case):
    """What `tt` says while there is no database, and that it works again."""
    pair = Pair(case)
    machine = machine_on(case, pair.url(target_session_attrs="read-write"))
    machine.bulk(0, 50)
    want = machine.events()
    case.equal(len(want.splitlines()), 50, "fifty events")
    pair.primary.kill()
    result = machine.tt("status")
    case.ok(result.status == 1 and "tt: " in result.err and str(pair.place.path) in result.err, "tt says what it cannot reach", result)
    pair.fail_over()
    case.equal(machine.events(), want, "all of them are there")
    machine.bulk(50, 50)
    case.equal(len(machine.ids()), 100, "and more can be written")


def reads_from_a_replica(case):
    """A named replica answers what it can; a client's own writes are seen by it at once, and a replica that is gone is not missed."""
    pair = Pair(case)
    machine = machine_on(case, pair.primary.url(DATABASE))
    machine.env["TT_SERVE_READ_STORE"] = pair.standby.url(DATABASE)
    writing, other = Server(case, machine=machine), Server(case, machine=machine)

    def put(number):
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1760000000 + number))
        return writing.post("/0/buckets/b/events", {"timestamp": at, "duration": 1, "data": {"n": number}}).status

    def seen_by(server):
        return sorted(row["data"]["n"] for row in server.events("b", "?limit=-1"))

    writing.bucket()
    case.equal(put(1), 200, "an event")
    wait_for(lambda: seen_by(other) == [1], "the other server has it")
    pair.standby.psql("SELECT pg_wal_replay_pause()")
    wait_for(lambda: pair.standby.psql("SELECT pg_get_wal_replay_pause_state()") == "paused", "the replica stands still")
    case.equal(put(2), 200, "another one")
    case.equal(seen_by(writing), [1, 2], "who wrote it reads it")
    case.equal(seen_by(other), [1], "elsewhere it is as old as the replica: that is where it is read")
    pair.standby.psql("SELECT pg_wal_replay_resume()")
    wait_for(lambda: seen_by(other) == [1, 2], "the replica has it, and so has the other server")
    pair.primary.psql("ALTER SYSTEM RESET synchronous_standby_names")
    pair.primary.psql("SELECT pg_reload_conf()")
    pair.standby.kill()
    case.equal(put(3), 200, "without the replica: an event")
    case.equal([seen_by(writing), seen_by(other)], [[1, 2, 3]] * 2, "and everybody reads it")


if __name__ == "__main__":
    lib.run([primary_killed, restarted, commands_too, reads_from_a_replica])

#!/usr/bin/env python3
"""A server deletes what is older than its configuration keeps, of everybody, while everybody writes: on both databases."""
import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "api"))

from api import BUCKET, Server, lib  # noqa: E402

import pg  # noqa: E402

LIMIT_S = 300
OLD = 1514764800  # 2018-01-01, of which nothing is kept
DAYS = "400"
SLICE = 2000      # events in one transaction: more of them are several


def wait_for(condition, what):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


def stamp(second):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


class World:
    """COUNT servers of one store, that keep everything until `restart`."""

    def __init__(self, case, count=1):
        self.case = case
        self.servers = [Server(case, machine=case.machine(f"server{number}")) for number in range(count)]

    def restart(self):
        for server in self.servers:
            server.stop()
            server.kill()
            server.machine.env["TT_STORAGE_RETENTION_DAYS"] = DAYS
        for server in self.servers:
            server.start()

    def key(self, email):
        made = self.servers[0].machine.must("serve", "generate-key", "--email", email, "--role", "write", "--json").json()
        return {"Authorization": f"Bearer {made['key']}"}

    def fill(self, old, new, key=None):
        """OLD events that are to go, a quarter of a day apart from 2018 on, and NEW ones that are to stay."""
        server = self.servers[0]
        assert server.post("/0/buckets/b", BUCKET, headers=key).status in (200, 304)
        now = int(time.time())
        moments = [OLD + number * 900 for number in range(old)] + [now - number * 60 for number in range(new)]
        for first in range(0, len(moments), SLICE):
            part = [{"timestamp": stamp(at), "duration": 1, "data": {"n": number % 700}}
                    for number, at in enumerate(moments[first:first + SLICE])]
            assert server.post("/0/buckets/b/events", part, headers=key).status == 200

    def count(self, key=None, server=None):
        return (server or self.servers[0]).get("/0/buckets/b/events/count", headers=key).json

    def metric(self, name, server=None):
        text = (server or self.servers[0]).get("/metrics").body.decode()
        found = re.search(rf"^{name} (\S+)$", text, re.M)
        return float(found.group(1)) if found else None

    def database(self):
        return re.search(r"@/(\w+)", self.case.database).group(1)

    def sql(self, text):
        """One value, of all users."""
        if self.case.database:
            return self.case.suite.postgres.psql(text.replace("FROM ", "FROM tidemark."), self.database())
        store = sqlite3.connect(f"file:{self.servers[0].machine.store}?mode=ro", uri=True)
        try:
            return str(store.execute(text).fetchone()[0])
        finally:
            store.close()

    def log(self):
        return (self.case.top / "serve.log").read_text()

    def sound(self, email=None):
        server = self.servers[0]
        result = server.machine.tt("verify", env={"TT_USER": email} if email else None)
        self.case.ok(result.status == 0, "the store is sound", result)


class Beats(threading.Thread):
    """Heartbeats, one after the other, until `finish`."""

    def __init__(self, server, key=None):
        super().__init__(daemon=True)
        self.server = server
        self.key = key
        self.stopped = False
        self.sent = 0
        self.refused = []
        assert server.post("/0/buckets/beats", BUCKET, headers=key).status == 200
        self.began = int(time.time())

    def run(self):
        while not self.stopped:
            beat = {"timestamp": stamp(self.began + self.sent), "duration": 0, "data": {"b": 1}}
            answer = self.server.post("/0/buckets/beats/heartbeat?pulsetime=5", beat, headers=self.key)
            if answer.status != 200:
                self.refused.append(str(answer))
            self.sent += 1

    def finish(self, case):
        wait_for(lambda: self.sent > 2 or not self.is_alive(), "heartbeats")
        self.stopped = True
        self.join(LIMIT_S)
        case.equal(self.refused, [], f"{self.sent} heartbeats meanwhile, none was refused")
        events = self.server.get("/0/buckets/beats/events", headers=self.key).json
        case.equal([round(event["duration"]) for event in events], [self.sent - 1], "and they are one event")


def kept(case):
    """What is old goes by itself, and nothing else; it is counted, said, and leaves no tombstone."""
    world = World(case)
    world.fill(2 * SLICE + 500, 30)
    case.equal(world.count(), 2 * SLICE + 530, "everything is kept without the setting")
    world.restart()
    beats = Beats(world.servers[0])
    beats.start()
    wait_for(lambda: world.metric("tt_retention_last_run_timestamp_seconds"), "a round has ended")
    beats.finish(case)
    case.equal(world.count(), 30, "what is young stays")
    case.equal(world.metric("tt_retention_deleted_events_total"), 2 * SLICE + 500, "what was deleted is counted")
    case.equal(world.metric("tt_retention_failures_total"), 0, "nothing failed")
    users = " of 1 user" if case.database else ""
    wait_for(lambda: "retention: " in world.log(), "it is said")
    case.ok(f"retention: {2 * SLICE + 500} events{users} older than 400 days deleted" in world.log(), "and how many", world.log())
    case.equal(world.sql("SELECT count(*) FROM tombstone"), "0", "no tombstones: others keep theirs")
    case.equal(world.sql("SELECT count(*) FROM dict"), "31", "data that nothing uses went, too")
    world.sound()
    world.servers[0].child.send_signal(signal.SIGHUP)
    wait_for(lambda: "read its configuration again" in world.log(), "another round")
    case.equal(world.count(), 30, "which finds nothing")


def months(case):
    """A month goes when nobody has anything left in it; those that were made ahead stay."""
    world = World(case)
    anna, bert = (world.key(f"{name}@example.org") for name in ("anna", "bert"))
    world.fill(SLICE, 3, anna)
    world.fill(10, 3, bert)
    count = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^event_h[0-7]_{}'"

    def parts(what):
        return int(case.suite.postgres.psql(count.format(what), world.database()))

    young = parts("20[2-9][0-9]_[0-9][0-9]$")
    case.equal([parts("2018_01$"), young > 8], [8, True], "there are months of both")
    world.restart()

    def gone():
        world.servers[0].child.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        return parts("2018_01$") == 0

    wait_for(gone, "the months of 2018 are dropped")
    case.equal(parts("20[2-9][0-9]_[0-9][0-9]$"), young, "the young ones are there, and those ahead")
    case.equal([world.count(anna), world.count(bert)], [3, 3], "and their events")
    world.fill(5, 0, bert)
    case.equal(world.count(bert), 8, "a month that was dropped is made again when it is needed")


def two_servers(case):
    """Of two servers one does it at a time: each event is deleted once, whoever does it."""
    world = World(case, 2)
    names = [f"person{number}@example.org" for number in range(4)]
    keys = [world.key(name) for name in names]
    for number, key in enumerate(keys):
        world.fill(SLICE + 100 * number, 5, key)
    world.restart()
    beats = [Beats(server, key) for server, key in zip(world.servers * 2, keys)]
    for one in beats:
        one.start()
    wait_for(lambda: [world.count(key) for key in keys] == [5] * 4, "everybody's old events are gone")
    for one in beats:
        one.finish(case)
    wait_for(lambda: sum(world.metric("tt_retention_deleted_events_total", server) for server in world.servers) >= 4 * SLICE + 600, "all are counted")
    case.equal(sum(world.metric("tt_retention_deleted_events_total", server) for server in world.servers), 4 * SLICE + 600, "each was deleted once")
    case.equal(sum(world.metric("tt_retention_failures_total", server) for server in world.servers), 0, "nothing failed")
    case.equal(world.sql("SELECT count(*) FROM tombstone"), "0", "no tombstones")
    case.equal(world.sql("SELECT sum(events) - 4 * 5 - 4 FROM store_state"), "0", "the counters are right")
    for name in names:
        world.sound(name)


def left_when_killed(world, old):
    """How many events are left of a server that was killed while it deleted OLD of them."""
    events = "SELECT events FROM store_state ORDER BY events DESC LIMIT 1"
    world.restart()
    wait_for(lambda: int(world.sql(events)) < old + 7, "it has begun")
    world.servers[0].kill()
    return int(world.sql(events))


def killed(case):
    """kill -9 in the middle: what was deleted is, what was not is later, and the store is sound."""
    world = World(case)
    old = 10 * SLICE
    world.fill(old, 7)
    left = left_when_killed(world, old)
    while left == 7:  # it was faster: more of them
        world.servers[0].machine.env["TT_STORAGE_RETENTION_DAYS"] = "0"
        world.servers[0].start()
        old *= 3
        world.fill(old, 0)
        left = left_when_killed(world, old)
    case.ok(7 < left < old + 7, "it was in the middle", left)
    world.sound()
    world.servers[0].start()
    wait_for(lambda: world.count() == 7, "the rest is deleted")
    wait_for(lambda: world.metric("tt_retention_last_run_timestamp_seconds"), "the round has ended")
    case.equal(world.metric("tt_retention_deleted_events_total"), left - 7, "no more than was left")
    world.sound()


@contextlib.contextmanager
def held(world, email):
    """Somebody writes for this user meanwhile."""
    postgres = world.case.suite.postgres
    sleeping = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    lock = f"SELECT 1 FROM tidemark.store_state WHERE user_no = (SELECT user_no FROM tidemark.\"user\" WHERE email = '{email}') FOR UPDATE"
    holder = subprocess.Popen([pg.bindir() / "psql", "-X", "-q", "-h", postgres.sockets, "-p", str(postgres.port), "-U", pg.SUPERUSER, "-d", world.database(),
                               "-c", f"BEGIN; {lock}; SELECT pg_sleep(600)"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **pg.owner())
    try:
        wait_for(lambda: postgres.psql(sleeping.replace("pg_terminate_backend(pid)", "count(*)"), world.database()) == "1", "the lock is held")
        yield
    finally:
        postgres.psql(sleeping, world.database())
        holder.kill()
        holder.wait()


def locked(case):
    """Who is being written for is left out, not waited for: the others' turn comes, and theirs later."""
    world = World(case)
    anna, bert, carl = (world.key(f"{name}@example.org") for name in ("anna", "bert", "carl"))
    for number, key in enumerate((anna, bert, carl)):
        world.fill(50 + number, 2, key)
    with held(world, "bert@example.org"):
        world.restart()
        wait_for(lambda: [world.count(anna), world.count(carl)] == [2, 2], "the others' old events are gone")
        case.equal(world.count(bert), 53, "nobody touches those of a user whose lock another has")
        case.equal(world.metric("tt_retention_last_run_timestamp_seconds"), None, "the round has not been through all users")

    def gone():
        world.servers[0].child.send_signal(signal.SIGHUP)
        time.sleep(0.1)
        return world.count(bert) == 2

    wait_for(gone, "theirs go when they are free")
    case.equal(world.metric("tt_retention_failures_total"), 0, "that is no failure")
    wait_for(lambda: world.metric("tt_retention_last_run_timestamp_seconds"), "a round has been through all users")
    case.equal(world.metric("tt_retention_deleted_events_total"), 153, "all are counted")


# Several servers, and several users, need a store that they share.
lib.run([kept, months, two_servers, killed, locked] if os.environ.get("TT_TEST_STORE") == "postgres" else [kept, killed])

#!/usr/bin/env python3
"""Sixteen writers on two servers of one PostgreSQL database, and four readers that tail the feed: whoever reads on from the cursor
they were given sees every committed change once, and misses none, also when a server is killed in mid-batch.

    TT_TEST_STORE=postgres test_pg_feed.py TT [FUNCTION…]
"""
import http.client
import json
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "api"))

from api import BUCKET, Server, lib  # noqa: E402

WRITERS = 16
READERS = 4
KILLS = 3
ROUNDS = 25
LIMIT_S = 300


class Writer(threading.Thread):
    """Lists of events, events one by one, deletions, and lists with something in them that is refused: all of it is undone then."""

    def __init__(self, servers, number, random):
        super().__init__(daemon=True)
        self.servers = servers
        self.number = number
        self.random = random
        self.bucket = f"w{number}"
        self.told = set()  # acknowledged
        self.doubt = set()  # sent, and no answer came
        self.void = set()  # refused, or of a request that was
        self.next = number * 1000000
        self.wrong = []

    def send(self, method, path, body=None):
        """The status; None: nobody knows what became of it."""
        server = self.servers[self.random.randrange(len(self.servers))]
        try:
            answer = server.post(path, body) if method == "POST" else server.ask(method, path)
        except (OSError, http.client.HTTPException, ValueError):
            time.sleep(0.05)
            return None
        if answer.status not in (200, 404, 422, 503):
            self.wrong.append(str(answer))
        return answer.status

    def event(self):
        self.next += 1
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1760000000 + self.next % 1000000))
        return self.next, {"timestamp": at, "duration": 1, "data": {"n": self.next}}

    def events(self):
        sent = [self.event() for _ in range(self.random.randrange(1, 40))]
        numbers = {number for number, _ in sent}
        body = [event for _, event in sent]
        bad = self.random.randrange(4) == 0
        if bad:
            body.append({"timestamp": "never", "duration": 1, "data": {}})
        status = self.send("POST", f"/0/buckets/{self.bucket}/events", body)
        if status == 200:
            self.told |= numbers
        elif status is None:
            self.doubt |= numbers
        else:
            self.void |= numbers
        if bad and status == 200:
            self.wrong.append("a bad event was taken")

    def remove(self):
        """The newest one."""
        try:
            found = self.servers[0].get(f"/0/buckets/{self.bucket}/events?limit=1").json
        except (OSError, http.client.HTTPException, ValueError):
            return
        if isinstance(found, list) and found:
            number = found[0]["data"]["n"]
            self.send("DELETE", f"/0/buckets/{self.bucket}/events/{found[0]['id']}")
            self.told.discard(number)
            self.doubt.add(number)

    def run(self):
        for _ in range(ROUNDS):
            time.sleep(self.random.uniform(0, 0.05))
            self.events() if self.random.randrange(4) else self.remove()


class Reader(threading.Thread):
    """`tt export --cursor`, again and again, from the cursor that the last one ended with."""

    def __init__(self, machine, done):
        super().__init__(daemon=True)
        self.machine = machine
        self.done = done
        self.cursor = 0
        self.seen = {}  # event id: its line, as it was seen last
        self.wrong = []
        self.rounds = 0

    def read_on(self):
        result = self.machine.tt("export", "--cursor", str(self.cursor), "--no-collect")
        lines = [json.loads(line) for line in result.out.splitlines()]
        if result.status != 0 or lines[-1].get("type") != "trailer":
            self.wrong.append(str(result))
            return
        for line in lines:
            if line.get("type") in ("header", "trailer", "tt.bucket"):
                continue
            before = self.seen.get(line["id"])
            if before and before.get("revision", 0) >= line.get("revision", 0):
                self.wrong.append(f"twice: {line}")
            self.seen[line["id"]] = line
        if lines[-1]["cursor"] < self.cursor:
            self.wrong.append(f"{self.cursor} before {lines[-1]}")
        self.cursor = lines[-1]["cursor"]
        self.rounds += 1

    def run(self):
        last = False
        while not last and not self.wrong:
            last = self.done.is_set()
            self.read_on()


def kept(lines):
    """Those that are not withdrawn, by id."""
    return {name: line["data"]["n"] if "data" in line else line["n"] for name, line in lines.items() if not line.get("deleted")}


def tail(case, machines, servers):
    """SERVERS[i] are of MACHINES[i]; writers and readers are shared out."""
    random = lib.seeded(f"feed of {len(machines)}")
    done = threading.Event()
    writers = [Writer(servers[number % len(machines)], number, __import__("random").Random(random.random())) for number in range(WRITERS)]
    readers = [Reader(machines[number % len(machines)], done) for number in range(READERS)]
    for writer in writers:
        assert writer.servers[0].post(f"/0/buckets/{writer.bucket}", BUCKET).status == 200
    for thread in writers + readers:
        thread.start()
    for _ in range(KILLS):
        time.sleep(random.uniform(0.2, 0.8))
        servers[0][1].again()
    for writer in writers:
        writer.join(LIMIT_S)
    done.set()
    for reader in readers:
        reader.join(LIMIT_S)
    case.equal([writer.wrong[:1] for writer in writers if writer.wrong], [], "writers are told what they should be")
    case.equal([reader.wrong[:1] for reader in readers if reader.wrong], [], "readers see nothing twice, and in order")
    case.ok(min(reader.rounds for reader in readers) > 2, "they read on", [reader.rounds for reader in readers])
    for number, reader in enumerate(readers):
        whole = Reader(reader.machine, done)
        whole.read_on()
        want, got = kept(whole.seen), kept(reader.seen)
        case.ok(got == want, f"reader {number}: as if read at once", f"{len(got)} of {len(want)}: {list(set(want.items()) ^ set(got.items()))[:3]}")
        mine = [writer for at, writer in enumerate(writers) if at % len(machines) == number % len(machines)]
        told = set().union(*(writer.told for writer in mine))
        void = set().union(*(writer.void for writer in mine))
        known = told.union(*(writer.doubt for writer in mine))
        there = set(got.values())
        case.ok(len(told) > 100 and void, "there was something to see, and something undone", f"{len(told)} {len(void)}")
        case.equal(sorted(told - there)[:5], [], f"reader {number}: everything that was acknowledged is there")
        case.equal(sorted(there - known)[:5], [], f"reader {number}: and nothing that was refused, or another's")


def of_one_user(case):
    """All of one user, on two servers."""
    machine = case.machine("box")
    tail(case, [machine], [[Server(case, machine=machine), Server(case, machine=machine)]])


def of_four_users(case):
    """Users of one database do not wait for each other, and do not see each other."""
    machines = [case.machine(f"box{number}") for number in range(4)]
    tail(case, machines, [[Server(case, machine=machine), Server(case, machine=machine)] for machine in machines])


lib.run([of_one_user, of_four_users])

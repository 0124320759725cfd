#!/usr/bin/env python3
"""PostgreSQL is there and says nothing: its processes are stopped, its sockets stay open. Whoever waits for it is told to come again,
soon; what was acknowledged is there once, what was not is there as a whole or not at all; it goes on when the database does.

    TT_TEST_STORE=postgres test_pg_silent.py TT [FUNCTION…]
"""
import collections
import contextlib
import http.client
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "api"))

from api import BUCKET, Server, lib  # noqa: E402

WRITERS = 6
READERS = 3
PATIENCE_S = 2
BOUND_S = 30  # for an answer: a busy machine is slow, and without a patience there is none at all
LIMIT_S = 120
PARTS = 3
TIMES = 4


def comes(condition, limit_s):
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def wait_for(condition, what):
    assert comes(condition, LIMIT_S), f"never: {what}"


def moment(second):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1760000000 + second))


class Client(threading.Thread):
    """Asks again and again, over a kept connection."""

    def __init__(self, server, key):
        super().__init__(daemon=True)
        self.server = server
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key['key']}"}
        self.connection = None
        self.good = 0
        self.refused = 0
        self.wrong = []
        self.longest_s = 0.0
        self.stopped = False

    def ask(self, method, path, body=None):
        """Was it done? Not being refused in words that help is wrong, and so is having no answer."""
        began = time.monotonic()
        try:
            if not self.connection:
                self.connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=LIMIT_S)
            self.connection.request(method, path, None if body is None else json.dumps(body).encode(), self.headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.wrong.append(repr(error))
            self.connection = None
            return False
        self.longest_s = max(self.longest_s, time.monotonic() - began)
        if answer.status == 200:
            self.good += 1
        elif answer.status == 503 and int(answer.headers.get("Retry-After", 0)) > 0 and b'"message"' in text:
            self.refused += 1
        else:
            self.wrong.append(f"{answer.status} {dict(answer.headers)} {text[:300]!r}")
        return answer.status == 200

    def run(self):
        while not self.stopped and len(self.wrong) < 10:
            self.turn()
            time.sleep(0.02)
        if self.connection:
            self.connection.close()


class Writer(Client):
    """Lists of events, each with a number of its own: nothing is sent twice."""

    def __init__(self, server, key, number):
        super().__init__(server, key)
        self.path = f"/api/0/buckets/w{number}"
        self.next = 0
        self.told = set()
        assert self.ask("POST", self.path, BUCKET), self.wrong

    def turn(self):
        number = self.next
        self.next += 1
        body = [{"timestamp": moment(PARTS * number + part), "duration": 1, "data": {"n": number, "part": part}} for part in range(PARTS)]
        if self.ask("POST", self.path + "/events", body):
            self.told.add(number)

    def check(self):
        """What is wrong with what is stored."""
        answers = []

        def read():
            answers.append(self.server.get(self.path[4:] + "/events?limit=-1", headers=self.headers))
            return answers[-1].status != 503

        wait_for(read, "its events are read")
        assert answers[-1].status == 200, answers[-1]
        found = collections.Counter((event["data"]["n"], event["data"]["part"]) for event in answers[-1].json)
        numbers = {number for number, _ in found}
        wrong = [f"{one}: {count} times" for one, count in found.items() if count != 1]
        wrong += [f"{number} was acknowledged and is not there" for number in self.told - numbers]
        wrong += [f"{number} was never sent" for number in numbers - set(range(self.next))]
        return wrong + [f"half of {number}" for number in numbers if any((number, part) not in found for part in range(PARTS))]


class Reader(Client):
    def __init__(self, server, key, number):
        super().__init__(server, key)
        self.path = ("/api/0/buckets/", f"/api/0/buckets/w{number}/events?limit=3", "/api/0/settings")[number % 3]

    def turn(self):
        self.ask("GET", self.path)


class Stage:
    """A server whose patience is short, and clients of two people."""

    def __init__(self, case):
        if not case.database:
            raise lib.Skip("a file has no server that could be silent: TT_TEST_STORE=postgres")
        self.case = case
        machine = case.machine("server")
        machine.env.pop("TT_USER")
        machine.env["TT_SERVE_RATE"] = "1000000"
        machine.env["TT_SERVE_STORE_PATIENCE"] = f"{PATIENCE_S}s"
        self.server = Server(case, machine=machine)
        self.postgres = case.suite.postgres
        self.keys = [machine.must("serve", "generate-key", "--email", f"person{number}@example.org", "--role", "write", "--json").json()
                     for number in range(2)]
        self.writers = [Writer(self.server, self.keys[number % 2], number) for number in range(WRITERS)]
        self.clients = self.writers + [Reader(self.server, self.keys[number % 2], number) for number in range(READERS)]
        for client in self.clients:
            client.start()
        self.all_served()

    def all_served(self):
        before = [client.good for client in self.clients]
        wait_for(lambda: all(client.good > past + 2 for client, past in zip(self.clients, before)) or self.wrong(), "all are served")

    def all_refused(self):
        before = [client.refused for client in self.clients]
        wait_for(lambda: all(client.refused > past + 2 for client, past in zip(self.clients, before)) or self.wrong(), "all are refused")

    def wrong(self):
        return [wrong for client in self.clients for wrong in client.wrong]

    def ask(self, path):
        """Status and how long it took."""
        began = time.monotonic()
        answer = self.server.get(path, headers=self.clients[0].headers)
        return answer.status, time.monotonic() - began

    def finish(self):
        for client in self.clients:
            client.stopped = True
        for client in self.clients:
            client.join(LIMIT_S)
        self.case.equal(self.wrong()[:3], [], "each was served, or told to come again")
        longest_s = max(client.longest_s for client in self.clients)
        self.case.ok(longest_s < BOUND_S, "nobody waited for long", longest_s)
        self.case.equal([wrong for writer in self.writers for wrong in writer.check()][:5], [],
                        "what was acknowledged is there once, nothing is there by half")
        self.case.equal(self.server.stop(), 0, "the server ends")


def children(pid):
    """With the words of their command lines."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found[int(entry.name)] = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
    return found


@contextlib.contextmanager
def stopped(postgres, everything):
    """All of its processes, or those of sessions alone."""
    parent = postgres.child.pid
    pids = [parent] if everything else []
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    pids += [pid for pid, words in children(parent).items() if everything or ": tt " in words]
    try:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        yield pids
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def frozen(case):
    """The whole of PostgreSQL stops, twice: all are refused while it does, and served again."""
    stage = Stage(case)
    for number in range(2):
        with stopped(stage.postgres, True):
            stage.all_refused()
            if number == 0:
                for path, status in (("/healthz", 200), ("/readyz", 503), ("/0/buckets", 503), ("/healthz", 200)):
                    got, seconds = stage.ask(path)
                    case.equal(got, status, f"{path} while it is silent")
                    case.ok(seconds < BOUND_S, f"{path} is answered soon", seconds)
        stage.all_served()
        wait_for(lambda: stage.ask("/readyz")[0] == 200, "ready again")
    stage.finish()


def sessions(case):
    """The sessions that there are stop, and hold what they have locked; others can be made. Who reads is served meanwhile. One that is
    stopped in the middle of PostgreSQL's own work holds what every session needs: then it is done again."""
    stage = Stage(case)
    readers = [client for client in stage.clients if isinstance(client, Reader)]
    served = False
    for _ in range(TIMES):
        with stopped(stage.postgres, False) as pids:
            case.ok(len(pids) > 2, "the server has sessions", len(pids))
            refused = sum(client.refused for client in stage.clients)
            wait_for(lambda: sum(client.refused for client in stage.clients) > refused, "somebody is refused")
            before = [client.good for client in readers]
            served = comes(lambda: all(client.good > past for client, past in zip(readers, before)), BOUND_S)
        stage.all_served()
        if served:
            break
    case.ok(served, "who reads is served by new sessions")
    stage.finish()


def stop_while_silent(case):
    """A server that is to end does so though nobody answers it."""
    stage = Stage(case)
    with stopped(stage.postgres, True):
        stage.all_refused()
        for client in stage.clients:
            client.stopped = True
        for client in stage.clients:
            client.join(LIMIT_S)
        case.equal(stage.server.stop(), 0, "it ends")
        result = stage.server.machine.tt("serve", "--listen", "127.0.0.1:0", limit=BOUND_S)
        case.ok(result.status != 0 and "postgresql://" in result.err, "another does not start, and says why", str(result))
    case.equal(stage.wrong()[:3], [], "each was served, or told to come again")


if __name__ == "__main__":
    sys.exit(lib.run([frozen, sessions, stop_while_silent]))

#!/usr/bin/env python3
"""Events and heartbeats against a model of ActivityWatch's rules, in many random orders; and many clients at once."""
import collections
import json
import random
import sys
import threading
import urllib.parse

from api import BUCKET, Server, lib, stamp

SECOND = 10**9


def text(ns):
    seconds, rest = divmod(ns, SECOND)
    return stamp(f"00:{seconds // 60:02d}:{seconds % 60:02d}" + (f".{rest:09d}" if rest else ""))


def instant(value):
    clock, _, fraction = value.removeprefix("2018-01-01T00:").removesuffix("Z").partition(".")
    minute, second = clock.split(":")
    return (int(minute) * 60 + int(second)) * SECOND + int(fraction.ljust(9, "0"))


def plain(event):
    start = instant(event["timestamp"])
    return start, start + round(event["duration"] * SECOND), event["id"], event["data"]["x"]


def order(event):
    return -event[0], event[1], event[2]


class Model:
    """One bucket: {id: (start, end, data)}, and the event that heartbeats go on from."""

    def __init__(self, server, name, chance):
        self.server, self.name, self.chance = server, name, chance
        self.events, self.last = {}, None
        server.bucket(name)

    def post(self, path, body):
        answer = self.server.post(f"/0/buckets/{self.name}/{path}", body)
        assert answer.status == 200, answer
        return answer.json

    def body(self, start, end, x, **more):
        return {"timestamp": text(start), "duration": (end - start) / SECOND, "data": {"x": x}, **more}

    def sorted(self):
        return sorted(((start, end, number, x) for number, (start, end, x) in self.events.items()), key=order)

    def some(self, unit):
        start = self.chance.randint(10, 50) * unit
        return start, start + self.chance.choice([0, 1, 5, 20, -3]) * unit, self.chance.randint(0, 1)

    def insert(self, unit):
        given = [self.some(unit) for _ in range(self.chance.randint(1, 3))]
        for want, got in zip(given, self.post("events", [self.body(*one) for one in given]), strict=True):
            assert plain(got)[:2] + plain(got)[3:] == want, (want, got)
            self.events[got["id"]] = want
        self.last = None

    def replace(self, unit, number):
        want = self.some(unit)
        got = self.post("events", [self.body(*want, id=number)])[0]["id"]
        assert (got == number) == (number in self.events), f"{number} became {got}"
        self.events[got] = want
        self.last = None

    def delete(self, number):
        answer = self.server.delete(f"/0/buckets/{self.name}/events/{number}")
        assert answer.json == {"success": number in self.events}, answer
        if self.events.pop(number, None):
            self.last = None

    def beat(self, unit):
        start, end, x = self.some(unit)
        pulse = self.chance.choice([0, 1, 5, -1, 100]) * unit
        last = self.last or (self.sorted()[0][2] if self.events else None)
        want = None
        if last:
            begun, ended, data = self.events[last]
            if data == x and begun <= start <= ended + pulse and max(ended, end) >= begun:
                want = (begun, max(ended, end), last, x)
        got = plain(self.post(f"heartbeat?pulsetime={pulse / SECOND:.9f}", self.body(start, end, x)))
        if want:
            assert got == want, f"after {self.events[last]}, {pulse}: {got}, expected {want}"
        else:
            assert got[2] not in self.events and got[:2] + got[3:] == (start, end, x), f"{got}, expected a new {(start, end, x)}"
        self.events[got[2]] = got[:2] + got[3:]
        self.last = got[2]

    def read(self, unit):
        bounds = {name: self.chance.randint(0, 160) * unit // 2 for name in ("start", "end") if self.chance.random() < 0.7}
        limit = self.chance.choice([None, 0, 1, 3, -1])
        arguments = {name: text(value) for name, value in bounds.items()} | ({} if limit is None else {"limit": limit})
        first, final = bounds.get("start", -SECOND * SECOND), bounds.get("end", SECOND * SECOND)
        want = [(max(first, start), min(final, end), number, x) for start, end, number, x in self.sorted()
                if first <= final and end >= first and start <= final]
        query = urllib.parse.urlencode(arguments)
        count = self.server.get(f"/0/buckets/{self.name}/events/count?{query}").json
        assert count == len(want), f"{query}: {count} counted, expected {len(want)}"
        want = want if limit in (None, -1) else want[:limit]
        got = [plain(one) for one in self.server.events(self.name, "?" + query)]
        assert got == want, f"{query}: {got}, expected {want}"

    def read_bucket(self):
        bucket = self.server.get(f"/0/buckets/{self.name}").json
        want = self.sorted()
        assert bucket["event_count"] == len(want), bucket
        if want:
            assert instant(bucket["metadata"]["start"]) == want[-1][0], bucket
            assert instant(bucket["metadata"]["end"]) == max(one[1] for one in want), bucket
            assert instant(bucket["last_updated"]) == want[0][1], bucket


def random_order(case):
    """Inserted, replaced, deleted, merged, listed: as the model says, at every resolution."""
    server = Server(case)
    for seed, unit in enumerate((SECOND, SECOND // 2, 10**6, 1)):
        chance = random.Random(seed)
        models = [Model(server, f"{seed}-{name}", chance) for name in ("a", "b")]
        for _ in range(250):
            model, other = chance.sample(models, 2)
            number = chance.choice([*model.events, *other.events, 10**6])
            chance.choices([lambda: model.insert(unit), lambda: model.replace(unit, number), lambda: model.delete(number),
                            lambda: model.beat(unit), lambda: model.read(unit), model.read_bucket], [2, 1, 1, 4, 4, 1])[0]()
        case.ok(True, f"at {unit} ns")


def client(server, seed, seen):
    """What one of many does to three buckets that come and go."""
    chance = random.Random(seed)
    mine = []
    for _ in range(60):
        name = f"r{chance.randint(0, 2)}"
        path = f"/0/buckets/{name}"
        event = {"timestamp": stamp(f"00:{chance.randint(0, 59):02d}:00"), "duration": chance.randint(0, 90), "data": {"x": chance.randint(0, 1)}}
        what, ask = chance.choice([
            ("make", lambda: server.post(path, BUCKET)), ("remove", lambda: server.delete(path)),
            ("beat", lambda: server.post(path + "/heartbeat?pulsetime=60", event)),
            ("beat", lambda: server.post(path + "/heartbeat?pulsetime=60", event)),
            ("insert", lambda: server.post(path + "/events", [event, event])),
            ("replace", lambda: server.post(path + "/events", [{**event, "id": chance.choice(mine or [1])}])),
            ("delete", lambda: server.delete(f"{path}/events/{chance.choice(mine or [1])}")),
            ("list", lambda: server.get(path + "/events?limit=5")), ("buckets", lambda: server.get("/0/buckets")),
            ("import", lambda: server.post("/0/import", {"buckets": {name: {**BUCKET, "id": name, "events": [event]}}}))])
        answer = ask()
        if what == "insert" and answer.status == 200:
            mine += [one["id"] for one in answer.json]
        if answer.body:
            json.loads(answer.body)
        seen[what, answer.status] += 1


def many_at_once(case):
    """Buckets that are made and deleted while others write to them: what is there stays whole."""
    server = Server(case)
    seen = collections.Counter()
    threads = [threading.Thread(target=client, args=(server, seed, seen)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    case.equal(sum(seen.values()), 480, "all were answered")
    allowed = {"make": (200, 304), "buckets": (200,), "import": (200,)}
    wrong = [key for key in seen if key[1] not in allowed.get(key[0], (200, 404))]
    case.equal(wrong, [], "as they should be")
    for name, bucket in server.get("/0/buckets").json.items():
        numbers = [one["id"] for one in server.events(name)]
        case.equal((bucket["event_count"], server.get(f"/0/buckets/{name}/events/count").json, len(set(numbers))), (len(numbers),) * 3, name)
    case.equal(server.stop(), 0, "it ends")
    case.ok(*server.machine.verified())


if __name__ == "__main__":
    sys.exit(lib.run([random_order, many_at_once]))

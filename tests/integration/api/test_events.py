#!/usr/bin/env python3
"""Events over HTTP: ranges, replacing, streams of many."""
import contextlib
import sys

from api import Server, event, lib, stamp


def stored(case):
    """What is posted is answered as it is stored, in order, with ids."""
    server = Server(case)
    server.bucket()
    answer = server.post("/0/buckets/b/events", [event("00:00:01", 1, 1), event("00:00:00", 1.001, 2)])
    first, second = (one["id"] for one in answer.json)
    case.equal(answer.json, [{"id": first, **event("00:00:01", 1.0, 1)}, {"id": second, **event("00:00:00", 1.001, 2)}], "both, in order")
    case.ok(0 < first < second, "their ids too", answer)
    case.ok(b'"duration":1.0,' in answer.body, "a duration is written as a float", answer)
    third = server.post("/0/buckets/b/events", event("00:00:02")).json[0]["id"]
    case.ok(third > second, "one alone is taken, with an id of its own")
    case.equal(server.post("/0/buckets/b/events", []).json, [], "none too")
    case.equal(server.post("/0/buckets/no/events", []).status, 404, "but not for a bucket that is not there")
    case.equal([one["id"] for one in server.events()], [third, first, second], "newest first")


def written_times(case):
    """Every form of an instant that clients send; nanoseconds stay."""
    server = Server(case)
    server.bucket()
    for given, want in (("2018-01-01T02:01:02+02:00", "00:01:02"), ("2018-01-01 00:01:02Z", "00:01:02"), ("2018-01-01T00:01:02.5Z", "00:01:02.500"),
                        ("2018-01-01T02:01:02+0200", "00:01:02"), ("2018-01-01T00:01:02UTC", "00:01:02"),
                        ("2018-01-01T00:00:00.123456789Z", "00:00:00.123456789"), ("2018-01-01T00:00:00.123456+00:00", "00:00:00.123456")):
        answer = server.post("/0/buckets/b/events", [{"timestamp": given, "data": {}}])
        case.equal(answer.json[0]["timestamp"], stamp(want), given)
    for given in ("2018-01-01T00:00:00", "2018-01-01", "3000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "soon", 5, None):
        answer = server.post("/0/buckets/b/events", [{"timestamp": given, "data": {}}])
        case.ok(answer.status == 422 and "event 0" in answer.message and "timestamp" in answer.message, f"{given} is refused", answer)
    case.equal((server.get("/0/info").status, server.get("/0/buckets/").status), (200, 200), "and the server goes on")


def durations(case):
    """Rounded to the nearest nanosecond."""
    server = Server(case)
    server.bucket()
    for given, want in ((1.001, "1.001"), (1, "1.0"), (-5, "-5.0"), (0.123456789, "0.123456789"), (1e-6, "1e-6"), (100000, "100000.0")):
        answer = server.post("/0/buckets/b/events", [{"timestamp": stamp("00:00:00"), "duration": given, "data": {}}])
        case.ok(f'"duration":{want},'.encode() in answer.body, f"{given} is {want}", answer)
    case.equal(server.post("/0/buckets/b/events", {"timestamp": stamp("00:00:00"), "data": {}}).json[0]["duration"], 0.0, "absent: 0")
    for given in (None, "1", [], 1e11):
        case.equal(server.post("/0/buckets/b/events", [{"timestamp": stamp("00:00:00"), "duration": given, "data": {}}]).status, 422,
                   f"{given} is refused")


def data_kept(case):
    """Any JSON in data comes back, keys sorted."""
    server = Server(case)
    server.bucket()
    data = {"z": [1, 1.5, True, None, {"b": "ä€\u0000\n", "a": {}}], "a": 18446744073709551615, "": -9223372036854775808}
    answer = server.post("/0/buckets/b/events", [{"timestamp": stamp("00:00:00"), "data": data, "foo": 1}])
    case.equal(answer.json[0]["data"], data, "answered")
    found = server.events()[0]
    case.equal(found["data"], data, "found")
    case.equal(list(found["data"]), ["", "a", "z"], "sorted")
    case.ok("foo" not in found, "unknown members are dropped")
    for wrong in ([], None, "x", 5):
        case.equal(server.post("/0/buckets/b/events", [{"timestamp": stamp("00:00:00"), "data": wrong}]).status, 422, f"{wrong} is no data")
    case.equal(server.post("/0/buckets/b/events", [{"timestamp": stamp("00:00:00")}]).status, 422, "none is none")


def ranges(case):
    """Both ends belong to it, what crosses them is cut."""
    server = Server(case)
    server.bucket()
    server.post("/0/buckets/b/events", [event("01:01:02", 1)])
    for query, want in (("?start=2018-01-01T01:01:02.5Z&end=2018-01-01T01:01:02.6Z", [("01:01:02.500", 0.1)]),
                        ("?start=2018-01-01T01:01:03Z", [("01:01:03", 0.0)]), ("?end=2018-01-01T01:01:02Z", [("01:01:02", 0.0)]),
                        ("?start=2018-01-01T01:01:03.001Z", []), ("?start=2019-01-01T00:00:00Z&end=2017-01-01T00:00:00Z", []),
                        ("?limit=0", []), ("?limit=-1", [("01:01:02", 1.0)]), ("?limit=abc", [("01:01:02", 1.0)]), ("?limit=", [("01:01:02", 1.0)]),
                        ("?start=2018-01-01T03:00:00+02:00", [("01:01:02", 1.0)]), ("?start=2018-01-01T03:00:00%2B02:00", [("01:01:02", 1.0)]),
                        ("?start=0001-01-01T00:00:00Z&end=9999-01-01T00:00:00Z", [("01:01:02", 1.0)])):
        case.equal([(one["timestamp"], one["duration"]) for one in server.events(query=query)], [(stamp(at), length) for at, length in want],
                   query)
    for query, what in (("start=abc", "starttime"), ("end=2018-01-01", "endtime"), ("start=", "starttime")):
        answer = server.get(f"/0/buckets/b/events?{query}")
        case.ok(answer.status == 400 and what in answer.message, f"{query} is refused", answer)
    server.post("/0/buckets/b/events", [event("02:00:00", 0, 5)])
    case.equal(server.get("/0/buckets/b/events/count").json, 2, "all are counted")
    case.equal(server.get("/0/buckets/b/events/count?start=2018-01-01T01:30:00Z").json, 1, "or those of a range")
    case.equal([one["data"]["x"] for one in server.events(query="?limit=1")], [5], "the newest of them")


def order_of_equals(case):
    """Of equal starts the shorter first, then the older."""
    server = Server(case)
    server.bucket()
    server.post("/0/buckets/b/events", [event("01:00:00", 5, 1), event("01:00:00", 1, 2), event("01:00:00", 1, 3), event("00:00:00", 9, 4)])
    case.equal([one["data"]["x"] for one in server.events()], [2, 3, 1, 4], "start descending, end and id ascending")


def replaced(case):
    """By the ids of the bucket's own events; any other id is a new event."""
    server = Server(case)
    server.bucket()
    server.bucket("c")
    mine = server.post("/0/buckets/b/events", [event("01:00:00", 1)]).json[0]["id"]
    server.post("/0/buckets/b/events", [event("05:00:00", 7, 2, id=mine)])
    case.equal(server.events(), [{"id": mine, **event("05:00:00", 7, 2)}], "replaced, its start too")
    other = server.post("/0/buckets/c/events", [event("02:00:00", 0, 3, id=mine)]).json[0]["id"]
    case.ok(other != mine, "another bucket's id is none")
    case.equal(server.get(f"/0/buckets/b/events/{mine}").json["data"], {"x": 2}, "and its event is not touched")
    server.post("/0/buckets/b/events", [event("06:00:00", 0, 4, id=777)])
    case.equal(sorted(one["data"]["x"] for one in server.events()), [2, 4], "an unknown id is not lost")
    case.equal(server.get(f"/0/buckets/c/events/{mine}").status, 404, "an event is found in its own bucket only")
    for _ in range(2):
        case.equal(server.delete(f"/0/buckets/b/events/{mine}").status, 200, "deleted, also when it is gone")
    case.equal([one["data"]["x"] for one in server.events()], [4], "it is gone")
    case.equal(server.delete(f"/0/buckets/no/events/{mine}").status, 404, "a missing bucket is 404")
    case.equal(server.get("/0/buckets/b/events/x").status, 422, "what is no number is no id")


def all_or_nothing(case):
    """One wrong event of many: none is stored."""
    server = Server(case)
    server.bucket()
    answer = server.post("/0/buckets/b/events", [event("00:00:00"), event("00:00:01"), {"data": {}}])
    case.ok(answer.status == 422 and answer.message.startswith("event 2: 'timestamp'"), "it is named", answer)
    for body in (5, None, "x", True):
        case.equal(server.post("/0/buckets/b/events", body).status, 422, f"{body} is no event")
    case.equal(server.post("/0/buckets/b/events", raw=b"[{]").status, 400, "no JSON")
    case.equal(server.post("/0/buckets/b/events", raw=b"").status, 400, "nothing")
    case.equal(server.events(), [], "nothing was stored")


def many(case):
    """An answer of many megabytes comes whole, and the server's memory does not grow by it."""
    server = Server(case)
    server.bucket()
    text = "x" * 400
    for part in range(10):
        batch = [{"timestamp": f"2018-01-{1 + part:02d}T{i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}Z", "data": {"n": i, "t": text}}
                 for i in range(10000)]
        case.equal(server.post("/0/buckets/b/events", batch).status, 200, f"part {part}")
    case.equal(server.get("/0/buckets/b/events/count").json, 100000, "all are there")
    before = resident(server)
    answer = server.get("/0/buckets/b/events")
    case.ok(len(answer.body) > 40_000_000, f"{len(answer.body)} bytes")
    case.equal(len(answer.json), 100000, "all came")
    grown = resident(server) - before
    if not case.sanitized:
        case.ok(grown < 20_000_000, f"memory grew by {grown}")
    case.equal(len(server.get("/0/export").json["buckets"]["b"]["events"]), 100000, "so does an export")
    with contextlib.closing(server.connect()) as connection:
        connection.request("GET", "/api/0/buckets/b/events")
        connection.getresponse().read(1000)
    case.equal(server.get("/0/buckets/b/events?limit=1").status, 200, "a client that leaves in the middle does no harm")


def resident(server):
    with open(f"/proc/{server.child.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


if __name__ == "__main__":
    sys.exit(lib.run([stored, written_times, durations, data_kept, ranges, order_of_equals, replaced, all_or_nothing, many]))

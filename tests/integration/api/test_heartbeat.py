#!/usr/bin/env python3
"""Heartbeats over HTTP: every case of the rule, and that an answer means it is on disk."""
import sys

from api import Server, event, lib, stamp


def beat(server, at, duration, x, pulsetime, bucket="b"):
    answer = server.post(f"/0/buckets/{bucket}/heartbeat?pulsetime={pulsetime}", event(at, duration, x))
    assert answer.status == 200, answer
    return answer.json


def the_rule(case):
    """The last event is 10:00:00 +5 s with data A."""
    server = Server(case)
    for number, (at, duration, x, pulsetime, want) in enumerate((
            ("10:00:06", 0, "A", 1, 6.0), ("10:00:06.001", 0, "A", 1, None), ("10:00:02", 0, "A", 0, 5.0), ("10:00:02", 10, "A", 0, 12.0),
            ("10:00:00", 0, "A", 0, 5.0), ("09:59:59", 100, "A", 1000, None), ("10:00:05", 0, "A", 0, 5.0), ("10:00:03", 0, "A", -1, 5.0),
            ("10:00:05", 0, "A", -1, None), ("10:00:06", 0, "B", 100, None), ("10:00:00", 0, "B", 100, None))):
        name = server.bucket(f"b{number}")
        first = beat(server, "10:00:00", 5, "A", 0, name)
        second = beat(server, at, duration, x, pulsetime, name)
        if want is None:
            case.ok(second["id"] != first["id"] and second["timestamp"] == stamp(at), f"{at} +{duration} {x}, {pulsetime}: a new event", second)
            third = beat(server, at, duration, x, 0, name)
            case.equal(third["id"], second["id"], "with which the next is compared")
        else:
            case.equal(second, {"id": first["id"], **event("10:00:00", want, "A")}, f"{at} +{duration} {x}, {pulsetime}: merged")
            case.equal(server.events(name), [second], "and there is one")


def after_other_writes(case):
    """The last event is what the store has, whatever else was written."""
    server = Server(case)
    server.bucket()
    beat(server, "10:00:00", 1, 1, 0)
    newer = server.post("/0/buckets/b/events", [event("11:00:00", 1, 1)]).json[0]["id"]
    case.equal(beat(server, "11:00:02", 0, 1, 5)["id"], newer, "an event that was posted")
    server.delete(f"/0/buckets/b/events/{newer}")
    case.ok(beat(server, "11:00:03", 0, 1, 5)["id"] != newer, "not one that was deleted")
    server.delete("/0/buckets/b")
    server.bucket()
    case.equal(beat(server, "11:00:04", 0, 1, 5)["timestamp"], stamp("11:00:04"), "nor one of a bucket that was deleted")
    mine = beat(server, "12:00:00", 0, 1, 0)["id"]
    server.post("/0/buckets/b/events", [event("12:00:00", 30, 1, id=mine)])
    case.equal(beat(server, "12:00:31", 0, 1, 5)["duration"], 31.0, "one that was edited counts as it is now")
    answer = server.post("/0/buckets/b/heartbeat?pulsetime=0", event("13:00:00", 0, 9, id=mine))
    case.ok(answer.json["id"] != mine, "the id of a heartbeat says nothing")


def equal_data(case):
    """Whatever the order of its keys."""
    server = Server(case)
    server.bucket()
    for body in (b'{"timestamp":"2018-01-01T10:00:00Z","data":{"a":{"x":1,"y":2},"b":1}}',
                 b'{"timestamp":"2018-01-01T10:00:01Z","data":{"b":1,"a":{"y":2,"x":1}}}'):
        answer = server.post("/0/buckets/b/heartbeat?pulsetime=5", raw=body)
    case.equal(answer.json["duration"], 1.0, "merged")
    answer = server.post("/0/buckets/b/heartbeat?pulsetime=5", raw=b'{"timestamp":"2018-01-01T10:00:02Z","data":{"b":1.0,"a":{"y":2,"x":1}}}')
    case.equal(answer.json["duration"], 0.0, "1.0 is not 1")


def refused(case):
    """What is wrong is named."""
    server = Server(case)
    server.bucket()
    for path, body, status in (("b/heartbeat", event("10:00:00"), 422), ("b/heartbeat?pulsetime=abc", event("10:00:00"), 422),
                               ("b/heartbeat?pulsetime=inf", event("10:00:00"), 422), ("b/heartbeat?pulsetime=1", [event("10:00:00")], 422),
                               ("b/heartbeat?pulsetime=1", {"data": {}}, 422), ("no/heartbeat?pulsetime=1", event("10:00:00"), 404)):
        answer = server.post("/0/buckets/" + path, body)
        case.ok(answer.status == status and answer.message, path, answer)
    case.equal(server.events(), [], "nothing was stored")


def survives_a_kill(case):
    """What was answered is there after a kill."""
    server = Server(case)
    server.bucket()
    for number in range(50):
        last = beat(server, f"10:00:{number:02d}", 0, number // 10, 60)
        if number % 7 == 0:
            server.again()
            case.equal(server.events()[0], last, f"heartbeat {number}")
    case.equal(len(server.events()), 5, "and no other")


if __name__ == "__main__":
    sys.exit(lib.run([the_rule, after_other_writes, equal_data, refused, survives_a_kill]))

#!/usr/bin/env python3
"""Settings and devices over HTTP."""
import sys
import urllib.parse

from api import Server, lib


def round_trip(case):
    """Any JSON under any key, and it survives."""
    server = Server(case)
    case.equal(server.get("/0/settings").json, {}, "at first there are none")
    case.equal((server.get("/0/settings/none").status, server.get("/0/settings/none").json), (200, None), "an unknown one is null")
    values = [5, 1.5, 0, False, True, None, "", "04:00", [], [1, 2, 3], {}, {"a": {"b": [None, {"c": "ä"}]}}]
    for number, value in enumerate(values):
        answer = server.post(f"/0/settings/k{number}", value)
        case.equal((answer.status, answer.body), (201, b""), f"{value!r} is set")
        got = server.get(f"/0/settings/k{number}").json
        case.equal((got, type(got)), (value, type(value)), "and comes back")
    everything = {f"k{number}": value for number, value in enumerate(values)}
    case.equal(server.get("/0/settings/").json, everything, "all of them")
    server.again()
    case.equal(server.get("/0/settings").json, everything, "also after a kill")
    server.post("/0/settings/k0", {"other": 1})
    case.equal(server.get("/0/settings/k0").json, {"other": 1}, "set again")
    for _ in range(2):
        case.equal(server.delete("/0/settings/k0").status, 200, "deleted, also when it is gone")
    case.ok("k0" not in server.get("/0/settings").json, "it is gone")


def keys(case):
    """127 bytes of anything."""
    server = Server(case)
    for key in ("a/b", "ä€", "a b", "x" * 127, "ä" * 63):
        path = "/0/settings/" + urllib.parse.quote(key, safe="")
        case.equal(server.post(path, key).status, 201, f"{key!r}")
        case.equal(server.get(path).json, key, "comes back")
    for key in ("x" * 128, "ä" * 64):
        path = "/0/settings/" + urllib.parse.quote(key, safe="")
        for answer in (server.post(path, 1), server.get(path), server.delete(path)):
            case.equal((answer.status, answer.json), (400, {"message": "Too long key"}), f"{len(key)} letters are too long")
    case.ok(server.post("/0/settings", 1).status in (404, 405), "a setting needs a key")
    case.equal(server.post("/0/settings/k", raw=b"{bad").status, 400, "and JSON")
    case.equal(server.post("/0/settings/k", raw=b"1e999").status, 422, "that can be kept")


def devices(case):
    """The machines that this server knows."""
    server = Server(case)
    mine = [one["machine_id"] for one in server.get("/0/devices").json]
    other = "a2b4c6d8-1111-4222-8333-444455556666"
    case.ok(other not in mine, "another machine is not there")
    made = server.post("/0/devices/register", {"device_id": other, "hostname": "laptop", "label": "L", "version": "1"})
    case.equal((made.status, {key: made.json[key] for key in ("machine_id", "hostname", "label", "version")}),
               (200, {"machine_id": other, "hostname": "laptop", "label": "L", "version": "1"}), "until it registers")
    again = server.post("/0/devices/register", {"machine_id": other, "version": "2"})
    case.equal((again.json["label"], again.json["version"], again.json["registered"]), ("L", "2", made.json["registered"]),
               "again: what is given changes")
    case.equal(sorted(one["machine_id"] for one in server.get("/0/devices").json), sorted({*mine, other}), "both are listed")
    for body in ({}, {"machine_id": "me"}, {"machine_id": 5}, [], {"machine_id": other, "label": "x" * 300}):
        answer = server.post("/0/devices/register", body)
        case.ok(answer.status == 422 and answer.message, f"{body} is refused", answer)
    answer = server.post("/0/devices/register", {"machine_id": other, "label": "a\nb"})
    case.ok(answer.status == 422 and "label" in answer.message, "what is wrong is named", answer)


if __name__ == "__main__":
    sys.exit(lib.run([round_trip, keys, devices]))

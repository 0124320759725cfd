#!/usr/bin/env python3
"""Buckets over HTTP."""
import sys
import urllib.parse

from api import BUCKET, Server, event, lib, stamp


def life(case):
    """Made, found, listed, changed, deleted."""
    server = Server(case)
    case.equal(server.get("/0/buckets/").json, {}, "at first there is none")
    missing = server.get("/0/buckets/id")
    case.equal((missing.status, missing.message), (404, "The requested bucket 'id' does not exist"), "a missing one is 404")
    made = server.post("/0/buckets/id", BUCKET)
    case.equal((made.status, made.body), (200, b""), "made: 200, empty")
    again = server.post("/0/buckets/id", {**BUCKET, "client": "other"})
    case.equal((again.status, again.body), (304, b""), "it is there already: 304")
    bucket = server.get("/0/buckets/id").json
    case.equal({key: bucket[key] for key in ("id", *BUCKET)}, {"id": "id", **BUCKET}, "it is as it was made first")
    case.equal((bucket["data"], bucket["events"], bucket["metadata"], bucket["last_updated"], bucket["name"]),
               ({}, None, {"start": None, "end": None}, None, None), "an empty one")
    case.equal(bucket["machine_id"], server.machine.id, "whose it is")
    server.post("/0/buckets/id/events", [event("01:01:01", 1)])
    listed = server.get("/0/buckets").json["id"]
    case.equal((listed["metadata"], listed["last_updated"]), ({"start": stamp("01:01:01"), "end": stamp("01:01:02")}, stamp("01:01:02")),
               "the extent of its events")
    case.equal(listed["event_count"], 1, "and their number")
    changed = server.ask("PUT", "/0/buckets/id", {"client": "new", "data": {"k": 1}})
    case.equal(changed.status, 200, "changed")
    bucket = server.get("/0/buckets/id").json
    case.equal((bucket["type"], bucket["client"], bucket["data"]), ("t", "new", {"k": 1}), "only what was given")
    case.equal(server.ask("PUT", "/0/buckets/no", {}).status, 404, "a missing one cannot be changed")
    case.equal(server.ask("DELETE", "/0/buckets/id?force=1", {}).status, 200, "deleted, whatever the body")
    case.equal(server.get("/0/buckets/id").status, 404, "it is gone")
    case.equal(server.delete("/0/buckets/id").status, 404, "once")
    server.bucket("id")
    case.equal(server.get("/0/buckets/id/events/count").json, 0, "a new one of its name is empty")


def what_clients_send(case):
    """Whole bucket objects with nulls, "!local", created, data, events."""
    server = Server(case)
    whole = {"id": "other", **BUCKET, "created": None, "data": {}, "metadata": {"start": None, "end": None}, "events": None,
             "last_updated": None, "unknown": [1]}
    case.equal(server.post("/0/buckets/mine/", whole).status, 200, "nulls stand for nothing")
    case.equal(server.get("/0/buckets/mine").json["id"], "mine", "the id is the path's")
    case.equal(server.get("/0/buckets/other").status, 404, "not the body's")
    server.bucket("kept", created="2017-05-16T13:37:00+00:00", data={"k": 1}, events=[event("00:00:00", 1), event("00:00:05", 1, id=99)])
    bucket = server.get("/0/buckets/kept").json
    case.equal((bucket["created"], bucket["data"]), ("2017-05-16T13:37:00Z", {"k": 1}), "created and data are kept")
    case.equal(len(server.events("kept")), 2, "events are stored")
    server.bucket("local", hostname="!local")
    bucket, info = server.get("/0/buckets/local").json, server.get("/0/info").json
    case.equal((bucket["hostname"], bucket["data"]), (info["hostname"], {"device_id": info["device_id"]}), "!local is this machine")


def refused(case):
    """What is wrong is named; nothing is made."""
    server = Server(case)
    for body, status, part in (({"type": "t", "client": "c"}, 422, "hostname"), ({**BUCKET, "type": 5}, 422, "type"),
                               ({**BUCKET, "data": []}, 422, "data"), ({**BUCKET, "created": "x"}, 422, "created"),
                               ({**BUCKET, "client": "x" * 257}, 422, "client"), ({**BUCKET, "type": "a\nb"}, 400, "type"),
                               ({**BUCKET, "events": [event("00:00:00"), {}]}, 422, "event 1"), ([], 422, "bucket")):
        answer = server.post("/0/buckets/b", body)
        case.ok(answer.status == status and part in answer.message, f"{body}", answer)
    case.equal(server.post("/0/buckets/b", raw=b"{bad").status, 400, "no JSON")
    case.equal(server.post("/0/buckets/b", raw=b'{"type":"t","type":"u","client":"c","hostname":"h"}').status, 400, "a member twice")
    case.equal(server.get("/0/buckets").json, {}, "nothing was made")


def names(case):
    """Ids with any characters."""
    server = Server(case)
    for name in ("a b", "ä€😀", "a/b", "a%b", "a:b", "aw-watcher-window_host.local", "count", "events", "a+b", "?#&=", "'\"<>"):
        path = "/0/buckets/" + urllib.parse.quote(name, safe="")
        case.equal(server.post(path, BUCKET).status, 200, f"{name!r} is made")
        case.equal(server.get(path).json["id"], name, "and found")
        case.equal(server.post(path + "/events", [event("00:00:00", 1, name)]).json[0]["data"], {"x": name}, "and takes events")
        case.equal(server.get(path + "/events").json[0]["data"], {"x": name}, "which are its own")
    case.equal(len(server.get("/0/buckets/").json), 11, "all are listed")
    for name in ("x" * 257, "a\nb"):
        answer = server.post("/0/buckets/" + urllib.parse.quote(name, safe=""), BUCKET)
        case.ok(400 <= answer.status < 500 and answer.message, "what cannot be a name is refused", answer)


if __name__ == "__main__":
    sys.exit(lib.run([life, what_clients_send, refused, names]))

#!/usr/bin/env python3
"""Export and import over HTTP."""
import json
import sys

from api import Server, event, lib, stamp


def form(*files, boundary="XX"):
    parts = b"".join(b'--%s\r\nContent-Disposition: form-data; name="%s"; filename="buckets.json"\r\nContent-Type: application/json\r\n\r\n%s\r\n'
                     % (boundary.encode(), name.encode(), content) for name, content in files)
    return {"raw": parts + b"--" + boundary.encode() + b"--\r\n", "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"}}


def counts(answer):
    assert answer.status == 200, answer
    events = answer.json["events"]
    return events["new"], events["duplicate"], events["quarantined"]


def exported(case):
    """As aw-server-rust has it, with a type."""
    server = Server(case)
    case.equal(server.get("/0/export").json, {"buckets": {}}, "nothing is an export too")
    server.bucket()
    first, second = (one["id"] for one in server.post("/0/buckets/b/events", [event("00:00:00", 3600, 1), event("00:00:30", 30, 2)]).json)
    one = server.get("/0/export")
    case.equal(one.headers["Content-Disposition"], "attachment; filename=aw-bucket-export_b.json", "named after the only bucket")
    case.equal(one.headers["Content-Type"], "application/json", "its type")
    server.bucket("c")
    both = server.get("/0/export")
    case.equal(both.headers["Content-Disposition"], "attachment; filename=aw-buckets-export.json", "or not")
    case.equal(sorted(both.json["buckets"]), ["b", "c"], "all buckets")
    single = server.get("/0/buckets/b/export")
    case.equal(single.headers["Content-Disposition"], "attachment; filename=aw-bucket-export_b.json", "one by name")
    bucket = single.json["buckets"]["b"]
    case.equal(bucket["events"], [{"id": second, **event("00:00:30", 30.0, 2)}, {"id": first, **event("00:00:00", 3600.0, 1)}],
               "newest first, uncut")
    case.equal((bucket["id"], bucket["type"], bucket["client"], bucket["hostname"]), ("b", "t", "c", "h"), "with what it is")
    case.equal(server.get("/0/buckets/no/export").status, 404, "a missing one is 404")


def imported(case):
    """There and back, again and again: nothing twice, nothing lost."""
    server = Server(case)
    server.bucket(data={"k": 1}, created="2017-01-01T00:00:00Z")
    server.post("/0/buckets/b/events", [event("00:00:00", 3600, 1), event("00:00:30", 30, 2), event("00:00:30", 30, 2)])
    whole = server.get("/0/export").body
    other = Server(case, machine=case.machine("other"))
    case.equal(counts(other.post("/0/import", raw=whole)), (2, 1, 0), "events that are equal in all are one")
    before = other.get("/0/buckets/b/events").body
    case.equal(counts(other.post("/0/import", raw=whole))[::2], (0, 0), "again: nothing is new")
    case.equal(counts(other.post("/0/import/", **form(("anything", whole))))[::2], (0, 0), "nor from a form")
    case.equal(other.get("/0/buckets/b/events").body, before, "the same events")
    bucket = other.get("/0/buckets/b").json
    case.equal((bucket["created"], bucket["data"]), ("2017-01-01T00:00:00Z", {"k": 1}), "the bucket as it was")
    case.equal(other.get("/0/buckets/b").json["event_count"], len(other.events()), "counted")


def foreign_forms(case):
    """Exports of both of ActivityWatch's servers."""
    server = Server(case)
    server.bucket("mine")
    mine = server.post("/0/buckets/mine/events", [event("09:00:00", 1)]).json
    python = {"buckets": {"p": {"id": "p", "created": "2018-01-01T00:00:00+00:00", "name": None, "type": "t", "client": "c", "hostname": "h", "data": {},
                                "events": [{"timestamp": "2018-01-01T00:00:00+00:00", "duration": 1.5, "data": {"x": 1}}]}}}
    rust = {"buckets": {"wrong": {"id": "r", "type": "t", "client": "c", "hostname": "h", "created": "2018-01-01T00:00:00Z", "data": {},
                                  "metadata": {"start": None, "end": None}, "last_updated": None,
                                  "events": [{"id": mine[0]["id"], "timestamp": "2018-01-01T00:00:00.123456789Z", "duration": 1.0, "data": {}}]}}}
    case.equal(counts(server.post("/0/import", python)), (1, 0, 0), "Python's")
    case.equal(counts(server.post("/0/import", rust)), (1, 0, 0), "Rust's")
    case.equal(server.events("r")[0]["timestamp"], stamp("00:00:00.123456789"), "the bucket's own id counts, nanoseconds stay")
    case.equal(server.get("/0/buckets/wrong").status, 404, "not its key")
    case.equal(server.events("mine"), mine, "an id that is another's event leaves that alone")
    case.equal(counts(server.post("/0/import", **form(("a", json.dumps(python).encode()), ("b", json.dumps(rust).encode())))), (0, 2, 0),
               "two files in one form")


def own_buckets(case):
    """What this server computes or collects itself is in its exports, and taking them back adds nothing."""
    server = Server(case)
    server.bucket()
    server.post("/0/buckets/b/events", [event("00:00:00", 1)])
    server.machine.bulk(0, 20)
    host = server.get("/0/info").json["hostname"]
    streams = f"tt-streams_{host}"
    whole = server.get("/0/export").body
    before = server.get("/0/buckets").json
    case.equal((len(before), len(json.loads(whole)["buckets"][streams]["events"])), (3, 20), "what is collected, its streams, and a client's")
    case.equal(server.post("/0/import", raw=whole).json, {"buckets": {"new": 0, "known": 3, "readonly": 2},
                                                         "events": {"new": 0, "duplicate": 1, "quarantined": 0, "reasons": {}}}, "all is known")
    single = server.get(f"/0/buckets/{streams}/export").body
    case.equal(server.post("/0/import", **form(("a", whole), ("b", single))).json["buckets"], {"new": 0, "known": 4, "readonly": 3}, "as files too")
    case.equal(server.post("/0/import", json.loads(single)["buckets"][streams]).json["buckets"], {"new": 0, "known": 1, "readonly": 1}, "or alone")
    case.equal(server.get("/0/buckets").json, before, "nothing has changed")
    server.machine.bulk(20, 5)
    case.equal(server.get(f"/0/buckets/{streams}/events/count").json, 25, "streams are computed still")
    foreign = whole.replace(streams.encode(), b"tt-streams_elsewhere")
    case.equal(server.post("/0/import", raw=foreign).json["buckets"], {"new": 0, "known": 3, "readonly": 2}, "another host's are not taken for events either")


def deep(case):
    """What is stored can be exported, and what is exported can be read again."""
    server = Server(case)
    server.bucket()
    data, taken = {}, 0
    for _ in range(130):
        data = {"a": [data]} if taken % 2 else {"a": data}
        taken += server.post("/0/buckets/b/events", {"timestamp": stamp("00:00:00"), "data": data}).status == 200
    case.ok(10 < taken < 130, f"{taken} of 130 taken")
    whole = server.get("/0/export").body
    case.equal(counts(Server(case, machine=case.machine("other")).post("/0/import", raw=whole)), (taken, 0, 0), "all of them")


def refused(case):
    """What is no export says why, and leaves nothing; single events go to quarantine."""
    server = Server(case)
    for body, status in ((b"{bad", 400), (b"5", 422), (b'{"buckets":5}', 422), (b"", 400)):
        answer = server.post("/0/import", raw=body)
        case.ok(answer.status == status and answer.message, f"{body}", answer)
    good = {"buckets": {"z": {"id": "z", "type": "t", "client": "c", "hostname": "h", "events": [event("00:00:00"), {"timestamp": "soon"}]}}}
    for more, status in ((form(("a", json.dumps(good).encode()), ("b", b"5")), 422), (form(("a", b"{bad")), 400), (form(), 422),
                         ({"raw": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400)):
        answer = server.post("/0/import", **more)
        case.ok(answer.status == status and answer.message, f"{more['raw'][:60]}", answer)
    case.equal(server.get("/0/buckets").json, {}, "nothing was stored")
    answer = server.post("/0/import", good)
    case.equal(counts(answer), (1, 0, 1), "one good event, one in quarantine")
    case.equal(sum(answer.json["events"]["reasons"].values()), 1, "with its reason")


if __name__ == "__main__":
    sys.exit(lib.run([exported, imported, foreign_forms, own_buckets, deep, refused]))

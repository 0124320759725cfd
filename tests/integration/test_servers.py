#!/usr/bin/env python3
"""Servers of one store are one to their clients: whose bucket it is, and how often one may ask, does not depend on which of them answers."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from test_cluster import BUCKET, EMAIL, Cluster, bearer, lib, moment, needs_postgres, wait_for  # noqa: E402

ELSEWHERE = {"X-Forwarded-For": "192.0.2.7"}  # through a proxy: the rates of strangers hold


def ids(server, key):
    return sorted(server.get("/0/buckets", headers=key).json)


def one_client(case):
    """A key without a device, no header: the client's bucket is one, whichever server takes what it sends."""
    needs_postgres(case)
    cluster = Cluster(case)
    one, two = cluster.servers
    key = bearer(cluster.key)
    infos = [server.get("/0/info").json for server in cluster.servers]
    case.ok(infos[0]["device_id"] != infos[1]["device_id"], "the servers are on two machines")
    for bucket, host in (("w", "laptop"), ("l", "!local")):
        made = [server.post(f"/0/buckets/{bucket}", {**BUCKET, "hostname": host}, headers=key).status for server in (two, one)]
        case.equal(made, [200, 304], f"{host}: made at one, it is there at the other")
        for number in range(10):
            beat = {"timestamp": moment(number), "duration": 0, "data": {"a": 1}}
            assert cluster.servers[number % 2].post(f"/0/buckets/{bucket}/heartbeat?pulsetime=5", beat, headers=key).status == 200
        for server in (one, two):
            events = server.get(f"/0/buckets/{bucket}/events", headers=key).json
            case.equal([round(event["duration"]) for event in events], [9], f"{host}: heartbeats at both are one event")
    case.equal([ids(server, key) for server in (one, two)], [["l", "w"]] * 2, "there are two buckets, under their plain ids")
    case.equal(one.get("/0/buckets/l", headers=key).json["hostname"], "server", "'!local' is not the name of one server's host")
    assert one.delete("/0/buckets/l?force=1", headers=key).status == 200
    whole = one.get("/0/export", headers=key).json
    case.equal(two.post("/0/import", whole, headers=key).status, 200, "what one exports the other imports")
    case.equal([ids(server, key) for server in (one, two)], [["w"]] * 2, "into the same bucket")


def streams(case):
    """The computed bucket has one id, behind whichever server."""
    needs_postgres(case)
    cluster = Cluster(case)
    key = bearer(cluster.key)
    machine = case.machine("laptop")
    machine.env["TT_USER"] = EMAIL
    machine.bulk(0, 3)
    want = ["tt-streams_server"]
    case.equal([[one for one in ids(server, key) if one.startswith("tt-")] for server in cluster.servers], [want] * 2, "in the list")
    program = {"timeperiods": [f"{moment(-9 ** 9)}/{moment(9 ** 9)}"], "query": ["RETURN = find_bucket(\"tt-streams_\");"]}
    case.equal([server.post("/0/query", program, headers=key).json for server in cluster.servers], [want] * 2, "in queries")
    case.equal([server.get("/0/buckets/tt-streams_server/events", headers=key).status for server in cluster.servers], [200] * 2, "and by itself")


def servers(server, key):
    return [line for line in server.get("/metrics", headers=key).body.decode().splitlines() if line.startswith("tt_servers ")]


def pair(server, key):
    """The answers to two requests of one key that come within a second, when it has asked nothing for a while."""
    while True:
        time.sleep(2.5)
        began = time.monotonic()
        statuses = [server.get("/0/buckets", headers={**key, **ELSEWHERE}).status for _ in range(2)]
        if time.monotonic() - began < 0.9:
            return statuses


def rates(case):
    """Each server gives out its part of the rate: 1 a second, with bursts of 2, of all together."""
    needs_postgres(case)
    cluster = Cluster(case)
    key = bearer(cluster.key)
    for server in cluster.servers:
        server.stop()
        server.kill()
        server.machine.env["TT_SERVE_RATE"] = "1"
        server.start()
    wait_for(lambda: [servers(server, key) for server in cluster.servers] == [["tt_servers 2"]] * 2, "each knows of the other")
    case.equal([pair(server, key) for server in cluster.servers], [[200, 429]] * 2, "one request in two seconds at each")
    cluster.servers[0].kill()
    wait_for(lambda: servers(cluster.servers[1], key) == ["tt_servers 1"], "one that was killed counts no more")
    case.equal(pair(cluster.servers[1], key), [200, 200], "the other one gives out all there is")
    cluster.servers[0].start()
    wait_for(lambda: [servers(server, key) for server in cluster.servers] == [["tt_servers 2"]] * 2, "they are two again")


lib.run([one_client, streams, rates])

#!/usr/bin/env python3
"""What the server may be asked for: crowds, floods of bodies and streams, JSON and queries made to hurt. It answers others meanwhile, and lives."""
import contextlib
import re
import socket
import threading
import time

from lib import Skip, run
from test_serve import BUCKET, Server, configure, elsewhere, event, until

PATIENCE = 30
CROWD = 1000
MIB = 1 << 20
FEW_SECONDS = 30  # far more than it takes, far less than for ever
HEADER_BYTES = 32 << 10
DAY = "2026-02-02T00:00:00Z/2026-02-03T00:00:00Z"
YEARS = "2020-01-01T00:00:00Z/2030-01-01T00:00:00Z"


def resident(server):
    with open(f"/proc/{server.child.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def fill(server, bucket, count, padding=""):
    """A bucket with COUNT events."""
    server.post(f"/api/0/buckets/{bucket}", BUCKET)
    for first in range(0, count, 2000):
        events = [event(number) for number in range(first, min(first + 2000, count))]
        for one in events:
            one["data"]["padding"] = padding
        assert server.post(f"/api/0/buckets/{bucket}/events", events).status == 200


def open_raw(server, data, address="127.0.0.1", room=None):
    client = socket.socket()
    if room:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    client.settimeout(PATIENCE)
    client.connect((address, server.port))
    if data:
        client.sendall(data)
    return client


def crowd(case):
    """1,000 silent clients, 1,000 with half a head and 1,000 with half a body: others read and write meanwhile."""
    box = case.machine("box")
    server = Server(case, box)
    fill(server, "b", 10)
    host = f"Host: {server.host}\r\n"
    with contextlib.ExitStack() as stack:
        try:
            for what in ("", "GET /api/0/info HTTP/1.1\r\n" + host,
                         f"POST /api/0/buckets/b/events HTTP/1.1\r\n{host}Content-Length: 1000\r\n\r\n["):
                for _ in range(CROWD):
                    stack.enter_context(open_raw(server, what.encode()))
        except OSError as why:
            raise Skip(f"this machine allows no {3 * CROWD} connections: {why}") from None
        began = time.monotonic()
        with contextlib.closing(server.connect()) as worker:
            for number in range(50):
                assert server.post("/api/0/buckets/b/heartbeat?pulsetime=1", event(100 + number), connection=worker).status == 200
                assert server.get("/api/0/buckets/b/events?limit=1", connection=worker).status == 200
        case.ok(time.monotonic() - began < FEW_SECONDS, "100 requests are answered at once", time.monotonic() - began)
        now = re.search(r"^tt_http_connections (\d+)", server.get("/metrics").body.decode(), re.M)
        case.ok(int(now[1]) >= 2 * CROWD, "while the others are there", now)
    case.equal(server.stop(), 0, "it ends well")


def share(case):
    """One address from elsewhere does not get all connections."""
    address = elsewhere()
    box = case.machine("box")
    configure(box, "[serve]\nplain = true\n")
    server = Server(case, box, listen="0.0.0.0:0")
    kept, turned_away = [], 0
    try:
        for _ in range(1200):
            client = open_raw(server, b"", address)
            kept.append(client)
        time.sleep(0.2)
        for client in kept:
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                turned_away += client.recv(1) == b""
    finally:
        for client in kept:
            client.close()
    case.ok(100 <= turned_away <= 300, "a quarter of 4,096, and no more", turned_away)
    case.equal(server.status("GET", "/healthz"), 200, "it is well")


def headers(case):
    """Long, many and malformed header fields."""
    server = Server(case, case.machine("box"))

    def first(data):
        with open_raw(server, data) as client:
            return client.recv(12)[9:12]

    line = f"GET /api/0/info HTTP/1.1\r\nHost: {server.host}\r\n"
    case.equal(first((line + "X: " + "x" * (HEADER_BYTES - 200) + "\r\n\r\n").encode()), b"200", "almost 32 KiB")
    case.equal(first((line + "X: " + "x" * HEADER_BYTES + "\r\n\r\n").encode()), b"431", "more")
    case.equal(first((line + "X: y\r\n" * 6000 + "\r\n").encode()), b"431", "many")


def bodies(case):
    """Each route's limit, to the byte."""
    server = Server(case, case.machine("box"))
    server.post("/api/0/buckets/b", BUCKET)

    def announced(path, length):
        request = f"POST {path} HTTP/1.1\r\nHost: {server.host}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
        with open_raw(server, request.encode()) as client:
            return int(client.recv(12)[9:12])

    for path, most in (("/api/0/buckets/b/heartbeat?pulsetime=1", MIB), ("/api/0/settings/x", MIB), ("/api/0/buckets/b/events", 64 * MIB),
                       ("/api/0/import", 256 * MIB), ("/api/0/query", 2 * MIB)):
        case.equal([announced(path, most), announced(path, most + 1)], [100, 413], f"{path}: {most} bytes")


def json_bombs(case):
    """JSON that is deep, wide, long or says things twice."""
    server = Server(case, case.machine("box"))
    server.post("/api/0/buckets/b", BUCKET)

    def post(path, text):
        connection = server.connect(timeout=PATIENCE)
        connection.request("POST", path, text, {"Host": server.host, "Content-Type": "application/json"})
        got = connection.getresponse()
        return got.status, got.read()[:300]

    deep = "[" * 1000000
    at = '"timestamp":"2026-02-02T00:00:00Z","duration":1'
    for what, path, text in (
            ("deep", "/api/0/buckets/b/events", deep), ("deep and closed", "/api/0/settings/x", "[" * 200 + "]" * 200),
            ("deep data", "/api/0/buckets/b/events", '[{%s,"data":{"a":%s1%s}}]' % (at, "[" * 200, "]" * 200)),
            ("wide", "/api/0/buckets/b/events", "[" + "1," * 8000000 + "1]"),
            ("many members", "/api/0/buckets/b", "{" + ",".join(f'"k{n}":1' for n in range(60000)) + "}"),
            ("a key twice", "/api/0/buckets/b/events", '[{%s,"data":{},"duration":2}]' % at),
            ("a key twice, written differently", "/api/0/buckets/c", '{"type":"a","client":"c","hostname":"h","ty\\u0070e":"b"}'),
            ("a long number", "/api/0/buckets/b/events", '[{"timestamp":"2026-02-02T00:00:00Z","duration":%s,"data":{}}]' % ("9" * 500000)),
            ("too long an event", "/api/0/buckets/b/events", '[{%s,"data":{"a":"%s"}}]' % (at, "x" * (MIB + 1))),
            ("no end", "/api/0/buckets/b/events", '[{"a":"' + "x" * 100000),
            ("NUL", "/api/0/settings/x", '"\0"'), ("no UTF-8", "/api/0/settings/x", b'"\xff"'), ("nothing", "/api/0/settings/x", "")):
        status, said = post(path, text)
        case.ok(400 <= status < 500 and b"message" in said, f"{what}: {status}", said)
    events = "[" + ",".join(['{%s,"data":{}}' % at] * 200001) + "]"
    status, said = post("/api/0/buckets/b/events", events)
    case.ok(status in (400, 413, 422), "more than 200,000 events", f"{status} {said}")
    case.equal(server.get("/api/0/buckets/b/events/count").body.strip(), b"0", "nothing of it is stored")
    case.equal(server.status("GET", "/healthz"), 200, "it lives")


def queries(case):
    """Programs made to take for ever, or all memory: an error, and others are answered meanwhile."""
    server = Server(case, case.machine("box"))
    fill(server, "b", 2000, "abcdefghij" * 5)

    def ask(text, periods=(YEARS,)):
        return server.ask("POST", "/api/0/query", {"query": [text], "timeperiods": list(periods)}, connection=server.connect(timeout=60))

    bomb = 'x = query_bucket("b");' + "x = concat(x, x);" * 40 + "RETURN = x;"
    regex = ('x = query_bucket("b"); RETURN = categorize(x, [[["a"], {"type": "regex", "regex": "(%s+)+$"}]]);' % "[a-j]*")
    for what, text in (("concat", bomb), ("lists", "x = [1];" + "x = x + x;" * 40 + "RETURN = x;"),
                       ("texts", 'x = "aaaaaaaa";' + "x = x + x;" * 40 + "RETURN = x;"), ("nesting", "RETURN = " + "[" * 5000 + "]" * 5000 + ";"),
                       ("parentheses", "RETURN = " + "(" * 5000 + "1" + ")" * 5000 + ";"), ("a chain", "RETURN = " + "1+" * 5000 + "1;"),
                       ("a long program", "x = 1;" * 200000 + "RETURN = x;")):
        answers, began = [], time.monotonic()
        asker = threading.Thread(target=lambda: answers.append(ask(text)))  # noqa: B023
        asker.start()
        late = 0
        while asker.is_alive():
            at = time.monotonic()
            assert server.get("/api/0/buckets/b/events?limit=1").status == 200
            late = max(late, time.monotonic() - at)
        asker.join()
        got = answers[0]
        case.ok(got.status in (400, 413, 422, 500, 503, 504) and b"message" in got.body, f"{what}: {got.status} after {time.monotonic() - began:.1f} s", got)
        case.ok(late < FEW_SECONDS, "others are answered meanwhile", late)
    got = ask(regex)
    case.ok(got.status in (200, 400), f"a pattern without end: {got.status}", got)
    case.equal(ask("RETURN = 1;", [DAY] * 1001).status // 100, 4, "more than 1,000 periods")
    case.equal(ask("RETURN = 1;", [DAY] * 1000).status, 200, "1,000 periods")
    case.equal(server.status("GET", "/healthz"), 200, "it lives")


def streams(case):
    """Slow takers of exports: no more than 32 at once, each with its snapshot; others write and read meanwhile."""
    box = case.machine("box")
    server = Server(case, box)
    fill(server, "b", 20000, "x" * 200)
    request = f"GET /api/0/export HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        first = []
        for _ in range(40):
            client = stack.enter_context(open_raw(server, request, room=4096))
            first.append(client.recv(12)[9:12])
        case.equal((first.count(b"200"), first.count(b"503")), (32, 8), "32, then 503")
        refused = server.get("/api/0/export")
        case.ok(refused.status == 503 and int(refused.header("Retry-After")) >= 1, "which says when to come again", refused)
        case.equal(server.status("GET", "/api/0/buckets/b/events?limit=1"), 200, "short answers are no streams")
        case.equal(server.post("/api/0/buckets/b/heartbeat?pulsetime=1", event(1)).status, 200, "writes go on")
    case.ok(until(lambda: server.status("GET", "/api/0/export") == 200), "when they have gone there is room again")
    case.equal(server.stop(), 0, "it ends well")


def memory(case):
    """Many large bodies at once: bounded memory, and small requests come in."""
    box = case.machine("box")
    # A sanitizer keeps what was freed for a while, 256 MB of it unless told otherwise.
    box.env["ASAN_OPTIONS"] = ":".join(filter(None, (box.env.get("ASAN_OPTIONS"), "quarantine_size_mb=16")))
    server = Server(case, box)
    server.post("/api/0/buckets/b", BUCKET)
    before = resident(server)
    head = f"POST /api/0/buckets/b/events HTTP/1.1\r\nHost: {server.host}\r\nContent-Length: {64 * MIB}\r\n\r\n[".encode()
    spaces = b" " * (60 * MIB)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(open_raw(server, head)) for _ in range(14)]

        def send(client):
            with contextlib.suppress(OSError):
                client.sendall(spaces)

        senders = [threading.Thread(target=send, args=(client,)) for client in clients]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        grown = resident(server) - before
        case.ok(grown < 800 * MIB, "14 bodies of 60 MiB take no more than what all may have", f"{grown // MIB} MiB")
        case.equal(server.post("/api/0/buckets/b/heartbeat?pulsetime=1", event(1)).status, 200, "heartbeats come in")
        got = b""
        for _ in range(14):  # how many of the first were let in is their race
            client = stack.enter_context(open_raw(server, head))
            client.settimeout(2)
            try:
                got = client.recv(1 << 16)
                break
            except TimeoutError:
                client.settimeout(PATIENCE)
                send(client)
        case.ok(b" 503 " in got.split(b"\r\n")[0] and b"Retry-After" in got, "one more: 503", got)
    case.ok(until(lambda: resident(server) - before < 100 * MIB), "when they have gone it is given back", resident(server) - before)


if __name__ == "__main__":
    run([crowd, share, headers, bodies, json_bombs, queries, streams, memory])

#!/usr/bin/env python3
"""HTTP over real sockets: what is refused, who is cut off, and that no reply is lost. Runs tests/integration/http_owner."""
import json
import os
import re
import selectors
import signal
import socket
import ssl
import subprocess
import threading
import time

from lib import Skip, run, seeded

PATIENCE = 30
# Long enough that a busy machine does not meet it by chance where it must not be met.
FAR_MS = 100000


class Owner:
    """A running http_owner."""

    def __init__(self, case, *options, listen=("127.0.0.1:0",), wait=True):
        words = [str(case.tt), *(f"listen={address}" for address in listen), "log=1", *options]
        self.child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        case.cleanups.append(self.kill)
        self.lines, self.ports = [], []
        if wait:
            # From 1.0 on the library itself refuses most of what is malformed, in its own words, and unfolds lines.
            self.old_library = self.child.stdout.readline().startswith("libmicrohttpd 0.")
            while (line := self.child.stdout.readline()) and line != "ready\n":
                self.ports.append(int(line.split()[1]))
            self.reader = threading.Thread(target=self.read, daemon=True)
            self.reader.start()

    def read(self):
        for line in self.child.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def port(self):
        return self.ports[0]

    def said(self, pattern, count=1):
        """Wait until COUNT lines match."""
        return wait_for(lambda: sum(bool(re.match(pattern, line)) for line in list(self.lines)) >= count)

    def connect(self, host="127.0.0.1", port=None):
        return Client(socket.create_connection((host, port or self.port), timeout=PATIENCE))

    def tell(self, number):
        self.child.send_signal(number)

    def end(self):
        """SIGTERM; the sums it prints at last."""
        self.tell(signal.SIGTERM)
        status = self.child.wait(timeout=PATIENCE)
        self.reader.join(PATIENCE)
        errors = self.child.stderr.read()
        if status != 0:
            raise AssertionError(f"http_owner ended with {status}: {errors}")
        return json.loads(self.lines[-1])

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()


class Reply:
    def __init__(self, status, headers, body, whole):
        self.status, self.headers, self.body, self.whole = status, headers, body, whole

    def __str__(self):
        return f"{self.status} {self.headers} {self.body[:200]} whole={self.whole}"


class Client:
    """One connection, byte for byte."""

    def __init__(self, sock):
        self.sock, self.rest = sock, b""

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        return self

    def more(self):
        try:
            data = self.sock.recv(1 << 16)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
            data = b""
        self.rest += data
        return data

    def until(self, mark):
        while mark not in self.rest:
            if not self.more():
                return None
        found, self.rest = self.rest.split(mark, 1)
        return found

    def take(self, count):
        while len(self.rest) < count and self.more():
            pass
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def reply(self, head=False):
        """The next reply, or None at the end of the connection."""
        top = self.until(b"\r\n\r\n")
        if top is None:
            return None
        first, *lines = top.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        status = int(first.split()[1])
        if head or status in (100, 204, 304):
            return Reply(status, headers, b"", True)
        if headers.get("transfer-encoding") == "chunked":
            return Reply(status, headers, *self.chunks())
        if "content-length" in headers:
            length = int(headers["content-length"])
            body = self.take(length)
            return Reply(status, headers, body, len(body) == length)
        while self.more():
            pass
        return Reply(status, headers, self.rest, True)

    def chunks(self):
        body = b""
        while True:
            size = self.until(b"\r\n")
            if size is None:
                return body, False
            count = int(size, 16)
            part = self.take(count + 2)
            body += part[:-2]
            if len(part) != count + 2:
                return body, False
            if count == 0:
                return body, True

    def closed(self):
        """The server ends it, and says nothing more."""
        while self.more():
            pass
        return self.rest == b""

    def get(self, path, head=False, fields=""):
        self.send(f"{'HEAD' if head else 'GET'} {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
        return self.reply(head)

    def post(self, path, body=b"", fields=""):
        self.send(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n{fields}\r\n".encode() + body)
        return self.reply()

    def close(self):
        self.sock.close()


def wait_for(what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.01)
    return False


def message_of(reply):
    return json.loads(reply.body).get("message", "") if reply and reply.body.startswith(b"{") else ""


def plain(case):
    """Methods, kept connections, pipelining, HTTP/1.0, a client that has finished talking."""
    owner = Owner(case)
    client = owner.connect()
    got, head = client.get("/here"), client.get("/here", head=True)
    case.ok(got.status == 200 and b"hundred" in got.body, "GET", got)
    got.headers.pop("date"), head.headers.pop("date")
    case.equal(head.headers, got.headers, "HEAD has the headers of GET, Content-Length too")
    case.equal(client.post("/echo", b"hello").body, b"hello", "a reply from another thread, on the same connection")
    case.equal(client.get("/begin").body, b"begin", "a reply from begin keeps the connection")
    case.equal(client.get("/here").status, 200, "and so it goes on")
    many = owner.connect()
    many.send("".join(f"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {len(str(n))}\r\n\r\n{n}" for n in range(200)))
    case.equal([many.reply().body for _ in range(200)], [str(n).encode() for n in range(200)], "200 pipelined requests, in order")
    old = owner.connect().send("GET /here HTTP/1.0\r\n\r\n")
    case.ok(old.reply().status == 200 and old.closed(), "HTTP/1.0 without Host: answered and closed")
    old = owner.connect().send("GET /here HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    case.ok(old.reply().status == 200 and old.get("/here").status == 200, "HTTP/1.0 with keep-alive is kept")
    for path in ("/here", "/echo", "/slow?ms=300"):
        half = owner.connect().send(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
        half.sock.shutdown(socket.SHUT_WR)
        case.ok((half.reply() or Reply(0, {}, b"", False)).status == 200, f"a client that has ended its side gets its reply: {path}")
    case.ok(owner.connect().get("/close").headers.get("connection") == "close", "a reply that ends the connection says so")
    last = owner.connect().send("GET /here HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    case.ok(last.reply().status == 200 and last.closed(), "Connection: close of the client")
    got = owner.connect().get("/header")
    case.equal(got.headers.get("x-own"), "fine", "a header of the owner")
    got = owner.connect().get("/header?bad=1")
    case.ok(got.status == 500 and "x-injected" not in got.headers, "a header with a line break is not sent", got)
    sums = owner.end()
    case.equal((sums["ended"], sums["complete"]), (sums["begun"],) * 2, "every request ended once, each complete")


# What, request, status (None: closed without a word), what the message says.
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
REFUSED = [
    ("Content-Length and Transfer-Encoding", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400, "ambiguous"),
    ("Transfer-Encoding, then Content-Length", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED, 400, "ambiguous"),
    ("two Content-Lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 37\r\n\r\n" + SMUGGLED, 400, "ambiguous"),
    ("the same Content-Length twice", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400, "ambiguous"),
    ("two Transfer-Encodings", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400, "ambiguous"),
    ("a list of Content-Lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx" + SMUGGLED, 400, None),
    ("a signed Content-Length", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx" + SMUGGLED, 400, None),
    ("a negative Content-Length", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nx" + SMUGGLED, 400, None),
    ("a space before the colon", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length : 37\r\n\r\n" + SMUGGLED, 400, "malformed"),
    ("an unknown coding", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "Transfer-Encoding"),
    ("a coding that only looks like chunked", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, "Transfer-Encoding"),
    ("chunked in HTTP/1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "HTTP/1.0"),
    ("a chunk without a size", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n0\r\n\r\n", 400, None),
    ("a chunk that is longer than said", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxxxx\r\n0\r\n\r\n", 400, None),
    ("a chunk size beyond all bounds", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx", 413, None),
    ("a folded field", "GET /here HTTP/1.1\r\nHost: a\r\nX-Test: a\r\n b\r\n\r\n", 400, "folded"),
    ("a folded field that makes a name", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-: 37\r\n Length\r\n\r\n" + SMUGGLED, 400, "folded"),
    ("a folded last field", "GET /here HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n", 400, "folded"),
    ("a NUL in a value", "GET /here HTTP/1.1\r\nHost: a\r\nX-Test: a\0b\r\nX: y\r\n\r\n", 400, "NUL"),
    ("a NUL in the last value", "GET /here HTTP/1.1\r\nHost: a\r\nX-Test: a\0b\r\n\r\n", 400, "NUL"),
    ("a NUL at the end of a value", "GET /here HTTP/1.1\r\nHost: a\r\nX-Test: a\0\r\nX: y\r\n\r\n", 400, "NUL"),
    ("a NUL in a name", "GET /here HTTP/1.1\r\nHost: a\r\nX\0-Test: a\r\n\r\n", 400, None),
    ("a NUL in the target", "GET /he\0re HTTP/1.1\r\nHost: a\r\n\r\n", 400, "NUL"),
    ("a NUL in the query", "GET /here?a\0b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "NUL"),
    ("a carriage return in a value", "GET /here HTTP/1.1\r\nHost: a\r\nX-Test: a\rb\r\n\r\n", 400, "malformed"),
    ("a name that is none", "GET /here HTTP/1.1\r\nHost: a\r\nX(Test: a\r\n\r\n", 400, "malformed"),
    ("a field without a colon", "GET /here HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", 400, None),
    ("a space in the target", "GET /he re HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed"),
    ("two spaces in the request line", "GET  /here HTTP/1.1\r\nHost: a\r\n\r\n", 400, "stray"),
    ("a target without a slash", "GET here HTTP/1.1\r\nHost: a\r\n\r\n", 400, "'/'"),
    ("a target of another scheme", "GET ftp://a/here HTTP/1.1\r\nHost: a\r\n\r\n", 400, "'/'"),
    ("no Host", "GET /here HTTP/1.1\r\n\r\n", 400, "Host"),
    ("two Hosts", "GET /here HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "Host"),
    ("fields of more than 32 KiB", "GET /here HTTP/1.1\r\nHost: a\r\nX-Test: " + "x" * 33000 + "\r\n\r\n", 431, "too long"),
    ("fields of more than all memory", "GET /here HTTP/1.1\r\nHost: a\r\nX-Test: " + "x" * 200000 + "\r\n\r\n", 431, None),
    ("thousands of fields", "GET /here HTTP/1.1\r\nHost: a\r\n" + "a:b\r\n" * 5000 + "\r\n", 431, None),
    ("a target of more than all memory", "GET /" + "x" * 200000 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414, None),
    ("another protocol", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", None, None),
    ("HTTP/2 by prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, None),
]


def refused(case):
    """Requests that two readers could understand differently, or nobody. One reply, then the end."""
    owner = Owner(case)
    for what, request, status, word in REFUSED:
        client = owner.connect()
        try:
            client.send(request)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before the end of it
        got = client.reply()
        if not owner.old_library:
            good = (got.status if got else None) in (status, 400, None) or (word == "folded" and got.status == 200)
            case.ok(good, f"{what}: {status}, or as the library has it", got)
            continue
        good = (got.status if got else None) == status and (word is None or word in message_of(got))
        # libmicrohttpd 0.9.75 says its own 400 for a bad Content-Length twice: only that it ends is asked there.
        case.ok(good and (client.closed() or word is None), f"{what}: {status}", got)
    case.ok(not any("smuggled" in line for line in owner.lines), "nothing smuggled was answered", owner.lines)
    case.ok(owner.said(r"ended 431 ", 3) and owner.said(r"ended 400 "), "the owner hears of those refused", owner.lines)
    owner.end()


def understood(case):
    """Unusual requests that are right."""
    owner = Owner(case)

    def shown(request):
        client = owner.connect().send(request)
        got = client.reply()
        return json.loads(got.body) if got and got.status == 200 else {"reply": str(got)}

    got = shown("GET /show?a=1&b=%20+c%00 HTTP/1.1\r\nHost: a\r\n\r\n")
    case.equal(got.get("query"), "a=1&b=%20+c%00", "the query as it was sent")
    got = shown("POST http://other:1/show?x HTTP/1.1\r\nHost: a\r\n\r\n")
    case.equal([got.get(key) for key in ("path", "query", "Host", "Host count")], ["/show", "x", "other:1", 1], "the absolute form: its host counts")
    got = owner.connect().send("GET HTTP://b HTTP/1.1\r\nHost: a\r\n\r\n").reply()
    case.ok(got.status == 200 and owner.said(r"ended 200 0 1 /$"), "the absolute form without a path", got)
    client = owner.connect().send("GET /%2e%2E/%73how/%00/ HTTP/1.1\r\nHost: a\r\n\r\n")
    case.ok(client.reply().status == 200 and owner.said(r"ended 200 0 1 /%2e%2E/%73how/%00/$"), "the path as it was sent", owner.lines)
    got = owner.connect().send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").reply()
    case.equal(got.status, 200, "OPTIONS *")
    lines = "\r\n\r\n" if owner.old_library else ""  # RFC 9112 2.2: lines before a request may be ignored, or not
    got = shown(lines + "GET /show HTTP/1.1\r\nhOsT: a\r\nx-test: \t v w \t\r\nX-TEST: other\r\n\r\n")
    case.equal([got.get("Host"), got.get("X-Test"), got.get("X-Test count")], ["a", "v w", 2], "names in any case, values trimmed, repeated fields counted")
    if owner.old_library:  # RFC 9112 2.2: may be accepted, or not
        got = shown("GET /show HTTP/1.1\nHost: a\nX-Test: b\n\n")
        case.equal(got.get("X-Test"), "b", "lines that end in LF alone")
    got = shown("GET /show HTTP/1.1\r\nHost: a\r\nX-Test:\r\nCookie: a=b; c\r\n\r\n")
    case.equal([got.get("X-Test"), got.get("X-Test count"), got.get("Cookie")], ["", 1, "a=b; c"], "an empty field; a cookie left as it is")
    size = "3;ext=1" if owner.old_library else "3"
    got = shown(f"POST /show HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n{size}\r\nabc\r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n")
    case.equal(got.get("body"), "abc0123456789", "chunks with extensions and trailers")
    got = shown("GET /show HTTP/1.1\r\nHost: a\r\nX-Test: " + "x" * 32000 + "\r\n\r\n")
    case.equal(len(got.get("X-Test", "")), 32000, "fields of almost 32 KiB")
    slow = owner.connect()
    for byte in "POST /show HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc":
        slow.send(byte)
    case.equal(json.loads(slow.reply().body)["body"], "abc", "byte by byte")
    owner.end()


def bodies(case):
    """How long a body may be, and what becomes of one that nobody wants."""
    owner = Owner(case, "body_limit=300000")
    chunk = "a" * 50000
    chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    client = owner.connect()
    case.equal(client.post("/echo", b"x" * 300000).body, b"x" * 300000, "a body as long as allowed")
    got = client.post("/echo", b"x" * 300001)
    case.ok(got.status == 413 and "too long" in message_of(got), "one byte more: 413, though it was sent whole", got)
    got = owner.connect().send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n").reply()
    case.equal(got.status, 413, "413 before anything was sent")
    client = owner.connect()
    got = client.post("/refuse", b"x" * 5000)
    case.ok(got.status == 401 and client.get("/here").status == 200, "refused by the head: the body is skipped, the connection stays", got)
    client = owner.connect().send(chunked + f"c350\r\n{chunk}\r\n" * 6 + "0\r\n\r\n")
    case.equal(len(client.reply().body), 300000, "a chunked body as long as allowed")
    client = owner.connect().send(chunked + f"c350\r\n{chunk}\r\n" * 7 + "0\r\n\r\n")
    case.equal(client.reply().status, 413, "a chunked body that is longer")
    client = owner.connect()
    try:
        client.send(chunked)
        for _ in range(400):
            client.send(f"c350\r\n{chunk}\r\n")
        case.ok(False, "a chunked body without end is cut")
    except (BrokenPipeError, ConnectionResetError):
        case.ok(True, "a chunked body without end is cut")
    expect = "Content-Length: {}\r\nExpect: 100-continue\r\n\r\n"
    client = owner.connect().send("POST /echo HTTP/1.1\r\nHost: a\r\n" + expect.format(5))
    case.equal(client.reply().status, 100, "100 Continue")
    case.equal(client.send("hello").reply().body, b"hello", "and then the body")
    for path, length, status in (("/refuse", 5, 401), ("/echo", 300001, 413)):
        client = owner.connect().send(f"POST {path} HTTP/1.1\r\nHost: a\r\n" + expect.format(length))
        got = client.reply()
        case.ok(got.status == status and client.closed(), f"{status} instead of 100 Continue", got)
    client = owner.connect().send("POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n")
    case.equal(client.reply().status, 401, "refused at once when it would be long")
    sums = owner.end()
    case.equal(sums["ended"], sums["begun"], "every request ended once")


def streams(case):
    """Replies made piece by piece."""
    owner = Owner(case)
    client = owner.connect()
    got = client.get("/stream?bytes=5000000")
    case.ok(got.whole and len(got.body) == 5000000, "5 MB", len(got.body))
    case.ok(client.get("/stream?bytes=0").whole, "an empty one")
    head = client.get("/stream?bytes=100", head=True)
    case.ok(head.status == 200 and "content-length" not in head.headers and client.closed(), "HEAD of one", head)
    client = owner.connect()
    got = client.get("/broken?bytes=100000")
    case.ok(len(got.body) <= 100000 and not got.whole, "one that fails ends without its last chunk", got)
    got = owner.connect().send("GET /stream?bytes=100000 HTTP/1.0\r\n\r\n").reply()
    case.equal(len(got.body), 100000, "HTTP/1.0: until the connection ends")
    for _ in range(20):
        client = owner.connect().send("GET /stream?bytes=500000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        client.take(1000)
        client.close()
    case.ok(owner.said(r"ended 200 \d+ 0 /stream", 20), "20 clients that leave in the middle: lost", owner.lines)
    case.ok(owner.said(r"ended 200 5000000 1 /stream"), "bytes sent are counted", owner.lines)
    sums = owner.end()
    case.equal(sums["freed"], sums["streams"], "every stream was freed once")


def dripping(client, text, pause):
    """Send TEXT byte by byte until it is cut. Seconds that took."""
    began = time.monotonic()
    client.sock.settimeout(pause)
    for byte in text:
        try:
            client.send(byte)
            if client.sock.recv(1) == b"":
                break
        except socket.timeout:
            continue
        except OSError:
            break
    else:
        return None
    return time.monotonic() - began


def late(case):
    """Clients that take their time: each phase has its end, however lively they are."""
    owner = Owner(case, "header_ms=1000", "body_ms=1000", f"idle_ms={FAR_MS}", "stall_ms=1500")
    line, fields = "GET /here HTTP/1.1\r\n", "Host: a\r\nX-Test: " + "x" * 2000
    case.ok(dripping(owner.connect().send(line), fields, 0.02) is not None, "a head that drips is cut")
    if owner.old_library:  # from 1.0 on nobody hears of a request whose head was not complete
        case.ok(owner.said(r"ended 408 0 0 /here"), "as 408, lost", owner.lines)
    case.ok(dripping(owner.connect(), "GET /" + "x" * 2000, 0.02) is not None, "a request line that drips is cut")
    post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    case.ok(dripping(owner.connect().send(post), "x" * 2000, 0.02) is not None, "a body that drips is cut")
    client = owner.connect()
    client.get("/here")
    case.ok(dripping(client.send(line), fields, 0.02) is not None, "a head that drips on a kept connection is cut")
    client = owner.connect()
    client.get("/here")
    case.ok(dripping(client, "GET /" + "x" * 2000, 0.02) is not None, "a request line that drips on a kept connection is cut")
    case.ok(owner.connect().closed(), "a client that never says anything is cut")
    case.equal(owner.connect().post("/slow?ms=2500", b"x").body, b"slow", "the owner may take longer than all of that")
    client = owner.connect().send("GET /big?bytes=50000000 HTTP/1.1\r\nHost: a\r\n\r\n")
    case.ok(owner.said(r"ended 200 0 0 /big"), "a reply that the client does not take is cut", owner.lines)
    case.ok(len(client.reply().body) < 50000000, "so it gets only a part")
    client = owner.connect().send("GET /stream?bytes=500000000 HTTP/1.1\r\nHost: a\r\n\r\n")
    case.ok(owner.said(r"ended 200 \d+ 0 /stream"), "nor a stream", owner.lines)
    client = owner.connect()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20000)
    client.send("GET /big?bytes=3000000 HTTP/1.1\r\nHost: a\r\n\r\n")
    top = client.until(b"\r\n\r\n")
    got = len(client.take(len(client.rest)))
    while got < 3000000 and (part := client.sock.recv(20000)):
        got += len(part)
        time.sleep(0.02)
    case.equal((b"3000000" in top, got), (True, 3000000), "one that reads slowly, longer than that, gets it all")
    owner.end()
    owner = Owner(case, f"body_ms={FAR_MS}")
    for _ in range(20):
        owner.connect().send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc").close()
    case.ok(owner.said(r"ended 0 0 0 /echo", 20), "clients that leave with half a body are not waited for")
    owner.end()
    owner = Owner(case, "idle_ms=300")
    client = owner.connect()
    case.ok(client.get("/here").status == 200 and client.closed(), "an idle connection ends")
    owner.end()


def crowd_of_sleepers(case):
    """1,000 clients that say nothing and 1,000 that drip: others are answered meanwhile, these are cut."""
    owner = Owner(case, "header_ms=6000", "connections=4096")
    silent = [owner.connect() for _ in range(1000)]
    drips = [owner.connect().send("GET /here HTTP/1.1\r\n") for _ in range(1000)]
    waiting = selectors.DefaultSelector()
    for client in silent + drips:
        client.sock.setblocking(False)
        waiting.register(client.sock, selectors.EVENT_READ, client)
    left, answered, end = len(silent) + len(drips), 0, time.monotonic() + 60
    worker = owner.connect()
    while left and time.monotonic() < end:
        for client in drips:
            try:
                client.sock.send(b"X")
            except OSError:
                pass
        answered += worker.post("/echo", b"me").body == b"me"
        for key, _ in waiting.select(0.05):
            try:
                gone = key.data.sock.recv(100) == b""
            except OSError:
                gone = True
            if gone:
                waiting.unregister(key.fileobj)
                left -= 1
    case.equal(left, 0, "all of them are cut")
    case.ok(answered > 3, f"others were answered meanwhile ({answered} times)")
    case.ok(not owner.old_library or owner.said(r"ended 408 ", 1000), "the owner hears of 1,000 that began a request")
    for client in silent + drips:
        client.close()
    owner.end()


def six_addresses():
    """The machine's IPv6 addresses, as the kernel lists them: hexadecimal, with more behind."""
    try:
        with open("/proc/net/if_inet6", encoding="ascii") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def addresses(case):
    """Where it listens."""
    owner = Owner(case, listen=("localhost:0", "127.0.0.2:0"))
    case.equal(owner.connect("127.0.0.1").get("/here").status, 200, "localhost on IPv4")
    try:
        socket.create_connection(("127.0.0.1", owner.ports[1]), timeout=PATIENCE)
        case.ok(False, "the second address is only what it says")
    except ConnectionRefusedError:
        case.ok(True, "the second address is only what it says")
    case.equal(owner.connect("127.0.0.2", owner.ports[1]).get("/here").status, 200, "a second address, the same server")
    if any(line.startswith("0" * 31 + "1 ") for line in six_addresses()):  # else the machine has no such address
        got = json.loads(owner.connect("::1").get("/show").body)
        case.equal((got["peer"], got["local"]), ("::1", True), "localhost on IPv6")
    for address, word in ((f"127.0.0.1:{owner.port}", f"busy: port {owner.port} of 127.0.0.1 is in use"), ("example.org:0", "usage: cannot listen on 'example.org'"),
                          ("192.0.2.1:0", "192.0.2.1 is no address of this machine"), ("127.0.0.1:65536", "usage: cannot listen on '127.0.0.1', port 65536")):
        failed = Owner(case, listen=(address,), wait=False)
        case.ok(failed.child.wait(timeout=PATIENCE) == 1 and word in (said := failed.child.stderr.read()), word, said)
    failed = Owner(case, "connections=2000000000", wait=False)
    case.ok(failed.child.wait(timeout=PATIENCE) == 1 and "ulimit -n" in failed.child.stderr.read(), "more connections than files may be open")
    owner.end()


def limits(case):
    """How many connections there may be."""
    owner = Owner(case, "connections=5")
    clients = [owner.connect() for _ in range(5)]
    case.ok(all(client.get("/here").status == 200 for client in clients), "as many as allowed")
    sixth = owner.connect().send("GET /here HTTP/1.1\r\nHost: a\r\n\r\n")
    sixth.sock.settimeout(0.5)
    try:
        case.ok(False, "one more waits", sixth.reply())
    except socket.timeout:
        case.ok(True, "one more waits")
    clients[2].close()
    sixth.sock.settimeout(PATIENCE)
    case.equal(sixth.reply().status, 200, "until one goes")
    owner.end()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            own = probe.getsockname()[0]
        except OSError as why:
            raise Skip(why)
    owner = Owner(case, "per_address=3", listen=("0.0.0.0:0",))
    clients = [owner.connect(own) for _ in range(3)]
    case.ok(all(client.get("/here").status == 200 for client in clients), "as many from one address as allowed")
    case.ok(owner.connect(own).closed(), "one more is closed")
    case.ok(all(owner.connect().get("/here").status == 200 for _ in range(5)), "this machine itself has no limit")
    clients.pop().close()
    case.ok(wait_for(lambda: (owner.connect(own).get("/here") or Reply(0, {}, b"", False)).status == 200), "another may come when one has gone")
    owner.end()


def idle(case):
    """A server with nothing to do sleeps."""
    owner = Owner(case)

    def wakes():
        tasks = f"/proc/{owner.child.pid}/task"
        return sum(int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", open(f"{tasks}/{task}/status").read()).group(1)) for task in os.listdir(tasks))

    time.sleep(0.3)
    before = wakes()
    time.sleep(3)
    case.equal(wakes() - before, 0, "no thread wakes while there is no connection")
    client = owner.connect()
    client.get("/here")
    time.sleep(0.3)
    before = wakes()
    time.sleep(3)
    case.ok(wakes() - before <= 5, "once a second while there is one", wakes() - before)
    owner.end()


def make_certificate(case, name):
    cert, key = case.top / f"{name}.pem", case.top / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def tls(case):
    """HTTPS, and certificates that are renewed."""
    first, second = make_certificate(case, "first"), make_certificate(case, "second")
    cert, key = case.top / "cert.pem", case.top / "key.pem"

    def install(pair):
        cert.write_bytes(pair[0].read_bytes()), key.write_bytes(pair[1].read_bytes())

    install(first)
    owner = Owner(case, f"cert={cert}", f"key={key}", "header_ms=5000")

    def connect(pair):
        context = ssl.create_default_context(cafile=pair[0])
        client = owner.connect()
        client.sock = context.wrap_socket(client.sock, server_hostname="localhost")
        return client

    old = connect(first)
    got = json.loads(old.post("/show", b"secret").body)
    case.equal((got["tls"], got["body"]), (True, "secret"), "a request over TLS")
    case.equal(old.post("/echo", b"x" * 100000).body, b"x" * 100000, "a reply from another thread over TLS")
    case.equal(len(connect(first).get("/stream?bytes=3000000").body), 3000000, "a stream over TLS")
    install(second)
    owner.tell(signal.SIGHUP)
    case.ok(owner.said("reloaded"), "other certificates are loaded")
    case.equal(connect(second).get("/here").status, 200, "new connections see them")
    case.equal(old.get("/here").status, 200, "a connection from before goes on")
    key.write_bytes(first[1].read_bytes())
    owner.tell(signal.SIGHUP)
    case.ok(owner.said("reload: certificate '.*' with key '.*': "), "files that do not belong together are refused", owner.lines)
    case.equal(connect(second).get("/here").status, 200, "and the former ones stay")
    case.ok(owner.connect().closed(), "a handshake that does not come is cut")
    plain_text = owner.connect().send("GET /here HTTP/1.1\r\nHost: a\r\n\r\n")
    case.ok(plain_text.reply() is None, "no answer without TLS")
    owner.end()
    failed = Owner(case, f"cert={case.top}/none", f"key={key}", wait=False)
    case.ok(failed.child.wait(timeout=PATIENCE) == 1 and "none" in failed.child.stderr.read(), "a file that is not there")
    failed = Owner(case, f"cert={key}", f"key={key}", wait=False)
    case.ok(failed.child.wait(timeout=PATIENCE) == 1 and "parse: certificate" in failed.child.stderr.read(), "a file that is no certificate")
    failed = Owner(case, f"cert={cert}", wait=False)
    case.ok(failed.child.wait(timeout=PATIENCE) == 1 and "usage: TLS needs" in failed.child.stderr.read(), "a certificate without its key")


def leaving(case):
    """Quiesce: what is at work is answered, what is idle ends, nobody new comes in."""
    owner = Owner(case, "workers=2")
    idle_client, fresh = owner.connect(), owner.connect()
    idle_client.get("/here")
    busy = [owner.connect().send(f"POST /slow?ms=700 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n{n}") for n in range(4)]
    half = owner.connect().send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
    case.equal(half.reply().status, 100, "a request has begun")
    half.send("01234")
    wait_for(lambda: owner.connect().get("/here").status == 200)
    owner.tell(signal.SIGTERM)
    case.ok(idle_client.closed() and fresh.closed(), "idle connections end")
    try:
        owner.connect()
        case.ok(False, "nobody new comes in")
    except OSError:
        case.ok(True, "nobody new comes in")
    got = half.send("56789").reply()
    case.ok(got and got.body == b"0123456789" and got.headers.get("connection") == "close", "a request that had begun is answered, and closes", got)
    case.equal([client.reply().body for client in busy], [b"slow"] * 4, "those at work are answered")
    owner.child.wait(timeout=PATIENCE)
    owner.reader.join(PATIENCE)
    sums = json.loads(owner.lines[-1])
    case.equal(sums["ended"], sums["begun"], "every request ended")


def gone(case):
    """The owner can ask whether the client is still there."""
    owner = Owner(case, "workers=2")
    client = owner.connect().send("POST /gone?ms=20000 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
    time.sleep(0.1)
    began = time.monotonic()
    client.close()
    case.ok(owner.said(r"ended \d+ \d+ \d /gone") and time.monotonic() - began < 15, "a client that leaves is seen", owner.lines)
    case.equal(owner.connect().post("/gone?ms=50", b"x").body, b"there", "one that waits is there")
    owner.end()


def storm(case):
    """Many clients at once, some of which leave without a word: each request ends once, each reply is its own."""
    rng = seeded("storm")
    seeds = [rng.random() for _ in range(16)]
    owner = Owner(case, "workers=4", "threads=3", "idle_ms=700", "header_ms=2000")
    wrong, done = [], []

    def client_main(seed):
        own = __import__("random").Random(seed)
        client, count = owner.connect(), 0
        for number in range(300):
            body = f"{seed}-{number}-".encode() * own.randint(1, 300)
            what = own.randrange(20)
            try:
                if what == 0:
                    client.send(f"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[: own.randrange(len(body))])
                    client.close()
                    client = owner.connect()
                elif what == 1:
                    client.send(b"POST /slow?ms=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
                    client.close()
                    client = owner.connect()
                elif what == 2:
                    client.get("/stream?bytes=200000")
                elif what == 3:
                    client.get("/refuse")
                else:
                    got = client.post("/echo", body)
                    if got is None:
                        client = owner.connect()
                    elif got.body != body:
                        wrong.append((seed, number, got.body[:80]))
                    else:
                        count += 1
            except OSError:
                client = owner.connect()
        done.append(count)

    threads = [threading.Thread(target=client_main, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    case.equal(wrong, [], "each client got its own replies")
    case.ok(sum(done) > 1000, f"{sum(done)} of them")
    sums = owner.end()
    case.equal((sums["ended"], sums["freed"]), (sums["begun"], sums["streams"]), "every request and stream ended once")


def storm_that_ends(case):
    """SIGTERM in the middle of it: whoever was being answered gets the whole answer."""
    for number in range(5):
        owner = Owner(case, "workers=3", "threads=2")
        answers, torn = [], []

        def client_main():
            body, count = b"z" * 3000, 0
            try:
                client = owner.connect()
                while (got := client.post("/echo" if count % 3 else "/big?bytes=3000", body)) is not None:
                    count += 1
                    if not got.whole or len(got.body) != 3000:
                        torn.append(str(got))
                        break
                if client.rest:
                    torn.append(client.rest)
            except OSError:
                pass
            answers.append(count)

        threads = [threading.Thread(target=client_main) for _ in range(24)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(owner.lines) > 300)
        sums = owner.end()
        for thread in threads:
            thread.join(PATIENCE)
        case.equal(torn, [], f"round {number + 1}: no answer was torn")
        # One whose head was only half there when the end came has not begun; its end is logged all the same.
        case.ok(sums["complete"] == sum(answers) == sums["begun"] <= sums["ended"], "each request that began was answered, and the answer arrived",
                (sums, sum(answers)))


def seamless(case):
    """With time to drain no request is lost: who is connected is told that the answer was the last, who is not is refused."""
    for number in range(3):
        owner = Owner(case, "workers=2", "threads=2", "drain_ms=4000")
        lost, told = [], set()

        def client_main(pause_s, keep, name):
            count = 0
            try:
                while True:
                    client = owner.connect()
                    more = True
                    while more:
                        got = client.post("/echo", b"x")
                        if got is None or got.body != b"x":
                            lost.append(f"request {count} with a pause of {pause_s} s: {got}")
                            return
                        count += 1
                        more = keep and got.headers.get("connection") != "close"
                        time.sleep(pause_s)
                    if keep:
                        told.add(name)  # more than once, who comes again while the doors close
                    client.sock.close()
            except ConnectionRefusedError:
                pass
            except OSError as error:
                lost.append(f"request {count} with a pause of {pause_s} s: {error}")

        kinds = [(pause_s, keep) for pause_s in (0, 0, 0.01, 0.2) for keep in (True, False)]
        threads = [threading.Thread(target=client_main, args=(*kind, name)) for name, kind in enumerate(kinds)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(owner.lines) > 300)
        began = time.monotonic()
        sums = owner.end()
        for thread in threads:
            thread.join(PATIENCE)
        case.equal(lost, [], f"round {number + 1}: nobody lost a request")
        case.ok(len(told) == 4, "those who kept their connection were told", told)
        case.equal(sums["ended"], sums["begun"], "every request ended")
        case.ok(time.monotonic() - began < PATIENCE, "and it ends")
    owner = Owner(case, "drain_ms=300")
    idle_client = owner.connect()
    idle_client.get("/here")
    owner.end()
    case.ok(idle_client.closed(), "who asks nothing is not waited for")


if __name__ == "__main__":
    run([plain, refused, understood, bodies, streams, late, crowd_of_sleepers, addresses, limits, idle, tls, leaving, seamless, gone, storm, storm_that_ends])

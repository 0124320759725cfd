#!/usr/bin/env python3
"""The server as processes and clients see it: its life, who is let in, keys, loads, kills, and what the daemon does with it."""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

from lib import Skip, run, seeded

BUCKET = {"type": "t", "client": "c", "hostname": "h"}
STORM_ROUNDS = 6
WRITERS = 8


def until(what, limit=20):
    """Wait until WHAT() is true; what it said last."""
    end = time.monotonic() + limit
    while True:
        said = what()
        if said or time.monotonic() >= end:
            return said
        time.sleep(0.02)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def header(self, name):
        return self.headers.get(name)

    def __str__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:500]!r}"


class Server:
    """`tt serve` on a free port of loopback, unless `listen` says otherwise."""

    def __init__(self, case, box, *words, listen="127.0.0.1:0", env=None):
        self.box = box
        self.log = box.home / "serve.log"
        with open(self.log, "ab") as log:
            self.child = box.start("serve", "--json", *(["--listen", listen] if listen else []), *words, env=env,
                                   stdout=subprocess.PIPE, stderr=log)
        case.cleanups.append(self.kill)
        line = self.child.stdout.readline()
        assert line, f"it did not start: {self.said()}"
        self.told = json.loads(line)
        self.port = int(self.told["listen"][0].rsplit(":", 1)[1])
        self.host = f"127.0.0.1:{self.port}"

    def said(self):
        return self.log.read_text(errors="replace")

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.child.kill()
        self.child.wait()

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(30)

    def connect(self, address="127.0.0.1", timeout=20):
        return http.client.HTTPConnection(address, self.port, timeout=timeout)

    def ask(self, method, path, body=None, connection=None, address="127.0.0.1", **headers):
        """One request; header names have '_' for '-', and `host` replaces the usual one."""
        own = connection is None
        connection = connection or self.connect(address)
        text = None if body is None else json.dumps(body).encode()
        fields = {"Host": self.host}
        fields.update((name.replace("_", "-").title(), value) for name, value in headers.items() if value is not None)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        if text is not None:
            fields.setdefault("Content-Type", "application/json")
            fields["Content-Length"] = str(len(text))
        for name, value in fields.items():
            if value != "":
                connection.putheader(name, value)
        connection.endheaders(text)
        got = connection.getresponse()
        answer = Answer(got.status, got.headers, got.read())
        if own:
            connection.close()
        return answer

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body, **options):
        return self.ask("POST", path, body, **options)

    def status(self, method, path, **options):
        return self.ask(method, path, **options).status


def event(number, second=0):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1770000000 + number + second))
    return {"timestamp": at, "duration": 1, "data": {"n": number}}


def elsewhere():
    """An address of this machine that is no loopback one: who comes by it is a stranger to the server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address = probe.getsockname()[0]
        except OSError:
            raise Skip("this machine has no address but loopback") from None
    if address.startswith("127."):
        raise Skip("this machine has no address but loopback")
    return address


def configure(box, text):
    path = box.home / ".config/tt/config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make_key(box, *words):
    return box.must("serve", "generate-key", "--email", "ann@example.org", "--json", *words).json()


def life(case):
    """It starts, says where, ends at SIGTERM; what would make it fail is said."""
    box = case.machine("box", identity=False)
    refused = box.tt("serve", "--listen", "127.0.0.1:0", limit=20)
    case.ok(refused.status == 1 and "No machine identity found. Run 'tt init' first." in refused.err, "not without an identity", refused)
    box.init()
    server = Server(case, box)
    case.equal(server.told, {"pid": server.child.pid, "listen": [f"http://127.0.0.1:{server.port}"]}, "it tells where it listens")
    case.ok(f"serving on http://127.0.0.1:{server.port}" in server.said(), "to people too", server.said())
    info = server.get("/api/0/info").json()
    case.ok(info["device_id"] == box.id and info["testing"] is False, "it knows who it is", info)
    case.equal(server.get("/healthz").body, b"ok\n", "it lives")
    case.equal(server.get("/readyz").body, b"ready\n", "it is ready")
    again = box.tt("serve", "--listen", server.host, limit=20)
    case.ok(again.status == 1 and str(server.port) in again.err, "the port is in use", again)
    for words in (["--listen", "5600"], ["--listen", "::1:80"], ["--tls-cert", "x"], ["--webui", "/nowhere"], ["--nonsense"]):
        wrong = box.tt("serve", *words, limit=20)
        case.ok(wrong.status in (1, 2) and wrong.err, f"wrong: {' '.join(words)}", wrong)
    help_text = box.must("serve", "--help").out
    case.ok("--require-key" in help_text and "generate-key" in help_text, "help", help_text)
    case.ok(re.search(r"^  serve ", box.must("--help").out, re.M), "the overview has it")
    with contextlib.closing(server.connect()) as idle:  # a kept-alive connection does not hold it up
        server.get("/api/0/info", connection=idle)
        began = time.monotonic()
        case.equal(server.stop(), 0, "SIGTERM ends it well")
        case.ok(time.monotonic() - began < 5, "at once")
    verified, text = box.verified()
    case.ok(verified, "the store is sound", text)


def testing(case):
    """--testing has a port and a store of its own."""
    box = case.machine("box")
    server = Server(case, box, "--testing")
    case.equal(server.get("/api/0/info").json()["testing"], True, "it says so")
    case.equal(server.post("/api/0/buckets/b", BUCKET).status, 200, "a bucket")
    case.equal(server.stop(), 0, "it ends")
    case.ok((box.data / "tt-testing.db").exists() and not box.store.exists(), "only the store for tests is there")
    case.equal(server.status and Server(case, box).get("/api/0/buckets/").json(), {}, "the other knows nothing of it")


def routing(case):
    """Paths and methods."""
    server = Server(case, case.machine("box"))
    answer = server.get("/api/0/nope", accept="application/json")
    case.ok(answer.status == 404 and "message" in answer.json() and answer.header("Content-Type") == "application/json",
            "an unknown path is 404 in JSON", answer)
    for path in ("/api/0/info", "/api/0/info/", "//api//0/info", "/%61pi/0/inf%6f"):
        case.equal(server.status("GET", path), 200, path)
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "NONSENSE"):
        case.equal(server.status(method, "/api/0/info"), 404, f"{method} is 404, not 405")
    head, get = server.ask("HEAD", "/api/0/info"), server.get("/api/0/info")
    case.ok(head.status == 200 and head.body == b"" and head.header("Content-Length") == get.header("Content-Length"),
            "HEAD is GET without the body", f"{head} {get}")
    for path in ("/../etc/passwd", "/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/a%00b", "/.git/config"):
        case.ok(server.status("GET", path) in (400, 404), f"{path} is nothing", server.get(path))
    case.equal(server.status("GET", "/api/0/log"), 404, "no log")
    for path in ("/api/0/info", "/", "/api/0/nope"):
        answer = server.get(path)
        for name, value in (("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "SAMEORIGIN"), ("Referrer-Policy", "no-referrer"),
                            ("Cross-Origin-Resource-Policy", "same-origin"), ("Server", "tidemark")):
            case.equal(answer.header(name), value, f"{path}: {name}")
        case.ok(answer.header("Content-Security-Policy"), f"{path}: a content policy", answer)
        case.equal(answer.header("Strict-Transport-Security"), None, f"{path}: nothing of TLS without it")
    case.equal(server.get("/api/0/info").header("Cache-Control"), "no-store", "the API is not kept by caches")
    metrics = server.get("/metrics")
    case.ok('tt_http_requests_total{method="GET",route="/api/0/info",status="200"}' in metrics.body.decode(), "metrics count",
            metrics)


def hosts(case):
    """The Host header."""
    box = case.machine("box")
    server = Server(case, box)
    for host, want in (("192.168.0.1:1234", 400), ("evil.com", 400), ("localhost", 200), (f"localhost:{server.port}", 200),
                       ("127.0.0.1:9", 200), ("[::1]:9", 200), ("127.0.0.1.evil.com", 400)):
        case.equal(server.status("GET", "/api/0/buckets/", host=host), want, f"Host: {host}")
    case.equal(server.get("/api/0/info", host="x").json(), {"message": "Host header is invalid"}, "and what is said")
    case.equal(server.status("GET", "/", host="evil.com"), 400, "files too")
    case.equal(server.status("GET", "/healthz", host="evil.com"), 400, "health too")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(b"GET /api/0/info HTTP/1.1\r\nConnection: close\r\n\r\n")
        case.ok(raw.recv(100).startswith(b"HTTP/1.1 400"), "none at all is 400")
    wide = Server(case, box, listen="0.0.0.0:0")
    case.equal(wide.status("GET", "/api/0/info", host="anything"), 200, "on every address: any name")
    case.equal(wide.status("GET", "/api/0/buckets/", host="anything"), 401, "but no trust in a name that anybody can give us")
    case.equal(wide.status("GET", "/api/0/buckets/", host=f"127.0.0.1:{wide.port}"), 200, "loopback is loopback")
    case.ok("OTHERS CAN READ" in wide.said() and "there is no key yet" in wide.said(), "it warns", wide.said())


def origins(case):
    """The Origin header, and preflights."""
    server = Server(case, case.machine("box"))
    own = f"http://localhost:{server.port}"
    for origin in ("http://evil.com", "null", "http://localhost:1", "chrome-extension://abc", own + ".evil.com"):
        for method, path in (("GET", "/api/0/buckets/"), ("GET", "/"), ("OPTIONS", "/api/0/buckets/"), ("GET", "/healthz")):
            answer = server.ask(method, path, origin=origin)
            case.ok(answer.status == 403 and answer.header("Access-Control-Allow-Origin") is None, f"{origin}: {method} {path}", answer)
    for origin in (own, f"http://127.0.0.1:{server.port}", "moz-extension://any-uuid",
                   "chrome-extension://nglaklhklhcoonedhgnpgddginnjdadi"):
        answer = server.get("/api/0/buckets/", origin=origin)
        case.ok(answer.status == 200 and answer.header("Access-Control-Allow-Origin") == origin and
                "Origin" in answer.header("Vary"), origin, answer)
    answer = server.ask("OPTIONS", "/api/0/buckets/b", origin=own, access_control_request_method="POST",
                        access_control_request_headers="content-type, authorization")
    case.ok(answer.status == 200 and answer.body == b"" and answer.header("Access-Control-Allow-Origin") == own and
            answer.header("Access-Control-Allow-Headers") == "content-type, authorization" and
            "POST" in answer.header("Access-Control-Allow-Methods"), "a preflight", answer)
    case.equal(server.status("OPTIONS", "/api/0/buckets/b", origin=own, access_control_request_method="PUT"), 403, "not for PUT")
    case.equal(server.status("OPTIONS", "/api/0/buckets/b", origin=own), 400, "not without a method")
    case.equal(server.status("OPTIONS", "/api/0/buckets/"), 200, "OPTIONS without Origin")
    case.equal(server.post("/api/0/buckets/b", BUCKET, origin=own).status, 200, "a page of ours writes")
    case.equal(server.post("/api/0/buckets/c", BUCKET, origin="http://evil.com").status, 403, "another does not")
    case.equal(server.status("GET", "/api/0/buckets/c"), 404, "and nothing of it is there")


def keys(case):
    """Keys: who needs one, roles, expiry, revocation."""
    box = case.machine("box")
    server = Server(case, box, "--require-key")
    good = make_key(box)
    case.ok(good["role"] == "write" and good["expires_at"] is None and len(good["key"]) > 40 and good["email"] == "ann@example.org",
            "a key", good)
    bearer = f"Bearer {good['key']}"
    path = "/api/0/buckets/"
    missing = server.get(path)
    case.ok(missing.status == 401 and missing.json()["message"] ==
            "Missing or invalid API key. Set 'Authorization: Bearer <key>' header.", "none", missing)
    case.equal(server.status("GET", path, authorization=bearer), 200, "a good one")
    for wrong in ("Bearer x", f"Basic {good['key']}", f"bearer {good['key']}", f"Bearer  {good['key']}", f"Bearer {good['key'][:-1]}"):
        case.equal(server.status("GET", path, authorization=wrong), 401, wrong[:20])
    case.equal(server.status("GET", "/api/0/info"), 200, "info is open")
    case.equal(server.status("GET", "/healthz", authorization="Bearer x"), 200, "health is, whatever is sent")
    case.equal(server.status("GET", "/api/0/info", authorization="Bearer x"), 401, "a wrong key is wrong there too")
    for gated in ("//api/0/buckets/", "/%61pi/0/buckets/", "/api/0/nope", "/api/0/%zz", "/metrics"):
        case.equal(server.status("GET", gated), 401, f"{gated} is gated")
    case.equal(server.status("GET", "/"), 200, "the page is not")
    origin = f"http://localhost:{server.port}"
    answer = server.get(path, origin=origin)
    case.ok(answer.status == 401 and answer.header("Access-Control-Allow-Origin") == origin, "a page learns why", answer)
    case.equal(server.status("OPTIONS", path, origin=origin, access_control_request_method="GET"), 200, "a preflight has no key")

    reader = make_key(box, "--role", "read", "--name", "glasses")
    as_reader = f"Bearer {reader['key']}"
    case.equal(server.status("GET", path, authorization=as_reader), 200, "a reader reads")
    denied = server.post("/api/0/buckets/b", BUCKET, authorization=as_reader)
    case.ok(denied.status == 403 and "message" in denied.json(), "and does not write", denied)
    case.equal(server.post("/api/0/buckets/b", BUCKET, authorization=bearer).status, 200, "a writer does")
    short = make_key(box, "--expires", "2s")
    case.equal(server.status("GET", path, authorization=f"Bearer {short['key']}"), 200, "one that will expire works")
    case.ok(until(lambda: server.status("GET", path, authorization=f"Bearer {short['key']}") == 401, 10), "and then no more")

    connection = server.connect()
    case.equal(server.get(path, connection=connection, authorization=bearer).status, 200, "a connection that is kept")
    case.equal(box.must("serve", "revoke", good["key_id"][:8], "--json").json(), {"revoked": 1}, "is revoked")
    case.equal(server.get(path, connection=connection, authorization=bearer).status, 401, "at once")
    rows = {row["key_id"]: row for row in box.must("serve", "keys", "--json").json()["keys"]}
    case.equal([rows[key["key_id"]]["status"] for key in (good, reader, short)], ["revoked", "good", "expired"], "what became of them")
    case.equal(server.stop(), 0, "it ends")
    rows = {row["key_id"]: row for row in box.must("serve", "keys", "--json").json()["keys"]}
    case.ok(rows[reader["key_id"]]["used_at"], "it noted when keys were used", rows)
    users = box.must("serve", "users", "--json").json()["users"]
    case.equal([(user["email"], user["keys"]) for user in users], [("ann@example.org", 1)], "one user with one good key")
    case.ok(all(good["key"] not in path.read_bytes().decode("latin-1") for path in box.data.glob("tt.db*")), "no key is in the store")

    free = Server(case, box)
    case.equal(free.status("GET", path), 200, "on this machine nobody needs one")
    case.equal(free.status("GET", path, authorization="Bearer x"), 401, "but a wrong one is wrong")
    for name in ("forwarded", "x_forwarded_for"):
        case.equal(free.status("GET", path, **{name: "for=203.0.113.9"}), 401, f"{name}: who comes through a proxy does")
    wrong = [free.status("GET", path, authorization="Bearer x") for _ in range(40)]
    case.ok(wrong[-1] == 429 and set(wrong) == {401, 429}, "who tries many is slowed", wrong)
    case.equal(free.status("GET", path, authorization=as_reader), 200, "a good one is not")


def key_commands(case):
    """The words of `tt serve` about keys, and the file for ActivityWatch's clients."""
    box = case.machine("box")
    for words in ([], ["--email", "nobody"], ["--email", "a@b.c", "--role", "king"], ["--email", "a@b.c", "--expires", "soon"]):
        result = box.tt("serve", "generate-key", *words)
        case.equal(result.status, 2, f"generate-key {' '.join(words)}")
    plain = box.must("serve", "generate-key", "--email", "bob@example.org")
    case.ok(re.fullmatch(r"tt_[0-9a-f]{64}\n", plain.out), "the key alone is on standard output", plain)
    case.ok("bob@example.org" in box.must("serve", "keys").out, "keys lists it")
    case.ok("bob@example.org" in box.must("serve", "users").out, "users too")
    case.equal(box.tt("serve", "revoke", "nobody@example.org").status, 1, "nobody has nothing to revoke")
    case.equal(box.must("serve", "revoke", "BOB@example.org", "--json").json(), {"revoked": 1}, "all of a user")
    path = box.home / ".config/activitywatch/aw-server-rust/config.toml"
    key = make_key(box, "--aw-config")["key"]
    case.ok(f'api_key = "{key}"' in path.read_text() and "port = 5600" in path.read_text(), "for ActivityWatch", path.read_text())
    case.equal(path.stat().st_mode & 0o777, 0o600, "for this user's eyes")
    key = make_key(box, "--aw-config")["key"]
    case.ok(f'api_key = "{key}"' in path.read_text(), "it replaces its own")
    path.write_text("port = 5600\n")
    result = box.tt("serve", "generate-key", "--email", "a@b.c", "--aw-config")
    case.ok(result.status == 1 and "by hand" in result.err and path.read_text() == "port = 5600\n", "and nobody else's", result)


def strangers(case):
    """From elsewhere: a key, and a limit on rates."""
    address = elsewhere()
    box = case.machine("box")
    configure(box, "[serve]\nrate = 5\nplain = true\n")
    server = Server(case, box, listen="0.0.0.0:0")
    case.ok("OTHERS CAN READ" not in server.said(), "a proxy's TLS is believed", server.said())
    host = f"{address}:{server.port}"
    case.equal(server.status("GET", "/api/0/buckets/", address=address, host=host), 401, "no key, no entry")
    key = f"Bearer {make_key(box)['key']}"
    case.equal(server.status("GET", "/api/0/buckets/", address=address, host=host, authorization=key), 200, "with one")
    answers = [server.get("/api/0/info", address=address, host=host, authorization=key) for _ in range(20)]
    slowed = [answer for answer in answers if answer.status == 429]
    case.ok(slowed and int(slowed[0].header("Retry-After")) >= 1 and answers[0].status == 200, "429 says when to come again",
            [answer.status for answer in answers])
    case.equal(server.status("GET", "/api/0/info"), 200, "this machine is not slowed")
    case.ok(until(lambda: server.status("GET", "/api/0/info", address=address, host=host, authorization=key) == 200, 5), "later it works")


def tls(case):
    """HTTPS, and new certificates without a restart."""
    if not shutil.which("openssl"):
        raise Skip("no openssl")
    box = case.machine("box")
    cert, key = box.home / "cert.pem", box.home / "key.pem"

    def renew():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)

    renew()
    server = Server(case, box, "--tls-cert", cert, "--tls-key", key)
    case.ok(server.told["listen"][0].startswith("https://"), "it says so", server.told)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def seen():
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=context)
        connection.request("GET", "/api/0/info")
        answer = connection.getresponse()
        answer.read()
        certificate = connection.sock.getpeercert(binary_form=True) if connection.sock else None
        connection.close()
        return answer, certificate

    answer, before = seen()
    case.ok(answer.status == 200 and answer.headers["Strict-Transport-Security"], "it answers, and wants to stay so", answer.headers)
    renew()
    server.child.send_signal(signal.SIGHUP)
    case.ok(until(lambda: seen()[1] != before, 10), "a renewed certificate is taken up")
    cert.write_text("nonsense")
    server.child.send_signal(signal.SIGHUP)
    case.ok(until(lambda: "the new certificate is refused" in server.said(), 10), "a broken one is not", server.said())
    case.equal(seen()[0].status, 200, "and does no harm")


def reload(case):
    """SIGHUP: the configuration, wrong ones, the access log."""
    box = case.machine("box")
    log = box.home / "access.log"
    configure(box, "")
    server = Server(case, box)

    def hup(text, word):
        before = server.said().count(word)
        configure(box, text)
        server.child.send_signal(signal.SIGHUP)
        return until(lambda: server.said().count(word) > before, 10)

    case.equal(server.status("GET", "/api/0/info", host="devbox"), 400, "not this name yet")
    case.ok(hup(f'[serve]\nhosts = ["devbox"]\nrequire_key = true\naccess_log = "{log}"\n', "its configuration again"), "read again")
    case.equal(server.status("GET", "/api/0/info", host="devbox"), 200, "now it is known")
    case.equal(server.status("GET", "/api/0/buckets/?token=secret", authorization="Bearer secret"), 401, "and a key needed")
    until(lambda: log.read_text().count("\n") >= 2, 5)  # it is written when the reply has gone
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    case.equal([(line["method"], line["route"], line["path"], line["status"], line["peer"]) for line in lines[-2:]],
               [("GET", "/api/0/info", "/api/0/info", 200, "127.0.0.1"), ("GET", "/api/0/buckets", "/api/0/buckets/", 401, "127.0.0.1")],
               "the access log")
    case.ok("secret" not in log.read_text(), "knows no key", log.read_text())
    log.rename(box.home / "access.log.1")
    for wrong in ("nonsense = 1\n", '[serve]\norigin_patterns = ["("]\n', "[serve\n", '[serve]\nwebui = "/nowhere"\n'):
        case.ok(hup(wrong, "is refused"), f"refused: {wrong.strip()}", server.said())
        case.equal(server.status("GET", "/api/0/info", host="devbox"), 200, "the old one stays")
    case.ok(hup(f'[serve]\naccess_log = "{log}"\n', "its configuration again"), "a good one again")
    case.equal(server.status("GET", "/api/0/buckets/"), 200, "no key needed any more")
    case.ok(until(lambda: log.exists() and '"/api/0/buckets"' in log.read_text(), 5), "and a log of its own, so that logs can be rotated")


class Writer(threading.Thread):
    """Posts events, one after the other, until it is told to stop; knows which were acknowledged."""

    def __init__(self, port, number):
        super().__init__()
        self.port = port
        self.number = number
        self.acked = []
        self.refused = []
        self.stopped = False
        self.next = number * 1000000

    def run(self):
        connection = None
        while not self.stopped:
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                body = json.dumps(event(self.next)).encode()
                connection.request("POST", "/api/0/buckets/b/events", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    self.acked.append(self.next)
                else:
                    self.refused.append(answer.status)
                self.next += 1
            except (OSError, http.client.HTTPException):
                self.next += 1  # nobody knows what became of that one
                connection = None
                time.sleep(0.01)


def stored(server):
    rows = server.get("/api/0/buckets/b/events?limit=-1").json()
    return [row["data"]["n"] for row in rows]


def load(server, first=0):
    writers = [Writer(server.port, first + number) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    return writers


def finish(writers):
    for writer in writers:
        writer.stopped = True
    for writer in writers:
        writer.join()
    return [number for writer in writers for number in writer.acked], [status for writer in writers for status in writer.refused]


def stop_under_load(case):
    """SIGTERM while others write: what was acknowledged is there, once."""
    box = case.machine("box")
    server = Server(case, box)
    server.post("/api/0/buckets/b", BUCKET)
    writers = load(server)
    until(lambda: sum(len(writer.acked) for writer in writers) > 300)
    status = server.stop()
    acked, refused = finish(writers)
    case.equal(status, 0, "it ends well")
    case.ok(len(acked) > 300, "there was a load", len(acked))
    case.ok(set(refused) <= {503}, "nobody was told nonsense", refused)
    got = stored(Server(case, box))
    case.equal(len(got), len(set(got)), "nothing twice")
    case.equal(sorted(set(acked) - set(got)), [], "nothing acknowledged is lost")


def storm(case):
    """kill -9, again and again: what was acknowledged is there, once, and the store is sound."""
    random = seeded("storm")
    box = case.machine("box")
    server = Server(case, box)
    server.post("/api/0/buckets/b", BUCKET)
    acked = []
    for number in range(STORM_ROUNDS):
        writers = load(server, number * WRITERS)
        time.sleep(random.uniform(0.05, 0.5))
        server.kill()
        more, refused = finish(writers)
        acked += more
        case.equal(refused, [], "nobody is refused")
        server = Server(case, box)
    got = stored(server)
    case.ok(len(acked) > 100, f"there was a load ({len(acked)} events)")
    case.equal(len(got), len(set(got)), "nothing twice")
    case.equal(sorted(set(acked) - set(got))[:5], [], "nothing acknowledged is lost")
    case.equal(server.stop(), 0, "it ends well")
    case.ok(*reversed(["the store is sound", box.verified()[0]]))


def full(case):
    """A store that cannot be written: an error, nothing half done, and it works again afterwards."""
    box = case.machine("box")
    server = Server(case, box)
    server.post("/api/0/buckets/b", BUCKET)
    case.equal(server.post("/api/0/buckets/b/events", event(1)).status, 200, "it works")
    subprocess.run(["prlimit", "--pid", str(server.child.pid), "--fsize=4096:unlimited"], check=True, capture_output=True)
    answers = [server.post("/api/0/buckets/b/events", event(number)) for number in range(2, 5)]
    case.ok(all(answer.status >= 500 and "message" in answer.json() for answer in answers), "a full disk is said",
            [str(answer) for answer in answers])
    case.equal(server.status("GET", "/api/0/info"), 200, "the server lives")
    subprocess.run(["prlimit", "--pid", str(server.child.pid), "--fsize=unlimited:unlimited"], check=True, capture_output=True)
    case.equal(server.post("/api/0/buckets/b/events", event(9)).status, 200, "and works again")
    case.equal(sorted(stored(server)), [1, 9], "with what it acknowledged, and nothing else")


def at_once(case):
    """Another process writes to the same store; a reader of much does not stop writers."""
    box = case.machine("box")
    server = Server(case, box)
    server.post("/api/0/buckets/b", BUCKET)
    writers = load(server)
    for number in range(5):
        box.bulk(number * 2000, 2000)
    acked, refused = finish(writers)
    case.equal(refused, [], "imports do not refuse anybody")
    case.equal(sorted(set(acked) - set(stored(server))), [], "and nothing is lost")


def query(case):
    """tt query --lang."""
    box = case.machine("box")
    server = Server(case, box)
    server.post("/api/0/buckets/b", BUCKET)
    server.post("/api/0/buckets/b/events", [event(1), event(5)])
    result = box.tt("query", "--lang", "-", stdin=b'RETURN = sum_durations(query_bucket("b"));')
    case.ok(result.status == 0 and float(result.out) == 2, "a program's answer", result)
    result = box.tt("query", "--lang", "-", "--json", "--since", "2026-02-02T02:40:04Z", stdin=b'RETURN = query_bucket("b");')
    case.ok(result.status == 0 and [row["data"]["n"] for row in result.json()["result"]] == [5], "of a period", result)
    result = box.tt("query", "--lang", "-", "--json", stdin=b"RETURN = nothing;")
    case.ok(result.status == 2 and "VariableNotDefined" in result.json()["error"]["message"], "an error of the program", result)
    case.equal(box.tt("query", "--lang", "-", "--agent", "x", stdin=b"").status, 2, "other filters are refused")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children(pid):
    """The servers among the children of PID; its jobs come and go."""
    found = []
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        for child in map(int, file.read().split()):
            with contextlib.suppress(OSError):
                if os.path.basename(os.readlink(f"/proc/{child}/exe")).startswith("tt-serve"):
                    found.append(child)
    return found


def daemon(case):
    """tt start serves too: it starts the server, starts it again, tells of it, ends it."""
    box = case.machine("box")
    port = free_port()
    box.env.pop("TT_SERVE_ON_START", None)
    configure(box, f'[serve]\nlisten = ["127.0.0.1:{port}"]\n')
    url = f"http://127.0.0.1:{port}"

    def answers():
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/api/0/info")
            return connection.getresponse().status == 200
        return False

    started = box.must("start", "--json")
    case.cleanups.append(lambda: box.tt("stop"))
    case.equal(started.json()["listen"], [url], "start tells where it serves")
    case.ok(url in started.err and answers(), "and it does", started)
    pid = started.json()["pid"]
    status = box.must("status", "--json").json()["daemon"]
    case.equal(status["serve"], {"listen": [url], "error": None}, "status knows")
    case.ok(url in box.must("status").out, "status tells people")
    first = children(pid)[0]
    configure(box, f'[serve]\nlisten = ["127.0.0.1:{port}"]\nrequire_key = true\n')
    os.kill(pid, signal.SIGHUP)

    def gated():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/api/0/buckets/")
        return connection.getresponse().status == 401

    case.ok(until(gated, 10), "SIGHUP reaches the server")
    case.equal(children(pid), [first], "which is the same")
    os.kill(first, signal.SIGKILL)
    case.ok(until(lambda: children(pid) not in ([], [first]) and answers(), 15), "one that dies is started again")
    second = children(pid)[0]
    ours = box.tt("serve", "--listen", f"127.0.0.1:{port}", limit=20)
    case.ok(ours.status == 1 and f"process {pid};" in ours.err and "tt stop" in ours.err, "who would serve beside it hears whose the port is", ours)
    box.must("stop")
    case.ok(until(lambda: not alive(second) and not alive(pid), 5), "stop ends both")

    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        blocked = box.must("start", "--json")
        case.ok(blocked.json()["listen"] is None and str(port) in blocked.err, "a port in use is said", blocked)
        case.ok(str(port) in box.must("status", "--json").json()["daemon"]["serve"]["error"], "status knows")
        time.sleep(2.5)
        log = (box.home / ".local/state/tt/daemon.log").read_text()
        case.ok(len(re.findall(f"port {port}", log.split("(process")[-1])) == 1, "once", log)
    case.ok(until(answers, 20), "and tried again until it works")
    pid = blocked.json()["pid"]
    last = children(pid)[0]
    os.kill(pid, signal.SIGKILL)
    case.ok(until(lambda: not alive(last), 10), "the server does not outlive its daemon")


def idle(case):
    """Nobody asks: nothing runs, and little memory is held."""
    server = Server(case, case.machine("box"))
    server.get("/api/0/buckets/")

    def switches():
        total = 0
        for task in os.listdir(f"/proc/{server.child.pid}/task"):
            with open(f"/proc/{server.child.pid}/task/{task}/status", encoding="ascii") as file:
                total += int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", file.read(), re.M).group(1))
        return total

    time.sleep(1)
    before = switches()
    time.sleep(3)
    woken = switches() - before
    with open(f"/proc/{server.child.pid}/status", encoding="ascii") as file:
        resident = int(re.search(r"^VmRSS:\s*(\d+) kB", file.read(), re.M).group(1))
    case.ok(woken <= 15, f"woken {woken} times in three seconds")
    if not case.sanitized:
        case.ok(resident <= 15 * 1024, f"{resident} KiB resident")


if __name__ == "__main__":
    run([life, testing, routing, hosts, origins, keys, key_commands, strangers, tls, reload, stop_under_load, storm, full, at_once, query,
         daemon, idle])

#!/usr/bin/env python3
"""Who is let in, against every route and every disguise of one: what a stranger, a page, a proxy or a key of too small a role tries."""
import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import time
import warnings

from lib import Skip, run
from test_serve import BUCKET, Server, configure, elsewhere, make_key, until

PATIENCE = 20
LAST = b"Connection: close\r\n\r\n"
OPEN = ("/api/0/info", "/healthz", "/readyz")  # of those described; the page is open too
ADMIN = (("DELETE", "/api/0/user"), ("GET", "/api/0/user/export"), ("HEAD", "/api/0/user/export"))


def raw(server, *requests, address="127.0.0.1", wait=PATIENCE):
    """Bytes sent as they are; what came back until the server ends the connection."""
    with socket.create_connection((address, server.port), timeout=wait) as client:
        got = b""
        try:
            for request in requests:
                client.sendall(request)
            while data := client.recv(1 << 16):
                got += data
        except (ConnectionResetError, BrokenPipeError):
            pass
    return got


def statuses(got):
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", got)]


def routes_of(server, **who):
    """Every route that the server describes, with parameters filled in: (method, path)."""
    paths = server.get("/api/0/openapi.json", **who).json()["paths"]
    return [(method.upper(), re.sub(r"\{\w+\}", "1", path)) for path, methods in paths.items() for method in methods
            if method in ("get", "post", "put", "delete", "head")]


def needed(method, path):
    """What may come in, as the documentation has it: open, read, write or admin."""
    if path in OPEN:
        return "open"
    if (method, path) in ADMIN:
        return "admin"
    return "read" if method in ("GET", "HEAD") or path.rstrip("/") == "/api/0/query" else "write"


def matrix(case):
    """Every route against everybody who may come."""
    address = elsewhere()
    box = case.machine("box")
    configure(box, "[serve]\nplain = true\nrate = 1000000\n")
    server = Server(case, box, listen="0.0.0.0:0")
    far = {"address": address, "host": f"{address}:{server.port}"}
    keys = {role: make_key(box, "--role", role) for role in ("read", "write", "admin")}
    revoked, expired = make_key(box, "--role", "admin"), make_key(box, "--role", "admin", "--expires", "1s")
    box.must("serve", "revoke", revoked["key_id"])
    bearer = {name: "Bearer " + key["key"] for name, key in {**keys, "revoked": revoked, "expired": expired}.items()}
    case.ok(until(lambda: server.status("GET", "/api/0/buckets", authorization=bearer["expired"]) == 401), "one expires")
    routes = routes_of(server)
    case.ok(len(routes) > 20 and ("DELETE", "/api/0/buckets/1") in routes, "the server describes its routes", routes)
    bearer["wrong"] = bearer["admin"][:-1] + "x"
    seen = []
    levels = {"open": 0, "read": 1, "write": 2, "admin": 3}
    for method, path in [*routes, *(("HEAD", path) for method, path in routes if method == "GET"), ("GET", "/"), ("GET", "/api/0/nothing"),
                         ("PATCH", "/api/0/buckets"), ("POST", "/api/0/nothing")]:
        known = (method, path) in routes or method == "HEAD"
        need = "open" if path == "/" else needed(method, path) if known else "read"
        wrong = []

        def expect(who, got, allowed, refusal):
            good = got not in (401, 403) if allowed else got == refusal
            if not good:
                wrong.append(f"{who}: {got}")

        body = {} if method in ("POST", "PUT") else None
        ask = lambda **more: server.ask(method, path, body, **more).status  # noqa: E731
        expect("here, no key", ask(), True, 0)
        expect("far, no key", ask(**far), need == "open", 401)
        expect("far, page of nobody", ask(origin="null", **far), False, 403)
        for proxy in ("x_forwarded_for", "x_forwarded_proto", "via", "cf_connecting_ip"):
            expect(f"here, {proxy}", ask(**{proxy: "x"}), need == "open", 401)
        expect("here, another name", ask(host="rebound.example"), need == "open", 401)
        for role in ("read", "write", "admin"):
            # What is not there is nobody's business without a key, and 404 with any.
            expect(role, ask(authorization=bearer[role], **far), levels[role] >= levels[need], 403)
        health = path in ("/healthz", "/readyz")
        source = f"127.0.1.{len(seen) + 1}"  # another each time: who tries many wrong keys is slowed
        seen.append(path)
        for which in ("revoked", "expired", "wrong"):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE, source_address=(source, 0))
            expect(which, ask(authorization=bearer[which], connection=connection), health, 401)
            connection.close()
        case.ok(not wrong, f"{method} {path}: {need}", "\n".join(wrong))
    case.ok(len([1 for method, path in routes if needed(method, path) == "write"]) >= 8, "some of them write")


DISGUISES = (
    "//api/0/buckets", "/api//0/buckets//", "/%61pi/0/buckets", "/%61%70%69/%30/buckets", "/api/0/%62uckets", "/api/0%2fbuckets",
    "/api/0/info/../buckets", "/api/0/info/%2e%2e/buckets", "/api/0/info%2f..%2fbuckets", "/api/0/buckets;x", "/api/0;x/buckets",
    "/api/0/buckets#x", "/api/0/buckets?x", "/api/%zz", "/api/0/info/x", "/v1/x", "/metrics", "/%6detrics/", "//metrics",
    "http://localhost/api/0/buckets", "HTTP://localhost//api/0/buckets", "https://localhost/%61pi/0/buckets")
NOTHING = (  # other paths, under which none of it may stand
    "/./api/0/buckets", "/x/../api/0/buckets", "/%2e/api/0/buckets", "/x/%2e%2e/api/0/buckets", "/.%2e/api/0/buckets", "/api%00/0/buckets",
    "/%00api/0/buckets", "/%2fapi/0/buckets", "/api%2f0/buckets", "/api;x/0/buckets", "/\\api/0/buckets", "/api\\0/buckets", "/API/0/buckets",
    "/%2561pi/0/buckets", "/%20api/0/buckets", "/api%0a/0/buckets", "/%c0%afapi/0/buckets", "/%ef%bd%81pi/0/buckets", "/METRICS",
    "/pages/../api/0/buckets", "/pages/x/api/0/buckets", "//evil/api/0/buckets", "/index.html/api/0/buckets")


def disguises(case):
    """Paths and methods that another reader might take for something else."""
    server = Server(case, case.machine("box"), "--require-key")
    host = f"Host: {server.host}\r\n".encode()

    def first(method, path):
        return statuses(raw(server, f"{method} {path} HTTP/1.1\r\n".encode() + host + LAST))

    for path in DISGUISES:
        case.equal(first("GET", path), [401], f"{path} is gated")
    for path in NOTHING:
        case.ok(first("GET", path) in ([400], [404]), f"{path} is nothing", first("GET", path))
    for path in ("http://evil/api/0/info", "http://localhost@evil/api/0/info", "http:///api/0/info", "ftp://localhost/", "api/0/info", "\\api\\0\\info"):
        case.equal(first("GET", path), [400], f"{path} is refused")
    for method in ("get", "TRACE", "CONNECT", "PATCH", "PROPFIND", "PUT", "DELETE", "POST"):
        case.equal(first(method, "/api/0/buckets"), [401], f"{method} is gated")
    got = raw(server, b"TRACE / HTTP/1.1\r\n" + host + b"X-Secret: abc\r\n" + LAST)
    case.ok(b"abc" not in got and statuses(got) == [404], "TRACE tells nothing", got)
    got = raw(server, b"POST /api/0/buckets/x HTTP/1.1\r\nX-HTTP-Method-Override: GET\r\nContent-Length: 0\r\n" + host + LAST)
    case.equal(statuses(got), [401], "no header makes another method")


def smuggling(case):
    """After each kind of refusal the next request is the next request, with its own check."""
    box = case.machine("box")
    server = Server(case, box, "--require-key")
    host = f"Host: {server.host}\r\n".encode()
    key = f"Authorization: Bearer {make_key(box)['key']}\r\n".encode()
    inner = b"GET /api/0/smuggled HTTP/1.1\r\n" + host + key + b"\r\n"  # 404 if ever it is read as a request
    plain = b"GET /api/0/info HTTP/1.1\r\n" + host + LAST
    post = b"POST /api/0/buckets/x HTTP/1.1\r\n" + host
    size = f"Content-Length: {len(inner)}\r\n".encode()
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(inner) + inner + b"\r\n0\r\n\r\n"
    for what, request, want in (
            ("401 with a body", post + size + b"\r\n" + inner, [401, 200]),
            ("401 with a chunked body", post + chunked, [401, 200]),
            ("GET with a body", b"GET /api/0/info HTTP/1.1\r\n" + host + size + b"\r\n" + inner, [200, 200]),
            ("400 for JSON", post + key + size + b"\r\n" + inner, [400, 200]),
            ("404 with a body", b"POST /api/0/nothing HTTP/1.1\r\n" + host + key + size + b"\r\n" + inner, [404, 200]),
            ("preflight with a body", b"OPTIONS /api/0/info HTTP/1.1\r\n" + host + size + b"\r\n" + inner, [200, 200]),
            ("403 with a body", post + b"Origin: null\r\n" + size + b"\r\n" + inner, [403, 200])):
        case.equal(statuses(raw(server, request + plain)), want, what)
    for what, request in (
            ("413", b"POST /api/0/settings/x HTTP/1.1\r\n" + host + key + b"Content-Length: 1048577\r\n\r\n" + inner),
            ("both lengths", post + key + size + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner),
            ("Expect, refused", post + b"Expect: 100-continue\r\n" + size + b"\r\n" + inner)):
        got = statuses(raw(server, request + plain))
        case.ok(len(got) == 1 and got[0] >= 400, f"{what}: one reply and the end", got)
    for what, more in (("two keys", key + key), ("a good and a wrong one", key + b"Authorization: Bearer x\r\n"),
                       ("a wrong and a good one", b"Authorization: Bearer x\r\n" + key), ("a cookie", b"Cookie: token=" + key.split()[2] + b"\r\n"),
                       ("another field", b"X-API-Key: " + key.split()[2] + b"\r\n"), ("a huge key", b"Authorization: Bearer " + b"a" * 30000 + b"\r\n"),
                       ("bytes", b"Authorization: Bearer \xff\xfe\r\n")):
        case.equal(statuses(raw(server, b"GET /api/0/buckets HTTP/1.1\r\n" + host + more + LAST)), [401], f"{what}: 401")
    case.equal(statuses(raw(server, b"GET /api/0/buckets?token=" + key.split()[2] + b"&api_key=" + key.split()[2] + b" HTTP/1.1\r\n" + host + LAST)),
               [401], "no key in a URL")
    many = b"GET /api/0/info HTTP/1.1\r\n" + host + b"\r\n"
    five = raw(server, many * 3 + b"GET /api/0/buckets HTTP/1.1\r\n" + host + b"\r\n" + b"GET /api/0/buckets HTTP/1.1\r\n" + host + key + LAST)
    case.equal(statuses(five), [200, 200, 200, 401, 200], "pipelined requests are each their own")


def meanwhile(case):
    """Keys that change while a connection is kept or a body is on its way."""
    box = case.machine("box")
    server = Server(case, box, "--require-key")
    connection = server.connect()
    for _ in range(3):
        key = make_key(box)
        bearer = f"Bearer {key['key']}"
        case.equal(server.get("/api/0/buckets", connection=connection, authorization=bearer).status, 200, "a new key, an old connection")
        box.must("serve", "revoke", key["key_id"])
        case.equal(server.get("/api/0/buckets", connection=connection, authorization=bearer).status, 401, "revoked: the same connection, at once")
    key = make_key(box)
    body = json.dumps(BUCKET).encode()
    head = (f"POST /api/0/buckets/late HTTP/1.1\r\nHost: {server.host}\r\nAuthorization: Bearer {key['key']}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(head + body[:-1])
        box.must("serve", "revoke", key["key_id"])
        time.sleep(1.2)  # after which it is looked up again
        client.sendall(body[-1:])
        got = client.recv(1 << 16)
    case.equal(statuses(got), [401], "revoked while its body was on the way: nothing of it counts")
    reader = f"Bearer {make_key(box)['key']}"
    case.equal(server.status("GET", "/api/0/buckets/late", authorization=reader), 404, "the bucket is not there")


def proxied(case):
    """Who comes through a proxy on this machine is slowed as one from elsewhere, and told no more."""
    box = case.machine("box")
    configure(box, "[serve]\nrate = 5\n")
    server = Server(case, box)
    key = f"Bearer {make_key(box)['key']}"
    for who in ({}, {"authorization": key}):
        got = [server.status("GET", "/api/0/info", x_forwarded_for="203.0.113.9", **who) for _ in range(20)]
        case.ok(got[0] == 200 and got[-1] == 429, "slowed", got)
    case.ok(all(server.status("GET", "/api/0/info") == 200 for _ in range(50)), "others here are not")


def refusals(case):
    """What is refused before any handler has the same headers."""
    server = Server(case, case.machine("box"))
    own = f"http://localhost:{server.port}"
    head = f"Host: {server.host}\r\nOrigin: {own}\r\n".encode()
    for what, request, status in (
            ("too long a body", b"POST /api/0/settings/x HTTP/1.1\r\n" + head + b"Content-Length: 99999999\r\n\r\n", 413),
            ("an unknown coding", b"POST /api/0/settings/x HTTP/1.1\r\n" + head + b"Transfer-Encoding: gzip\r\n\r\n", 501),
            ("two lengths", b"POST /api/0/settings/x HTTP/1.1\r\n" + head + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400)):
        got = raw(server, request)
        case.ok(statuses(got) == [status] and b"nosniff" in got and b"no-store" in got, f"{what}: {status}", got)
    got = raw(server, b"POST /api/0/settings/x HTTP/1.1\r\n" + head + b"Content-Length: 99999999\r\n\r\n")
    case.ok(f"Access-Control-Allow-Origin: {own}".encode() in got, "a page of ours may read why", got)


def secrets(case):
    """What is written down: no key, nothing behind '?', no line of somebody else's making."""
    box = case.machine("box")
    log = box.home / "access.log"
    configure(box, f'[serve]\naccess_log = "{log}"\n')
    server = Server(case, box, "--require-key")
    key = make_key(box, "--aw-config")["key"]
    host = f"Host: {server.host}\r\n".encode()
    for path in (b"/a%0a%0d{\"peer\":1}", b"/\"quoted\"\\", b"/\xff\xfe\xc3\x28", b"/\xc2\x9b31m\xe2\x80\xa8", b"/" + b"long" * 5000,
                 b"/api/0/buckets?token=" + key.encode(), b"/?token=" + key.encode() + b"#x"):
        raw(server, b"GET " + path + b" HTTP/1.1\r\n" + host + b"Authorization: Bearer " + key.encode() + b"\r\nReferer: http://x/?token=" +
            key.encode() + b"\r\nUser-Agent: " + key.encode() + b"\r\n" + LAST)
    raw(server, b"GET /\r\nGET /api/0/injected HTTP/1.1\r\n" + host + LAST)
    raw(server, key.encode() + b" / HTTP/1.1\r\n" + host + LAST)
    case.ok(until(lambda: log.read_text(errors="replace").count("\n") >= 8), "each is one line", log.read_bytes())
    lines = log.read_bytes().decode().split("\n")[:-1]  # UTF-8, or this fails
    case.ok(all(set(json.loads(line)) == {"time", "peer", "method", "route", "path", "status", "bytes", "ms", "key", "complete"} for line in lines),
            "and JSON of our making", lines)
    case.ok(all(len(line) < 4096 for line in lines), "of bounded length")
    case.equal(log.stat().st_mode & 0o777, 0o600, "for its owner alone")
    written = log.read_text() + server.said() + server.get("/metrics", authorization=f"Bearer {key}").body.decode()
    case.ok(key not in written and "token" not in written, "no key, nothing behind '?'")
    with open(f"/proc/{server.child.pid}/cmdline", encoding="utf-8") as words, open(f"/proc/{server.child.pid}/environ", encoding="utf-8") as env:
        case.ok(key not in words.read() + env.read(), "nor in the list of processes")
    config = box.home / ".config/activitywatch/aw-server-rust/config.toml"
    case.ok(key in config.read_text() and config.stat().st_mode & 0o777 == 0o600 and config.parent.stat().st_mode & 0o077 == 0,
            "ActivityWatch's file is its owner's alone")
    case.equal([path.name for path in box.data.glob("tt.db*") if path.stat().st_mode & 0o077], [], "and so is the store")


def tls_versions(case):
    """TLS 1.2 and 1.3, nothing older, and no plain HTTP on the same port."""
    if not shutil.which("openssl"):
        raise Skip("no openssl")
    box = case.machine("box")
    cert, key = box.home / "cert.pem", box.home / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
    server = Server(case, box, "--tls-cert", cert, "--tls-key", key)

    def version(most):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        warnings.simplefilter("ignore", DeprecationWarning)  # that is what is tried here
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = most
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as plain, context.wrap_socket(plain) as client:
                return client.version()
        except (ssl.SSLError, ConnectionResetError) as why:
            return type(why).__name__

    case.equal(version(ssl.TLSVersion.TLSv1_3), "TLSv1.3", "1.3")
    case.equal(version(ssl.TLSVersion.TLSv1_2), "TLSv1.2", "1.2")
    for old in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1):
        case.ok(not version(old).startswith("TLSv"), f"not {old.name}", version(old))
    got = raw(server, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    case.ok(b"ok" not in got and not statuses(got), "no plain HTTP", got)


if __name__ == "__main__":
    run([matrix, disguises, smuggling, meanwhile, proxied, refusals, secrets, tls_versions])

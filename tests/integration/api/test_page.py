#!/usr/bin/env python3
"""The page and other static files."""
import http.client
import os
import re
import sys

from api import Server, lib


def own_page(case):
    """It needs nothing from elsewhere."""
    server = Server(case)
    page = server.get("/")
    case.equal((page.status, page.headers["Content-Type"]), (200, "text/html; charset=utf-8"), "it is there")
    case.ok(server.get("/page.svg").headers["Content-Type"] == "image/svg+xml", "an image's type")
    case.ok(b"http:" not in page.body and b"https:" not in page.body, "nothing of it comes from elsewhere")
    links = [link for link in re.findall(rb'(?:src|href)="([^"]+)"', page.body)]
    case.ok(len(links) >= 4, "it links to what it needs", links)
    for link in links:
        case.equal(server.get(link.decode()).status, 200, f"{link.decode()} is there")
    case.ok(b"<script>" not in page.body and b"style=" not in page.body and b"onclick" not in page.body, "no inline code")
    script = server.get("/page.js")
    case.ok(script.headers["Content-Type"].startswith("text/javascript"), "a script's type", script.headers)
    case.ok(server.get("/page.css").headers["Content-Type"].startswith("text/css"), "a style's type")
    again = server.get("/page.js", headers={"If-None-Match": script.headers["ETag"]})
    case.equal((again.status, again.body), (304, b""), "not sent twice")
    case.equal(server.get("/no.js").status, 404, "anything else is not there")
    case.equal(page.headers["X-Content-Type-Options"], "nosniff", "types count")
    case.ok("default-src 'self'" in page.headers["Content-Security-Policy"], "nothing else may be loaded", page.headers)


def other_pages(case):
    """A directory in its place: ActivityWatch's web page."""
    web = case.top / "web"
    (web / "js").mkdir(parents=True)
    (web / "index.html").write_text("index")
    (web / ".git").write_text("secret")
    (web / "js/.env").write_text("secret")
    large = os.urandom(3_000_000)
    types = {"js/app.js": "text/javascript", "js/app.js.map": "application/json", "a.css": "text/css", "a.json": "application/json",
             "a.svg": "image/svg+xml", "a.woff2": "font/woff2", "favicon.ico": "image/x-icon", "m.webmanifest": "application/manifest+json",
             "a.wasm": "application/wasm", "logo.png": "image/png", "a.unknown": "application/octet-stream"}
    for name in types:
        (web / name).write_bytes(large if name == "a.wasm" else name.encode())
    (case.top / "outside").write_text("secret")
    (web / "out").symlink_to(case.top / "outside")
    (web / "up").symlink_to(case.top)
    (web / "loop").symlink_to("loop")
    os.mkfifo(web / "fifo")
    server = Server(case, "--webui", str(web))
    for path in ("/", "/index.html", "/?token=x"):
        case.equal(server.get(path).body, b"index", path)
    for name, kind in types.items():
        answer = server.get("/" + name)
        case.equal((answer.status, answer.headers["Content-Type"].split(";")[0]), (200, kind), name)
        case.equal(answer.body, large if name == "a.wasm" else name.encode(), "whole")
    tag = server.get("/a.css").headers["ETag"]
    case.equal(server.get("/a.css", headers={"If-None-Match": f'"x", {tag}'}).status, 304, "what the client has is not sent")
    (web / "a.css").write_text("changed")
    case.equal(server.get("/a.css", headers={"If-None-Match": tag}).body, b"changed", "unless it changed")
    head = server.ask("HEAD", "/a.css")
    case.equal((head.status, head.body, head.headers["Content-Type"]), (200, b"", "text/css; charset=utf-8"), "HEAD: the head alone")
    case.equal(server.ask("HEAD", "/a.wasm").body, b"", "also of a large one")
    case.ok(server.post("/index.html").status in (404, 405), "files are read, not written")
    case.equal(server.get("/").headers["Content-Security-Policy"], None, "it brings its own policy")
    case.equal(server.get("/page.js").status, 404, "of the own page nothing is left")
    (web / "sub").mkdir()
    (web / "sub/index.html").write_text("sub")
    answer = server.get("/sub?x=1")
    case.equal((answer.status, answer.headers["Location"]), (308, "/sub/?x=1"), "a directory is one with a slash at the end")
    case.equal(server.get("/sub/").body, b"sub", "then its index is there")
    answer = server.get("//sub")
    case.ok(not answer.headers.get("Location", "").startswith("//"), "it leads to no other host", answer.headers)
    for path in ("/.git", "/js/.env", "/js/../../outside", "/../outside", "/%2e%2e/outside", "/..%2foutside", "/js/..%2f..%2foutside", "/out",
                 "/up/outside", "/loop", "/fifo", "/js", "/js/", "/no", "/index.html/x", "/a.css%00.png", "/%5c..%5coutside", "//outside"):
        answer = server.get(path)
        case.ok(answer.status in (308, 400, 404) and b"secret" not in answer.body, path, answer)
    case.equal(server.get("/0/info").status, 200, "the API is where it was")


def changed_meanwhile(case):
    """A large file that changes while it is sent: the whole old one, or a connection that ends early, never a mixture that looks whole."""
    web = case.top / "web"
    web.mkdir()
    size = 64 << 20
    (web / "index.html").write_text("index")

    def begin(name):
        with open(web / name, "wb") as file:
            file.truncate(size)
        connection = server.connect()
        connection.request("GET", f"/{name}")
        return connection, connection.getresponse()

    server = Server(case, "--webui", str(web))
    connection, answer = begin("replaced")
    (web / "new").write_bytes(b"new")
    os.replace(web / "new", web / "replaced")
    case.equal(len(answer.read()), size, "replaced: the one that was begun is sent to its end")
    connection.close()
    case.equal(server.get("/replaced").body, b"new", "and the next time the new one")
    connection, answer = begin("grown")
    with open(web / "grown", "ab") as file:
        file.write(b"more")
    case.equal(len(answer.read()), size, "grown: what was there when it was asked for")
    connection.close()
    connection, answer = begin("cut")
    os.truncate(web / "cut", 1000)
    try:
        got = len(answer.read())
    except http.client.IncompleteRead:
        got = None
    case.ok(got is None or got == size, "cut: the client sees that it is not whole", got)
    connection.close()
    case.equal(server.get("/").body, b"index", "the server goes on")


if __name__ == "__main__":
    sys.exit(lib.run([own_page, other_pages, changed_meanwhile]))

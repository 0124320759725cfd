#!/usr/bin/env python3
"""The page, and a web UI in its place, in a real browser."""
import contextlib
import http.server
import shutil
import struct
import sys
import threading
import urllib.parse
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "api"))

from api import Server, lib  # noqa: E402

from browser import Browser  # noqa: E402

WEBUI = Path(__file__).resolve().parent / "webui"
TAB, ENTER = "\ue004", "\ue007"
READY = "return !document.getElementById('content').hidden && document.getElementById('status').textContent === ''"
NAMES = "return [...document.querySelectorAll('#buckets button.open')].map((one) => one.textContent)"

# Text whose contrast is below 4.5 (large text: 3): the ratio of WCAG 2.2, against what is painted behind it.
CONTRAST = r"""
const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
	.reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
function behind(element) {
	for (let at = element; at; at = at.parentElement) {
		const colour = parts(getComputedStyle(at).backgroundColor);
		if (colour.length < 4 || colour[3] > 0) return colour;
	}
	return [255, 255, 255];
}
const poor = [];
let seen = 0;
for (const element of document.querySelectorAll("body *")) {
	const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
	if (!own || !element.checkVisibility()) continue;
	const style = getComputedStyle(element);
	const [a, b] = [light(parts(style.color)), light(behind(element))];
	const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	seen++;
	if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) poor.push([element.tagName, element.textContent.slice(0, 40), ratio]);
}
return { seen, poor };
"""


def quiet(case, browser, what):
    """Nothing in the console: no error, nothing that the policy refused."""
    case.equal(browser.console(), [], f"{what}: the console is empty")


def seed(server, name, count, data, **members):
    """COUNT events, one a minute from 2026-07-01 08:00 UTC, each of 30 s."""
    quoted = urllib.parse.quote(name, safe="")
    server.bucket(quoted, **members)
    events = [{"timestamp": f"2026-07-01T08:{number:02d}:00Z", "duration": 30, "data": data(number)} for number in range(count)]
    assert server.post(f"/0/buckets/{quoted}/events", events).status == 200



def open_page(browser, server, rest=""):
    browser.go(f"http://127.0.0.1:{server.port}/{rest}")


def shows_what_there_is(case):
    """Machines, buckets, their last events; numbers and times as they are."""
    browser = Browser(case, timezone="Asia/Kolkata")
    server = Server(case)
    seed(server, "aw-watcher-window_devbox", 50, lambda number: {"app": "vim", "title": f"file {number}"}, type="currentwindow",
         hostname="devbox")
    for number in range(9):
        seed(server, f"small-{number}", number and 1, lambda _: {"x": 1.5, "deep": {"a": [1]}}, hostname="laptop")
    open_page(browser, server)
    browser.wait(READY)
    quiet(case, browser, "the page")
    text = browser.run("return document.body.innerText")
    for part in ("Tidemark", "version", "aw-watcher-window_devbox", "currentwindow", "devbox", "laptop", server.machine.id, "this server"):
        case.ok(part in text, f"it shows {part}", text)
    facts = browser.run("return Object.fromEntries([...document.querySelectorAll('#facts > div')].map((one) => "
                        "[one.children[0].textContent, one.children[1].textContent]))")
    case.equal((facts["Events"], facts["Buckets"], facts["Machines"]), ("58", "10", "1"), "sums")
    case.ok(facts["Size"].endswith("kB") or facts["Size"].endswith("MB"), "and the size", facts)
    names = browser.run(NAMES)
    case.equal((names[0], names[-1]), ("aw-watcher-window_devbox", "small-0"), "the newest first, the empty ones last")
    case.ok("Asia/" in text and "GMT+05:30" in text, "whose time it is", text)
    # 08:49:30 UTC, the last event's end, is 14:19:30 there, or 2:19:30 PM.
    case.ok(":19:30" in facts["Last event"] and "08" not in facts["Last event"], "local time", facts)
    case.ok(":30:00" in facts["First event"], "also of the first", facts)
    opens_events(case, browser)
    filters(case, browser)
    is_accessible(case, browser)
    fits_and_contrasts(case, browser)
    origins = browser.run("return [...new Set(performance.getEntriesByType('resource').map((one) => new URL(one.name).origin))]")
    case.equal(origins, [f"http://127.0.0.1:{server.port}"], "nothing comes from elsewhere")
    case.equal(browser.run("return [localStorage.length, sessionStorage.length, document.cookie]"), [0, 0, ""], "nothing is kept")
    quiet(case, browser, "all of it")


def opens_events(case, browser):
    browser.click("#buckets button.open")
    browser.wait("return document.querySelectorAll('td.detail li').length === 10")
    first = browser.run("return document.querySelector('td.detail li').innerText")
    case.ok("title: file 49" in first and "app: vim" in first and "30 s" in first, "the last events, the newest first", first)
    case.equal(browser.run("return document.querySelector('td.detail li time').title"), "2026-07-01T08:49:00Z", "the moment as it was sent")
    case.ok(browser.run("return document.querySelector('td.detail a').href").endswith("/events?limit=10"), "and where they are from")
    browser.click("#refresh")
    browser.wait(READY)
    browser.wait("return document.querySelectorAll('td.detail li').length === 10")
    case.ok(True, "what is open stays open")
    browser.click("#buckets button.open")
    case.ok(browser.run("return document.querySelector('tr.detail').hidden"), "and is closed again")


def filters(case, browser):
    browser.type("#filter", "LAPTOP")
    case.equal(len(browser.run(NAMES)), 9, "the filter looks at hosts")
    case.equal(browser.run("return find('matches').textContent"), "9 of 10", "and says how many")
    browser.run("find('filter').value = ''; find('filter').dispatchEvent(new Event('input'))")
    case.equal(len(browser.run(NAMES)), 10, "without it all are there")


def is_accessible(case, browser):
    for selector, role in (("header", "banner"), ("main", "main"), ("nav", "navigation"), ("footer", "contentinfo"), ("#status", "status")):
        case.equal(browser.role(selector)[0], role, f"{selector} is a {role}")
    case.equal(browser.role("#buckets-section table"), ("table", "Buckets"), "the table has a name")
    case.equal(browser.role("#buckets th")[0], "rowheader", "rows have headers")
    case.equal(browser.role("#filter"), ("searchbox", "Filter"), "the filter has a label")
    levels = browser.run("return [...document.querySelectorAll('h1, h2, h3')].filter((one) => one.checkVisibility()).map((one) => one.tagName)")
    case.equal(levels, ["H1", "H2", "H2", "H2"], "headings")
    case.equal(browser.run("return document.documentElement.lang"), "en", "its language")
    browser.run("document.activeElement.blur(); find('filter').focus()")
    browser.press(TAB)
    case.equal(browser.run("return document.activeElement.getAttribute('aria-expanded')"), "false", "the keyboard reaches a bucket")
    case.ok(browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid", "one sees where it is")
    browser.press(ENTER)
    browser.wait("return document.querySelectorAll('td.detail li').length === 10")
    case.equal(browser.run("return document.activeElement.getAttribute('aria-expanded')"), "true", "and opens it")


def fits_and_contrasts(case, browser):
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        found = browser.run(CONTRAST)
        case.ok(found["seen"] > 50 and not found["poor"], f"contrast, {scheme}", found)
    browser.scheme("light")
    for width in (320, 480, 800, 1000, 1100, 1280, 1900):
        browser.size(width, 900)
        case.ok(browser.run("return document.documentElement.scrollWidth <= innerWidth"), f"nothing sticks out at {width}")
    browser.size(320, 900)
    case.equal(browser.role("#buckets th")[0], "rowheader", "a table stays one when it is narrow")
    case.equal(browser.role("#buckets-section table")[0], "table", "all of it")


def begins_empty(case):
    """A store without anything says how to begin."""
    browser = Browser(case)
    server = Server(case, "--testing")
    open_page(browser, server)
    browser.wait(READY)
    text = browser.run("return document.querySelector('main').innerText")
    for part in ("Nothing is stored yet", "tt setup", "tt collect", f"http://127.0.0.1:{server.port}"):
        case.ok(part in text, f"it shows {part}", text)
    case.ok("testing" in browser.run("return document.querySelector('header').innerText"), "and that it is for testing")
    case.ok(browser.run("return find('buckets-section').hidden && find('summary').hidden"), "no empty tables")
    quiet(case, browser, "it")


def is_inert(case):
    """What comes from outside is text, whatever it looks like."""
    browser = Browser(case)
    server = Server(case)
    markup = "<img src=x onerror=\"window.hit=1\"><script>window.hit=2</script>'\"&amp;"
    names = [markup, "javascript:window.hit=3//", "a/../../b?c#d%2e", "\u202eevil\u2066", "مرحبا שלום", "🦊👩‍💻", "L" * 250, "__proto__",
             "constructor"]
    for name in names:
        seed(server, name, 2, lambda _: {markup: markup, "long": "w" * 100000, "turned": "\u202etxt.exe", "__proto__": {"hit": 1},
                                         "nul": "a\u0000b\u001b[31m", **{f"z{number}": number for number in range(40)}},
             type=markup[:100], hostname=markup[:100])
    open_page(browser, server)
    browser.wait(READY)
    shown = browser.run(NAMES)
    plain = [name.replace("\u202e", "⟨U+202E⟩").replace("\u2066", "⟨U+2066⟩") for name in names]
    case.equal(sorted(shown), sorted(plain), "each id as text; what would turn it around by number")
    browser.run("for (const one of document.querySelectorAll('#buckets button.open')) one.click()")
    browser.wait("return document.querySelectorAll('td.detail li').length === arguments[0]", 2 * len(names))
    case.ok(True, "each bucket's events are found by its id")
    case.equal(browser.run("return [window.hit ?? null, ({}).hit ?? null, document.querySelectorAll('main img, main script').length]"),
               [None, None, 0], "nothing ran, nothing became an element")
    text = browser.run("return document.querySelector('td.detail li').innerText")
    case.ok("⟨U+202E⟩txt.exe" in text and "a⟨U+0000⟩b⟨U+001B⟩[31m" in text, "nor is it invisible", text[:1000])
    case.ok(len(text) < 3000 and "(100,000 characters)" in text and "and 25 others" in text, "what is long is cut, and says so", text[:3000])
    for width in (320, 1280):
        browser.size(width, 900)
        case.ok(browser.run("return document.documentElement.scrollWidth <= innerWidth"), f"nothing sticks out at {width}")
    quiet(case, browser, "all of it")


def new_key(server, *more):
    return server.machine.must("serve", "generate-key", "--email", "ann@example.org", "--json", *more).json()


def asks_for_key(case):
    """With require_key: asked for, kept for the tab only, forgotten when it is wrong or when one wants it."""
    browser = Browser(case)
    machine = case.machine("server")
    server = Server(case, "--require-key", machine=machine)
    good, other = new_key(server), new_key(server)
    fill = {"headers": {"Authorization": f"Bearer {good['key']}"}}
    assert server.post("/0/buckets/mine", {"type": "t", "client": "c", "hostname": "h"}, **fill).status == 200
    open_page(browser, server)
    browser.wait("return !find('key-form').hidden")
    case.equal(browser.run("return document.activeElement.id"), "key", "it asks, and one can type")
    case.equal(browser.role("#key")[1], "Key", "the field has a label")
    case.ok("mine" not in browser.run("return document.querySelector('main').innerText"), "nothing is shown before")
    quiet_but_refusals(case, browser)
    browser.type("#key", "wrong" + ENTER)
    browser.wait("return !find('problem').hidden && !find('key-form').hidden")
    case.ok("does not know this key" in browser.run("return find('problem').textContent"), "a wrong one: it says so")
    case.equal(browser.run("return sessionStorage.length"), 0, "and is not kept")
    browser.type("#key", "schlüssel" + ENTER)
    case.ok("no key" in browser.run("return find('problem').textContent"), "what cannot be one is not even sent")
    browser.type("#key", good["key"] + ENTER)
    browser.wait(READY)
    case.equal(browser.run(NAMES), ["mine"], "the right one opens")
    case.ok(browser.run("return find('problem').hidden && find('key').value === ''"), "and the field is empty")
    case.ok("?" not in browser.url() and good["key"] not in browser.url(), "no key in the address")
    case.equal(browser.run("return [sessionStorage.length, localStorage.length, document.cookie]"), [1, 0, ""], "kept for the tab alone")
    browser.reload()
    browser.wait(READY)
    case.ok(True, "it opens again")
    browser.console()
    links_send_key(case, browser)
    browser.click("#forget")
    browser.wait("return !find('key-form').hidden")
    case.equal(browser.run("return [sessionStorage.length, find('content').hidden, find('forget').hidden]"), [0, True, True], "forgotten")
    takes_token(case, browser, server, good["key"], other)


def quiet_but_refusals(case, browser):
    said = [line for line in browser.console() if "401" not in line]
    case.equal(said, [], "nothing in the console but what was refused")


def links_send_key(case, browser):
    """A browser sends no key where a link leads: the page fetches it instead."""
    browser.run("window.saved = []; HTMLAnchorElement.prototype.click = function () { window.saved.push([this.download, this.href]); }; "
                "document.querySelector('nav a[href*=openapi]').dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))")
    name, href = browser.wait("return window.saved[0]")
    case.ok(name == "openapi.json" and href.startswith("blob:"), "a link is fetched with the key, and saved", (name, href))
    case.equal(browser.run("return fetch(arguments[0]).then((answer) => answer.ok, () => 'refused')", href), "refused",
               "a page may not read it further: the policy")
    browser.console()


def takes_token(case, browser, server, key, other):
    open_page(browser, server, f"?token={key}&x=1#here")
    browser.wait(READY)
    case.equal(browser.url(), f"http://127.0.0.1:{server.port}/?x=1#here", "a key in the address is taken out of it")
    history = browser.tools("Page.getNavigationHistory")["entries"]
    case.ok(all(key not in entry["url"] for entry in history), "and out of the history", history)
    case.equal(browser.run(NAMES), ["mine"], "and used")
    open_page(browser, server, f"?token={other['key']}")
    browser.wait(READY)
    server.machine.must("serve", "revoke", other["key_id"])
    browser.click("#refresh")
    browser.wait("return !find('key-form').hidden")
    case.ok("was forgotten" in browser.run("return find('problem').textContent"), "one that was revoked is forgotten")
    log = (case.top / "serve.log").read_text()
    case.ok(key not in log and other["key"] not in log, "no key in the server's log", log)


def needs_no_key(case):
    """A stale key does not lock out where none is needed."""
    browser = Browser(case)
    server = Server(case)
    server.bucket("mine")
    open_page(browser, server, "?token=stale")
    browser.wait("return !find('content').hidden && !find('problem').hidden")
    case.equal((browser.run(NAMES), browser.run("return sessionStorage.length")), (["mine"], 0), "forgotten, and shown without")


def says_what_fails(case):
    """A server that ends, and a bucket that is gone."""
    browser = Browser(case)
    server = Server(case)
    seed(server, "mine", 2, lambda number: {"x": number})
    open_page(browser, server)
    browser.wait(READY)
    server.delete("/0/buckets/mine?force=1")
    browser.click("#buckets button.open")
    browser.wait("return document.querySelector('td.detail [role=alert]')")
    case.ok("404" in browser.run("return document.querySelector('td.detail').innerText"), "a bucket that is gone")
    port = server.port
    server.stop()
    browser.click("#refresh")
    browser.wait("return !find('problem').hidden")
    case.ok("does not answer" in browser.run("return find('problem').textContent"), "it says that nobody answers")
    case.equal((browser.run(NAMES), browser.role("#problem")[0]), (["mine"], "alert"), "and shows what it had")
    server.options = ("--listen", f"127.0.0.1:{port}")
    server.start()
    browser.click("#refresh")
    browser.wait("return find('problem').hidden")
    browser.wait(READY)
    case.ok(not browser.run("return find('welcome').hidden"), "then it goes on")


# --- a web UI in its place ---

def picture():
    """A PNG of one dot."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) + \
        chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def web_build(case):
    """A directory as the build of a web UI leaves it, and one of a visualisation."""
    web, chart = case.top / "web", case.top / "chart"
    shutil.copytree(WEBUI, web)
    (web / "fonts").mkdir()
    (web / "fonts/text.woff2").write_bytes(b"wOF2" + bytes(40000))
    (web / "logo.png").write_bytes(picture())
    (web / "favicon.ico").write_bytes(bytes(100))
    (web / "js/chunk.js.map").write_text('{"version": 3, "sources": [], "mappings": ""}')
    chart.mkdir()
    (chart / "index.html").write_text("<!DOCTYPE html><title>Chart</title><script src='chart.js'></script>")
    (chart / "chart.js").write_text(
        "const key = sessionStorage.getItem('aw-api-token');\n"
        "fetch('/api/0/buckets/', {headers: key ? {Authorization: 'Bearer ' + key} : {}}).then((answer) => answer.json())"
        ".then((json) => parent.postMessage(typeof json, '*'), (error) => parent.postMessage(String(error), '*'));\n")
    return web, chart


def run_ui(case, browser, url):
    browser.go(url)
    browser.wait("return window.done === true")
    checks = browser.run("return checks")
    for one in checks:
        case.ok(one["good"], one["what"], one["detail"][:1500])
    case.ok(len(checks) >= 55, "it came to its end", len(checks))
    # A bucket that is made is 304 when it is made again, an event that is deleted 404: the console calls the latter an error.
    said = [line for line in browser.console() if "404" not in line]
    case.equal(said, [], "the console is empty")


def web_ui(case):
    """A web UI that does what ActivityWatch's does when it is opened and used, under the addresses a person may use."""
    browser = Browser(case)
    web, chart = web_build(case)
    machine = case.machine("server")
    machine.env["TT_SERVE_PAGES"] = f"chart={chart}"
    server = Server(case, "--webui", str(web), machine=machine)
    run_ui(case, browser, f"http://127.0.0.1:{server.port}/")
    clear(server)
    run_ui(case, browser, f"http://localhost:{server.port}/index.html")
    other_sites(case, browser, server)
    case.equal(server.stop(), 0, "the server ends properly")
    case.ok(machine.verified()[0], "and its store is sound")


def clear(server):
    for name in server.get("/0/buckets/").json:
        server.delete(f"/0/buckets/{name}?force=1")
    for name in server.get("/0/settings").json:
        server.delete(f"/0/settings/{name}")


def web_ui_with_key(case):
    """The same where a key is needed: from its address, as ActivityWatch's has it."""
    browser = Browser(case)
    web, chart = web_build(case)
    machine = case.machine("server")
    machine.env["TT_SERVE_PAGES"] = f"chart={chart}"
    server = Server(case, "--webui", str(web), "--require-key", machine=machine)
    run_ui(case, browser, f"http://127.0.0.1:{server.port}/?token={new_key(server, '--role', 'admin')['key']}#/home")
    case.equal(browser.url(), f"http://127.0.0.1:{server.port}/#/home", "its address has no key")


class Foreign(http.server.BaseHTTPRequestHandler):
    """Another site: an empty page."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><title>elsewhere</title>")

    def log_message(self, format, *args):
        pass


@contextlib.contextmanager
def foreign_site():
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Foreign)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{site.server_address[1]}/"
    finally:
        site.shutdown()
        site.server_close()


def other_sites(case, browser, server):
    """A page from elsewhere can neither read, nor write, nor frame."""
    ours = f"http://127.0.0.1:{server.port}"
    with foreign_site() as url:
        browser.go(url)
        for script, what in (
            ("fetch(arguments[0] + '/api/0/buckets/')", "read"),
            ("fetch(arguments[0] + '/api/0/buckets/foreign', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'})", "write"),
        ):
            case.equal(browser.run(f"return {script}.then(() => 'done', () => 'refused')", ours), "refused", f"another site cannot {what}")
        browser.run("return fetch(arguments[0] + '/api/0/buckets/foreign', {method: 'POST', mode: 'no-cors', "
                    "body: '{\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\"}'}).catch(() => 0)", ours)
        case.equal(server.get("/0/buckets/foreign").status, 404, "nor write without looking")
        browser.run("const frame = document.createElement('iframe'); frame.src = arguments[0] + '/'; document.body.append(frame); "
                    "return new Promise((resolve) => { frame.onload = resolve; })", ours)
        case.ok(any("X-Frame-Options" in line or "frame" in line for line in browser.console()), "nor frame")


if __name__ == "__main__":
    sys.exit(lib.run([shows_what_there_is, begins_empty, is_inert, asks_for_key, needs_no_key, says_what_fails, web_ui, web_ui_with_key]))

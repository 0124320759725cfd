#!/usr/bin/env python3
"""What PostgreSQL does for the hot paths, by its own account: every statement that a running server really sent names its user, and
touches the partitions of one hash value; where a time is given, those of its months alone.

auto_explain writes the plan of each statement as it was carried out into the server's log; the log is read between two moments.
"""
import itertools
import json
import re
import subprocess
import sys
import time
import urllib.request

from lib import ROOT, Skip, run

sys.path.insert(0, str(ROOT / "tests/lib"))
import pg  # noqa: E402

EXPLAIN = {
    "session_preload_libraries": "auto_explain", "auto_explain.log_min_duration": "0", "auto_explain.log_analyze": "on", "auto_explain.log_format": "json",
    "auto_explain.log_timing": "off", "auto_explain.log_verbose": "on", "auto_explain.log_nested_statements": "on",
}
ENTRY = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \w+ \[(\d+)\] (\S*?)@(\S*) LOG:  duration: \S+ ms  plan:\n((?:\t.*\n)+)", re.M)
PARTITION = re.compile(r"event_h(\d+)_(\w+)")
# Tables that are not a user's rows: what is looked up before a user is known, and what is the whole database's.
EVERYBODYS = {"user", "api_key", "server_state"}
# What of a plan's node is a condition on its rows, and what on the pairs that are joined below it.
CONDITIONS = ("Index Cond", "Filter", "Recheck Cond", "TID Cond")
JOINS = ("Hash Cond", "Merge Cond", "Join Filter")
EMAILS = ("ann@example.org", "bob@example.org", "cyn@example.org")
MONTHS = 6
WAIT_SECONDS = 20
IN_VAIN = 40  # rows of a statement
BUCKET = "watcher_box"


def says_whose(alias, conditions):
    """Do CONDITIONS name ALIAS's user? What row-level security adds is "user_no = ANY (…)" and does not count."""
    return bool(re.search(rf"\b{alias}\.user_no = (?!ANY\b)|= {alias}\.user_no\b", conditions))


class Plan:
    """One statement as it was carried out: its TEXT, and each scan: table, alias, conditions, those of the joins above it; and how many rows
    were looked at in vain, since no index told that they are not meant."""

    def __init__(self, told):
        self.text = " ".join(told["Query Text"].split())
        self.scans = []
        self.in_vain = 0
        self.late = []  # index scans that ask rows, not the index, for the shelf
        self._walk(told["Plan"], "")

    def _walk(self, node, above):
        self.in_vain += sum(node.get(f"Rows Removed by {what}", 0) for what in ("Filter", "Join Filter", "Index Recheck")) * node.get("Actual Loops", 1)
        if "Index Name" in node and re.search(r"\bshelf\b", node.get("Filter", "")):
            self.late.append(f"{node['Index Name']} ({node['Filter']})")
        if "Relation Name" in node and node["Node Type"] != "ModifyTable" and node.get("Actual Loops", 1) > 0:
            own = " AND ".join(node[key] for key in CONDITIONS if key in node)
            self.scans.append((node["Relation Name"], re.escape(node["Alias"]), own, above))
        above += "".join(" AND " + node[key] for key in JOINS if key in node)
        for below in node.get("Plans", []):
            self._walk(below, above)

    def partitions(self):
        """(hash, month) of the partitions of event that were touched."""
        return {PARTITION.fullmatch(name).groups() for name, *_ in self.scans if PARTITION.fullmatch(name)}

    def faults(self):
        """What is wrong with it, in words."""
        # What is done for all users of a batch at once names them, and reads no events.
        several = not self.partitions() and re.search(r"\buser_no = ANY \(\$\d", self.text)
        out = [f"{name} is not filtered by its user ({own or 'by nothing'})" for name, alias, own, above in self.scans
               if name not in EVERYBODYS and not several and not says_whose(alias, own + above)]
        if len({number for number, _ in self.partitions()}) > 1:
            out.append(f"it touches several hash partitions: {sorted(self.partitions())}")
        return [f"{fault}: {self.text}" for fault in out]


def plans(log, role):
    """The plans in LOG of what ROLE asked for in its own tables."""
    found = (Plan(json.loads(match[4].replace("\n\t", "\n"))) for match in ENTRY.finditer(log) if match[2] == role)
    return [plan for plan in found if any(not name.startswith("pg_") for name, *_ in plan.scans) or "event" in plan.text]


class Server:
    """A PostgreSQL server, users with keys, and `tt serve` on it."""

    def __init__(self, case, database):
        self.case = case
        self.database = database
        self.url = database.make_database("store")
        self.box = case.machine("box")
        self.box.env["TT_STORE"] = self.url
        self.keys = {}
        for email in EMAILS:
            self.add(email)
        self.child = self.box.start("serve", "--json", "--quiet", "--require-key", "--listen", "127.0.0.1:0", stdout=subprocess.PIPE)
        case.cleanups.append(self.child.kill)
        self.place = json.loads(self.child.stdout.readline())["listen"][0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait(30)

    def ask(self, email, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.place + path, data, {"Authorization": f"Bearer {self.keys[email]}", "Content-Type": "application/json"},
                                         method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text.startswith((b"{", b"[")) else text

    def add(self, email):
        self.keys[email] = self.box.must("serve", "generate-key", "--email", email, "--json").json()["key"]

    def fill_one(self, email):
        self.ask(email, "POST", f"/api/0/buckets/{BUCKET}", {"type": "currentwindow", "client": "watcher", "hostname": "box"})
        for month in range(1, MONTHS + 1):
            self.ask(email, "POST", f"/api/0/buckets/{BUCKET}/events", [
                {"timestamp": f"2026-{month:02d}-{day:02d}T{hour:02d}:00:00Z", "duration": 60, "data": {"app": f"a{hour % 5}", "title": f"{email} {month} {day}"}}
                for day in range(1, 29) for hour in range(0, 24, 2)])

    def fill(self):
        """Some events a day, over months, for everybody; then statistics, as a database that is used has them."""
        for email in EMAILS:
            self.fill_one(email)
        self.database.psql("ANALYZE", database="store")

    def settle(self):
        """Wait until no connection of the server is at work: a cursor's plan is told of when it is closed, which may be after the answer."""
        busy = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{pg.ROLE}' AND state <> 'idle'"
        deadline = time.monotonic() + WAIT_SECONDS
        while self.database.psql(busy) != "0":
            assert time.monotonic() < deadline, "the server does not come to rest"
            time.sleep(0.01)

    def during(self, action):
        """The plans of what the server asked for while ACTION ran."""
        before = len(self.database.log())
        action()
        self.settle()
        return plans(self.database.log()[before:], pg.ROLE)


def heartbeat(second):
    return {"timestamp": f"2026-06-28T23:00:{second:02d}Z", "duration": 0, "data": {"app": "a", "title": "t"}}


# A name, what is asked of the server for a user, which months of 2026 may be touched (None: any), and whether events are read at all.
def paths(server, email):
    bucket = f"/api/0/buckets/{BUCKET}"
    newest, second = server.ask(email, "GET", f"{bucket}/events?limit=2")
    newest = newest["id"]
    corrected = server.ask(email, "POST", f"{bucket}/events", [{**second, "data": {"app": "corrected"}}])[0]["id"]
    day = "start=2026-03-10T00:00:00Z&end=2026-03-11T00:00:00Z"
    minutes = itertools.count()  # what was asked before is answered from memory
    everything = server.box.must("export", "--no-collect", env={"TT_USER": email}).out.encode()
    insert = [{"timestamp": "2026-04-10T10:00:00Z", "duration": 1, "data": {"app": "new"}}]

    def ask(*words):
        return lambda: server.ask(email, *words)

    def query():
        periods = [f"2026-03-10T00:{next(minutes):02d}:00Z/2026-03-11T00:00:00Z"]
        return server.ask(email, "POST", "/api/0/query/", {"timeperiods": periods, "query": [f'RETURN = query_bucket("{BUCKET}");']})

    def command(*words):
        return lambda: server.box.must(*words, env={"TT_USER": email}).out
    return [
        ("heartbeat, the first", ask("POST", f"{bucket}/heartbeat?pulsetime=60", heartbeat(0)), None, True),
        ("heartbeat that is merged", ask("POST", f"{bucket}/heartbeat?pulsetime=60", heartbeat(10)), None, False),
        ("insert", ask("POST", f"{bucket}/events", insert), None, False),
        ("a day's events", ask("GET", f"{bucket}/events?{day}"), {"03"}, True),
        ("the newest events", ask("GET", f"{bucket}/events?limit=10"), {"05", "06"}, True),
        ("a day's count", ask("GET", f"{bucket}/events/count?{day}"), {"03"}, True),
        ("an event by its number", ask("GET", f"{bucket}/events/{newest}"), None, True),
        ("one that was corrected", ask("GET", f"{bucket}/events/{corrected}"), None, True),
        ("all buckets", ask("GET", "/api/0/buckets/"), {"05", "06"}, True),
        ("a bucket", ask("GET", bucket), {"05", "06"}, True),
        ("a query over a day", query, {"03"}, True),
        ("a bucket's export", ask("GET", f"{bucket}/export"), None, True),
        ("everything's export", ask("GET", "/api/0/export"), None, True),
        ("a deletion", ask("DELETE", f"{bucket}/events/{newest}"), None, True),
        ("settings", ask("GET", "/api/0/settings"), None, False),
        ("the feed", command("export", "--no-collect", "--cursor", "5"), None, True),
        ("the command line", command("events"), None, True),
        ("what is there already", lambda: server.box.must("import", stdin=everything, env={"TT_USER": email}), None, True),
    ]


def cluster(**settings):
    try:
        return pg.cluster(**EXPLAIN, **settings)
    except pg.Missing as why:
        raise Skip(why) from None


def test_reader(case):
    """A statement without a user, or over several of them, is seen as such."""
    with cluster() as database, Server(case, database) as server:
        server.fill()

        def plan(sql):
            def action():
                return database.psql(f"BEGIN; SET LOCAL search_path = tidemark; SET LOCAL tt.users = '{{1,2,3}}'; {sql}; COMMIT", database="store", user=pg.ROLE)
            return server.during(action)[-1]
        case.ok(plan("SELECT count(*) FROM event").faults(), "one that reads everybody's events")
        case.ok(plan("SELECT count(*) FROM event WHERE user_no = ANY ('{1,2}') AND seq > 0").faults(), "one that reads those of several")
        case.ok(plan("SELECT count(*) FROM bucket").faults(), "one that forgets the user of a small table")
        good = plan("SELECT count(*) FROM event WHERE user_no = 2 AND start_ns < 0")
        case.equal(good.faults(), [], "one that names its user is well")
        whole = plan("SELECT count(*) FROM event WHERE user_no = 2")
        case.ok(len(whole.partitions()) > MONTHS and len({number for number, _ in whole.partitions()}) == 1, "it sees the months", whole.partitions())


def test_hot_paths(case):
    """Every statement of the hot paths, of each user, with new connections and with ones that have planned everything before."""
    with cluster() as database, Server(case, database) as server:
        server.fill()
        for turn in ("planned for the values", "planned once for all"):
            for email in EMAILS:
                for name, action, months, reads in paths(server, email):
                    # After five times a prepared statement may get one plan for all values: the second turn sees those.
                    for _ in range(8 if turn.endswith("all") and months else 0):
                        action()
                    server.settle()
                    seen = server.during(action)
                    faults = [fault for plan in seen for fault in plan.faults()]
                    case.ok(seen and not faults, f"{name}, {email}, {turn}: its user's rows alone", "\n".join(faults[:5]) or "no statement was seen")
                    if reads:
                        case.ok(any(plan.partitions() for plan in seen), f"{name}, {email}, {turn}: its partitions are seen", [plan.text for plan in seen])
                    if months:
                        touched = {month for plan in seen for _, month in plan.partitions()}
                        case.ok(touched and touched <= {f"2026_{month}" for month in months}, f"{name}, {email}, {turn}: its months alone",
                                "\n".join(f"{sorted(plan.partitions())}: {plan.text}" for plan in seen if plan.partitions()))


def neighbours(server):
    """Two users whose events are in the same partitions: of nine there are always two."""
    homes = {}
    for number in range(9):
        email = f"n{number}@example.org"
        server.add(email)
        home = server.database.psql("SELECT i FROM generate_series(0, 7) i, tidemark.\"user\" u"
                                    f" WHERE u.email = '{email}' AND satisfies_hash_partition('tidemark.event'::regclass, 8, i, u.user_no)", database="store")
        if home in homes:
            return homes[home], email
        homes[home] = email
    raise AssertionError(f"each has partitions of their own: {homes}")


def fill_after_deletion(server, email):
    """As many tombstones as events; what was deleted."""
    server.fill_one(email)
    deleted = server.box.must("export", "--no-collect", env={"TT_USER": email}).out.encode()
    server.ask(email, "DELETE", f"/api/0/buckets/{BUCKET}?force=1")
    server.fill_one(email)
    return deleted


def test_newcomer(case):
    """Somebody who has come since the last statistics, and has as much as the others: what the planner believes of him is nothing, and his
    statements use the right indexes all the same. (Tables are short here: reading all of one might be right.)"""
    with cluster(autovacuum="off", enable_seqscan="off") as database, Server(case, database) as server:
        known, newcomer = neighbours(server)
        fill_after_deletion(server, known)
        database.psql("ANALYZE", database="store")
        deleted = fill_after_deletion(server, newcomer)
        was_deleted = ("what was deleted", lambda: server.box.must("import", stdin=deleted, env={"TT_USER": newcomer}), None, True)
        for name, action, _, _ in [was_deleted, *paths(server, newcomer)]:
            seen = server.during(action)
            worst = max(seen, key=lambda plan: plan.in_vain)
            case.ok(worst.in_vain <= IN_VAIN, f"{name}: few rows are looked at in vain", f"{worst.in_vain}: {worst.text}")
            late = [f"{index}: {plan.text}" for plan in seen for index in plan.late]
            case.ok(not late, f"{name}: shelves are asked of indexes", "\n".join(late[:5]))


run([test_reader, test_hot_paths, test_newcomer])

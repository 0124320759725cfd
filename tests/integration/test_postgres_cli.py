#!/usr/bin/env python3
"""The command line over PostgreSQL: the same data, brought in the same way, gives the same answers as over SQLite.

    test_postgres_cli.py TT [FUNCTION…]

Each command runs over both stores; what it prints must be equal, but for what is the store's own: its path, its size, its id, and ids made at random.
"""
import contextlib
import json
import os
import re
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import pg  # noqa: E402
from lib import ROOT, Terminal, focus_line, moment, run, session_id  # noqa: E402

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SHORT = re.compile(r"\b[0-9a-f]{8}\b")
NOW = {"TT_NOW": moment(8 * 3600)}
ANN = "ann@example.org"
DAY = ["--start", moment(-3600), "--end", moment(9 * 3600)]


class Pair:
    """One machine over two stores."""

    def __init__(self, case, server, name):
        self.case = case
        self.box = case.machine("box")
        self.url = server.make_database(name)
        self.stores = {"sqlite": {"TT_STORE": f"sqlite:{self.box.home}/one.db"}, "postgres": {"TT_STORE": self.url, "TT_USER": ANN}}
        self.box.must("serve", "generate-key", "--email", ANN, env=self.stores["postgres"])
        self.known = {name: {} for name in self.stores}  # ids that a store made, by the order in which they came

    def plain(self, name, text):
        """TEXT with names for what the store made up itself."""
        if text.startswith('{"events":[') and '"gaps":' in text:  # context lists streams by their ids
            answer = json.loads(text)
            answer["streams"].sort(key=lambda stream: stream["name"])
            text = json.dumps(answer)
        text = text.replace(str(self.box.home / "one.db"), "STORE")
        text = re.sub(r"postgresql://\S*?(?=[\s\"',:]|$)", "STORE", text)
        text = re.sub(r'"(store_bytes|bytes|elapsed_ms)":\d+', r'"\1":0', text)
        text = re.sub(r"\d+ KiB|\d+ MiB free|store: [\d.]+\w+", "SIZE", text)
        text = re.sub(r"(:[0-9a-z]+)-[0-9a-z]{5}(?=[\",])", r"\1-STORE", text)  # in ids of events that came over ActivityWatch's API
        given = self.known[name]
        text = UUID.sub(lambda found: given.setdefault(found.group(0), f"id-{len(given) + 1}"), text)
        short = {uuid[:8]: label for uuid, label in given.items()}
        return SHORT.sub(lambda found: short.get(found.group(0), found.group(0)), text)

    def both(self, *words, stdin=None, env=None):
        """What both say; they must agree."""
        results = {}
        for name, store in self.stores.items():
            chosen = [word(name) if callable(word) else word for word in words]
            results[name] = self.box.tt(*chosen, stdin=stdin, env={**NOW, **store, **(env or {})})
        shown = " ".join(str(word) for word in words if not callable(word))
        said = {name: (result.status, self.plain(name, result.out), self.plain(name, result.err)) for name, result in results.items()}
        got, want = str(said["postgres"]), str(said["sqlite"])
        first = len(os.path.commonprefix([got, want]))
        self.case.ok(got == want, f"the same: tt {shown[:100]}", f"got  …{got[max(0, first - 200):first + 600]}\nwant …{want[max(0, first - 200):first + 600]}")
        return results

    def each(self, make):
        """A word that differs between the stores: MAKE of one store's raw answer to `streams list --json --all`."""
        return lambda name: make(json.loads(self.box.must("streams", "list", "--json", "--all", env={**NOW, **self.stores[name]}).out)["streams"])


def work(box):
    """A day at the keyboard, with two agents at work."""
    lines = [focus_line(box.id, 60 * minute, cwd=f"/srv/acme/{('webapp', 'api', 'docs')[minute // 40 % 3]}") for minute in range(240)]
    for number, agent in ((1, "webapp"), (2, "api")):
        for at in range(0, 7200, 90):
            stamp, session = moment(at + number), session_id(number)
            kind = ("user_message", "agent_response", "agent_tool_use")[at // 90 % 3]
            lines.append(json.dumps({"id": f"{box.id}:claude:{kind}:{stamp}:{session[:8]}-{at}", "timestamp": stamp, "source": "claude", "type": kind,
                                     "agent": "claude-code", "session_id": session, "cwd": f"/srv/acme/{agent}", "tool": "Edit", "tool_class": "edit",
                                     "file": f"/srv/acme/{agent}/a.c", "model": "m", "length": 12, "input_tokens": at, "output_tokens": 7}) + "\n")
    lines += ["this is no event\n", '{"id":"x"}\n']
    lines.append(json.dumps({"id": "strange:1", "timestamp": moment(5), "source": "a", "type": "note", "text": "ü \u0000 \U0001f600"}) + "\n")
    return "".join(lines).encode()


def processes_of(pid):
    """Program and command line of the process PID and its children; jobs come and go."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if place.name == str(pid) or (place / "stat").read_text().rsplit(") ", 1)[1].split()[1] == str(pid):
                found.append((os.path.basename(os.readlink(place / "exe")), (place / "cmdline").read_text()))
    return found


def everything(case):
    """Import, reports, streams, tags, rules, queries, export, and back again."""
    with pg.cluster() as server:
        pair = Pair(case, server, "everything")
        data = work(pair.box)
        pair.both("import", "--json", stdin=data)
        pair.both("import", "--json", stdin=data)
        pair.both("import", "--format", "aw", "--json", str(ROOT / "tests/data/activitywatch/export_rust.json"))
        for words in (["events"], ["events", "--type", "note"], ["events", "--bucket", "claude.*"], ["events", "--after", moment(3600)],
                      ["export", "--no-collect"], ["export", "--no-collect", "--cursor", "100"], ["export", "--no-collect", "--workspace", "/srv/acme/api/**"],
                      ["status", "--json"], ["machines", "--json"], ["list", "--json"], ["list"],
                      ["quarantine", "list", "--json"], ["verify", "--json"], ["tags", "--json"],
                      ["streams", "--json"], ["streams", "list", "--all"], ["report", "--json", *DAY], ["report", *DAY], ["today"], ["week", "--json"],
                      *(["report", "--json", *DAY, "--by", by] for by in ("tag", "project", "machine", "agent")),
                      ["stats", "--json"], ["stats", "--by", "workspace"], ["stats", "--by", "day", "--json"], ["stats", "--by", "model", "--json"],
                      ["query", "--format", "json"], ["query", "--type", "tool_use", "--limit", "7", "--format", "csv"], ["query", "--session", session_id(1), "--json"],
                      ["query", "--workspace", "/srv/acme/api", "--json"], ["context", "--json", *DAY], ["recompute", "--json"], ["recompute", "--force", "--json"],
                      ["streams", "--json"], ["doctor", "--json"], ["serve", "check"]):
            pair.both(*words)

        pair.both("rules", "add", "/srv/acme/**", "acme", "work")
        pair.both("rules", "add", "/srv/acme/docs/**", "writing")
        pair.both("rules", "list", "--json")
        pair.both("rules", "test", "/srv/acme/docs/x", "--json")
        pair.both("tags", "--json")
        webapp = pair.each(lambda streams: next(stream["id"] for stream in streams if stream["name"] == "webapp"))
        pair.both("tag", webapp, "urgent", "blue", "--json")
        pair.both("untag", webapp, "blue", "--json")
        pair.both("streams", "rename", webapp, "the web application", "--json")
        pair.both("streams", "create", "by hand", "--json")
        pair.both("streams", "assign", "by hand", "--session", session_id(2), "--json")
        pair.both("streams", "split", "the web application", "--at", moment(1800), "the rest", "--json")
        pair.both("streams", "merge", "the rest", "by hand", "--json")
        pair.both("classify", "--apply", "-", "--json", stdin=json.dumps({"streams": [{"name": "sorted", "tags": ["a"]}], "assign_by_pattern": [
            {"cwd_like": "/srv/acme/docs", "stream": "sorted"}]}).encode())
        pair.both("classify", "--apply", "-", "--json", stdin=b'{"assign_by_session":[{"session_id":"nobody","stream":1}]}')
        pair.both("rules", "remove", "2", "--json")
        for words in (["streams", "list", "--all", "--json"], ["report", "--json", *DAY], ["report", "--json", *DAY, "--explain", "by hand"], ["tags", "--json"],
                      ["streams", "show", "by hand", "--json"], ["recompute", "--force", "--json"], ["report", "--json", *DAY], ["context", "--json", *DAY],
                      ["streams", "show", "nothing like it"], ["tag", "nothing like it", "x"], ["quarantine", "drop", "1", "--json"], ["quarantine", "--json"]):
            pair.both(*words)

        language = pair.box.home / "query.txt"
        language.write_text('events = flood(query_bucket(find_bucket("tmux")));\nRETURN = sort_by_duration(merge_events_by_keys(events, ["cwd"]));\n')
        pair.both("query", "--lang", str(language), "--json")
        for sql in ("SELECT type, count(*) AS n FROM events GROUP BY type ORDER BY type",
                    "SELECT id, start, start_ns, duration_ms, seq FROM events ORDER BY start_ns, id",
                    "SELECT agent, session_id, length, withdrawn, command FROM prompts ORDER BY start_ns, id",
                    "SELECT model, sum(input) AS input, sum(output) AS output FROM tokens WHERE start_ns > ns('2026-02-03T10:00:00Z') GROUP BY model",
                    "SELECT file, class, tool FROM files ORDER BY seq", "SELECT bucket, events FROM buckets ORDER BY bucket",
                    "SELECT machine, label, events FROM machines ORDER BY machine", "SELECT source, reason, bytes FROM quarantine ORDER BY entry"):
            pair.both("query", "--sql", sql, "--json")


def round_trip(case):
    """What one store exports the other takes, and gives back the same."""
    with pg.cluster() as server:
        pair = Pair(case, server, "there")
        pair.both("import", stdin=work(pair.box))
        box, stores = pair.box, pair.stores
        back = {"TT_STORE": f"sqlite:{box.home}/back.db"}
        stream = box.must("export", "--no-collect", env=stores["postgres"]).out
        box.must("import", stdin=stream.encode(), env=back)
        events = box.must("events", env=stores["sqlite"]).out
        case.equal(box.must("events", env=back).out, events, "from PostgreSQL into a file")
        again = {"TT_STORE": pair.url, "TT_USER": "bob@example.org"}
        box.must("serve", "generate-key", "--email", "bob@example.org", env=again)
        box.must("import", stdin=box.must("export", "--no-collect", env=back).out.encode(), env=again)
        case.equal(box.must("events", env=again).out, events, "and to another user of the database")

        everything = box.must("serve", "export", "--email", ANN, env=stores["postgres"])
        third = {"TT_STORE": f"sqlite:{box.home}/third.db"}
        box.must("import", stdin=everything.out.encode(), env=third)
        case.equal(box.must("events", env=third).out, events, "everything of a user can be imported")
        types = {json.loads(line).get("type") for line in everything.out.splitlines()}
        case.ok({"tt.user", "tt.key", "tt.device", "tt.bucket", "tt.quarantine"} <= types, "and is everything", types)

        result = box.must("serve", "erase", "--email", ANN, "--yes", "--json", env=stores["postgres"])
        case.ok(result.json()["rows"] > 300 and "events" in result.err, "a user is erased, and it says of what", result)
        case.equal(box.must("events", env=again).out, events, "another's events stay")
        case.equal([user["email"] for user in box.must("serve", "users", "--json", env=again).json()["users"]], ["bob@example.org"], "nobody knows the one")
        gone = box.tt("events", env=stores["postgres"])
        case.equal((gone.status, ANN in gone.err), (1, True), f"whose rows cannot be asked for {gone}")


def asked(case):
    """A person is asked before a user is erased, and types the address; where nobody can be asked, only --yes will do."""
    with pg.cluster() as server:
        pair = Pair(case, server, "asked")
        pair.both("import", stdin=work(pair.box))
        box = pair.box
        box.must("serve", "generate-key", "--email", ANN, env=pair.stores["sqlite"])
        words = {"sqlite": b"1 key; the events are the store's and stay", "postgres": b" events, and all else"}

        def users(store):
            return [user["email"] for user in box.must("serve", "users", "--json", env=store).json()["users"]]

        def terminal(store, answer):
            asks = Terminal(box, case.tt, "serve", "erase", "--email", ANN, env=store)
            asks.expect("Type the address to delete it: ")
            asks.type(answer)
            return asks.finish(), asks.text

        for name, store in pair.stores.items():
            events = box.must("events", env=store).out
            for answer in ("y\n", "yes\n", "\n", "bob@example.org\n", f"{ANN}x\n", f"{ANN} {ANN}\n", "\x04", f"{'x' * 600}\n"):
                status, text = terminal(store, answer)
                case.ok(status == 1 and b"nothing was deleted" in text, f"{name}: {answer[:40]!r} is another answer", (status, text))
            for stdin in (b"", f"{ANN}\n".encode(), b"yes\n"):
                result = box.tt("serve", "erase", "--email", ANN, stdin=stdin, env=store)
                case.ok(result.status == 2 and "--yes" in result.err, f"{name}: a pipe is nobody who can be asked", result)
            case.equal((users(store), box.must("events", env=store).out), ([ANN], events), f"{name}: nothing has happened to her")
            status, text = terminal(store, f" {ANN} \n")
            case.ok(status == 0 and words[name] in text and b"Deleted " + ANN.encode() in text, f"{name}: the address is, with what goes", (status, text))
            case.equal(users(store), [], f"{name}: she is gone")


def collected(case):
    """Hooks and agents' logs; the daemon, its server, and what it says."""
    with pg.cluster() as server:
        pair = Pair(case, server, "collected")
        box = pair.box
        for number in range(3):
            box.transcript(session_id(number), 0, 30, project=f"p{number}")
        pair.both("collect", "--json")
        pair.both("collect", "--json")
        pair.both("events")
        pair.both("stats", "--json")
        mine = pair.stores["postgres"]
        box.focus(5)
        case.ok("tmux_pane_focus" in box.must("events", env=mine).out, "what a hook wrote is drained")

        other = {**mine, "TT_STORE": mine["TT_STORE"] + "&application_name=x", "TT_SERVE_ON_START": "true", "TT_SERVE_LISTEN": "127.0.0.1:0"}
        started = box.must("start", "--json", env=other)
        case.cleanups.append(lambda: box.tt("stop", env=other))
        deadline = time.monotonic() + 60
        listen = started.json()["listen"]
        while not listen and time.monotonic() < deadline:
            time.sleep(0.1)
            listen = box.must("start", "--json", env=other).json()["listen"]
        case.ok(listen, "the daemon serves", started)
        pid = started.json()["pid"]
        programs = processes_of(pid)
        case.ok(len(programs) >= 2 and {name for name, _ in programs} == {"tt-postgres"}, "in the program that has PostgreSQL", programs)
        words = [line for _, line in programs]
        case.equal([line for line in words if "postgresql" in line], [], "whose arguments have no URL in them")
        with urllib.request.urlopen(f"{listen[0]}/api/0/buckets/", timeout=30) as answer:
            case.ok(any("claude" in name for name in json.load(answer)), "callers of this machine are the configured user")
        box.transcript(session_id(7), 0, 10, project="late")
        while "late" not in box.must("events", env=mine).out and time.monotonic() < deadline:
            time.sleep(0.1)
        case.ok("late" in box.must("events", env=mine).out, "it collects into the database")
        case.equal(box.must("status", "--json", env=other).json()["daemon"] is not None, True, "and status tells of it")
        box.must("stop", env=other)


def devices(case):
    """Machines of a user, by label; a key of one of them; where nobody is the user."""
    with pg.cluster() as server:
        pair = Pair(case, server, "devices")
        box, mine = pair.box, pair.stores["postgres"]
        nobody = {"TT_STORE": pair.url}
        result = box.tt("events", env=nobody)
        case.equal((result.status, "TT_USER" in result.err), (2, True), f"without a user it says how {result}")
        box.must("machines", env=mine)
        listed = box.must("serve", "devices", "--email", ANN, "--json", env=nobody).json()["devices"]
        case.equal([(device["email"], device["machine_id"], device["label"]) for device in listed], [(ANN, box.id, "box-own")], "the machine is known")
        key = box.must("serve", "generate-key", "--email", ANN, "--device", "box-own", "--json", env=nobody).json()
        case.equal(key["machine_id"], box.id, "a key is made for it by its label")
        result = box.tt("serve", "generate-key", "--email", "bob@example.org", "--device", "box-own", env=nobody)
        case.equal((result.status, "box-own" in result.err), (1, True), f"another's machines are not found {result}")
        rows = box.must("serve", "users", "--json", env=nobody).json()["users"]
        case.equal([(row["email"], row["devices"]) for row in rows], [(ANN, 1)], "users tells how many there are")
        for words in (["backup", "copy.db"], ["restore", "copy.db"]):
            result = box.tt(*words, env=mine)
            case.ok(result.status != 0 and "pg_" in result.err, f"tt {words[0]} says what to use", result)


if __name__ == "__main__":
    run([everything, round_trip, asked, collected, devices])

#!/usr/bin/env python3
"""A connection that is cut after every byte count of a small stream, and at random places of a large one.

An `ssh` in the PATH stands for the network: it sends the first bytes of what a real `tt export` with the cursor asked for has written.
"""
import json
from concurrent.futures import ThreadPoolExecutor

from lib import run, seeded

WORKERS = 3


class Line:
    """The recorded answers of one machine, by cursor, and the faulty ssh that gives them."""

    def __init__(self, case, name="line"):
        self.case = case
        self.top = case.top / name
        self.top.mkdir()
        self.ssh = self.top / "ssh"
        self.ssh.write_text(
            f'#!/bin/sh\nfor word; do asked="$word"; done\ncursor="${{asked##* }}"\n'
            f'echo "$cursor" >>"$HOME/asked"\nstream="{self.top}/stream.$cursor"\n'
            'test -e "$stream" || { echo "no such cursor was recorded: $cursor" >&2; exit 99; }\n'
            'test -n "$CUT_AT" || exec cat "$stream"\n'
            'if test "$cursor" = 0; then head -c "$CUT_AT" "$stream"; exit "$CUT_STATUS"; fi\n'
            'test -n "$CUT_ONCE" && exec cat "$stream"\necho "still no line" >&2\nexit 255\n')
        self.ssh.chmod(0o755)

    def record(self, cursor, text):
        (self.top / f"stream.{cursor}").write_text(text)

    def hub(self, name):
        hub = self.case.machine(name, identity=False)
        hub.env["PATH"] = f"{self.top}:{hub.env['PATH']}"
        return hub


def recorded(case, events):
    """A machine with EVENTS hook events, and its whole stream."""
    box = case.machine("box")
    for number in range(events):
        box.focus(number * 10, f"%{number}", cwd=f"/srv/p{number % 2}")
    return box, box.must("export").out


def pull(hub, cut=None, status=0, once=False):
    """One sync: its exit status, its row, what it printed. ONCE: who asks again gets a whole answer."""
    env = {"CUT_STATUS": str(status)}
    if cut is not None:
        env["CUT_AT"] = str(cut)
    if once:
        env["CUT_ONCE"] = "1"
    return hub.sync("box", env=env)


def stored(hub):
    return hub.must("events", "--no-collect").out


def with_checkpoint(line, stream, after):
    """STREAM with a checkpoint behind AFTER events; what a remote would send from there on is recorded, too."""
    lines = stream.splitlines(keepends=True)
    count = len(lines) - 2
    mark = json.dumps({"type": "trailer", "cursor": after, "events": after, "more": True}, separators=(",", ":")) + "\n"
    end = json.loads(lines[-1])
    rest = json.dumps({"type": "trailer", "cursor": end["cursor"], "events": count - after}, separators=(",", ":")) + "\n"
    whole = "".join(lines[:1 + after]) + mark + "".join(lines[1 + after:])
    line.record(0, whole)
    line.record(after, lines[0] + "".join(lines[1 + after:-1]) + rest)
    line.record(end["cursor"], lines[0] + end_line(end["cursor"], 0))
    return whole


def end_line(cursor, events):
    return json.dumps({"type": "trailer", "cursor": cursor, "events": events}, separators=(",", ":")) + "\n"


def every_byte(case):
    """Every byte count: what is stored is nothing, or all up to the checkpoint; the error is said; the next sync heals."""
    box, stream = recorded(case, 3)
    line = Line(case)
    whole = with_checkpoint(line, stream, 2)
    undisturbed = box.events()
    up_to_mark = "".join(undisturbed.splitlines(keepends=True)[:2])
    mark_ends = whole.index('"more":true}') + len('"more":true}')
    faults = []

    def cut_at(size):
        hub = line.hub(f"hub{size}")
        status, rows, result = pull(hub, cut=size, status=size % 2)
        row = rows.get("box", {})
        got = stored(hub)
        want = up_to_mark if size >= mark_ends else ""
        complete = size >= len(whole) - 1 # the last newline is not needed
        if complete:
            want = undisturbed
        if (status == 0) != (complete and size % 2 == 0):
            faults.append(f"cut at {size}: status {status} {result}")
        if status != 0 and not row.get("error"):
            faults.append(f"cut at {size}: no error said {result}")
        if got != want:
            faults.append(f"cut at {size}: stored\n{got}\nwant\n{want}")
        if row.get("pulled") != want.count("\n"):
            faults.append(f"cut at {size}: says {row.get('pulled')} new of {want.count(chr(10))}")
        status, _, result = pull(hub)
        if status != 0 or stored(hub) != undisturbed:
            faults.append(f"cut at {size}: not healed {result}\n{stored(hub)}")

    # A sanitizer sees what there is to see at a part of the places; its programs take long to start.
    places = sorted({*range(0, len(whole) + 1, 7 if case.sanitized else 1), mark_ends - 1, mark_ends, len(whole) - 1, len(whole)})
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(cut_at, places))
    case.ok(not faults, f"cuts at {len(places)} of {len(whole) + 1} places, ending with status 0 and 1", "\n".join(faults[:10]))


def large(case):
    """Random places of a stream with real checkpoints; an attempt goes on from the last one."""
    rng = seeded("places of the cuts")
    box = case.machine("box")
    box.bulk(0, 12000)
    undisturbed = box.events()
    line = Line(case)
    whole = box.must("export").out
    line.record(0, whole)
    cursors = [json.loads(text)["cursor"] for text in whole.splitlines() if text.startswith('{"type":"trailer"')]
    case.ok(len(cursors) == 3, "the stream has two checkpoints and an end", cursors)
    for cursor in cursors:
        line.record(cursor, box.must("export", "--no-collect", "--cursor", cursor).out)
    known = undisturbed.splitlines()
    marks = [whole.index(f'"cursor":{cursor},') for cursor in cursors]
    for at in range(6):
        size = rng.randrange(marks[at % 3 - 1] if at % 3 else 0, marks[at % 3])
        want, once = at % 3 * 5000, at >= 3 and at % 3 > 0
        hub = line.hub(f"hub{at}")
        status, rows, result = pull(hub, cut=size, status=rng.choice((0, 1, 255)), once=once)
        got = stored(hub).splitlines()
        if once:
            case.ok(status == 0 and got == known and rows["box"]["pulled"] == 12000,
                    f"cut at {size}, behind a checkpoint: the same sync goes on from there", result)
        else:
            case.ok(status == 1 and len(got) == want == rows["box"]["pulled"] and set(got) <= set(known),
                    f"cut at {size}: {want} events, up to the last checkpoint", result)
        status, _, result = pull(hub)
        case.ok(status == 0 and stored(hub) == undisturbed, f"cut at {size}: the next sync completes it", result)
        case.ok(hub.verified()[0], f"cut at {size}: the store is sound", hub.verified()[1])


def bad_streams(case):
    """Answers that are not what a remote should send."""
    box, stream = recorded(case, 3)
    lines = stream.splitlines(keepends=True)
    undisturbed = box.events()
    cursor = json.loads(lines[-1])["cursor"]
    header = json.loads(lines[0])

    def answer(name, text):
        line = Line(case, name)
        line.record(0, text)
        line.record(cursor, lines[0] + end_line(cursor, 0))
        hub = line.hub(f"hub-{name}")
        return hub, *pull(hub)

    def refused(name, text, words, what):
        hub, status, rows, result = answer(name, text)
        error = rows.get("box", {}).get("error") or ""
        case.ok(status == 1 and all(word in error for word in words), what, result)
        case.equal(stored(hub), "", f"{what}: nothing is stored")
        line = Line(case, name + "-good")
        line.record(0, stream)
        hub.env["PATH"] = f"{line.top}:{hub.env['PATH']}"
        status, _, result = pull(hub)
        case.ok(status == 0 and stored(hub) == undisturbed, f"{what}: a good answer afterwards is taken", result)

    refused("empty", "", ["sent nothing"], "an empty answer")
    refused("newer", lines[0].replace('"format":1', '"format":2') + "".join(lines[1:]), ["format 2", "update"],
            "a newer format")
    refused("more", "".join(lines[:-1]) + end_line(cursor, 4), ["says 4", "3 came"], "a trailer that counts more than came")
    refused("fewer", "".join(lines[:-1]) + end_line(cursor, 2), ["says 2", "3 came"], "a trailer that counts less than came")
    refused("headless", "".join(lines[1:]), ["no header"], "a stream without header")
    refused("twice", "".join(lines[:2]) + "".join(lines), ["second header"], "a stream with a second header")
    refused("nobody", lines[0].replace(header["machine_id"], "not-a-uuid") + "".join(lines[1:]), ["UUID"],
            "a machine whose id is no UUID")
    refused("page", "<html>\n<p>Please log in</p>\n", ["no event stream"], "a page of a captive portal")

    hub, status, rows, result = answer("beyond", "".join(lines) + lines[1].replace("09:00:00", "09:00:01"))
    case.ok(status == 1 and "cut" in rows["box"]["error"], "an event behind the trailer is an error", result)
    case.equal(stored(hub), undisturbed, "what the trailer covers is stored, and nothing else")
    status, _, result = pull(hub)
    case.ok(status == 0 and stored(hub) == undisturbed, "the next sync goes on from the trailer", result)

    bad = '{"id":"broken","timestamp":"yesterday","source":"x","type":"y"}\n'
    hub, status, rows, result = answer("garbage", lines[0] + "Last login: Tue\n" + lines[1] + bad + "".join(lines[2:-1])
                                       + end_line(cursor, 4) + "logout\n")
    case.ok(status == 0 and rows["box"]["pulled"] == 3 and rows["box"]["quarantined"] == 3, "garbage lines cost no event", result)
    case.equal(stored(hub), undisturbed, "the events among them are stored")
    entries = hub.must("quarantine", "--json").json()["entries"]
    case.equal(sorted(entry["content"] for entry in entries), sorted(["Last login: Tue", bad.strip(), "logout"]),
               "they are shown in quarantine")
    case.ok("quarantine" in hub.must("status", "--json").out and all(entry["source"] == "sync:box" for entry in entries),
            "with where they came from", entries)


run([every_byte, large, bad_streams])

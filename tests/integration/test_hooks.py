#!/usr/bin/env python3
"""What hooks may cost: one line in the journal, and nothing else. And what no local command does: open a socket."""
import json
import os
import re
import subprocess

from lib import Skip, moment, run, session_id

FOCUS = ["ingest", "pane-focus", "--cwd", "/srv/acme", "--session", "main", "--window", "2"]


def traced(case, machine, words, what):
    """The system calls of `tt WORDS`, WHAT strace shall show."""
    log = case.top / "trace"
    try:
        probe = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Skip("no strace") from None
    if probe.returncode != 0:
        raise Skip(f"strace may not trace here: {probe.stderr.strip()[:200]}")
    # A leak check traces the process itself, which a traced process cannot do.
    env = {"TT_NOW": moment(1), "ASAN_OPTIONS": "detect_leaks=0"}
    child = machine.popen("strace", "-f", "-e", f"trace={what}", "-o", log, machine.bin / "tt", *words, env=env,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 0, err.decode()
    calls = log.read_text(errors="replace").splitlines()
    assert any("+++ exited with 0 +++" in line for line in calls), calls
    return [line for line in calls if not re.search(r"\+\+\+|SIG", line)]


def at_once(case):
    """Twenty hooks at once: twenty whole lines."""
    box = case.machine("box")
    children = [box.start(*FOCUS, "--pane", f"%{number}", env={"TT_NOW": moment(number)}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) for number in range(20)]
    said = [child.communicate(timeout=60)[0] for child in children]
    case.ok(all(child.returncode == 0 for child in children), "all end well")
    case.equal(b"".join(said), b"", "and say nothing")
    lines = box.journal.read_text().splitlines()
    panes = [json.loads(line)["pane_id"] for line in lines]
    case.equal(sorted(panes), sorted(f"%{number}" for number in range(20)), "twenty valid lines, none mixed with another")
    case.equal(len(box.ids()), 20, "all are taken in")


def same_moment(case):
    """Hooks of several panes in one millisecond, and tmux's double calls."""
    box = case.machine("box")
    for pane in ("%1", "%2", "%1", "%1", "%3"):
        box.must(*FOCUS, "--pane", pane, env={"TT_NOW": moment(5)})
    case.equal([json.loads(line)["pane_id"] for line in box.journal.read_text().splitlines()], ["%1", "%2", "%1", "%3"],
               "a repetition is left out, a return is not")
    case.equal(len(box.ids()), 3, "one event for a pane and an instant")


def hostile(case):
    """Bytes that a directory may have."""
    box = case.machine("box")
    names = ["/srv/we ird", "/srv/$(touch X)", "/srv/'q\"u`o", "/srv/new\nline", "/srv/back\\slash", "/srv/\U0001f600", "/srv/\x01\x7f"]
    for number, name in enumerate(names):
        box.focus(number, cwd=name)
    box.focus(99, cwd=os.fsdecode(b"/srv/\xff\xfe"))
    got = [json.loads(line)["cwd"] for line in box.events().splitlines()]
    case.equal(got, [*names, "/srv/\ufffd\ufffd"], "every name comes back as it was; bytes that are no UTF-8 are replaced")
    other = case.machine("other")
    other.must("import", stdin=box.must("export").out.encode())
    case.equal(other.events(), box.events(), "also through export and import")


def silent(case):
    """No identity, bad values: exit status 1 and a message, for hook.log."""
    bare = case.machine("bare", identity=False)
    result = bare.tt(*FOCUS, "--pane", "%1")
    case.equal((result.status, result.err), (1, "tt: No machine identity found. Run 'tt init' first.\n"), "without identity")
    case.ok(not bare.data.exists() or not list(bare.data.glob("events*")), "nothing is written then")
    box = case.machine("box")
    for pane, session in (("", "main"), ("%1", "")):
        result = box.tt("ingest", "pane-focus", "--pane", pane, "--cwd", "/", "--session", session)
        case.ok(result.status == 1 and not box.journal.exists(), f"pane '{pane}', session '{session}': refused", result)
    (box.home / ".config/tt").mkdir(parents=True)
    (box.home / ".config/tt/config.toml").write_text("no toml at all [")
    case.equal(box.tt(*FOCUS, "--pane", "%1").status, 0, "a damaged configuration does not stop a hook")


def torn(case):
    """A line that a crash tore is in quarantine and swallows nothing."""
    box = case.machine("box")
    box.focus(1)
    with open(box.journal, "a", encoding="utf-8") as file:
        file.write('{"id":"torn","timest')
    case.equal(len(box.ids()), 1, "a torn end waits")
    box.focus(2)
    case.equal(len(box.ids()), 2, "the next line is not swallowed")
    entries = box.must("quarantine", "--json").json()["entries"]
    case.equal([entry["content"] for entry in entries], ['{"id":"torn","timest'], "the torn one is in quarantine")


def light(case):
    """A hook opens no store, starts nothing, speaks to nobody."""
    box = case.machine("box")
    box.must("collect")
    calls = traced(case, box, [*FOCUS, "--pane", "%1"], "%file,%network,%process")
    opened = [line for line in calls if "tt.db" in line]
    case.equal(opened, [], "no file of the store is touched")
    started = [line for line in calls if re.search(r"\b(fork|vfork|clone3?|execve)\(", line) and "execve" not in line]
    case.equal(started, [], "no process is started")
    case.equal(len([line for line in calls if "execve(" in line]), 1, "nothing is executed but the hook itself")
    case.equal([line for line in calls if re.search(r"\b(socket|connect|sendto|bind)\(", line)], [], "no socket is opened")
    case.ok(any("events.jsonl" in line for line in calls), "the journal is", calls)


def no_network(case):
    """No local command opens a socket."""
    box = case.machine("box")
    box.transcript(session_id(1), 0, 50)
    box.focus(1)
    for words in (["collect"], ["status"], ["report", "--day"], ["today"], ["export"], ["events"], ["machines"], ["verify"]):
        case.equal(traced(case, box, words, "network"), [], f"{' '.join(words)} opens no socket")


run([at_once, same_moment, hostile, silent, torn, light, no_network])

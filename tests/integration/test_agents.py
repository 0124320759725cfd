#!/usr/bin/env python3
"""Every agent's log at once: in any order, killed at any moment, appended to, seen by strace; the agents' own files stay as they are."""
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

from lib import ROOT, Skip, Terminal, kill_group, run, seeded, without_revisions

DATA = ROOT / "tests/data"
AGENTS = ("claude", "copilot-vscode", "copilot-cli", "cursor", "codex", "opencode", "gemini", "aider", "cline")
# Where these say nothing yet, what they belong to cannot be placed; programs write them first.
FIRST = ("workspace.json", "projects.json", ".project_root", "workspace.yaml", "history_item.json", "taskHistory.json",
         ".aider.input.history")
ORDERS = 12
KILLS = 40


def home_of(agent):
    return DATA / agent / "home"


def config(machine):
    """Aider has no place of its own: it is told."""
    folder = machine.home / ".config/tt"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(f'[collect.aider]\nroots = ["{machine.home}/work", "{machine.home}/personal"]\n')


def fill(machine, agents=AGENTS):
    """The samples of AGENTS in MACHINE's home."""
    for agent in agents:
        shutil.copytree(home_of(agent), machine.home, dirs_exist_ok=True)
    config(machine)


def sample_files():
    """(source, path below a home) of every file."""
    for agent in AGENTS:
        for path in sorted(home_of(agent).rglob("*")):
            if path.is_file():
                yield path, path.relative_to(home_of(agent))


def twins(case, *names):
    """Machines with one identity, so that their stores can be compared."""
    machines = [case.machine(name) for name in names]
    for other in machines[1:]:
        (other.data / "machine.json").write_bytes((machines[0].data / "machine.json").read_bytes())
        other.id = machines[0].id
    return machines


def content(machine):
    """What the store says, whatever way it came there; homes have different names."""
    return sorted(re.sub("aider-[0-9a-f]{16}", "aider", line.replace(str(machine.home), "HOME"))
                  for line in without_revisions(machine.events()))


def difference(got, want):
    missing, extra = sorted(set(want) - set(got)), sorted(set(got) - set(want))
    return "\n".join([*(f"- {line[:600]}" for line in missing[:3]), *(f"+ {line[:600]}" for line in extra[:3])])


def same(case, machine, want, what):
    got = content(machine)
    case.ok(got == want, what, "" if got == want else difference(got, want))


def hashes(home):
    """Content, size and time of everything in HOME but our own directories."""
    found = {}
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home).as_posix()
        if path.is_file() and not name.startswith((".local/share/tt", ".local/state/tt", ".config/tt")):
            status = path.stat()
            found[name] = (hashlib.sha256(path.read_bytes()).hexdigest(), status.st_size, status.st_mtime_ns)
    return found


def at_once(case):
    """All sources at once and one by one give the same; a second run finds nothing; foreign files are untouched."""
    together, single = twins(case, "together", "single")
    fill(together)
    fill(single)
    before = hashes(together.home)
    first = together.must("collect", "--json").json()
    case.ok(first["new"] > 100, f"events: {first['new']}")
    again = together.must("collect", "--json").json()
    case.equal((again["new"], again["updated"], again["duplicate"], again["quarantined"]), (0, 0, 0, 0), "a second run finds nothing")
    for row in again["sources"]:
        case.equal(row["skipped_unchanged"], row["files"], f"{row['source']}: every file is skipped")
    case.equal(hashes(together.home), before, "no foreign file was changed, added or removed")
    names = [row["source"] for row in first["sources"]]
    for name in reversed(names):
        single.must("collect", "--source", name)
    same(case, single, content(together), "one by one it is the same")
    case.ok(together.verified()[0], "the store is sound", together.verified()[1])


def orders(case):
    """Files that come in any order, in several rounds, end in the same store."""
    rng = seeded("orders")
    calm, = twins(case, "calm")
    fill(calm)
    calm.must("collect")
    want = content(calm)
    for number in range(ORDERS):
        box = case.machine(f"box{number}")
        (box.data / "machine.json").write_bytes((calm.data / "machine.json").read_bytes())
        config(box)
        files = [(rng.random(), source, name) for source, name in sample_files()]
        batches = rng.randrange(2, 6)
        for batch in range(batches):
            for chance, source, name in files:
                early = name.name in FIRST or "workspaceStorage" in name.parts and name.name.startswith("state.vscdb")
                whole = re.sub(r"-wal$", "", str(name)) # a database comes with its log
                place = 0 if early else int(rng_of(number, whole) * batches)
                if place == batch:
                    target = box.home / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(source, target)
            box.must("collect")
        same(case, box, want, f"order {number}, in {batches} rounds")


def rng_of(number, name):
    """A chance that is the same for a database and its log."""
    return int(hashlib.sha256(f"{number} {name}".encode()).hexdigest()[:8], 16) / 2**32


def appended(case):
    """The bytes that were missing add exactly their events; the result is that of reading it all at once."""
    torn, whole = twins(case, "torn", "whole")
    index = json.loads((DATA / "_append/index.json").read_text())
    fill(torn)
    fill(whole)
    torn.must("collect")
    for machine in (torn, whole):
        for entry in index:
            path = machine.home / Path(*Path(entry["append_to"]).parts[2:])
            times = path.stat().st_mtime_ns
            with open(path, "ab") as file:
                file.write((DATA / "_append" / Path(entry["bytes"]).name).read_bytes())
            os.utime(path, ns=(times + 10**9, times + 10**9))
    grown = torn.must("collect", "--json").json()
    case.ok(grown["new"] > 0, "there is something new", grown)
    whole.must("collect")
    # A time taken from a file's own is the one it had when the line was first seen.
    same_but_times(case, torn, whole)


def same_but_times(case, one, other):
    def untimed(machine):
        lines = []
        for line in content(machine):
            event = json.loads(line)
            if event.get("estimated_time") or event.get("agent") == "cursor" and event["type"] == "agent_session":
                for key in ("id", "timestamp", "started_at", "ended_at"):
                    event.pop(key, None)
            lines.append(json.dumps(event))
        return sorted(lines)

    got, want = untimed(one), untimed(other)
    case.ok(got == want, "the same as read at once", difference(got, want))


def unterminated(case):
    """A last line that is whole but for its end of line counts, once: whoever wrote it may be dead."""
    whole, cut = twins(case, "whole", "cut")
    fill(whole)
    fill(cut)
    ends = {}
    for path in cut.home.rglob("*.jsonl"):
        content_of = path.read_bytes()
        if not content_of.endswith(b"\n"):
            continue # torn: it has no whole line at its end
        times = path.stat().st_mtime_ns
        ends[path] = times
        path.write_bytes(content_of[:-1])
        os.utime(path, ns=(times, times))
    case.ok(len(ends) > 5, f"{len(ends)} logs without their last byte")
    whole.must("collect")
    cut.must("collect")
    same(case, cut, content(whole), "the last lines count")
    for path, times in ends.items():
        with open(path, "ab") as file:
            file.write(b"\n")
        os.utime(path, ns=(times, times))
    cut.must("collect")
    same(case, cut, content(whole), "and are not counted again when they end")


def killed(case):
    """kill -9 at any moment of a collection, as often as it takes: the result is that of an undisturbed one."""
    rng = seeded("killed")
    calm, = twins(case, "calm")
    fill(calm)
    began = time.monotonic()
    calm.must("collect")
    calm_s = longest_s = time.monotonic() - began
    want = content(calm)
    hits = number = 0
    while hits < KILLS and number < 3 * KILLS:
        box = case.machine(f"box{number}")
        (box.data / "machine.json").write_bytes((calm.data / "machine.json").read_bytes())
        fill(box)
        at_work = 0
        while at_work < KILLS // 4:
            child = box.start("collect", start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                child.wait(timeout=rng.uniform(0, longest_s))
                longest_s *= 0.8  # it came to its end: what was left takes less than that
                break
            except subprocess.TimeoutExpired:
                longest_s = min(longest_s * 1.1, calm_s)
                at_work += 1
            finally:
                kill_group(child)
        box.must("collect")
        same(case, box, want, f"after {at_work} kills")
        case.ok(box.verified()[0], "the store is sound", box.verified()[1])
        hits += at_work
        number += 1
    case.ok(hits >= KILLS, f"{hits} were killed at work")


SECRETS = (".claude.json", ".claude/.credentials.json", ".codex/auth.json", ".codex/config.toml", ".gemini/oauth_creds.json",
           ".gemini/settings.json", ".local/share/opencode/auth.json", ".copilot/config.json", ".config/github-copilot/hosts.json",
           ".config/github-copilot/apps.json", ".claude/shell-snapshots/snapshot.sh", ".claude/debug/log.txt", ".ssh/id_ed25519",
           ".aider.conf.yml", ".env", ".cline/data/secrets.json", ".cursor/mcp.json")


def opened(machine, *words):
    """The paths that `tt WORDS` opens, by strace; children and threads included."""
    trace = machine.case.top / "trace"
    child = machine.popen("strace", "-f", "-qq", "-e", "trace=open,openat,openat2,execve,socket", "-o", trace, machine.bin / "tt", *words,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"ASAN_OPTIONS": "detect_leaks=0"})
    out, err = child.communicate(timeout=300)
    assert child.returncode == 0, f"{words}: {err.decode(errors='replace')[:2000]}"
    text = trace.read_text(errors="replace")
    paths = [match.group(2) for match in re.finditer(r'\b(open|openat|openat2)\([^"\n]*"([^"]*)"[^\n]*\) = \d', text)]
    return paths, text, out


def watched(case):
    """No credential file is ever opened, no socket, no other program; unchanged files are not opened at all."""
    if not shutil.which("strace"):
        raise Skip("no strace")
    box = case.machine("box")
    fill(box)
    for name in SECRETS:
        path = box.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret-that-nobody-may-read")
    paths, text, _ = opened(box, "collect", "--json")
    read = [path for path in paths if path.startswith(str(box.home))]
    case.ok(len(read) > 20, f"strace saw {len(read)} of the home's files opened")
    forbidden = [path for path in read if any(path == str(box.home / name) for name in SECRETS)]
    case.equal(forbidden, [], "no credential file was opened")
    case.ok("socket(" not in text, "no socket was opened", [line for line in text.splitlines() if "socket(" in line][:5])
    case.equal(text.count("execve("), 1, "no other program was started")
    paths, _, out = opened(box, "collect", "--json")
    foreign = [path for path in paths if path.startswith(str(box.home)) and os.path.isfile(path)
               and "/.local/share/tt/" not in path and "/.config/tt/" not in path and "/.local/state/tt/" not in path]
    case.equal(foreign, [], "a second run opens none of the agents' files")
    case.equal(json.loads(out)["new"], 0, "and finds nothing")
    store = (box.store.read_bytes() + box.store.with_name("tt.db-wal").read_bytes()
             if box.store.with_name("tt.db-wal").exists() else box.store.read_bytes())
    for secret in (b"secret-that-nobody-may-read", b"cursorAuth", b"AKIA", b"ghp_", b"BEGIN RSA", b"BEGIN OPENSSH", b"accessToken"):
        case.ok(secret not in store, f"{secret.decode()} is not in the store")


def progress(case):
    """Who waits at a terminal sees how far it is; what is said meanwhile stands on lines of its own; elsewhere there is no bar."""
    box = case.machine("box")
    fill(box)
    broken = box.home / ".codex/sessions/2026/03/07/rollout-2026-03-07T16-00-00-019cc000-0000-7000-8000-00000000000f.jsonl.zst"
    broken.write_bytes(b"this is not compressed")

    def collect_behind(*words):
        """What a terminal shows of `tt collect WORDS` that has to wait for another writer, and its exit status."""
        box.forget_store()
        box.must("status")
        writer = sqlite3.connect(box.store, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        terminal = Terminal(box, box.bin / "tt", "collect", *words)
        end = time.monotonic() + 3
        while time.monotonic() < end and (words or b"collecting [" not in terminal.text):
            terminal.read(0.1)
        writer.execute("ROLLBACK")
        writer.close()
        status = terminal.finish()
        return terminal.text.decode(), status

    text, status = collect_behind()
    case.ok("collecting [" in text and "% of" in text, "a bar", repr(text))
    case.ok(re.search(r"\r\x1b\[Ktt: warning: [^\r]*zst", text), "a warning clears it first", repr(text))
    case.ok(re.search(r"\r\x1b\[Kclaude: \d+ new", text) and not text.endswith("\x1b[K"), "it is gone before the sums", repr(text))
    case.equal(status, 1, "what failed is told by the exit status")
    text, _ = collect_behind("-q")
    case.ok("collecting" not in text and "warning" in text, "-q: warnings only", repr(text))
    plain = box.tt("collect")
    case.ok("\x1b" not in plain.err + plain.out and "collecting" not in plain.err, "no terminal, no bar", plain)


def vanished(case):
    """Files that are gone, replaced, shortened: history stays, and nothing is counted twice."""
    box, = twins(case, "box")
    fill(box)
    box.must("collect")
    want = content(box)
    for path, name in sample_files():
        if path.suffix in (".jsonl", ".zst", ".json", ".txt", ".md", ".vscdb", ".db"):
            (box.home / name).unlink()
            for companion in ("-wal", "-shm"):
                Path(f"{box.home / name}{companion}").unlink(missing_ok=True)
    gone = box.tt("collect", "--json")
    case.equal((gone.status, gone.json()["new"]), (0, 0), "vanished files are no error")
    same(case, box, want, "history stays")
    fill(box)
    back = box.must("collect", "--json").json()
    case.equal(back["new"], 0, "coming back they bring nothing new")
    same(case, box, want, "and change nothing")


def excluded(case):
    """Nothing of an excluded workspace is in the store; allowed again, all of it comes."""
    box, calm = twins(case, "box", "calm")
    fill(calm)
    calm.must("collect")
    fill(box)
    path = box.home / ".config/tt/config.toml"
    allowed = path.read_text()
    path.write_text(allowed + '[collect]\nexclude = ["/home/ana/personal/**", "~/personal/**"]\n')
    box.must("collect")
    lines = content(box)
    case.equal([line for line in lines if "personal" in line], [], "no event tells of it")
    raw = box.store.read_bytes() + (box.store.with_name("tt.db-wal").read_bytes() if box.store.with_name("tt.db-wal").exists() else b"")
    case.ok(b"/home/ana/personal/blog" not in raw, "nor does any byte of the store")
    path.write_text(allowed)
    box.must("collect")
    same(case, box, content(calm), "allowed again it is all there")


run([at_once, orders, appended, unterminated, killed, watched, progress, vanished, excluded])

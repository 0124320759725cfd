#!/usr/bin/env python3
"""kill -9 at random moments of drain, collect, import and sync; then the work is finished. The store must be what it would have been."""
import itertools
import json
import subprocess
import threading
import time

from lib import SshNetwork, focus_line, kill_group, run, seeded, session_id, without_revisions

KILLS = 15


def kill_in(machine, words, delay, **options):
    """Start `tt WORDS`, kill it and what it started after DELAY seconds. True if it was still running."""
    child = machine.start(*words, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        child.wait(timeout=delay)
        return False
    except subprocess.TimeoutExpired:
        return True
    finally:
        kill_group(child)


def sound(case, machine):
    good, text = machine.verified()
    case.ok(good, f"{machine.name}'s store is sound", text)


def told(case, what, hits):
    case.ok(True, f"{what}: {KILLS} starts, {hits} of them killed at work")


def drain(case):
    """The journal is drained and the drain killed, while hooks append."""
    rng = seeded("drain")
    box, calm = case.machine("box"), case.machine("calm")
    (calm.data / "machine.json").write_bytes((box.data / "machine.json").read_bytes())
    calm.id = box.id
    stop = threading.Event()
    written = []

    def hooks():
        for number in itertools.count(100000):
            if stop.is_set():
                return
            box.focus(number, f"%{number % 50}")
            written.append(number)

    hook = threading.Thread(target=hooks)
    hook.start()
    hits, bulk = 0, []
    try:
        for kill in range(KILLS):
            numbers = range(kill * 2000, kill * 2000 + 2000)
            bulk.extend(numbers)
            # As many lines as hooks would write in a day, under the lock they take.
            text = "".join(focus_line(box.id, number) for number in numbers)
            subprocess.run(["flock", str(box.data / ".lock"), "sh", "-c", f'cat >>"{box.journal}"'], input=text.encode(), check=True)
            hits += kill_in(box, ["collect"], rng.uniform(0.001, 0.06))
    finally:
        stop.set()
        hook.join()
    told(case, "drain", hits)
    box.must("collect")
    for number in written:
        calm.focus(number, f"%{number % 50}")
    calm.must("import", stdin="".join(focus_line(box.id, number) for number in bulk).encode())
    case.equal(len(box.ids()), len(written) + len(bulk), "every line that a hook has written is stored, once")
    case.ok(box.events() == calm.events(), "the store is what it would have been")
    case.ok(not box.journal.exists(), "the journal is empty")
    sound(case, box)


def collect(case):
    """Collecting of agents' transcripts, which grow meanwhile."""
    rng = seeded("collect")
    box, calm = case.machine("box"), case.machine("calm")
    (calm.data / "machine.json").write_bytes((box.data / "machine.json").read_bytes())
    lines = {}

    def grow(machine, session, first, count):
        machine.transcript(session_id(session), first, count, project=f"p{session % 3}")

    hits = 0
    for kill in range(KILLS):
        for session in range(kill % 4, 12, 2):
            first = lines.get(session, 0)
            count = rng.randrange(50, 500)
            lines[session] = first + count
            grow(box, session, first, count)
        hits += kill_in(box, ["collect"], rng.uniform(0.002, 0.08))
    told(case, "collect", hits)
    box.must("collect")
    for session, count in sorted(lines.items()):
        grow(calm, session, 0, count)
    calm.must("collect")
    case.ok(len(calm.ids()) > 1000, "there is something to compare", len(calm.ids()))
    got, want = without_revisions(box.events()), without_revisions(calm.events())
    case.ok(got == want, "the store is what it would have been",
            "\n".join([*sorted(set(got) - set(want))[:5], "instead of", *sorted(set(want) - set(got))[:5]]))
    sound(case, box)


def importing(case):
    """Import of a large file, again and again."""
    rng = seeded("import")
    box, calm = case.machine("box"), case.machine("calm")
    file = case.top / "stream.jsonl"
    file.write_text("".join(focus_line(box.id, number) for number in range(30000)))
    began = time.monotonic()
    calm.must("import", file)
    took = time.monotonic() - began
    hits = sum(kill_in(box, ["import", file], rng.uniform(0, took)) for _ in range(KILLS))
    told(case, "import", hits)
    case.ok(len(box.ids()) % 5000 == 0, "batches are stored whole or not at all", len(box.ids()))
    box.must("import", file)
    case.ok(box.events() == calm.events(), "the store is what it would have been")
    case.equal(box.must("import", "--json", file).json()["duplicate"], 30000, "and all of it is known now")
    sound(case, box)


def sync(case):
    """Sync over ssh, killed on the hub; the remote's hooks go on."""
    rng = seeded("sync")
    network = SshNetwork(case)
    hub, box = case.machine("hub"), case.machine("box")
    network.attach(box)
    network.join(hub)
    box.bulk(0, 12000)
    began = time.monotonic()
    kill_in(hub, ["sync", "box"], 60)
    took = time.monotonic() - began
    hub.forget_store()
    hits = 0
    for kill in range(KILLS):
        box.focus(50000 + kill)
        hits += kill_in(hub, ["sync", "box"], rng.uniform(took / 3, took * 1.1))
        if rng.random() < 0.4:
            hub.forget_store()
    told(case, "sync", hits)
    status, _, result = hub.sync("box")
    case.equal(status, 0, "a sync that is left alone ends well")
    case.ok(hub.events() == box.events(), "the hub has what the machine has", result)
    sound(case, hub)
    sound(case, box)


def init(case):
    """The identity is made once, whatever is killed while it is made."""
    rng = seeded("init")
    faults = []
    for number in range(KILLS):
        box = case.machine(f"box{number}", identity=False)
        kill_in(box, ["init"], rng.uniform(0, 0.006))
        found = box.data / "machine.json"
        before = json.loads(found.read_text())["machine_id"] if found.exists() else None
        after = box.must("init", "--json").json()["machine_id"]
        if before not in (None, after) or json.loads(found.read_text())["machine_id"] != after:
            faults.append(f"{number}: {before} {after}")
    case.equal(faults, [], "what was whole once stays, and what was not is made again")


run([drain, collect, importing, sync, init])

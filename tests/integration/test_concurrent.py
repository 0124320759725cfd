#!/usr/bin/env python3
"""Hooks, collect, import, report and queries at the same time on one store."""
import threading
import time

from lib import focus_line, run, session_id, without_revisions

SECONDS, ROUNDS, MOST_SECONDS = 5, 3, 240


def together(case):
    """For a few seconds everybody works; nobody is told of locks, and every event is there once."""
    box, calm = case.machine("box"), case.machine("calm")
    (calm.data / "machine.json").write_bytes((box.data / "machine.json").read_bytes())
    box.must("collect")
    begin = time.monotonic()
    troubles, counts = [], {}

    def goes_on():
        passed = time.monotonic() - begin
        return passed < SECONDS or (passed < MOST_SECONDS and min(counts.values()) < ROUNDS)

    def loop(name, step):
        number = 0
        while goes_on():
            result = step(number)
            number += 1
            counts[name] = number
            if result is not None and (result.status != 0 or "locked" in result.err or "busy" in result.err):
                troubles.append(f"{name}: {result}")

    def grow(number):
        box.transcript(session_id(number % 3), 10 * (number // 3), 10)
        time.sleep(0.02)

    def bulk(number):
        lines = [focus_line(box.id, 500000 + number * 300 + at) for at in range(300)]
        return box.tt("import", stdin="".join(lines).encode())

    def hook(number):
        return box.tt("ingest", "pane-focus", "--pane", f"%{number % 9}", "--cwd", "/srv/acme", "--session", "main",
                      env={"TT_NOW": f"2026-02-{4 + number // 36000:02d}T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"})

    steps = {
        "hook": hook, "transcript": grow, "import": bulk,
        "collect": lambda _: box.tt("collect"), "collect again": lambda _: box.tt("collect", "--json"),
        "report": lambda _: box.tt("report", "--start", "2026-02-03", "--end", "2026-02-05", "--json"),
        "status": lambda _: box.tt("status", "--json"), "export": lambda _: box.tt("export"),
    }
    counts.update(dict.fromkeys(steps, 0))
    threads = [threading.Thread(target=loop, args=item) for item in steps.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"# rounds: {counts}")
    case.equal(troubles[:3], [], "nobody fails, nobody speaks of locks")
    case.ok(min(counts.values()) >= ROUNDS, "everybody came to work several times", counts)
    box.must("collect")

    for number in range(counts["transcript"]):
        calm.transcript(session_id(number % 3), 10 * (number // 3), 10)
    for number in range(counts["import"]):
        calm.must("import", stdin="".join(focus_line(box.id, 500000 + number * 300 + at) for at in range(300)).encode())
    calm.must("collect")
    got = [line for line in without_revisions(box.events()) if '"/srv/acme"' not in line]
    case.ok(got == without_revisions(calm.events()), "import and collect: the store is what it would have been")
    hooks = [line for line in box.events().splitlines() if '"cwd":"/srv/acme"' in line]
    case.equal(len(hooks), counts["hook"], "every hook's event is there, once")
    case.equal(len(set(box.ids())), len(box.ids()), "no event is there twice")
    good, text = box.verified()
    case.ok(good, "the store is sound", text)


def first_at_once(case):
    """Ten processes meet where there is no store yet."""
    box = case.machine("box")
    results = []
    threads = [threading.Thread(target=lambda at=at: results.append(box.tt("import", stdin=focus_line(box.id, at).encode())))
               for at in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    case.ok(all(result.status == 0 for result in results), "each makes or finds it", [str(result) for result in results if result.status])
    case.equal(len(box.ids()), 10, "all events are there")


def identities_at_once(case):
    """Ten `tt init` at once make one identity."""
    box = case.machine("box", identity=False)
    results = []
    threads = [threading.Thread(target=lambda: results.append(box.tt("init", "--json"))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    case.equal([result.status for result in results], [0] * 10, "all end well")
    case.equal(len({result.json()["machine_id"] for result in results}), 1, "all name the same machine")
    case.equal(sum(result.json()["created"] for result in results), 1, "one of them made it")


run([together, first_at_once, identities_at_once])

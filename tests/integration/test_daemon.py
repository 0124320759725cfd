#!/usr/bin/env python3
"""The daemon as processes see it: started, stopped, paused, killed, told of new settings, idle, and under load."""
import fcntl
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import threading
import time

from lib import Skip, run, seeded, session_id, without_revisions

SOAK_SECONDS = 10


def until(what, limit=20):
    """Wait until WHAT() is true; what it said last."""
    end = time.monotonic() + limit
    while True:
        said = what()
        if said or time.monotonic() >= end:
            return said
        time.sleep(0.05)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"


def begin(case, box):
    """Start the daemon; it is gone when the case is over."""
    pid = box.must("start", "--json").json()["pid"]
    case.cleanups.append(lambda: box.tt("stop"))
    return pid


def status(box):
    return box.must("status", "--json").json()


def count(box):
    return len(box.ids())


def log(box):
    return (box.home / ".local/state/tt/daemon.log").read_text()


def twin(case, box):
    """A machine with the same identity, which collects by itself what the other's daemon has."""
    calm = case.machine("calm", identity=False)
    calm.data.mkdir(parents=True)
    shutil.copy(box.data / "machine.json", calm.data / "machine.json")
    calm.id = box.id
    return calm


def once(case):
    """Start, start again, many at once; stop, stop again."""
    box = case.machine("box")
    first = box.must("start")
    case.cleanups.append(lambda: box.tt("stop"))
    pid = json.loads((box.data / ".daemon.lock").read_text())["pid"]
    case.ok(str(pid) in first.err and alive(pid), "it says which process it is", first)
    case.ok(first.out == "", "and nothing on standard output", first)
    again = box.must("start", "--json")
    case.equal(again.json(), {"pid": pid, "listen": None, "running": True, "paused": False}, "a second start tells of the first")
    case.ok("runs already" in again.err, "and says so", again)
    case.ok("runs already" in box.must("daemon").err, "tt daemon is the same")
    foreground = box.tt("start", "--foreground", limit=20)
    case.ok(foreground.status == 1 and str(pid) in foreground.err, "a second one in the foreground is refused", foreground)
    case.equal(os.getsid(pid) == os.getsid(0), False, "it is in a session of its own")
    case.equal(os.readlink(f"/proc/{pid}/cwd"), "/", "and keeps no directory busy")
    told = status(box)["daemon"]
    case.ok(told["running"] and told["pid"] == pid and told["since"] and told["version"], "status knows it", told)
    stopped = box.must("stop", "--json")
    case.equal(stopped.json(), {"pid": None, "listen": None, "running": False, "paused": False}, "stop")
    case.ok(until(lambda: not alive(pid), 2), "it is gone when stop says so")
    case.ok("No daemon runs" in box.must("stop").err, "a second stop is no error")
    case.equal(status(box)["daemon"]["running"], False, "status knows that too")

    results = []
    threads = [threading.Thread(target=lambda: results.append(box.tt("start", "--json"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    case.equal([result.status for result in results], [0] * 8, "eight starts at once all end well")
    case.equal(len({result.json()["pid"] for result in results}), 1, "and tell of the same daemon")


def failures(case):
    """What would make it fail is said by start."""
    box = case.machine("box", identity=False)
    result = box.tt("start")
    case.ok(result.status == 1 and "No machine identity found. Run 'tt init' first." in result.err, "without an identity", result)
    box.init()
    config = box.home / ".config/tt/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("nonsense = 1\n")
    result = box.tt("start")
    case.ok(result.status == 2 and "nonsense" in result.err, "with a wrong configuration", result)
    config.write_text('[collect]\nexclude = ["[a"]\n')
    result = box.tt("start", "--json")
    case.ok(result.status != 0 and result.json()["error"]["message"] != "", "with one that only the daemon finds wrong", result)
    config.unlink()
    box.data.joinpath("tt.db").write_bytes(b"no store")
    result = box.tt("start")
    case.ok(result.status == 1 and "tt.db" in result.err, "with something that is no store", result)
    box.forget_store()
    state = box.home / ".local/state/tt"
    shutil.rmtree(state)
    (state / "daemon.log").mkdir(parents=True)
    result = box.tt("start")
    case.ok(result.status == 1 and "daemon.log" in result.err, "without a log", result)
    case.equal(status(box)["daemon"]["running"], False, "and then none runs")
    shutil.rmtree(state)
    case.ok(begin(case, box) > 0, "afterwards it starts")
    # Another directory than the command's is the daemon's: what is named from here must mean the same.
    box.must("stop")
    (box.home / "here.toml").write_text("")
    pid = json.loads(box.must("--config", "here.toml", "--store", "sqlite:./here.db", "start", "--json").out)["pid"]
    box.transcript(session_id(1), 0, 4)
    case.ok(until(lambda: len(box.must("--store", "here.db", "events").out.splitlines()) > 0), "relative names keep their meaning")
    os.kill(pid, signal.SIGHUP)
    until(lambda: "configuration read again" in log(box))
    case.ok("configuration read again" in log(box), "also when it reads them again", log(box))
    case.equal(box.must("--store", "here.db", "stop", "--json").json()["running"], False, "each store has a daemon of its own")


def collects(case):
    """What is appended is in the store within seconds; what appears later is found."""
    box = case.machine("box")
    box.transcript(session_id(1), 0, 10)
    begin(case, box)
    case.ok(until(lambda: count(box) > 0), "what was there before")
    before = count(box)
    began = time.monotonic()
    box.transcript(session_id(1), 10, 2)
    case.ok(until(lambda: count(box) > before, 10), "an append")
    print(f"# an appended line is in the store after {time.monotonic() - began:.2f} s")
    before = count(box)
    began = time.monotonic()
    box.transcript(session_id(2), 0, 2, project="another")
    case.ok(until(lambda: count(box) > before, 10), "a new directory with a new file")
    case.ok(time.monotonic() - began < 10, "without waiting for the next round")
    box.focus(1)
    case.ok(until(lambda: not box.journal.exists(), 10), "the hooks' journal is drained, though no command reads")
    # An agent that was not there when the daemon started, nor the directories above it.
    before = count(box)
    root = box.home / ".config/claude/projects/-srv-acme-new"
    root.parent.parent.mkdir(parents=True)
    time.sleep(0.3)
    root.parent.mkdir()
    source = box.home / ".claude/projects/-srv-acme-webapp" / f"{session_id(1)}.jsonl"
    root.mkdir()
    (root / f"{session_id(3)}.jsonl").write_text(source.read_text().replace(session_id(1), session_id(3)).replace(
        session_id(1)[:8], session_id(3)[:8]))
    case.ok(until(lambda: count(box) > before, 10), "a new root of an agent")
    # Not a line of a hundred in a second is lost, and they are not a hundred rounds.
    for number in range(100):
        box.transcript(session_id(4), number, 1)
        time.sleep(0.01)
    calm = twin(case, box)
    shutil.copytree(box.home / ".claude", calm.home / ".claude")
    shutil.copytree(box.home / ".config/claude", calm.home / ".config/claude")
    calm.focus(1)
    calm.must("collect")
    want = without_revisions(calm.events())
    case.ok(until(lambda: without_revisions(box.events()) == want), "a hundred appends in a second: every line once",
            f"{count(box)} events instead of {len(want)}")
    sources = {row["source"]: row for row in status(box)["daemon"]["sources"]}
    case.ok(sources["claude"]["error"] is None and sources["claude"]["files"] == 4, "status tells of the last round", sources)
    case.equal([row["waiting"] for row in status(box)["sources"] if row["source"] == "claude"], [0], "and that nothing waits")


def reload(case):
    """SIGHUP: new settings are taken, wrong ones refused."""
    box = case.machine("box")
    config = box.home / ".config/tt/config.toml"
    config.parent.mkdir(parents=True)
    pid = begin(case, box)
    elsewhere = box.home / "elsewhere/projects/-srv-acme-webapp"
    box.transcript(session_id(1), 0, 4)
    until(lambda: count(box) > 0)
    before = count(box)
    elsewhere.parent.parent.mkdir()
    shutil.move(box.home / ".claude/projects", elsewhere.parent)
    text = next(elsewhere.glob("*.jsonl")).read_text().replace(session_id(1), session_id(2)).replace(session_id(1)[:8], session_id(2)[:8])
    config.write_text(f'[collect.claude]\nroots = ["{elsewhere.parent.parent}"]\n')
    os.kill(pid, signal.SIGHUP)
    until(lambda: "configuration read again" in log(box))
    (elsewhere / f"{session_id(2)}.jsonl").write_text(text)
    case.ok(until(lambda: count(box) > before), "a new root is collected from", log(box))
    config.write_text("[collect.claude]\nenable = false\n")
    os.kill(pid, signal.SIGHUP)
    case.ok(until(lambda: "the new configuration is refused" in log(box)), "a wrong one is refused", log(box))
    config.rename(config.with_name("wrong.toml"))  # `tt status` would refuse it too
    case.ok("enable" in (status(box)["daemon"]["configuration_error"] or ""), "which status tells", status(box)["daemon"])
    before = count(box)
    (elsewhere / f"{session_id(3)}.jsonl").write_text(text.replace(session_id(2), session_id(3)).replace(
        session_id(2)[:8], session_id(3)[:8]))
    case.ok(until(lambda: count(box) > before), "and the old one stays")
    case.ok(alive(pid), "by the same daemon")
    config.write_text("[collect.claude]\nenabled = false\n")
    os.kill(pid, signal.SIGHUP)
    case.ok(until(lambda: [row["source"] for row in status(box)["daemon"]["sources"]].count("claude") == 0), "a source is switched off")
    case.equal(status(box)["daemon"]["configuration_error"], None, "and no error is told any more")


def exclusion(case):
    """SIGHUP: a workspace that is excluded from now on leaves no trace, allowed again it is collected with what was missed."""
    box = case.machine("box")
    config = box.home / ".config/tt/config.toml"
    config.parent.mkdir(parents=True)
    box.transcript(session_id(1), 0, 4, project="private")
    pid = begin(case, box)
    case.ok(until(lambda: count(box) > 0), "collected before it was excluded")

    def known():
        """The sessions of the events."""
        return [json.loads(line)["session_id"] for line in box.events().splitlines()]

    before = len(known())

    def tell(text, times):
        config.write_text(text)
        os.kill(pid, signal.SIGHUP)
        case.ok(until(lambda: log(box).count("configuration read again") == times), "the configuration is read again", log(box))

    tell('[collect]\nexclude = ["/srv/acme/private/**"]\n', 1)
    box.transcript(session_id(1), 4, 4, project="private")
    box.transcript(session_id(2), 0, 4, project="private")
    box.transcript(session_id(3), 0, 4)
    case.ok(until(lambda: session_id(3) in known()), "the others are collected")
    time.sleep(1.5)
    case.equal(known().count(session_id(1)), before, "what was there before stays, and nothing is added to it")
    case.equal(known().count(session_id(2)), 0, "nothing of it is collected any more")
    tell("", 2)
    calm = twin(case, box)
    for session, lines, project in ((1, 8, "private"), (2, 4, "private"), (3, 4, "webapp")):
        calm.transcript(session_id(session), 0, lines, project=project)
    calm.must("collect")
    want = without_revisions(calm.events())
    case.ok(until(lambda: without_revisions(box.events()) == want), "allowed again, all of it is there", f"{count(box)} events instead of {len(want)}")


def retention(case):
    """What is older than the configuration keeps is deleted, which is said; it does not come back, and the space is given back."""
    box = case.machine("box")
    box.env["TT_NOW"] = "2026-06-01T12:00:00Z"
    config = box.home / ".config/tt/config.toml"
    config.parent.mkdir(parents=True)
    box.transcript(session_id(1), 0, 10)
    box.bulk(0, 10000)
    box.must("ingest", "pane-focus", "--pane", "%9", "--cwd", "/srv/acme/webapp", "--session", "main")
    box.must("collect")
    old = {event for event in box.ids() if "2026-02-" in event}
    case.ok(len(old) > 10000, "old events")
    box.must("query", "--sql", "SELECT 1")
    before = box.store.stat().st_size
    config.write_text("[storage]\nretention_days = 30\n")
    pid = begin(case, box)
    case.ok(until(lambda: "retention: " in log(box)), "the daemon deletes", log(box))
    told = lambda: sum(map(int, re.findall(r"retention: (\d+) events? older than 30 days deleted", log(box))))  # in one go, or in several
    case.ok(until(lambda: told() == len(old)), "and says how many", log(box))
    case.equal(len(box.ids()), 1, "what is younger stays")
    case.ok(until(lambda: box.store.stat().st_size < before / 2), "the file is smaller", (before, box.store.stat().st_size))
    # The session goes on; its old part does not come back with it.
    box.transcript(session_id(1), 10, 2)
    case.ok(until(lambda: len(box.ids()) > 1), "what is written then is collected")
    back = [event for event in box.ids() if event in old and ":agent_session:" not in event]
    case.equal(back, [], "and nothing that was deleted")
    # Another number of days holds at once, not only tomorrow.
    config.write_text("[storage]\nretention_days = 31\n")
    os.kill(pid, signal.SIGHUP)
    case.ok(until(lambda: "events older than 31 days deleted" in log(box)), "a new number of days holds at once", log(box))
    case.equal(len(box.ids()), 1, "also for what came meanwhile")
    good, text = box.verified()
    case.ok(good, "the store is sound", text)


def locked(case):
    """A lock that somebody else holds, one that a dead daemon left: no process is told anything that is not the daemon."""
    box = case.machine("box")
    box.must("status")
    lock = box.data / ".daemon.lock"
    bystander = box.popen("sleep", "300")
    case.cleanups.append(bystander.kill)
    told = json.dumps({"pid": bystander.pid, "started": "2026-01-01T00:00:00.000Z", "version": "0.1.0"})
    lock.write_text(told)
    case.ok("No daemon runs" in box.must("stop").err, "what stands in a lock that nobody holds counts for nothing")
    case.equal(status(box)["daemon"]["running"], False, "status says so")
    lock.write_text("")
    with open(lock, "r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for words in (["start"], ["stop"], ["pause"]):
            # In a session of its own: a signal to "process 0" would reach all of this one.
            result = box.tt(*words, "--json", start_new_session=True)
            case.equal((result.status, result.out and result.json()["error"]["code"]), (1, "busy"), f"{words[0]} with a lock that is held")
        case.equal(status(box)["daemon"]["pid"], None, "status names no process")
        case.ok("another process holds" in box.must("status").out, "and says what it sees")
    case.equal(status(box)["paused"], False, "nothing was changed")
    case.equal(bystander.poll(), None, "no bystander was hurt")
    case.ok(begin(case, box) > 0, "afterwards it starts")


def pausing(case):
    """While paused nothing is collected, afterwards everything."""
    box = case.machine("box")
    begin(case, box)
    box.transcript(session_id(1), 0, 4)
    until(lambda: count(box) > 0)
    case.equal(box.must("pause", "--json").json()["paused"], True, "pause")
    before = count(box)
    box.transcript(session_id(1), 4, 20)
    time.sleep(2.5)
    case.equal(count(box), before, "nothing is collected")
    told = status(box)
    case.ok(told["paused"] and told["daemon"]["paused"], "status says so", told["daemon"])
    case.equal([row["waiting"] for row in told["sources"] if row["source"] == "claude"], [1], "and that a file waits")
    case.ok("Paused already" in box.must("pause").err, "pausing again is no error")
    box.must("stop")
    case.ok("tt resume" in box.must("start").err, "it stays paused when it is started again")
    time.sleep(1.5)
    case.equal(count(box), before, "and collects nothing")
    box.must("collect")
    after = count(box)
    case.ok(after > before, "by hand it is collected all the same")
    box.transcript(session_id(2), 0, 4)
    case.equal(box.must("resume", "--json").json()["paused"], False, "resume")
    case.ok(until(lambda: count(box) > after, 10), "what was missed is collected")
    case.ok("Not paused" in box.must("resume").err, "resuming again is no error")
    box.must("stop")
    case.ok("no daemon runs" in box.must("pause").err, "pausing needs no daemon")
    case.equal(status(box)["paused"], True, "and is known without one")


def killed(case):
    """kill -9 at any moment, SIGTERM in the middle of much work: then the same store as ever."""
    rng = seeded("killed")
    box = case.machine("box")
    lines = {}
    for turn in range(6):
        for session in range(turn % 3, 9, 2):
            first, more = lines.get(session, 0), rng.randrange(200, 2000)
            box.transcript(session_id(session), first, more, project=f"p{session % 3}")
            lines[session] = first + more
        pid = begin(case, box)
        time.sleep(rng.uniform(0, 0.4))
        if turn % 2:
            os.kill(pid, signal.SIGKILL)
        else:
            began = time.monotonic()
            box.must("stop")
            case.ok(time.monotonic() - began < 20, "stop does not wait for ever")
        case.ok(until(lambda: not alive(pid)), f"turn {turn}: gone")
    begin(case, box)
    calm = twin(case, box)
    for session, lines_written in sorted(lines.items()):
        calm.transcript(session_id(session), 0, lines_written, project=f"p{session % 3}")
    calm.must("collect")
    want = without_revisions(calm.events())
    case.ok(until(lambda: without_revisions(box.events()) == want, 60), "the store is what it would have been",
            f"{count(box)} events instead of {len(want)}")
    good, text = box.verified()
    case.ok(good, "and sound", text)


def process(pid):
    """(voluntary context switches, processor time in ticks with children's, resident KiB)"""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        text = file.read()
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", text, re.M).group(1)), sum(map(int, fields[11:15])),
            int(re.search(r"^VmRSS:\s*(\d+)", text, re.M).group(1)))


def idle(case):
    """Low when idle: at most one wake-up a second, no measurable processor time, 15 MB."""
    box = case.machine("box")
    for session in range(200):
        box.transcript(session_id(session), 0, 2, project=f"p{session % 20}")
    pid = begin(case, box)
    until(lambda: count(box) >= 400)
    time.sleep(3)
    switches, ticks, _ = process(pid)
    time.sleep(10)
    switches_now, ticks_now, resident = process(pid)
    print(f"# in 10 s: {switches_now - switches} wake-ups, {ticks_now - ticks} ticks; {resident} KiB resident")
    case.ok(switches_now - switches <= 10, "at most one wake-up a second", switches_now - switches)
    case.ok(ticks_now - ticks <= 1, "no measurable processor time", ticks_now - ticks)
    if not case.sanitized:
        case.ok(resident <= 15 * 1024, "at most 15 MB", resident)
    links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    case.equal([link for link in links if link.startswith("socket:")], [], "it has no socket")
    # Somebody who writes all the time, and nothing that is collected: about one wake-up a second, no more.
    switches, _, _ = process(pid)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        (box.data / "noise").write_text("x")
        (box.data / "noise").unlink()
        time.sleep(0.005)
    case.ok(process(pid)[0] - switches <= 12, "noise beside what it watches costs little", process(pid)[0] - switches)


def quiet_network(case):
    """No socket is opened, whatever is collected."""
    if not shutil.which("strace"):
        raise Skip("no strace")
    box = case.machine("box")
    trace = case.top / "trace"
    box.transcript(session_id(1), 0, 4)
    child = box.popen("strace", "-f", "-q", "-e", "trace=socket,connect,bind,socketpair", "-o", trace, box.bin / "tt", "start", "--foreground",
                      stderr=subprocess.DEVNULL)
    try:
        case.ok(until(lambda: count(box) > 0), "it collects")
        box.must("stop")
    finally:
        child.kill()
        child.wait()
    lines = [line for line in trace.read_text().splitlines() if "(" in line]
    case.equal(lines, [], "and opens no socket")


def soak(case):
    """Ten writers, the daemon, and all kinds of other commands: nothing lost, nothing twice."""
    box = case.machine("box")
    pid = begin(case, box)
    end = time.monotonic() + SOAK_SECONDS
    written, troubles, turns = {}, [], {}

    def writer(session):
        rng = random.Random(session)
        while time.monotonic() < end:
            more = rng.randrange(1, 30)
            box.transcript(session_id(session), written.get(session, 0), more, project=f"p{session % 4}")
            written[session] = written.get(session, 0) + more
            time.sleep(rng.uniform(0, 0.1))

    def other(name, *words):
        while time.monotonic() < end:
            result = box.tt(*words)
            turns[name] = turns.get(name, 0) + 1
            if result.status != 0 or "locked" in result.err or "busy" in result.err:
                troubles.append(f"{name}: {result}")
            time.sleep(0.1)

    def hooks():
        while time.monotonic() < end:
            box.focus(turns.get("hooks", 0))
            turns["hooks"] = turns.get("hooks", 0) + 1
            time.sleep(0.05)

    threads = [threading.Thread(target=writer, args=(session,)) for session in range(10)]
    threads += [threading.Thread(target=other, args=words) for words in
                (("status", "status", "--json"), ("collect", "collect"), ("report", "report", "--start", "2026-02-03", "--end", "2026-02-05"),
                 ("start", "start"))]
    threads.append(threading.Thread(target=hooks))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"# {sum(written.values())} lines in {len(written)} transcripts; others: {turns}")
    case.equal(troubles[:3], [], "nobody fails, nobody speaks of locks")
    case.ok(min(turns.values()) >= 1, "everybody came to work", turns)
    calm = twin(case, box)
    for session, lines in written.items():
        calm.transcript(session_id(session), 0, lines, project=f"p{session % 4}")
    for number in range(turns["hooks"]):
        calm.focus(number)
    calm.must("collect")
    want = without_revisions(calm.events())
    got = until(lambda: [] if without_revisions(box.events()) != want else want, 30)
    case.ok(got == want, "the store is what it would have been", f"{count(box)} events instead of {len(want)}")
    case.equal(len(set(box.ids())), count(box), "no event is there twice")
    case.ok(alive(pid), "by one daemon all the time")
    case.ok("signal" not in log(box) and "refused" not in log(box), "which had no trouble", log(box))
    good, text = box.verified()
    case.ok(good, "the store is sound", text)


def few_watches(case):
    """More directories than may be watched: the rest is polled, which is said once."""
    if subprocess.run(["unshare", "-Ur", "sh", "-c", "echo 9 >/proc/sys/user/max_inotify_watches"], capture_output=True, check=False).returncode:
        raise Skip("no user namespace with limits of its own")
    box = case.machine("box")
    for session in range(40):
        box.transcript(session_id(session), 0, 2, project=f"p{session}")
    said = case.top / "said"
    with open(said, "wb") as file:
        child = box.popen("unshare", "-Ur", "sh", "-c", 'echo 9 >/proc/sys/user/max_inotify_watches; exec tt start --foreground', stderr=file)
    try:
        case.ok(until(lambda: count(box) >= 80), "all is collected")
        told = until(lambda: status(box)["daemon"]["polled"])
        case.ok(told >= 30, "most directories are polled", status(box)["daemon"])
        case.ok("max_user_watches" in (status(box)["daemon"]["polled_because"] or ""), "status says why")
        before = count(box)
        for session in range(40):
            box.transcript(session_id(session), 2, 2, project=f"p{session}")
        box.transcript(session_id(99), 0, 2, project="new")
        case.ok(until(lambda: count(box) >= before + 82, 25), "and what changes in them is found", count(box) - before)
        os.kill(child.pid, signal.SIGHUP)
        until(lambda: "read again" in said.read_text())
        time.sleep(1)
        case.equal(said.read_text().count("max_user_watches"), 1, "it is said once")
        box.must("stop")
        child.wait(20)
    finally:
        child.kill()
        child.wait()


FAKE_SYSTEMCTL = """#!/bin/sh
# A user's systemd: knows one service, and runs what its file says.
echo "$*" >>"$HOME/asked"
unit=$HOME/.config/systemd/user/tidemark.service
case "$*" in
*show-environment) test -e "$HOME/bus" ;;
*daemon-reload) cp "$unit" "$HOME/loaded" 2>/dev/null || : ;;
*is-enabled*) test -e "$HOME/enabled" ;;
*is-active*) test -e "$HOME/pid" && kill -0 "$(cat "$HOME/pid")" 2>/dev/null ;;
*able\\ --now*|*restart*)
	case "$*" in
	*disable*) rm -f "$HOME/enabled"; kill "$(cat "$HOME/pid")"; rm "$HOME/pid"; exit 0 ;;
	*restart*) kill "$(cat "$HOME/pid")"; sleep 1 ;;
	esac
	touch "$HOME/enabled"
	command=$(sed -n 's/^ExecStart=//p' "$HOME/loaded")
	sh -c "exec setsid $command" >/dev/null 2>&1 </dev/null &
	echo $! >"$HOME/pid" ;;
*) exit 1 ;;
esac
"""


def systemd(case):
    """tt setup daemon, with a systemctl that plays systemd."""
    box = case.machine("box")
    unit = box.home / ".config/systemd/user/tidemark.service"
    fake = box.bin / "systemctl"
    fake.write_text(FAKE_SYSTEMCTL)
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    case.cleanups.append(lambda: box.tt("stop"))

    def understood(what):
        if not shutil.which("systemd-analyze"):
            return
        checked = subprocess.run(["systemd-analyze", "--user", "verify", unit], capture_output=True, text=True, check=False,
                                 env={**os.environ, "XDG_RUNTIME_DIR": str(case.top)})
        case.equal((checked.returncode, checked.stderr), (0, ""), what)

    def steps(*words):
        return {row["step"]: row["status"] for row in box.must("setup", *words, "--json").json()["steps"]}

    case.equal(steps("daemon"), {"unit": "done", "identity": "done", "daemon": "skipped"}, "without a bus the file alone is written")
    case.ok(f'ExecStart="{box.bin}/tt" start --foreground' in unit.read_text(), "with the tt of the PATH", unit.read_text())
    understood("which systemd understands")
    (box.home / "bus").touch()
    by_hand = box.must("start", "--json").json()["pid"]
    box.must("setup", "daemon", "--remove")
    case.ok(not unit.exists() and alive(by_hand), "taking it back leaves a daemon of one's own alone")
    case.equal(steps("daemon"), {"unit": "done", "identity": "done", "before": "done", "daemon": "done"}, "with one it is started")
    pid = status(box)["daemon"]["pid"]
    case.ok(pid != by_hand and not alive(by_hand), "in place of the one started by hand")
    asked = (box.home / "asked").read_text()
    case.ok("--user daemon-reload\n" in asked and "--user enable --now tidemark.service\n" in asked, "systemd was told", asked)
    case.equal(steps("daemon"), {"unit": "unchanged", "identity": "done", "daemon": "unchanged"}, "twice changes nothing")
    case.equal(status(box)["daemon"]["pid"], pid, "not the process either")
    case.equal(steps()["daemon"], "done", "the overview knows")
    unit.write_text(unit.read_text().replace("Nice=10", "Nice=11"))
    case.equal(steps("daemon"), {"unit": "done", "identity": "done", "daemon": "done"}, "an older file is replaced, and the daemon started again")
    case.ok("Nice=10" in unit.read_text() and until(lambda: status(box)["daemon"]["pid"] not in (pid, None)), "so it is")
    case.equal(steps("daemon", "--remove"), {"daemon": "done", "unit": "done"}, "all is taken back")
    case.ok(not unit.exists() and until(lambda: not status(box)["daemon"]["running"]), "file and process")
    case.equal(steps("daemon", "--remove"), {"unit": "unchanged"}, "twice is no error")
    unit.write_text("[Service]\nExecStart=/bin/mine\n")
    result = box.tt("setup", "daemon")
    case.ok(result.status == 1 and "was not written by this program" in result.err and "mine" in unit.read_text(),
            "a file of somebody else's is left alone", result)
    unit.unlink()
    box.must("--store", "other.db", "setup", "daemon")
    case.ok(f'"--store" "{box.home}/other.db" start' in unit.read_text(), "a store of one's own, wherever systemd starts it", unit.read_text())
    # What the shell has set, systemd does not know.
    box.must("setup", "daemon", env={"TT_STORE": "sqlite:else.db"})
    case.ok(f'"--store" "{box.home}/else.db" start' in unit.read_text(), "also from the environment", unit.read_text())
    odd = box.home / "o$d %h bin"
    odd.mkdir()
    shutil.copy(box.bin / "tt", odd / "tt")
    box.popen(odd / "tt", "setup", "daemon", env={"PATH": f"{odd}:{box.env['PATH']}"}, stdout=subprocess.DEVNULL).wait()
    understood("a program in a directory with an odd name")
    box.env["XDG_DATA_HOME"] = str(box.home / "da ta%")
    box.must("setup", "daemon")
    case.ok(f'Environment="XDG_DATA_HOME={box.home}/da ta%%"' in unit.read_text(), "directories of one's own are told", unit.read_text())


def launchd(case):
    """The same on macOS, as far as a launchctl that only answers shows it."""
    box = case.machine("box")
    for name in ("sh", "env"):
        (box.bin / name).symlink_to(shutil.which(name))
    fake = box.bin / "launchctl"
    fake.write_text('#!/bin/sh\necho "$*" >>"$HOME/asked"\ncase "$1" in print) test "$2" = "gui/$UID_HERE" ;; esac\n')
    fake.chmod(0o755)
    box.env.update(PATH=str(box.bin), UID_HERE=str(os.getuid()))
    result = box.tt("setup", "daemon", "--json")
    steps = {row["step"]: row["status"] for row in result.json()["steps"]}
    case.equal(steps, {"unit": "done", "identity": "done", "daemon": "failed"}, "a manager that does not start it is found out")
    case.equal(result.status, 1, "which is a failure")
    plist = box.home / "Library/LaunchAgents/tidemark.plist"
    import plistlib
    content = plistlib.loads(plist.read_bytes())
    case.equal(content["ProgramArguments"], [f"{box.bin}/tt", "start", "--foreground", "--log"], "the file says what to run")
    asked = (box.home / "asked").read_text()
    case.ok(f"bootstrap gui/{os.getuid()} {plist}\n" in asked, "launchd was told", asked)
    box.must("setup", "daemon", "--remove")
    case.ok(not plist.exists(), "and it is taken back")


run([once, failures, locked, collects, reload, exclusion, retention, pausing, killed, idle, quiet_network, soak, few_watches, systemd, launchd])

#!/usr/bin/env python3
"""Sync over a real sshd: machines with homes of their own, reached by aliases of a private ssh configuration."""
import json
import re
import shutil
import subprocess
import threading
import time

from lib import SshNetwork, Terminal, focus_line, moment, run

ROW_KEYS = {"name", "machine_id", "pulled", "pushed", "updated", "conflicts", "quarantined", "cursor", "elapsed_ms", "error"}


def hub_and(case, *names):
    """A hub that may use ssh, and machines that can be reached, with three events each."""
    network = SshNetwork(case)
    hub = case.machine("hub")
    network.join(hub)
    machines = [case.machine(name) for name in names]
    for at, machine in enumerate(machines):
        network.attach(machine)
        for number in range(3):
            machine.focus(at * 100 + number * 10, f"%{number}")
    return network, hub, *machines


def labels(machine):
    return {row["machine_id"]: row["label"] for row in machine.must("machines", "--json").json()["machines"]}


def first_contact(case):
    """Without a terminal the alias becomes the label; a second sync brings exactly what is new, and asks with a cursor."""
    network, hub, box = hub_and(case, "devbox")
    status, rows, result = hub.sync("devbox")
    case.equal(status, 0, "the first sync ends well")
    row = rows.get("devbox", {})
    case.equal(set(row), ROW_KEYS, "a remote's row has the promised keys")
    case.equal((row.get("machine_id"), row.get("pulled"), row.get("pushed"), row.get("conflicts"), row.get("quarantined"),
                row.get("error")), (box.id, 3, 0, 0, 0, None), "three events came")
    case.ok(isinstance(row.get("cursor"), int) and row["cursor"] > 0 and row.get("elapsed_ms", -1) >= 0,
            "cursor and elapsed_ms are numbers", row)
    case.equal(labels(hub).get(box.id), "devbox", "the label is the alias")
    case.equal(hub.events(), box.events(), "the hub has the machine's events, byte for byte")
    case.ok("Label?" not in result.err, "nobody was asked", result.err)
    case.equal(network.asked(box), ["tt export --cursor 0"], "the first time everything is asked for")

    box.focus(500, "%9")
    status, rows, _ = hub.sync("devbox")
    case.equal((status, rows["devbox"]["pulled"]), (0, 1), "the second sync brings exactly the new event")
    case.equal(network.asked(box)[-1], f"tt export --cursor {row.get('cursor')}", "it was asked for with the cursor")
    case.equal(hub.events(), box.events(), "both have the same events")
    status, rows, _ = hub.sync("devbox")
    case.equal((status, rows["devbox"]["pulled"], rows["devbox"]["updated"]), (0, 0, 0), "a third sync brings nothing")


def labels_asked(case):
    """On a terminal the label of a new machine is asked for."""
    _, hub, one, two = hub_and(case, "devbox", "build-7")
    for machine, answer, label in ((one, "\n", "devbox"), (two, "  The Tower  \n", "The Tower")):
        terminal = Terminal(hub, hub.bin / "tt", "sync", machine.name, stdout=subprocess.DEVNULL)
        terminal.expect(f"New machine {machine.id[:8]}. Label? [{machine.name}]: ")
        terminal.type(answer)
        case.equal(terminal.finish(), 0, f"sync of {machine.name} on a terminal ends well")
        case.equal(labels(hub).get(machine.id), label, f"the answer {answer!r} makes the label '{label}'")
    terminal = Terminal(hub, hub.bin / "tt", "sync", "devbox", stdout=subprocess.DEVNULL)
    case.equal(terminal.finish(), 0, "the next sync ends well")
    case.ok(b"Label?" not in terminal.text, "and does not ask again", terminal.text)


def aliases(case):
    """Aliases of one machine are one machine; its label is never overwritten."""
    network, hub, box = hub_and(case, "devbox")
    network.point("tower", box)
    hub.sync("devbox")
    box.focus(600)
    status, rows, _ = hub.sync("tower")
    case.equal((status, rows["tower"]["pulled"], rows["tower"]["machine_id"]), (0, 1, box.id),
               "under another alias only the new event comes")
    case.equal([row for row in labels(hub).items() if row[0] == box.id], [(box.id, "devbox")], "the first label stays")
    case.ok(network.asked(box)[-1] != "tt export --cursor 0", "the machine's own cursor was used", network.asked(box))
    box.must("init", "--label", "renamed")
    hub.sync("devbox", "tower", "devbox")
    case.equal(labels(hub).get(box.id), "devbox", "a label is never overwritten")
    case.equal(hub.events(), box.events(), "nothing is there twice")
    case.equal(len(hub.must("machines", "--json").json()["machines"]), 2, "the hub knows two machines, itself one of them")


def two_new_names(case):
    """Two aliases of one new machine in one sync."""
    network, hub, box = hub_and(case, "devbox")
    network.point("tower", box)
    status, rows, _ = hub.sync("devbox", "tower")
    case.equal((status, rows["devbox"]["pulled"] + rows["tower"]["pulled"]), (0, 3), "each event counts once")
    case.ok(labels(hub).get(box.id) in ("devbox", "tower"), "one of the names is the label", labels(hub))
    case.equal(hub.events(), box.events(), "the events are there once")
    box.focus(600)
    status, _, result = hub.sync("--all")
    case.equal((status, hub.events()), (0, box.events()), "--all reaches it")
    case.ok(len(result.json()["remotes"]) == 1, "under one name", result)


def unreachable(case):
    """A remote that cannot be reached does not stop the others."""
    network, hub, one, two = hub_and(case, "devbox", "tower")
    status, rows, result = hub.sync("devbox", "nowhere", "tower")
    case.equal(status, 1, "the exit status tells")
    case.equal([row["name"] for row in result.json()["remotes"]], ["devbox", "nowhere", "tower"], "rows in the order asked for")
    case.equal((rows["devbox"]["pulled"], rows["tower"]["pulled"]), (3, 3), "the others came")
    case.equal((rows["nowhere"]["pulled"], rows["nowhere"]["machine_id"]), (0, None), "nothing came from the bad one")
    case.ok("255" in rows["nowhere"]["error"] and "refused" in rows["nowhere"]["error"], "its error is ssh's own", rows["nowhere"])
    case.ok("nowhere" in result.err, "the error names the remote", result.err)
    text = hub.tt("sync", "devbox", "nowhere")
    case.ok(text.status == 1 and "nowhere" in text.err and text.out == "", "the same without --json", text)
    network.prelude(two, "echo 'disk on fire' >&2; exit 23")
    status, rows, result = hub.sync("tower")
    case.ok(status == 1 and "23" in rows["tower"]["error"] and "disk on fire" in rows["tower"]["error"],
            "a remote that fails is quoted", rows)
    case.ok("tower: disk on fire" in result.err, "its standard error is relayed under its name", result.err)


def bad_names(case):
    """Names that ssh or a shell could take for something else are wrong usage, and nothing is started."""
    network, hub, box = hub_and(case, "devbox")
    trap = case.top / "trap"
    for name in ("-oProxyCommand=x", f"-oProxyCommand=touch {trap}", f"user@-oProxyCommand=touch{trap}", "ssh://-oProxyCommand=x",
                 "dev box", "dev\nbox", "dev'box", 'dev"box', "dev`box", "$(box)", "a;b", "", "x" * 300, "dev\tbox", "a&b", "~box"):
        result = hub.tt("sync", "--json", "--", name) if name.startswith("-") else hub.tt("sync", "--json", name)
        case.ok(result.status == 2 and result.json()["error"]["code"] == "usage", f"{name[:40]!r} is refused", result)
    result = hub.tt("sync", "-oProxyCommand=x")
    case.equal(result.status, 2, "also without '--' before it")
    result = hub.tt("sync", "devbox", "dev box")
    case.ok(result.status == 2 and network.asked(box) == [], "one bad name among good ones: nothing is started", result)
    case.ok(not trap.exists(), "nothing was executed")


def no_program(case):
    """A remote without tt, and one whose tt has no identity."""
    network, hub, box = hub_and(case, "devbox")
    tools = case.top / "tools"  # where this machine's programs are, a tt may be, too
    tools.mkdir()
    (tools / "sh").symlink_to("/bin/sh")
    network.prelude(box, f"PATH={tools}")
    status, rows, _ = hub.sync("devbox")
    case.ok(status == 1 and "no 'tt' there" in rows["devbox"]["error"] and "sync.remote_command" in rows["devbox"]["error"],
            "a remote without tt: what to do", rows)
    status, rows, _ = hub.sync("devbox", env={"TT_SYNC_REMOTE_COMMAND": str(box.bin / "tt")})
    case.equal((status, rows["devbox"]["pulled"]), (0, 3), "sync.remote_command helps")
    fresh = case.machine("fresh", identity=False)
    network.attach(fresh)
    status, rows, _ = hub.sync("fresh")
    case.ok(status == 1 and "No machine identity found. Run 'tt init' first." in rows["fresh"]["error"],
            "a remote without identity says so", rows)


def noise(case):
    """A shell that greets on standard output, and a remote that writes 1 MiB to standard error."""
    network, hub, box = hub_and(case, "devbox")
    network.prelude(box, "head -c 1048576 /dev/zero | tr '\\0' x >&2; echo >&2; echo 'last words' >&2")
    status, rows, result = hub.sync("devbox", limit=60)
    case.equal((status, rows["devbox"]["pulled"]), (0, 3), "1 MiB on standard error blocks nothing")
    case.ok("devbox: last words" in result.err, "its end is relayed", result.err[-300:])
    network.prelude(box, "echo 'Welcome to devbox!'")
    box.focus(700)
    status, rows, _ = hub.sync("devbox")
    case.equal((status, rows["devbox"]["pulled"], rows["devbox"]["quarantined"]), (0, 1, 1), "a greeting costs no event")
    hub.sync("devbox")
    entries = hub.must("quarantine", "--json").json()["entries"]
    case.equal([(entry["source"], entry["content"]) for entry in entries], [("sync:devbox", "Welcome to devbox!")],
               "it is in quarantine, once")
    case.equal(hub.events(), box.events(), "the events are the machine's")
    network.prelude(box, "echo '<html>'; exit 0")
    status, rows, _ = hub.sync("devbox")
    case.ok(status == 1 and "no event stream" in rows["devbox"]["error"], "an answer that is no stream is an error", rows)
    network.prelude(box, "exit 0")
    status, rows, _ = hub.sync("devbox")
    case.ok(status == 1 and "sent nothing" in rows["devbox"]["error"], "so is an empty one, though ssh ends well", rows)


def skew(case):
    """A clock that is off by more than five minutes."""
    network, hub, box = hub_and(case, "devbox")
    here = {"TT_NOW": moment(0)}
    for offset, said in ((200, None), (-200, None), (600, "10 minutes ahead"), (-900, "15 minutes behind")):
        network.prelude(box, f"export TT_NOW={moment(offset)}")
        status, _, result = hub.sync("devbox", env=here)
        if said:
            case.ok(status == 0 and said in result.err and result.err.count("minutes") == 1, f"{offset} s is warned about", result)
        else:
            case.ok(status == 0 and "minutes" not in result.err, f"{offset} s is not", result)
    row = [row for row in hub.must("machines", "--json").json()["machines"] if row["machine_id"] == box.id][0]
    case.equal(row["clock_skew_ms"], -900000, "machines shows the difference")
    own = box.must("machines", "--json").json()["machines"][0]
    case.ok(row["hostname"], "it has a host's name", row)
    case.equal(row["hostname"], own["hostname"], "as the machine says it itself")
    box.focus(86400 * 400)
    box.focus(800)
    status, rows, _ = hub.sync("devbox", env=here)
    case.equal((status, rows["devbox"]["pulled"], hub.events()), (0, 2, box.events()), "an event of next year blocks nothing")


def other_histories(case):
    """The remote's store is restored, lost or replaced; the hub's is restored: all comes again, nothing is there twice."""
    network, hub, box = hub_and(case, "devbox")
    hub.sync("devbox")
    box.must("backup", box.home / "old.backup")
    box.focus(800)
    box.focus(801)
    hub.sync("devbox")
    before = hub.events()
    box.must("restore", box.home / "old.backup")
    box.focus(810, "%5")
    status, rows, _ = hub.sync("devbox")
    case.equal((status, rows["devbox"]["pulled"]), (0, 1), "after a restore only what is new is new")
    case.ok(set(before.splitlines()) < set(hub.events().splitlines()), "nothing that was here is lost")
    case.equal(len(hub.ids()), len(set(hub.ids())), "nothing is there twice")
    case.equal(network.asked(box)[-1], "tt export --cursor 0", "everything was asked for")

    box.forget_store()
    for number in range(820, 823):
        box.focus(number)
    status, rows, _ = hub.sync("devbox")
    case.equal((status, rows["devbox"]["pulled"]), (0, 3), "a new store under the same identity: its events come")
    box.focus(830)
    status, rows, _ = hub.sync("devbox")
    case.equal((status, rows["devbox"]["pulled"]), (0, 1), "and then by cursor again")
    case.ok(network.asked(box)[-1] != "tt export --cursor 0", "with a cursor of the new store", network.asked(box))

    shutil.copy(box.store, box.home / "copy.db")
    box.focus(831)
    hub.sync("devbox")
    box.forget_store()
    shutil.copy(box.home / "copy.db", box.store)
    status, rows, _ = hub.sync("devbox")
    case.equal((status, rows["devbox"]["pulled"]), (0, 0), "an older copy of the store's file: all comes again")
    box.focus(832)
    status, rows, _ = hub.sync("devbox")
    case.equal((status, rows["devbox"]["pulled"]), (0, 1), "and what is new afterwards")

    for number in range(833, 836):
        box.focus(number)
    hub.sync("devbox")
    box.forget_store()
    shutil.copy(box.home / "copy.db", box.store)
    for number in range(840, 845):
        box.focus(number)
    status, rows, _ = hub.sync("devbox")
    case.equal((status, rows["devbox"]["pulled"]), (0, 5), "an older copy that has grown beyond the cursor: what is new comes")
    case.ok(set(box.ids()) < set(hub.ids()), "all that the machine has is here")

    hub.must("backup", hub.home / "hub.backup")
    box.focus(850)
    hub.sync("devbox")
    want = hub.events()
    hub.must("restore", hub.home / "hub.backup")
    status, _, _ = hub.sync("devbox")
    case.equal((status, hub.events()), (0, want), "a restored hub catches up")
    hub.forget_store()
    status, rows, _ = hub.sync("devbox")
    case.equal((status, hub.events()), (0, box.events()), "a hub without store begins anew")
    case.ok(all(machine.verified()[0] for machine in (hub, box)), "the stores are sound")


def another_answers(case):
    """Another machine answers under a known alias."""
    network, hub, one, two = hub_and(case, "devbox", "tower")
    hub.sync("devbox")
    network.point("devbox", two)
    two.focus(850)
    status, rows, _ = hub.sync("devbox")
    case.equal((status, rows["devbox"]["machine_id"], rows["devbox"]["pulled"]), (0, two.id, 4), "all of the other's events come")
    case.equal(labels(hub)[one.id], "devbox", "the first keeps its label")
    one.focus(860)
    network.point("devbox", one)
    hub.sync("devbox", "tower")
    case.equal(sorted(hub.ids()), sorted(one.ids() + two.ids()), "both are complete, each event once")


def hubs(case):
    """Two hubs alternately, and a chain: A pulls B, C pulls A."""
    network, hub, a, b = hub_and(case, "aaa", "bbb")
    other = case.machine("other")
    network.join(other)
    for number in range(4):
        (hub if number % 2 else other).sync("aaa")
        a.focus(900 + number)
    hub.sync("aaa")
    other.sync("aaa")
    case.equal((hub.events(), other.events()), (a.events(), a.events()), "two hubs that take turns have everything")

    c = case.machine("ccc")
    network.join(a)
    network.join(c)
    a.sync("bbb")
    status, rows, _ = c.sync("aaa")
    case.equal(status, 0, "C pulls from A, which has pulled from B")
    case.equal(c.events(), a.events(), "C has what A has")
    counts = {row["machine_id"]: row["event_count"] for row in c.must("machines", "--json").json()["machines"]}
    case.equal((counts.get(a.id), counts.get(b.id)), (7, 3), "B's events are B's")
    b.focus(950)
    a.sync("bbb")
    status, rows, _ = c.sync("aaa", "bbb")
    case.equal((status, rows["aaa"]["pulled"] + rows["bbb"]["pulled"]), (0, 1), "on two ways at once they come once")
    case.equal(sorted(c.ids()), sorted(a.ids()), "each event is there once")


def at_once(case):
    """Two syncs of one remote at once, with hooks writing on it."""
    _, hub, box = hub_and(case, "devbox")
    box.bulk(1000, 12000)
    results = []
    threads = [threading.Thread(target=lambda: results.append(hub.tt("sync", "--json", "devbox"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(20):
        box.focus(20000 + number)
    for thread in threads:
        thread.join()
    case.ok(all(result.status == 0 for result in results), "both end well", [str(result) for result in results])
    case.ok(not any("locked" in result.err for result in results), "nobody speaks of locks", [result.err for result in results])
    hub.sync("devbox")
    case.equal(hub.events() == box.events(), True, "everything is there once")
    case.ok(*hub_verdict(hub))


def hub_verdict(machine):
    good, text = machine.verified()
    return good, f"{machine.name}'s store is sound", text


def stalled(case):
    """A remote that stalls in the middle of its stream keeps nobody else from the hub's store."""
    network, hub, slow, box = hub_and(case, "slow", "devbox")
    network.prelude(slow, "tt export --cursor 0 | head -n 3; sleep 15; exit 0")
    began = time.monotonic()
    child = hub.start("sync", "slow", "devbox", stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"TT_SYNC_TIMEOUT": "4s"})
    while not (network.top / "slow.asked").exists():
        time.sleep(0.02)
    slowest, rounds = 0.0, 0
    while rounds < 2 or time.monotonic() < began + 3:
        rounds += 1
        hub.focus(rounds)
        at = time.monotonic()
        result = hub.tt("events", limit=20)
        slowest = max(slowest, time.monotonic() - at)
        if result.status != 0 or result.out.count(f'"{hub.id}:') != rounds or result.err:
            case.ok(False, "hooks are taken in meanwhile", result)
            break
    case.ok(child.poll() is None and slowest < 2, f"hooks are taken in meanwhile, {rounds} times, within {slowest:.1f} s at most")
    _, err = child.communicate(timeout=60)
    case.ok(child.returncode == 1 and b"slow" in err and b"no output for 4 s (sync.timeout)" in err, "the stalled one is given up", err.decode())
    case.equal(sorted(hub.ids()), sorted(box.ids() + hub_ids(hub)), "nothing of it is stored, the other one is complete")


def hub_ids(hub):
    return [one for one in hub.ids() if one.startswith(hub.id)]


def same_identity(case):
    """A machine with the hub's own identity is refused."""
    _, hub, box = hub_and(case, "devbox")
    shutil.copy(hub.data / "machine.json", box.data / "machine.json")
    status, rows, _ = hub.sync("devbox")
    case.ok(status == 1 and "identity" in rows["devbox"]["error"], "its events are refused", rows)
    case.equal((hub.events(), rows["devbox"]["pulled"]), ("", 0), "nothing was stored")


def text_form(case):
    """Without --json standard output stays empty and the summary is for people."""
    _, hub, _ = hub_and(case, "devbox")
    result = hub.tt("sync", "devbox")
    case.ok(result.status == 0 and result.out == "" and re.search(r"devbox: 3 new", result.err), "a line per remote", result)
    case.equal(hub.tt("sync", "-q", "devbox").err, "", "-q is quiet")
    result = hub.tt("sync")
    case.ok(result.status == 0 and "No machine was named" in result.err and "devbox" not in result.err,
            "without names nothing is pulled", result)
    case.equal(hub.tt("sync", "--mode", "push", "devbox").status, 2, "machines reached by ssh cannot be pushed to")
    plain = case.machine("plain", identity=False)
    plain.env["PATH"] = hub.env["PATH"]
    result = plain.tt("sync", "devbox")
    case.ok(result.status == 0 and "tt init" in result.err and len(plain.ids()) == 3,
            "a hub without identity pulls, and says that its own sources were left out", result)


def by_hand(case):
    """The same stream through files: export, import, in any order, any number of times."""
    one, two = case.machine("one"), case.machine("two")
    for number in range(5):
        one.focus(number)
    stream = one.must("export").out
    kinds = [json.loads(line).get("type") for line in stream.splitlines()]
    case.equal(kinds, ["header"] + ["tmux_pane_focus"] * 5 + ["trailer"], "header, events, trailer")
    lines = stream.splitlines(keepends=True)
    two.must("import", stdin=stream.encode())
    result = two.must("import", "--json", stdin=("".join(reversed(lines[1:-1])) * 2).encode())
    case.equal((result.json()["new"], result.json()["duplicate"]), (0, 10), "order and repetition change nothing")
    case.equal(two.events(), one.events(), "both have the same events")
    result = two.must("import", stdin="".join(lines[:-1]).encode())
    case.ok("cut" in result.err, "a stream without its trailer is said to be cut", result)
    result = two.must("import", stdin="".join(lines[:2] + lines[-1:]).encode())
    case.ok("cut" in result.err, "so is one whose count is wrong", result)
    result = two.must("import", stdin=(stream * 2).encode())
    case.ok("cut" not in result.err, "two whole streams in one file are whole", result)
    newer = lines[0].replace('"format":1', '"format":2')
    result = two.tt("import", "--json", stdin=(newer + focus_line(one.id, 99)).encode())
    case.ok(result.status == 1 and result.json()["error"]["code"] == "version", "a newer format is refused", result)
    case.equal(two.events(), one.events(), "and nothing of it is stored")
    last = json.loads(lines[-2])["id"]
    case.equal(len(one.must("export", "--after", last).out.splitlines()), 2, "--after the last event: nothing")
    case.equal(one.must("export", "--after", f"{one.id}:nobody:knows:it").out.count("tmux_pane_focus\""), 5,
               "--after an unknown event: everything")


run([first_contact, labels_asked, aliases, two_new_names, unreachable, bad_names, no_program, noise, skew, other_histories,
     another_answers, hubs, at_once, stalled, same_identity, text_form, by_hand])

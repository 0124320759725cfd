#!/usr/bin/env python3
"""No space left, and stores that must not be written: a clear error, nothing half done, and everything taken in once it works again."""
import os
import shutil
import subprocess

from lib import Skip, focus_line, limit_file_size, run, session_id, without_revisions

CLEAR = ("space", "full", "too large", "limit")


def clear(result):
    """Failed with a message that says why."""
    return result.status == 1 and result.err.startswith("tt: ") and any(word in result.err.lower() for word in CLEAR)


def mounted(case, machine, size):
    """MACHINE's home on a file system of its own."""
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", str(machine.home)], capture_output=True,
                          text=True, check=False)
    if made.returncode != 0:
        raise Skip(f"mount is not permitted here: {made.stderr.strip()}")
    case.cleanups.append(lambda: subprocess.run(["umount", "-l", str(machine.home)], check=False))


def fill(machine, leave):
    """Leave LEAVE bytes free on MACHINE's file system."""
    room = os.statvfs(machine.home)
    with open(machine.home / "ballast", "wb") as file:
        file.write(b"\0" * max(0, room.f_bavail * room.f_bsize - leave))


def file_limit(case):
    """RLIMIT_FSIZE: the store cannot grow; what was there stays readable, and the journal keeps its lines."""
    box = case.machine("box")
    box.bulk(0, 2000)
    before = box.events()
    size = box.store.stat().st_size
    text = "".join(focus_line(box.id, number, cwd=f"/srv/{number}/" + "x" * 300) for number in range(10000, 20000)).encode()
    limited = {"preexec_fn": limit_file_size(size + 65536)}
    result = box.tt("import", stdin=text, **limited)
    case.ok(clear(result), "import says that there is no room", result)
    case.ok(box.must("events", "--no-collect").out == before, "nothing of the batch is stored")
    case.ok(box.verified()[0], "the store is sound", box.verified()[1])
    box.journal.write_bytes(text)
    result = box.tt("collect", **limited)
    case.ok(result.status == 1 and any(word in result.err for word in CLEAR), "collect says it, too", result)
    case.equal(box.journal.read_bytes(), text, "the journal keeps every line")
    result = box.tt("events", **limited)
    case.ok(result.status == 0 and result.out == before and "warning" in result.err, "events shows what is stored, and warns", result)
    box.must("collect")
    case.ok(len(box.ids()) == 12000 and not box.journal.exists(), "with room again all is taken in", len(box.ids()))
    case.ok(box.verified()[0], "the store is sound", box.verified()[1])


def sync_limit(case):
    """A hub that runs out of room in the middle of a sync: what a checkpoint covered is stored, the rest comes with the next one."""
    hub, box = case.machine("hub"), case.machine("box")
    line = hub.bin / "ssh" # the other machine, without a network between
    line.write_text(f'#!/bin/sh\nfor word; do asked="$word"; done\nHOME="{box.home}" exec sh -c "$asked"\n')
    line.chmod(0o755)
    hub.must("collect")
    box.must("import", stdin="".join(focus_line(box.id, number, cwd=f"/srv/{number}/" + "x" * 100) for number in range(12000)).encode())
    want = box.events()
    status, _, result = hub.sync("box")
    case.ok(status == 0 and hub.events() == want, "with room enough all comes", result)
    whole = hub.store.stat().st_size
    hub.forget_store()
    hub.must("collect")
    for limit in (whole // 24, whole // 10, whole // 6):
        status, rows, result = hub.sync("box", preexec_fn=limit_file_size(limit))
        error = (rows.get("box") or {}).get("error") or result.err
        case.ok(status == 1 and any(word in error for word in CLEAR), f"room for {limit} bytes: the error says so", result)
        got = hub.must("events", "--no-collect").out.splitlines()
        case.ok(len(got) in (0, 5000, 10000, 12000) and set(got) <= set(want.splitlines()), f"room for {limit} bytes: whole checkpoints ({len(got)})")
        case.ok(hub.verified()[0], f"room for {limit} bytes: the store is sound", hub.verified()[1])
    status, _, result = hub.sync("box")
    case.ok(status == 0 and hub.events() == want, "with room again all is there", result)


def output_limit(case):
    """Standard output that is full is an error, not a short answer."""
    box = case.machine("box")
    box.bulk(0, 2000)
    with open("/dev/full", "wb") as full:
        for words in (["events"], ["export"], ["machines", "--json"]):
            child = box.start(*words, stdout=full, stderr=subprocess.PIPE)
            _, err = child.communicate(timeout=60)
            case.ok(child.returncode == 1 and b"space" in err, f"{words[0]} into a full device fails", err)


def hook_limit(case):
    """A hook that cannot write its line leaves the journal whole."""
    box = case.machine("box")
    for number in range(5):
        box.focus(number)
    whole = box.journal.read_bytes()
    result = box.tt("ingest", "pane-focus", "--pane", "%9", "--cwd", "/srv", "--session", "main",
                    preexec_fn=limit_file_size(len(whole) + 20))
    case.ok(clear(result), "the hook says so", result)
    case.equal(box.journal.read_bytes(), whole, "no half line stands in the journal")
    box.focus(9)
    case.equal(len(box.ids()), 6, "later hooks are recorded")


def disk_full(case):
    """A file system without room, for hook, collect, import, init and backup."""
    box = case.machine("box", identity=False)
    mounted(case, box, "6m")
    box.init()
    box.transcript(session_id(1), 0, 300)
    box.must("collect")
    for number in range(300):
        box.focus(number)
    journal = box.journal.read_bytes()
    before = box.must("events", "--no-collect").out
    box.transcript(session_id(2), 0, 2000)
    calm = case.machine("calm")
    shutil.copy(box.data / "machine.json", calm.data / "machine.json")
    shutil.copytree(box.home / ".claude", calm.home / ".claude")
    calm.journal.write_bytes(journal)
    calm.must("collect")

    fill(box, 0)
    result = box.tt("ingest", "pane-focus", "--pane", "%1", "--cwd", "/srv/" + "x" * 8000, "--session", "main")
    case.ok(clear(result), "a hook says that there is no room", result)
    case.equal(box.journal.read_bytes(), journal, "and leaves the journal whole")
    result = box.tt("collect")
    case.ok(result.status == 1 and any(word in result.err for word in CLEAR), "collect says so", result)
    case.equal(box.journal.read_bytes(), journal, "the journal keeps its lines")
    result = box.tt("import", stdin="".join(focus_line(box.id, number) for number in range(90000, 95000)).encode())
    case.ok(clear(result), "import says so", result)
    result = box.tt("backup", box.home / "copy.db")
    case.ok(clear(result) and not (box.home / "copy.db").exists(), "backup says so and leaves no half copy", result)
    (box.home / "ballast").unlink()
    case.equal(box.must("events", "--no-collect").out, before, "nothing half done is stored")
    case.ok(box.verified()[0], "the store is sound", box.verified()[1])
    box.must("collect")
    case.equal(without_revisions(box.events()), without_revisions(calm.events()), "with room again all is taken in")
    case.ok(box.verified()[0], "the store is sound at the end", box.verified()[1])


def new_on_full(case):
    """First steps on a full disk."""
    box = case.machine("box", identity=False)
    mounted(case, box, "2m")
    fill(box, 0)
    result = box.tt("init")
    case.ok(clear(result), "init says that there is no room", result)
    (box.home / "ballast").unlink()
    box.init()
    fill(box, 8192)
    result = box.tt("collect")
    case.ok(result.status == 1, "a store that does not fit is not made", result)
    (box.home / "ballast").unlink()
    box.focus(1)
    case.equal(len(box.ids()), 1, "with room it is")


def read_only_mount(case):
    """A store on a file system that is mounted read-only."""
    box = case.machine("box", identity=False)
    mounted(case, box, "8m")
    box.init()
    box.focus(1)
    box.must("collect")
    subprocess.run(["mount", "-o", "remount,ro", str(box.home)], check=True)
    for words in (["collect"], ["import"], ["ingest", "pane-focus", "--pane", "%1", "--cwd", "/", "--session", "s"], ["init", "--label", "x"]):
        result = box.tt(*words, stdin=focus_line(box.id, 9).encode())
        case.ok(result.status == 1 and ("read-only" in result.err.lower() or "readonly" in result.err.lower()),
                f"{words[0]} says that it is read-only", result)
    subprocess.run(["mount", "-o", "remount,rw", str(box.home)], check=True)
    box.must("import", stdin=focus_line(box.id, 9).encode())
    case.equal(len(box.ids()), 2, "afterwards all is as before")


def no_permission(case):
    """A store that belongs to somebody else."""
    box = case.machine("box")
    box.focus(1)
    box.must("collect")
    prefix = []
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            raise Skip("no setpriv, and root may write everything")
        prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
        # The program may lie where nobody else may look.
        (box.bin / "tt").unlink()
        shutil.copy(case.tt, box.bin / "tt")
        (box.bin / "tt").chmod(0o755)
    for path in (case.top, box.home, *box.home.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        for words in (["collect"], ["import"], ["ingest", "pane-focus", "--pane", "%1", "--cwd", "/", "--session", "s"]):
            child = box.popen(*prefix, box.bin / "tt", *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            _, err = child.communicate(focus_line(box.id, 9).encode(), timeout=60)
            case.ok(child.returncode == 1 and any(word in err.decode().lower() for word in ("permission", "read-only", "readonly")),
                    f"{words[0]} says that it may not write", err.decode())
    finally:
        for path in (case.top, box.home, *box.home.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    case.equal(len(box.ids()), 1, "nothing was changed")


run([file_limit, sync_limit, output_limit, hook_limit, disk_full, new_on_full, read_only_mount, no_permission])

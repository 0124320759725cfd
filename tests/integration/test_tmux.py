#!/usr/bin/env python3
"""A real tmux server with an attached client: what the shipped fragment and `tt setup tmux` make of it."""
import json
import os
import pathlib
import shutil
import subprocess
import time

from lib import ROOT, Skip, Terminal, run

FRAGMENT = ROOT / "packaging/tmux/tt.conf"


class Tmux:
    """A server of its own, with one attached client."""

    def __init__(self, case, conf_text=None):
        if not shutil.which("tmux"):
            raise Skip("no tmux")
        self.case = case
        self.box = case.machine("box")
        sockets = case.top / "sockets"
        sockets.mkdir()
        self.box.env["TMUX_TMPDIR"] = str(sockets)
        self.box.env["PS1"] = "$ "
        self.conf = self.box.home / ".tmux.conf"
        if conf_text is not None:
            self.conf.write_text(conf_text)
        case.cleanups.append(self.stop)
        self.client = None

    def attach(self, *words):
        self.client = Terminal(self.box, "tmux", *(words or ("new-session", "-s", "main")))
        deadline = time.monotonic() + 20
        while not self("list-clients", check=False):
            assert time.monotonic() < deadline, f"the client is not attached: {self.client.text!r}"
            self.client.read(0.05)

    def __call__(self, *words, check=True):
        done = subprocess.run(["tmux", *words], env=self.box.env, cwd=self.box.home, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, f"tmux {words}: {done.stderr}"
        return done.stdout

    def stop(self):
        if self.client:
            self("kill-server", check=False)
            self.client.finish(5)

    def lines(self):
        """What stands in the journal now."""
        if self.client:
            while self.client.read(0):
                pass
        if not self.box.journal.exists():
            return []
        return [json.loads(line) for line in self.box.journal.read_text().splitlines()]

    def wait(self, condition, limit=15):
        """The journal, once CONDITION holds for it; as it is at the end otherwise."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            lines = self.lines()
            if condition(lines):
                break
            time.sleep(0.05)
        return self.lines()

    def hooks_run(self):
        """Is any hook of this server still at work? A slow machine may take seconds for one."""
        mark = os.fsencode(self.box.env["TMUX_TMPDIR"])
        for process in pathlib.Path("/proc").iterdir():
            try:
                if process.name.isdigit() and b"\0ingest\0" in (process / "cmdline").read_bytes() and \
                        mark in (process / "environ").read_bytes():
                    return True
            except OSError:
                continue # it ended meanwhile
        return False

    def settle(self):
        """The journal, when nothing has come for a while and no hook is at work."""
        before = -1
        while before != len(self.lines()) or self.hooks_run():
            before = len(self.lines())
            time.sleep(0.8)
        return self.lines()

    def complaints(self):
        log = self.box.home / ".local/state/tt/hook.log"
        return log.read_text() if log.exists() else ""

    def pane(self):
        return self("display-message", "-p", "#{pane_id}").strip()


def focused(pane):
    return lambda lines: any(line["type"] == "tmux_pane_focus" for line in lines) and \
        [line for line in lines if line["type"] == "tmux_pane_focus"][-1]["pane_id"] == pane


def focus(case):
    """Each way of moving between panes is recorded; detaching is a blur."""
    tmux = Tmux(case, f"source-file {FRAGMENT}\n")
    tmux.attach()

    def moved(what, *words):
        time.sleep(0.6) # as people do; a return within half a second is tested without tmux
        before = len(tmux.lines())
        if words:
            tmux(*words)
        pane = tmux.pane()
        lines = tmux.wait(lambda lines: len(lines) >= max(before, 1) and focused(pane)(lines))
        case.ok(focused(pane)(lines) and (not words or len(lines) > before), f"{what}: focus on {pane}", lines[before:])
        return lines[-1] if lines else {}

    first = moved("attach")
    case.equal((first.get("source"), first.get("tmux_session"), first.get("window_index"), first.get("cwd")),
               ("remote.tmux", "main", 0, str(tmux.box.home)), "the event says session, window and directory")
    moved("split-window", "split-window")
    moved("select-pane", "select-pane", "-t", "%0")
    moved("new-window", "new-window")
    moved("select-window", "select-window", "-t", "0")
    moved("kill-pane", "kill-pane", "-t", "%0")
    moved("split-window again", "split-window", "-h")
    tmux("new-session", "-d", "-s", "my: other'")
    moved("switch-client", "switch-client", "-t", "=my_ other'")
    tmux.settle()
    before = len(tmux.lines())
    tmux("copy-mode")
    lines = tmux.settle()
    case.ok(all(line["type"] == "tmux_scroll" for line in lines[before:]), "copy mode is a scroll at most", lines[before:])
    tmux("send-keys", "-X", "cancel")
    tmux.settle()
    tmux("detach-client")
    lines = tmux.wait(lambda lines: lines[-1]["type"] == "tmux_pane_blur")
    case.equal(lines[-1]["type"], "tmux_pane_blur", "detach is a blur")
    tmux.client.finish(10)
    tmux.attach("attach-session", "-t", "main")
    lines = tmux.wait(lambda lines: lines[-1]["type"] == "tmux_pane_focus")
    case.equal(lines[-1]["type"], "tmux_pane_focus", "attaching again is a focus")
    count = len(tmux.settle())
    case.equal(len(tmux.box.ids()), count, "all of it is taken in")
    case.equal(tmux.box.must("quarantine", "--json").json()["entries"], [], "nothing of it is refused")
    case.equal(tmux.complaints(), "", "no hook complained")


def hostile(case):
    """Directories whose names are commands: recorded as they are, nothing is executed."""
    tmux = Tmux(case, f"source-file {FRAGMENT}\n")
    tmux.attach()
    tmux.settle()
    trap = tmux.box.home / "X"
    names = ["we ird", "$(touch X)", "`touch X`", "it's \"quoted\"", "a;touch X", "a&&touch X", "#{pane_id} #(touch X)", "back\\slash",
             "%3 !! *", "tab\there", "{a,b}", "~", "-x", "new\ntouch X\nline", "new\nX", "\u00fc\U0001f600"]
    (tmux.box.bin / "X").write_text(f"#!/bin/sh\ntouch {trap}\n") # a line of a name, taken for a command
    (tmux.box.bin / "X").chmod(0o755)
    for name in names:
        folder = tmux.box.home / name
        folder.mkdir()

        def seen(lines, folder=folder):
            return any(line["type"] == "tmux_pane_focus" and line.get("cwd") == str(folder) for line in lines)

        tmux("new-window", f"cd '{quoted(folder)}' && exec sleep 1000")
        pane = tmux.pane()
        if not seen(tmux.wait(seen, 1)) and not seen(tmux.settle()):
            # The hook came before the shell had changed its directory: come back to the pane.
            tmux("last-window")
            tmux.wait(lambda lines, pane=pane: not focused(pane)(lines))
            tmux("last-window")
        lines = tmux.wait(seen)
        case.ok(seen(lines), f"{name!r} is recorded literally", [line.get("cwd") for line in lines[-4:]])
        tmux("kill-pane", "-t", pane)
    strays = [path for path in (trap, tmux.box.home / "X", *tmux.box.home.rglob("X")) if path.exists()]
    case.equal(strays, [], "nothing was executed")
    case.equal(tmux.box.must("quarantine", "--json").json()["entries"], [], "nothing is refused")
    case.equal(tmux.complaints(), "", "no hook complained")


def quoted(path):
    return str(path).replace("'", "'\\''")


def hooks_of(tmux):
    """All hooks that call tt, wherever they are set."""
    text = "".join(tmux("show-hooks", flags) for flags in ("-g", "-gw"))
    return sorted(line.split(" ", 1)[1] + line.split("[")[0] for line in text.splitlines() if "ingest" in line or "@tt_" in line)


def twice(case):
    """Sourcing the fragment again gives each hook once, and leaves the user's own alone."""
    own = "set-hook -ga pane-focus-in 'set -g @mine 1'\nset-hook -ga after-select-pane 'set -g @other 1'\n"
    tmux = Tmux(case, f"{own}source-file {FRAGMENT}\n")
    tmux.attach()
    once = hooks_of(tmux)
    case.ok(len(once) >= 6, "the hooks are set", once)
    case.equal(len(once), len(set(once)), "each of them once")
    for _ in range(3):
        tmux("source-file", str(FRAGMENT))
    case.equal(hooks_of(tmux), once, "sourcing it again changes nothing")
    text = tmux("show-hooks", "-g") + tmux("show-hooks", "-gw")
    case.ok("@mine" in text and "@other" in text, "the user's own hooks are still there", text)
    tmux.settle()
    before = len(tmux.lines())
    tmux("split-window")
    pane = tmux.pane()
    tmux.wait(focused(pane))
    lines = tmux.settle()[before:]
    case.equal([(line["type"], line["pane_id"]) for line in lines if line["type"] == "tmux_pane_focus"],
               [("tmux_pane_focus", pane)], "one move is one event")
    case.equal(tmux("show-options", "-gv", "focus-events").strip(), "on", "focus-events is on")


def setup(case):
    """`tt setup tmux` and back: the file is what it was, byte for byte."""
    tmux = Tmux(case)
    box = tmux.box
    originals = [None, b"", b"set -g mouse on\n", b"set -g mouse on", b"# ends in blank lines\n\n\n", b"\xff not utf-8 \\\n continued\r\n"]
    for original in originals:
        if original is not None:
            tmux.conf.write_bytes(original)
        box.must("setup", "tmux")
        added = tmux.conf.read_bytes()
        case.ok(added.startswith(original or b"") and added != original, f"{original!r}: added to", added)
        box.must("setup", "tmux")
        case.equal(tmux.conf.read_bytes(), added, f"{original!r}: twice changes nothing")
        box.must("setup", "tmux", "--remove")
        case.equal(tmux.conf.read_bytes() if tmux.conf.exists() else None, original, f"{original!r}: --remove gives it back")
        box.must("setup", "tmux", "--remove")
        case.equal(tmux.conf.read_bytes() if tmux.conf.exists() else None, original, f"{original!r}: also twice")
        if tmux.conf.exists():
            tmux.conf.unlink()
    box.must("setup", "tmux")
    case.equal((box.home / ".config/tt/tmux.conf").read_bytes(), FRAGMENT.read_bytes(), "the fragment is the shipped one")
    box.must("setup", "tmux", "--remove")
    target = box.home / "dotfiles.conf"
    target.write_text("set -g status off\n")
    target.chmod(0o640)
    tmux.conf.symlink_to(target)
    box.must("setup", "tmux")
    case.ok(tmux.conf.is_symlink() and target.stat().st_mode & 0o777 == 0o640, "a link stays a link, with its permissions")
    tmux.attach()
    pane = tmux.pane()
    case.ok(focused(pane)(tmux.wait(focused(pane))), "a server that starts with it records", tmux.lines())
    box.must("setup", "tmux", "--remove")
    case.equal((target.read_text(), tmux.conf.is_symlink()), ("set -g status off\n", True), "the link's target is what it was")


def running(case):
    """`tt setup tmux` beside a running server: it records from then on."""
    tmux = Tmux(case, "set -g status off\n")
    tmux.attach()
    case.equal((hooks_of(tmux), tmux.lines()), ([], []), "before: no hooks")
    steps = {step["step"]: step["status"] for step in tmux.box.must("setup", "tmux", "--json").json()["steps"]}
    case.equal(steps.get("server"), "done", "the running server was told")
    tmux("split-window")
    pane = tmux.pane()
    case.ok(focused(pane)(tmux.wait(focused(pane))), "and records", tmux.lines())
    case.equal(os.stat(tmux.conf).st_mode & 0o777, 0o644, "the file's permissions stay")


run([focus, hostile, twice, setup, running])

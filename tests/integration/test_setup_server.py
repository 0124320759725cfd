#!/usr/bin/env python3
"""`tt setup server`: a server from nothing, with a real PostgreSQL and, in systemd's place, a program that starts the unit's command.

    test_setup_server.py TT [FUNCTION…]

systemctl, runuser and useradd stand in the PATH: systemctl reads the unit that was written and runs what stands in it; each notes how it was
called, and fails when the test wants it to.
"""
import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import pg  # noqa: E402
from lib import Skip, Terminal, run  # noqa: E402

ME = pwd.getpwuid(os.geteuid()).pw_name
STEPS = ["account", "store", "config", "key", "unit", "server"]
HEAD = """#!/bin/sh
# Stands in for {name}.
echo "$@" >>'{top}/{name}.calls'
if [ -e '{top}/{name}.fails' ]; then
	cat '{top}/{name}.fails' >&2
	exit 1
fi
"""
SYSTEMCTL = """unit='{unit}' pid='{top}/server.pid'
runs() {{ [ -e "$pid" ] && kill -0 "$(cat "$pid")" 2>/dev/null; }}
end() {{ if runs; then kill "$(cat "$pid")"; while runs; do sleep 0.05; done; fi; rm -f "$pid"; }}
case $1 in
is-enabled) [ -e '{top}/enabled' ] ;;
is-active) runs ;;
enable) touch '{top}/enabled' ;;
disable) rm -f '{top}/enabled'; end ;;
restart)
	end
	[ -e '{top}/silent' ] && exit 0
	eval "$(sed -n 's/^ExecStartPre=//p' "$unit")" >/dev/null || exit 1
	eval "exec $(sed -n 's/^ExecStart=//p' "$unit")" >'{top}/server.log' 2>&1 </dev/null &
	echo $! >"$pid"
	;;
esac
"""
# Everybody may do everything in the cluster of a test: it is asked as its administrator by the name alone.
RUNUSER = """shift 3
program=$1
shift
exec "$program" --username postgres "$@"
"""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class World:
    """A machine without systemd and without the server's account."""

    def __init__(self, case, **env):
        self.case = case
        self.box = case.machine("box", identity=False)
        self.top = case.top
        self.config = self.top / "etc/tt/config.toml"
        self.unit = self.top / "systemd/tidemark-server.service"
        self.state = self.box.home / ".local/state/tt/setup-server.json"
        self.store = self.top / "var/tt/tt.db"
        self.port = free_port()
        for name, text in (("systemctl", SYSTEMCTL), ("runuser", RUNUSER), ("useradd", "exit 0\n")):
            path = self.box.bin / name
            path.write_text((HEAD + text).format(name=name, top=self.top, unit=self.unit))
            path.chmod(0o755)
        self.box.env.update(env)
        case.cleanups.append(self.end)

    def end(self):
        pid = self.top / "server.pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGKILL)

    def options(self, **changes):
        words = {"store": f"sqlite:{self.store}", "listen": f"127.0.0.1:{self.port}", "email": "ann@example.org", "user": ME,
                 "config": self.config, "unit": self.unit, **changes}
        return [text for name, value in words.items() if value is not None for text in (f"--{name.replace('_', '-')}", str(value))]

    def setup(self, *words, **options):
        """`tt setup server --yes --json`: its steps by name, the key, everything."""
        result = self.box.tt("setup", "server", "--yes", "--json", *words, **options)
        answer = result.json() if result.out.startswith("{") else {}
        return {step["step"]: step["status"] for step in answer.get("steps", [])}, answer.get("key"), result

    def calls(self, name):
        path = self.top / f"{name}.calls"
        return path.read_text().splitlines() if path.exists() else []

    def fail(self, name, message):
        (self.top / f"{name}.fails").write_text(message + "\n")

    def mend(self, name):
        (self.top / f"{name}.fails").unlink()

    def unfinished(self):
        return json.loads(self.state.read_text())["step"]

    def files(self):
        """Everything that setup writes: content, permissions and when it was written."""
        return {path: (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns) for path in (self.config, self.unit) if path.exists()}

    def ask(self, path, key=None, scheme="http", context=None):
        request = urllib.request.Request(f"{scheme}://127.0.0.1:{self.port}{path}")
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                return answer.status
        except urllib.error.HTTPError as why:
            return why.code


def file_store(case):
    """A server over a file, from nothing; the second time changes nothing."""
    world = World(case)
    steps, key, result = world.setup(*world.options())
    case.equal(steps, {"account": "unchanged", "store": "done", "config": "done", "key": "done", "unit": "done", "systemd": "done",
                       "server": "done"}, f"every step is done {result}")
    case.equal(result.status, 0, "exit status")
    case.equal([world.ask("/api/0/buckets/"), world.ask("/api/0/buckets/", key)], [401, 200], "the key is asked for, and good")
    case.equal(world.config.stat().st_mode & 0o777, 0o640, "the configuration is not for everybody")
    case.equal(world.state.stat().st_mode & 0o777, 0o600, "and the state its owner's alone")
    case.equal(world.unfinished(), None, "nothing is left to do")
    for number in range(1, len(STEPS) + 1):
        case.ok(f"{number}/{len(STEPS)}  " in result.err, f"step {number} is spoken of", result.err)
    text = world.unit.read_text()
    case.ok("DynamicUser" not in text and f"User={ME}\n" in text and "@TT@" not in text, "the unit is whole", text)
    case.ok(f'ReadWritePaths="{world.store.parent}"\n' in text, "and lets the store be written", text)

    before, called = world.files(), len(world.calls("systemctl"))
    steps, key, result = world.setup()
    case.equal({name: status for name, status in steps.items() if name != "server"},
               dict.fromkeys(["account", "store", "config", "key", "unit", "systemd"], "unchanged"), "twice changes nothing")
    case.equal((key, result.status), (None, 0), "there is no second key")
    case.equal(world.files(), before, "the files are the same files")
    case.equal({call.split()[0] for call in world.calls("systemctl")[called:]}, {"show-environment", "is-active", "is-enabled"},
               "and systemd is only asked")

    steps, key, result = world.setup("--listen", f"127.0.0.1:{free_port()}")
    case.equal([steps[name] for name in ("config", "unit", "systemd", "server")], ["done", "unchanged", "done", "done"],
               "another address: the server is started again")


def undone(case):
    """--print changes nothing; --undo takes back what was written, and leaves what is stored."""
    world = World(case)
    steps, _, result = world.setup("--print", *world.options())
    case.equal(sorted(path.name for path in world.top.iterdir() if path.name not in ("box", "box.bin", "systemctl.calls")), [], "--print makes nothing")
    case.equal((steps["store"], steps["config"], steps["unit"], result.status), ("missing", "missing", "missing", 0), "and says what is missing")
    shown = world.box.must("setup", "server", "--print", *world.options()).out
    case.ok("ExecStart=" in shown and "serve.listen = " in shown, "and shows the files", shown)
    case.ok(not world.state.exists(), "and remembers nothing")

    world.config.parent.mkdir(parents=True)
    own = '# mine\n[report]\nday_start = "04:00"\n'
    world.config.write_text(own)
    _, key, _ = world.setup(*world.options())
    case.ok(world.config.read_text().endswith(own) and key, "what stood in the configuration stays", world.config.read_text())
    world.config.write_text(world.config.read_text().replace("[report]", "serve.rate = 77\n[report]"))
    steps, _, _ = world.setup()
    case.equal((steps["config"], steps["server"]), ("unchanged", "done"), "and so does what is added behind our part")
    case.equal(world.box.must("--config", str(world.config), "config", "--json").out.count('"value":"77"'), 1, "which counts")

    result = world.box.must("setup", "server", "--undo", "--json")
    case.equal({step["step"]: step["status"] for step in result.json()["steps"]}, {"unit": "done", "config": "done"}, "it is taken back")
    case.equal(world.config.read_text(), own.replace("[report]", "serve.rate = 77\n[report]"), "our part goes, theirs stays")
    case.ok(not world.unit.exists() and not world.state.exists() and world.store.exists(), "the events stay")
    case.ok(not (world.top / "server.pid").exists(), "the server has ended")
    result = world.box.must("setup", "server", "--undo", "--json", *world.options(store=None, listen=None, email=None))
    case.equal({step["status"] for step in result.json()["steps"]}, {"unchanged"}, "twice changes nothing")


def failures(case):
    """It fails at each step in turn, says so, and goes on from there with what was chosen."""
    world = World(case)

    def fails(step, word, *words):
        before = world.files()
        steps, key, result = world.setup(*words)
        case.equal((steps.get(step), result.status), ("failed", 1), f"it fails at {step}: {result}")
        case.ok(word in result.out and "goes on from here" in result.err, f"it says why: {word}", result)
        case.equal(world.unfinished(), step, "and remembers where")
        case.equal([name for name in STEPS[STEPS.index(step) + 1:] if name in steps], [], "what comes after is not tried")
        case.ok(step in ("unit", "server") or world.files() == before, "the files stay as they were")
        return key

    world.fail("useradd", "useradd: group tidemark-nobody exists")
    fails("account", "tidemark-nobody exists", *world.options(user="tidemark-nobody"))
    world.top.joinpath("var").write_text("in the way")
    fails("store", "Not a directory", "--user", ME)
    world.top.joinpath("var").unlink()
    world.config.parent.mkdir(parents=True)
    world.config.write_text("[serve]\nrate = 9\n")
    fails("config", "serve")
    case.equal(sorted(path.name for path in world.config.parent.iterdir()), ["config.toml"], "nothing is left beside it")
    world.config.unlink()
    world.unit.parent.mkdir(parents=True)
    world.unit.write_text("[Unit]\nDescription=somebody's\n")
    key = fails("unit", "was not written by this program")
    case.ok(key and key.startswith("tt_"), "a key that was made is shown although the rest failed")
    world.unit.unlink()
    (world.top / "silent").touch()
    fails("server", "nobody answers")
    (world.top / "silent").unlink()
    (world.top / "server.pid").unlink(missing_ok=True)
    steps, again, result = world.setup()
    case.equal((steps["unit"], steps["systemd"], steps["server"], result.status), ("unchanged", "done", "done", 0), f"it goes on to its end {result}")
    case.equal((again, world.ask("/api/0/buckets/", key)), (None, 200), "with the key of before")
    case.equal(world.unfinished(), None, "nothing is left to do")
    world.fail("systemctl", "no systemd")
    steps, _, result = world.setup()
    case.equal((steps["systemd"], steps["server"], result.status), ("skipped", "skipped", 0), "without systemd it says what to do")


def database(case):
    """Role and database are made on this machine; the password stands in the configuration and nowhere else."""
    with pg.cluster() as server:
        hba = server.data / "pg_hba.conf"
        rules = hba.read_text()
        hba.write_text("local all tidemark scram-sha-256\n" + rules)
        server.psql("SELECT pg_reload_conf()")
        world = World(case, PATH=f"{case.top}/box.bin:{pg.bindir()}:/usr/bin:/bin:/usr/sbin")
        url = f"postgresql://tidemark@/events?host={server.sockets}&port={server.port}"
        options = world.options(store=url)

        steps, _, result = world.setup(*options)
        case.equal((steps.get("store"), result.status), ("failed", 1), f"it makes none unless asked to {result}")
        case.ok("--make-database" in result.out, "it says that it could", result.out)
        server.psql("CREATE ROLE tidemark LOGIN")
        steps, _, result = world.setup("--make-database")
        case.equal((steps.get("store"), "is there already" in result.out), ("failed", True), f"another's role is left alone {result}")
        server.psql("DROP ROLE tidemark")

        steps, key, result = world.setup("--make-database")
        case.equal((steps.get("database"), steps.get("store"), steps.get("server"), result.status), ("done", "done", "done", 0),
                   f"role and database are made {result}")
        case.equal([world.ask("/api/0/buckets/"), world.ask("/api/0/buckets/", key)], [401, 200], "the server works with them")
        written = [line for line in world.config.read_text().splitlines() if line.startswith("store = ")][0].split('"')[1]
        password = written.split("tidemark:")[1].split("@")[0]
        case.ok(len(password) >= 32, "there is a password", written)
        case.equal(server.psql("SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls FROM pg_roles WHERE rolname = 'tidemark'"), "f",
                   "the role may nothing else")
        case.equal(server.psql("SELECT rolpassword LIKE 'SCRAM-SHA-256%' FROM pg_authid WHERE rolname = 'tidemark'"), "t", "its password is hashed")
        wrong = written.replace(password, "0" * len(password))
        case.ok(world.box.tt("serve", "users", env={"TT_STORE": wrong}).status != 0, "and is asked for")
        elsewhere = [world.state.read_text(), result.out, result.err, server.log(), world.unit.read_text(), *world.calls("runuser"), *world.calls("systemctl")]
        case.equal([text for text in elsewhere if password in text], [], "it stands in the configuration alone")

        before = world.files()
        steps, again, result = world.setup()
        case.equal((world.files() == before, again, steps["config"], "database" in steps, result.status), (True, None, "unchanged", False, 0),
                   f"twice changes nothing {result}")

        # Cut short between the role and the configuration, the password is lost: the role, which is ours, gets another.
        world.config.unlink()
        steps, again, result = world.setup()
        case.equal((steps.get("database"), steps["server"], again, result.status), ("done", "done", None, 0), f"it goes on {result}")
        case.ok(password not in world.config.read_text(), "with another password")

        world.box.must("--config", str(world.config), "serve", "revoke", "ann@example.org")
        server.psql("ALTER DATABASE events SET default_transaction_read_only = on")
        server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'events'")
        _, key, result = world.setup()
        case.equal((result.status, world.unfinished() in ("store", "key"), key), (1, True, None), f"a database that takes nothing {result}")
        server.psql("ALTER DATABASE events RESET default_transaction_read_only")
        server.stop()
        steps, _, result = world.setup()
        case.equal((steps.get("store"), result.status), ("failed", 1), f"a database that is away {result}")
        server.start()
        steps, key, result = world.setup()
        case.equal((steps["key"], steps["server"], result.status, world.ask("/api/0/buckets/", key)), ("done", "done", 0, 200), f"and is back {result}")


def asked(case):
    """A person is asked; what was wrong is asked again; the next time begins where it ended."""
    world = World(case)
    end = ["--user", ME, "--config", str(world.config), "--unit", str(world.unit)]
    silent = world.box.tt("setup", "server", *end)
    case.equal((silent.status, "--yes" in silent.err), (2, True), f"without a terminal nobody can be asked {silent}")

    world.top.joinpath("var").write_text("in the way")
    person = Terminal(world.box, world.box.bin / "tt", "setup", "server", *end)
    person.expect("[sqlite:/var/lib/tidemark/tt/tt.db]: ")
    person.type("elsewhere\n")
    person.expect("give sqlite:/PATH")
    person.type(f"sqlite:{world.store}\n")
    person.expect("[127.0.0.1:5600]: ")
    person.type(f"127.0.0.1:{world.port}\n")
    person.expect("e-mail address")
    person.type("ann\n")
    person.expect("that is no e-mail address")
    person.type("ann@example.org\n")
    case.equal(person.finish(), 1, "it ends at the store")
    case.equal(world.unfinished(), "store", "which it remembers")
    world.top.joinpath("var").unlink()
    person = Terminal(world.box, world.box.bin / "tt", "setup", "server", *end)
    person.expect("Last time it ended at the step 'store'")
    person.expect("Go on with what was chosen then? [Y/n]: ")
    person.type("\n")
    status = person.finish()
    case.equal(status, 0, f"it goes on without more questions {person.text.decode()}")
    case.equal(person.text.decode().count("tt_"), 1, "and shows the key once")
    person = Terminal(world.box, world.box.bin / "tt", "setup", "server", *end)
    person.expect(f"[sqlite:{world.store}]: ")
    person.type("\n")
    person.expect(f"[127.0.0.1:{world.port}]: ")
    person.type("\n")
    person.expect("[ann@example.org]: ")
    person.type("\n")
    case.equal((person.finish(), person.text.decode().count("unchanged")), (0, 6), f"what was chosen is what is offered {person.text.decode()}")


def certificates(case):
    """Where others can reach it, it has a certificate or a proxy."""
    if not shutil.which("openssl"):
        raise Skip("no openssl")
    world = World(case)
    options = world.options(listen=f"0.0.0.0:{world.port}")
    result = world.box.tt("setup", "server", "--yes", *options)
    case.equal((result.status, "--plain" in result.err), (2, True), f"neither is refused {result}")
    cert, key_file = world.top / "cert.pem", world.top / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", key_file, "-out", cert], check=True, capture_output=True)
    result = world.box.tt("setup", "server", "--yes", *options, "--tls-cert", str(cert))
    case.equal((result.status, "key" in result.err), (2, True), f"nor a certificate without its key {result}")
    steps, key, result = world.setup(*options, "--tls-cert", str(cert), "--tls-key", str(key_file))
    case.equal((steps.get("server"), result.status), ("done", 0), f"it is asked over TLS {result}")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    case.equal(world.ask("/api/0/buckets/", key, "https", context), 200, "and answers so")
    checked = world.box.must("--config", str(world.config), "serve", "check", "--json").json()
    case.equal(checked, {"servers": [{"url": f"https://127.0.0.1:{world.port}", "healthy": True, "ready": True, "error": None}]}, "tt serve check")
    world.box.must("setup", "server", "--undo")
    result = world.box.tt("--config", str(cert.with_name("none.toml")), "serve", "check")
    case.equal(result.status, 1, "a configuration that is not there")
    world.config.parent.mkdir(parents=True, exist_ok=True)
    world.config.write_text(f'serve.listen = ["127.0.0.1:{world.port}"]\n')
    result = world.box.tt("--config", str(world.config), "serve", "check", "--json")
    case.equal((result.status, result.json()["servers"][0]["healthy"]), (1, False), "a server that is not there")


if __name__ == "__main__":
    run([file_store, undone, failures, database, asked, certificates])

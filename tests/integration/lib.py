"""What the integration tests share: TAP, machines with homes of their own, a real sshd between them. Standard library only.

A test file names its test functions in a list and hands it to `run`. Each function gets a `Case`: a fresh directory, machines in it,
and `ok`, `equal`, `skip`. An exception is a failed check, and the next function goes on.

With TT_TEST_STORE=postgres every case has a database of its own in a PostgreSQL server of the program's, and every machine is a user of
it; otherwise each machine has its own SQLite file.
"""
import contextlib
import datetime
import fcntl
import json
import os
import pty
import random
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))

import pg  # noqa: E402

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
LIMIT_SECONDS = 120
EPOCH = datetime.datetime(2026, 2, 3, 9, 0, 0, tzinfo=datetime.timezone.utc)


def moment(seconds):
    """RFC 3339 of a moment in the tests' own day."""
    at = EPOCH + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def focus_line(machine_id, number, pane=None, cwd="/srv/acme/webapp"):
    """A focus event in wire form, for bulk."""
    pane = pane or f"%{number % 7}"
    at = moment(number)
    return json.dumps({
        "id": f"{machine_id}:remote.tmux:tmux_pane_focus:{at}:{pane}", "timestamp": at, "source": "remote.tmux",
        "type": "tmux_pane_focus", "cwd": cwd, "pane_id": pane, "tmux_session": "main", "window_index": 1,
    }, separators=(",", ":")) + "\n"


class Result:
    """What a command said."""

    def __init__(self, argv, status, out, err):
        self.argv = argv
        self.status = status
        self.out = out
        self.err = err

    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"{self.argv} -> {self.status}\n--- stdout\n{self.out[:3000]}\n--- stderr\n{self.err[:3000]}"


class Skip(Exception):
    """The rest of this function cannot be run here; the argument says why."""


class Machine:
    """One machine: a home, an identity (unless IDENTITY is false), and `tt` in the PATH."""

    def __init__(self, case, name, identity=True):
        self.case = case
        self.name = name
        self.home = case.top / name
        self.bin = case.top / f"{name}.bin"
        self.data = self.home / ".local/share/tt"
        self.store = self.data / "tt.db"
        self.journal = self.data / "events.jsonl"
        self.home.mkdir()
        self.bin.mkdir()
        (self.bin / "tt").symlink_to(case.tt)
        self.env = {
            "HOME": str(self.home), "PATH": f"{self.bin}:{SYSTEM_PATH}", "TZ": "UTC", "LANG": "C.UTF-8",
            "TT_SERVE_ON_START": "false",  # the usual port is one, and tests are many: test_serve.py has the daemon serve
            "TMPDIR": str(case.top), "TERM": "xterm", "USER": os.environ.get("USER", "root"), "SHELL": "/bin/sh",
        }
        # A sanitizer's finding is a failure, not a remark.
        self.env["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"
        self.env.update((name, os.environ[name]) for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ)
        self.id = None
        if case.database:
            self.use(case.database, f"{name}@example.org")
        if identity:
            self.init()

    def use(self, database, email):
        """Work in DATABASE, a URL, as the user EMAIL, who is made if need be."""
        self.env.update(TT_STORE=database, TT_USER=email)
        self.must("serve", "generate-key", "--email", email, "--json")

    def init(self):
        self.id = self.must("init", "--label", f"{self.name}-own", "--json").json()["machine_id"]

    def popen(self, *argv, env=None, **options):
        return subprocess.Popen([str(word) for word in argv], env={**self.env, **(env or {})}, cwd=self.home,
                                stdin=options.pop("stdin", subprocess.DEVNULL), **options)

    def start(self, *words, **options):
        """Start `tt WORDS`."""
        return self.popen(self.bin / "tt", *words, **options)

    def tt(self, *words, stdin=None, env=None, limit=LIMIT_SECONDS, **options):
        """Run `tt WORDS` to its end."""
        source = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        child = self.start(*words, env=env, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        try:
            out, err = child.communicate(stdin, timeout=limit)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            raise AssertionError(f"tt {' '.join(map(str, words))} did not end within {limit} s") from None
        return Result(["tt", *map(str, words)], child.returncode, out.decode("utf-8", "surrogateescape"),
                      err.decode("utf-8", "replace"))

    def must(self, *words, **options):
        """Run `tt WORDS`, which must succeed."""
        result = self.tt(*words, **options)
        assert result.status == 0, f"expected success: {result}"
        return result

    def focus(self, number, pane=None, cwd="/srv/acme/webapp"):
        """One hook call, at its own moment."""
        return self.must("ingest", "pane-focus", "--pane", pane or f"%{number % 7}", "--cwd", cwd, "--session", "main",
                         "--window", "1", env={"TT_NOW": moment(number)})

    def bulk(self, first, count):
        """Many events at once, through import."""
        text = "".join(focus_line(self.id, number) for number in range(first, first + count))
        self.must("import", stdin=text.encode())

    def events(self):
        return self.must("events").out

    def ids(self):
        return [json.loads(line)["id"] for line in self.events().splitlines()]

    def verified(self):
        """Is the store sound? Its text otherwise."""
        result = self.tt("verify")
        return result.status == 0, str(result)

    def forget_store(self):
        for path in self.data.glob("tt.db*"):
            path.unlink()

    def sync(self, *names, **options):
        """(exit status, the row of each remote by name, everything) of `tt sync --json NAMES`."""
        result = self.tt("sync", "--json", *names, **options)
        rows = {row["name"]: row for row in result.json().get("remotes", [])} if result.out.startswith("{") else {}
        return result.status, rows, result

    def transcript(self, session, first, count, project="webapp"):
        """COUNT records appended to a Claude Code transcript: prompts and answers with a tool call, two a turn."""
        folder = self.home / ".claude/projects" / f"-srv-acme-{project}"
        folder.mkdir(parents=True, exist_ok=True)
        common = {"isSidechain": False, "userType": "external", "cwd": f"/srv/acme/{project}", "sessionId": session,
                  "version": "2.1.85", "gitBranch": "main"}
        with open(folder / f"{session}.jsonl", "a", encoding="utf-8") as file:
            for number in range(first, first + count):
                record = {**common, "uuid": f"{session[:8]}-0000-4000-8000-{number:012d}", "timestamp": moment(number)}
                if number % 2 == 0:
                    record.update(type="user", message={"role": "user", "content": f"please do step {number}"})
                else:
                    record.update(type="assistant", requestId=f"req_{session[:8]}_{number}", message={
                        "id": f"msg_{session[:8]}_{number}", "type": "message", "role": "assistant",
                        "model": "claude-sonnet-4-5-20250929", "stop_reason": "tool_use", "stop_sequence": None,
                        "content": [{"type": "tool_use", "id": f"toolu_{session[:8]}_{number}", "name": "Edit",
                                     "input": {"file_path": f"/srv/acme/{project}/src/{number % 5}.c"}}],
                        "usage": {"input_tokens": 10, "output_tokens": 20, "cache_creation_input_tokens": 5,
                                  "cache_read_input_tokens": 100}})
                file.write(json.dumps(record, separators=(",", ":")) + "\n")


def session_id(number):
    return f"{number:08x}-1111-4222-8333-444455556666"


def without_revisions(events):
    """Events of `tt events` with their revisions taken out: how often a session's facts were corrected on the way depends on the
    moments at which they were looked at, what they say in the end does not."""
    lines = []
    for line in events.splitlines():
        event = json.loads(line)
        event.pop("revision", None)
        lines.append(json.dumps(event))
    return lines


class SshNetwork:
    """A real sshd on a loopback port, and an `ssh` in the PATH that only adds a private configuration to the real one.

    Every machine has a key of its own, which is bound to a forced command: it sets the machine's home and PATH and then runs what was
    asked for. `prelude` is shell text that runs before it; `asked` is what was asked for, call by call.
    """

    def __init__(self, case):
        for program in ("/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen"):
            if not os.path.exists(program):
                raise Skip(f"no {program}")
        self.case = case
        self.top = case.top / "ssh"
        self.top.mkdir(mode=0o700)
        self.config = self.top / "config"
        self.authorized = self.top / "authorized_keys"
        self.authorized.touch(mode=0o600)
        self.user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        self._key("host")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._write_config()
        self._start()

    def _key(self, name):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.top / name)], check=True)
        return (self.top / f"{name}.pub").read_text().strip()

    def _write_config(self):
        host_key = (self.top / "host.pub").read_text().split()
        known = self.top / "known_hosts"
        known.write_text(f"[127.0.0.1]:{self.port} {host_key[0]} {host_key[1]}\n")
        self.config.write_text(
            f"Host nowhere\n  HostName 127.0.0.1\n  Port 1\n"
            f"Host *\n  HostName 127.0.0.1\n  Port {self.port}\n  User {self.user}\n  UserKnownHostsFile {known}\n"
            "  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  IdentitiesOnly yes\n  IdentityAgent none\n"
            "  LogLevel ERROR\n")
        self.bin = self.top / "bin"
        self.bin.mkdir()
        wrapper = self.bin / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F "{self.config}" "$@"\n')
        wrapper.chmod(0o755)

    def _start(self):
        config = self.top / "sshd_config"
        config.write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self.top}/host\nAuthorizedKeysFile {self.authorized}\n"
            f"PidFile {self.top}/pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "PermitRootLogin prohibit-password\nPrintMotd no\nMaxStartups 100\n")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        self.log = open(self.top / "log", "wb")
        self.daemon = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL,
                                       stdout=self.log, stderr=self.log)
        self.case.cleanups.append(self.stop)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.daemon.poll() is not None:
                raise Skip(f"sshd does not run here: {(self.top / 'log').read_text()[:500]}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise AssertionError("sshd does not listen")

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait()
        self.log.close()

    def attach(self, machine, *aliases):
        """Make MACHINE answer under its name and ALIASES."""
        public = self._key(machine.name)
        command = self.top / f"{machine.name}.sh"
        (self.top / f"{machine.name}.prelude").touch()
        exports = "".join(f"export {key}='{value}'\n" for key, value in machine.env.items())
        command.write_text(
            f'#!/bin/sh\n{exports}cd "$HOME"\nprintf "%s\\n" "$SSH_ORIGINAL_COMMAND" >>"{self.top}/{machine.name}.asked"\n'
            f'. "{self.top}/{machine.name}.prelude"\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n')
        command.chmod(0o755)
        with open(self.authorized, "a", encoding="utf-8") as file:
            file.write(f'command="{command}",restrict {public}\n')
        for alias in (machine.name, *aliases):
            self.point(alias, machine)

    def point(self, alias, machine):
        """Let ALIAS lead to MACHINE from now on."""
        text = self.config.read_text()
        block = f"Host {alias}\n  IdentityFile {self.top}/{machine.name}\n"
        while f"Host {alias}\n" in text:
            at = text.index(f"Host {alias}\n")
            end = text.index("Host ", at + 5)
            text = text[:at] + text[end:]
        self.config.write_text(block + text)

    def prelude(self, machine, text):
        (self.top / f"{machine.name}.prelude").write_text(text + "\n")

    def asked(self, machine):
        path = self.top / f"{machine.name}.asked"
        return path.read_text().splitlines() if path.exists() else []

    def join(self, machine):
        """Let MACHINE use this network's ssh."""
        machine.env["PATH"] = f"{self.bin}:{machine.env['PATH']}"


class Terminal:
    """A pseudo-terminal with a command on it; OUT is a pipe when the command's standard output shall be none."""

    def __init__(self, machine, *argv, stdout=None, size=(50, 160), env=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, __import__("struct").pack("HHHH", *size, 0, 0))
        self.text = b""
        self.child = machine.popen(*argv, stdin=slave, stdout=slave if stdout is None else stdout, stderr=slave,
                                   start_new_session=True, env=env)
        os.close(slave)

    def read(self, seconds):
        """What came within SECONDS, at most."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            got = os.read(self.master, 65536)
        except OSError:
            return False
        self.text += got
        return bool(got)

    def expect(self, text, limit=30):
        deadline = time.monotonic() + limit
        while text.encode() not in self.text:
            left = deadline - time.monotonic()
            assert left > 0 and (self.read(min(left, 1)) or self.child.poll() is None), \
                f"'{text}' did not come, but {self.text!r}"

    def type(self, text):
        os.write(self.master, text.encode())

    def finish(self, limit=60):
        """Exit status, at the end of the command."""
        deadline = time.monotonic() + limit
        while self.child.poll() is None and time.monotonic() < deadline:
            self.read(0.05)
        while self.read(0.05):
            pass
        os.close(self.master)
        if self.child.poll() is None:
            self.child.kill()
        return self.child.wait()


class Case:
    """One test function's world."""

    def __init__(self, suite, name):
        self.suite = suite
        self.tt = suite.tt
        self.top = Path(tempfile.mkdtemp(prefix=f"tt-{name}-", dir=suite.place))
        self.cleanups = []
        self.database = suite.make_database()

    def ok(self, condition, what, detail=""):
        self.suite.report(bool(condition), what, detail)
        return bool(condition)

    def equal(self, got, want, what):
        return self.ok(got == want, what, f"got  {str(got)[:2000]}\nwant {str(want)[:2000]}")

    def skip(self, what, why):
        self.suite.skip(what, why)

    def machine(self, name, identity=True):
        return Machine(self, name, identity)

    @property
    def sanitized(self):
        """Is it a build that a sanitizer watches? Such a one has memory of its own, which is not the program's."""
        return b"__asan_init" in self.tt.read_bytes()

    def close(self):
        for cleanup in reversed(self.cleanups):
            with contextlib.suppress(Exception):
                cleanup()
        shutil.rmtree(self.top, ignore_errors=True)


class Suite:
    def __init__(self, tt, place):
        self.tt = Path(tt).resolve()
        self.place = place
        self.count = 0
        self.failed = 0
        self.postgres = None  # the server, in which the stores are
        self.databases = 0

    def make_database(self):
        """The URL of a new one; None: stores are files."""
        if not self.postgres:
            return None
        self.databases += 1
        return self.postgres.make_database(f"case{self.databases}")

    def report(self, good, what, detail):
        self.count += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {' '.join(what.split())}")  # a line of TAP is one line
        if not good:
            self.failed += 1
            for line in str(detail).splitlines():
                print(f"#   {line}")
        sys.stdout.flush()

    def skip(self, what, why):
        self.count += 1
        print(f"ok {self.count} - {what} # SKIP {why}", flush=True)


def run(functions):
    """The body of every test file: `test_x.py TT [FUNCTION…]`."""
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} TT [FUNCTION…]")
    place = pg.memory()
    suite = Suite(sys.argv[1], place)
    chosen = [function for function in functions if len(sys.argv) == 2 or function.__name__ in sys.argv[2:]]
    if os.environ.get("TT_TEST_STORE") == "postgres":
        try:
            with pg.cluster() as suite.postgres:
                run_all(suite, chosen)
        except pg.Missing as why:
            sys.exit(pg.say_missing(why))
    else:
        run_all(suite, chosen)
    print(f"1..{suite.count}")
    sys.exit(1 if suite.failed else 0)


def run_all(suite, chosen):
    for function in chosen:
        began = time.monotonic()
        print(f"# {function.__name__}: {(function.__doc__ or '').splitlines()[0] if function.__doc__ else ''}", flush=True)
        case = Case(suite, function.__name__.replace("_", "-"))
        try:
            function(case)
        except (Skip, pg.Missing) as why:
            suite.skip(function.__name__, why)
        except Exception:
            suite.report(False, f"{function.__name__} ran to its end", traceback.format_exc())
        finally:
            case.close()
        print(f"# {function.__name__}: {time.monotonic() - began:.1f} s", flush=True)


def seeded(what):
    """A random number generator whose seed is printed; TT_TEST_SEED repeats it."""
    seed = int(os.environ.get("TT_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"# {what}: TT_TEST_SEED={seed}", flush=True)
    return random.Random(seed)


def limit_file_size(limit_bytes):
    """For preexec_fn: no file may grow beyond LIMIT_BYTES, as on a full disk."""

    def set_limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    return set_limit


def kill_group(child):
    """End CHILD and what it started, at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()

"""Throw-away PostgreSQL clusters for tests: real servers of the system's own packages, in directories of their own, on unix sockets.

Nothing is left behind, whatever ends the process that made them: a server gets a signal when its maker dies, and a guardian removes
the directories then. PostgreSQL refuses to run as root, so root's servers run as the user `postgres`. The commands `initdb`, `psql`
and `pg_basebackup` are PostgreSQL's own.
"""
import contextlib
import ctypes
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

SUPERUSER = "postgres"
ROLE = "tt"  # neither superuser nor owner of anything but its databases: row-level security holds for it
START_SECONDS = 60
ROOM_BYTES = 2 << 30
PR_SET_PDEATHSIG = 1
# Nothing of a test needs to survive the machine; it must survive the server.
SETTINGS = {
    "listen_addresses": "", "fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB", "max_connections": "150",
    "min_wal_size": "32MB", "max_wal_size": "512MB", "log_min_messages": "warning", "log_line_prefix": "%m [%p] %u@%d ",
    "timezone": "UTC", "autovacuum_naptime": "5s", "dynamic_shared_memory_type": "mmap",
}


class Missing(Exception):
    """There is no PostgreSQL that could be started here; the argument says why."""


def say_missing(why):
    """A test program's whole output where there is no PostgreSQL, and its exit status: no test of it is left out in CI."""
    text = " ".join(str(why).split())
    if os.environ.get("CI"):
        print(f"TAP version 13\n1..1\nnot ok 1 - PostgreSQL is there\n# {text}", flush=True)
        return 1
    print(f"1..0 # SKIP {text}", flush=True)
    return 0


def bindir():
    """Where PostgreSQL's programs are: the newest of Debian's, or those in the PATH."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0)
    for program in ("initdb", "postgres"):
        if shutil.which(program):
            return Path(shutil.which(program)).resolve().parent
    raise Missing("PostgreSQL's programs are not installed")


def owner():
    """Arguments of subprocess.Popen for a process that PostgreSQL accepts, and whose files are whose."""
    if os.geteuid() != 0:
        return {}
    for name in (SUPERUSER, "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise Missing("there is no user that PostgreSQL could run as")


def run(*argv, **options):
    """One of PostgreSQL's programs, as the servers' owner; what it wrote."""
    done = subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          cwd="/", check=False, env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}, **{**owner(), **options})
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))} -> {done.returncode}: {text}")
    return text


def die_with_parent(how=signal.SIGQUIT):
    """In a new process: an end when the one that started it is gone; SIGQUIT is a server's immediate shutdown."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)


def memory():
    """A directory in memory, with room for some servers; None where there is none: containers often have 64 MB."""
    with contextlib.suppress(OSError):
        room = os.statvfs("/dev/shm")
        if os.access("/dev/shm", os.W_OK) and room.f_bavail * room.f_frsize >= ROOM_BYTES:
            return "/dev/shm"
    return None


class Place:
    """A directory that vanishes with this process. In memory where that can be."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="tt-pg-", dir=os.environ.get("TMPDIR") or memory()))
        self.path.chmod(0o755)
        if "user" in owner():
            os.chown(self.path, owner()["user"], owner()["group"])
        read_end, self.alive = os.pipe()
        self.guardian = os.fork()
        if self.guardian == 0:
            self.guard(read_end)
        os.close(read_end)

    def guard(self, read_end):
        """The other end of the pipe closes when the process ends, however it ends."""
        try:
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            with open(os.devnull, "r+b") as null:
                for number in (0, 1, 2):
                    os.dup2(null.fileno(), number)
            os.closerange(3, read_end)
            os.closerange(read_end + 1, 1024)
            os.read(read_end, 1)
            deadline = time.monotonic() + START_SECONDS
            while any(self.path.glob("*/postmaster.pid")) and time.monotonic() < deadline:
                time.sleep(0.05)
                self.end_orphans()
            shutil.rmtree(self.path, ignore_errors=True)
        finally:
            os._exit(0)

    def end_orphans(self):
        """A server without its maker ends by itself; one that was killed leaves only its file."""
        for file in self.path.glob("*/postmaster.pid"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                pid = int(file.read_text().splitlines()[0])
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 0)
                    continue
                file.unlink()

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.alive)
        os.waitpid(self.guardian, 0)


def initdb(data):
    run(bindir() / "initdb", "-D", data, "-A", "trust", "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions",
        "--wal-segsize=4")


def copy_tree(source, target):
    shutil.copytree(source, target, symlinks=True)
    if "user" not in owner():
        return
    for folder, _, names in os.walk(target):
        for path in [folder, *(os.path.join(folder, name) for name in names)]:
            os.chown(path, owner()["user"], owner()["group"], follow_symlinks=False)


def make_data(data, place):
    """A new data directory. With TT_PG_CACHE a copy of the one that was made first: a tenth of initdb's time."""
    cache = os.environ.get("TT_PG_CACHE")
    if not cache:
        initdb(data)
        return
    kept = Path(cache) / bindir().parent.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{kept}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            fresh = place / "fresh"
            initdb(fresh)
            partial = Path(f"{kept}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(fresh, partial, symlinks=True)
            partial.rename(kept)
            shutil.rmtree(fresh)
    copy_tree(kept, data)
    data.chmod(0o700)


class Cluster:
    """One server in PLACE. SETTINGS of postgresql.conf as keywords."""

    def __init__(self, place, name="main", **settings):
        self.place = Path(place)
        self.name = name
        self.data = self.place / name
        self.sockets = self.place  # short: a socket's path has at most 107 bytes
        self.port = 5432 + sum(1 for _ in self.place.glob("*/PG_VERSION"))
        self.settings = {**SETTINGS, **settings}
        self.child = None

    def init(self):
        make_data(self.data, self.place)
        return self

    def init_standby_of(self, primary, slot):
        """Copied from PRIMARY while it runs, and following it from then on under the name SLOT."""
        run(bindir() / "pg_basebackup", "-D", self.data, "-h", primary.sockets, "-p", primary.port, "-U", SUPERUSER, "--no-sync",
            "-c", "fast", "-X", "stream", "-C", "-S", slot, "-R",
            "-d", f"host={primary.sockets} port={primary.port} user={SUPERUSER} application_name={slot}")
        return self

    def start(self):
        words = []
        settings = {**self.settings, "unix_socket_directories": str(self.sockets), "port": str(self.port)}
        for key, value in settings.items():
            words += ["-c", f"{key}={value}"]
        with open(self.place / f"{self.name}.log", "ab") as log:
            self.child = subprocess.Popen([bindir() / "postgres", "-D", self.data, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          cwd="/", env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                                          start_new_session=True, preexec_fn=die_with_parent, **owner())
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.child.poll() is not None or time.monotonic() > deadline:
                raise Missing(f"PostgreSQL does not start here: {self.log()[-2000:]}")
            time.sleep(0.02)
        return self

    def answers(self):
        """Does it take connections?"""
        status = self.data / "postmaster.pid"
        with contextlib.suppress(OSError, IndexError):
            return status.read_text(encoding="ascii").splitlines()[7].strip() in ("ready", "standby")
        return False

    def log(self):
        return (self.place / f"{self.name}.log").read_text(encoding="utf-8", errors="replace")

    def signal(self, number):
        if self.child and self.child.poll() is None:
            self.child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(START_SECONDS)

    def stop(self):
        """At once, and properly; start() goes on with the same data."""
        self.signal(signal.SIGINT)

    def kill(self):
        """kill -9: its sessions' processes notice that it is gone."""
        self.signal(signal.SIGKILL)

    def promote(self):
        """Let a standby become a primary; returns when it takes writes."""
        self.psql("SELECT pg_promote(true, 60)")

    def psql(self, sql, database="postgres", user=SUPERUSER):
        """What SQL says: rows as lines, columns with | between."""
        return run(bindir() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.sockets, "-p", self.port, "-U", user,
                   "-d", database, "-c", sql).strip()

    def make_role(self):
        self.psql(f"CREATE ROLE {ROLE} LOGIN CREATEDB NOBYPASSRLS")

    def make_database(self, name):
        """A new database of ROLE's; its URL."""
        self.psql(f"CREATE DATABASE {name} OWNER {ROLE}")
        return self.url(name)

    def url(self, database, host=None, **options):
        """postgresql://…; OPTIONS are libpq's words."""
        words = {"host": host or self.sockets, "port": self.port, **options}
        return f"postgresql://{ROLE}@/{database}?" + "&".join(f"{key}={value}" for key, value in words.items())


@contextlib.contextmanager
def cluster(**settings):
    """A running server with ROLE in it."""
    bindir()
    owner()
    place = Place()
    server = None
    try:
        server = Cluster(place.path, **settings).init().start()
        server.make_role()
        yield server
    finally:
        if server:
            server.signal(signal.SIGQUIT)
        place.remove()

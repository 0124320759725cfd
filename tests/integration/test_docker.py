#!/usr/bin/env python3
"""Dockerfile and docker-compose.yml, as far as they can be held to something without an engine: their shell is shell, what they name is
there, what a container runs does what it says.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

from lib import ROOT, Skip, run

sys.path[:0] = [str(ROOT / "tests/packaging"), str(ROOT / "tests/lib")]
import dockerfile  # noqa: E402
import pg  # noqa: E402

VARIABLE = re.compile(r"\$\{(\w+)(?:(:?[-?])([^}]*))?\}")
EXAMPLE = re.compile(r"(#?)([A-Z][A-Z0-9_]*)=(.*)")


def compose():
    try:
        import yaml
    except ImportError:
        raise Skip("no python3-yaml") from None
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    return text, yaml.safe_load(text)


def known_keys(box):
    return {"TT_" + re.sub(r"[.-]", "_", row["key"]).upper() for row in box.must("config", "--json").json()["values"]}


def image():
    """The environment of the image, and its steps by word."""
    steps = dockerfile.parse(ROOT / "Dockerfile")
    last = [step for step in steps if step.stage == steps[-1].stage]
    return steps, dict(pair for step in last if step.word == "ENV" for pair in step.pairs())


def test_steps(case):
    """Every step is well formed; what it names is there and is sent to the build."""
    steps, _ = image()
    ignore = dockerfile.Ignore(ROOT / ".dockerignore")
    case.equal([step.word for step in steps].count("FROM"), 2, "there are two stages")
    for step in (step for step in steps if step.word == "RUN"):
        done = subprocess.run(["sh", "-n", "-c", step.rest], capture_output=True, text=True, check=False)
        case.ok(done.returncode == 0 and not done.stderr, f"line {step.line}: RUN is shell", done.stderr)
    for step in (step for step in steps if step.word == "COPY" and "from" not in step.flags):
        for name in step.words()[:-1]:
            there = (ROOT / name).exists() and (name == "." or not ignore.leaves_out(name))
            case.ok(there, f"line {step.line}: {name} is there, and not ignored")
    for name in ("Dockerfile", ".env", ".git/config", "build/build.ninja", "build-asan/x", "issues.txt"):
        case.ok(ignore.leaves_out(name), f"{name} is not sent to the build")
    for name in ("src/cli/main.c", "packaging/deb/build", "tests/meson.build", "meson.build", "docs/serving.md", "tools/check-layers"):
        case.ok(not ignore.leaves_out(name), f"{name} is")


def test_image(case):
    """What the image runs is in it; it runs as nobody special; what it sets is known."""
    steps, env = image()
    box = case.machine("box", identity=False)
    copied = {f"{step.words()[-1]}{name.rsplit('/', 1)[-1]}" for step in steps if step.word == "COPY" for name in step.words()[:-1]}
    entry = next(step for step in steps if step.word == "ENTRYPOINT").words()
    health = next(step for step in steps if step.word == "HEALTHCHECK").rest.split("CMD", 1)[1]
    case.ok(entry[0] in copied, "the entry is copied into the image", copied)
    case.ok(health.strip(' []"') in copied, "so is the check of its health", copied)
    user = [step.rest for step in steps if step.word == "USER"][-1]
    case.ok(user.split(":")[0].isdigit() and user.split(":")[0] != "0", "it does not run as root")
    uid = re.search(r"--uid (\d+)", " ".join(step.rest for step in steps if step.word == "RUN")).group(1)
    case.equal(user, f"{uid}:{uid}", "it runs as the user it makes")
    case.equal({name for name in env if name.startswith("TT_")} - known_keys(box), set(), "it sets nothing that is not known")
    place = env["TT_SERVE_LISTEN"].rsplit(":", 1)[1]
    case.ok(any(step.word == "EXPOSE" and step.rest == place for step in steps), "it exposes the port it listens on")
    volume = next(step.rest for step in steps if step.word == "VOLUME")
    case.ok(env["XDG_DATA_HOME"] == env["XDG_STATE_HOME"] == volume, "what it stores is in the volume")
    told = box.must("config", "--json", env={name: value for name, value in env.items() if name.startswith("TT_")}).json()
    told = {row["key"]: row["value"] for row in told["values"]}
    case.equal((told["serve.require_key"], told["serve.plain"]), ("true", "true"), "everybody needs a key; TLS is the proxy's")


class Container:
    """packaging/docker/start as the image has it, but in a directory of the test's and on a port of its own."""

    def __init__(self, case):
        _, env = image()
        self.box = case.machine("box", identity=False)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.env = {**env, **{name: str(self.box.home) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")},
                    "TT_SERVE_LISTEN": f"127.0.0.1:{self.port}"}
        self.child = None
        case.cleanups.append(self.kill)

    def run(self, script, *words, **options):
        return self.box.popen(ROOT / "packaging/docker" / script, *words, env=self.env, stderr=subprocess.PIPE, **options)

    def healthy(self):
        child = self.run("healthy")
        child.communicate(timeout=20)
        return child.returncode == 0

    def kill(self):
        if self.child:
            self.child.kill()
            self.child.wait()

    def status(self, key=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/0/buckets/", headers={"Authorization": f"Bearer {key}"} if key else {})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as answer:
            return answer.code


def test_container(case):
    """What a container runs: it makes keys, serves, is healthy while it does, and ends well."""
    there = Container(case)
    made = there.run("start", "generate-key", "--email", "ann@example.org", stdout=subprocess.PIPE)
    key = made.communicate(timeout=60)[0].decode().strip()
    case.ok(made.returncode == 0 and re.fullmatch(r"tt_[0-9a-f]{64}", key), "words behind the image's name are those of 'tt serve'", key)
    case.ok(not there.healthy(), "without a server it is not healthy")
    there.child = there.run("start", "--json", stdout=subprocess.PIPE)
    case.ok(there.child.stdout.readline().startswith(b'{"pid"'), "it serves")
    case.ok(there.healthy(), "it is healthy then")
    case.equal(there.status(), 401, "nobody is let in without a key, on this machine neither")
    case.equal(there.status(key), 200, "with the key everything is there")
    there.child.send_signal(signal.SIGTERM)
    case.equal(there.child.wait(40), 0, "the signal reaches the server, which ends well")
    case.ok(not there.healthy(), "and is not healthy any more")


def test_health_means_answers(case):
    """A server that takes connections but does not say that it is well is not healthy."""
    there = Container(case)
    for what, answer, good in (("200", b"HTTP/1.1 200 OK\r\n\r\n", True), ("503", b"HTTP/1.1 503 Away\r\n\r\n", False), ("nothing", b"", False),
                               ("something else", b"SSH-2.0-x 200 x\r\n", False)):
        with socket.create_server(("127.0.0.1", there.port)) as server:
            child = there.run("healthy")
            peer, _ = server.accept()
            with peer:
                asked = b""
                while not asked.endswith(b"\r\n\r\n"):  # closing before all is read would reset the connection
                    asked += peer.recv(4096)
                peer.sendall(answer)
            child.communicate(timeout=20)
        case.equal(child.returncode == 0, good, f"{what} is {'' if good else 'not '}healthy")


def test_compose(case):
    """docker-compose.yml names what is there."""
    text, told = compose()
    services, volumes = told["services"], set(told["volumes"])
    box = case.machine("box", identity=False)
    for name, service in services.items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            case.ok(source in volumes or (source.startswith("./") and (ROOT / source).is_file()), f"{name}: {source} is there")
        for other, how in service.get("depends_on", {}).items():
            case.ok(other in services and (how["condition"] != "service_healthy" or "healthcheck" in services[other]), f"{name} waits for {other}")
        for key in ("cpus", "memory"):
            case.ok(service["deploy"]["resources"]["limits"][key], f"{name}: {key} is limited")
    env = services["server"]["environment"]
    case.equal({key for key in env if key.startswith("TT_")} - known_keys(box), set(), "the server is told nothing that is not known")
    url = re.fullmatch(r"postgresql://(\w+)@(\w+):5432/(\w+)", env["TT_STORE"])
    case.ok(url and url.group(2) in services, "the store is a database of these services, and its password in no URL", env["TT_STORE"])
    case.equal(VARIABLE.match(env["PGPASSWORD"]).group(1), VARIABLE.match(services["db"]["environment"]["TIDEMARK_DB_PASSWORD"]).group(1),
               "both know the same password")
    script = (ROOT / "packaging/docker/database").read_text(encoding="utf-8")
    case.ok(f"CREATE ROLE {url.group(1)} " in script and f"CREATE DATABASE {url.group(3)} " in script, "its role and database are made")
    case.ok(all(word in services["db"]["healthcheck"]["test"] for word in (f"--username={url.group(1)}", f"--dbname={url.group(3)}")),
            "and waited for")
    exposed = next(step.rest for step in image()[0] if step.word == "EXPOSE")
    case.ok(all(port.endswith(":" + exposed) for port in services["server"]["ports"]), "the port is the image's")


def test_example(case):
    """.env.example has every variable of docker-compose.yml, with the same default, and no other."""
    text, _ = compose()
    used = {found.group(1): (found.group(2), found.group(3)) for line in text.splitlines() if not line.lstrip().startswith("#")
            for found in VARIABLE.finditer(line)}
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    shown = {found.group(2): (found.group(1), found.group(3)) for found in map(EXAMPLE.fullmatch, lines) if found}
    case.equal(sorted(used), sorted(shown), "both name the same")
    for name, (how, value) in used.items():
        if how == ":?":
            case.equal(shown.get(name), ("", ""), f"{name} must be set, and is empty in the example")
        else:
            case.equal(shown.get(name), ("#", value), f"{name}: the value shown is the default")


def test_database(case):
    """The role and the database that a new volume gets."""
    try:
        with pg.cluster() as server:
            password = "it's \"$x\" \\ here"
            env = {**os.environ, "PATH": f"{pg.bindir()}:{os.environ['PATH']}", "PGHOST": str(server.sockets), "PGPORT": str(server.port),
                   "POSTGRES_USER": pg.SUPERUSER, "TIDEMARK_DB_PASSWORD": password}
            done = subprocess.run([ROOT / "packaging/docker/database"], env=env, capture_output=True, text=True, check=False)
            case.equal((done.returncode, done.stderr), (0, ""), "it is made without a word")
            rights = server.psql("SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = 'tidemark'")
            case.equal(rights, "t|f|f|f|f", "the role may log in, and nothing that walls do not hold")
            case.equal(server.psql("SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'tidemark'"),
                       "tidemark|UTF8", "the database is its own")
            server.psql("CREATE TABLE t (x int); ALTER TABLE t ENABLE ROW LEVEL SECURITY", database="tidemark", user="tidemark")
            case.equal(server.psql("SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'tidemark'"), "t", "the password is kept hashed")
            server.psql("CREATE ROLE stranger LOGIN")
            try:
                server.psql("SELECT 1", database="tidemark", user="stranger")
                case.ok(False, "others cannot connect")
            except RuntimeError as why:
                case.ok("permission denied" in str(why), "others cannot connect", why)
    except pg.Missing as why:
        raise Skip(why) from None


run([test_steps, test_image, test_container, test_health_means_answers, test_compose, test_example, test_database])

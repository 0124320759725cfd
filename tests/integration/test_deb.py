#!/usr/bin/env python3
"""The Debian package: made in a clean copy of the tree, what is in it, what runs from it, and its whole life in a throw-away root."""
import atexit
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from pathlib import Path

from lib import ROOT, Skip, run

sys.path.insert(0, str(ROOT / "tests/packaging"))
import dockerfile  # noqa: E402

PROGRAMS = ("usr/bin/tt", "usr/libexec/tidemark/tt-serve", "usr/libexec/tidemark/tt-postgres")
CONTENT = {
    *PROGRAMS,
    "usr/sbin/tidemark-admin",
    "usr/lib/systemd/system/tidemark-server.service",
    "usr/lib/systemd/user/tidemark.service",
    "usr/share/bash-completion/completions/tt",
    "usr/share/fish/vendor_completions.d/tt.fish",
    "usr/share/zsh/vendor-completions/_tt",
    "usr/share/man/man1/tt.1.gz",
    "usr/share/man/man8/tidemark-admin.8.gz",
    "usr/share/tidemark/config.toml",
    "usr/share/tidemark/tmux/tt.conf",
    "usr/share/doc/tidemark/README.md",
    "usr/share/doc/tidemark/changelog.gz",
    "usr/share/doc/tidemark/changelog.Debian.gz",
    "usr/share/doc/tidemark/copyright",
}
made = {}


def lasting():
    """A directory that stays until the tests end."""
    place = tempfile.mkdtemp(prefix="tt-deb-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return Path(place)


def say(*argv, **options):
    return subprocess.run([str(word) for word in argv], check=True, capture_output=True, text=True, **options).stdout


def package():
    """(the package, what it unpacks to), made once, where it stays until the tests end."""
    if not made:
        if not shutil.which("dpkg-shlibdeps"):
            raise Skip("no dpkg-dev")
        place = lasting()
        tree = place / "a tree"
        dockerfile.copy_context(ROOT, tree)
        done = subprocess.run([tree / "packaging/deb/build", place / "out"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              cwd="/")
        assert done.returncode == 0, done.stdout[-5000:]
        deb = next((place / "out").glob("*.deb"))
        say("dpkg-deb", "-x", deb, place / "unpacked")
        made.update(place=place, deb=deb, root=place / "unpacked", said=done.stdout.splitlines()[-1])
    return made["deb"], made["root"]


def field(deb, name):
    return say("dpkg-deb", "-f", deb, name).strip()


def files(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def test_content(case):
    """It holds what it shall hold, and nothing of the tree it was made in."""
    deb, root = package()
    version = re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text(encoding="utf-8")).group(1)
    case.equal(field(deb, "Version").rsplit("-", 1)[0], version, "its version is the program's")
    case.equal(made["said"], str(deb), "what builds it says where it is")
    there = {name for name in files(root) if not re.fullmatch(r"usr/share/doc/tidemark/[\w-]+\.md|usr/lib/[^/]+/tidemark/libyyjson\.so\.0", name)}
    case.equal(sorted(there), sorted(CONTENT - {"usr/share/doc/tidemark/README.md"}), "its files are these")
    docs = {path.name for path in (ROOT / "docs").glob("*.md")} | {"README.md"}
    case.ok(docs <= {path.name for path in (root / "usr/share/doc/tidemark").iterdir()}, "the documents are in it")
    owners = {line.split()[1] for line in say("dpkg-deb", "-c", deb).splitlines()}
    case.equal(owners, {"root/root"}, "everything is root's")
    for name in PROGRAMS:
        content = (root / name).read_bytes()
        case.ok(str(made["place"]).encode() not in content and str(ROOT).encode() not in content, f"{name}: no path of the tree is in it")
        case.ok(b".debug_info" not in content, f"{name}: it is stripped")


def libraries(program):
    """Sonames that PROGRAM itself names."""
    return set(re.findall(r"\(NEEDED\).*\[(.*?)\]", say("readelf", "-d", program)))


def owners_of(program, own):
    """The packages that hold the libraries which PROGRAM itself names, as dpkg knows them, but for those in OWN."""
    paths = dict(re.findall(r"^\s+(\S+) => (\S+) \(", say("ldd", program), re.M))
    packages = set()
    for soname in libraries(program) - own:
        if soname.startswith("ld-linux"):
            continue  # libc6's, which every program names
        real = os.path.realpath(paths[soname])
        known = subprocess.run(["dpkg", "-S", real, real.removeprefix("/usr")], capture_output=True, text=True, check=False).stdout
        packages.add(known.split(":")[0])
    return packages


def test_depends(case):
    """It depends on the libraries that its programs name, and on nothing that they do not."""
    deb, root = package()
    own = {path.name for path in root.glob("usr/lib/*/tidemark/*.so.*")}
    named = set().union(*(owners_of(root / name, own) for name in PROGRAMS))
    depends = {word.split()[0] for word in field(deb, "Depends").split(",")}
    case.equal(sorted(depends - {"adduser", "tzdata"}), sorted(named), "its Depends are their packages")
    case.ok({"adduser", "tzdata"} <= depends, "and what else it uses")
    case.ok("libpq.so.5" in libraries(root / PROGRAMS[2]) and "libpq.so.5" not in libraries(root / PROGRAMS[0]), "libpq is tt-postgres's alone")


def test_texts(case):
    """Units, scripts, completions, manual pages and the configuration are what they claim to be."""
    deb, root = package()
    control = made["place"] / "control"
    if not control.exists():
        say("dpkg-deb", "-e", deb, control)
    for name in ("postinst", "prerm", "postrm"):
        case.ok(not say("sh", "-n", control / name), f"{name} is shell")
    for kind in ("system/tidemark-server.service", "user/tidemark.service"):
        unit = (root / "usr/lib/systemd" / kind).read_text(encoding="utf-8")
        programs = re.findall(r"^Exec\w+=(\S+)", unit, re.M)
        case.ok(programs and all((root / path.lstrip("/")).exists() or path == "/bin/kill" for path in programs), f"{kind} starts what is in the package", programs)
        case.ok(not re.search(r"@[A-Z]+@", unit), f"{kind}: nothing is left to fill in")
    server = (root / "usr/lib/systemd/system/tidemark-server.service").read_text(encoding="utf-8")
    case.ok("\nUser=tidemark\n" in server and "DynamicUser" not in server, "the server runs as the package's user")
    completion = root / "usr/share/bash-completion/completions/tt"
    case.ok("-F _tt tt" in say("bash", "-c", '. "$1" && complete -p tt', "bash", completion), "bash completes tt")
    case.ok((root / "usr/share/zsh/vendor-completions/_tt").read_text(encoding="utf-8").startswith("#compdef tt\n"), "zsh's file is zsh's")
    case.ok("complete -c tt" in (root / "usr/share/fish/vendor_completions.d/tt.fish").read_text(encoding="utf-8"), "fish's is fish's")
    check_manual(case, root)
    sums = dict(reversed(line.split("  ", 1)) for line in (control / "md5sums").read_text(encoding="utf-8").splitlines())
    case.equal(sums, {name: hashlib.md5((root / name).read_bytes()).hexdigest() for name in files(root)}, "md5sums are right")


def check_manual(case, root):
    """The page names every command of the overview."""
    page = say("gzip", "-dc", root / "usr/share/man/man1/tt.1.gz")
    box = case.machine("box", identity=False)
    names = re.findall(r"^  (\w[\w-]*)  +\S", box.must("--help").out.split("commands:\n")[1].split("\n\n")[0], re.M)
    case.ok(names and all(f'.SS "tt {name}"' in page for name in names), "the manual has every command")
    case.ok(not re.search(r"@[A-Z]+@", page), "nothing is left to fill in")
    if shutil.which("man"):
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", root / "usr/share/man/man1/tt.1.gz"], capture_output=True, text=True,
                              check=False, env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""})
        case.equal((done.returncode, done.stderr), (0, ""), "the formatter has nothing to say")


def test_configuration(case):
    """The file that the package writes is accepted, as it is and with every line that is commented out."""
    _, root = package()
    text = (root / "usr/share/tidemark/config.toml").read_text(encoding="utf-8")
    lines = [re.sub(r"^# ([\w.]+ = )", r"\1", line) for line in text.splitlines()]
    case.equal(tomllib.loads(text), {}, "it decides nothing")
    case.ok(len(tomllib.loads("\n".join(lines))["serve"]) > 3, "it shows how to")
    box = case.machine("box", identity=False)
    for what, content in (("as it is", text), ("with all lines", "\n".join(lines))):
        path = box.home / "shown.toml"
        path.write_text(content, encoding="utf-8")
        case.equal(box.tt("--config", path, "config", "--json").status, 0, f"tt takes it {what}")


def test_programs(case):
    """Unpacked anywhere, the programs find each other."""
    _, root = package()
    box = case.machine("box", identity=False)
    own = next(iter(root.glob("usr/lib/*/tidemark")), None)
    env = {"LD_LIBRARY_PATH": str(own)} if own else {}
    tt = root / "usr/bin/tt"

    def call(*words):
        child = box.popen(tt, *words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = child.communicate(timeout=60)
        return child.returncode, out.decode(), err.decode()
    case.ok(call("--version")[1].startswith("tt "), "tt --version")
    case.equal(call("init")[0], 0, "tt init")
    child = box.popen(tt, "serve", "--json", "--listen", "127.0.0.1:0", env=env, stdout=subprocess.PIPE)
    try:
        place = json.loads(child.stdout.readline())["listen"][0]
        with urllib.request.urlopen(f"{place}/healthz", timeout=20) as answer:
            case.equal(answer.status, 200, "tt serve becomes tt-serve, and answers")
    finally:
        child.terminate()
        child.wait(30)
    status, _, err = call("--store", "postgresql:///x?host=/nonexistent", "serve", "users")
    case.ok(status == 1 and "/nonexistent" in err and "missing" not in err, "a PostgreSQL store becomes tt-postgres, which finds no server there", err)
    case.equal(call("start")[0], 0, "tt start")
    case.ok(call("status")[0] == 0, "tt status")
    case.equal(call("stop")[0], 0, "tt stop")


def test_reproducible(case):
    """The same tree makes the same package at another place, in another time zone."""
    deb, _ = package()
    tree = lasting() / "elsewhere/tree"
    shutil.copytree(made["place"] / "a tree", tree, symlinks=True)
    subprocess.run([tree / "packaging/deb/build"], check=True, capture_output=True, cwd="/", env={**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C"})
    again = next((tree / "build-deb").glob("*.deb"))
    case.equal(hashlib.sha256(again.read_bytes()).hexdigest(), hashlib.sha256(deb.read_bytes()).hexdigest(), "byte for byte")


# What is done in the throw-away root, where /deb holds the package: each line that is told is compared.
LIFE = r"""
set -u
export DEBIAN_FRONTEND=noninteractive
getent passwd tidemark >/dev/null && { echo "tell there is a user tidemark already"; exit; }
rm -rf /etc/tt /var/lib/tidemark
dpkg -i /deb/*.deb >/deb/log 2>&1; echo "tell install $?"
echo "tell user $(getent passwd tidemark | cut -d: -f6,7)"
echo "tell config $(stat -c '%a %U %G' /etc/tt/config.toml)"
echo "tell version $(tt --version)"
tidemark-admin --quiet init >/dev/null; echo "tell admin $? $(stat -c '%a %U' /var/lib/tidemark)"
tidemark-admin serve generate-key --email ann@example.org 2>/dev/null | grep -c '^tt_' | sed 's/^/tell key /'
printf 'store = "sqlite:/var/lib/tidemark/mine.db"\n' >/etc/tt/config.toml
dpkg -i /deb/*.deb >>/deb/log 2>&1; echo "tell upgrade $?"
echo "tell kept $(cat /etc/tt/config.toml)"
dpkg -r tidemark >>/deb/log 2>&1; echo "tell remove $? $(ls /etc/tt) $(ls /usr/bin/tt /usr/libexec/tidemark 2>/dev/null)"
dpkg -P tidemark >/deb/purge 2>&1; echo "tell purge $? $(ls -d /etc/tt 2>/dev/null) $(ls /var/lib/tidemark)"
grep -c 'is kept' /deb/purge | sed 's/^/tell said /'
echo "tell user $(getent passwd tidemark | cut -d: -f1)"
rm -r /var/lib/tidemark
dpkg -i /deb/*.deb >>/deb/log 2>&1; rm /etc/tt/config.toml; echo x >/etc/tt/mine
dpkg -i /deb/*.deb >>/deb/log 2>&1; echo "tell away $(ls /etc/tt)"
dpkg -P tidemark >/deb/purge 2>&1; echo "tell purge $? $(ls /etc/tt)"
echo "tell user $(getent passwd tidemark | cut -d: -f1)"
cat /deb/log /deb/purge
"""
WANT = """install 0
user /var/lib/tidemark:/usr/sbin/nologin
config 640 root tidemark
version tt VERSION
admin 0 700 tidemark
key 1
upgrade 0
kept store = "sqlite:/var/lib/tidemark/mine.db"
remove 0 config.toml
purge 0 tt
said 1
user tidemark
away mine
purge 0 mine
user
"""


def as_root():
    if os.geteuid() == 0:
        return []
    with contextlib.suppress(OSError):
        if subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
            return ["sudo", "-n"]
    raise Skip("needs root")


def test_life(case):
    """Installed, upgraded, removed, purged: in a root that vanishes with the script."""
    deb, _ = package()
    done = subprocess.run([*as_root(), sys.executable, ROOT / "tests/packaging/throwaway.py", deb, LIFE], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode == 77:
        raise Skip(done.stderr.strip()[:300])
    told = "".join(" ".join(line.split()[1:]) + "\n" for line in done.stdout.splitlines() if line.startswith("tell "))
    want = WANT.replace("VERSION", field(deb, "Version").rsplit("-", 1)[0])
    case.ok(told == want, "its whole life", f"{done.stdout}\n{done.stderr}\n--- wanted\n{want}")
    case.ok(not os.path.exists("/etc/tt/mine") and not os.path.exists("/deb"), "nothing of it is left here")


run([test_content, test_depends, test_texts, test_configuration, test_programs, test_reproducible, test_life])

#!/usr/bin/env python3
"""Read a Dockerfile, and do what it says without a Docker engine: for machines that have none, and for tests.

    tests/packaging/dockerfile.py CONTEXT ROOT DIRECTORY

Each stage is made in DIRECTORY/<number>, a copy of ROOT (a Debian root, as debootstrap makes it), with its COPY, ENV, WORKDIR, USER and
RUN steps; RUN steps go through chroot, so this needs root. The last stage stays there. Only what this project's Dockerfile uses is
known: anything else is an error.
"""
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path


class Step:
    """One instruction: its WORD, its FLAGS (--name=value), the REST, its LINE, and the number of its STAGE."""

    def __init__(self, text, line, stage):
        self.line = line
        self.stage = stage
        self.word, rest = text.split(None, 1)
        self.flags = {}
        while found := re.match(r"--([\w-]+)=(\S+)\s+", rest):
            self.flags[found.group(1)] = found.group(2)
            rest = rest[found.end():]
        self.rest = rest.strip()

    def words(self):
        return json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)

    def pairs(self):
        """Of ENV: name and value."""
        return [word.split("=", 1) for word in self.words()]


def parse(path):
    steps, text, begin, stage = [], "", 0, -1
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begin = begin or number
        text += line.strip()
        if text.endswith("\\"):
            text = text[:-1]
            continue
        stage += text.startswith("FROM ")
        steps.append(Step(text, begin, stage))
        text, begin = "", 0
    if text:
        raise ValueError(f"{path}: the last step does not end")
    return steps


class Ignore:
    """.dockerignore: the last rule that matches a path or a directory above it decides."""

    def __init__(self, path):
        lines = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
        self.rules = [(line.lstrip("!"), not line.startswith("!")) for line in lines if line and not line.startswith("#")]

    def leaves_out(self, path):
        parts = Path(path).parts
        above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        out = False
        for rule, ignored in self.rules:
            pattern = rule.removeprefix("**/")
            tried = [Path(name).name for name in above] if rule.startswith("**/") else above
            # '*' stops at a slash: a rule of one part is about names at the top.
            if any(fnmatch.fnmatchcase(name, pattern) and name.count("/") == pattern.count("/") for name in tried):
                out = ignored
        return out


def copy_context(context, target):
    """What a build would be sent of CONTEXT."""
    ignore = Ignore(Path(context, ".dockerignore"))
    for folder, below, names in os.walk(context):
        here = Path(folder).relative_to(context)
        if here == Path("."):
            below[:] = [name for name in below if not ignore.leaves_out(name)]
        below[:] = [name for name in below if name != "__pycache__"]
        for name in names:
            if not ignore.leaves_out(here / name):
                to = Path(target, here, name)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(Path(folder, name), to, follow_symlinks=False)


class Stage:
    def __init__(self, root, base):
        self.root = Path(root)
        subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(root)], check=True)
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        self.env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.folder = "/"
        self.user = None

    def inside(self, path):
        return self.root / os.path.join(self.folder, path).lstrip("/")

    def run(self, step, stages):
        mounts = ["mount -t proc proc proc", "mount --rbind /dev dev"]
        if "mount" in step.flags:
            words = dict(pair.split("=", 1) for pair in step.flags["mount"].split(","))
            source = stages[words["from"]].root / words["source"].lstrip("/")
            (self.root / words["target"].lstrip("/")).mkdir(parents=True, exist_ok=True)
            mounts.append(f"mount --bind {shlex.quote(str(source))} {shlex.quote(words['target'].lstrip('/'))}")
        user = ["--userspec=" + self.user] if self.user else []
        inner = shlex.join(["chroot", *user, ".", "env", "-i", *(f"{k}={v}" for k, v in self.env.items()), "/bin/sh", "-c",
                            f"cd {shlex.quote(self.folder)} && {step.rest}"])
        script = " && ".join([f"cd {shlex.quote(str(self.root))}", *mounts, inner])
        subprocess.run(["unshare", "-m", "sh", "-c", script], check=True, stdin=subprocess.DEVNULL)

    def copy(self, step, context, stages):
        *sources, target = step.words()
        top = stages[step.flags["from"]].root if "from" in step.flags else context
        for source in sources:
            found = top / source.lstrip("/")
            to = self.inside(target)
            if target.endswith("/") or len(sources) > 1:
                to = to / found.name
            to.parent.mkdir(parents=True, exist_ok=True)
            if found.is_dir():
                shutil.copytree(found, self.inside(target), symlinks=True, dirs_exist_ok=True)
                continue
            shutil.copy2(found, to)
            if "chmod" in step.flags:
                to.chmod(int(step.flags["chmod"], 8))


def build(context, base, place):
    sent = Path(place, "context")
    copy_context(context, sent)
    stages, stage = {}, None
    for step in parse(Path(context, "Dockerfile")):
        print(f"--- {step.word} {step.rest}", file=sys.stderr, flush=True)
        if step.word == "FROM":
            stage = Stage(Path(place, str(step.stage)), base)
            words = step.rest.split()
            stages[words[2] if len(words) == 3 else str(step.stage)] = stage
        elif step.word == "COPY":
            stage.copy(step, sent, stages)
        elif step.word == "RUN":
            stage.run(step, stages)
        elif step.word == "ENV":
            stage.env.update(step.pairs())
        elif step.word == "USER":
            stage.user = step.rest
        elif step.word == "WORKDIR":
            stage.folder = step.rest
            stage.inside(".").mkdir(parents=True, exist_ok=True)
        elif step.word not in ("VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT"):
            raise ValueError(f"line {step.line}: {step.word} is not known here")
    return stage


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    build(Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3]).resolve())

"""Programs of others that tests run against, from PyPI and npm: installed once into the build directory, never into the system."""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

from lib import Skip

# Releases that are known to work together: aw-core takes any peewee, but newer ones break it.
AW_SERVER = ("aw-server==0.12.0", "aw-core==0.5.18", "aw-client==0.5.15", "peewee==3.16.3")
AW_CLIENT_JS = ("aw-client@0.3.7",)
AW_CLIENT = ("aw-client==0.5.15", "aw-core==0.5.18", "peewee==3.16.3")
LIMIT_SECONDS = 400


def python_with(case, packages):
    """The `python` of a virtual environment that has PACKAGES ("name==version"), made if need be.

    Without a network the test is skipped; in CI that is a failure.
    """
    return _kept(case, packages, lambda place: (
        [sys.executable, "-m", "venv", "--clear", str(place)],
        [str(place / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])) / "bin/python"


def modules_with(case, packages):
    """The `node_modules` that has PACKAGES ("name@version") of the npm registry, by the same rules."""
    if not shutil.which("npm"):
        raise Skip("npm is not installed")
    return _kept(case, packages, lambda place: (
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(place), *packages],)) / "node_modules"


def _kept(case, packages, commands):
    top = case.tt.parents[2] / "test-clients"
    place = top / hashlib.sha256("\n".join(sorted(packages)).encode()).hexdigest()[:16]
    top.mkdir(exist_ok=True)
    with open(top / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "complete").exists():
            place.mkdir(exist_ok=True)
            for command in commands(place):
                _install(command, packages)
            (place / "complete").touch()
    return place


def _install(command, packages):
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
        said = result.stderr or result.stdout
    except subprocess.TimeoutExpired:
        result, said = None, f"no end within {LIMIT_SECONDS} s"
    if result is None or result.returncode != 0:
        why = f"cannot install {' '.join(packages)}: {said.strip()[-500:]}"
        if os.environ.get("CI"):
            raise AssertionError(why)
        raise Skip(" ".join(why.split()))

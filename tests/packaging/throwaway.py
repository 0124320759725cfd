#!/usr/bin/env python3
"""A root directory like this machine's, in which packages can be installed, and which vanishes with the command that runs in it.

    tests/packaging/throwaway.py PACKAGE.deb SCRIPT    run SCRIPT in it by sh, with the package in /deb; as root. The exit status is the
                                                       script's; 77: nothing can be mounted here

It is in memory. What packages and accounts change (/etc, dpkg's lists) is a copy; directories into which the package puts something
are made anew, with links to what they hold on this machine; everything else is this machine's, bound read-only at /host. An overlay
would be less to do, but there may be none above another, and not every kernel or container has them.
"""
import contextlib
import ctypes
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

CLONE_NEWNS = 0x20000
OWN = ("etc", "var", "usr", "deb", "host", "proc", "dev", "run", "tmp", "root")
SBIN = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
libc = ctypes.CDLL(None, use_errno=True)


def command(*argv):
    subprocess.run([str(word) for word in argv], check=True, env={**os.environ, "PATH": SBIN, "LC_ALL": "C"}, stdin=subprocess.DEVNULL)


def leave(place):
    """No mount of ours at PLACE is seen by others, and none outlives us."""
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "no name space of mounts")
    try:
        command("mount", "--make-rprivate", "/")
    except subprocess.CalledProcessError:  # of a root that is no mount itself, as in a chroot
        command("mount", "--bind", place, place)
        command("mount", "--make-private", place)
    command("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", place)


def copy(source, target):
    command("cp", "-a", source, target)


def link(name, root):
    """NAME, as '/usr/lib/x', shall be this machine's."""
    target = root / name.lstrip("/")
    if os.path.islink(name):
        target.symlink_to(os.readlink(name))
    else:
        target.symlink_to("/host" + name)


def fill(folder, root, ours):
    """The directory FOLDER with links to what it holds here, but for the directories in OURS, which are real and filled in turn."""
    here = root / folder.lstrip("/")
    here.mkdir(parents=True, exist_ok=True)
    there = os.stat(folder)
    here.chmod(stat.S_IMODE(there.st_mode))
    for name in os.listdir(folder):
        path = f"{folder}/{name}"
        if path not in ours:
            link(path, root)
        elif not os.path.islink(path):
            fill(path, root, ours)


def folders_of(deb):
    """Those of this machine's directories in which the package has something."""
    lines = subprocess.run(["dpkg-deb", "-c", deb], check=True, capture_output=True, text=True, env={**os.environ, "PATH": SBIN}).stdout.splitlines()
    names = {line.split(None, 5)[5].removeprefix(".").rstrip("/") for line in lines if line.startswith("d")}
    return {name for name in names if name and os.path.isdir(name)}


def make_var(root):
    for name in ("cache", "log", "mail", "spool", "tmp", "lib"):
        (root / "var" / name).mkdir(parents=True)
    (root / "var/run").symlink_to("/run")
    copy("/var/lib/dpkg", root / "var/lib/")
    for path in ("lock", "lock-frontend", "triggers/Lock"):
        (root / "var/lib/dpkg" / path).unlink(missing_ok=True)


def make(root, deb):
    for name in OWN:
        (root / name).mkdir()
    (root / "tmp").chmod(0o1777)
    command("mount", "--rbind", "/", root / "host")
    command("mount", "--make-rprivate", root / "host")
    command("mount", "-o", "remount,bind,ro", root / "host")
    for entry in os.scandir("/"):
        if entry.name not in OWN:
            link(entry.path, root)
    shutil.rmtree(root / "etc")
    copy("/etc", root)
    make_var(root)
    fill("/usr", root, folders_of(deb))
    command("mount", "-t", "proc", "proc", root / "proc")
    command("mount", "--rbind", "/dev", root / "dev")
    shutil.copy(deb, root / "deb")


def main(argv):
    if len(argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    os.umask(0o022)
    place = Path(tempfile.mkdtemp(prefix="tt-root-"))
    child = os.fork()
    if child == 0:
        try:
            leave(place)
        except (OSError, subprocess.CalledProcessError) as why:
            print(f"nothing can be mounted here: {why}", file=sys.stderr)
            os._exit(77)
        make(place, Path(argv[1]).resolve())
        os.chroot(place)
        os.chdir("/")
        os.execve("/bin/sh", ["sh", "-c", argv[2]], {"PATH": SBIN, "HOME": "/root", "LC_ALL": "C.UTF-8"})
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(subprocess.CalledProcessError):  # seen here after all, where PLACE is in a mount that is shared
        command("umount", "--quiet", "-l", place)
    place.rmdir()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv))

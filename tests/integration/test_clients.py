"""ActivityWatch's own client libraries, as watchers and the web page use them, against `tt serve`."""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "api"))

import clients  # noqa: E402
from api import Server  # noqa: E402
from lib import run  # noqa: E402

SCRIPTS = Path(__file__).resolve().parent / "clients"


def checks(case, argv, env, least):
    """Every line the script prints is a check; LEAST of them must come."""
    result = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=300, check=False)
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    for line in lines:
        case.ok(line["good"], line["what"], line["detail"])
    case.ok(result.returncode == 0 and len(lines) >= least, f"the client came to its end, {least} checks or more",
            f"exit {result.returncode}, {len(lines)} checks\n{result.stderr[-2000:]}")


def python_env(case):
    home = case.top / "client-home"
    home.mkdir(exist_ok=True)
    return {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "data"),
            "XDG_CACHE_HOME": str(home / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}


def python_client(case):
    """aw-client from PyPI: buckets, events, heartbeats queued and not, queries, settings, import, export."""
    python = clients.python_with(case, clients.AW_CLIENT)
    server = Server(case)
    checks(case, [python, SCRIPTS / "aw_python.py", str(server.port), "work"], python_env(case), 25)
    case.equal(server.stop(), 0, "the server ends properly")
    case.ok(server.machine.verified(), "and its store is sound")


def python_client_offline(case):
    """What a watcher queued while the server was away arrives when it is back."""
    python = clients.python_with(case, clients.AW_CLIENT)
    server = Server(case)
    port = server.port
    server.stop()
    child = subprocess.Popen([python, SCRIPTS / "aw_python.py", str(port), "offline"], env=python_env(case), stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)
    try:
        case.ok(json.loads(child.stdout.readline())["queued"], "a heartbeat is queued")
        time.sleep(0.5)
        server.options = ("--listen", f"127.0.0.1:{port}")
        server.start()
        out = child.communicate(timeout=120)[0]
        for line in map(json.loads, out.splitlines()):
            case.ok(line["good"], line["what"], line["detail"])
        case.equal(child.returncode, 0, "the client came to its end")
    finally:
        child.kill()


def node_client(case):
    """aw-client from npm, as the web page and the browsers' extensions have it."""
    modules = clients.modules_with(case, clients.AW_CLIENT_JS)
    server = Server(case)
    checks(case, ["node", SCRIPTS / "aw_node.js", str(server.port)], {**os.environ, "NODE_PATH": str(modules)}, 18)


if __name__ == "__main__":
    sys.exit(run([python_client, python_client_offline, node_client]))

#!/usr/bin/env python3
"""pgbouncer between the program and PostgreSQL: one that keeps sessions is not noticed, any other is refused before anything is done.

    test_pg_pooler.py TT [FUNCTION…]
"""
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import pg  # noqa: E402
from lib import Skip, focus_line, run  # noqa: E402

ANN = "ann@example.org"
LIMIT_S = 60
PROGRAM = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


@contextlib.contextmanager
def pooler(server, mode, **settings):
    """pgbouncer on a socket of its own; gives a function from a store's URL to the same through it."""
    if not PROGRAM:
        raise Skip("pgbouncer is not installed")
    place = server.place / f"pooler-{mode}-{len(settings)}"
    place.mkdir()
    place.chmod(0o777)
    port = 6432
    lines = {"pool_mode": mode, "listen_port": port, "unix_socket_dir": place, "auth_type": "any", "default_pool_size": 40, "max_client_conn": 200,
             "ignore_startup_parameters": "extra_float_digits", **settings}
    target = f"host={server.sockets} port={server.port} user={pg.ROLE}"
    config = place / "pgbouncer.ini"
    config.write_text(f"[databases]\n* = {target}\n[pgbouncer]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items()), encoding="ascii")
    with open(place / "log", "wb") as log:
        child = subprocess.Popen([PROGRAM, config], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", preexec_fn=pg.die_with_parent, **pg.owner())
    try:
        deadline = time.monotonic() + LIMIT_S
        while not (place / f".s.PGSQL.{port}").exists():
            assert child.poll() is None and time.monotonic() < deadline, (place / "log").read_text(encoding="utf-8")
            time.sleep(0.02)
        yield lambda database: f"postgresql://{pg.ROLE}@/{database}?host={place}&port={port}"
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(LIMIT_S)


def sessions_kept(case):
    """pool_mode = session: several commands, one after the other, over the same few sessions."""
    with pg.cluster() as server, pooler(server, "session") as through:
        server.make_database("kept")
        box = case.machine("box")
        env = {"TT_STORE": through("kept"), "TT_USER": ANN}
        box.must("serve", "generate-key", "--email", ANN, env=env)
        box.must("import", "-", stdin=focus_line(box.id, 0).encode(), env=env)
        for _ in range(3):
            box.must("verify", env=env)
        case.equal(box.must("status", "--json", env=env).json()["store"]["events"], 1, "what was written is there")


def transactions_refused(case):
    """Anything else: an error that says what to do, and the database is as it was."""
    for mode, settings in (("transaction", {}), ("transaction", {"server_round_robin": 1}), ("statement", {})):
        with pg.cluster() as server, pooler(server, mode, **settings) as through:
            server.make_database("shared")
            box = case.machine(f"box-{mode}-{len(settings)}")
            for words in (["serve", "generate-key", "--email", ANN], ["serve", "--listen", "127.0.0.1:0"]):
                result = box.tt(*words, env={"TT_STORE": through("shared")})
                case.ok(result.status != 0 and "pool_mode = session" in result.err, f"{mode}: tt {words[0]} {words[1]} is refused", result)
            tables = server.psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'tidemark'", "shared")
            case.equal(tables, "0", "nothing was made")


if __name__ == "__main__":
    run([sessions_kept, transactions_refused])

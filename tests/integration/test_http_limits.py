#!/usr/bin/env python3
"""What all clients of the HTTP server may have together, and how long one may take: http_owner over real sockets."""
import contextlib
import socket
import threading
import time

from lib import run
from test_http import PATIENCE, Client, Owner, message_of, wait_for

MIB = 1 << 20
FREE = 64 << 10  # of each body, which does not count


def announced(path, length):
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"


def held(owner):
    """A client that has sent half of a long body; it may have been refused before that."""
    client = owner.connect()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        client.send(announced("/echo", 2 * MIB).encode() + b"x" * (MIB + FREE))
    return client


def is_taken(owner, length):
    """Is a body of LENGTH taken? One that is refused may be cut before it is sent."""
    try:
        reply = owner.connect().post("/echo", b"z" * length)
    except (BrokenPipeError, ConnectionResetError):
        return False
    return reply is not None and reply.status == 200


def room_for_bodies(case):
    """Bodies that are together too long: 503 for the one that is too much, never for small ones."""
    owner = Owner(case, f"bodies_bytes={4 * MIB}", f"body_limit={64 * MIB}")
    holders = [held(owner) for _ in range(4)]  # the fourth is refused at its head, or in the middle
    got = {}

    def full():
        client = owner.connect()
        client.sock.settimeout(1)  # where nothing of the others has been read yet its body would be waited for
        with contextlib.suppress(TimeoutError):
            got["reply"] = client.send(announced("/echo", 4 * MIB + FREE)).reply()
        client.close()
        return "reply" in got and got["reply"].status == 503

    case.ok(wait_for(full), "announced, and no room: 503 at once", got)
    case.ok(int(got["reply"].headers.get("retry-after", 0)) >= 1 and "long bodies" in message_of(got["reply"]), "it says when to come again",
            got["reply"])
    case.equal(owner.connect().post("/echo", b"y" * FREE).status, 200, "a small one always comes in")
    case.equal(owner.connect().post("/ignore", b"y" * MIB).status, 200, "and one that is thrown away")
    for client in holders:
        client.close()
    case.ok(wait_for(lambda: is_taken(owner, 4 * MIB)), "when they have gone there is room again")
    chunked = owner.connect().send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    try:
        for _ in range(70):
            chunked.send(b"10000\r\n" + b"c" * 65536 + b"\r\n")
        chunked.send(b"0\r\n\r\n")
        reply = chunked.reply()
        case.ok(reply is None or reply.status == 503, "one of unknown length is refused as it grows", reply)
    except (BrokenPipeError, ConnectionResetError):
        case.ok(True, "one of unknown length is refused as it grows")
    for _ in range(3):  # nothing stays counted
        case.equal(owner.connect().post("/echo", b"z" * 4 * MIB).status, 200, "all of it is given back")
    owner.end()


def thrown_away(case):
    """Bodies for which the owner has no use."""
    owner = Owner(case)
    client = owner.connect()
    case.equal(client.post("/ignore", b"x" * MIB).body, b"", "1 MiB is read, and nothing of it kept")
    case.equal(client.post("/ignore", b"").status, 200, "the connection stays")
    case.equal(client.send(announced("/ignore", MIB + 1)).reply().status, 413, "more is refused")
    client = owner.connect().send("POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    got = client.reply()
    case.ok(got.status == 200 and got.body == b"", "chunked likewise", got)
    case.equal(client.get("/here").status, 200, "and the next request is understood")
    owner.end()


def sipping(client, stop):
    """Take a little, again and again, so that the client is never silent."""
    client.sock.settimeout(PATIENCE)
    while not stop.is_set():
        try:
            if not client.sock.recv(400):
                return
        except (ConnectionResetError, socket.timeout):
            return
        time.sleep(0.02)


def slow_takers(case):
    """A reply that is taken bit by bit has its end, though the client is never silent."""
    owner = Owner(case, "reply_ms=1500", "stall_ms=20000")
    for path in ("/stream?bytes=500000000", "/big?bytes=200000000"):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(PATIENCE)
        sock.connect(("127.0.0.1", owner.port))
        client, stop = Client(sock), threading.Event()
        client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
        taker = threading.Thread(target=sipping, args=(client, stop))
        taker.start()
        cut = owner.said(r"ended 200 \d+ 0 " + path.split("?")[0])
        stop.set()
        taker.join()
        case.ok(cut, f"{path} is cut", owner.lines)
        client.close()
    quick = owner.connect().get("/stream?bytes=3000000")
    case.ok(quick.whole and len(quick.body) == 3000000, "who takes it gets it whole")
    sums = owner.end()
    case.equal(sums["streams"], sums["freed"], "every stream was freed")


if __name__ == "__main__":
    run([room_for_bodies, thrown_away, slow_takers])

"""A TCP balancer: each connection goes to the next of its servers. A server that refuses is passed over; nothing else is tried again."""
import contextlib
import socket
import threading


class Balancer:
    def __init__(self):
        self.servers = []  # (host, port); may change at any time
        self.next = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.host, self.port = self.listener.getsockname()
        self.closed = False
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.closed = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while not self.closed:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def choose(self):
        with self.lock:
            self.next += 1
            servers = list(self.servers)
            at = self.next % len(servers)
            return servers[at:] + servers[:at]

    def connect(self):
        for server in self.choose():
            with contextlib.suppress(ConnectionRefusedError):
                return socket.create_connection(server, timeout=60)
        return None

    def serve(self, client):
        server = self.connect()
        if server:
            server.settimeout(None)
            other = threading.Thread(target=pass_on, args=(server, client), daemon=True)
            other.start()
            pass_on(client, server)
            other.join()
            server.close()
        client.close()


def pass_on(source, target):
    """All bytes, and the end of them; what was reset on one side is reset on the other."""
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

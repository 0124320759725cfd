"""What the tests of the API share: a server of its own for each test, and requests to it. Standard library only."""
import http.client
import json
import signal
import sys
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lib  # noqa: E402

BUCKET = {"type": "t", "client": "c", "hostname": "h"}
NOT_GIVEN = object()


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def message(self):
        """What an error says; every error must say something."""
        return self.json["message"]

    def __str__(self):
        return f"{self.status} {self.body[:500]!r}"


class Server:
    """`tt serve` of a new machine, on a port that the system chose."""

    def __init__(self, case, *options, machine=None):
        self.case = case
        self.options = options
        self.machine = machine or case.machine("server")
        self.start()
        case.cleanups.append(self.kill)

    def start(self):
        self.errors = open(self.case.top / "serve.log", "ab")
        self.child = self.machine.start("serve", "--json", "--listen", "127.0.0.1:0", *self.options, stdout=lib.subprocess.PIPE,
                                        stderr=self.errors)
        line = self.child.stdout.readline()
        assert line, f"the server did not start: {(self.case.top / 'serve.log').read_text()[-2000:]}"
        address = urllib.parse.urlsplit(json.loads(line)["listen"][0])
        self.host, self.port = address.hostname, address.port

    def stop(self):
        """End it properly; its exit status."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(timeout=60)

    def kill(self):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()
        self.errors.close()

    def again(self):
        """Killed without warning, and started again."""
        self.kill()
        self.start()

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=60)

    def ask(self, method, path, body=NOT_GIVEN, headers=None, raw=None):
        """One request on a connection of its own; BODY is sent as JSON, RAW as it is."""
        connection = self.connect()
        headers = dict(headers or {})
        data = raw
        if body is not NOT_GIVEN:
            data = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path if path.startswith("/") and not path.startswith("/0") else "/api" + path, data, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, body=NOT_GIVEN, **more):
        return self.ask("POST", path, body, **more)

    def delete(self, path, **more):
        return self.ask("DELETE", path, **more)

    def bucket(self, name="b", **members):
        assert self.post(f"/0/buckets/{name}", {**BUCKET, **members}).status == 200
        return name

    def events(self, name="b", query=""):
        return self.get(f"/0/buckets/{name}/events{query}").json


def event(at, duration=0, x=1, **more):
    """An event of 2018-01-01, AT as in "01:01:01"."""
    return {"timestamp": f"2018-01-01T{at}Z", "duration": duration, "data": {"x": x}, **more}


def stamp(at):
    return f"2018-01-01T{at}Z"

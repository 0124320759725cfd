#!/usr/bin/env python3
"""What the server says of itself, and the rules that all resources share."""
import json
import re
import sys

from api import Server, lib


def info(case):
    """Clients and the web page read it before anything else."""
    server = Server(case)
    answer = server.get("/0/info")
    case.equal(answer.status, 200, "info is there")
    case.equal(answer.headers["Content-Type"], "application/json", "it is JSON")
    case.equal(sorted(answer.json), ["device_id", "hostname", "testing", "version"], "it has its four members")
    case.equal(answer.json["device_id"], server.machine.id, "the device is this machine")
    case.ok(re.fullmatch(r"v\d+\.\d+\.\d+", re.split(r"[+ ]", answer.json["version"])[0]) and "rust" in answer.json["version"],
            "the version is semver up to the first blank and names rust", answer.json["version"])
    for path in ("/api/0/info/", "//api/0//info", "/%61pi/0/info"):
        case.equal(server.get(path).status, 200, f"{path} is the same")
    head = server.ask("HEAD", "/0/info")
    case.equal((head.status, head.body, head.headers["Content-Length"]), (200, b"", answer.headers["Content-Length"]),
               "HEAD is GET without a body")
    case.equal(server.child.poll(), None, "it still runs")
    case.equal(server.stop(), 0, "SIGTERM ends it well")


def unknown_paths(case):
    """404 with a message in JSON, for every method."""
    server = Server(case)
    for method, path in (("GET", "/0/nope"), ("PUT", "/0/info"), ("POST", "/0/buckets"), ("GET", "/api"), ("GET", "/0/log")):
        answer = server.ask(method, path)
        case.ok(answer.status in (404, 405) and answer.message, f"{method} {path}", answer)


def description(case):
    """The OpenAPI document describes what is served."""
    server = Server(case)
    answer = server.get("/0/openapi.json")
    case.equal(answer.status, 200, "it is there")
    document = answer.json
    case.equal(document["openapi"], "3.0.3", "its version")
    schemas = document["components"]["schemas"]
    refs = re.findall(r'"\$ref": ?"#/components/schemas/(\w+)"', json.dumps(document))
    case.ok(len(refs) > 20 and all(ref in schemas for ref in refs), "every schema is there", refs)
    served = 0
    for path, methods in document["paths"].items():
        if "get" in methods and "{" not in path:
            served += 1
            case.ok(server.get(path).status in (200, 503), f"{path} is served")
    case.ok(served >= 6, f"{served} paths were tried")


if __name__ == "__main__":
    sys.exit(lib.run([info, unknown_paths, description]))

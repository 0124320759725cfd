#!/usr/bin/env python3
"""Two people on one PostgreSQL store: whatever one of them sends over any route, with any role of key, nothing of the other is seen or changed."""
import os
import json
import re
import sys

from api import BUCKET, Server, event, lib, stamp


ROLES = ("read", "write", "admin")
PEOPLE = ("anna", "bert")
# The same for both: what belongs to whom must not hang on ids.
DEVICE = "a2b4c6d8-1111-4222-8333-444455556666"
OTHER_DEVICE = "b2b4c6d8-1111-4222-8333-444455556666"
OPEN = ("/api/0/info", "/healthz", "/readyz")


def email(name):
    return f"{name}@example.org"


def secret(name):
    """What only NAME's data holds."""
    return f"secret-of-{name}"


class Person:
    def __init__(self, server, name):
        self.server = server
        self.name = name
        self.keys = {}
        for role in ROLES:
            made = server.machine.must("serve", "generate-key", "--email", email(name), "--role", role, "--json").json()
            self.keys[role] = made["key"]
        self.numbers = []

    def ask(self, method, path, *body, role="admin", **headers):
        return self.server.ask(method, path, *body, headers={"Authorization": f"Bearer {self.keys[role]}", **headers})

    def must(self, method, path, *body, **more):
        answer = self.ask(method, path, *body, **more)
        assert answer.status in (200, 201), f"{self.name}: {method} {path}: {answer}"
        return answer

    def fill(self):
        """A little of everything."""
        for number, device in enumerate((DEVICE, OTHER_DEVICE)):
            self.must("POST", "/0/devices/register", {"machine_id": device, "label": f"{secret(self.name)}-{number}", "hostname": f"h{number}"})
        for name in ("b", f"only-{self.name}"):
            self.must("POST", f"/0/buckets/{name}", {**BUCKET, "data": {"whose": secret(self.name)}}, **{"Tidemark-Machine": DEVICE})
            posted = self.must("POST", f"/0/buckets/{name}/events", [event(f"10:00:0{n}", 1, secret(self.name)) for n in range(5)]).json
            self.numbers += [one["id"] for one in posted]
            self.must("POST", f"/0/buckets/{name}/heartbeat?pulsetime=1", event("11:00:00", 0, secret(self.name)))
        for key in ("k", f"only-{self.name}"):
            self.must("POST", f"/0/settings/{key}", secret(self.name))

    def everything(self):
        """All that this person can see, times of use left out."""
        seen = {}
        for path in ("/0/buckets", "/0/settings", "/0/devices", "/0/export", "/0/user", "/0/buckets/b", "/0/buckets/b/events",
                     f"/0/buckets/only-{self.name}/events", "/0/buckets/b/events/count", "/0/settings/k"):
            seen[path] = self.must("GET", path).json
        lines = [json.loads(line) for line in self.must("GET", "/0/user/export").body.decode().splitlines()]
        seen["export"] = [line for line in lines if line.get("type") not in ("header", "tt.key")]
        return seen


def two_people(case):
    """A server without anybody in particular, and both on it."""
    machine = case.machine("server")
    machine.env.pop("TT_USER")
    server = Server(case, machine=machine)
    people = [Person(server, name) for name in PEOPLE]
    for person in people:
        person.fill()
    return server, people


def parameters(path, victim):
    """PATH with what is the other's in the place of its parameters, each way."""
    for bucket in ("b", f"only-{victim.name}"):
        for number in (victim.numbers[0], victim.numbers[-1]):
            yield path.replace("{bucket}", bucket).replace("{event}", str(number)).replace("{key}", f"only-{victim.name}")
        if "{bucket}" not in path:
            return


def bodies(method, path, victim, export):
    """What somebody might send there who knows much of the other."""
    if method in ("GET", "HEAD"):
        return [()]
    if path.endswith("/query"):
        periods = [f"{stamp('00:00:00')}/{stamp('23:59:59')}"]
        return [({"timeperiods": periods, "query": [f'RETURN = query_bucket("{bucket}");']},) for bucket in ("b", f"only-{victim.name}")]
    if path.endswith("/import"):
        return [(export,)]
    if path.endswith("/events"):
        return [([{**event("12:00:00", 1, "mine"), "id": number} for number in victim.numbers],)]
    if path.endswith("/heartbeat"):
        return [(event("11:00:01", 5, secret("nobody")),)]
    if path.endswith("/register"):
        return [({"machine_id": device, "label": "mine", "hostname": "mine", "version": "mine"},) for device in (DEVICE, OTHER_DEVICE)]
    if path.endswith("/user"):
        return [({"email": email(victim.name)},), ({},)]
    if "/settings/" in path:
        return [("mine",)]
    if method == "DELETE":
        return [()]
    return [({**BUCKET, "id": "b", "hostname": "h0", "data": {"whose": "mine"}},)]


def routes_of(person):
    paths = person.must("GET", "/0/openapi.json").json["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods if method in ("get", "post", "put", "delete")]


def matrix(case):
    """Every route and method, every role, with everything that is the other's."""
    server, (anna, bert) = two_people(case)
    before = anna.everything()
    case.ok(secret("anna") in json.dumps(before) and secret("bert") not in json.dumps(before), "anna sees her own")
    export = anna.must("GET", "/0/export").json
    routes = routes_of(bert)
    case.ok(len(routes) > 22 and ("DELETE", "/api/0/user") in routes and ("GET", "/api/0/user/export") in routes, "the server describes its routes",
            routes)
    # What deletes comes last, so that the rest meets what is there; before it what makes hers his.
    for method, path in sorted(routes, key=lambda route: (route[0] == "DELETE", route[1].endswith("/import"))):
        told, asked = [], 0
        for role in ROLES:
            for target in parameters(path, anna):
                for body in bodies(method, path, anna, export):
                    for headers in ({}, {"Tidemark-Machine": DEVICE}, {"Tidemark-Machine": OTHER_DEVICE}):
                        answer = bert.ask(method, target + ("?pulsetime=60" if path.endswith("heartbeat") else ""), *body, role=role, **headers)
                        asked += 1
                        # What he sent himself may come back.
                        if secret("anna").encode() in answer.body and secret("anna") not in json.dumps(body):
                            told.append(f"{role} {target} {headers}: {answer}")
                        if answer.status >= 500:
                            told.append(f"{role} {target} {headers}: {answer}")
        case.equal(told, [], f"{method} {path}: {asked} requests tell nothing")
        case.equal(anna.everything(), before, "and change nothing")
        if path.endswith("/import"):
            case.ok(secret("anna").encode() in bert.must("GET", "/0/export").body, "but for what he has of her and brings along: it is his")


def strangers(case):
    """Without a key nobody is anybody, also on this machine."""
    server, (anna, _) = two_people(case)
    told = []
    for method, path in routes_of(anna):
        answer = server.ask(method, path.replace("{bucket}", "b").replace("{event}", "1").replace("{key}", "k"), *([{}] if method == "POST" else []))
        if path in OPEN:
            good = answer.status == 200
        else:
            good = answer.status == 401 and "generate-key" in answer.message and answer.headers["WWW-Authenticate"] == "Bearer"
        if not good:
            told.append(f"{method} {path}: {answer}")
    case.equal(told, [], "each says how to get a key")


def devices(case):
    """Two laptops of one person with buckets of one id do not mix; nor do those of two people."""
    _, (anna, bert) = two_people(case)
    for person in (anna, bert):
        for device, value in ((DEVICE, "first"), (OTHER_DEVICE, "second")):
            laptop = {"Tidemark-Machine": device}
            person.must("POST", "/0/buckets/same", BUCKET, **laptop)
            person.must("POST", "/0/buckets/same/heartbeat?pulsetime=60", event("12:00:00", 0, f"{person.name}-{value}"), **laptop)
    for person in (anna, bert):
        for device, value in ((DEVICE, "first"), (OTHER_DEVICE, "second")):
            got = person.must("GET", "/0/buckets/same/events", **{"Tidemark-Machine": device}).json
            case.equal([one["data"]["x"] for one in got], [f"{person.name}-{value}"], f"{person.name}'s {value} laptop has its own")
    answer = anna.ask("POST", "/0/buckets/same/heartbeat?pulsetime=60", event("12:00:01"))
    case.ok(answer.status == 409 and "same@" in answer.message, "who does not say which is told", answer)
    for value, status in (("nonsense", 400), ("c2b4c6d8-1111-4222-8333-444455556666", 409)):
        answer = anna.ask("GET", "/0/buckets", **{"Tidemark-Machine": value})
        case.equal(answer.status, status, f"a device that is none: {answer.message}")
    third = "c2b4c6d8-1111-4222-8333-444455556666"
    anna.must("POST", "/0/devices/register", {"machine_id": third, "hostname": "h3"}, **{"Tidemark-Machine": third})
    case.equal(anna.ask("GET", "/0/buckets", **{"Tidemark-Machine": third}).status, 200, "until it is registered")
    case.equal(bert.ask("GET", "/0/buckets", **{"Tidemark-Machine": third}).status, 409, "by this person")


def unknown_devices(case):
    """ActivityWatch's clients do not say which device they are on: the host's name does."""
    _, (anna, bert) = two_people(case)
    for person in (anna, bert):
        person.must("POST", "/0/buckets/w_h0", {**BUCKET, "hostname": "h0"})
        person.must("POST", "/0/buckets/w_desk", {**BUCKET, "hostname": "desk"})
        person.must("POST", "/0/buckets/a_desk", {**BUCKET, "hostname": "desk"})
    ids = {}
    for person in (anna, bert):
        buckets = person.must("GET", "/0/buckets").json
        ids[person] = [buckets[name]["machine_id"] for name in ("w_h0", "w_desk", "a_desk")]
        case.equal(ids[person][0], DEVICE, "the registered device of this host")
        case.equal(ids[person][1], ids[person][2], "the same one for all buckets of a host that never registered")
        names = {one["machine_id"]: one["hostname"] for one in person.must("GET", "/0/devices").json}
        case.equal(names.get(ids[person][1]), "desk", "which is one of the devices then")
    case.ok(ids[anna][1] != ids[bert][1], "another one for each person")


def erased(case):
    """The right to be forgotten: one is gone, the other has everything."""
    server, (anna, bert) = two_people(case)
    before = anna.everything()
    case.equal(bert.ask("DELETE", "/0/user", {"email": email("bert")}, role="write").status, 403, "an admin's key is needed")
    case.equal(bert.ask("DELETE", "/0/user", {"email": "x"}).status, 422, "and the address, lest it happen by chance")
    lines = [json.loads(line) for line in bert.must("GET", "/0/user/export").body.decode().splitlines()]
    kinds = {line.get("type") for line in lines}
    case.ok({"header", "tt.user", "tt.key", "tt.device", "tt.bucket", "tt.setting", "trailer"} <= kinds, "everything is in the export", kinds)
    case.equal(lines[-1]["events"], sum("id" in line for line in lines), "with all events")
    case.ok(not any(key in json.dumps(lines) for key in bert.keys.values()), "and no key")
    answer = bert.must("DELETE", "/0/user", {"email": email("bert").upper()})
    case.ok(answer.json["erased"] > 10, "erased", answer)
    for role in ROLES:
        case.equal(bert.ask("GET", "/0/buckets", role=role).status, 401, f"the {role} key is none any more")
    case.equal(anna.everything(), before, "the other has everything")
    tables = case.suite.postgres.psql("SELECT oid::regclass FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
                                      " AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')", database(case)).split()
    case.ok(len(tables) > 10, "the tables", tables)
    left = [table for table in tables if secret("bert") in case.suite.postgres.psql(f"SELECT t::text FROM {table} t", database(case))]
    case.equal(left, [], "no table holds anything of it")
    again = Person(server, "bert")
    case.equal(again.must("GET", "/0/buckets").json, {}, "who comes again begins with nothing")


def database(case):
    return re.search(r"@/(\w+)", case.database).group(1)


def own_file(case):
    """On a file there is one person: the same routes, and nobody to be erased."""
    server = Server(case)
    server.bucket()
    server.post("/0/buckets/b/events", event("10:00:00", 1, "kept"))
    me = server.get("/0/user").json
    case.equal({name: me[name] for name in ("user_id", "email", "role", "machine_id", "events")},
               {"user_id": None, "email": None, "role": "admin", "machine_id": server.machine.id, "events": 1}, "who am I")
    answer = server.delete("/0/user", body={"email": ""})
    case.ok(answer.status == 409 and "file" in answer.message, "not over the network", answer)
    exported = server.get("/0/user/export")
    lines = [json.loads(line) for line in exported.body.decode().splitlines()]
    case.ok('"kept"' in json.dumps(lines) and lines[-1]["type"] == "trailer", "everything in one stream", exported)
    other = case.machine("other")
    other.must("import", stdin=exported.body)
    case.ok('"kept"' in other.must("export").out, "which can be imported")
    case.equal(other.must("quarantine", "--json").out, case.machine("third").must("quarantine", "--json").out, "whole")
    for value, status in (("nonsense", 400), (DEVICE, 409), (server.machine.id.upper(), 200)):
        case.equal(server.get("/0/buckets", headers={"Tidemark-Machine": value}).status, status, f"Tidemark-Machine: {value}")
    server.post("/0/devices/register", {"machine_id": DEVICE, "label": "laptop"}, headers={"Tidemark-Machine": DEVICE})
    for _ in range(2):
        answer = server.post("/0/buckets/d", BUCKET, headers={"Tidemark-Machine": DEVICE})
    case.equal(answer.status, 304, "made by the device, once")
    case.equal(server.get("/0/buckets").json["d"]["machine_id"], DEVICE, "whose it is")


if __name__ == "__main__":
    many = os.environ.get("TT_TEST_STORE") == "postgres"  # a file is one person's
    sys.exit(lib.run([matrix, strangers, devices, unknown_devices, erased] if many else [own_file]))

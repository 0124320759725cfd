#!/usr/bin/env python3
"""The query language over HTTP."""
import sys
import threading

from api import Server, event, lib, stamp

YEARS = "2000-01-01T00:00:00Z/2020-01-01T00:00:00Z"


def ask(server, *lines, periods=(YEARS,), path="/0/query/"):
    return server.post(path, {"timeperiods": list(periods), "query": list(lines)})


def answers(case):
    """One value for each period."""
    server = Server(case)
    server.bucket()
    number = server.post("/0/buckets/b/events", [event("01:01:01", 1)]).json[0]["id"]
    for path in ("/0/query", "/0/query/", "/0/query/?name=x&cache=1"):
        answer = ask(server, "return 1;", path=path)
        case.equal((answer.status, answer.body), (200, b"[1.0]"), path)
    case.equal(ask(server, 'RETURN = query_bucket("b");').json, [[{"id": number, **event("01:01:01", 1.0)}]], "events of a bucket")
    case.equal(ask(server, "x = 1;", "# a comment", "RETURN = x;").json, [1.0], "lines are lines")
    day = ["2018-01-01T00:00:00Z/2018-01-02T00:00:00Z", "2018-01-02T00:00:00+01:00/2018-01-03T00:00:00+01:00"]
    case.equal(ask(server, 'RETURN = sum_durations(query_bucket("b"));', periods=day).json, [1.0, 0.0], "two periods, in order")
    case.equal(ask(server, 'RETURN = query_bucket("b");', periods=["2018-01-01T01:01:01.5Z/2018-01-02T00:00:00Z"]).json[0][0],
               {"id": number, **event("01:01:01.500", 0.5)}, "cut to the period")
    case.equal(ask(server, "not a program", periods=[]).json, [], "none: no answer")
    server.post("/0/buckets/b/events", [event("02:00:00", 2)])
    case.equal(ask(server, 'RETURN = sum_durations(query_bucket("b"));', periods=day).json, [3.0, 0.0], "what was written since counts")


def faults(case):
    """The program's faults are the client's, and say what they are."""
    server = Server(case)
    for program, kind in (("RETURN = x;", "VariableNotDefined"), ('RETURN = query_bucket("no");', "BucketQueryError"), ("RETURN = (", "ParsingError"),
                          ("RETURN = 1 / 0;", "MathError"), ("RETURN = flood();", "InvalidFunctionParameters"),
                          ('RETURN = filter_keyvals_regex([], "x", "(");', "RegexCompileError"), ("x = 1;", "EmptyQuery")):
        answer = ask(server, program)
        case.ok(answer.status == 400 and answer.json.get("type") == kind and answer.message.startswith(kind), program, answer)
    for periods in (["2018-01-01/2019-01-01"], ["x"], [""], ["2018-01-01T00:00:00Z"], [5]):
        answer = ask(server, "return 1;", periods=periods)
        case.ok(answer.status == 422 and answer.message, f"{periods} is no period", answer)
    for body in ([], {}, {"query": []}, {"timeperiods": [], "query": "x"}, {"timeperiods": {}, "query": []}):
        answer = server.post("/0/query", body)
        case.ok(answer.status == 422 and answer.message, f"{body}", answer)
    case.equal(server.post("/0/query", raw=b"{").status, 400, "no JSON")
    case.equal(ask(server, "return 1;", periods=[YEARS] * 1001).status, 413, "too many periods")
    case.equal(ask(server, "return 1;").json, [1.0], "and it goes on")


def limits(case):
    """What would take too much ends; others are answered meanwhile."""
    server = Server(case)
    case.ok(ask(server, "return " + "[" * 5000 + "]" * 5000 + ";").status == 400, "deep nesting")
    case.equal(ask(server, "#" * (1 << 20) + "x", "return 1;").status, 413, "a long program")
    case.equal(ask(server, "return 1;").json, [1.0], "and it goes on")


def dashboard(case):
    """The pipeline of ActivityWatch's web page over a small day."""
    server = Server(case)
    server.bucket("window", type="currentwindow")
    server.bucket("afk", type="afkstatus")
    server.post("/0/buckets/window/events",
                [{"timestamp": stamp(f"10:{minute:02d}:00"), "duration": 60, "data": {"app": app, "title": f"{app} {minute % 3}"}}
                 for minute, app in enumerate(["Code", "Firefox", "Code", "Mail"] * 5)])
    server.post("/0/buckets/afk/events", [{"timestamp": stamp("10:00:00"), "duration": 600, "data": {"status": "not-afk"}},
                                          {"timestamp": stamp("10:10:00"), "duration": 600, "data": {"status": "afk"}}])
    answer = ask(server, 'events = flood(query_bucket(find_bucket("window")));', 'not_afk = flood(query_bucket(find_bucket("afk")));',
                 'not_afk = filter_keyvals(not_afk, "status", ["not-afk"]);', "events = filter_period_intersect(events, not_afk);",
                 'events = categorize(events, [[["Work"], {"type": "regex", "regex": "Code|\\w+ail"}]]);',
                 'apps = sort_by_duration(merge_events_by_keys(events, ["app"]));',
                 'cats = sort_by_duration(merge_events_by_keys(events, ["$category"]));',
                 'RETURN = {"apps": apps, "cats": cats, "duration": sum_durations(events)};')
    case.equal(answer.status, 200, "it is answered")
    result = answer.json[0]
    case.equal(result["duration"], 600.0, "the time at the keyboard")
    case.equal({one["data"]["app"]: one["duration"] for one in result["apps"]}, {"Code": 300.0, "Firefox": 180.0, "Mail": 120.0}, "by application")
    case.equal({tuple(one["data"]["$category"]): one["duration"] for one in result["cats"]}, {("Work",): 420.0, ("Uncategorized",): 180.0},
               "by category")


def many_at_once(case):
    """Queries while events are written: every answer is of one moment."""
    server = Server(case)
    server.bucket("one")
    server.bucket("two")
    wrong, done = [], threading.Event()

    def read():
        while not done.is_set():
            answer = ask(server, 'RETURN = [sum_durations(query_bucket("one")), sum_durations(query_bucket("two"))];')
            if answer.status != 200 or answer.json[0][0] < answer.json[0][1]:
                wrong.append(str(answer))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(100):
        for name in ("one", "two"):
            server.post(f"/0/buckets/{name}/events", [event(f"10:{number // 60:02d}:{number % 60:02d}", 1, number)])
    done.set()
    for reader in readers:
        reader.join()
    case.equal(wrong, [], "the second is never ahead of the first, which is written before it")


if __name__ == "__main__":
    sys.exit(lib.run([answers, faults, limits, dashboard, many_at_once]))

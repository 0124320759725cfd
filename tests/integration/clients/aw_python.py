"""What a user of ActivityWatch's Python client does, against the server at PORT; a JSON object per check on standard output.

    aw_python.py PORT PHASE

PHASE `work` does everything; `offline` queues heartbeats while no server answers and waits until one does.
"""
import json
import sys
import time
from datetime import datetime, timedelta, timezone

from aw_client import ActivityWatchClient
from aw_client.queries import DesktopQueryParams, fullDesktopQuery
from aw_core.models import Event

DAY = datetime(2026, 2, 3, 9, 0, 0, tzinfo=timezone.utc)


def at(seconds):
    return DAY + timedelta(seconds=seconds)


def say(what, got, want):
    print(json.dumps({"what": what, "good": got == want, "detail": f"got {got!r}, want {want!r}"}), flush=True)


def event(second, duration, **data):
    return Event(timestamp=at(second), duration=timedelta(seconds=duration), data=data)


def shape(events):
    """Start and duration in seconds, and data."""
    return [((e.timestamp - DAY).total_seconds(), e.duration.total_seconds(), e.data) for e in events]


def buckets_and_events(client, host):
    bucket = f"aw-client-test_{host}"
    say("info has the four keys", sorted(client.get_info()), ["device_id", "hostname", "testing", "version"])
    client.create_bucket(bucket, "test")
    client.create_bucket(bucket, "test")  # 304 is fine
    say("the bucket is listed with its host", client.get_buckets()[bucket]["hostname"], host)
    client.insert_event(bucket, event(0, 1.5, n="one"))
    client.insert_events(bucket, [event(10, 1, n="two"), event(20, 1.001, n="three")])
    events = client.get_events(bucket)
    say("events come newest first, to the ms", shape(events),
        [(20, 1.001, {"n": "three"}), (10, 1, {"n": "two"}), (0, 1.5, {"n": "one"})])
    say("limit", len(client.get_events(bucket, limit=1)), 1)
    say("limit 0", len(client.get_events(bucket, limit=0)), 0)
    say("a range is clipped", shape(client.get_events(bucket, start=at(0.5), end=at(10.25))),
        [(10, 0.25, {"n": "two"}), (0.5, 1, {"n": "one"})])
    say("count", client.get_eventcount(bucket), 3)
    say("count in a range", client.get_eventcount(bucket, start=at(9), end=at(15)), 1)
    first = events[-1]
    say("one event", shape([client.get_event(bucket, first.id)]), [(0, 1.5, {"n": "one"})])
    changed = event(0, 2.5, n="changed")
    changed.id = first.id
    client.insert_event(bucket, changed)
    say("an event with its id replaces", shape(client.get_events(bucket))[-1], (0, 2.5, {"n": "changed"}))
    say("and adds none", client.get_eventcount(bucket), 3)
    client.delete_event(bucket, first.id)
    say("delete", client.get_eventcount(bucket), 2)
    return bucket


def heartbeats(client, host):
    bucket = f"aw-client-beats_{host}"
    client.create_bucket(bucket, "test")
    for second in range(5):
        client.heartbeat(bucket, event(second, 0, app="vim"), pulsetime=2)
    client.heartbeat(bucket, event(5, 0, app="less"), pulsetime=2)
    client.heartbeat(bucket, event(8, 0, app="less"), pulsetime=2)
    say("heartbeats merge within the pulsetime", shape(client.get_events(bucket)),
        [(8, 0, {"app": "less"}), (5, 0, {"app": "less"}), (0, 4, {"app": "vim"})])


def queued(client, host):
    """The watcher's way: premerged, from a queue on disk, in a thread."""
    bucket = f"aw-client-queued_{host}"
    client.create_bucket(bucket, "currentwindow", queued=True)
    with client:
        for second in range(30):
            client.heartbeat(bucket, event(second, 0, app="vim", title="a"), pulsetime=3, queued=True, commit_interval=5)
        client.heartbeat(bucket, event(30, 0, app="less", title="b"), pulsetime=3, queued=True, commit_interval=5)
        deadline = time.monotonic() + 60
        got = []
        while time.monotonic() < deadline:
            try:
                got = shape(client.get_events(bucket))
            except Exception:  # the bucket is not there yet
                got = []
            if got and got[0][1] >= 29:
                break
            time.sleep(0.1)
    say("queued heartbeats become one event", got, [(0, 29, {"app": "vim", "title": "a"})])


def queries(client, host):
    window, afk = f"aw-watcher-window_{host}", f"aw-watcher-afk_{host}"
    client.create_bucket(window, "currentwindow")
    client.create_bucket(afk, "afkstatus")
    client.insert_events(window, [event(3600, 60, app="vim", title="main.c"), event(3660, 30, app="firefox", title="docs")])
    client.insert_events(afk, [event(3600, 75, status="not-afk"), event(3675, 600, status="afk")])
    period = [(at(0), at(86400))]
    got = client.query(f'RETURN = sum_durations(query_bucket("{window}"));', period)
    say("sum_durations", got, [90.0])
    query = fullDesktopQuery(DesktopQueryParams(bid_window=window, bid_afk=afk, classes=[
        (("Work",), {"type": "regex", "regex": "vim|main\\.c"})]))
    got = client.query(query, period)[0]
    say("the desktop query's keys", sorted(got), ["browser", "events", "window"])
    say("apps, while not away", [(e["data"]["app"], e["duration"]) for e in got["window"]["app_events"]], [("vim", 60.0), ("firefox", 15.0)])
    say("categories", [(e["data"]["$category"], e["duration"]) for e in got["window"]["cat_events"]],
        [(["Work"], 60.0), (["Uncategorized"], 15.0)])
    say("time that was active", got["window"]["duration"], 75.0)
    try:
        client.query('RETURN = query_bucket("nope");', period)
        say("an unknown bucket fails", "it did not", "an error")
    except Exception as error:
        say("an unknown bucket fails", error.response.status_code >= 400 and "nope" in error.response.json()["message"], True)


def settings_and_transfer(client, host, bucket):
    client.set_setting("startOfDay", "04:00")
    client.set_setting("classes", [{"name": ["Work"], "rule": {"type": "regex", "regex": "vim"}}])
    say("a setting", client.get_setting("startOfDay"), "04:00")
    say("all settings", sorted(client.get_setting()), ["classes", "startOfDay"])
    export = client.export_bucket(bucket)["buckets"][bucket]
    say("an export has the events", len(export["events"]), 2)
    say("all buckets are exported", bucket in client.export_all()["buckets"], True)
    export["id"] = bucket + "-copy"
    client.import_bucket(export)
    client.import_bucket(export)
    say("an import, twice, adds the events once", shape(client.get_events(bucket + "-copy")), shape(client.get_events(bucket)))
    client.delete_bucket(bucket + "-copy", force=True)
    say("delete a bucket", bucket + "-copy" in client.get_buckets(), False)


def offline(client, host):
    bucket = f"aw-client-offline_{host}"
    client.create_bucket(bucket, "test", queued=True)
    with client:
        client.heartbeat(bucket, event(0, 0, n=1), pulsetime=1, queued=True)
        client.heartbeat(bucket, event(10, 0, n=2), pulsetime=1, queued=True)  # the first goes to the queue
        print(json.dumps({"queued": True}), flush=True)
        deadline = time.monotonic() + 60
        got = []
        while time.monotonic() < deadline and not got:
            time.sleep(0.2)
            try:
                got = shape(client.get_events(bucket))
            except Exception:
                got = []
    say("what was queued while no server answered arrives", got, [(0, 0, {"n": 1})])


def main():
    port, phase = int(sys.argv[1]), sys.argv[2]
    client = ActivityWatchClient("aw-client-test", host="127.0.0.1", port=port)
    host = client.client_hostname
    if phase == "offline":
        offline(client, host)
        return
    bucket = buckets_and_events(client, host)
    heartbeats(client, host)
    queued(client, host)
    queries(client, host)
    settings_and_transfer(client, host, bucket)


main()

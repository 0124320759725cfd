#!/usr/bin/env python3
"""docs/storage.md says how the tables distribute on Citus. Its statements are run, on a plain PostgreSQL, against functions of Citus's names
that refuse what Citus's documentation says it refuses; then the server works on what came out.
"""
import json
import re
import subprocess
import sys
import urllib.request

from lib import ROOT, Skip, run

sys.path.insert(0, str(ROOT / "tests/lib"))
import pg  # noqa: E402

# The rules, each from docs.citusdata.com ("SQL Support and Workarounds", "Determining the data model", "Creating and modifying distributed objects").
RULES = r"""
CREATE SCHEMA citus;
CREATE TABLE citus.told (relation oid PRIMARY KEY, how text NOT NULL, place text NOT NULL);
GRANT USAGE ON SCHEMA citus TO PUBLIC;
GRANT ALL ON citus.told TO PUBLIC;

CREATE FUNCTION citus.check_all(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relation AND NOT tgisinternal) THEN
		RAISE 'triggers are not supported on % without citus.enable_unsafe_triggers', relation;
	END IF;
	IF EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = relation AND c.relkind = 'p') THEN
		RAISE 'distributing multi-level partitioned tables is not supported: %', relation;
	END IF;
END $$;

CREATE FUNCTION citus.create_reference_table(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM citus.check_all(name::regclass);
	IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = name::regclass AND contype = 'f'
			AND confrelid NOT IN (SELECT relation FROM citus.told WHERE how = 'reference')) THEN
		RAISE 'reference table % refers to a table that is none', name;
	END IF;
	INSERT INTO citus.told VALUES (name::regclass, 'reference', 'everywhere');
END $$;

CREATE FUNCTION citus.create_distributed_table(name text, distribution text, colocate_with text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	fault record;
	number smallint := (SELECT attnum FROM pg_attribute WHERE attrelid = name::regclass AND attname = distribution);
	beside text := CASE colocate_with WHEN 'none' THEN name ELSE (SELECT t.place FROM citus.told t WHERE t.relation = colocate_with::regclass AND how = 'distributed') END;
BEGIN
	PERFORM citus.check_all(name::regclass);
	IF number IS NULL OR beside IS NULL THEN
		RAISE '% has no column % or no table to lie beside', name, distribution;
	END IF;
	FOR fault IN SELECT indexrelid::regclass AS index FROM pg_index WHERE indrelid = name::regclass AND indisunique AND NOT number = ANY (indkey::int2[]) LOOP
		RAISE 'unique index % does not hold %', fault.index, distribution;
	END LOOP;
	FOR fault IN SELECT c.conname AS key FROM pg_constraint c LEFT JOIN citus.told t ON t.relation = c.confrelid
			WHERE c.conrelid = name::regclass AND c.contype = 'f' AND c.conparentid = 0 AND coalesce(t.how, '') <> 'reference'
			AND (t.place IS DISTINCT FROM beside OR NOT EXISTS (SELECT FROM unnest(c.conkey, c.confkey) AS pair(own, other)
				WHERE own = number AND other = (SELECT attnum FROM pg_attribute WHERE attrelid = c.confrelid AND attname = distribution))) LOOP
		RAISE 'foreign key % leads away from its user''s node', fault.key;
	END LOOP;
	INSERT INTO citus.told VALUES (name::regclass, 'distributed', beside);
END $$;
"""
LOCAL = {"server_state"}


def statements():
    """The document's three blocks by name, and the list of tables that lie together."""
    text = (ROOT / "docs/storage.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```sql\n-- citus: (\w+)\n(.*?)```", text, re.S))
    names = re.search(r"colocate_with => 'store_state'\)` of\n\n(.*?)\n\n", text, re.S).group(1)
    return blocks, re.findall(r"`(\w+)`", names)


def cluster():
    try:
        return pg.cluster()
    except pg.Missing as why:
        raise Skip(why) from None


def script(database, sql, user=pg.ROLE):
    return database.psql("SET search_path = tidemark, citus;\n" + sql, database="store", user=user)


def refused(action):
    """What it says when it fails; empty: it did not."""
    try:
        action()
    except RuntimeError as why:
        return str(why)
    return ""


def fill(case, database):
    """A store with a user and events of some months."""
    box = case.machine("box")
    box.env["TT_STORE"] = database.make_database("store")
    database.psql(RULES, database="store")
    key = box.must("serve", "generate-key", "--email", "ann@example.org", "--json").json()["key"]
    box.env["TT_USER"] = "ann@example.org"
    box.bulk(0, 200)
    box.must("import", stdin=b"".join(json.dumps({**json.loads(line), "id": json.loads(line)["id"].replace("2026-02", "2025-11"),
                                                  "timestamp": json.loads(line)["timestamp"].replace("2026-02", "2025-11")}).encode() + b"\n"
                                      for line in box.events().splitlines()[:50]))
    return box, key


def test_rules(case):
    """The functions that stand for Citus do refuse."""
    with cluster() as database:
        fill(case, database)
        for what, sql, why in (
                ("two levels of partitions", "SELECT create_distributed_table('event', 'user_no', 'none')", "multi-level"),
                ("a unique key without the column", "SELECT create_distributed_table('api_key', 'user_no', 'none')", "does not hold"),
                ("a foreign key to what is not distributed", "SELECT create_distributed_table('peer', 'user_no', 'none')", "leads away"),
                ("a column that is none", "SELECT create_distributed_table('dict', 'nobody', 'none')", "no column"),
                ("a trigger", "SELECT create_reference_table('server_state')", "triggers"),
                ("a reference to a table that is on one node", "SELECT create_reference_table('peer')", "refers to a table")):
            if what == "two levels of partitions":
                database.psql("DROP TRIGGER event_deleted ON tidemark.event", database="store", user=pg.ROLE)
            case.ok(why in refused(lambda: script(database, sql)), what)  # noqa: B023


def test_document(case):
    """The statements run, in their order; every table is told once; afterwards the server works as before."""
    blocks, names = statements()
    case.equal(sorted(blocks), ["after", "before", "distribute"], "the document has the three blocks")
    with cluster() as database:
        box, key = fill(case, database)
        before = box.events()
        case.ok(before, "there are events")
        for name in ("before", "distribute"):
            case.equal(refused(lambda: script(database, f"BEGIN; {blocks[name]}; COMMIT")), "", f"what it says under '{name}'")  # noqa: B023
        for name in names:
            case.equal(refused(lambda: script(database, f"SELECT create_distributed_table('{name}', 'user_no', 'store_state')")), "", f"{name} goes beside its user")  # noqa: B023
        case.equal(refused(lambda: script(database, f"BEGIN; {blocks['after']}; COMMIT")), "", "what it says under 'after'")
        tables = set(database.psql("SELECT relname FROM pg_class WHERE relnamespace = 'tidemark'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition",
                                   database="store").split())
        told = set(database.psql("SELECT relname FROM pg_class JOIN citus.told ON oid = relation", database="store").split())
        case.equal(sorted(tables - told), sorted(LOCAL), "every table is told of but the coordinator's own")
        case.equal(database.psql("SELECT count(DISTINCT place) FROM citus.told WHERE how = 'distributed'", database="store"), "1", "all of a user's lie together")
        case.equal(database.psql("SELECT count(*) FROM pg_class WHERE relnamespace = 'tidemark'::regnamespace AND relrowsecurity", database="store"), "0",
                   "row-level security is off, as it says")
        case.equal(box.events(), before, "the events are the same")
        serve(case, box, key)
        box.must("verify")
        case.ok(True, "the store verifies")


def serve(case, box, key):
    """Writes to months that are there and to one that is not."""
    child = box.start("serve", "--json", "--require-key", "--listen", "127.0.0.1:0", stdout=subprocess.PIPE)
    try:
        place = json.loads(child.stdout.readline())["listen"][0]

        def ask(method, path, body=None):
            request = urllib.request.Request(place + path, None if body is None else json.dumps(body).encode(),
                                             {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}, method=method)
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        ask("POST", "/api/0/buckets/b", {"type": "t", "client": "c", "hostname": "h"})
        for month in ("2026-02", "2026-09", "2014-05"):
            ask("POST", "/api/0/buckets/b/heartbeat?pulsetime=10", {"timestamp": f"{month}-10T10:00:00Z", "duration": 0, "data": {"month": month}})
        got = ask("GET", "/api/0/buckets/b/events")
        case.equal(sorted(event["data"]["month"] for event in got), ["2014-05", "2026-02", "2026-09"], "old months, new months, and before all months")
        ask("DELETE", f"/api/0/buckets/b/events/{got[0]['id']}")
        case.equal(len(ask("GET", "/api/0/buckets/b/events")), 2, "a deletion works, with its trigger")
    finally:
        child.terminate()
        child.wait(30)


run([test_rules, test_document])

#!/usr/bin/env python3
"""The numbers of every agent's samples, collected together, as `tt stats` and `tt query` tell them: exactly those of expected.json."""
import json
import shutil
import sqlite3
import time
from pathlib import Path

from lib import ROOT, run

DATA = ROOT / "tests/data"
# Where the samples of an agent lie, and what the agent calls itself.
AGENTS = {"claude": "claude-code", "copilot-vscode": "copilot-vscode", "copilot-cli": "copilot-cli", "cursor": "cursor", "codex": "codex",
          "opencode": "opencode", "gemini": "gemini-cli", "aider": "aider", "cline": "cline"}
# Keys of expected.json that have another name in the rows of `tt stats`.
NAMES = {"cwd": "workspace", "errors": "api_errors", "context_files": "file_reads", "edit_count": "edits", "thoughts": "reasoning",
         "unknown": "unknown_records", "parent": "parent_session_id"}
TOKENS = {"input", "output", "cache_read", "cache_write", "reasoning", "thoughts"}
# Keys that are not numbers of a row: what they say is asked for elsewhere here, or is no number of ours.
OTHER = {"session", "truncated", "tools", "by_model", "usage_events", "usage_known", "wal_only_bubbles", "note", "model", "api_requests",
         "api_requests_with_usage", "malformed_files"}
# What a collector that keeps withdrawn work says of gemini/G2 (its note), less what is counted.
WITHDRAWN = {"gemini/G2": {"prompts": 1, "responses": 1, "input": 1100, "output": 9, "cache_read": 900}}


def expected():
    """(agent, key, values) of every sample, sessions and whole agents."""
    for agent in AGENTS:
        for key, values in json.loads((DATA / agent / "expected.json").read_text()).items():
            if not key.endswith(" appended"):
                yield agent, key, values


def collected(case):
    """A machine that has collected every agent's samples."""
    machine = case.machine("box")
    for agent in AGENTS:
        shutil.copytree(DATA / agent / "home", machine.home, dirs_exist_ok=True)
    folder = machine.home / ".config/tt"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(f'[collect.aider]\nroots = ["{machine.home}/work", "{machine.home}/personal"]\n')
    machine.must("collect")
    return machine


def stats(machine, *words):
    return machine.must("stats", "--local", "--json", *words).json()


def sql(machine, statement):
    """Rows as lists."""
    answer = machine.must("query", "--sql", statement, "--json").json()
    return [[row[name] for name in answer["columns"]] for row in answer["rows"]]


def row_of(rows, key, values):
    """The row of a session of expected.json, or None."""
    if key.endswith("/sub"):
        found = [row for row in rows if row["parent_session_id"] == values["session"]]
    elif "/agent-" in key:
        found = [row for row in rows if row["session_id"] == f"{values['session']}/{key.rsplit('/', 1)[1]}"]
    else:
        found = [row for row in rows if row["session_id"] == values["session"]]
    return found[0] if len(found) == 1 else None


def wanted(values, name):
    """The value of a row; tokens that nobody knows are null there, whatever they are in expected.json."""
    if name in TOKENS and values[name] == 0 and values.get("usage_known") == 0:
        return None
    return values[name]


def compare(case, what, row, values):
    want = {NAMES.get(name, name): wanted(values, name) for name in values if name not in OTHER}
    case.equal({name: row.get(name) for name in want}, want, what)


def sessions(case):
    """Every session's row."""
    rows = stats(collected(case))["sessions"]
    case.equal(len({(row["source"], row["machine_id"], row["session_id"]) for row in rows}), len(rows), "no session has two rows")
    for agent, key, values in expected():
        if "session" not in values:
            continue
        row = row_of(rows, key, values)
        if values.get("malformed_files") and not values["prompts"]:
            case.ok(row is None or row["prompts"] + row["tool_calls"] == 0, f"{key}: nothing can be read of it", row)
        elif case.ok(row, f"{key}: there is a row", [row["session_id"] for row in rows if row["agent"] == AGENTS[agent]]):
            compare(case, key, row, values)
            if key in WITHDRAWN:
                got = {name: row["withdrawn"][name] for name in WITHDRAWN[key]}
                case.equal(got, WITHDRAWN[key], f"{key}: withdrawn")
            if "usage_known" in values:
                case.equal(row["responses"] - row["unknown_usage"], values["usage_known"], f"{key}: responses with tokens")


def agents(case):
    """The bare keys: each agent as a whole; the rows of sessions sum up to it."""
    answer = stats(collected(case), "--by", "agent")
    groups = {row["key"]: row for row in answer["groups"]}
    for agent, key, values in expected():
        if key != agent:
            continue
        if case.ok(AGENTS[agent] in groups, f"{agent}: there is a group", list(groups)):
            compare(case, agent, groups[AGENTS[agent]], values)
    for name in ("prompts", "responses", "tool_calls", "tool_errors", "input", "output"):
        total = sum(row[name] or 0 for row in answer["sessions"])
        case.equal(answer["totals"][name], total, f"totals: {name}")


def aider(case):
    """Aider has no session ids: its sessions are told by where and when they were."""
    machine = collected(case)
    rows = [row for row in stats(machine)["sessions"] if row["agent"] == "aider"]
    for agent, key, values in expected():
        if agent != "aider":
            continue
        own = [row for row in rows if row["workspace"] == str(machine.home / values["workspace"])]
        case.equal(len(own), values["sessions"], f"{key}: sessions")
        for name, ours in (("prompts", "prompts"), ("commands", "commands"), ("responses", "responses"), ("edits", "file_edits"),
                           ("sent_approx", "input"), ("received_approx", "output")):
            case.equal(sum(row[ours] or 0 for row in own), values[name], f"{key}: {name}")
        starts = [row["first"][:19].replace("T", " ") for row in own]
        case.equal(sorted(starts), sorted(values["starts"]), f"{key}: starts")


def details(case):
    """Tools and models, which `tt stats` does not tell by session, asked for in SQL."""
    machine = collected(case)
    tools, models, usage = {}, {}, {}
    for session, tool, count in sql(machine, "SELECT session_id, tool, count(*) FROM tools WHERE NOT withdrawn GROUP BY 1, 2"):
        tools.setdefault(session, {})[tool] = count
    for session, model, *tokens in sql(machine, "SELECT session_id, coalesce(model, 'null'), sum(input), sum(output) FROM tokens"
                                                " WHERE input IS NOT NULL GROUP BY 1, 2"):
        models.setdefault(session, {})[model] = tokens
    for session, count in sql(machine, "SELECT session_id, count(*) FROM tokens WHERE input IS NOT NULL GROUP BY 1"):
        usage[session] = count
    for _, key, values in expected():
        session = f"{values.get('session')}/{key.rsplit('/', 1)[1]}" if "/agent-" in key else values.get("session")
        if "tools" in values:
            case.equal(tools.get(session, {}), values["tools"], f"{key}: tools")
        if "by_model" in values:
            case.equal(models.get(session, {}), values["by_model"], f"{key}: by model")
        for name in ("usage_events", "api_requests_with_usage"):
            if name in values:
                case.equal(usage.get(session, 0), values[name], f"{key}: {name}")


def appended(case):
    """The bytes that the torn files lack: their numbers change as expected, and no file waits for them any more."""
    machine = collected(case)
    before = stats(machine)
    index = json.loads((DATA / "_append/index.json").read_text())
    for entry in index:
        path = machine.home / Path(*Path(entry["append_to"]).parts[2:])
        with open(path, "ab") as file:
            file.write((DATA / "_append" / Path(entry["bytes"]).name).read_bytes())
    machine.must("collect")
    after = stats(machine)
    values = {key: values for _, key, values in expected()}
    for entry in index:
        key = entry["key"]
        row = row_of(after["sessions"], key, values[key])
        if case.ok(row, f"{key}: there is a row"):
            compare(case, f"{key}: appended", row, entry["after"])
    case.equal(before["waiting_files"] - after["waiting_files"], len(index), "files that waited")


def periods(case):
    """What is asked for by days sums up to the whole; the filters of a query find what stats counts."""
    machine = collected(case)
    whole = stats(machine)
    days = stats(machine, "--by", "day")["groups"]
    for name in ("events", "prompts", "responses", "tool_calls"):
        case.equal(sum(day[name] for day in days), whole["totals"][name], f"days: {name}")
    for row in whole["groups"]:
        if row["key"]:
            found = machine.must("query", "--agent", row["key"], "--json").json()["events"]
            # A source may bear the name of one of its agents: then the others come too.
            case.equal(len([event for event in found if event["agent"] == row["key"]]), row["events"], f"{row['key']}: events")
    shop = machine.must("query", "--workspace", "/home/ana/work/shop", "--json").json()
    case.ok(shop["count"] > 0, "events in one directory")
    case.equal({event["cwd"] for event in shop["events"]}, {"/home/ana/work/shop"}, "not 'shop front', nothing above")
    lines = machine.must("query", "--type", "tool_use", "--format", "json").out.splitlines()
    case.equal(len([json.loads(line) for line in lines]),
               whole["totals"]["tool_calls"] + sum(1 for line in lines if json.loads(line).get("withdrawn")), "tool calls")


def while_writing(case):
    """Another process writes: what is committed is told at once, and what the hooks wrote is not lost."""
    machine = case.machine("box")
    machine.bulk(0, 100)
    writer = sqlite3.connect(machine.store, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    machine.focus(1000)
    for words in (["query", "--json"], ["stats", "--json"], ["query", "--sql", "SELECT count(*) AS n FROM events", "--json"]):
        began = time.monotonic()
        answer = machine.must(*words).json()
        seconds = time.monotonic() - began
        count = answer["rows"][0]["n"] if "rows" in answer else answer.get("count", answer.get("totals", {}).get("events"))
        case.equal(count, 100, f"{words[0]}: what is committed")
        case.ok(seconds < 10, f"{words[0]}: after {seconds:.1f} s")
    writer.execute("ROLLBACK")
    writer.close()
    case.equal(machine.must("query", "--json").json()["count"], 101, "the hook's event comes with the next query")


if __name__ == "__main__":
    run([sessions, agents, aider, details, appended, periods, while_writing])

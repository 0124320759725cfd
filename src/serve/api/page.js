// What this server holds, read over its own API. Text from outside goes in as text, never as markup.
"use strict";

// Where ActivityWatch's web UI keeps its key too.
const KEY_NAME = "aw-api-token";

const find = (id) => document.getElementById(id);

function say(text) {
	find("status").textContent = text;
}

// A key in the address is kept for this tab, and taken out of what is shown and remembered.
function takeToken() {
	const url = new URL(window.location.href);
	const token = url.searchParams.get("token");

	if (!token)
		return;
	sessionStorage.setItem(KEY_NAME, token);
	url.searchParams.delete("token");
	window.history.replaceState(null, "", url);
}

class NeedsKey extends Error {}

async function get(path) {
	const key = sessionStorage.getItem(KEY_NAME);
	const answer = await fetch(path, key ? { headers: { Authorization: "Bearer " + key } } : {});

	if (answer.status === 401)
		throw new NeedsKey();
	if (!answer.ok) {
		const body = await answer.json().catch(() => ({}));

		throw new Error(body.message || "the server answered " + answer.status);
	}
	return answer.json();
}

function cell(text, className) {
	const td = document.createElement("td");

	td.textContent = text;
	if (className)
		td.className = className;
	return td;
}

function timeCell(text) {
	const td = document.createElement("td");
	const time = document.createElement("time");

	if (!text)
		return td;
	time.dateTime = text;
	time.textContent = new Date(text).toLocaleString();
	td.append(time);
	return td;
}

function row(cells) {
	const tr = document.createElement("tr");

	tr.append(...cells);
	return tr;
}

const count = (number) => cell((number || 0).toLocaleString(), "number");

// Events and the last instant of each machine, from its buckets.
function sums(buckets) {
	const result = new Map();

	for (const bucket of buckets) {
		const sum = result.get(bucket.machine_id) || { events: 0, last: null };

		sum.events += bucket.event_count || 0;
		if (bucket.last_updated && (!sum.last || Date.parse(bucket.last_updated) > Date.parse(sum.last)))
			sum.last = bucket.last_updated;
		result.set(bucket.machine_id, sum);
	}
	return result;
}

function show(info, devices, buckets) {
	const byMachine = sums(buckets);

	find("server").textContent = info.hostname + ", " + info.version + (info.testing ? ", testing" : "");
	find("machines").replaceChildren(...devices.map((device) => {
		const sum = byMachine.get(device.machine_id) || { events: 0, last: null };

		return row([cell(device.label || "(no name)"), cell(device.hostname), count(sum.events), timeCell(sum.last),
			cell(device.machine_id, "id")]);
	}));
	find("buckets").replaceChildren(...buckets.map((bucket) => row([cell(bucket.id, "id"), cell(bucket.type), cell(bucket.hostname),
		count(bucket.event_count), timeCell(bucket.last_updated)])));
	find("key-form").hidden = true;
	find("content").hidden = false;
	say(buckets.length === 0 ? "Nothing is stored yet." : buckets.length + " buckets.");
}

async function load() {
	try {
		const [info, devices, buckets] = await Promise.all([get("/api/0/info"), get("/api/0/devices"), get("/api/0/buckets/")]);

		show(info, devices, Object.values(buckets).sort((a, b) => a.id.localeCompare(b.id)));
	} catch (error) {
		if (!(error instanceof NeedsKey)) {
			say("Failed: " + error.message);
			return;
		}
		say(sessionStorage.getItem(KEY_NAME) ? "The server does not know this key." : "The server wants a key.");
		sessionStorage.removeItem(KEY_NAME);
		find("key-form").hidden = false;
		find("key").focus();
	}
}

find("key-form").addEventListener("submit", (event) => {
	event.preventDefault();
	sessionStorage.setItem(KEY_NAME, find("key").value.trim());
	find("key").value = "";
	load();
});
takeToken();
load();

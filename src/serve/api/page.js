// What this server holds, read over its own API. Text from outside goes in as text, never as markup.
"use strict";

// Where ActivityWatch's web UI keeps its key too.
const KEY_NAME = "aw-api-token";
const LAST_EVENTS = 10;
const LONGEST_VALUE = 300; // characters of one value of an event
const MOST_VALUES = 20;    // values of one event
const FILTER_FROM = 8;     // so many buckets need a filter
// The streams' bucket is computed on each request: its last events are looked for in this time.
const COMPUTED_MS = 7 * 24 * 3600 * 1000;

const find = (id) => document.getElementById(id);
const opened = new Set(); // ids of buckets whose events are shown
let loads = 0;            // the answers of an older one are dropped
let buckets = [];

// --- the key ---

const isKey = (text) => /^[!-~]+$/.test(text);
const readKey = () => sessionStorage.getItem(KEY_NAME);
const forgetKey = () => sessionStorage.removeItem(KEY_NAME);

// A key in the address is kept for this tab, and taken out of what is shown and remembered.
function takeToken() {
	const url = new URL(window.location.href);
	const token = url.searchParams.get("token");

	if (token === null)
		return;
	url.searchParams.delete("token");
	window.history.replaceState(null, "", url);
	if (isKey(token))
		sessionStorage.setItem(KEY_NAME, token);
	else if (token)
		warn("What the address had as “token” is no key.");
}

// --- asking ---

class Refused extends Error {} // no key, or not a good one

async function ask(path) {
	const key = readKey();
	let answer;

	try {
		answer = await fetch(path, { cache: "no-store", headers: key ? { Authorization: "Bearer " + key } : {} });
	} catch {
		throw new Error("The server does not answer. Is it running?");
	}
	if (answer.status === 401)
		throw new Refused("The server does not let this page in.");
	if (!answer.ok) {
		const body = await answer.json().catch(() => null);
		const why = body && body.message ? body.message : "no reason given";

		throw new Error("The server answered " + answer.status + ": " + why);
	}
	return answer;
}

const askJson = async (path) => (await ask(path)).json();
const bucketPath = (id) => "/api/0/buckets/" + encodeURIComponent(id);

// --- text ---

// Characters that are not seen, or turn others around, are shown by number (those that join letters and emoji are not).
function visible(text) {
	return String(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
		const code = character.codePointAt(0);

		return code === 0x200c || code === 0x200d ? character : "⟨U+" + code.toString(16).toUpperCase().padStart(4, "0") + "⟩";
	});
}

function shortened(text) {
	const characters = Array.from(text);

	if (characters.length <= LONGEST_VALUE)
		return visible(text);
	return visible(characters.slice(0, LONGEST_VALUE).join("")) + "… (" + number(characters.length) + " characters)";
}

const number = (value) => value.toLocaleString();

function bytes(value) {
	const units = ["bytes", "kB", "MB", "GB", "TB"];
	let at = 0;

	while (value >= 1000 && at < units.length - 1) {
		value /= 1000;
		at++;
	}
	return value.toLocaleString(undefined, { maximumFractionDigits: at > 0 && value < 100 ? 1 : 0 }) + " " + units[at];
}

function duration(seconds) {
	const whole = Math.round(seconds);

	if (seconds > 0 && seconds < 1)
		return Math.max(1, Math.round(seconds * 1000)) + " ms";
	if (whole < 60)
		return seconds.toLocaleString(undefined, { maximumFractionDigits: 1 }) + " s";
	if (whole < 3600)
		return Math.floor(whole / 60) + " min " + whole % 60 + " s";
	return number(Math.floor(whole / 3600)) + " h " + Math.floor(whole % 3600 / 60) + " min";
}

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

// "5 minutes ago": the largest unit that fits.
function relative(date) {
	const units = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
	const seconds = (date.getTime() - Date.now()) / 1000;
	const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) || ["second", 1];

	return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
}

function zone() {
	const format = new Intl.DateTimeFormat("en", { timeZoneName: "longOffset" });
	const offset = format.formatToParts(new Date()).find((part) => part.type === "timeZoneName");
	const name = format.resolvedOptions().timeZone;

	return offset && offset.value !== name ? name + " (" + offset.value + " now)" : name;
}

// --- elements ---

// CONTENT: elements and texts.
function make(tag, className, ...content) {
	const element = document.createElement(tag);

	if (className)
		element.className = className;
	element.append(...content);
	return element;
}

// Text from outside: its direction stays its own.
const foreign = (text, className) => make("bdi", className, visible(text));

// The moment that the server wrote as TEXT, in local time.
function moment(text) {
	const element = make("time", "", clock.format(new Date(text)));

	element.dateTime = text;
	element.title = text;
	return element;
}

function cell(label, className, ...content) {
	const td = make("td", className, ...content);

	td.setAttribute("role", "cell");
	td.dataset.label = label;
	return td;
}

function timeCell(label, text, withAge) {
	if (!text)
		return cell(label, "when", "–");
	return cell(label, "when", moment(text), withAge ? make("span", "faint", relative(new Date(text))) : "");
}

function row(className, ...cells) {
	const tr = make("tr", className, ...cells);

	tr.setAttribute("role", "row");
	return tr;
}

function rowHeader(...content) {
	const th = make("th", "", ...content);

	th.scope = "row";
	th.setAttribute("role", "rowheader");
	return th;
}

function say(text) {
	find("status").textContent = text;
}

function warn(text) {
	find("problem").textContent = text;
	find("problem").hidden = !text;
}

// A link into the API. A browser following it sends no key: with one, what it leads to is fetched and saved.
async function follow(event) {
	const link = event.currentTarget;

	if (!readKey())
		return;
	event.preventDefault();
	try {
		const url = URL.createObjectURL(await (await ask(link.getAttribute("href"))).blob());
		const save = make("a");

		save.href = url;
		save.download = link.dataset.file;
		save.click();
		setTimeout(() => URL.revokeObjectURL(url), 60000);
	} catch (error) {
		warn(error.message);
	}
}

// --- the last events of a bucket ---

function values(data) {
	const all = Object.entries(data);
	const pairs = all.slice(0, MOST_VALUES).map(([name, value]) => make("span", "pair",
		make("bdi", "name", shortened(name)), ": ",
		make("bdi", "", shortened(typeof value === "string" ? value : JSON.stringify(value)))));
	const left = all.length - pairs.length;

	if (left > 0)
		pairs.push(make("span", "pair", "and " + number(left) + (left === 1 ? " other" : " others")));
	return make("div", "", ...pairs.flatMap((pair) => [pair, " "]));
}

function eventItem(event) {
	return make("li", "", make("div", "", moment(event.timestamp)), make("div", "number", duration(event.duration)), values(event.data));
}

const isComputed = (bucket) => bucket.event_count === 0 && bucket.last_updated !== null;

function eventsPath(bucket) {
	const path = bucketPath(bucket.id) + "/events?limit=" + LAST_EVENTS;

	if (!isComputed(bucket))
		return path;
	return path + "&start=" + encodeURIComponent(new Date(Date.parse(bucket.last_updated) - COMPUTED_MS).toISOString());
}

function apiLink(path, text, file) {
	const link = make("a", "", text);

	link.href = path;
	link.dataset.file = file;
	link.addEventListener("click", follow);
	return link;
}

async function fillDetail(place, bucket) {
	place.replaceChildren(make("p", "faint", "Loading…"));
	try {
		const events = await askJson(eventsPath(bucket));
		const links = make("p", "more", apiLink(eventsPath(bucket), "These events as JSON", "events.json"));

		place.replaceChildren(events.length > 0 ? make("ol", "", ...events.map(eventItem)) : make("p", "faint", "No events."), links);
	} catch (error) {
		const problem = make("p", "faint", error.message);

		problem.setAttribute("role", "alert");
		place.replaceChildren(problem);
	}
}

// The bucket's row and, below it, the one for its events.
function bucketRows(bucket, index) {
	const place = make("td", "detail");
	const detail = row("detail", place);
	const button = make("button", "open", foreign(bucket.id, "mono"));
	const toggle = (open) => {
		button.setAttribute("aria-expanded", String(open));
		detail.hidden = !open;
		if (open)
			fillDetail(place, bucket);
	};

	place.setAttribute("role", "cell");
	place.colSpan = 6;
	detail.id = "bucket-" + index;
	button.type = "button";
	button.setAttribute("aria-controls", detail.id);
	button.addEventListener("click", () => {
		const open = detail.hidden;

		if (open)
			opened.add(bucket.id);
		else
			opened.delete(bucket.id);
		toggle(open);
	});
	toggle(opened.has(bucket.id));
	return [row("", rowHeader(button), cell("Type", "", foreign(bucket.type)), cell("Host", "", foreign(bucket.hostname)),
		cell("Events", "number", isComputed(bucket) ? "computed" : number(bucket.event_count)),
		timeCell("First", bucket.metadata.start, false), timeCell("Last", bucket.last_updated, true)), detail];
}

function showBuckets() {
	const wanted = find("filter").value.trim().toLowerCase();
	const matches = buckets.filter((bucket) => [bucket.id, bucket.type, bucket.hostname].some((text) => text.toLowerCase().includes(wanted)));

	find("buckets").replaceChildren(...matches.flatMap(bucketRows));
	find("matches").textContent = wanted ? number(matches.length) + " of " + number(buckets.length) : "";
}

// --- what there is ---

// Buckets, events, first and last of some buckets.
function sum(some) {
	const total = { buckets: some.length, events: 0, first: null, last: null };

	for (const { event_count: events, metadata: { start }, last_updated: end } of some) {
		total.events += events;
		if (start && (!total.first || Date.parse(start) < Date.parse(total.first)))
			total.first = start;
		if (end && (!total.last || Date.parse(end) > Date.parse(total.last)))
			total.last = end;
	}
	return total;
}

function machineRow(device, info) {
	const total = sum(buckets.filter((bucket) => bucket.machine_id === device.machine_id));
	const own = device.machine_id === info.device_id;
	const names = [device.label, device.hostname || (own ? info.hostname : "")].filter((name) => name);
	const name = foreign(names[0] || "(no name)");
	const host = names.length > 1 && names[1] !== names[0] ? [make("span", "faint", "host ", foreign(names[1]))] : [];

	return row("", rowHeader(name, own ? make("span", "badge", "this server") : "", ...host, make("span", "faint mono", device.machine_id)),
		cell("Buckets", "number", number(total.buckets)), cell("Events", "number", number(total.events)),
		timeCell("First", total.first, false), timeCell("Last", total.last, true));
}

// A value of /metrics that has no labels.
function metric(text, name) {
	const line = text.split("\n").find((one) => one.startsWith(name + " "));

	return line ? Number(line.slice(name.length + 1)) : NaN;
}

function facts(metrics, devices) {
	const total = sum(buckets);
	const quarantined = metric(metrics, "tt_store_quarantined");
	const list = [["Events", number(metric(metrics, "tt_store_events"))], ["Buckets", number(total.buckets)],
		["Machines", number(devices.length)], ["Size", bytes(metric(metrics, "tt_store_bytes"))]];

	if (total.first)
		list.push(["First event", moment(total.first)], ["Last event", moment(total.last)]);
	if (quarantined > 0)
		list.push(["In quarantine", number(quarantined)]);
	return list.map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value)));
}

function showServer(info) {
	const version = info.version.match(/tidemark ([^)]+)/);

	find("server").replaceChildren(foreign(info.hostname), " · version " + (version ? version[1] : info.version),
		info.testing ? make("span", "badge", "testing") : "");
	document.title = "Tidemark · " + visible(info.hostname);
}

function show(info, devices, metrics) {
	showServer(info);
	find("facts").replaceChildren(...facts(metrics, devices));
	find("machines").replaceChildren(...devices.map((device) => machineRow(device, info)));
	find("filter-line").hidden = buckets.length < FILTER_FROM;
	if (find("filter-line").hidden)
		find("filter").value = "";
	showBuckets();
	find("zone").textContent = "Times are those of " + zone() + ".";
	find("origin").textContent = window.location.origin;
	find("welcome").hidden = buckets.length > 0;
	for (const id of ["summary", "machines-section", "buckets-section"])
		find(id).hidden = buckets.length === 0;
	find("zone").hidden = buckets.length === 0;
	find("key-form").hidden = true;
	find("content").hidden = false;
}

function askForKey() {
	find("content").hidden = true;
	find("key-form").hidden = false;
	find("key").focus();
}

// The newest first; those without events last, by name.
function byAge(a, b) {
	const [left, right] = [a, b].map((bucket) => bucket.last_updated ? Date.parse(bucket.last_updated) : -Infinity);

	return left === right ? a.id.localeCompare(b.id) : right > left ? 1 : -1;
}

// The first request alone, so that a wrong key is tried once.
async function fetchAll() {
	const info = await askJson("/api/0/info");
	const [devices, list, metrics] = await Promise.all([askJson("/api/0/devices"), askJson("/api/0/buckets/"),
		ask("/metrics").then((answer) => answer.text())]);

	return [info, devices, Object.values(list).sort(byAge), metrics];
}

async function load() {
	const own = ++loads;

	find("refresh").disabled = true;
	say("Loading…");
	try {
		const [info, devices, list, metrics] = await fetchAll();

		if (own !== loads)
			return;
		say("");
		buckets = list;
		show(info, devices, metrics);
	} catch (error) {
		if (own !== loads)
			return;
		say("");
		if (!(error instanceof Refused)) {
			warn(error.message);
		} else if (readKey()) {
			forgetKey();
			warn("The server does not know this key, or it has ended. It was forgotten.");
			load();
			return;
		} else {
			askForKey();
		}
	}
	find("refresh").disabled = false;
	find("refresh").hidden = !find("key-form").hidden;
	find("forget").hidden = !readKey();
}

function start() {
	find("key-form").addEventListener("submit", (event) => {
		const key = find("key").value.trim();

		event.preventDefault();
		find("key").value = "";
		if (!isKey(key)) {
			warn("This is no key: it has characters that keys do not have.");
			return;
		}
		warn("");
		sessionStorage.setItem(KEY_NAME, key);
		load();
	});
	find("refresh").addEventListener("click", () => {
		warn("");
		load();
	});
	find("forget").addEventListener("click", () => {
		forgetKey();
		warn("");
		load();
	});
	find("filter").addEventListener("input", showBuckets);
	for (const link of document.querySelectorAll("nav a"))
		link.addEventListener("click", follow);
	takeToken();
	load();
}

start();

// What ActivityWatch's web UI asks for when it is opened and used, in its order; each answer goes into `checks`.
"use strict";

const checks = [];

function check(what, good, detail) {
	checks.push({ what, good: Boolean(good), detail: JSON.stringify(detail === undefined ? null : detail) });
}

function takeToken() {
	const url = new URL(window.location.href);
	const token = url.searchParams.get("token");

	if (!token)
		return;
	sessionStorage.setItem("aw-api-token", token);
	url.searchParams.delete("token");
	history.replaceState(null, "", url);
}

async function ask(method, path, body) {
	const token = sessionStorage.getItem("aw-api-token");
	const form = body instanceof FormData;
	const answer = await fetch("/api/0/" + path, {
		method,
		headers: { ...(token ? { Authorization: "Bearer " + token } : {}), ...(body !== undefined && !form ? { "Content-Type": "application/json" } : {}) },
		body: form || body === undefined ? body : JSON.stringify(body),
	});
	const text = await answer.text();
	let json = null;

	try {
		json = JSON.parse(text);
	} catch {
		// Some answers are empty.
	}
	return { status: answer.status, json };
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const day = (hour) => new Date(Date.UTC(2026, 1, 3, hour)).toISOString();
const window_id = "aw-watcher-window_stand-in";
const afk_id = "aw-watcher-afk_stand-in";

async function load() {
	const settings = await ask("GET", "settings");
	const info = await ask("GET", "info");
	const buckets = await ask("GET", "buckets/");

	check("settings are an object", settings.status === 200 && isObject(settings.json), settings);
	check("info names a version and says it is no Python server", info.status === 200 && /^v\d+\.\d+\.\d+ .*rust/.test(info.json.version), info);
	check("buckets are an object", buckets.status === 200 && isObject(buckets.json), buckets);
}

async function settings() {
	check("a notice's setting is null", (await ask("GET", "settings/aw-notify")).json === null);
	for (const [key, value] of [["startOfDay", "04:00"], ["durationDefault", 30], ["classes", [{ name: ["Work"], rule: { type: "regex", regex: "vim" } }]]]) {
		const saved = await ask("POST", "settings/" + key, value);

		check("setting " + key + " is saved", saved.status >= 200 && saved.status < 300, saved);
	}
	const again = await ask("GET", "settings");

	check("and read", again.json.startOfDay === "04:00" && again.json.durationDefault === 30 && again.json.classes[0].name[0] === "Work", again);
}

async function data() {
	for (const [id, type] of [[window_id, "currentwindow"], [afk_id, "afkstatus"]])
		check("bucket " + id, (await ask("POST", "buckets/" + id, { client: "c", type, hostname: "stand-in" })).status === 200);
	const windows = [0, 1, 2].map((number) => ({ timestamp: day(9 + number), duration: 1800, data: { app: number ? "vim" : "firefox", title: "t" + number } }));

	check("windows", (await ask("POST", "buckets/" + window_id + "/events", windows)).status === 200);
	check("presence", (await ask("POST", "buckets/" + afk_id + "/events", [{ timestamp: day(9), duration: 7200, data: { status: "not-afk" } }])).status === 200);
}

// The activity view: one query for the day, then one for each hour of it.
async function activity() {
	const lines = [
		'events = flood(query_bucket(find_bucket("aw-watcher-window_")));',
		'not_afk = flood(query_bucket(find_bucket("aw-watcher-afk_")));',
		'not_afk = filter_keyvals(not_afk, "status", ["not-afk"]);',
		"events = filter_period_intersect(events, not_afk);",
		'events = categorize(events, [[["Work"], {"type": "regex", "regex": "vim"}]]);',
	];
	const desktop = await ask("POST", "query/?name=fullDesktopQuery", {
		query: [...lines, 'app_events = sort_by_duration(merge_events_by_keys(events, ["app"]));',
			'cat_events = sort_by_duration(merge_events_by_keys(events, ["$category"]));', "duration = sum_durations(events);",
			'RETURN = {"window": {"app_events": app_events, "cat_events": cat_events, "duration": duration}};'],
		timeperiods: [day(0) + "/" + new Date(Date.UTC(2026, 1, 4)).toISOString()],
	});

	check("the day's query", desktop.status === 200 && desktop.json.length === 1, desktop);
	check("has the apps", desktop.json[0].window.app_events[0].data.app === "firefox" || desktop.json[0].window.app_events[0].data.app === "vim", desktop);
	check("has the duration", desktop.json[0].window.duration === 3600, desktop);
	for (let hour = 0; hour < 24; hour++) {
		const answer = await ask("POST", "query/", {
			query: [...lines, 'RETURN = {"cat_events": merge_events_by_keys(events, ["$category"])};'],
			timeperiods: [day(hour) + "/" + day(hour + 1)],
		});

		check("hour " + hour, answer.status === 200 && Array.isArray(answer.json[0].cat_events), answer);
	}
}

// Timeline, stopwatch, raw data, developer pages.
async function views() {
	const all = Object.keys((await ask("GET", "buckets/")).json);
	const range = "?start=" + encodeURIComponent(day(0)) + "&end=" + encodeURIComponent(day(23)) + "&limit=-1";
	const lists = await Promise.all(all.map((id) => ask("GET", "buckets/" + id + "/events" + range)));

	check("the timeline has each bucket's events", lists.every((list) => list.status === 200 && Array.isArray(list.json)), lists);
	const first = (await ask("GET", "buckets/" + window_id + "/events?limit=1")).json[0];
	const path = "buckets/" + window_id + "/events/" + first.id;

	check("an event", (await ask("GET", path)).json.id === first.id, first);
	check("edited", (await ask("POST", "buckets/" + window_id + "/events", [{ ...first, data: { app: "edited", title: "" } }])).status === 200);
	check("is edited", (await ask("GET", path)).json.data.app === "edited");
	check("deleted", (await ask("DELETE", path)).status === 200);
	check("is gone", (await ask("GET", path)).status === 404);
	check("the count says so", (await ask("GET", "buckets/" + window_id + "/events/count")).json === 2);
	const stopwatch = { client: "aw-webui", type: "general.stopwatch", hostname: "unknown" };

	check("stopwatch made", (await ask("POST", "buckets/aw-stopwatch", stopwatch)).status === 200);
	check("and again", (await ask("POST", "buckets/aw-stopwatch", stopwatch)).status === 304);
	const beat = { timestamp: day(10), duration: 0, data: { label: "x", running: true } };

	check("started", (await ask("POST", "buckets/aw-stopwatch/heartbeat?pulsetime=1", beat)).status === 200);
	const saved = await ask("GET", "export");
	const form = new FormData();

	check("export", saved.status === 200 && saved.json.buckets[window_id].events.length === 2, saved);
	check("bucket deleted", (await ask("DELETE", "buckets/aw-stopwatch?force=1")).status === 200);
	form.append("buckets.json", new Blob([JSON.stringify({ buckets: { "aw-stopwatch": saved.json.buckets["aw-stopwatch"] } })]), "buckets.json");
	check("and imported", (await ask("POST", "import", form)).status === 200);
	check("with its event", (await ask("GET", "buckets/aw-stopwatch/events?limit=100")).json.length === 1);
}

function script(path) {
	return new Promise((resolve, reject) => {
		const element = document.createElement("script");

		element.src = path;
		element.onload = resolve;
		element.onerror = () => reject(new Error(path + " did not load"));
		document.head.append(element);
	});
}

// A custom visualisation in its frame, which asks the API itself.
function frame(path) {
	return new Promise((resolve) => {
		const element = document.createElement("iframe");

		window.addEventListener("message", (event) => resolve(event.data), { once: true });
		element.src = path;
		document.body.append(element);
		setTimeout(() => resolve("nothing"), 20000);
	});
}

async function files() {
	const style = getComputedStyle(document.getElementById("styled"));

	await script("/js/chunk.js");
	check("a chunk that is loaded later", window.chunkLoaded);
	check("styles", style.color === "rgb(1, 2, 3)" && style.backgroundColor === "rgb(4, 5, 6)", [style.color, style.backgroundColor]);
	await document.getElementById("logo").decode();
	check("an image", document.getElementById("logo").naturalWidth === 7);
	const image = new Image();

	image.src = "/logo.png";
	await image.decode();
	check("another", image.naturalWidth === 1);
	check("a font", (await fetch("/fonts/text.woff2")).headers.get("Content-Type") === "font/woff2");
	check("a script may be made here: its own policy holds, not one more", new Function("return 42")() === 42);
	const worker = await navigator.serviceWorker.register("/service-worker.js");

	check("the service worker", worker.scope === window.location.origin + "/");
	check("a visualisation", await frame("/pages/chart/?start=1") === "object");
}

async function all() {
	takeToken();
	for (const step of [load, settings, data, activity, views, files]) {
		try {
			await step();
		} catch (error) {
			check(step.name + " came to its end", false, String(error.stack || error));
		}
	}
	window.done = true;
}

all();

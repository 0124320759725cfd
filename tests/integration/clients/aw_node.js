// What ActivityWatch's web page and its extensions do with the JavaScript client, against the server at PORT; a JSON object per check.
//
//     NODE_PATH=…/node_modules node aw_node.js PORT
"use strict";
const { AWClient } = require("aw-client");

const day = Date.parse("2026-02-03T09:00:00Z");
const at = (seconds) => new Date(day + seconds * 1000);
const event = (second, duration, data) => ({ timestamp: at(second), duration, data });
const shape = (events) => events.map((e) => [(new Date(e.timestamp) - day) / 1000, e.duration, e.data]);

function say(what, got, want) {
	const [left, right] = [JSON.stringify(got), JSON.stringify(want)];
	console.log(JSON.stringify({ what, good: left === right, detail: `got ${left}, want ${right}` }));
}

async function main() {
	const client = new AWClient("aw-client-js-test", { baseURL: `http://127.0.0.1:${process.argv[2]}` });
	const bucket = "aw-js-test_host";

	say("info", Object.keys(await client.getInfo()).sort(), ["device_id", "hostname", "testing", "version"]);
	say("a new bucket", await client.ensureBucket(bucket, "test", "host"), { alreadyExist: false });
	say("the same again", await client.ensureBucket(bucket, "test", "host"), { alreadyExist: true });
	const listed = (await client.getBuckets())[bucket];
	say("the bucket is listed", [listed.id, listed.type, listed.client, listed.hostname], [bucket, "test", "aw-js-test", "host"].map(
		(value, index) => (index === 2 ? "aw-client-js-test" : value)));
	say("its data is an object", typeof listed.data === "object" && listed.data !== null, true);
	say("one bucket", (await client.getBucketInfo(bucket)).id, bucket);

	await client.insertEvent(bucket, event(0, 1.5, { n: "one" }));
	await client.insertEvents(bucket, [event(10, 1, { n: "two" }), event(20, 2, { n: "three" })]);
	let events = await client.getEvents(bucket);
	say("events, newest first", shape(events), [[20, 2, { n: "three" }], [10, 1, { n: "two" }], [0, 1.5, { n: "one" }]]);
	say("limit", (await client.getEvents(bucket, { limit: 1 })).length, 1);
	say("limit -1 is all", (await client.getEvents(bucket, { limit: -1 })).length, 3);
	say("a range is clipped", shape(await client.getEvents(bucket, { start: at(0.5), end: at(10.25) })),
		[[10, 0.25, { n: "two" }], [0.5, 1, { n: "one" }]]);
	const count = await client.countEvents(bucket);
	say("count", count.data === undefined ? count : count.data, 3);
	const first = events[2];
	say("one event", shape([await client.getEvent(bucket, first.id)]), [[0, 1.5, { n: "one" }]]);
	await client.replaceEvent(bucket, { ...event(0, 3, { n: "changed" }), id: first.id });
	say("replaceEvent", shape(await client.getEvents(bucket))[2], [0, 3, { n: "changed" }]);
	await client.deleteEvent(bucket, first.id);
	say("deleteEvent", (await client.getEvents(bucket)).length, 2);

	const beats = "aw-js-beats_host";
	await client.createBucket(beats, "web.tab.current", "host");
	for (let second = 0; second < 4; second++)
		await client.heartbeat(beats, 2, event(second, 0, { url: "https://example.com/", title: "x" }));
	await client.heartbeat(beats, 2, event(10, 0, { url: "https://example.com/", title: "x" }));
	say("heartbeats merge", shape(await client.getEvents(beats)).map((e) => e.slice(0, 2)), [[10, 0], [0, 3]]);

	const got = await client.query([`${at(0).toISOString()}/${at(3600).toISOString()}`], [
		`events = split_url_events(query_bucket("${beats}"));`, 'RETURN = merge_events_by_keys(events, ["$domain"]);']);
	say("query", got[0].map((e) => [e.duration, e.data.$domain]), [[3, "example.com"]]);
	try {
		await client.query([`${at(0).toISOString()}/${at(1).toISOString()}`], ["RETURN = nope;"]);
		say("a query that fails says why", "nothing", "a message");
	} catch (error) {
		say("a query that fails says why", /VariableNotDefined\("nope/.test(error.response.data.message), true);
	}
	await client.deleteBucket(beats);
	say("deleteBucket", beats in (await client.getBuckets()), false);
}

main().catch((error) => {
	console.log(JSON.stringify({ what: "no exception", good: false, detail: String(error && error.stack) }));
	process.exit(1);
});

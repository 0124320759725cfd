/*
 * A list of parts and the place in it. What may be large, the events, is a scan that stays open;
 * all else is written a part at a time. The user and their keys are read before the snapshot
 * begins, which is the user's alone.
 */
#include "sync/export_user.h"

#include <stdlib.h>

#include "base/json_time.h"
#include "store/aw.h"
#include "store/aw_told.h"
#include "store/keys.h"
#include "store/records.h"
#include "store/users.h"

struct export_user {
	struct store *store;
	const struct export_user_request *request;
	struct buf head; /* the user and the keys */
	size_t part;
	struct event_scan *scan;
	bool snapshot;
	int64_t events;
	struct store_info info;
	struct arena arena; /* of the part at hand */
};

/* --- lines --- */

static struct json_writer begin(struct buf *out, const char *type)
{
	struct json_writer writer = json_writer(out);

	json_begin_object(&writer);
	json_kv_str(&writer, "type", str_from(type));
	return writer;
}

static void end(struct json_writer *writer)
{
	json_end_object(writer);
	buf_byte(writer->out, '\n');
}

static void put_text(struct json_writer *writer, const char *key, struct str text)
{
	json_kv_str(writer, key, text.ptr ? text : STR(""));
}

static void put_time(struct json_writer *writer, const char *key, int64_t ns)
{
	json_kv_time(writer, key, ns == INT64_MAX ? INT64_MIN : ns);
}

static void put_list(
	struct json_writer *writer, const char *key, const struct str *items, size_t count)
{
	json_key(writer, str_from(key));
	json_begin_array(writer);
	for (size_t i = 0; i < count; i++)
		json_put_str(writer, items[i]);
	json_end_array(writer);
}

/* --- the user and the keys --- */

static void put_user(struct buf *out, const struct user *user)
{
	struct json_writer writer = begin(out, "tt.user");

	put_text(&writer, "user_id", user->user_id);
	put_text(&writer, "email", user->email);
	put_time(&writer, "created", user->created_ns);
	end(&writer);
}

static void put_key(struct buf *out, const struct api_key *key)
{
	static const char *const roles[] = {
		[KEY_READ] = "read", [KEY_WRITE] = "write", [KEY_ADMIN] = "admin"
	};
	struct json_writer writer = begin(out, "tt.key");

	put_text(&writer, "key_id", key->key_id);
	put_text(&writer, "name", key->name);
	put_text(&writer, "role", str_from(roles[key->role]));
	put_text(&writer, "machine_id", key->machine_id);
	put_time(&writer, "created", key->created_ns);
	put_time(&writer, "expires", key->expires_ns);
	put_time(&writer, "revoked", key->revoked_ns);
	put_time(&writer, "used", key->used_ns);
	end(&writer);
}

/* As nobody, who alone sees users. */
static int read_user(
	struct export_user *self, struct str email_or_id, struct str *user_id, struct err *err)
{
	struct user user;
	struct api_key *keys;
	size_t count;

	*user_id = STR("");
	if (email_or_id.len == 0)
		return 0;
	if (user_find(self->store, email_or_id, &self->arena, &user, err) < 0 ||
		key_list(self->store, &self->arena, &keys, &count, err) < 0)
		return err->code;
	*user_id = user.user_id;
	put_user(&self->head, &user);
	for (size_t i = 0; i < count; i++)
		if (str_eq(keys[i].user_id, user.user_id))
			put_key(&self->head, &keys[i]);
	return 0;
}

/* --- parts: each appends, 1 when it has more, 0 when it is through --- */

static int put_header(struct export_user *self, struct buf *out, size_t want, struct err *err)
{
	const struct machine *machine = self->request->machine;
	const struct wire_header header = { .format = WIRE_FORMAT,
		.version = STR(TT_VERSION),
		.machine_id = machine->id,
		.label = machine->label,
		.store_id = str_from(self->info.store_id),
		.sent_at_ns = self->request->now_ns };

	(void)want;
	(void)err;
	wire_encode_header(out, &header);
	buf_add(out, buf_str(&self->head));
	return 0;
}

static int put_events(struct export_user *self, struct buf *out, size_t want, struct err *err)
{
	size_t enough = out->len + want;
	struct stored_event item;
	int rc = 1;

	if (!self->scan && event_feed_open(&self->scan, self->store, 0, err) < 0)
		return err->code;
	while (out->len < enough && (rc = event_scan_next(self->scan, &item, err)) == 1) {
		wire_encode_event(out, &item.event);
		self->events++;
	}
	if (rc == 0) {
		event_scan_close(self->scan);
		self->scan = NULL;
	}
	return rc;
}

static int put_devices(struct export_user *self, struct buf *out, size_t want, struct err *err)
{
	struct device *devices;
	size_t count;

	(void)want;
	if (device_list(self->store, &self->arena, &devices, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		struct json_writer writer = begin(out, "tt.device");

		put_text(&writer, "machine_id", devices[i].machine_id);
		put_text(&writer, "label", devices[i].label);
		put_text(&writer, "hostname", devices[i].hostname);
		put_text(&writer, "version", devices[i].version);
		put_time(&writer, "registered", devices[i].registered_ns);
		put_time(&writer, "seen", devices[i].seen_ns);
		end(&writer);
	}
	return 0;
}

static const struct wire_bucket *find_told(
	const struct wire_bucket *told, size_t count, int64_t bucket_no)
{
	for (size_t i = 0; i < count; i++)
		if (told[i].bucket_no == bucket_no)
			return &told[i];
	return NULL;
}

/* One that no client made. */
static void put_other(struct buf *out, const struct aw_bucket *bucket)
{
	struct json_writer writer = begin(out, "tt.bucket");

	put_text(&writer, "bucket_id", bucket->id);
	put_text(&writer, "machine_id", bucket->machine_id);
	put_text(&writer, "type_name", bucket->type);
	put_text(&writer, "client", bucket->client);
	put_text(&writer, "hostname", bucket->hostname);
	put_time(&writer, "created", bucket->created_ns);
	json_key(&writer, STR("data"));
	json_put_raw(&writer, bucket->data.len > 0 ? bucket->data : STR("{}"));
	end(&writer);
}

static int put_buckets(struct export_user *self, struct buf *out, size_t want, struct err *err)
{
	struct aw_bucket *buckets;
	struct wire_bucket *told;
	size_t count, told_count;

	(void)want;
	if (aw_buckets(self->store, &self->arena, &buckets, &count, err) < 0 ||
		aw_told_list(self->store, &self->arena, &told, &told_count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		const struct wire_bucket *found = find_told(told, told_count, buckets[i].bucket_no);
		struct wire_bucket line;

		if (!found) {
			put_other(out, &buckets[i]);
			continue;
		}
		line = *found;
		line.shown = buckets[i].id;
		wire_encode_bucket(out, &line);
	}
	return 0;
}

static int put_settings(struct export_user *self, struct buf *out, size_t want, struct err *err)
{
	struct aw_setting *settings;
	size_t count;

	(void)want;
	if (aw_settings(self->store, &self->arena, &settings, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		struct json_writer writer = begin(out, "tt.setting");

		put_text(&writer, "key", settings[i].key);
		json_key(&writer, STR("value"));
		json_put_raw(&writer, settings[i].value);
		end(&writer);
	}
	return 0;
}

static int put_streams(struct export_user *self, struct buf *out, size_t want, struct err *err)
{
	struct stream_record *streams;
	size_t count;

	(void)want;
	if (records_streams(self->store, &self->arena, &streams, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		struct json_writer writer = begin(out, "tt.stream");

		put_text(&writer, "stream_id", streams[i].stream_id);
		put_text(&writer, "name", streams[i].name);
		put_text(&writer, "anchor_id", streams[i].anchor_id);
		put_text(&writer, "merged_into", streams[i].merged_into);
		put_time(&writer, "created", streams[i].created_ns);
		put_time(&writer, "updated", streams[i].updated_ns);
		put_list(&writer, "tags", streams[i].tags, streams[i].tag_count);
		end(&writer);
	}
	return 0;
}

static int put_rules(struct export_user *self, struct buf *out, size_t want, struct err *err)
{
	struct rule_record *rules;
	size_t count;

	(void)want;
	if (records_rules(self->store, &self->arena, &rules, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		struct json_writer writer = begin(out, "tt.rule");

		json_kv_i64(&writer, "rule", rules[i].rule_no);
		put_text(&writer, "path", rules[i].glob);
		put_list(&writer, "tags", rules[i].tags, rules[i].tag_count);
		end(&writer);
	}
	return 0;
}

static void put_by(struct json_writer *writer, enum assigned_by by)
{
	put_text(writer, "by", by == BY_PERSON ? STR("person") : STR("program"));
	end(writer);
}

static int put_assignments(struct export_user *self, struct buf *out, size_t want, struct err *err)
{
	struct event_assignment *events;
	struct session_assignment *sessions;
	size_t event_count, session_count;

	(void)want;
	if (records_event_assignments(self->store, 0, 0, &self->arena, &events, &event_count, err) <
			0 ||
		records_session_assignments(
			self->store, &self->arena, &sessions, &session_count, err) < 0)
		return err->code;
	for (size_t i = 0; i < event_count; i++) {
		struct json_writer writer = begin(out, "tt.event_assignment");

		put_text(&writer, "event_id", events[i].event_id);
		put_text(&writer, "stream_id", events[i].stream_id);
		put_by(&writer, events[i].by);
	}
	for (size_t i = 0; i < session_count; i++) {
		struct json_writer writer = begin(out, "tt.session_assignment");

		put_text(&writer, "machine_id", sessions[i].machine_id);
		put_text(&writer, "session_id", sessions[i].session_id);
		put_text(&writer, "stream_id", sessions[i].stream_id);
		put_by(&writer, sessions[i].by);
	}
	return 0;
}

static int put_quarantine(struct export_user *self, struct buf *out, size_t want, struct err *err)
{
	struct quarantine_entry *entries;
	size_t count;

	(void)want;
	if (store_quarantine(self->store, &self->arena, &entries, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		struct json_writer writer = begin(out, "tt.quarantine");

		put_text(&writer, "source", entries[i].source);
		put_text(&writer, "path", entries[i].path);
		json_kv_i64(&writer, "offset", entries[i].offset);
		put_text(&writer, "reason", entries[i].reason);
		put_text(&writer, "detail", entries[i].detail);
		put_time(&writer, "at", entries[i].at_ns);
		put_text(&writer, "bytes", entries[i].bytes);
		end(&writer);
	}
	return 0;
}

static int put_trailer(struct export_user *self, struct buf *out, size_t want, struct err *err)
{
	const struct wire_trailer trailer = { .cursor = self->info.last_seq,
		.events = self->events };

	(void)want;
	(void)err;
	wire_encode_trailer(out, &trailer);
	return 0;
}

static int (*const parts[])(struct export_user *self, struct buf *out, size_t want,
	struct err *err) = { put_header, put_devices, put_events, put_buckets, put_settings,
	put_streams, put_rules, put_assignments, put_quarantine, put_trailer };

/* --- the stream --- */

static int begin_snapshot(struct export_user *self, struct str user_id, struct err *err)
{
	const struct actor actor = { .user_id = user_id, .machine_id = { "", 0 } };

	if (store_as(self->store, &actor, err) < 0 || store_snapshot_begin(self->store, err) < 0)
		return err->code;
	self->snapshot = true;
	return store_info(self->store, &self->info, err);
}

int export_user_open(struct export_user **out, struct store *store, struct str email_or_id,
	const struct export_user_request *request, struct err *err)
{
	const struct actor nobody = { { "", 0 }, { "", 0 } };
	struct export_user *self = mem_zalloc(sizeof(*self));
	struct str user_id;
	int rc = store_as(store, &nobody, err);

	*out = NULL;
	self->store = store;
	self->request = request;
	if (rc == 0)
		rc = read_user(self, email_or_id, &user_id, err);
	if (rc == 0)
		rc = begin_snapshot(self, user_id, err);
	if (rc < 0) {
		export_user_close(self);
		return rc;
	}
	*out = self;
	return 0;
}

int export_user_fill(struct export_user *self, struct buf *out, size_t want, struct err *err)
{
	size_t enough = out->len + want;

	while (self->part < ARRAY_LEN(parts) && out->len < enough) {
		int rc = parts[self->part](self, out, enough - out->len, err);

		if (rc < 0)
			return rc;
		if (rc == 1)
			continue;
		self->part++;
		arena_release(&self->arena);
	}
	return self->part < ARRAY_LEN(parts);
}

void export_user_close(struct export_user *self)
{
	const struct actor nobody = { { "", 0 }, { "", 0 } };
	struct err ignored;

	if (!self)
		return;
	event_scan_close(self->scan);
	if (self->snapshot)
		store_snapshot_end(self->store);
	if (store_as(self->store, &nobody, &ignored) < 0)
		ASSERT(ignored.code == ERR_BUSY);
	buf_release(&self->head);
	arena_release(&self->arena);
	free(self);
}

int export_user(struct store *store, struct str email_or_id,
	const struct export_user_request *request, export_sink *sink, void *context,
	struct err *err)
{
	enum { PIECE_BYTES = 64 << 10 };
	CLEANUP(buf_release) struct buf piece = BUF_INIT;
	struct export_user *self;
	int rc = export_user_open(&self, store, email_or_id, request, err), more = 1;

	while (rc == 0 && more == 1) {
		buf_clear(&piece);
		more = export_user_fill(self, &piece, PIECE_BYTES, err);
		rc = more < 0 ? more : sink(context, buf_str(&piece), err);
	}
	export_user_close(self);
	return rc < 0 ? rc : 0;
}

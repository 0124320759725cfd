/* The identity file: made once, also by two processes at once; relabelled; never overwritten when
 * damaged. */
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/uuid.h"
#include "model/limits.h"
#include "model/machine.h"
#include "tap.h"

/* One data directory that does not exist yet, in a fresh temporary one. */
struct place {
	char base[64];
	char data[96];
	char file[128];
	struct arena arena;
	struct err err;
};

static void place_init(struct place *place)
{
	*place = (struct place){ .base = "/tmp/tt-machine-XXXXXX" };
	ASSERT(mkdtemp(place->base) != NULL);
	snprintf(place->data, sizeof(place->data), "%s/share/tt", place->base);
	snprintf(place->file, sizeof(place->file), "%s/machine.json", place->data);
}

static void place_release(struct place *place)
{
	char share[96];

	snprintf(share, sizeof(share), "%s/share", place->base);
	unlink(place->file);
	/* Only empty directories go: a file left behind by the code under test shows. */
	OK(rmdir(place->data) == 0);
	OK(rmdir(share) == 0);
	OK(rmdir(place->base) == 0);
	arena_release(&place->arena);
}

static void place_write(struct place *place, struct str content)
{
	ASSERT(fs_make_dirs(place->data, 0700, &place->err) == 0);
	ASSERT(fs_write_atomic(place->file, content, 0600, &place->err) == 0);
}

static void file_is(struct place *place, struct str content)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;

	IS_INT(fs_read(place->file, 1 << 20, &text, &place->err), 0);
	OK(str_eq(buf_str(&text), content));
}

static void none_yet(void)
{
	struct place place;
	struct machine machine;

	place_init(&place);
	IS_INT(machine_load(place.data, &place.arena, &machine, &place.err), ERR_IDENTITY);
	IS_CSTR(place.err.message, "No machine identity found. Run 'tt init' first.");
	OK(!fs_exists(place.data));
	ASSERT(fs_make_dirs(place.data, 0700, &place.err) == 0);
	place_release(&place);
}

static void init_makes_a_version_4_uuid(void)
{
	struct place place;
	struct machine machine, again;
	struct stat info;
	bool created = false;

	place_init(&place);
	IS_INT(machine_init(place.data, "devbox", &place.arena, &machine, &created, &place.err), 0);
	OK(created);
	OK(uuid_valid(machine.id));
	IS_INT(machine.id.ptr[14], '4');
	OK(strchr("89ab", machine.id.ptr[19]) != NULL);
	IS_STR(machine.label, "devbox");
	OK(machine.hostname.len > 0);
	OK(machine_is_this_host(&machine));
	IS_INT(stat(place.file, &info), 0);
	IS_INT(info.st_mode & 0777, 0600);
	IS_INT(stat(place.data, &info), 0);
	IS_INT(info.st_mode & 0777, 0700);
	IS_INT(machine_load(place.data, &place.arena, &again, &place.err), 0);
	OK(str_eq(again.id, machine.id));
	IS_STR(again.label, "devbox");
	OK(str_eq(again.fingerprint, machine.fingerprint));
	place_release(&place);
}

static void init_again_keeps_and_a_label_only_relabels(void)
{
	struct place place;
	struct machine first, second, third;
	bool created = true;

	place_init(&place);
	IS_INT(machine_init(place.data, "devbox", &place.arena, &first, &created, &place.err), 0);
	IS_INT(machine_init(place.data, NULL, &place.arena, &second, &created, &place.err), 0);
	OK(!created);
	OK(str_eq(first.id, second.id));
	IS_STR(second.label, "devbox");
	IS_INT(machine_init(place.data, "gpu ü", &place.arena, &third, &created, &place.err), 0);
	OK(!created);
	OK(str_eq(first.id, third.id));
	OK(str_eq(first.fingerprint, third.fingerprint));
	IS_STR(third.label, "gpu ü");
	IS_INT(machine_load(place.data, &place.arena, &second, &place.err), 0);
	IS_STR(second.label, "gpu ü");
	place_release(&place);
}

static void the_host_names_an_unlabelled_machine(void)
{
	struct place place;
	struct machine machine;
	bool created = false;

	place_init(&place);
	IS_INT(machine_init(place.data, NULL, &place.arena, &machine, &created, &place.err), 0);
	OK(str_eq(machine.label, machine.hostname));
	place_release(&place);
}

static void bad_labels_are_refused_and_change_nothing(void)
{
	static const char *const bad[] = { "", "a\nb", "a\tb", "\x7f", "\xff" };
	struct buf longest CLEANUP(buf_release) = BUF_INIT;
	struct place place;
	struct machine machine;
	bool created = false;

	place_init(&place);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		IS_INT(machine_init(
			       place.data, bad[i], &place.arena, &machine, &created, &place.err),
			ERR_USAGE);
	OK(!fs_exists(place.data));
	for (int i = 0; i < LIMIT_NAME_BYTES; i++)
		buf_byte(&longest, 'x');
	IS_INT(machine_init(place.data, buf_cstr(&longest), &place.arena, &machine, &created,
		       &place.err),
		0);
	buf_byte(&longest, 'x');
	IS_INT(machine_init(place.data, buf_cstr(&longest), &place.arena, &machine, &created,
		       &place.err),
		ERR_USAGE);
	IS_INT(machine_load(place.data, &place.arena, &machine, &place.err), 0);
	IS_INT(machine.label.len, LIMIT_NAME_BYTES);
	place_release(&place);
}

static void a_damaged_file_is_never_overwritten(void)
{
	static const char *const damaged[] = {
		"",
		"garbage",
		"{",
		"[]",
		"{}",
		"{\"machine_id\":7}",
		"{\"machine_id\":\"x\"}",
		"{\"machine_id\":\"5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be31\"}",
		"{\"machine_id\":\"5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310\"",
	};
	struct place place;

	place_init(&place);
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
		struct machine machine;
		bool created = false;

		place_write(&place, str_from(damaged[i]));
		IS_INT(machine_load(place.data, &place.arena, &machine, &place.err), ERR_PARSE);
		OK(strstr(place.err.message, place.file) != NULL);
		IS_INT(machine_init(place.data, NULL, &place.arena, &machine, &created, &place.err),
			ERR_PARSE);
		IS_INT(machine_init(
			       place.data, "new", &place.arena, &machine, &created, &place.err),
			ERR_PARSE);
		OK(!created);
		file_is(&place, str_from(damaged[i]));
	}
	place_release(&place);
}

/* Older files hold id and label only; ids are compared as text, so the id is taken in lower case.
 */
static void an_old_file_is_read(void)
{
	static const char text[] = "{\"machine_id\":\"5F0C8A52-91d7-4c0e-8b6a-2d1f7a9be310\","
				   "\"label\":\"old\"}";
	struct place place;
	struct machine machine;
	bool created = true;

	place_init(&place);
	place_write(&place, STR(text));
	IS_INT(machine_init(place.data, NULL, &place.arena, &machine, &created, &place.err), 0);
	OK(!created);
	IS_STR(machine.id, "5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310");
	IS_STR(machine.label, "old");
	OK(machine_is_this_host(&machine));
	file_is(&place, STR(text));
	place_release(&place);
}

static void another_host_is_noticed(void)
{
	struct place place;
	struct machine machine;
	bool created = false;

	place_init(&place);
	place_write(&place,
		STR("{\"machine_id\":\"5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310\",\"label\":\"a\","
		    "\"hostname\":\"b\",\"fingerprint\":\"00000000000000000000000000000000\"}"));
	IS_INT(machine_load(place.data, &place.arena, &machine, &place.err), 0);
	OK(!machine_is_this_host(&machine));
	IS_INT(machine_init(place.data, "c", &place.arena, &machine, &created, &place.err), 0);
	IS_INT(machine_load(place.data, &place.arena, &machine, &place.err), 0);
	OK(!machine_is_this_host(&machine));
	place_release(&place);
}

/* Made while the host had no machine id, as in a container's first hours: the name has to do. */
static void a_machine_id_may_come_later(void)
{
	struct place place;
	struct machine machine;
	struct str name;
	uint8_t hash[16];
	char hex[33];

	place_init(&place);
	name = machine_host_name(&place.arena);
	hash128(arena_printf(&place.arena, "%.*s\n-", STR_ARG(name)), hash);
	hash_hex(hash, sizeof(hash), hex);
	place_write(&place,
		arena_printf(&place.arena,
			"{\"machine_id\":\"5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310\",\"label\":\"a\","
			"\"hostname\":\"b\",\"fingerprint\":\"%s\"}",
			hex));
	IS_INT(machine_load(place.data, &place.arena, &machine, &place.err), 0);
	OK(machine_is_this_host(&machine));
	place_release(&place);
}

/* One process of a race: waits at the gate, makes the identity, sends back what it got. */
_Noreturn static void racer(struct place *place, int gate, int result)
{
	char answer[UUID_BYTES + 1] = "failed";
	struct machine machine;
	bool created = false;
	char byte;

	if (read(gate, &byte, 1) == 0 && machine_init(place->data, NULL, &place->arena, &machine,
						 &created, &place->err) == 0) {
		memcpy(answer, machine.id.ptr, UUID_BYTES);
		answer[UUID_BYTES] = created ? '+' : '-';
	}
	_exit(write(result, answer, sizeof(answer)) != (ssize_t)sizeof(answer));
}

static void several_at_once_get_one_identity(void)
{
	enum { RACERS = 6 };
	char answers[RACERS][UUID_BYTES + 1];
	struct place place;
	int gate[2], result[2], made = 0;

	place_init(&place);
	ASSERT(pipe(gate) == 0 && pipe(result) == 0);
	fflush(stdout);
	for (int i = 0; i < RACERS; i++) {
		pid_t pid = fork();

		ASSERT(pid >= 0);
		if (pid == 0) {
			close(gate[1]);
			racer(&place, gate[0], result[1]);
		}
	}
	close(gate[0]);
	close(gate[1]); /* opens the gate for all of them */
	for (int i = 0; i < RACERS; i++) {
		IS_INT(read(result[0], answers[i], sizeof(answers[i])), sizeof(answers[i]));
		OK(memcmp(answers[0], answers[i], UUID_BYTES) == 0);
		made += answers[i][UUID_BYTES] == '+';
	}
	while (wait(NULL) > 0)
		;
	close(result[0]);
	close(result[1]);
	IS_INT(made, 1);
	OK(uuid_valid((struct str){ answers[0], UUID_BYTES }));
	place_release(&place);
}

static void races_end_well_every_time(void)
{
	for (int i = 0; i < 20; i++)
		several_at_once_get_one_identity();
}

static const struct tap_case cases[] = {
	TAP_CASE(none_yet),
	TAP_CASE(init_makes_a_version_4_uuid),
	TAP_CASE(init_again_keeps_and_a_label_only_relabels),
	TAP_CASE(the_host_names_an_unlabelled_machine),
	TAP_CASE(bad_labels_are_refused_and_change_nothing),
	TAP_CASE(a_damaged_file_is_never_overwritten),
	TAP_CASE(an_old_file_is_read),
	TAP_CASE(another_host_is_noticed),
	TAP_CASE(a_machine_id_may_come_later),
	TAP_CASE(races_end_well_every_time),
};

TAP_MAIN(cases)

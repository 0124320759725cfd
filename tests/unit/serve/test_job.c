/* Jobs with sources made for it: good ones, and every kind of bad one. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/time.h"
#include "place.h"
#include "serve/job.h"

static int collect_well(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	log_warn(context->log, "a file is odd");
	counts->files = 3;
	counts->new_events = 2;
	counts->updated = 1;
	counts->duplicate = context->background ? 5 : -1; /* nobody waits for a job */
	counts->quarantined = 4;
	counts->failed = 1;
	return store_setting_put(context->store, "seen", STR("yes"), err);
}

static int collect_badly(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	(void)context;
	counts->files = 1;
	return err_set(err, ERR_FULL, "no space \"left\"");
}

static int collect_crashing(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	(void)context;
	(void)counts;
	(void)err;
	signal(SIGABRT, SIG_DFL);
	kill(getpid(), SIGKILL);
	return 0;
}

static int collect_exiting(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	(void)context;
	(void)counts;
	(void)err;
	_exit(3);
}

static int collect_for_ever(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	(void)context;
	(void)counts;
	(void)err;
	while (pause() != 0)
		;
	return 0;
}

static int collect_talking(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	(void)counts;
	(void)err;
	for (int i = 0; i < 5000; i++)
		log_warn(context->log, "line %d, with enough in it to fill a pipe in the end", i);
	return 0;
}

static void places_well(const struct collect_context *context, struct source_places *places)
{
	OK(context->store != NULL);
	source_place_add(places, "/a b/\"c\"", 2, false);
	source_place_add(places, "/d", 0, true);
}

static const struct source well = {
	.name = "well", .collect = collect_well, .places = places_well
};
static const struct source badly = { .name = "badly", .collect = collect_badly };
static const struct source crashing = { .name = "crashing", .collect = collect_crashing };
static const struct source exiting = { .name = "exiting", .collect = collect_exiting };
static const struct source for_ever = { .name = "for ever", .collect = collect_for_ever };
static const struct source talking = { .name = "talking", .collect = collect_talking };

struct stage {
	struct place place;
	struct log log;
	struct collect_context context;
	struct diary *diary;
	const char *log_path;
	int stderr_fd;
	struct job job;
	size_t chosen[SCHEDULE_MOST];
	struct job_plan plan;
};

static void begin(struct stage *stage, const struct source *const *sources, size_t count)
{
	struct store *store = NULL;
	struct store_options options;

	*stage = (struct stage){ .log = { .program = "tt" } };
	place_begin(&stage->place);
	stage->plan = (struct job_plan){
		.store_url = place_path(&stage->place, "data/tt.db"),
		.context = &stage->context,
		.chosen = stage->chosen,
		.count = count,
		.sources = sources,
		.keep_out = -1,
	};
	stage->context = (struct collect_context){ .dirs = &stage->place.dirs, .log = &stage->log };
	for (size_t i = 0; i < count; i++)
		stage->chosen[i] = i;
	options = (struct store_options){ .url = stage->plan.store_url };
	OK(store_open(&store, &options, &stage->place.err) == 0);
	store_close(store);
	stage->log_path = place_path(&stage->place, "log");
	stage->stderr_fd = dup(STDERR_FILENO);
	OK(diary_open(&stage->diary, stage->log_path, 1 << 24, &stage->place.err) == 0);
}

static void end(struct stage *stage)
{
	job_release(&stage->job);
	diary_close(stage->diary);
	dup2(stage->stderr_fd, STDERR_FILENO);
	close(stage->stderr_fd);
	place_end(&stage->place);
}

static void start(struct stage *stage)
{
	OK(job_start(&stage->job, &stage->plan, clock_monotonic_ns(), &stage->place.err) == 0);
	OK(stage->job.pid > 0);
}

/* As the daemon does: only the end of the job wakes, and now and then what came is taken. */
static bool finish(struct stage *stage)
{
	for (int tries = 0; tries < 1000; tries++) {
		struct pollfd fd = { .fd = stage->job.fd };

		if (job_read(&stage->job, stage->diary, clock_monotonic_ns()))
			return true;
		poll(&fd, 1, 10);
	}
	return false;
}

static const char *log_of(struct stage *stage)
{
	return place_text(&stage->place, stage->log_path);
}

static void good_and_bad(void)
{
	static const struct source *const sources[] = { &well, &badly };
	struct stage stage;
	struct job *job = &stage.job;
	struct store *store = NULL;
	struct store_options options;
	struct str value;

	begin(&stage, sources, 2);
	start(&stage);
	OK(finish(&stage));
	IS_INT(job->pid, 0);
	IS_INT(job->items[0].state, JOB_DONE);
	IS_INT(job->items[0].code, 0);
	IS_CSTR(job->items[0].message, "");
	IS_INT(job->items[0].counts.files, 3);
	IS_INT(job->items[0].counts.new_events, 2);
	IS_INT(job->items[0].counts.duplicate, 5);
	IS_INT(job->items[0].counts.updated, 1);
	IS_INT(job->items[0].counts.quarantined, 4);
	IS_INT(job->items[0].counts.failed, 1);
	OK(!job->items[0].has_places);
	IS_INT(job->items[1].state, JOB_DONE);
	IS_INT(job->items[1].code, ERR_FULL);
	IS_CSTR(job->items[1].message, "no space \"left\"");
	IS_INT(job->items[1].counts.files, 1);
	OK(strstr(log_of(&stage), " tt: warning: a file is odd\n") != NULL);
	OK(strstr(log_of(&stage), "no space") != NULL);
	OK(strchr(log_of(&stage), '{') == NULL); /* reports are not for people */
	options = (struct store_options){ .url = stage.plan.store_url };
	OK(store_open(&store, &options, &stage.place.err) == 0);
	OK(store_setting_get(store, "seen", &stage.place.arena, &value, &stage.place.err) == 0);
	IS_STR(value, "yes");
	store_close(store);
	end(&stage);
}

static void asked_what_to_watch(void)
{
	static const struct source *const sources[] = { &badly, &well };
	struct stage stage;
	const struct job_item *items = stage.job.items;

	begin(&stage, sources, 2);
	stage.plan.places = true;
	start(&stage);
	OK(finish(&stage));
	OK(items[0].has_places);
	IS_INT(items[0].places.count, 0);
	OK(items[1].has_places);
	if (IS_INT(items[1].places.count, 2)) {
		IS_CSTR(items[1].places.items[0].path, "/a b/\"c\"");
		IS_INT(items[1].places.items[0].depth, 2);
		OK(!items[1].places.items[0].poll);
		IS_CSTR(items[1].places.items[1].path, "/d");
		OK(items[1].places.items[1].poll);
	}
	end(&stage);
}

static void one_that_crashes(void)
{
	static const struct source *const sources[] = { &well, &crashing, &badly };
	struct stage stage;
	const struct job_item *items = stage.job.items;

	begin(&stage, sources, 3);
	start(&stage);
	OK(finish(&stage));
	IS_INT(items[0].state, JOB_DONE);
	IS_INT(items[1].state, JOB_AT_WORK);
	IS_INT(items[1].code, ERR_INTERRUPTED);
	OK(strstr(items[1].message, "signal 9") != NULL);
	IS_INT(items[2].state, JOB_WAITS);
	IS_INT(items[2].code, 0);
	end(&stage);
}

static void one_that_exits(void)
{
	static const struct source *const sources[] = { &exiting };
	struct stage stage;

	begin(&stage, sources, 1);
	start(&stage);
	OK(finish(&stage));
	IS_INT(stage.job.items[0].state, JOB_AT_WORK);
	OK(strstr(stage.job.items[0].message, "status 3") != NULL);
	end(&stage);
}

static void one_that_is_ended(void)
{
	static const struct source *const sources[] = { &for_ever };
	struct stage stage;

	begin(&stage, sources, 1);
	start(&stage);
	for (int i = 0; i < 500 && stage.job.items[0].state != JOB_AT_WORK; i++) {
		OK(!job_read(&stage.job, stage.diary, clock_monotonic_ns()));
		clock_sleep_ms(10);
	}
	/* What the daemon hears is not for its jobs. */
	job_signal(&stage.job, SIGINT);
	job_signal(&stage.job, SIGHUP);
	job_signal(&stage.job, SIGUSR1);
	clock_sleep_ms(30);
	OK(!job_read(&stage.job, stage.diary, clock_monotonic_ns()));
	job_signal(&stage.job, SIGTERM);
	OK(finish(&stage));
	IS_INT(stage.job.items[0].state, JOB_AT_WORK);
	job_signal(&stage.job, SIGTERM); /* nobody any more: nothing happens */
	end(&stage);
}

static void one_that_talks(void)
{
	static const struct source *const sources[] = { &talking };
	struct stage stage;
	bool plenty = false;

	begin(&stage, sources, 1);
	start(&stage);
	for (int tries = 0; tries < 1000; tries++) {
		bool over = job_read(&stage.job, stage.diary, clock_monotonic_ns());

		plenty |= stage.job.plenty;
		if (over)
			break;
		clock_sleep_ms(10);
	}
	OK(plenty);
	IS_INT(stage.job.items[0].state, JOB_DONE);
	OK(strstr(log_of(&stage), "line 0, ") != NULL);
	OK(strstr(log_of(&stage), "line 4999, ") != NULL);
	end(&stage);
}

static void without_a_store(void)
{
	static const struct source *const sources[] = { &well, &badly };
	struct stage stage;

	begin(&stage, sources, 2);
	stage.plan.store_url = place_path(&stage.place, "nowhere/tt.db");
	stage.plan.places = true;
	start(&stage);
	OK(finish(&stage));
	for (size_t i = 0; i < 2; i++) {
		IS_INT(stage.job.items[i].state, JOB_DONE);
		IS_INT(stage.job.items[i].code, ERR_NOT_FOUND);
		OK(strstr(stage.job.items[i].message, "nowhere/tt.db") != NULL);
		OK(!stage.job.items[i].has_places);
	}
	OK(!fs_exists(place_path(&stage.place, "nowhere"))); /* it is not made anew */
	end(&stage);
}

/* The daemon's lock must not live on in a job. */
static void a_descriptor_that_is_kept_out(void)
{
	static const struct source *const sources[] = { &for_ever };
	struct stage stage;
	int ends[2];
	char byte;

	begin(&stage, sources, 1);
	OK(pipe(ends) == 0);
	stage.plan.keep_out = ends[1];
	start(&stage);
	close(ends[1]);
	IS_INT(read(ends[0], &byte, 1), 0); /* would wait if the job had it */
	close(ends[0]);
	job_signal(&stage.job, SIGKILL);
	OK(finish(&stage));
	end(&stage);
}

static const struct tap_case cases[] = {
	TAP_CASE(good_and_bad),
	TAP_CASE(asked_what_to_watch),
	TAP_CASE(one_that_crashes),
	TAP_CASE(one_that_exits),
	TAP_CASE(one_that_is_ended),
	TAP_CASE(one_that_talks),
	TAP_CASE(without_a_store),
	TAP_CASE(a_descriptor_that_is_kept_out),
};

TAP_MAIN(cases)

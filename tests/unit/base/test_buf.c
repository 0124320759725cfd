/* The growing buffer: what it holds after each operation, its NUL, and what an impossible size
 * does. */
#include "tap.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

static void an_empty_one_is_an_empty_string(void)
{
	struct buf buf = BUF_INIT;

	IS_CSTR(buf_cstr(&buf), "");
	IS_INT(buf_str(&buf).len, 0);
	buf_clear(&buf);
	buf_consume(&buf, 5);
	buf_release(&buf);
	IS_INT(buf.cap, 0);
	buf_release(&buf);
}

static void appends(void)
{
	struct buf buf = BUF_INIT;

	buf_add(&buf, STR("a\0b"));
	buf_add(&buf, (struct str){ NULL, 0 });
	buf_addc(&buf, "cd");
	buf_addc(&buf, NULL);
	buf_byte(&buf, '\xff');
	OK(str_eq(buf_str(&buf), STR("a\0bcd\xff")));
	IS_INT(buf_cstr(&buf)[buf.len], 0);
	buf_release(&buf);
}

static void grows_without_losing_anything(void)
{
	struct buf buf = BUF_INIT;
	bool same = true;

	for (int i = 0; i < 100000; i++) {
		buf_byte(&buf, (char)(i % 251));
		same = same && buf.ptr[buf.len] == '\0' && buf.len < buf.cap;
	}
	IS_INT(buf.len, 100000);
	for (int i = 0; i < 100000; i++)
		same = same && buf.ptr[i] == (char)(i % 251);
	OK(same);
	buf_release(&buf);
}

static void reserves_room_to_write_into(void)
{
	struct buf buf = BUF_INIT;
	char *to;

	buf_addc(&buf, "ab");
	to = buf_reserve(&buf, 1000);
	OK(buf.cap >= 1003);
	OK(to == buf.ptr + 2);
	IS_CSTR(buf_cstr(&buf), "ab");
	memset(to, 'x', 1000);
	buf.len += 1000;
	buf_byte(&buf, 'y');
	IS_INT(buf.len, 1003);
	IS_INT(buf.ptr[1001], 'x');
	buf_release(&buf);
}

static void prints(void)
{
	struct buf buf = BUF_INIT;
	char longer[500];

	memset(longer, 'z', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	buf_printf(&buf, "%d-%s", 42, "x");
	buf_printf(&buf, "%s", "");
	IS_CSTR(buf_cstr(&buf), "42-x");
	buf_printf(&buf, "%s!", longer);
	IS_INT(buf.len, 4 + 499 + 1);
	IS_INT(buf.ptr[buf.len - 1], '!');
	IS_INT(buf.ptr[buf.len], 0);
	buf_release(&buf);
}

static void prints_integers(void)
{
	static const struct {
		int64_t value;
		const char *text;
	} rows[] = { { 0, "0" }, { -1, "-1" }, { 10, "10" }, { INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" } };
	struct buf buf = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&buf);
		buf_i64(&buf, rows[i].value);
		IS_CSTR(buf_cstr(&buf), rows[i].text);
	}
	buf_release(&buf);
}

static void consumes_from_the_front(void)
{
	struct buf buf = BUF_INIT;

	buf_addc(&buf, "abcdef");
	buf_consume(&buf, 0);
	IS_CSTR(buf_cstr(&buf), "abcdef");
	buf_consume(&buf, 2);
	IS_CSTR(buf_cstr(&buf), "cdef");
	buf_consume(&buf, 4);
	IS_CSTR(buf_cstr(&buf), "");
	buf_addc(&buf, "gh");
	buf_consume(&buf, 99);
	IS_INT(buf.len, 0);
	OK(buf.cap > 0);
	buf_release(&buf);
}

static void clearing_keeps_the_memory(void)
{
	struct buf buf = BUF_INIT;
	char *ptr;

	buf_addc(&buf, "some text");
	ptr = buf.ptr;
	buf_clear(&buf);
	IS_CSTR(buf_cstr(&buf), "");
	buf_addc(&buf, "other");
	OK(buf.ptr == ptr);
	IS_CSTR(buf_cstr(&buf), "other");
	buf_release(&buf);
}

/* The sum of length and room wraps around: a small allocation here would be a hole. */
static void an_impossible_size_ends_the_program(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct buf buf = BUF_INIT;

		if (!freopen("/dev/null", "w", stderr))
			_exit(0);
		buf_addc(&buf, "abc");
		buf_reserve(&buf, SIZE_MAX - 3);
		_exit(0);
	}
	OK(pid > 0 && waitpid(pid, &status, 0) == pid);
	OK(status != 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(an_empty_one_is_an_empty_string),
	TAP_CASE(appends),
	TAP_CASE(grows_without_losing_anything),
	TAP_CASE(reserves_room_to_write_into),
	TAP_CASE(prints),
	TAP_CASE(prints_integers),
	TAP_CASE(consumes_from_the_front),
	TAP_CASE(clearing_keeps_the_memory),
	TAP_CASE(an_impossible_size_ends_the_program),
};

TAP_MAIN(cases)

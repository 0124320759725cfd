/* Which hosts may be given to ssh. */
#include "sync/transport/ssh.h"
#include "tap.h"

static void hosts(void)
{
	static const char *const good[] = { "devbox", "user@host.example", "10.0.0.1",
		"ssh://user@host:2222", "[::1]", "host_with-dash.1" };
	static const char *const bad[] = { "", "-oProxyCommand=x", "two words", "line\nbreak",
		"a'b", "a\"b", "$(x)", "`x`", "a;b", "a|b", "a&b", "tab\there" };
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		IS_INT(ssh_check_host(good[i], &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		IS_INT(ssh_check_host(bad[i], &err), ERR_USAGE);
}

static const struct tap_case cases[] = { TAP_CASE(hosts) };

TAP_MAIN(cases)

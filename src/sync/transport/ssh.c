/* Building the ssh command line. */
#include "sync/transport/ssh.h"

#include <stdio.h>

enum { HOST_BYTES = 255 };

/* Bytes of names in other scripts are letters. */
static bool is_host_byte(unsigned char byte)
{
	return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z') || (byte != '\0' && strchr("._-@:/[]%", byte));
}

int ssh_check_host(const char *host, struct err *err)
{
	size_t length = strlen(host);

	if (length == 0 || length > HOST_BYTES)
		return err_set(err, ERR_USAGE, "a host name has 1 to %d bytes", HOST_BYTES);
	for (size_t i = 0; i < length; i++) {
		if (!is_host_byte((unsigned char)host[i]))
			return err_set(err, ERR_USAGE,
				"a host name holds letters, digits and . _ - @ : / [ ] %%: byte %zu of it is another",
				i + 1);
		/* A part that looks like an option might reach a program that takes it for one. */
		if (host[i] == '-' && (i == 0 || host[i - 1] == '@' || host[i - 1] == '/'))
			return err_set(err, ERR_USAGE,
				"'%s' is no host: a part of it begins with '-'", host);
	}
	return 0;
}

/* WORD for the remote's shell: as it is when it consists of harmless characters ("~/bin/tt" keeps
 * its meaning), else in single quotes. */
static void quote(struct buf *out, const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/~+=:@%-";

	if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
		buf_addc(out, word);
		return;
	}
	buf_byte(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			buf_addc(out, "'\\''");
		else
			buf_byte(out, *word);
	}
	buf_byte(out, '\'');
}

int ssh_export(struct proc *proc, const char *host, const char *tt, int64_t cursor,
	bool interactive, struct err *err)
{
	struct buf command CLEANUP(buf_release) = BUF_INIT;
	const char *argv[16];
	size_t count = 0;

	quote(&command, tt);
	buf_printf(&command, " export --cursor %lld", (long long)cursor);
	argv[count++] = "ssh";
	argv[count++] = "-T"; /* no terminal: bytes arrive as they were sent */
	argv[count++] = "-C";
	argv[count++] = "-o";
	argv[count++] = "ConnectTimeout=20";
	argv[count++] = "-o";
	argv[count++] = "ServerAliveInterval=15";
	argv[count++] = "-o";
	argv[count++] = "ServerAliveCountMax=3";
	if (!interactive) {
		argv[count++] = "-o";
		argv[count++] = "BatchMode=yes";
	}
	argv[count++] = "--";
	argv[count++] = host;
	argv[count++] = buf_cstr(&command);
	argv[count] = NULL;
	return proc_start(proc, argv, err);
}

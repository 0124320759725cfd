/* Randomness from getrandom(2), which needs no file descriptor and blocks only before the kernel's
 * pool is first filled. */
#include "base/rng.h"

#include <errno.h>
#include <sys/random.h>

#include "base/err.h"

void rng_bytes(void *bytes, size_t count)
{
	unsigned char *at = bytes;

	while (count > 0) {
		ssize_t got = getrandom(at, count, 0);

		ASSERT(got >= 0 || errno == EINTR);
		if (got < 0)
			continue;
		at += got;
		count -= (size_t)got;
	}
}

uint64_t rng_u64(void)
{
	uint64_t value;

	rng_bytes(&value, sizeof(value));
	return value;
}

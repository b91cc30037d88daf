/*-------------------------------------------------------------------------
 *
 * options.c
 *	  Reading options structs, and defaults that client and worker share.
 *
 * No state, no locks.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "pgwf_options.h"

/*
 * A NULL from leaves the defaults.  A struct_size of 0, from a caller who
 * zeroed the struct instead of using the INIT macro, means this version's.
 */
void
pgwf_options_read(void *to, size_t size, const void *from)
{
	size_t		given;

	if (from == NULL)
		return;
	memcpy(&given, from, sizeof(given));
	if (given == 0 || given > size)
		given = size;
	memcpy(to, from, given);
	memcpy(to, &size, sizeof(size));
}

int
pgwf_option_ms(int64_t value, int default_ms)
{
	if (value == 0)
		return default_ms;
	if (value < 0)
		return -1;
	return value > 1000000000 ? 1000000000 : (int) value;
}

char *
pgwf_default_identity(const char *task_queue)
{
	char		host[256] = "";
	char		buf[1600];

	gethostname(host, sizeof(host) - 1);
	snprintf(buf, sizeof(buf), "%ld@%s%s%.1200s", (long) getpid(), host,
			 task_queue != NULL ? "@" : "",
			 task_queue != NULL ? task_queue : "");
	return pgwf_strdup(buf);
}

void
pgwf_request_uuid(char *uuid)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char b[16];
	size_t		i;

	if (getentropy(b, sizeof(b)) != 0)
	{
		/* a request id need only be unlikely to repeat */
		uint64_t	t = (uint64_t) pgwf_wall_us();
		uint64_t	p = ((uint64_t) getpid() << 32) ^ (uintptr_t) uuid;

		memcpy(b, &t, 8);
		memcpy(b + 8, &p, 8);
	}
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (i = 0; i < sizeof(b); i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*uuid++ = '-';
		*uuid++ = digits[b[i] >> 4];
		*uuid++ = digits[b[i] & 15];
	}
	*uuid = '\0';
}

/*
 * A number as SQL reads it, whatever the locale says; to be free()d.
 */
char *
pgwf_number_text(double number)
{
	json_t	   *value = json_real(number);
	char	   *text = json_dumps(value, JSON_ENCODE_ANY);

	json_decref(value);
	return text;
}

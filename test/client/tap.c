/*
 * tap.c
 *		Test Anything Protocol output.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static int	n_checks = 0;
static int	n_failed = 0;

static bool
report(bool holds, const char *name, va_list args)
{
	n_checks++;
	if (!holds)
		n_failed++;
	printf("%sok %d - ", holds ? "" : "not ", n_checks);
	vprintf(name, args);
	putchar('\n');
	fflush(stdout);
	return holds;
}

void
note(const char *fmt,...)
{
	va_list		args;

	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

bool
ok(bool holds, const char *name,...)
{
	va_list		args;

	va_start(args, name);
	report(holds, name, args);
	va_end(args);
	return holds;
}

bool
is_int(long long got, long long expected, const char *name,...)
{
	va_list		args;

	va_start(args, name);
	if (!report(got == expected, name, args))
		note("got %lld, expected %lld", got, expected);
	va_end(args);
	return got == expected;
}

bool
is_str(const char *got, const char *expected, const char *name,...)
{
	bool		same;
	va_list		args;

	same = (got == NULL || expected == NULL) ? got == expected :
		strcmp(got, expected) == 0;
	va_start(args, name);
	if (!report(same, name, args))
		note("got \"%s\", expected \"%s\"", got ? got : "(null)",
			 expected ? expected : "(null)");
	va_end(args);
	return same;
}

bool
has_str(const char *got, const char *part, const char *name,...)
{
	bool		there = got != NULL && strstr(got, part) != NULL;
	va_list		args;

	va_start(args, name);
	if (!report(there, name, args))
		note("got \"%s\", expected it to contain \"%s\"",
			 got ? got : "(null)", part);
	va_end(args);
	return there;
}

bool
is_json(const json_t *got, const char *expected, const char *name,...)
{
	json_t	   *value = json_loads(expected, JSON_DECODE_ANY, NULL);
	bool		same = got != NULL && value != NULL &&
	json_equal((json_t *) got, value);
	va_list		args;

	va_start(args, name);
	if (!report(same, name, args))
	{
		char	   *str = got != NULL ?
		json_dumps(got, JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;

		note("got %s, expected %s%s", str ? str : "(null)", expected,
			 value == NULL ? " (which is no JSON)" : "");
		free(str);
	}
	va_end(args);
	json_decref(value);
	return same;
}

int
done_testing(void)
{
	printf("1..%d\n", n_checks);
	fflush(stdout);
	return n_failed > 0 ? 1 : 0;
}

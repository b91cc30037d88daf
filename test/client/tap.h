/*
 * tap.h
 *		Test output for the C tests of the worker library: one line a check in
 *		the Test Anything Protocol.
 */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>

#include <jansson.h>

#if defined(__GNUC__)
#define TAP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define TAP_PRINTF(fmt, args)
#endif

/* Each returns whether the check held, and prints why not if it did not. */
extern bool ok(bool holds, const char *name,...) TAP_PRINTF(2, 3);
extern bool is_int(long long got, long long expected, const char *name,...)
			TAP_PRINTF(3, 4);
extern bool is_str(const char *got, const char *expected, const char *name,...)
			TAP_PRINTF(3, 4);

/* Is "part" somewhere in got? */
extern bool has_str(const char *got, const char *part, const char *name,...)
			TAP_PRINTF(3, 4);

/* Compares with JSON text. */
extern bool is_json(const json_t *got, const char *expected,
					const char *name,...) TAP_PRINTF(3, 4);
extern void note(const char *fmt,...) TAP_PRINTF(1, 2);

/* Prints the plan; returns main's exit code. */
extern int	done_testing(void);

#endif							/* TAP_H */

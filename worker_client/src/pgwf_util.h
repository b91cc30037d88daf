/*-------------------------------------------------------------------------
 *
 * pgwf_util.h
 *	  Small helpers of the connection, client and worker code: clock,
 *	  error record, reconnect back-off, waiting on descriptors, text.
 *
 * Nothing here keeps state of its own; every function is thread-safe as long
 * as its arguments are not shared.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_UTIL_H
#define PGWF_UTIL_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgworkflow.h"

/* Memory that cannot fail (pgwf_json.c); pgwf_xalloc zeroes it. */
extern void *pgwf_xalloc(size_t size);
extern void *pgwf_xrealloc(void *ptr, size_t size);
extern char *pgwf_xstrdup(const char *text);
extern char *pgwf_strdup(const char *text);
extern void pgwf_copy_text(char *to, size_t size, const char *from);

/* A growing text; starts as zeros, data is malloc'ed. */
typedef struct PgwfText
{
	char	   *data;
	size_t		len;
	size_t		size;
} PgwfText;

extern void pgwf_text_append(PgwfText *text, const char *data, size_t len);
extern void pgwf_text_append_string(PgwfText *out, const char *s, size_t len);

/*
 * What went wrong last, as a handle keeps it.  message is malloc'ed, and so is
 * detail, which only PGWF_QUERY_FAILED has: a failure in JSON form.
 */
typedef struct PgwfErr
{
	PgwfResult	code;
	char		sqlstate[6];
	char	   *message;
	char	   *detail;
	int			call_number;	/* in execute_calls(), from 1; 0: unknown */
} PgwfErr;

extern void pgwf_err_reset(PgwfErr *err);
extern PgwfResult pgwf_err_set(PgwfErr *err, PgwfResult code,
							   const char *sqlstate, const char *fmt,...)
			__attribute__((format(printf, 4, 5)));
extern void pgwf_err_copy(PgwfErr *to, const PgwfErr *from);
extern PgwfResult pgwf_code_of_sqlstate(const char *sqlstate);

/* Monotonic clock and wall clock, in milliseconds and microseconds. */
extern int64_t pgwf_clock_ms(void);
extern int64_t pgwf_wall_us(void);

/*
 * Reconnect delays: doubled from PGWF_BACKOFF_FIRST_MS up to
 * PGWF_BACKOFF_MAX_MS, each multiplied with a random factor of 0.5 to 1.
 */
#define PGWF_BACKOFF_FIRST_MS	50
#define PGWF_BACKOFF_MAX_MS		5000

typedef struct PgwfBackoff
{
	unsigned	failures;
	uint64_t	random;			/* state of the generator, never 0 */
} PgwfBackoff;

extern void pgwf_backoff_init(PgwfBackoff *backoff, uint64_t seed);
extern int	pgwf_backoff_next(PgwfBackoff *backoff);
extern void pgwf_backoff_reset(PgwfBackoff *backoff);

/* A pipe whose reading end becomes readable when somebody wants attention. */
typedef struct PgwfWakeup
{
	int			fd[2];
} PgwfWakeup;

extern int	pgwf_wakeup_open(PgwfWakeup *wakeup);
extern void pgwf_wakeup_close(PgwfWakeup *wakeup);
extern void pgwf_wakeup_set(const PgwfWakeup *wakeup);	/* signal-safe */
extern void pgwf_wakeup_clear(const PgwfWakeup *wakeup);

/* "10s", "0.5s" to milliseconds; 0 for NULL, -1 for anything else. */
extern int64_t pgwf_duration_ms(const char *text);

/* RFC 3339 in UTC to microseconds since 1970; -1 when it is not one. */
extern int64_t pgwf_timestamp_us(const char *text);

/* PostgreSQL's text form of a one-dimensional text[]. */
extern char *pgwf_text_array(const char *const *items, int nitems);
extern bool pgwf_text_array_has(const char *array, const char *item);

/*
 * JSON as text and back: arrays and objects within each other, at most as deep
 * as jansson goes, and as a value can be copied on the stack of a coroutine.
 */
#define PGWF_MAX_JSON_DEPTH	2048
extern char *pgwf_json_text(const json_t *value);
extern char *pgwf_json_args_text(const json_t *value);
extern char *pgwf_json_value_text(const json_t *value);
extern json_t *pgwf_json_parse(const char *text);

/* Members of JSON objects that may be missing. */
extern const char *pgwf_json_str(const json_t *object, const char *key);
extern int64_t pgwf_json_int(const json_t *object, const char *key);
extern const char *pgwf_json_str2(const json_t *object, const char *key,
								  const char *key2);

#endif							/* PGWF_UTIL_H */

/*
 * pgworkflow/base.h
 *		Version, attribute macros, option structs and result codes: sections 1
 *		and 2 of the manual of libpgworkflow, see pgworkflow.h.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_BASE_H
#define PGWORKFLOW_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* libpq's PGconn: these headers do not need libpq-fe.h */
struct pg_conn;

/*
 * PGWF_INIT(type) initializes an options struct: its size, and zeroes.  It is
 * what the INIT macros below are, in C and in C++.
 */
#ifdef __cplusplus
template < typename T > static inline T
pgwf_init_options()
{
	T			options = T();

	options.struct_size = sizeof(T);
	return options;
}
#define PGWF_INIT(type) pgwf_init_options<type>()
#else
#define PGWF_INIT(type) \
	{.struct_size = sizeof(type)}
#endif

#ifdef __cplusplus
extern "C"
{
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ----------------------------------------------------------------
 *		1. Version, export and attribute macros
 * ----------------------------------------------------------------
 */

#define PGWF_VERSION_MAJOR 0
#define PGWF_VERSION_MINOR 1
#define PGWF_VERSION_PATCH 0
#define PGWF_VERSION "0.1.0"

/* PGWF_API exports a function where others are hidden */
#if defined(__GNUC__)
#define PGWF_API __attribute__((visibility("default")))
#define PGWF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define PGWF_NORETURN __attribute__((noreturn))
#else
#define PGWF_API
#define PGWF_PRINTF(fmt, args)
#define PGWF_NORETURN
#endif

/* The version of the library at run time, a static string such as "0.1.0". */
extern const char *pgwf_version(void);

/* ----------------------------------------------------------------
 *		2. Result codes
 *
 * What functions return that talk to the service or check their arguments.
 * The numbers are those of the service's SQLSTATE class PW (its last two
 * digits), so PW005 is PGWF_NOT_FOUND; 100 and above are finer kinds.  Values
 * are never renumbered or removed.
 * ----------------------------------------------------------------
 */
typedef enum PgwfResult
{
	PGWF_OK = 0,
	PGWF_CANCELED = 1,			/* stopped on request */
	PGWF_ERROR = 2,				/* anything without a code of its own */
	PGWF_INVALID_ARGUMENT = 3,
	PGWF_DEADLINE_EXCEEDED = 4, /* the caller's own time limit passed */
	PGWF_NOT_FOUND = 5,
	PGWF_ALREADY_EXISTS = 6,
	PGWF_PERMISSION_DENIED = 7,
	PGWF_RESOURCE_EXHAUSTED = 8,
	PGWF_FAILED_PRECONDITION = 9,
	PGWF_ABORTED = 10,
	PGWF_UNAVAILABLE = 14,		/* no connection, or lost */
	PGWF_QUERY_FAILED = 103,
	PGWF_WORKFLOW_ALREADY_STARTED = 106,
	PGWF_WORKFLOW_NOT_READY = 109
} PgwfResult;

/* A static text for a result code, e.g. "not found". Never NULL. */
extern const char *pgwf_result_text(PgwfResult result);

/* ----------------------------------------------------------------
 *		Options that workflow code and clients share
 * ----------------------------------------------------------------
 */

/*
 * When and how often a failed activity or workflow is tried again.  Zero
 * fields take the service's defaults: 1 s, 2.0, 100 times the initial
 * interval, no limit.
 */
typedef struct PgwfRetryPolicy
{
	size_t		struct_size;	/* set by the INIT macro */
	int64_t		initial_interval_ms;
	double		backoff_coefficient;	/* >= 1 */
	int64_t		maximum_interval_ms;
	int			maximum_attempts;	/* 0: no limit; 1: never again */

	/* NULL-terminated list of application failure types, or NULL */
	const char *const *non_retryable_error_types;
} PgwfRetryPolicy;

#define PGWF_RETRY_POLICY_DEFAULTS .struct_size = sizeof(PgwfRetryPolicy)
#define PGWF_RETRY_POLICY_INIT PGWF_INIT(PgwfRetryPolicy)

/* Whether a workflow id may be used again after its last run has closed. */
typedef enum PgwfIdReusePolicy
{
	PGWF_ID_REUSE_DEFAULT = 0,	/* the service's: ALLOW_DUPLICATE */
	PGWF_ID_REUSE_ALLOW_DUPLICATE = 1,
	/* if the last run did not complete */
	PGWF_ID_REUSE_ALLOW_DUPLICATE_FAILED_ONLY = 2,
	PGWF_ID_REUSE_REJECT_DUPLICATE = 3
} PgwfIdReusePolicy;

/*
 * What becomes of a run when its worker deployment gets another current
 * version.
 */
typedef enum PgwfVersioningBehavior
{
	PGWF_VERSIONING_DEFAULT = 0,
	PGWF_VERSIONING_PINNED = 1, /* it stays with the version it began with */
	PGWF_VERSIONING_AUTO_UPGRADE = 2	/* it goes on with the new one */
} PgwfVersioningBehavior;

/*
 * Which of the tasks that wait for a worker goes first.  Zero fields: the
 * service's defaults, or those of the workflow that starts an activity or
 * child.
 */
typedef struct PgwfPriority
{
	int			priority_key;	/* 1 (first) to 5; 0: 3 */
	const char *fairness_key;	/* keys of a priority take turns; or NULL */
	double		fairness_weight;	/* turns per turn of a weight of 1; 0: 1 */
} PgwfPriority;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif							/* PGWORKFLOW_BASE_H */

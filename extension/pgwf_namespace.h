/*-------------------------------------------------------------------------
 *
 * pgwf_namespace.h
 *		Namespaces: from a name to its id, and what the current user may do
 *		in it.
 *
 * Both answers come from hash tables of this backend and cost no SQL once
 * they are there.  They are dropped when a row of workflow.namespace or
 * workflow.namespace_role changes, when a role or a membership changes, and
 * when the extension is dropped, so what is returned is as fresh as the
 * catalogs are to the current command.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_NAMESPACE_H
#define PGWF_NAMESPACE_H

/*
 * What a caller must be allowed to do.  'admin' includes everything, 'client'
 * and 'worker' include 'read'; neither of them includes the other.
 */
typedef enum PgwfRight
{
	PGWF_RIGHT_READ,			/* see runs, histories and queues */
	PGWF_RIGHT_CLIENT,			/* start, signal, cancel, terminate */
	PGWF_RIGHT_WORKER,			/* poll, respond, heartbeat */
	PGWF_RIGHT_ADMIN			/* change the namespace and its rights */
} PgwfRight;

/*
 * The id of a namespace in which the current user has a right.
 *
 * Raises PW007 (permission denied) when the user lacks the right, also when
 * the namespace does not exist; only the extension's owner and superusers
 * are told so (PW005), because others could probe for names.
 */
extern int32 pgwf_namespace_check(const char *name, PgwfRight right);

/*
 * The same for a namespace known by id, as a task token knows it.
 */
extern void pgwf_namespace_check_id(int32 namespace_id, PgwfRight right);

/*
 * Whether the current user has a right in a namespace; false when there is
 * no such namespace.
 */
extern bool pgwf_namespace_has_right(int32 namespace_id, PgwfRight right);

/*
 * The name of a namespace, as a string of the caller's memory context; NULL
 * when there is none of that id.  Checks no right.
 */
extern const char *pgwf_namespace_name(int32 namespace_id);

/*
 * What a namespace's time is: the machine's, or that of a clock of its own
 * (pgwf_clock.h).  A namespace that is not known may be under way, in a dump
 * that is being restored, or has been deleted.
 */
typedef enum PgwfClockKind
{
	PGWF_CLOCK_UNKNOWN,
	PGWF_CLOCK_WALL,
	PGWF_CLOCK_VIRTUAL
} PgwfClockKind;

extern PgwfClockKind pgwf_namespace_clock(int32 namespace_id);

/*
 * Is there a right of that name?
 */
extern bool pgwf_right_is_known(const char *name);

#endif							/* PGWF_NAMESPACE_H */

/*
 * pgworkflow.h
 *		Public interface and manual of libpgworkflow, the worker and client
 *		library of pg_workflow (durable execution inside PostgreSQL).
 *
 * This file has the rules that hold everywhere, and includes the sections of
 * the manual, each a header of its own:
 *
 *	 1	pgworkflow/base.h		version, attribute macros
 *	 2						result codes
 *	 3	pgworkflow/failure.h	what went wrong, for workflows and activities
 *	 4	pgworkflow/registry.h	which functions implement which names
 *	 5	pgworkflow/workflow.h	what a workflow function may call
 *		pgworkflow/child.h		... about children and other workflows
 *		pgworkflow/attribute.h	... about search attributes and memo
 *		pgworkflow/messages.h	... about queries and updates
 *	 6	pgworkflow/replay.h		checking code against recorded histories
 *	 7	pgworkflow/client.h		starting, signalling, awaiting workflows
 *	 8	pgworkflow/activity.h	what an activity function may call
 *	 9	pgworkflow/worker.h		the loop that runs workflows and activities
 *	10	pgworkflow/interceptor.h
 *								code of yours around their calls
 *	11	pgworkflow/metrics.h	what a worker has done, and how long it took
 *	12	pgworkflow/payload.h	bytes as values; encrypting and compressing
 *	13	pgworkflow/testing.h	testing workflows; to be included by itself
 *
 * Rules that hold everywhere unless a function says otherwise:
 *
 *	- Durations are int64_t milliseconds.  Points in time are int64_t since
 *	  1970-01-01 00:00 UTC; the name of a function or field says whether in
 *	  milliseconds or microseconds (_us).
 *	- Strings are UTF-8 and NUL-terminated.  Strings that are passed in are
 *	  copied; the caller keeps his.
 *	- JSON values are jansson's json_t.  "Borrowed" means that somebody else
 *	  holds the reference: do not json_decref() it; json_incref() it to keep it
 *	  longer than is promised.  "New" means that the receiver must
 *	  json_decref() it.
 *	- A list of arguments (a workflow's or an activity's input, a signal's
 *	  input) is a JSON array with one element per argument.  Where the caller
 *	  passes arguments, a value that is not an array stands for a single
 *	  argument, and NULL for none.
 *	- Every _free/_destroy function accepts NULL.
 *	- The library installs no signal handler (unless asked to by
 *	  pgwf_report_stack_overflow()), never prints and never exits.  The one
 *	  exception: it calls abort() when malloc() fails.
 *
 * Copyright (c) 2026, pg_workflow contributors
 */
#ifndef PGWORKFLOW_H
#define PGWORKFLOW_H

#include "pgworkflow/base.h"
#include "pgworkflow/failure.h"
#include "pgworkflow/registry.h"
#include "pgworkflow/workflow.h"
#include "pgworkflow/child.h"
#include "pgworkflow/attribute.h"
#include "pgworkflow/messages.h"
#include "pgworkflow/payload.h"
#include "pgworkflow/replay.h"
#include "pgworkflow/client.h"
#include "pgworkflow/activity.h"
#include "pgworkflow/worker.h"
#include "pgworkflow/interceptor.h"
#include "pgworkflow/metrics.h"

#endif							/* PGWORKFLOW_H */

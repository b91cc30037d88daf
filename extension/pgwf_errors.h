/*-------------------------------------------------------------------------
 *
 * pgwf_errors.h
 *		The SQLSTATEs of class PW, one per kind of error.
 *
 * The last two digits are the gRPC status code that the same error has in
 * Temporal; the first digit tells kinds apart that share a status code.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_ERRORS_H
#define PGWF_ERRORS_H

#include "utils/elog.h"

/* A field is missing, too large or malformed */
#define ERRCODE_PGWF_INVALID_ARGUMENT	MAKE_SQLSTATE('P','W','0','0','3')

/* What was waited for did not happen in time */
#define ERRCODE_PGWF_DEADLINE_EXCEEDED	MAKE_SQLSTATE('P','W','0','0','4')

/* A query handler answered with a failure */
#define ERRCODE_PGWF_QUERY_FAILED		MAKE_SQLSTATE('P','W','1','0','3')

/* No such namespace, run, task or activity; or it is closed */
#define ERRCODE_PGWF_NOT_FOUND			MAKE_SQLSTATE('P','W','0','0','5')

/* Something of that name is there already */
#define ERRCODE_PGWF_ALREADY_EXISTS		MAKE_SQLSTATE('P','W','0','0','6')

/* The workflow id has an open run, or may not be used again */
#define ERRCODE_PGWF_WORKFLOW_EXECUTION_ALREADY_STARTED \
	MAKE_SQLSTATE('P','W','1','0','6')

/* The caller lacks the right in the namespace */
#define ERRCODE_PGWF_PERMISSION_DENIED	MAKE_SQLSTATE('P','W','0','0','7')

/* A limit is reached for the moment */
#define ERRCODE_PGWF_RESOURCE_EXHAUSTED MAKE_SQLSTATE('P','W','0','0','8')

/* The state of the run or namespace does not allow it */
#define ERRCODE_PGWF_FAILED_PRECONDITION MAKE_SQLSTATE('P','W','0','0','9')

/* No worker has made the run ready for this yet */
#define ERRCODE_PGWF_WORKFLOW_NOT_READY MAKE_SQLSTATE('P','W','1','0','9')

/* Another part of the same operation failed */
#define ERRCODE_PGWF_ABORTED			MAKE_SQLSTATE('P','W','0','1','0')

/* A passing trouble of the service; repeat the call */
#define ERRCODE_PGWF_UNAVAILABLE		MAKE_SQLSTATE('P','W','0','1','4')

#endif							/* PGWF_ERRORS_H */

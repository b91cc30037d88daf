/*-------------------------------------------------------------------------
 *
 * result.c
 *	  Texts of result codes, and the library's version.
 *
 *-------------------------------------------------------------------------
 */
#include "pgworkflow.h"

const char *
pgwf_version(void)
{
	return PGWF_VERSION;
}

const char *
pgwf_result_text(PgwfResult result)
{
	switch (result)
	{
		case PGWF_OK:
			return "ok";
		case PGWF_CANCELED:
			return "canceled";
		case PGWF_ERROR:
			return "error";
		case PGWF_INVALID_ARGUMENT:
			return "invalid argument";
		case PGWF_DEADLINE_EXCEEDED:
			return "deadline exceeded";
		case PGWF_NOT_FOUND:
			return "not found";
		case PGWF_ALREADY_EXISTS:
			return "already exists";
		case PGWF_PERMISSION_DENIED:
			return "permission denied";
		case PGWF_RESOURCE_EXHAUSTED:
			return "resource exhausted";
		case PGWF_FAILED_PRECONDITION:
			return "failed precondition";
		case PGWF_ABORTED:
			return "aborted";
		case PGWF_UNAVAILABLE:
			return "unavailable";
		case PGWF_QUERY_FAILED:
			return "query failed";
		case PGWF_WORKFLOW_ALREADY_STARTED:
			return "workflow execution already started";
		case PGWF_WORKFLOW_NOT_READY:
			return "workflow not ready";
	}
	return "unknown result code";
}

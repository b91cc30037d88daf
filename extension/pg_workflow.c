/*-------------------------------------------------------------------------
 *
 * pg_workflow.c
 *		Module magic and start-up.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "pg_workflow.h"
#include "pgwf_bgw.h"
#include "pgwf_guc.h"
#include "pgwf_shmem.h"
#include "pgwf_utility.h"
#include "pgwf_xact.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

PG_FUNCTION_INFO_V1(pgwf_check_preloaded);

/*
 * Returns quietly when the library is not preloaded: a plain LOAD, a CREATE
 * FUNCTION or a restore must get through.  Whatever needs shared memory calls
 * pgwf_require_preloaded(), which explains.
 */
void
_PG_init(void)
{
	pgwf_guc_init();

	if (!process_shared_preload_libraries_in_progress)
		return;

	pgwf_guc_init_startup();
	pgwf_shmem_init();
	pgwf_xact_init();
	pgwf_utility_init();
	pgwf_bgw_init();
}

/*
 * Raise an error when the library is not preloaded.
 */
void
pgwf_require_preloaded(void)
{
	if (!pgwf_shmem_available())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pg_workflow is not preloaded"),
				 errhint("Add pg_workflow to \"shared_preload_libraries\" in postgresql.conf and restart the server.")));
}

/*
 * workflow.check_preloaded() returns void: called first by the install
 * script, so that CREATE EXTENSION explains itself.
 */
Datum
pgwf_check_preloaded(PG_FUNCTION_ARGS)
{
	pgwf_require_preloaded();
	PG_RETURN_VOID();
}

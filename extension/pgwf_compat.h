/*-------------------------------------------------------------------------
 *
 * pgwf_compat.h
 *		Differences between PostgreSQL's major versions: the only file that
 *		looks at PG_VERSION_NUM.  Each wrapper says what changed and when.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_COMPAT_H
#define PGWF_COMPAT_H

#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/wait_event.h"

#if PG_VERSION_NUM < 150000
#error "pg_workflow needs PostgreSQL 15 or later"
#endif

/*
 * 16 replaced the ownership and privilege checks of each kind of object by
 * object_ownercheck() and object_aclcheck().
 */
#if PG_VERSION_NUM >= 160000
#define pgwf_database_ownercheck(oid, role) \
	object_ownercheck(DatabaseRelationId, (oid), (role))
#define pgwf_extension_ownercheck(oid, role) \
	object_ownercheck(ExtensionRelationId, (oid), (role))
#define pgwf_proc_aclcheck(oid, role, mode) \
	object_aclcheck(ProcedureRelationId, (oid), (role), (mode))
#else
#define pgwf_database_ownercheck(oid, role) \
	pg_database_ownercheck((oid), (role))
#define pgwf_extension_ownercheck(oid, role) \
	pg_extension_ownercheck((oid), (role))
#define pgwf_proc_aclcheck(oid, role, mode) \
	pg_proc_aclcheck((oid), (role), (mode))
#endif

/*
 * 17 numbers processes from 0 in MyProcNumber; before, the position of a
 * PGPROC in the array of all is a field of it.
 */
#if PG_VERSION_NUM >= 170000
#define pgwf_my_proc_number() ((int) MyProcNumber)
#else
#define pgwf_my_proc_number() (MyProc->pgprocno)
#endif

/*
 * 17 lets extensions name their wait events.
 */
#if PG_VERSION_NUM >= 170000
#define pgwf_wait_event_new(name) WaitEventExtensionNew(name)
#else
#define pgwf_wait_event_new(name) PG_WAIT_EXTENSION
#endif

/*
 * 16 added summarizing indexes: an update may need entries in those only.
 */
#if PG_VERSION_NUM >= 160000
typedef TU_UpdateIndexes PgwfUpdateIndexes;
#define pgwf_must_update_indexes(update) ((update) != TU_None)
#define pgwf_only_summarizing(update) ((update) == TU_Summarizing)
#define pgwf_insert_index_tuples(rri, slot, estate, update, nodup, conflict, \
								 arbiters, summarizing) \
	ExecInsertIndexTuples((rri), (slot), (estate), (update), (nodup), \
						  (conflict), (arbiters), (summarizing))
#else
typedef bool PgwfUpdateIndexes;

#define pgwf_must_update_indexes(update) (update)
#define pgwf_only_summarizing(update) (false)
#define pgwf_insert_index_tuples(rri, slot, estate, update, nodup, conflict, \
								 arbiters, summarizing) \
	ExecInsertIndexTuples((rri), (slot), (estate), (update), (nodup), \
						  (conflict), (arbiters))
#endif

/*
 * 18 lets index scans be instrumented, and constraint checks be told which
 * row is being updated.
 */
#if PG_VERSION_NUM >= 180000
#define pgwf_index_beginscan(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan((heap), (index), (snapshot), NULL, (nkeys), (norderbys))
#define pgwf_check_index_constraints(rri, slot, estate, tid, arbiters) \
	ExecCheckIndexConstraints((rri), (slot), (estate), (tid), NULL, (arbiters))
#else
#define pgwf_index_beginscan(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan((heap), (index), (snapshot), (nkeys), (norderbys))
#define pgwf_check_index_constraints(rri, slot, estate, tid, arbiters) \
	ExecCheckIndexConstraints((rri), (slot), (estate), (tid), (arbiters))
#endif

/*
 * What we need of libpq/libpq.h, which cannot be included without the headers
 * of the libraries that the server was built with (true of 15 to 18).
 */
#define FeBeWaitSetSocketPos 0
#define FeBeWaitSetNEvents 3
extern PGDLLIMPORT struct WaitEventSet *FeBeWaitSet;

/*
 * 18 replaced pg_attribute_noreturn() behind a declaration by pg_noreturn in
 * front of it.
 */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

#endif							/* PGWF_COMPAT_H */

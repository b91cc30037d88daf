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

#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "storage/proc.h"
#include "utils/acl.h"

#if PG_VERSION_NUM < 150000
#error "pg_workflow needs PostgreSQL 15 or later"
#endif

/*
 * 16 replaced the ownership checks of each kind of object by
 * object_ownercheck().
 */
#if PG_VERSION_NUM >= 160000
#define pgwf_database_ownercheck(oid, role) \
	object_ownercheck(DatabaseRelationId, (oid), (role))
#define pgwf_extension_ownercheck(oid, role) \
	object_ownercheck(ExtensionRelationId, (oid), (role))
#else
#define pgwf_database_ownercheck(oid, role) \
	pg_database_ownercheck((oid), (role))
#define pgwf_extension_ownercheck(oid, role) \
	pg_extension_ownercheck((oid), (role))
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
#include "utils/wait_event.h"
#define pgwf_wait_event_new(name) WaitEventExtensionNew(name)
#else
#include "utils/wait_event.h"
#define pgwf_wait_event_new(name) PG_WAIT_EXTENSION
#endif

#endif							/* PGWF_COMPAT_H */

/*-------------------------------------------------------------------------
 *
 * pgwf_utility.c
 *		Commands that the background workers must know about: a hook around
 *		every utility command.
 *
 * A scheduler is connected to its database, which would keep that from being
 * dropped, renamed, moved or copied.  So before such a command the scheduler
 * is asked to leave, and kept away until the command has ended, also when it
 * failed.  Only users who may give the command get that far.  The same is
 * done until the end of the transaction for commands that lock our tables as
 * a whole.
 *
 * After commands that can create or drop the extension, a scheduler is
 * started, or the one there looks whether the extension is still there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "tcop/utility.h"
#include "utils/timestamp.h"

#include "pgwf_compat.h"
#include "pgwf_deadline.h"
#include "pgwf_queue_state.h"
#include "pgwf_shmem.h"
#include "pgwf_slot.h"
#include "pgwf_utility.h"
#include "pgwf_xact.h"

#define EXTENSION_NAME	"pg_workflow"

static ProcessUtility_hook_type prev_process_utility = NULL;

static void process_utility(PlannedStmt *pstmt, const char *queryString,
							bool readOnlyTree, ProcessUtilityContext context,
							ParamListInfo params, QueryEnvironment *queryEnv,
							DestReceiver *dest, QueryCompletion *qc);

void
pgwf_utility_init(void)
{
	prev_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}

/*
 * The database of a name, if the current user may do with it as he likes;
 * InvalidOid otherwise, and the command will say why it fails.
 */
static Oid
owned_database(const char *name)
{
	Oid			dboid = get_database_oid(name, true);

	if (OidIsValid(dboid) && !pgwf_database_ownercheck(dboid, GetUserId()))
		return InvalidOid;
	return dboid;
}

/*
 * The database that CREATE DATABASE copies.
 */
static Oid
template_database(CreatedbStmt *stmt)
{
	const char *name = "template1";
	ListCell   *cell;

	foreach(cell, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "template") == 0 && option->arg)
			name = defGetString(option);
	}
	return owned_database(name);
}

/*
 * The database that a command needs for itself, or InvalidOid.
 */
static Oid
database_needed(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_DropdbStmt:
			return owned_database(((DropdbStmt *) stmt)->dbname);
		case T_CreatedbStmt:
			return template_database((CreatedbStmt *) stmt);
		case T_RenameStmt:
			if (((RenameStmt *) stmt)->renameType == OBJECT_DATABASE)
				return owned_database(((RenameStmt *) stmt)->subname);
			return InvalidOid;
		case T_AlterDatabaseStmt:
			return owned_database(((AlterDatabaseStmt *) stmt)->dbname);
		default:
			return InvalidOid;
	}
}

/*
 * Does the command drop or update our extension, and may the user do so?
 */
static bool
extension_needed(Node *stmt)
{
	bool		ours = false;
	Oid			extension;

	if (IsA(stmt, DropStmt) &&
		((DropStmt *) stmt)->removeType == OBJECT_EXTENSION)
	{
		ListCell   *cell;

		foreach(cell, ((DropStmt *) stmt)->objects)
		{
			if (strcmp(strVal(lfirst(cell)), EXTENSION_NAME) == 0)
				ours = true;
		}
	}
	else if (IsA(stmt, AlterExtensionStmt))
		ours = strcmp(((AlterExtensionStmt *) stmt)->extname,
					  EXTENSION_NAME) == 0;

	if (!ours)
		return false;
	extension = get_extension_oid(EXTENSION_NAME, true);
	return OidIsValid(extension) &&
		pgwf_extension_ownercheck(extension, GetUserId());
}

/*
 * A prepared transaction has ended, and what it had noted is forgotten.  It
 * may have created or dropped the extension.
 */
static void
after_prepared(TransactionStmtKind kind)
{
	if (kind != TRANS_STMT_COMMIT_PREPARED &&
		kind != TRANS_STMT_ROLLBACK_PREPARED)
		return;
	if (pgwf_slot_exists(MyDatabaseId))
	{
		pgwf_queue_state_forget_starts(MyDatabaseId);
		pgwf_shmem_recheck_all(MyDatabaseId);
		pgwf_deadlines_prepared_ended();
		pgwf_slot_publish_all();
	}
	if (OidIsValid(get_extension_oid(EXTENSION_NAME, true)) !=
		pgwf_slot_exists(MyDatabaseId))
		pgwf_xact_extension_changed();
}

/*
 * What follows from a command that has succeeded.
 */
static void
after_command(Node *stmt, Oid dropped)
{
	switch (nodeTag(stmt))
	{
		case T_DropdbStmt:
			if (OidIsValid(dropped))
				pgwf_slot_forget(dropped);
			break;

		case T_CreatedbStmt:
		case T_AlterDatabaseStmt:
			pgwf_xact_databases_changed();
			break;

		case T_CreateExtensionStmt:
			/* perhaps as one that another extension requires */
			if (OidIsValid(get_extension_oid(EXTENSION_NAME, true)))
				pgwf_xact_extension_changed();
			break;

		case T_DropStmt:
			if (((DropStmt *) stmt)->removeType != OBJECT_EXTENSION &&
				((DropStmt *) stmt)->removeType != OBJECT_SCHEMA)
				break;
			/* FALLTHROUGH */
		case T_DropOwnedStmt:
			if (pgwf_slot_exists(MyDatabaseId) &&
				!OidIsValid(get_extension_oid(EXTENSION_NAME, true)))
				pgwf_xact_extension_changed();
			break;

		case T_TransactionStmt:
			after_prepared(((TransactionStmt *) stmt)->kind);
			break;

		default:
			break;
	}
}

static void
process_utility(PlannedStmt *pstmt, const char *queryString,
				bool readOnlyTree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *queryEnv,
				DestReceiver *dest, QueryCompletion *qc)
{
	ProcessUtility_hook_type next = prev_process_utility ?
	prev_process_utility : standard_ProcessUtility;
	Node	   *stmt = pstmt->utilityStmt;
	Oid			dboid = database_needed(stmt);

	if (extension_needed(stmt))
		pgwf_slot_hold(PGWF_HOLD_TRANSACTION, MyDatabaseId);

	if (!OidIsValid(dboid))
		next(pstmt, queryString, readOnlyTree, context, params, queryEnv,
			 dest, qc);
	else
	{
		PG_TRY();
		{
			pgwf_slot_hold(PGWF_HOLD_COMMAND, dboid);
			next(pstmt, queryString, readOnlyTree, context, params, queryEnv,
				 dest, qc);
		}
		PG_CATCH();
		{
			pgwf_slot_release(PGWF_HOLD_COMMAND);
			PG_RE_THROW();
		}
		PG_END_TRY();
		pgwf_slot_release(PGWF_HOLD_COMMAND);
	}

	after_command(stmt, dboid);
}

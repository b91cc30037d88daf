/*-------------------------------------------------------------------------
 *
 * pgwf_slot.h
 *		Slots of databases: how backends, the scheduler of a database and the
 *		launcher talk to each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_SLOT_H
#define PGWF_SLOT_H

#include "datatype/timestamp.h"

/* The parts of a scheduler's work */
typedef enum PgwfPart
{
	PGWF_PART_RUNS,				/* what time does to runs; messages */
	PGWF_PART_DEADLINES,		/* of workflow tasks, where not known */
	PGWF_PART_CLOCKS,			/* namespaces with virtual time */
	PGWF_PART_SCHEDULES,
	PGWF_PART_RETENTION,
	PGWF_PART_BATCHES,
	PGWF_PART_DRAINAGE,			/* of versions */
	PGWF_PART_QUERIES,
	PGWF_PART_UPDATES,
	PGWF_PART_NAMESPACES		/* that were deleted */
} PgwfPart;

#define PGWF_PART_COUNT (PGWF_PART_NAMESPACES + 1)

/* ---- for backends ---- */

/*
 * Something becomes due to a run of this database.  Sets the scheduler's
 * latch only when it would sleep past that moment, and asks the launcher for
 * a scheduler when there is none.  Cannot fail.
 */
extern void pgwf_slot_publish_due(TimestampTz due);

/* The deadlines of this database; NULL when it has no slot. */
extern struct PgwfDeadlines *pgwf_slot_deadlines(void);

/* Have the scheduler look now at a part of its work.  Cannot fail. */
extern void pgwf_slot_publish_look(PgwfPart part);

/*
 * The same for PGWF_PART_CLOCKS: something has happened in a namespace with
 * virtual time.
 */
extern void pgwf_slot_publish_clock(int32 namespace_id);

/* Have the scheduler look now at everything.  Cannot fail. */
extern void pgwf_slot_publish_all(void);

/*
 * Have the scheduler let a waiter of the key look again in a second: the one
 * that was woken may die before it claims anything.
 */
extern void pgwf_slot_recheck_later(uint64 key);

/*
 * The extension may have been created in, or dropped from, a database: have
 * its scheduler look.  With "create", have a scheduler started when there is
 * none.  Cannot fail.
 */
extern void pgwf_slot_request(Oid dboid, bool create);

/* The set of databases may have changed: have the launcher look. */
extern void pgwf_slot_databases_changed(void);

/* A database was dropped: its slot is free. */
extern void pgwf_slot_forget(Oid dboid);

/*
 * Keep the scheduler away from a database, for one command or until the end
 * of this transaction: asks it to leave, waits until it has left, and holds
 * its restart off until released.  Gives up waiting, with a warning, after
 * some seconds.  Every path must release; the exit of the backend does, too.
 */
typedef enum PgwfHold
{
	PGWF_HOLD_COMMAND,
	PGWF_HOLD_TRANSACTION
} PgwfHold;

extern void pgwf_slot_hold(PgwfHold which, Oid dboid);
extern void pgwf_slot_release(PgwfHold which);

/* ---- for schedulers ---- */

/*
 * Take the slot of a database, as its scheduler.  False when it has one, or
 * somebody keeps schedulers away.  Called before the database is connected
 * to; the slot is given back only after the process has let go of it.
 */
extern bool pgwf_slot_enter(Oid dboid);

/* Has somebody asked this scheduler to leave? */
extern bool pgwf_slot_must_leave(void);

/* Shall it check that the extension is there?  Asking clears the flag. */
extern bool pgwf_slot_must_check(void);

/* The scheduler has found the extension. */
extern void pgwf_slot_installed(void);

/*
 * The scheduler has found no extension: its slot will be free when it exits.
 * False when somebody may have created it since pgwf_slot_must_check(), and
 * it must look again.
 */
extern bool pgwf_slot_not_installed(void);

/*
 * Take what was published since the last call: the earliest due moment
 * (DT_NOEND when nothing was).  From here until pgwf_slot_sleep(), publishing
 * sets no latch.
 */
extern TimestampTz pgwf_slot_take_due(void);

/*
 * Take the parts that it shall look at: bit N is that of part N.  Called
 * after pgwf_slot_take_due().
 */
extern uint32 pgwf_slot_take_looks(void);

/* Namespaces that pgwf_slot_take_clocks() can tell */
#define PGWF_SLOT_CLOCKS	16

/*
 * Take the namespaces with virtual time in which something has happened;
 * returns how many, or -1 if it may be any.
 */
extern int	pgwf_slot_take_clocks(int32 *namespace_ids);

/*
 * Say until when the scheduler is about to sleep.  False when something
 * earlier has been published meanwhile, and it must not.
 */
extern bool pgwf_slot_sleep(TimestampTz until);

/*
 * Let waiters look again whose second is over.  Returns when to call it
 * next, DT_NOEND when there is nothing to do.
 */
extern TimestampTz pgwf_slot_run_rechecks(TimestampTz now);

/* ---- for the launcher ---- */

typedef struct PgwfSlotInfo
{
	Oid			dboid;			/* InvalidOid: the slot is free */
	int			pid;			/* of its scheduler, 0 when it has none */
	bool		wanted;			/* a scheduler should be started */
	bool		held;			/* but somebody keeps it away */
	bool		installed;		/* it has found the extension */
	bool		asked_to_leave; /* the last one left because it was asked */
} PgwfSlotInfo;

/* Become the launcher, whose latch is set when there is something to do. */
extern void pgwf_slot_launcher_enter(void);

/* Shall the launcher look at the list of databases?  Clears the flag. */
extern bool pgwf_slot_must_scan(void);

/* Was there no slot for a database?  Clears the flag. */
extern bool pgwf_slot_overflowed(void);

/* The slot at a position from 0 to pgwf_max_databases - 1 */
extern void pgwf_slot_info(int position, PgwfSlotInfo *info);

/* Does the database have a slot? */
extern bool pgwf_slot_exists(Oid dboid);

#endif							/* PGWF_SLOT_H */

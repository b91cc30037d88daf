/*-------------------------------------------------------------------------
 *
 * pgwf_utility.h
 *		Commands that the background workers must know about.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_UTILITY_H
#define PGWF_UTILITY_H

/* Install the hook; called by _PG_init. */
extern void pgwf_utility_init(void);

#endif							/* PGWF_UTILITY_H */

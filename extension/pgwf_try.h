/*-------------------------------------------------------------------------
 *
 * pgwf_try.h
 *		Calling a function that may fail without failing with it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_TRY_H
#define PGWF_TRY_H

extern ErrorData *pgwf_try(void (*function) (void *arg), void *arg);

#endif							/* PGWF_TRY_H */

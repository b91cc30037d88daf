/*
 * flows.h
 *		Workflow functions that several tests use.
 */
#ifndef FLOWS_H
#define FLOWS_H

#include "pgworkflow.h"

#define FLOW(name) \
	extern json_t *name(PgwfWorkflow *wf, json_t *input, \
						PgwfFailure **failure)

FLOW(pizza);
FLOW(report);
FLOW(family);
FLOW(kid);
FLOW(counter);
FLOW(collector);

/* Which edition of "report" runs: see flows.c. */
extern int	report_edition;

#endif							/* FLOWS_H */

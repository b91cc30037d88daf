/*
 * messages.h
 *		Workflow functions with handlers that several tests use.
 */
#ifndef MESSAGES_H
#define MESSAGES_H

#include "pgworkflow.h"

/* Ends the loop of the query "spin". */
extern volatile int spin_stop;

/* Lets the type "poison" return in order. */
extern volatile int poison_stop;

/* Registers the types basket, held and poison. */
extern void register_messages(PgwfRegistry *registry);

#endif							/* MESSAGES_H */

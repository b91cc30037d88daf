/*
 * messages.h
 *		Workflow functions with handlers that several tests use.
 */
#ifndef MESSAGES_H
#define MESSAGES_H

#include "pgworkflow.h"

/* Ends the loop of the query "spin", from any thread. */
extern void stop_spin(void);

/* Lets the type "poison" return in order, from any thread. */
extern void stop_poison(void);

/* Registers the types basket, held and poison. */
extern void register_messages(PgwfRegistry *registry);

#endif							/* MESSAGES_H */

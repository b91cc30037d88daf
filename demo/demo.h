/*
 * demo.h
 *		What the demo's programs share: a main program for workers.
 */
#ifndef DEMO_H
#define DEMO_H

#include <pgworkflow.h>

/* Schema of the tables that the demo's activities write to. */
#define DEMO_SCHEMA "pizza_demo"

/* What one program brings along. */
typedef struct DemoProgram
{
	const char *name;
	const char *task_queue;		/* served unless --task-queue says otherwise */

	/* Registers the program's workflows and activities. */
	PgwfResult	(*fill) (PgwfRegistry *registry);

	/*
	 * Takes an option --name=value or --name (value is NULL then) that
	 * demo_main() does not know; false if it is unknown here as well.  May be
	 * NULL.
	 */
	bool		(*option) (const char *name, const char *value);
	const char *option_help;	/* lines for the usage text */
} DemoProgram;

/* The main program; returns the exit status. */
extern int	demo_main(const DemoProgram *program, int argc, char **argv);

/* A failure of type "database" that says why a statement failed. */
struct pg_result;
extern PgwfFailure *demo_sql_failure(const struct pg_result *result);

/* Prints text, then spaces until it is width characters wide. */
extern void demo_print_padded(const char *text, int width);

/*
 * Shows a history: each event, and beside the events that a command became
 * what the workflow code asked for when it is run on the history so far.
 * Returns false, with a message on stderr, if code and history disagree.
 */
extern bool demo_explain(PgwfRegistry *registry, const char *path);

/* Shows only the events. */
extern bool demo_show(const char *path);

#endif							/* DEMO_H */

/*
 * money_transfer.c
 *		Moves money between two accounts in two steps, and gives it back when
 *		the second cannot be done: a saga over tables of the same database.
 *
 *	money_transfer setup | psql			makes schema bank and three accounts
 *	money_transfer						the worker, until Control-C
 *	money_transfer start FROM TO AMOUNT	a transfer, and what became of it
 *
 * Each step is an activity whose SQL runs on pgwf_activity_connection(): it
 * commits together with the activity's completion, so money moves exactly once
 * however often an attempt is repeated.  The transfer's row and its workflow
 * are made in one transaction, too: there is never one without the other.
 *
 * Build, with the library installed:
 *
 *	cc money_transfer.c -o money_transfer $(pkg-config --cflags --libs \
 *		pgworkflow libpq)
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>
#include <pgworkflow.h>

#define TASK_QUEUE "transfers"

static const char setup_sql[] =
"CREATE SCHEMA bank;"
"CREATE TABLE bank.account (name text PRIMARY KEY,"
"	balance bigint NOT NULL CHECK (balance >= 0),"
"	closed boolean NOT NULL DEFAULT false);"
"CREATE TABLE bank.transfer ("
"	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
"	debit text NOT NULL, credit text NOT NULL,"
"	amount bigint NOT NULL CHECK (amount > 0),"
"	state text NOT NULL DEFAULT 'started');"
"INSERT INTO bank.account VALUES"
"	('ada', 1000, false), ('bob', 1000, false), ('eve', 0, true)";

/* ---- activities: withdraw, deposit, refund ---- */

typedef struct Step
{
	const char *name;
	const char *state;			/* of the transfer, when the step is done */
	const char *sql;			/* $1 account, $2 amount */
} Step;

static const Step steps[] = {
	{"withdraw", "withdrawn",
		"UPDATE bank.account SET balance = balance - $2::bigint"
	" WHERE name = $1 AND NOT closed"},
	{"deposit", "done",
		"UPDATE bank.account SET balance = balance + $2::bigint"
	" WHERE name = $1 AND NOT closed"},
	/* is possible even if the account was closed meanwhile */
	{"refund", "refunded",
		"UPDATE bank.account SET balance = balance + $2::bigint"
	" WHERE name = $1"}
};

/*
 * Runs a statement.  Returns how many rows it has changed, or -1 with *failure
 * set; what a constraint says is not worth another try, the rest is.
 */
static int
change(PGconn *conn, const char *sql, const char *param1, const char *param2,
	   PgwfFailure **failure)
{
	const char *params[] = {param1, param2};
	PGresult   *result = PQexecParams(conn, sql, 2, NULL, params, NULL, NULL,
									  0);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	int			rows = -1;

	if (PQresultStatus(result) == PGRES_COMMAND_OK)
		rows = atoi(PQcmdTuples(result));
	else
	{
		*failure = pgwf_failure_new(state, "%s", PQerrorMessage(conn));
		if (state != NULL && strncmp(state, "23", 2) == 0)
			pgwf_failure_set_non_retryable(*failure);
	}
	PQclear(result);
	return rows;
}

/* input: [transfer, account, amount] */
static json_t *
do_step(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	const Step *step = pgwf_activity_arg(activity);
	PGconn	   *conn = pgwf_activity_connection(activity);
	const char *account;
	json_int_t	id,
				amount;
	char		id_text[32],
				amount_text[32];

	if (conn == NULL)
	{
		*failure = pgwf_failure_new("NoConnection", "no connection");
		return NULL;
	}
	if (json_unpack(input, "[IsI]", &id, &account, &amount) != 0)
	{
		*failure = pgwf_failure_set_non_retryable(
												  pgwf_failure_new("BadInput", "not a transfer"));
		return NULL;
	}
	snprintf(id_text, sizeof(id_text), "%lld", (long long) id);
	snprintf(amount_text, sizeof(amount_text), "%lld", (long long) amount);
	switch (change(conn, step->sql, account, amount_text, failure))
	{
		case -1:
			break;
		case 0:
			*failure = pgwf_failure_set_non_retryable(
													  pgwf_failure_new("NoAccount", "there is no open account \"%s\"",
																	   account));
			break;
		default:
			change(conn, "UPDATE bank.transfer SET state = $2"
				   " WHERE id = $1::bigint", id_text, step->state, failure);
	}
	return NULL;
}

/* ---- the workflow ---- */

/* input: [transfer, from, to, amount] */
static json_t *
transfer(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	json_t	   *id = json_array_get(input, 0);
	json_t	   *amount = json_array_get(input, 3);
	json_t	   *debit = pgwf_pack(wf, "[O,O,O]", id, json_array_get(input, 1),
								  amount);
	json_t	   *credit = pgwf_pack(wf, "[O,O,O]", id, json_array_get(input, 2),
								   amount);

	options.start_to_close_timeout_ms = 5000;

	/* if the transfer is canceled, learn what a step under way has come to */
	options.cancel_type = PGWF_CANCEL_WAIT_COMPLETED;
	if (!pgwf_execute_activity(wf, "withdraw", debit, &options, NULL, failure))
		return NULL;
	if (!pgwf_execute_activity(wf, "deposit", credit, &options, NULL, failure))
	{
		/* in a shielded scope: also when the transfer was canceled */
		PgwfFailure *refund_failure;

		pgwf_scope_enter(wf, pgwf_scope_new(wf, true));
		if (!pgwf_execute_activity(wf, "refund", debit, &options, NULL,
								   &refund_failure))
			*failure = refund_failure;
		pgwf_scope_leave(wf);
		return NULL;
	}
	return pgwf_pack(wf, "s", "done");
}

/* ---- the program ---- */

static PgwfWorker *worker;

static void
stop(int signo)
{
	pgwf_worker_stop(worker);
}

static int
run_worker(void)
{
	PgwfRegistry *registry = pgwf_registry_new();
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfResult	result;
	size_t		i;

	pgwf_register_workflow(registry, "transfer", transfer, NULL);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		pgwf_register_activity(registry, steps[i].name, do_step,
							   (void *) &steps[i]);
	options.task_queue = TASK_QUEUE;
	options.sticky_timeout_ms = 1000;	/* its runs wait for it so long */
	worker = pgwf_worker_new(&options, registry, NULL);
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	result = pgwf_worker_run(worker);
	if (result != PGWF_OK)
		fprintf(stderr, "%s\n", pgwf_worker_error(worker));
	pgwf_worker_free(worker);
	pgwf_registry_free(registry);
	return result == PGWF_OK ? 0 : 1;
}

static void
say_outcome(const PgwfOutcome *outcome)
{
	printf("%s", outcome->status);
	if (outcome->failure != NULL)
		printf(": %s",
			   pgwf_failure_message(pgwf_failure_root(outcome->failure)));
	putchar('\n');
}

/* params: FROM TO AMOUNT */
static int
start(const char *const *params)
{
	PGconn	   *conn = PQconnectdb("");
	PgwfClient *client = pgwf_client_new_on(conn, NULL);
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	PgwfHandle *handle = NULL;
	PgwfOutcome outcome;
	PGresult   *row;
	char		id[64];
	bool		committed = false;

	PQclear(PQexec(conn, "BEGIN"));
	row = PQexecParams(conn, "INSERT INTO bank.transfer (debit, credit, amount)"
					   " VALUES ($1, $2, $3) RETURNING id", 3, NULL, params,
					   NULL, NULL, 0);
	if (PQresultStatus(row) == PGRES_TUPLES_OK)
	{
		snprintf(id, sizeof(id), "transfer-%s", PQgetvalue(row, 0, 0));
		options.workflow_id = id;
		options.workflow_type = "transfer";
		options.task_queue = TASK_QUEUE;
		options.input = json_pack("[IssI]",
								  (json_int_t) atoll(PQgetvalue(row, 0, 0)),
								  params[0], params[1],
								  (json_int_t) atoll(params[2]));
		pgwf_handle_start(client, &options, &handle);
		json_decref(options.input);
	}
	PQclear(row);
	if (handle != NULL)
	{
		row = PQexec(conn, "COMMIT");
		committed = PQresultStatus(row) == PGRES_COMMAND_OK;
		PQclear(row);
	}
	if (committed)
	{
		puts(id);
		fflush(stdout);
		if (pgwf_handle_result(handle, 0, &outcome) == PGWF_OK)
			say_outcome(&outcome);
		pgwf_outcome_clear(&outcome);
	}
	fputs(pgwf_client_error(client), stderr);
	fputs(PQerrorMessage(conn), stderr);
	pgwf_handle_free(handle);
	pgwf_client_free(client);
	PQfinish(conn);
	return committed ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc == 1)
		return run_worker();
	if (argc == 5 && strcmp(argv[1], "start") == 0)
		return start((const char *const *) argv + 2);
	if (argc == 2 && strcmp(argv[1], "setup") == 0)
		return puts(setup_sql) == EOF;
	fputs("usage: money_transfer [setup | start FROM TO AMOUNT]\n", stderr);
	return 2;
}

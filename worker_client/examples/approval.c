/*
 * approval.c
 *		An expense waits until a person approves or rejects it: somebody is
 *		reminded again and again, and after a deadline it is off.
 *
 *	approval							the worker, until Control-C
 *	approval start ID EMPLOYEE AMOUNT [REMIND DEADLINE]
 *										times in seconds: a day, a week
 *	approval comment ID TEXT			a signal: is just noted
 *	approval decide ID approve|reject PERSON
 *										an update: is checked, and answered
 *	approval state ID					a query: where does it stand?
 *
 * Build, with the library installed:
 *
 *	cc approval.c -o approval $(pkg-config --cflags --libs pgworkflow)
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pgworkflow.h>

#define TASK_QUEUE "approvals"
#define DAY_S (24.0 * 3600)

/* ---- the workflow ---- */

/* What the workflow function and its handlers share. */
typedef struct Expense
{
	const char *employee;
	const char *verdict;		/* NULL: not decided yet */
	const char *person;			/* who has decided */
	json_t	   *comments;
	int			reminders;
	bool		expired;
} Expense;

static void
comment(PgwfWorkflow *wf, const char *name, json_t *input, void *arg)
{
	Expense    *expense = arg;

	json_array_append(expense->comments, json_array_get(input, 0));
}

static json_t *
tell_state(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
		   PgwfFailure **failure)
{
	Expense    *expense = arg;

	return pgwf_pack(wf, "{s:s, s:s?, s:i, s:O}",
					 "state", expense->verdict ? expense->verdict :
					 expense->expired ? "expired" : "waiting",
					 "person", expense->person,
					 "reminders", expense->reminders,
					 "comments", expense->comments);
}

/* [verdict, person]: what it refuses leaves no trace in the history. */
static void
check_decision(PgwfWorkflow *wf, const char *name, const json_t *args,
			   void *arg, PgwfFailure **failure)
{
	Expense    *expense = arg;
	const char *verdict = json_string_value(json_array_get(args, 0));
	const char *person = json_string_value(json_array_get(args, 1));

	if (verdict == NULL || person == NULL ||
		(strcmp(verdict, "approve") != 0 && strcmp(verdict, "reject") != 0))
		*failure = pgwf_failure_new("BadDecision", "approve or reject?");
	else if (strcmp(person, expense->employee) == 0)
		*failure = pgwf_failure_new("OwnExpense",
									"%s cannot decide about an own expense",
									person);
	else if (expense->verdict != NULL || expense->expired)
		*failure = pgwf_failure_new("TooLate", "it is decided already");
}

static json_t *
decide(PgwfWorkflow *wf, const char *name, json_t *args, void *arg,
	   PgwfFailure **failure)
{
	Expense    *expense = arg;

	expense->verdict = strcmp(json_string_value(json_array_get(args, 0)),
							  "approve") == 0 ? "approved" : "rejected";
	expense->person = json_string_value(json_array_get(args, 1));
	return pgwf_pack(wf, "s", expense->verdict);
}

/* Sets the handlers before anything that came with the start is delivered. */
static void
init_expense(PgwfWorkflow *wf, json_t *input)
{
	PgwfUpdateHandlerOptions checked = PGWF_UPDATE_HANDLER_OPTIONS_INIT;
	Expense    *expense = pgwf_alloc(wf, sizeof(Expense));

	expense->employee = json_string_value(json_array_get(input, 0));
	if (expense->employee == NULL)
		expense->employee = "";
	expense->comments = pgwf_pack(wf, "[]");
	pgwf_set_state(wf, expense);
	checked.validator = check_decision;
	pgwf_set_update_handler(wf, "decide", decide, expense, &checked);
	pgwf_set_query_handler(wf, "state", tell_state, expense);
	pgwf_set_signal_handler(wf, "comment", comment, expense);
}

static bool
is_decided(void *arg)
{
	return ((Expense *) arg)->verdict != NULL;
}

/* input: [employee, amount, remind_ms, deadline_ms] */
static json_t *
approve_expense(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	Expense    *expense = pgwf_state(wf);
	int64_t		remind_ms = json_integer_value(json_array_get(input, 2));
	int64_t		deadline = pgwf_now(wf) +
	json_integer_value(json_array_get(input, 3));
	json_t	   *message;

	options.start_to_close_timeout_ms = 10000;
	for (;;)
	{
		int64_t		left = deadline - pgwf_now(wf);
		PgwfWait	wait = pgwf_wait_condition(wf, is_decided, expense,
											   left < remind_ms ? left : remind_ms);

		if (wait == PGWF_WAIT_DONE)
			break;
		if (wait == PGWF_WAIT_CANCELED)
		{
			pgwf_sleep(wf, 1, failure); /* fails with the cancellation */
			return NULL;
		}
		if (pgwf_now(wf) >= deadline)
		{
			expense->expired = true;
			break;
		}
		expense->reminders++;
		message = pgwf_pack(wf, "[s, s]", "everybody",
							pgwf_sprintf(wf, "the expense of %s is waiting",
										 expense->employee));
		if (!pgwf_execute_activity(wf, "send", message, &options, NULL,
								   failure))
			return NULL;
	}
	message = pgwf_pack(wf, "[s, s]", expense->employee,
						pgwf_sprintf(wf, "your expense was %s",
									 expense->expired ? "not decided in time" :
									 expense->verdict));
	if (!pgwf_execute_activity(wf, "send", message, &options, NULL, failure))
		return NULL;

	/* callers of updates that are under way get their answer */
	pgwf_wait_handlers(wf, PGWF_FOREVER);
	return tell_state(wf, NULL, NULL, expense, failure);
}

/* The activity, input: [to, text].  A real one would write mails. */
static json_t *
send_message(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	printf("to %s: %s\n", json_string_value(json_array_get(input, 0)),
		   json_string_value(json_array_get(input, 1)));
	fflush(stdout);
	return NULL;
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
	PgwfTypeOptions type = PGWF_TYPE_OPTIONS_INIT;
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfResult	result;

	type.init = init_expense;
	pgwf_register_workflow_with(registry, "expense", approve_expense, NULL,
								&type);
	pgwf_register_activity(registry, "send", send_message, NULL);
	options.task_queue = TASK_QUEUE;
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

/* argv: COMMAND ID [ARGUMENT ...]; the arguments are passed on as they are. */
static PgwfResult
call(PgwfClient *client, int argc, char **argv)
{
	PgwfHandle *handle = pgwf_handle_new(client, argv[1], NULL);
	json_t	   *args = json_array(),
			   *answer = NULL;
	PgwfFailure *failure = NULL;
	PgwfResult	result = PGWF_INVALID_ARGUMENT;
	int			i;

	for (i = 2; i < argc; i++)
		json_array_append_new(args, json_string(argv[i]));
	if (strcmp(argv[0], "start") == 0 && argc >= 4)
	{
		PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
		double		remind_s = argc > 4 ? atof(argv[4]) : DAY_S;
		double		deadline_s = argc > 5 ? atof(argv[5]) : 7 * DAY_S;

		options.workflow_id = argv[1];
		options.workflow_type = "expense";
		options.task_queue = TASK_QUEUE;
		options.input = json_pack("[s, f, I, I]", argv[2], atof(argv[3]),
								  (json_int_t) (remind_s * 1000),
								  (json_int_t) (deadline_s * 1000));
		result = pgwf_client_start(client, &options, NULL);
		json_decref(options.input);
	}
	else if (strcmp(argv[0], "comment") == 0)
		result = pgwf_handle_signal(handle, "comment", args);
	else if (strcmp(argv[0], "decide") == 0)
		result = pgwf_handle_update(handle, "decide", args, &answer, &failure);
	else if (strcmp(argv[0], "state") == 0)
		result = pgwf_handle_query(handle, "state", NULL, &answer);

	if (result != PGWF_OK)
		fprintf(stderr, "%s: %s\n", pgwf_result_text(result),
				pgwf_client_error(client));
	else if (failure != NULL)
		puts(pgwf_failure_message(pgwf_failure_root(failure)));
	else if (answer != NULL)
	{
		json_dumpf(answer, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
		putchar('\n');
	}
	json_decref(answer);
	json_decref(args);
	pgwf_failure_free(failure);
	pgwf_handle_free(handle);
	return result;
}

int
main(int argc, char **argv)
{
	PgwfClient *client;
	PgwfResult	result;

	if (argc < 3)
		return run_worker();
	client = pgwf_client_new(NULL, NULL);
	result = call(client, argc - 1, argv + 1);
	pgwf_client_free(client);
	return result == PGWF_OK ? 0 : 1;
}

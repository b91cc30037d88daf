/*-------------------------------------------------------------------------
 *
 * trace.c
 *	  A run's activities, timers, children and messages as bars over time,
 *	  drawn anew on a terminal while the run goes on.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

#define PAGE_SIZE		500
#define LABEL_WIDTH		32
#define MIN_BAR_WIDTH	20
#define DEFAULT_WIDTH	80

/* What an event means for the bar that it belongs to */
typedef enum Role
{
	ROLE_BEGIN,					/* of a bar, which waits */
	ROLE_STARTED,				/* the bar's work begins */
	ROLE_DONE,
	ROLE_FAILED,
	ROLE_CANCELED,
	ROLE_POINT					/* a moment of its own */
} Role;

static const struct
{
	const char *event_type;
	Role		role;
	const char *reference;		/* attribute: id of the event that began it */
	const char *kind;			/* BEGIN and POINT: what people call it */
	const char *label;			/* likewise: path of an attribute */
}			meanings[] =

{
	{"ActivityTaskScheduled", ROLE_BEGIN, NULL, "activity",
	"activityType.name"},
	{"ActivityTaskStarted", ROLE_STARTED, "scheduledEventId", NULL, NULL},
	{"ActivityTaskCompleted", ROLE_DONE, "scheduledEventId", NULL, NULL},
	{"ActivityTaskFailed", ROLE_FAILED, "scheduledEventId", NULL, NULL},
	{"ActivityTaskTimedOut", ROLE_FAILED, "scheduledEventId", NULL, NULL},
	{"ActivityTaskCanceled", ROLE_CANCELED, "scheduledEventId", NULL, NULL},
	{"TimerStarted", ROLE_BEGIN, NULL, "timer", "startToFireTimeout"},
	{"TimerFired", ROLE_DONE, "startedEventId", NULL, NULL},
	{"TimerCanceled", ROLE_CANCELED, "startedEventId", NULL, NULL},
	{"StartChildWorkflowExecutionInitiated", ROLE_BEGIN, NULL, "child",
	"workflowId"},
	{"StartChildWorkflowExecutionFailed", ROLE_FAILED, "initiatedEventId",
	NULL, NULL},
	{"ChildWorkflowExecutionStarted", ROLE_STARTED, "initiatedEventId", NULL,
	NULL},
	{"ChildWorkflowExecutionCompleted", ROLE_DONE, "initiatedEventId", NULL,
	NULL},
	{"ChildWorkflowExecutionFailed", ROLE_FAILED, "initiatedEventId", NULL,
	NULL},
	{"ChildWorkflowExecutionTimedOut", ROLE_FAILED, "initiatedEventId", NULL,
	NULL},
	{"ChildWorkflowExecutionCanceled", ROLE_CANCELED, "initiatedEventId",
	NULL, NULL},
	{"ChildWorkflowExecutionTerminated", ROLE_CANCELED, "initiatedEventId",
	NULL, NULL},
	{"WorkflowExecutionUpdateAccepted", ROLE_BEGIN, NULL, "update",
	"acceptedRequest.input.name"},
	{"WorkflowExecutionUpdateCompleted", ROLE_DONE, "acceptedEventId", NULL,
	NULL},
	{"WorkflowExecutionSignaled", ROLE_POINT, NULL, "signal", "signalName"},
	{"WorkflowExecutionCancelRequested", ROLE_POINT, NULL, "cancel request",
	"cause"},
	{"MarkerRecorded", ROLE_POINT, NULL, "marker", "markerName"},
	{"WorkflowTaskFailed", ROLE_POINT, NULL, "workflow task failed", "cause"},
	{"WorkflowTaskTimedOut", ROLE_POINT, NULL, "workflow task timed out",
	"timeoutType"}
};

#define NUM_MEANINGS ((int) (sizeof(meanings) / sizeof(meanings[0])))

typedef struct Bar
{
	json_int_t	event_id;
	char		label[128];
	int64_t		begin;			/* microseconds since 1970 */
	int64_t		started;		/* 0: it waits */
	int64_t		end;			/* 0: it goes on */
	Role		role;			/* BEGIN, or how it ended, or POINT */
} Bar;

typedef struct Trace
{
	Bar		   *bars;
	int			nbars;
	int			size;
	json_int_t	last_event_id;
	int64_t		begin;
	int64_t		end;			/* 0: open */
	int64_t		now;			/* of its namespace, while it is open */
	char		status[64];
	char		type[128];
	int			lines;			/* drawn, to be drawn over */
} Trace;

/* What bars are made of */
typedef struct Style
{
	const char *waiting;
	const char *working;
	const char *failed;
	const char *canceled;
	const char *point;
	bool		color;
} Style;

static const Style plain = {".", "=", "!", "~", "*", false};
static const Style unicode = {
	"\xe2\x96\x91", "\xe2\x96\x88", "\xe2\x96\x93", "\xe2\x96\x92",
	"\xe2\x97\x86", false
};

/* ---- reading ---- */

static Bar *
add_bar(Trace *trace)
{
	if (trace->nbars == trace->size)
	{
		trace->size = trace->size * 2 + 32;
		trace->bars = realloc(trace->bars,
							  sizeof(Bar) * (size_t) trace->size);
		if (trace->bars == NULL)
			abort();
	}
	memset(&trace->bars[trace->nbars], 0, sizeof(Bar));
	return &trace->bars[trace->nbars++];
}

/* Bars are in the order of their events. */
static Bar *
find_bar(Trace *trace, json_int_t event_id)
{
	int			low = 0;
	int			high = trace->nbars;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (trace->bars[middle].event_id < event_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < trace->nbars && trace->bars[low].event_id == event_id ?
		&trace->bars[low] : NULL;
}

static void
apply(Trace *trace, const json_t *event, int meaning)
{
	const json_t *attributes = json_object_get(event, "attributes");
	int64_t		when = cli_time_us(cli_text(event, "eventTime"));
	Role		role = meanings[meaning].role;
	Bar		   *bar;

	if (role == ROLE_BEGIN || role == ROLE_POINT)
	{
		bar = add_bar(trace);
		bar->event_id = trace->last_event_id;
		bar->begin = when;
		bar->end = role == ROLE_POINT ? when : 0;
		bar->role = role;
		snprintf(bar->label, sizeof(bar->label), "%s %s",
				 meanings[meaning].kind,
				 cli_text(attributes, meanings[meaning].label));
		return;
	}
	bar = find_bar(trace,
				   json_integer_value(json_object_get(attributes,
													  meanings[meaning].reference)));
	if (bar == NULL)
		return;
	if (role == ROLE_STARTED)
		bar->started = when;
	else
	{
		bar->end = when;
		bar->role = role;
	}
}

static PgwfResult
read_events(PgwfClient *client, Trace *trace, const char *workflow_id,
			const char *run_id)
{
	PgwfHistoryOptions options = PGWF_HISTORY_OPTIONS_INIT;
	size_t		n;

	options.workflow_id = workflow_id;
	options.run_id = run_id;
	options.page_size = PAGE_SIZE;
	do
	{
		json_t	   *events;
		PgwfResult	code;
		size_t		i;
		int			m;

		options.after_event_id = trace->last_event_id;
		code = pgwf_client_history(client, &options, &events);
		if (code != PGWF_OK)
			return code;
		n = json_array_size(events);
		for (i = 0; i < n; i++)
		{
			const json_t *event = json_array_get(events, i);

			trace->last_event_id =
				json_integer_value(json_object_get(event, "eventId"));
			for (m = 0; m < NUM_MEANINGS; m++)
			{
				if (strcmp(meanings[m].event_type,
						   cli_text(event, "eventType")) == 0)
					apply(trace, event, m);
			}
		}
		json_decref(events);
	} while (n == PAGE_SIZE);
	return PGWF_OK;
}

/*
 * What histories do not tell: started activities have no event before they
 * end.
 */
static void
read_description(Trace *trace, const json_t *description)
{
	const json_t *info = json_object_get(description,
										 "workflowExecutionInfo");
	const json_t *activities = json_object_get(description,
											   "pendingActivities");
	size_t		i;
	int			b;

	snprintf(trace->type, sizeof(trace->type), "%s",
			 cli_text(info, "type.name"));
	cli_enum_text(cli_text(info, "status"), "WORKFLOW_EXECUTION_STATUS_",
				  trace->status);
	trace->begin = cli_time_us(cli_text(info, "startTime"));
	trace->end = cli_time_us(cli_text(info, "closeTime"));
	if (trace->end < 0)
		trace->end = 0;
	for (i = 0; i < json_array_size(activities); i++)
	{
		const json_t *activity = json_array_get(activities, i);
		int64_t		scheduled = cli_time_us(cli_text(activity,
													 "scheduledTime"));
		char		label[128];

		snprintf(label, sizeof(label), "activity %s",
				 cli_text(activity, "activityType.name"));
		for (b = 0; b < trace->nbars; b++)
		{
			Bar		   *bar = &trace->bars[b];

			if (bar->end == 0 && bar->begin == scheduled &&
				strcmp(bar->label, label) == 0 &&
				strcmp(cli_text(activity, "state"),
					   "PENDING_ACTIVITY_STATE_STARTED") == 0)
				bar->started = cli_time_us(cli_text(activity,
													"lastStartedTime"));
		}
	}
}

/* ---- drawing ---- */

static int
terminal_width(const CliOptions *o)
{
	struct winsize size;

	if (o->width > 0)
		return o->width;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return DEFAULT_WIDTH;
}

static const char *
color_of(Role role)
{
	switch (role)
	{
		case ROLE_DONE:
			return "\033[32m";
		case ROLE_FAILED:
			return "\033[31m";
		case ROLE_CANCELED:
			return "\033[33m";
		case ROLE_POINT:
			return "\033[36m";
		case ROLE_BEGIN:
		case ROLE_STARTED:
			break;
	}
	return "\033[34m";
}

static void
draw_bar(const Trace *trace, const Bar *bar, const Style *style, int width,
		 int64_t now)
{
	int64_t		total = now > trace->begin ? now - trace->begin : 1;
	int64_t		end = bar->end != 0 ? bar->end : now;
	int			from = (int) ((bar->begin - trace->begin) * width / total);
	int			work;
	int			to = (int) ((end - trace->begin) * width / total);
	char		duration[32];
	int			i;

	if (from >= width)
		from = width - 1;
	if (to <= from)
		to = from + 1;
	if (to > width)
		to = width;
	work = bar->started != 0 ?
		(int) ((bar->started - trace->begin) * width / total) : to;
	/* what did something is not all waiting, however short it was */
	if (bar->started != 0 && work >= to)
		work = to - 1;
	cli_print_padded(bar->label, LABEL_WIDTH);
	printf(" %*s%s", from, "", style->color ? color_of(bar->role) : "");
	for (i = from; i < to; i++)
		fputs(bar->role == ROLE_POINT ? style->point :
			  i < work ? style->waiting :
			  bar->role == ROLE_FAILED ? style->failed :
			  bar->role == ROLE_CANCELED ? style->canceled : style->working,
			  stdout);
	printf("%s", style->color ? "\033[0m" : "");
	if (bar->role != ROLE_POINT)
		printf(" %s%s", cli_duration_text(end - bar->begin, duration),
			   bar->role == ROLE_FAILED ? " failed" :
			   bar->role == ROLE_CANCELED ? " canceled" :
			   bar->role == ROLE_BEGIN ? " ..." : "");
	putchar('\n');
}

/* Draws all, over what was drawn before if that was on a terminal. */
static void
draw(Trace *trace, const CliOptions *o, const char *workflow_id,
	 const Style *style)
{
	char		duration[32];
	char		begin[32];
	int			width = terminal_width(o) - LABEL_WIDTH - 18;
	int64_t		now = trace->end != 0 ? trace->end : trace->now;
	int			i;

	if (width < MIN_BAR_WIDTH)
		width = MIN_BAR_WIDTH;
	if (trace->lines > 0)
		printf("\033[%dA\033[J", trace->lines);
	printf("%s  %s  %s  %s UTC  %s\n", workflow_id, trace->type,
		   trace->status, cli_time_text(trace->begin, begin),
		   cli_duration_text(now - trace->begin, duration));
	for (i = 0; i < trace->nbars; i++)
		draw_bar(trace, &trace->bars[i], style, width, now);
	trace->lines = trace->nbars + 1;
	fflush(stdout);
}

/* ---- the command ---- */

static json_t *
trace_json(const Trace *trace, const char *workflow_id)
{
	static const char *const outcomes[] = {
		"running", "running", "completed", "failed", "canceled", "moment"
	};
	json_t	   *bars = json_array();
	int			i;

	for (i = 0; i < trace->nbars; i++)
	{
		const Bar  *bar = &trace->bars[i];
		json_t	   *object = json_pack("{s:I, s:s, s:s, s:o}", "eventId",
									   bar->event_id, "what", bar->label,
									   "outcome", outcomes[bar->role],
									   "scheduled",
									   cli_time_json(bar->begin));

		if (bar->started != 0)
			json_object_set_new(object, "started",
								cli_time_json(bar->started));
		if (bar->end != 0)
			json_object_set_new(object, "ended", cli_time_json(bar->end));
		json_array_append_new(bars, object);
	}
	return json_pack("{s:s, s:s, s:s, s:o}", "workflowId", workflow_id,
					 "type", trace->type, "status", trace->status, "bars",
					 bars);
}

int
cli_trace(const CliOptions *o, int argc, char **argv)
{
	PgwfClient *client = cli_client(o);
	Trace		trace;
	Style		style = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ?
	unicode : plain;
	bool		terminal = isatty(STDOUT_FILENO);
	char		run_id[PGWF_RUN_ID_SIZE] = "";
	PgwfResult	code;

	(void) argc;
	memset(&trace, 0, sizeof(trace));
	style.color = terminal;
	for (;;)
	{
		json_t	   *description;

		/* what was closed before the events were read has them all */
		code = pgwf_client_describe(client, argv[0], run_id[0] != '\0' ?
									run_id : o->run_id, &description);
		if (code == PGWF_OK)
		{
			snprintf(run_id, sizeof(run_id), "%s",
					 cli_text(description,
							  "workflowExecutionInfo.execution.runId"));
			code = read_events(client, &trace, argv[0], run_id);
			read_description(&trace, description);
		}
		json_decref(description);
		if (code == PGWF_OK && trace.end == 0)
			code = pgwf_client_current_time(client, &trace.now);
		if (code != PGWF_OK)
			break;
		if (!o->json && (terminal || !o->follow || trace.end != 0))
			draw(&trace, o, argv[0], &style);
		if (!o->follow || trace.end != 0)
			break;
		if (!terminal)
			trace.lines = 0;
		cli_pause();
	}
	if (code == PGWF_OK && o->json)
	{
		json_t	   *object = trace_json(&trace, argv[0]);

		cli_print_json(object);
		json_decref(object);
	}
	free(trace.bars);
	return cli_done(client, code);
}

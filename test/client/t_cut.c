/*
 * t_cut.c
 *		Cutting histories into logical workflow tasks.
 *
 * A history is a string of letters, one an event:
 *	S started, W task scheduled, T task started, C task completed, F task
 *	failed, O task timed out, a activity scheduled, n signaled, m marker,
 *	X workflow completed, K workflow timed out, Z terminated, A an update
 *	accepted that came with the task that was started last
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"
#include "tap.h"

static PgwfEventType
type_of_letter(char letter)
{
	switch (letter)
	{
		case 'S':
			return PGWF_EVENT_WORKFLOW_STARTED;
		case 'W':
			return PGWF_EVENT_TASK_SCHEDULED;
		case 'T':
			return PGWF_EVENT_TASK_STARTED;
		case 'C':
			return PGWF_EVENT_TASK_COMPLETED;
		case 'F':
			return PGWF_EVENT_TASK_FAILED;
		case 'O':
			return PGWF_EVENT_TASK_TIMED_OUT;
		case 'a':
			return PGWF_EVENT_ACTIVITY_SCHEDULED;
		case 'n':
			return PGWF_EVENT_SIGNALED;
		case 'm':
			return PGWF_EVENT_MARKER_RECORDED;
		case 'A':
			return PGWF_EVENT_UPDATE_ACCEPTED;
		case 'X':
			return PGWF_EVENT_WORKFLOW_COMPLETED;
		case 'K':
			return PGWF_EVENT_WORKFLOW_TIMED_OUT;
		default:
			return PGWF_EVENT_WORKFLOW_TERMINATED;
	}
}

/* What an acceptance says: its request came behind this event. */
static PgwfNode *
accepted_behind(int event_id)
{
	char		text[80];

	snprintf(text, sizeof(text), "{\"acceptedRequestSequencingEventId\": %d}",
			 event_id);
	return pgwf_node_parse(text);
}

/*
 * Checks that a history is cut at the spaces of "cut".  update: its last task
 * brings an update.
 */
static void
cuts_with(const char *cut, bool update, const char *name)
{
	PgwfEvent	events[100];
	char		got[200];
	int			n = 0;
	int			start = 0;
	int			i;
	int			started = 0;
	char	   *out = got;
	const char *p;

	memset(events, 0, sizeof(events));
	for (p = cut; *p != '\0'; p++)
	{
		if (*p == ' ' || *p == '|')
			continue;
		events[n].id = n + 1;
		events[n].type = type_of_letter(*p);
		if (events[n].type == PGWF_EVENT_TASK_STARTED)
			started = n + 1;
		/* it is sequenced behind the event before the task's start */
		if (events[n].type == PGWF_EVENT_UPDATE_ACCEPTED)
			events[n].attributes = accepted_behind(started - 1);
		n++;
	}
	while (start < n)
	{
		bool		has_command = false;
		int			end = pgwf_sequence_end(events, n, start,
											update ? started - 1 : 0,
											&has_command);

		if (start > 0)
			*out++ = end >= 0 ? ' ' : '|';
		if (end < 0)
			end = n - 1;
		for (i = start; i <= end; i++)
		{
			const char *letters = "SWTCFOanmXKZA";

			while (type_of_letter(*letters) != events[i].type)
				letters++;
			*out++ = *letters;
		}
		start = end + 1;
	}
	*out = '\0';
	is_str(got, cut, "%s", name);
	for (i = 0; i < n; i++)
		pgwf_node_release((PgwfNode *) events[i].attributes);
}

static void
cuts(const char *cut, const char *name)
{
	cuts_with(cut, false, name);
}

static void
time_of(const char *letters, int start, int end, int expected,
		const char *name)
{
	PgwfEvent	events[100];
	int			n = (int) strlen(letters);
	int			i;

	memset(events, 0, sizeof(events));
	for (i = 0; i < n; i++)
		events[i].type = type_of_letter(letters[i]);
	is_int(pgwf_sequence_task(events, n, start, end), expected, "%s", name);
}

int
main(void)
{
	cuts("SWT", "a first task");
	cuts("SWT CaWT", "two tasks");
	cuts("SWT CaaWT CX", "a closed run");
	cuts("SnWT CaWT", "a signal before the first task");
	cuts("SWT CnWT CaWT", "a task without commands, then a signal");
	cuts("SWTFWT CaWT", "a failed task ends nothing");
	cuts("SWTOWTFWT CaWT", "nor do several");
	cuts("SWT CaWTOnWT CX", "a task that timed out");
	cuts("SWTK", "the run timed out during a task");
	cuts("SWT CaWTZ", "the run was terminated during a task");
	cuts("SWT CaZ", "the run was terminated between tasks");
	cuts("SWTCWT CmWT", "a heartbeat ends nothing");
	cuts("SWTCWTCWTCWT CmaWT", "nor do several");
	cuts("SWT CmWT CWT CaWT", "one after a command ends a sequence");
	cuts("SWT CmWT CWTCWT CaWT", "a heartbeat after that one does not");
	cuts("SWT CWnT CaWT", "something between two tasks is no heartbeat");
	cuts("SWTCWTOWT CmWT", "a heartbeat whose next task timed out");
	cuts("SWT CAWT CaWT", "an update with the first task");
	cuts("SWT CWT CAWT", "an update after a heartbeat");
	cuts("SWTCWT CWT CAaWT", "after two: the first two go together");
	cuts("SWTFWT CWT CAWT", "after a failed task");
	cuts("SWT CWTFWT CAWT", "in a task that failed before");
	cuts("SWT CaWT CWT CAWT", "in a later sequence");
	cuts("SWTCWT CaAWT", "behind another command");
	cuts_with("SWTCWT CWT", true, "one that the last task brings");
	cuts_with("SWT CWTOWT", true, "the same after a task that timed out");
	cuts_with("SWT", true, "one that the first task brings");
	cuts("SWT CaWT|CaW", "history that ends between tasks");
	cuts("SWT|Cam", "history that ends with commands");

	time_of("SWT", 0, 2, 2, "the task of a sequence is its last");
	time_of("SWTFWT", 0, 5, 5, "a failed task is not it");
	time_of("SWTCWTCWTCm", 0, 8, 2, "the first of a chain of heartbeats is");
	return done_testing();
}

"""The rules of workflows, written down a second time.

A World holds the runs of a family of workflow ids that only deal with each
other.  Its methods are the calls of the service: each checks what must be
refused, and otherwise appends to the runs' histories what the service must
append.  What the service does by itself at a moment of its choice (a timer
fires, a timeout passes, a child is started) is an effect: effects() lists
those that may happen by now, and applying one is like a call.

Nothing here is derived from the service's code.  Event attributes are in the
service's readable form, without empty members and with every run id replaced
by RUN_ID; requests, times and sizes are not modeled.  When a cron schedule
is due is left to the service, and learned from it.
"""

import copy

RUN_ID = '<run id>'
TIME = '<time>'
CRON_WAIT = '<until the next of the schedule>'
NEVER = float('inf')
LONGEST_HEARTBEATS = 1800
REPORTED_FAILURES = 5
SERVICE = 'history-service'
CAUSE = 'WORKFLOW_TASK_FAILED_CAUSE_'

NOT_FOUND = 'PW005'
INVALID = 'PW003'
ALREADY_STARTED = 'PW106'
BUSY = 'PW008'
PRECONDITION = 'PW009'
NOT_READY = 'PW109'

# Events that wait while a worker has the workflow task.
BUFFERABLE = {
    'ActivityTaskStarted', 'ActivityTaskCompleted', 'ActivityTaskFailed',
    'ActivityTaskTimedOut', 'ActivityTaskCanceled', 'TimerFired',
    'WorkflowExecutionCancelRequested', 'WorkflowExecutionSignaled',
    'RequestCancelExternalWorkflowExecutionFailed',
    'ExternalWorkflowExecutionCancelRequested',
    'StartChildWorkflowExecutionFailed', 'ChildWorkflowExecutionStarted',
    'ChildWorkflowExecutionCompleted', 'ChildWorkflowExecutionFailed',
    'ChildWorkflowExecutionCanceled', 'ChildWorkflowExecutionTimedOut',
    'ChildWorkflowExecutionTerminated',
    'SignalExternalWorkflowExecutionFailed',
    'ExternalWorkflowExecutionSignaled', 'WorkflowExecutionPaused',
    'WorkflowExecutionUnpaused', 'WorkflowExecutionOptionsUpdated'}

# Of these, the ones that are written after all others.
FLUSHED_LAST = {
    'ActivityTaskCompleted', 'ActivityTaskFailed', 'ActivityTaskTimedOut',
    'ActivityTaskCanceled', 'ChildWorkflowExecutionCompleted',
    'ChildWorkflowExecutionFailed', 'ChildWorkflowExecutionCanceled',
    'ChildWorkflowExecutionTimedOut', 'ChildWorkflowExecutionTerminated'}

ACTIVITY_CLOSES = {'ActivityTaskCompleted', 'ActivityTaskFailed',
                   'ActivityTaskTimedOut', 'ActivityTaskCanceled'}

CLOSE_STATUS = {
    'WorkflowExecutionCompleted': 'Completed',
    'WorkflowExecutionFailed': 'Failed',
    'WorkflowExecutionCanceled': 'Canceled',
    'WorkflowExecutionTimedOut': 'TimedOut',
    'WorkflowExecutionTerminated': 'Terminated',
    'WorkflowExecutionContinuedAsNew': 'ContinuedAsNew'}


class Refused(Exception):
    """A call is refused and changes nothing."""

    def __init__(self, sqlstate):
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


class Rejected(Exception):
    """A command is refused: the workflow task fails with this cause."""

    def __init__(self, cause):
        super().__init__(cause)
        self.cause = cause


def duration(seconds):
    """Seconds as the service writes them."""
    if seconds == int(seconds):
        return '%ds' % seconds
    return '%.3fs' % seconds


def seconds(text):
    return float(text[:-1]) if text else 0.0


def queue(name, sticky_of=None):
    if sticky_of:
        return {'name': name, 'kind': 'TASK_QUEUE_KIND_STICKY',
                'normalName': sticky_of}
    return {'name': name, 'kind': 'TASK_QUEUE_KIND_NORMAL'}


def clean(value):
    """A JSON value without empty members; a null among the fields of a memo
    or the search attributes means something."""
    if isinstance(value, dict):
        members = ((k, v if k in ('fields', 'indexedFields') else clean(v))
                   for k, v in value.items())
        return {k: v for k, v in members
                if v not in (None, '', 0, False) and v != {} and v != []}
    if isinstance(value, list):
        return [clean(v) if isinstance(v, dict) else v for v in value]
    return value


def merge(old, changes):
    """A memo, or search attributes, after changes; None removes a key."""
    merged = dict(old)
    merged.update(changes)
    return {k: v for k, v in merged.items() if v is not None}


def pending_task(events):
    """The ids of the workflow task that events leave pending, or None."""
    scheduled = started = 0
    for number, (kind, _) in enumerate(events, 1):
        if kind == 'WorkflowTaskScheduled':
            scheduled, started = number, 0
        elif kind == 'WorkflowTaskStarted':
            started = number
        elif kind in ('WorkflowTaskCompleted', 'WorkflowTaskFailed',
                      'WorkflowTaskTimedOut'):
            scheduled = 0
    return (scheduled, started) if scheduled else None


def retry_policy(policy):
    initial = seconds(policy.get('initialInterval', '1s'))
    return {'initial': initial,
            'coefficient': policy.get('backoffCoefficient', 2),
            'maximum': seconds(policy.get('maximumInterval')) or 100 * initial,
            'maximumAttempts': policy.get('maximumAttempts', 0),
            'types': policy.get('nonRetryableErrorTypes', [])}


def activity_options(a):
    """What operators may change of an activity, as its event has it."""
    return {
        'retry': retry_policy(a['retryPolicy']),
        'schedule_to_close': seconds(a.get('scheduleToCloseTimeout')),
        'schedule_to_start': seconds(a.get('scheduleToStartTimeout')),
        'start_to_close': seconds(a.get('startToCloseTimeout')),
        'heartbeat': seconds(a.get('heartbeatTimeout'))}


def new_activity(a, now):
    """What becomes pending with an ActivityTaskScheduled event."""
    return dict(activity_options(a), **{
        'id': a['activityId'], 'state': 'scheduled', 'attempt': 1,
        'cancel': 0, 'failure': None, 'beat': None, 'token': None,
        'identity': None, 'first_scheduled': now, 'attempt_scheduled': now,
        'paused': False, 'reset': False, 'forget': False})


def timeout_failure(kind, cause=None, heartbeat=None, message=None):
    name = {'START_TO_CLOSE': 'StartToClose', 'HEARTBEAT': 'Heartbeat',
            'SCHEDULE_TO_START': 'ScheduleToStart',
            'SCHEDULE_TO_CLOSE': 'ScheduleToClose'}[kind]
    return clean({
        'message': message or 'activity %s timeout' % name,
        'source': 'Server', 'cause': cause,
        'timeoutFailureInfo': {'timeoutType': 'TIMEOUT_TYPE_' + kind,
                               'lastHeartbeatDetails': heartbeat}})


NO_TIME_LEFT = ('Not enough time to schedule next retry before activity '
                'ScheduleToClose timeout, giving up retrying')


class Run:
    """One run; the counterpart of a history and of what is pending in it."""

    def __init__(self, workflow_id, number, now, task_timeout, run_timeout,
                 execution_timeout=0, expires=None):
        self.workflow_id = workflow_id
        self.number = number        # the how-manyth of its workflow id
        self.run_id = None          # learned from the service
        self.run_key = None
        self.status = 'Running'
        self.events = []            # (type, attributes)
        self.times = {}             # event id: what the service said
        self.checked = 0            # events compared so far
        self.buffer = []
        self.task = None            # the pending workflow task
        self.next_attempt = 1
        self.sticky = None          # (queue, timeout)
        self.previous_started = 0
        self.activities = {}        # by scheduled event id
        self.timers = {}            # by timer id
        self.children = {}          # by initiated event id
        self.cancels = set()        # activities whose cancel was requested
        self.cancel_requested = False
        self.close_attempted = False
        self.paused = False
        self.pause_request = None
        self.signal_requests = set()
        self.attached_requests = set()
        self.request_id = None
        self.backoff_until = None   # the first task waits
        self.started_at = now
        self.task_timeout = task_timeout
        self.run_timeout = run_timeout
        self.run_expires = now + run_timeout if run_timeout else None
        self.execution_timeout = execution_timeout
        self.expires = expires      # the end of the whole chain
        self.retry = None           # retry policy
        self.cron = None            # cron schedule
        self.cron_wait = False      # its next time is to be learned
        self.attempt = 1
        self.input = None
        self.last_result = None     # of the chain
        self.start_memo = {}        # as the start had it
        self.start_search = {}
        self.priority = None
        self.memo = {}
        self.search = {}            # search attributes
        self.signals = 0
        self.updates = {}           # by id, those that are not rejected
        self.stamp = 0              # counts workflow tasks
        self.parent = None          # (parent run's index, initiated event id)
        self.awaits_parent = False  # first task comes after the parent knows
        # Inside a completion, or a turn of several effects, what is buffered
        # is written at its end, and a workflow task scheduled then.
        self.completing = False
        self.turn = False
        self.trigger = False        # it needs a workflow task
        self.unseen = 0             # events buffered before a completion

    def clone(self):
        other = copy.copy(self)
        other.events = list(self.events)
        other.buffer = list(self.buffer)
        other.task = dict(self.task) if self.task else None
        other.activities = {k: dict(v) for k, v in self.activities.items()}
        other.timers = dict(self.timers)
        other.children = {k: dict(v) for k, v in self.children.items()}
        other.updates = {k: dict(v) for k, v in self.updates.items()}
        other.cancels = set(self.cancels)
        other.signal_requests = set(self.signal_requests)
        other.attached_requests = set(self.attached_requests)
        return other

    @property
    def open(self):
        return self.status in ('Running', 'Paused')

    @property
    def task_started(self):
        return self.task is not None and self.task['started'] != 0

    # ---- events ----

    def append(self, kind, **attributes):
        """Appends an event at once; returns its id."""
        self.make_real()
        self.events.append((kind, clean(attributes)))
        return len(self.events)

    def add(self, kind, **attributes):
        """Adds an event that waits while a workflow task is started."""
        if self.task_started or self.completing or self.turn:
            self.make_real()
            self.buffer.append((kind, clean(attributes)))
        else:
            self.append(kind, **attributes)

    def end_turn(self, now):
        self.turn = False
        if not self.open:
            return
        if not self.task_started and self.buffer:
            self.flush()
            self.next_attempt = 1
        if self.trigger:
            self.trigger = False
            self.schedule_task(now)

    def flush(self):
        """Writes the buffered events: closes of activities and children last,
        otherwise in the order of arrival."""
        first = [e for e in self.buffer if e[0] not in FLUSHED_LAST]
        last = [e for e in self.buffer if e[0] in FLUSHED_LAST]
        self.buffer = []
        for kind, attributes in first + last:
            attributes = dict(attributes)
            started = attributes.pop('started', None)
            if started == 'Activity':
                attributes['startedEventId'] = self.find(
                    'ActivityTaskStarted', 'scheduledEventId',
                    attributes['scheduledEventId'])
            elif started == 'Child':
                attributes['startedEventId'] = self.find(
                    'ChildWorkflowExecutionStarted', 'initiatedEventId',
                    attributes['initiatedEventId'])
            self.append(kind, **attributes)

    def find(self, kind, member, value):
        for event_id in range(len(self.events), 0, -1):
            event = self.events[event_id - 1]
            if event[0] == kind and event[1].get(member) == value:
                return event_id
        raise AssertionError('no %s of %s' % (kind, value))

    def add_group(self, *events):
        """Adds events that refer to each other by way of flush()."""
        self.make_real()
        direct = not (self.task_started or self.completing or self.turn)
        self.buffer.extend((k, clean(a)) for k, a in events)
        if direct:
            self.flush()

    # ---- workflow tasks ----

    def timeout_of_task(self, attempt):
        """From the fourth attempt on workers get more and more time."""
        if attempt <= 3:
            return self.task_timeout
        return self.task_timeout + min(5 * 2 ** (attempt - 4), 600)

    def schedule_task(self, now):
        """Schedules a workflow task if the run may have one and has none."""
        if self.turn:
            self.trigger = True
            return
        if not self.open or self.paused or self.task:
            return
        if self.buffer:
            self.flush()
            self.next_attempt = 1
        attempt = self.next_attempt
        sticky = self.sticky
        self.stamp += 1
        self.task = {
            'attempt': attempt, 'started': 0, 'scheduled': 0,
            'sticky': sticky[0] if sticky else None, 'token': None,
            'events': len(self.events), 'since': (0, now)}
        if sticky:
            self.task['due'] = now + sticky[1]
        if attempt == 1:
            self.write_scheduled()
            self.task['since'] = (self.task['scheduled'], now)
        else:
            self.task['scheduled'] = len(self.events) + 1

    def write_scheduled(self):
        self.task['scheduled'] = self.append(
            'WorkflowTaskScheduled',
            taskQueue=queue(self.task['sticky'], self.workflow_id)
            if self.task['sticky'] else queue(self.workflow_id),
            startToCloseTimeout=duration(
                self.timeout_of_task(self.task['attempt'])),
            attempt=self.task['attempt'])

    def schedule_speculative(self, now):
        """A workflow task that has no events unless something comes of it,
        for an update."""
        if not self.open or self.paused or self.task:
            return
        if self.next_attempt > 1:
            self.schedule_task(now)
            return
        sticky = self.sticky
        self.stamp += 1
        self.task = {
            'attempt': 1, 'started': 0, 'scheduled': len(self.events) + 1,
            'sticky': sticky[0] if sticky else None, 'token': None,
            'events': len(self.events), 'since': (0, now),
            'speculative': True,
            'due': now + (min(sticky[1], 5) if sticky else 5)}

    @property
    def speculative(self):
        return self.task is not None and 'speculative' in self.task

    def make_real(self):
        """What is written while a speculative task is pending comes behind
        its events."""
        if not self.speculative:
            return
        task = self.task
        del task['speculative']
        started = task['started']
        if not started and not task['sticky']:
            del task['due']
        task['started'] = 0
        self.write_scheduled()
        if started:
            task['started'] = self.append(
                'WorkflowTaskStarted', scheduledEventId=task['scheduled'],
                identity=task['identity'])

    def to_send(self):
        """The updates that go with the workflow task; the worker of a sticky
        queue may have some already."""
        return [u for u in self.updates.values() if u['state'] == 'admitted'
                and not (self.task['sticky'] and u['stamp'] == self.stamp)]

    def start_task(self, now, identity):
        task = self.task
        task['messages'] = set()
        for update in self.to_send():
            update['stamp'] = self.stamp
            task['messages'].add(update['id'] + '/request')
        # Events since a task without events was scheduled make it a normal
        # first attempt again.
        if task['attempt'] > 1 and len(self.events) != task['events']:
            task['attempt'] = self.next_attempt = 1
            self.write_scheduled()
        if task['attempt'] == 1 and not self.speculative:
            task['started'] = self.append(
                'WorkflowTaskStarted', scheduledEventId=task['scheduled'],
                identity=identity)
        else:
            task['scheduled'] = len(self.events) + 1
            task['started'] = len(self.events) + 2
        task['identity'] = identity
        task['due'] = now + self.timeout_of_task(task['attempt'])

    def fail_task(self, kind, now, **attributes):
        """A workflow task failed or timed out: the first attempt is recorded;
        a sticky run goes back to the normal queue with its attempt 1, any
        other counts attempts."""
        self.make_real()
        task = self.task
        self.task = None
        self.close_attempted = False
        if task['attempt'] == 1:
            self.append(kind, scheduledEventId=task['scheduled'],
                        startedEventId=task['started'], **attributes)
        if self.sticky:
            self.sticky = None
            self.next_attempt = 1
        elif task['started']:
            self.next_attempt = task['attempt'] + 1
            self.report(kind, attributes)
        else:
            # nobody has tried
            self.next_attempt = task['attempt']
        if self.paused:
            self.flush()
        self.schedule_task(now)

    def end(self, kind, **attributes):
        """Closes the run; what is still buffered is lost."""
        self.append(kind, **attributes)
        self.status = CLOSE_STATUS[kind]
        if not self.completing:
            self.forget_updates()
        self.buffer = []
        self.task = None
        self.activities = {}
        self.timers = {}
        self.run_expires = self.backoff_until = None

    def report(self, kind, attributes):
        """From the fifth failure in a row on, a search attribute tells."""
        if self.next_attempt > REPORTED_FAILURES:
            cause = attributes.get('cause') or attributes['timeoutType']
            cause = cause.replace(CAUSE, '').replace('TIMEOUT_TYPE_', '')
            self.search = dict(self.search, TemporalReportedProblems=[
                'category=' + kind, 'cause=%sCause%s' % (
                    kind, cause.title().replace('_', ''))])

    def forget_updates(self):
        """Those that no worker has accepted end with their run."""
        self.updates = {k: u for k, u in self.updates.items()
                        if u['state'] != 'admitted'}

    def force_task_end(self):
        """Before a run is closed from outside."""
        if self.task_started:
            self.make_real()
            task = self.task
            self.task = None
            if task['attempt'] == 1:
                self.append('WorkflowTaskFailed',
                            scheduledEventId=task['scheduled'],
                            startedEventId=task['started'],
                            cause=CAUSE + 'FORCE_CLOSE_COMMAND',
                            identity=SERVICE)
            self.flush()

    def heartbeats_since(self):
        """When the first of the tasks that only ask for more was scheduled;
        by the service's clock if that is known."""
        event, at = self.task['since']
        return self.times.get(event, at)

    # ---- timers and activities ----

    def fire_time(self, timer):
        """When a timer is due; by the service's clock once that is known."""
        event, due, timeout = timer
        return self.times.get(event, due - timeout) + timeout

    def retry_delay(self, activity, failure, nonretryable, now,
                    next_delay=None):
        """The state of a failed attempt's retry, and the delay."""
        policy = activity['retry']
        attempt = activity['attempt']
        if activity['cancel']:
            return 'CANCEL_REQUESTED', None
        if nonretryable:
            return 'NON_RETRYABLE_FAILURE', None
        if activity['paused'] or activity['reset']:
            return 'IN_PROGRESS', 0
        if policy['maximumAttempts'] and attempt >= policy['maximumAttempts']:
            return 'MAXIMUM_ATTEMPTS_REACHED', None
        if next_delay is not None:
            delay = next_delay
        else:
            delay = self.retry_interval(policy, attempt)
        limit = activity['schedule_to_close']
        if limit and now + delay > activity['first_scheduled'] + limit:
            return 'TIMEOUT', None
        return 'IN_PROGRESS', delay

    @staticmethod
    def retry_interval(policy, attempt):
        """What a policy says to wait after an attempt."""
        return min(policy['initial'] * policy['coefficient'] ** (attempt - 1),
                   policy['maximum'])

    def retry_activity(self, activity, failure, now, delay):
        activity.update(
            attempt=activity['attempt'] + 1, state='backoff',
            failure=failure, token=None, failed_at=now, ready=now + delay,
            attempt_scheduled=now + delay)
        if activity['reset']:
            activity['attempt'] = 1
        if activity['forget']:
            activity['beat'] = None
        activity.update(reset=False, forget=False)

    def close_activity(self, scheduled, kind, now, started=True,
                       **attributes):
        activity = self.activities.pop(scheduled)
        events = []
        if started:
            events.append(('ActivityTaskStarted', {
                'scheduledEventId': scheduled,
                'identity': activity['identity'],
                'attempt': activity['attempt'],
                'lastFailure': activity['failure']}))
            attributes['started'] = 'Activity'
        events.append((kind, dict(attributes, scheduledEventId=scheduled)))
        self.add_group(*events)
        self.need_task(now)

    def need_task(self, now):
        """Something happened that the workflow should see."""
        if self.completing:
            self.trigger = True
        else:
            self.schedule_task(now)


class World:
    """The runs of a family of workflow ids."""

    def __init__(self, workflow_ids, limits=None):
        self.ids = workflow_ids
        self.limits = limits or {}  # of calls, not of what happens by itself
        self.runs = []              # all that still matter, oldest first
        self.current = {}           # workflow id: index of its newest run
        self.outbox = []            # messages that any moment may deliver
        self.horizon = 0            # the latest that it can be

    def clone(self):
        other = copy.copy(self)
        other.runs = [r.clone() if r.open or r.checked < len(r.events) else r
                      for r in self.runs]
        other.current = dict(self.current)
        other.outbox = list(self.outbox)
        return other

    def run(self, workflow_id):
        if workflow_id not in self.current:
            return None
        return self.runs[self.current[workflow_id]]

    def open_run(self, workflow_id):
        """For calls that need an open run."""
        run = self.run(workflow_id)
        if run is None or not run.open:
            raise Refused(NOT_FOUND)
        return run

    def new_run(self, workflow_id, now, task_timeout, run_timeout,
                execution_timeout=0, expires=None):
        number = 1
        if workflow_id in self.current:
            number = self.run(workflow_id).number + 1
        if execution_timeout:
            run_timeout = min(run_timeout or execution_timeout,
                              execution_timeout)
            expires = expires or now + execution_timeout
        task_timeout = min(task_timeout, run_timeout or task_timeout)
        run = Run(workflow_id, number, now, task_timeout, run_timeout,
                  execution_timeout, expires)
        self.runs.append(run)
        self.current[workflow_id] = len(self.runs) - 1
        return run

    def started_event(self, run, memo=(), search=(), **attributes):
        run.input = attributes.get('input')
        run.last_result = attributes.get('lastCompletionResult')
        run.start_memo, run.start_search = dict(memo), dict(search)
        run.memo, run.search = merge({}, memo), merge({}, search)
        run.append('WorkflowExecutionStarted', workflowId=run.workflow_id,
                   workflowType={'name': 'type'},
                   taskQueue=queue(run.workflow_id), attempt=run.attempt,
                   workflowTaskTimeout=duration(run.task_timeout),
                   workflowRunTimeout=duration(run.run_timeout)
                   if run.run_timeout else None,
                   workflowExecutionTimeout=duration(run.execution_timeout)
                   if run.execution_timeout else None,
                   workflowExecutionExpirationTime=TIME
                   if run.expires else None, cronSchedule=run.cron,
                   priority=run.priority,
                   memo={'fields': run.start_memo},
                   searchAttributes={'indexedFields': run.start_search},
                   **attributes)

    # ---- ends of runs ----

    def after_close(self, run, continued=False):
        """What others learn of a run's end."""
        index = self.runs.index(run)
        if run.parent and not continued:
            self.outbox.append(('child closed', run.parent, index))
        for initiated, child in run.children.items():
            if child['started'] and child['policy'] != 'ABANDON':
                self.outbox.append(('parent closed', child['id'],
                                    child['policy'], index, initiated))
        run.children = {}

    def continue_run(self, run, now, backoff, retry=None, cron=None,
                     attempt=1, memo=(), search=(), **attributes):
        """The next run of a chain."""
        following = self.new_run(run.workflow_id, now, run.task_timeout,
                                 run.run_timeout, run.execution_timeout,
                                 run.expires)
        following.parent = run.parent
        following.request_id = None
        following.priority = run.priority
        if run.parent and run.parent in [
                (i, e) for i, r in enumerate(self.runs) for e in r.children]:
            self.runs[run.parent[0]].children[run.parent[1]]['run'] = \
                len(self.runs) - 1
        following.retry = retry
        following.cron = cron
        following.attempt = attempt
        self.started_event(following, memo, search,
                           continuedExecutionRunId=RUN_ID,
                           firstWorkflowTaskBackoff=self.wait(backoff),
                           **self.parent_of(run), **attributes)
        self.delay_first_task(following, now, backoff)

    def parent_of(self, run):
        if not run.parent:
            return {}
        return {'parentInitiatedEventId': run.parent[1],
                'parentWorkflowExecution': {
                    'workflowId': self.runs[run.parent[0]].workflow_id,
                    'runId': RUN_ID}}

    @staticmethod
    def wait(backoff):
        if backoff == CRON_WAIT:
            return CRON_WAIT
        return duration(backoff) if backoff else None

    @staticmethod
    def delay_first_task(run, now, backoff):
        """Schedules a new run's first task, now or later."""
        if backoff == CRON_WAIT:
            run.cron_wait = True
            run.backoff_until = NEVER
            run.run_expires = None
        elif backoff:
            run.backoff_until = now + backoff
            if run.run_expires:
                run.run_expires += backoff
        else:
            run.schedule_task(now)

    @staticmethod
    def learn_cron(run, execution_time):
        """When the service lets a cron schedule's run begin."""
        run.cron_wait = False
        if run.backoff_until == NEVER:
            run.backoff_until = execution_time
        if run.run_timeout and run.open:
            run.run_expires = execution_time + run.run_timeout

    def workflow_retry(self, run, now, nonretryable=False):
        """Whether a failed run is tried again: the state, and the backoff."""
        if run.retry is None:
            return 'RETRY_POLICY_NOT_SET', None
        if nonretryable:
            return 'NON_RETRYABLE_FAILURE', None
        if run.attempt >= run.retry['maximumAttempts']:
            return 'MAXIMUM_ATTEMPTS_REACHED', None
        backoff = run.retry['initial'] * 2 ** (run.attempt - 1)
        if run.expires and now + backoff > run.expires:
            return 'TIMEOUT', None
        return 'IN_PROGRESS', backoff

    def after_failure(self, run, now, backoff, failure):
        """Tries a failed run again, or lets its cron schedule go on."""
        if backoff is not None:
            self.continue_run(
                run, now, backoff, run.retry, run.cron, run.attempt + 1,
                run.start_memo, run.start_search, input=run.input,
                initiator='CONTINUE_AS_NEW_INITIATOR_RETRY',
                continuedFailure=failure, lastCompletionResult=run.last_result)
        elif run.cron:
            self.continue_by_cron(run, now, continuedFailure=failure,
                                  lastCompletionResult=run.last_result)

    def continue_by_cron(self, run, now, **attributes):
        self.continue_run(
            run, now, CRON_WAIT, run.retry, run.cron, 1, run.start_memo,
            run.start_search, input=run.input,
            initiator='CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE', **attributes)

    def terminate_run(self, run, **attributes):
        run.force_task_end()
        run.end('WorkflowExecutionTerminated', **attributes)
        self.after_close(run)

    def cancel_run(self, run, now, **attributes):
        if run.cancel_requested:
            return
        run.cancel_requested = True
        run.add('WorkflowExecutionCancelRequested', **attributes)
        # A cancellation does not wait for the first task's delay.
        if run.backoff_until:
            run.backoff_until = None
        if not run.awaits_parent:
            run.schedule_task(now)

    def signal_run(self, run, now, **attributes):
        run.signals += 1
        run.add('WorkflowExecutionSignaled', **attributes)
        if run.backoff_until is None and not run.awaits_parent:
            run.schedule_task(now)

    # ---- calls of clients ----

    def start(self, now, workflow_id, request_id=None, reuse=None,
              conflict=None, run_timeout=0, task_timeout=10.0, retry=None,
              delay=0, input=None, signal=None, options=False,
              execution_timeout=0, memo=(), search=(), cron=None):
        """start_workflow_execution and signal_with_start...; returns the
        index of the run and whether it is new."""
        if signal and conflict == 'FAIL':
            raise Refused(INVALID)
        if cron and delay:
            raise Refused(INVALID)
        if conflict == 'TERMINATE_EXISTING' and reuse == 'REJECT_DUPLICATE':
            raise Refused(INVALID)
        conflict = conflict or ('USE_EXISTING' if signal else 'FAIL')
        run = self.run(workflow_id)
        if run is not None:
            if request_id and request_id == run.request_id:
                return self.current[workflow_id], True
            if request_id in run.attached_requests:
                if signal and run.open:
                    self.signal(now, workflow_id, signal, request_id)
                return self.current[workflow_id], False
        if run is not None and run.open:
            if conflict == 'FAIL':
                raise Refused(ALREADY_STARTED)
            if conflict == 'USE_EXISTING':
                if signal:
                    self.signal(now, workflow_id, signal, request_id)
                elif options:
                    run.attached_requests.add(request_id)
                    run.add('WorkflowExecutionOptionsUpdated',
                            attachedRequestId=request_id, identity='client')
                return self.current[workflow_id], False
            self.terminate_run(
                run, reason='TerminateIfRunning WorkflowIdReusePolicy',
                details=['terminated by new runID: ' + RUN_ID],
                identity=SERVICE)
        elif run is not None:
            if reuse == 'REJECT_DUPLICATE' or (
                    reuse == 'ALLOW_DUPLICATE_FAILED_ONLY' and
                    run.status not in ('Failed', 'Canceled', 'Terminated',
                                       'TimedOut')):
                raise Refused(ALREADY_STARTED)
        run = self.new_run(workflow_id, now, task_timeout, run_timeout,
                           execution_timeout)
        run.request_id = request_id
        run.retry = retry
        run.cron = cron
        backoff = CRON_WAIT if cron else delay
        self.started_event(
            run, memo, search, input=input, identity='client',
            initiator='CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE'
            if cron else None, firstWorkflowTaskBackoff=self.wait(backoff))
        if signal:
            run.signals += 1
            run.signal_requests.add(request_id)
            run.append('WorkflowExecutionSignaled', signalName=signal,
                       identity='client', requestId=request_id)
        self.delay_first_task(run, now, backoff)
        return self.current[workflow_id], True

    def signal(self, now, workflow_id, name, request_id=None, input=None):
        run = self.open_run(workflow_id)
        if request_id and request_id in run.signal_requests:
            return
        if run.close_attempted and run.task_started:
            raise Refused(BUSY)
        if run.signals >= self.limits.get('signals', NEVER):
            raise Refused(INVALID)
        if request_id:
            run.signal_requests.add(request_id)
        self.signal_run(run, now, signalName=name, input=input,
                        identity='client', requestId=request_id)

    def cancel(self, now, workflow_id, reason):
        run = self.run(workflow_id)
        if run is None:
            raise Refused(NOT_FOUND)
        if run.open:
            self.cancel_run(run, now, cause=reason, identity='client')

    def terminate(self, now, workflow_id, reason):
        self.terminate_run(self.open_run(workflow_id), reason=reason,
                           identity='client')

    def pause(self, now, workflow_id, request_id):
        run = self.open_run(workflow_id)
        if run.paused:
            if request_id == run.pause_request:
                return
            raise Refused(PRECONDITION)
        run.paused = True
        run.status = 'Paused'
        run.pause_request = request_id
        run.add('WorkflowExecutionPaused', identity='client',
                requestId=request_id)
        if run.task and not run.task_started:
            # No worker has failed: the run stays with its worker.
            task = run.task
            run.task = None
            run.close_attempted = False
            run.next_attempt = 1
            if task['attempt'] == 1:
                run.append('WorkflowTaskFailed',
                           scheduledEventId=task['scheduled'],
                           cause=CAUSE + 'WORKFLOW_PAUSE_REQUESTED_BEFORE_'
                           'TASK_STARTED', identity=SERVICE)

    def unpause(self, now, workflow_id, request_id):
        run = self.open_run(workflow_id)
        if not run.paused:
            raise Refused(PRECONDITION)
        run.paused = False
        run.status = 'Running'
        run.next_attempt = 1
        for activity in run.activities.values():
            if activity['state'] == 'backoff' and not activity['paused']:
                activity.update(ready=now, attempt_scheduled=now)
        run.add('WorkflowExecutionUnpaused', identity='client',
                requestId=request_id)
        if run.backoff_until is None and not run.awaits_parent:
            run.schedule_task(now)

    def update(self, now, workflow_id, update_id, name, args):
        """Returns how far the update has got."""
        run = self.run(workflow_id)
        if run is None:
            raise Refused(NOT_FOUND)
        known = run.updates.get(update_id)
        if not run.open:
            if known is None:
                raise Refused(NOT_FOUND)
            return 'COMPLETED'
        if run.paused:
            raise Refused(PRECONDITION)
        if run.close_attempted and run.task_started:
            raise Refused(BUSY)
        if run.task and run.task['attempt'] >= 3:
            raise Refused(NOT_READY)
        if known:
            return known['state'].upper()
        if len([u for u in run.updates.values()
                if u['state'] != 'completed']) >= \
                self.limits.get('updates', 10):
            raise Refused(BUSY)
        run.updates[update_id] = {
            'id': update_id, 'state': 'admitted', 'stamp': None,
            'admitted': 0, 'request': {
                'meta': {'updateId': update_id, 'identity': 'client'},
                'input': {'name': name, 'args': args}}}
        # (before the first workflow task it waits for that)
        if run.backoff_until is None and not run.awaits_parent:
            run.schedule_speculative(now)
        return 'ADMITTED'

    def update_with_start(self, now, workflow_id, request_id, reuse,
                          conflict, run_timeout, task_timeout, input,
                          update_id, name, args):
        """Returns whether a run was started, and how far the update got."""
        run = self.run(workflow_id)
        known = run.updates.get(update_id) if run else None
        if known and (not run.open or known['state'] == 'completed'):
            return False, 'COMPLETED'
        started = False
        if not run or not run.open or not (known or
                                           request_id == run.request_id):
            before = self.current.get(workflow_id)
            started = self.start(now, workflow_id, request_id, reuse,
                                 conflict, run_timeout, task_timeout,
                                 input=input)[0] != before
        return started, self.update(now, workflow_id, update_id, name, args)

    def update_options(self, workflow_id, priority):
        run = self.open_run(workflow_id)
        if run.priority == priority:
            return
        run.priority = priority
        run.add('WorkflowExecutionOptionsUpdated', identity='client',
                priority=priority)

    def reset(self, now, workflow_id, event_id, reason):
        """Resets the current run.  Not for runs that were paused, or have to
        do with other runs."""
        base = self.run(workflow_id)
        if base is None:
            raise Refused(NOT_FOUND)
        if not 1 < event_id <= len(base.events) or \
                not pending_task(base.events[:event_id - 1]):
            raise Refused(INVALID)
        if base.open:
            base.force_task_end()
            base.end('WorkflowExecutionTerminated', reason=reason,
                     identity='history-resetter')
        run = self.new_run(workflow_id, now, base.task_timeout,
                           base.run_timeout, base.execution_timeout)
        for name in ('retry', 'cron', 'attempt', 'input', 'last_result',
                     'start_memo', 'start_search'):
            setattr(run, name, getattr(base, name))
        run.memo = merge({}, run.start_memo)
        run.search = merge({}, run.start_search)
        run.times = {n: t for n, t in base.times.items() if n < event_id}
        run.events = base.events[:event_id - 1]
        for number, (kind, attributes) in enumerate(run.events, 1):
            self.recall(run, number, kind, attributes, now)
        scheduled, started = pending_task(run.events)
        if not started:
            started = run.append('WorkflowTaskStarted', identity=SERVICE,
                                 scheduledEventId=scheduled)
        run.append('WorkflowTaskFailed', scheduledEventId=scheduled,
                   startedEventId=started, cause=CAUSE + 'RESET_WORKFLOW',
                   failure={'message': reason, 'source': 'Server'},
                   identity='client', baseRunId=RUN_ID, newRunId=RUN_ID)
        for kind, attributes in base.events[event_id - 1:]:
            if kind in ('WorkflowExecutionSignaled',
                        'WorkflowExecutionOptionsUpdated'):
                run.append(kind, **attributes)
                self.recall(run, len(run.events), kind, attributes, now)
            elif kind == 'WorkflowExecutionUpdateAdmitted':
                self.readmit(run, attributes['request'])
            elif kind == 'WorkflowExecutionUpdateAccepted' and \
                    'acceptedRequest' in attributes:
                self.readmit(run, attributes['acceptedRequest'])
        run.schedule_task(now)

    @staticmethod
    def readmit(run, request):
        """The run may have an update of that id, which was rejected later."""
        update_id = request['meta']['updateId']
        if update_id in run.updates:
            return
        event = run.append('WorkflowExecutionUpdateAdmitted', request=request,
                           origin='UPDATE_ADMITTED_EVENT_ORIGIN_REAPPLY')
        run.updates[update_id] = {
            'id': update_id, 'state': 'admitted', 'stamp': None,
            'admitted': event, 'request': request}

    @staticmethod
    def recall(run, number, kind, a, now):
        """The state of a run as it follows from a copied event."""
        if kind == 'WorkflowExecutionStarted':
            run.priority = a.get('priority')
        elif kind == 'WorkflowExecutionSignaled':
            run.signals += 1
            run.signal_requests.add(a.get('requestId'))
        elif kind == 'WorkflowPropertiesModified':
            run.memo = merge(run.memo, a['upsertedMemo']['fields'])
        elif kind == 'UpsertWorkflowSearchAttributes':
            run.search = merge(run.search,
                               a['searchAttributes']['indexedFields'])
        elif kind == 'WorkflowExecutionOptionsUpdated':
            if 'attachedRequestId' in a:
                run.attached_requests.add(a['attachedRequestId'])
            run.priority = a.get('priority', run.priority)
        elif kind == 'WorkflowExecutionCancelRequested':
            run.cancel_requested = True
        elif kind == 'WorkflowExecutionUpdateAdmitted':
            update_id = a['request']['meta']['updateId']
            run.updates[update_id] = {
                'id': update_id, 'state': 'admitted', 'stamp': None,
                'admitted': number, 'request': a['request']}
        elif kind == 'WorkflowExecutionUpdateAccepted':
            update = run.updates.setdefault(a['protocolInstanceId'], {
                'id': a['protocolInstanceId'], 'stamp': None, 'admitted': 0})
            update.update(state='accepted', accepted=number)
        elif kind == 'WorkflowExecutionUpdateCompleted':
            run.updates[a['meta']['updateId']]['state'] = 'completed'
        elif kind == 'WorkflowTaskCompleted':
            run.previous_started = a['startedEventId']
        elif kind == 'TimerStarted':
            timeout = seconds(a['startToFireTimeout'])
            run.timers[a['timerId']] = (number, now + timeout, timeout)
        elif kind in ('TimerFired', 'TimerCanceled'):
            # the id may belong to another timer by then
            if run.timers.get(a['timerId'], (0,))[0] == a['startedEventId']:
                del run.timers[a['timerId']]
        elif kind == 'ActivityTaskScheduled':
            run.activities[number] = new_activity(a, now)
        elif kind == 'ActivityTaskCancelRequested':
            run.cancels.add(a['scheduledEventId'])
            if a['scheduledEventId'] in run.activities:
                run.activities[a['scheduledEventId']]['cancel'] = number
        elif kind in ACTIVITY_CLOSES:
            del run.activities[a['scheduledEventId']]

    def reset_sticky(self, workflow_id):
        run = self.open_run(workflow_id)
        if run.sticky:
            run.make_real()
        run.sticky = None
        if run.task and run.task['sticky'] and not run.task_started:
            run.task['sticky'] = None
            del run.task['due']

    # ---- calls of workflow workers ----

    def poll_task(self, now, workflow_id, sticky, identity):
        """The run whose task a poll of a queue must claim, or None."""
        run = self.run(workflow_id)
        if run is None or not run.open or run.paused or not run.task or \
                run.task_started or run.task['sticky'] != sticky:
            return None
        if not sticky:
            run.sticky = None
        run.start_task(now, identity)
        return run

    def missed_task(self, now, workflow_id, sticky, excused):
        """Whether a poll may have claimed nothing."""
        if excused or self.clone().poll_task(now, workflow_id, sticky,
                                             '') is None:
            return True
        task = self.run(workflow_id).task
        task['missed'] = task.get('missed', 0) + 1
        return task['missed'] <= 3

    def task_run(self, token):
        for run in self.runs:
            if run.open and run.task_started and run.task['token'] == token:
                return run
        raise Refused(NOT_FOUND)

    def fail_workflow_task(self, now, token, identity):
        run = self.task_run(token)
        run.fail_task('WorkflowTaskFailed', now,
                      cause=CAUSE + 'NON_DETERMINISTIC_ERROR',
                      failure={'message': 'no'}, identity=identity)

    def complete(self, now, token, commands, identity, sticky, force, inline,
                 messages=()):
        """Returns ('done', run started inline or None, activities started
        eagerly) or ('rejected', cause, []), with no cause if the task has
        been put off for too long.  A task that is to be as if it had never
        been is 'discarded' instead of 'done'."""
        position = [i for i, c in enumerate(commands) if c[0] in CLOSING]
        if position and position[0] != len(commands) - 1:
            raise Refused(INVALID)
        run = self.task_run(token)
        heartbeat = force and not commands and not messages
        if run.paused and heartbeat:
            raise Refused(PRECONDITION)
        if heartbeat and now > run.heartbeats_since() + LONGEST_HEARTBEATS:
            run.fail_task('WorkflowTaskTimedOut', now,
                          timeoutType='TIMEOUT_TYPE_START_TO_CLOSE')
            return 'rejected', None, []
        before = self.clone()
        index = self.runs.index(run)
        # nothing but rejections, of a worker that has seen nothing else
        discarded = run.speculative and messages and not commands and \
            not force and run.task['scheduled'] <= run.previous_started + 2 \
            and all(m['id'].endswith('/reject') for m in messages)
        done = 'discarded' if discarded else 'done'
        stamp = run.stamp
        since = run.task['since']
        try:
            if discarded:
                run.task = None
                run.completing = True
                self.apply_messages(run, messages)
            else:
                self.do_complete(run, now, commands, identity, messages)
        except Rejected as rejected:
            attempt = before.runs[index].task['attempt']
            if attempt > 1 and rejected.cause != 'UNHANDLED_COMMAND':
                raise Refused(INVALID)
            self.__dict__ = before.__dict__
            run = self.runs[index]
            run.fail_task('WorkflowTaskFailed', now,
                          cause=CAUSE + rejected.cause, identity=SERVICE)
            if rejected.cause == 'UNHANDLED_COMMAND':
                run.close_attempted = True
            return 'rejected', CAUSE + rejected.cause, []
        run.completing = False
        if not heartbeat:
            run.updates = {
                k: u for k, u in run.updates.items()
                if u['state'] != 'admitted' or u['stamp'] != stamp}
        if not run.open:
            run.forget_updates()
            return done, None, []
        eager = []
        for activity in run.activities.values():
            if activity.pop('eager', False) and not run.paused:
                activity.update(state='started', identity=identity,
                                started_at=now, beat_at=now)
                eager.append(activity)
        run.sticky = sticky
        needed = force or run.trigger or bool(run.buffer)
        run.trigger = False
        if run.paused:
            run.flush()
            needed = False
        if needed:
            run.schedule_task(now)
            if heartbeat and run.task:
                run.task['since'] = since
                for update in run.updates.values():
                    if update['stamp'] == stamp:
                        update['stamp'] = run.stamp
        elif [u for u in run.updates.values() if u['state'] == 'admitted']:
            run.schedule_speculative(now)
        if inline and run.task:
            run.start_task(now, identity)
            return done, run, eager
        return done, None, eager

    def do_complete(self, run, now, commands, identity, messages):
        run.make_real()
        task = run.task
        if task['attempt'] > 1:
            run.append('WorkflowTaskScheduled',
                       taskQueue=queue(run.workflow_id),
                       startToCloseTimeout=duration(
                           run.timeout_of_task(task['attempt'])),
                       attempt=task['attempt'])
            run.append('WorkflowTaskStarted',
                       scheduledEventId=task['scheduled'],
                       identity=task['identity'])
        completed = run.append(
            'WorkflowTaskCompleted', scheduledEventId=task['scheduled'],
            startedEventId=task['started'], identity=identity)
        run.previous_started = task['started']
        run.search = merge(run.search, {'TemporalReportedProblems': None})
        run.task = None
        run.next_attempt = 1
        run.close_attempted = False
        run.completing = True
        # What was buffered when the completion came keeps the run open.
        run.unseen = len(run.buffer)
        for kind, attributes in commands:
            if kind in CLOSING and run.unseen:
                raise Rejected('UNHANDLED_COMMAND')
            if kind == 'ProtocolMessage':
                found = [m for m in messages
                         if m['id'] == attributes['messageId']]
                if not found:
                    raise Rejected('BAD_UPDATE_WORKFLOW_EXECUTION_MESSAGE')
                messages = [m for m in messages if m is not found[0]]
                self.apply_messages(run, found[:1])
                continue
            getattr(self, 'command_' + kind)(run, now, completed, identity,
                                             dict(attributes))
        self.apply_messages(run, messages)

    @staticmethod
    def apply_messages(run, messages):
        """What a worker says to updates."""
        for message in messages:
            kind = message['id'].split('/')[1]
            update = run.updates.get(message['protocolInstanceId'])
            if update is None or kind == 'complete' and \
                    update['state'] != 'accepted' or kind != 'complete' and (
                        update['state'] != 'admitted' or
                        update['stamp'] != run.stamp) or \
                    not run.open and kind != 'reject':
                raise Rejected('BAD_UPDATE_WORKFLOW_EXECUTION_MESSAGE')
            if kind == 'reject':
                del run.updates[update['id']]
            elif kind == 'accept':
                update['state'] = 'accepted'
                update['accepted'] = run.append(
                    'WorkflowExecutionUpdateAccepted',
                    protocolInstanceId=update['id'],
                    acceptedRequestMessageId=update['id'] + '/request',
                    acceptedRequestSequencingEventId=5,
                    acceptedRequest=None if update['admitted']
                    else update['request'])
            else:
                update['state'] = 'completed'
                run.append('WorkflowExecutionUpdateCompleted',
                           meta={'updateId': update['id']},
                           acceptedEventId=update['accepted'],
                           outcome=message['body']['outcome'])

    # ---- commands ----

    def command_StartTimer(self, run, now, completed, identity, a):
        if not a['timerId']:
            raise Rejected('BAD_START_TIMER_ATTRIBUTES')
        if a['timerId'] in run.timers:
            raise Rejected('START_TIMER_DUPLICATE_ID')
        event = run.append('TimerStarted', timerId=a['timerId'],
                           startToFireTimeout=duration(
                               seconds(a['startToFireTimeout'])),
                           workflowTaskCompletedEventId=completed)
        run.timers[a['timerId']] = (event, now +
                                    seconds(a['startToFireTimeout']),
                                    seconds(a['startToFireTimeout']))

    def command_CancelTimer(self, run, now, completed, identity, a):
        timer = a['timerId']
        if timer in run.timers:
            event = run.timers.pop(timer)[0]
        else:
            fired = [e for e in run.buffer if e[0] == 'TimerFired' and
                     e[1]['timerId'] == timer]
            if not fired:
                raise Rejected('BAD_CANCEL_TIMER_ATTRIBUTES')
            event = fired[0][1]['startedEventId']
            run.buffer.remove(fired[0])
            run.unseen -= 1
        run.append('TimerCanceled', timerId=timer, startedEventId=event,
                   workflowTaskCompletedEventId=completed, identity=identity)

    def command_RecordMarker(self, run, now, completed, identity, a):
        if not a['markerName']:
            raise Rejected('BAD_RECORD_MARKER_ATTRIBUTES')
        run.append('MarkerRecorded', workflowTaskCompletedEventId=completed,
                   **a)

    def command_ScheduleActivityTask(self, run, now, completed, identity, a):
        close = seconds(a.get('scheduleToCloseTimeout'))
        start = seconds(a.get('scheduleToStartTimeout'))
        work = seconds(a.get('startToCloseTimeout'))
        beat = seconds(a.get('heartbeatTimeout'))
        limit = run.run_timeout or 0
        if not a['activityId'] or not (close or work):
            raise Rejected('BAD_SCHEDULE_ACTIVITY_ATTRIBUTES')
        if len(run.activities) >= self.limits.get('activities', NEVER):
            raise Rejected('PENDING_ACTIVITIES_LIMIT_EXCEEDED')
        if a['activityId'] in [x['id'] for x in run.activities.values()]:
            raise Rejected('SCHEDULE_ACTIVITY_DUPLICATE_ID')
        if close:
            start = min(start or close, close)
            work = min(work or close, close)
        else:
            close = limit
            start = start or limit
        if limit:
            close, start, work = (min(x, limit) for x in (close, start, work))
            beat = min(beat, limit)
        beat = min(beat, work)
        policy = a.get('retryPolicy', {})
        initial = seconds(policy.get('initialInterval', '1s'))
        event = run.append(
            'ActivityTaskScheduled', activityId=a['activityId'],
            activityType={'name': 'act'}, taskQueue=queue(run.workflow_id),
            input=a.get('input'), priority=run.priority,
            scheduleToCloseTimeout=close and duration(close),
            scheduleToStartTimeout=start and duration(start),
            startToCloseTimeout=work and duration(work),
            heartbeatTimeout=beat and duration(beat),
            retryPolicy={'initialInterval': duration(initial),
                         'maximumInterval': duration(initial * 100),
                         'backoffCoefficient': 2,
                         'maximumAttempts': policy.get('maximumAttempts'),
                         'nonRetryableErrorTypes': policy.get(
                             'nonRetryableErrorTypes')},
            workflowTaskCompletedEventId=completed)
        run.activities[event] = new_activity(run.events[-1][1], now)
        run.activities[event]['eager'] = a.get('requestEagerExecution', False)

    def command_RequestCancelActivityTask(self, run, now, completed, identity,
                                          a):
        scheduled = a['scheduledEventId']
        activity = run.activities.get(scheduled)
        if scheduled in run.cancels:
            raise Rejected('BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES')
        if activity is None:
            if not [e for e in run.buffer if e[0] in ACTIVITY_CLOSES and
                    e[1]['scheduledEventId'] == scheduled]:
                raise Rejected('BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES')
        run.cancels.add(scheduled)
        event = run.append('ActivityTaskCancelRequested',
                           scheduledEventId=scheduled,
                           workflowTaskCompletedEventId=completed)
        if activity is None:
            return
        activity['cancel'] = event
        if activity['state'] != 'started':
            run.close_activity(scheduled, 'ActivityTaskCanceled', now,
                               started=False,
                               details=['ACTIVITY_ID_NOT_STARTED'],
                               latestCancelRequestedEventId=event,
                               identity=identity)

    def command_StartChildWorkflowExecution(self, run, now, completed,
                                            identity, a):
        policy = a.get('parentClosePolicy', 'PARENT_CLOSE_POLICY_TERMINATE')
        if len(run.children) >= self.limits.get('children', NEVER):
            raise Rejected('PENDING_CHILD_WORKFLOWS_LIMIT_EXCEEDED')
        event = run.append(
            'StartChildWorkflowExecutionInitiated',
            workflowId=a['workflowId'], workflowType={'name': 'type'},
            taskQueue=queue(a['workflowId']), workflowTaskTimeout='10s',
            parentClosePolicy=policy,
            workflowIdReusePolicy='WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE',
            priority=run.priority, workflowTaskCompletedEventId=completed)
        run.children[event] = {'id': a['workflowId'], 'started': False,
                               'run': None, 'policy': policy[20:],
                               'priority': run.priority}
        self.outbox.append(('start child', self.runs.index(run), event))

    def command_SignalExternalWorkflowExecution(self, run, now, completed,
                                                identity, a):
        if self.undelivered(run, 'signal') >= \
                self.limits.get('pending signals', NEVER):
            raise Rejected('PENDING_SIGNALS_LIMIT_EXCEEDED')
        event = run.append('SignalExternalWorkflowExecutionInitiated',
                           workflowExecution=a['execution'],
                           signalName=a['signalName'],
                           workflowTaskCompletedEventId=completed)
        self.outbox.append(('signal', self.runs.index(run), event,
                            a['execution']['workflowId'], a['signalName']))

    def command_RequestCancelExternalWorkflowExecution(
            self, run, now, completed, identity, a):
        if a['workflowId'] in [c['id'] for e, c in run.children.items()
                               if e > completed]:
            raise Rejected('BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_'
                           'ATTRIBUTES')
        if self.undelivered(run, 'cancel') >= \
                self.limits.get('pending cancels', NEVER):
            raise Rejected('PENDING_REQUEST_CANCEL_LIMIT_EXCEEDED')
        event = run.append('RequestCancelExternalWorkflowExecutionInitiated',
                           workflowExecution={'workflowId': a['workflowId']},
                           reason=a.get('reason'),
                           workflowTaskCompletedEventId=completed)
        self.outbox.append(('cancel', self.runs.index(run), event,
                            a['workflowId'], a.get('reason')))

    def undelivered(self, run, kind):
        index = self.runs.index(run)
        return len([m for m in self.outbox if m[:2] == (kind, index)])

    def command_ModifyWorkflowProperties(self, run, now, completed, identity,
                                         a):
        fields = a['upsertedMemo']['fields']
        if not fields:
            raise Rejected('BAD_MODIFY_WORKFLOW_PROPERTIES_ATTRIBUTES')
        run.memo = merge(run.memo, fields)
        run.events.append(('WorkflowPropertiesModified', {
            'upsertedMemo': a['upsertedMemo'],
            'workflowTaskCompletedEventId': completed}))

    def command_UpsertWorkflowSearchAttributes(self, run, now, completed,
                                               identity, a):
        fields = a['searchAttributes']['indexedFields']
        if not fields or not set(fields) <= self.SEARCH:
            raise Rejected('BAD_SEARCH_ATTRIBUTES')
        run.search = merge(run.search, fields)
        run.events.append(('UpsertWorkflowSearchAttributes', {
            'searchAttributes': a['searchAttributes'],
            'workflowTaskCompletedEventId': completed}))

    SEARCH = {'CustomKeywordField', 'CustomerId'}

    def command_CompleteWorkflowExecution(self, run, now, completed, identity,
                                          a):
        run.end('WorkflowExecutionCompleted', result=a.get('result'),
                newExecutionRunId=RUN_ID if run.cron else None,
                workflowTaskCompletedEventId=completed)
        if run.cron:
            self.continue_by_cron(run, now,
                                  lastCompletionResult=a.get('result'))
        self.after_close(run, continued=bool(run.cron))

    def command_CancelWorkflowExecution(self, run, now, completed, identity,
                                        a):
        run.end('WorkflowExecutionCanceled', details=a.get('details'),
                workflowTaskCompletedEventId=completed)
        self.after_close(run)

    def command_FailWorkflowExecution(self, run, now, completed, identity, a):
        info = a['failure'].get('applicationFailureInfo', {})
        state, backoff = self.workflow_retry(run, now,
                                             info.get('nonRetryable', False))
        continued = backoff is not None or bool(run.cron)
        run.end('WorkflowExecutionFailed', failure=a['failure'],
                retryState='RETRY_STATE_' + state,
                newExecutionRunId=RUN_ID if continued else None,
                workflowTaskCompletedEventId=completed)
        self.after_failure(run, now, backoff, a['failure'])
        self.after_close(run, continued)

    def command_ContinueAsNewWorkflowExecution(self, run, now, completed,
                                               identity, a):
        search = a.get('searchAttributes', {}).get('indexedFields', {})
        if not set(search) <= self.SEARCH:
            raise Rejected('BAD_SEARCH_ATTRIBUTES')
        run.end('WorkflowExecutionContinuedAsNew',
                newExecutionRunId=RUN_ID, workflowType={'name': 'type'},
                taskQueue=queue(run.workflow_id), input=a.get('input'),
                workflowRunTimeout=duration(run.run_timeout)
                if run.run_timeout else None,
                workflowTaskTimeout=duration(run.task_timeout),
                initiator='CONTINUE_AS_NEW_INITIATOR_WORKFLOW',
                memo=a.get('memo'),
                searchAttributes=a.get('searchAttributes'),
                workflowTaskCompletedEventId=completed)
        self.continue_run(run, now, 0,
                          memo=a.get('memo', {}).get('fields', {}),
                          search=search, input=a.get('input'),
                          initiator='CONTINUE_AS_NEW_INITIATOR_WORKFLOW')
        self.after_close(run, continued=True)

    # ---- calls of operators ----

    def pending_activity(self, workflow_id, activity_id):
        run = self.open_run(workflow_id)
        for activity in run.activities.values():
            if activity['id'] == activity_id:
                return activity
        raise Refused(NOT_FOUND)

    def pause_activity(self, now, workflow_id, activity_id):
        self.pending_activity(workflow_id, activity_id)['paused'] = True

    def unpause_activity(self, now, workflow_id, activity_id, attempts,
                         heartbeat):
        activity = self.pending_activity(workflow_id, activity_id)
        if activity['paused']:
            activity['paused'] = False
            self.begin_again(now, activity, attempts, heartbeat)

    def reset_activity(self, now, workflow_id, activity_id, heartbeat,
                       keep_paused, restore):
        activity = self.pending_activity(workflow_id, activity_id)
        if restore:
            run = self.run(workflow_id)
            scheduled = [n for n, a in run.activities.items()
                         if a is activity][0]
            activity.update(activity_options(run.events[scheduled - 1][1]))
        if not keep_paused:
            activity['paused'] = False
        self.begin_again(now, activity, True, heartbeat)

    def update_activity_options(self, now, workflow_id, activity_id,
                                timeouts, policy):
        """Timeouts count at once, and so does the policy, unless a failure
        has said how long to wait for the next attempt."""
        activity = self.pending_activity(workflow_id, activity_id)
        activity.update(timeouts)
        if policy is None:
            return
        activity['retry'] = retry_policy(policy)
        if activity['state'] == 'backoff' and activity['ready'] > now and \
                'nextRetryDelay' not in activity['failure'].get(
                    'applicationFailureInfo', {}):
            ready = activity['failed_at'] + Run.retry_interval(
                activity['retry'], activity['attempt'] - 1)
            activity.update(ready=ready, attempt_scheduled=ready)

    @staticmethod
    def begin_again(now, activity, attempts, heartbeat):
        """Hands an activity out again, or as soon as its attempt fails."""
        if activity['state'] == 'started':
            activity['reset'] = activity['reset'] or attempts
            activity['forget'] = activity['forget'] or heartbeat
            return
        if attempts:
            activity['attempt'] = 1
        if heartbeat:
            activity['beat'] = None
        activity.update(state='scheduled', attempt_scheduled=now)

    # ---- calls of activity workers ----

    def poll_activity(self, now, workflow_id, activity_id, token, identity):
        """A poll claimed this activity; False if it must not have."""
        run = self.run(workflow_id)
        if run is None or not run.open or run.paused:
            return False
        for activity in run.activities.values():
            if activity['id'] == activity_id and \
                    not activity['paused'] and (
                        activity['state'] == 'scheduled' or
                        activity['state'] == 'backoff' and
                        activity['ready'] <= self.horizon):
                activity.update(state='started', token=token,
                                identity=identity, started_at=now,
                                beat_at=now)
                return activity
        return False

    def claimable(self, workflow_id, now):
        run = self.run(workflow_id)
        if run is None or not run.open or run.paused:
            return []
        return [a for a in run.activities.values() if not a['paused'] and (
                a['state'] == 'scheduled' or
                a['state'] == 'backoff' and a['ready'] <= now)]

    def token_activity(self, token):
        for run in self.runs:
            for scheduled, activity in run.activities.items():
                if activity['state'] == 'started' and \
                        activity['token'] == token:
                    return run, scheduled, activity
        raise Refused(NOT_FOUND)

    def id_activity(self, workflow_id, activity_id):
        run = self.open_run(workflow_id)
        for scheduled, activity in run.activities.items():
            if activity['id'] == activity_id and \
                    activity['state'] == 'started':
                return run, scheduled, activity
        raise Refused(NOT_FOUND)

    def activity_completed(self, now, found, result, identity):
        run, scheduled, activity = found
        run.close_activity(scheduled, 'ActivityTaskCompleted', now,
                           result=result, identity=identity)

    def activity_failed(self, now, found, failure, identity):
        run, scheduled, activity = found
        info = failure.get('applicationFailureInfo', {})
        nonretryable = info.get('nonRetryable') or \
            info.get('type') in activity['retry']['types']
        state, delay = run.retry_delay(
            activity, failure, nonretryable, now,
            seconds(info['nextRetryDelay'])
            if 'nextRetryDelay' in info else None)
        if delay is not None:
            run.retry_activity(activity, failure, now, delay)
        else:
            run.close_activity(scheduled, 'ActivityTaskFailed', now,
                               failure=failure, identity=identity,
                               retryState='RETRY_STATE_' + state)

    def activity_canceled(self, now, found, details, identity):
        run, scheduled, activity = found
        if not activity['cancel']:
            raise Refused(INVALID)
        run.close_activity(scheduled, 'ActivityTaskCanceled', now,
                           details=details, identity=identity,
                           latestCancelRequestedEventId=activity['cancel'])

    def activity_heartbeat(self, now, found, details):
        run, scheduled, activity = found
        activity['beat'] = details
        activity['beat_at'] = now
        # whether a pause of the workflow is told as one of its activities
        # is left open
        return bool(activity['cancel']), activity['paused'], activity['reset']

    # ---- what the service does by itself ----

    def effects(self, since, now):
        """(due, apply) of all that may happen between since and now; apply
        takes a clone of the world."""
        found = []
        for index, run in enumerate(self.runs):
            if run.turn:
                self.run_effects(found, index, run, since, now)
                return [e for e in found if e[0] <= now]
        for index, run in enumerate(self.runs):
            if run.open:
                self.run_effects(found, index, run, since, now)
        for message in self.outbox:
            found.append((since, lambda w, m=message: w.deliver(m, since)))
        return [e for e in found if e[0] <= now]

    def overdue(self, now):
        """When the first of what must have happened by now was due.  (What
        does not show in a paused run need not.)"""
        found = []
        for index, run in enumerate(self.runs):
            if run.open and not run.paused:
                self.run_effects(found, index, run, now, now)
        return min((due for due, _ in found), default=None)

    def run_effects(self, found, index, run, since, now):
        """What is due in a run may happen in one transaction, or not."""
        all_due = []

        def add(due, method, *args):
            if due is not None and due <= now:
                all_due.append((due, max(due, since), method, args))

        self.list_due(add, run, now)
        for due, at, method, args in all_due:
            moments = [at]
            if self.outcome(run, method, args, at) != \
                    self.outcome(run, method, args, now):
                moments.append(now)
            for moment in moments:
                found.append((due, self.effect(index, moment, method, args,
                                               False)))
                if len(all_due) > 1:
                    found.append((due, self.effect(index, moment, method,
                                                   args, True)))

    @staticmethod
    def outcome(run, method, args, at):
        """What a timeout leads to, where that depends on the time that is
        left when it happens, which may be later than it was due."""
        if method == 'activity_timeout' and \
                args[1] in ('START_TO_CLOSE', 'HEARTBEAT'):
            return run.retry_delay(run.activities[args[0]],
                                   timeout_failure(args[1]), False, at)[0]
        return None

    @staticmethod
    def effect(index, at, method, args, goes_on):
        def apply(world):
            run = world.runs[index]
            run.turn = run.turn or goes_on
            getattr(world, method)(at, run, *args)
            if run.turn and (not goes_on or not run.open):
                run.end_turn(at)
        return apply

    @staticmethod
    def list_due(add, run, now):

        timers = sorted((run.fire_time(t), t[0], name)
                        for name, t in run.timers.items())
        due = [t for t in timers if t[0] <= now]
        for count in range(len(due), 0, -1):
            add(due[0][0], 'fire_timers', [t[2] for t in due[:count]])
        if run.task and 'due' in run.task:
            add(run.task['due'], 'task_timeout')
        add(run.run_expires, 'run_timeout')
        add(run.expires, 'execution_timeout')
        add(run.backoff_until, 'first_task')
        for scheduled, a in run.activities.items():
            # clocks stand still while it is paused
            if a['schedule_to_close'] and not a['paused']:
                add(a['first_scheduled'] + a['schedule_to_close'],
                    'activity_timeout', scheduled, 'SCHEDULE_TO_CLOSE')
            if a['state'] == 'started':
                add(a['started_at'] + a['start_to_close'],
                    'activity_timeout', scheduled, 'START_TO_CLOSE')
                if a['heartbeat']:
                    add(a['beat_at'] + a['heartbeat'],
                        'activity_timeout', scheduled, 'HEARTBEAT')
            elif a['schedule_to_start'] and not run.paused and \
                    not a['paused']:
                add(a['attempt_scheduled'] + a['schedule_to_start'],
                    'activity_timeout', scheduled, 'SCHEDULE_TO_START')

    def fire_timers(self, now, run, names):
        """All timers of a moment fire together, in the order they are due."""
        for name in names:
            event = run.timers.pop(name)[0]
            run.add('TimerFired', timerId=name, startedEventId=event)
        run.schedule_task(now)

    def task_timeout(self, now, run):
        if run.task_started:
            run.fail_task('WorkflowTaskTimedOut', now,
                          timeoutType='TIMEOUT_TYPE_START_TO_CLOSE')
        else:
            run.fail_task('WorkflowTaskTimedOut', now,
                          timeoutType='TIMEOUT_TYPE_SCHEDULE_TO_START')

    def run_timeout(self, now, run):
        if run.expires and now >= run.expires:
            self.execution_timeout(now, run)
            return
        state, backoff = self.workflow_retry(run, now)
        continued = backoff is not None or bool(run.cron)
        run.force_task_end()
        run.end('WorkflowExecutionTimedOut',
                retryState='RETRY_STATE_' + state,
                newExecutionRunId=RUN_ID if continued else None)
        self.after_failure(run, now, backoff, {
            'message': 'workflow timeout', 'source': 'Server',
            'timeoutFailureInfo': {
                'timeoutType': 'TIMEOUT_TYPE_START_TO_CLOSE'}})
        self.after_close(run, continued)

    def execution_timeout(self, now, run):
        """The time of the whole chain is over: nothing follows."""
        run.force_task_end()
        run.end('WorkflowExecutionTimedOut', retryState='RETRY_STATE_TIMEOUT')
        self.after_close(run)

    def first_task(self, now, run):
        run.backoff_until = None
        run.schedule_task(now)

    def activity_timeout(self, now, run, scheduled, kind):
        activity = run.activities[scheduled]
        started = activity['state'] == 'started'
        message = None
        if kind in ('START_TO_CLOSE', 'HEARTBEAT'):
            # only a final timeout tells the details of the last heartbeat
            failure = timeout_failure(kind)
            state, delay = run.retry_delay(activity, failure, False, now)
            if delay is not None:
                run.retry_activity(activity, failure, now, delay)
                return
            if state == 'TIMEOUT':
                kind, message = 'SCHEDULE_TO_CLOSE', NO_TIME_LEFT
        else:
            state = 'TIMEOUT'
        run.close_activity(
            scheduled, 'ActivityTaskTimedOut', now, started=started,
            failure=timeout_failure(kind, activity['failure'],
                                    activity['beat'], message),
            retryState='RETRY_STATE_' + state)

    # ---- messages between runs ----

    def deliver(self, message, now):
        self.outbox.remove(message)
        getattr(self, 'deliver_' + message[0].replace(' ', '_'))(
            now, *message[1:])

    def deliver_start_child(self, now, index, initiated):
        parent = self.runs[index]
        if not parent.open:
            return              # a child of a closed parent is never started
        child = parent.children[initiated]
        existing = self.run(child['id'])
        if existing is not None and existing.open:
            del parent.children[initiated]
            parent.add('StartChildWorkflowExecutionFailed',
                       workflowId=child['id'], workflowType={'name': 'type'},
                       cause='START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_'
                       'WORKFLOW_ALREADY_EXISTS', initiatedEventId=initiated)
            parent.schedule_task(now)
            return
        run = self.new_run(child['id'], now, 10.0, 0)
        run.parent = (index, initiated)
        run.priority = child['priority']
        run.awaits_parent = True
        self.started_event(
            run, identity=SERVICE, **self.parent_of(run))
        child['started'] = True
        child['run'] = len(self.runs) - 1
        parent.add('ChildWorkflowExecutionStarted',
                   initiatedEventId=initiated,
                   workflowType={'name': 'type'},
                   workflowExecution={'workflowId': child['id'],
                                      'runId': RUN_ID})
        parent.schedule_task(now)
        self.outbox.append(('first task', len(self.runs) - 1))

    def deliver_first_task(self, now, index):
        run = self.runs[index]
        if run.open:
            run.awaits_parent = False
            run.schedule_task(now)

    def deliver_child_closed(self, now, parent, index):
        run = self.runs[index]
        receiver = self.runs[parent[0]]
        if not receiver.open or parent[1] not in receiver.children:
            return
        del receiver.children[parent[1]]
        kind, closed = run.events[-1]
        receiver.add_group((
            'ChildWorkflowExecution' + run.status,
            {'result': closed.get('result'), 'failure': closed.get('failure'),
             'details': closed.get('details')
             if run.status == 'Canceled' else None,
             'retryState': closed.get('retryState'),
             'workflowExecution': {'workflowId': run.workflow_id,
                                   'runId': RUN_ID},
             'workflowType': {'name': 'type'}, 'initiatedEventId': parent[1],
             'started': 'Child'}))
        receiver.schedule_task(now)

    def deliver_parent_closed(self, now, workflow_id, policy, index,
                              initiated):
        run = self.run(workflow_id)
        if run is None or not run.open or run.parent != (index, initiated):
            return
        parent = self.runs[index]
        if policy == 'TERMINATE':
            self.terminate_run(run, reason='by parent close policy',
                               identity=SERVICE)
        else:
            self.cancel_run(run, now, cause='by parent close policy',
                            identity=SERVICE, externalWorkflowExecution={
                                'workflowId': parent.workflow_id,
                                'runId': RUN_ID})

    def deliver_signal(self, now, index, initiated, workflow_id, name):
        source = self.runs[index]
        target = self.run(workflow_id)
        if workflow_id == source.workflow_id or target is None or \
                not target.open:
            if source.open:
                source.add('SignalExternalWorkflowExecutionFailed',
                           initiatedEventId=initiated,
                           workflowExecution={'workflowId': workflow_id},
                           cause='SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_'
                           'CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND')
                source.schedule_task(now)
            return
        self.signal_run(target, now, signalName=name, identity=SERVICE,
                        externalWorkflowExecution={
                            'workflowId': source.workflow_id,
                            'runId': RUN_ID})
        if source.open:
            source.add('ExternalWorkflowExecutionSignaled',
                       initiatedEventId=initiated,
                       workflowExecution={'workflowId': workflow_id})
            source.schedule_task(now)

    def deliver_cancel(self, now, index, initiated, workflow_id, reason):
        source = self.runs[index]
        target = self.run(workflow_id)
        if workflow_id == source.workflow_id or target is None:
            if source.open:
                source.add('RequestCancelExternalWorkflowExecutionFailed',
                           initiatedEventId=initiated,
                           workflowExecution={'workflowId': workflow_id},
                           cause='CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_'
                           'CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND')
                source.schedule_task(now)
            return
        if target.open:
            self.cancel_run(target, now, cause=reason, identity=SERVICE,
                            externalInitiatedEventId=initiated,
                            externalWorkflowExecution={
                                'workflowId': source.workflow_id,
                                'runId': RUN_ID})
        if source.open:
            source.add('ExternalWorkflowExecutionCancelRequested',
                       initiatedEventId=initiated,
                       workflowExecution={'workflowId': workflow_id})
            source.schedule_task(now)


CLOSING = {'CompleteWorkflowExecution', 'FailWorkflowExecution',
           'CancelWorkflowExecution', 'ContinueAsNewWorkflowExecution'}

#!/usr/bin/python3

"""Random calls by several sessions, held against a model of the rules.

    random_test.py [--seed N] [--duration SECONDS] [--operations N]
                   [--sessions N] [--races FRACTION] [--virtual] [--verbose]
                   [DSN]

Each session works on families of workflow ids of its own, a family at a
time.  After every call it looks at all that is stored of the family, and
searches an order of the call and of what the service may have done by itself
meanwhile (effects) by which the model comes to the same histories and the
same pending work.  There must be one.  Some calls are made in pairs by two
connections at the same time: then either order will do.  Some are made in a
savepoint that is rolled back: then they must have done nothing.  Some are
made together in one transaction, or one statement.  With --virtual, each session has a
namespace with virtual time, and sets its clock forward from time to time.

A divergence is printed with the calls that led there and ends the program
with status 1.  A session's calls follow from the seed and its number, but
for times.
"""

import argparse
import json
import random
import re
import sys
import threading
import time
import traceback
import uuid

import psycopg2
from psycopg2.extras import Json

import model

GRACE = 20.0            # seconds within which an effect has to happen
SOON = 0.2              # seconds that setting a clock forward may take
LATE = ('WorkflowTaskScheduled', 'WorkflowTaskStarted',
        'ActivityTaskStarted')
STICKY = ' sticky'      # suffix of a workflow id's sticky queue
LOCKED = '55P03'        # SQLSTATEs: lock not available
CONFLICT = '40001'      # serialization failure

# settings of the calls' connections, by what the model calls them
LIMITS = {'activities': 'pg_workflow.max_pending_activities',
          'children': 'pg_workflow.max_pending_children',
          'signals': 'pg_workflow.max_signals_per_execution',
          'pending signals': 'pg_workflow.max_pending_signals',
          'pending cancels': 'pg_workflow.max_pending_cancels',
          'updates': 'pg_workflow.max_in_flight_updates'}

OBSERVE = """
SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.run_key), '[]')
FROM (
    SELECT e.run_key, e.workflow_id, e.run_id, e.status, e.start_request_id,
        extract(epoch FROM e.execution_time) AS execution_time,
        coalesce(e.memo -> 'fields', '{}') AS memo,
        coalesce(e.search_attributes -> 'indexedFields', '{}') AS search,
        (SELECT jsonb_agg(jsonb_build_array(h.event_type, h.attributes,
                extract(epoch FROM h.event_time)) ORDER BY h.event_id)
         FROM workflow.history_event AS h
         WHERE h.namespace_id = e.namespace_id AND h.run_key = e.run_key
            AND h.event_id > coalesce(
                (%(known)s::jsonb ->> e.run_key::text)::int, 0)
        ) AS events,
        (SELECT max(h.event_id) FROM workflow.history_event AS h
         WHERE h.namespace_id = e.namespace_id AND h.run_key = e.run_key
        ) AS length,
        (SELECT jsonb_agg(jsonb_build_array(b.event_type, b.attributes)
                ORDER BY b.buffer_id)
         FROM workflow.buffered_event AS b
         WHERE b.namespace_id = e.namespace_id AND b.run_key = e.run_key
        ) AS buffer,
        m.wft_scheduled_event_id AS scheduled,
        m.wft_started_event_id AS started, m.wft_attempt AS attempt,
        m.sticky_queue AS sticky, m.flags & 1 AS cancel_requested,
        (SELECT jsonb_agg(jsonb_build_array(a.scheduled_event_id,
                a.activity_id, a.state = 2, a.attempt,
                a.cancel_requested_event_id, a.last_failure,
                a.heartbeat_details, a.flags & 1 <> 0, a.flags & 2 <> 0) ORDER BY a.scheduled_event_id)
         FROM workflow.activity AS a
         WHERE a.namespace_id = e.namespace_id AND a.run_key = e.run_key
        ) AS activities,
        (SELECT coalesce(jsonb_object_agg(u.update_id, jsonb_build_array(
                u.state, u.request #> '{input,args}')), '{}')
         FROM workflow.update_request AS u
         WHERE u.namespace_id = e.namespace_id AND u.run_key = e.run_key
            AND u.state < 4) AS updates,
        (SELECT jsonb_agg(t.timer_id ORDER BY t.timer_id)
         FROM workflow.timer AS t
         WHERE t.namespace_id = e.namespace_id AND t.run_key = e.run_key
            AND t.kind = 1) AS timers
    FROM workflow.execution AS e
    LEFT JOIN workflow.mutable_state AS m USING (namespace_id, run_key)
    WHERE e.namespace_id = (SELECT n.namespace_id FROM workflow.namespace AS n
            WHERE n.name = %(namespace)s)
        AND e.workflow_id = ANY (%(ids)s)) AS r
"""


class Divergence(Exception):
    pass


def mask(value, key=None):
    """A value without what the model does not know."""
    if isinstance(value, dict):
        return {k: mask(v, k) for k, v in value.items()
                if k not in ('namespace', 'namespaceId',
                             'parentWorkflowNamespace',
                             'parentWorkflowNamespaceId')}
    if isinstance(value, list):
        return [mask(v) for v in value]
    if isinstance(value, str) and len(value) >= 36:
        words = value.split(' ')
        return ' '.join(model.RUN_ID if is_uuid(w) else w for w in words)
    return value


def is_uuid(word):
    try:
        return len(word) == 36 and bool(uuid.UUID(word))
    except ValueError:
        return False


def comparable(kind, attributes):
    attributes = mask(attributes)
    if kind in ('WorkflowTaskStarted', 'ActivityTaskStarted'):
        for key in ('requestId', 'historySizeBytes'):
            attributes.pop(key, None)
    elif kind == 'WorkflowExecutionStarted':
        for key in ('originalExecutionRunId', 'firstExecutionRunId',
                    'retryPolicy', 'rootWorkflowExecution'):
            attributes.pop(key, None)
        if 'workflowExecutionExpirationTime' in attributes:
            attributes['workflowExecutionExpirationTime'] = model.TIME
        if attributes.get('initiator', '').endswith('CRON_SCHEDULE') and \
                re.fullmatch(r'[1-9]\d{0,2}s',
                             attributes.get('firstWorkflowTaskBackoff', '')):
            # (longer than an interval, if a cancellation cut a wait short)
            attributes['firstWorkflowTaskBackoff'] = model.CRON_WAIT
        if 'continuedExecutionRunId' in attributes:
            attributes.pop('identity', None)
    elif kind == 'WorkflowExecutionSignaled' and \
            'externalWorkflowExecution' in attributes:
        attributes.pop('requestId', None)
    elif kind == 'WorkflowTaskFailed' and \
            attributes.get('identity') == model.SERVICE:
        attributes.pop('failure', None)
    elif kind == 'WorkflowExecutionOptionsUpdated':
        attributes.pop('attachedCompletionCallbacks', None)
    return model.clean(attributes)


def difference(world, observed, final=True):
    """How the model and what is stored differ, or None.  With final unset
    the model may still have to catch up."""
    if final and any(run.turn for run in world.runs):
        return 'in the middle of a transaction'
    by_id = {}
    for run in observed:
        by_id.setdefault(run['workflow_id'], []).append(run)
    for run in world.runs:
        stored = by_id.get(run.workflow_id, [])
        if len(stored) < run.number:
            return '%s: run %d does not exist' % (run.workflow_id, run.number)
        stored = stored[run.number - 1]
        where = '%s run %d' % (run.workflow_id, run.number)
        if len(run.events) > stored['length']:
            return '%s: event %d is missing: %s' % (
                where, stored['length'] + 1, run.events[stored['length']])
        known = stored['length'] - len(stored['events'])
        for number in range(run.checked, len(run.events)):
            if number < known:
                continue
            kind, attributes = run.events[number]
            event = stored['events'][number - known]
            if kind != event[0] or attributes != event[1]:
                return '%s: event %d\n    expected %s %s\n    stored   ' \
                    '%s %s' % (where, number + 1, kind,
                               json.dumps(attributes, sort_keys=True),
                               event[0], json.dumps(event[1], sort_keys=True))
        run.checked = len(run.events)
        if not final:
            continue
        if len(run.events) < stored['length']:
            event = stored['events'][len(run.events) - known]
            return '%s: unexpected event %d: %s %s' % (
                where, len(run.events) + 1, event[0],
                json.dumps(event[1], sort_keys=True))
        text = pending_difference(run, stored)
        if text:
            return where + ': ' + text
    if final:
        expected = {i: world.run(i).number for i in world.current}
        stored = {i: len(runs) for i, runs in by_id.items()}
        if expected != stored:
            return 'numbers of runs: expected %s, stored %s' % (expected,
                                                                stored)
    return None


def pending_difference(run, stored):
    expected = {'status': run.status, 'memo': run.memo, 'search': run.search}
    found = {k: stored[k] for k in expected}
    states = {'admitted': 1, 'accepted': 2, 'completed': 3}
    expected['updates'] = {
        k: [states[u['state']], u['request']['input']['args']
            if u['state'] == 'admitted' else None]
        for k, u in run.updates.items()}
    found['updates'] = stored['updates']
    if run.open:
        task = run.task or {'attempt': 0, 'scheduled': 0, 'started': 0}
        expected.update(
            task=bool(task['scheduled']), started=bool(task['started']),
            sticky=run.sticky[0] if run.sticky else None,
            buffer=[(k, {a: v for a, v in d.items() if a != 'started'})
                    for k, d in run.buffer],
            timers=sorted(run.timers),
            cancel_requested=run.cancel_requested,
            activities=[[n, a['id'], a['state'] == 'started', a['attempt'],
                         a['cancel'], a['failure'], a['beat'],
                         a['paused'], a['reset']]
                        for n, a in sorted(run.activities.items())])
        found.update(
            task=bool(stored['scheduled']), started=bool(stored['started']),
            sticky=stored['sticky'],
            buffer=[(k, without_started(k, d)) for k, d in stored['buffer']],
            timers=sorted(stored['timers'] or []),
            cancel_requested=bool(stored['cancel_requested']),
            activities=stored['activities'])
        if run.task_started:
            expected['attempt'] = task['attempt']
            found['attempt'] = stored['attempt']
    for key, value in expected.items():
        if found[key] != value:
            return '%s\n    expected %s\n    stored   %s' % (
                key, value, found[key])
    return None


def without_started(kind, attributes):
    """A buffered event without the id that may come with the flush."""
    if kind in model.FLUSHED_LAST:
        return {k: v for k, v in attributes.items() if k != 'startedEventId'}
    return attributes


class Connection(psycopg2.extensions.connection):
    namespace = 'default'


def execute(cursor, sql, arguments):
    """Makes a call of the service in the connection's namespace."""
    if 'workflow.' in sql and sql.endswith(')') and \
            'advance_time' not in sql:
        sql = sql[:-1] + ', namespace => %s)'
        arguments = list(arguments) + [cursor.connection.namespace]
    cursor.execute(sql, arguments)


class Call:
    """A call of the service, and what the model says to it.  apply(world,
    now, answer) is its counterpart: it returns whether the answer is right,
    and may raise model.Refused."""

    racing = False              # made at the same time as another one

    def __init__(self, text, sql, arguments, apply, alone=False):
        self.alone = alone      # not in a transaction block
        self.text = text
        self.sql = sql
        self.arguments = arguments
        self.apply = apply
        self.answer = None      # ('ok', rows) or ('error', sqlstate, text)
        self.undone = False     # was rolled back

    def run(self, connection, undo=False):
        cursor = connection.cursor()
        self.undone = undo
        if undo:
            cursor.execute('BEGIN; SAVEPOINT s')
        self.run_in(cursor)
        if undo:
            cursor.execute('ROLLBACK TO s; COMMIT')

    def run_in(self, cursor):
        try:
            execute(cursor, self.sql, self.arguments)
            self.answer = ('ok', self.rows(cursor.fetchall()))
        except psycopg2.Error as error:
            if error.pgcode is None or not error.pgcode.startswith('PW') and \
                    not (self.racing and error.pgcode == CONFLICT):
                raise
            self.answer = ('error', error.pgcode,
                           str(error).split('\n')[0])

    @staticmethod
    def rows(found):
        """What the call has returned, in the form that apply() expects."""
        return found

    def model(self, world, now):
        """The world after the call, or None if the answer is wrong."""
        return world if self.undone else self.answered(world, now)

    def answered(self, world, now):
        if self.answer[:2] == ('error', CONFLICT):
            return world        # to be repeated
        after = world.clone()
        try:
            right = self.apply(after, now, self.answer)
        except model.Refused as refused:
            return world if self.answer[:2] == ('error', refused.sqlstate) \
                else None
        return after if right else None

    def parts(self):
        return [] if self.undone else [self]

    def __str__(self):
        return '%s -> %s%s' % (self.text, short(self.answer),
                               ' (undone)' if self.undone else '')


class Function(Call):
    """A call of a function by the names of its arguments, which also may be
    one of many in a statement.  Those of type jsonb are given as Json."""

    def __init__(self, text, function, arguments, apply):
        self.function = function
        self.named = {k: v for k, v in arguments.items() if v is not None}
        super().__init__(text, 'SELECT * FROM workflow.%s(%s)' % (
            function, ', '.join(k + ' => %s' for k in self.named)),
                         list(self.named.values()), apply)

    def as_json(self):
        return {'call': self.function, 'arguments': {
            k: v.adapted if isinstance(v, Json) else v
            for k, v in self.named.items()}}

    def take_result(self, result):
        """What execute_calls() has returned for it."""
        if self.function.startswith(('start', 'signal_with', 'record')):
            result = tuple(result.values())
        else:
            result = (result,)
        self.answer = ('ok', [result])


class Transaction:
    """Calls in one transaction, each in a savepoint; some are rolled back.
    That gives back the locks they took, so that the service may do something
    before the next call."""

    interrupted = False             # something may have been due meanwhile

    def __init__(self, calls, undo):
        self.calls = calls
        self.undo = undo            # which of them, and whether all in the end
        self.answer = None
        self.undone = False

    def run(self, connection, undo=False):
        cursor = connection.cursor()
        cursor.execute('BEGIN')
        for call, undone in zip(self.calls, self.undo):
            cursor.execute('SAVEPOINT t')
            call.run_in(cursor)
            call.undone = undone or call.answer[0] == 'error'
            cursor.execute('ROLLBACK TO t' if call.undone else 'RELEASE t')
        self.undone = undo
        cursor.execute('ROLLBACK' if undo else 'COMMIT')

    def model(self, world, now):
        inside = world
        for call in self.calls:
            # inside the transaction, a call that is undone has its answer too
            after = call.answered(inside, now)
            if after is None and not (call.undone and self.interrupted):
                return None
            if not call.undone:
                inside = after
        return world if self.undone else inside

    def parts(self):
        return [c for c in self.calls if not c.undone and not self.undone]

    def __str__(self):
        return 'transaction: %s%s' % (', '.join(map(str, self.calls)),
                                      ' (undone)' if self.undone else '')


class Statement(Transaction):
    """Functions called by one statement.  Those that are refused are left out
    when it is repeated."""

    def run(self, connection, undo=False):
        cursor = connection.cursor()
        cursor.execute('BEGIN')
        made = list(self.calls)
        until = time.time() + GRACE
        while made:
            cursor.execute('SAVEPOINT t')
            try:
                cursor.execute(
                    'SELECT workflow.execute_calls(%s, %s)',
                    (Json([c.as_json() for c in made]),
                     Json({'namespace': connection.namespace})))
                for call, (result,) in zip(made, cursor.fetchall()):
                    call.take_result(result)
                break
            except psycopg2.Error as error:
                cursor.execute('ROLLBACK TO t')
                where = re.search(r'^call (\d+), (\w+)$',
                                  error.diag.context or '', re.M)
                if error.pgcode == LOCKED and time.time() < until:
                    continue    # the scheduler has the run
                if where is None or not error.pgcode.startswith('PW'):
                    raise
                call = made.pop(int(where.group(1)) - 1)
                call.answer = ('error', error.pgcode, str(error).split('\n')[0])
                call.undone = True
        self.undone = undo
        cursor.execute('ROLLBACK' if undo else 'COMMIT')

    def __str__(self):
        return 'one statement, ' + super().__str__()


def short(answer):
    text = str(answer)
    return text if len(text) < 400 else text[:400] + ' ...'


def done(answer):
    return answer[0] == 'ok'


class Family:
    """Workflow ids that deal only with each other, their model, and the
    calls made so far."""

    def __init__(self, session, number):
        self.session = session
        self.random = session.random
        base = 'r%s s%d f%d' % (session.test.name, session.number, number)
        self.ids = [base + ' w%d' % i
                    for i in range(self.random.choice((1, 1, 2, 3)))]
        self.limits = dict(self.random.choice(
            ((), (), (('activities', 3), ('children', 1)),
             (('signals', 5), ('pending signals', 1),
              ('pending cancels', 1), ('updates', 1)))))
        self.world = model.World(self.ids, self.limits)
        self.log = []
        self.tokens = []            # (kind, token), newest last
        self.sent = {}              # when messages were seen first
        self.requests = 0
        # A family with short limits sees timeouts.
        self.hasty = self.random.random() < 0.4
        # effects since then have not been seen
        self.seen = session.now()
        for connection in (session.connection, session.other):
            for name, setting in LIMITS.items():
                connection.cursor().execute(
                    'SET %s = %s' % (setting, self.limits[name])
                    if name in self.limits else 'RESET %s' % setting)
        for workflow_id in self.ids:
            session.execute(
                'SELECT count(*) FROM workflow.poll_workflow_task_queue(%s, '
                '1, sticky => true)', workflow_id + STICKY)

    # ---- observation ----

    def observe(self):
        known = {str(run.run_key): run.checked for run in self.world.runs
                 if run.run_key}
        observed = self.session.execute(
            OBSERVE, {'ids': self.ids, 'known': json.dumps(known),
                      'namespace': self.session.connection.namespace},
            named=True)[0][0]
        for run in observed:
            run['events'] = [
                (k, comparable(k, a), float(t)) for k, a, t in
                run['events'] or []]
            run['buffer'] = [(k, comparable(k, a))
                             for k, a in run['buffer'] or []]
            run['activities'] = run['activities'] or []
        return observed

    def search(self, world, calls, observed, since, now, depth=0):
        """A world that agrees with what is stored after these calls in any
        order and any effects in between, or None."""
        self.visited += 1
        if not calls:
            text = difference(world, observed)
            if text is None:
                return world
            self.closest = max(self.closest, (depth, text))
        if depth > 14 or self.visited > 3000:
            return None
        # A call is between both times: that matters if it asks how much is
        # left until the execution timeout.
        times = (since, now) if any(r.open and r.expires
                                    for r in world.runs) else (since,)
        for call in calls if not any(r.turn for r in world.runs) else ():
            for at in times:
                after = call.model(world, at)
                if after is None or \
                        difference(after, observed, final=False):
                    continue
                rest = [c for c in calls if c is not call]
                found = self.search(after, rest, observed, since, now,
                                    depth + 1)
                if found:
                    return found
        for _, effect in world.effects(self.seen, now):
            after = world.clone()
            effect(after)
            if difference(after, observed, final=False):
                continue
            found = self.search(after, calls, observed, since, now,
                                depth + 1)
            if found:
                return found
        return None

    def settle(self, calls, since):
        """Brings the model to what is stored after calls."""
        looked = self.session.now()
        observed = self.observe()
        now = self.session.now()
        self.world.horizon = now
        for run in self.world.runs:
            for stored in observed:
                if stored['run_key'] == run.run_key:
                    self.learn_times(run, stored)
        for call in calls:
            if isinstance(call, Transaction):
                call.interrupted = bool(self.world.effects(self.seen, now))
        self.visited = 0            # worlds that were looked at
        self.closest = (0, '')      # the most that could be explained
        world = self.search(self.world, calls, observed, since, now)
        if world is None:
            self.diverge(calls, observed, since, now)
        for index, run in enumerate(world.runs):
            stored = [r for r in observed
                      if r['workflow_id'] == run.workflow_id][run.number - 1]
            run.run_id = stored['run_id']
            run.run_key = stored['run_key']
            self.learn_times(run, stored)
            if run.cron_wait:
                world.learn_cron(run, float(stored['execution_time']))
        self.world = world
        self.seen = looked
        self.sent = {m: self.sent.get(m, time.time()) for m in world.outbox}
        if self.sent and min(self.sent.values()) < time.time() - GRACE:
            self.diverge([], observed, since, now, 'a message is not '
                         'delivered')

    @staticmethod
    def learn_times(run, stored):
        """Timers fire in the order in which they are due by the service's
        clock, and heartbeats end by it."""
        known = stored['length'] - len(stored['events'])
        run.times.update(
            (number, event[2]) for number, event
            in enumerate(stored['events'], known + 1)
            if event[0] in ('TimerStarted', 'WorkflowTaskScheduled'))

    def diverge(self, calls, observed, since, now, reason=None):
        lines = ['DIVERGENCE in session %d, seed %s' % (
            self.session.number, self.session.test.seed)]
        if reason:
            lines.append(reason)
        lines += ['calls:'] + ['  ' + line for line in self.log]
        for call in calls:
            after = call.model(self.world, since)
            lines.append('the model to %s: %s' % (
                call, 'wrong answer, expected %s' % self.expected(call, since)
                if after is None else difference(after, observed)))
        if not calls:
            lines.append('without a call: %s' %
                         difference(self.world, observed))
        lines.append('the closest to what is stored: %d steps, %s' %
                     self.closest)
        lines.append('possible effects: %d' %
                     len(self.world.effects(since, now)))
        for run in self.world.runs:
            if not run.open and run.checked == len(run.events) and \
                    run is not self.world.run(run.workflow_id):
                continue
            lines.append('%s run %d (%s), the model before:' % (
                run.workflow_id, run.number, run.run_key))
            lines += ['  %d %s %s' % (i + 1, k, json.dumps(a))
                      for i, (k, a) in enumerate(run.events)]
            lines.append('  buffered %s, task %s, next attempt %s, sticky %s'
                         % (run.buffer, run.task, run.next_attempt,
                            run.sticky))
            lines.append('  activities %s' % run.activities)
            lines.append('  timers %s, children %s' % (run.timers,
                                                       run.children))
        lines.append('outbox %s' % self.world.outbox)
        lines.append('what is stored, from the first event not compared on:')
        for run in observed:
            if run['length'] == 0 or run['events'] or \
                    run['status'] in ('Running', 'Paused'):
                lines.append('  %s %s %s' % (run['run_key'],
                                             run['workflow_id'],
                                             run['status']))
                lines += ['    %s %s' % (k, json.dumps(a))
                          for k, a, _ in run['events']]
                lines.append('    %s' % {
                    k: v for k, v in run.items()
                    if k not in ('events', 'run_key', 'workflow_id')})
        raise Divergence('\n'.join(lines))

    def expected(self, call, since):
        if isinstance(call, Transaction):
            return 'others'
        try:
            call.apply(self.world.clone(), since, call.answer)
            return 'another answer'
        except model.Refused as refused:
            return refused.sqlstate

    # ---- a step ----

    def step(self):
        rng = self.random
        since = self.session.now()
        if self.session.test.virtual and rng.random() < 0.04:
            self.advance(rng.choice((0.05, 1, 61, 501, 3601, 40000)))
            return
        if rng.random() < self.session.test.races:
            calls = [self.call(), self.call()]
            for call in calls:
                call.racing = True
            other = threading.Thread(target=self.guarded, args=(calls[1],))
            other.start()
            calls[0].run(self.session.connection)
            other.join()
            if self.error:
                raise self.error
            self.log.append('at once: %s | %s' % tuple(calls))
        else:
            calls = [self.transaction() if rng.random() < 0.08
                     else self.call()]
            calls[0].run(self.session.connection, rng.random() < 0.06 and
                         not getattr(calls[0], 'alone', False))
            self.log.append(str(calls[0]))
        if self.session.test.verbose:
            print(self.log[-1])
        self.settle(calls, since)
        for call in calls:
            for part in call.parts():
                if done(part.answer):
                    self.remember(part.answer[1])

    def advance(self, seconds):
        """Sets the clock forward.  What was due meanwhile happens now; of
        what is due at this moment nobody could say whether it happened
        before that."""
        until = time.time() + GRACE
        self.settle([], self.session.now())
        while self.world.overdue(self.session.now() + SOON) is not None:
            if time.time() > until:
                return
            time.sleep(0.01)
            self.settle([], self.session.now())
        self.seen = float(self.session.execute(
            'SELECT extract(epoch FROM workflow.advance_time(%s, %s))',
            self.session.connection.namespace, '%s s' % seconds)[0][0])
        self.log.append('advance %s s' % seconds)
        self.settle([], self.seen)

    error = None

    def guarded(self, call):
        try:
            call.run(self.session.other)
        except Exception as error:
            self.error = error

    def remember(self, rows):
        """Keeps the tokens of an answer."""
        for row in rows:
            task = row[0]
            if not isinstance(task, dict):
                continue
            for found in [task.get('workflowTask', task)] + \
                    task.get('activityTasks', []):
                if 'taskToken' in found and 'query' not in found:
                    kind = 'activity' if 'activityId' in found else 'task'
                    self.tokens.append((kind, found['taskToken']))

    def finish(self):
        """Waits for what is due, closes all, and compares whole histories as
        users read them."""
        now = self.session.now()
        until = time.time() + GRACE
        while self.world.overdue(now) is not None:
            self.settle([], self.session.now())
            if time.time() > until:
                self.diverge([], self.observe(), self.seen, now, 'what was '
                             'due %.1f s ago has not happened' %
                             (now - self.world.overdue(now)))
            time.sleep(0.01)
        for _ in range(50):
            found = [i for i in self.ids if self.world.run(i) and
                     self.world.run(i).open]
            if not found and not self.world.outbox:
                break
            since = self.session.now()
            calls = []
            if found:
                calls = [self.terminate(found[0])]
                calls[0].run(self.session.connection)
                self.log.append(str(calls[0]))
            else:
                time.sleep(0.05)
            self.settle(calls, since)
        for run in self.world.runs:
            stored = self.session.execute(
                'SELECT event_id, event_type, attributes, event_time FROM '
                'workflow.get_workflow_execution_history(%s, run_id => %s)',
                run.workflow_id, run.run_id)
            if [r[0] for r in stored] != list(range(1, len(stored) + 1)) or \
                    [(k, comparable(k, a)) for _, k, a, _ in stored] != \
                    [(k, a) for k, a in run.events]:
                raise Divergence('history of %s as it is read\n%s' % (
                    run.workflow_id, '\n'.join(self.log)))
            # what is written late keeps the time when it happened
            times = [t for _, k, _, t in stored if k not in LATE]
            if times != sorted(times):
                raise Divergence('times of %s go back\n%s' % (
                    run.workflow_id, '\n'.join(self.log)))

    # ---- calls ----

    def call(self):
        rng = self.random
        workflow_id = rng.choice(self.ids)
        run = self.world.run(workflow_id)
        if run is None or not run.open and rng.random() < 0.6:
            return self.start(workflow_id)
        choice = rng.choices(
            (self.start, self.signal, self.cancel, self.terminate,
             self.poll_task, self.answer, self.poll_activity, self.by_id,
             self.pause, self.reset_sticky, self.reset, self.operate,
             self.change, self.update, self.update_with_start,
             self.update_options, self.query, self.rest),
            (3, 9, 2, 1, 26, 44, 16, 5, 2, 2, 2, 4, 3, 9, 2, 1, 0.5,
             6 if self.hasty else 1))[0]
        return choice(workflow_id)

    def transaction(self):
        rng = self.random
        if not all(self.world.run(i) for i in self.ids):
            return self.call()
        calls = [rng.choice((self.start, self.signal, self.signal,
                             self.cancel, self.terminate, self.by_id,
                             self.response, self.response, self.response))(
                                 rng.choice(self.ids))
                 for _ in range(rng.randint(2, 4))]
        if rng.random() < 0.5:
            return Statement(calls, [False for _ in calls])
        return Transaction(calls, [rng.random() < 0.3 for _ in calls])

    def response(self, workflow_id):
        return self.answer(workflow_id) if self.tokens else \
            self.signal(workflow_id)

    def request(self):
        """A request id, sometimes one that was used before."""
        if self.random.random() < 0.3:
            return None
        if self.requests and self.random.random() < 0.3:
            return 'q%d' % self.random.randint(1, self.requests)
        self.requests += 1
        return 'q%d' % self.requests

    def rest(self, workflow_id):
        pause = self.random.choice((0.005, 0.03, 0.08))
        run = self.world.run(workflow_id)
        if run.open and run.cron and run.backoff_until and \
                run.backoff_until < self.session.now() + 1.1:
            pause = max(run.backoff_until - self.session.now(), 0) + 0.01
        return Call('rest %s' % pause, 'SELECT pg_sleep(%s)', [pause],
                    lambda world, now, answer: True)

    def start(self, workflow_id):
        rng = self.random
        with_signal = rng.random() < 0.2
        request = self.request() or 'n%d' % rng.getrandbits(40)
        reuse = rng.choices((None, 'ALLOW_DUPLICATE_FAILED_ONLY',
                             'REJECT_DUPLICATE'), (8, 1, 1))[0]
        conflict = rng.choices((None, 'USE_EXISTING', 'TERMINATE_EXISTING',
                                'FAIL'), (5, 2, 2, 1))[0]
        retry = {'initial': 0.02, 'maximumAttempts': rng.choice((2, 3))} \
            if rng.random() < 0.25 else None
        run_timeout = rng.choice((0.3, 1.0)) \
            if self.hasty and rng.random() < 0.3 else \
            3600 if rng.random() < 0.1 else 0
        task_timeout = 0.06 if self.hasty and rng.random() < 0.5 else 10.0
        delay = rng.choice((0.05, 100)) if rng.random() < 0.1 else 0
        execution_timeout = rng.choice((0.5, 1000)) \
            if self.hasty and rng.random() < 0.3 else \
            36000 if rng.random() < 0.1 else 0
        cron = None
        if rng.random() < 0.1:
            cron = '@every 1s' if rng.random() < 0.7 else '* * * * *'
            execution_timeout = 0
        memo = self.memo() if rng.random() < 0.3 else {}
        search = self.search_attributes() if rng.random() < 0.3 else {}
        value = [rng.randint(0, 99)] if rng.random() < 0.5 else None
        options = conflict == 'USE_EXISTING' and not with_signal and \
            rng.random() < 0.5
        arguments = {
            'workflow_id': workflow_id, 'workflow_type': 'type',
            'task_queue': workflow_id, 'request_id': request,
            'identity': 'client', 'input': value and Json(value),
            'workflow_id_reuse_policy': reuse and
            'WORKFLOW_ID_REUSE_POLICY_' + reuse,
            'workflow_id_conflict_policy': conflict and
            'WORKFLOW_ID_CONFLICT_POLICY_' + conflict,
            'workflow_run_timeout': '%s s' % run_timeout,
            'workflow_execution_timeout': '%s s' % execution_timeout,
            'cron_schedule': cron, 'memo': Json(memo),
            'search_attributes': Json(search),
            'workflow_task_timeout': '%s s' % task_timeout,
            'workflow_start_delay': '%s s' % delay if delay else None,
            'retry_policy': retry and Json({
                'initialInterval': '0.02s',
                'maximumAttempts': retry['maximumAttempts']})}
        if options:
            arguments['on_conflict_options'] = Json({'attachRequestId': True})
        name = 'start_workflow_execution'
        if with_signal:
            name = 'signal_with_start_workflow_execution'
            arguments['signal_name'] = 'with start'
        def apply(world, now, answer):
            index, new = world.start(
                now, workflow_id, request, reuse, conflict, run_timeout,
                task_timeout, retry, delay, value,
                'with start' if with_signal else None, options,
                execution_timeout, memo, search, cron)
            if not done(answer):
                return False
            run_id, started = answer[1][0][:2]
            known = world.runs[index].run_id
            return started == new and (known is None or known == run_id)

        return Function('%s(%s)' % (name, {
            k: v.adapted if isinstance(v, Json) else v
            for k, v in arguments.items()}), name, arguments, apply)

    def signal(self, workflow_id):
        request = self.request()
        value = [self.random.randint(0, 99)]
        return Function(
            'signal(%s, %s, %s)' % (workflow_id, value, request),
            'signal_workflow_execution', {
                'workflow_id': workflow_id, 'signal_name': 'sig',
                'input': Json(value), 'request_id': request,
                'identity': 'client'},
            lambda world, now, answer: world.signal(
                now, workflow_id, 'sig', request, value) is None and
            done(answer))

    def cancel(self, workflow_id):
        return Function(
            'cancel(%s)' % workflow_id, 'request_cancel_workflow_execution',
            {'workflow_id': workflow_id, 'reason': 'why',
             'identity': 'client'},
            lambda world, now, answer: world.cancel(
                now, workflow_id, 'why') is None and done(answer))

    def terminate(self, workflow_id):
        return Function(
            'terminate(%s)' % workflow_id, 'terminate_workflow_execution',
            {'workflow_id': workflow_id, 'reason': 'enough',
             'identity': 'client'},
            lambda world, now, answer: world.terminate(
                now, workflow_id, 'enough') is None and done(answer))

    def pause(self, workflow_id):
        run = self.world.run(workflow_id)
        name = 'pause'
        if self.session.test.virtual:
            return self.signal(workflow_id)
        if run.paused and self.random.random() < 0.9:
            name = 'unpause'
        elif not run.open or run.backoff_until or run.awaits_parent or [
                a for a in run.activities.values()
                if a['state'] == 'backoff' or
                min(a['start_to_close'], a['schedule_to_close'] or 60,
                    a['schedule_to_start'] or 60) < 60]:
            return self.signal(workflow_id)
        request = 'p%d' % self.random.getrandbits(40)
        return Call(
            '%s(%s)' % (name, workflow_id),
            'SELECT workflow.%s_workflow_execution(%%s, request_id => %%s, '
            "identity => 'client')" % name, [workflow_id, request],
            lambda world, now, answer: getattr(world, name)(
                now, workflow_id, request) is None and done(answer))

    def reset(self, workflow_id):
        rng = self.random
        run = self.world.run(workflow_id)
        if run.parent or [k for k, _ in run.events + run.buffer
                          if k.endswith(('Initiated', 'Paused'))]:
            return self.signal(workflow_id)
        points = [n for n, (k, _) in enumerate(run.events, 1)
                  if k in ('WorkflowTaskStarted', 'WorkflowTaskCompleted',
                           'WorkflowTaskFailed', 'WorkflowTaskTimedOut')]
        event_id = rng.choice(points * 3 +
                              [rng.randint(0, len(run.events) + 1)])
        return Call(
            'reset(%s, %d)' % (workflow_id, event_id),
            'SELECT workflow.reset_workflow_execution(%s, %s, %s, '
            "identity => 'client')", [workflow_id, 'again', event_id],
            lambda world, now, answer: world.reset(
                now, workflow_id, event_id, 'again') is None and
            done(answer))

    def update(self, workflow_id):
        """An update whose sender does not wait."""
        update_id = 'u%d' % self.random.randint(0, 3)
        args = [self.random.randint(0, 99)]

        def apply(world, now, answer):
            stage = world.update(now, workflow_id, update_id, 'name', args)
            return done(answer) and answer[1][0][0] == \
                'UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_' + stage

        return Call(
            'update(%s, %s, %s)' % (workflow_id, update_id, args),
            "CALL workflow.update_workflow_execution(%s, %s, 'name', %s, "
            "identity => 'client', timeout => '0 s')",
            [workflow_id, update_id, json.dumps(args)], apply, alone=True)

    def update_with_start(self, workflow_id):
        rng = self.random
        run = self.world.run(workflow_id)
        update_id = 'u%d' % rng.randint(0, 3)
        args = [rng.randint(0, 99)]
        value = [rng.randint(0, 99)]
        request = 'n%d' % rng.getrandbits(40)
        if run.request_id and rng.random() < 0.2:
            request = run.request_id
        reuse = rng.choices((None, 'ALLOW_DUPLICATE_FAILED_ONLY',
                             'REJECT_DUPLICATE'), (8, 1, 1))[0]
        conflict = rng.choices((None, 'USE_EXISTING', 'FAIL'), (2, 5, 1))[0]
        run_timeout = 0.5 if self.hasty and rng.random() < 0.3 else 0
        task_timeout = 0.06 if self.hasty and rng.random() < 0.5 else 10.0

        def apply(world, now, answer):
            started, stage = world.update_with_start(
                now, workflow_id, request, reuse, conflict, run_timeout,
                task_timeout, value, update_id, 'name', args)
            return done(answer) and answer[1][0][1:3] == (
                started, 'UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_' + stage)

        arguments = {
            'workflow_id': workflow_id, 'workflow_type': 'type',
            'task_queue': workflow_id, 'request_id': request,
            'input': Json(value), 'identity': 'client',
            'workflow_id_reuse_policy': reuse and
            'WORKFLOW_ID_REUSE_POLICY_' + reuse,
            'workflow_id_conflict_policy': conflict and
            'WORKFLOW_ID_CONFLICT_POLICY_' + conflict,
            'workflow_run_timeout': '%s s' % run_timeout,
            'workflow_task_timeout': '%s s' % task_timeout,
            'update_id': update_id, 'update_name': 'name',
            'update_args': Json(args), 'timeout': '0 s'}
        return Call(
            'update with start(%s, %s, %s, %s, %s, %s)' % (
                workflow_id, update_id, args, request, reuse, conflict),
            'CALL workflow.update_with_start_workflow_execution(%s)' %
            ', '.join(k + ' => %s' for k in arguments),
            list(arguments.values()), apply, alone=True)

    def update_options(self, workflow_id):
        priority = {'priorityKey': self.random.randint(1, 5)}
        return Call(
            'update options(%s, %s)' % (workflow_id, priority),
            'SELECT workflow.update_workflow_execution_options(%s, %s, '
            "identity => 'client')",
            [workflow_id, Json({'priority': priority})],
            lambda world, now, answer: world.update_options(
                workflow_id, priority) is None and done(answer))

    def query(self, workflow_id):
        """A query that nobody has the time to answer."""
        def apply(world, now, answer):
            if world.run(workflow_id).status == 'Paused':
                return done(answer) and answer[1][0][1] == {
                    'status': 'WORKFLOW_EXECUTION_STATUS_PAUSED'}
            return not done(answer)

        return Call(
            'query(%s)' % workflow_id,
            "CALL workflow.query_workflow(%s, 'type', timeout => '1 ms')",
            [workflow_id], apply, alone=True)

    def messages(self, run):
        """What a worker says to updates it knows, and the commands that give
        it its place."""
        rng = self.random
        messages = []
        for update_id, update in sorted(run.updates.items()
                                        if run else ()):
            if update['state'] == 'admitted' and \
                    update['stamp'] == run.stamp and rng.random() < 0.9:
                kinds = rng.choice((['accept'], ['accept', 'complete'],
                                    ['reject'], ['reject']))
            elif update['state'] == 'accepted' and rng.random() < 0.3:
                kinds = ['complete']
            else:
                continue
            messages += [(update_id, kind) for kind in kinds]
        if rng.random() < 0.01:
            messages.append(('u%d' % rng.randint(0, 3), rng.choice(
                ('accept', 'complete', 'reject'))))
        commands = [('ProtocolMessage', {'messageId': '%s/%s' % m})
                    for m in messages if m[1] != 'reject']
        if rng.random() < 0.3:
            commands = commands[:rng.randint(0, len(commands))]
        return [self.message(*m) for m in messages], commands

    def message(self, update_id, kind):
        name, body = {
            'accept': ('Acceptance', {
                'acceptedRequestMessageId': update_id + '/request',
                'acceptedRequestSequencingEventId': 5}),
            'complete': ('Response', {
                'meta': {'updateId': update_id},
                'outcome': {'success': [self.random.randint(0, 99)]}}),
            'reject': ('Rejection', {'failure': {'message': 'no'}})}[kind]
        body['@type'] = 'type.googleapis.com/temporal.api.update.v1.' + name
        return {'id': '%s/%s' % (update_id, kind),
                'protocolInstanceId': update_id, 'body': body}

    def reset_sticky(self, workflow_id):
        return Call(
            'reset sticky(%s)' % workflow_id,
            'SELECT workflow.reset_sticky_task_queue(%s)', [workflow_id],
            lambda world, now, answer: world.reset_sticky(
                workflow_id) is None and done(answer))

    def waiting_poll(self, text, arguments, column, apply):
        """A poll of one queue that waits for a moment."""
        call = Call(
            'waiting ' + text, 'CALL workflow.wait_and_poll(%s)' %
            ', '.join(k + ' => %s' for k in arguments),
            list(arguments.values()), apply, alone=True)
        call.rows = lambda found: [(t,) for t in found[0][column] or []]
        return call

    def poll_task(self, workflow_id):
        run = self.world.run(workflow_id)
        sticky = bool(run.task and run.task['sticky'])
        if self.random.random() < 0.1:
            sticky = not sticky
        name = workflow_id + STICKY if sticky else workflow_id

        def apply(world, now, answer):
            if not done(answer):
                return False
            rows = answer[1]
            if not rows:
                # somebody may have its run locked, but not for ever
                return world.missed_task(now, workflow_id,
                                         name if sticky else None,
                                         call.racing or
                                         world.effects(now, world.horizon))
            if 'query' in rows[0][0]:
                # of a call that is being made at the same time
                return call.racing
            run = world.poll_task(now, workflow_id,
                                  name if sticky else None, 'worker')
            if run is None:
                return False
            return self.task_matches(run, rows[0][0],
                                     run.task['sticky'] is not None)

        text = 'poll task(%s)' % name
        if self.random.random() < 0.15:
            call = self.waiting_poll(text, {
                'workflow_queues': [name], 'identity': 'worker',
                'sticky_queue': name if sticky else None,
                'timeout': '%s ms' % self.random.choice((0, 20))}, 2, apply)
        else:
            call = Call(text, 'SELECT * FROM '
                        "workflow.poll_workflow_task_queue(%s, 1, 'worker', "
                        '%s)', [name, sticky], apply)
        return call

    def task_matches(self, run, task, partial):
        """Whether a task is what a worker must get; keeps its token."""
        run.task['token'] = task['taskToken']
        first = run.previous_started + 1 if partial else 1
        ids = [e['eventId'] for e in task.get('history', {}).get(
            'events', [])]
        transient = [e['eventType'] for e in task.get('transientEvents', [])]
        return (
            task['attempt'] == run.task['attempt'] and
            task['startedEventId'] == run.task['started'] and
            task.get('previousStartedEventId', 0) == run.previous_started and
            (run.run_id is None or
             task['workflowExecution']['runId'] == run.run_id) and
            ids == list(range(first, len(run.events) + 1)) and
            bool(transient) == (run.task['attempt'] > 1 or
                                run.speculative) and
            {m['id'] for m in task.get('messages', [])} ==
            run.task['messages'])

    def poll_activity(self, workflow_id):
        def apply(world, now, answer):
            if not done(answer):
                return False
            if not answer[1]:
                late = [a for a in world.claimable(workflow_id, now)
                        if a.get('ready', 0) < now - GRACE]
                return not late or call.racing or \
                    bool(world.effects(now, world.horizon))
            task = answer[1][0][0]
            activity = world.poll_activity(
                now, workflow_id, task['activityId'], task['taskToken'],
                'activity worker')
            return bool(activity) and \
                task['attempt'] == activity['attempt'] and \
                task.get('heartbeatDetails') == activity['beat']

        text = 'poll activity(%s)' % workflow_id
        if self.random.random() < 0.15:
            call = self.waiting_poll(text, {
                'activity_queues': [workflow_id],
                'identity': 'activity worker',
                'timeout': '%s ms' % self.random.choice((0, 20))}, 3, apply)
        else:
            call = Call(text, 'SELECT * FROM '
                        'workflow.poll_activity_task_queue(%s, 1, '
                        "'activity worker')", [workflow_id], apply)
        return call

    def answer(self, workflow_id):
        """Answers a task that was handed out, usually a recent one."""
        if not self.tokens:
            return self.poll_task(workflow_id)
        position = len(self.tokens) - 1
        while position > 0 and self.random.random() < 0.3:
            position -= 1
        kind, token = self.tokens[position]
        if self.random.random() < 0.93:
            del self.tokens[position]
        if kind == 'activity':
            return self.answer_activity('', {'task_token': token},
                                        lambda world:
                                        world.token_activity(token))
        if self.random.random() < 0.15:
            return Function(
                'fail task(%s)' % token, 'respond_workflow_task_failed', {
                    'task_token': token,
                    'cause': model.CAUSE + 'NON_DETERMINISTIC_ERROR',
                    'failure': Json({'message': 'no'}), 'identity': 'worker'},
                lambda world, now, answer: world.fail_workflow_task(
                    now, token, 'worker') is None and done(answer))
        return self.complete(token)

    def by_id(self, workflow_id):
        activity = 'a%d' % self.random.randint(0, 3)
        return self.answer_activity(
            '_by_id', {'workflow_id': workflow_id, 'activity_id': activity},
            lambda world: world.id_activity(workflow_id, activity))

    def operate(self, workflow_id):
        """What operators do to an activity.  Timeouts of those that are
        paused are not modeled, so these have long ones."""
        rng = self.random
        run = self.world.run(workflow_id)
        known = [a['id'] for a in run.activities.values()]
        if [a for a in run.activities.values()
                if min(a['start_to_close'], a['schedule_to_close'] or 60,
                       a['schedule_to_start'] or 60,
                       a['heartbeat'] or 60) < 60] or \
                self.session.test.virtual:
            return self.signal(workflow_id)
        activity = rng.choice(known * 3 + ['a0'])
        flags = [rng.random() < 0.3, rng.random() < 0.3]
        name, arguments, flags = rng.choice((
            ('pause_activity', '', []),
            ('unpause_activity', ', reset_attempts => %s, '
             'reset_heartbeat => %s', flags),
            ('reset_activity', ', reset_heartbeat => %s, keep_paused => %s, '
             'restore_original_options => %s',
             flags + [rng.random() < 0.3])))
        return Call(
            '%s(%s, %s, %s)' % (name, workflow_id, activity, flags),
            'SELECT workflow.%s(%%s, %%s%s)' % (name, arguments),
            [workflow_id, activity] + flags,
            lambda world, now, answer: getattr(world, name)(
                now, workflow_id, activity, *flags) is None and done(answer))

    def change(self, workflow_id):
        """Other options for an activity; another retry policy only if there
        is no doubt whether it waits for its next attempt."""
        rng = self.random
        run = self.world.run(workflow_id)
        known = [a['id'] for a in run.activities.values()]
        doubt = [a['id'] for a in run.activities.values()
                 if a['retry']['initial'] < 1 or
                 a.get('ready', model.NEVER) < self.session.now() + SOON]
        activity = rng.choice(known * 3 + ['a0'])
        names = ('schedule_to_close', 'schedule_to_start', 'start_to_close',
                 'heartbeat')
        timeouts = {n: rng.choice((60, 90, 600) + (0.05,) * self.hasty)
                    for n in names if rng.random() < 0.3}
        policy = {'initialInterval': rng.choice(('0.010s', '500s')),
                  'maximumAttempts': rng.randint(2, 4)} \
            if activity not in doubt and rng.random() < 0.5 else None
        return Call(
            'change(%s, %s, %s, %s)' % (workflow_id, activity, timeouts,
                                        policy),
            'SELECT workflow.update_activity_options(%%s, %%s, '
            'retry_policy => %%s%s)' % ''.join(
                ', %s_timeout => %%s' % n for n in timeouts),
            [workflow_id, activity, policy and Json(policy)] +
            ['%s s' % t for t in timeouts.values()],
            lambda world, now, answer: world.update_activity_options(
                now, workflow_id, activity, timeouts, policy) is None and
            done(answer))

    def memo(self, *more):
        """Some fields of a memo.  (What a null is worth in a memo that is
        given as a whole is left open.)"""
        return {'m%d' % self.random.randint(0, 2):
                self.random.choice((1, 'text', [1, {'a': 2}]) + more)
                for _ in range(self.random.randint(1, 2))}

    def search_attributes(self):
        name = self.random.choice(('CustomKeywordField', 'CustomerId'))
        value = 'k%d' % self.random.randint(0, 9) \
            if name == 'CustomKeywordField' else self.random.randint(0, 9)
        return {name: self.random.choice((value, value, None))}

    def answer_activity(self, suffix, key, find):
        rng = self.random
        kind = rng.choices(('completed', 'failed', 'canceled', 'heartbeat'),
                           (4, 4, 2, 3))[0]
        text = '%s(%s)' % (kind, ', '.join(key.values()))
        if kind == 'heartbeat':
            details = [rng.randint(0, 99)]

            def apply(world, now, answer):
                found = find(world)
                flags = world.activity_heartbeat(now, found, details)
                return done(answer) and (
                    list(answer[1][0][:3]) == list(flags) or
                    found[0].paused and answer[1][0][0] == flags[0])
            return Function(
                'activity %s %s' % (text, details),
                'record_activity_task_heartbeat' + suffix,
                dict(key, details=Json(details)), apply)
        if kind == 'failed':
            value = rng.choice((
                {'message': 'plain'},
                {'message': 'final',
                 'applicationFailureInfo': {'nonRetryable': True}},
                {'message': 'typed',
                 'applicationFailureInfo': {'type': 'Fatal'}},
                {'message': 'soon', 'applicationFailureInfo': {
                    'type': 'T', 'nextRetryDelay': '0.010s'}}))
        else:
            value = [rng.randint(0, 99)]
        name = {'completed': 'result', 'failed': 'failure',
                'canceled': 'details'}[kind]

        def answered(world, now, answer):
            getattr(world, 'activity_' + kind)(
                now, find(world), value, 'activity worker')
            return done(answer)
        return Function(
            'activity %s %s' % (text, value),
            'respond_activity_task_%s%s' % (kind, suffix),
            dict(key, identity='activity worker', **{name: Json(value)}),
            answered)

    def complete(self, token):
        rng = self.random
        run = next((r for r in self.world.runs
                    if r.task and r.task['token'] == token), None)
        commands = [self.command(run)
                    for _ in range(rng.choice((0, 1, 1, 2, 3)))]
        messages, places = self.messages(run)
        if messages and rng.random() < 0.6:
            commands = []
        for place in places:
            commands.insert(rng.randint(0, len(commands))
                            if rng.random() < 0.2 else len(commands), place)
        if rng.random() < 0.12:
            commands.append(self.close_command())
        if rng.random() < 0.02:
            commands.append(self.command(run))
        force = rng.random() < 0.2
        inline = rng.random() < 0.4
        workflow_id = run.workflow_id if run else self.ids[0]
        timeout = 0.05 if self.hasty and rng.random() < 0.5 else 60
        sticky = (workflow_id + STICKY, timeout) if rng.random() < 0.5 \
            else None
        body = [{'commandType': k, 'attributes': a} for k, a in commands]

        def apply(world, now, answer):
            kind, value, eager = world.complete(
                now, token, commands, 'worker', sticky, force, inline,
                messages)
            if not done(answer):
                return False
            found = answer[1][0][0]
            if kind == 'rejected':
                return 'error' in found and \
                    found['error'].get('cause') == value
            if 'error' in found or \
                    ('resetHistoryEventId' in found) != (kind == 'discarded'):
                return False
            tasks = found.get('activityTasks', [])
            if [t['activityId'] for t in tasks] != [a['id'] for a in eager]:
                return False
            for task, activity in zip(tasks, eager):
                activity['token'] = task['taskToken']
            if value is None:
                return 'workflowTask' not in found
            return 'workflowTask' in found and self.task_matches(
                value, found['workflowTask'], True)

        return Function(
            'complete(%s, %s, sticky %s, force %s, inline %s, messages %s)'
            % (token, json.dumps(body), sticky, force, inline,
               [m['id'] for m in messages]),
            'respond_workflow_task_completed', {
                'task_token': token, 'commands': Json(body),
                'identity': 'worker',
                'sticky_queue': sticky[0] if sticky else None,
                'sticky_schedule_to_start_timeout': '%s s' % timeout,
                'return_new_workflow_task': inline,
                'force_create_new_workflow_task': force,
                'messages': Json(messages)}, apply)

    def command(self, run):
        rng = self.random
        kind = rng.choices(
            ('StartTimer', 'CancelTimer', 'RecordMarker',
             'ScheduleActivityTask', 'RequestCancelActivityTask',
             'StartChildWorkflowExecution',
             'SignalExternalWorkflowExecution',
             'RequestCancelExternalWorkflowExecution',
             'ModifyWorkflowProperties', 'UpsertWorkflowSearchAttributes'),
            (5, 4, 3, 9, 3, 2, 2, 1, 1, 1))[0]
        other = rng.choice(self.ids)
        if kind == 'StartTimer':
            attributes = {'timerId': self.name('t'), 'startToFireTimeout':
                          model.duration(rng.choice((0.001, 0.01, 0.03,
                                                     3600)))}
        elif kind == 'CancelTimer':
            attributes = {'timerId': self.name('t')}
        elif kind == 'RecordMarker':
            attributes = {'markerName': self.name('m')}
        elif kind == 'ScheduleActivityTask':
            attributes = self.activity()
        elif kind == 'RequestCancelActivityTask':
            pending = sorted(run.activities) if run else []
            closed = [a['scheduledEventId'] for k, a in
                      (run.buffer if run else [])
                      if k in model.ACTIVITY_CLOSES]
            attributes = {'scheduledEventId': rng.choice(
                (pending + closed) * 4 + [5, 6, 9])}
        elif kind == 'StartChildWorkflowExecution':
            attributes = {
                'workflowId': other, 'workflowType': {'name': 'type'},
                'taskQueue': {'name': other},
                'parentClosePolicy': 'PARENT_CLOSE_POLICY_' + rng.choice(
                    ('TERMINATE', 'ABANDON', 'REQUEST_CANCEL'))}
        elif kind == 'SignalExternalWorkflowExecution':
            attributes = {'execution': {'workflowId': other},
                          'signalName': 'from outside'}
        elif kind == 'RequestCancelExternalWorkflowExecution':
            attributes = {'workflowId': other, 'reason': 'from outside'}
        elif kind == 'ModifyWorkflowProperties':
            attributes = {'upsertedMemo': {
                'fields': self.memo(None) if rng.random() < 0.95 else {}}}
        else:
            attributes = {'searchAttributes': {
                'indexedFields': self.search_attributes()
                if rng.random() < 0.95 else {'Unknown': 1}}}
        return kind, attributes

    def name(self, letter):
        if self.random.random() < 0.01:
            return ''
        return letter + str(self.random.randint(0, 3))

    def activity(self):
        rng = self.random
        attributes = {'activityId': self.name('a'),
                      'activityType': {'name': 'act'}}
        if rng.random() < 0.5:
            attributes['input'] = [rng.randint(0, 99)]
        limits = rng.choices((
            {'startToCloseTimeout': '60s'},
            {'scheduleToCloseTimeout': '100s', 'heartbeatTimeout': '60s'},
            {'startToCloseTimeout': '60s', 'scheduleToCloseTimeout': '600s',
             'scheduleToStartTimeout': '60s'},
            {'heartbeatTimeout': '60s'},
            {'startToCloseTimeout': '0.040s'},
            {'scheduleToCloseTimeout': '0.060s'},
            {'startToCloseTimeout': '60s',
             'scheduleToStartTimeout': '0.030s'},
            {'startToCloseTimeout': '60s', 'heartbeatTimeout': '0.040s'}),
            (6, 3, 3, 0.3) + ((2, 2, 2, 2) if self.hasty else
                              (0, 0, 0, 0)))[0]
        attributes.update(limits)
        policy = {'initialInterval': rng.choice(('0.010s', '500s'))}
        if 'scheduleToCloseTimeout' in limits and \
                model.seconds(limits['scheduleToCloseTimeout']) < 1:
            policy['initialInterval'] = '500s'
        if rng.random() < 0.6:
            policy['maximumAttempts'] = rng.randint(1, 3)
        if rng.random() < 0.3:
            policy['nonRetryableErrorTypes'] = ['Fatal']
        attributes['retryPolicy'] = policy
        if rng.random() < 0.15:
            attributes['requestEagerExecution'] = True
        return attributes

    def close_command(self):
        rng = self.random
        kind = rng.choice(sorted(model.CLOSING))
        if kind == 'CompleteWorkflowExecution':
            return kind, {'result': [rng.randint(0, 99)]}
        if kind == 'CancelWorkflowExecution':
            return kind, {'details': [rng.randint(0, 99)]}
        if kind == 'FailWorkflowExecution':
            return kind, {'failure': rng.choice((
                {'message': 'm', 'applicationFailureInfo': {'type': 'T'}},
                {'message': 'm',
                 'applicationFailureInfo': {'nonRetryable': True}}))}
        attributes = {'input': [rng.randint(0, 99)]}
        if rng.random() < 0.3:
            attributes['memo'] = {'fields': self.memo()}
        if rng.random() < 0.3:
            attributes['searchAttributes'] = {
                'indexedFields': self.search_attributes()}
        return kind, attributes


class Session(threading.Thread):
    """Two connections, and the families one after another."""

    def __init__(self, test, number):
        super().__init__(daemon=True)
        self.test = test
        self.number = number
        self.random = random.Random('%s/%d' % (test.seed, number))
        self.connection = connect(test.dsn)
        self.other = connect(test.dsn)
        if test.virtual:
            name = 'random %s %d' % (test.name, number)
            self.connection.cursor().execute(
                'SELECT workflow.register_namespace(%s, virtual_time => '
                'true)', (name,))
            add_search_attributes(self.connection.cursor(), name)
            self.connection.namespace = self.other.namespace = name
        self.operations = 0
        self.families = 0

    def execute(self, sql, *arguments, named=False):
        cursor = self.connection.cursor()
        if named:
            cursor.execute(sql, arguments[0])
        else:
            execute(cursor, sql, arguments)
        return cursor.fetchall()

    def now(self):
        """The time, as the service has it."""
        if not self.test.virtual:
            return time.time()
        return float(self.execute('SELECT extract(epoch FROM n) FROM '
                                  'workflow.get_current_time(%s) AS n',
                                  self.connection.namespace)[0][0])

    def run(self):
        family = None
        try:
            while self.test.more(self):
                self.families += 1
                family = Family(self, self.families)
                for _ in range(self.random.randint(20, 160)):
                    family.step()
                    self.operations += 1
                    if not self.test.more(self):
                        break
                family.finish()
        except Divergence as divergence:
            self.test.fail(str(divergence))
        except Exception:
            self.test.fail('session %d, seed %s\n%s\n%s' % (
                self.number, self.test.seed, '\n'.join(family.log
                                                       if family else []),
                traceback.format_exc()))


def connect(dsn):
    connection = psycopg2.connect(dsn, connection_factory=Connection)
    connection.autocommit = True
    return connection


def add_search_attributes(cursor, namespace):
    cursor.execute("""
        SELECT workflow.add_search_attributes(
            '{"CustomKeywordField": "Keyword", "CustomerId": "Int"}', %s)
        WHERE NOT EXISTS (SELECT FROM workflow.search_attributes
            WHERE name = 'CustomerId' AND namespace = %s)""",
                   (namespace, namespace))


class Test:
    def __init__(self, arguments):
        self.seed = arguments.seed
        self.dsn = arguments.dsn
        self.races = arguments.races
        self.verbose = arguments.verbose
        self.virtual = arguments.virtual
        self.operations = arguments.operations
        self.name = '%s-%x' % (self.seed, int(time.time() * 1000) & 0xffffff)
        self.until = time.time() + arguments.duration
        self.failures = []
        self.lock = threading.Lock()
        connection = connect(self.dsn)
        cursor = connection.cursor()
        cursor.execute("""
            DO $$
            BEGIN
                EXECUTE format('ALTER DATABASE %I SET
                    pg_workflow.workflow_id_reuse_minimal_interval = 0',
                    current_database());
                EXECUTE format('ALTER DATABASE %I SET
                    pg_workflow.sticky_poller_ttl = ''1 d''',
                    current_database());
            END
            $$""")
        add_search_attributes(cursor, 'default')
        connection.close()
        self.sessions = [Session(self, n + 1)
                         for n in range(arguments.sessions)]

    def more(self, session):
        return not self.failures and time.time() < self.until and (
            not self.operations or
            session.operations < self.operations / len(self.sessions))

    def fail(self, text):
        with self.lock:
            self.failures.append(text)

    def run(self):
        print('seed %s' % self.seed, flush=True)
        for session in self.sessions:
            session.start()
        for session in self.sessions:
            session.join()
        for text in self.failures:
            print(text)
        print('%d operations, %d families, %d divergences' % (
            sum(s.operations for s in self.sessions),
            sum(s.families for s in self.sessions), len(self.failures)))
        return 1 if self.failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--duration', type=float, default=60)
    parser.add_argument('--operations', type=int, default=0)
    parser.add_argument('--sessions', type=int, default=3)
    parser.add_argument('--races', type=float, default=0.15)
    parser.add_argument('--virtual', action='store_true')
    parser.add_argument('--verbose', action='store_true')
    parser.add_argument('dsn', nargs='?', default='')
    return Test(parser.parse_args()).run()


if __name__ == '__main__':
    sys.exit(main())

/*
 * The tables of schedules.
 */

CREATE TABLE workflow.schedule (
    namespace_id integer NOT NULL,
    schedule_id text COLLATE "C" NOT NULL,
    conflict_token bigint NOT NULL,
    due_at timestamptz,
    next_action_time timestamptz,
    last_processed_time timestamptz NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz,
    definition jsonb NOT NULL,
    progress jsonb NOT NULL,
    memo jsonb,
    search_attributes jsonb,
    CONSTRAINT schedule_pkey PRIMARY KEY (namespace_id, schedule_id)
) WITH (fillfactor = 70);

CREATE INDEX schedule_due_at_idx ON workflow.schedule (due_at)
    WHERE due_at IS NOT NULL;

COMMENT ON TABLE workflow.schedule IS
'schedules: when they act, what they do and what they have done';
COMMENT ON COLUMN workflow.schedule.conflict_token IS
'counts the changes of the definition';
COMMENT ON COLUMN workflow.schedule.due_at IS
'when the scheduler has to look at it; null: not before a run of it closes';
COMMENT ON COLUMN workflow.schedule.next_action_time IS
'its next time, with jitter; null: none, or it is paused or out of actions';
COMMENT ON COLUMN workflow.schedule.last_processed_time IS
'up to here, its times have been acted on or passed over';
COMMENT ON COLUMN workflow.schedule.definition IS
'a Schedule: spec, action, policies, state';
COMMENT ON COLUMN workflow.schedule.progress IS
'what waits, what runs, what was done, and how often';

/* Insert-only for those that close runs, so that they wait for nobody. */
CREATE TABLE workflow.schedule_wakeup (
    namespace_id integer NOT NULL,
    run_key bigint NOT NULL,
    schedule_id text COLLATE "C" NOT NULL,
    CONSTRAINT schedule_wakeup_pkey PRIMARY KEY (namespace_id, run_key)
) WITH (autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);

COMMENT ON TABLE workflow.schedule_wakeup IS
'runs of schedules that have closed, until their schedule has seen it';

SELECT pg_catalog.pg_extension_config_dump('workflow.schedule', '');
SELECT pg_catalog.pg_extension_config_dump('workflow.schedule_wakeup', '');

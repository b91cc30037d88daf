--
-- The histories that the tests before have left, as Temporal's history files
--
\a
\t on

-- every history can be written, and reads back as it was; a payload of the
-- encoding binary/null as null
SELECT count(*) > 100 AS many, count(*) FILTER (WHERE NOT same) AS changed
FROM (
    SELECT e.workflow_id,
        (SELECT jsonb_agg(to_jsonb(h) ORDER BY h.event_id)
         FROM workflow.get_workflow_execution_history(e.workflow_id, e.run_id)
            AS h)
        = (SELECT jsonb_agg(to_jsonb(h) ORDER BY h.event_id)
           FROM workflow.history_from_json(
                workflow.history_json(e.workflow_id, e.run_id)) AS h) AS same
    FROM workflow.execution AS e
    WHERE e.namespace_id = 1 AND e.workflow_id NOT IN
        ('limit none', 'cause many', 'search null')) AS s;

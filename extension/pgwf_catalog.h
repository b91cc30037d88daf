/*-------------------------------------------------------------------------
 *
 * pgwf_catalog.h
 *		OIDs of the extension's own objects.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_CATALOG_H
#define PGWF_CATALOG_H

#include "pgwf_event.h"

/* Our tables and indexes */
typedef enum PgwfRelationId
{
	PGWF_NAMESPACE,
	PGWF_NAMESPACE_ROLE,
	PGWF_EXECUTION,
	PGWF_MUTABLE_STATE,
	PGWF_HISTORY_EVENT,
	PGWF_BUFFERED_EVENT,
	PGWF_WORKFLOW_TASK,
	PGWF_ACTIVITY,
	PGWF_TIMER,
	PGWF_CHILD_EXECUTION,
	PGWF_OUTBOX,
	PGWF_RUN_REQUEST,
	PGWF_SCHEDULE,
	PGWF_SCHEDULE_WAKEUP,
	PGWF_SEARCH_ATTRIBUTE,
	PGWF_QUERY_REQUEST,
	PGWF_RUN_KEY_SEQ,
	PGWF_NAMESPACE_PKEY,
	PGWF_NAMESPACE_NAME_KEY,
	PGWF_NAMESPACE_ROLE_PKEY,
	PGWF_SEARCH_ATTRIBUTE_PKEY,
	PGWF_EXECUTION_PKEY,
	PGWF_EXECUTION_RUN_ID_KEY,
	PGWF_EXECUTION_OPEN_KEY,
	PGWF_EXECUTION_WORKFLOW_ID_IDX,
	PGWF_MUTABLE_STATE_PKEY,
	PGWF_HISTORY_EVENT_PKEY,
	PGWF_BUFFERED_EVENT_PKEY,
	PGWF_WORKFLOW_TASK_PKEY,
	PGWF_WORKFLOW_TASK_QUEUE_IDX,
	PGWF_WORKFLOW_TASK_DUE_IDX,
	PGWF_ACTIVITY_PKEY,
	PGWF_ACTIVITY_QUEUE_IDX,
	PGWF_ACTIVITY_DUE_IDX,
	PGWF_TIMER_PKEY,
	PGWF_TIMER_FIRE_AT_IDX,
	PGWF_CHILD_EXECUTION_PKEY,
	PGWF_OUTBOX_PKEY,
	PGWF_OUTBOX_DUE_IDX,
	PGWF_SCHEDULE_PKEY,
	PGWF_SCHEDULE_DUE_AT_IDX,
	PGWF_SCHEDULE_WAKEUP_PKEY,
	PGWF_QUERY_REQUEST_PKEY,
	PGWF_QUERY_REQUEST_QUEUE_IDX,
	PGWF_QUERY_REQUEST_BUFFERED_IDX,
	PGWF_QUERY_REQUEST_DUE_IDX,
	PGWF_RUN_REQUEST_PKEY
} PgwfRelationId;

#define PGWF_RELATION_COUNT (PGWF_RUN_REQUEST_PKEY + 1)

/* Numbers are those of Temporal's WorkflowExecutionStatus */
typedef enum PgwfStatus
{
	PGWF_STATUS_RUNNING = 1,
	PGWF_STATUS_COMPLETED,
	PGWF_STATUS_FAILED,
	PGWF_STATUS_CANCELED,
	PGWF_STATUS_TERMINATED,
	PGWF_STATUS_CONTINUED_AS_NEW,
	PGWF_STATUS_TIMED_OUT,
	PGWF_STATUS_PAUSED
} PgwfStatus;

#define PGWF_STATUS_COUNT PGWF_STATUS_PAUSED

extern bool pgwf_is_installed(void);
extern Oid	pgwf_owner(void);
extern Oid	pgwf_relation_oid(PgwfRelationId id);
extern Oid	pgwf_event_type_oid(PgwfEventType type);
extern PgwfEventType pgwf_event_type_number(Oid label);
extern Oid	pgwf_status_oid(PgwfStatus status);
extern PgwfStatus pgwf_status_number(Oid label);
extern const char *pgwf_status_name(PgwfStatus status);

#endif							/* PGWF_CATALOG_H */

/*-------------------------------------------------------------------------
 *
 * pgwf_args.h
 *		Arguments of our SQL functions, checked.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_ARGS_H
#define PGWF_ARGS_H

#include "fmgr.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* Temporal's partitions of queues have names that begin with this */
#define PGWF_RESERVED_QUEUE_PREFIX	"/_sys/"

extern char *pgwf_arg_text(FunctionCallInfo fcinfo, int n);
extern char *pgwf_arg_id(FunctionCallInfo fcinfo, int n, const char *name);
extern char *pgwf_arg_required_id(FunctionCallInfo fcinfo, int n,
								  const char *name);
extern char *pgwf_arg_task_queue(FunctionCallInfo fcinfo, int n);
extern char *pgwf_arg_sticky_queue(FunctionCallInfo fcinfo, int n);
extern Jsonb *pgwf_arg_jsonb(FunctionCallInfo fcinfo, int n);
extern Jsonb *pgwf_arg_payloads(FunctionCallInfo fcinfo, int n,
								const char *name);
extern pg_uuid_t *pgwf_arg_uuid(FunctionCallInfo fcinfo, int n);
extern int64 pgwf_arg_duration(FunctionCallInfo fcinfo, int n,
							   const char *name);
extern char *pgwf_arg_namespace(FunctionCallInfo fcinfo, int n);
extern char *pgwf_arg_identity(FunctionCallInfo fcinfo, int n);
extern bool pgwf_arg_bool(FunctionCallInfo fcinfo, int n);
extern int	pgwf_arg_int(FunctionCallInfo fcinfo, int n, const char *name,
						 int default_value, int min, int max);

extern void pgwf_check_id(const char *name, const char *value);
extern bool pgwf_is_reserved_queue(const char *name);
extern void pgwf_check_task_queue(const char *name);
extern void pgwf_check_payload_size(const char *name, const Jsonb *value,
									int limit);
extern void pgwf_warn_payload_size(const char *name, const Jsonb *value,
								   int limit);
extern bool pgwf_is_uuid(const char *value);
extern void pgwf_new_uuid(pg_uuid_t *uuid);
extern void pgwf_new_run_id(pg_uuid_t *uuid, int64 run_key);
extern int64 pgwf_run_id_key(const pg_uuid_t *uuid);
extern char *pgwf_uuid_text(const pg_uuid_t *uuid);

#endif							/* PGWF_ARGS_H */

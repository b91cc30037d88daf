/*
 * server.h
 *		Workers and clients of a real service, for the tests that need one.
 *
 * The database is found by the PG* variables.
 */
#ifndef SERVER_H
#define SERVER_H

#include <pthread.h>

#include "sim.h"
#include "tap.h"

/* A worker with its thread. */
typedef struct ServerWorker
{
	PgwfWorker *worker;
	pthread_t	thread;
} ServerWorker;

extern PgwfClient *server_client;

extern void server_connect(void);
extern void server_disconnect(void);

/* cached: as max_cached_workflows */
extern void server_work(ServerWorker *running, PgwfRegistry *registry,
						const char *queue, int cached);

/* A worker of a version, to which its runs are pinned. */
extern void server_work_as(ServerWorker *running, PgwfRegistry *registry,
						   const char *queue, const char *deployment,
						   const char *build_id);
extern void server_stop(ServerWorker *running);

/* Input is JSON text; a task timeout of 0 is the default. */
extern void server_start(const char *queue, const char *id, const char *type,
						 const char *input, int64_t task_timeout_ms);

/* Takes the input over. */
extern void server_signal(const char *id, const char *name, json_t *input);
extern void server_cancel(const char *id, const char *reason);

/* The current run's events: a new array. */
extern json_t *server_events(const char *id);

/* How many events of a type the current run has; -1 if there is no run. */
extern int	server_count(const char *id, const char *type);

/* Attributes of the first event of a type, to be freed; NULL if none. */
extern json_t *server_event(const char *id, const char *type);

/* Waits until the current run has an event of a type. */
extern bool server_wait(const char *id, const char *type);

/*
 * Waits for the end of a run and those that continue it; checks status, result
 * (NULL: any) and that the last run replays, "splits": in every split.
 */
extern void server_ends(PgwfRegistry *registry, const char *id,
						const char *status, const char *result, bool splits);

/* Runs a statement. */
extern void server_sql(const char *statement);
extern void server_sleep(long ms);

/* A codec's functions: turns all bits around, and back. */
extern bool turn_bits(const unsigned char *data, size_t size,
					  unsigned char **out, size_t *out_size, void *arg);

#endif							/* SERVER_H */

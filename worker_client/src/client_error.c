/*-------------------------------------------------------------------------
 *
 * client_error.c
 *	  The errors of a client's calls: one for each thread that uses it.
 *
 * A thread has a list of its errors, one per client whose calls failed in it,
 * and a client one of its errors, one per thread; an error is in both.  It
 * goes when its thread or its client does.  One mutex of the library guards
 * the lists; what an error says is touched by its own thread only.  A call
 * that succeeds does nothing here.
 *
 *-------------------------------------------------------------------------
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "pgwf_client.h"

struct PgwfClientError
{
	const PgwfClient *client;
	PgwfErr		err;
	PgwfFailure *failure;		/* of err, made when asked for */
	PgwfClientError *next_of_client;
	PgwfClientError **link_of_client;	/* what points to this one */
	PgwfClientError *next_of_thread;
	PgwfClientError **link_of_thread;
};

/* The errors of a thread */
typedef struct ThreadErrors
{
	PgwfClientError *list;
} ThreadErrors;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;		/* of a thread's ThreadErrors */

/* Takes an error out of both lists; the mutex is held. */
static void
free_error(PgwfClientError *error)
{
	*error->link_of_client = error->next_of_client;
	if (error->next_of_client != NULL)
		error->next_of_client->link_of_client = error->link_of_client;
	*error->link_of_thread = error->next_of_thread;
	if (error->next_of_thread != NULL)
		error->next_of_thread->link_of_thread = error->link_of_thread;
	pgwf_failure_free(error->failure);
	pgwf_err_reset(&error->err);
	free(error);
}

/* A thread ends. */
static void
free_thread(void *arg)
{
	ThreadErrors *errors = arg;
	PgwfClientError *error;
	PgwfClientError *next;

	pthread_mutex_lock(&mutex);
	for (error = errors->list; error != NULL; error = next)
	{
		next = error->next_of_thread;
		free_error(error);
	}
	pthread_mutex_unlock(&mutex);
	free(errors);
}

static void
make_key(void)
{
	if (pthread_key_create(&key, free_thread) != 0)
		abort();
}

/* This thread's error with a client, or NULL */
static PgwfClientError *
find_error(const PgwfClient *client)
{
	ThreadErrors *errors;
	PgwfClientError *error = NULL;

	pthread_once(&once, make_key);
	errors = pthread_getspecific(key);
	if (errors != NULL)
	{
		pthread_mutex_lock(&mutex);
		error = errors->list;
		while (error != NULL && error->client != client)
			error = error->next_of_thread;
		pthread_mutex_unlock(&mutex);
	}
	return error;
}

static PgwfClientError *
make_error(PgwfClient *client)
{
	PgwfClientError *error = pgwf_xalloc(sizeof(PgwfClientError));
	ThreadErrors *errors = pthread_getspecific(key);

	if (errors == NULL)
	{
		errors = pgwf_xalloc(sizeof(ThreadErrors));
		if (pthread_setspecific(key, errors) != 0)
			abort();
	}
	error->client = client;
	pthread_mutex_lock(&mutex);
	error->next_of_client = client->errors;
	error->link_of_client = &client->errors;
	if (client->errors != NULL)
		client->errors->link_of_client = &error->next_of_client;
	client->errors = error;
	error->next_of_thread = errors->list;
	error->link_of_thread = &errors->list;
	if (errors->list != NULL)
		errors->list->link_of_thread = &error->next_of_thread;
	errors->list = error;
	pthread_mutex_unlock(&mutex);
	return error;
}

/*
 * Where this thread's call notes what is wrong: the record of its last error,
 * to be overwritten.
 */
PgwfErr *
pgwf_client_err(PgwfClient *client)
{
	PgwfClientError *error = find_error(client);

	if (error == NULL)
		error = make_error(client);
	pgwf_failure_free(error->failure);
	error->failure = NULL;
	return &error->err;
}

/* The client goes. */
void
pgwf_client_free_errors(PgwfClient *client)
{
	PgwfClientError *error;
	PgwfClientError *next;

	pthread_mutex_lock(&mutex);
	for (error = client->errors; error != NULL; error = next)
	{
		next = error->next_of_client;
		free_error(error);
	}
	pthread_mutex_unlock(&mutex);
}

const char *
pgwf_client_error(const PgwfClient *client)
{
	const PgwfClientError *error = find_error(client);

	return error != NULL && error->err.message != NULL ? error->err.message :
		"";
}

const char *
pgwf_client_sqlstate(const PgwfClient *client)
{
	const PgwfClientError *error = find_error(client);

	return error != NULL ? error->err.sqlstate : "";
}

PgwfFailure *
pgwf_client_failure(PgwfClient *client)
{
	PgwfClientError *error = find_error(client);

	if (error == NULL)
		return NULL;
	if (error->failure == NULL && error->err.detail != NULL)
	{
		json_t	   *json = pgwf_client_parse(client, error->err.detail);

		if (json_is_object(json))
			error->failure = pgwf_failure_from_json(json);
		json_decref(json);
	}
	return error->failure;
}

PgwfResult
pgwf_client_missing(PgwfClient *client, const char *what)
{
	return pgwf_err_set(pgwf_client_err(client), PGWF_INVALID_ARGUMENT, NULL,
						"%s is not set", what);
}

PgwfResult
pgwf_client_bad_answer(PgwfClient *client)
{
	return pgwf_err_set(pgwf_client_err(client), PGWF_ERROR, NULL,
						"could not understand the server's answer");
}

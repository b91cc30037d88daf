/*
 * encryption.c
 *		A worker and a client whose payloads are encrypted with AES-256-GCM:
 *		the database sees nothing but names, types and ids.
 *
 * Build, with the library and OpenSSL's libcrypto installed:
 *
 *	cc encryption.c -o encryption \
 *		$(pkg-config --cflags --libs pgworkflow libcrypto)
 *
 * The key is read from the environment variable ENCRYPTION_KEY, 64 hexadecimal
 * digits.  "encryption start TEXT" starts a workflow and prints its result,
 * "encryption" alone is the worker, until Control-C.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <pgworkflow.h>

#define TASK_QUEUE	"secrets"
#define KEY_SIZE	32
#define NONCE_SIZE	12
#define TAG_SIZE	16

static unsigned char key[KEY_SIZE];

/* ---- the codec: nonce, ciphertext, tag ---- */

static bool
encrypt(const unsigned char *data, size_t size, unsigned char **out,
		size_t *out_size, void *arg)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char *nonce = malloc(NONCE_SIZE + size + TAG_SIZE);
	unsigned char *text = nonce + NONCE_SIZE;
	int			n;
	bool		done;

	(void) arg;
	done = ctx != NULL && nonce != NULL &&
		RAND_bytes(nonce, NONCE_SIZE) == 1 &&
		EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
		EVP_EncryptUpdate(ctx, text, &n, data, (int) size) == 1 &&
		EVP_EncryptFinal_ex(ctx, text + n, &n) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_SIZE,
							text + size) == 1;
	EVP_CIPHER_CTX_free(ctx);
	*out = nonce;
	*out_size = NONCE_SIZE + size + TAG_SIZE;
	return done;
}

static bool
decrypt(const unsigned char *data, size_t size, unsigned char **out,
		size_t *out_size, void *arg)
{
	EVP_CIPHER_CTX *ctx;
	int			text_size = (int) size - NONCE_SIZE - TAG_SIZE;
	int			n;
	bool		done;

	(void) arg;
	if (text_size < 0)
		return false;
	ctx = EVP_CIPHER_CTX_new();
	*out = malloc((size_t) text_size + 1);
	done = ctx != NULL && *out != NULL &&
		EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, data) == 1 &&
		EVP_DecryptUpdate(ctx, *out, &n, data + NONCE_SIZE, text_size) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_SIZE,
							(void *) (data + size - TAG_SIZE)) == 1 &&
		EVP_DecryptFinal_ex(ctx, *out + n, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	*out_size = (size_t) text_size;
	return done;
}

static const PgwfCodec codec = {
	PGWF_CODEC_DEFAULTS,
	.encoding = "binary/encrypted",
	.encode = encrypt,
	.decode = decrypt,
	.encode_failures = true
};

static bool
read_key(void)
{
	const char *hex = getenv("ENCRYPTION_KEY");
	int			i;

	if (hex == NULL || strlen(hex) != 2 * KEY_SIZE)
		return false;
	for (i = 0; i < KEY_SIZE; i++)
	{
		unsigned	byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		key[i] = (unsigned char) byte;
	}
	return true;
}

/* ---- the workflow ---- */

static json_t *
whisper(PgwfActivity *activity, json_t *input, PgwfFailure **failure)
{
	const char *text = json_string_value(json_array_get(input, 0));

	(void) activity;
	if (text == NULL)
	{
		*failure = pgwf_failure_set_non_retryable(
												  pgwf_failure_new("NoText", "a secret must be text"));
		return NULL;
	}
	return json_sprintf("psst: %s", text);
}

static json_t *
keep_secret(PgwfWorkflow *wf, json_t *input, PgwfFailure **failure)
{
	PgwfActivityOptions options = PGWF_ACTIVITY_OPTIONS_INIT;
	json_t	   *result;

	options.start_to_close_timeout_ms = 10000;
	if (!pgwf_execute_activity(wf, "whisper", input, &options, &result,
							   failure))
		return NULL;
	return result;
}

/* ---- the program ---- */

static PgwfWorker *worker;

static void
stop(int signo)
{
	(void) signo;
	pgwf_worker_stop(worker);
}

static int
run_worker(void)
{
	PgwfRegistry *registry = pgwf_registry_new();
	PgwfWorkerOptions options = PGWF_WORKER_OPTIONS_INIT;
	PgwfResult	result;

	pgwf_register_workflow(registry, "keep_secret", keep_secret, NULL);
	pgwf_register_activity(registry, "whisper", whisper, NULL);
	pgwf_registry_set_codec(registry, &codec);
	options.task_queue = TASK_QUEUE;
	worker = pgwf_worker_new(&options, registry, NULL);
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	result = pgwf_worker_run(worker);
	if (result != PGWF_OK)
		fprintf(stderr, "%s\n", pgwf_worker_error(worker));
	pgwf_worker_free(worker);
	pgwf_registry_free(registry);
	return result == PGWF_OK ? 0 : 1;
}

static int
start(const char *text)
{
	PgwfClientOptions client_options = PGWF_CLIENT_OPTIONS_INIT;
	PgwfStartOptions options = PGWF_START_OPTIONS_INIT;
	PgwfClient *client;
	PgwfHandle *handle;
	PgwfOutcome outcome;
	PgwfResult	result;
	char		id[64];

	client_options.codec = &codec;
	client = pgwf_client_new(NULL, &client_options);
	snprintf(id, sizeof(id), "secret-%lld", (long long) time(NULL));
	options.workflow_id = id;
	options.workflow_type = "keep_secret";
	options.task_queue = TASK_QUEUE;
	options.input = json_pack("[s]", text);
	result = pgwf_handle_start(client, &options, &handle);
	json_decref(options.input);
	if (result == PGWF_OK)
	{
		result = pgwf_handle_result(handle, 0, &outcome);
		if (result == PGWF_OK && outcome.failure != NULL)
			puts(pgwf_failure_message(pgwf_failure_root(outcome.failure)));
		else if (result == PGWF_OK)
			puts(json_string_value(json_array_get(outcome.result, 0)));
		pgwf_outcome_clear(&outcome);
	}
	if (result != PGWF_OK)
		fprintf(stderr, "%s\n", pgwf_client_error(client));
	pgwf_handle_free(handle);
	pgwf_client_free(client);
	return result == PGWF_OK ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (!read_key())
	{
		fputs("set ENCRYPTION_KEY to 64 hexadecimal digits\n", stderr);
		return 2;
	}
	if (argc == 3 && strcmp(argv[1], "start") == 0)
		return start(argv[2]);
	return run_worker();
}

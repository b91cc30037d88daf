/*-------------------------------------------------------------------------
 *
 * codec.c
 *	  Payloads: bytes, and codecs applied to all values of a message.
 *
 * Which members of a message are values is known by their names, which the
 * service's JSON uses for nothing else.  Decoding needs no names: an encoded
 * value is an object with the mark of its codec.
 *
 * A codec is read-only once it is set; no locks.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "pgwf_codec.h"
#include "pgwf_options.h"

#define PAYLOAD_KEY		"@payload"
#define BYTES_ENCODING	"binary/plain"

/* How deep in a message values are */
#define MAX_DEPTH		100

/* ---- base64 ---- */

static const char digits[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *
base64_encode(const void *data, size_t size)
{
	const unsigned char *p = data;
	char	   *text = pgwf_xalloc((size + 2) / 3 * 4 + 1);
	char	   *to = text;
	size_t		i;

	for (i = 0; i < size; i += 3)
	{
		unsigned	three = (unsigned) p[i] << 16;

		if (i + 1 < size)
			three |= (unsigned) p[i + 1] << 8;
		if (i + 2 < size)
			three |= p[i + 2];
		*to++ = digits[three >> 18];
		*to++ = digits[three >> 12 & 63];
		*to++ = i + 1 < size ? digits[three >> 6 & 63] : '=';
		*to++ = i + 2 < size ? digits[three & 63] : '=';
	}
	return text;
}

static int
digit_of(char c)
{
	const char *p;

	if (c == '-')
		return 62;
	if (c == '_')
		return 63;
	p = c != '\0' ? strchr(digits, c) : NULL;
	return p != NULL ? (int) (p - digits) : -1;
}

/* Either alphabet */
char *
pgwf_base64_decode(const char *str, size_t *size)
{
	char	   *bytes = pgwf_xalloc(strlen(str) + 1);
	unsigned	buffer = 0;
	int			bits = 0;
	size_t		n = 0;

	for (; *str != '\0' && *str != '='; str++)
	{
		int			digit = digit_of(*str);

		if (digit < 0)
		{
			free(bytes);
			return NULL;
		}
		buffer = (buffer << 6) | (unsigned) digit;
		bits += 6;
		if (bits >= 8)
		{
			bits -= 8;
			bytes[n++] = (char) (buffer >> bits);
			buffer &= (1u << bits) - 1;
		}
	}
	bytes[n] = '\0';
	*size = n;
	return bytes;
}

/* ---- payloads ---- */

/* {"@payload": {"metadata": {"encoding": ...}, "data": ...}} */
static json_t *
make_payload(const char *encoding, const void *data, size_t size)
{
	char	   *name = base64_encode(encoding, strlen(encoding));
	char	   *text = base64_encode(data, size);
	json_t	   *payload = json_pack("{s:{s:{s:s}, s:s}}", PAYLOAD_KEY,
									"metadata", "encoding", name,
									"data", text);

	free(name);
	free(text);
	return payload;
}

/* The data of a payload of this encoding, malloc'ed; NULL if it is none. */
static char *
payload_data(const json_t *value, const char *encoding, size_t *size)
{
	const json_t *payload;
	const char *name;
	const char *data;
	char	   *decoded;
	bool		same;

	if (json_object_size(value) != 1)
		return NULL;
	payload = json_object_get(value, PAYLOAD_KEY);
	name = pgwf_json_str2(payload, "metadata", "encoding");
	data = pgwf_json_str(payload, "data");
	if (name == NULL)
		return NULL;
	decoded = pgwf_base64_decode(name, size);
	same = decoded != NULL && strcmp(decoded, encoding) == 0;
	free(decoded);
	return same ? pgwf_base64_decode(data != NULL ? data : "", size) : NULL;
}

json_t *
pgwf_bytes(const void *data, size_t size)
{
	return make_payload(BYTES_ENCODING, data, size);
}

bool
pgwf_get_bytes(const json_t *value, void **data, size_t *size)
{
	char	   *bytes = payload_data(value, BYTES_ENCODING, size);

	if (bytes == NULL)
		return false;
	*data = bytes;
	return true;
}

/* ---- encoding ---- */

/* A new reference; NULL if the codec cannot. */
static json_t *
encode_value(const PgwfCodec *codec, const json_t *value)
{
	char	   *text = pgwf_json_text(value);
	unsigned char *out = NULL;
	size_t		size = 0;
	json_t	   *payload = NULL;

	if (text != NULL &&
		codec->encode((const unsigned char *) text, strlen(text), &out, &size,
					  codec->arg))
		payload = make_payload(codec->encoding, out, size);
	free(text);
	free(out);
	return payload;
}

static bool
encode_list(const PgwfCodec *codec, json_t *list)
{
	size_t		i;

	for (i = 0; i < json_array_size(list); i++)
	{
		json_t	   *payload = encode_value(codec, json_array_get(list, i));

		if (payload == NULL)
			return false;
		json_array_set_new(list, i, payload);
	}
	return true;
}

static bool
encode_fields(const PgwfCodec *codec, json_t *fields)
{
	const char *key;
	json_t	   *value;
	void	   *next;

	json_object_foreach_safe(fields, next, key, value)
	{
		json_t	   *payload = encode_value(codec, value);

		if (payload == NULL)
			return false;
		json_object_set_new(fields, key, payload);
	}
	return true;
}

/* Members that are lists of values, wherever they are */
static bool
is_list_key(const char *key)
{
	static const char *const keys[] = {
		"input", "result", "details", "lastHeartbeatDetails",
		"lastCompletionResult", "args", "queryArgs", "answer", "success"
	};
	size_t		i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
	{
		if (strcmp(key, keys[i]) == 0)
			return true;
	}
	return false;
}

/*
 * A failure's message and stack trace go into its encodedAttributes, as
 * Temporal's tools do it.
 */
static bool
encode_failure(const PgwfCodec *codec, json_t *failure)
{
	static const char *const names[] = {"message", "stackTrace"};
	static const char *const keys[] = {"message", "stack_trace"};
	json_t	   *attributes = json_object();
	json_t	   *payload;
	int			i;

	for (i = 0; i < 2; i++)
	{
		json_t	   *value = json_object_get(failure, names[i]);

		json_object_set_new(attributes, keys[i], value != NULL ?
							json_incref(value) : json_string(""));
	}
	payload = encode_value(codec, attributes);
	json_decref(attributes);
	if (payload == NULL)
		return false;
	json_object_set_new(failure, "message", json_string("Encoded failure"));
	json_object_del(failure, "stackTrace");
	json_object_set_new(failure, "encodedAttributes", payload);
	return true;
}

/* A marker's details are lists by name. */
static bool
encode_marker(const PgwfCodec *codec, json_t *details)
{
	const char *key;
	json_t	   *list;

	json_object_foreach(details, key, list)
	{
		if (!encode_list(codec, list))
			return false;
	}
	return true;
}

/* Encodes all values of a message. */
static bool
encode_tree(const PgwfCodec *codec, json_t *tree, int depth)
{
	const char *key;
	json_t	   *value;
	void	   *next;
	size_t		i;

	if (depth > MAX_DEPTH)
		return true;
	for (i = 0; i < json_array_size(tree); i++)
	{
		if (!encode_tree(codec, json_array_get(tree, i), depth + 1))
			return false;
	}
	json_object_foreach_safe(tree, next, key, value)
	{
		if (json_is_array(value) && is_list_key(key))
		{
			if (!encode_list(codec, value))
				return false;
		}
		else if (strcmp(key, "fields") == 0 && json_is_object(value))
		{
			if (!encode_fields(codec, value))
				return false;
		}
		else if (strcmp(key, "details") == 0 && json_is_object(value))
		{
			if (!encode_marker(codec, value))
				return false;
		}
		else if (strcmp(key, "indexedFields") == 0)
			continue;			/* the service searches them */
		else if (!encode_tree(codec, value, depth + 1))
			return false;
		else if (codec->encode_failures && json_is_object(value) &&
				 (strcmp(key, "failure") == 0 || strcmp(key, "cause") == 0) &&
				 !encode_failure(codec, value))
			return false;
	}
	return true;
}

char *
pgwf_codec_text(const PgwfCodec *codec, PgwfValueKind kind,
				const json_t *value)
{
	json_t	   *copy;
	char	   *text = NULL;
	bool		encoded = false;

	if (value == NULL)
		return NULL;
	if (codec == NULL)
	{
		return kind == PGWF_VALUE_SINGLE ? pgwf_json_value_text(value) :
			kind == PGWF_VALUE_ARGS ? pgwf_json_args_text(value) :
			pgwf_json_text(value);
	}
	copy = json_deep_copy((json_t *) value);
	if (kind == PGWF_VALUE_SINGLE ||
		(kind == PGWF_VALUE_ARGS && !json_is_array(copy)))
		copy = json_pack("[o]", copy);
	switch (kind)
	{
		case PGWF_VALUE_SINGLE:
		case PGWF_VALUE_ARGS:
			encoded = encode_list(codec, copy);
			break;
		case PGWF_VALUE_FIELDS:
			encoded = encode_fields(codec, copy);
			break;
		case PGWF_VALUE_TREE:
			encoded = encode_tree(codec, copy, 0);
			if (encoded && codec->encode_failures &&
				json_is_object(copy) &&
				json_object_get(copy, "message") != NULL)
				encoded = encode_failure(codec, copy);
			break;
	}
	if (encoded)
		text = pgwf_json_text(copy);
	json_decref(copy);
	return text;
}

/* ---- decoding ---- */

/*
 * What a value decodes to, a new reference: NULL if it is not encoded, or if
 * it cannot be decoded, which sets *failed.
 */
static json_t *
decode_value(const PgwfCodec *codec, const json_t *value, bool *failed)
{
	size_t		size;
	char	   *data = payload_data(value, codec->encoding, &size);
	unsigned char *out = NULL;
	size_t		out_size = 0;
	json_t	   *decoded = NULL;

	if (data == NULL)
		return NULL;
	if (codec->decode((const unsigned char *) data, size, &out, &out_size,
					  codec->arg))
		decoded = json_loadb((const char *) out, out_size,
							 JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (decoded == NULL)
		*failed = true;
	free(data);
	free(out);
	return decoded;
}

/* Puts a failure's message and stack trace back. */
static void
restore_failure(json_t *failure)
{
	json_t	   *attributes = json_object_get(failure, "encodedAttributes");
	json_t	   *message = json_object_get(attributes, "message");
	json_t	   *stack_trace = json_object_get(attributes, "stack_trace");

	if (!json_is_string(message))
		return;
	json_object_set(failure, "message", message);
	if (json_is_string(stack_trace) && json_string_length(stack_trace) > 0)
		json_object_set(failure, "stackTrace", stack_trace);
	json_object_del(failure, "encodedAttributes");
}

static bool
decode_tree(const PgwfCodec *codec, json_t *tree, int depth)
{
	bool		failed = false;
	const char *key;
	json_t	   *value;
	void	   *next;
	size_t		i;

	if (depth > MAX_DEPTH)
		return true;
	for (i = 0; i < json_array_size(tree); i++)
	{
		json_t	   *element = json_array_get(tree, i);
		json_t	   *decoded = decode_value(codec, element, &failed);

		if (decoded != NULL)
			json_array_set_new(tree, i, decoded);
		else if (failed || !decode_tree(codec, element, depth + 1))
			return false;
	}
	json_object_foreach_safe(tree, next, key, value)
	{
		json_t	   *decoded = decode_value(codec, value, &failed);

		if (decoded != NULL)
			json_object_set_new(tree, key, decoded);
		else if (failed || !decode_tree(codec, value, depth + 1))
			return false;
	}
	if (json_object_get(tree, "encodedAttributes") != NULL)
		restore_failure(tree);
	return true;
}

bool
pgwf_codec_decode(const PgwfCodec *codec, json_t *tree)
{
	return codec == NULL || decode_tree(codec, tree, 0);
}

/* ---- keeping one ---- */

PgwfCodec *
pgwf_codec_copy(const PgwfCodec *codec)
{
	PgwfCodec  *copy;

	if (codec == NULL)
		return NULL;
	copy = pgwf_xalloc(sizeof(PgwfCodec));
	*copy = (PgwfCodec) PGWF_CODEC_INIT;
	pgwf_options_read(copy, sizeof(PgwfCodec), codec);
	copy->encoding = pgwf_strdup(copy->encoding);
	return copy;
}

void
pgwf_codec_free(PgwfCodec *codec)
{
	if (codec == NULL)
		return;
	free((char *) codec->encoding);
	free(codec);
}

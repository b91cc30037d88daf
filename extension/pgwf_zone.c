/*-------------------------------------------------------------------------
 *
 * pgwf_zone.c
 *		Time zones: those that the server knows by name, and those that are
 *		given as the contents of a TZif file (RFC 8536).
 *
 * Of a file, the transitions are taken from the block of 64-bit times if it
 * has one, and what comes after the last of them from the rule at its end,
 * which the server understands as a zone.  Leap seconds are passed over, as
 * nowhere else are there any.
 *
 * Touches no table and takes no lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/base64.h"
#include "datatype/timestamp.h"
#include "port/pg_bswap.h"

#include "pgwf_zone.h"

#define HEADER_SIZE		44
#define TYPE_SIZE		6
#define MAX_TRANSITIONS 5000
#define MAX_TYPES		256
#define MAX_OFFSET		(26 * SECS_PER_HOUR)

struct PgwfZone
{
	pg_tz	   *server;			/* zone of the server; of a file, what holds
								 * after its last transition, or NULL */
	int			count;			/* of transitions */
	int64	   *times;			/* ascending */
	int32	   *offsets;		/* from each on */
	int32		first_offset;	/* before the first */
	bool		from_data;
};

/* A part of a TZif file */
typedef struct Block
{
	const unsigned char *data;	/* behind the header */
	int			time_size;		/* of a transition, in bytes */
	uint32		isutcnt;
	uint32		isstdcnt;
	uint32		leapcnt;
	uint32		timecnt;
	uint32		typecnt;
	uint32		charcnt;
} Block;

PgwfZone *
pgwf_zone(const char *name)
{
	pg_tz	   *server;
	PgwfZone   *zone;

	if (name == NULL || name[0] == '\0')
		name = "UTC";
	if (strlen(name) > TZ_STRLEN_MAX)
		return NULL;
	server = pg_tzset(name);
	if (server == NULL)
		return NULL;
	zone = palloc0(sizeof(PgwfZone));
	zone->server = server;
	return zone;
}

static uint32
read_uint32(const unsigned char *data)
{
	uint32		value;

	memcpy(&value, data, sizeof(value));
	return pg_ntoh32(value);
}

static int64
read_time(const unsigned char *data, int size)
{
	uint64		value;

	if (size == 4)
		return (int32) read_uint32(data);
	memcpy(&value, data, sizeof(value));
	return (int64) pg_ntoh64(value);
}

/*
 * Reads the header of a block at *data and advances behind the block; false
 * if that would be behind "end".
 */
static bool
read_block(const unsigned char **data, const unsigned char *end,
		   int time_size, Block *block)
{
	const unsigned char *p = *data;
	int64		size;

	if (end - p < HEADER_SIZE || memcmp(p, "TZif", 4) != 0)
		return false;
	block->isutcnt = read_uint32(p + 20);
	block->isstdcnt = read_uint32(p + 24);
	block->leapcnt = read_uint32(p + 28);
	block->timecnt = read_uint32(p + 32);
	block->typecnt = read_uint32(p + 36);
	block->charcnt = read_uint32(p + 40);
	block->time_size = time_size;
	block->data = p + HEADER_SIZE;
	size = (int64) block->timecnt * (time_size + 1) +
		(int64) block->typecnt * TYPE_SIZE + block->charcnt +
		(int64) block->leapcnt * (time_size + 4) +
		block->isstdcnt + block->isutcnt;
	if (size > end - block->data)
		return false;
	*data = block->data + size;
	return true;
}

/* Takes over transitions and offsets; false if they make no sense */
static bool
read_transitions(PgwfZone *zone, const Block *block)
{
	const unsigned char *times = block->data;
	const unsigned char *indexes = times +
	block->timecnt * block->time_size;
	const unsigned char *types = indexes + block->timecnt;
	int32		offsets[MAX_TYPES];

	if (block->typecnt == 0 || block->typecnt > MAX_TYPES ||
		block->timecnt > MAX_TRANSITIONS)
		return false;
	for (uint32 i = 0; i < block->typecnt; i++)
	{
		offsets[i] = (int32) read_uint32(types + i * TYPE_SIZE);
		if (offsets[i] < -MAX_OFFSET || offsets[i] > MAX_OFFSET)
			return false;
	}
	zone->first_offset = offsets[0];
	zone->count = (int) block->timecnt;
	zone->times = palloc(Max(zone->count, 1) * sizeof(int64));
	zone->offsets = palloc(Max(zone->count, 1) * sizeof(int32));
	for (int i = 0; i < zone->count; i++)
	{
		if (indexes[i] >= block->typecnt)
			return false;
		zone->times[i] = read_time(times + i * block->time_size,
								   block->time_size);
		zone->offsets[i] = offsets[indexes[i]];
		if (i > 0 && zone->times[i] <= zone->times[i - 1])
			return false;
	}
	return true;
}

/* The rule at the end of a file: "\n", a POSIX TZ string, "\n" */
static bool
read_rule(PgwfZone *zone, const unsigned char *data,
		  const unsigned char *end)
{
	const unsigned char *newline;

	if (data == end || *data != '\n')
		return false;
	data++;
	newline = memchr(data, '\n', end - data);
	if (newline == NULL || newline - data > TZ_STRLEN_MAX)
		return false;
	if (newline == data)
		return true;
	zone->server = pg_tzset(pnstrdup((const char *) data, newline - data));
	return zone->server != NULL;
}

PgwfZone *
pgwf_zone_from_data(const char *base64, char **error)
{
	int			size = (int) Min(strlen(base64), PG_INT32_MAX / 2);
	int			max_size = pg_b64_dec_len(size);
	unsigned char *decoded;
	const unsigned char *data;
	const unsigned char *end;
	PgwfZone   *zone;
	Block		block;
	bool		valid;

	if (max_size > PGWF_MAX_ZONE_DATA)
	{
		*error = psprintf("timezoneData is larger than %d bytes",
						  PGWF_MAX_ZONE_DATA);
		return NULL;
	}
	decoded = palloc(max_size + 1);
	size = pg_b64_decode(base64, size, (void *) decoded, max_size);
	zone = palloc0(sizeof(PgwfZone));
	zone->from_data = true;
	data = decoded;
	end = decoded + Max(size, 0);
	valid = read_block(&data, end, 4, &block);
	if (valid && decoded[4] >= '2')
		valid = read_block(&data, end, 8, &block) &&
			read_rule(zone, data, end);
	if (!valid || !read_transitions(zone, &block))
	{
		*error = pstrdup("timezoneData is no TZif file in base64");
		return NULL;
	}
	return zone;
}

static bool
server_offset(pg_tz *server, pg_time_t moment, int64 *offset, pg_time_t *end)
{
	long int	before_gmtoff;
	long int	after_gmtoff;
	int			before_isdst;
	int			after_isdst;
	pg_time_t	boundary;
	int			result;

	result = pg_next_dst_boundary(&moment, &before_gmtoff, &before_isdst,
								  &boundary, &after_gmtoff, &after_isdst,
								  server);
	if (result < 0)
		return false;
	*offset = before_gmtoff;
	*end = result == 0 ? PG_INT64_MAX : boundary;
	return true;
}

/* The number of transitions up to a moment */
static int
transitions_until(const PgwfZone *zone, pg_time_t moment)
{
	int			low = 0;
	int			high = zone->count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (zone->times[middle] <= moment)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
pgwf_zone_offset(const PgwfZone *zone, pg_time_t moment, int64 *offset,
				 pg_time_t *end)
{
	int			passed;

	if (!zone->from_data)
		return server_offset(zone->server, moment, offset, end);
	passed = transitions_until(zone, moment);
	if (passed == zone->count && zone->server)
		return server_offset(zone->server, moment, offset, end);
	*offset = passed == 0 ? zone->first_offset : zone->offsets[passed - 1];
	*end = passed == zone->count ? PG_INT64_MAX : zone->times[passed];
	return true;
}

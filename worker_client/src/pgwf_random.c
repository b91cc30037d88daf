/*
 * pgwf_random.c
 *		Randomness that replays: SipHash-1-3 of a run's id seeds xoshiro256**.
 *
 * No locks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgwf_int.h"

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static void
sip_round(uint64_t *v)
{
	v[0] += v[1];
	v[1] = ROTL(v[1], 13);
	v[1] ^= v[0];
	v[0] = ROTL(v[0], 32);
	v[2] += v[3];
	v[3] = ROTL(v[3], 16);
	v[3] ^= v[2];
	v[0] += v[3];
	v[3] = ROTL(v[3], 21);
	v[3] ^= v[0];
	v[2] += v[1];
	v[1] = ROTL(v[1], 17);
	v[1] ^= v[2];
	v[2] = ROTL(v[2], 32);
}

/* SipHash with one compression and three finalisation rounds, zero keys. */
uint64_t
pgwf_siphash13(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t	v[4] = {
		UINT64_C(0x736f6d6570736575), UINT64_C(0x646f72616e646f6d),
		UINT64_C(0x6c7967656e657261), UINT64_C(0x7465646279746573)
	};
	uint64_t	word;
	size_t		left = len;
	int			i;

	for (; left >= 8; left -= 8, p += 8)
	{
		word = 0;
		for (i = 0; i < 8; i++)
			word |= (uint64_t) p[i] << (8 * i);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = (uint64_t) (len & 0xff) << 56;
	for (i = 0; i < (int) left; i++)
		word |= (uint64_t) p[i] << (8 * i);
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The seed of a run: hash of its id's bytes followed by 0xff. */
uint64_t
pgwf_run_seed(const char *run_id)
{
	size_t		len = strlen(run_id);
	unsigned char *bytes = pgwf_xalloc(len + 1);
	uint64_t	seed;

	memcpy(bytes, run_id, len);
	bytes[len] = 0xff;
	seed = pgwf_siphash13(bytes, len + 1);
	free(bytes);
	return seed;
}

/*
 * Fills the state from a seed by splitmix64, as the generator's authors ask.
 */
void
pgwf_random_seed(PgwfRandom *random, uint64_t seed)
{
	int			i;

	for (i = 0; i < 4; i++)
	{
		uint64_t	z = (seed += UINT64_C(0x9e3779b97f4a7c15));

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		random->s[i] = z ^ (z >> 31);
	}
}

uint64_t
pgwf_random_next(PgwfRandom *random)
{
	uint64_t   *s = random->s;
	uint64_t	result = ROTL(s[1] * 5, 7) * 9;
	uint64_t	t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = ROTL(s[3], 45);
	return result;
}

/* A version 4 UUID; buf has room for 37 bytes. */
void
pgwf_random_uuid(PgwfRandom *random, char *buf)
{
	uint64_t	a = pgwf_random_next(random);
	uint64_t	b = pgwf_random_next(random);

	snprintf(buf, 37, "%08x-%04x-4%03x-%04x-%012llx",
			 (unsigned) (a >> 32), (unsigned) (a >> 16) & 0xffff,
			 (unsigned) a & 0xfff,
			 (unsigned) (0x8000 | ((b >> 48) & 0x3fff)),
			 (unsigned long long) (b & UINT64_C(0xffffffffffff)));
}

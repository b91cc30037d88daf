/*-------------------------------------------------------------------------
 *
 * pgwf_options.h
 *	  Reading options structs, and their defaults.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGWF_OPTIONS_H
#define PGWF_OPTIONS_H

#include "pgwf_util.h"

/*
 * Copy the caller's options, made with an older or newer header perhaps, over
 * defaults whose first member is struct_size.
 */
extern void pgwf_options_read(void *to, size_t size, const void *from);

/* 0 is the default, -1 stays -1; the rest is limited to what poll() takes. */
extern int	pgwf_option_ms(int64_t value, int default_ms);

/* <pid>@<host>, with @<task queue> if one is given; malloc'ed. */
extern char *pgwf_default_identity(const char *task_queue);

/* A random (version 4) UUID into PGWF_RUN_ID_SIZE bytes. */
extern void pgwf_request_uuid(char *uuid);
extern char *pgwf_number_text(double number);

#endif							/* PGWF_OPTIONS_H */

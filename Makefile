# pg_workflow: the C extension (PGXS) and the worker library beside it.
#
#   make && make install       build and install both; PG_CONFIG=... picks the
#                              server, with_llvm=no leaves the bitcode out
#   make installcheck          run the suites on a running server that has
#                              shared_preload_libraries = 'pg_workflow'
#   make check | demo | bench  set up this machine (Debian, root), start a
#                              throw-away server, then test, show or measure
#   make indent | indent-check | typedefs | lint
#                              formatting and static checks
#
# The second and third kind are scripts in tools/ and test/, and need no
# installed PostgreSQL to start with, so they must not include PGXS.

SCRIPT_TARGETS = check demo bench majors indent indent-check typedefs lint

ifneq (,$(filter $(SCRIPT_TARGETS),$(MAKECMDGOALS)))

ifneq (,$(filter-out $(SCRIPT_TARGETS),$(MAKECMDGOALS)))
$(error run "$(filter $(SCRIPT_TARGETS),$(MAKECMDGOALS))" without other targets)
endif

.PHONY: $(SCRIPT_TARGETS)

check:
	@test/run

demo:
	@tools/with-server demo/run

bench:
	@tools/with-server bench/run

majors:
	@test/majors

indent:
	@tools/indent

indent-check:
	@tools/indent --check

typedefs:
	@tools/typedefs

lint:
	@tools/lint

else

# ---- what is built ----

EXTENSION = pg_workflow
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" \
	$(EXTENSION).control)

MODULE_big = pg_workflow
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard extension/*.c)))
HDRS = $(wildcard extension/*.h)
PGFILEDESC = "pg_workflow - durable execution"

SQL_PARTS = $(sort $(wildcard extension/sql/[0-9]*.sql))
DATA = $(wildcard extension/sql/updates/*.sql)
DATA_built = $(EXTENSION)--$(EXTVERSION).sql

PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers \
	$(if $(findstring clang,$(CC)),$(CLANG_CFLAGS),$(GCC_CFLAGS))
# The server's flags and headers are made for gcc when gcc built it.
CLANG_CFLAGS = -Wno-ignored-attributes -Wno-unknown-warning-option \
	-Wno-ignored-optimization-argument
# What gcc takes for clobbered by longjmp is never changed inside PG_TRY, and
# since 14 are PG_TRY's own variables.
GCC_CFLAGS = -Wno-clobbered

# ---- suites that run on a server which is there (make installcheck) ----

# Tests in the order of test/schedule first, then the others by name.
REGRESS_ALL = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_FIRST = $(filter $(REGRESS_ALL),$(shell sed 's/\#.*//' test/schedule))
REGRESS = $(REGRESS_FIRST) $(filter-out $(REGRESS_FIRST),$(REGRESS_ALL))
REGRESS_OPTS = --load-extension=$(EXTENSION)

ISOLATION = $(patsubst test/isolation/specs/%.spec,%,\
	$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=$(srcdir)/test/isolation \
	--load-extension=$(EXTENSION)

# TAP tests start servers of their own, which PostgreSQL refuses to root.
ifneq (0,$(shell id -u))
ifeq (yes,$(shell perl -MIPC::Run -MTest::More -e 'print "yes"' 2>/dev/null))
TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl
PROVE_FLAGS += -I test/lib
endif
endif

EXTRA_CLEAN = $(EXTENSION)--*.sql results output_iso tmp_check \
	regression.diffs regression.out

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq (,$(PGXS))
$(error "$(PG_CONFIG) --pgxs" printed nothing: install the server's \
	development files, or pass PG_CONFIG=/path/to/pg_config)
endif
include $(PGXS)

# From 16 on the expected files have a folder option of their own.
ifneq (15,$(MAJORVERSION))
ISOLATION_OPTS += --expecteddir=$(srcdir)/test/isolation
endif

# The server's build does not track headers for us: any change rebuilds all.
$(OBJS) $(OBJS:.o=.bc): $(HDRS)

# ---- the install script ----

$(DATA_built): $(SQL_PARTS) $(EXTENSION).control
	@test -n "$(EXTVERSION)"
	@{ printf '%s\n' \
	  '/* $(EXTENSION) $(EXTVERSION): made of extension/sql by make */' \
	  '' \
	  '-- complain if script is sourced in psql, not by CREATE EXTENSION' \
	  '\echo Use "CREATE EXTENSION $(EXTENSION)" to load this file. \quit' \
	  '' \
	  'SET LOCAL search_path = pg_catalog, pg_temp;'; \
	  for f in $(SQL_PARTS); do \
	    printf '\n/* ---- %s ---- */\n\n' "$${f##*/}"; cat "$$f"; \
	  done; } > $@.tmp
	@mv $@.tmp $@

# ---- the worker library ----

ifneq (,$(wildcard worker_client/Makefile))

.PHONY: client install-client uninstall-client clean-client

all: client
install: install-client
uninstall: uninstall-client
clean: clean-client

client:
	+$(MAKE) -C worker_client PG_CONFIG='$(PG_CONFIG)' all

install-client: client
	+$(MAKE) -C worker_client PG_CONFIG='$(PG_CONFIG)' \
		DESTDIR='$(DESTDIR)' install

uninstall-client:
	+$(MAKE) -C worker_client PG_CONFIG='$(PG_CONFIG)' \
		DESTDIR='$(DESTDIR)' uninstall

clean-client:
	+$(MAKE) -C worker_client PG_CONFIG='$(PG_CONFIG)' clean

endif

endif

# Shared by the scripts that need a build of their own and a throw-away
# server.  To be sourced by bash with "set -euo pipefail" in force.
#
# Everything happens in one scratch folder: a copy of the sources (the
# checkout may be closed to the user the server runs as), a copy of the
# installed PostgreSQL with our build in it (so nothing of the machine is
# changed, and no server of it is touched), data, sockets and logs.  When the
# script ends, however it ends, the folder and every process that was started
# under it are gone.
#
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PG_CONFIG=${PG_CONFIG:-pg_config}

say()
{
	echo "== $*"
}

# Makes the scratch folder and arms the clean-up.
make_scratch()
{
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/pg_workflow.XXXXXX")
	chmod 755 "$scratch"
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP

	# marks the processes that belong to us, for clean_up
	export PGWF_SCRATCH=$scratch
	export HOME=$scratch

	user=
	if [ "$(id -u)" = 0 ]; then
		user=postgres
	fi
}

# Runs a command as the server's user: initdb and TAP tests refuse root.
as_user()
{
	if [ -n "$user" ]; then
		runuser -u "$user" -- "$@"
	else
		"$@"
	fi
}

clean_up()
{
	local status=$? process

	trap - EXIT
	trap '' INT TERM HUP
	if [ -n "${KEEP_SCRATCH:-}" ]; then
		echo "kept: $scratch"
	fi
	if [ -s "$scratch/data/postmaster.pid" ]; then
		as_user "$pg_bindir/pg_ctl" -D "$scratch/data" -m immediate -w -s \
			stop || true
	fi
	for process in /proc/[0-9]*; do
		if [ "${process#/proc/}" != $$ ] &&
			grep -qzxF "PGWF_SCRATCH=$scratch" "$process/environ" \
				2> /dev/null; then
			kill -9 "${process#/proc/}" 2> /dev/null || true
		fi
	done
	if [ -z "${KEEP_SCRATCH:-}" ]; then
		rm -rf "$scratch" 2> /dev/null ||
			{ sleep 1; rm -rf "$scratch"; }
	fi
	exit "$status"
}

# Copies the sources, without what builds and tests leave behind.
copy_sources()
{
	src=$scratch/src
	mkdir "$src"
	tar -C "$top" --exclude=./.git --exclude='*.o' --exclude='*.bc' \
		--exclude='*.so' --exclude='*.so.*' --exclude='*.a' \
		--exclude=./results --exclude=./tmp_check --exclude=output_iso \
		--exclude=./build -cf - . | tar -C "$src" --no-same-owner -xf -
}

# Runs a quiet command, and shows the end of what it said if it fails.
quietly()
{
	local log=$scratch/log/$1

	shift
	mkdir -p "$scratch/log"
	if ! "$@" > "$log" 2>&1; then
		echo "failed: $*" >&2
		tail -n 60 "$log" >&2
		return 1
	fi
}

# Builds the copied sources and installs them into the private PostgreSQL.
# Arguments are passed to make.
build()
{
	local bindir sharedir libdir

	PG_CONFIG=$(command -v "$PG_CONFIG")
	bindir=$("$PG_CONFIG" --bindir)
	sharedir=$("$PG_CONFIG" --sharedir)
	libdir=$("$PG_CONFIG" --pkglibdir)
	pg_prefix=$scratch/pg
	pg_bindir=$pg_prefix$bindir
	# shellcheck disable=SC2034  # for the scripts that source this
	pgxs_tests=$(dirname "$("$PG_CONFIG" --pgxs)")/../test

	mkdir -p "$pg_bindir" "$pg_prefix$sharedir" "$pg_prefix$libdir"
	cp -a "$bindir/." "$pg_bindir"
	cp -a "$sharedir/." "$pg_prefix$sharedir"
	cp -a "$libdir/." "$pg_prefix$libdir"

	# the copy of pg_config would lead compilers to headers that are not here
	rm -f "$pg_bindir/pg_config"
	printf '#!/bin/sh\nexec %s "$@"\n' "$PG_CONFIG" > "$pg_bindir/pg_config"
	chmod +x "$pg_bindir/pg_config"

	quietly build make -s -C "$src" -j"$(nproc)" PG_CONFIG="$PG_CONFIG" \
		with_llvm=no "$@"
	quietly install make -s -C "$src" PG_CONFIG="$PG_CONFIG" with_llvm=no \
		DESTDIR="$pg_prefix" "$@" install

	# what our build brought: commands, libraries, pkg-config files
	local place
	PATH=$pg_bindir:$PATH
	while IFS= read -r place; do
		PATH=${place%/*}:$PATH
	done < <(find "$pg_prefix" -name pgworkflow -type f -perm /111)
	while IFS= read -r place; do
		LD_LIBRARY_PATH=${place%/*}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
	done < <(find "$pg_prefix" -name libpgworkflow.so)
	export PATH LD_LIBRARY_PATH PGWF_PREFIX=$pg_prefix

	if [ -n "$user" ]; then
		chown -R "$user" "$scratch"
		chmod -R u+rwX "$src"
	fi
	cd "$src" || return
}

# Makes and starts the server; arguments are files of settings to add.
start_server()
{
	local file

	unset PGDATABASE PGSERVICE PGOPTIONS PGPASSWORD PGSSLMODE PGDATA
	export PGHOST=$scratch/socket PGPORT=5432 PGUSER=postgres
	export PGDATABASE=postgres
	as_user mkdir -p "$PGHOST" "$scratch/log"
	quietly initdb as_user "$pg_bindir/initdb" -D "$scratch/data" \
		-U postgres -A trust -E UTF8 --locale=C --no-sync
	{
		echo "shared_preload_libraries = 'pg_workflow'"
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$PGHOST'"
		echo "port = $PGPORT"
		for file in "$@"; do
			[ ! -e "$file" ] || cat "$file"
		done
	} >> "$scratch/data/postgresql.conf"
	server_log=$scratch/log/server
	if ! as_user "$pg_bindir/pg_ctl" -D "$scratch/data" -l "$server_log" \
		-w -s start; then
		tail -n 40 "$server_log" >&2
		return 1
	fi
}

#!/usr/bin/env bash
# Measures `crmkeep backup` beside `pg_dump | restic` by hand on this machine, and prints a table. The results are also in
# .local/bench-backup.json. BENCH_BYTES, BENCH_FILES (bytes) and BENCH_ROUNDS say how much and how often. `make bench-backup` sets what
# this needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../test/bench/backup"

# From the folder of the tests: an absolute path could lead through a home directory that nobody may enter.
export BENCH_RESULT=../../../.local/bench-backup.json
mkdir -p ../../../.local
# Postgres refuses to run as root, so all of this runs as nobody, who may write into this file and not beside it.
: >"$BENCH_RESULT"
chmod 666 "$BENCH_RESULT"
go test . -run='^$' -bench=Backup -benchtime=1x -timeout=2h

#!/usr/bin/env bash
# Measures a database connection through the agent beside one that speaks mutual TLS by itself, on this machine, and prints a table.
# The results are also in .local/bench-agent.json. BENCH_ROUNDS and BENCH_SECONDS say how often and how long; BENCH_PROFILE names a
# file for the agent's CPU profile. `make bench-agent` sets what this needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../test/bench"

# From the folder of the tests: an absolute path could lead through a home directory that nobody may enter.
export BENCH_RESULT=../../.local/bench-agent.json
mkdir -p ../../.local
# Postgres refuses to run as root, so all of this runs as nobody, who may write into these files and not beside them.
for file in "$BENCH_RESULT" ${BENCH_PROFILE:+"$BENCH_PROFILE"}; do
	: >"$file"
	chmod 666 "$file"
done
go test . -run='^$' -bench=DatabaseConnection -benchtime=1x -timeout=1h

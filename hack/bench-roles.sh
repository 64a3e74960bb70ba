#!/usr/bin/env bash
# Measures how fast role policies get to a real Tryton, and somebody out of many, on this machine, and prints a table. The results are also in
# .local/bench-roles.json. BENCH_ROLES, BENCH_PEOPLE and BENCH_CRMS say how many there are. `make bench-roles` sets what this needs; it needs root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../test/bench/roles"

export BENCH_RESULT=../../../.local/bench-roles.json
mkdir -p ../../../.local
go test . -run='^$' -bench=Roles -benchtime=1x -timeout=1h

#!/usr/bin/env bash
# Measures what environments cost by their number: crmkeep beside a bare client and Helm. Needs no root. See
# docs/explanation/scale.md for what the numbers mean.
#
#   bench-scale.sh N [OPTION...]     N: the largest number of environments; 30, 100 and 300 are measured on the way there.
#                                    Options are those of test/bench/scale, such as --rounds=5, --ways=bare,crmkeep, --profile=30s
#   bench-scale.sh check             what a change must pass, in a minute: 20 environments, and only what can be counted
#
# Results: .build/bench-scale/scale.json and scale.svg
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
n=${1:?usage: bench-scale.sh N|check [OPTION...]}
shift
if [ "$n" = check ]; then
	n=20
	set -- --check --rounds=1 --ways=crmkeep --parallel=8 --fairness=0 "$@"
fi

sizes=$n
for size in 300 100 30; do
	[ "$size" -ge "$n" ] || sizes=$size,$sizes
done
out=.build/bench-scale
mkdir -p "$out"
PATH=$(hack/cluster/scripts/build.sh --path):$PATH
hack/devvault/build.sh >/dev/null
# A program of its own, so that nobody builds another one meanwhile.
go build -buildvcs=false -ldflags='-s -w' -o "$out/crmkeep" .
go build -o "$out/scale" ./test/bench/scale
exec "$out/scale" -n "$sizes" -crmkeep "$out/crmkeep" -helm "$(hack/tools/install.sh helm)" -results "$out" "$@"

#!/usr/bin/env bash
# Runs the full form of test/faults: the kills shared by several processes side by side, because a life mostly waits, and beside them
# one process with the other stories. See docs/explanation/faults.md.
#
#   test-faults.sh [STAGES]    STAGES: where a manager is killed, such as "drill,drill's end"; all unless given
#
# PARTS (2) is the number of processes that kill. Logs: .build/test-faults/*.log. Ends with how many kills there were, and with an error if
# any story failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
stages=${1:-}
parts=${PARTS:-2}

out=$PWD/.build/test-faults
rm -rf "$out"
mkdir -p "$out"
go test -c -o "$out/faults.test" ./test/faults
cd test/faults

declare -A running
begin() { # NAME OPTION...
	local name=$1
	shift
	"$out/faults.test" -test.v -test.timeout=6h -full "$@" >"$out/$name.log" 2>&1 &
	running[$name]=$!
}
trap 'kill "${running[@]}" 2>/dev/null || true' INT TERM

kills='a_manager_that_is_killed_at_any_write'
for part in $(seq "$parts"); do
	begin "kills-$part" -part="$part/$parts" -stage="$stages" -test.run="TestFaults/(a_life_that_nobody_disturbs|$kills)"
done
if [ -z "$stages" ]; then
	begin others -test.skip="TestFaults/$kills"
fi

failed=0
for name in "${!running[@]}"; do
	if wait "${running[$name]}"; then
		echo "$name: passed"
	else
		failed=1
		echo "$name: failed; the end of $out/$name.log:"
		tail -n 100 "$out/$name.log"
	fi
done
awk '/ the manager was killed at / { points += $(NF - 1) }
	END { print "all in all the manager was killed at " points + 0 " points" }' "$out"/kills-*.log
exit "$failed"

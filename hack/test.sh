#!/usr/bin/env bash
# Runs all tests: those on a cluster beside the others, because both mostly wait. What the former print comes at the end, and meanwhile
# goes to .build/test/e2e.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
log=.build/test/e2e.log
mkdir -p "${log%/*}"

# What is downloaded is got while the programs are compiled. What fails here is made again where it is used, in the open.
hack/packages.sh
hack/images/build.sh postgres tryton ttrss >/dev/null 2>&1 &
beside=($!)
hack/nocobase/install.sh >/dev/null 2>&1 &
beside+=($!)

make --no-print-directory test-e2e >"$log" 2>&1 &
e2e=$!
trap 'kill "$e2e" "${beside[@]}" 2>/dev/null || true' INT TERM
echo "on a cluster, beside what follows: see $log"

failed=()
for part in test-integration test-tools test-scale; do
	make --no-print-directory "$part" || failed+=("$part")
done
wait "$e2e" || failed+=(test-e2e)
cat "$log"
if [ ${#failed[@]} -gt 0 ]; then
	echo "failed: ${failed[*]}" >&2
	exit 1
fi

#!/usr/bin/env bash
# Imports OCI archives into the running node, under the names that they carry. usage: import.sh FILE.tar...
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
for archive; do
	began=$(now_ms)
	"$SCRIPTS/node/run.sh" ctr -n k8s.io images import - <"$archive" >/dev/null
	log "imported ${archive##*/} in $(($(now_ms) - began)) ms"
done

#!/usr/bin/env bash
# Tests what lib.sh says of processes, on a machine that is slow to start them.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
folder=$(mktemp -d)
CRMKEEP_CLUSTER_STATE=$folder/state use_state api
mkdir -p "$LOG" "$RUN" "$folder/slow"
trap 'for process in $(owned); do kill "$process"; done; rm -r "$folder"' EXIT

printf '#!/bin/sh\nsleep 0.2\nPATH=%s exec env "$@"\n' "$PATH" >"$folder/slow/env"
chmod +x "$folder/slow/env"
PATH=$folder/slow:$PATH

start lasting sleep 60
alive lasting || die "a process that is still being started counts as ended"
start short true
! alive short || die "a process that ended counts as running"
log "ok: a process counts as running from its start to its end"

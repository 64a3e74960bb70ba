#!/usr/bin/env bash
# Runs a command inside the running node's namespaces. usage: run.sh CMD...
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_state node
alive node || die "no node is running; see up.sh"
exec nsenter --target "$(pgrep -P "$(cat "$RUN/node.pid")")" --mount --net --pid --cgroup --uts "$@"

#!/usr/bin/env bash
# Restarts the node as if its power had failed, and returns when it has booted: the pods come up by themselves after that.
#
#   restart.sh node
#
# Every process of the node is killed at once. What a machine's memory holds is lost: memory volumes, pods' networks, the state of
# containerd. What its disk holds is kept, and so is the cluster's identity. What runs beside the node, such as the S3 servers, goes on.
# One thing is kinder than a real failure: files that were written and not flushed are kept, by the memory of the machine around it.
#
# CRMKEEP_CLUSTER_STATE as for up.sh.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$SCRIPTS/node/power.sh"

[ "${1:-}" = node ] || die "usage: restart.sh node"
use_state node
[ "$(id -u)" = 0 ] || die "it needs root"
if [ ! -e "$RUN/ready" ] || ! alive node; then die "no node is running; see up.sh"; fi
use_programs --node
lock_state
began=$(now_ms)
rm "$RUN/ready"
power_off
log "node off after $(($(now_ms) - began)) ms"
power_on
k wait --for=condition=Ready "node/$NODE" --timeout=120s >/dev/null
touch "$RUN/ready"
log "node up again after $(($(now_ms) - began)) ms"

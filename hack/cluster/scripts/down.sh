#!/usr/bin/env bash
# Ends a cluster and removes all that it left on the machine: processes, network link, cgroups, mount points, kernel
# settings, state. Works after a crash or a half-done `up`, and does nothing when there is no cluster.
#
#   down.sh api|node
#
# CRMKEEP_CLUSTER_STATE as for up.sh.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$SCRIPTS/node/power.sh"

# Nothing is worth a graceful end: the data goes too. Killing process 1 of the node's process namespace takes every
# container with it.
kill_all() {
	local pids
	mapfile -t pids < <(owned)
	[ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null || true
	[ ${#pids[@]} = 0 ]
}

leave_machine() {
	local alias
	alias=$(ip -j link show "$NODE" 2>/dev/null | jq -r '.[].ifalias') || true
	[ -z "$alias" ] || [ "$alias" = "$STATE" ] || return 0 # a node of another clone
	clear_machine
	[ ! -s "$STATE/sysctl.before" ] || sysctl -qp "$STATE/sysctl.before"
	[ ! -s "$STATE/mount-points" ] || tac "$STATE/mount-points" | xargs -d '\n' rmdir --ignore-fail-on-non-empty --
}

mode=${1:-}
case $mode in api | node) ;; *) die "usage: down.sh api|node" ;; esac
use_state "$mode"
[ -d "$STATE" ] || exit 0
[ "${2:-}" = --locked ] || lock_state # up.sh holds the lock already
wait_for 30 "the cluster's processes to end" kill_all
[ "$mode" = api ] || leave_machine
if [ "${2:-}" = --locked ]; then
	find "$STATE" -mindepth 1 ! -name .crmkeep-cluster -delete
else
	rm -rf "$STATE"
	[ -n "${CRMKEEP_CLUSTER_STATE:-}" ] || rmdir --ignore-fail-on-non-empty "$REPO/.local"
	log "$mode down"
fi

# shellcheck shell=bash disable=SC2034
# Settings and helpers shared by the cluster scripts. Sourced, never run.
set -euo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CLUSTER=$(dirname "$SCRIPTS")
REPO=$(dirname "$(dirname "$CLUSTER")")
CACHE=${CRMKEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/crmkeep}
PREFIX=crmkeep.local # of image names; no registry has it

# One name for the node, its cgroups and the machine's end of its network link.
NODE=crmkeep-node
NODE_IP=10.254.0.2
HOST_IP=10.254.0.1
NODE_API_PORT=6443
POD_CIDR=10.244.0.0/16
SERVICE_CIDR=10.96.0.0/16
API_SERVICE_IP=10.96.0.1
DNS_SERVICE_IP=10.96.0.10

log() { printf '%s %s\n' "$(date +%T)" "$*" >&2; }
die() {
	log "error: $*"
	exit 1
}
now_ms() { date +%s%3N; }

# use_state MODE: the folder in which a cluster of that mode keeps everything it writes.
use_state() {
	STATE=$(realpath -m "${CRMKEEP_CLUSTER_STATE:-$REPO/.local/$1}")
	PKI=$STATE/pki LOG=$STATE/log RUN=$STATE/run
	# Every process of this cluster carries this in its environment. It finds them again after a crash, and
	# unlike a number in a file it never points at a process of somebody else.
	MARK=CRMKEEP_CLUSTER=$STATE
}

# lock_state: until this script ends, no other one changes this cluster. down.sh removes the folder, so whoever
# waited for it may hold the lock of a folder that is gone. And because it is removed, it must be ours.
lock_state() {
	while :; do
		mkdir -p "$STATE"
		exec 9<"$STATE"
		flock 9
		[ ! "$STATE" -ef /dev/fd/9 ] || break
	done
	[ -e "$STATE/.crmkeep-cluster" ] || [ -z "$(ls -A "$STATE")" ] || die "$STATE is not a cluster's state folder"
	chmod 700 "$STATE" # it will hold keys
	touch "$STATE/.crmkeep-cluster"
}

# start NAME CMD...: run in the background, with its log and process id kept. Until the new process carries the mark, it
# would pass for one that has ended, so wait for that.
start() {
	local name=$1 process
	shift
	env "$MARK" setsid "$@" >>"$LOG/$name.log" 2>&1 </dev/null 9<&- &
	process=$!
	echo "$process" >"$RUN/$name.pid"
	until alive "$name" || ! kill -0 "$process" 2>/dev/null; do sleep 0.01; done
}

# alive NAME: does what start() launched still run?
alive() {
	[ -s "$RUN/$1.pid" ] && grep -qzxsF "$MARK" "/proc/$(cat "$RUN/$1.pid")/environ"
}

# owned: the ids of all processes of this cluster.
owned() { { grep -lzxsF "$MARK" /proc/[0-9]*/environ || true; } | cut -d/ -f3; }

# wait_for SECONDS WHAT CMD...: retry CMD until it succeeds. With WATCHED=NAME set, give up when that one has ended.
wait_for() {
	local until=$(($(now_ms) + $1 * 1000)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ -z "${WATCHED:-}" ] || alive "$WATCHED" || die "$WATCHED ended: $(tail -n 5 "$LOG/$WATCHED.log")"
		[ "$(now_ms)" -lt "$until" ] || die "timed out waiting for $what"
		sleep 0.1
	done
}

# use_programs [--node]: put the cluster's own programs first in PATH, building them when they are not there.
use_programs() {
	local folders
	folders=$("$SCRIPTS/build.sh" --path "$@")
	PATH=$folders:$PATH
}

k() { kubectl --kubeconfig "$STATE/admin.kubeconfig" "$@"; }

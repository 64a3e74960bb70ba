#!/usr/bin/env bash
# Lists what of this machine a cluster changes while it is up: links, routes, mounts, cgroups, kernel settings, folders of kubelet and CNI, and
# this clone's own processes and state.
#
#   traces.sh         prints the list
#   traces.sh FILE    fails when there is something now that is not in that list, and says what
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

list() {
	ip -j link show | jq -r '.[] | "link \(.ifname)"'
	ip -j route show table all | jq -r '.[] | select(.dst | test("^10\\.(244|254|96)\\.")) | "route \(.dst)"'
	awk '{print "mount", $5}' /proc/self/mountinfo
	find /sys/fs/cgroup -type d -name "$NODE" -prune -printf 'cgroup %p\n'
	sysctl vm.overcommit_memory kernel.panic kernel.panic_on_oops
	find /var/lib/kubelet /var/lib/cni /var/log/pods /var/log/containers -maxdepth 0 -printf 'folder %p\n' 2>/dev/null || true
	for mode in api node; do
		use_state "$mode"
		owned | while read -r process; do echo "process $process $(tr '\0' ' ' <"/proc/$process/cmdline" 2>/dev/null)"; done
		[ ! -e "$STATE" ] || echo "state $STATE"
	done
}

[ -n "${1:-}" ] || { list | sort -u && exit; }
left=$(comm -13 "$1" <(list | sort -u))
[ -z "$left" ] || die "this is left of a cluster:
$left"
log "nothing is left of a cluster"

#!/usr/bin/env bash
# Run by up.sh in a network namespace of its own. Joins that to the machine's, moves into a cgroup of its own, and
# starts init.sh as process 1 of new mount, process, host name and cgroup namespaces. When this process ends, so
# does everything in there.
# usage: enter.sh PID   (of a process in the machine's network namespace)
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_state node
machine=$1

# One veth pair. Pods and Services can be reached from the machine; the routes go when the link goes, and the link
# goes with this namespace. Its alias says whose it is.
ip link set lo up
ip link add eth0 type veth peer name "$NODE" netns "$machine"
ip addr add "$NODE_IP/30" dev eth0
ip link set eth0 up
on_machine() { nsenter --net="/proc/$machine/ns/net" "$@"; }
on_machine ip link set "$NODE" alias "$STATE"
on_machine ip addr add "$HOST_IP/30" dev "$NODE"
on_machine ip link set "$NODE" up
# The kernel removes the link of a cluster that has just ended, and the routes over it, in its own time; a new route can be
# refused until then.
route() {
	for _ in {1..25}; do
		if "$@" 2>/dev/null; then return; fi
		sleep 0.2
	done
	"$@"
}
route on_machine ip route replace "$POD_CIDR" via "$NODE_IP"
route on_machine ip route replace "$SERVICE_CIDR" via "$NODE_IP"
route ip route replace default via "$HOST_IP"

join() { # join CGROUP
	mkdir -p "$1"
	echo $$ >"$1/cgroup.procs"
}

# cgroup v2: below the root, so that the machine's own controllers can be handed down.
join_unified() {
	local controllers controller
	read -ra controllers </sys/fs/cgroup/cgroup.controllers
	for controller in "${controllers[@]}"; do
		echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || true
	done
	join "/sys/fs/cgroup/$NODE"
}

# cgroup v1: in each hierarchy, below the cgroup that we are in.
join_hierarchies() {
	local lines line controllers path hierarchy cgroup
	mapfile -t lines </proc/self/cgroup # all of it first: joining changes it
	for line in "${lines[@]}"; do
		IFS=: read -r _ controllers path <<<"$line"
		hierarchy=/sys/fs/cgroup/${controllers#name=}
		if [ -z "$controllers" ] || [ ! -d "$hierarchy" ]; then continue; fi
		cgroup=$hierarchy${path%/}/$NODE
		mkdir -p "$cgroup"
		if [ "$controllers" = cpuset ]; then # an empty cpuset takes no process
			cat "${cgroup%/*}/cpuset.cpus" >"$cgroup/cpuset.cpus"
			cat "${cgroup%/*}/cpuset.mems" >"$cgroup/cpuset.mems"
			echo 1 >"$cgroup/cgroup.clone_children"
		fi
		join "$cgroup"
	done
}

if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then join_unified; else join_hierarchies; fi
exec unshare --mount --pid --cgroup --uts --fork --kill-child --mount-proc "$SCRIPTS/node/init.sh"

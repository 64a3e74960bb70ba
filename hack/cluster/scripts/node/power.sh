# shellcheck shell=bash
# Switches the node on and off. Sourced after lib.sh, never run.

# power_on: boots the node, and waits until kubelet has told the API server of this boot.
power_on() {
	rm -f "$RUN/node.booted"
	start node unshare --net "$SCRIPTS/node/enter.sh" $$
	WATCHED=node wait_for 300 "the node" test -e "$RUN/node.booted"
}

# power_off: everything in the node ends at once, as when its power fails. With process 1 of its namespaces the kernel kills all
# others; the mounts, /run and the pods' memory volumes among them, go with the namespaces. The state folder is the node's disk.
power_off() {
	pkill -KILL -P "$(cat "$RUN/node.pid")"
	clear_machine
}

# clear_machine: removes what the node's end leaves on the machine, and its next start makes anew.
clear_machine() {
	ip link del "$NODE" 2>/dev/null || true # may have gone with its namespace by now
	wait_for 30 "the node's cgroups to empty" remove_cgroups
}

# Fails while a container is still ending.
remove_cgroups() {
	local cgroup
	find /sys/fs/cgroup -type d -name "$NODE" -prune | while read -r cgroup; do
		find "$cgroup" -depth -type d -exec rmdir {} + || return
	done
}

#!/usr/bin/env bash
# Brings a cluster up, or finds it up, and prints where its kubeconfig is.
#
#   up.sh api [--controllers]  etcd and kube-apiserver on loopback; with kube-controller-manager when asked for.
#                              Needs no root. Any number can run at once, each in a state folder of its own.
#   up.sh node                 a whole one-node cluster: pods, Services, DNS, NetworkPolicy, volumes. Needs root.
#                              One per machine.
#
# CRMKEEP_CLUSTER_STATE  folder for everything that the cluster writes; default: .local/api or .local/node
# CRMKEEP_CLUSTER_PORT   port of the API server in mode `api`; default: a free one
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$SCRIPTS/node/power.sh"

free_port() {
	local port
	while :; do # below the range from which the kernel picks ports for clients
		port=$((RANDOM % 12000 + 20000))
		[ -n "$(ss -Hltn "sport = :$port")" ] || break
	done
	echo "$port"
}

# Is the cluster up? If it was left half up, by a crash for example, remove it first.
up_already() {
	if [ -e "$RUN/ready" ] && alive "$1"; then
		log "$mode is up already"
		return 0
	fi
	"$SCRIPTS/down.sh" "$mode" --locked || die "cannot remove what is left of it"
	mkdir -p "$STATE" "$LOG" "$RUN"
	return 1
}

api() {
	local controllers=$1 port
	up_already kube-apiserver && return
	port=${CRMKEEP_CLUSTER_PORT:-$(free_port)}
	"$SCRIPTS/pki.sh" api "https://127.0.0.1:$port"
	"$SCRIPTS/control-plane.sh" api 127.0.0.1 "$port" "$controllers"
}

node() {
	up_already node && return
	[ "$(id -u)" = 0 ] || die "mode node needs root"
	local other
	other=$(ip -j link show "$NODE" 2>/dev/null | jq -r '.[].ifalias') || true
	[ -z "$other" ] || die "this machine runs a node already; its state is in $other"
	"$SCRIPTS/pki.sh" node "https://$NODE_IP:$NODE_API_PORT" "IP:$NODE_IP"

	# kubelet sets these for the whole machine; down.sh puts them back.
	sysctl vm.overcommit_memory kernel.panic kernel.panic_on_oops | tr -d ' ' >"$STATE/sysctl.before"
	power_on
	k apply -f "$CLUSTER/manifests/storage.yaml" -f "$CLUSTER/manifests/coredns.yaml" >/dev/null
	k wait --for=condition=Ready "node/$NODE" --timeout=120s >/dev/null
	k -n kube-system rollout status deployment/coredns --timeout=180s >/dev/null
}

mode=${1:-}
began=$(now_ms)
case $mode${2:+ $2} in
api | "api --controllers" | node) ;;
*) die "usage: up.sh api [--controllers] | node" ;;
esac
use_state "$mode"
if [ "$mode" = node ]; then use_programs --node; else use_programs; fi
lock_state
if [ "$mode" = node ]; then node; else api "$([ "${2:-}" = --controllers ] && echo yes || echo no)"; fi
touch "$RUN/ready"
log "$mode up after $(($(now_ms) - began)) ms"
echo "$STATE/admin.kubeconfig"

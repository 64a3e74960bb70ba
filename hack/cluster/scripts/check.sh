#!/usr/bin/env bash
# Proves that the node cluster works: pods, logs, exec, Services, DNS, NetworkPolicy, volumes, metrics.
#
#   check.sh             changes nothing that others use
#   check.sh --restart   restarts the node, too
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
case ${1:-} in '' | --restart) ;; *) die "usage: check.sh [--restart]" ;; esac
use_state node
use_programs --node
namespace=check-$$
began=$(now_ms)
kn() { k -n "$namespace" "$@"; }
ok() { log "ok: $*"; }
# busybox's wget crashes on -T, so the time-out comes from outside.
get() { kn exec "$1" -- timeout 2 wget -q -O - "$2" </dev/null; }
says_hello() { get "$@" 2>/dev/null | grep -q "hello from web"; }
blocked() { ! get "$@" 2>/dev/null; }
policy() { # policy NAME SPEC
	kn apply -f - >/dev/null <<-YAML
		apiVersion: networking.k8s.io/v1
		kind: NetworkPolicy
		metadata: {name: $1}
		spec: $2
	YAML
}
sleeper() { # sleeper NAME: a pod to connect from
	cat <<-YAML
		---
		apiVersion: v1
		kind: Pod
		metadata: {name: $1, labels: {app: $1}}
		spec:
		  terminationGracePeriodSeconds: 0
		  containers: [{name: main, image: "$PREFIX/busybox:dev", command: [sleep, "3600"]}]
	YAML
}

boot_id() { k get node "$NODE" -o jsonpath='{.status.nodeInfo.bootID}'; }
# What a disk keeps is there, what memory holds is not.
only_the_disk_is_kept() { kn exec survivor -- sh -c 'grep -qx written /disk/file && [ ! -e /memory/file ]' </dev/null; }

check_restart() {
	local boot
	boot=$(boot_id)
	kn apply -f - >/dev/null <<-YAML
		apiVersion: v1
		kind: PersistentVolumeClaim
		metadata: {name: disk}
		spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Mi}}}
		---
		apiVersion: v1
		kind: Pod
		metadata: {name: survivor}
		spec:
		  terminationGracePeriodSeconds: 0
		  containers:
		  - name: main
		    image: $PREFIX/busybox:dev
		    command: [sleep, "3600"]
		    volumeMounts: [{name: disk, mountPath: /disk}, {name: memory, mountPath: /memory}]
		  volumes: [{name: disk, persistentVolumeClaim: {claimName: disk}}, {name: memory, emptyDir: {medium: Memory}}]
	YAML
	kn wait --for=condition=Ready pod/survivor --timeout=60s >/dev/null
	kn exec survivor -- sh -c 'echo written | tee /disk/file >/memory/file'
	"$SCRIPTS/restart.sh" node
	[ "$(boot_id)" != "$boot" ]
	wait_for 120 "the pod to start again" only_the_disk_is_kept
	ok "after a restart a pod has what was on its volume, and nothing of what was in memory"
	wait_for 60 "the Service after a restart" says_hello other http://web/
	ok "and reaches a Service"
}

k create namespace "$namespace" >/dev/null
trap 'k delete namespace "$namespace" --wait=false >/dev/null' EXIT
wait_for 30 "the ServiceAccount" kn get serviceaccount default

{
	cat <<-YAML
		apiVersion: v1
		kind: Pod
		metadata: {name: web, labels: {app: web}}
		spec:
		  terminationGracePeriodSeconds: 0
		  containers:
		  - name: main
		    image: $PREFIX/busybox:dev
		    command: [sh, -c, "echo started; echo hello from \$(hostname) >/www/index.html; exec httpd -f -p 8080 -h /www"]
		    ports: [{name: http, containerPort: 8080}]
		    readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: web}
		spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
	YAML
	sleeper client
	sleeper other
} | kn apply -f - >/dev/null
kn wait --for=condition=Ready pod --all --timeout=60s >/dev/null
ok "three pods ready after $(($(now_ms) - began)) ms"
kn logs web | grep -qx started
ok "logs"
[ "$(kn exec client -- cat /etc/hostname)" = client ]
ok "exec"
ip=$(kn get pod web -o jsonpath='{.status.podIP}')
wait_for 10 "a pod to reach a pod" says_hello client "http://$ip:8080/"
wait_for 20 "a pod to reach a Service" says_hello client http://web/
wait_for 10 "the Service's full name" says_hello client "http://web.$namespace.svc.cluster.local/"
ok "pod to pod, Service, DNS"
kn exec client -- sh -c 'timeout 3 nc kubernetes.default 443 </dev/null'
ok "pod to API server"

policy deny-all '{podSelector: {}, policyTypes: [Ingress]}'
wait_for 20 "default deny" blocked client "http://$ip:8080/"
blocked client http://web/
ok "default deny holds for the pod's address and through the Service"
kn get pod web -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}' | grep -qx True
ok "kubelet's probe still passes"
policy allow-client '{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: client}}}], ports: [{port: http}]}]}'
wait_for 20 "the allowed client" says_hello client http://web/
blocked other http://web/
ok "an allowed pod gets through, another does not"
policy no-egress '{podSelector: {matchLabels: {app: client}}, policyTypes: [Egress]}'
wait_for 20 "egress deny" blocked client "http://$ip:8080/"
ok "egress deny"
kn delete networkpolicy --all >/dev/null
wait_for 20 "the policies to go" says_hello other http://web/
ok "open again without policies"

kn apply -f - >/dev/null <<YAML
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: writer}
spec:
  restartPolicy: Never
  securityContext: {runAsUser: 1000, runAsNonRoot: true}
  containers:
  - name: main
    image: $PREFIX/busybox:dev
    command: [sh, -c, "echo kept >/data/file"]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
YAML
kn wait --for=jsonpath='{.status.phase}'=Succeeded pod/writer --timeout=60s >/dev/null
volume=$(kn get pvc data -o jsonpath='{.spec.volumeName}')
ok "a volume is made and written by a non-root user"
kn delete pod/writer pvc/data >/dev/null
k wait --for=delete "pv/$volume" --timeout=60s >/dev/null
[ ! -e "$STATE/volumes/$volume" ]
ok "it goes with its claim"
k get --raw "/api/v1/nodes/$NODE/proxy/stats/summary" | jq -e '.node.memory.workingSetBytes > 0' >/dev/null
ok "kubelet's metrics"
[ -z "${1:-}" ] || check_restart
log "all checks passed in $(($(now_ms) - began)) ms"

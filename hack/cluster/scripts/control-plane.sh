#!/usr/bin/env bash
# Starts the control plane in the namespaces it is run in, and waits until it is ready. Run by up.sh.
# usage: control-plane.sh MODE ADDRESS PORT CONTROLLERS(yes|no)
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mode=$1 address=$2 port=$3 controllers=$4
use_state "$mode"
began=$(now_ms)

# etcd listens on a Unix socket in a folder that only its owner may enter: no port to choose, no certificates.
# The name is relative because the path of a socket may have no more than 107 characters, and ends in a port because
# etcd insists on one.
mkdir -p "$STATE/etcd"
chmod 700 "$STATE/etcd"
cd "$STATE/etcd"
rm -f client:0 peer:0
# unsafe-no-fsync: nobody needs the data after a power failure of the machine itself.
start etcd etcd --name="$NODE" --data-dir=data --unsafe-no-fsync --log-level=warn \
	--listen-client-urls=unix://client:0 --advertise-client-urls=unix://client:0 \
	--listen-peer-urls=unix://peer:0 --initial-advertise-peer-urls=unix://peer:0 \
	--initial-cluster="$NODE=unix://peer:0"

cat >"$STATE/audit.yaml" <<'YAML'
# Who did what to which object, and no bodies.
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  nonResourceURLs: ["/healthz*", "/livez*", "/readyz*"]
- level: Metadata
YAML

options=(
	--etcd-servers=unix://client:0
	"--bind-address=$address" "--advertise-address=$address" "--secure-port=$port"
	"--tls-cert-file=$PKI/apiserver.crt" "--tls-private-key-file=$PKI/apiserver.key" "--client-ca-file=$PKI/ca.crt"
	"--authorization-mode=Node,RBAC" --enable-admission-plugins=NodeRestriction --allow-privileged
	--service-account-issuer=https://kubernetes.default.svc.cluster.local
	"--service-account-key-file=$PKI/service-accounts.pub" "--service-account-signing-key-file=$PKI/service-accounts.key"
	"--service-cluster-ip-range=$SERVICE_CIDR"
	"--audit-policy-file=$STATE/audit.yaml" "--audit-log-path=$LOG/audit.log" --audit-log-maxsize=200 --audit-log-maxbackup=1
)
if [ "$mode" = node ]; then
	options+=(
		"--kubelet-certificate-authority=$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP
		"--kubelet-client-certificate=$PKI/kubelet-client.crt" "--kubelet-client-key=$PKI/kubelet-client.key"
		"--requestheader-client-ca-file=$PKI/front-ca.crt" --requestheader-allowed-names=front-proxy
		--requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group
		--requestheader-extra-headers-prefix=X-Remote-Extra-
		"--proxy-client-cert-file=$PKI/front-proxy.crt" "--proxy-client-key-file=$PKI/front-proxy.key"
	)
else
	options+=(--endpoint-reconciler-type=none) # it refuses a loopback address
fi
# Nobody makes the ServiceAccounts that this plug-in asks every pod for.
[ "$controllers" = yes ] || options+=(--disable-admission-plugins=ServiceAccount)
start kube-apiserver kube-apiserver "${options[@]}"
WATCHED=kube-apiserver wait_for 120 kube-apiserver curl -sf --cacert "$PKI/ca.crt" "https://$address:$port/readyz"
log "kube-apiserver ready after $(($(now_ms) - began)) ms"

[ "$controllers" = yes ] || exit 0
start kube-controller-manager kube-controller-manager --secure-port=0 --leader-elect=false \
	--kubeconfig="$STATE/kube-controller-manager.kubeconfig" --use-service-account-credentials \
	--service-account-private-key-file="$PKI/service-accounts.key" --root-ca-file="$PKI/ca.crt" \
	--cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" \
	--allocate-node-cidrs --cluster-cidr="$POD_CIDR" --service-cluster-ip-range="$SERVICE_CIDR"
[ "$mode" = api ] || start kube-scheduler kube-scheduler --secure-port=0 --leader-elect=false \
	--kubeconfig="$STATE/kube-scheduler.kubeconfig"
wait_for 60 "the default ServiceAccount" k get serviceaccount -n default default
log "control plane ready after $(($(now_ms) - began)) ms"

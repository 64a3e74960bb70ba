#!/usr/bin/env bash
# Process 1 of the node's namespaces: mounts, containerd, control plane, kubelet, kube-proxy and the node's two
# services. Started by enter.sh.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_state node
hostname "$NODE"
mount --make-rshared / # volumes need mount propagation

# A new /sys shows this network namespace, new cgroup mounts only our part of the tree.
mount_cgroups() {
	local unified=$1 controllers controller
	mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
	[ ! -d /sys/fs/bpf ] || mount -t bpf bpf /sys/fs/bpf
	if [ "$unified" = true ]; then
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		mkdir /sys/fs/cgroup/services # processes may only be in a leaf
		echo $$ >/sys/fs/cgroup/services/cgroup.procs
		read -ra controllers </sys/fs/cgroup/cgroup.controllers
		for controller in "${controllers[@]}"; do
			echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || true
		done
		return
	fi
	mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
	awk '$1 !~ /^#/ && $2 > 0 {print $1}' /proc/cgroups | while read -r controller; do
		mkdir "/sys/fs/cgroup/$controller"
		mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller"
	done
	mkdir /sys/fs/cgroup/systemd
	mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd || rmdir /sys/fs/cgroup/systemd
}

# own FOLDER PATH: what kubelet and CNI write to a path that cannot be chosen goes into the state folder. A mount
# point that must be made on the machine is noted for down.sh.
own() {
	mkdir -p "$STATE/$1"
	LC_ALL=C mkdir -pv "$2" | sed -n "s/^mkdir: created directory '\(.*\)'$/\1/p" >>"$STATE/mount-points"
	mount --bind "$STATE/$1" "$2"
	mount --make-rshared "$2"
}

kubelet() {
	: >"$STATE/resolv.conf" # there is no name server to forward to
	cat >"$STATE/kubelet.yaml" <<-YAML
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		failCgroupV1: $1
		cgroupDriver: cgroupfs
		containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
		authentication:
		  anonymous: {enabled: false}
		  webhook: {enabled: true}
		  x509: {clientCAFile: "$PKI/ca.crt"}
		authorization: {mode: Webhook}
		tlsCertFile: "$PKI/kubelet-serving.crt"
		tlsPrivateKeyFile: "$PKI/kubelet-serving.key"
		clusterDomain: cluster.local
		clusterDNS: [$DNS_SERVICE_IP]
		resolvConf: "$STATE/resolv.conf"
		volumePluginDir: "$STATE/volume-plugins"
		failSwapOn: false
		imageGCHighThresholdPercent: 100 # an image that is collected cannot be pulled again
		imageGCLowThresholdPercent: 99
		evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
		nodeStatusUpdateFrequency: 5s
		oomScoreAdj: 0 # a negative one needs CAP_SYS_RESOURCE
	YAML
	start kubelet kubelet --config="$STATE/kubelet.yaml" --kubeconfig="$STATE/kubelet.kubeconfig" \
		--hostname-override="$NODE" --node-ip="$NODE_IP" --v=2
}

kube_proxy() {
	cat >"$STATE/kube-proxy.yaml" <<-YAML
		apiVersion: kubeproxy.config.k8s.io/v1alpha1
		kind: KubeProxyConfiguration
		mode: nftables
		clusterCIDR: $POD_CIDR
		clientConnection: {kubeconfig: "$STATE/kube-proxy.kubeconfig"}
		hostnameOverride: $NODE
		bindAddress: $NODE_IP
		oomScoreAdj: 0
		# Connection tracking limits belong to the whole machine: leave them alone.
		conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
	YAML
	start kube-proxy kube-proxy --config="$STATE/kube-proxy.yaml" --v=2
}

booted() { [ "$(k get node "$NODE" -o jsonpath='{.status.nodeInfo.bootID}')" = "$(</run/boot_id)" ]; }

unified=$([ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] && echo true || echo false)
mount_cgroups "$unified"
mount -t tmpfs -o mode=755 tmpfs /run
mount --make-rshared /run
# Each boot has an identity of its own, by which kubelet tells that the machine was booted anew.
cat /proc/sys/kernel/random/uuid >/run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
own kubelet /var/lib/kubelet
own pods-log /var/log/pods
own containers-log /var/log/containers
own cni /var/lib/cni
sysctl -qw net.ipv4.ip_forward=1

"$SCRIPTS/node/containerd.sh" &
containerd=$!
"$SCRIPTS/control-plane.sh" node "$NODE_IP" "$NODE_API_PORT" yes
wait "$containerd"
k apply -f "$CLUSTER/manifests/node.yaml" >/dev/null
kubelet "$unified"
kube_proxy
start netpol addons netpol --kubeconfig="$STATE/netpol.kubeconfig" --node="$NODE" --pod-cidr="$POD_CIDR"
start storage addons storage --kubeconfig="$STATE/storage.kubeconfig" --node="$NODE" --dir="$STATE/volumes"
wait_for 120 "kubelet to report this boot" booted
touch "$RUN/node.booted"
while :; do wait -n || sleep 1; done # process 1 reaps what is left to it

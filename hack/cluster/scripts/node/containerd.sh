#!/usr/bin/env bash
# Starts Debian's containerd inside the node's namespaces and imports the images that every node has. Run by init.sh.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_state node
mkdir -p "$STATE/cni-conf"
cat >"$STATE/containerd.toml" <<TOML
version = 2
root = "$STATE/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$STATE/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$PREFIX/pause:dev"
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE an oom_score_adj below our own is refused, and with it every pod.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$STATE/cni-conf"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
TOML
# With ptp each pod has a routed link of its own. Traffic between pods then passes the forward hook, where the
# NetworkPolicy rules are; on a bridge it would not.
cat >"$STATE/cni-conf/10-node.conflist" <<JSON
{"cniVersion": "1.0.0", "name": "$NODE", "plugins": [
  {"type": "ptp", "ipMasq": false,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "${POD_CIDR%/*}/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}
]}
JSON
start containerd containerd --config "$STATE/containerd.toml"
wait_for 60 containerd ctr version
for image in "$("$SCRIPTS/image.sh" base)"/*.tar; do
	ctr -n k8s.io images import "$image" >/dev/null
done

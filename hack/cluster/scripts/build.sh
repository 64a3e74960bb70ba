#!/usr/bin/env bash
# Builds the cluster's programs from Go modules, into the user's cache; what is there already is not built again.
#
#   build.sh          what `up.sh api` needs: etcd, kube-apiserver, kube-controller-manager, kubectl
#   build.sh --node   and what `up.sh node` needs: the node's services, its images and Debian's packages
#   build.sh --path [--node]   the same, and prints the folders that hold the programs, for PATH
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# kubelet refuses to register without a real version, which only the linker sets.
kubenode() {
	local version minor
	version=$(awk '$1 == "k8s.io/kubernetes" {print $2; exit}' "$CLUSTER/kubenode/go.mod")
	minor=${version#v1.} minor=${minor%%.*}
	local ld="-s -w" package
	for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
		ld+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
	done
	local out program
	out=$("$REPO/hack/tools/gobuild.sh" "$CLUSTER/kubenode" "-ldflags=$ld" -- .=kubenode)
	for program in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
		[ -e "$out/$program" ] || ln -sf kubenode "$out/$program"
	done
	echo "$out"
}

addons() { "$REPO/hack/tools/gobuild.sh" "$CLUSTER/addons" "-ldflags=-s -w" -- .=addons ./coredns ./pause; }

debian_packages() {
	"$REPO/hack/debian.sh" containerd runc containernetworking-plugins iptables nftables conntrack busybox-static \
		iproute2 util-linux procps openssl curl jq
}

path=no node=no
for option; do
	case $option in
	--node) node=yes ;;
	--path) path=yes ;;
	*) die "usage: build.sh [--path] [--node]" ;;
	esac
done
folders=$(kubenode)
if [ $node = yes ]; then
	debian_packages
	folders+=:$(addons)
	PATH=$folders:$PATH "$SCRIPTS/image.sh" base >/dev/null
fi
[ $path = no ] || echo "$folders"

#!/usr/bin/env bash
# Moves the cluster to another version of Kubernetes: writes kubenode/go.mod and go.sum. usage: modfile.sh 1.36.3
#
# k8s.io/kubernetes names its staging modules v0.0.0 and replaces them by folders that it does not publish, so each
# is replaced here by the module of the same release.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
version=${1:?usage: modfile.sh VERSION}
cd "$CLUSTER/kubenode"
upstream=$(GOFLAGS=-mod=mod go mod download -json "k8s.io/kubernetes@v$version" | jq -r .GoMod)
staging=v0.${version#1.}
etcd=$(awk '$1 == "go.etcd.io/etcd/server/v3" {print $2}' "$upstream")
cat >go.mod <<MOD
module github.com/crmkeep/crmkeep/hack/cluster/kubenode

$(grep -E '^(go|godebug) ' "$upstream")

require (
	go.etcd.io/etcd/server/v3 $etcd
	k8s.io/component-base $staging
	k8s.io/kubectl $staging
	k8s.io/kubernetes v$version
)

replace (
$(awk -v v="$staging" '$2 == "=>" && $3 ~ /^\.\/staging/ {print "\t" $1 " => " $1 " " v}' "$upstream")
)
MOD
go mod tidy
# The programs beside it are compiled with the same.
"$REPO/hack/tools/align.sh" . "$CLUSTER/addons"

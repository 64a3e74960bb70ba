#!/usr/bin/env bash
# Runs upstream Kubernetes' own NetworkPolicy tests against the running node cluster.
# usage: conformance.sh [GINKGO-FOCUS-EXPRESSION]
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
use_state node
use_programs --node
programs=$("$REPO/hack/tools/gobuild.sh" "$CLUSTER/conformance" "-ldflags=-s -w" -- \
	k8s.io/kubernetes/test/images/agnhost .=netpol.test)

# The tests start agnhost in pods, of the version that their manifest names.
upstream=$(cd "$CLUSTER/conformance" && go list -m -f '{{.Dir}}' k8s.io/kubernetes)
version=$(awk '/configs\[Agnhost\] /{gsub(/[")},]/, ""); print $NF}' "$upstream/test/utils/image/manifest.go")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/tmp"
cp "$programs/agnhost" "$upstream"/test/images/agnhost/porter/localhost.{crt,key} "$work/root/"
"$SCRIPTS/image.sh" pack "$work/agnhost.tar" "$PREFIX/agnhost:$version" "$work/root" '["/agnhost"]'
"$SCRIPTS/import.sh" "$work/agnhost.tar"
echo "promoterE2eRegistry: $PREFIX" >"$work/registries.yaml"
cd "$work"
KUBE_TEST_REPO_LIST=$work/registries.yaml "$programs/netpol.test" --kubeconfig="$STATE/admin.kubeconfig" \
	--provider=skeleton --ginkgo.focus="${1:-NetworkPolicy}" --ginkgo.skip='SCTP|\[Disruptive\]' \
	--ginkgo.timeout=60m --ginkgo.v

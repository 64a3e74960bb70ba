#!/usr/bin/env bash
# Makes a fresh control plane without controllers and a Vault of its own for one measurement, prepared for the operator with the
# rights that are shipped, or removes them.
#
#   world.sh up|down FOLDER CRMKEEP     FOLDER takes all that it writes; CRMKEEP is the program
set -euo pipefail
export CRMKEEP_CLUSTER_STATE=$2
crmkeep=${3:-}
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
if [ "$1" = down ]; then exec "$repo/hack/cluster/scripts/down.sh" api; fi

"$repo/hack/cluster/scripts/up.sh" api >/dev/null
. "$repo/hack/cluster/scripts/lib.sh"
use_state api
# shellcheck disable=SC2119 # nobody else's arguments
use_programs

token() { # token SERVICE-ACCOUNT FILE OPTION...
	k create token -n crmkeep-system "$1" --duration=12h "${@:3}" >"$STATE/$2"
}

rights() {
	k apply --server-side -f "$repo/config/crd" -f "$repo/config/rbac"
	k wait --for=condition=Established --timeout=60s -f "$repo/config/crd"
	k apply --server-side -f "$repo/config/classes/tryton.yaml"
	k create namespace crmkeep-system
	k create serviceaccount -n crmkeep-system crmkeep
	k create serviceaccount -n crmkeep-system vault-reviewer
	k create clusterrolebinding crmkeep --clusterrole=crmkeep-manager --serviceaccount=crmkeep-system:crmkeep
	k create clusterrolebinding vault-reviewer --clusterrole=system:auth-delegator --serviceaccount=crmkeep-system:vault-reviewer
}

kubeconfig() {
	cat >"$STATE/operator.kubeconfig" <<-YAML
		apiVersion: v1
		kind: Config
		current-context: bench
		clusters: [{name: bench, cluster: {server: "$server", certificate-authority: "$PKI/ca.crt"}}]
		contexts: [{name: bench, context: {cluster: bench, user: operator}}]
		users: [{name: operator, user: {tokenFile: "$STATE/operator.token"}}]
	YAML
}

vault() { # vault PATH BODY
	curl -sSf --cacert "$STATE/tls/ca.crt" -H @<(printf 'X-Vault-Token: %s\n' "$(jq -r .RootToken "$STATE/keys.json")") \
		-X PUT "$address/v1/$1" -d "$2"
}

umask 077
server=$(k config view --minify -o jsonpath='{.clusters[0].cluster.server}')
rights >/dev/null
token crmkeep operator.token
token crmkeep operator.vault-token --audience=vault
token vault-reviewer reviewer.token
kubeconfig
start vault "$("$repo/hack/devvault/build.sh")" -listen 127.0.0.1:0 -keys "$STATE/keys.json" -tls-dir "$STATE/tls"
WATCHED=vault wait_for 60 Vault grep -q '^ready' "$LOG/vault.log"
address=https://$(awk '$1 == "ready" {print $2; exit}' "$LOG/vault.log")
VAULT_TOKEN=$(jq -r .RootToken "$STATE/keys.json") "$crmkeep" vault bootstrap --address "$address" --ca-file "$STATE/tls/ca.crt" \
	--kubernetes-host "$server" --kubernetes-ca-file "$PKI/ca.crt" --token-reviewer-file "$STATE/reviewer.token" >/dev/null
# Its lines are what counts the requests.
vault sys/audit/file '{"type":"file","options":{"file_path":"'"$STATE/vault-audit.log"'"}}'
cat >"$STATE/settings.yaml" <<YAML
vault:
  address: $address
  caBundle: |
$(sed 's/^/    /' "$STATE/tls/ca.crt")
images: {crmkeep: "crmkeep.local/crmkeep:dev", postgres: "crmkeep.local/postgres:15"}
network:
  dns: {namespace: kube-system}
  vault: {namespace: vault}
  ingress: {namespace: ingress}
YAML

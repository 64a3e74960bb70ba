#!/usr/bin/env bash
# The administrator's password and the data key of production, where its class has one, are nowhere in etcd, in no log and in no event.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_cluster
namespace=$(namespace_of prod)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# canary: something that is in the cluster for sure. A search that did not find it would prove nothing.
canary=canary-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
kubectl create configmap canary -n "$CLIENT" --from-literal=value="$canary" --dry-run=client -o yaml | kubectl apply -f - >/dev/null

# Every object of every kind, as the API server gives it.
kubectl get "$(kubectl api-resources --verbs=list -o name | paste -sd,)" -A -o yaml >"$work/objects.yaml" 2>/dev/null || true
places=("$work/objects.yaml")
if local_node; then
	# etcd's own files, with everything that was ever written since its last compaction; and the logs of all pods, also of those that are gone.
	mkdir "$work/etcd" && cp -r "$STATE/etcd/data/member" "$work/etcd/"
	places+=("$work/etcd" "$STATE/pods-log" "$STATE/log")
else
	kubectl get pods -A -o json | jq -r '.items[].metadata | "\(.namespace) \(.name)"' | while read -r ns pod; do
		kubectl logs -n "$ns" "$pod" --all-containers >>"$work/logs" 2>/dev/null </dev/null || true
	done
	places+=("$work/logs")
fi

officer=$(officer_token prod)
# The values go from Vault to the program through pipes only; it looks for each in the forms that such values take.
{
	admin_password prod "$officer" | jq -R '{"administrator password": @base64}'
	if class_of prod | jq -e .spec.dataKey >/dev/null; then
		vault "$officer" GET "crmkeep-kv/data/$namespace/data-key" | jq '{ciphertext: .data.data.ciphertext}' |
			vault "$officer" POST "crmkeep-transit/decrypt/$namespace" | jq '{"data key": .data.plaintext}'
	fi
} | jq -sc --arg canary "$canary" '{present: {canary: ($canary | @base64)}, absent: add}' | go run "$DEMO/scan" "${places[@]}"

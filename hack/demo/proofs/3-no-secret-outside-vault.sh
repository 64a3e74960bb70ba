#!/usr/bin/env bash
# No secret value of an environment is anywhere in etcd, in a log or in an event: not the passwords of its administrator, of crmkeep's own
# account and of people who were invited, not its data key, where its class has one, and not the private key of its database. The other
# components' private keys are only in their agents' memory: nobody can look for those.
#
# usage: 3-no-secret-outside-vault.sh [ENVIRONMENT]   (default: production)
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_cluster
environment=${1:-prod}
namespace=$(namespace_of "$environment")
work=$(mktemp -d)

# Something that is in each place for sure. A search that did not find it there would prove nothing. Its name is in the log of requests, too.
canary=canary-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
leave_nothing() {
	rm -rf "$work"
	kubectl delete configmap "$canary" -n "$CLIENT" --ignore-not-found >/dev/null || true
}
trap leave_nothing EXIT
kubectl create configmap "$canary" -n "$CLIENT" --from-literal=value="$canary" --dry-run=client -o yaml | kubectl apply --server-side -f - >/dev/null
# A pod prints it.
kubectl exec -i -n "$CLIENT" client -c main -- sh -c 'cat >/proc/1/fd/1' <<<"$canary"
printed() { kubectl logs -n "$CLIENT" client -c main --tail=1000 | grep -qx "$canary"; }
await 30 'the canary to be in a log' printed

# Every object of every kind, as the API server gives it.
kubectl get "$(kubectl api-resources --verbs=list -o name | paste -sd,)" -A -o yaml >"$work/objects.yaml" 2>/dev/null || true
places=("$work/objects.yaml")
if local_node; then
	# etcd's own files, with everything that was ever written since its last compaction; the logs of all pods that are there, of their earlier
	# containers too (kubelet removes those of pods that are gone); and the logs of the node's own programs.
	mkdir "$work/etcd" && cp -r "$STATE/etcd/data/member" "$work/etcd/"
	places+=("$work/etcd" "$STATE/pods-log" "$STATE/log")
else
	kubectl get pods -A -o json | jq -r '.items[].metadata | "\(.namespace) \(.name)"' | while read -r ns pod; do
		kubectl logs -n "$ns" "$pod" --all-containers >>"$work/logs" 2>/dev/null </dev/null || true
	done
	places+=("$work/logs")
fi

officer=$(officer_token "$environment")
# kept PATH: what Vault keeps of the environment there.
kept() { vault "$officer" GET "crmkeep-kv/data/$namespace/$1"; }
# invitations: the names under which first passwords are kept. Vault says 404 when there are none, with no errors.
invitations() {
	local answer
	answer=$(vault "$officer" LIST "crmkeep-kv/metadata/$namespace/invitations" 2>/dev/null) || jq -e '.errors == []' <<<"$answer" >/dev/null ||
		die 'the invitations cannot be listed'
	jq -r '.data.keys[]?' <<<"$answer"
}
names=$(invitations)
database=$(kubectl get pod -n "$namespace" -l crmkeep.io/component=database -o jsonpath='{.items[0].metadata.name}')

# The values go from Vault, and from the database's pod, to the program through pipes only; it looks for each in the forms that such values take.
{
	admin_password "$environment" "$officer" | jq -R '{"administrator password": @base64}'
	if class_of "$environment" | jq -e .spec.adapter >/dev/null; then
		kept adapter | jq "{\"password of crmkeep's own account\": .data.data.password | @base64}"
	fi
	for name in $names; do
		kept "invitations/$name" | jq --arg name "${name:0:8}" '{"first password \($name)": .data.data.password | @base64}'
	done
	if class_of "$environment" | jq -e .spec.dataKey >/dev/null; then
		kept data-key | jq '{ciphertext: .data.data.ciphertext}' |
			vault "$officer" POST "crmkeep-transit/decrypt/$namespace" | jq '{"data key": .data.plaintext}'
	fi
	# The line of the key's file that the number itself is in.
	break_glass exec -n "$namespace" "$database" -c main -- cat /run/crmkeep/files/tls.key | sed -n 3p | jq -R '{"private key of the database": @base64}'
} | jq -sc --arg canary "$canary" '{present: ([$ARGS.positional[] | {(.): ($canary | @base64)}] | add), absent: add}' --args "${places[@]}" |
	go run "$DEMO/scan" "${places[@]}"

#!/usr/bin/env bash
# From nothing to a CRM that a person logs in to, with proofs of what is promised.
#
#   demo.sh         on a local node of its own, which needs root; or, with KUBECONFIG set, on a cluster that is there: what
#                   that must have is said in demo/install.sh
#   demo.sh down    removes all that the demo made; on a cluster that is there only while crmkeep has no other tenants, and says what stays in Vault
. "$(dirname "${BASH_SOURCE[0]}")/demo/lib.sh"

say() { printf '\n[%3d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }

# How many seconds may pass from applying a tenant to its first login.
AT_MOST=90

answers() { [ "$(crm prod login)" = admin ]; }

declare_tenant() {
	local began=$SECONDS before took
	before=$(kubectl get crmtenant "$TENANT" --ignore-not-found -o name)
	kubectl apply -f "$DEMO/tenant.yaml"
	kubectl wait "crmtenant/$TENANT" --for=condition=Ready --timeout=60s >/dev/null
	kubectl apply -f "$DEMO/environment.yaml"
	if local_node; then kubectl apply -f "$DEMO/schedule.yaml"; fi
	condition Ready True prod 300
	await 30 'the CRM to take a login' answers
	took=$((SECONDS - began))
	if [ -n "$before" ]; then
		echo "The first administrator logged in over TLS, through the Service. The tenant was there already, so the $took s say nothing of how long a new one takes."
		return
	fi
	echo "The first administrator logged in over TLS, through the Service, $took s after the tenant was applied."
	[ "$took" -le "$AT_MOST" ] || echo "WARNING: that is more than the $AT_MOST s that a new tenant may take on a node that does nothing else."
}

# chain PROOF...: one after another. What each prints, and then how it ended and how long it took, goes to files, since other chains go on
# beside it.
chain() {
	local proof out began code
	for proof; do
		out=$work/$(basename "$proof" .sh) began=$SECONDS code=0
		"$proof" >"$out" 2>&1 || code=$?
		echo "$code $((SECONDS - began))" >"$out.new"
		mv "$out.new" "$out.ended"
		[ $code = 0 ] || return
	done
}

# beside COMMAND...: in the background, as a group of processes that end_all ends.
groups=()
beside() {
	set -m
	"$@" </dev/null &
	groups+=($!)
	set +m
}
end_all() {
	local group
	for group in "${groups[@]}"; do kill -- "-$group" 2>/dev/null || true; done
	rm -rf "$work"
}

# show PROOF: when it has ended, all that it printed.
show() {
	local name code took
	name=$(basename "$1" .sh)
	until [ -e "$work/$name.ended" ]; do sleep 0.1; done
	read -r code took <"$work/$name.ended"
	say "Proof ${name//-/ } ($took s)"
	cat "$work/$name"
	[ "$code" = 0 ] || die "proof $name does not hold"
}

# asked FILTER: Vault's own record of whose tokens were used, since the operator runs, through a filter of jq.
asked() {
	local volume
	volume=$(kubectl get -n vault pvc data-vault-0 -o jsonpath='{.spec.volumeName}')
	jq -r "select(.type == \"response\" and .auth.display_name) | $1" "$STATE/volumes/$volume/audit.log"
}

# who_asks: root is whoever set Vault up and runs this demo, on this machine. From the operator's pods nobody asks as root.
who_asks() {
	local operator=kubernetes-crmkeep-system-crmkeep
	asked '.auth | "\(.display_name) (\(.policies | join(", ")))"' | sort | uniq -c | sort -rn
	[ "$(asked "select(.auth.display_name == \"$operator\") | .auth.policies | join(\" \")" | sort -u)" = crmkeep-operator ] ||
		die 'the operator has other rights in Vault than those of the policy crmkeep-operator'
	[ -z "$(comm -12 <(asked "select(.auth.display_name == \"$operator\") | .request.remote_address" | sort -u) \
		<(asked 'select(.auth.policies | index("root")) | .request.remote_address' | sort -u))" ] || die "somebody asks Vault as root from the operator's pod"
	holds 'the operator asks with its own policy only'
}

# undeclare: while the operator is there, which ends what it made. The data goes with the namespaces; without it nobody needs the keys.
undeclare() {
	local name others
	others=$(kubectl get crmtenants -o name | { grep -vx "crmtenant.crmkeep.io/$TENANT" || true; })
	[ -z "$others" ] || die "crmkeep is left as it is, because it has tenants that are not the demo's: ${others//$'\n'/ }"
	for name in "${ENVIRONMENTS[@]}"; do
		[ -z "$(kubectl get -n "$HOME_NAMESPACE" crmenvironment "$name" --ignore-not-found -o name)" ] ||
			kubectl patch -n "$HOME_NAMESPACE" crmenvironment "$name" --type=merge -p '{"spec":{"deletionPolicy":"Shred"}}'
	done
	kubectl delete -n "$HOME_NAMESPACE" crmbackupschedules,crmrestores,crmbackups,crmrolepolicies,crmenvironments --all --ignore-not-found
	kubectl delete crmtenant "$TENANT" --ignore-not-found
}

down() {
	if local_node; then
		"$REPO/hack/cluster/scripts/down.sh" node
		rmdir --ignore-fail-on-non-empty "$REPO/.local" 2>/dev/null || true
		return
	fi
	local name namespaces=(crmkeep-system "$CLIENT" "$STRANGER" "$HOME_NAMESPACE")
	for name in "${ENVIRONMENTS[@]}"; do namespaces+=("$(namespace_of "$name")"); done
	if kubectl get crd crmenvironments.crmkeep.io >/dev/null 2>&1; then undeclare; fi
	"$("$REPO/hack/tools/install.sh" helm)" uninstall crmkeep --namespace crmkeep-system --ignore-not-found --wait
	# The API server holds to the admission policies for a moment after they are gone.
	await 60 'leave to delete the namespaces' kubectl delete namespace "${namespaces[@]}" --ignore-not-found
	kubectl delete clusterrolebinding demo-break-glass demo-break-glass-override --ignore-not-found
	kubectl delete clusterrole demo-break-glass --ignore-not-found
	kubectl get crd -o name | { grep 'crmkeep\.io$' || true; } | xargs -r kubectl delete
	for name in "${ENVIRONMENTS[@]}"; do vault "$(setup_token)" DELETE "sys/policies/acl/demo-officer-$(namespace_of "$name")"; done
	echo 'In Vault stays what "crmkeep vault bootstrap" made, since others may use it: the engines crmkeep-transit, crmkeep-pki, crmkeep-pki-root and crmkeep-kv,'
	echo "the policies crmkeep-* and the role crmkeep-operator of auth/kubernetes. In crmkeep-transit are the keys *.evidence, which verify the environments' last words."
}

case ${1:-} in
'') ;;
down)
	if ! local_node; then use_cluster; fi
	down
	exit
	;;
*) die 'usage: demo.sh [down]' ;;
esac

"$DEMO/install.sh"
use_cluster
say 'A tenant and its CRM are declared'
declare_tenant
say 'A second environment, which must not get into the first, and one that is to leave'
kubectl apply -f "$DEMO/other-environment.yaml" -f "$DEMO/leaving-environment.yaml"
work=$(mktemp -d)
trap end_all EXIT
# These need that environment only. The others change production, so they come one after another.
beside chain "$DEMO"/proofs/[67]-*.sh
if local_node; then
	say 'A backup of production, and a drill, while those come up'
	"$DEMO/backup.sh"
fi
condition Ready True test 300
beside chain "$DEMO"/proofs/[!67]-*.sh
for proof in "$DEMO"/proofs/*.sh; do show "$proof"; done

say 'What there is now'
kubectl get crm -A
if local_node; then
	echo
	echo 'Who asked Vault for something, by its own record (root is who set it up and runs this demo):'
	who_asks
fi
echo
echo "The key of production in Vault has version $(vault "$(officer_token prod)" GET "crmkeep-transit/keys/$(namespace_of prod)" | jq .data.latest_version)."
echo "The CRM: $(kubectl get -n "$HOME_NAMESPACE" crmenvironment prod -o jsonpath='{.status.url}') (https://$(web_of prod).$(namespace_of prod).svc in the cluster)"
echo "Its administrator's password is in Vault, at crmkeep-kv/$(namespace_of prod)/admin."
if local_node; then
	echo "To look around: export KUBECONFIG=$KUBECONFIG"
	echo 'To remove it all: make demo-down'
fi
say 'Done'

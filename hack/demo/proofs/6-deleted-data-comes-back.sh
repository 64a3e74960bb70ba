#!/usr/bin/env bash
# Data that a person deletes in the CRM comes back from a backup, though one of the two places that hold it is damaged. On the local node
# only, since the demo has no S3 servers elsewhere.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_cluster
if ! local_node; then
	echo '    - left out: no backup locations on this cluster'
	exit 0
fi

run=$(date +%Y%m%d-%H%M%S)
customer="Customer of $run"

# ended KIND NAME PHASE...: waits until it has ended, which must be in one of the phases.
ended() {
	local phase
	await 300 "$1 $2 to end" ended_already "$1" "$2"
	phase=$(field "$1" "$2" .status.phase)
	case " ${*:3} " in *" $phase "*) ;; *) broken "$1 $2 ended as $phase: $(field "$1" "$2" '.status.conditions[?(@.type=="Ready")].message')" ;; esac
}
ended_already() { [ -n "$(field "$1" "$2" .status.completedAt)" ]; }
field() { kubectl get -n "$HOME_NAMESPACE" "$1" "$2" -o jsonpath="{$3}"; }

# damage LOCATION: changes a byte in the middle of each file of data that the environment has there.
damage() {
	local file
	while IFS= read -r file; do
		printf '\xff' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") / 2)) conv=notrunc status=none
	done < <(find "$STATE/s3/$1/buckets/backups/keep/$(namespace_of prod)" -path '*/repository/data/*' -type f)
}

crm prod create "$customer" >/dev/null
kubectl apply -f - >/dev/null <<-YAML
	apiVersion: crmkeep.io/v1alpha1
	kind: CRMBackup
	metadata: {name: demo-$run, namespace: $HOME_NAMESPACE}
	spec:
	  environmentRef: {name: prod}
	  locations: [near, far]
YAML
ended crmbackup "demo-$run" Complete
holds "a backup of $(field crmbackup "demo-$run" .status.record.rows) rows is in both locations"

damage near
holds 'the repository at location near is damaged, a byte in each file'
crm prod delete "$customer" >/dev/null
expect 0 "$(crm prod find "$customer")" 'the customer is deleted through the CRM'

kubectl apply -f - >/dev/null <<-YAML
	apiVersion: crmkeep.io/v1alpha1
	kind: CRMRestore
	metadata: {name: demo-$run, namespace: $HOME_NAMESPACE}
	spec:
	  from: {backupRef: {name: demo-$run}}
	  to: {environmentRef: {name: prod}}
YAML
ended crmrestore "demo-$run" Complete
condition Ready True prod 300
expect 1 "$(crm prod find "$customer")" 'the customer is back, restored from location far'

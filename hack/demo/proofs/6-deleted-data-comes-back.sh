#!/usr/bin/env bash
# A drill proves that a backup restores, though one of the two places that hold it is damaged; then data that a person deletes in the CRM comes
# back. On the local node only, since the demo has no S3 servers elsewhere.
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

# Drills of this schedule are due every minute, until it is deleted.
kubectl apply -f - >/dev/null <<-YAML
	apiVersion: crmkeep.io/v1alpha1
	kind: CRMBackupSchedule
	metadata: {name: demo, namespace: $HOME_NAMESPACE}
	spec:
	  environmentRef: {name: prod}
	  schedule: "0 3 * * *"
	  windowSeconds: 0
	  locations: [near, far]
	  drill: {schedule: "* * * * *"}
YAML
drilled() { [ -n "$(field crmbackupschedule demo .status.drill.completedAt)" ]; }
await 400 'a drill to end' drilled
expect Complete "$(field crmbackupschedule demo .status.drill.phase)" "a drill restored it from location far into an environment of its own and checked it: \
$(kubectl get -n "$HOME_NAMESPACE" crmbackupschedule demo -o json | jq -r '.status |
	([.drill.stages[] | "\(.name) \(.milliseconds / 1000 | round) s"] | join(", ")) + "; RTO \(.measuredRTOSeconds) s, RPO \(.measuredRPOSeconds) s"')"
kubectl delete -n "$HOME_NAMESPACE" crmbackupschedule demo --timeout=300s >/dev/null
expect '' "$(kubectl get -n "$HOME_NAMESPACE" crmenvironments -o name | grep drill || true)" 'nothing is left of the drill but its signed result'

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

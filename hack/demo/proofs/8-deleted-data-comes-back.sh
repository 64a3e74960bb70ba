#!/usr/bin/env bash
# Data that a person deletes in the CRM comes back from a backup, though one of the two places that hold it is damaged; and a drill has proven
# beside it that the backup restores, in an environment of its own. On the local node only, since the demo has no S3 servers elsewhere.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_cluster
if ! local_node; then
	echo '    - left out: no backup locations on this cluster'
	exit 0
fi
due() { [ -n "$(field crmbackupschedule demo .spec.drill.schedule)" ]; }
# Of the newest backup: a run of the demo that was broken off has left its own.
drilled() { [ "$(field crmbackupschedule demo .status.drill.backup)" = "$backup" ] && [ -n "$(field crmbackupschedule demo .status.drill.completedAt)" ]; }

due 2>/dev/null || "$DEMO/backup.sh"
backup=$(kubectl get -n "$HOME_NAMESPACE" crmbackups -o name --sort-by=.metadata.creationTimestamp | sed -n 's,.*/\(demo-.*\),\1,p' | tail -1)

customer="Customer of $backup"
expect 1 "$(crm prod delete "$customer")" 'a customer is deleted through the CRM'
kubectl apply -f - >/dev/null <<-YAML
	apiVersion: crmkeep.io/v1alpha1
	kind: CRMRestore
	metadata: {name: $backup, namespace: $HOME_NAMESPACE}
	spec:
	  from: {backupRef: {name: $backup}}
	  to: {environmentRef: {name: prod}}
YAML
await 300 'the restore to end' ended crmrestore "$backup"
expect Complete "$(field crmrestore "$backup" .status.phase)" 'the backup was restored in place, from location far'
condition Ready True prod 300
expect 1 "$(crm prod find "$customer")" 'the customer is back'

await 400 'the drill to end' drilled
expect Complete "$(field crmbackupschedule demo .status.drill.phase)" "a drill restored it from location far into an environment of its own and checked it:"
kubectl get -n "$HOME_NAMESPACE" crmbackupschedule demo -o json | jq -r '.status | "      " +
	([.drill.stages[] | "\(.name) \(.milliseconds / 1000 | round) s"] | join(", ")) + "; RTO \(.measuredRTOSeconds) s, RPO \(.measuredRPOSeconds) s"'
kubectl delete -n "$HOME_NAMESPACE" crmbackupschedule demo --timeout=300s >/dev/null
expect 0 "$(kubectl get -n "$HOME_NAMESPACE" crmenvironments -o name | grep -c drill || true)" 'nothing is left of the drill but its signed result'

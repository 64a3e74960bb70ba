#!/usr/bin/env bash
# After a shred nobody can read the backups of an environment, though they lie where they lay. On the local node only.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_cluster
if ! local_node; then
	echo '    - left out: no backup locations on this cluster'
	exit 0
fi

# ask: what Vault answers when the password of the environment's repository is to be unwrapped. The folders of earlier runs are there, too; their
# names are times.
ask() {
	jq '{ciphertext}' "$(find "$STATE/s3/far/buckets/backups/keep/$(namespace_of leaving)" -maxdepth 2 -name key.json | sort | tail -1)" |
		vault "$(setup_token)" POST "crmkeep-transit/decrypt/$(namespace_of leaving)" 2>/dev/null | jq -r 'if .data.plaintext then "it is unwrapped" else .errors[0] end'
}

kubectl apply -f "$DEMO/leaving-environment.yaml" >/dev/null
condition Ready True leaving 300
run=shred-$(date +%Y%m%d-%H%M%S)
kubectl apply -f - >/dev/null <<-YAML
	apiVersion: crmkeep.io/v1alpha1
	kind: CRMBackup
	metadata: {name: $run, namespace: $HOME_NAMESPACE}
	spec:
	  environmentRef: {name: leaving}
	  locations: [far]
YAML
await 300 'the backup to end' ended crmbackup "$run"
expect Complete "$(field crmbackup "$run" .status.phase)" 'an environment has a backup'
expect unwrapped "$(ask)" 'its repository can be read with the key in Vault'

kubectl patch -n "$HOME_NAMESPACE" crmenvironment leaving --type=merge -p '{"spec":{"deletionPolicy":"Shred"}}' >/dev/null
kubectl delete -n "$HOME_NAMESPACE" crmenvironment leaving --timeout=300s >/dev/null
holds 'the environment is shredded'
expect 'not found' "$(ask)" 'nobody, root included, unwraps the password of its repository'
expect "$run" "$(kubectl get -n "$HOME_NAMESPACE" configmap -l crmkeep.io/evidence=destruction -o json | jq -r '.items[].data["certificate.json"]')" \
	'the certificate of destruction names the backup'

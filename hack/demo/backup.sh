#!/usr/bin/env bash
# Makes a backup of production to both locations, damages what one of them holds, and declares that a drill is due. That goes on by itself:
# proof 8 looks what came of it.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
use_cluster
local_node || exit 0

run=$(date +%Y%m%d-%H%M%S)

# damage LOCATION: changes a byte in the middle of each file of data that the environment has there.
damage() {
	local file
	while IFS= read -r file; do
		printf '\xff' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") / 2)) conv=notrunc status=none
	done < <(find "$STATE/s3/$1/buckets/backups/keep/$(namespace_of prod)" -path '*/repository/data/*' -type f)
}

# forget LOCATION: takes away what a run before this one has damaged there, as whoever keeps the store would. A backup makes a new repository.
forget() { rm -rf "$STATE/s3/$1"/{buckets,metadata}/backups/keep/"$(namespace_of prod)"; }

kubectl apply -f "$DEMO/schedule.yaml" >/dev/null
forget near
crm prod create "Customer of demo-$run" >/dev/null
kubectl apply -f - >/dev/null <<-YAML
	apiVersion: crmkeep.io/v1alpha1
	kind: CRMBackup
	metadata: {name: demo-$run, namespace: $HOME_NAMESPACE}
	spec:
	  environmentRef: {name: prod}
	  locations: [near, far]
YAML
await 300 'the backup to end' ended crmbackup "demo-$run"
expect Complete "$(field crmbackup "demo-$run" .status.phase)" "a backup of $(field crmbackup "demo-$run" .status.record.rows) rows is in both locations"
damage near
holds 'the repository at location near is damaged, a byte in each file'

# One drill, and then none for a day: at the newest full minute since the schedule was declared, which is made up for at once, or else at the
# next one.
declared=$(date -d "$(field crmbackupschedule demo .metadata.creationTimestamp)" +%s)
due=$(($(date +%s) / 60 * 60))
[ "$due" -gt "$declared" ] || due=$((due + 60))
kubectl patch -n "$HOME_NAMESPACE" crmbackupschedule demo --type=merge -p "{\"spec\":{\"drill\":{\"schedule\":\"$(date -u -d "@$due" '+%-M %-H') * * *\"}}}" >/dev/null
holds 'a drill is due; it goes on beside what follows'

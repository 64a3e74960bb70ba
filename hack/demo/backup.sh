#!/usr/bin/env bash
# Makes a backup of production to both locations, damages what one of them holds, and declares a schedule whose drill is due within a minute;
# besides an environment that will be shredded. All of that goes on by itself: proofs 7 and 8 look what came of it.
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
kubectl apply -f "$DEMO/leaving-environment.yaml" >/dev/null
await 300 'the backup to end' ended crmbackup "demo-$run"
expect Complete "$(field crmbackup "demo-$run" .status.phase)" "a backup of $(field crmbackup "demo-$run" .status.record.rows) rows is in both locations"
damage near
holds 'the repository at location near is damaged, a byte in each file'

# One drill, at the next full minute that is not too near, and then none for a day.
kubectl apply -f - >/dev/null <<-YAML
	apiVersion: crmkeep.io/v1alpha1
	kind: CRMBackupSchedule
	metadata: {name: demo, namespace: $HOME_NAMESPACE}
	spec:
	  environmentRef: {name: prod}
	  schedule: "0 3 * * *"
	  windowSeconds: 0
	  locations: [near, far]
	  drill: {schedule: "$(date -u -d '+65 seconds' '+%-M %-H') * * *"}
YAML
holds 'a drill is due within a minute; it goes on beside what follows'

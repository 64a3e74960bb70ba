#!/usr/bin/env bash
# A pod that nobody declared reaches neither the database nor the application nor the operator; the ingress controller's namespace
# reaches the application and nothing else.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_cluster
namespace=$(namespace_of prod)
web=$(web_of prod).$namespace.svc:443
database=database.$namespace.svc:5432

other=$(namespace_of test)
pod=$(kubectl get pod -n "$other" -l "crmkeep.io/component=$(web_of test)" -o jsonpath='{.items[0].metadata.name}')

# The operator's ports: its health, and its metrics where they are enabled.
mapfile -t operator < <(kubectl get pods -n crmkeep-system --field-selector=status.phase=Running -o json |
	jq -r '.items[] | .status.podIP as $ip | .spec.containers[].ports[] | "\($ip):\(.containerPort)"')
[ ${#operator[@]} -gt 0 ] || die 'the operator has no port'

from() { python "$1" "$DEMO/reach.py" "$web" "$database" "${operator[@]}"; }

# From all places at once: a way that is closed takes seconds to show it.
exec 3< <(from "$CLIENT/client") 4< <(from "$STRANGER/stranger") 5< <(from "$other/$pod")

found=$(cat <&3)
expect "$web open" "$found" 'from the ingress controller the application answers'
expect "$database closed" "$found" 'from there the database does not'
for target in "${operator[@]}"; do expect "$target closed" "$found" "nor does the operator at $target"; done
found=$(cat <&4)
for target in "$web" "$database" "${operator[@]}"; do expect "$target closed" "$found" "a stranger's pod: no way to $target"; done
found=$(cat <&5)
for target in "$web" "$database" "${operator[@]}"; do expect "$target closed" "$found" "a pod of environment test: no way to $target"; done

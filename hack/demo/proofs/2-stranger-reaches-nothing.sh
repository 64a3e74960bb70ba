#!/usr/bin/env bash
# A pod that nobody declared reaches neither the database nor the application; the ingress controller's namespace reaches the
# application and not the database.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_cluster
namespace=$(namespace_of prod)
web=$(web_of prod).$namespace.svc:443
database=database.$namespace.svc:5432

expect "$web open" "$(python "$CLIENT/client" "$DEMO/reach.py" "$web")" 'from the ingress controller the application answers'
expect "$database closed" "$(python "$CLIENT/client" "$DEMO/reach.py" "$database")" 'from there the database does not'
for target in "$web" "$database"; do
	expect "$target closed" "$(python "$STRANGER/stranger" "$DEMO/reach.py" "$target")" "a stranger's pod: no way to $target"
done
other=$(namespace_of test)
pod=$(kubectl get pod -n "$other" -l "crmkeep.io/component=$(web_of test)" -o jsonpath='{.items[0].metadata.name}')
for target in "$web" "$database"; do
	expect "$target closed" "$(python "$other/$pod" "$DEMO/reach.py" "$target")" "a pod of environment test: no way to $target"
done

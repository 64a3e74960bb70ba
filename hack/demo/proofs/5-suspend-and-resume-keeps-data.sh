#!/usr/bin/env bash
# What a person entered before an environment was suspended is there after it was resumed; in between nothing ran.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_cluster
namespace=$(namespace_of prod)
name="Customer of $(date +%s)"

set_state() { kubectl patch -n "$HOME_NAMESPACE" crmenvironment prod --type merge -p "{\"spec\":{\"state\":\"$1\"}}" >/dev/null; }
in_state() { [ "$(kubectl get -n "$HOME_NAMESPACE" crmenvironment prod -o jsonpath='{.status.state}')" = "$1" ]; }
nothing_runs() { [ -z "$(kubectl get pods -n "$namespace" --field-selector=status.phase!=Succeeded,status.phase!=Failed -o name)" ]; }

crm prod create "$name" >/dev/null
holds 'a customer is entered'
began=$SECONDS
set_state Suspended
await 120 'the state Suspended' in_state Suspended
await 120 'the pods to end' nothing_runs
holds "suspended after $((SECONDS - began)) s: no pod is left"
began=$SECONDS
set_state Running
await 180 'the state Running' in_state Running
condition Ready True prod 180
expect 1 "$(crm prod find "$name")" "resumed after $((SECONDS - began)) s: the customer is there"

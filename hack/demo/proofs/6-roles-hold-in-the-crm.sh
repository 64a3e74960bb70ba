#!/usr/bin/env bash
# Roles that are declared hold in the CRM itself: a sales representative sees their own and no hidden field, a change by hand is undone, and whoever
# leaves is out, with the session that is open. The policy is for environment leaving, and goes at the end: what it has closed stays closed
# there until the administrator opens it in the CRM, so no other proof may need that environment as it was.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_cluster
crmkeep=$REPO/bin/crmkeep
name=leaving
environment=$HOME_NAMESPACE/$name
# People of this run: an account that was there has a password that only its person knows.
run=$(date +%d%H%M%S)
li=li.na.$run@acme.example bo=bo.$run@acme.example mia=mia.$run@acme.example

exactly() { if [ "$1" = "$2" ]; then holds "$3"; else broken "$3: got ${2:-nothing}"; fi; }
indented() { sed 's/^/        /'; }
# Logins that fail are not what to wait with: after some of them Tryton lets nobody of that name in for a while.
administrator() { field crmenvironment "$name" .status.access.administrator; }
opened() { [ "$(administrator)" = Open ]; }
locked() { [ "$(administrator)" = Locked ]; }
not_locked() { ! locked; }
policy_holds() { kubectl wait -n "$HOME_NAMESPACE" crmrolepolicy/sales --for=condition=RolesEnforced --timeout=90s >/dev/null || die "the policy does not hold: $(field crmrolepolicy sales .status)"; }
break_glass_as() { # break_glass_as USER ARGUMENT...: lets the administrator in for an hour
	kubectl patch -n "$HOME_NAMESPACE" crmenvironment "$name" "--as=$1" "${@:2}" --type=merge -p "$(jq -nc --arg by "$1" --arg until "$(date -u -d '+1 hour' +%FT%TZ)" \
		'{spec: {breakGlass: {by: $by, reason: "the demo changes something by hand", expiresAt: $until}}}')" 2>&1
}
lock_again() { kubectl patch -n "$HOME_NAMESPACE" crmenvironment "$name" --type=merge -p '{"spec":{"breakGlass":null}}' >/dev/null; }
leave_nothing() {
	lock_again || true
	kubectl delete -n "$HOME_NAMESPACE" crmrolepolicy/sales rolebinding/demo-on-call --ignore-not-found >/dev/null || true
}
trap leave_nothing EXIT

leave_nothing
kubectl apply -f "$DEMO/leaving-environment.yaml" >/dev/null
condition Ready True "$name" 300
await 90 'the administrator to be let in' not_locked
colleague "$name" admin found 'Acme Trading' >/dev/null

began=$SECONDS
sed "s/@/.$run@/g" "$DEMO/policy.yaml" | kubectl apply -f - >/dev/null
policy_holds
holds "a policy of two roles and three people holds in the CRM after $((SECONDS - began)) s"
exactly refused "$(colleague "$name" admin login)" "the CRM's own administrator is locked out"

colleague "$name" "$li" enter "deal of $li" >/dev/null
colleague "$name" "$bo" enter "deal of $bo" >/dev/null
colleague "$name" "$mia" comment "deal of $li" 'pays late' >/dev/null
exactly "deal of $li" "$(colleague "$name" "$li" see)" 'a sales representative, with the first password from Vault, sees their own opportunity and no other'
expect "deal of $bo" "$(colleague "$name" "$mia" see)" 'their manager sees all of them'
exactly refused "$(colleague "$name" "$li" read comment)" 'a hidden field cannot be read'
expect 'pays late' "$(colleague "$name" "$mia" read comment)" 'and is there, for the manager'

answer=$("$crmkeep" explain access --environment "$environment" --user "$li" --object opportunity)
expect 'The CRM enforces what is declared' "$answer" 'explain access:'
indented <<<"$answer"
answer=$("$crmkeep" who-can read opportunity --environment "$environment")
expect "$mia" "$answer" 'who-can read opportunity:'
indented <<<"$answer"
expect 'nobody may export contact' "$("$crmkeep" who-can export contact --environment "$environment")" 'who-can export contact: nobody'

expect 'only who has the verb "breakglass"' "$(break_glass_as demo-tenant-admin --as-group=acme-crm-admins || true)" "a tenant's admin cannot let the administrator in"
kubectl create rolebinding demo-on-call -n "$HOME_NAMESPACE" --clusterrole=crmkeep-breakglass --user=demo-on-call >/dev/null
await 30 'the rights of who may' break_glass_as demo-on-call
await 60 'the administrator to be let in' opened
exactly admin "$(colleague "$name" admin login)" 'somebody who may has broken the glass: the administrator is in'
expect sales.sales-manager "$(colleague "$name" admin promote "$li" sales.sales-manager)" 'who makes the representative a manager, by hand'
review=$("$crmkeep" review --environment "$environment" --ask)
expect Administrator "$review" 'a review is asked for; it has the administrator among its findings:'
indented <<<"$review"
exactly "deal of $li" "$(colleague "$name" "$li" see)" 'and the change by hand is undone: the representative sees their own opportunity and no other'
lock_again
await 60 'the administrator to be locked out' locked
exactly refused "$(colleague "$name" admin login)" 'the administrator is locked out again'

password=$(first_password "$name" "$li" "$(officer_token "$name")")
output=$(mktemp)
colleague "$name" "$li" stay >"$output" &
session=$!
await 60 'a session' grep -q in "$output"
asked=$(date +%s%3N)
kubectl patch -n "$HOME_NAMESPACE" crmrolepolicy sales --type=json -p '[{"op":"remove","path":"/spec/bindings/1/subjects/0"}]' >/dev/null
wait "$session"
took=$(($(date +%s%3N) - asked))
rm "$output"
[ "$took" -le 30000 ] || broken "the open session of somebody who has left went on for $took ms"
holds "the representative has left: the session that was open stopped working after $((took / 1000)).$(printf %03d $((took % 1000))) s"
exactly refused "$(colleague_with "$name" "$li" login <<<"$password")" 'nor does the password let them in again'
exactly "$bo" "$(colleague "$name" "$bo" login)" 'everybody else works on'

found=$("$DEMO/proofs/3-no-secret-outside-vault.sh" "$name")
expect 'first password' "$found" 'the first passwords, and the other secrets of this environment, are in Vault only:'
indented <<<"$found"

leave_nothing
await 60 'the administrator to be let in' not_locked
exactly admin "$(colleague "$name" admin login)" 'without a policy the administrator is let in again'

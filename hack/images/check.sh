#!/usr/bin/env bash
# Proves the built images without Kubernetes: runs them as a pod would (uid 65532, read-only root, no privileges to gain)
# on a loopback of their own, with the configuration files of their classes. Each application is migrated repeatedly, started, asked
# whether it is ready, logged in to and stopped.
# usage: check.sh [tryton] [ttrss] [crmkeep]    (as root; default: all)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
archives=$here/../../.build/images

# Processes and mounts end with their namespaces.
if [ "${1:-}" != --unshared ]; then
	root=$(mktemp -d)
	trap 'rm -rf --one-file-system "$root"' EXIT
	unshare --mount --net --pid --fork --kill-child --mount-proc -- "$0" --unshared "$root" "$@"
	exit
fi
root=$2
shift 2
[ $# -gt 0 ] || set -- tryton ttrss crmkeep
ip link set lo up
password=$(python3 -c 'import random, string; print("".join(random.SystemRandom().sample(string.ascii_letters, 24)))')

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# expect WHAT PATTERN: standard input must contain PATTERN.
expect() {
	local answer
	answer=$(cat)
	grep -q -- "$2" <<<"$answer" || fail "$1: $(head -c 600 <<<"$answer")"
	echo "ok: $1"
}

# unpack NAME: its root file system, read-only, with memory where a pod has volumes.
unpack() {
	local dir=$root/$1 blobs=$root/tar/blobs/sha256 manifest layer folder
	mkdir -p "$dir" "$root/tar"
	tar -C "$root/tar" -xf "$archives/$1.tar"
	manifest=$(jq -r '.manifests[0].digest' "$root/tar/index.json")
	layer=$(jq -r '.layers[0].digest' "$blobs/${manifest#*:}")
	tar -C "$dir" -xf "$blobs/${layer#*:}"
	rm -rf "$root/tar"
	mount --bind "$dir" "$dir"
	mount -o remount,bind,ro "$dir"
	mount --rbind /dev "$dir/dev"
	mount -t proc proc "$dir/proc"
	for folder in tmp run var/lib/tt-rss; do
		[ ! -d "$dir/$folder" ] || mount -t tmpfs -o mode=1777 tmpfs "$dir/$folder"
	done
}

# A background process starts with SIGINT ignored, which a pod's does not.
enter=(env -i --default-signal PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8
	TRYTONPASSFILE=/run/password TRYTON_ADAPTER_PASSFILE=/run/adapter-password TRYTOND_CONFIG=/run/crmkeep/files/trytond.conf TRYTOND_DATABASE_NAMES=tryton
	TTRSS_PASSWORD_FILE=/run/password setpriv --no-new-privs chroot --userspec 65532:65532)

# run NAME COMMAND...
run() { "${enter[@]}" "$root/$1" "${@:2}"; }

start_database() {
	run postgres pg_ctl -D /tmp/data -l /tmp/log -s -w -o '-c listen_addresses=127.0.0.1 -c unix_socket_directories=/run -c jit=off' start
}

stop_database() { run postgres pg_ctl -D /tmp/data -s -m fast -w stop; }

# database NAME: an empty one, owned by the role of that name.
database() {
	sql postgres "CREATE ROLE $1 LOGIN"
	sql postgres "CREATE DATABASE $1 OWNER $1"
}

# sql DATABASE STATEMENT
sql() { run postgres psql -qXtA -h 127.0.0.1 -U postgres -d "$1" -c "$2"; }

# configure NAME FILE CLASS: render the class's FILE where the agent would.
configure() {
	local dir=$root/$1/run/crmkeep/files
	mkdir -p "$dir"
	awk -v name="  - name: $2" '$0 == name { inside = 1; getline; next } inside && !/^(      |$)/ { exit } inside { print substr($0, 7) }' \
		"$here/../../$3" |
		sed -e "s|\${database.name}|$1|; s|\${database.user}|$1|; s|\${database.host}|127.0.0.1|; s|\${database.port}|5432|" \
			-e "s|\${app.port}|8000|; s|\${environment.url}|http://127.0.0.1:8080|" >"$dir/$2"
	grep -q "$1" "$dir/$2" || fail "$3 has no $2"
	printf '%s\n' "$password" >"$root/$1/run/password"
	rev <<<"$password" >"$root/$1/run/adapter-password"
}

# request ARGUMENT...: ask an application, which may still be starting.
request() { curl -s -m 60 --retry 60 --retry-delay 1 --retry-connrefused "$@"; }

# stop PID SIGNAL WHAT: it must end by itself.
stop() {
	kill "-$2" "$1"
	timeout 20 tail --pid="$1" -f /dev/null || fail "$3 does not end on $2"
	echo "ok: $3 ends on $2"
}

# without_database NAME READY: the readiness request must notice, and the application must recover by itself.
without_database() {
	stop_database
	if "$1_ready" | grep -q "$2"; then fail "$1: ready without its database"; fi
	start_database
	local deadline=$((SECONDS + 60))
	until "$1_ready" | grep -q "$2"; do [ $SECONDS -lt $deadline ] || fail "$1: does not recover"; done
	echo "ok: $1: not ready without its database, and again with it"
}

# timed WHAT COMMAND...
timed() {
	local what=$1 start=$EPOCHREALTIME
	shift
	"$@" || fail "$what"
	echo "ok: $what ($(bc <<<"$EPOCHREALTIME - $start" | cut -c1-5) s)"
}

check_tryton() {
	local pid session
	unpack tryton
	database tryton
	configure tryton trytond.conf config/classes/tryton.yaml
	timed 'tryton: a new database' run tryton tryton-migrate --bootstrap
	timed 'tryton: an existing database' run tryton tryton-migrate --bootstrap
	sql tryton "COMMENT ON TABLE ir_module IS 'another version'"
	timed 'tryton: a database of another version' run tryton tryton-migrate
	[ "$(sql tryton "SELECT obj_description('ir_module'::regclass)")" = "$(cat "$root/tryton/usr/share/crmkeep/tryton-version")" ] ||
		fail 'tryton: the version was not recorded'
	"${enter[@]}" "$root/tryton" gunicorn --bind=127.0.0.1:8000 --threads=16 trytond.application:app >"$root/log" 2>&1 &
	pid=$!
	request http://127.0.0.1:8000/ | expect 'tryton: the web client' tryton-sao
	tryton_ready | expect 'tryton: ready' LoginException
	tryton '{"id":1,"method":"common.db.login","params":["admin",{"password":"wrong"}]}' | expect 'tryton: a wrong password is refused' 401
	session=$(tryton "{\"id\":1,\"method\":\"common.db.login\",\"params\":[\"admin\",{\"password\":\"$password\"}]}" |
		jq -r '(["admin", (.result[0] | tostring), .result[1]] | join(":")) | @base64')
	tryton '{"id":2,"method":"model.ir.module.search_count","params":[[["state","=","activated"]],{}]}' \
		-H "Authorization: Session $session" | expect 'tryton: logged in' '"result":[1-9]'
	without_database tryton LoginException
	stop "$pid" TERM tryton
	check_tryton_copy
}

# check_tryton_copy: what drills check, and what a copy of production must not be able to do.
check_tryton_copy() {
	sql tryton "INSERT INTO ir_attachment (name, type, data, resource) VALUES ('offer.pdf', 'data', 'an offer'::bytea, 'party.party,1')"
	sql tryton "INSERT INTO res_user (login, name, active, menu) SELECT unnest(array['li.na', 'wei']), name, true, menu FROM res_user WHERE login = 'admin'"
	sql tryton "INSERT INTO ir_session (key, create_uid, create_date) VALUES ('stolen', 1, now())"
	sql tryton "INSERT INTO res_user_application (key, application, state) VALUES ('stolen', '', 'validated')"
	sql tryton "INSERT INTO ir_queue (name, enqueued_at) VALUES ('waits', now())"
	sql tryton "INSERT INTO marketing_automation_scenario (name, model, domain, state) VALUES ('spring', 'party.party', '[]', 'running')"
	run tryton tryton-check | expect 'tryton: the check opens an attachment' '^1 attachments opened'
	echo wrong >"$root/tryton/run/wrong"
	if run tryton env TRYTONPASSFILE=/run/wrong tryton-check 2>"$root/log"; then fail 'tryton: a wrong password passes the check'; fi
	expect 'tryton: the check refuses a wrong password' 'password is refused' <"$root/log"
	timed 'tryton: neutralise a copy' run tryton tryton-neutralise --keep=wei,nobody
	run tryton tryton-neutralise --keep=wei | expect 'tryton: again, it changes nothing' '^0 rows changed'
	sql tryton "SELECT login FROM res_user WHERE active AND login IS NOT NULL ORDER BY 1" | paste -sd, | expect 'tryton: who can log in' '^admin,crmkeep,wei$'
	sql tryton "SELECT (SELECT count(*) FROM ir_session) + (SELECT count(*) FROM ir_queue)
		+ (SELECT count(*) FROM res_user_application WHERE state <> 'cancelled')
		+ (SELECT count(*) FROM marketing_automation_scenario WHERE state <> 'stopped')
		+ (SELECT count(*) FROM ir_cron WHERE active AND method ~ 'marketing|trigger|currency')" | expect 'tryton: nothing is left that sends' '^0$'
	[ "$(sql tryton 'SELECT count(*) FROM ir_cron WHERE active')" -gt 0 ] || fail 'tryton: no scheduled task is left'
	timed 'tryton: a neutralised copy passes the check' run tryton tryton-check
	timed 'tryton: nobody is kept' run tryton tryton-neutralise --keep=
	sql tryton "SELECT login FROM res_user WHERE active AND login IS NOT NULL ORDER BY 1" | paste -sd, | expect 'tryton: but the administrator and crmkeep' '^admin,crmkeep$'
}

tryton_ready() { tryton '{"id":1,"method":"common.db.login","params":["crmkeep-probe",{}]}'; }

# tryton BODY [ARGUMENT...]: a call by JSON-RPC.
tryton() { request http://127.0.0.1:8000/tryton/ -H 'Content-Type: application/json' -d "$@"; }

check_ttrss() {
	local web worker jar=$root/cookies
	unpack ttrss
	database ttrss
	configure ttrss config.php test/classes/ttrss.yaml
	timed 'ttrss: a new database' run ttrss ttrss migrate --bootstrap
	timed 'ttrss: an existing database' run ttrss ttrss migrate --bootstrap
	"${enter[@]}" "$root/ttrss" ttrss web >"$root/log" 2>&1 &
	web=$!
	"${enter[@]}" "$root/ttrss" ttrss worker >"$root/log" 2>&1 &
	worker=$!
	ttrss_ready | expect 'ttrss: ready' '"status":false'
	run ttrss php /usr/share/tt-rss/www/update.php --cleanup-tags | expect 'ttrss: the nightly task' '0 tags deleted'
	request http://127.0.0.1:8080/public.php -d 'op=login&login=admin' -d password=password -c "$jar" -b "$jar" >/dev/null
	request http://127.0.0.1:8080/ -b "$jar" | expect 'ttrss: a wrong password is refused' 'Incorrect username or password'
	rm -f "$jar"
	request http://127.0.0.1:8080/public.php -d 'op=login&login=admin' -d "password=$password" -c "$jar" >/dev/null
	request http://127.0.0.1:8080/ -b "$jar" | expect 'ttrss: logged in' 'backend.php?op=logout\|ttrss_main'
	without_database ttrss '"status":false'
	stop "$worker" TERM 'ttrss worker'
	stop "$web" TERM 'ttrss web'
	check_ttrss_copy
}

check_ttrss_copy() {
	sql ttrss "INSERT INTO ttrss_users (login, pwd_hash) VALUES ('li.na', 'SHA1:x'), ('wei', 'SHA1:x')"
	sql ttrss "INSERT INTO ttrss_feeds (owner_uid, title, feed_url, auth_pass) VALUES (1, 'news', 'https://news.example', 'x')"
	if run ttrss ttrss check 2>"$root/log"; then fail 'ttrss: passes the check without a data key'; fi
	expect 'ttrss: the check wants the data key' data.key <"$root/log"
	od -An -vtx1 -N32 /dev/urandom | tr -d " \n" >"$root/ttrss/run/crmkeep/files/data.key"
	run ttrss ttrss check | expect 'ttrss: the check counts' '^3 users'
	timed 'ttrss: neutralise a copy' run ttrss ttrss neutralise --keep=wei
	timed 'ttrss: again' run ttrss ttrss neutralise --keep=wei
	sql ttrss "SELECT login FROM ttrss_users WHERE pwd_hash <> '' ORDER BY 1" | paste -sd, | expect 'ttrss: who can log in' '^admin,wei$'
	sql ttrss "SELECT (SELECT count(*) FROM ttrss_sessions) + (SELECT count(*) FROM ttrss_feeds WHERE update_interval >= 0 OR auth_pass <> '')" |
		expect 'ttrss: nothing is fetched' '^0$'
	run ttrss ttrss check | expect 'ttrss: a neutralised copy passes the check' '^1 feeds'
	timed 'ttrss: nobody is kept' run ttrss ttrss neutralise --keep=
	sql ttrss "SELECT login FROM ttrss_users WHERE pwd_hash <> ''" | expect 'ttrss: but the administrator' '^admin$'
}

ttrss_ready() { request http://127.0.0.1:8080/api/ -d '{"op":"isLoggedIn"}'; }

check_crmkeep() {
	unpack crmkeep
	run crmkeep pg_dump -h 127.0.0.1 -U postgres -Fc postgres | head -c 5 | expect 'crmkeep: pg_dump' PGDMP
	run crmkeep psql -h 127.0.0.1 -U postgres -tAc 'SELECT 6 * 7' | expect 'crmkeep: psql' 42
	run crmkeep restic version | expect 'crmkeep: restic' '0\.18'
	[ -z "$(find "$root/crmkeep" -xdev -name "*sh" -perm /111 -type f)" ] || fail "crmkeep: has a shell"
	[ -x "$root/crmkeep/crmkeep" ] || fail 'crmkeep: has no /crmkeep'
}

unpack postgres
run postgres initdb -D /tmp/data -U postgres --auth=trust -E UTF8 --locale=C.UTF-8 --no-sync | expect 'postgres: initdb' Success
start_database
for name; do "check_$name"; done
stop_database

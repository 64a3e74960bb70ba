#!/bin/bash
# Initialises a Tryton database and prints its dump. Initialising takes a minute or more of CPU, restoring the dump a
# second, so it is done once per image and not once per tenant.
# usage: dump.sh MODULE...   (as an ordinary user, in the image under construction)
set -euo pipefail
export PATH=/usr/lib/postgresql/15/bin:$PATH
work=$(mktemp -d)
export PGHOST=$work PGUSER=crm PGDATABASE=crm TRYTONPASSFILE=$work/password
exec 3>&1 1>&2 # only the dump goes to standard output

initdb --pgdata "$work/data" --username crm --auth trust --encoding UTF8 --locale C.UTF-8 --no-sync >"$work/log"
pg_ctl --pgdata "$work/data" --wait --silent --log "$work/log" \
	--options "-c listen_addresses= -c unix_socket_directories=$work -c fsync=off" start
trap 'pg_ctl --pgdata "$work/data" --mode immediate --silent stop; rm -rf "$work"' EXIT
createdb crm

printf '[database]\nuri = postgresql://\n' >"$work/trytond.conf"
# Tryton wants some password for its administrator; it is taken out again before the dump.
python3 -c 'import random, string; print("".join(random.SystemRandom().sample(string.ascii_letters, 20)))' >"$TRYTONPASSFILE"
trytond-admin --config "$work/trytond.conf" --database crm --email '' --activate-dependencies --update "${@//-/_}"
psql --quiet --set ON_ERROR_STOP=1 --command "UPDATE res_user SET password_hash = NULL"
# Rows as INSERT, so that Tryton's own database driver can restore them; its meta-commands are psql's alone.
pg_dump --no-owner --no-privileges --no-comments --rows-per-insert 500 | grep -v '^\\\(un\)\?restrict ' >&3

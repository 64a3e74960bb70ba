#!/bin/bash
# crmkeep.local/tryton: runs inside the image under construction.
# shellcheck source=common/recipe.sh
. /recipe/common/recipe.sh
here=$(dirname "$0")

mkdir -p /etc/postgresql-common /usr/share/crmkeep
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
mapfile -t modules <"$here/modules"
packages tryton-server tryton-sao python3-psycopg2 gunicorn "${modules[@]/#/tryton-modules-}" postgresql-15
accounts ""
install -m 0644 "$here/modules" /usr/share/crmkeep/tryton-modules
install -m 0644 "$here/crmkeep_tryton.py" /usr/lib/python3/dist-packages/
install -m 0755 "$here/tryton-migrate" "$here/tryton-neutralise" "$here/tryton-check" /usr/bin/
# What the database depends on, as one word.
dpkg-query --show 'tryton-*' | sha256sum | cut -c1-16 >/usr/share/crmkeep/tryton-version
setpriv --reuid 65532 --regid 65532 --clear-groups "$here/dump.sh" "${modules[@]}" >/usr/share/crmkeep/tryton.sql

drop postgresql-15 postgresql-client-15 postgresql-common postgresql-client-common libllvm14 libz3-4 python3-setuptools
finish
# The root file system is read-only in a pod, and an archive does not keep the times that compiled files refer to.
python3 -m compileall -q -j0 --invalidation-mode unchecked-hash /usr/lib/python3 /usr/lib/python3.11

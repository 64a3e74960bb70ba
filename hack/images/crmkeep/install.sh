#!/bin/bash
# crmkeep.local/crmkeep: runs inside the image under construction and collects in /image what the final image holds:
# no shell and no packages, only PostgreSQL's client programs, the libraries they need and the public CA certificates.
# shellcheck source=common/recipe.sh
. /recipe/common/recipe.sh

packages postgresql-client-15 ca-certificates
accounts /image
programs=(/usr/lib/postgresql/15/bin/{pg_dump,pg_restore,psql})
mapfile -t libraries < <(ldd "${programs[@]}" | grep -o '/[^ ]*\.so[^ ]*' | sort -u)
mkdir -p /image/{tmp,run,proc,sys,dev,usr/bin,usr/lib,etc/ssl/certs}
chmod 1777 /image/tmp
# The libraries are listed under /lib; as everywhere in Debian that is a link.
ln -s usr/lib /image/lib
[ ! -e /lib64 ] || { mkdir /image/usr/lib64 && ln -s usr/lib64 /image/lib64; }
cp --parents --dereference "${libraries[@]}" /image
cp "${programs[@]}" /image/usr/bin
cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/
chroot /image /usr/bin/pg_dump --version

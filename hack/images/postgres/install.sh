#!/bin/bash
# crmkeep.local/postgres: runs inside the image under construction.
# shellcheck source=common/recipe.sh
. /recipe/common/recipe.sh

mkdir -p /etc/postgresql-common
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
packages postgresql-15

# Just-in-time compilation costs 120 MB of image and is off in crmkeep's configuration.
drop libllvm14 libz3-4 postgresql-common postgresql-client-common
rm -rf /usr/lib/postgresql/15/lib/{llvmjit*,bitcode} /usr/share/postgresql-common
for program in /usr/lib/postgresql/15/bin/*; do ln -sf "$program" /usr/bin/; done
finish

#!/usr/bin/env bash
# Installs the Debian packages that the tests and the checks need, unless they are there: PostgreSQL's programs for the
# tests of the agent, shellcheck for the scripts. What the cluster needs, hack/cluster installs itself.
set -euo pipefail

if [ ! -e /usr/lib/postgresql/15 ] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
	mkdir -p /etc/postgresql-common
	echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf # or the package would start a server of its own
fi
exec "$(dirname "${BASH_SOURCE[0]}")/debian.sh" postgresql-15 shellcheck jq curl git iproute2 procps util-linux

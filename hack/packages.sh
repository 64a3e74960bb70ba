#!/usr/bin/env bash
# Installs the Debian packages that the tests and the checks need, unless they are there: PostgreSQL's programs for the
# tests of the agent, shellcheck for the scripts. What the cluster needs, hack/cluster installs itself.
set -euo pipefail
packages=(postgresql-15 shellcheck jq curl git procps util-linux)

dpkg-query -W "${packages[@]}" >/dev/null 2>&1 && exit
# Otherwise the package would start a server of its own.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update -qq
apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install -y -qq --no-install-recommends "${packages[@]}" >/dev/null

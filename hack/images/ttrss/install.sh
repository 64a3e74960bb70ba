#!/bin/bash
# crmkeep.local/ttrss: runs inside the image under construction.
# shellcheck source=common/recipe.sh
. /recipe/common/recipe.sh
here=$(dirname "$0")

# dbconfig-no-thanks stands in for MariaDB's client, which the package would bring along.
packages tt-rss php-cli php-pgsql php-curl dbconfig-no-thanks
install -D -m 0755 "$here/ttrss" /usr/bin/ttrss
install -D -m 0644 -t /usr/share/crmkeep "$here"/*.php
ln -sf /run/crmkeep/files/config.php /etc/tt-rss/config.php
# The schema comes with an administrator whose password is "password". No password has an empty hash.
schema=/usr/share/tt-rss/schema/ttrss_schema_pgsql.sql
sed -i "s/'SHA1:5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8'/''/" "$schema"
if grep -q SHA1: "$schema"; then
	echo 'the schema still has a default password' >&2
	exit 1
fi

# The packages insist on Apache; the image library draws one-time password codes, which nobody here scans.
drop apache2-bin libapache2-mod-php8.2 dbconfig-common \
	php8.2-gd libgd3 libheif1 libx265-199 libaom3 libsvtav1enc1 librav1e0 libdav1d6 libx11-data fonts-dejavu-core
rm -f /etc/php/8.2/cli/conf.d/*-gd.ini
rm -rf /var/lib/tt-rss /var/lib/php /usr/share/tt-rss/www/register.php
finish
mkdir -p /var/lib/tt-rss

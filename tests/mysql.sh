#!/bin/sh
# Oracle's MySQL, which Debian has in unstable alone, unpacked into a folder of its own beside the
# system's libraries. Prints what to set for the tests to use it.
#   sh tests/mysql.sh /var/tmp/mysql-tree
set -eu
tree=${1:?name the folder to unpack into}
command -v debootstrap >/dev/null || { echo "debootstrap is needed: apt-get install debootstrap" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
debootstrap --download-only --variant=minbase --include=mysql-server-core unstable "$work" >&2
mkdir -p "$tree"
for package in "$work"/var/cache/apt/archives/*.deb; do
  dpkg -x "$package" "$tree"
done
echo "export TEST_MYSQL_TREE=$tree"

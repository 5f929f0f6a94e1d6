#!/bin/sh
# Newer servers than the system's: MySQL 9.7, Valkey 9.1 and Redis 8, from Debian unstable, unpacked
# into a folder of their own beside the system's libraries. Prints what to set for the tests to run
# on them. What is there already, and runs, is kept.
#   sh tests/servers.sh [FOLDER]
# Where it ends with 3 they cannot be fetched here, and the last line says why.
set -eu
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
tree=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/cache-aside-servers}
programs="usr/sbin/mysqld usr/bin/valkey-server usr/bin/redis-server"
packages=mysql-server-core,valkey-server,redis-server

cannot() { echo "$*" >&2; exit 3; }

runs() { # whether each program in the folder starts
  for program in $programs; do
    "$1/${program##*/}" --version >/dev/null 2>&1 || return 1
  done
}

fetch() { # into the folder
  [ -r /etc/debian_version ] || cannot "this is no Debian"
  as_root=
  [ "$(id -u)" = 0 ] || as_root="sudo -n"
  $as_root true 2>/dev/null || cannot "debootstrap needs root"
  command -v debootstrap >/dev/null || $as_root apt-get install -y -qq debootstrap >/dev/null 2>&1 \
    || cannot "debootstrap is not installed, and apt-get could not install it"
  work=$(mktemp -d)
  trap '$as_root rm -rf "$work" "$new"' EXIT
  $as_root timeout 600 debootstrap --download-only --variant=minbase --include="$packages" unstable \
    "$work/packages" >"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; cannot "debootstrap could not fetch them"; }
  for package in "$work"/packages/var/cache/apt/archives/*.deb; do
    dpkg -x "$package" "$1"
  done
}

# Each runs by the loader and the libraries of its own tree.
wrap() {
  for program in $programs; do
    more=
    [ "${program##*/}" != mysqld ] \
      || more='--lc-messages-dir="$tree/usr/share/mysql" --plugin-dir="$tree/usr/lib/mysql/plugin"'
    cat >"$1/${program##*/}" <<WRAPPER
#!/bin/sh
tree=\$(dirname "\$(readlink -f "\$0")")
set -- "\$tree/$program" "\$@" $more
for libraries in "\$tree"/usr/lib/*-linux-gnu*; do
  for loader in "\$libraries"/ld-linux*.so.*; do
    exec "\$loader" --library-path "\$libraries" "\$@"
  done
done
WRAPPER
    chmod +x "$1/${program##*/}"
  done
}

if ! runs "$tree"; then
  mkdir -p "$(dirname "$tree")"
  # Beside it, then renamed: a run that is interrupted leaves nothing half done in its place.
  new=$(mktemp -d "$tree.XXXXXX")
  fetch "$new"
  wrap "$new"
  runs "$new" || cannot "what was unpacked into $new does not run"
  rm -rf "$tree"
  mv "$new" "$tree"
fi
echo "export TEST_MYSQL_TREE=$tree"
echo "export TEST_REDIS=$tree/valkey-server   # or $tree/redis-server"

#!/bin/sh
# The programs that the tests run on: the servers, a browser, and what mysqlclient builds with.
# Installs what is missing with apt where it may, else names it.
set -eu
PATH=$PATH:/usr/local/sbin:/usr/sbin

missing=
need() { # package, then programs of which one is enough
  package=$1; shift
  for program in "$@"; do
    if command -v "$program" >/dev/null; then return; fi
  done
  missing="$missing $package"
}
# The cores alone: mariadb-server would also start a server of its own, for the whole machine.
[ -n "${TEST_DB_HOST:-}" ] || need "mariadb-server-core mariadb-client-core" mariadbd mysqld
[ -n "${TEST_REDIS_URL:-}" ] || need redis-server redis-server valkey-server
need chromium chromium google-chrome chromium-browser
need gcc gcc cc
need openssl openssl
need pkg-config pkg-config
need libmariadb-dev mariadb_config mysql_config
python=${PYTHON:-python3}
"$python" - <<'PYTHON' || missing="$missing python3-dev"
import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))
PYTHON
"$python" -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"

[ -n "$missing" ] || exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"
install() {
  command -v apt-get >/dev/null && $as_root true 2>/dev/null || return
  echo "Installing:$missing"
  # By env, for sudo strips what is exported.
  # shellcheck disable=SC2086  a list of words
  $as_root apt-get update -qq \
    && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
install || {
  echo "The tests need:$missing. Install them, or name servers in TEST_DB_* and TEST_REDIS_URL." >&2
  exit 1
}

"""The site's settings on the servers of a test run.

Servers that TEST_DB_* and TEST_REDIS_URL name are used; what they do not name is started, private
to this process and gone with it. TEST_DATABASE=sqlite runs on SQLite.
"""

import atexit
import os

from planetsite.environment import VARIABLES
from tests.support import given, servers

# Child processes import this module too, and must share the servers of the first.
if "TEST_SERVERS_ARE_UP" not in os.environ:
    os.environ["TEST_SERVERS_ARE_UP"] = "1"
    for name in VARIABLES:  # a developer's own are for the site
        os.environ.pop(name, None)
    if os.environ.get("TEST_DATABASE", "mysql") == "sqlite":
        sqlite = servers.SQLite()
        atexit.register(sqlite.remove)
        os.environ["SQLITE_PATH"] = sqlite.path
    elif "TEST_DB_HOST" in os.environ:
        os.environ.update(given.given_database())
    else:
        mariadb = servers.MariaDB()
        atexit.register(mariadb.remove)
        os.environ.update(
            DB_HOST=mariadb.socket, DB_PORT="", DB_USER=mariadb.user, DB_PASS="", DB_NAME="planets"
        )
    if "TEST_REDIS_URL" in os.environ:
        os.environ["REDIS_URL"] = given.given_redis()
    else:
        private_redis = servers.Redis()
        atexit.register(private_redis.remove)
        os.environ["REDIS_URL"] = private_redis.url
    # So is a .env; /dev/null says nothing.
    os.environ.update(ENV_FILE="/dev/null", SECRET_KEY="only-for-tests", HTTPS="off")

from planetsite.settings import *  # noqa: F403
from planetsite.settings import CACHES, DATABASES, INSTALLED_APPS, MIDDLEWARE

if os.environ.get("DB_HOST") and "TEST_DB_HOST" in os.environ:
    # Not Django's `test_` before it: that database was not given, and may be somebody's.
    DATABASES["default"]["TEST"] = {"NAME": os.environ["TEST_DB_NAME"]}
elif "SQLITE_PATH" in os.environ:
    # A file, as the site has. Django's default for tests is in memory, where it closes no
    # connection, so that every thread would leave one open.
    DATABASES["default"]["TEST"] = {"NAME": os.environ["SQLITE_PATH"]}
INSTALLED_APPS = [*INSTALLED_APPS, "debug_toolbar", "tests.cache.zoo"]
# Hashing a password is not what any test is about.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Tests count round trips and keys; those of the history switch it on.
CACHE_ASIDE = {"HISTORY": 0, "READS": "planets.reads", "NAME": "planets", "METRICS_TOKEN": "tests"}
# What whitenoise serves and the manifest is made of, `collectstatic`, is not run for a test.
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("whitenoise.")]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# The toolbar is installed for the tests of its panel, which add its middleware.
SILENCED_SYSTEM_CHECKS = ["debug_toolbar.W001"]
# A busy machine is no outage; the tests of outages set timeouts of their own.
CACHES["default"]["OPTIONS"].update(SOCKET_TIMEOUT=5, SOCKET_CONNECT_TIMEOUT=5)

"""Servers that TEST_DB_* and TEST_REDIS_URL name: used where nothing is in them, else refused.

The tests create and drop the database TEST_DB_NAME, and empty the Redis database of
TEST_REDIS_URL, over and over. Whatever is in them when a run begins is somebody's.
"""

from __future__ import annotations

import os
from contextlib import closing

import pytest
import redis

from .driver import MySQLdb


def given_database() -> dict[str, str]:
    """DB_HOST, DB_PORT, DB_USER, DB_PASS and DB_NAME of the given database server.

    Raises pytest.UsageError where a name is missing, the server does not let us in, or the
    database has tables.
    """
    given = {"TEST_DB_PORT": "3306", "TEST_DB_PASS": "", **os.environ}
    names = ("DB_HOST", "DB_PORT", "DB_USER", "DB_PASS", "DB_NAME")
    if missing := [f"TEST_{name}" for name in names if f"TEST_{name}" not in given]:
        raise pytest.UsageError(f"TEST_DB_HOST is set, so set {' and '.join(missing)} too")
    host, port, user, password, database = (given[f"TEST_{name}"] for name in names)
    at = {"unix_socket": host} if host.startswith("/") else {"host": host, "port": int(port)}
    try:
        with closing(MySQLdb.connect(user=user, password=password, **at)) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s", [database]
            )
            (tables,) = cursor.fetchone()
    except MySQLdb.Error as error:
        raise pytest.UsageError(f"TEST_DB_HOST={host!r} cannot be used: {error}") from None
    if tables:
        raise pytest.UsageError(
            f"TEST_DB_NAME={database!r} has {tables} tables, and the tests drop it:"
            " name an empty database, or one that does not exist"
        )
    return {name: given[f"TEST_{name}"] for name in names}


def given_redis() -> str:
    """The URL of the given Redis.

    Raises pytest.UsageError where it does not answer, or has keys.
    """
    url = os.environ["TEST_REDIS_URL"]
    try:
        with redis.Redis.from_url(url) as client:
            keys = client.dbsize()
    except (redis.RedisError, ValueError) as error:
        raise pytest.UsageError(f"TEST_REDIS_URL={url!r} cannot be used: {error}") from None
    if keys:
        raise pytest.UsageError(
            f"TEST_REDIS_URL={url!r} names a database that is not empty ({keys} keys), and the"
            " tests empty it: name another by /<number> at its end"
        )
    return url

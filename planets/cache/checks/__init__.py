"""System checks: what would make the cache useless, unsafe or slow, each with what to do.

`manage.py check` asks the settings alone, so it neither needs Redis nor waits for it; so do the
checks that runserver, migrate and the tests begin with. What asks Redis, or replicas, runs when a
deployment is checked: `manage.py check --deploy`, or alone, `check --deploy --tag redis`.
"""

from . import caches, hot, project, redis_server, replicas

__all__ = ["caches", "hot", "project", "redis_server", "replicas"]

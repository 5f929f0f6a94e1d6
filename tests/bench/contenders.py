"""What each contender does for each piece of work, in its best fair configuration.

A method is a piece of work; one that is missing is one that the contender does not offer. `n` is
from range(KEYS); of the misses and writes it is a number never used before.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

import redis
from django.conf import settings
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.db.models import Avg, F, Max, QuerySet
from django.test import RequestFactory

from planets.cache import invalidate, remember
from planets.cache.storage.near import near
from planets.models import Moon, Planet

from .models import OWN_RECORDS, RECORDS, Body, First, Orb, Second, System

KEYS = 8
WRITTEN = 19_990  # a row that no read of the bench asks for


class Orm:
    """Django's ORM with persistent connections, nothing cached."""

    def __init__(self) -> None:
        self.kept = [self.bodies.filter(system_id=n + 1).order_by("id")[:8] for n in range(KEYS)]
        self.own_kept = [self.orbs.filter(system_id=n + 1).order_by("id")[:8] for n in range(KEYS)]
        self.planets_kept = [
            self.planets.exclude(name=f"None {n}").order_by("id")[:8] for n in range(KEYS)
        ]
        self.written = Body.objects.get(pk=WRITTEN)
        self.application: Any = get_wsgi_application()
        self.environs: dict[str, dict[str, Any]] = {}

    @property
    def bodies(self) -> QuerySet[Body]:
        return Body.objects.all()

    # The same of a model with fields of its own, and of the site's own planets and moons.

    @property
    def orbs(self) -> QuerySet[Orb]:
        return Orb.objects.all()

    @property
    def planets(self) -> QuerySet[Planet]:
        return QuerySet(Planet)

    @property
    def moons(self) -> QuerySet[Moon]:
        return QuerySet(Moon)

    def own_list_8(self, n: int) -> list[Orb]:
        return list(self.orbs.filter(system_id=n + 1).order_by("id")[:8])

    def own_list_8_kept(self, n: int) -> list[Orb]:
        return list(self.own_kept[n].all())

    def own_list_100(self, n: int) -> list[Orb]:
        return list(self.orbs.filter(system_id=n + 1).order_by("id"))

    def own_get(self, n: int) -> Orb:
        return self.orbs.get(pk=n + 1)

    def own_count(self, n: int) -> int:
        return self.orbs.filter(band=n).count()

    def own_aggregate(self, n: int) -> dict[str, Any]:
        return self.orbs.filter(band=n).aggregate(Avg("mass"), Max("radius"))

    def own_join(self, n: int) -> list[Orb]:
        return list(self.orbs.filter(system_id=n + 1).select_related("system").order_by("id")[:20])

    def planet_list_8(self, n: int) -> list[Planet]:
        return list(self.planets.exclude(name=f"None {n}").order_by("id")[:8])

    def planet_list_8_kept(self, n: int) -> list[Planet]:
        return list(self.planets_kept[n].all())

    def planet_get(self, n: int) -> Planet:
        return self.planets.get(pk=n + 1)

    def planet_count(self, n: int) -> int:
        return self.planets.filter(mass__gt=n).count()

    def planet_aggregate(self, n: int) -> dict[str, Any]:
        return self.planets.filter(mass__gt=n).aggregate(Avg("mass"), Max("radius"))

    def planet_join(self, n: int) -> list[Moon]:
        moons = self.moons.exclude(name=f"None {n}")
        return list(moons.select_related("planet").order_by("id")[:20])

    def list_8(self, n: int) -> list[Body]:
        return list(self.bodies.filter(system_id=n + 1).order_by("id")[:8])

    def list_8_kept(self, n: int) -> list[Body]:
        return list(self.kept[n].all())

    def list_100(self, n: int) -> list[Body]:
        return list(self.bodies.filter(system_id=n + 1).order_by("id"))

    def get(self, n: int) -> Body:
        return self.bodies.get(pk=n + 1)

    def count(self, n: int) -> int:
        return self.bodies.filter(band=n).count()

    def join(self, n: int) -> list[Body]:
        bodies = self.bodies.filter(system_id=n + 1).select_related("system")
        return list(bodies.order_by("id")[:20])

    def aggregate(self, n: int) -> dict[str, Any]:
        return self.bodies.filter(band=n).aggregate(Avg("mass"), Max("radius"))

    def miss_list_8(self, n: int) -> list[Body]:
        return list(self.bodies.filter(system_id=1, id__gt=-n).order_by("id")[:8])

    def miss_get(self, n: int) -> Body:
        return self.bodies.get(pk=200 + n % 19_000)

    def save(self, n: int) -> None:
        self.written.mass = float(n)
        self.written.save()

    def save_5(self, n: int) -> None:
        """A transaction of five tables."""
        with transaction.atomic():
            self.written.mass = float(n)
            self.written.save()
            Orb.objects.filter(pk=WRITTEN).update(mass=float(n))
            System.objects.filter(pk=1).update(name=f"System {n}")
            First.objects.update(number=float(n))
            Second.objects.update(number=float(n))

    def value_8(self, n: int) -> Any:
        """Plain rows and no instances: what `remember` and `get_or_set` keep alike."""
        return [tuple(row) for row in self.bodies.filter(system_id=n + 1).values_list()[:8]]

    def page_home(self, n: int) -> bytes:
        return self.page("/")

    def page_planet(self, n: int) -> bytes:
        return self.page("/planets/3/")

    def page_moons(self, n: int) -> bytes:
        return self.page("/moons/")

    def page_compare(self, n: int) -> bytes:
        return self.page("/compare/?planets=3,5")

    def page_nothing(self, n: int) -> bytes:
        """A view that does nothing, behind the same middleware."""
        return self.page("/nothing/")

    def miss_page(self, n: int) -> bytes:
        """An address that nobody has asked for before."""
        return self.page("/", QUERY_STRING=f"q=no-such-planet-{n}")

    def stale_page(self, n: int) -> bytes:
        return self.page("/")

    def before_stale_page(self) -> None:
        """The write before each call of stale_page, untimed: of what was there before."""
        self.planets.filter(pk=3).update(name=F("name"))

    def page(self, path: str, must_be: str = "200 OK", **environ: str) -> bytes:
        """A page as a WSGI server gets it: all middleware, no test client round it."""
        status = []
        asked = {**self.environ(path), **environ}
        response = self.application(asked, lambda line, headers: status.append(line))
        body = b"".join(response)
        response.close()
        if status != [must_be]:
            raise RuntimeError(f"{path} answers {status!r}, must be {must_be}")
        return body

    def environ(self, path: str) -> dict[str, Any]:
        """What a server hands over, made once for each path: that is no work of the site's."""
        found = self.environs.get(path)
        if found is None:
            found = self.environs[path] = RequestFactory().get(path).environ
        return found


class Cachalot(Orm):
    """django-cachalot on django-redis with pickle and hiredis, only these tables cachable."""

    def invalidate(self) -> None:
        from cachalot.api import invalidate as cachalot_invalidate

        cachalot_invalidate(Body)


class Cacheops(Orm):
    """django-cacheops with all operations cached automatically, pickle and hiredis."""

    def invalidate(self) -> None:
        from cacheops import invalidate_obj

        invalidate_obj(self.written)


def _by_hand(work: str) -> Any:
    """A piece of work of the ORM's under a key of its own."""

    def hit(self: ByHand, n: int) -> Any:
        return self.hit(f"{work}:{n}", lambda: getattr(Orm, work)(self, n))

    return hit


class ByHand(Orm):
    """cache.get_or_set() on django-redis with pickle, a save deletes two keys; for pages Django's

    cache_page on Django's own RedisCache, which pickles, too.
    """

    def hit(self, key: str, load: Callable[[], Any]) -> Any:
        return cache.get_or_set(key, load, 3600)

    def list_8(self, n: int) -> Any:
        return self.hit(f"list:{n}", lambda: Orm.list_8(self, n))

    list_8_kept = own_list_8_kept = planet_list_8_kept = None  # type: ignore[assignment]

    def list_100(self, n: int) -> Any:
        return self.hit(f"hundred:{n}", lambda: Orm.list_100(self, n))

    def get(self, n: int) -> Any:
        return self.hit(f"body:{n}", lambda: Orm.get(self, n))

    def count(self, n: int) -> Any:
        return self.hit(f"count:{n}", lambda: Orm.count(self, n))

    def join(self, n: int) -> Any:
        return self.hit(f"join:{n}", lambda: Orm.join(self, n))

    def aggregate(self, n: int) -> Any:
        return self.hit(f"aggregate:{n}", lambda: Orm.aggregate(self, n))

    def value_8(self, n: int) -> Any:
        return self.hit(f"value:{n}", lambda: Orm.value_8(self, n))

    own_list_8, own_list_100, own_get = map(_by_hand, ("own_list_8", "own_list_100", "own_get"))
    own_count, own_aggregate, own_join = map(_by_hand, ("own_count", "own_aggregate", "own_join"))
    planet_list_8, planet_get = map(_by_hand, ("planet_list_8", "planet_get"))
    planet_count, planet_aggregate = map(_by_hand, ("planet_count", "planet_aggregate"))
    planet_join = _by_hand("planet_join")

    # It would show the old page.
    stale_page = None  # type: ignore[assignment]

    def miss_list_8(self, n: int) -> Any:
        return self.hit(f"miss:{n}", lambda: Orm.miss_list_8(self, n))

    def miss_get(self, n: int) -> Any:
        return self.hit(f"miss-body:{n}", lambda: Orm.miss_get(self, n))

    def save(self, n: int) -> None:
        super().save(n)
        cache.delete_many([f"body:{WRITTEN}", "list:199"])


class Ours(Orm):
    """This project's layer with the site's own settings, without its near tier."""

    @property
    def bodies(self) -> QuerySet[Body]:
        return Body.aside.cached()

    @property
    def orbs(self) -> QuerySet[Orb]:
        return Orb.aside.cached()

    @property
    def planets(self) -> QuerySet[Planet]:
        return Planet.objects.cached()

    @property
    def moons(self) -> QuerySet[Moon]:
        return Moon.objects.cached()

    def own_record(self, n: int) -> Orb | None:
        return OWN_RECORDS.get(n + 1)

    def planet_record(self, n: int) -> Planet | None:
        return Planet.records.get(n + 1)

    def record(self, n: int) -> Body | None:
        return RECORDS.get(n + 1)

    def miss_record(self, n: int) -> Body | None:
        return RECORDS.get(200 + n % 19_000)

    def invalidate(self) -> None:
        invalidate(Body)

    def value_8(self, n: int) -> Any:
        return remember("value_8", lambda: Orm.value_8(self, n), vary=(n,))

    def page_304(self, n: int) -> bytes:
        """The home page for a visitor who has it."""
        return self.page("/", "304 Not Modified", HTTP_IF_NONE_MATCH=self.etag)

    @cached_property
    def etag(self) -> str:
        found: list[tuple[str, str]] = []
        asked = {**self.environ("/")}
        self.application(asked, lambda line, headers: found.extend(headers)).close()
        return dict(found)["ETag"]


class Near(Ours):
    """The same with its near tier, in the default size."""

    def __init__(self) -> None:
        super().__init__()
        near.tracking.start()
        give_up = time.monotonic() + 5
        while not near.tracking.trusted(time.monotonic()):
            if time.monotonic() > give_up:
                raise RuntimeError("the near tier did not start within 5 s: is Redis older than 6?")
            time.sleep(0.01)


class Tutorial:
    """GET and SETEX of JSON under the SQL, HGETALL of a hash: dictionaries, not instances."""

    def __init__(self) -> None:
        self.redis: Any = redis.Redis.from_url(settings.REDIS_URL)

    def fetch(self, sql: str) -> Any:
        if result := self.redis.get(sql):
            return json.loads(result)
        rows = self.query(sql)
        self.redis.setex(sql, 3600, json.dumps(rows, default=str))
        return rows

    def query(self, sql: str) -> list[dict[str, Any]]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def list_8(self, n: int) -> Any:
        return self.fetch(f"SELECT * FROM bench_body WHERE system_id={n + 1} ORDER BY id LIMIT 8")

    def list_100(self, n: int) -> Any:
        return self.fetch(f"SELECT * FROM bench_body WHERE system_id={n + 1} ORDER BY id")

    def count(self, n: int) -> Any:
        return self.fetch(f"SELECT COUNT(*) AS n FROM bench_body WHERE band={n}")[0]["n"]

    def join(self, n: int) -> Any:
        return self.fetch(
            "SELECT b.*, s.name AS system_name FROM bench_body b JOIN bench_system s"
            f" ON s.id=b.system_id WHERE b.system_id={n + 1} ORDER BY b.id LIMIT 20"
        )

    def aggregate(self, n: int) -> Any:
        return self.fetch(
            "SELECT AVG(mass) AS mass__avg, MAX(radius) AS radius__max"
            f" FROM bench_body WHERE band={n}"
        )[0]

    def record(self, n: int) -> Any:
        return self.planet(n + 1)

    def planet(self, pk: int) -> Any:
        key = f"body:{pk}"
        if result := self.redis.hgetall(key):
            return result
        (row,) = self.query(f"SELECT * FROM bench_body WHERE id={pk}")
        row = {name: str(value) for name, value in row.items() if value is not None}
        self.redis.hset(key, mapping=row)
        self.redis.expire(key, 3600)
        return row

    def miss_list_8(self, n: int) -> Any:
        return self.fetch(
            f"SELECT * FROM bench_body WHERE system_id=1 AND id>{-n} ORDER BY id LIMIT 8"
        )

    def miss_record(self, n: int) -> Any:
        return self.planet(200 + n % 19_000)


class Raw(Tutorial):
    """redis-py with hiredis: GET of a text and HGETALL, nothing decoded. The floor of a trip."""

    def __init__(self) -> None:
        super().__init__()
        for n in range(KEYS):
            self.redis.set(f"list_8:{n}", json.dumps(Tutorial.list_8(self, n), default=str))
            self.redis.set(f"list_100:{n}", json.dumps(Tutorial.list_100(self, n), default=str))
            Tutorial.record(self, n)

    def list_8(self, n: int) -> Any:
        return self.redis.get(f"list_8:{n}")

    def list_100(self, n: int) -> Any:
        return self.redis.get(f"list_100:{n}")

    def record(self, n: int) -> Any:
        return self.redis.hgetall(f"body:{n + 1}")

    count = join = aggregate = miss_list_8 = miss_record = None  # type: ignore[assignment]


class Dict:
    """A dictionary in the process, never invalidated, its values shared. The floor of all."""

    def __init__(self) -> None:
        orm = Orm()
        self.lists = {n: orm.list_8(n) for n in range(KEYS)}
        self.hundreds = {n: orm.list_100(n) for n in range(KEYS)}
        self.bodies = {n: orm.get(n) for n in range(KEYS)}

    def list_8(self, n: int) -> list[Body]:
        return self.lists[n]

    def list_100(self, n: int) -> list[Body]:
        return self.hundreds[n]

    def get(self, n: int) -> Body:
        return self.bodies[n]


CONTENDERS: dict[str, type[Any]] = {
    "orm": Orm,
    "cachalot": Cachalot,
    "cacheops": Cacheops,
    "by_hand": ByHand,
    "tutorial": Tutorial,
    "ours": Ours,
    "near": Near,
    "raw": Raw,
    "dict": Dict,
}

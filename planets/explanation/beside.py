"""A planet's name read in three ways: as the tutorial does, through the layer, and not cached."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from django_redis import get_redis_connection

from ..cache import disabled, fetch
from ..cache.conf import conf
from ..cache.storage.errors import FAILURES, Unavailable
from . import naive

TUTORIAL, LAYER, DATABASE = "the tutorial’s fetch(sql)", "the layer’s fetch(sql)", "the database"  # noqa: RUF001


class Answer(NamedTuple):
    """What one way of reading a planet's name says, before and after it was written."""

    who: str
    key: str
    before: str
    after: str
    stale: bool


class Beside:
    """Within it the tutorial's key may be there; it begins without one, and leaves none.

    That key is the literal SQL, as the tutorial has it: its own program would find the same here.
    """

    def __init__(self, pk: int) -> None:
        self.sql = f"SELECT id, name FROM planet WHERE id = {int(pk)}"  # noqa: S608
        self._redis: Any = None

    def __enter__(self) -> Self:
        try:
            self._redis = get_redis_connection(conf().REDIS)
            self._redis.delete(self.sql)
        except FAILURES as error:
            raise Unavailable(str(error)) from error
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            self._redis.delete(self.sql)
        except FAILURES:
            return  # it has but seconds to live

    def names(self) -> list[str]:
        """What each says now. Raises Unavailable, which the tutorial's own has no answer to."""
        try:
            naively = naive.fetch(self.sql, self._redis)
        except FAILURES as error:
            raise Unavailable(str(error)) from error
        with disabled():
            right = fetch(self.sql)
        return [str(rows[0]["name"]) for rows in (naively, fetch(self.sql), right) if rows]

    def answers(self, before: list[str], after: list[str]) -> list[Answer]:
        """What each has said; the database, which is asked last, is right."""
        keys = (self.sql, "sql:<digest>, behind the gates of planet", "")
        return [
            Answer(who, key, then, now, stale=now != after[-1])
            for who, key, then, now in zip(
                (TUTORIAL, LAYER, DATABASE), keys, before, after, strict=False
            )
        ]

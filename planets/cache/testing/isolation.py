"""A key space for each test: tests of several processes share one Redis and do not meet in it.

pytest-xdist and `manage.py test --parallel` give each process a database of its own, all of them
under the alias "default", and the keys in Redis are named by the alias.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.test.utils import override_settings

from ..conf import conf
from ..instruments.nodes import asking, nodes
from ..storage.errors import Unavailable
from ..storage.gates import token

if TYPE_CHECKING:
    from unittest import TestCase
else:
    TestCase = object

SCAN_COUNT = 1000  # a Redis for tests may be held up for longer than one that serves pages


@contextmanager
def configured(**changes: Any) -> Iterator[None]:
    """CACHE_ASIDE with these names changed, and all others as they are."""
    own = getattr(settings, "CACHE_ASIDE", {})
    with override_settings(CACHE_ASIDE={**own, **changes}):
        yield


@contextmanager
def isolated() -> Iterator[str]:
    """A key space that nobody else uses, empty at first and removed at the end; its prefix."""
    process = os.environ.get("PYTEST_XDIST_WORKER", os.getpid())
    prefix = f"{conf().PREFIX}test-{process}-{token()}:"
    with configured(PREFIX=prefix):
        try:
            yield prefix
        finally:
            remove(prefix)


def remove(prefix: str) -> None:
    """Take away every key that begins so. While Redis is away they stay, and expire."""
    pattern = "".join(f"\\{letter}" if letter in "*?[]\\" else letter for letter in prefix) + "*"
    try:
        with asking() as redis:
            for _, node in nodes(redis):
                pipeline = node.pipeline(transaction=False)  # on a cluster, each key has its slot
                for key in node.scan_iter(match=pattern, count=SCAN_COUNT):
                    pipeline.unlink(key)
                pipeline.execute()
    except Unavailable:
        return


class IsolatedCache(TestCase):
    """For test cases of django.test: each class and each test has a key space of its own.

    It goes before the test case: `class CityTest(IsolatedCache, TransactionTestCase)`.
    """

    @classmethod
    def setUpClass(cls) -> None:
        cls.enterClassContext(isolated())  # for what setUpTestData() reads
        super().setUpClass()

    def setUp(self) -> None:
        self.enterContext(isolated())
        super().setUp()

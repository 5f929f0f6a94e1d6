from __future__ import annotations

from typing import Any

import pytest
from django.db.models.sql.compiler import SQLCompiler

from planets.cache.orm import answers
from planets.cache.orm.plans import plans
from tests.cache.zoo.models import Everything
from tests.cache.zoo.rows import FULL


@pytest.fixture
def rows(redis: Any) -> None:
    Everything.objects.create(**FULL)
    Everything.objects.create(uuid=None)  # NULLs
    Everything.objects.create(json="null", char="", binary=b"", real=-0.0, uuid=None)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is compiled to SQL from here on, with nothing compiled before."""
    plans.clear()
    answers.clear()
    seen: list[str] = []
    as_sql = SQLCompiler.as_sql

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = as_sql(self, *args, **kwargs)
        seen.append(result[0])
        return result

    monkeypatch.setattr(SQLCompiler, "as_sql", counted)
    return seen

from __future__ import annotations

import pytest

from planets.data.seed import seed
from planets.models import Moon, Planet


@pytest.fixture
def solar_system(transactional_db: None) -> None:
    """The planets and moons of a fresh database, which the flush after a test takes away."""
    seed(Planet, Moon)

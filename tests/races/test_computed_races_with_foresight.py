"""The races of test_computed_races.py where every look takes the leases: see guessing.py."""

from tests.support.guessing import expects_misses  # noqa: F401  a fixture

from . import test_computed_races
from .test_computed_races import *  # noqa: F403

pytestmark = test_computed_races.pytestmark

from tests.support.no_database import database_away  # noqa: F401  a fixture
from tests.support.replicated import pair, servers  # noqa: F401  fixtures
from tests.support.solar_system import solar_system  # noqa: F401  a fixture
from tests.support.tour import browser, page, toured  # noqa: F401  fixtures

from tests.support.solar_system import solar_system  # noqa: F401  a fixture

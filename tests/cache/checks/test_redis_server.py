"""`check --deploy` where Redis forbids what the checks ask."""

from __future__ import annotations

from typing import Any

from django.core import checks

from tests.support.outage import use
from tests.support.servers import Redis


def told() -> dict[str, str]:
    found = checks.run_checks(tags=["redis"], include_deployment_checks=True)
    return {str(message.id): f"{message.msg} {message.hint}" for message in found}


def test_one_that_forbids_info_is_told_with_what_it_costs(own: Redis) -> None:
    with own.client() as direct:
        direct.execute_command("ACL", "SETUSER", "default", "-@dangerous")
    found = told()
    assert list(found) == ["cache_aside.W010"]
    assert "each new connection makes all that is cached unreachable" in found["cache_aside.W010"]
    assert "ACL SETUSER <user> +info" in found["cache_aside.W010"]


def test_one_that_asks_for_a_password_says_so(
    own: Redis,
    settings: Any,
) -> None:
    with Redis(tcp=True, requirepass="secret") as locked:
        use(settings, f"redis://127.0.0.1:{locked.port}/0")
        assert list(told()) == ["cache_aside.E015"]
        use(settings, own.url)

"""CACHE_ASIDE: what is wrong is said with its rule and value."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from planets.cache.conf import Conf, conf


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"TTTL": 3}, r"unknown names \['TTTL'\]; known are ENABLED, .*TTL"),
        ({"TTL": 0}, r"CACHE_ASIDE\['TTL'\] is 0, must be float from 1 to inf"),
        ({"TTL": "300"}, r"is '300', must be float"),
        ({"TTL": True}, r"is True"),
        ({"JITTER": 1}, r"from 0 to 0.9: share by which"),
        ({"MAX_BYTES": 1.5}, r"must be int"),
        ({"ENABLED": 1}, r"is 1, must be bool"),
        ({"REDIS": None}, r"is None, must be str"),
        ({"ALSO": ["star"]}, r"must be dict"),
    ],
)
def test_nonsense_is_refused(settings: Any, given: dict[str, Any], message: str) -> None:
    settings.CACHE_ASIDE = given
    with pytest.raises(ImproperlyConfigured, match=message):
        conf()


def test_every_option_has_a_default_and_says_what_it_is(settings: Any) -> None:
    settings.CACHE_ASIDE = {}
    assert conf() == Conf()
    for option in fields(Conf):
        assert option.metadata["rule"], option.name


def test_a_change_holds_at_once(settings: Any) -> None:
    settings.CACHE_ASIDE = {"TTL": 7}
    assert conf().TTL == 7
    settings.CACHE_ASIDE = {"TTL": 8}
    assert conf().TTL == 8

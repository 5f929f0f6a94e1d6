"""The model that the admin's pages hang on."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky")]


@pytest.mark.parametrize("everything", [False, True])
def test_dumpdata_finds_no_table_and_does_not_mind(everything: bool) -> None:
    out = StringIO()

    call_command("dumpdata", "zoo", "cache_aside", stdout=out, use_base_manager=everything)

    assert {row["model"] for row in json.loads(out.getvalue())} == {
        "zoo.star",
        "zoo.comet",
    }

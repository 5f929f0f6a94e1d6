"""An entry that is known to be stale is neither unpacked nor decoded."""

from __future__ import annotations

import pytest

from tests.cache.zoo.electra import rename
from tests.support.computing import Process

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sky", "redis")]


def test_what_a_process_knows_to_be_stale_it_does_not_read() -> None:
    process = Process()
    process.names()  # makes it, so that its gates and record are known
    rename()

    assert process.names().startswith("Taygeta")

    assert process.decoded == 0


def test_of_an_entry_of_another_s_it_must_read_what_it_stands_on() -> None:
    process, another = Process(), Process()
    process.names()
    rename()
    another.names()

    assert process.names().startswith("Taygeta")

    assert process.decoded == 1

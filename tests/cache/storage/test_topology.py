"""Reading what a node of a cluster says of it, in Redis's own words."""

from __future__ import annotations

import pytest

from planets.cache.storage.topology import Moved, View, agree

A, B, C = "a" * 40, "b" * 40, "c" * 40


def told(me: str, *nodes: tuple[str, str, str]) -> View:
    lines = [
        f"{name} 127.0.0.1:7000@17000,host {'myself,' if name == me else ''}{flags} - 0 0 1 "
        f"connected{slots and ' '}{slots}\n"
        for name, flags, slots in nodes
    ]
    return View.of("".join(lines).encode())


def test_who_is_a_primary() -> None:
    view = told(A, (A, "master", "0-5 7"), (B, "slave", ""), (C, "master", ""))
    assert (view.me, set(view.primaries), set(view.peers)) == (A, {A}, set())


def test_slots_on_their_way_name_the_other_end() -> None:
    view = told(A, (A, "master", f"0-5 [3->-{B}] [9-<-{C}]"))
    assert view.peers == {B, C}


@pytest.mark.parametrize(
    ("flags", "slots", "differs"),
    [
        ("master", "6-9", False),
        ("master,fail?", "6-9", False),  # a suspicion, which comes and goes
        ("master,fail", "6-9", True),
        ("slave", "6-9", True),
        ("master", "7-9", True),
    ],
)
def test_what_is_a_change(flags: str, slots: str, differs: bool) -> None:
    before = told(A, (A, "master", "0-5"), (B, "master", "6-9"))
    after = told(A, (A, "master", "0-5"), (B, flags, slots))
    assert (before.all != after.all) == differs


def test_those_that_are_followed_must_be_all() -> None:
    whole = [(A, "master", "0-5"), (B, "master", "6-9")]
    agree([told(A, *whole), told(B, *whole)])
    with pytest.raises(Moved):
        agree([told(A, *whole)])
    with pytest.raises(Moved):
        agree([told(A, *whole), told(B, *whole, (C, "master", "10"))])
    with pytest.raises(Moved):
        agree([told(A, (A, "master", f"0-5 [3->-{C}]"), whole[1]), told(B, *whole)])

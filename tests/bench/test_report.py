"""What the benchmark says of its samples. Speed itself is no test's business."""

import json
from collections import defaultdict

import pytest

from tests.bench.report import (
    FAMILIES,
    HIT_TARGETS,
    PEERS,
    TITLES,
    WORKS,
    Figure,
    Report,
    Target,
)

pytestmark = pytest.mark.once

HITS = tuple(
    family + kind
    for family in FAMILIES
    for kind in HIT_TARGETS
    if family + kind != "planet_list_100"
)
FRESH = ("miss_list_8", "miss_get", "miss_record", "save", "save_5")

# Two of each hit, one against a bare HGETALL, four of misses and writes, two of invalidations.
OF_READS = 2 * len(HITS) + 1 + 4 + 2

PAGES = ("page_home", "page_nothing")
MADE = ("miss_page", "stale_page")
SERVED = ("served_home", "served_planet")
SECTIONS = {
    "hit": (*HITS, "value_8"),
    "fresh": FRESH,
    "invalidation": ("10", "100,000"),
    "page": PAGES,
    "page made": MADE,
    **{f"served by {workers}": SERVED for workers in (1, 2, 4)},
}


@pytest.fixture
def report() -> Report:
    """Everything takes 100 µs; ours half of it, and with the near tier 4."""
    samples: dict[str, dict[str, dict[str, list[float]]]]
    samples = defaultdict(lambda: defaultdict(dict))
    times = dict.fromkeys(TITLES, 100.0) | {"ours": 50.0, "near": 4.0}
    for section, works in SECTIONS.items():
        for work in works:
            for name, time in times.items():
                samples[section][work][name] = [time, time, time]
    return Report.of(samples, {}, {"rounds": "3"})


def test_a_figure_is_the_median_with_half_the_interquartile_range() -> None:
    figure = Figure.of([10, 20, 30, 40, 1000])
    assert (figure.median, figure.low, figure.high, figure.rounds) == (30, 20, 40, 5)
    assert str(figure) == "30 ±10"


@pytest.mark.parametrize(
    ("ratio", "at_most", "met"),
    [(1.5, True, True), (1.51, True, False), (1.5, False, True), (1.49, False, False)],
)
def test_a_target_is_met_up_to_its_bound(ratio: float, at_most: bool, met: bool) -> None:
    assert Target("any", ratio, 1.5, at_most).met is met


def test_targets_are_ratios_to_the_best_peer(report: Report) -> None:
    for work in HITS:
        report.figures["hit"][work][PEERS[0]] = Figure(80, 80, 80, 3)
    by_title = {target.title: target for target in report.targets()}
    ours = by_title["ours: list of 8, faster than the best peer"]
    near = by_title["ours, near: record by pk, faster than the best peer"]
    assert (ours.ratio, ours.met) == (1.6, False)
    assert (near.ratio, near.met) == (20, True)


def test_table_json_and_page_tell_of_every_piece_of_work_and_target(report: Report) -> None:
    said = json.loads(report.json())
    for text in (report.table(), report.markdown()):
        for work in (*HITS, *FRESH, *PAGES, *MADE, *SERVED):
            assert WORKS[work] in text
        for target in said["targets"]:
            assert target["title"] in text
    assert len(said["targets"]) == OF_READS + 7 + 4


def test_targets_of_pages_are_ratios_to_cache_page_and_to_the_uncached_site(report: Report) -> None:
    report.figures["served by 2"]["served_home"]["ours"] = Figure(2000, 2000, 2000, 3)
    by_title = {target.title: target for target in report.targets()}
    hit = by_title["ours, near: home, faster than cache_page"]
    made = by_title["ours: home, after a write, against uncached"]
    served = by_title["ours: home by gunicorn, more than uncached"]
    assert (hit.ratio, hit.met) == (25, True)
    assert (made.ratio, made.met) == (0.5, True)
    assert (served.ratio, served.met) == (20, True)


def test_what_was_not_measured_has_no_target(report: Report) -> None:
    del report.figures["served by 2"]
    assert len(list(report.targets())) == OF_READS + 7


def test_where_another_is_faster_the_report_says_so(report: Report) -> None:
    assert list(report.beaten()) == []
    report.figures["hit"]["own_count"]["by_hand"] = Figure(3, 3, 3, 3)
    report.figures["hit"]["own_count"]["dict"] = Figure(1, 1, 1, 3)  # a floor, and no contender
    (told,) = report.beaten()
    assert told == f"{WORKS['own_count']}: get_or_set wins: 3 µs, ours 4 µs"
    assert told in report.table()
    assert told in report.markdown()

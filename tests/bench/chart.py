"""The chart of a report: hits on a logarithmic scale."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

from .report import TITLES, WORKS, Report

SHOWN = ("list_8", "list_8_kept", "list_100", "get", "record", "count")
COLOURS = {
    "orm": "#9aa3ad",
    "cachalot": "#c8a45c",
    "cacheops": "#d98b4a",
    "by_hand": "#b9b06a",
    "tutorial": "#8f9e6c",
    "ours": "#3b7dd8",
    "near": "#123f8c",
}


def draw(report: Report, path: Path) -> None:
    """Writes the SVG, the same bytes for the same report."""
    works = [work for work in SHOWN if work in report.figures["hit"]]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 10}):
        figure, axes = plt.subplots(figsize=(9, 7.5), layout="constrained")
        height = 0.85 / len(COLOURS)
        for place, (name, colour) in enumerate(COLOURS.items()):
            found = [
                (row, report.figures["hit"][work][name])
                for row, work in enumerate(works)
                if name in report.figures["hit"][work]
            ]
            bars = axes.barh(
                [row + (place - len(COLOURS) / 2 + 0.5) * height for row, _ in found],
                [figure.median for _, figure in found],
                height,
                label=TITLES[name],
                color=colour,
            )
            axes.bar_label(bars, fmt="%.0f", padding=2, fontsize=7)
        axes.set_yticks(range(len(works)), [WORKS[work] for work in works])
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set_xlabel("µs a call with a warm cache, median, logarithmic; shorter is faster")
        axes.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)

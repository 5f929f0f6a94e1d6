"""Charts as SVG to stand inside a page, in whose light or dark colours they are drawn."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from ..extras import extra

INK, FAINT = "var(--ink)", "var(--line)"
STYLE = {
    "background": "transparent",
    "plot_background": "transparent",
    "foreground": INK,
    "foreground_strong": INK,
    "foreground_subtle": INK,
    "guide_stroke_color": FAINT,
    "major_guide_stroke_color": FAINT,
    "font_family": "system-ui, sans-serif",
    "opacity": ".95",
    "opacity_hover": "1",
    "label_font_size": 13,
    "major_label_font_size": 13,
    "legend_font_size": 13,
    "title_font_size": 15,
    "value_font_size": 11,
}


# A series keeps its colour in every chart of a report.
COLOURS = {"no cache": 1, "empty": 2, "full": 3, "Redis away": 4}


def library() -> Any:
    """pygal. Raises MissingExtra."""
    with extra("lab"):
        import pygal
    # It adds an import hook of an old kind, of which Python warns at each import that follows.
    sys.meta_path[:] = [hook for hook in sys.meta_path if type(hook).__module__ != pygal.__name__]
    return pygal


def bars(
    title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], unit: str
) -> SafeString:
    """Groups of bars on a logarithmic scale; `series` are values > 0 by name, one a label."""
    values = [value for row in series.values() for value in row]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    marks = [10.0**power for power in range(low, high + 1)]
    chart = library().Bar(
        logarithmic=True,
        zero=marks[0],  # else the lowest bar has no height
        y_labels=marks,
        range=(marks[0], marks[-1]),
        **_options(title, series, unit),
    )
    return _draw(chart, labels, series)


def lines(
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    unit: str,
    *,
    small: bool = False,
) -> SafeString:
    """Lines over the same labels, from zero up."""
    size = {"width": 460, "height": 300} if small else {}
    high = max(value for row in series.values() for value in row)
    chart = library().Line(
        dots_size=4,
        range=(0, high * 1.05),
        margin_right=48,  # else the last label is cut off
        **{**_options(title, series, unit), **size},
    )
    return _draw(chart, labels, series)


def _options(title: str, series: Mapping[str, Sequence[float]], unit: str) -> dict[str, Any]:
    numbers = [COLOURS.get(name, place) for place, name in enumerate(series, start=1)]
    colours = tuple(f"var(--series-{number})" for number in numbers)
    return {
        "title": title,
        "style": library().style.Style(**STYLE, colors=colours),
        "js": (),
        "disable_xml_declaration": True,
        "width": 760,
        "height": 380,
        "margin": 8,
        "margin_bottom": 44,  # else the legend is cut off
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 4,
        "truncate_legend": -1,
        "value_formatter": lambda value: f"{value:,.4g} {unit}",
    }


def _draw(chart: Any, labels: Sequence[str], series: Mapping[str, Sequence[float]]) -> SafeString:
    chart.x_labels = list(labels)
    for name, values in series.items():
        chart.add(name, list(values))
    svg = chart.render(is_unicode=True)
    # pygal escapes what it is given.
    return mark_safe(svg.replace("<svg ", '<svg role="img" ', 1))  # noqa: S308

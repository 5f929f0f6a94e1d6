"""Charts as SVG to stand inside a page, in whose light or dark colours they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pygal
from django.utils.safestring import SafeString, mark_safe
from pygal.style import Style

INK, FAINT = "var(--ink)", "var(--line)"
STYLE = Style(
    background="transparent",
    plot_background="transparent",
    foreground=INK,
    foreground_strong=INK,
    foreground_subtle=INK,
    guide_stroke_color=FAINT,
    major_guide_stroke_color=FAINT,
    font_family="system-ui, sans-serif",
    colors=tuple(f"var(--series-{number})" for number in range(1, 8)),
    opacity=".95",
    opacity_hover="1",
    label_font_size=13,
    major_label_font_size=13,
    legend_font_size=13,
    title_font_size=15,
    value_font_size=11,
)


def bars(
    title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], unit: str
) -> SafeString:
    """Groups of bars on a logarithmic scale; `series` are values > 0 by name, one a label."""
    return _draw(pygal.Bar, title, labels, series, unit, logarithmic=True)


def lines(
    title: str, labels: Sequence[str], series: Mapping[str, Sequence[float | None]], unit: str
) -> SafeString:
    """Lines over the same labels; a value of None is a gap."""
    return _draw(pygal.Line, title, labels, series, unit, dots_size=4)


def _draw(
    kind: Any,
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    unit: str,
    **options: Any,
) -> SafeString:
    chart = kind(
        title=title,
        style=STYLE,
        js=(),
        disable_xml_declaration=True,
        explicit_size=False,
        width=760,
        height=380,
        margin=8,
        legend_at_bottom=True,
        legend_at_bottom_columns=4,
        value_formatter=lambda value: f"{value:,.4g} {unit}",
        no_prefix=False,
        **options,
    )
    chart.x_labels = list(labels)
    for name, values in series.items():
        chart.add(name, list(values))
    svg = chart.render(is_unicode=True)
    # pygal escapes what it is given.
    return mark_safe(svg.replace("<svg ", '<svg role="img" ', 1))  # noqa: S308

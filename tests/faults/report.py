"""The table, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .row import Row

BEGIN, END = "<!-- table of the last run -->", "<!-- end of table -->"
HEAD = (
    "| fault | pages a second | p99, ms | failed | stale, during | stale, after "
    "| seconds to recover | log lines |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def line(row: Row) -> str:
    """One row. What was late within its bound is told in brackets."""
    back = "never" if row.recovered is None else f"{row.recovered:.1f}"
    stale = (
        f"{verdict.stale}" + (f" ({verdict.late})" if verdict.late else "")
        for verdict in (row.during, row.after)
    )
    cells = (
        row.fault.name, f"{row.per_second:.0f}", f"{row.p99:.0f}", str(row.failed), *stale, back,
        str(len(row.lines)),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def table(rows: Sequence[Row]) -> str:
    return "\n".join([HEAD, *map(line, rows)])


def put_into(page: Path, rows: Sequence[Row], seconds: float) -> None:
    """Replace the table in the docs."""
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    told = f"{BEGIN}\n\n{table(rows)}\n\nEach fault lasted {seconds:g} seconds.\n\n{END}"
    page.write_text(before + told + after)

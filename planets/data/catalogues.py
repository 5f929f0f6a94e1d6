"""A catalogue's file: which one it is, told by its header, and its rows."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from . import nasa_archive, open_catalogue
from .importing import BadRow, Report, Row

LARGEST_FIELD = 1 << 20


class NoCatalogue(Exception):
    """A file that is none of the catalogues that are known here."""


@dataclass(frozen=True)
class Catalogue:
    name: str
    source: str
    needs: frozenset[str]  # columns that tell it from the others
    read: Callable[[dict[str, str]], tuple[str, dict[str, object]]]


KNOWN = (
    Catalogue("NASA Exoplanet Archive", "nasa", nasa_archive.NEEDS, nasa_archive.read),
    Catalogue("Open Exoplanet Catalogue", "open", open_catalogue.NEEDS, open_catalogue.read),
)


@dataclass
class File:
    """Raises NoCatalogue where the file is none, before anything is read of its rows."""

    path: Path

    def __post_init__(self) -> None:
        self.total = 0
        try:
            with self._open() as stream:
                _, header, rows = self._rows(stream)
                self.total = sum(1 for _ in rows)
        except OSError as error:
            raise NoCatalogue(f"{self.path} cannot be read: {error.strerror}.") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise NoCatalogue(f"{self.path} is no CSV in UTF-8: {error}.") from error
        found = [one for one in KNOWN if one.needs <= set(header)]
        if not found:
            raise NoCatalogue(
                f"{self.path} has the columns {', '.join(header[:6])!r}, and must have those of "
                "the NASA Exoplanet Archive (pl_name, hostname, ...) or of the Open Exoplanet "
                "Catalogue (name, binaryflag, mass, ...)."
            )
        self.catalogue = found[0]

    def _open(self) -> TextIO:
        return self.path.open(encoding="utf-8-sig", newline="")

    def _rows(self, stream: TextIO) -> tuple[int, list[str], Iterator[tuple[int, list[str]]]]:
        """The header, and the rows with their lines; comments before and between are left out."""
        csv.field_size_limit(LARGEST_FIELD)
        reader = csv.reader(stream)
        lines = ((reader.line_num, row) for row in reader if row and not row[0].startswith("#"))
        number, header = next(lines, (0, []))
        return number, [name.strip() for name in header], lines

    def rows(self, report: Report) -> Iterator[Row]:
        """What is bad is told to the report and left out."""
        with self._open() as stream:
            _, header, lines = self._rows(stream)
            for line, cells in lines:
                cell = dict(zip(header, cells, strict=False))
                try:
                    if len(cells) != len(header):
                        raise BadRow(f"it has {len(cells)} cells, the header {len(header)}")
                    name, facts = self.catalogue.read(cell)
                    if not name:
                        raise BadRow("it has no name")
                except BadRow as error:
                    report.complain(line, cells[0], str(error))
                else:
                    known = {k: v for k, v in facts.items() if v not in (None, "")}
                    yield Row(line, name, known)

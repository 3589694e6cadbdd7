"""Tables: aligned columns with a header, cut to the width of a terminal.

A pipe gets whole cells and no header, as from `gh`: each line is a row.
"""

from __future__ import annotations

import sys
from collections.abc import Container, Mapping, Sequence
from typing import Final

from ..secrets import clean_text
from ..text import count_cells, fit_text
from ._colours import Painter, has_colours, paint_heading
from ._terminal import find_width, print_line

GAP: Final = "  "
"""The space between two columns."""


def print_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    least: Mapping[str, int] | None = None,
    painters: Mapping[str, Painter] | None = None,
    times: Container[str] = (),
) -> None:
    """Print rows with aligned columns. Keys in cells are redacted, controls escaped.

    A terminal gets no column that is empty in all rows.

    Args:
        header: The name of each column.
        rows: The cells.
        times: The columns of times. A terminal gets them to the second.
        least: The columns that may be cut, and to how many cells at least. If that is
            not enough, they are left out, in this order. Other columns are never cut.
        painters: What adds the colours to the cells of a column.
    """
    if not rows:
        return
    width = find_width(sys.stdout)
    if width is not None:
        rows = [
            [
                _cut_time(cell) if name in times else cell
                for name, cell in zip(header, row, strict=True)
            ]
            for row in rows
        ]
    head = [] if width is None else [[*header]]
    lines = [*head, *([clean_text(cell) for cell in row] for row in rows)]
    columns = zip(*lines, strict=True)
    widths = {
        name: max(map(count_cells, cells))
        for name, cells in zip(header, columns, strict=True)
    }
    if width is not None:
        for name, column in zip(header, zip(*rows, strict=True), strict=True):
            if not any(column):
                del widths[name]
        _fit_columns(widths, least or {}, width)
    for line in lines:
        is_header = line is lines[0] and bool(head)
        cells = zip(header, line, strict=True)
        print_line(
            GAP.join(
                _pad(cell, widths[name], _choose_painter(name, painters, is_header))
                for name, cell in cells
                if name in widths
            ).rstrip()
        )


def _cut_time(cell: str) -> str:
    """Return a time without the fraction of its second."""
    second, dot, _ = cell.partition(".")
    return f"{second}Z" if dot and cell.endswith("Z") else cell


def _fit_columns(widths: dict[str, int], least: Mapping[str, int], width: int) -> None:
    """Narrow columns, the widest one first. Leave out those that do not fit then."""
    for leaving in ("", *least):
        widths.pop(leaving, None)
        slack = {name: widths[name] - least[name] for name in least if name in widths}
        slack = {name: cells for name, cells in slack.items() if cells > 0}
        excess = sum(widths.values()) + len(GAP) * (len(widths) - 1) - width
        if excess <= sum(slack.values()):
            break
    while excess > 0 and any(slack.values()):
        widest = max((name for name in slack if slack[name]), key=widths.__getitem__)
        widths[widest] -= 1
        slack[widest] -= 1
        excess -= 1


def _choose_painter(
    name: str, painters: Mapping[str, Painter] | None, is_header: bool
) -> Painter | None:
    if not has_colours(sys.stdout):
        return None
    return paint_heading if is_header else (painters or {}).get(name)


def _pad(cell: str, width: int, painter: Painter | None) -> str:
    shown = fit_text(cell, width)
    space = " " * (width - count_cells(shown))
    return (painter(shown) if painter else shown) + space

"""`flow64 blocks diff`: compare two saved lists of blocks."""

from __future__ import annotations

from pathlib import Path

import click

from ..analysis import (
    LiveCatalogue,
    compare_catalogues,
    format_kind_changes,
    summarize_kind_changes,
)
from . import _params as params
from ._colours import paint_state
from ._exit_codes import CHANGES
from ._terminal import print_json, print_lines, print_message


@params.command(
    "diff",
    "flow64 blocks diff blocks.json answer.json",
    "flow64 blocks diff old.json blocks.json --exit-code",
)
@click.argument("before", metavar="OLD", type=params.FILE)
@click.argument("after", metavar="NEW", type=params.FILE)
@params.exit_code("Exit with 2 if they differ.")
@params.as_json
def command(*, before: Path, after: Path, has_exit_code: bool, as_json: bool) -> int:
    """Compare two saved lists of blocks, kind by kind and field by field.

    Each is a blocks.json, or an answer of `GET /workflows/blocks`. Nothing is sent.
    The order of kinds and fields means nothing.
    """
    changes = compare_catalogues(LiveCatalogue.read(before), LiveCatalogue.read(after))
    if as_json:
        print_json({"changes": [one.as_data() for one in changes]})
    else:
        print_lines(format_kind_changes(changes), paint_state)
        print_message(summarize_kind_changes(changes) if changes else "no differences")
    return CHANGES if changes and has_exit_code else 0

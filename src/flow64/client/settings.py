"""The options of a client and of its calls."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypedDict

from attrs import field, frozen

from ..definition import EMPTY
from ..runs.journal import Journal

PLACE: Final = Path(".flow64", "runs.jsonl")
"""Path of the journal, relative to the working folder."""

PLACE_NAME: Final = "FLOW64_JOURNAL"
"""Environment variable for another path of the journal; empty for no journal."""


class _Default:
    """The type of `DEFAULT`."""

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Final[Any] = _Default()
"""Default of an argument that the environment or the working folder decides."""


@frozen
class Terms:
    """Settings of an environment, for every call of its client.

    Attributes:
        values: Values for `value("name")`, for calls that give no values.
        suffix: Text to append to titles, such as `(staging)`.
        max_rows: Start no run of more rows, unless a call says otherwise.
        max_cost: Start no run that costs more dollars, unless a call says otherwise.
        prices: Dollars for one row by kind, in place of the documented ones.
        org_id: The organisation that the credential must belong to; None for any.
    """

    values: Mapping[str, Any] | None = field(default=None, repr=False)
    suffix: str = ""
    max_rows: int | None = None
    max_cost: float | None = None
    prices: Mapping[str, float] = EMPTY
    org_id: str | None = None


class _SharedOptions(TypedDict, total=False):
    env: str | None
    """The environment. The default is that of the client, then `default`."""
    values: Mapping[str, Any] | None
    """Values for `value("name")`."""
    max_rows: int | None
    """Start nothing if the run, or all batches together, may take more rows."""
    max_cost: float | None
    """Start nothing if it may cost more dollars, by known prices."""
    block: str | int | None
    """Key path or number of the block that rows come from by default."""
    intent: str | None
    """Name of what must happen once, such as a date. The same intent with the same rows
    is the same run, on any machine."""


class RunOptions(_SharedOptions, total=False):
    """The options of `Client.run`."""

    new: bool
    """Start another run of the same definition and rows, and pay again."""
    retry: str | None
    """Id of a run that ended without success, to start it again, once."""
    attach: str | None
    """Id of the run that a start whose answer was lost has started."""
    specs_override: Mapping[str, Any] | None
    """Fields of the source block for this run, such as `dict(max_results=50)`. They are
    checked like code, and sent with all other fields that the code sets."""
    save_json: bool
    """Save the results as JSON too, which keeps types (default)."""
    result_formats: Sequence[str]
    """Further formats, such as `ndjson`."""


class BatchOptions(_SharedOptions, total=False):
    """The options of `Client.run_batches`."""

    size: int
    """Rows of each batch but the last; 1,000 by default."""
    concurrency: int
    """The most runs under way at a time; 4 by default."""
    retry_failed: bool
    """Start batches again that failed when they were run before, and pay again."""
    every: float
    """Seconds between polls of a run; 5 by default."""
    timeout: float
    """Seconds after which to stop waiting for a run; a day by default."""


LAUNCHING: Final = (
    *("env", "values", "max_rows", "max_cost", "block"),
    *("specs_override", "save_json", "result_formats"),
)
"""The options that are of the launch. The others are of the start."""


def open_journal(journal: Journal | str | PathLike[str] | None) -> Journal:
    """Return the journal of an argument, or else that of the environment."""
    if isinstance(journal, Journal):
        return journal
    if journal is DEFAULT:
        journal = os.environ.get(PLACE_NAME, PLACE) or None
    return Journal(None if journal is None else Path(journal))

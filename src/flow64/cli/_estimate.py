"""The cost of a run, as far as prices are documented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..analysis import ABOUT_READS, Cost, cost, count_start_rows, findings
from ..blocks import Webhook
from ..definition import Definition
from ..text import format_dollars, pluralize

_OF_SOURCE: Final = "as many as its source makes"
_SAMPLE: Final = "the sample rows of webhook_input"


def estimate_run(definition: Definition, given: int) -> Iterator[tuple[str, str]]:
    """Yield the rows of a run, columns that may be missing, and its cost, in words.

    If it is unknown how many rows it starts with, the cost is that of 1,000 rows.

    Args:
        definition: The workflow.
        given: Rows in the payload.
    """
    rows, each = count_start_rows(definition, given), ""
    if rows is None:
        found = cost(definition)
        each = f" for {pluralize(found.rows, 'row')}"
        yield "rows", _SAMPLE if _takes_rows(definition) else _OF_SOURCE
    else:
        found = cost(definition, given, of_payload=True)
        yield "rows", f"{rows:,}" if rows == given else f"up to {rows:,}"
    if missing := "; ".join(_describe_missing_columns(definition)):
        yield "columns", missing
    yield "cost", _format_cost(found, each)
    for reason in found.list_omissions(definition):
        yield "not counted", reason


def _describe_missing_columns(definition: Definition) -> Iterator[str]:
    """Yield which blocks read columns that may be missing: rows may be lost there."""
    for finding in findings(definition):
        if finding.code in _WORTH_SAYING:
            at = definition.index[finding.block_id or ""]
            name = definition.origins.path(at) or definition.blocks[at].kind
            yield f"{name}: {finding.message}"


_WORTH_SAYING: Final = ABOUT_READS | {"near-miss-column"}


def _format_cost(found: Cost, rows: str) -> str:
    """Format the documented part of a cost. The rest is unknown, and never zero."""
    counted = f"up to {format_dollars(found.dollars)}{rows}"
    if found.is_whole:
        return f"{counted}: an estimate by documented prices, before filters"
    if not found.dollars:
        return "unknown: no price that can be counted is documented"
    return f"unknown; of it {counted}: an estimate by documented prices, before filters"


def _takes_rows(definition: Definition) -> bool:
    """Return True if all rows of a run come with its start."""
    roots = definition.topology.roots
    return all(definition.blocks[position].kind == Webhook.kind for position in roots)

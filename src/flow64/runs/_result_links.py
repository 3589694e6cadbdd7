"""The result files of a run: listed in the format that keeps most, by stage."""

from __future__ import annotations

from collections.abc import Sequence

from ..api import Conversation, ResultItem, download_links, is_refusal
from ..errors import FlowError


def list_result_files(
    run_id: str, format: str | None = None
) -> Conversation[Sequence[ResultItem]]:
    """The result files of all stages by block number; the last is the final one.

    Args:
        run_id: The run.
        format: `csv`, `json` or `ndjson`; None takes JSON, which keeps types, and CSV
            where no JSON was saved.
    """
    items: Sequence[ResultItem] = ()
    try:
        items = yield from download_links(run_id, format or "json")
    except FlowError as error:
        if format is not None or not is_refusal(error):
            raise
    # How a format that was not saved is answered is unknown: none, or an error.
    if format is None and not any(item.is_readable for item in items):
        items = (yield from download_links(run_id, "csv")) or items
    return sorted(items, key=lambda item: item.block_number or 0)


def renew_link(
    run_id: str, item: ResultItem, format: str | None
) -> Conversation[ResultItem | None]:
    """The same file with a link that lives; None where it is not listed any more."""
    listed = yield from list_result_files(run_id, format)
    asked = (item.filename, item.block_number)
    return next(
        (found for found in listed if (found.filename, found.block_number) == asked),
        None,
    )

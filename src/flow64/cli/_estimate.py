"""An estimate of a run before it starts: its rows, cost and effects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ..analysis import ABOUT_READS, Cost, cost, count_start_rows, findings
from ..blocks import Webhook
from ..client import Client
from ..definition import Definition
from ..deploy import Ready
from ..diff import diff
from ..errors import ForbiddenError, NotFoundError
from ..runs.payload import count_repeats, override_live, source_specs
from ..runs.start import describe_staleness
from ..text import clipped, format_dollars, join_words, pluralize
from ..workflow import Workflow
from ._colours import paint
from ._options import name_environment
from ._terminal import print_lines, print_message

_OF_SOURCE: Final = "as many as its source makes"
_SAMPLE: Final = "the sample rows of webhook_input"


def collect_run_facts(
    client: Client,
    workflow: Workflow,
    definition: Definition,
    rows: int,
    *,
    is_overridden: bool,
    ready: Ready | None = None,
) -> list[tuple[str, str]]:
    """Return the workflow, place, organisation and estimate, as labels and texts.

    The estimate is that of the deployed workflow, since this is what runs.

    Args:
        client: Sends the request.
        workflow: The workflow.
        definition: What would run.
        rows: Number of rows.
        is_overridden: Whether the settings of its source are replaced.
        ready: The code that must be deployed. None runs what is there.
    """
    facts = [
        ("run", f"{clipped(workflow.name)} ({definition.id})"),
        ("environment", f"{client.env} at {client.endpoint}"),
    ]
    try:
        live = client.workflows.get(str(definition.id))
    except NotFoundError:
        facts.append(("deployed", "no: there is no such workflow, so it cannot run"))
    except ForbiddenError:
        facts.append(("deployed", "unknown: this credential may not see the workflow"))
    else:
        stale = live.definition and ready and describe_staleness(ready, live.definition)
        if stale:
            deploy = name_environment("flow64 deploy")
            advice = f"a run is refused: {deploy} first, or run what is there: --stale"
            facts.append(("deployed", f"not this code: {stale}; {advice}"))
        if live.definition and is_overridden:
            *_, definition = override_live(live.definition, source_specs(definition))
        elif live.definition:
            definition = live.definition
        if live.org_id:
            facts.append(("organisation", live.org_id))
    return [*facts, *estimate_run(definition, rows)]


def describe_settings(
    coded: Definition, definition: Definition
) -> Iterator[tuple[str, str]]:
    """Yield what `--set` changes, as label and text."""
    lines = [
        str(line) for change in diff(coded, definition) for line in change.describe()
    ]
    if lines:
        yield "set", "; ".join(lines)


def describe_input(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield which rows are empty or occur twice, and columns without a name."""
    empty = [
        number
        for number, row in enumerate(rows, 1)
        if all(_is_blank(value) for name, value in row.items() if name)
    ]
    found = []
    if empty:
        numbers = join_words([f"{number:,}" for number in empty])
        count = pluralize(len(empty), "empty row")
        found.append(f"{count}, sent and paid for like the others: {numbers}")
    if repeats := count_repeats(rows):
        found.append(f"{pluralize(repeats, 'row')} like an earlier one")
    if any("" in row for row in rows):
        advice = "leave it out, as pandas does with to_csv(..., index=False)"
        found.append(f"a column has no name, and is sent as well: {advice}")
    if found:
        yield "input", "; ".join(found)


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def print_facts(facts: Sequence[tuple[str, str]], *, is_result: bool = False) -> None:
    """Print the estimate of a run, before a question or as the result."""
    lines = [f"{label:{_LABEL}}{text}" for label, text in facts]
    if is_result:
        print_lines(lines, _paint_facts)
        return
    for line in lines:
        print_message(line, _paint_facts)


_LABEL: Final = len("organisation ")


def _paint_facts(text: str) -> str:
    """Paint the labels. The longest one has one space behind it."""
    lines = text.split("\n")
    return "\n".join(paint(one[:_LABEL], "bold") + one[_LABEL:] for one in lines)


def make_estimate_data(
    facts: Sequence[tuple[str, str]],
    client: Client,
    workflow: Workflow,
    definition: Definition,
) -> dict[str, Any]:
    """Return the estimate of a run as JSON data. Most of it is text for people."""
    apart = ("run", "environment", "not counted")
    return {
        "workflow_id": str(definition.id),
        "key": workflow.key,
        "env": str(client.env),
        "endpoint": client.endpoint,
        **{label: text for label, text in facts if label not in apart},
        "not_counted": [text for label, text in facts if label == "not counted"],
    }


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
    if prices := found.describe_unconfirmed():
        yield "unconfirmed", f"the price of {prices}"
    for reason in found.list_omissions(definition):
        yield "not counted", reason


def _describe_missing_columns(definition: Definition) -> Iterator[str]:
    """Yield which blocks read columns that may be missing: rows may be lost there."""
    for finding in findings(definition):
        if finding.code in _WORTH_SAYING:
            at = definition.index[finding.block_id or ""]
            name = definition.origins.path(at) or definition.blocks[at].kind
            yield f"{name}: {finding.message}"


_WORTH_SAYING: Final = ABOUT_READS | {
    "near-miss-column",
    "unlisted-value",
    "wrong-value-type",
    "contradicting-conditions",
}


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

"""What a run would spend, before it starts: its rows, cost and effects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from ..analysis.check import findings
from ..analysis.column_rules import ABOUT_READS
from ..analysis.costs import Cost, cost, count_start_rows
from ..blocks import Webhook
from ..client import Client
from ..definition import Definition
from ..deploy.target import Ready
from ..errors import ApiError
from ..runs.payload import count_repeats, override_live, source_specs
from ..runs.start import describe_staleness
from ..text import format_dollars, pluralize
from ._options import name_environment


@frozen
class Estimate:
    """What a run would spend.

    Attributes:
        key: Key of the workflow.
        env: The environment.
        definition: What would run: what is deployed, if that can be known.
        rows: The rows of the start.
        notes: What is wrong or unknown, as labels and texts.
    """

    key: str
    env: str
    definition: Definition
    rows: Sequence[Mapping[str, Any]]
    prices: Mapping[str, float]
    notes: Sequence[tuple[str, str]]
    count: int | None = field(init=False)
    cost: Cost = field(init=False)
    repeats: int = field(init=False)

    @count.default
    def _count(self) -> int | None:
        return count_start_rows(self.definition, len(self.rows))

    @cost.default
    def _cost(self) -> Cost:
        if self.count is None:
            return cost(self.definition, prices=self.prices)
        return cost(self.definition, len(self.rows), self.prices, of_payload=True)

    @repeats.default
    def _repeats(self) -> int:
        return count_repeats(self.rows)

    def __str__(self) -> str:
        parts = [self._describe_rows()]
        if self.repeats:
            parts.append(f"{self.repeats:,} {_OCCUR[self.repeats > 1]} twice")
        return f"{self.key} ({self.env}): {', '.join([*parts, self._describe_cost()])}"

    def _describe_rows(self) -> str:
        if self.count is not None:
            at_most = "" if self.count == len(self.rows) else "at most "
            return f"{at_most}{pluralize(self.count, 'row')}"
        sources = {self.definition.blocks[at].kind for at in self._roots}
        return "the rows of webhook_input" if sources == {Webhook.kind} else _OF_SOURCE

    @property
    def _roots(self) -> Sequence[int]:
        return self.definition.topology.roots

    def _describe_cost(self) -> str:
        dollars = format_dollars(self.cost.dollars)
        each = "" if self.count is not None else " per 1,000 rows"
        if self.cost.is_whole:
            return f"at most {dollars}{each}"
        return f"{dollars}{each} and unknown costs" if self.cost.dollars else _UNKNOWN

    def as_lines(self) -> Iterator[str]:
        """Yield what a reader has to know beside the first line."""
        for label, text in self.notes:
            yield f"{label:9} {text}"
        for reason in self.cost.list_omissions(self.definition):
            yield f"unknown   {reason}"
        if prices := self.cost.describe_unconfirmed():
            yield f"unsure    the price of {prices}"

    def as_data(self) -> dict[str, Any]:
        """Return the estimate as JSON data."""
        return {
            "workflow_id": str(self.definition.id),
            "key": self.key,
            "env": self.env,
            "rows": self.count,
            "repeated_rows": self.repeats,
            "dollars": self.cost.dollars,
            "is_whole": self.cost.is_whole,
            "not_counted": [*self.cost.list_omissions(self.definition)],
            "notes": [f"{label}: {text}" for label, text in self.notes],
        }


_OCCUR: Final = ("occurs", "occur")
_OF_SOURCE: Final = "as many rows as its source makes"
_UNKNOWN: Final = "cost unknown"
_UNSEEN: Final = {
    403: "unknown: the credential may not see the workflow",
    404: "no: there is no such workflow, so it cannot run",
}


def estimate_run(
    client: Client,
    key: str,
    ready: Ready,
    definition: Definition,
    rows: Sequence[Mapping[str, Any]],
    *,
    prices: Mapping[str, float],
    is_overridden: bool,
    is_stale: bool,
) -> Estimate:
    """Estimate a run by what is deployed, since this is what runs.

    Args:
        client: Sends the request.
        key: Key of the workflow.
        ready: The code.
        definition: The code, with the settings of this run in its source.
        rows: The rows.
        prices: Dollars a row by kind, in place of the documented ones.
        is_overridden: Whether the settings of the source are replaced.
        is_stale: Whether what is deployed may be other code.
    """
    notes: list[tuple[str, str]] = []
    try:
        live = client.workflows.get(ready.id).definition
    except ApiError as error:
        if error.status not in _UNSEEN:
            raise
        live = None
        notes.append(("deployed", _UNSEEN[error.status]))
    if live is not None and not is_stale and (why := describe_staleness(ready, live)):
        deploy = name_environment("flow64 deploy")
        advice = f"a run is refused: {deploy} first, or run what is there: --stale"
        notes.append(("deployed", f"not this code: {why}; {advice}"))
    if live is not None and is_overridden:
        definition = override_live(live, source_specs(definition))
    elif live is not None:
        definition = live
    notes += [("columns", text) for text in _describe_missing_columns(definition)]
    return Estimate(key, str(client.env), definition, rows, prices, notes)


def _describe_missing_columns(definition: Definition) -> Iterator[str]:
    """Yield which blocks read columns that may be missing: rows may be lost there."""
    for finding in findings(definition):
        if finding.code in _WORTH_SAYING:
            at = definition.index[finding.block_id or ""]
            name = definition.origins.path(at) or definition.blocks[at].kind
            yield f"{name}: {finding.message}"


_WORTH_SAYING: Final = ABOUT_READS | {
    "unlisted-value",
    "wrong-value-type",
    "contradicting-conditions",
}

"""What is run: a workflow, the limits, and the settings of its source in these runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import evolve, field, frozen

from .. import errors
from ..analysis.check import findings
from ..api import calls
from ..api.answers import Body
from ..api.session import Session
from ..definition import (
    Definition,
    Freezer,
    FrozenDict,
    Problem,
    as_body,
    pointer,
    unbound_names,
    unchanged,
)
from ..deploy.judge import judge
from ..deploy.plan import seal_of
from ..deploy.target import Ready
from . import payload
from .journal import Journal
from .state import Stages


@frozen
class Launch:
    """The options of runs of one workflow, for one run and for batches.

    Attributes:
        ready: The workflow, compiled for its environment.
        journal: Remembers starts.
        budget: Limits of all runs together.
        specs_override: Settings of the source block in these runs that differ from
            the code.
        result_formats: Formats to save results in, beside CSV and JSON.
        definition: The workflow with these settings in its source block.
    """

    ready: Ready
    journal: Journal
    budget: payload.Budget = field(factory=payload.Budget)
    specs_override: Mapping[str, Any] | None = field(default=None, repr=False)
    result_formats: Sequence[str] = ()
    definition: Definition = field(init=False)

    @definition.default
    def _override_source(self) -> Definition:
        """Return the definition with the settings of these runs in its source.

        Raises:
            RunError: They cannot be used. All problems are listed.
        """
        formats, specs = self.result_formats, self.specs_override
        # Of a text, each letter would be a format.
        errors.require_type("result_formats", formats, list | tuple, 'write ["ndjson"]')
        errors.require_type("specs_override", specs, Mapping | None, "write dict(...)")
        definition = self.ready.definition
        if specs is None:
            return definition
        root, *others = definition.topology.roots
        problems: list[Problem] = []
        settings = Freezer(problems.append, unchanged).freeze(dict(specs))
        lines = [f"{pointer(p.path)}: {p.message}; {p.help}" for p in problems]
        if others:
            problem = "no document says which of several sources a run sets"
            lines.append(f"{problem}; deploy the change")
        changed = _with_specs(definition, settings)
        names = {*unbound_names(changed)}.difference(unbound_names(definition))
        lines += [f"value({n!r}) is not filled in here; write its text" for n in names]
        # What a run sets was never stored by the service. As in a constructor, an
        # unknown field is a mistake. `extra=` allows it.
        lines += [
            f"{finding.message}; {finding.help}"
            for finding in findings(evolve(changed, is_answer=False))
            if finding.block_id == changed.blocks[root].id
            if finding.severity == "error" or finding.code == "unknown-field"
        ]
        if lines:
            listed = errors.list_lines(lines, most=20)
            raise errors.RunError(f"settings of this run cannot be used:{listed}")
        return changed

    @property
    def stages(self) -> Stages:
        """The blocks of its runs."""
        return Stages.of(self.ready.definition)

    def build_payload(self, rows: Any, first: int = 1) -> dict[str, Any]:
        """Return the body of a start.

        A run sends all settings of the source, those of the code included: whether the
        service keeps settings that a run does not name is not documented.

        Args:
            rows: Rows as `payload.as_rows` takes them.
            first: Number of the first row, for errors.

        Raises:
            RowsError: Something cannot be sent. All problems are listed.
        """
        copies = payload.as_rows(rows, first)
        body = payload.build_payload(self.definition, copies, first)
        return self.fill_in(body, None)

    def fill_in(
        self, body: Mapping[str, Any], values: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Return a body with the settings of the source, and with secrets in them."""
        if self.specs_override is None:
            return Body(body)
        return Body({**body, "specs_override": _source_specs(self.definition, values)})

    def override_live(self, live: Definition) -> Definition:
        """Return the deployed workflow with the settings of these runs.

        Fields that are not sent are kept: a deploy leaves those that code does not set.
        """
        if self.specs_override is None:
            return live
        return _with_specs(live, _source_specs(self.definition))

    def check_deployment(self, session: Session, count: int, seal: str = "") -> None:
        """Refuse a workflow that is not this code, or may exceed limits.

        Args:
            session: Sends the request.
            count: Rows of the start.
            seal: That of the workflow whose cost was shown, if one was.

        Raises:
            RunError: The deployed workflow is not this code, or was edited.
            BudgetError: It may exceed a limit.
        """
        ready = self.ready
        self.budget.require(ready.name, self.definition, count)
        live = calls.get_workflow(session, ready.id)
        reason = self.describe_staleness(live) if live else "it is not deployed"
        if live is None or reason:
            raise errors.RunError(
                f"{ready.target.key} ({ready.id}) is not what this code says: {reason}",
                hint="deploy() first",
                option=f"deploy first: {ready.command}",
            )
        # A deploy leaves fields that code does not set, and they may cost more.
        if seal not in ("", seal_of(live)):
            problem = f"{ready.target.key} was edited since its cost was shown"
            raise errors.RunError(f"{problem}; nothing was started", hint="repeat this")
        self.budget.require(ready.name, self.override_live(live), count)

    def describe_staleness(self, live: Definition) -> str | None:
        """Return why a live workflow is not what its code says; None if it is."""
        judgement = judge(self.ready.target, live, self.ready.values)
        if judgement.secrets:
            names = ", ".join(judgement.secrets)
            return f"the secret {names} differs from the deployed one"
        # Whoever deployed it.
        return None if judgement.is_equal else _STALE.get(judgement.state)


_STALE: Final[Mapping[str, str]] = {
    "update": "the code has changed since it was deployed",
    "drifted": "it was edited on the service since it was deployed",
    "conflict": "it was edited on the service, and the code has changed as well",
    "foreign": "no code of yours deployed it, and it is not what the code says",
}


def _source_specs(
    definition: Definition, values: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return all settings of the source, as JSON data, with secrets if they come."""
    at = definition.topology.roots[0]
    body = as_body(evolve(definition, blocks=(definition.blocks[at],)), values)
    specs: dict[str, Any] = body["workflow_definition"]["blocks"][0]["specs"]
    return specs


def _with_specs(definition: Definition, specs: Mapping[str, Any]) -> Definition:
    """Return a definition with other settings in its source."""
    source = definition.blocks[definition.topology.roots[0]]
    changed = FrozenDict({**source.specs, **specs})
    return definition.map_specs(lambda at: changed if at is source else at.specs)

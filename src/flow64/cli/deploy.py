"""`flow64 deploy`: show what it would do, ask, do it, and say what was done."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import click
from attrs import define, frozen

from ..definition import as_body
from ..diagnostics import printable
from ..errors import FlowError
from ..service import Client, Deployment, Preview, State
from ._codes import INTERRUPTED, REFUSED, UNKNOWN
from ._outcomes import code_of, way_on
from ._preview import Faulty, judged
from ._service import connected
from ._shared import (
    env_option,
    example,
    json_option,
    read_values,
    require_known,
    source_argument,
    values_option,
    yes_option,
)
from ._sources import Sourced, load
from ._terminal import agreed, complain, give, give_data, talk

STATES: Final[Mapping[State, str]] = {
    "new": "is new",
    "unchanged": "is unchanged",
    "update": "has changed in the code",
    "drifted": "was edited on the service",
    "conflict": "was edited on the service, and has changed in the code",
    "converged": "is as the code says; its stamp is written",
    "foreign": "is there, and was not deployed by this code",
}
"""Each state in words."""


Outcome: TypeAlias = Literal[
    "done", "unchanged", "failed", "refused", "unknown", "not tried"
]

OUTCOMES: Final[Mapping[int, Outcome]] = {REFUSED: "refused", UNKNOWN: "unknown"}
"""What becomes of a workflow whose deploy ends with one of these codes."""


@click.command(
    "deploy",
    epilog=example(
        "flow64 deploy pipelines/leads.py",
        "flow64 deploy pipelines --env staging --yes",
        "flow64 deploy pipelines --force inbound --allow-spend search",
    ),
)
@source_argument
@env_option
@values_option
@click.option(
    "--force",
    multiple=True,
    metavar="KEY",
    help="Overwrite this workflow although it was edited on the service, or was not "
    "deployed by this code; repeatable.",
)
@click.option(
    "--allow-spend",
    multiple=True,
    metavar="KEY",
    help="Agree that this workflow buys as soon as it is written; repeatable.",
)
@yes_option
@json_option
def command(
    *,
    source: str,
    env: str | None,
    values: Path | None,
    force: Sequence[str],
    allow_spend: Sequence[str],
    yes: bool,
    as_json: bool,
) -> int:
    """Put workflows on the service, after showing what that changes.

    SOURCE is a Python file, a module, a JSON file, or a folder of any of these; with
    a colon and a key behind it, one workflow of them. All are looked at before the
    first is written: where one is refused, none is. It ends with 3 where it was
    refused, and with 4 where nobody knows whether a write was carried out.
    """
    given = read_values(values)
    loaded = load(source)
    require_known("--force", force, loaded.names)
    require_known("--allow-spend", allow_spend, loaded.names)
    with connected(env) as client:
        environment = str(client.env)
        steps = [
            Step(one, judged(one, environment, given, client))
            for one in loaded.workflows
        ]
        consent = Consent(force, allow_spend)
        talk(f"{client.endpoint}, environment {environment}", "deploy to ", "bold")
        code = min(filter(None, [step.shown(consent) for step in steps]), default=0)
        if code:
            complain("nothing was sent")
        else:
            writes = [step for step in steps if not step.is_empty]
            if writes:
                plural = "s" if len(writes) > 1 else ""
                agreed(f"Write {len(writes)} workflow{plural}?", yes=yes)
            code = carry_out(writes, client, env, given, consent)
    if as_json:
        give_data([step.as_data() for step in steps])
    else:
        for step in steps:
            give(
                printable(f"{step.outcome:9}  {step.sourced.name}  {step.id}".rstrip())
            )
    return code


@frozen
class Consent:
    """What was agreed to by name."""

    force: Sequence[str]
    allow_spend: Sequence[str]


@define
class Step:
    """A workflow on its way.

    Attributes:
        sourced: The workflow.
        seen: What a deploy of it would do.
        outcome: What became of it.
        made: What its deploy did.
        error: What it failed with.
    """

    sourced: Sourced
    seen: Preview | Faulty
    outcome: Outcome = "not tried"
    made: Deployment | None = None
    error: FlowError | None = None

    @property
    def id(self) -> str:
        """The id of the workflow; empty where it has errors."""
        return self.seen.workflow_id if isinstance(self.seen, Preview) else ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be sent."""
        return isinstance(self.seen, Preview) and self.seen.is_empty

    def shown(self, consent: Consent) -> int:
        """Show what would be done; gives the exit code where that is refused."""
        name = self.sourced.name
        if isinstance(self.seen, Faulty):
            self.error, code = self.seen.error, code_of(self.seen.error)
            self.outcome = OUTCOMES.get(code, "failed")
            complain(f"{name}: {self.error}")
            if advice := way_on(self.error):
                talk(advice)
            return code
        if self.seen.is_empty:
            self.outcome = "unchanged"
        talk(f"{name} {STATES[self.seen.state]}")
        for line in (*self.seen.changes, *self.seen.spends):
            talk(f"  {line}")
        for line in self.seen.unmanaged:
            talk(f"  {line} is live, not set by code, and left as it is")
        return self._refusal(self.seen, consent)

    def _refusal(self, seen: Preview, consent: Consent) -> int:
        """The exit code where nobody agreed to what would be done, which is told."""
        name, problems = self.sourced.name, list[str]()
        if seen.needs_force and name not in consent.force:
            problems.append(f"to overwrite it: --force {shlex.quote(name)}")
        if seen.spends and name not in consent.allow_spend:
            problems.append(f"to buy at once: --allow-spend {shlex.quote(name)}")
        for problem in problems:
            complain(f"{name} is refused; {problem}")
        if problems:
            self.outcome = "refused"
        return REFUSED if problems else 0

    def as_data(self) -> dict[str, Any]:
        """What became of it, as JSON data."""
        seen = self.seen if isinstance(self.seen, Preview) else None
        made = self.made or seen
        replaced = self.made.replaced if self.made else None
        return {
            "workflow": self.sourced.name,
            "workflow_id": self.id or None,
            "outcome": self.outcome,
            "state": made.state if made else None,
            "changes": list(made.changes) if made else [],
            "unmanaged": list(made.unmanaged) if made else [],
            "spends": list(seen.spends) if seen else [],
            "replaced": None if replaced is None else as_body(replaced),
            "error": None if self.error is None else str(self.error),
        }


def carry_out(
    steps: Sequence[Step],
    client: Client,
    env: str | None,
    values: Mapping[str, Any] | None,
    consent: Consent,
) -> int:
    """Write one workflow after the other, up to the first that fails.

    Gives the exit code.
    """
    for step in steps:
        name = step.sourced.name
        step.outcome = "unknown"  # until its deploy says more, or if Ctrl-C ends it
        try:
            step.made = client.deploy(
                step.sourced.workflow,
                env=env,
                values=values,
                force=name in consent.force,
                allow_spend=name in consent.allow_spend,
            )
        except FlowError as error:
            step.error, code = error, code_of(error)
            step.outcome = OUTCOMES.get(code, "failed")
            complain(f"{name}: {error}")
            return code
        except KeyboardInterrupt:
            complain(f"{name} may have been written: deploy again, which looks first")
            return INTERRUPTED
        step.outcome = "done" if step.made.has_written else "unchanged"
        talk(f"{name} is written" if step.made.has_written else f"{name} is unchanged")
    return 0

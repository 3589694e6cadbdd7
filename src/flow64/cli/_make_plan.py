"""Making a plan from a source and an environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from ..client import Client
from ..definition import Values
from ..deploy.git import Git
from ..deploy.history import PLACE_NAME, History
from ..deploy.make import make_plan
from ..deploy.plan import Plan
from ..deploy.target import Target, require_namespace, target_of
from ..diagnostics import summary
from ..environments import Environment, Settings
from ..environments import load as load_settings
from ..errors import CompileError, DeployError, FlowError, compile_error
from ..loading import Loaded, Selection, select_set_values
from ..text import join_first
from . import _params as params
from ._error_messages import describe_error
from ._options import OPTIONS
from ._terminal import print_error, print_message

OFTEN: Final = 100
"""Progress is printed each time that so many workflows were read."""


@frozen
class CommandEnvironment:
    """The environment of a command, with the settings of the project.

    Attributes:
        values: The values of `--values`, else those of the environment.
    """

    settings: Settings
    environment: Environment
    values: Values = field(repr=False)

    @property
    def env(self) -> str:
        """Its name."""
        return self.environment.name

    @property
    def history(self) -> History:
        """The history, in which replaced workflows are saved."""
        return open_history(self.settings)

    @property
    def organisation(self) -> str | None:
        """The organisation that the environment requires; None for any."""
        org_id = self.environment.org_id
        return None if org_id is None else self.environment.text("org_id", org_id)


@frozen
class Faulty:
    """A workflow that cannot be planned."""

    name: str
    error: FlowError


@frozen
class PlanSource:
    """What a plan is made of, as the command line names it.

    A saved plan remembers it, so that the same plan can be made again.

    Attributes:
        source: The address; None for the project's code.
        values: The file of values.
    """

    source: str | None
    selection: Selection
    env: str | None
    values: Path | None
    no_code: bool

    @classmethod
    def of(cls, data: Mapping[str, Any], env: str) -> PlanSource:
        """Return the source that a saved plan remembers."""
        select, exclude = (
            tuple(map(str, data.get(name) or ())) for name in ("select", "exclude")
        )
        is_changed = data.get("changed") is True
        source, values = data.get("source"), data.get("values")
        return cls(
            None if source is None else str(source),
            Selection(select, exclude, is_changed),
            env,
            None if values is None else Path(str(values)),
            data.get("no_code") is True,
        )

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "source": self.source,
            "select": [*self.selection.select],
            "exclude": [*self.selection.exclude],
            "changed": self.selection.is_changed,
            "values": None if self.values is None else str(self.values),
            "no_code": self.no_code,
        }

    def load(self) -> Loaded:
        """Load the workflows."""
        return params.load_source(
            self.source,
            self.env,
            selection=self.selection,
            code=not self.no_code,
            may_be_empty=True,
        )


def find_place(env: str | None, values: Path | None) -> CommandEnvironment:
    """Find the environment of a command.

    Raises:
        ConfigError: pyproject.toml has mistakes.
        ConfigError: The name is unknown, or several environments are
            configured and none was named.
        click.UsageError: The file of `--values` is not a JSON object.
    """
    contents = params.read_values(values)
    settings = load_settings()
    environment = settings.environment(env)
    own = environment.bound if contents is None else contents
    return CommandEnvironment(settings, environment, Values(own, environment.hidden))


def open_history(settings: Settings) -> History:
    """Return the history that `FLOW64_HISTORY` or the settings name."""
    return History.of(None if os.environ.get(PLACE_NAME) else settings.history)


def plan_workflows(
    client: Client, place: CommandEnvironment, loaded: Loaded
) -> Plan | Sequence[Faulty]:
    """Plan a deploy. Only reads are sent.

    If workflows have errors, these are returned, and no plan is made.
    """
    git = Git()
    targets: list[Target] = []
    faults: list[Faulty] = []
    for workflow in loaded.workflows:
        try:
            target = target_of(
                workflow.workflow,
                place.env,
                place.values,
                suffix=place.environment.suffix,
                git=git,
                key=workflow.name,
                pulled=workflow.stamp_in(place.env),
            )
            require_namespace(
                target, target.name, client.endpoint, is_local=client.is_local
            )
        except (CompileError, DeployError) as error:
            faults.append(Faulty(workflow.name, error))
        else:
            targets.append(target)
    if faults:
        return faults
    left_out: Sequence[str] = ()
    if loaded.is_picked and loaded.is_of_whole:
        left_out = [
            workflow_id
            for workflow in loaded.left_out
            if (workflow_id := workflow.find_id(place.env))
        ]
    return make_plan(
        client.session,
        targets,
        env=place.env,
        endpoint=client.place,
        values=place.values,
        projects=loaded.projects if loaded.is_whole or left_out else None,
        left_out=left_out,
        environments=[*place.settings.environments],
        organisation=place.organisation,
        prices=place.settings.prices,
        git=git,
        emit=lambda count: _print_progress(count, len(targets)),
    )


def _print_progress(count: int, total: int) -> None:
    if count % OFTEN == 0:
        print_message(f"looked at {count:,} of {total:,}")


def find_warnings(loaded: Loaded, place: CommandEnvironment) -> Sequence[Faulty]:
    """Return the workflows that `flow64 check --strict` fails for, with the reasons."""
    values = select_set_values(place.values)
    faults: list[Faulty] = []
    for workflow in loaded.workflows:
        findings = workflow.workflow.check(place.env, values)
        reasons = [finding for finding in findings if finding.severity != "note"]
        if reasons:
            error = compile_error(workflow.workflow.name, reasons)
            faults.append(Faulty(workflow.name, error))
    return faults


def print_faults(faults: Sequence[Faulty]) -> None:
    """Print the errors of workflows; the same errors of variants once."""
    alike: dict[str, list[Faulty]] = {}
    for fault in faults:
        OPTIONS.faults.append((fault.name, fault.error))
        # The title of a workflow is in the first line.
        first, _, others = describe_error(fault.error).partition("\n")
        alike.setdefault(others or first, []).append(fault)
    for others, same in alike.items():
        error = same[0].error
        text = describe_error(error)
        if len(same) > 1 and isinstance(error, CompileError):
            text = f"{summary(error.findings)} each\n{others}"
        names = join_first([fault.name for fault in same], _MOST_NAMES)
        print_error(f"{names}: {text}")


_MOST_NAMES: Final = 8
"""The most workflows with the same errors that are named."""

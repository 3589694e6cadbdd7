"""`flow64 deploy`: show a plan, ask, and apply exactly this plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from attrs import evolve, frozen

from ..client import Client
from ..deploy.plan import Consents, Plan, SavedPlan, load_plan
from ..loading import Loaded, Selection
from . import _params as params
from ._apply_plan import confirm_and_apply
from ._exit_codes import find_exit_code
from ._failure import print_failure
from ._make_plan import (
    CommandEnvironment,
    PlanSource,
    find_place,
    plan_workflows,
    print_faults,
)
from ._service import connect
from ._terminal import print_error, print_message


@frozen
class DeployParameters:
    """The options of a deploy, by the names of their parameters."""

    source: str | None
    selection: Selection
    env: str | None
    values: Path | None
    plan_file: Path | None
    force: Sequence[str]
    create: Sequence[str]
    allow_spend: Sequence[str]
    skip_drifted: bool
    prune: int | None
    no_code: bool
    yes: bool
    as_json: bool

    @property
    def consents(self) -> Consents:
        """What the options agree to."""
        return Consents(
            self.force, self.create, self.allow_spend, self.prune, self.skip_drifted
        )

    def require_selected(self, loaded: Loaded) -> None:
        """Refuse consent to workflows that are not selected, before a plan is made.

        Raises:
            click.UsageError: One is not selected.
        """
        for option, keys in self._keys_by_option():
            params.require_selected(option, keys, loaded)
        if self.prune is not None:
            params.require_whole(loaded)

    def check_keys(self, plan: Plan) -> None:
        """Refuse consent to workflows that are not in a plan: it may be misspelled.

        Raises:
            click.UsageError: A key is unknown.
        """
        names = [step.key for step in plan.steps]
        for option, keys in self._keys_by_option():
            params.check_keys(option, keys, names)

    def _keys_by_option(self) -> Sequence[tuple[str, Sequence[str]]]:
        return [
            ("--force", self.force),
            ("--create", self.create),
            ("--allow-spend", self.allow_spend),
        ]


@params.command(
    "deploy",
    "flow64 deploy pipelines/leads.py",
    "flow64 deploy pipelines --env staging --yes",
    "flow64 deploy --select 'leads/*' --exclude leads/jp --changed",
    "flow64 deploy pipelines --force inbound --allow-spend search",
    "flow64 deploy --plan plan.json --yes",
)
@params.source
@params.selection
@params.env
@params.values
@click.option(
    "--plan",
    "plan_file",
    type=params.FILE,
    metavar="FILE",
    help="Make the saved plan again, and apply exactly it, or nothing.",
)
@params.keys(
    "--force",
    "Overwrite or delete this workflow although it was edited on the service, was "
    "deployed by newer code, or was not deployed by this code.",
)
@params.create
@params.allow_spend
@click.option(
    "--skip-drifted",
    is_flag=True,
    help="Leave the workflows that need --force, and deploy the rest.",
)
@click.option(
    "--prune",
    type=click.IntRange(min=0),
    metavar="N",
    help="Delete the N workflows that are no longer in the code, as in --prune=2.",
)
@params.no_code
@params.yes
@params.as_json
def command(**given: Any) -> int:
    """Show a plan, ask, and apply exactly this plan.

    SOURCE is a file, folder, module or key; by default the project's code. All
    workflows are checked before the first is written. If one is refused, none is
    written. What is replaced is saved first: `flow64 restore` lists it.

    Exits with 3 if it was refused, and with 4 if it is unknown whether a write was
    carried out. The first Ctrl-C lets the current writes finish, the second stops at
    once.
    """
    options = DeployParameters(**given)
    made_of = PlanSource(
        options.source,
        options.selection,
        options.env,
        options.values,
        options.no_code,
    )
    saved: SavedPlan | None = None
    if options.plan_file is not None:
        if options.selection or options.source is not None or options.values:
            problem = "a saved plan knows what it is made of: leave SOURCE, the "
            problem += "selection and --values out"
            raise params.option_error("--plan", problem)
        saved = load_plan(options.plan_file)
        made_of = PlanSource.of(saved.source, options.env or saved.env)
        made_of = evolve(made_of, no_code=made_of.no_code or options.no_code)
    place = find_place(made_of.env, made_of.values)
    loaded = made_of.load()
    options.require_selected(loaded)
    with connect(made_of.env) as client:
        return _deploy(client, place, loaded, saved, options)


def _deploy(
    client: Client,
    place: CommandEnvironment,
    loaded: Loaded,
    saved: SavedPlan | None,
    options: DeployParameters,
) -> int:
    """Make a plan, compare it with the saved one, and apply it."""
    plan = plan_workflows(client, place, loaded)
    if not isinstance(plan, Plan):
        print_faults(plan)
        print_error("nothing was sent")
        code = min(find_exit_code(fault.error) for fault in plan)
        if options.as_json:
            print_failure(code)
        return code
    if saved is not None and not saved.require_same(plan):
        print_message("applied already: nothing to do")
    else:
        options.check_keys(plan)
    return confirm_and_apply(
        client,
        plan,
        options.consents if saved is None or not plan.is_empty else Consents(),
        place,
        yes=options.yes,
        as_json=options.as_json,
    )

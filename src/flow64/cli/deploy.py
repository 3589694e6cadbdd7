"""`flow64 deploy`: show a plan, ask, and apply exactly this plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from attrs import evolve, frozen

from ..client import Client
from ..deploy import (
    PARALLEL,
    Agreement,
    SavedPlan,
    as_text,
    load_plan,
    owner_path,
    reopen_plan,
)
from ..diff import BlockRenamed
from ..errors import FlowError
from ..loading import Loaded, Selection
from ..plan import Plan
from . import _params as params
from ._apply_plan import confirm_and_apply
from ._colours import paint_changes, paint_state
from ._error_messages import describe_error
from ._execution import REFUSALS
from ._exit_codes import FAILED, REFUSED, find_exit_code
from ._failure import describe_failure
from ._make_plan import (
    CommandEnvironment,
    Faulty,
    deploy_command,
    find_place,
    plan_workflows,
    print_faults,
)
from ._options import OPTIONS
from ._service import connect
from ._terminal import (
    may_ask,
    print_advice,
    print_error,
    print_json,
    print_lines,
    print_message,
)

ASK: Final = -1
"""Instead of a number of deletions: ask for it."""


def parse_number(text: str) -> int:
    """Parse the number of deletions of `--prune`, or `ask`.

    Raises:
        click.BadParameter: It is not a number.
    """
    if text == "ask":
        return ASK
    if not (text.isascii() and text.isdecimal()):
        raise click.BadParameter(f"{text!r} is not a number, as in --prune=2")
    return int(text)


@frozen
class DeployParameters:
    """The options of a deploy, by the names of their parameters.

    Attributes:
        values: The file of values.
        plan_file: The saved plan to apply, instead of making one.
        prune: The number of workflows to delete; `ASK` to ask for it, None for none.
        parallel: Maximum workflows to write at a time.
    """

    source: str | None
    selection: Selection
    env: str | None
    values: Path | None
    plan_file: Path | None
    force: Sequence[str]
    allow_behind: Sequence[str]
    create: Sequence[str]
    allow_spend: Sequence[str]
    skip_drifted: bool
    prune: int | None
    parallel: int
    no_code: bool
    yes: bool
    as_json: bool

    def load(self) -> Loaded:
        """Load the source."""
        return params.load_source(
            self.source,
            self.env,
            selection=self.selection,
            code=not self.no_code,
            may_be_empty=True,
        )

    @property
    def keys_by_option(self) -> Mapping[str, Sequence[str]]:
        """The keys of the workflows that each option agrees to."""
        return {
            "--force": self.force,
            "--allow-behind": self.allow_behind,
            "--create": self.create,
            "--allow-spend": self.allow_spend,
        }

    def require_selected(self, loaded: Loaded) -> None:
        """Refuse consent to workflows that are not selected, before a plan is made.

        Raises:
            click.UsageError: One is not selected.
        """
        for option, keys in self.keys_by_option.items():
            params.require_selected(option, keys, loaded)

    def check_keys(self, plan: Plan) -> None:
        """Refuse consent to workflows that are not in a plan: it may be misspelled.

        Raises:
            click.UsageError: A key is unknown.
        """
        names = [step.key for step in plan.steps]
        for option, keys in self.keys_by_option.items():
            params.check_keys(option, keys, names)

    @property
    def may_type(self) -> bool:
        """Whether a person is asked to type the number of deletions."""
        return self.prune == ASK and may_ask(yes=self.yes)

    def agreement(self, plan: Plan) -> Agreement:
        """Return the consent that the options give. `ASK` counts as given here."""
        prune = self.prune
        if prune == ASK:
            number = len(plan.victims)
            prune = number if self.may_type or not number else None
        return Agreement(
            force=self.force,
            behind=self.allow_behind,
            create=self.create,
            allow_spend=self.allow_spend,
            prune=prune,
            skip_drifted=self.skip_drifted,
        )


@params.command(
    "deploy",
    "flow64 deploy pipelines/leads.py",
    "flow64 deploy pipelines --env staging --yes",
    "flow64 deploy leads/us",
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
    help="Apply exactly this saved plan, or nothing. SOURCE may be given too, to check "
    "that the plan is for its project.",
)
@params.keys(
    "--force",
    "Overwrite or delete this workflow although it was edited on the service, or was "
    "not deployed by this code.",
)
@params.keys(
    "--allow-behind",
    "Overwrite or delete this workflow although newer code deployed it, or delete it "
    "although that cannot be known.",
)
@params.create
@params.allow_spend
@click.option(
    "--skip-drifted",
    is_flag=True,
    help="Skip workflows that were edited on the service, or were not deployed by this "
    "code, and deploy the rest.",
)
@click.option(
    "--prune",
    type=parse_number,
    is_flag=False,
    flag_value="ask",
    metavar="N",
    help="Delete the N workflows that are no longer in the code, as in --prune=2. "
    "Without N, you are asked for it.",
)
@click.option(
    "--parallel",
    type=click.IntRange(1, 32),
    default=PARALLEL,
    show_default=True,
    metavar="N",
    help="Maximum workflows to write at a time. The first one is always written alone, "
    "and deletions one by one.",
)
@params.no_code
@params.yes
@params.as_json
def command(**given: Any) -> int:
    """Show a plan, ask, and apply exactly this plan.

    SOURCE is a file, folder, module or key, or ENV:KEY for what is live; by default
    the project's code.
    All workflows are checked before the first is written. If one is refused, none is
    written. What is replaced is saved first: `flow64 restore` lists it.

    Exits with 3 if it was refused, and with 4 if it is unknown whether a write was
    carried out. The first Ctrl-C lets the current writes finish, the second stops at
    once.
    """
    options = DeployParameters(**given)
    if options.plan_file is None:
        return _deploy(options)
    if options.selection:
        problem = "a saved plan is applied as it is: select when it is made"
        raise params.option_error("--plan", problem)
    try:
        return _deploy_from_file(options.plan_file, options)
    except REFUSALS as error:
        return _report_refusal(error, as_json=options.as_json)


def _deploy(options: DeployParameters) -> int:
    """Make a plan, and apply it."""
    place = find_place(options.env, options.values)
    loaded = options.load()
    options.require_selected(loaded)
    if options.prune is not None:
        params.require_whole(loaded)
    with connect(options.env) as client:
        plan = plan_workflows(
            client,
            place,
            loaded,
            create=options.create,
            prune=options.prune is not None,
        )
        if not isinstance(plan, Plan):
            return _report_faults(loaded, plan, client, as_json=options.as_json)
        return _apply(client, plan, options, place)


def _deploy_from_file(file: Path, options: DeployParameters) -> int:
    """Apply a saved plan, in the environment that it was made for.

    Raises:
        SavedPlanError: It was made for something else, or was applied before.
        StalePlanError: Something has changed since it was made.
    """
    saved = load_plan(file)
    place = find_place(options.env or saved.env, options.values)
    if options.source is not None:
        _require_match(saved, options.load(), place)
    with connect(place.env) as client:
        plan = client.call(
            reopen_plan,
            saved,
            env=place.env,
            endpoint=client.place,
            values=place.values,
            secrets=place.secrets,
            organisation=place.organisation,
        )
        if options.prune is not None and not plan.victims:
            raise params.option_error("--prune", "this plan deletes nothing")
        return _apply(client, plan, options, place)


def _require_match(saved: SavedPlan, loaded: Loaded, place: CommandEnvironment) -> None:
    """Refuse a plan that was made for another project than that of a source.

    Raises:
        SavedPlanError: It was made for another project.
    """
    ours = {owner_path(project, place.env) for project in loaded.projects}
    if others := saved.owners - ours:
        listed = ", ".join(sorted(ours)) or "no project"
        problem = f"it was made for {', '.join(sorted(others))}"
        raise saved.refuse(f"{problem}, and {loaded.source} is {listed}")


def _apply(
    client: Client, plan: Plan, options: DeployParameters, place: CommandEnvironment
) -> int:
    """Show a plan, and apply it."""
    options.check_keys(plan)
    agreement = options.agreement(plan)
    priced = evolve(plan, prices=place.settings.prices)
    text = as_text(
        priced,
        agreement,
        in_full=OPTIONS.is_verbose,
        is_applied=True,
        command=deploy_command(
            place,
            options.source,
            options.values,
            plan=options.plan_file,
            selection=options.selection,
            no_code=options.no_code,
        ),
    )
    is_short = text.count("\n") == 1  # nothing is left to read or to agree to
    print_message(text.rstrip("\n") if is_short else text, paint_changes)
    if OPTIONS.is_quiet:
        _print_new_ids(plan)
    return confirm_and_apply(
        client,
        priced,
        agreement,
        place,
        yes=options.yes,
        is_typed=options.may_type,
        as_json=options.as_json,
        parallel=options.parallel,
    )


def _print_new_ids(plan: Plan) -> None:
    """Print blocks that lose their id, also with `--quiet`."""
    for step in plan.steps:
        for change in step.changes:
            if isinstance(change, BlockRenamed):
                for line in change.describe():
                    print_advice(f"{step.key}: block {change.block} {line.text}")


def _report_faults(
    loaded: Loaded, faults: Sequence[Faulty], client: Client, *, as_json: bool
) -> int:
    """Print the errors of workflows, and return the exit code."""
    print_faults(faults)
    print_error("nothing was sent")
    codes = {one.name: find_exit_code(one.error) for one in faults}
    errors = {one.name: describe_error(one.error) for one in faults}
    words = {FAILED: "failed", REFUSED: "refused"}
    found = [
        {
            "key": name,
            "outcome": words[codes[name]] if name in codes else "not tried",
            "error": errors.get(name),
        }
        for name in loaded.names
    ]
    code = min(codes.values())
    if as_json:
        _print_nothing_done(code, found, [*errors.values()], client=client)
    else:
        lines = (f"{one['outcome']:9}  {one['key']}" for one in found)
        print_lines(lines, paint_state)
    return code


def _report_refusal(error: FlowError, *, as_json: bool) -> int:
    """Print why a saved plan is not applied, and return the exit code."""
    print_error(describe_error(error))
    if as_json:
        _print_nothing_done(REFUSED, [], [describe_error(error)], error=error)
    return REFUSED


def _print_nothing_done(
    code: int,
    workflows: Sequence[Any],
    problems: Sequence[str],
    *,
    client: Client | None = None,
    error: FlowError | None = None,
) -> None:
    """Print the JSON of a deploy that did not begin, with the keys of any other."""
    print_json(
        {
            "env": None if client is None else str(client.env),
            "endpoint": None if client is None else client.endpoint,
            "workflows": workflows,
            "problems": problems,
            "resume": "",
            "plan": None,
            "error": describe_failure(code, error),
        }
    )

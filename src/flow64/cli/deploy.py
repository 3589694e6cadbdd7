"""`flow64 deploy`: plan, show it, ask, and apply exactly that plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from attrs import evolve, field, frozen

from ..client import Client
from ..deploy import (
    PARALLEL,
    Agreement,
    SavedPlan,
    as_data,
    as_text,
    load_plan,
    owner_path,
    reopen_plan,
)
from ..errors import FlowError
from ..loading import Loaded
from ..plan import Plan
from ..text import printable
from ._apply_plan import REFUSALS, confirm_and_apply
from ._error_messages import describe_error
from ._exit_codes import FAILED, REFUSED, find_exit_code
from ._load import load_source
from ._make_plan import (
    Faulty,
    Place,
    find_place,
    name_workflows,
    plan_workflows,
    print_faults,
)
from ._options import OPTIONS
from ._service import connect
from ._shared import (
    FILE,
    Whole,
    dry_run_option,
    env_option,
    format_example,
    json_option,
    no_code_option,
    option_error,
    require_known,
    values_option,
    yes_option,
)
from ._terminal import (
    may_ask,
    print_error,
    print_json,
    print_line,
    print_message,
    print_text,
)

TYPED: Final = -1
"""Stands for a number of deletions that is still to be typed in."""


def parse_number(text: str) -> int:
    """The number of deletions that `--prune` gives; `ask` is typed in later.

    Raises:
        click.BadParameter: It is none.
    """
    if text == "ask":
        return TYPED
    if not (text.isascii() and text.isdecimal()):
        raise click.BadParameter(f"{text!r} is no number, as in --prune=2")
    return int(text)


@frozen
class DeployOptions:
    """The options of a deploy.

    Attributes:
        force: Keys of workflows that may be overwritten.
        behind: Keys of those that newer code deployed, and that may be.
        create: Keys of those that are no renamed ones.
        allow_spend: Keys of those that may buy as soon as they are written.
        skip_drifted: Whether to leave alone what would be refused.
        parallel: Workflows that are written at a time, at most.
        prune: How many are to be deleted; `TYPED` is asked for, None deletes none.
        no_code: Whether no module is imported.
        dry_run: Whether the plan is shown and not applied.
        yes: Whether nothing is asked.
        as_json: Whether the result is data.
    """

    force: Sequence[str] = field(converter=tuple[str, ...])
    behind: Sequence[str] = field(converter=tuple[str, ...])
    create: Sequence[str] = field(converter=tuple[str, ...])
    allow_spend: Sequence[str] = field(converter=tuple[str, ...])
    skip_drifted: bool
    parallel: int
    prune: int | None
    no_code: bool
    dry_run: bool
    yes: bool
    as_json: bool

    def require_known(self, plan: Plan) -> None:
        """Refuse consent to what is not there: it may be misspelled.

        Raises:
            click.UsageError: It is in no plan.
        """
        names = [step.key for step in plan.steps]
        require_known("--force", self.force, names)
        require_known("--allow-behind", self.behind, names)
        require_known("--create", self.create, names)
        require_known("--allow-spend", self.allow_spend, names)

    @property
    def may_type(self) -> bool:
        """Whether a person is asked to type the number of deletions."""
        return self.prune == TYPED and may_ask(yes=self.yes)

    def agreement(self, plan: Plan) -> Agreement:
        """Return what was agreed to, with the number that is still to be typed."""
        prune = self.prune
        if prune == TYPED:
            number = len(plan.victims)
            prune = number if self.may_type or not number else None
        return Agreement(
            force=self.force,
            behind=self.behind,
            create=self.create,
            allow_spend=self.allow_spend,
            prune=prune,
            skip_drifted=self.skip_drifted,
        )


@click.command(
    "deploy",
    epilog=format_example(
        "flow64 deploy pipelines/leads.py",
        "flow64 deploy pipelines --dry-run",
        "flow64 deploy pipelines --env staging --yes",
        "flow64 deploy pipelines --force inbound --allow-spend search",
        "flow64 deploy --plan plan.json --yes",
    ),
)
@click.argument("source", required=False)
@env_option
@values_option
@click.option(
    "--plan",
    "plan_file",
    type=FILE,
    metavar="FILE",
    help="Apply this saved plan, exactly or not at all; SOURCE may be given to hold it "
    "against the project.",
)
@click.option(
    "--force",
    multiple=True,
    metavar="KEY",
    help="Overwrite or delete this workflow although it was edited on the service, or "
    "was not deployed by this code; repeatable.",
)
@click.option(
    "--allow-behind",
    multiple=True,
    metavar="KEY",
    help="Overwrite or delete this workflow although newer code deployed it; also "
    "delete it where nobody can tell; repeatable.",
)
@click.option(
    "--create",
    multiple=True,
    metavar="KEY",
    help="This workflow is another one, and no renamed one; repeatable.",
)
@click.option(
    "--allow-spend",
    multiple=True,
    metavar="KEY",
    help="Agree that this workflow buys as soon as it is written; repeatable.",
)
@click.option(
    "--skip-drifted",
    is_flag=True,
    help="Leave alone what was edited on the service, or was not deployed by this "
    "code, and go on with the rest.",
)
@click.option(
    "--prune",
    type=parse_number,
    is_flag=False,
    flag_value="ask",
    metavar="N",
    help="Delete the N workflows that the code has no more, as in --prune=2; without "
    "N, somebody who is there is asked for it.",
)
@click.option(
    "--parallel",
    type=Whole(1, 32),
    default=PARALLEL,
    show_default=True,
    metavar="N",
    help="Workflows that are written at a time, at most; the first one is always "
    "written alone, and deletions one by one.",
)
@no_code_option
@dry_run_option("Show the plan and stop: only reads are sent, and nothing is asked.")
@yes_option
@json_option
def command(
    *,
    source: str | None,
    env: str | None,
    values: Path | None,
    plan_file: Path | None,
    force: Sequence[str],
    allow_behind: Sequence[str],
    create: Sequence[str],
    allow_spend: Sequence[str],
    skip_drifted: bool,
    prune: int | None,
    parallel: int,
    no_code: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Put workflows on the service, after showing what that changes.

    SOURCE is a Python file, a module, a JSON file, or a folder of any of these; with
    a colon and a key behind it, one workflow of them. Left out, it is the source of
    [tool.flow64] in pyproject.toml. All are looked at before the first is written:
    where one is refused, none is. What is replaced is saved first: see flow64 history.
    With --dry-run it shows the plan, as `flow64 plan` does, and writes nothing.

    It ends with 3 where it was refused, and with 4 where nobody knows whether a write
    was carried out. The first Ctrl-C ends what is under way, the second stops at once.
    """
    asked = DeployOptions(
        force,
        allow_behind,
        create,
        allow_spend,
        skip_drifted,
        parallel,
        prune,
        no_code,
        dry_run,
        yes,
        as_json,
    )
    try:
        if plan_file is not None:
            return _deploy_saved(plan_file, asked, source, env, values)
    except REFUSALS as error:
        return _report_refusal(error, as_json=as_json)
    return _deploy(asked, source, env, values)


def _deploy(
    asked: DeployOptions, source: str | None, env: str | None, values: Path | None
) -> int:
    """Plan, and apply that plan."""
    place = find_place(env, values)
    loaded = load_source(source, code=not asked.no_code, may_be_empty=True)
    with connect(env) as client:
        plan = plan_workflows(
            client,
            place,
            loaded,
            create=asked.create,
            prune=asked.prune is not None,
        )
        if not isinstance(plan, Plan):
            return _report_faults(loaded, plan, as_json=asked.as_json)
        return _apply(client, plan, asked, place)


def _deploy_saved(
    file: Path,
    asked: DeployOptions,
    source: str | None,
    env: str | None,
    values: Path | None,
) -> int:
    """Apply a saved plan, in the environment that it was made for.

    Raises:
        SavedPlanError: It is for something else, or was applied before.
        StalePlanError: Something was changed since it was planned.
    """
    saved = load_plan(file)
    place = find_place(env or saved.env, values)
    if source is not None:
        _require_match(
            saved, load_source(source, code=not asked.no_code, may_be_empty=True), place
        )
    with connect(place.env) as client:
        plan = client.call(
            reopen_plan,
            saved,
            env=place.env,
            endpoint=client.endpoint,
            values=place.values,
            secrets=place.secrets,
            organisation=place.organisation,
        )
        if asked.prune is not None and not plan.victims:
            raise option_error("--prune", "this plan deletes nothing")
        return _apply(client, plan, asked, place)


def _require_match(saved: SavedPlan, loaded: Loaded, place: Place) -> None:
    """Refuse a plan of another project than that of a source.

    Raises:
        SavedPlanError: It is one.
    """
    ours = {owner_path(project, place.env) for project in loaded.projects}
    if others := saved.owners - ours:
        listed = ", ".join(sorted(ours)) or "no project"
        problem = f"it was made for {', '.join(sorted(others))}"
        raise saved.refuse(f"{problem}, and {loaded.source} is {listed}")


def _apply(client: Client, plan: Plan, asked: DeployOptions, place: Place) -> int:
    """Show a plan and, unless this is a dry run, carry it out."""
    agreement = asked.agreement(plan)
    if asked.dry_run and asked.as_json:
        asked.require_known(plan)
        print_json(as_data(plan))
        return 0
    plan = evolve(plan, prices=place.settings.prices)
    text = as_text(plan, agreement, in_full=OPTIONS.is_verbose)
    if asked.dry_run:
        asked.require_known(plan)
        print_text(text)
        return 0
    print_message(text)
    asked.require_known(plan)
    return confirm_and_apply(
        client,
        plan,
        agreement,
        place,
        yes=asked.yes,
        is_typed=asked.may_type,
        as_json=asked.as_json,
        parallel=asked.parallel,
    )


def _report_faults(loaded: Loaded, faults: Sequence[Faulty], *, as_json: bool) -> int:
    """Print the errors of workflows, and return the exit code."""
    print_faults(faults)
    print_error("nothing was sent")
    codes = {one.name: find_exit_code(one.error) for one in faults}
    errors = {one.name: describe_error(one.error) for one in faults}
    words = {FAILED: "failed", REFUSED: "refused"}
    found = [
        {
            "workflow": name,
            "outcome": words[codes[name]] if name in codes else "not tried",
            "error": errors.get(name),
        }
        for name in name_workflows(loaded)
    ]
    if as_json:
        print_json({"workflows": found, "problems": [*errors.values()]})
    else:
        for one in found:
            print_line(printable(f"{one['outcome']:9}  {one['workflow']}"))
    return min(codes.values())


def _report_refusal(error: FlowError, *, as_json: bool) -> int:
    """Print why a saved plan is not applied, and return the exit code."""
    print_error(describe_error(error))
    if as_json:
        print_json({"workflows": [], "problems": [describe_error(error)]})
    return REFUSED

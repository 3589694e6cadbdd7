"""`flow64 plan`: show what a deploy would change."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from ..deploy import as_data, as_text, save_plan
from ..loading import Selection
from ..plan import Plan, format_flags
from . import _params as params
from ._colours import paint_changes
from ._exit_codes import CHANGES, FAILED
from ._make_plan import (
    deploy_command,
    find_place,
    find_warnings,
    plan_workflows,
    print_faults,
)
from ._options import OPTIONS
from ._output_options import private_output_file
from ._service import connect
from ._terminal import print_json, print_message, print_text


@params.command(
    "plan",
    "flow64 plan pipelines",
    "flow64 plan pipelines --env staging --exit-code",
    "flow64 plan pipelines --env prod -o plan.json",
)
@params.source
@params.selection
@params.env
@params.values
@params.exit_code("Exit with 2 if there are changes.")
@private_output_file(
    "Save the plan, to be applied exactly with `flow64 deploy --plan FILE`, in a file."
)
@params.create
@click.option(
    "--prune", is_flag=True, help="Delete workflows that are no longer in the code."
)
@params.strict("Exit with 1, without a plan, if a planned workflow has a warning.")
@params.no_code
@params.as_json
def command(
    *,
    source: str | None,
    selection: Selection,
    env: str | None,
    values: Path | None,
    has_exit_code: bool,
    output: Path | None,
    create: Sequence[str],
    prune: bool,
    strict: bool,
    no_code: bool,
    as_json: bool,
) -> int:
    """Show what a deploy would change. Only reads are sent.

    SOURCE is a file, folder, module or key, or ENV:KEY for what is live; by default
    the project's code.
    Exits with 1 if a workflow has errors; with --strict also if `flow64 check --strict`
    fails for one. With --exit-code, exits with 2 if there is something to do or to
    decide, or if a live setting that code does not set changes what a run costs or
    does.
    """
    place = find_place(env, values)
    loaded = params.load_source(
        source,
        env,
        selection=selection,
        code=not no_code,
        may_be_empty=True,
    )
    params.require_selected("--create", create, loaded)
    if prune:
        params.require_whole(loaded)
    if strict and (faults := find_warnings(loaded, place)):
        print_faults(faults)
        return FAILED
    with connect(env) as client:
        plan = plan_workflows(client, place, loaded, create=create, prune=prune)
    if not isinstance(plan, Plan):
        print_faults(plan)
        return FAILED
    params.check_keys("--create", create, [step.key for step in plan.steps])
    if output is not None:
        save_plan(plan, output, organisation=place.organisation)
    if as_json:
        print_json(as_data(plan))
    else:
        run = deploy_command(
            place, source, values, selection=selection, no_code=no_code
        )
        text = as_text(
            plan,
            in_full=OPTIONS.is_verbose,
            command=run,
            is_applied=output is not None,  # the command that applies it is below
        )
        print_text(text, paint_changes)
    if output is not None:
        print_message(f"saved; {_describe_applying(plan, output)}")
    return CHANGES if has_exit_code and plan.has_changes else 0


def _describe_applying(plan: Plan, file: Path) -> str:
    """Return how a saved plan is applied, and that it is refused until a decision."""
    command = f"flow64 deploy --plan {shlex.quote(str(file))}"
    refused = [step for step in plan.refused if step.state != "orphan"]
    if not refused:
        return f"to apply it: {command}"
    words = "it is refused until you decide what stops it, in a new plan"
    lifted = (format_flags(one.key, one.consents) for one in refused if one.consents)
    flags = next(lifted, "")
    return f"{words} or as in: {command} {flags}" if flags else words

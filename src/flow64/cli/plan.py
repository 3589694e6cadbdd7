"""`flow64 plan`: what a deploy would do; nothing but reads is sent."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from ..deploy import as_data, as_text, save_plan
from ..plan import Plan
from ._error_messages import describe_error
from ._exit_codes import CHANGES, FAILED
from ._load import load_source
from ._make_plan import Faulty, find_place, plan_workflows, print_faults
from ._options import OPTIONS
from ._service import connect
from ._shared import (
    env_option,
    format_example,
    json_option,
    manifest_option,
    no_code_option,
    option_error,
    require_known,
    values_option,
)
from ._terminal import print_json, print_message, print_text


@click.command(
    "plan",
    epilog=format_example(
        "flow64 plan pipelines",
        "flow64 plan pipelines --env staging --exit-code",
        "flow64 plan pipelines --env prod -o plan.json",
    ),
)
@click.argument("source", required=False)
@env_option
@values_option
@click.option("--exit-code", is_flag=True, help="End with 2 if there are changes.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save the plan, to be applied exactly with `flow64 deploy --plan FILE`.",
)
@click.option(
    "--create",
    multiple=True,
    metavar="KEY",
    help="This workflow is another one, and no renamed one; repeatable.",
)
@click.option(
    "--prune", is_flag=True, help="Delete workflows that the code has no more."
)
@no_code_option
@manifest_option
@json_option
def command(
    *,
    source: str | None,
    env: str | None,
    values: Path | None,
    exit_code: bool,
    output: Path | None,
    create: Sequence[str],
    prune: bool,
    no_code: bool,
    manifest: Path | None,
    as_json: bool,
) -> int:
    """Say what a deploy would do; nothing but reads is sent.

    SOURCE is a Python file, a module, a JSON file, or a folder of any of these; with
    a colon and a key behind it, one workflow of them. Left out, it is the source of
    [tool.flow64] in pyproject.toml. It ends with 1 where a workflow has errors, and
    with --exit-code with 2 if there is something to do or to decide, or if a live
    setting that code does not set changes what a run costs or does.
    """
    place = find_place(env, values)
    if manifest is not None and output is not None:
        raise option_error(
            "--manifest", "such a plan is to be read, and is never applied"
        )
    loaded = load_source(source, code=not no_code, manifest=manifest, may_be_empty=True)
    with connect(env) as client:
        plan = plan_workflows(client, place, loaded, create=create, prune=prune)
    if not isinstance(plan, Plan):
        return _report_faults(plan, as_json=as_json)
    require_known("--create", create, [step.key for step in plan.steps])
    if output is not None:
        save_plan(plan, output, organisation=place.organisation)
    if as_json:
        print_json(as_data(plan))
    else:
        print_text(as_text(plan, in_full=OPTIONS.is_verbose))
    if output is not None:
        file = shlex.quote(str(output))
        print_message(f"it is saved; to apply it: flow64 deploy --plan {file}")
    return CHANGES if exit_code and plan.has_changes else 0


def _report_faults(faults: Sequence[Faulty], *, as_json: bool) -> int:
    """Print the errors of workflows, and return the exit code."""
    print_faults(faults)
    if as_json:
        errors = [
            {"workflow": one.name, "error": describe_error(one.error)} for one in faults
        ]
        print_json({"errors": errors})
    return FAILED

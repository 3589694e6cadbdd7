"""`flow64 plan`: show what a deploy would change."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..deploy.plan import Plan, as_json
from ..loading import Selection
from . import _params as params
from ._exit_codes import CHANGES, FAILED
from ._make_plan import (
    PlanSource,
    find_place,
    find_warnings,
    plan_workflows,
    print_faults,
)
from ._report_output import choose_form, print_report, report_options
from ._service import connect
from ._terminal import print_message


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
@report_options
@params.strict("Exit with 1, without a plan, if a planned workflow has a warning.")
@params.no_code
def command(
    *,
    source: str | None,
    selection: Selection,
    env: str | None,
    values: Path | None,
    has_exit_code: bool,
    form: str | None,
    output: Path | None,
    strict: bool,
    no_code: bool,
) -> int:
    """Show what a deploy would change. Only reads are sent.

    SOURCE is a file, folder, module or key; by default the project's code. With -o
    FILE.json the plan is saved: `flow64 deploy --plan FILE.json` makes it again,
    compares, and applies it or refuses.

    Exits with 1 if a workflow has errors; with --strict also if `flow64 check --strict`
    fails for one. With --exit-code, exits with 2 if there is something to do or to
    decide, or if a live field that code does not set changes what a run costs or does.
    """
    form = choose_form(form, output)
    place = find_place(env, values)
    made_of = PlanSource(source, selection, env, values, no_code)
    loaded = made_of.load()
    if strict and (faults := find_warnings(loaded, place)):
        print_faults(faults)
        return FAILED
    with connect(env) as client:
        plan = plan_workflows(client, place, loaded)
    if not isinstance(plan, Plan):
        print_faults(plan)
        return FAILED
    text = as_json(plan, made_of.as_data())
    print_report(plan.report, form, output, json_text=text)
    if output is not None and form == "json":
        if plan.unset:
            names = ", ".join(plan.unset)
            print_message(f"it cannot be applied: {names} is not set here")
        else:
            command_line = f"flow64 deploy --plan {shlex.quote(str(output))}"
            print_message(f"saved; to apply it: {command_line}")
    return CHANGES if has_exit_code and plan.has_changes else 0

"""`flow64 plan`: show what a deploy would change."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from .. import loading
from ..client import Client
from ..definition import Values
from ..deploy.git import Git
from ..deploy.make import make_plan
from ..deploy.plan import Plan, as_json
from ..deploy.target import Target, require_namespace, target_of
from ..environments import load as load_settings
from ..errors import CompileError, DeployError
from . import params, printing
from .compile import tell_if_stale
from .errors import CHANGES, FAILED
from .service import connect, make_record


@frozen
class PlanSource:
    """The source of a plan. A saved plan remembers it, to make the same plan again.

    Attributes:
        source: The address; None for the project's code.
    """

    source: str | None = None
    select: Sequence[str] = ()
    exclude: Sequence[str] = ()
    no_code: bool = False

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> PlanSource:
        """Return the source that a saved plan remembers."""
        source = data.get("source")
        return cls(
            None if source is None else str(source),
            [*map(str, data.get("select") or ())],
            [*map(str, data.get("exclude") or ())],
            data.get("no_code") is True,
        )

    def load(self, env: str | None) -> loading.Loaded:
        """Load the workflows."""
        selection = loading.Selection(self.select, self.exclude)
        loaded = params.load(
            self.source,
            env,
            code=not self.no_code,
            selection=selection,
            may_be_empty=True,
        )
        tell_if_stale(loaded)
        return loaded


@params.command(
    "plan",
    "flow64 plan pipelines",
    "flow64 plan pipelines --env staging --exit-code",
    "flow64 plan pipelines --env prod -o plan.json",
)
@params.source
@params.selection
@params.rows
@params.env
@params.exit_code
@params.form(
    printing.REPORTS.values(),
    "`markdown` is a comment for a pull request, `html` a page.",
)
@params.output("FILE", "Also save it for deploy --plan FILE.", dash=False)
@params.no_code
def command(
    *,
    source: str | None,
    selection: loading.Selection,
    rows: str | None,
    env: str | None,
    has_exit_code: bool,
    form: str | None,
    output: Path | None,
    no_code: bool,
) -> int:
    """Show what a deploy would change. Only reads are sent.

    SOURCE is a file, folder, module or key; by default the project's code. A saved plan
    is made again by `flow64 deploy --plan FILE`, compared, and applied or refused.

    Exits with 1 if a workflow has errors. With --exit-code, exits with 2 if there is
    something to do or to decide, or if a live field that code does not set changes what
    a run costs or does.
    """
    params.find_environment(env)  # a wrong name, before code is loaded
    origin = PlanSource(source, selection.select, selection.exclude, no_code)
    loaded = origin.load(env)
    with connect(env) as client:
        plan = plan_workflows(client, loaded)
        if plan is None:
            return FAILED
        if rows is not None:
            plan = evolve(plan, record=make_record(client, rows))
        text = as_json(plan, printing.CONVERTER.unstructure(origin))
    printing.emit_report(plan.report, form, data=text)
    if output is not None:
        printing.write_file(output, text)
        words = f"saved; to apply it: flow64 deploy --plan {shlex.quote(str(output))}"
        if plan.unset:
            words = f"it cannot be applied: {', '.join(plan.unset)} is not set here"
        printing.message(words)
    return CHANGES if has_exit_code and plan.has_changes else 0


def plan_workflows(client: Client, loaded: loading.Loaded) -> Plan | None:
    """Plan a deploy. Only reads are sent.

    If workflows have errors, these are printed, and no plan is made.
    """
    terms, git = client.terms, Git()
    env = terms.was or str(client.env)
    targets: list[Target] = []
    faults: list[tuple[str, Exception]] = []
    for workflow in loaded.workflows:
        try:
            target = target_of(
                workflow.workflow,
                env,
                terms.values,
                suffix=terms.suffix,
                schedules=terms.schedules,
                git=git,
                key=workflow.name,
                pulled=workflow.stamp_in(env),
            )
            require_namespace(
                target, target.name, client.endpoint, is_local=client.session.is_local
            )
        except (CompileError, DeployError) as error:
            faults.append((workflow.name, error))
        else:
            targets.append(target)
    if faults:
        printing.report_faults(faults)
        return None
    settings = load_settings().environments
    # Without settings there is one environment, so a second name may be a slip.
    keys = [item.key for item in settings.values()] if client.env in settings else []
    left_out: Sequence[str] = ()
    if loaded.is_picked and loaded.is_of_whole:
        ids = (workflow.find_id(env) for workflow in loaded.left_out)
        left_out = [*filter(None, ids)]
    return make_plan(
        client.session,
        targets,
        env=env,
        label=client.env,
        endpoint=client.place,
        values=Values(terms.values),
        projects=loaded.projects if loaded.is_whole or left_out else None,
        left_out=left_out,
        environments=keys,
        organisation=terms.org_id,
        prices=terms.prices,
        git=git,
    )

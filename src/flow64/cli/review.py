"""`flow64 review`: show a change of workflows to a reviewer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from ..definition import Definition
from ..deploy import review_of_plan
from ..environments import load as load_settings
from ..loading import (
    Selection,
    SourceWorkflow,
    lower_leniently,
)
from ..plan import Plan, Review
from ..render import (
    Pair,
    as_data,
    as_html,
    as_markdown,
    as_text,
    review_of_diff,
)
from . import _params as params
from ._colours import paint_changes
from ._exit_codes import CHANGES, FAILED
from ._make_plan import deploy_command, find_place, plan_workflows, print_faults
from ._output_options import choose_format, output_file
from ._param_types import PathName
from ._service import connect
from ._terminal import format_result, print_text, write_file

FOLDER: Final = PathName(exists=True, file_okay=False)


FORMS: Final[Mapping[str, Callable[[Review], str]]] = {
    "markdown": as_markdown,
    "text": as_text,
    "json": lambda review: format_result(as_data(review)),
    "html": as_html,
}
"""The output formats."""

_BY_ENDING: Final[Mapping[str, str]] = {
    ".txt": "text",
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
}
"""The format of a file, by the ending of its name."""


@params.command(
    "review",
    "flow64 review --base ../main/compiled --head compiled --format markdown",
    "flow64 review compiled --env prod --no-code --format html -o review.html",
)
@params.source
@params.selection
@click.option("--base", type=FOLDER, metavar="DIR", help="Committed JSON, as it was.")
@click.option("--head", type=FOLDER, metavar="DIR", help="Committed JSON, as it is.")
@params.env
@params.values
@params.no_code
@click.option(
    "--format",
    "form",
    type=click.Choice([*FORMS]),
    help="`markdown` is for a comment on a pull request, `html` is a whole page. By "
    "default the ending of FILE decides, else it is text.",
)
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@output_file("Write the review into a file.")
@params.exit_code("Exit with 2 if there are changes.")
def command(
    *,
    source: str | None,
    selection: Selection,
    base: Path | None,
    head: Path | None,
    env: str | None,
    values: Path | None,
    no_code: bool,
    form: str | None,
    as_json: bool,
    output: Path | None,
    has_exit_code: bool,
) -> int:
    """Show what a change does, for a reviewer who sees nothing else.

    With --base and --head, the JSON of two folders is compared. No code runs, and
    nothing is sent. Otherwise SOURCE is planned for an environment, and the review
    shows what a deploy would do. Only reads are sent.

    SOURCE is a file, folder, module or key, or ENV:KEY for what is live; by default
    the project's code.

    Workflows with the same changes are shown once. JSON lists each of them.
    """
    form = choose_format("json" if as_json else form, output, _BY_ENDING) or "text"
    if base is not None or head is not None:
        if base is None or head is None:
            missing = "--base" if base is None else "--head"
            problem = "missing: a review compares two folders"
            raise params.option_error(missing, problem)
        for option, given in (("SOURCE", source), ("--env", env), ("--values", values)):
            if given is not None:
                problem = "with --base and --head, nothing is sent to a service"
                raise params.option_error(option, problem)
        if selection.is_changed:
            problem = "with --base and --head, nothing is asked of a service"
            raise params.option_error("--changed", problem)
        review = _compare(base, head, selection)
    else:
        found = _plan(source, selection, env, values, code=not no_code)
        if found is None:
            return FAILED
        review = found
    text = FORMS[form](review)
    if output is None:
        print_text(text, paint_changes if form == "text" else None)
    else:
        write_file(output, text)
    return CHANGES if has_exit_code and not review.is_empty else 0


def _compare(base: Path, head: Path, selection: Selection) -> Review:
    """Compare the JSON of two folders. No code runs.

    Args:
        base: The folder before the change.
        head: The folder after the change.
        selection: The workflows to compare.
    """
    old, new = _load_folder(base), _load_folder(head)
    before = {name: _lower(one) for name, one in old.items()}
    after = {name: _lower(one) for name, one in new.items()}
    # With `was=`, a workflow has another key and keeps its id.
    gone = {one.id: name for name, one in before.items() if name not in new and one.id}
    was = {
        name: gone[one.id]
        for name, one in after.items()
        if name not in old and one.id in gone
    }
    left = [name for name in old if name not in new and name not in was.values()]
    names = [*new, *left]
    pairs = [
        Pair(
            name,
            before.get(was.get(name, name)),
            after.get(name),
            _find_file(new.get(name), head) or _find_file(old.get(name), base),
            was.get(name),
        )
        for name in selection.pick("both folders", names, lambda name: [name])
    ]
    return review_of_diff(pairs, prices=load_settings().prices)


def _load_folder(folder: Path) -> Mapping[str, SourceWorkflow]:
    """Load the workflows of a folder of JSON, by name. The folder may be empty.

    Raises:
        click.UsageError: Two workflows have the same name.
    """
    if not any(folder.iterdir()):
        return {}
    found: dict[str, SourceWorkflow] = {}
    loaded = params.load_source(str(folder), code=False, may_be_empty=True)
    for one in loaded.workflows:
        other = found.setdefault(one.name, one)
        if other is not one:
            problem = f"{one.name!r} is there twice: {other.where} and {one.where}"
            raise click.UsageError(problem)
    return found


def _lower(one: SourceWorkflow) -> Definition:
    """Return the definition, even with errors: a review shows new errors."""
    return lower_leniently(one.workflow)


def _find_file(one: SourceWorkflow | None, folder: Path) -> str | None:
    """Return the file of a workflow, relative to its folder."""
    if one is None or not Path(one.where).is_relative_to(folder):
        return None if one is None else one.where
    return Path(one.where).relative_to(folder).as_posix()


def _plan(
    source: str | None,
    selection: Selection,
    env: str | None,
    values: Path | None,
    *,
    code: bool,
) -> Review | None:
    """Make a plan as a review. If workflows have errors, print them; return None."""
    place = find_place(env, values)
    loaded = params.load_source(
        source,
        env,
        selection=selection,
        code=code,
        may_be_empty=True,
    )
    with connect(env) as client:
        plan = plan_workflows(client, place, loaded)
    if not isinstance(plan, Plan):
        print_faults(plan)
        return None
    run = deploy_command(place, source, values, selection=selection, no_code=not code)
    return review_of_plan(plan, root=Path.cwd(), command=run)

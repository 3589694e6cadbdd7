"""`flow64 review`: a change of pipelines as a reviewer judges it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from ..definition import Definition
from ..deploy import review_of_plan
from ..environments import load as load_settings
from ..loading import SourceWorkflow, lower_leniently
from ..plan import Plan, Review
from ..render import (
    Pair,
    as_data,
    as_html,
    as_markdown,
    as_text,
    review_of_diff,
)
from ._exit_codes import CHANGES, FAILED
from ._load import load_source
from ._make_plan import find_place, plan_workflows, print_faults
from ._service import connect
from ._shared import (
    env_option,
    format_example,
    manifest_option,
    no_code_option,
    option_error,
    values_option,
)
from ._terminal import print_message, print_text

FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)


def _as_json(review: Review) -> str:
    return json.dumps(as_data(review), indent=2, ensure_ascii=False) + "\n"


FORMS: Final[Mapping[str, Callable[[Review], str]]] = {
    "markdown": as_markdown,
    "text": as_text,
    "json": _as_json,
    "html": as_html,
}
"""The forms of a review."""


@click.command(
    "review",
    epilog=format_example(
        "flow64 review --base main/flows --head flows --format markdown",
        "flow64 review flows --env prod --no-code --format html -o review.html",
    ),
)
@click.argument("source", required=False)
@click.option("--base", type=FOLDER, metavar="DIR", help="Committed JSON, as it was.")
@click.option("--head", type=FOLDER, metavar="DIR", help="Committed JSON, as it is.")
@env_option
@values_option
@no_code_option
@manifest_option
@click.option(
    "--format",
    "form",
    type=click.Choice([*FORMS]),
    default="text",
    show_default=True,
    help="`markdown` is for a comment on a pull request, `html` a page of its own.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it there.",
)
@click.option(
    "--exit-code", "has_exit_code", is_flag=True, help="End with 2 where it says more."
)
def command(
    *,
    source: str | None,
    base: Path | None,
    head: Path | None,
    env: str | None,
    values: Path | None,
    no_code: bool,
    manifest: Path | None,
    form: str,
    as_json: bool,
    output: Path | None,
    has_exit_code: bool,
) -> int:
    """Say what a change does, so that it can be judged from that alone.

    With --base and --head the JSON of two folders is compared: no code is run, and no
    service is asked. Else SOURCE is planned for an environment, and what a deploy would
    do is told; nothing but reads is sent.

    Workflows whose changes are the same are shown as one; JSON has each of them.
    """
    if base is not None or head is not None:
        if base is None or head is None:
            missing = "--base" if base is None else "--head"
            raise option_error(missing, "it is missing: a review compares two folders")
        for option, given in (("SOURCE", source), ("--env", env), ("--values", values)):
            if given is not None:
                raise option_error(option, "with --base and --head no service is asked")
        review = _compare(base, head, manifest)
    else:
        found = _plan(source, env, values, code=not no_code, manifest=manifest)
        if found is None:
            return FAILED
        review = found
    _write(FORMS["json" if as_json else form](review), output)
    return CHANGES if has_exit_code and not review.is_empty else 0


def _compare(base: Path, head: Path, manifest: Path | None) -> Review:
    """The JSON of two folders compared; no code is run.

    Args:
        base: The old one.
        head: The new one.
        manifest: By which the new one is read, where nobody vouches for it.
    """
    old, new = _by_name(base), _by_name(head, manifest)
    pairs = [
        Pair(
            name,
            _definition(old.get(name)),
            _definition(new.get(name)),
            _file(new.get(name), head) or _file(old.get(name), base),
        )
        for name in [*new, *(name for name in old if name not in new)]
    ]
    return review_of_diff(pairs, prices=load_settings().prices)


def _by_name(
    folder: Path, manifest: Path | None = None
) -> Mapping[str, SourceWorkflow]:
    """The workflows of a folder of JSON; a folder may hold none yet, or none any more.

    Raises:
        click.UsageError: Two are called the same.
    """
    if manifest is None and not any(folder.rglob("*.json")):
        return {}
    found: dict[str, SourceWorkflow] = {}
    loaded = load_source(str(folder), code=False, manifest=manifest, may_be_empty=True)
    for one in loaded.workflows:
        other = found.setdefault(one.name, one)
        if other is not one:
            problem = f"{one.name!r} is there twice: {other.where} and {one.where}"
            raise click.UsageError(problem, click.get_current_context(silent=True))
    return found


def _definition(one: SourceWorkflow | None) -> Definition | None:
    """Return its definition, even with errors: a review shows new ones."""
    return None if one is None else lower_leniently(one.workflow)


def _file(one: SourceWorkflow | None, folder: Path) -> str | None:
    """Its file, as it is named from its folder."""
    if one is None:
        return None
    path = Path(one.where)
    return (
        path.relative_to(folder).as_posix()
        if path.is_relative_to(folder)
        else one.where
    )


def _plan(
    source: str | None,
    env: str | None,
    values: Path | None,
    *,
    code: bool,
    manifest: Path | None,
) -> Review | None:
    """A plan as a review; None where workflows have errors, which were told."""
    place = find_place(env, values)
    loaded = load_source(source, code=code, manifest=manifest, may_be_empty=True)
    with connect(env) as client:
        plan = plan_workflows(client, place, loaded)
    if not isinstance(plan, Plan):
        print_faults(plan)
        return None
    return review_of_plan(plan, prices=place.settings.prices, root=Path.cwd())


def _write(text: str, output: Path | None) -> None:
    """Write it to a file, or to stdout.

    Raises:
        click.ClickException: The file cannot be written.
    """
    if output is None:
        print_text(text)
        return
    try:
        output.write_bytes(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        problem = f"{output} cannot be written ({error.strerror})"
        raise click.ClickException(problem) from error
    print_message(f"it is in {output}")

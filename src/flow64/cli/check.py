"""`flow64 check`: list errors, warnings and notes of workflows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from ..analysis import LiveCatalogue
from ..diagnostics import Finding, as_text, summary
from ..text import printable
from . import _params as params
from ._exit_codes import FAILED
from ._terminal import find_width, print_json, print_line, print_lines, print_message

MOST: Final = 3
"""How many workflows with the same findings are named. JSON names all."""


@params.command(
    "check",
    "flow64 check pipelines/leads.py",
    "flow64 check pipelines/leads.py:inbound --json",
    "flow64 check compiled --no-code --format github",
)
@click.argument("source", required=False)
@params.ids_env
@params.values
@click.option(
    "--blocks",
    type=params.FILE,
    metavar="FILE",
    help="A saved answer of `GET /workflows/blocks`, to check fields with.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    help="Output format. `github` marks the lines of a pull request.",
)
@params.no_code
@params.as_json
def command(
    *,
    source: str | None,
    env: str | None,
    values: Path | None,
    blocks: Path | None,
    form: str | None,
    no_code: bool,
    as_json: bool,
) -> int:
    """List errors, warnings and notes of workflows. Nothing is sent.

    SOURCE is a Python file, a module, a JSON file, or a folder of these. SOURCE:KEY is
    one workflow of it. By default it is the source of [tool.flow64] in pyproject.toml.
    Exits with 1 if there is an error, but not for warnings and notes.
    """
    if as_json and form not in (None, "json"):
        raise params.option_error(
            "--format", f"{form!r} contradicts --json; leave one of them out"
        )
    given = params.read_values(values)
    live = None if blocks is None else LiveCatalogue.read(blocks)
    loaded = params.load_source(source, code=not no_code, may_be_empty=True)
    found = [
        (one.name, one.workflow.check(env, given, blocks=live))
        for one in loaded.workflows
    ]
    everything = [finding for _, findings in found for finding in findings]
    if as_json or form == "json":
        print_json(
            [
                {"workflow": name, **finding.as_data()}
                for name, findings in found
                for finding in findings
            ]
        )
    elif form == "github":
        from ..render import as_annotations  # noqa: PLC0415 - loads pictures

        for name, findings in found:
            about = name if len(found) > 1 else ""
            for line in as_annotations(findings, root=Path.cwd(), about=about):
                print_line(line)
        print_message(summary(everything))
    else:
        for names, same in _group_findings(found):
            _print_findings(names if len(found) > 1 else (), same)
        count = "" if len(found) == 1 else f"{len(found)} workflows: "
        print_message(count + summary(everything))
    return FAILED if any(one.severity == "error" for one in everything) else 0


def _group_findings(
    found: Sequence[tuple[str, Sequence[Finding]]],
) -> Sequence[tuple[Sequence[str], Sequence[Finding]]]:
    """Group findings by their workflows.

    Findings with the same text are listed once: those of variants differ only in ids.
    """
    named: dict[str, tuple[list[str], Finding]] = {}
    for name, findings in found:
        for finding in findings:
            text = as_text([finding])
            names, _ = named.setdefault(text, ([], finding))
            if name not in names:
                names.append(name)
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for names, one in named.values():
        groups.setdefault(tuple(names), []).append(one)
    return [*groups.items()]


def _print_findings(names: Sequence[str], findings: Sequence[Finding]) -> None:
    if names:
        more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
        shown = ", ".join(map(printable, names[:MOST])) + more
        print_line(
            f"{shown}:" if len(names) == 1 else f"{len(names)} workflows ({shown}):"
        )
    print_lines(as_text(findings, find_width(sys.stdout)).splitlines())

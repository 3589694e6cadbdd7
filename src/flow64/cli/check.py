"""`flow64 check`: what is wrong or doubtful with workflows; nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from ..analysis import LiveCatalogue
from ..diagnostics import Finding, as_text, summary
from ..text import printable
from ._exit_codes import FAILED
from ._load import load_source
from ._shared import (
    FILE,
    format_example,
    ids_env_option,
    json_option,
    no_code_option,
    option_error,
    read_values,
    values_option,
)
from ._terminal import print_json, print_line, print_message

MOST: Final = 3
"""Workflows with the same findings that are named; JSON has each of them."""


@click.command(
    "check",
    epilog=format_example(
        "flow64 check pipelines/leads.py",
        "flow64 check pipelines/leads.py:inbound --json",
        "flow64 check compiled --no-code --format github",
    ),
)
@click.argument("source", required=False)
@ids_env_option
@values_option
@click.option(
    "--blocks",
    type=FILE,
    metavar="FILE",
    help="A saved answer of `GET /workflows/blocks`, by which to judge fields.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    help="How to print it; `github` marks the lines of a pull request.",
)
@no_code_option
@json_option
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
    """Say what is wrong or doubtful with workflows; nothing is sent.

    SOURCE is a Python file, a module, a JSON file, or a folder of any of these; with
    a colon and a key behind it, one workflow of them. Left out, it is the source of
    [tool.flow64] in pyproject.toml. It ends with 1 where there is an error; warnings
    and notes are none.
    """
    if as_json and form not in (None, "json"):
        raise option_error(
            "--format", f"it is {form!r}, and --json asks for data; give one"
        )
    given = read_values(values)
    live = None if blocks is None else LiveCatalogue.read(blocks)
    loaded = load_source(source, code=not no_code, may_be_empty=True)
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
            _show(names if len(found) > 1 else (), same)
        count = "" if len(found) == 1 else f"{len(found)} workflows: "
        print_message(count + summary(everything))
    return FAILED if any(one.severity == "error" for one in everything) else 0


def _group_findings(
    found: Sequence[tuple[str, Sequence[Finding]]],
) -> Sequence[tuple[Sequence[str], Sequence[Finding]]]:
    """Group findings by the workflows that they are about.

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


def _show(names: Sequence[str], findings: Sequence[Finding]) -> None:
    if names:
        more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
        shown = ", ".join(map(printable, names[:MOST])) + more
        print_line(
            f"{shown}:" if len(names) == 1 else f"{len(names)} workflows ({shown}):"
        )
    for line in as_text(findings).splitlines():
        print_line(line)

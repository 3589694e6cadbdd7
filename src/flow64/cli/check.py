"""`flow64 check`: what is wrong or doubtful with workflows; nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..analysis import LiveCatalogue
from ..diagnostics import Finding, as_text, printable, summary
from ..render._annotations import as_annotations
from ._codes import FAILED
from ._shared import (
    FILE,
    env_option,
    example,
    json_option,
    read_values,
    source_argument,
    values_option,
    wrong,
)
from ._sources import load
from ._terminal import give, give_data, talk


@click.command(
    "check",
    epilog=example(
        "flow64 check pipelines/leads.py",
        "flow64 check pipelines/leads.py:inbound --json",
        "flow64 check pipelines --format github",
    ),
)
@source_argument
@env_option
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
@json_option
def command(
    *,
    source: str,
    env: str | None,
    values: Path | None,
    blocks: Path | None,
    form: str | None,
    as_json: bool,
) -> int:
    """Say what is wrong or doubtful with workflows; nothing is sent.

    SOURCE is a Python file, a module, a JSON file, or a folder of any of these; with
    a colon and a key behind it, one workflow of them. It ends with 1 where there is an
    error; warnings and notes are none.
    """
    if as_json and form not in (None, "json"):
        raise wrong("--format", f"it is {form!r}, and --json asks for data; give one")
    given = read_values(values)
    live = None if blocks is None else LiveCatalogue.read(blocks)
    loaded = load(source)
    found = [
        (one.name, one.workflow.check(env, given, blocks=live))
        for one in loaded.workflows
    ]
    everything = [finding for _, findings in found for finding in findings]
    if as_json or form == "json":
        give_data(
            [
                {"workflow": name, **finding.as_data()}
                for name, findings in found
                for finding in findings
            ]
        )
    elif form == "github":
        for name, findings in found:
            about = name if len(found) > 1 else ""
            for line in as_annotations(findings, root=Path.cwd(), about=about):
                give(line)
        talk(summary(everything))
    else:
        for name, findings in found:
            _show(name if len(found) > 1 else "", findings)
        count = f"{len(found)} workflows: " if len(found) > 1 else ""
        talk(count + summary(everything))
    return FAILED if any(one.severity == "error" for one in everything) else 0


def _show(name: str, findings: Sequence[Finding]) -> None:
    if name and findings:
        give(f"{printable(name)}:")
    for line in as_text(findings).splitlines():
        give(line)

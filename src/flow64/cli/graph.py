"""`flow64 graph`: draw workflows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from .. import loading
from ..definition import Definition
from ..report.graph import draw_mermaid, draw_text, graph_of
from ..report.writers import draw_svg
from . import params, printing

FORMS: Final[Mapping[str, Callable[[Definition], str]]] = {
    "text": draw_text,
    "mermaid": lambda definition: draw_mermaid(graph_of(definition)),
    "svg": lambda definition: draw_svg(graph_of(definition)),
}

_BY_ENDING: Final = {
    ".txt": "text",
    ".svg": "svg",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
}


@params.command(
    "graph",
    "flow64 graph pipelines/leads.py:inbound",
    "flow64 graph pipelines/leads.py:inbound -o inbound.svg",
)
@params.source
@params.selection
@click.option(
    "--format",
    "form",
    type=click.Choice([*FORMS]),
    help="By default the ending of FILE decides, else it is text.",
)
@params.output("FILE", "Write the drawing into a file.")
@params.ids_env
def command(
    *,
    source: str | None,
    selection: loading.Selection,
    form: str | None,
    output: Path | None,
    env: str | None,
) -> int:
    """Draw workflows, also those with errors.

    SOURCE is a file, folder, module or key, or ENV:KEY for what is live; by default
    the project's code. Several workflows are drawn one after the other, as text.
    """
    form = form or printing.find_form(output, _BY_ENDING)
    loaded = params.load(source, env, selection=selection)
    workflows = loaded.workflows if form == "text" else [loaded.only]
    drawings = [
        FORMS[form](workflow.workflow.lower(env).definition) for workflow in workflows
    ]
    if output is None:
        printing.write("\n".join(drawings))
    else:
        printing.write_file(output, "\n".join(drawings))
    return 0

"""`flow64 graph`: draw workflows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from ..definition import DEFAULT_ENV, Definition
from ..loading import Loaded, Selection, lower_leniently
from ..report.graph import graph_of
from ..report.mermaid import draw_mermaid
from ..report.svg import draw_svg
from ..report.tree import draw_text
from . import _params as params
from ._output_options import choose_format, output_file
from ._service import find_environment
from ._terminal import print_text, write_file

FORMS: Final[Mapping[str, Callable[[Definition], str]]] = {
    "text": draw_text,
    "mermaid": lambda definition: draw_mermaid(graph_of(definition)),
    "svg": lambda definition: draw_svg(graph_of(definition)),
}

_BY_ENDING: Final[Mapping[str, str]] = {
    "": "text",
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
    help="Output format. By default the ending of FILE decides, else it is text.",
)
@output_file("Write the drawing into a file.")
@params.ids_env
def command(
    *,
    source: str | None,
    selection: Selection,
    form: str | None,
    output: Path | None,
    env: str | None,
) -> int:
    """Draw workflows. Only what is live needs requests, and these are reads.

    SOURCE is a file, folder, module or key, or ENV:KEY for what is live; by default
    the project's code. Several workflows are drawn one after the other, as text.
    Workflows with errors are drawn too.
    """
    chosen = choose_format(form, output, _BY_ENDING)
    if chosen is None:
        endings = ", ".join(filter(None, _BY_ENDING))
        raise params.option_error(
            "--output", f"{output} ends in none of {endings}; use one, or --format"
        )
    loaded = _read(source, env, selection)
    if selection.is_changed and not loaded.workflows:
        return 0
    workflows = loaded.workflows if chosen == "text" else [loaded.only]
    definitions = [
        lower_leniently(one.workflow, env or DEFAULT_ENV) for one in workflows
    ]
    text = "\n".join(map(FORMS[chosen], definitions))
    if output is not None:
        write_file(output, text)
    else:
        print_text(text)
    return 0


def _read(text: str | None, env: str | None, selection: Selection) -> Loaded:
    """Load the workflows at an address.

    Raises:
        ConfigError: The environment is unknown.
    """
    if env is not None:
        find_environment(env)
    address = None if text is None else params.find_address(text, env)
    return params.load_source(address, env, selection=selection)

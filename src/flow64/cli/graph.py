"""`flow64 graph`: draw a workflow, alone or compared with another version."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from ..definition import DEFAULT_ENV, Definition
from ..loading import Loaded, Selection, SourceWorkflow, lower_leniently
from ..manifest import write_all
from ..redaction import redact_keys_in_json
from ..render import (
    Graph,
    draw_mermaid,
    draw_mermaid_changes,
    draw_svg,
    draw_svg_changes,
    draw_text,
    draw_text_changes,
    graph_between,
    graph_of,
)
from ..text import printable
from . import _params as params
from ._output_options import choose_format, output_file
from ._service import find_environment
from ._terminal import find_width, print_json, print_line, print_paths, print_text

ALONE: Final[Mapping[str, Callable[[Definition], str]]] = {
    "mermaid": draw_mermaid,
    "svg": draw_svg,
}
"""The formats of one workflow, besides text."""

COMPARED: Final[Mapping[str, Callable[[Definition, Definition], str]]] = {
    "mermaid": draw_mermaid_changes,
    "svg": draw_svg_changes,
}
"""The formats of two versions, besides text."""

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
    "flow64 graph pipelines/leads.py:inbound --against compiled/inbound.json",
    "flow64 graph code:inbound --against prod:inbound",
)
@params.source
@params.selection
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", *ALONE]),
    help="Output format. By default the ending of FILE decides, else it is text.",
)
@output_file("Write the drawing into a file.")
@click.option(
    "--against",
    metavar="OTHER",
    help="The version before, an address of one workflow. Differences are marked.",
)
@params.ids_env
@click.option("--json", "as_json", is_flag=True, help="Print data, not a picture.")
def command(
    *,
    source: str | None,
    selection: Selection,
    form: str | None,
    output: Path | None,
    against: str | None,
    env: str | None,
    as_json: bool,
) -> int:
    """Draw workflows. Only what is live needs requests, and these are reads.

    SOURCE is a file, folder, module or key, or ENV:KEY for what is live; by default
    the project's code.
    Several workflows are drawn one after the other, as text. Workflows with errors are
    drawn too.
    """
    if as_json and (form is not None or output is not None):
        raise click.UsageError("--json prints data, so it takes no --format and no -o")
    chosen = choose_format(form, output, _BY_ENDING)
    if chosen is None:
        endings = ", ".join(filter(None, _BY_ENDING))
        raise params.option_error(
            "--output", f"{output} ends in none of {endings}; use one, or --format"
        )
    loaded = _read(source, env, selection)
    if selection.is_changed and not loaded.workflows:
        return 0
    is_text = chosen == "text" and not as_json and against is None
    if is_text and len(loaded.workflows) != 1:
        _print_drawing(_draw_several(loaded, env), chosen, output)
        return 0
    after = _lower(loaded.only, env)
    before = None if against is None else _lower(_read(against, env).only, env)
    if as_json:
        graph = graph_of(after) if before is None else graph_between(before, after)
        print_json(redact_keys_in_json(to_data(graph)))
        return 0
    width = None if output is not None else find_width(sys.stdout)
    _print_drawing(_draw(chosen, before, after, width), chosen, output)
    return 0


def _print_drawing(text: str, form: str, output: Path | None) -> None:
    if output is not None:
        (path,) = write_all(output.parent, {output.name: text})
        print_paths([path], as_json=False)
    elif form == "text":
        for line in text.splitlines():
            print_line(line)
    else:
        print_text(text)


def to_data(graph: Graph) -> dict[str, Any]:
    """Convert a graph to JSON data. Edges name blocks by position."""
    return {
        "name": graph.name,
        "is_compared": graph.is_compared,
        "blocks": [
            {
                "block_id": node.id,
                "path": node.label.path,
                "kind": node.kind,
                "shape": node.label.shape,
                "mark": node.mark,
                "is_moved": node.is_moved,
                "was": node.was,
                "fields": [*node.fields],
                "rows": node.rows,
                "effects": sorted(node.effects),
            }
            for node in graph.nodes
        ],
        "edges": [
            {"source": link.source, "target": link.target, "mark": link.mark}
            for link in graph.links
        ],
        "lost_edges": graph.lost,
    }


def _read(
    text: str | None, env: str | None, selection: Selection | None = None
) -> Loaded:
    """Load the workflows at an address.

    Raises:
        UnknownEnvironmentError: The environment is unknown.
    """
    if env is not None:
        find_environment(env)
    address = None if text is None else params.find_address(text, env)
    return params.load_source(address, env, selection=selection)


def _draw_several(loaded: Loaded, env: str | None) -> str:
    """Draw workflows as text, each after its name."""
    width = find_width(sys.stdout)
    drawings = [
        f"{printable(one.name)}\n{draw_text(_lower(one, env), width=width)}"
        for one in loaded.workflows
    ]
    return "\n".join(drawings)


def _lower(one: SourceWorkflow, env: str | None) -> Definition:
    return lower_leniently(one.workflow, env or DEFAULT_ENV)


def _draw(
    form: str, before: Definition | None, after: Definition, width: int | None
) -> str:
    if before is None:
        is_text = form == "text"
        return draw_text(after, width=width) if is_text else ALONE[form](after)
    if form == "text":
        return draw_text_changes(before, after, width=width)
    return COMPARED[form](before, after)

"""`flow64 graph`: draw a workflow, alone or compared with another version."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from ..definition import DEFAULT_ENV, Definition, redact_for_display, secret_values
from ..loading import (
    LiveAddress,
    load_live_definition,
    lower_leniently,
    parse_address,
    require_same_env,
)
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
from ._service import connect, find_environment
from ._terminal import find_width, print_json, print_line, print_text

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
@click.argument("source")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", *ALONE]),
    help="Output format. By default the ending of FILE decides, else it is text.",
)
@params.output_file("Write the drawing into a file.")
@click.option(
    "--against",
    metavar="OTHER",
    help="The version before, in the same form as SOURCE. Differences are marked.",
)
@params.ids_env
@click.option("--json", "as_json", is_flag=True, help="Print data, not a picture.")
def command(
    *,
    source: str,
    form: str | None,
    output: Path | None,
    against: str | None,
    env: str | None,
    as_json: bool,
) -> int:
    """Draw one workflow. Only a live workflow needs requests, and these are reads.

    SOURCE is a Python file, a module, a JSON file, or a folder of these. If it has
    several workflows, name one with SOURCE:KEY. code:KEY is in the source of
    [tool.flow64]. ENV:KEY or ENV:id:UUID is live in an environment. Workflows with
    errors are drawn too.
    """
    if as_json and (form is not None or output is not None):
        raise click.UsageError("--json prints data, so it takes no --format and no -o")
    ending = "" if output is None else output.suffix.lower()
    if form is None and ending not in _BY_ENDING:
        endings = ", ".join(filter(None, _BY_ENDING))
        raise params.option_error(
            "--output", f"{output} ends in none of {endings}; use one, or --format"
        )
    after = _read(source, env)
    before = None if against is None else _read(against, env)
    if as_json:
        graph = graph_of(after) if before is None else graph_between(before, after)
        print_json(redact_keys_in_json(to_data(graph)))
        return 0
    chosen = form or _BY_ENDING[ending]
    width = None if output is not None else _find_width()
    text = _draw(chosen, before, after, width)
    if output is not None:
        (path,) = write_all(output.parent, {output.name: text})
        print_line(printable(str(path)))
    elif chosen == "text":
        for line in text.splitlines():
            print_line(line)
    else:
        print_text(text)
    return 0


def to_data(graph: Graph) -> dict[str, Any]:
    """Convert a graph to JSON data. Edges name blocks by position."""
    return {
        "name": graph.name,
        "is_compared": graph.is_compared,
        "blocks": [
            {
                "id": node.id,
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


def _read(text: str, env: str | None) -> Definition:
    """Read the one workflow at an address.

    Raises:
        AddressError: The address does not mean one workflow.
        UnknownEnvironmentError: The environment is unknown.
    """
    address = parse_address(text)
    if isinstance(address, LiveAddress):
        with connect(require_same_env(address, env)) as client:
            live = load_live_definition(client, address)
        environment = find_environment(address.env)
        secrets = secret_values(environment.bound, environment.hidden)
        return redact_for_display(live, Definition("", "", (), ()), secrets)
    name = DEFAULT_ENV if env is None else find_environment(env).name
    return lower_leniently(params.load_source(address.source).only.workflow, name)


def _draw(
    form: str, before: Definition | None, after: Definition, width: int | None
) -> str:
    if before is None:
        is_text = form == "text"
        return draw_text(after, width=width) if is_text else ALONE[form](after)
    if form == "text":
        return draw_text_changes(before, after, width=width)
    return COMPARED[form](before, after)


def _find_width() -> int | None:
    """Return the width of the terminal; None if stdout is not one."""
    if os.environ.get("COLUMNS", "").isdigit():
        return shutil.get_terminal_size().columns
    return find_width(sys.stdout)

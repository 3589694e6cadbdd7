"""`flow64 graph`: one workflow as a picture, alone or with what differs marked."""

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
    graph_between,
    graph_of,
    mermaid,
    mermaid_changed,
    svg,
    svg_changed,
    text_changed,
    text_tree,
)
from ..text import printable
from ._load import load_source
from ._service import connect, find_environment
from ._shared import format_example, ids_env_option, option_error
from ._terminal import print_json, print_line, print_text

FORMATS: Final = ("text", "mermaid", "svg")

_BY_ENDING: Final[Mapping[str, str]] = {
    "": "text",
    ".txt": "text",
    ".svg": "svg",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
}


@click.command(
    "graph",
    epilog=format_example(
        "flow64 graph pipelines/leads.py:inbound",
        "flow64 graph pipelines/leads.py:inbound -o inbound.svg",
        "flow64 graph pipelines/leads.py:inbound --against compiled/inbound.json",
        "flow64 graph code:inbound --against prod:inbound",
    ),
)
@click.argument("source")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="How to draw it; by default as the name of FILE says, else as text.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a file, whole or not at all.",
)
@click.option(
    "--against",
    metavar="OTHER",
    help="What was there before, likewise; what differs is marked.",
)
@ids_env_option
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
    """Draw one workflow; nothing but reads is sent, and these only of what is live.

    SOURCE is a Python file, a module, a JSON file, or a folder of any of these, with a
    colon and a key behind it where it holds several; code:KEY is one of the source of
    [tool.flow64]; ENV:KEY or ENV:id:UUID is what is live in an environment. A workflow
    that a check finds errors in is drawn all the same.
    """
    if as_json and (form is not None or output is not None):
        raise click.UsageError("--json prints data, so it takes no --format and no -o")
    ending = "" if output is None else output.suffix.lower()
    if form is None and ending not in _BY_ENDING:
        endings = ", ".join(filter(None, _BY_ENDING))
        raise option_error(
            "--output", f"{output} ends in none of {endings}; or say --format"
        )
    after = _read(source, env)
    before = None if against is None else _read(against, env)
    if as_json:
        graph = graph_of(after) if before is None else graph_between(before, after)
        print_json(redact_keys_in_json(data_of(graph)))
        return 0
    chosen = form or _BY_ENDING[ending]
    width = None if output is not None else _width()
    text = _drawn(chosen, before, after, width)
    if output is not None:
        (path,) = write_all(output.parent, {output.name: text})
        print_line(printable(str(path)))
    elif chosen == "text":
        for line in text.splitlines():
            print_line(line)
    else:
        print_text(text)
    return 0


def data_of(graph: Graph) -> dict[str, Any]:
    """A graph as JSON data: blocks by their position, which edges name."""
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
    """The one workflow that an address means.

    Raises:
        click.UsageError: It means none, or several.
        UnknownEnvironmentError: There is no environment of that name.
    """
    address = parse_address(text)
    if isinstance(address, LiveAddress):
        with connect(require_same_env(address, env)) as client:
            live = load_live_definition(client, address)
        environment = find_environment(address.env)
        secrets = secret_values(environment.bound, environment.hidden)
        return redact_for_display(live, Definition("", "", (), ()), secrets)
    name = DEFAULT_ENV if env is None else find_environment(env).name
    return lower_leniently(load_source(address.source).only.workflow, name)


def _drawn(
    form: str, before: Definition | None, after: Definition, width: int | None
) -> str:
    if before is None:
        alone: Mapping[str, Callable[[], str]] = {
            "text": lambda: text_tree(after, width=width),
            "mermaid": lambda: mermaid(after),
            "svg": lambda: svg(after),
        }
        return alone[form]()
    both: Mapping[str, Callable[[], str]] = {
        "text": lambda: text_changed(before, after, width=width),
        "mermaid": lambda: mermaid_changed(before, after),
        "svg": lambda: svg_changed(before, after),
    }
    return both[form]()


def _width() -> int | None:
    """How wide the terminal is, where somebody reads there or says so."""
    is_read = sys.stdout is not None and sys.stdout.isatty()
    if not (is_read or os.environ.get("COLUMNS", "").isdigit()):
        return None
    return shutil.get_terminal_size().columns

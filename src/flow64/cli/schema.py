"""`flow64 schema`: print JSON Schemas, for editors and other tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from ..analysis import LiveCatalogue
from ..environments import pyproject_schema, settings_schema
from ..errors import did_you_mean, shortened
from ..generation import create_schema, definition_schema
from ..loading import find_saved_catalogue
from ..manifest import manifest_schema
from . import _params as params
from ._output_schemas import OUTPUTS, error_schema, output_schema, saved_plan_schema
from ._outputs import Schemas
from ._tables import print_table
from ._terminal import format_json, print_json, print_text

SCHEMAS: Final[Mapping[str, str]] = {
    "create": "A workflow as JSON: what `flow64 compile` writes.",
    "definition": "The graph of a workflow: its blocks and edges.",
    "manifest": "flow64.json, next to compiled and pulled workflows.",
    "settings": "The table [tool.flow64], in the form of SchemaStore.",
    "pyproject": "A pyproject.toml with this table, for Taplo.",
    "saved-plan": "A plan, as `flow64 plan -o FILE` saves it.",
    "error": "What `--json` prints of a command that fails without a result.",
    **{
        command.replace(" ", "-"): f"What `flow64 {command} --json` prints."
        for command in OUTPUTS
    },
}
"""What each schema is for."""

_OF_BLOCKS: Final[Mapping[str, Callable[[LiveCatalogue | None], dict[str, Any]]]] = {
    "create": create_schema,
    "definition": definition_schema,
}

_OTHERS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "manifest": manifest_schema,
    "settings": settings_schema,
    "pyproject": pyproject_schema,
    "saved-plan": saved_plan_schema,
    "error": error_schema,
    **{
        command.replace(" ", "-"): partial(output_schema, command)
        for command in OUTPUTS
    },
}


def _complete_names(
    _context: click.Context, _param: click.Parameter, begun: str
) -> list[str]:
    return [name for name in SCHEMAS if name.startswith(begun)]


@params.command(
    "schema",
    "flow64 schema",
    "flow64 schema create > create.schema.json",
    "flow64 schema pyproject > pyproject.schema.json",
)
@click.argument("name", required=False, shell_complete=_complete_names)
@params.saved_blocks(
    "A saved answer of `GET /workflows/blocks`, for the specs of blocks. By default "
    "the one that [tool.flow64] names."
)
@params.as_json
def command(*, name: str | None, saved: Path | None, as_json: bool) -> int:
    """Print the JSON Schema of a kind of file, or list all. Nothing is sent.

    An editor completes and judges files with it. What the service's own list of blocks
    says wins over what flow64 knows.
    """
    if saved is not None and name in (None, *_OTHERS):
        problem = f"only {' and '.join(_OF_BLOCKS)} hold specs of blocks; leave it out"
        raise params.option_error("--blocks", problem)
    if name is None:
        if as_json:
            found: Schemas = {
                "schemas": [
                    {"name": key, "about": text} for key, text in SCHEMAS.items()
                ]
            }
            print_json(found)
        else:
            print_table(
                ("NAME", "DESCRIPTION"), [*SCHEMAS.items()], least={"DESCRIPTION": 20}
            )
    elif name in SCHEMAS:
        live = find_saved_catalogue(saved) if name in _OF_BLOCKS else None
        print_text(format_json(make_schema(name, live)))
    else:
        near = did_you_mean(name, SCHEMAS) or f"; there are {', '.join(SCHEMAS)}"
        problem = f"there is no schema {shortened(name)}{near}"
        raise click.UsageError(problem, click.get_current_context())
    return 0


def make_schema(name: str, live: LiveCatalogue | None = None) -> dict[str, Any]:
    """Return a schema by its name; a list of the service is for those with specs."""
    return _OF_BLOCKS[name](live) if name in _OF_BLOCKS else _OTHERS[name]()

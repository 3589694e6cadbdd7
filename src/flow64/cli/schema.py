"""`flow64 schema`: print JSON Schemas, for editors and other tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import click

from ..environments import pyproject_schema, settings_schema
from ..errors import did_you_mean, shortened
from ..generation import create_schema, definition_schema
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

_MAKERS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "create": create_schema,
    "definition": definition_schema,
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
@params.as_json
def command(*, name: str | None, as_json: bool) -> int:
    """Print the JSON Schema of a kind of file, or list all. Nothing is sent.

    An editor completes and judges files with it.
    """
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
        print_text(format_json(make_schema(name)))
    else:
        near = did_you_mean(name, SCHEMAS) or f"; there are {', '.join(SCHEMAS)}"
        problem = f"there is no schema {shortened(name)}{near}"
        raise click.UsageError(problem, click.get_current_context())
    return 0


def make_schema(name: str) -> dict[str, Any]:
    """Return a schema by its name."""
    return _MAKERS[name]()

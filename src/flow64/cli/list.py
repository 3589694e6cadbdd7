"""`flow64 list`: the workflows that are deployed."""

from __future__ import annotations

import click

from ..loading import LiveWorkflow
from ..redaction import redact_keys_in_json
from ._service import connect, print_table
from ._shared import env_option, format_example, json_option, to_data
from ._terminal import print_json, print_message


@click.command(
    "list", epilog=format_example("flow64 list --env prod", "flow64 list --json")
)
@env_option
@json_option
def command(*, env: str | None, as_json: bool) -> int:
    """List the workflows of the organisation: id, title, key, and whose they are.

    Those that code deployed are `ours`, with the path that their id is made of, where
    environments differ; a `copy` carries the stamp of another workflow, as after
    "duplicate" in the web editor; all others are `foreign`. `ENV:KEY` names what is
    ours in other commands, `ENV:id:UUID` whatever there is.
    """
    with connect(env) as client:
        found = client.workflows.list()
    known = [LiveWorkflow.of(info) for info in found]
    if as_json:
        print_json(
            [
                {
                    **redact_keys_in_json(to_data(info)),
                    "condition": one.condition,
                    "key": one.key,
                    "env": one.env,
                    "path": one.path,
                }
                for info, one in zip(found, known, strict=True)
            ]
        )
        return 0
    if not found:
        print_message("there are no workflows")
    print_table(
        [
            (one.id, one.title or "-", one.key or "-", one.condition, one.path or "-")
            for one in known
        ]
    )
    return 0

"""`flow64 list`: the workflows that are deployed."""

from __future__ import annotations

import click

from ..loading import LiveWorkflow
from ..redaction import redact_keys_in_json
from ._service import connected, give_table
from ._shared import data_of, env_option, example, json_option
from ._terminal import give_data, talk


@click.command("list", epilog=example("flow64 list --env prod", "flow64 list --json"))
@env_option
@json_option
def command(*, env: str | None, as_json: bool) -> int:
    """List the workflows of the organisation: id, title, key, and whose they are.

    Those that code deployed are `ours`, with the path that their id is made of, where
    environments differ; a `copy` carries the stamp of another workflow, as after
    "duplicate" in the web editor; all others are `foreign`. `ENV:KEY` names what is
    ours in other commands, `ENV:id:UUID` whatever there is.
    """
    with connected(env) as client:
        found = client.workflows.list()
    known = [LiveWorkflow.of(info) for info in found]
    if as_json:
        give_data(
            [
                {
                    **redact_keys_in_json(data_of(info)),
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
        talk("there are no workflows")
    give_table(
        [
            (one.id, one.title or "-", one.key or "-", one.condition, one.path or "-")
            for one in known
        ]
    )
    return 0

"""`flow64 list`: the workflows that are deployed."""

from __future__ import annotations

import click

from ..definition import split_stamp
from ..service import WorkflowInfo
from ._service import connected, give_table
from ._shared import data_of, env_option, example, json_option
from ._terminal import give_data, talk


@click.command("list", epilog=example("flow64 list", "flow64 list --json"))
@env_option
@json_option
def command(*, env: str | None, as_json: bool) -> int:
    """List the workflows of the organisation: id, title, and what deployed it.

    That is the path of the code that deployed it, or - where none of ours did.
    """
    with connected(env) as client:
        found = client.workflows.list()
    if as_json:
        give_data(data_of(found))
        return 0
    if not found:
        talk("there are no workflows")
    give_table([(one.id, one.name or "-", owner_of(one)) for one in found])
    return 0


def owner_of(one: WorkflowInfo) -> str:
    """The path of the code that deployed a workflow; `-` where its stamp says none."""
    stamp = split_stamp(one.description, one.id)[1]
    return stamp.path if stamp is not None and stamp.is_genuine(one.id) else "-"

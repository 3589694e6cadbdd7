"""What a deploy would do, before anybody is asked: a look at each workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from ..errors import FlowError
from ..service import Client, State
from ..service._deploy import Ready, prepared, require_namespace, spends_when_written
from ..service._state import compare, merged
from ..service.api import Conversation, get_workflow
from ._outcomes import code_of
from ._sources import Sourced


@frozen
class Preview:
    """What a deploy of one workflow would do, as things are now.

    Attributes:
        name: What the workflow is called.
        workflow_id: Its id.
        state: What is the case.
        changes: What a write would change, one line each.
        edits: How what is live differs, where that stops the deploy.
        unmanaged: Live fields that code does not set, and that stay as they are.
        spends: What would be bought as soon as it is written.
    """

    name: str
    workflow_id: str
    state: State
    changes: Sequence[str] = ()
    edits: Sequence[str] = ()
    unmanaged: Sequence[str] = ()
    spends: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be sent."""
        return self.state == "unchanged"

    @property
    def needs_force(self) -> bool:
        """Whether it would overwrite what this code did not put there."""
        return self.state in ("foreign", "drifted", "conflict")


@frozen
class Faulty:
    """A workflow that cannot be deployed at all.

    Attributes:
        name: What the workflow is called.
        error: Why.
    """

    name: str
    error: FlowError

    @property
    def code(self) -> int:
        """The exit code that it leads to."""
        return code_of(self.error)


def judged(
    one: Sourced, env: str, values: Mapping[str, Any] | None, client: Client
) -> Preview | Faulty:
    """What a deploy of a workflow would do; nothing but one read is sent."""
    channel = client._settled.channel  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as client.deploy does
    try:
        ready = prepared(one.workflow, env, values)
        require_namespace(ready, channel)
    except FlowError as error:
        return Faulty(one.name, error)
    return client.play(_looking(one.name, ready))


def _looking(name: str, ready: Ready) -> Conversation[Preview]:
    """Look at what is live, as a deploy does first."""
    live = yield from get_workflow(ready.id)
    found = compare(ready.definition, live, ready.stamp)
    is_written = found.state not in ("unchanged", "converged")
    sent = merged(ready.definition, live)
    return Preview(
        name,
        ready.id,
        found.state,
        changes=found.changes,
        edits=found.edits,
        unmanaged=found.unmanaged,
        spends=spends_when_written(sent) if is_written else (),
    )

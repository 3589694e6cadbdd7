"""`Workflow.deploy`, `plan`, `run`, `run_batches`: with a client, or a fresh one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Unpack
from weakref import finalize

from ..deploy.plan import Plan, Step
from ..deploy.target import Deployable
from ..errors import BuildError, shortened
from ..runs.batches import Batch
from ..runs.payload import Rows
from .client import Client
from .run import Run
from .settings import BatchOptions, RunOptions


def deploy(workflow: Deployable, client: Client | None = None, **options: Any) -> Step:
    """See `Workflow.deploy`."""
    if client is not None:
        return require_client("deploy", client).deploy(workflow, **options)
    with Client() as own_client:
        return own_client.deploy(workflow, **options)


def plan(workflow: Deployable, client: Client | None = None, **options: Any) -> Plan:
    """See `Workflow.plan`."""
    if client is not None:
        return require_client("plan", client).plan(workflow, **options)
    with Client() as own_client:
        return own_client.plan(workflow, **options)


def run(
    workflow: Deployable,
    rows: Rows = (),
    client: Client | None = None,
    **options: Unpack[RunOptions],
) -> Run:
    """See `Workflow.run`."""
    if client is not None:
        return require_client("run", client).run(workflow, rows, **options)
    own_client = Client()
    try:
        started = own_client.run(workflow, rows, **options)
    except BaseException:
        own_client.close()
        raise
    finalize(started, own_client.session.close)  # no one else can close it
    return started


def run_batches(
    workflow: Deployable,
    rows: Rows,
    client: Client | None = None,
    **options: Unpack[BatchOptions],
) -> Iterator[Batch[Run]]:
    """See `Workflow.run_batches`."""
    if client is not None:
        return require_client("run_batches", client).run_batches(
            workflow, rows, **options
        )
    own_client = Client()
    # No one else can close it. Its runs may still be read after the batches.
    finalize(own_client, own_client.session.close)
    return own_client.run_batches(workflow, rows, **options)


def require_client(callee: str, client: Any) -> Client:
    """Refuse an argument that is not a client, such as the name of an environment."""
    if isinstance(client, Client):
        return client
    hint = f"did you mean env={client!r}?" if isinstance(client, str) else ""
    if hasattr(client, "blocking"):
        hint = f"an AsyncClient awaits: await client.{callee}(workflow, ...)"
    message = f"{callee}: client is {shortened(client)}, not a Client"
    raise BuildError(message, hint=hint)

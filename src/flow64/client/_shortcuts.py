"""`Workflow.deploy`, `run` and `run_batches`, with a given client or a fresh one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import iscoroutinefunction
from typing import Any, Unpack
from weakref import finalize

from ..definition import DEFAULT_ENV
from ..deploy import Deployable, Deployment, prepare_deploy
from ..errors import ArgumentError, FlowError, shortened
from ..runs import Rows
from ._batch import Batch
from ._client import Client
from ._run import Run
from ._settings import BatchOptions, RunOptions


def deploy(
    workflow: Deployable,
    client: Client | None = None,
    *,
    env: str | None = None,
    values: Mapping[str, Any] | None = None,
    force: bool = False,
    allow_spend: bool = False,
) -> Deployment:
    """See `Workflow.deploy`."""
    require_client("deploy", client)
    facts: Any = {"env": env, "values": values}
    if client is not None:
        return client.deploy(workflow, force=force, allow_spend=allow_spend, **facts)
    with _open_client(workflow, facts) as made:
        return made.deploy(workflow, force=force, allow_spend=allow_spend, **facts)


def run(
    workflow: Deployable,
    rows: Rows = (),
    client: Client | None = None,
    **options: Unpack[RunOptions],
) -> Run:
    """See `Workflow.run`."""
    require_client("run", client)
    if client is not None:
        return client.run(workflow, rows, **options)
    made = _open_client(workflow, options)
    try:
        started = made.run(workflow, rows, **options)
    except BaseException:
        made.close()
        raise
    finalize(started, made.close)  # no one else can close it
    return started


def run_batches(
    workflow: Deployable,
    rows: Rows,
    client: Client | None = None,
    **options: Unpack[BatchOptions],
) -> Iterator[Batch[Run]]:
    """See `Workflow.run_batches`."""
    require_client("run_batches", client)
    if client is not None:
        return client.run_batches(workflow, rows, **options)
    made = _open_client(workflow, options)
    batches = made.run_batches(workflow, rows, **options)
    # No one else can close it. Its runs may still be read after the batches.
    finalize(made, made._thread.close)  # noqa: SLF001 - it is ours
    return batches


def _open_client(workflow: Deployable, options: Any) -> Client:
    """Open a client; if that fails, mistakes of the workflow are raised first."""
    try:
        return Client()
    except FlowError:
        prepare_deploy(
            workflow, options.get("env") or DEFAULT_ENV, options.get("values")
        )
        raise


def require_client(callee: str, client: Any) -> None:
    """Refuse an argument that is not a client, such as the name of an environment."""
    if client is None or isinstance(client, Client):
        return
    near = f"; did you mean env={client!r}?" if isinstance(client, str) else ""
    if iscoroutinefunction(getattr(client, "call", None)):
        near = f"; an AsyncClient awaits: await client.{callee}(workflow, ...)"
    raise ArgumentError(callee, f"client is {shortened(client)}, no Client{near}")

"""Deploys and starts with a client's settings: environment, values, limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from ..api import Conversation
from ..definition import secret_texts, secret_values
from ..deploy import (
    Deployable,
    Deployment,
    Preview,
    Ready,
    before_step,
    compare,
    deploying,
    planned_alone,
    prepared,
    require_namespace,
)
from ..runs import Budget, Launcher
from ._settings import Settled


def deployment(
    workflow: Deployable,
    settled: Settled,
    *,
    env: str | None,
    values: Mapping[str, Any] | None,
    force: bool,
    allow_spend: bool,
) -> Conversation[Deployment]:
    """Deploy a workflow to where a client leads."""
    ready = ready_for("deploy", workflow, settled, env, values)
    return (
        yield from deploying(
            ready,
            force=force,
            allow_spend=allow_spend,
            endpoint=settled.channel.endpoint,
            history=settled.history,
        )
    )


def previewing(
    workflow: Deployable,
    settled: Settled,
    *,
    env: str | None,
    values: Mapping[str, Any] | None,
) -> Conversation[Preview]:
    """See what a deploy would do; nothing but a read is sent."""
    ready = ready_for("preview", workflow, settled, env, values)
    step = yield from planned_alone(
        ready.target,
        env=ready.env,
        endpoint=settled.channel.endpoint,
        secrets=ready.secrets,
    )
    words = compare(ready.definition, before_step(step), ready.stamp, ready.secrets)
    return Preview(
        ready.id,
        step.state,
        words.changes,
        words.edits,
        step.unmanaged,
        step.spends,
        step.lost,
        step.is_taken,
    )


def ready_for(
    callee: str,
    workflow: Deployable,
    settled: Settled,
    env: str | None,
    values: Mapping[str, Any] | None,
) -> Ready:
    """Compile for where a client leads, with what its environment says.

    Raises:
        ArgumentError: The client is for another environment.
        CompileError: The workflow has errors.
        UnboundValueError: The environment does not fill in all its values.
        LocalNamespaceError: Others may share its id there.
    """
    bound, suffix = settled.values_of(values), settled.terms.suffix
    ready = prepared(workflow, settled.env_of(callee, env), bound, suffix)
    terms = settled.terms
    secrets = [*secret_values(bound, terms.hidden)]
    if bound is not terms.values:
        secrets += secret_values(terms.values, terms.hidden)
    ready = evolve(ready, secrets=secrets)
    settled.channel.secrets.add(secret_texts([ready.definition], secrets))
    require_namespace(ready, settled.channel)
    return ready


def launcher(
    callee: str,
    workflow: Deployable,
    settled: Settled,
    *,
    env: str | None = None,
    values: Mapping[str, Any] | None = None,
    max_rows: int | None = None,
    max_cost: float | None = None,
    allow_unpriced: bool = False,
    **more: Any,
) -> Launcher:
    """Compile a workflow and judge whether this client may run it; see `Client.run`.

    Raises:
        CompileError: The workflow has errors.
        UnboundValueError: The environment does not fill in all its values.
        LocalNamespaceError: Its id may be somebody else's there.
        ArgumentError: There is no such block.
    """
    budget = Budget(max_rows, max_cost, allow_unpriced)
    ready = ready_for(callee, workflow, settled, env, values)
    made = Launcher(
        ready,
        settled.journal,
        settled.channel.endpoint,
        settled.budget_of(budget),
        **more,
    )
    if made.block is not None:
        made.stages.number("", made.block)  # a slip is found before it is paid for
    return made

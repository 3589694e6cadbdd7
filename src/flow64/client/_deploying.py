"""Deploys and starts with the settings of a client: environment, values, limits."""

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
    plan_and_apply,
    plan_one,
    prepare_deploy,
    require_namespace,
)
from ..diff import as_lines
from ..runs import Budget, Launcher
from ._settings import ClientSettings


def deploy_workflow(
    workflow: Deployable,
    settings: ClientSettings,
    *,
    env: str | None,
    values: Mapping[str, Any] | None,
    force: bool,
    allow_spend: bool,
) -> Conversation[Deployment]:
    """Deploy a workflow to the endpoint of a client."""
    ready = compile_for("deploy", workflow, settings, env, values)
    return (
        yield from plan_and_apply(
            ready,
            force=force,
            allow_spend=allow_spend,
            endpoint=settings.channel.endpoint,
            history=settings.history,
        )
    )


def preview_workflow(
    workflow: Deployable,
    settings: ClientSettings,
    *,
    env: str | None,
    values: Mapping[str, Any] | None,
) -> Conversation[Preview]:
    """Say what a deploy would do. Only reads are sent."""
    ready = compile_for("preview", workflow, settings, env, values)
    step = yield from plan_one(
        ready.target,
        env=ready.env,
        endpoint=settings.channel.endpoint,
        secrets=ready.secrets,
    )
    return Preview(
        ready.id,
        step.state,
        [*as_lines(step.changes)],
        [*as_lines(step.edits)],
        step.unmanaged,
        step.spends,
        step.lost,
        step.is_taken,
    )


def compile_for(
    callee: str,
    workflow: Deployable,
    settings: ClientSettings,
    env: str | None,
    values: Mapping[str, Any] | None,
) -> Ready:
    """Compile a workflow with the values of a client's environment.

    Raises:
        ArgumentError: The client is for another environment.
        CompileError: The workflow has errors.
        UnboundValueError: The environment does not give all its values.
        LocalNamespaceError: Another user's workflow may have the same id there.
    """
    bound, suffix = settings.values_of(values), settings.terms.suffix
    ready = prepare_deploy(workflow, settings.env_of(callee, env), bound, suffix)
    terms = settings.terms
    secrets = [*secret_values(bound, terms.hidden)]
    if bound is not terms.values:
        secrets += secret_values(terms.values, terms.hidden)
    ready = evolve(ready, secrets=secrets)
    settings.channel.secrets.add(secret_texts([ready.definition], secrets))
    require_namespace(ready, settings.channel)
    return ready


def make_launcher(
    callee: str,
    workflow: Deployable,
    settings: ClientSettings,
    *,
    env: str | None = None,
    values: Mapping[str, Any] | None = None,
    max_rows: int | None = None,
    max_cost: float | None = None,
    allow_unpriced: bool = False,
    **more: Any,
) -> Launcher:
    """Compile a workflow, and check that this client may run it; see `Client.run`.

    Raises:
        ArgumentError: `block` does not exist.
        CompileError: The workflow has errors.
        UnboundValueError: The environment does not give all its values.
        LocalNamespaceError: Another user's workflow may have the same id there.
    """
    budget = Budget(max_rows, max_cost, allow_unpriced)
    ready = compile_for(callee, workflow, settings, env, values)
    made = Launcher(
        ready,
        settings.journal,
        settings.channel.endpoint,
        settings.budget_of(budget),
        **more,
    )
    if made.block is not None:
        made.stages.number("", made.block)  # a slip is found before it is paid for
    return made

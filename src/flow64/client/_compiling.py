"""Workflows compiled with the settings of a client: environment, values, limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from ..definition import secret_texts, secret_values
from ..deploy import (
    Deployable,
    Ready,
    prepare_deploy,
    require_namespace,
)
from ..runs import Budget, Launcher
from ._settings import ClientSettings


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
    channel = settings.channel
    channel.secrets.add(secret_texts([ready.definition], secrets))
    require_namespace(
        ready.target, ready.name, channel.endpoint, is_local=channel.is_local
    )
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

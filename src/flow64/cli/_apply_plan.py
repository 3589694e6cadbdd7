"""Applying a plan: consent, and the writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from ..client import Client
from ..deploy import (
    PARALLEL,
    Agreement,
    PlannedWrite,
    apply_plan,
    check_plan,
    first_interrupt_waits,
)
from ..errors import FlowError
from ..loading import select_set_values
from ..plan import Plan
from ..text import pluralize
from ._error_messages import describe_error
from ._execution import REFUSALS, Execution
from ._exit_codes import NoConsentError
from ._make_plan import CommandEnvironment
from ._terminal import confirm, flush_messages, print_advice, print_error


def confirm_and_apply(
    client: Client,
    plan: Plan,
    agreement: Agreement,
    place: CommandEnvironment,
    *,
    yes: bool,
    is_typed: bool = False,
    as_json: bool = False,
    parallel: int = PARALLEL,
) -> int:
    """Apply a plan that was shown: check it, ask, write, and print the outcome.

    Args:
        client: Sends the requests.
        plan: The plan.
        agreement: The consent that options give.
        place: The environment.
        yes: Whether to ask nothing.
        is_typed: Whether to ask for the number of deletions.
        as_json: Whether to print data.
        parallel: Maximum workflows to write at a time.

    Returns:
        The exit code.
    """
    execution = Execution(plan, agreement)
    options: Any = {
        "history": place.history,
        "endpoint": client.place,
        "values": select_set_values(place.values),
        "hidden": place.environment.hidden,
    }
    try:
        jobs = check_plan(plan, agreement, **options)
        if jobs:
            _ask(jobs, yes=yes, is_typed=is_typed)
    except (FlowError, NoConsentError) as error:
        execution.record_refusal(error, as_json=as_json)
        execution.print_result(as_json=as_json)
        return execution.code
    if jobs:
        _write_all(client, execution, {**options, "parallel": parallel})
    execution.print_summary()
    execution.print_result(as_json=as_json)
    return execution.code


def _write_all(
    client: Client, execution: Execution, options: Mapping[str, Any]
) -> None:
    def announce_stop() -> None:
        print_advice("stopping after what is under way; Ctrl-C again stops at once")

    try:
        with first_interrupt_waits(announce_stop) as stop:
            apply_plan(
                client.session,
                execution.plan,
                execution.agreement,
                **options,
                stopped=stop,
                emit=execution.record_event,
            )
        execution.finish(was_stopped=stop.is_asked)
    except KeyboardInterrupt:
        execution.record_interruption()
    except REFUSALS as error:
        execution.record_refusal(error)
    except FlowError as error:
        print_error(describe_error(error))
        execution.record_interruption(error)


def _ask(jobs: Sequence[PlannedWrite], *, yes: bool, is_typed: bool) -> None:
    """Ask whether to write and delete.

    Raises:
        NoConsentError: The answer is no, or there is no terminal to ask at.
    """
    deletions = sum(job.doing == "delete" for job in jobs)
    if deletions and is_typed:
        _confirm_count(deletions)
    writes = len(jobs) - deletions
    parts = [f"write {pluralize(writes, 'workflow')}"] * bool(writes)
    parts += [f"delete {pluralize(deletions, 'workflow')}"] * bool(deletions)
    confirm(f"{' and '.join(parts).capitalize()}?", yes=yes)


def _confirm_count(deletions: int) -> None:
    flush_messages()
    question = f"{pluralize(deletions, 'workflow')} would be deleted; type that number"
    given = click.prompt(question, err=True, default="", show_default=False)
    if given.strip() != str(deletions):
        raise NoConsentError("another number was typed; nothing was sent")

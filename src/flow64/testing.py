"""Test a pipeline: try it out on an emulator, and look at the rows after each block.

`try_out` works anywhere. `flow64.pytest_plugin` has fixtures for pytest, which finds
them by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import field, frozen

from .definition import DEFAULT_ENV, Definition, as_body
from .errors import BuildError, RunFailedError, WaitTimeoutError
from .text import did_you_mean
from .workflow import Workflow

if TYPE_CHECKING:
    from .client import Client
    from .emulator import Emulator, Fixture, OutboxEntry

__all__ = ["Outcome", "try_out"]

T = TypeVar("T")

KEY: Final = "flow64-testing"
"""The API key of every client here, so that all of them see the same workflows."""

HERE: Final = "http://127.0.0.1"
"""The endpoint of every client here; nothing is sent over a socket."""

LOOK: Final = 0.002
"""Seconds between two polls of a run."""


@frozen(repr=False)
class Outcome:
    """The result of a run, with the rows after each block.

    Attributes:
        status: `completed`, `failed` or `cancelled`.
        failure: The block that failed, and its message; None for a completed run.
        counts: How many rows each block gave, by key path, in the order of the blocks.
            Blocks that did not complete are left out.
        ends: Key paths of the blocks that feed no other block.
        outbox: Everything that was written outside, or would have been.
    """

    run_id: str
    workflow_id: str
    status: str
    failure: str | None
    counts: Mapping[str, int]
    ends: Sequence[str]
    outbox: Sequence[OutboxEntry]
    _blocks: Sequence[str]
    _rows: Mapping[str, list[dict[str, Any]]] = field(alias="rows")

    def rows(self, block: str | None = None) -> list[dict[str, Any]]:
        """Return the rows that a block gave.

        Args:
            block: Its key path, such as `work/find_email`; by default the last block.

        Raises:
            BuildError: No block has that key path, or none is named and the workflow
                ends in several blocks.
            RunFailedError: The run ended before the block completed.
        """
        if block is None:
            if len(self.ends) > 1:
                problem = "the workflow ends in several blocks, so name one"
                raise _unknown_block(problem, self.ends)
            (block,) = self.ends
        if block not in self._blocks:
            near = did_you_mean(block, self._blocks)
            problem = f"no block has the key path {block!r}{near}"
            raise _unknown_block(problem, self._blocks)
        if block not in self._rows:
            why = f": {self.failure}" if self.failure else ""
            raise RunFailedError(
                f"run {self.run_id} ended as {self.status}{why}",
                run_id=self.run_id,
                status=self.status,
                reason=self.failure,
            )
        return self._rows[block]

    def columns(self, block: str | None = None) -> list[str]:
        """Return the columns of a block's rows, in the order of first appearance.

        Args:
            block: Its key path; by default the last block.
        """
        return list(dict.fromkeys(name for row in self.rows(block) for name in row))

    def __repr__(self) -> str:
        counts = ", ".join(f"{block} {count}" for block, count in self.counts.items())
        why = f" in {self.failure}" if self.failure else ""
        return f"<Outcome {self.status}{why}; rows: {counts}>"


def try_out(
    workflow: Workflow,
    rows: Iterable[Mapping[str, Any]] = (),
    emulator: Emulator | None = None,
    *,
    fixtures: Mapping[str, Fixture] | None = None,
    failing: Mapping[str, str] | None = None,
    client: Client | None = None,
    env: str = DEFAULT_ENV,
    values: Mapping[str, Any] | None = None,
    timeout: float = 60.0,
) -> Outcome:
    """Deploy a workflow to an emulator, run it, and wait until the run has ended.

        outcome = try_out(workflow, [{"company": "Acme"}], flow64_emulator)
        assert outcome.counts == {"webhook": 1, "find_email": 1, "outgoing_webhook": 1}

    A failed run is an outcome too, with the block and its message in `failure`.

    Args:
        workflow: The workflow; it needs no project.
        rows: The rows for a webhook source; other sources take none.
        emulator: The emulator; None makes one for this call.
        fixtures: Replacements for synthetic values in this run, by the key path of a
            block, or by a kind for all of its blocks. They take precedence over the
            emulator's own.
        failing: Messages that blocks fail with in this run, by the same names.
        client: The client to deploy with, if the emulator accepts only certain keys.
        values: The values of `value("name")` in this environment.
        timeout: Seconds after which to give up.

    Raises:
        BuildError: No block has one of the key paths or kinds.
        CompileError: The workflow has errors.
        DeployError: The deploy was refused, for example because the workflow was edited
            on the emulator.
        RunError: The rows cannot be sent.
        WaitTimeoutError: The run did not end in time.
    """
    with ExitStack() as stack:
        definition = workflow.compile(env, values)
        here = emulator or stack.enter_context(open_emulator())
        overrides = _resolve_names("fixtures", fixtures or {}, definition)
        stack.enter_context(_add_temporarily(here.fixtures, overrides))
        messages = _resolve_names("failing", failing or {}, definition)
        stack.enter_context(_add_temporarily(here.failures, messages))
        player = client or stack.enter_context(make_client(here))
        _create_workflow(player, definition, values or {})
        # On an emulator nothing is spent, so no consent is needed.
        workflow.deploy(player, env=env, values=values, allow_spend=True)
        run_id = workflow.run(rows, player, env=env, values=values, new=True).id
        _wait(here, run_id, timeout)
        return _build_outcome(here, run_id, definition)


def _create_workflow(
    client: Client, definition: Definition, values: Mapping[str, Any]
) -> None:
    """Create a pinned workflow that does not exist, which a deploy never does."""
    from .api.calls import create_workflow, get_workflow

    is_pinned = definition.path is None or "/pin:" in definition.path
    if is_pinned and get_workflow(client.session, str(definition.id)) is None:
        create_workflow(client.session, as_body(definition, values))


@contextmanager
def open_emulator() -> Iterator[Emulator]:
    """Make an emulator in memory, and close it at the end."""
    from .emulator import Emulator

    emulator = Emulator()
    try:
        yield emulator
    finally:
        emulator.stop()
        emulator.store.close()  # since 3.13, Python warns of one that is left open


def make_client(emulator: Emulator) -> Client:
    """Make a client of an emulator that needs no port."""
    from .client import Client

    return Client(KEY, base_url=HERE, transport=emulator.transport(), journal=None)


def _resolve_names(
    option: str, items: Mapping[str, T], definition: Definition
) -> dict[str, T]:
    """Resolve key paths and kinds to block ids; a key path takes precedence.

    Raises:
        BuildError: No block has one of the names.
    """
    paths = _key_paths(definition)
    kinds = {str(block.id): block.kind for block in definition.blocks}
    names = dict.fromkeys((*paths.values(), *kinds.values()))
    for name in items:
        if name not in names:
            near = did_you_mean(name, names)
            problem = f"no block has the key path or kind {name!r}{near}"
            raise _unknown_block(f"{option}: {problem}", paths.values())
    return {
        block_id: items[path if path in items else kinds[block_id]]
        for block_id, path in paths.items()
        if path in items or kinds[block_id] in items
    }


@contextmanager
def _add_temporarily(
    mapping: MutableMapping[str, T], more: Mapping[str, T]
) -> Iterator[None]:
    """Add entries to a mapping, and restore it at the end."""
    before = dict(mapping)
    try:
        mapping.update(more)
        yield
    finally:
        for name in more:
            if name in before:
                mapping[name] = before[name]
            else:
                mapping.pop(name, None)


def _key_paths(definition: Definition) -> dict[str, str]:
    """Return the key path of each block by its id; if it has none, the id."""
    return {
        str(block.id): definition.origins[position].path or str(block.id)
        for position, block in enumerate(definition.blocks)
    }


def _wait(emulator: Emulator, run_id: str, timeout: float) -> None:
    """Wait for a run by its record, since the API has a rate limit."""
    ends = monotonic() + timeout
    while (run := emulator.store.runs.get(run_id)) and not run.is_done:
        if monotonic() > ends:
            problem = f"run {run_id} is still {run.status} after {timeout:g} s"
            raise WaitTimeoutError(problem, run_id=run_id, status=run.status)
        sleep(LOOK)


def _build_outcome(emulator: Emulator, run_id: str, definition: Definition) -> Outcome:
    run = emulator.store.runs.get(run_id)
    assert run is not None
    paths = _key_paths(definition)
    states = emulator.store.blocks.under(run_id)
    rows = {
        paths[state.block_id]: list(emulator.store.rows(state.rows))
        for state in states
        if state.status == "completed"
    }
    feeding = set(definition.topology.sources)
    blamed = [f"{paths[s.block_id]}: {s.error}" for s in states if s.error]
    return Outcome(
        run_id=run_id,
        workflow_id=run.workflow_id,
        status=run.status,
        failure="; ".join(blamed) or run.error or run.reason,
        counts={path: len(rows[path]) for path in paths.values() if path in rows},
        ends=[p for at, p in enumerate(paths.values()) if at not in feeding],
        outbox=[entry for entry in emulator.outbox if entry.run_id == run_id],
        blocks=tuple(paths.values()),
        rows=rows,
    )


def _unknown_block(problem: str, names: Iterable[str]) -> BuildError:
    return BuildError(problem, hint=f"it takes {', '.join(names)}")

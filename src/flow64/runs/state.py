"""The state of a run: its status, its blocks by name, and whether it is ours."""

from __future__ import annotations

import json
import logging
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from attrs import define, field, frozen

from .. import errors
from ..api import answers, calls
from ..api.session import Session
from ..definition import Definition, load_json
from ..text import did_you_mean, join_words, printable, shortened
from .journal import Journal, Ledger, Start
from .rows import Raw

_log = logging.getLogger("flow64")


# -- Blocks by name -------------------------------------------------------------------


@frozen
class Stages:
    """The blocks of a run by name. Empty if neither code nor the service names them.

    A block without a key is named by its kind, followed by its number if there are
    several of the kind.

    Attributes:
        numbers: `sequence_number` of each block, by name.
        ends: Names of the blocks that feed no other block, if that is known.
    """

    numbers: Mapping[str, int] = field(factory=dict[str, int])
    ends: Sequence[str] = ()

    @classmethod
    def of(cls, definition: Definition) -> Stages:
        """Return the blocks of a definition as its code calls them."""
        blocks, feeding = definition.blocks, set(definition.topology.sources)
        numbers = _name_blocks(
            (definition.origins[at].path or each.kind, each.number)
            for at, each in enumerate(blocks)
        )
        ends = {each.number for at, each in enumerate(blocks) if at not in feeding}
        return cls(numbers, [n for n, number in numbers.items() if number in ends])

    @classmethod
    def of_run(cls, seen: answers.LiveStatus) -> Stages:
        """Return the blocks of a run as the service lists them."""
        blocks = seen.blocks
        return cls(_name_blocks((b.block_name, b.sequence_number) for b in blocks))

    def number(self, run_id: str, block: str | int | None) -> int | None:
        """Return the number of a block; None for the last one.

        Args:
            run_id: The run; empty before it is started.
            block: A name, a number, or None.

        Raises:
            RunError: The workflow ends in several blocks, and none is named.
            BuildError: No block has that name or number.
        """
        if block is None:
            if len(self.ends) > 1:
                subject = f"run {run_id}" if run_id else "nothing was started: it"
                raise errors.RunError(
                    f"{subject} ends in several blocks: "
                    f"{printable(', '.join(self.ends))}",
                    hint=f"name one of them: block={self.ends[-1]!r}",
                    option=f"name one: --block {shlex.quote(self.ends[-1])}",
                )
            return None
        numbers: dict[Any, int] = {n: n for n in self.numbers.values()}
        numbers.update(self.numbers)
        number = numbers.get(block if isinstance(block, int) else str(block))
        if number is None:
            near = did_you_mean(str(block), self.numbers)
            problem = f"no block has the key path or number {shortened(block)}{near}"
            names = join_words(self.numbers, 20)
            raise errors.BuildError(problem, hint=f"there are {names}" if names else "")
        return number

    def name(self, number: int, kind: str = "") -> str:
        """Return the name of a block: its key path, else its kind, else its number."""
        named = (name for name, each in self.numbers.items() if each == number)
        name = next(named, "")
        return name or kind or f"block {number}"

    def count_rows(self, seen: answers.LiveStatus) -> int | None:
        """Return the rows that came out at the end of a run; None if unknown."""
        rows = {block.sequence_number: block.returned_rows for block in seen.blocks}
        ends = [self.numbers[name] for name in self.ends] or [max(rows, default=0)]
        counts = [rows.get(number) for number in ends]
        return None if None in counts else sum(filter(None, counts))

    def describe_empty_end(self, seen: answers.LiveStatus) -> str | None:
        """Say that a run ended without a row, and after which block none was left.

        None if rows came out, or if that is not known.
        """
        if self.count_rows(seen) != 0:
            return None
        blocks = sorted(seen.blocks, key=lambda block: block.sequence_number)
        last = next(block for block in blocks if block.returned_rows == 0)
        name = printable(self.name(last.sequence_number, last.block_name))
        return f"no row is left after {name}"

    def describe_failure(self, seen: answers.LiveStatus) -> str | None:
        """Return why blocks of a run failed, if the service says so."""
        reasons = [
            f"{self.name(each.sequence_number, each.block_name)}: {each.error_message}"
            for each in seen.blocks
            if each.error_message
        ]
        return "; ".join(reasons) or None


def _name_blocks(blocks: Iterable[tuple[str, int]]) -> dict[str, int]:
    blocks = [*blocks]
    counts = Counter(name for name, _ in blocks)
    return {name if counts[name] == 1 else f"{name}-{n}": n for name, n in blocks}


# -- Proof that a run is ours ---------------------------------------------------------


def digest_rows(rows: Iterable[Raw], columns: Sequence[str]) -> dict[str, Any]:
    """Return a digest of rows in any order. A result with the same digest is ours.

    Columns that a stage adds do not count. Nor does what CSV makes of a value: a number
    is equal to its text, and an empty cell to null and to a missing cell.

    Args:
        rows: The rows.
        columns: The columns that count.
    """
    count = total = 0
    for row in rows:
        values = [normalize(row.get(column)) for column in columns]
        cells = json.dumps(values, sort_keys=True)
        count += 1
        total += int.from_bytes(sha256(cells.encode()).digest(), "big")
    return {"columns": columns, "count": count, "total": f"{total % 2**256:064x}"}


def normalize(value: Any) -> Any:
    """Return the value of a cell, however a file writes it."""
    if isinstance(value, str):
        # A number, a truth value, a list or an object may be a text in JSON.
        value = load_json(value.lower() if value in {"True", "False"} else value, value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return None if value == "" else value


# -- The run --------------------------------------------------------------------------


@define(eq=False)
class RunState:
    """A run, and what is known of it.

    Attributes:
        id: Its id (`job_id`).
        ledger: The journal of its workflow.
        status: The last known status; empty if none is known yet.
        is_presumed: True if the answer to its start was lost. It was the only new run,
            so it is taken for ours. You get its rows once they prove that.
        is_attached: True if the run was there before, and nothing was started now.
        started_at: When it was started, if that is known.
        stages: Its blocks by name.
        reason: Why it did not complete, if the service says so.
        empty: That it completed without a row, in words. None if rows came out, or if
            that is not known.
        count: Rows that came out, if it has completed and that is known.
        look: The last answer to a poll.
    """

    id: str
    ledger: Ledger = field(repr=False)
    status: str = field(default="queued", kw_only=True)
    is_presumed: bool = field(default=False, kw_only=True)
    is_attached: bool = field(default=False, kw_only=True)
    started_at: str | None = field(default=None, kw_only=True)
    stages: Stages = field(factory=Stages, kw_only=True, repr=False)
    reason: str | None = field(default=None, init=False, repr=False)
    empty: str | None = field(default=None, init=False, repr=False)
    count: int | None = field(default=None, init=False, repr=False)
    look: answers.LiveStatus | None = field(default=None, init=False, repr=False)

    @property
    def workflow_id(self) -> str:
        """Id of its workflow."""
        return self.ledger.workflow_id

    @property
    def is_ended(self) -> bool:
        """True if the run is known to have ended."""
        return self.status in calls.ENDED

    def record_status(self, word: str) -> None:
        """Set the status, unless it is older than the known one."""
        was_ended = self.is_ended
        self.status = calls.later(self.status, calls.normal(word))
        if self.is_ended and not was_ended:
            self._remember_end()

    def record_look(self, seen: answers.LiveStatus) -> None:
        """Record the answer to a poll."""
        self.look = seen
        if not self.stages.numbers:  # it was fetched by its id
            self.stages = Stages.of_run(seen)
        self.record_status(seen.overall_status)
        if self.status == calls.COMPLETED:
            self.count = self.stages.count_rows(seen)
            self.empty = self.stages.describe_empty_end(seen)
        elif self.is_ended:
            self.reason = self.stages.describe_failure(seen)

    def recall_start(self) -> Start | None:
        """Return its start, if the journal has it."""
        return self.ledger.memory().of_job(self.id)

    def confirm(self) -> None:
        """Record that the run is proven to be ours."""
        self.is_presumed = False
        if (start := self.recall_start()) is not None:
            self.ledger.write_run(start.key, self.id)
            if self.is_ended:  # which the line before has taken back
                self.ledger.write_end(start.key, self.id, self.status)

    def _remember_end(self) -> None:
        """Write to the journal how the run ended, if the journal has it.

        The state of a run that was paid for counts more than the journal.
        """
        try:
            start = self.recall_start()
        except errors.RunError as error:
            _log.warning("run %s, %s: %s", self.id, self.status, error.message)
            return
        if start is not None and start.outcome != self.status:
            self.ledger.write_end(start.key, self.id, self.status)


def fetch_run(session: Session, journal: Journal, run_id: str) -> RunState:
    """Return a run by its id.

    Args:
        session: Sends the request.
        journal: The journal, which may know that the run was presumed to be ours.
        run_id: Its id.

    Raises:
        RunError: The journal cannot be read, so the run may not be ours.
    """
    seen = calls.live_status(session, run_id)
    run = RunState(run_id, journal.of(session.place, seen.workflow_id), status="")
    if (start := run.recall_start()) is not None:
        run.is_presumed, run.started_at = start.is_presumed, start.at
    run.record_look(seen)
    return run

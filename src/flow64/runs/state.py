"""What is known of a run: its status, its blocks by name, and whether it is ours."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NoReturn, cast

from attrs import define, field, frozen

from .. import errors
from ..api import calls
from ..definition import Definition, canonical_id, is_uuid, load_json
from ..text import join_words, pluralize, printable
from .journal import Journal, Ledger

_log = logging.getLogger("flow64")


# -- Blocks by name -------------------------------------------------------------------


@frozen
class Stages:
    """The blocks of a run by name. Empty if neither code nor the service names them.

    A block without a key is named by its kind, followed by the start of its id if there
    are several of the kind.

    Attributes:
        numbers: `sequence_number` of each block, by name.
        ends: Names of the blocks that feed no other block.
        block: The default block: a name, a number, or None for the last block.
        kinds: Kind of each block, by name.
    """

    numbers: Mapping[str, int] = field(factory=dict[str, int])
    ends: Sequence[str] = ()
    block: str | int | None = None
    kinds: Mapping[str, str] = field(factory=dict[str, str], repr=False)

    @classmethod
    def of(cls, definition: Definition, block: str | int | None = None) -> Stages:
        """Return the blocks of a definition as its code calls them."""
        feeding = set(definition.topology.sources)
        return cls._make(
            [
                (definition.origins.path(at), each.kind, each.id, each.number)
                for at, each in enumerate(definition.blocks)
            ],
            [each.id for at, each in enumerate(definition.blocks) if at not in feeding],
            block,
        )

    @classmethod
    def of_run(cls, seen: calls.LiveStatus) -> Stages:
        """Return the blocks of a run as the service lists them.

        Its ends are known only if the service says what comes before each block.
        """
        blocks = [block for block in seen.blocks if block.sequence_number > 0]
        feeding = {canonical_id(i) for b in blocks for i in b.previous_block_ids}
        ids = [canonical_id(block.block_id or "") for block in blocks]
        return cls._make(
            [
                (None, block.block_name, own, block.sequence_number)
                for block, own in zip(blocks, ids, strict=True)
            ],
            [own for own in ids if own not in feeding] if feeding and all(ids) else [],
        )

    @classmethod
    def _make(
        cls,
        blocks: Sequence[tuple[str | None, str, str, int]],
        ends: Sequence[str],
        block: str | int | None = None,
    ) -> Stages:
        """Return the blocks that are given as (key path, kind, id, number)."""
        kinds = Counter(kind for path, kind, *_ in blocks if path is None)
        taken = {path for path, *_ in blocks}
        names = [
            path
            or (kind if kinds[kind] == 1 and kind not in taken else f"{kind}-{own[:8]}")
            for path, kind, own, _ in blocks
        ]
        named = [(name, *rest) for name, (_, *rest) in zip(names, blocks, strict=True)]
        return cls(
            numbers={name: number for name, _, _, number in named},
            ends=[name for name, _, own, _ in named if own in ends],
            block=block,
            kinds={name: kind for name, kind, _, _ in named},
        )

    def number(self, run_id: str, block: str | int | None) -> int | None:
        """Return the number of a block; None for the last one.

        Args:
            run_id: The run; empty before it is started.
            block: A name, a number, or None.

        Raises:
            AmbiguousRowsError: The workflow ends in several blocks, and none is named.
            ArgumentError: No block has that name or number.
        """
        block = self.block if block is None else block
        if block is None:
            if len(self.ends) > 1:
                raise errors.AmbiguousRowsError(run_id, self.ends)
            return None
        if isinstance(block, int):
            if self.numbers and block not in self.numbers.values():
                self._refuse(f"no block has the number {block}")
            return block
        name = str(block)
        number = self.numbers.get(name)
        if number is None:
            problem = f"no block has the key path {errors.shortened(block)}"
            problem += errors.did_you_mean(name, self.numbers)
            if same := [path for path, kind in self.kinds.items() if kind == name]:
                problem = f"{name} is the kind of {join_words(same)}; name one"
            if not self.numbers:
                problem = "the service names no blocks of this run"
            self._refuse(f"{problem}; the number of the block will do")
        return number

    def name(self, number: int, kind: str = "") -> str:
        """Return the name of a block: its key path, else its kind, else its number."""
        named = (name for name, known in self.numbers.items() if known == number)
        name = next(named, "")
        return kind or f"block {number}" if is_uuid(name) or not name else name

    def count_rows(self, seen: calls.LiveStatus) -> int | None:
        """Return the rows that came out at the end of a run; None if unknown."""
        rows = {block.sequence_number: block.returned_rows for block in seen.blocks}
        ends = [self.numbers[name] for name in self.ends] or [max(rows, default=0)]
        counts = [rows.get(number) for number in ends]
        return None if None in counts else sum(filter(None, counts))

    def describe_empty_end(self, seen: calls.LiveStatus) -> str | None:
        """Say that a run ended without a row, and after which block none was left.

        None if rows came out, or if that is not known.
        """
        if self.count_rows(seen) != 0:
            return None
        first, *_ = blocks = sorted(
            seen.blocks, key=lambda block: block.sequence_number
        )
        of = (
            f"0 of {pluralize(first.returned_rows, 'row')}"
            if first.returned_rows
            else ""
        )
        last = next(block for block in blocks if block.returned_rows == 0)
        name = printable(self.name(last.sequence_number, last.block_name))
        return f"{of or '0 rows'} came out, none is left after {name}"

    def describe_failure(self, block: calls.BlockStatus) -> str:
        """Return the error message of a block after its name."""
        name = self.name(block.sequence_number, block.block_name)
        return f"{name}: {block.error_message}"

    def _refuse(self, problem: str) -> NoReturn:
        raise errors.ArgumentError("rows", problem, tuple(self.numbers))


# -- Proof that a run is ours ---------------------------------------------------------


@define
class RowsDigest:
    """A digest of rows in any order, by which rows of a result prove whose they are.

    Columns that a stage adds do not count. Nor does what CSV makes of a value: a number
    is equal to its text, and an empty cell to null and to a missing cell.

    Attributes:
        columns: The columns of the rows.
        count: Number of rows.
        total: Sum of the hashes of all rows.
    """

    columns: Sequence[str]
    count: int = 0
    total: int = 0

    @classmethod
    def of(
        cls, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] | None = None
    ) -> RowsDigest:
        """Return the digest of rows over some columns; by default over all of them."""
        if columns is None:
            rows = [*rows]
            columns = sorted({column for row in rows for column in row})
        digest = cls(columns)
        for row in rows:
            cells = json.dumps([_normalize(row.get(column)) for column in columns])
            number = int.from_bytes(sha256(cells.encode()).digest(), "big")
            digest.count, digest.total = digest.count + 1, digest.total + number
        digest.total %= 2**256
        return digest

    def as_data(self) -> dict[str, Any]:
        """Return the digest as JSON data."""
        total = f"{self.total:064x}"
        return {"columns": [*self.columns], "count": self.count, "total": total}

    def fits(self, rows: Iterable[Mapping[str, Any]]) -> bool:
        """Return True if these are the rows, in any order."""
        return RowsDigest.of(rows, self.columns) == self


def _normalize(value: Any) -> Any:
    """Return the value of a cell, however a file writes it."""
    if isinstance(value, str):
        # A number, a truth value, a list or an object may be a text in JSON.
        value = load_json(value.lower() if value in {"True", "False"} else value, value)
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        is_whole = isinstance(value, float) and value.is_integer()
        return str(int(value) if is_whole else value)
    if isinstance(value, Mapping):
        cells = cast("Mapping[str, Any]", value)
        return {name: _normalize(cells[name]) for name in sorted(cells)}
    if isinstance(value, list | tuple):
        return [_normalize(item) for item in cast("Sequence[Any]", value)]
    return value


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
        is_new: True until it was polled, since it may not be visible yet.
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
    is_new: bool = field(default=True, kw_only=True, repr=False)
    started_at: str | None = field(default=None, kw_only=True)
    stages: Stages = field(factory=Stages, kw_only=True, repr=False)
    reason: str | None = field(default=None, init=False, repr=False)
    empty: str | None = field(default=None, init=False, repr=False)
    count: int | None = field(default=None, init=False, repr=False)
    look: calls.LiveStatus | None = field(default=None, init=False, repr=False)

    @property
    def workflow_id(self) -> str:
        """Id of its workflow; empty if it was fetched by its id and not polled yet."""
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

    def record_look(self, seen: calls.LiveStatus) -> None:
        """Record the answer to a poll."""
        self.is_new, self.look = False, seen
        if not self.workflow_id:
            self.ledger = self.ledger.journal.of(self.ledger.place, seen.workflow_id)
        self.record_status(seen.overall_status)
        if self.status == calls.COMPLETED:
            self.count = self.stages.count_rows(seen)
            self.empty = self.stages.describe_empty_end(seen)

    def find_proof(self) -> RowsDigest | None:
        """Return the digest of the rows that were sent; None if it is not known."""
        start = self.ledger.memory().of_job(self.id)
        if start is None or not start.proof["columns"]:
            return None
        count, total = start.proof["count"], int(start.proof["total"], 16)
        return RowsDigest(start.proof["columns"], count, total)

    def confirm(self) -> None:
        """Record that the run is proven to be ours."""
        self.is_presumed = False
        start = self.ledger.memory().of_job(self.id)
        if start is not None:
            self.ledger.write_run(start.key, self.id)
            if self.is_ended:  # which the line before has taken back
                self.ledger.write_end(start.key, self.id, self.status)

    def _remember_end(self) -> None:
        """Write to the journal how the run ended, if the journal has it.

        The state of a run that was paid for counts more than the journal.
        """
        try:
            start = self.ledger.memory().of_job(self.id) if self.workflow_id else None
        except errors.JournalError as error:
            _log.warning("run %s, %s: %s", self.id, self.status, error)
            return
        if start is not None and start.outcome != self.status:
            self.ledger.write_end(start.key, self.id, self.status)


def recall_run(run_id: str, journal: Journal, place: str) -> RunState:
    """Return what is known of a run that is fetched by its id. No request is sent.

    Args:
        run_id: Its id.
        journal: The journal, which may know that the run was presumed to be ours.
        place: The endpoint.

    Raises:
        JournalError: The journal cannot be read, so the run may not be ours.
    """
    ledger = journal.find(place, run_id)
    run = RunState(run_id, ledger or journal.of(place, ""), status="", is_new=False)
    if ledger and (start := ledger.memory().of_job(run_id)) is not None:
        run.is_presumed, run.started_at = start.is_presumed, start.at
    return run

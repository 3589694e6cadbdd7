"""Join the rows of a result to the rows of the input, by the values of a column."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from attrs import frozen

from ..blocks import CATALOGUE, UNKNOWN_COLUMNS, Columns
from ..definition import BoundSecret, Definition, Value, WireBlock
from ..errors import ArgumentError, RowKeyError, shortened
from ..text import printable
from ._typed_rows import Row

T = TypeVar("T")


@frozen
class JoinedRow(Generic[T]):
    """A row of the input with its rows of the result.

    Attributes:
        input: The row as it was sent.
        outputs: Rows of the result with its key, in their order. A block may drop a
            row, or make several rows of it.
    """

    input: Mapping[str, Any]
    outputs: Sequence[Row[T]] = ()


@frozen
class JoinedRows(Generic[T]):
    """The rows of the input, each with its rows of the result.

    Attributes:
        rows: The rows of the input, in their order.
        unmatched: Rows of the result without a key, or with a key that is not in the
            input.
        may_be_lost: The blocks that may drop or change the column, one line each. Empty
            if the code of the run is not known.
    """

    rows: Sequence[JoinedRow[T]]
    unmatched: Sequence[Row[T]] = ()
    may_be_lost: Sequence[str] = ()

    def __iter__(self) -> Iterator[JoinedRow[T]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def join_rows(
    inputs: Iterable[Mapping[str, Any]], outputs: Iterable[Row[T]], key: str
) -> JoinedRows[T]:
    """Join the rows of a result to the rows of the input with the same key.

    A key is text or a number, and is compared as it is: case and blanks count, and the
    text `"3"` is not the number 3. In CSV all values are text, so for such results the
    input needs text too. Both tables are held in memory.

    Args:
        inputs: The rows that were sent.
        outputs: The rows of the result.
        key: Name of the column.

    Raises:
        RowKeyError: A row of the input has no key, or the key of another row.
    """
    found: dict[Any, list[Row[T]]] = {}
    rows = index_rows(inputs, key)
    unmatched: list[Row[T]] = []
    for output in outputs:
        value = output.raw.get(key)
        if _is_key(value) and value in rows:
            found.setdefault(value, []).append(output)
        else:
            unmatched.append(output)
    return JoinedRows(
        [JoinedRow(row, found.get(k, ())) for k, row in rows.items()], unmatched
    )


def index_rows(
    inputs: Iterable[Mapping[str, Any]], key: str
) -> Mapping[Any, Mapping[str, Any]]:
    """Return the rows by key, and so check that they can be joined.

    Raises:
        ArgumentError: `key` is not a text.
        RowKeyError: A row has no key, or the key of another row.
    """
    if not isinstance(key, str):
        problem = f"row_key is {shortened(key)}, and has to be the name of one column"
        raise ArgumentError("join_rows", problem)
    rows: dict[Any, Mapping[str, Any]] = {}
    first: dict[Any, int] = {}
    problems: list[str] = []
    for place, row in enumerate(inputs):
        value = row.get(key)
        if not _is_key(value):
            how = (
                f"has {shortened(value)}, which is not a key"
                if key in row
                else "has none"
            )
            problems.append(f"/{place}: {how}")
        elif value in rows:
            problems.append(f"/{place}: has {shortened(value)}, as /{first[value]} has")
        else:
            rows[value] = row
            first[value] = place
    if problems:
        raise RowKeyError(key, problems)
    return rows


def _is_key(value: Any) -> bool:
    """Return True for a text that is not blank, and for a finite number."""
    if isinstance(value, str):
        return value.strip() != ""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def list_key_losses(
    definition: Definition, key: str, *, end: int | None = None
) -> Sequence[str]:
    """Return the blocks that may drop or change a column, one line each.

    A block of an unknown kind may do anything.

    Args:
        definition: The workflow.
        key: Name of the column.
        end: Position of the block that the rows come from. Only blocks that lead to it
            count. None counts all blocks.
    """
    topology = definition.topology
    leading = None if end is None else {end, *topology.find_ancestors(end)}
    lines: list[str] = []
    for position in topology.order:
        if leading is not None and position not in leading:
            continue
        block = definition.blocks[position]
        reasons = [*_reasons(block, key)]
        if len(topology.parents[position]) > 1:
            reasons.append(
                "takes rows of several blocks, and how they are merged is unknown"
            )
        if reasons:
            name = printable(definition.origins[position].where or block.id)
            lines.append(f"{name} ({printable(block.kind)}) {'; '.join(reasons)}")
    return lines


def _reasons(block: WireBlock, key: str) -> Iterator[str]:
    """Say what a block may do to a column."""
    cls = CATALOGUE.get(block.kind)
    if cls is None:
        yield "is unknown, so it may drop or change any column"
        return
    if cls.about.role == "source":
        return  # the rows begin there
    columns = cls.columns(block.specs)
    if columns.resets:
        yield _describe_reset(columns)
    elif key in columns.drops:
        yield "drops the column"
    if any(column.name == key for column in columns.adds):
        yield "writes a column of that name itself"
    elif not columns.resets and (columns.opens or _is_bound_later(block)):
        yield "may write unknown columns, perhaps this one"


def _describe_reset(columns: Columns) -> str:
    if columns == UNKNOWN_COLUMNS:
        return "gives rows with unknown columns, so it may be lost"
    return "gives new rows, without the columns that came in"


def _is_bound_later(block: WireBlock) -> bool:
    """Return True if an environment fills in texts that may be names of columns."""
    return not _LATER.isdisjoint(map(type, block.specs.values()))


_LATER: Final = frozenset({Value, BoundSecret})

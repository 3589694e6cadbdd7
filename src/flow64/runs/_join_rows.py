"""Which rows of a result belong to which of the input, by the value of a column."""

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
class Tied(Generic[T]):
    """A row of the input with the rows that came of it.

    Attributes:
        input: The row as it was sent.
        outputs: Rows of the result with its key, in their order; there may be none,
            where a block dropped the row, and several, where one made more of it.
    """

    input: Mapping[str, Any]
    outputs: Sequence[Row[T]] = ()


@frozen
class Ties(Generic[T]):
    """The rows of a result, tied to the rows of the input.

    Attributes:
        tied: Each row of the input, in its order.
        unmatched: Rows of the result that lack the key, or have one that no row of the
            input has.
        may_be_lost: Which blocks may drop or change the column on its way, one line
            each; none where the code of the run is not at hand.
    """

    tied: Sequence[Tied[T]]
    unmatched: Sequence[Row[T]] = ()
    may_be_lost: Sequence[str] = ()

    def __iter__(self) -> Iterator[Tied[T]]:
        return iter(self.tied)

    def __len__(self) -> int:
        return len(self.tied)


def join_rows(
    inputs: Iterable[Mapping[str, Any]], outputs: Iterable[Row[T]], key: str
) -> Ties[T]:
    """Tie the rows of a result to those of the input that have the same key.

    A key is text or a number, and compared as it is: no case is folded, no blank is
    trimmed, and the text `"3"` is not the number 3; so for results in CSV, where all
    is text, the input needs text. Both tables are held in memory.

    Args:
        inputs: The rows that were sent.
        outputs: The rows that came back.
        key: The column.

    Raises:
        RowKeyError: A row of the input has no key, or that of another one.
    """
    found: dict[Any, list[Row[T]]] = {}
    rows = keyed_rows(inputs, key)
    unmatched: list[Row[T]] = []
    for output in outputs:
        value = output.raw.get(key)
        if _is_key(value) and value in rows:
            found.setdefault(value, []).append(output)
        else:
            unmatched.append(output)
    return Ties([Tied(row, found.get(k, ())) for k, row in rows.items()], unmatched)


def keyed_rows(
    inputs: Iterable[Mapping[str, Any]], key: str
) -> Mapping[Any, Mapping[str, Any]]:
    """The rows by their key, so that a start can refuse rows that cannot be tied later.

    Raises:
        ArgumentError: `key` is no name of a column.
        RowKeyError: A row has no key, or that of another one.
    """
    if not isinstance(key, str):
        problem = f"row_key is {shortened(key)}, and is to be the name of one column"
        raise ArgumentError("tied", problem)
    rows: dict[Any, Mapping[str, Any]] = {}
    first: dict[Any, int] = {}
    problems: list[str] = []
    for place, row in enumerate(inputs):
        value = row.get(key)
        if not _is_key(value):
            how = (
                f"has {shortened(value)}, which is no key" if key in row else "has none"
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
    """Text that says something, or a number that equals itself."""
    if isinstance(value, str):
        return value.strip() != ""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def where_key_may_be_lost(
    definition: Definition, key: str, *, end: int | None = None
) -> Sequence[str]:
    """Which blocks may drop or change a column on its way, one line each.

    What is known of a block decides; a block of which nothing is known may do anything.

    Args:
        definition: The workflow.
        key: The column.
        end: Position of the block whose rows are wanted: only what leads to it counts.
            None: every block does.
    """
    topology = definition.topology
    leading = None if end is None else _leading(topology.parents, end)
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


def _leading(parents: Sequence[Sequence[int]], end: int) -> set[int]:
    """The block at a position, and all that rows may come from."""
    found = {end}
    waiting = [end]
    while waiting:
        above = [p for p in parents[waiting.pop()] if p not in found]
        found.update(above)
        waiting += above
    return found


def _reasons(block: WireBlock, key: str) -> Iterator[str]:
    """What a block may do to a column."""
    cls = CATALOGUE.get(block.kind)
    if cls is None:
        yield "is unknown, so it may drop or change any column"
        return
    if cls.about.role == "source":
        return  # the rows begin there
    columns = cls.columns(block.specs)
    if columns.resets:
        yield from _lost(columns)
    elif key in columns.drops:
        yield "drops the column"
    if any(column.name == key for column in columns.adds):
        yield "writes a column of that name itself"
    elif not columns.resets and (columns.opens or _is_bound_later(block)):
        yield "may write columns that nobody knows, perhaps this one"


def _lost(columns: Columns) -> Iterator[str]:
    if columns == UNKNOWN_COLUMNS:
        yield "gives rows whose columns nobody knows, so it may be lost"
    else:
        yield "gives new rows, without the columns that came in"


def _is_bound_later(block: WireBlock) -> bool:
    """Whether an environment fills in what may be names of columns."""
    return not _LATER.isdisjoint(map(type, block.specs.values()))


_LATER: Final = frozenset({Value, BoundSecret})

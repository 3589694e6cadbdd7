"""A block at work: what executors get, and how they say that they failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from attrs import frozen

from ..definition import Definition, WireBlock
from ._records import BlockState, RowData, RunRecord, block_rows_owner
from ._store import Store


class BlockFailedError(Exception):
    """A block could not do its work; the words go into its state."""


@frozen
class BlockContext:
    """A block at work.

    Attributes:
        definition: The whole graph.
        state: How far the block has come.
        run: The run.
        store: Where rows and notebooks are.
        take: Is told of rows before the block works on them; it may end the work.
    """

    definition: Definition
    state: BlockState
    run: RunRecord
    store: Store
    take: Callable[[list[RowData]], None]

    @property
    def block(self) -> WireBlock:
        """The block."""
        return self.definition.blocks[self.state.position]

    @property
    def specs(self) -> Mapping[str, Any]:
        """The settings of the block."""
        return self.block.specs

    @property
    def parents(self) -> Sequence[int]:
        """Positions of its parents; two edges between the same blocks are one."""
        return tuple(dict.fromkeys(self.definition.topology.parents[self._position]))

    def chunks(self) -> Iterator[list[RowData]]:
        """What its parents gave, one after the other, some hundreds at a time."""
        for parent in self.parents:
            for chunk in self.store.chunks(block_rows_owner(self.run.id, parent)):
                self.take(chunk)
                yield chunk

    def rows(self) -> Iterator[RowData]:
        """The same, row by row."""
        for chunk in self.chunks():
            yield from chunk

    def upstream(self) -> Sequence[WireBlock]:
        """All blocks that come before it, in the order in which they ran."""
        topology = self.definition.topology
        seen: set[int] = set()
        todo = list(self.parents)
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += topology.parents[at]
        return [self.definition.blocks[at] for at in topology.order if at in seen]

    @property
    def _position(self) -> int:
        return self.state.position


Executor: TypeAlias = Callable[[BlockContext], Iterator[RowData]]
"""What makes a block's rows; it raises `BlockFailedError` where it cannot."""

RowMapper: TypeAlias = Callable[[BlockContext], Callable[[RowData], RowData]]
"""What makes one row of each; it looks at the specs once."""


@frozen
class EachRow:
    """The executor of a kind that makes one row of each.

    Attributes:
        work: What it does to a row.
    """

    make_mapper: RowMapper

    def __call__(self, context: BlockContext) -> Iterator[RowData]:
        """The rows."""
        return map(self.make_mapper(context), context.rows())

"""The input of executors, and the error that they raise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from attrs import frozen

from ..definition import Definition, WireBlock
from ._records import BlockState, RowData, RunRecord, block_rows_owner
from ._store import Store


class BlockFailedError(Exception):
    """A block failed. The message becomes part of its state."""


@frozen
class BlockContext:
    """A block that is executed: its settings and its input rows.

    Attributes:
        definition: The whole graph.
        take: Is called with rows before the block works on them. It may raise.
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
        """The specs of the block."""
        return self.block.specs

    @property
    def parents(self) -> Sequence[int]:
        """Positions of the parents; two edges between the same blocks count once."""
        return tuple(
            dict.fromkeys(self.definition.topology.parents[self.state.position])
        )

    def chunks(self) -> Iterator[list[RowData]]:
        """Yield the rows of the parents, parent by parent, in chunks."""
        for parent in self.parents:
            for chunk in self.store.chunks(block_rows_owner(self.run.id, parent)):
                self.take(chunk)
                yield chunk

    def rows(self) -> Iterator[RowData]:
        """Yield the rows of the parents one by one."""
        for chunk in self.chunks():
            yield from chunk

    def upstream(self) -> Sequence[WireBlock]:
        """Return all blocks before this one, in the order in which they ran."""
        topology = self.definition.topology
        before = topology.find_ancestors(self.state.position)
        return [self.definition.blocks[at] for at in topology.order if at in before]


Executor: TypeAlias = Callable[[BlockContext], Iterator[RowData]]
"""Makes the rows of a block, or raises `BlockFailedError`."""

RowMapper: TypeAlias = Callable[[BlockContext], Callable[[RowData], RowData]]
"""Reads the specs once, and returns a function that maps one row to one row."""


@frozen
class EachRow:
    """The executor of a kind that maps each row to one row."""

    make_mapper: RowMapper

    def __call__(self, context: BlockContext) -> Iterator[RowData]:
        """Yield the mapped rows."""
        return map(self.make_mapper(context), context.rows())

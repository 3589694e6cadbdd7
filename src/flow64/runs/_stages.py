"""The blocks of a run under the names that its code gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NoReturn

from attrs import evolve, field, frozen

from ..api import BlockStatus, LiveStatus
from ..definition import (
    Definition,
    Stamp,
    canonical_id,
    drop_env,
    id_of,
    is_uuid,
    path_of,
)
from ..errors import AmbiguousRowsError, ArgumentError, did_you_mean, shortened
from ..text import join_words, pluralize, printable


@frozen
class Stages:
    """The blocks of a run by name. Empty if neither code nor the service names them.

    A block without a key is named by its kind, followed by the start of its id if there
    are several of the kind.

    Attributes:
        numbers: `sequence_number` of each block, by key path.
        ends: Key paths of the blocks that feed no other block.
        ids: `sequence_number` of each block, by id.
        id_prefix: The path that the ids of its blocks begin with; empty if unknown.
        block: The default block: a key path, a number, or None for the last block.
        kinds: Kind of each block, by key path.
    """

    numbers: Mapping[str, int] = field(factory=dict[str, int])
    ends: Sequence[str] = ()
    ids: Mapping[str, int] = field(factory=dict[str, int], repr=False)
    id_prefix: str = field(default="", repr=False)
    block: str | int | None = None
    kinds: Mapping[str, str] = field(factory=dict[str, str], repr=False)

    @classmethod
    def of(cls, definition: Definition, block: str | int | None = None) -> Stages:
        """Return the blocks of a definition as its code calls them.

        Args:
            definition: The workflow.
            block: The default block.
        """
        blocks = definition.blocks
        names = _name_blocks(
            [
                (definition.origins.path(position), each.kind, each.id)
                for position, each in enumerate(blocks)
            ]
        )
        feeding = set(definition.topology.sources)
        return cls(
            numbers={name: b.number for name, b in zip(names, blocks, strict=True)},
            ends=[name for at, name in enumerate(names) if at not in feeding],
            ids={canonical_id(b.id): b.number for b in blocks},
            block=block,
            kinds={name: b.kind for name, b in zip(names, blocks, strict=True)},
        ).with_stamp(definition.stamp, definition.id)

    @classmethod
    def of_run(cls, seen: LiveStatus) -> Stages:
        """Return the blocks of a run as the service lists them.

        Its ends are known only if the service says what comes before each block.
        """
        blocks = [block for block in seen.blocks if block.sequence_number > 0]
        ids = [canonical_id(block.block_id or "") for block in blocks]
        names = _name_blocks(
            [(None, b.block_name, own) for b, own in zip(blocks, ids, strict=True)]
        )
        feeding = {canonical_id(own) for b in blocks for own in b.previous_block_ids}
        ends = [
            name for name, own in zip(names, ids, strict=True) if own not in feeding
        ]
        return cls(
            numbers={n: b.sequence_number for n, b in zip(names, blocks, strict=True)},
            ends=ends if feeding and all(ids) else (),
            ids={own: b.sequence_number for own, b in zip(ids, blocks, strict=True)},
            kinds={n: b.block_name for n, b in zip(names, blocks, strict=True)},
        )

    def with_stamp(self, stamp: Stamp | None, workflow_id: str | None) -> Stages:
        """Return these blocks, to be found by key path if the stamp is genuine.

        The ids of blocks begin with the path of the workflow in its stamp, without the
        environment.
        """
        if stamp is None or not stamp.is_genuine(workflow_id or ""):
            return self
        return evolve(self, id_prefix=drop_env(stamp.path))

    @property
    def first(self) -> int | None:
        """The number of the first block; None if it is not known."""
        return min(self.numbers.values(), default=None)

    def number(self, run_id: str, block: str | int | None) -> int | None:
        """Return the number of a block; None for the last one.

        Args:
            run_id: The run; empty before it is started.
            block: A key path, an id, a number, or None.

        Raises:
            AmbiguousRowsError: The workflow ends in several blocks, and none is named.
            ArgumentError: No block has that key path or number.
        """
        block = self.block if block is None else block
        if block is None:
            if len(self.ends) > 1:
                raise AmbiguousRowsError(run_id, self.ends)
            return None
        if isinstance(block, int):
            if self.numbers and block not in self.numbers.values():
                self._refuse(f"no block has the number {block}")
            return block
        number = self.find(block)
        if number is None:
            near = did_you_mean(str(block), self.numbers)
            problem = f"no block has the key path {shortened(block)}{near}"
            if same := [name for name, kind in self.kinds.items() if kind == block]:
                problem = f"{block} is a kind, and its key path is {join_words(same)}"
                if len(same) > 1:
                    problem = f"{block} is the kind of {join_words(same)}; name one"
            if not self.numbers:
                problem = (
                    f"the service does not name the blocks of this run, so "
                    f"{shortened(block)} is not known; give the number of the block"
                )
            self._refuse(problem)
        return number

    def find(self, block: object) -> int | None:
        """Return the number of a block by its key path or id; None if unknown."""
        if not isinstance(block, str):
            return None
        if block in self.numbers:
            return self.numbers[block]
        if is_uuid(block):
            return self.ids.get(canonical_id(block))
        *scopes, key = (name.replace("%2F", "/") for name in block.split("/"))
        path = path_of([*(("scope", name) for name in scopes), ("block", key)])
        prefix = self.id_prefix
        return self.ids.get(id_of(f"{prefix}/{path}")) if prefix else None

    def name(self, number: int, kind: str = "") -> str:
        """Return the name of a block: its key path, else its kind, else its number.

        An id is never returned, since it tells people nothing.
        """
        named = (path for path, known in self.numbers.items() if known == number)
        path = next(named, "")
        return kind or f"block {number}" if is_uuid(path) or not path else path

    def describe_empty_end(self, seen: LiveStatus) -> str | None:
        """Say that a run ended without a row, and after which block none was left.

        None if rows came out, or if that is not known.
        """
        blocks = sorted(seen.blocks, key=lambda block: block.sequence_number)
        found = {block.sequence_number: block.returned_rows for block in blocks}
        ends = [self.numbers[name] for name in self.ends] or [*found][-1:]
        if not ends or any(found.get(number) != 0 for number in ends):
            return None
        brought = found[blocks[0].sequence_number]
        of = f"0 of {pluralize(brought, 'row')}" if brought else "0 rows"
        last = next(block for block in blocks if block.returned_rows == 0)
        name = printable(self.name(last.sequence_number, last.block_name))
        return f"{of} came out, none is left after {name}"

    def describe_failure(self, block: BlockStatus) -> str:
        """Return the error message of a block after its name."""
        name = self.name(block.sequence_number, block.block_name)
        return f"{name}: {block.error_message}"

    def _refuse(self, problem: str) -> NoReturn:
        raise ArgumentError("rows", problem, tuple(self.numbers))


def _name_blocks(blocks: Sequence[tuple[str | None, str, str]]) -> Sequence[str]:
    """Return the names of blocks that are given as (key path, kind, id)."""
    kinds = Counter(kind for path, kind, _ in blocks if path is None)
    taken = {path for path, *_ in blocks}
    return [
        path
        or (kind if kinds[kind] == 1 and kind not in taken else f"{kind}-{own[:8]}")
        for path, kind, own in blocks
    ]

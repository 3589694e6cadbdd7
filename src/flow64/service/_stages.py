"""The blocks of a run under the names that its code gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from ..definition import Definition, is_uuid
from ..errors import AmbiguousRowsError, ArgumentError, did_you_mean, shortened
from .api import BlockStatus


@frozen
class Stages:
    """The blocks of a run as its code calls them; none where no code is at hand.

    Attributes:
        numbers: `sequence_number` of each block, by key path.
        ends: Key paths of the blocks that feed no other.
    """

    numbers: Mapping[str, int] = field(factory=dict[str, int])
    ends: Sequence[str] = ()

    @property
    def first(self) -> int | None:
        """The number of the first block; None where it is not known."""
        return min(self.numbers.values(), default=None)

    def number(self, run_id: str, block: str | int | None) -> int | None:
        """The number of a block; None for whatever comes last.

        Args:
            run_id: The run.
            block: A key path, a number, or None.

        Raises:
            AmbiguousRowsError: Several blocks come last, and none is named.
            ArgumentError: No block has that key path or number.
        """
        if block is None:
            if len(self.ends) > 1:
                raise AmbiguousRowsError(run_id, self.ends)
            return None
        if isinstance(block, int):
            if self.numbers and block not in self.numbers.values():
                self._refuse(f"no block has the number {block}")
            return block
        if block not in self.numbers:
            near = did_you_mean(str(block), self.numbers)
            problem = f"no block has the key path {shortened(block)}{near}"
            if not self.numbers:
                problem = (
                    f"a run that was got by its id knows no key path such as "
                    f"{shortened(block)}; give the number of the block"
                )
            self._refuse(problem)
        return self.numbers[block]

    def name(self, number: int, kind: str = "") -> str:
        """What to call a block: its key path, else its kind, else its number.

        Where no code gave it a key, its id stands for one, which tells people nothing.
        """
        named = (path for path, known in self.numbers.items() if known == number)
        path = next(named, "")
        return kind or f"block {number}" if is_uuid(path) or not path else path

    def blamed(self, block: BlockStatus) -> str:
        """What a block failed with, under the name that the code gives it."""
        name = self.name(block.sequence_number, block.block_name)
        return f"{name}: {block.error_message}"

    def _refuse(self, problem: str) -> None:
        raise ArgumentError("rows", problem, tuple(self.numbers))


def stages_of(definition: Definition) -> Stages:
    """The blocks of a definition as its code calls them."""
    paths = [
        definition.origins.path(position) or block.id
        for position, block in enumerate(definition.blocks)
    ]
    feeding = set(definition.topology.sources)
    return Stages(
        numbers={p: b.number for p, b in zip(paths, definition.blocks, strict=True)},
        ends=[path for position, path in enumerate(paths) if position not in feeding],
    )

"""Effects of a run beyond its rows: money spent, and things changed outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from attrs import frozen

from ..blocks import CATALOGUE, EFFECT_WORDS, Effect, of_catalogue
from ..definition import Definition
from ._unknown_kinds import unknown_kinds


class Touch(NamedTuple):
    """One effect, with the blocks of one kind that have it.

    Attributes:
        kind: The kind of the blocks.
        effect: What they do beyond their rows.
        target: What they touch outside, in words. Paths and queries of URLs are left
            out, since they may hold a secret.
        positions: Positions of the blocks in the definition.
    """

    kind: str
    effect: Effect
    target: str | None
    positions: Sequence[int]

    def __str__(self) -> str:
        count = len(self.positions)
        more = f" ({count} blocks)" if count > 1 else ""
        return f"{self.target or self.kind}{more}"


@frozen
class Effects:
    """All effects of a workflow.

    Attributes:
        touches: The effects, in order of the kinds.
        unknown: Kinds with unknown effects.
    """

    touches: Sequence[Touch]
    unknown: Sequence[str]

    @property
    def at_creation(self) -> Sequence[Touch]:
        """Money that is spent as soon as the workflow is created or updated."""
        return [one for one in self.touches if one.effect == "spends-on-create"]

    def __str__(self) -> str:
        found = [(touch.effect, str(touch)) for touch in self.touches]
        return _describe(tuple(found), tuple(self.unknown))


@lru_cache(maxsize=256)
def _describe(touches: Sequence[tuple[Effect, str]], unknown: Sequence[str]) -> str:
    """Describe effects in words. It is cached like the words of a cost."""
    found: dict[str, list[str]] = {words: [] for words in EFFECT_WORDS.values()}
    for effect, what in touches:
        # A place to keep rows is named with all that a run leaves outside.
        one = "writes-outside" if effect == "creates-storage" else effect
        found[EFFECT_WORDS[one]].append(what)
    found["unknown"] = [*unknown]
    return "; ".join(f"{words}: {', '.join(of)}" for words, of in found.items() if of)


def effects(definition: Definition) -> Effects:
    """Return what a workflow spends and touches, as far as its blocks are known."""
    found: dict[tuple[str, Effect, str | None], list[int]] = {}
    blocks, by_kind = definition.blocks, definition.by_kind
    for kind, ask in _acting(tuple(by_kind)):
        for position in by_kind[kind]:
            specs = blocks[position].specs
            for effect in ask(specs):
                target = None
                if effect in _OUTSIDE:
                    target = CATALOGUE[kind].effect_target(specs, effect)
                found.setdefault((kind, effect, target), []).append(position)
    touches = [Touch(*what, where) for what, where in found.items()]
    return Effects(touches, unknown_kinds(definition))


@of_catalogue
def _acting(kinds: tuple[str, ...]) -> Sequence[tuple[str, Callable[..., Any]]]:
    """Return the kinds that have effects, each with the function that names them."""
    known = [kind for kind in kinds if kind in CATALOGUE]
    return [
        (kind, CATALOGUE[kind].effects)
        for kind in known
        if CATALOGUE[kind].about.effects or "effects" in vars(CATALOGUE[kind])
    ]


_OUTSIDE: Final = ("writes-outside", "creates-storage")

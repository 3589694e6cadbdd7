"""What of a change may be shown: secrets, and what is live in their place, may not.

What stands in code is there to be read. So a text that takes the place of a secret is
shown, if its side is written: a change that a stranger made is judged by that text.
What is live in the place of one may well be the secret itself, and is hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from attrs import evolve, frozen

from ..definition import (
    BoundSecret,
    Definition,
    FrozenDict,
    FrozenList,
    Value,
    WireBlock,
    walk,
)
from ..redaction import MASK
from ._changes import Hidden
from ._reading import secrets_in

Written: TypeAlias = tuple[Literal["before", "after"], ...]
"""The sides that are code or JSON, and not what a service has."""


@frozen
class Veil:
    """Hides what either of two definitions says is secret.

    Attributes:
        texts: The texts in what secrets were filled with.
        others: What secrets were filled with that is no text.
        lengths: The lengths that the texts have.
        is_written: Whether it lies over what is code or JSON, which is shown also where
            the other side has a secret.
    """

    texts: frozenset[str]
    others: frozenset[Any]
    lengths: Sequence[int]
    is_written: bool = False

    @classmethod
    def of(cls, *definitions: Definition) -> Veil:
        """The veil that some definitions need."""
        contents = [
            secret.content
            for definition in definitions
            for block in definition.blocks
            for secret in secrets_in(block.specs)
            if type(secret) is BoundSecret
        ]
        texts = {
            item
            for content in contents
            for _, item in walk(content)
            if isinstance(item, str) and item
        }
        others = {item for item in contents if not isinstance(item, str | None)}
        lengths = sorted({len(text) for text in texts})
        return cls(frozenset(texts), frozenset(others), lengths)

    @classmethod
    def pair(
        cls, before: Definition, after: Definition, written: Written = ()
    ) -> tuple[Veil, Veil]:
        """The veils over two definitions, each with what both say is secret."""
        veil = cls.of(before, after)
        return (
            evolve(veil, is_written="before" in written),
            evolve(veil, is_written="after" in written),
        )

    @property
    def is_needed(self) -> bool:
        """Whether there is anything that must not be shown."""
        return bool(self.texts or self.others)

    def over(self, value: Any, *, faces_secret: bool = False) -> Any:
        """A value as a change may hold it.

        Args:
            value: What stands on one side.
            faces_secret: Whether there is a secret in what stands in its place on the
                other, whose plain text the value may well be.
        """
        if faces_secret and not self.is_written:
            return value if type(value) in (Value, BoundSecret) else Hidden(value)
        return self._over(value) if self.is_needed else value

    def over_block(self, block: WireBlock) -> WireBlock:
        """A whole block as a change may hold it."""
        if not self.is_needed:
            return block
        specs = {name: self._over(value) for name, value in block.specs.items()}
        extra = {name: self._over(value) for name, value in block.extra.items()}
        return block._replace(specs=FrozenDict(specs), extra=FrozenDict(extra))

    def _over(self, value: Any) -> Any:
        if type(value) in (Value, BoundSecret):
            return value
        is_told = isinstance(value, str) and self._holds(value)
        if is_told or (self.others and value in self.others):
            return Hidden(value)
        if isinstance(value, dict):
            return FrozenDict({key: self._over(item) for key, item in value.items()})
        if isinstance(value, list):
            return FrozenList([self._over(item) for item in value])
        return value

    def _holds(self, text: str) -> bool:
        """Whether one of the texts stands in another; as quick for many as for one."""
        return any(
            text[start : start + length] in self.texts
            for length in self.lengths
            for start in range(len(text) - length + 1)
        )


def has_secret(value: Any) -> bool:
    """Whether there is a secret in a value, filled in or not."""
    return bool(secrets_in(value))


def unveiled(value: Any) -> Any:
    """The value as it stands in the definition."""
    if type(value) is Hidden:
        return value.content
    if isinstance(value, dict):
        return FrozenDict({key: unveiled(item) for key, item in value.items()})
    if isinstance(value, list):
        return FrozenList([unveiled(item) for item in value])
    return value


def masked(value: Any) -> Any:
    """The value with the mask where something is hidden."""
    if type(value) is Hidden:
        return MASK
    if isinstance(value, dict):
        return FrozenDict({key: masked(item) for key, item in value.items()})
    if isinstance(value, list):
        return FrozenList([masked(item) for item in value])
    return value


def concealed(value: Any, other: Any) -> Any:
    """A value in which the other side's secrets stand where it has something else.

    What is worked out of it, such as a host that is posted to, tells no secret then.
    """
    if isinstance(value, dict) and isinstance(other, dict):
        inner = {
            key: concealed(item, other[key]) if key in other else item
            for key, item in value.items()
        }
        return FrozenDict(inner)
    return other if has_secret(other) else value

"""Redact changes: hide secrets, and what is live in the place of one.

Code is there to be read. So a text that takes the place of a secret is shown if its
side is written: a reviewer judges a change by that text. If its side is live, the text
may be the secret itself, and is hidden.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, TypeAlias, final

from attrs import evolve, frozen

from ..definition import (
    EMPTY,
    BoundSecret,
    Definition,
    FrozenDict,
    Path,
    Value,
    WireBlock,
    canonical_id,
    name_secrets,
    secrets_in,
    secrets_of,
)
from ..redaction import MASK, Secrets, map_json, map_json_pairs


@final
class Hidden:
    """A value that is not shown, since a secret is in its place on the other side.

    It is not an attrs class, so nothing that lists fields finds it. A pickle and a text
    have the mask.
    """

    __slots__ = ("_content",)

    def __init__(self, content: Any) -> None:
        self._content = content

    @property
    def content(self) -> Any:
        """The hidden value as frozen JSON, for `apply` alone."""
        return self._content

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Hidden):
            return NotImplemented
        return bool(self._content == other._content)

    def __hash__(self) -> int:
        return hash((Hidden, self._content))

    def __copy__(self) -> Hidden:
        return self

    def __deepcopy__(self, memo: object) -> Hidden:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Hidden, (MASK,)


Written: TypeAlias = tuple[Literal["before", "after"], ...]
"""The sides that are code or JSON, and not what a service has."""


@frozen
class SideSecrets:
    """Hides in one definition what either of two definitions says is secret.

    Attributes:
        secrets: The secrets of both.
        is_written: Whether this side is code or JSON.
    """

    secrets: Secrets
    is_written: bool = False

    @classmethod
    def of(cls, before: Definition, after: Definition) -> SideSecrets:
        """Return the secrets of two definitions."""
        return cls(secrets_of([before, after]))

    @classmethod
    def pair(
        cls, before: Definition, after: Definition, written: Written = ()
    ) -> tuple[SideSecrets, SideSecrets]:
        """Return the secrets of two definitions, for each side of them."""
        both = cls.of(before, after)
        return (
            evolve(both, is_written="before" in written),
            evolve(both, is_written="after" in written),
        )

    def hide(self, value: Any, *, faces_secret: bool = False) -> Any:
        """Return a value as a change may hold it.

        Args:
            value: A value of this side.
            faces_secret: Whether the other side has a secret in its place, so that it
                may be the text of that secret.
        """
        if faces_secret and not self.is_written:
            return value if type(value) in (Value, BoundSecret) else Hidden(value)
        return self.secrets.hide(value, Hidden) if self.secrets else value

    def hide_block(self, block: WireBlock) -> WireBlock:
        """Return a whole block as a change may hold it."""
        if not self.secrets:
            return block
        specs = {name: self.hide(value) for name, value in block.specs.items()}
        extra = {name: self.hide(value) for name, value in block.extra.items()}
        return block._replace(specs=FrozenDict(specs), extra=FrozenDict(extra))


def has_secret(value: Any) -> bool:
    """Return True if there is a secret in a value, filled in or not."""
    return bool(secrets_in(value))


def reveal_hidden(value: Any) -> Any:
    """Return a value as it stands in the definition."""
    return map_json(value, lambda one: one.content if type(one) is Hidden else one)


def mask_hidden(value: Any) -> Any:
    """Return a value with the mask in the place of all that is hidden."""
    return map_json(value, lambda one: MASK if type(one) is Hidden else one)


def put_secrets_in(value: Any, other: Any) -> Any:
    """Return a value with the other side's secrets in their places.

    So what is worked out from it, such as a host that is posted to, shows no secret.
    """

    def put(item: Any, beside: Any, _: Path) -> Any:
        if isinstance(item, dict) and isinstance(beside, dict):
            return item
        return beside if has_secret(beside) else item

    return map_json_pairs(value, other, put)


# -- A pair of definitions -------------------------------------------------------------

FieldNames: TypeAlias = Mapping[str, Collection[str]]
"""Names of top-level fields by the id of their block, as it is compared."""


def fields_of(definition: Definition) -> FieldNames:
    """Return all spec fields of a definition, as of one that is code or JSON."""
    return {canonical_id(block.id): block.specs.keys() for block in definition.blocks}


def redact_pair(
    before: Definition,
    after: Definition,
    *,
    written: tuple[FieldNames, FieldNames] = (EMPTY, EMPTY),
) -> tuple[Definition, Definition]:
    """Return both definitions without what either says is secret.

    A secret that was filled in is named as in code. So is what is live in the place of
    a secret of the other side.

    Args:
        before: One side.
        after: The other side.
        written: The fields of each that are code or JSON, and are shown as they are.
    """
    secrets = SideSecrets.of(before, after)
    old, new = ({canonical_id(b.id): b for b in d.blocks} for d in (before, after))
    then, now = written
    return _redact_side(before, new, secrets, then), _redact_side(
        after, old, secrets, now
    )


def _redact_side(
    definition: Definition,
    others: dict[str, WireBlock],
    secrets: SideSecrets,
    written: FieldNames,
) -> Definition:
    blocks: list[WireBlock] = []
    for block in definition.blocks:
        specs: Any = secrets.hide_block(block).specs
        other = others.get(canonical_id(block.id))
        if other is not None:
            ours = written.get(canonical_id(block.id), ())
            named = {
                name: put_secrets_in(item, other.specs.get(name))
                for name, item in specs.items()
                if name not in ours
            }
            specs = type(specs)({**specs, **named})
        blocks.append(block._replace(specs=name_secrets(mask_hidden(specs))))
    return evolve(definition, blocks=tuple(blocks))

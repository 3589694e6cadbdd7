"""Live definitions as they may be kept in a file: secrets by name, never as text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import define, evolve, field, frozen

from ..definition import (
    EMPTY,
    VALUE_KEY,
    BoundSecret,
    Definition,
    Edge,
    FrozenDict,
    FrozenList,
    Path,
    Value,
    WireBlock,
    pointer,
    thaw,
    walk,
)
from ..errors import ConfigError
from ..redaction import MASK
from ._drift import texts_of

TELLING: Final = 8
"""Characters of the longest text in a value, at least, that is taken for a secret of a
workflow whose code does not say any more which of its values are secret."""


@frozen
class Kept:
    """A definition without the text of any secret.

    Attributes:
        definition: Secrets stand in it as unbound values.
        withheld: JSON pointers of texts that are in no such value and were left out:
            what stands in a secret's place without being the secret that is known, and
            what holds a secret elsewhere.
    """

    definition: Definition
    withheld: Sequence[str] = ()


def secrets_of(definitions: Iterable[Definition]) -> Sequence[BoundSecret]:
    """The secrets that were bound in definitions, each once."""
    found: dict[tuple[str, str], BoundSecret] = {}
    for definition in definitions:
        for block in definition.blocks:
            for _, item in walk(block.specs):
                if isinstance(item, BoundSecret):
                    found.setdefault((item.value.name, repr(item.content)), item)
    return list(found.values())


def hidden_among(
    values: Mapping[str, Any] | None, hidden: Collection[str]
) -> Sequence[BoundSecret]:
    """Values that are secret whatever code says, wherever they are live.

    Args:
        values: What values stand for in an environment.
        hidden: Names of those that come from variables; one whose variable is not set
            is in nothing.
    """
    return [*told_of(values or {}, only=hidden)]


def told_of(
    values: Mapping[str, Any],
    known: Iterable[BoundSecret] = (),
    only: Collection[str] | None = None,
) -> Iterator[BoundSecret]:
    """Values that may be secrets of a workflow, beside those that are known.

    Short ones, and numbers, stand in many places that tell nothing of them.
    """
    names = values.keys() - {item.value.name for item in known}
    for name in sorted(names if only is None else names & {*only}):
        try:
            found = values[name]
        except ConfigError:  # its variable is not set, so that it is in nothing
            continue
        texts = [text for _, text in walk(found) if isinstance(text, str)]
        if any(len(text) >= TELLING for text in texts):
            yield BoundSecret(Value(name, secret=True), found)


def kept(
    live: Definition,
    code: Definition | None = None,
    secrets: Iterable[BoundSecret] = (),
    *,
    shown: Callable[[Any], Any] | None = None,
) -> Kept:
    """A live definition as it may be kept, without keys of an answer that no body has.

    Args:
        live: What the service has; secrets are plain text in it.
        code: The definition that says where secrets stand, with its values bound.
        secrets: Further secrets that are known, such as those of other workflows.
        shown: What stands in the place of a text that is left out; by default the
            value that the code has there, or a mask where it has none.
    """
    known = [*secrets_of([code] if code else []), *secrets]
    wanted = {block.id.lower(): block.specs for block in code.blocks} if code else {}
    keeper = _Keeper(known, shown)
    blocks = tuple(
        keeper.block(position, block, wanted.get(block.id.lower(), EMPTY))
        for position, block in enumerate(live.blocks)
    )
    graph: Path = ("workflow_definition",)
    edges = tuple(
        Edge(edge.source, edge.target, keeper.freed(edge.extra, (*graph, "edges", at)))
        for at, edge in enumerate(live.edges)
    )
    made = evolve(
        live,
        name=keeper.freed(live.name, ("workflow_name",)),
        description=keeper.freed(live.description, ("workflow_description",)),
        blocks=blocks,
        edges=edges,
        extra=EMPTY,
        graph_extra=keeper.freed(live.graph_extra, graph),
    )
    return Kept(made, keeper.withheld)


@define
class _Keeper:
    """Goes through a definition and remembers what it left out."""

    known: Sequence[BoundSecret]
    shown: Callable[[Any], Any] | None
    withheld: list[str] = field(factory=list[str])
    _texts: Sequence[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._texts = texts_of(item.content for item in self.known)

    def block(self, position: int, block: WireBlock, wanted: FrozenDict) -> WireBlock:
        """A block; `wanted` are the specs of the same one in the code."""
        here: Path = ("workflow_definition", "blocks", position)
        specs = {
            name: self._kept(found, wanted.get(name), (*here, "specs", name))
            for name, found in block.specs.items()
        }
        extra = self.freed(block.extra, here)
        return block._replace(specs=FrozenDict(specs), extra=extra)

    def freed(self, found: Any, path: Path) -> Any:
        """Leave secrets out of a title, a description or unknown keys.

        A value is filled in only in specs. So a text here never becomes a value, even
        if it equals a secret.
        """
        if self._named(found) is not None:
            return self._left_out(found, path)
        if isinstance(found, dict):
            if self._is_unfit(found):
                return self._left_out(found, path)
            return FrozenDict(
                {name: self.freed(one, (*path, name)) for name, one in found.items()}
            )
        if isinstance(found, list):
            return FrozenList(
                [self.freed(one, (*path, at)) for at, one in enumerate(found)]
            )
        is_told = isinstance(found, str) and self._is_told(found)
        return self._left_out(found, path) if is_told else found

    def _kept(self, found: Any, wanted: Any, path: Path) -> Any:
        if isinstance(wanted, BoundSecret):
            if thaw(wanted.content) == thaw(found):
                return wanted.value
            return self._left_out(found, path, wanted.value)
        if isinstance(wanted, Value) and wanted.secret:
            return self._left_out(found, path, wanted)
        if (same := self._named(found)) is not None:
            return same
        if isinstance(found, str) and self._is_told(found):
            return self._left_out(found, path)
        if isinstance(found, dict):
            if self._is_unfit(found):
                return self._left_out(found, path)
            inner = wanted if isinstance(wanted, dict) else {}
            if not inner and _has_secret(wanted):
                return self._left_out(found, path)
            return FrozenDict(
                {
                    name: self._kept(item, inner.get(name), (*path, name))
                    for name, item in found.items()
                }
            )
        if isinstance(found, list):
            return self._list(found, wanted, path)
        return self._left_out(found, path) if _has_secret(wanted) else found

    def _list(self, found: Any, wanted: Any, path: Path) -> Any:
        """Item by item; where they cannot be matched, none that may be a secret."""
        has_secret = _has_secret(wanted)
        if has_secret and not (isinstance(wanted, list) and len(wanted) == len(found)):
            return self._left_out(found, path)
        others = wanted if has_secret else [None] * len(found)
        return FrozenList(
            [
                self._kept(item, other, (*path, at))
                for at, (item, other) in enumerate(zip(found, others, strict=True))
            ]
        )

    def _is_unfit(self, found: Any) -> bool:
        """Whether its names tell a secret, or would be read as an unbound value."""
        if VALUE_KEY in found:
            return True
        return any(map(self._is_told, found))

    def _is_told(self, text: str) -> bool:
        """Return True if a text contains a secret, in any spelling."""
        return any(secret in text for secret in self._texts)

    def _named(self, found: Any) -> Value | None:
        """The value of a secret that stands where code has none, in full."""
        plain = thaw(found)
        if type(plain) in (bool, int, float) or plain in ("", None):
            return None  # of those there are too few to tell a secret by
        return next(
            (item.value for item in self.known if thaw(item.content) == plain), None
        )

    def _left_out(self, found: Any, path: Path, wanted: Value | None = None) -> Any:
        self.withheld.append(pointer(path))
        if self.shown is not None:
            return self.shown(found)
        return MASK if wanted is None else wanted


def _has_secret(wanted: Any) -> bool:
    if wanted is None:
        return False
    return any(
        isinstance(item, BoundSecret) or (isinstance(item, Value) and item.secret)
        for _, item in walk(wanted)
    )

"""How secrets were hidden before there was one owner: what the law compares with."""

from __future__ import annotations

from typing import Any

from attrs import define, evolve, field, frozen

from flow64.definition import (
    EMPTY,
    VALUE_KEY,
    BoundSecret,
    Edge,
    FrozenDict,
    FrozenList,
    Value,
    canonical_id,
    pointer,
    secrets_in,
    thaw,
    walk,
)
from flow64.diff import Hidden
from flow64.redaction import MASK, SHORTEST, list_spellings


def veiled(live, code, secrets=()):
    veil = LiveVeil.of([code], secrets)
    if not veil.secrets:
        return live
    ours = {block.id.lower(): block.specs for block in code.blocks}
    blocks: Any = []
    for block in live.blocks:
        wanted = ours.get(block.id.lower(), EMPTY)
        specs = {
            name: veil.spec(found, wanted.get(name))
            for name, found in block.specs.items()
        }
        extra = veil.over(block.extra)
        blocks.append(block._replace(specs=FrozenDict(specs), extra=extra))
    return evolve(
        live,
        name=veil.beside(live.name, code.name),
        description=veil.beside(live.description, code.description),
        blocks=tuple(blocks),
        edges=tuple(edge._replace(extra=veil.over(edge.extra)) for edge in live.edges),
        graph_extra=veil.over(live.graph_extra),
    )


@frozen
class LiveVeil:
    secrets: Any = field(repr=False)
    texts: Any = field(repr=False)
    named: Any = field(default=EMPTY, repr=False)

    @classmethod
    def of(cls, definitions, more=()):
        secrets = [
            item.content
            for definition in definitions
            for block in definition.blocks
            for _, item in walk(block.specs)
            if isinstance(item, BoundSecret) and item.content not in ("", None)
        ]
        more = [*more]
        secrets += [item.content for item in more]
        named = {one.content: one for one in more if isinstance(one.content, str)}
        return cls(secrets, texts_of(secrets), named)

    def spec(self, found, wanted):
        is_other = isinstance(found, str) and found != wanted
        has_secret = any((isinstance(item, BoundSecret) for _, item in walk(wanted)))
        if is_other and (not has_secret) and (found in self.named):
            return self.named[found]
        return self.beside(found, wanted)

    def beside(self, found, wanted):
        if any((isinstance(item, BoundSecret) for _, item in walk(wanted))):
            is_same = thaw(wanted, _revealed) == thaw(found, _revealed)
            return wanted if is_same else MASK
        if wanted is not None and found == wanted:
            return found
        if any(found == secret for secret in self.secrets):
            return MASK
        if isinstance(found, dict) and isinstance(wanted, dict):
            if any(map(self._is_told, found.keys() - wanted.keys())):
                return self.over(found)
            return FrozenDict(
                {
                    name: self.beside(inner, wanted.get(name))
                    for name, inner in found.items()
                }
            )
        if (
            isinstance(found, list)
            and isinstance(wanted, list)
            and (len(found) == len(wanted))
        ):
            both = zip(found, wanted, strict=True)
            return FrozenList([self.beside(*pair) for pair in both])
        return self.over(found)

    def within(self, text):
        for told in sorted(self.texts, key=len, reverse=True):
            text = text.replace(told, MASK)
        return text

    def over(self, found):
        if any(found == secret for secret in self.secrets):
            return MASK
        if isinstance(found, str):
            return MASK if self._is_told(found) else found
        if isinstance(found, dict):
            if any(map(self._is_told, found)):
                return FrozenDict({MASK: MASK})
            return FrozenDict({name: self.over(inner) for name, inner in found.items()})
        if isinstance(found, list):
            return FrozenList([self.over(inner) for inner in found])
        return found

    def _is_told(self, found):
        return any(text in found for text in self.texts)


def texts_of(secrets):
    found: Any = set()
    for secret in secrets:
        for path, text in walk(secret):
            if isinstance(text, str) and (
                len(text) >= SHORTEST or (text and (not path))
            ):
                found |= list_spellings(text)
    return sorted(found)


def _revealed(item):
    return thaw(item.content) if isinstance(item, BoundSecret) else item


@frozen
class Kept:
    definition: Any
    withheld: Any = ()


def secrets_of(definitions):
    found: Any = {}
    for definition in definitions:
        for block in definition.blocks:
            for _, item in walk(block.specs):
                if isinstance(item, BoundSecret):
                    found.setdefault((item.value.name, repr(item.content)), item)
    return list(found.values())


def kept(live, code=None, secrets=(), *, shown=None):
    known = [*secrets_of([code] if code else []), *secrets]
    wanted = {block.id.lower(): block.specs for block in code.blocks} if code else {}
    keeper = _Keeper(known, shown)
    blocks = tuple(
        (
            keeper.block(position, block, wanted.get(block.id.lower(), EMPTY))
            for position, block in enumerate(live.blocks)
        )
    )
    graph: Any = ("workflow_definition",)
    edges = tuple(
        (
            Edge(
                edge.source,
                edge.target,
                keeper.freed(edge.extra, (*graph, "edges", at)),
            )
            for at, edge in enumerate(live.edges)
        )
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
    known: Any
    shown: Any
    withheld: Any = field(factory=list[str])
    _texts: Any = field(init=False)

    def __attrs_post_init__(self):
        self._texts = texts_of(item.content for item in self.known)

    def block(self, position, block, wanted):
        here: Any = ("workflow_definition", "blocks", position)
        specs = {
            name: self._kept(found, wanted.get(name), (*here, "specs", name))
            for name, found in block.specs.items()
        }
        extra = self.freed(block.extra, here)
        return block._replace(specs=FrozenDict(specs), extra=extra)

    def freed(self, found, path):
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

    def _kept(self, found, wanted, path):
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

    def _list(self, found, wanted, path):
        has_secret = _has_secret(wanted)
        if has_secret and (
            not (isinstance(wanted, list) and len(wanted) == len(found))
        ):
            return self._left_out(found, path)
        others = wanted if has_secret else [None] * len(found)
        return FrozenList(
            [
                self._kept(item, other, (*path, at))
                for at, (item, other) in enumerate(zip(found, others, strict=True))
            ]
        )

    def _is_unfit(self, found):
        if VALUE_KEY in found:
            return True
        return any(map(self._is_told, found))

    def _is_told(self, text):
        return any(secret in text for secret in self._texts)

    def _named(self, found):
        plain = thaw(found)
        if type(plain) in (bool, int, float) or plain in ("", None):
            return None
        return next(
            (item.value for item in self.known if thaw(item.content) == plain), None
        )

    def _left_out(self, found, path, wanted=None):
        self.withheld.append(pointer(path))
        if self.shown is not None:
            return self.shown(found)
        return MASK if wanted is None else wanted


def _has_secret(wanted):
    if wanted is None:
        return False
    return any(
        (
            isinstance(item, BoundSecret) or (isinstance(item, Value) and item.secret)
            for _, item in walk(wanted)
        )
    )


@frozen
class Veil:
    texts: Any
    others: Any
    lengths: Any
    is_written: Any = False

    @classmethod
    def of(cls, *definitions):
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
    def pair(cls, before, after, written=()):
        veil = cls.of(before, after)
        return (
            evolve(veil, is_written="before" in written),
            evolve(veil, is_written="after" in written),
        )

    @property
    def is_needed(self):
        return bool(self.texts or self.others)

    def over(self, value, *, faces_secret=False):
        if faces_secret and (not self.is_written):
            return value if type(value) in (Value, BoundSecret) else Hidden(value)
        return self._over(value) if self.is_needed else value

    def over_block(self, block):
        if not self.is_needed:
            return block
        specs = {name: self._over(value) for name, value in block.specs.items()}
        extra = {name: self._over(value) for name, value in block.extra.items()}
        return block._replace(specs=FrozenDict(specs), extra=FrozenDict(extra))

    def _over(self, value):
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

    def _holds(self, text):
        return any(
            text[start : start + length] in self.texts
            for length in self.lengths
            for start in range(len(text) - length + 1)
        )


def has_secret(value):
    return bool(secrets_in(value))


def unveiled(value):
    if type(value) is Hidden:
        return value.content
    if isinstance(value, dict):
        return FrozenDict({key: unveiled(item) for key, item in value.items()})
    if isinstance(value, list):
        return FrozenList([unveiled(item) for item in value])
    return value


def masked(value):
    if type(value) is Hidden:
        return MASK
    if isinstance(value, dict):
        return FrozenDict({key: masked(item) for key, item in value.items()})
    if isinstance(value, list):
        return FrozenList([masked(item) for item in value])
    return value


def concealed(value, other):
    if isinstance(value, dict) and isinstance(other, dict):
        inner = {
            key: concealed(item, other[key]) if key in other else item
            for key, item in value.items()
        }
        return FrozenDict(inner)
    return other if has_secret(other) else value


def veiled_pair(before, after, *, written=(EMPTY, EMPTY)):
    veil = Veil.of(before, after)
    old, new = ({canonical_id(b.id): b for b in d.blocks} for d in (before, after))
    then, now = written
    return (_veiled(before, new, veil, then), _veiled(after, old, veil, now))


def _veiled(definition, others, veil, written):
    blocks: Any = []
    for block in definition.blocks:
        specs: Any = veil.over_block(block).specs
        other = others.get(canonical_id(block.id))
        if other is not None:
            ours = written.get(canonical_id(block.id), ())
            hidden = concealed(specs, other.specs)
            specs = {
                name: specs[name] if name in ours else hidden[name] for name in specs
            }
        blocks.append(block._replace(specs=_unbound(masked(specs))))
    return evolve(definition, blocks=tuple(blocks))


def _unbound(value):
    if type(value) is BoundSecret:
        return value.value
    if isinstance(value, dict):
        members = value.items()
        return FrozenDict({key: _unbound(item) for key, item in members})
    if isinstance(value, list):
        items = value
        return FrozenList([_unbound(item) for item in items])
    return value

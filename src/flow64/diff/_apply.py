"""Apply changes to a definition: the inverse of `diff`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from attrs import Factory, evolve, frozen

from ..definition import (
    Definition,
    Edge,
    FrozenDict,
    ListedOrigins,
    Origin,
    WireBlock,
    canonical_id,
)
from ..dsl import UNSET
from ..errors import StaleChangesError
from ._changes import (
    BlockAdded,
    BlockMoved,
    BlockRef,
    BlockRemoved,
    BlockRenamed,
    Change,
    DescriptionChanged,
    EdgeAdded,
    EdgeRef,
    EdgeRemoved,
    FieldAdded,
    FieldChanged,
    FieldRemoved,
    KindChanged,
    ListChanged,
    TitleChanged,
)
from ._diff import Joint, joint_of, joints
from ._reading import Reading
from ._redaction import reveal_hidden

_Twin: TypeAlias = tuple[str, str, bytes]


def apply(changes: Iterable[Change], definition: Definition) -> Definition:
    """Return a definition with changes applied to it.

    `apply(diff(a, b), a)` has the fingerprint of `b`. Order, numbers and all else that
    a fingerprint leaves out stay as they are. Added blocks come last.

    Args:
        changes: The changes that `diff` found. `Unmanaged` ones are not applied.
        definition: The definition before the changes.

    Raises:
        StaleChangesError: A change is about something that the definition lacks.
    """
    work = _Work()
    for change in changes:
        work.take(change)
    return work.apply_to(definition)


@frozen(eq=False)
class _Work:
    """Changes, sorted by what has to be done."""

    texts: dict[str, str] = Factory(dict)
    renamed: dict[str, str] = Factory(dict)
    kinds: dict[str, str] = Factory(dict)
    fields: dict[str, _Tree] = Factory(dict)
    removed: list[BlockRemoved] = Factory(list)
    added: list[BlockAdded] = Factory(list)
    lost: set[Joint] = Factory(set)
    joined: list[EdgeRef] = Factory(list)

    def take(self, change: Change) -> None:  # noqa: C901, PLR0912 - one case a change
        """Sort one change in."""
        match change:
            case TitleChanged():
                self.texts["name"] = reveal_hidden(change.after)
            case DescriptionChanged():
                self.texts["description"] = reveal_hidden(change.after)
            case BlockRenamed():
                self.renamed[canonical_id(change.before.id)] = change.block.id
            case KindChanged():
                self.kinds[canonical_id(change.block.id)] = change.after
            case BlockRemoved():
                self.removed.append(change)
            case BlockAdded():
                self.added.append(change)
            case FieldAdded():
                self._tree(change.block).put(change.path, change.value)
            case FieldRemoved():
                self._tree(change.block).put(change.path, UNSET)
            case FieldChanged() | ListChanged():
                self._tree(change.block).put(change.path, change.after)
            case BlockMoved():
                self.lost.update(map(joint_of, change.removed))
                self.joined.extend(change.added)
            case EdgeRemoved():
                self.lost.add(joint_of(change.edge))
            case EdgeAdded():
                self.joined.append(change.edge)
            case _:  # Unmanaged: it stays as it is
                pass

    def _tree(self, block: BlockRef) -> _Tree:
        return self.fields.setdefault(canonical_id(block.id), _Tree())

    def apply_to(self, definition: Definition) -> Definition:
        """Return the definition with all changes applied."""
        blocks: list[WireBlock] = []
        origins: list[Origin] = []
        waiting = {canonical_id(block_id) for block_id in self.renamed.values()}
        waiting |= self.kinds.keys() | self.fields.keys()
        leaving = self._count_removals()
        ids = {block_id for block_id, _, _ in leaving}
        is_other = bool(self.removed or self.added)
        for at, block in enumerate(definition.blocks):
            if canonical_id(block.id) in ids and leaving[_key_with_content(block)]:
                leaving[_key_with_content(block)] -= 1
                continue
            made = self._change_block(block)
            waiting.discard(canonical_id(made.id))
            blocks.append(made)
            if is_other:
                origins.append(definition.origins[at])
        waiting.update(block_id for (block_id, _, _), n in leaving.items() if n)
        if waiting:
            raise StaleChangesError(min(waiting))
        for change in self.added:
            wire, path = change.wire, change.block.path
            specs = reveal_hidden(wire.specs)
            blocks.append(wire._replace(specs=specs, extra=reveal_hidden(wire.extra)))
            origins.append(Origin(path=path))
        return evolve(
            definition,
            name=self.texts.get("name", definition.name),
            description=self.texts.get("description", definition.description),
            blocks=tuple(blocks),
            edges=self._edges(definition),
            origins=ListedOrigins(origins) if is_other else definition.origins,
        )

    def _count_removals(self) -> Counter[_Twin]:
        """Count the blocks that are removed, by id and content."""
        wires = (change.wire for change in self.removed)
        return Counter(
            _key_with_content(w._replace(specs=reveal_hidden(w.specs))) for w in wires
        )

    def _change_block(self, block: WireBlock) -> WireBlock:
        old = canonical_id(block.id)
        new_id = self.renamed.get(old, block.id)
        key = canonical_id(new_id)
        kind = self.kinds.get(key, block.kind)
        specs = block.specs
        if key in self.fields:
            specs = self.fields[key].apply_to(specs, block.id)
        return block._replace(id=new_id, kind=kind, specs=specs)

    def _edges(self, definition: Definition) -> Sequence[Edge]:
        """Return the edges under their new ids, without removed and with added ones."""
        if not (self.renamed or self.removed or self.lost or self.joined):
            return definition.edges
        renamed = {old: canonical_id(new) for old, new in self.renamed.items()}
        kept = [
            edge._replace(
                source=self.renamed.get(canonical_id(edge.source), edge.source),
                target=self.renamed.get(canonical_id(edge.target), edge.target),
            )
            for edge, joint in joints(definition.edges, renamed)
            if joint not in self.lost
        ]
        for edge in self.joined:
            condition = edge.condition
            extra = {} if condition is None else {"condition": condition}
            kept.append(Edge(edge.source.id, edge.target.id, FrozenDict(extra)))
        return tuple(kept)


def _key_with_content(block: WireBlock) -> _Twin:
    """Return a key that tells blocks with the same id apart."""
    text = Reading(bound=True).canonical(block.specs)
    return canonical_id(block.id), block.kind, text


@frozen
class _Leaf:
    """A value that is set, or `UNSET` if it is removed."""

    value: Any


@frozen(eq=False)
class _Tree:
    """Changes of specs by path, so that each level is rebuilt once."""

    members: dict[str, _Tree | _Leaf] = Factory(dict)

    def put(self, path: tuple[str | int, ...], value: Any) -> None:
        """Set a value at a path of names."""
        *above, last = map(str, path)
        tree = self
        for name in above:
            inner = tree.members.setdefault(name, _Tree())
            assert isinstance(inner, _Tree)  # a changed value is one change
            tree = inner
        made = value if value is UNSET else reveal_hidden(value)
        tree.members[last] = _Leaf(made)

    def apply_to(self, specs: Mapping[str, Any], block_id: str) -> FrozenDict:
        """Return specs with the changes applied.

        Raises:
            StaleChangesError: A change is inside of an object that does not exist.
        """
        made = dict(specs)
        for name, change in self.members.items():
            if isinstance(change, _Tree):
                inner = made.get(name)
                if not isinstance(inner, dict):
                    raise StaleChangesError(block_id)
                made[name] = change.apply_to(inner, block_id)
            elif change.value is UNSET:
                made.pop(name, None)
            else:
                made[name] = change.value
        return FrozenDict(made)

"""What the specs of one block differ in, field by field and lists by meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from attrs import frozen

from ..definition import Path
from ..dsl import UNSET
from ._changes import (
    BlockRef,
    FieldAdded,
    FieldChange,
    FieldChanged,
    FieldRemoved,
    ItemAdded,
    ItemChanged,
    ItemEdit,
    ItemMoved,
    ItemRemoved,
    ListChanged,
    Unmanaged,
)
from ._order import out_of_order
from ._reading import Reading
from ._redaction import SideSecrets, has_secret

MAX_LISTS: Final = 8
"""How deep lists are followed into lists; below, one is told whole."""


@frozen
class Comparer:
    """Compares the specs of blocks.

    Attributes:
        reading: When two values are the same.
        then: What may be shown of what was there.
        now: What may be shown of what is there instead.
    """

    reading: Reading
    then: SideSecrets
    now: SideSecrets

    def of_block(
        self,
        block: BlockRef,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        managed: frozenset[str] | None = None,
    ) -> Iterator[FieldChange | Unmanaged]:
        """The changes of one block.

        Args:
            block: Which one it is.
            before: Its specs before.
            after: Its specs now.
            managed: The fields that code manages; None for all of them.
        """
        if managed is not None:
            yield from self._unmanaged(block, before, after, managed)
            before, after = _only(before, managed), _only(after, managed)
        found: list[FieldChange] = []
        self._members(found, block, (), before, after)
        yield from found

    def _unmanaged(
        self,
        block: BlockRef,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        managed: frozenset[str],
    ) -> Iterator[Unmanaged]:
        gone, new = _without(before, after), _without(after, before)
        for name in {**before, **after}:
            if name in managed:
                continue
            if name in gone:
                shown = _shown(self.then, before[name], new), UNSET
            elif name in new:
                shown = UNSET, _shown(self.now, after[name], gone)
            elif self.reading.same(before[name], after[name]):
                continue
            else:
                old, now = before[name], after[name]
                shown = _shown(self.then, old, now), _shown(self.now, now, old)
            yield Unmanaged(block, (name,), *shown)

    def _value(
        self, found: list[FieldChange], block: BlockRef, path: Path, old: Any, new: Any
    ) -> None:
        if isinstance(old, dict) and isinstance(new, dict):
            self._members(found, block, path, old, new)
        elif self.reading.same(old, new):
            pass
        elif isinstance(old, list) and isinstance(new, list) and _is_shallow(path):
            edits = self._edits(block, path, old, new)
            after = _shown(self.now, new, old)
            found.append(ListChanged(block, path, tuple(edits), after))
        else:
            shown = _shown(self.then, old, new), _shown(self.now, new, old)
            found.append(FieldChanged(block, path, *shown))

    def _members(
        self,
        found: list[FieldChange],
        block: BlockRef,
        path: Path,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> None:
        gone, new = _without(before, after), _without(after, before)
        faces_secret = has_secret(new)
        for name, item in before.items():
            here = (*path, name)
            if name in after:
                self._value(found, block, here, item, after[name])
            else:
                value = self.then.hide(item, faces_secret=faces_secret)
                found.append(FieldRemoved(block, here, value))
        faces_secret = has_secret(gone)
        for name, item in new.items():
            value = self.now.hide(item, faces_secret=faces_secret)
            found.append(FieldAdded(block, (*path, name), value))

    # -- Lists ------------------------------------------------------------------------

    def _edits(
        self, block: BlockRef, path: Path, old: Sequence[Any], new: Sequence[Any]
    ) -> Iterator[ItemEdit]:
        pairs = self._paired_items(old, new)
        faces_secret = has_secret(new)
        for at, item in enumerate(old):
            if at not in pairs:
                yield ItemRemoved(at, self.then.hide(item, faces_secret=faces_secret))
        moved = out_of_order([pairs[at] for at in sorted(pairs)])
        sources = {target: source for source, target in pairs.items()}
        faces_secret = has_secret(old)
        for at, item in enumerate(new):
            if at not in sources:
                yield ItemAdded(at, self.now.hide(item, faces_secret=faces_secret))
                continue
            before = sources[at]
            found: list[FieldChange] = []
            self._value(found, block, (*path, at), old[before], item)
            if found:
                yield ItemChanged(before, at, tuple(found))
            elif at in moved:
                yield ItemMoved(before, at, self.now.hide(item))

    def _paired_items(self, old: Sequence[Any], new: Sequence[Any]) -> dict[int, int]:
        """Positions of the items that are the same ones, before and now."""
        pairs: dict[int, int] = {}
        taken: set[int] = set()

        def pair(name: Callable[[Any], str | None], *, unique: bool) -> None:
            left = _by_name(old, pairs, name)
            right = _by_name(new, taken, name)
            for label, ones in left.items():
                others = right.get(label, ())
                if unique and not len(ones) == len(others) == 1:
                    continue
                matched = dict(zip(ones, others, strict=False))
                pairs.update(matched)
                taken.update(matched.values())

        pair(self.reading.content, unique=False)
        for members in _NAMES:
            pair(partial(_name, members), unique=True)
        self._pair_by_place(old, new, pairs, taken)
        return pairs

    def _pair_by_place(
        self,
        old: Sequence[Any],
        new: Sequence[Any],
        pairs: dict[int, int],
        taken: set[int],
    ) -> None:
        """Pair objects and lists that stand after the same item, if as many do."""
        left: dict[tuple[int | None, type[Any]], list[int]] = {}
        right: dict[tuple[int | None, type[Any]], list[int]] = {}
        last = None
        for at, item in enumerate(old):
            if at in pairs:
                last = pairs[at]
            elif isinstance(item, dict | list):
                left.setdefault((last, type(item)), []).append(at)
        last = None
        for at, item in enumerate(new):
            if at in taken:
                last = at
            elif isinstance(item, dict | list):
                right.setdefault((last, type(item)), []).append(at)
        for place, ones in left.items():
            others = right.get(place, [])
            if len(ones) == len(others):
                pairs.update(zip(ones, others, strict=True))


_NAMES: Final = (
    ("name",),
    ("key",),
    ("id",),
    ("field",),
    ("column", "operator"),
    ("column",),
)
"""Members by which an object in a list is known, the surest first."""


def _name(members: Sequence[str], item: Any) -> str | None:
    """What an object in a list is called, if it has all of these members as text."""
    if not isinstance(item, dict):
        return None
    words = [item.get(member) for member in members]
    texts = [word for word in words if isinstance(word, str)]
    return "\0".join(texts) if len(texts) == len(words) else None


def _by_name(
    items: Sequence[Any],
    done: dict[int, int] | set[int],
    name: Callable[[Any], str | None],
) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for at, item in enumerate(items):
        if at not in done and (label := name(item)) is not None:
            found.setdefault(label, []).append(at)
    return found


def _shown(secrets: SideSecrets, value: Any, against: Any) -> Any:
    """A value beside what stands in its place on the other side."""
    return secrets.hide(value, faces_secret=has_secret(against))


def _without(specs: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in specs.items() if name not in others}


def _only(specs: Mapping[str, Any], names: frozenset[str]) -> Mapping[str, Any]:
    return {name: value for name, value in specs.items() if name in names}


def _is_shallow(path: Path) -> bool:
    return sum(isinstance(step, int) for step in path) < MAX_LISTS

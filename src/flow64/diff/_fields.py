"""Compare the specs of one block, field by field, and lists by meaning."""

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
from ._moves import out_of_order
from ._reading import Reading
from ._redaction import SideSecrets, has_secret

MAX_LISTS: Final = 8
"""Lists inside of lists that are compared by item. Deeper ones are one change."""


@frozen
class Comparer:
    """Compares the specs of blocks.

    Attributes:
        reading: Says when two values are the same.
        then: Hides secrets of the specs before.
        now: Hides secrets of the specs now.
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
        """Yield the changes of one block.

        Args:
            block: The block.
            before: Its specs before.
            after: Its specs now.
            managed: The fields that code manages. None for all of them.
        """
        if managed is not None:
            yield from self._compare_other_fields(block, before, after, managed)
            before, after = _only(before, managed), _only(after, managed)
        found: list[FieldChange] = []
        self._compare_members(found, block, (), before, after)
        yield from found

    def _compare_other_fields(
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
                shown = _hide_beside(self.then, before[name], new), UNSET
            elif name in new:
                shown = UNSET, _hide_beside(self.now, after[name], gone)
            elif self.reading.same(before[name], after[name]):
                continue
            else:
                old, now = before[name], after[name]
                shown = (
                    _hide_beside(self.then, old, now),
                    _hide_beside(self.now, now, old),
                )
            yield Unmanaged(block, (name,), *shown)

    def _compare_value(
        self, found: list[FieldChange], block: BlockRef, path: Path, old: Any, new: Any
    ) -> None:
        if isinstance(old, dict) and isinstance(new, dict):
            self._compare_members(found, block, path, old, new)
        elif self.reading.same(old, new):
            pass
        elif isinstance(old, list) and isinstance(new, list) and _is_shallow(path):
            edits = self._compare_items(block, path, old, new)
            after = _hide_beside(self.now, new, old)
            found.append(ListChanged(block, path, tuple(edits), after))
        else:
            shown = _hide_beside(self.then, old, new), _hide_beside(self.now, new, old)
            found.append(FieldChanged(block, path, *shown))

    def _compare_members(
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
                self._compare_value(found, block, here, item, after[name])
            else:
                value = self.then.hide(item, faces_secret=faces_secret)
                found.append(FieldRemoved(block, here, value))
        faces_secret = has_secret(gone)
        for name, item in new.items():
            value = self.now.hide(item, faces_secret=faces_secret)
            found.append(FieldAdded(block, (*path, name), value))

    # -- Lists ------------------------------------------------------------------------

    def _compare_items(
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
            self._compare_value(found, block, (*path, at), old[before], item)
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
"""Members that identify an object in a list, the surest first."""


def _name(members: Sequence[str], item: Any) -> str | None:
    """Return the name of an object in a list, if all these members are texts."""
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


def _hide_beside(secrets: SideSecrets, value: Any, against: Any) -> Any:
    """Hide a value if there is a secret in its place on the other side."""
    return secrets.hide(value, faces_secret=has_secret(against))


def _without(specs: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in specs.items() if name not in others}


def _only(specs: Mapping[str, Any], names: frozenset[str]) -> Mapping[str, Any]:
    return {name: value for name, value in specs.items() if name in names}


def _is_shallow(path: Path) -> bool:
    return sum(isinstance(step, int) for step in path) < MAX_LISTS

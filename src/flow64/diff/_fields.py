"""Compare the specs of one block, field by field, and lists by meaning."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
from ._matching import (
    BlockPairs,
    Groups,
    group_positions,
    pair_if_as_many,
    pair_in_order,
    pair_unique,
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
        pairs = self._pair_items(old, new)
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

    def _pair_items(self, old: Sequence[Any], new: Sequence[Any]) -> dict[int, int]:
        """Return the positions of the same items, before and now."""
        pairs: dict[int, int] = {}
        taken: set[int] = set()

        def add(found: BlockPairs) -> None:
            made = dict(found)
            pairs.update(made)
            taken.update(made.values())

        content = self.reading.content
        add(pair_in_order(_by_name(old, pairs, content), _by_name(new, taken, content)))
        for members in _NAMES:
            name = partial(_name, members)
            add(pair_unique(_by_name(old, pairs, name), _by_name(new, taken, name)))
        # Objects and lists after the same item, if there are as many on both sides.
        same = {at: at for at in taken}
        add(pair_if_as_many(_by_place(old, pairs), _by_place(new, same)))
        return pairs


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
    done: Collection[int],
    name: Callable[[Any], str | None],
) -> Groups:
    left = [(at, item) for at, item in enumerate(items) if at not in done]
    found = group_positions((name(item), at) for at, item in left)
    found.pop(None, None)
    return found


def _by_place(items: Sequence[Any], done: Mapping[int, int]) -> Groups:
    """Group objects and lists without a partner by the item before, and by type."""
    found: Groups = {}
    last = None
    for at, item in enumerate(items):
        if at in done:
            last = done[at]
        elif isinstance(item, dict | list):
            found.setdefault((last, type(item)), []).append(at)
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

"""Changes as lines that every rendering draws in its own way.

They are made of the JSON data of the changes, in which whatever is secret or looks like
a key is masked already; control and bidirectional characters are shown as escapes here.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from attrs import frozen

from ...text import printable, truncate

Sign: TypeAlias = Literal["+", "-", "~", ">", "?"]
"""`+` came, `-` went, `~` is another, `>` stands elsewhere, `?` is not managed."""

Data: TypeAlias = Mapping[str, Any]

LONGEST: Final = 160
"""Characters of a value in a line; JSON has all of it."""

AROUND: Final = 24
"""Characters of a long value that are shown around what differs."""

MOST_NAMES: Final = 5
"""Blocks that one line names."""


@frozen
class Line:
    """One line of changes.

    Attributes:
        sign: What happened.
        text: To what.
        before: What it was, where something else is there now.
        after: What it is now.
        depth: How far it stands in.
    """

    sign: Sign
    text: str
    before: str | None = None
    after: str | None = None
    depth: int = 0


@frozen
class Section:
    """Lines about one thing.

    Attributes:
        title: What they are about; nothing for what stands on its own.
        lines: What is said of it.
        block: The id of the block that they are about.
    """

    title: str
    lines: Sequence[Line]
    block: str | None = None


def sections(changes: Iterable[Data]) -> Iterator[Section]:
    """Changes as lines, those of one block under its name.

    Args:
        changes: Their JSON data, with a name for each block under `path`.
    """
    others: list[Data] = []
    renamed: list[Data] = []
    wiring: list[Data] = []
    for change in changes:
        if change["change"] == "block-renamed" and not _has_new_name(change):
            renamed.append(change)
        elif change["change"] in _WIRING:
            wiring.append(change)
        else:
            others.append(change)
    if renamed:
        yield Section("", [_new_ids(renamed)])
    grouped: dict[str, list[Data]] = {}
    for at, change in enumerate(others):
        block = change.get("block")
        grouped.setdefault(str(at) if block is None else block["id"], []).append(change)
    for block_id, group in grouped.items():
        lines = [line for change in group for line in _lines(change)]
        block = group[0].get("block")
        title = "" if block is None else f"block {_named(block)}"
        yield Section(title, lines, None if block is None else block_id)
    if wiring:
        lines = [line for change in wiring for line in _lines(change)]
        yield Section("edges", lines)


_WIRING: Final = ("edge-added", "edge-removed")


def _has_new_name(change: Data) -> bool:
    return bool(change["before"]["path"] != change["block"]["path"])


def _new_ids(renamed: Sequence[Data]) -> Line:
    """Blocks that are called as before and have other ids, in one line."""
    names = [_named(change["block"]) for change in renamed[:MOST_NAMES]]
    more = len(renamed) - len(names)
    told = ", ".join([*names, *([f"{more:,} more"] if more else [])])
    if len(renamed) == 1:
        return Line("~", f"block {told} has another id")
    return Line("~", f"{len(renamed):,} blocks have other ids: {told}")


def _lines(change: Data) -> Iterator[Line]:
    match change:
        case {"change": "title-changed" | "description-changed" as what}:
            name = str(what).removesuffix("-changed")
            yield _became("~", name, change["before"], change["after"])
        case {"change": "block-added", "specs": specs}:
            yield Line("+", f"the block is new{_kind(change['block'])}")
            yield from (
                Line("+", f"/{_clean(name)}: {shown(value)}", depth=1)
                for name, value in specs.items()
            )
        case {"change": "block-removed"}:
            yield Line("-", f"the block is gone{_kind(change['block'])}")
        case {"change": "block-renamed", "before": old}:
            yield Line("~", f"was {_named(old)}, with another id (was= keeps it)")
        case {"change": "kind-changed"}:
            yield _became("~", "kind", change["before"], change["after"])
        case {"change": "block-moved", "removed": removed, "added": added}:
            yield Line(">", "place", _place(change["before"]), _place(change["after"]))
            yield from (Line("-", f"edge {_edge(edge)}", depth=1) for edge in removed)
            yield from (Line("+", f"edge {_edge(edge)}", depth=1) for edge in added)
        case {"change": "edge-added", "edge": edge}:
            yield Line("+", _edge(edge))
        case {"change": "edge-removed", "edge": edge}:
            yield Line("-", _edge(edge))
        case _:
            yield from _field(change)


def _field(change: Data) -> Iterator[Line]:
    where = _clean(change["path"])
    match change:
        case {"change": "field-added", "value": value}:
            yield Line("+", f"{where}: {shown(value)}")
        case {"change": "field-removed", "value": value}:
            yield Line("-", f"{where}: {shown(value)}")
        case {"change": "field-changed", "before": old, "after": new}:
            yield _became("~", where, old, new)
        case {"change": "list-changed", "edits": edits}:
            for edit in edits:
                yield from _item(where, edit)
        case _:  # what code does not manage
            sides = [shown(change[side]) for side in _SIDES if side in change]
            yield Line("?", f"{where}: {' -> '.join(sides)} is not managed")


_SIDES: Final = ("before", "after")


def _item(where: str, edit: Data) -> Iterator[Line]:
    match edit:
        case {"edit": "item-added", "at": at, "value": value}:
            yield Line("+", f"{where}/{at}: {shown(value)}")
        case {"edit": "item-removed", "at": at, "value": value}:
            yield Line("-", f"{where}/{at}: {shown(value)}")
        case {"edit": "item-moved", "before": old, "after": new, "value": value}:
            yield Line(">", f"{where}/{old}: {shown(value)}", str(old), str(new))
        case _:
            for inner in edit["changes"]:
                yield from _field(inner)


def _became(sign: Sign, what: str, before: Any, after: Any) -> Line:
    if before == after:  # two secrets of one name
        return Line(sign, f"{what}: {shown(after)} is another text")
    return Line(sign, what, *_apart(_text(before), _text(after)))


def _apart(before: str, after: str) -> tuple[str, str]:
    """Two texts, each cut to what differs and a little around it."""
    if max(len(before), len(after)) <= LONGEST:
        return printable(before), printable(after)
    start = _alike(before, after)
    room = min(len(before), len(after)) - start
    tails = [text[len(text) - room :][::-1] for text in (before, after)]
    end = _alike(*tails)
    start, end = max(0, start - AROUND), max(0, end - AROUND)
    return _window(before, start, end), _window(after, start, end)


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin alike with."""
    most = min(len(one), len(other))
    return bisect_left(range(most), 1, key=lambda n: one[: n + 1] != other[: n + 1])


def _window(text: str, start: int, end: int) -> str:
    """A text without so many characters at its start and its end."""
    middle = text[start : len(text) - end]
    if len(middle) > LONGEST:
        half = LONGEST // 2
        skipped = len(middle) - 2 * half
        middle = f"{middle[:half]}… {skipped:,} more …{middle[-half:]}"
    return printable(f"{'…' * (start > 0)}{middle}{'…' * (end > 0)}")


def shown(value: Any) -> str:
    """A value as JSON on one line, cut; a value of an environment by its name."""
    text = _text(value)
    return _clean(truncate(text, LONGEST))


def _text(value: Any) -> str:
    match value:
        case {"flow64:value": str(name), **more} if not more:
            return f"value {json.dumps(name, ensure_ascii=False)}"
        case {"flow64:value": str(name), "secret": True, **more} if not more:
            return f"secret {json.dumps(name, ensure_ascii=False)}"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _place(feeding: Sequence[Data]) -> str:
    names = [_named(block) for block in feeding[:MOST_NAMES]]
    more = [f"{len(feeding) - MOST_NAMES:,} more"] if feeding[MOST_NAMES:] else []
    return f"after {', '.join([*names, *more])}" if names else "first"


def _edge(edge: Data) -> str:
    ends = f"{_named(edge['source'])} >> {_named(edge['target'])}"
    condition = edge.get("condition")
    return ends if condition is None else f"{ends} if {_clean(condition)}"


def _kind(block: Data) -> str:
    """The kind of a block, where its name does not say it."""
    kind, name = block["kind"], str(block["path"])
    return "" if kind == name.rpartition("/")[2] else f", of kind {_clean(kind)}"


def _named(block: Data) -> str:
    return _clean(block["path"] or block["id"])


def _clean(text: object) -> str:
    shown_text = str(text)
    if len(shown_text) > 2 * LONGEST:
        shown_text = f"{shown_text[: 2 * LONGEST - 1]}…"
    return printable(shown_text)

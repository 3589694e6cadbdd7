"""Lines about changes: plans, reviews and diffs show the same ones in every format.

No line shows a secret or what looks like a key. Control and bidirectional characters
are shown as escapes.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, TypeAlias

from attrs import field, frozen

from ..definition import BoundSecret, Path, Value, thaw
from ..redaction import MASK, clean_text, redact_keys, redact_keys_in_json
from ..text import join_first, truncate
from ._redaction import Hidden

Sign: TypeAlias = Literal["+", "-", "~", ">", "?", "!"]
"""`+` added, `-` removed, `~` changed, `>` moved, `?` not managed, `!` breaks."""

ARROW: Final = "→"
"""Stands between a value before and a value now."""

LONGEST: Final = 160
"""Characters of a value in a line; JSON has all of it."""

EDGES: Final = "edges"
"""Title of the lines about edges."""

THE_BLOCK: Final = "the block "
"""Start of a line that says what becomes of a whole block."""

AROUND: Final = 24
"""Characters of a long value that are shown around the part that differs."""

CUT: Final = " more …"
"""Stands in the middle of a long value that is cut."""

MOST_NAMES: Final = 5
"""Blocks that one line names."""


def _clean_side(text: str | None) -> str | None:
    return None if text is None else clean_text(text)


@frozen
class Line:
    """One line about a change.

    Attributes:
        sign: What happened.
        text: To what.
        before: The value before, if there is another one now.
        after: The value now.
        depth: How many levels it is indented.
        joint: What stands between the text and the values.
    """

    sign: Sign
    text: str = field(converter=clean_text)
    before: str | None = field(default=None, converter=_clean_side)
    after: str | None = field(default=None, converter=_clean_side)
    depth: int = 0
    joint: str = ": "

    @property
    def label(self) -> str:
        """The text as it stands before a value."""
        return f"{self.text}{self.joint}" if self.text else ""

    @property
    def words(self) -> str:
        """The line without its sign."""
        if self.before is None:
            return self.text
        return f"{self.label}{self.before} {ARROW} {self.after}"

    def __str__(self) -> str:
        return f"{'    ' * self.depth}{self.sign} {self.words}"

    @property
    def is_about_block(self) -> bool:
        """Whether it says what becomes of a whole block."""
        return self.text.startswith(THE_BLOCK)


@frozen
class Section:
    """Lines about one thing.

    Attributes:
        title: The thing. Empty for lines about the workflow itself.
        lines: The lines.
        block: The id of the block, if it is one.
    """

    title: str = field(converter=clean_text)
    lines: Sequence[Line]
    block: str | None = None

    @property
    def words(self) -> str:
        """The section on one line, without signs and what is said of a whole block."""
        lines = [line.words for line in self.lines if not line.is_about_block]
        return ": ".join(filter(None, (self.title, "; ".join(lines))))

    @property
    def name(self) -> str:
        """The name of the thing, without a word for it."""
        return self.title if self.block is None else self.title.removeprefix("block ")

    @property
    def is_about_edges(self) -> bool:
        """Whether the lines are about edges."""
        return self.title == EDGES and self.block is None


def format_sections(sections: Iterable[Section]) -> Iterator[str]:
    """Return sections as lines of text. Lines stand indented under their title."""
    for section in sections:
        indent = "    " if section.title else ""
        if section.title:
            yield section.title
        yield from (f"{indent}{line}" for line in section.lines)


# -- Values and names ------------------------------------------------------------------


def value_data(value: Any) -> Any:
    """Return a value as plain JSON data. What is hidden or looks like a key is masked.

    A value of an environment is its name, filled in or not.
    """
    return redact_keys_in_json(thaw(value, _replace))


def _replace(item: Any) -> Any:
    if type(item) is Hidden:
        return MASK
    if type(item) is BoundSecret:
        item = item.value
    return item.as_data() if type(item) is Value else item


def format_value(value: Any) -> str:
    """Return a value as JSON on one line, cut. Values of an environment are named."""
    return truncate(format_full_value(value), LONGEST)


def compare_values(
    sign: Sign, what: str, before: Any, after: Any, joint: str = ": "
) -> Line:
    """Return the line that shows two values, each cut to the part that differs."""
    old, new = format_full_value(before), format_full_value(after)
    if old == new:  # two secrets of one name, or two values that are masked
        return Line(sign, f"{what}{joint}{truncate(new, LONGEST)} is another text")
    return Line(sign, what, *_differing_parts(old, new), joint=joint)


def compare_texts(sign: Sign, before: str, after: str) -> Line:
    """Return the line that shows two texts in words, each cut to what differs."""
    return Line(sign, "", *_differing_parts(before, after))


def format_path(path: Path) -> str:
    """Return the place of a field, such as `return_fields.title` or `pages[0]`, cut."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return shorten_name(text)


_PLAIN: Final = re.compile(r"[\w-]+")
"""A name that needs no quotes."""


def shorten_name(text: object) -> str:
    """Return the name of a block or a field, cut. A key is masked before the cut."""
    return truncate(redact_keys(str(text)), 2 * LONGEST)


def join_names(things: Sequence[object]) -> str:
    """Return the first names, and how many more there are."""
    return join_first(things, MOST_NAMES, shorten_name)


def format_full_value(value: Any) -> str:
    """Return a value as JSON on one line, uncut."""
    if type(value) is BoundSecret:
        value = value.value
    if type(value) is not Value:
        return json.dumps(value_data(value), ensure_ascii=False)
    kind = "secret" if value.secret else "value"
    return f"{kind} {json.dumps(value.name, ensure_ascii=False)}"


def _differing_parts(before: str, after: str) -> tuple[str, str]:
    """Cut two texts to the part that differs and a little around it."""
    if max(len(before), len(after)) <= LONGEST:
        return before, after
    start = _count_equal(before, after)
    room = min(len(before), len(after)) - start
    tails = [text[len(text) - room :][::-1] for text in (before, after)]
    end = _count_equal(*tails)
    start, end = max(0, start - AROUND), max(0, end - AROUND)
    return _cut_ends(before, start, end), _cut_ends(after, start, end)


def cut_to_difference(text: str, other: str) -> str:
    """Cut a long text to the part that differs from another one."""
    return _differing_parts(text, other)[0]


def _count_equal(one: str, other: str) -> int:
    """Return the number of equal characters at the start of two texts."""
    most = min(len(one), len(other))
    return bisect_left(range(most), 1, key=lambda n: one[: n + 1] != other[: n + 1])


def _cut_ends(text: str, start: int, end: int) -> str:
    """Return a text without some characters at its start and its end."""
    middle = text[start : len(text) - end]
    if len(middle) > LONGEST:
        half = LONGEST // 2
        skipped = len(middle) - 2 * half
        middle = f"{middle[:half]}… {skipped:,}{CUT}{middle[-half:]}"
    return f"{'…' * (start > 0)}{middle}{'…' * (end > 0)}"

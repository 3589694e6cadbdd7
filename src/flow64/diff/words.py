"""Changes in one line: the path, and both values with what differs in them."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final, TypeAlias

from ..analysis.costs import describe_cost
from ..definition import MASK, VALUE_KEY
from ..secrets import mask
from ..text import truncate
from .compare import Change
from .facts import ANY, MISSING, UNKNOWN, Item, Marker, Part, Path

ARROW: Final = " → "
LONGEST: Final = 70
"""The most characters of a text that is shown whole beside another one."""
MOST_TEXT: Final = 200
"""The most characters of a value, or of a place in it, that are shown."""
MOST_PLACES: Final = 8
"""The most places of a long text that are shown."""
MOST_NAME: Final = 80
_CONTEXT: Final = 16

_PLAIN: Final = re.compile(r"[\w/-]+(?: \d+)?")


def format_path(path: Path) -> str:
    """Return the parts of a path in one line. What could be misread is quoted."""
    text = ""
    for part in path:
        if isinstance(part, Item):
            text += f"[{format_name(part.name)}]"
        else:
            text += f"{'.' * bool(text)}{format_name(part)}"
    return text


def format_name(name: Part | int) -> str:
    """Return a name as it is, or quoted if it could be misread."""
    text = truncate(mask(str(name)), MOST_NAME)
    is_plain = isinstance(name, int | Item) or _PLAIN.fullmatch(text)
    return text if is_plain else _quote(text)


def format_change(change: Change) -> str:
    """Return both values of a change, or the one that is there."""
    sides = [change.before, change.after]
    if change.default is not MISSING:
        unset = f"unset (default {change.default})"
        texts = [unset if side is MISSING else format_value(side) for side in sides]
        return ARROW.join(texts)
    there = [side for side in sides if side is not MISSING]
    if len(there) == 1:
        return format_value(there[0])
    secrets = [side for side in sides if isinstance(side, dict) and side.get("secret")]
    if MASK in sides and secrets:
        return f"secret {format_name(str(secrets[0].get(VALUE_KEY)))} differs"
    texts = [_as_text(side) for side in sides]
    is_long = all(len(text) > LONGEST for text in texts)
    values = [format_value(side) for side in sides]
    if is_long and texts[0] != texts[1]:
        return _format_places(*texts)
    # Two keys look the same, since both are masked.
    return f"{values[0]} (differs)" if values[0] == values[1] else ARROW.join(values)


def format_value(value: Any) -> str:
    """Return a value as JSON. A long one is cut, with its length."""
    if isinstance(value, dict) and isinstance(value.get(VALUE_KEY), str):
        secret = ", secret=True" if value.get("secret") is True else ""
        return f"value({_quote(value[VALUE_KEY])}{secret})"
    text = _as_text(value)
    if (more := len(text) - MOST_TEXT) <= 0:
        return _quote(text) if isinstance(value, str) else text
    start = f"{text[:MOST_TEXT]}…"
    start = _quote(start) if isinstance(value, str) else start
    return f"{start} ({more:,} characters more)"


def format_finding(change: Change) -> str:
    """Return the severity, code and block of a finding, such as `error[cycle] a`."""
    _, code, block = change.path
    value = change.before if change.after is MISSING else change.after
    severity, _, times = str(value).partition(" ")
    name = block and format_name(block)
    return " ".join(filter(None, (f"{severity}[{code}]", times, name)))


def format_cost(cost: Mapping[str, Any] | None) -> str:
    """Return the cost of 1,000 rows, as `Cost.as_data` gives it, in words."""
    return "nothing" if cost is None else describe_cost(cost, format_name)


def format_type(value: Any) -> str:
    """Return the type of a column."""
    return "untyped" if value is None else truncate(_as_text(value), MOST_NAME)


def format_column(name: Part, value: Any) -> str:
    """Return a column with its type."""
    if name == ANY:
        return "any others"
    is_typed = value is not None and value is not UNKNOWN
    return format_name(name) + f" ({format_type(value)})" * is_typed


def _as_text(value: Any) -> str:
    if isinstance(value, Marker):
        return str(value.value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return mask(text)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


# -- Long texts ------------------------------------------------------------------------

_Span: TypeAlias = tuple[int, int]
"""The first character of a place in a text, and the one behind its last."""


def _format_places(old: str, new: str) -> str:
    """Return each place where two long texts differ, with some words around it."""
    places = [*_find_places(old, new)]
    excerpts = [
        ARROW.join((_cut_out(old, *before), _cut_out(new, *after)))
        for before, after in places[:MOST_PLACES]
    ]
    if (more := len(places) - MOST_PLACES) > 0:
        excerpts.append(f"{more:,} places more")
    return "; ".join(excerpts)


def _cut_out(text: str, start: int, end: int) -> str:
    first = max(0, start - _CONTEXT)
    first = max(first, text.find(" ", first, start - 1) + 1 if first else 0)
    last = min(len(text), end + _CONTEXT)
    last = max(text.rfind(" ", end, last), end) if last < len(text) else last
    more = end - start - MOST_TEXT
    head = "…" * (first > 0)
    if more > 0:
        excerpt = f"{head}{text[first : start + MOST_TEXT]}…"
        return f"{_quote(excerpt)} ({more:,} characters more)"
    return _quote(f"{head}{text[first:last]}{'…' * (last < len(text))}")


def _find_places(old: str, new: str) -> Iterator[tuple[_Span, _Span]]:
    """Yield the places where two texts differ. It takes linear time.

    Words that each text has once, in the same order, are the same. What stands between
    two of these is compared from both ends.
    """
    olds, news = _find_single_words(old), _find_single_words(new)
    both = [word for word in olds if word in news]
    rise = _find_longest_rise([news[word] for word in both])
    same = [(olds[w], news[w], len(w)) for w in both if news[w] in rise]
    old_at = new_at = 0
    for old_end, new_end, length in [*same, (len(old), len(new), 0)]:
        ours, theirs = old[old_at:old_end], new[new_at:new_end]
        if ours != theirs:
            head = count_common(ours, theirs)
            tail = count_common(ours[head:][::-1], theirs[head:][::-1])
            yield (old_at + head, old_end - tail), (new_at + head, new_end - tail)
        old_at, new_at = old_end + length, new_end + length


def _find_single_words(text: str) -> dict[str, int]:
    """Return the places of the words that a text has once."""
    words = [(match[0], match.start()) for match in re.finditer(r"\S+", text)]
    counts = Counter(word for word, _ in words)
    return {word: at for word, at in words if counts[word] == 1}


def _find_longest_rise(numbers: Sequence[int]) -> set[int]:
    """Return the most of some distinct numbers that rise in their order."""
    ends: list[int] = []  # the last number of the best run of each length
    previous: dict[int, int | None] = {}
    for number in numbers:
        at = bisect_left(ends, number)
        previous[number] = ends[at - 1] if at else None
        ends[at : at + 1] = [number]
    rise: set[int] = set()
    last = ends[-1] if ends else None
    while last is not None:
        rise.add(last)
        last = previous[last]
    return rise


def count_common(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many items two sequences begin with in common."""
    pairs = zip(old, new, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

"""Bound the time of an untrusted regular expression before it is used.

Python's `re` cannot be stopped. So each pattern is analysed first: a text of n
characters takes at most `ways * n ** degree` attempts, or the pattern is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

LONGEST: Final = 1000
"""Characters of the longest pattern that is looked at."""


class Effort(NamedTuple):
    """At most `ways * n ** degree` attempts for a text of n characters."""

    degree: int
    ways: int

    def of(self, text: str) -> int:
        """Return the attempts that a text may take."""
        return int(self.ways * (len(text) + 1) ** self.degree)


@lru_cache(maxsize=1024)
def effort_of(pattern: str) -> Effort | None:
    """Return the effort of searching for a pattern; None if no small bound is found.

    Raises:
        re.error: It is not a regular expression that Python knows.
    """
    if len(pattern) > LONGEST:
        return None
    re.compile(pattern)
    tokens = [found[0] for found in _TOKEN.finditer(pattern)]
    effort = _group(iter(tokens)).effort
    if effort is None:
        return None
    is_anchored = tokens[:1] in (["^"], [r"\A"]) and "|" not in tokens
    # Else it is tried at each character of the text.
    return effort if is_anchored else _bound(effort.degree + 1, effort.ways)


class _Element(NamedTuple):
    """An element of a pattern: a character or a group, with how often it may repeat.

    Attributes:
        source: The character, escape or class; empty for a group.
        effort: Of matching it from a given place on.
        body: The parts of a group that has no alternatives.
    """

    source: str
    effort: Effort | None
    body: Sequence[_Element] = ()


_DEGREE: Final = 4
_WAYS: Final = 1000
_FEW: Final = 8
_ONE: Final = Effort(0, 1)

_TOKEN: Final = re.compile(
    r"""\\.                                     # an escape
    | \[\^?\]?(?:\\.|[^\]\\])*+\]?              # a class of characters
    | \((?:\?(?:[:=!]|<[=!]|P<\w+>))?           # the beginning of a group
    | (?:[*+?]|\{(?=[\d,])\d*,?\d*\})[?+]?      # how often
    | .                                         # a character, also ) and |
    """,
    re.DOTALL | re.VERBOSE,
)
_BACK_REFERENCE: Final = re.compile(r"\\[1-9]")
_COUNT: Final = re.compile(r"\{(\d*)(,?)(\d*)\}")
_PLAIN: Final = re.compile(r"[^.^$\\\[]|\\\W")


def _group(tokens: Iterator[str]) -> _Element:
    """Parse elements up to the end of a group, or of the pattern."""
    branches: list[list[_Element]] = [[]]
    for sign in tokens:
        if sign == ")":
            break
        if sign == "|":
            branches.append([])
        elif sign[0] == "(":
            branches[-1].append(_group(tokens))
        elif sign[0] in "*+?" or (sign[0] == "{" and len(sign) > 1):
            # A `?` with nothing before it begins a form of group not looked into.
            before = branches[-1].pop() if branches[-1] else _Element("", None)
            branches[-1].append(_repeat(before, *_counts(sign)))
        else:
            is_known = not _BACK_REFERENCE.match(sign)
            branches[-1].append(_Element(sign, _ONE if is_known else None))
    body = branches[0] if len(branches) == 1 else ()
    return _Element("", _any_of(map(_all_of, branches)), body)


def _counts(token: str) -> tuple[int, int | None]:
    """Return the least and the most repetitions; None for any number."""
    if token[0] in "*+?":
        return int(token[0] == "+"), 1 if token[0] == "?" else None
    low, comma, high = _COUNT.findall(token)[0]
    if not comma:
        return int(low), int(low)
    return int(low or 0), int(high) if high else None


def _repeat(part: _Element, low: int, high: int | None) -> _Element:
    effort, is_group = part.effort, not part.source
    if effort is None or (low == high and not is_group):
        return part
    # A group may match nothing, so that its turns are bounded by no text.
    turns = max(low, 1) if is_group else 1
    if high is not None and high <= _FEW:
        ways = effort.ways**high * (high - low + 1)
        effort = _bound(effort.degree * high, ways * turns)
    elif effort == _ONE or _is_delimited(part.body):
        is_fixed = low == high and effort == _ONE
        effort = _bound(int(not is_fixed), turns)
    else:
        effort = None  # as in (a+)+, which takes exponential time
    return part._replace(effort=effort, body=())


def _is_delimited(body: Sequence[_Element]) -> bool:
    """Return True if a single character shows where each repetition begins or ends.

    An example is `(-[a-z]+)*`: with one part of varying length, each repetition can
    match in only one way.
    """
    if not body or not all(part.source for part in body):
        return False
    if sum(part.effort != _ONE for part in body) > 1:
        return False
    for mark, *others in (body, body[::-1]):
        if mark.effort == _ONE and _PLAIN.fullmatch(mark.source):
            sign = mark.source[-1]
            if not any(re.fullmatch(part.source, sign) for part in others):
                return True
    return False


def _all_of(parts: Iterable[_Element]) -> Effort | None:
    """Return the effort of parts one after the other."""
    degree, ways = 0, 1
    for _, effort, _ in parts:
        if effort is None:
            return None
        degree, ways = degree + effort.degree, min(ways * effort.ways, _WAYS + 1)
    return _bound(degree, ways)


def _any_of(branches: Iterable[Effort | None]) -> Effort | None:
    """Return the effort of alternatives."""
    degree, ways = 0, 0
    for effort in branches:
        if effort is None:
            return None
        degree, ways = max(degree, effort.degree), ways + effort.ways
    return _bound(degree, ways)


def _bound(degree: int, ways: int) -> Effort | None:
    return Effort(degree, ways) if degree <= _DEGREE and ways <= _WAYS else None

"""Selecting workflows by globs over their key paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, TypeVar

from attrs import frozen

from ..errors import did_you_mean
from ._errors import AddressError
from ._source_names import list_names

T = TypeVar("T")

MOST_VARIANTS: Final = 5
"""Maximum variants of one workflow that a message lists."""

GLOB_SIGNS: Final = frozenset("*?[")


def is_glob(pattern: str) -> bool:
    """Return True if a key is a pattern that may match several workflows."""
    return not GLOB_SIGNS.isdisjoint(pattern)


def matches(pattern: str, name: str) -> bool:
    """Return True if a pattern matches a key path.

    `*` matches any text, with slashes too. `?` matches one character, and `[ab]` one of
    these. A pattern without them matches only itself.

    >>> matches("leads/*", "leads/us/smb"), matches("leads/*", "leads")
    (True, False)
    """
    return pattern == name or (is_glob(pattern) and fnmatchcase(name, pattern))


@frozen
class Selection:
    """The workflows of a source that a command works on. By default all of them.

    Attributes:
        select: Patterns of key paths. If there are any, other workflows are left out.
        exclude: Patterns of key paths to leave out.
        is_changed: Whether to leave out workflows that are deployed as the code has
            them. A client finds these: see `select_changed`.
    """

    select: Sequence[str] = ()
    exclude: Sequence[str] = ()
    is_changed: bool = False

    def __bool__(self) -> bool:
        """Return True if it may leave out workflows."""
        return bool(self.select or self.exclude or self.is_changed)

    def pick(
        self, place: str, items: Sequence[T], names_of: Callable[[T], Sequence[str]]
    ) -> Sequence[T]:
        """Return the items that the patterns select, in their order.

        Args:
            place: Where the items are, for errors.
            items: The workflows.
            names_of: Returns the names of one workflow. A pattern may match any.

        Raises:
            AddressError: A pattern matches nothing, or nothing is left.
        """
        named = [(item, names_of(item)) for item in items]
        known = [names[0] for _, names in named if names]
        for option, pattern in self._list_patterns():
            if not any(_match_any([pattern], names) for _, names in named):
                problem = (
                    f"{place} holds no workflow {describe_no_match(pattern, known)}"
                )
                if pattern.startswith("state:"):
                    problem += "; --changed selects what differs from its last deploy"
                raise AddressError(f"{option}: {problem}")
        kept = [
            item
            for item, names in named
            if (not self.select or _match_any(self.select, names))
            and not _match_any(self.exclude, names)
        ]
        if self.exclude and not kept:
            left = " ".join(f"--exclude {one}" for one in self.exclude)
            raise AddressError(f"nothing is left of {place} after {left}")
        return kept

    def _list_patterns(self) -> Iterator[tuple[str, str]]:
        yield from (("--select", pattern) for pattern in self.select)
        yield from (("--exclude", pattern) for pattern in self.exclude)


EVERYTHING: Final = Selection()


def suggest_keys(known: Sequence[str]) -> Sequence[str]:
    """Return known keys, and a pattern for each workflow with several variants."""
    heads = Counter(name.partition("/")[0] for name in known if "/" in name)
    return [*known, *(f"{head}/*" for head, count in heads.items() if count > 1)]


def list_keys(known: Sequence[str]) -> str:
    """List known keys. Many variants of one workflow become a pattern and a count."""
    return list_names(
        [
            pattern if pattern in known else f"{pattern} ({count})"
            for pattern, count in list_patterns(known).items()
        ]
    )


def list_patterns(known: Sequence[str]) -> Mapping[str, int]:
    """Return known keys, with a pattern for many variants, and how many each means."""
    heads = Counter(name.partition("/")[0] for name in known if "/" in name)
    found = Counter[str]()
    for name in known:
        head, slash, _ = name.partition("/")
        found[f"{head}/*" if slash and heads[head] > MOST_VARIANTS else name] += 1
    return found


def suggest_variant(word: str, known: Sequence[str]) -> str:
    """Return ` (did you mean 'leads/us'?)` if one known key ends in the word."""
    ends = [name for name in known if name.endswith(f"/{word}")]
    return f" (did you mean {ends[0]!r}?)" if len(ends) == 1 else ""


def describe_no_match(pattern: str, known: Sequence[str]) -> str:
    """Describe a key or a pattern that matches none of the known keys."""
    if variants := [name for name in known if name.startswith(f"{pattern}/")]:
        meant = variants[0] if len(variants) == 1 else f"{pattern}/*"
        near = f" (did you mean {meant!r}?)"
    else:
        near = suggest_variant(pattern, known) or did_you_mean(
            pattern, suggest_keys(known)
        )
    there = f"it holds {list_keys(known)}" if known else "it holds none"
    return f"{pattern!r}{near}; {there}"


def _match_any(patterns: Sequence[str], names: Sequence[str]) -> bool:
    return any(matches(pattern, name) for pattern in patterns for name in names)

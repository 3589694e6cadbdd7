"""The `was=` to write where ids are lost: what something was called before.

Ids are hashes of names, so an old name is guessed: from the earlier side if it is code,
from the names that are there now, and from those that the caller gives. A guess counts
only if it makes the old id.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import (
    combinations,
    combinations_with_replacement,
    islice,
    product,
)
from typing import Any, Final, Literal, TypeAlias, TypeVar
from unicodedata import normalize

from attrs import evolve, frozen

from ..definition import (
    DEFAULT_ENV,
    Definition,
    JoinedEdges,
    Tag,
    canonical_id,
    drop_env,
    environment_in,
    escape_was,
    genuine_stamp,
    id_of,
    parse_path,
    path_of,
    write_old_keys,
    write_old_path,
)
from .compare import match_blocks

Level: TypeAlias = Literal[
    "environment", "project", "workflow", "variant", "scope", "block", "pins"
]
"""What gets the argument. `pins` name ids of blocks whose old names are unknown."""

Keys: TypeAlias = tuple[str, ...]
"""The scopes of a block and its key, or those of a scope."""

K = TypeVar("K", bound=Hashable)

ALIKE: Final = 0.5
"""Least share of blocks that two workflows have in common, from 0 to 1."""

MOST_GUESSES: Final = 20_000
"""Most paths that are tried for the blocks of a workflow."""


@frozen
class Advice:
    """An argument of the code that keeps ids.

    Attributes:
        level: What gets it.
        name: The present name of that; for a scope or a block, its path below the
            workflow.
        was: The text of `was=`; None for a variant that was none; pins by block.
    """

    level: Level
    name: str
    was: Any

    def __str__(self) -> str:
        was = json.dumps(self.was, ensure_ascii=False) if self.was is not None else None
        if self.level == "pins":
            return f'pins={{"blocks": {was}}} in Workflow(...)'
        if self.level == "variant":
            return f'was={{"{self.name}": {was}}} in variants(...)'
        return f"was={was} in {self.level} {self.name}"


def find_path(definition: Definition) -> str:
    """Return the path of a workflow in code or of its genuine stamp; empty if none."""
    stamp = genuine_stamp(definition.stamp, definition.id)
    path = definition.path or (stamp.path if stamp else "")
    return path if "/workflow:" in path else ""


def cut_owner(path: str) -> str:
    """Return a path below its project and environment."""
    return path.partition("/workflow:")[2].partition("/pin:")[0] or path


def is_one_path(first: Definition, second: Definition) -> bool:
    """Whether two workflows have the same keys below their projects."""
    return cut_owner(find_path(first)) == cut_owner(find_path(second))


def advise(
    before: Definition,
    after: Definition,
    *,
    env: str | None = None,
    names: Iterable[str] = (),
) -> Sequence[Advice]:
    """Return what keeps the ids of a workflow, the highest level first.

    Args:
        before: The earlier side.
        after: The later side. There is advice for code alone.
        env: The present name of the environment, if it may have had another one.
        names: Names that blocks and scopes may have had.
    """
    old = find_path(before)
    if not old or after.path is None or not find_path(after):
        return []
    return [
        *_advise_path(after.path, after.present, old, env),
        *_advise_blocks(before, after, drop_env(old), names),
    ]


# -- Workflows and what they belong to -------------------------------------------------


def _advise_path(
    path: str, present: Sequence[tuple[Tag, str]], old: str, env: str | None
) -> Iterator[Advice]:
    """Yield advice for two paths of a workflow, by what it is called now."""
    present = parse_path(path_of(present) if present else path)  # in NFC
    names = dict(present)
    ours, theirs = dict(parse_path(path)), dict(parse_path(old))
    both = ours["ns"], theirs["ns"], ours.get("project"), theirs.get("project")
    if None not in both and (both[0] != both[1] or both[2] != both[3]):
        namespace = escape_was(theirs["ns"]).replace("%2F", "/")
        was = f"{namespace}/{escape_was(theirs['project'])}"
        yield Advice("project", names["project"], was)
    if env is not None and ours.get("env") != theirs.get("env"):
        yield Advice("environment", env, theirs.get("env", DEFAULT_ENV))
    (key, *variant), (old_key, *olds) = (
        [pair for pair in parse_path(each) if pair[0] in _BELOW] for each in (path, old)
    )
    shown = [pair for pair in present if pair[0] in _BELOW[1:]]
    write = write_old_path
    # Before those of its variant, a path may have names of `was=` of the workflow.
    start = max(len(variant) - len(shown), 0) if shown else None
    if any(tag == "axis" for tag, _ in shown):
        start = 0
        if variant != olds:
            yield Advice("variant", write(shown), write(olds) or None)
    else:
        for at, (_, name) in enumerate(shown, start or 0):
            end = at + 1 if at + 1 < len(shown) + (start or 0) else None
            if variant[at:end] != olds[at:end]:
                yield Advice("variant", name, write(olds[at:end]) or None)
    if key != old_key or variant[:start] != olds[:start]:
        was = write([old_key, *olds[:start]])
        yield Advice("workflow", names["workflow"], was)


def drop_harmful(
    advice: Mapping[str, Sequence[Advice]], kept: Iterable[str]
) -> Mapping[str, Sequence[Advice]]:
    """Return advice without that by which others would lose their ids.

    Args:
        advice: That for each workflow, by its path.
        kept: Paths of others, which keep their ids without advice.
    """
    names = {path: {(i.level, i.name) for i in items} for path, items in advice.items()}
    names |= {path: set() for path in kept}
    others = [(drop_env(p), environment_in(p), own) for p, own in names.items()]

    @cache
    def has_others(level: Level, name: str, above: str, env: str | None) -> bool:
        return any(
            path.startswith(above)
            and env in (None, other_env)
            and (level, name) not in own
            for path, other_env, own in others
        )

    def is_harmful(item: Advice, path: str) -> bool:
        if item.level == "environment":
            return has_others(item.level, item.name, "", environment_in(path))
        ends = {"project": "workflow:", "workflow": "(axis|variant):"}
        end = ends.get(item.level, "$")
        above = re.split(f"(?<=/){end}", drop_env(path), maxsplit=1)[0]
        return above.endswith("/") and has_others(item.level, item.name, above, None)

    return {
        path: () if any(is_harmful(item, path) for item in items) else items
        for path, items in advice.items()
    }


_BELOW: Final = ("workflow", "axis", "variant")


def match_alike(
    new: Mapping[K, Definition], gone: Mapping[K, Definition]
) -> Mapping[K, K]:
    """Return the lost workflow that each new one is most like, if it is at all.

    Blocks count by their specs, and half if only their kinds are the same.
    """
    profiles = {key: _profile(definition) for key, definition in gone.items()}
    by_mark: dict[str, list[K]] = defaultdict(list)
    for key, profile in profiles.items():
        for mark in profile:
            by_mark[mark].append(key)
    ranked: list[tuple[tuple[int, float, int], K, K]] = []
    for key, definition in new.items():
        profile = _profile(definition)
        near = (other for mark in profile for other in by_mark[mark][:_MOST_NEAR])
        for other in dict.fromkeys(near):
            common = profile & profiles[other]
            is_path, is_title = (common.pop(m, 0) for m in _name_marks(definition))
            most = max(len(definition.blocks), len(gone[other].blocks), 1)
            if (share := common.total() / 2 / most) >= ALIKE:
                ranked.append(((is_path, share, is_title), key, other))
    pairs: dict[K, K] = {}
    free = {*gone}
    for _, key, other in sorted(ranked, key=lambda item: item[0], reverse=True):
        if key not in pairs and other in free:
            pairs[key] = other
            free.remove(other)
    return pairs


_MOST_NEAR: Final = 50
"""Most lost workflows with the same path, title or block that are compared whole."""


def _name_marks(definition: Definition) -> tuple[str, str]:
    return f"path {cut_owner(find_path(definition))}", f"title {definition.name}"


def _profile(definition: Definition) -> Counter[str]:
    """Return what two workflows that are alike have in common."""
    blocks = [f"{b.kind} {sorted(b.specs.items())!r}" for b in definition.blocks]
    kinds = [block.kind for block in definition.blocks]
    return Counter([*_name_marks(definition), *blocks, *kinds])


# -- Scopes and blocks -----------------------------------------------------------------


def _advise_blocks(
    before: Definition, after: Definition, above: str, names: Iterable[str]
) -> Iterator[Advice]:
    """Yield advice for the blocks that have other ids than before."""
    paths = [after.origins[at].path or "" for at in range(len(after.blocks))]
    if not all(paths):
        return
    shown = [*map(_split_keys, paths)]
    levels = [_find_levels(after, at) for at in range(len(after.blocks))]
    now = [keys[-1] for keys in levels]
    after = _rebase(after, now, above)
    ids = [{canonical_id(b.id) for b in side.blocks} for side in (before, after)]
    if ids[0] <= ids[1] or ids[1] <= ids[0]:  # nothing came where something went
        return
    pairs = match_blocks(before, after)
    lost = {
        canonical_id(before.blocks[old].id): new
        for old, new in pairs.items()
        if canonical_id(before.blocks[old].id) != canonical_id(after.blocks[new].id)
    }
    olds = {new: now[new] for new in pairs.values() if new not in lost.values()}
    there = (keys[at] for at in lost.values() for keys in (shown, now))
    for keys in islice(_guess(before, there, names), MOST_GUESSES):
        at = lost.get(_id(above, keys), -1)
        if at >= 0:
            olds.setdefault(at, tuple(normalize("NFC", key) for key in keys))
        if len(olds) == len(pairs):
            break
    yield from _lay_out(paths, levels, olds) or ()
    pins = {paths[at]: block_id for block_id, at in lost.items() if at not in olds}
    if pins:
        yield Advice("pins", "", pins)


def _split_keys(path: str) -> Keys:
    return tuple(key.replace("%2F", "/") for key in path.split("/"))


def _find_levels(definition: Definition, at: int) -> Sequence[Keys]:
    """Return the keys that ids are made of: of the scopes of a block, and its own.

    If these are unknown, the keys are those that are shown.
    """
    origin = definition.origins[at]
    if not origin.levels:
        shown = _split_keys(origin.path or "")
        return [shown[:depth] for depth in range(1, len(shown) + 1)]
    parsed = map(parse_path, origin.levels)  # those of scopes end in a slash
    return [tuple(key for tag, key in path if tag) for path in parsed]


def _id(above: str, keys: Keys) -> str:
    segments: list[tuple[Tag, str]] = [("scope", key) for key in keys[:-1]]
    return id_of(f"{above}/{path_of([*segments, ('block', keys[-1])])}")


def _rebase(after: Definition, now: Sequence[Keys], above: str) -> Definition:
    """Return a definition with the ids that its blocks would have at another path."""
    own = drop_env(after.path or "")
    if own == above:
        return after
    blocks = tuple(
        block._replace(id=_id(above, keys)) if block.id == _id(own, keys) else block
        for block, keys in zip(after.blocks, now, strict=True)
    )
    return evolve(after, blocks=blocks, edges=JoinedEdges(blocks, after.topology))


def _guess(
    before: Definition, there: Iterable[Keys], names: Iterable[str]
) -> Iterator[Keys]:
    """Yield keys that blocks may have had: the likely ones first.

    They are those of the earlier side, and present ones with another key, without some
    scopes, or with one more or another scope.
    """
    for at in range(len(before.blocks)):
        if before.origins[at].path:
            yield _find_levels(before, at)[-1]
    there = dict.fromkeys(there)
    kinds = [block.kind for block in before.blocks]
    words = dict.fromkeys([*kinds, *(name for keys in there for name in keys), *names])
    for keys in there:
        for first, last in combinations(range(len(keys)), 2):
            yield (*keys[:first], *keys[last:])
    for word, keys in product(words, there):
        for first, last in combinations_with_replacement(range(len(keys)), 2):
            yield (*keys[:first], *keys[last:-1], word)
        for at in range(len(keys)):
            yield (*keys[:at], word, *keys[at:])
            yield (*keys[:at], word, *keys[at + 1 :])


def _lay_out(
    paths: Sequence[str],
    levels: Sequence[Sequence[Keys]],
    olds: Mapping[int, Keys],
    *,
    is_folded: bool = True,
) -> list[Advice] | None:
    """Return advice for scopes and blocks; None if two blocks would have one id.

    Args:
        paths: The path of each block, by its keys in the code.
        levels: Those that ids are made of: of the scopes of each block, and its own.
        olds: Those that its id was made of, as far as they are known.
        is_folded: Whether the scope of some blocks gets the advice in their place.
    """
    advice: list[Advice] = []
    scopes: dict[Keys, tuple[Keys, Keys]] = {(): ((), ())}  # each now, and before
    shown = [tuple(path.split("/")) for path in paths]
    for position, keys in enumerate(shown):
        for depth in range(1, len(keys)):
            scope, around = keys[:depth], scopes[keys[: depth - 1]]
            if scope in scopes:
                continue
            here = levels[position][depth - 1]
            expected = _move(here, *around)
            votes = Counter({expected: 0})  # the first of equals is taken
            for at, old in olds.items() if is_folded else ():
                inner, is_inside = levels[at][-1], shown[at][:depth] == scope
                end = len(old) - len(inner) + len(here)
                if is_inside and end >= 0 and old[end:] == inner[len(here) :]:
                    votes[old[:end]] += 1
            old = votes.most_common(1)[0][0]
            scopes[scope] = here, old
            if old != expected:
                was = write_old_keys(old, around[1])
                advice.append(Advice("scope", "/".join(scope), was))
    moved = [
        _move(own[-1], *scopes[keys[:-1]])
        for own, keys in zip(levels, shown, strict=True)
    ]
    for at, old in sorted(olds.items()):
        if old != moved[at]:
            was = write_old_keys(old, scopes[shown[at][:-1]][1])
            advice.append(Advice("block", paths[at], was))
            moved[at] = old
    if len({*moved}) < len(moved):
        return _lay_out(paths, levels, olds, is_folded=False) if is_folded else None
    return advice


def _move(keys: Keys, here: Keys, old: Keys) -> Keys:
    """Return keys after the scope around them has moved to its old keys."""
    is_inside = keys[: len(here)] == here and len(keys) - len(here) < 2
    return (*old, *keys[len(here) :]) if is_inside else keys

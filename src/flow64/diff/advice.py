"""The `was=` to write where ids are lost: what something was called before.

An id does not show the names that it was made of. So old names are guessed: those of
the earlier side if it is code, the names that are there now, and those that the caller
gives. A guess counts only if it makes the old id. For a block without such a guess, the
advice is a pin.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, combinations_with_replacement, islice, product
from typing import Any, Final, Literal, TypeAlias, TypeVar
from unicodedata import normalize

from attrs import evolve, frozen

from ..definition import (
    DEFAULT_ENV,
    Definition,
    Origin,
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
"""Most keys that are tried for the blocks of a workflow."""


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


def advise(
    before: Definition,
    after: Definition,
    *,
    env: str | None = None,
    names: Iterable[str] = (),
) -> tuple[Advice, ...]:
    """Return what keeps the ids of a workflow, the highest level first.

    Args:
        before: The earlier side.
        after: The later side. There is advice for code alone.
        env: The present name of the environment, if it may have had another one.
        names: Names that blocks and scopes may have had.
    """
    old = find_path(before)
    if not old or after.path is None or not find_path(after):
        return ()
    if canonical_id(before.id or "") == canonical_id(after.id or ""):  # maybe by a pin
        old = find_path(after)
    above = _advise_path(after, old, env)
    blocks = _advise_blocks(before, after, drop_env(old), names)
    return () if above is None else (*above, *blocks)


def advise_all(
    pairs: Mapping[K, tuple[Definition, Definition]],
    kept: Iterable[str],
    *,
    env: str | None = None,
    list_names: Callable[[K], Iterable[str]] = lambda _: (),
) -> Mapping[K, tuple[Advice, ...]]:
    """Return what keeps the ids of several workflows, without contradictions.

    An environment, a project and a workflow with variants have one `was=` for all that
    belongs to them. What needs another one than its neighbours gets no advice.

    Args:
        pairs: Both sides of each workflow.
        kept: Paths of others, which have their ids without advice.
        env: See `advise`.
        list_names: Lists names that blocks and scopes of a workflow may have had.
    """
    advice = {
        key: advise(*sides, env=env, names=list_names(key))
        for key, sides in pairs.items()
    }
    paths = {key: find_path(after) for key, (_, after) in pairs.items()}
    needs: dict[tuple[Level, str], set[Advice | None]] = defaultdict(set)
    every = [*((paths[key], advice[key]) for key in pairs), *((p, ()) for p in kept)]
    for path, items in every:
        own = {item.level: item for item in items}
        for level in _SHARED:
            needs[level, _find_owner(path, level)].add(own.get(level))
    return {
        key: items
        for key, items in advice.items()
        if all(len(needs[i.level, _find_owner(paths[key], i.level)]) < 2 for i in items)
    }


_SHARED: Final[Sequence[Level]] = ("environment", "project", "workflow")


def _find_owner(path: str, level: Level) -> str:
    """Return what has the `was=` of a level for a path, and maybe for others."""
    if level == "environment":
        return environment_in(path)
    project, _, below = drop_env(path).partition("/workflow:")
    workflow = f"{project} {below.partition('/')[0]}"
    return {"project": project, "workflow": workflow}.get(level, path)


# -- Workflows and what they belong to -------------------------------------------------


def _advise_path(after: Definition, old: str, env: str | None) -> list[Advice] | None:
    """Return advice for the path of a workflow; None if nothing keeps its id."""
    ours, theirs = parse_path(after.path or ""), parse_path(old)
    present = parse_path(path_of(after.present)) if after.present else ours  # in NFC
    names, now_in, before_in = dict(present), dict(ours), dict(theirs)
    advice: list[Advice] = []
    if any(now_in.get(tag) != before_in.get(tag) for tag in ("ns", "project")):
        if "project" not in names or "project" not in before_in:
            return None
        namespace = escape_was(before_in["ns"]).replace("%2F", "/")
        was = f"{namespace}/{escape_was(before_in['project'])}"
        advice.append(Advice("project", names["project"], was))
    if env is not None and now_in.get("env") != before_in.get("env"):
        advice.append(Advice("environment", env, before_in.get("env", DEFAULT_ENV)))
    (key, *variant), now, before = map(_list_names, (present, ours, theirs))
    count, is_axes = len(variant), all("=" in name for name in variant)
    if now == before:
        return advice
    if count > 1 and not is_axes:
        return None  # nothing tells which call of `variants` is meant
    # A path is that of the `Workflow`, up to `at`, and then that of its variant. The
    # first one is unknown if both have a `was=`.
    is_plain = now[len(now) - count :] == variant
    own = now[: len(now) - count] if is_plain else now[:1] if now[0] == key else []
    if variant and own and before[: len(own)] == own:
        at = len(own)
    elif is_plain and before[len(before) - count :] == variant:
        at = len(before) - count
    else:
        at = 1
    if not is_plain or before[at:] != variant:
        name = "/".join(variant) if is_axes else names["variant"]
        advice.append(Advice("variant", name, "/".join(before[at:]) or None))
    if before[:at] != own:
        advice.append(Advice("workflow", names["workflow"], "/".join(before[:at])))
    return advice


def _list_names(path: Sequence[tuple[Tag, str]]) -> list[str]:
    """Return the key of a workflow and the names of its variant, as `was=` has them."""
    below = (pair for pair in path if pair[0] in ("workflow", "axis", "variant"))
    return write_old_path(below).split("/")


def match_alike(
    new: Mapping[K, Definition], gone: Mapping[K, Definition]
) -> Mapping[K, K]:
    """Return the lost workflow that each new one is most like, if it is at all.

    Blocks count by their specs, and half if only their kinds are the same.
    """
    profiles = {key: _profile(definition) for key, definition in gone.items()}
    by_mark: dict[str, deque[K]] = defaultdict(deque)
    for key, profile in profiles.items():
        for mark in profile:
            by_mark[mark].append(key)
    ranked: list[tuple[tuple[int, float, int], K, K]] = []
    for key, definition in new.items():
        profile = _profile(definition)
        near = [other for m in profile for other in islice(by_mark[m], _MOST_NEAR)]
        for mark in profile:  # so that the next one is compared with others
            by_mark[mark].rotate(-1)
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


@frozen
class _Block:
    """A block of the code.

    Attributes:
        path: Its scopes and its key, as they are called in the code.
        levels: The keys that ids are made of: none, those of each of its scopes, and
            its own. With `was=` they are other ones than those of the path.
        old: The keys that its old id was made of; None if it is new, or they are
            unknown.
    """

    path: str
    levels: Sequence[Keys]
    old: Keys | None = None

    @property
    def own(self) -> Keys:
        return self.levels[-1]

    @property
    def scopes(self) -> list[str]:
        """The paths of its scopes, the outermost first."""
        return [*accumulate(self.path.split("/")[:-1], "{}/{}".format)]


def _advise_blocks(
    before: Definition, after: Definition, above: str, names: Iterable[str]
) -> Iterator[Advice]:
    """Yield advice for the blocks that have other ids than before.

    Args:
        before: The earlier side.
        after: The later side.
        above: The old path of the workflow, which it is to have again.
        names: Names that blocks and scopes may have had.
    """
    old_ids, new_ids = (
        {canonical_id(block.id) for block in side.blocks} for side in (before, after)
    )
    origins = [after.origins[at] for at in range(len(after.blocks))]
    if old_ids <= new_ids or not all(origin.path for origin in origins):
        return
    blocks = [_Block(origin.path or "", _read_levels(origin)) for origin in origins]
    path = drop_env(after.path or "")
    moved = {_id(path, block.own): _id(above, block.own) for block in blocks}
    lost: dict[str, int] = {}
    for old, new in match_blocks(before, after, moved).items():
        old_id = canonical_id(before.blocks[old].id)
        new_id = canonical_id(after.blocks[new].id)  # of a pinned block, it stays
        if old_id == moved.get(new_id, new_id):
            blocks[new] = evolve(blocks[new], old=blocks[new].own)
        else:
            lost[old_id] = new
    if not lost:
        return
    guesses = _guess(before, [blocks[at] for at in lost.values()], names)
    for keys in islice(guesses, MOST_GUESSES):
        if (at := lost.pop(_id(above, keys), None)) is not None:
            old_keys = tuple(normalize("NFC", key) for key in keys)
            blocks[at] = evolve(blocks[at], old=old_keys)
        if not lost:
            break
    yield from dict.fromkeys(_list_moves(blocks))
    if lost:
        pins = {blocks[at].path: block_id for block_id, at in lost.items()}
        yield Advice("pins", "", pins)


def _read_levels(origin: Origin) -> Sequence[Keys]:
    """Return `_Block.levels`. If they are unknown, they are taken from the path."""
    if not origin.levels:
        names = _read_path(origin.path or "")
        return [names[:depth] for depth in range(len(names) + 1)]
    paths = [parse_path(path) for path in origin.levels]  # of scopes with a last slash
    return [(), *(tuple(key for tag, key in path if tag) for path in paths)]


def _read_path(path: str) -> Keys:
    return tuple(name.replace("%2F", "/") for name in path.split("/"))


def _id(above: str, keys: Keys) -> str:
    segments: list[tuple[Tag, str]] = [("scope", key) for key in keys[:-1]]
    return id_of(f"{above}/{path_of([*segments, ('block', keys[-1])])}")


def _guess(
    before: Definition, lost: Sequence[_Block], names: Iterable[str]
) -> Iterator[Keys]:
    """Yield keys that lost blocks may have had, the likely ones first.

    They are those of the earlier side, if it is code. Then they are those of now, with
    some of them, in a row, left out or replaced by a word.
    """
    for at in range(len(before.blocks)):
        if before.origins[at].path:
            yield _read_levels(before.origins[at])[-1]
    there = dict.fromkeys(k for b in lost for k in (_read_path(b.path), b.own))
    kinds = (block.kind for block in before.blocks)
    words = dict.fromkeys([*kinds, *(key for keys in there for key in keys), *names])
    for word, keys in product([(), *((word,) for word in words)], there):
        for first, last in combinations_with_replacement(range(len(keys) + 1), 2):
            if guess := (*keys[:first], *word, *keys[last:]):
                yield guess


def _list_moves(blocks: Sequence[_Block]) -> Iterator[Advice]:
    """Yield advice for each block with an old id, or for a scope that explains it."""
    old_scopes = _find_old_scopes(blocks)
    for block in blocks:
        if block.old is None or block.old == block.own:
            continue
        for scope, around in zip(block.scopes, block.levels, strict=False):
            if scope in old_scopes:
                yield Advice("scope", scope, write_old_keys(old_scopes[scope], around))
                break
        else:
            was = write_old_keys(block.old, block.levels[-2])
            # An empty text is for scopes. From the workflow down, there is another one.
            was = was or write_old_keys(block.old, ("",))
            yield Advice("block", block.path, was)


def _find_old_scopes(blocks: Sequence[_Block]) -> Mapping[str, Keys]:
    """Return the old keys of scopes that give all blocks inside their old ids."""
    inside: dict[str, list[_Block]] = defaultdict(list)
    for block in blocks:
        for scope in block.scopes:
            inside[scope].append(block)
    taken = {block.old or block.own for block in blocks}
    old_scopes: dict[str, Keys] = {}
    for scope, members in inside.items():
        here = members[0].levels[scope.count("/") + 1]
        moved = (b for b in members if b.old not in (None, b.own))
        if (sample := next(moved, None)) and sample.old:
            there = sample.old[: len(here) - len(sample.own)]
            every = ((b.old, _shift(b.own, here, there)) for b in members)
            if all(keys == old if old else keys not in taken for old, keys in every):
                old_scopes[scope] = there
    return old_scopes


def _shift(keys: Keys, here: Keys, there: Keys) -> Keys:
    """Return keys after the scope around them got other keys."""
    return (*there, *keys[len(here) :]) if keys[: len(here)] == here else keys

"""Renames: workflows that a plan would create, although they may be there already.

A key, a variant, a project, a namespace or an environment may have another name now.
Then the workflow has another id, and the live one would stay behind.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final
from urllib.parse import unquote

from attrs import evolve, frozen

from ..definition import (
    Definition,
    ProjectKey,
    canonical_id,
    drop_env,
    environment_in,
    parse_path,
)
from .plan import Step
from .target import describe_owner, is_pin, owner_of

ALIKE: Final = 0.5
"""Least share of blocks that two workflows have in common, from 0 to 1."""


def hold_renames(
    steps: Sequence[Step],
    orphans: Sequence[Step],
    paths: Mapping[str, str],
    *,
    projects: Sequence[ProjectKey],
    environments: Collection[str] | None,
) -> list[Step]:
    """Let workflows that may be renamed ones be created by consent only.

    Args:
        steps: The steps of the plan.
        orphans: The steps of workflows that are no longer in the code.
        paths: The paths of live workflows that our code may have deployed, by id.
        projects: The projects of the plan.
        environments: Names of all environments. None takes every one as known.
    """

    def is_moved(path: str, other: str) -> bool:
        """Return True if a path may be that of the same workflow before a rename."""
        if owner_of(path) == owner_of(other) or is_pin(other):
            return False
        if drop_env(path) == drop_env(other):
            return (
                environments is not None and environment_in(other) not in environments
            )
        owners = {(project.namespace, project.key) for project in projects}
        segments = dict(parse_path(other))
        is_same_env = environment_in(path) == environment_in(other)
        owner = segments.get("ns", ""), segments.get("project", "")
        return is_same_env and owner not in owners

    by_tail: dict[str, list[str]] = defaultdict(list)
    for path in paths.values():
        by_tail[_tail(path)].append(path)
    renamed = _match_alike(steps, orphans)
    return [
        _hold_step(step, renamed.get(step.key), paths, by_tail, is_moved)
        if step.action == "create" and step.target is not None
        else step
        for step in steps
    ]


def _hold_step(
    step: Step,
    orphan: Step | None,
    paths: Mapping[str, str],
    by_tail: Mapping[str, Sequence[str]],
    is_moved: Callable[[str, str], bool],
) -> Step:
    """Return the step of a new workflow, which needs a consent if it may be there."""
    path = step.target.stamp.path if step.target else ""
    if orphan is not None:
        was = _find_was(path, paths[canonical_id(orphan.id)])
        remedy = "" if was is None else f"write was={json.dumps(was)} to keep it"
        return _hold(step, f"perhaps {orphan.key} under another key", remedy)
    elsewhere = [
        other for other in by_tail.get(_tail(path), ()) if is_moved(path, other)
    ]
    if not elsewhere:
        return step
    names = ", ".join(map(describe_owner, elsewhere[:3]))
    return _hold(step, f"also there as that of {names}", "take that name back")


def _tail(path: str) -> str:
    return path.partition("/workflow:")[2].partition("/pin:")[0] or path


def _hold(step: Step, note: str, remedy: str) -> Step:
    return evolve(step, needs=("create", *step.needs), note=note, remedy=remedy)


def _find_was(new: str, old: str) -> str | None:
    """Return the argument for `was=`. None if more than the key differs."""
    parts, others = new.split("/"), old.split("/")
    apart = [other for part, other in zip_longest(parts, others) if part != other]
    if len(apart) != 1:
        return None
    tag, _, name = (apart[0] or "").partition(":")
    return unquote(name) if tag == "workflow" else None


def _match_alike(steps: Iterable[Step], orphans: Sequence[Step]) -> Mapping[str, Step]:
    """Return the orphan that each new workflow is most like, if it is at all."""
    profiles = {orphan.key: (orphan, _Profile.of(orphan.before)) for orphan in orphans}
    by_content: dict[Any, list[str]] = defaultdict(list)
    for key, (_, profile) in profiles.items():
        for mark in (profile.name, *profile.blocks):
            by_content[mark].append(key)
    pairs: dict[str, Step] = {}
    for step in steps:
        if step.action != "create" or step.after is None:
            continue
        profile = _Profile.of(step.after)
        near = {
            key: None
            for mark in (profile.name, *profile.blocks)
            for key in by_content[mark][:_MOST_NEAR]
            if key in profiles
        }
        shares = {key: profile.share(profiles[key][1]) for key in near}
        best = max(shares, key=lambda key: shares[key], default=None)
        if best is not None and shares[best][0] >= ALIKE:
            pairs[step.key] = profiles.pop(best)[0]
    return pairs


_MOST_NEAR: Final = 50
"""Most orphans with the same block that are compared whole."""


@frozen
class _Profile:
    """The parts of a workflow that are compared. Ids are not."""

    name: str
    blocks: Counter[str]
    kinds: Counter[str]

    @classmethod
    def of(cls, definition: Definition | None) -> _Profile:
        blocks = () if definition is None else definition.blocks
        return cls(
            "" if definition is None else definition.name,
            Counter(f"{b.kind} {sorted(b.specs.items())!r}" for b in blocks),
            Counter(block.kind for block in blocks),
        )

    def share(self, other: _Profile) -> tuple[float, bool]:
        """Return how similar two are, from 0 to 1. Blocks of one kind count half."""
        most = max(self.blocks.total(), other.blocks.total(), 1)
        same = (self.blocks & other.blocks).total()
        like = (self.kinds & other.kinds).total() - same
        return (same + like / 2) / most, self.name == other.name

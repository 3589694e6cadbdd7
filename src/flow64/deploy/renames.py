"""Renames: workflows that a plan would create, although they may be there already.

A key, a variant, a project, a namespace or an environment may have another name now.
Then the workflow has another id, and the live one would stay behind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from attrs import evolve

from ..definition import Definition, ProjectKey, Stamp, environment_in, path_of
from ..diff import advice
from .plan import Need, Step
from .target import Target, describe_owner, is_pin, owner_of, owner_paths


def find_old_owners(
    steps: Iterable[Step],
    there: Iterable[str],
    projects: Sequence[ProjectKey],
    environments: Collection[str] | None,
) -> Mapping[str, Sequence[str]]:
    """Return what may be old names of a project or environment.

    Args:
        steps: The steps of the plan.
        there: The paths of live workflows that our code may have deployed.
        projects: The projects of the plan.
        environments: Names of all environments. None takes every one as known.

    Returns:
        For the path of a new workflow, each `owner_of` that has the same elsewhere.
    """
    by_tail: dict[str, list[str]] = defaultdict(list)
    for path in there:
        by_tail[advice.cut_owner(path)].append(path)
    owners: dict[str, list[str]] = defaultdict(list)
    for target in (step.target for step in steps if is_new(step) and step.target):
        path, names = target.stamp.path, path_of(target.definition.present)
        own_env = environment_in(path)
        ours = {owner_of(path), *owner_paths(projects, [own_env])}
        tails = {advice.cut_owner(path), advice.cut_owner(names)}  # `was=` may be wrong
        for other in (other for tail in sorted(tails) for other in by_tail[tail]):
            owner, env = owner_of(other), environment_in(other)
            is_moved = environments is not None and env not in environments
            if env == own_env:
                is_moved = owner not in ours
            if owner and is_moved and not is_pin(other):
                owners[path].append(owner)
    return owners


def hold_renames(
    steps: Iterable[Step],
    gone: Mapping[str, Definition],
    owners: Mapping[str, Sequence[str]],
    env: str,
    list_texts: Callable[[Target | None, Stamp | None], Iterable[str]],
    *,
    kept: Collection[str] = (),
) -> list[Step]:
    """Let workflows that may be renamed ones be created by consent only.

    Args:
        steps: The steps of the plan.
        gone: Workflows that are no longer in the code, by id.
        owners: The result of `find_old_owners`.
        env: The name of the environment.
        list_texts: Lists texts of the code that left a stamp.
        kept: The paths of live workflows that are still in the code.
    """
    new = {s.key: s for s in steps if is_new(s)}
    codes = {key: step.after for key, step in new.items() if step.after}
    pairs = advice.match_alike(codes, gone)
    remedies = advice.advise_all(
        {key: (gone[old], codes[key]) for key, old in pairs.items()},
        kept,
        env=env,
        list_names=lambda key: list_texts(new[key].target, gone[pairs[key]].stamp),
    )
    held: list[Step] = []
    for step in steps:
        note = ""
        if step.target and step.target.stamp.path in owners:
            names = map(describe_owner, owners[step.target.stamp.path][:3])
            note = f"also there as that of {', '.join(names)}"
        elif step.key in pairs:
            note = "perhaps renamed"
        if note:
            needs: tuple[Need, ...] = ("create", *step.needs)
            own = remedies.get(step.key, ())
            step = evolve(step, needs=needs, note=note, advice=own)  # noqa: PLW2901 - the step with what it needs
        held.append(step)
    return held


def is_new(step: Step) -> bool:
    """Return True for a step that creates a workflow of the code."""
    return step.action == "create" and step.target is not None

"""Renames: workflows that a plan would create, although they may be there already.

A key, a variant, a project, a namespace or an environment may have another name now.
Then the workflow has another id, and the live one would stay behind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from attrs import evolve

from ..definition import Definition, ProjectKey, Stamp, drop_env, environment_in
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
    for path in (s.target.stamp.path for s in steps if is_new(s) and s.target):
        own_env = environment_in(path)
        ours = {owner_of(path), *owner_paths(projects, [own_env])}
        for other in by_tail[advice.cut_owner(path)]:
            owner, env = owner_of(other), environment_in(other)
            is_moved = env == own_env and owner not in ours
            if drop_env(path) == drop_env(other):
                is_moved = environments is not None and env not in environments
            if owner and is_moved and not is_pin(other):
                owners[path].append(owner)
    return owners


def hold_renames(
    steps: Iterable[Step],
    gone: Mapping[str, tuple[str, Definition]],
    owners: Mapping[str, Sequence[str]],
    env: str,
    list_texts: Callable[[Target | None, Stamp | None], Iterable[str]],
    *,
    kept: Collection[str] = (),
) -> list[Step]:
    """Let workflows that may be renamed ones be created by consent only.

    Args:
        steps: The steps of the plan.
        gone: Workflows that are no longer in the code, each with a few words, by id.
        owners: The result of `find_old_owners`.
        env: The name of the environment.
        list_texts: Lists texts of the code that left a stamp.
        kept: The paths of live workflows that are still in the code.
    """
    new = {step.key: step.after for step in steps if is_new(step) and step.after}
    there = {workflow_id: definition for workflow_id, (_, definition) in gone.items()}
    pairs = advice.match_alike(new, there)
    held: list[Step] = []
    for step in steps:
        note, remedies = "", tuple[advice.Advice, ...]()
        if step.key in pairs and step.after is not None:
            note, before = gone[pairs[step.key]]
            texts = list_texts(step.target, before.stamp)
            remedies = tuple(advice.advise(before, step.after, env=env, names=texts))
        elif step.target and step.target.stamp.path in owners:
            names = map(describe_owner, owners[step.target.stamp.path][:3])
            note = f"also there as that of {', '.join(names)}"
        if note:
            needs: tuple[Need, ...] = ("create", *step.needs)
            step = evolve(step, needs=needs, note=note, advice=remedies)  # noqa: PLW2901 - the step with what it needs
        held.append(step)
    paths = {s.key: s.target.stamp.path for s in held if is_new(s) and s.target}
    own = {paths[s.key]: s.advice for s in held if s.key in paths and s.advice}
    useful = advice.drop_harmful(own, kept)
    return [
        evolve(s, advice=tuple(useful.get(paths.get(s.key, ""), s.advice)))
        for s in held
    ]


def is_new(step: Step) -> bool:
    """Return True for a step that creates a workflow of the code."""
    return step.action == "create" and step.target is not None

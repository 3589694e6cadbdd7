"""Collecting the workflows and projects of modules and files."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from attrs import evolve, frozen

from ..blocks import CATALOGUE
from ..definition import ProjectKey, Stamp, WireBlock, canonical_id, fingerprint
from ..diagnostics import Finding, Place
from ..dsl import Flow
from ..errors import CompileError, ManifestError, ReadError
from ..manifest import Entry, name_parts, stem_of
from ..text import join_words
from ..workflow import Workflow
from ._errors import AddressError, SourceError
from ._lower import lower_leniently
from ._selection import describe_no_match, is_glob, matches
from ._source_names import list_names


@frozen
class SourceWorkflow:
    """A workflow, and where it was found.

    Attributes:
        name: Its key, and the names of its variant after slashes: `inbound/us`. If
            another workflow of the source has this name, the key of its project
            precedes it: `growth:inbound/us`.
        where: The file or module, and the variable: `leads.py: inbound`.
        stem: A file name for its JSON, without `.json` and without a folder. It is
            unique in the project.
        entry: The entry of a manifest, if one lists it.
        plain_name: Its name without the key of its project, if that precedes it.
    """

    name: str
    workflow: Workflow
    where: str
    stem: str
    entry: Entry | None = None
    plain_name: str = ""

    @property
    def full_name(self) -> str:
        """Its name after the key of its project: `growth:inbound/us`."""
        project, name = self.workflow.project, self.plain_name or self.name
        return name if project is None else f"{project.key}:{name}"

    @property
    def names(self) -> Sequence[str]:
        """The names by which a key or a pattern finds it."""
        return (self.plain_name or self.name, self.full_name)

    def find_id(self, env: str) -> str:
        """Return its canonical id in an environment; empty if its keys are faulty."""
        try:
            return canonical_id(self.workflow.id(env))
        except CompileError:
            return ""

    def stamp_in(self, env: str) -> Stamp | None:
        """Return the stamp for an environment, if it was pulled from there."""
        return None if self.entry is None else self.entry.stamp_in(env)


class Collector:
    """Collects workflows and projects, each once, in reading order."""

    def __init__(self, *, is_lenient: bool = False) -> None:
        self.workflows: list[SourceWorkflow] = []
        self.flows: list[tuple[str, Flow[Any, Any], str]] = []
        self.findings: list[Finding] = []
        self.is_lenient = is_lenient
        self.projects: list[ProjectKey] = []
        self.notes: list[str] = []
        self.is_code = False
        self.is_all = True
        self._seen: dict[int, object] = {}  # objects are kept, so that ids stay theirs

    def add_module(self, module: ModuleType, where: str) -> None:
        """Add what is at the top level of a module."""
        for name, thing in tuple(vars(module).items()):
            if not (name.startswith("__") and name.endswith("__")):
                self.add(thing, f"{where}: {name}")
                if isinstance(thing, Flow):
                    file = getattr(module, "__file__", None) or where
                    self.flows.append((name, thing, file))

    def add(self, thing: Any, where: str) -> None:
        """Add a workflow, a project, or those in a collection."""
        waiting = [thing]
        while waiting:
            one = waiting.pop()
            if id(one) in self._seen:
                continue
            if isinstance(one, Workflow):
                parts = name_parts(one.identity)
                name = "/".join(parts)
                self.add_workflow(SourceWorkflow(name, one, where, stem_of(parts)))
            elif isinstance(one, ProjectKey):
                self.add_project(one)
            elif isinstance(one, Mapping | list | tuple | AbstractSet):
                self._seen[id(one)] = one  # pyright: ignore[reportUnknownArgumentType] - of anything
                waiting += reversed(_members(one))

    def add_workflow(self, one: SourceWorkflow) -> None:
        """Add a workflow and its project."""
        self._seen[id(one.workflow)] = one.workflow
        self.workflows.append(one)
        self.add_project(one.workflow.project)

    def fail(self, error: SourceError | ReadError | ManifestError) -> None:
        """Raise an error of the source; if lenient, keep it as a finding.

        Raises:
            SourceError: The collector is not lenient.
            ReadError: The same.
            ManifestError: The same.
        """
        if not self.is_lenient:
            raise error
        if not isinstance(error, SourceError):
            self.findings.append(_describe_unread(error))
        elif error.finding not in self.findings:  # modules of a package may fail alike
            self.findings.append(error.finding)
            self.notes += filter(None, [error.traceback])

    @contextmanager
    def catch(self) -> Generator[None]:
        """Hand an error of the source to `fail`."""
        try:
            yield
        except (SourceError, ReadError) as error:
            self.fail(error)

    def has_all(self, other: Collector) -> bool:
        """Return True if all workflows of another collector were added here too."""
        return all(id(one.workflow) in self._seen for one in other.workflows)

    def add_project(self, project: ProjectKey | None) -> None:
        """Add a project."""
        if project is not None and project not in self.projects:
            self.projects.append(project)


def _members(holder: Any) -> Sequence[Any]:
    return [*(holder.values() if hasattr(holder, "values") else holder)]


def drop_duplicates(found: Collector) -> Sequence[SourceWorkflow]:
    """Return the workflows without those that were imported under two names.

    Raises:
        SourceError: Two have the same id, so that one would overwrite the other.
    """
    seen: dict[str, SourceWorkflow] = {}
    kept: list[SourceWorkflow] = []
    for one in found.workflows:
        identity = one.workflow.identity
        path = identity.pinned_id() or identity.path()
        keys: list[Any] = [key for _, key in identity.segments_in("default")]
        if not all(isinstance(key, str) and key for key in keys):
            path = f"faulty, which a check reports: {len(seen)}"
        other = seen.setdefault(str(path), one)
        is_same = other is not one and _is_imported_twice(one, other)
        if not is_same:
            kept.append(one)
        if other is not one and not is_same:
            found.fail(_duplicate_workflow(one, other))
    return kept


def _is_imported_twice(one: SourceWorkflow, other: SourceWorkflow) -> bool:
    """Return True if one line made both, in a module that has two names.

    A loop makes several workflows on one line too, but all in one module. They may be
    equal by mistake, if their functions use the variable of the loop.
    """
    place, module = one.workflow.identity.place, one.where.rpartition(": ")[0]
    if place is None or other.workflow.identity.place != place:
        return False
    is_elsewhere = other.where.rpartition(": ")[0] != module
    return is_elsewhere and _meaning(one) == _meaning(other)


def _meaning(one: SourceWorkflow) -> tuple[str, str]:
    definition = lower_leniently(one.workflow)
    return fingerprint(definition), str(definition.id)


def tell_apart(workflows: Sequence[SourceWorkflow]) -> Sequence[SourceWorkflow]:
    """Put the key of its project before each name that two projects have."""
    owners: dict[str, set[str]] = {}
    for one in workflows:
        owners.setdefault(one.name, set()).add(one.full_name)
    return [
        one
        if len(owners[one.name]) == 1
        else evolve(one, name=one.full_name, plain_name=one.name)
        for one in workflows
    ]


def _describe_unread(error: ReadError | ManifestError) -> Finding:
    if isinstance(error, ReadError):
        problem = f"the file is not a workflow: {error.problem}"
        place = Place(error.source, error.line or 1)
    else:
        problem, place = error.problem, Place(error.path, 1)
    return Finding(
        "unloadable-file",
        "source",
        "error",
        problem,
        where=error.pointer,
        place=place,
    )


def _duplicate_workflow(one: SourceWorkflow, other: SourceWorkflow) -> SourceError:
    problem = f"{one.name!r} is there twice: in {other.where}, and in {one.where}"
    advice = "give one of them another key, or name one place as the source"
    if one.where == other.where:
        problem = f"{one.name!r} is there twice in {one.where}"
        advice = "give each of them a key of its own, or make them with variants()"
    place = one.workflow.identity.place or Place(one.where, 1)
    found = Finding(
        "duplicate-workflow", "source", "error", problem, advice, place=place
    )
    return SourceError(f"{problem}; {advice}", found)


def find_no_workflow(
    place: str, flows: Sequence[tuple[str, Flow[Any, Any], str]]
) -> Finding:
    """Return the finding for a source with flows and no workflow.

    Args:
        place: The source.
        flows: Each flow, with the name of its variable before it, and its file behind.
    """
    lowered = [lower_leniently(Workflow(name, flow)) for name, flow, _ in flows]
    # A flow without a source is a part of others, so the last one is the most whole.
    starts = (
        at for at, one in enumerate(lowered) if one.blocks and _is_source(one.blocks[0])
    )
    at = next(starts, -1)
    name, _, file = flows[at]
    title = name.replace("_", " ").strip().capitalize() or name
    names = join_words([name for name, _, _ in flows])
    what = f"the flow {names}" if len(flows) == 1 else f"the flows {names}"
    first = next(iter(lowered[at].origins), None)
    return Finding(
        "no-workflow",
        "source",
        "error",
        f"{place} has {what}, but no Workflow",
        f'write workflow = Workflow("{title}", {name}, key="{name}")',
        place=first.place if first and first.place else Place(file, 1),
    )


def _is_source(block: WireBlock) -> bool:
    kind = CATALOGUE.get(block.kind)
    return kind is not None and kind.about.role == "source"


def pick_workflows(
    place: str, key: str, workflows: Sequence[SourceWorkflow]
) -> Sequence[SourceWorkflow]:
    """Return the workflow with a name, the only one with a key, or those of a pattern.

    Raises:
        AddressError: There is none, or several have the key.
    """
    named = [one for one in workflows if key in one.names]
    named = named or [one for one in workflows if one.workflow.key == key]
    if len(named) > 1:
        apart = tell_apart(named)
        names = list_names([one.name for one in apart])
        problem = f"{key!r} is the key of {len(named)} workflows: {names}"
        every = f"*:{key}" if any(one.plain_name for one in apart) else f"{key}/*"
        raise AddressError(f"{problem}; name one of them, or all by {every!r}")
    if not named and is_glob(key):
        named = [one for one in workflows if any(matches(key, n) for n in one.names)]
    if not named:
        found = describe_no_match(key, [one.name for one in workflows])
        raise AddressError(f"{place} holds no workflow {found}")
    return named

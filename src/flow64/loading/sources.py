"""Sources: the workflows that a command works on, in code or in JSON.

A source is a Python file, a module, a JSON file, or a folder of any of these. With a
colon and a key it is one workflow of them. Everything at the top level of a module
counts, also in lists, mappings and variants. JSON next to a manifest has the keys of
the code; other JSON is identified by the id in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from attrs import evolve, frozen

from ..analysis.live import LiveCatalogue
from ..definition import DEFAULT_ENV, Definition, ProjectKey, Values, fingerprint
from ..diagnostics import Finding, Place
from ..environments import Settings
from ..environments import load as load_settings
from ..errors import SourceError
from ..workflow import Workflow
from . import addresses
from .addresses import EVERYTHING, Selection, SourceAddress
from .reading import SourceReader, SourceWorkflow, as_error


@frozen
class Loaded:
    """The workflows of a source.

    Attributes:
        source: The file, folder or module; for what is live, its address.
        workflows: The workflows in reading order, or those that were picked.
        projects: Its projects, also those that only workflows name.
        is_picked: Whether a key or a selection picked them. There may be others.
        left_out: The other workflows, if they were picked.
        is_of_whole: Whether they are all workflows of its projects, together with those
            that were left out. The source of `[tool.flow64]` is whole, and a part of it
            is not. Without such a source, a folder, a package, and a file that is the
            only module in and below its folder are whole. JSON is whole
            if its manifest says so.
        findings: Errors of the source itself, if it was loaded leniently.
    """

    source: str
    workflows: Sequence[SourceWorkflow]
    projects: Sequence[ProjectKey]
    is_picked: bool = False
    left_out: Sequence[SourceWorkflow] = ()
    is_of_whole: bool = False
    findings: Sequence[Finding] = ()

    @property
    def is_whole(self) -> bool:
        """Whether these are all workflows of its projects.

        Only then a live workflow that the code does not have is an orphan.
        """
        return self.is_of_whole and not self.is_picked

    def keep(self, picked: Sequence[SourceWorkflow]) -> Loaded:
        """Return the source with some of its workflows, and with their projects."""
        kept = {id(entry) for entry in picked}
        others = [entry for entry in self.workflows if id(entry) not in kept]
        owners = (entry.workflow.project for entry in picked)
        return evolve(
            self,
            workflows=picked,
            projects=[*dict.fromkeys(entry for entry in owners if entry is not None)],
            is_picked=True,
            left_out=[*self.left_out, *others],
        )

    @property
    def names(self) -> Sequence[str]:
        """The names of its workflows."""
        return [entry.name for entry in self.workflows]

    @property
    def only(self) -> SourceWorkflow:
        """The one workflow.

        Raises:
            SourceError: There are several, or none.
        """
        if len(self.workflows) == 1:
            return self.workflows[0]
        problem = f"{self.source} holds {len(self.names)} workflows"
        if self.names:
            place = f"{self.source}:{self.names[0]}"
            names = addresses.list_names(self.names)
            problem += f": {names}; name one of them, as in {place}"
        raise SourceError(problem, is_usage=True)


def load_source(
    source: str | SourceAddress | None = None,
    *,
    selection: Selection = EVERYTHING,
    code: bool = True,
    may_be_empty: bool = False,
    lenient: bool = False,
) -> Loaded:
    """Load the workflows of a source.

    Args:
        source: The source; None for that of `[tool.flow64]`.
        selection: The patterns of the workflows to keep.
        code: Whether modules may be imported. If not, only JSON is read.
        may_be_empty: Whether a source may have a project and no workflow, as after its
            last one was deleted.
        lenient: Whether errors of the source become findings, and the rest is loaded.
            These are: a file that fails, two workflows with one id, and a flow without
            a workflow.

    Raises:
        SourceError: There is no such source or workflow, or no workflow at all; it is
            Python, and no code may run; two workflows have the same id; or a module of
            the user fails.
        ReadError: A manifest or a JSON file cannot be used.
        ConfigError: pyproject.toml has mistakes.
    """
    settings = load_settings()
    if source is None:
        address = SourceAddress("", addresses.require_project_source(settings))
    else:
        address = addresses.parse_source(source) if isinstance(source, str) else source
    places = [(address.place, address.key)]
    if address.may_be_place:  # a key comes before a folder or module of its name
        places = [*places[:code], addresses.split_source(address.text)]
    for place, key in places:
        least: _Least = "workflow"
        if (place, key) != places[-1]:
            least = "nothing"
        elif may_be_empty and not selection and key is None:
            least = "project"
        loaded = _load(place, settings, least, code=code, lenient=lenient)
        if key is None:
            break
        # An error of the source is shown: something else may not be meant.
        if (picked := addresses.pick_key(key, loaded.workflows)) or loaded.findings:
            loaded = loaded.keep(picked)
            break
    else:
        problem = addresses.describe_no_match(place, str(key), loaded.names)
        if key == address.text:
            problem = addresses.describe_unknown(address.text, loaded.names)
        raise SourceError(problem, is_usage=True)
    return select_workflows(loaded, selection)


_Least: TypeAlias = Literal["workflow", "project", "nothing"]


def _load(
    place: str, settings: Settings, least: _Least, *, code: bool, lenient: bool
) -> Loaded:
    """Load all workflows of a file, a folder or a module.

    Args:
        place: The file, folder or module.
        settings: Those of the project.
        least: What it has to hold at least.
        code: Whether modules may be imported.
        lenient: Whether errors become findings.

    Raises:
        SourceError: It is none of these, or holds no workflow.
    """
    reader = SourceReader(settings, code, lenient)
    if Path(place).exists():
        reader.read_place(Path(place))
    elif not (code and addresses.is_module_name(place) and reader.read_module(place)):
        raise SourceError(addresses.describe_unknown(place), is_usage=True)
    workflows = _tell_apart(_drop_duplicates(reader))
    is_empty = least == "nothing" or (least == "project" and reader.projects)
    # A check must not pass because a flow was not put into a workflow.
    is_forgotten = lenient and (reader.flows or reader.makers)
    if not workflows and not reader.findings and (is_forgotten or not is_empty):
        finding = reader.describe_empty(place)
        if not is_forgotten:
            raise as_error(finding, is_usage=True)
        reader.findings.append(finding)
    return Loaded(
        place,
        with_settings(workflows, settings),
        reader.projects,
        is_of_whole=_is_whole(place, settings, reader),
        findings=reader.findings,
    )


def select_workflows(loaded: Loaded, selection: Selection) -> Loaded:
    """Return a source with the workflows of a selection.

    Raises:
        SourceError: A pattern of the selection matches nothing.
    """
    if not selection:
        return loaded
    try:
        picked = selection.pick(loaded.source, loaded.workflows)
    except SourceError:
        if not loaded.findings:
            raise
        picked = []  # an error of the source may be the reason
    return loaded.keep(picked)


def _tell_apart(workflows: Sequence[SourceWorkflow]) -> Sequence[SourceWorkflow]:
    """Put the key of its project before each name that two projects have."""
    names = Counter(entry.name for entry in workflows)
    return [
        evolve(entry, name=f"{project.key}:{entry.name}")
        if names[entry.name] > 1 and (project := entry.workflow.project)
        else entry
        for entry in workflows
    ]


def _drop_duplicates(reader: SourceReader) -> Sequence[SourceWorkflow]:
    """Return the workflows without those that were imported under two names.

    Raises:
        SourceError: Two have the same id, so that one would overwrite the other.
    """
    seen: dict[str, SourceWorkflow] = {}
    owners: dict[Any, tuple[Any, SourceWorkflow]] = {}
    kept: list[SourceWorkflow] = []
    for number, entry in enumerate(reader.workflows):
        if (project := entry.workflow.project) is not None:
            names = project.namespace, project.key
            own, first = owners.setdefault(project.old, (names, entry))
            if own != names:
                with reader.catch():
                    raise _duplicate(entry, first)
        # A check reports faulty keys.
        workflow_id = entry.find_id(DEFAULT_ENV) or f"faulty {number}"
        other = seen.setdefault(workflow_id, entry)
        if other is entry:
            kept.append(entry)
        elif not _is_imported_twice(entry, other):
            kept.append(entry)
            with reader.catch():
                raise _duplicate(entry, other)
    return kept


def _is_imported_twice(entry: SourceWorkflow, other: SourceWorkflow) -> bool:
    """Return True if two modules have the same workflow.

    In one module, equal workflows are a mistake: as in a loop, if its functions use the
    variable of the loop.
    """
    modules = {item.where.rpartition(": ")[0] for item in (entry, other)}
    definitions = [item.workflow.lower().definition for item in (entry, other)]
    return len(modules) == 2 and len({*map(fingerprint, definitions)}) == 1


def _duplicate(entry: SourceWorkflow, other: SourceWorkflow) -> SourceError:
    pair = f"{other.name!r} in {other.where} and {entry.name!r} in {entry.where}"
    problem = f"{pair} have one path for their ids"
    advice = "give one of them another key, take was= out, or name one place"
    place = entry.workflow.identity.place or Place(entry.where, 1)
    return as_error(
        Finding("duplicate-workflow", "source", "error", problem, advice, place=place)
    )


def _is_whole(place: str, settings: Settings, reader: SourceReader) -> bool:
    """Return True if a place is all of its projects: see `Loaded.is_of_whole`."""
    named = addresses.find_project_source(settings)
    if named is None or not reader.is_code:
        return reader.is_all
    return place == named or Path(place).resolve() == Path(named).resolve()


# -- What the settings say -------------------------------------------------------------


def with_settings(
    workflows: Sequence[SourceWorkflow], settings: Settings
) -> Sequence[SourceWorkflow]:
    """Let the saved list of blocks and the rules of `[tool.flow64]` judge them."""
    listed = find_saved_catalogue(settings)

    def judge(workflow: Workflow) -> Workflow:
        judged = workflow.with_rules(settings.rules)
        return judged if listed is None else judged.with_blocks(listed)

    return [evolve(entry, workflow=judge(entry.workflow)) for entry in workflows]


def find_saved_catalogue(settings: Settings | None = None) -> LiveCatalogue | None:
    """Return the saved list of blocks that `[tool.flow64]` names, if it names one.

    Before a first `flow64 blocks sync`, there is no such file.

    Raises:
        ConfigError: pyproject.toml has mistakes.
        ReadError: The file is not a list of blocks.
    """
    file = (settings or load_settings()).blocks
    return LiveCatalogue.read(file) if file is not None and file.is_file() else None


# -- Definitions -----------------------------------------------------------------------


def lower(
    workflow: Workflow, env: str | None = None, values: Mapping[str, Any] | None = None
) -> Definition:
    """Return the definition of a workflow, without checking it by the rules.

    Raises:
        CompileError: It cannot be made.
    """
    lowered = workflow.lower(env, values)
    if any(finding.severity == "error" for finding in lowered.findings):
        return workflow.compile(env, values)
    return lowered.definition


def select_set_values(values: Values) -> Values:
    """Return the values of an environment, without those of variables that are not set.

    Args:
        values: The values, each read from its variables when it is looked up.
    """
    contents = {name: values[name] for name in values if values.has_content(name)}
    return Values(contents, values.hidden)

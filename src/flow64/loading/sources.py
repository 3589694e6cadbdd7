"""Sources: the workflows that a command works on, in code or in JSON.

A source is a Python file, a module, a JSON file, or a folder of any of these. With a
colon and a key it is one workflow of them. Everything at the top level of a module
counts, also in lists, mappings and variants. JSON next to a manifest has the keys of
the code; other JSON is identified by the id in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from ..analysis.live import LiveCatalogue
from ..compiler.lifting import OwnClasses
from ..definition import Definition, ProjectKey, Values, fingerprint
from ..diagnostics import Finding, Place
from ..dsl import Block
from ..environments import Settings
from ..environments import load as load_settings
from ..errors import ConfigError, ReadError, SourceError
from ..workflow import Workflow
from .addresses import (
    EVERYTHING,
    Selection,
    SourceAddress,
    describe_no_match,
    describe_unknown,
    find_project_source,
    is_module_name,
    is_pattern,
    list_names,
    matches,
    parse_source,
    require_project_source,
    split_source,
)
from .importing import import_scope
from .reading import (
    Collector,
    SourceWorkflow,
    describe_empty,
    read_content_of,
    read_module,
    read_place,
)


@frozen
class Loaded:
    """The workflows of a source.

    Attributes:
        source: The source as it was given.
        workflows: The workflows in reading order, or those that were picked.
        projects: Its projects, also those that only workflows name.
        is_picked: Whether a key or a selection picked them. There may be others.
        left_out: The other workflows, if they were picked.
        is_of_whole: Whether they are all workflows of its projects, together with those
            that were left out. The source of `[tool.flow64]` is whole, and a part of it
            is not. Without such a source, a folder, a package, and a file without other
            modules beside it are whole. JSON is whole if its manifest says so.
        notes: What was noticed while it was read, for people.
        findings: Errors of the source itself, if it was loaded leniently.
    """

    source: str
    workflows: Sequence[SourceWorkflow]
    projects: Sequence[ProjectKey]
    is_picked: bool = False
    left_out: Sequence[SourceWorkflow] = ()
    is_of_whole: bool = False
    notes: Sequence[str] = ()
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
        problem = f"no workflow of {self.source} is selected"
        if self.workflows:
            place, _ = split_source(self.source)
            problem = (
                f"{self.source} holds {len(self.names)} workflows: "
                f"{list_names(self.names)}; name one of them, as in "
                f"{place}:{self.names[0]}"
            )
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
            the user fails, with the user's own traceback in the message.
        ReadError: A manifest or a JSON file cannot be used.
        ConfigError: pyproject.toml has mistakes.
    """
    settings = load_settings()
    if source is None:
        address = SourceAddress("", require_project_source(settings))
    else:
        address = parse_source(source) if isinstance(source, str) else source
    collector = Collector(is_lenient=lenient)
    loaded = None
    if address.otherwise and code:  # a key comes before a folder or module of its name
        loaded = _find_key(address, settings)
    if loaded is None:
        source = address.otherwise or address.source
        place, key = split_source(source)
        if address.content is None:
            _read(place, collector, settings, code=code)
        else:
            place, key = source, None
            read_content_of(address.content, place, place, collector)
        is_empty = may_be_empty and not selection and key is None
        loaded = _collect(source, place, collector, settings, may_be_empty=is_empty)
        if address.content is not None:
            loaded = evolve(loaded, is_picked=True, is_of_whole=False)
        if key is not None:
            loaded = _keep_key(loaded, place, key, address)
    loaded = select_workflows(loaded, selection)
    return evolve(loaded, workflows=_tell_apart(loaded.workflows))


def _find_key(address: SourceAddress, settings: Settings) -> Loaded | None:
    """Return the workflows of a key of the project; None if it has no such key.

    An error of the project is raised: something else of the name may not be meant.
    """
    place, _ = split_source(address.source)
    collector = Collector()
    if not Path(place).exists() and not is_module_name(place):
        return None
    _read(place, collector, settings, code=True)
    if not collector.workflows:
        return None
    loaded = _collect(address.source, place, collector, settings)
    picked = _pick_key(address.text, loaded.workflows)
    return loaded.keep(picked) if picked else None


def _read(place: str, collector: Collector, settings: Settings, *, code: bool) -> None:
    """Read a file, a folder or a module.

    Raises:
        SourceError: It is none of these.
    """
    if Path(place).exists():
        read_place(Path(place), collector, settings, code=code)
    elif not (
        code and is_module_name(place) and read_module(place, collector, settings)
    ):
        raise SourceError(describe_unknown(place), is_usage=True)


def _collect(
    source: str,
    place: str,
    collector: Collector,
    settings: Settings,
    *,
    may_be_empty: bool = False,
) -> Loaded:
    """Return what was read.

    Raises:
        SourceError: It is no workflow.
    """
    workflows = _drop_duplicates(collector)
    is_empty = may_be_empty and collector.projects
    # A check must not pass because a flow was not put into a workflow.
    is_forgotten = collector.is_lenient and (collector.flows or collector.makers)
    if not workflows and not collector.findings and (is_forgotten or not is_empty):
        finding = describe_empty(place, collector)
        if not is_forgotten:
            words = (finding.message, finding.help, *collector.notes)
            raise SourceError("; ".join(filter(None, words)), is_usage=True)
        collector.findings.append(finding)
    return Loaded(
        source,
        _with_settings(workflows, settings),
        collector.projects,
        is_of_whole=_is_whole(place, settings, collector),
        notes=collector.notes,
        findings=collector.findings,
    )


def _keep_key(loaded: Loaded, place: str, key: str, address: SourceAddress) -> Loaded:
    """Return a source with the workflows of a key.

    Raises:
        SourceError: There is none, or several have the key.
    """
    picked = _pick_key(key, loaded.workflows)
    if picked or loaded.findings:  # an error of the source may be the reason
        return loaded.keep(picked)
    problem = describe_no_match(place, key, loaded.names)
    if address.is_key:
        problem = describe_unknown(address.text, loaded.names)
    raise SourceError(problem, is_usage=True)


def select_workflows(loaded: Loaded, selection: Selection) -> Loaded:
    """Return a source with the workflows of a selection.

    Raises:
        SourceError: A pattern of the selection matches nothing.
    """
    if not selection:
        return loaded
    place, _ = split_source(loaded.source)
    try:
        picked = selection.pick(place, loaded.workflows, lambda entry: entry.names)
    except SourceError:
        if not loaded.findings:
            raise
        picked = []  # an error of the source may be the reason
    return loaded.keep(picked)


def _pick_key(
    key: str, workflows: Sequence[SourceWorkflow]
) -> Sequence[SourceWorkflow]:
    """Return the workflow with a name, the only one with a key, or those of a pattern.

    Raises:
        SourceError: Several have the key.
    """
    named = [entry for entry in workflows if key in entry.names]
    named = named or [entry for entry in workflows if entry.workflow.key == key]
    if len(named) > 1:
        apart = _tell_apart(named)
        names = list_names([entry.name for entry in apart])
        every = f"*:{key}" if any(entry.plain_name for entry in apart) else f"{key}/*"
        problem = f"{key!r} is the key of {len(named)} workflows: {names}"
        advice = f"name one of them, or all by {every!r}"
        raise SourceError(f"{problem}; {advice}", is_usage=True)
    if not named and is_pattern(key):
        named = [
            entry for entry in workflows if any(matches(key, n) for n in entry.names)
        ]
    return named


def _tell_apart(workflows: Sequence[SourceWorkflow]) -> Sequence[SourceWorkflow]:
    """Put the key of its project before each name that two projects have."""
    owners: dict[str, set[str]] = {}
    for entry in workflows:
        owners.setdefault(entry.names[0], set()).add(entry.full_name)
    return [
        entry
        if len(owners[entry.names[0]]) == 1
        else evolve(entry, name=entry.full_name, plain_name=entry.names[0])
        for entry in workflows
    ]


def _drop_duplicates(collector: Collector) -> Sequence[SourceWorkflow]:
    """Return the workflows without those that were imported under two names.

    Raises:
        SourceError: Two have the same id, so that one would overwrite the other.
    """
    seen: dict[str, SourceWorkflow] = {}
    kept: list[SourceWorkflow] = []
    for number, entry in enumerate(collector.workflows):
        identity = entry.workflow.identity
        keys: list[Any] = [key for _, key in identity.segments_in("default")]
        is_faulty = not all(isinstance(key, str) and key for key in keys)
        path = identity.pinned_id() or identity.path()
        # A check reports faulty keys.
        other = seen.setdefault(f"faulty {number}" if is_faulty else path, entry)
        if other is not entry and _is_imported_twice(entry, other):
            continue
        kept.append(entry)
        if other is not entry:
            with collector.catch():
                raise _duplicate(entry, other)
    return kept


def _is_imported_twice(entry: SourceWorkflow, other: SourceWorkflow) -> bool:
    """Return True if two modules have the same workflow.

    In one module, equal workflows are a mistake: as in a loop, if its functions use the
    variable of the loop.
    """
    modules = {item.where.rpartition(": ")[0] for item in (entry, other)}
    definitions = [lower_leniently(item.workflow) for item in (entry, other)]
    return len(modules) == 2 and len({*map(fingerprint, definitions)}) == 1


def _duplicate(entry: SourceWorkflow, other: SourceWorkflow) -> SourceError:
    problem = f"{entry.name!r} is there twice: in {other.where}, and in {entry.where}"
    advice = "give one of them another key, or name one place as the source"
    place = entry.workflow.identity.place or Place(entry.where, 1)
    finding = Finding(
        "duplicate-workflow", "source", "error", problem, advice, place=place
    )
    return SourceError(f"{problem}; {advice}", finding=finding)


def _is_whole(place: str, settings: Settings, collector: Collector) -> bool:
    """Return True if a place is all of its projects: see `Loaded.is_of_whole`."""
    named = find_project_source(settings)
    if named is None or not collector.is_code:
        return collector.is_all
    if Path(place).exists() and Path(named).exists():
        return Path(place).resolve() == Path(named).resolve()
    return place == named


# -- What the settings say -------------------------------------------------------------


def _with_settings(
    workflows: Sequence[SourceWorkflow], settings: Settings
) -> Sequence[SourceWorkflow]:
    """Let the saved list of blocks and the rules of `[tool.flow64]` judge them."""
    listed = _read_saved_catalogue(settings)
    if listed is None and not settings.rules:
        return workflows

    def judge(workflow: Workflow) -> Workflow:
        judged = workflow if listed is None else workflow.with_blocks(listed)
        return judged.with_rules(settings.rules) if settings.rules else judged

    return [evolve(entry, workflow=judge(entry.workflow)) for entry in workflows]


def find_saved_catalogue(file: Path | None = None) -> LiveCatalogue | None:
    """Return the saved list of blocks that `[tool.flow64]` names, if it names one.

    Before a first `flow64 blocks sync`, there is no such file.

    Args:
        file: Another file to read.

    Raises:
        ConfigError: The file cannot be used, or pyproject.toml has mistakes.
        ReadError: The other file is not a list of blocks.
    """
    if file is not None:
        return LiveCatalogue.read(file)
    return _read_saved_catalogue(load_settings())


def _read_saved_catalogue(settings: Settings) -> LiveCatalogue | None:
    if settings.blocks is None:
        return None
    try:
        return LiveCatalogue.read(settings.blocks)
    except FileNotFoundError:
        return None
    except (OSError, ReadError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        name = settings.blocks.name
        advice = "flow64 blocks sync fetches it again"
        raise ConfigError(f"{name} cannot be read: {problem}; {advice}") from None


def load_classes(file: Path) -> OwnClasses:
    """Import a module that `flow64 blocks generate` wrote, for its block classes."""
    with import_scope(file.resolve().parent) as scope:
        module = scope.import_file(file)
    classes = [
        item
        for item in vars(module).values()
        if isinstance(item, type)
        and issubclass(item, Block)
        and item.__module__ == module.__name__
    ]
    return OwnClasses(file.stem, {cls.kind: cls for cls in classes})


# -- Definitions -----------------------------------------------------------------------


def lower_leniently(
    workflow: Workflow, env: str | None = None, values: Mapping[str, Any] | None = None
) -> Definition:
    """Return as much of a definition as can be made. By default values stay unbound."""
    return workflow._lower(env, values).definition  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - `compile` refuses what has errors


def lower(
    workflow: Workflow, env: str | None = None, values: Mapping[str, Any] | None = None
) -> Definition:
    """Return the definition of a workflow, without checking it by the rules.

    Raises:
        CompileError: It cannot be made.
    """
    lowered = workflow._lower(env, values)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - see above
    if any(finding.severity == "error" for finding in lowered.findings):
        return workflow.compile(env, values)
    return lowered.definition


def select_set_values(values: Mapping[str, Any]) -> Values:
    """Return the values of an environment, without those of variables that are not set.

    Args:
        values: The values, each read from its variables when it is looked up.
    """
    contents: dict[str, Any] = {}
    for name in values:
        with suppress(ConfigError):
            contents[name] = values[name]
    return Values(contents, getattr(values, "hidden", ()))

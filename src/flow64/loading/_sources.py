"""Sources: the workflows that a command works on, in code or in JSON.

A source is a Python file, a module, a JSON file, or a folder of any of these. With a
colon and a key it is one workflow of them. Everything at the top level of a module
counts, also in lists, mappings and variants. JSON next to a manifest has the keys of
the code; other JSON is identified by the id in it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import evolve, frozen

from ..definition import ProjectKey
from ..diagnostics import Finding
from ..environments import load as load_settings
from ..errors import ConfigError, did_you_mean
from ..workflow import Workflow
from ._addresses import (
    LiveAddress,
    SourceAddress,
    describe_unknown,
    is_installed,
    is_path,
    parse_source,
)
from ._collect import (
    Collector,
    SourceWorkflow,
    drop_duplicates,
    find_no_workflow,
    pick_workflows,
    tell_apart,
)
from ._errors import AddressError
from ._importing import is_module_name
from ._reading import add_file, add_folder, add_json, add_module, files_below
from ._selection import EVERYTHING, Selection, list_keys
from ._source_names import (
    NO_SETTINGS,
    describe_setting,
    find_project_source,
    find_rules,
    find_saved_catalogue,
    list_near_paths,
    may_name_other_source,
    split_source,
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
        is_code: Whether modules were imported.
        is_all: Whether nothing next to it can belong to it, as far as can be seen.
        notes: What was noticed while it was read, for people.
        findings: Errors of the source itself, if it was loaded leniently.
    """

    source: str
    workflows: Sequence[SourceWorkflow]
    projects: Sequence[ProjectKey]
    is_picked: bool = False
    left_out: Sequence[SourceWorkflow] = ()
    is_code: bool = True
    is_all: bool = False
    notes: Sequence[str] = ()
    findings: Sequence[Finding] = ()

    @property
    def is_whole(self) -> bool:
        """Whether these are all workflows of its projects, with every module loaded.

        Only then a live workflow that the code does not have is an orphan. The source
        of `[tool.flow64]` is whole, and a part of it is not. Without such a source,
        these are whole: a folder, a package, and a file if no file next to it may hold
        workflows. JSON is whole if its manifest says so.
        """
        return self.is_of_whole and not self.is_picked

    @property
    def is_of_whole(self) -> bool:
        """Whether they are all, together with those that were left out."""
        if not self.is_code:
            return self.is_all
        try:
            named = find_project_source()
        except ConfigError:
            return False
        place, _ = split_source(self.source)
        return self.is_all if named is None else _is_same(place, named)

    def keep(self, picked: Sequence[SourceWorkflow]) -> Loaded:
        """Return the source with some of its workflows, and with their projects."""
        kept = {id(one) for one in picked}
        rest = [one for one in self.workflows if id(one) not in kept]
        owners = (one.workflow.project for one in picked)
        return evolve(
            self,
            workflows=picked,
            projects=[*dict.fromkeys(one for one in owners if one is not None)],
            is_picked=True,
            left_out=[*self.left_out, *rest],
        )

    def has_key(self, key: str) -> bool:
        """Return True if a workflow has this name or key."""
        return any(key in (*one.names, one.workflow.key) for one in self.workflows)

    @property
    def names(self) -> Sequence[str]:
        """The names of its workflows."""
        return [one.name for one in self.workflows]

    @property
    def only(self) -> SourceWorkflow:
        """The one workflow.

        Raises:
            AddressError: There are several, or none.
        """
        if len(self.workflows) == 1:
            return self.workflows[0]
        if not self.workflows:
            raise AddressError(f"no workflow of {self.source} is selected")
        problem = f"{self.source} holds {len(self.names)} workflows"
        place, _ = split_source(self.source)
        advice = f"name one of them, as in {place}:{self.names[0]}"
        raise AddressError(f"{problem}: {list_keys(self.names)}; {advice}")


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
        selection: The patterns of the workflows to keep. What is changed is not looked
            up: see `select_changed`.
        code: Whether modules may be imported. If not, only JSON is read.
        may_be_empty: Whether a source may have a project and no workflow, as after its
            last one was deleted.
        lenient: Whether errors of the source become findings, and the rest is loaded.
            These are: a file that fails, two workflows with one id, and a flow without
            a workflow.

    Raises:
        AddressError: There is no such source or workflow, or no workflow at all; or it
            is Python, and no code may run.
        SourceError: A module of the user fails, with the user's own traceback in the
            message; or two workflows have the same id.
        ManifestError: A manifest cannot be used, or does not fit its files.
        ReadError: A JSON file is not a workflow.
        ConfigError: No source was given, and pyproject.toml has mistakes.
    """
    if source is None:
        address = SourceAddress("", _require_source())
    elif isinstance(source, SourceAddress):
        address = source
    else:
        address = parse_source(source, code=code)
    meant = address.source
    found = Collector(is_lenient=lenient)
    if address.content is not None:
        place, key = meant, None
        add_json(address.content, meant, meant, found)
    else:
        place, key = split_source(meant)
        _add_place(place, found, code=code)
    workflows = drop_duplicates(found)
    is_empty = may_be_empty and key is None and not selection and found.projects
    # A check must not pass because a flow was not put into a workflow.
    is_forgotten = lenient and bool(found.flows)
    if not workflows and (is_forgotten or not is_empty):
        _report_no_workflow(place, found)
    workflows = _with_settings(workflows)
    loaded = Loaded(
        meant,
        workflows,
        found.projects,
        is_code=found.is_code,
        is_picked=address.content is not None,
        is_all=found.is_all,
        notes=found.notes,
        findings=found.findings,
    )
    kept = select_workflows(loaded, selection, address, key)
    notes = [*found.notes, *_note_same_key(address, loaded)]
    return evolve(kept, workflows=tell_apart(kept.workflows), notes=notes)


def _add_place(place: str, found: Collector, *, code: bool) -> None:
    """Read a file, a folder or a module.

    Raises:
        AddressError: It is none of these.
    """
    path = Path(place)
    if path.is_dir():
        add_folder(path, found, code=code)
    elif path.exists():
        add_file(path, found, code=code)
    elif not code:
        near = did_you_mean(place, list_near_paths(path)) + describe_setting(place)
        problem = f"there is no file or folder {place!r}{near}"
        raise AddressError(f"{problem}; with --no-code it is JSON, and no module")
    elif not (is_module_name(place) and add_module(place, found)):
        problem = f"there is no file, folder or module {place!r}"
        near = did_you_mean(place, list_near_paths(path)) + describe_setting(place)
        raise AddressError(problem + near)


def select_workflows(
    loaded: Loaded,
    selection: Selection,
    address: SourceAddress | None = None,
    key: str | None = None,
) -> Loaded:
    """Return a source with the workflows of a key, and of a selection.

    Raises:
        AddressError: The key, or a pattern of the selection, matches nothing.
    """
    if key is None and not selection:
        return loaded
    place, _ = split_source(loaded.source)
    picked = loaded.workflows
    try:
        if key is not None:
            picked = _pick_key(place, key, loaded, address)
        return loaded.keep(selection.pick(place, picked, lambda one: one.names))
    except AddressError:
        if loaded.findings:  # of which one may be the reason
            return evolve(loaded, workflows=[], projects=[], is_picked=True)
        raise


def _pick_key(
    place: str, key: str, loaded: Loaded, address: SourceAddress | None
) -> Sequence[SourceWorkflow]:
    """Return the workflows of a key. If it stands alone, anything may be meant.

    Raises:
        AddressError: There is none, or several have the key.
    """
    try:
        return pick_workflows(place, key, loaded.workflows)
    except AddressError:
        if address is None or not address.is_key or loaded.has_key(key):
            raise
        raise AddressError(describe_unknown(address.text, loaded.names)) from None


def _note_same_key(address: SourceAddress, loaded: Loaded) -> Iterator[str]:
    """A note if the name of a file, folder or module is also a key of the code.

    Code that was not asked for is not imported to find the key.
    """
    text = address.text
    if not text or ":" in text or is_path(text):
        return
    if address.is_key:
        if is_installed(text):
            place, _ = split_source(loaded.source)
            yield f"{text} is a key of {place}, and an installed module too"
        return
    if not loaded.has_key(text) and not may_name_other_source(text):
        return
    source = find_project_source()
    if source is None:
        return  # then a key alone means nothing
    is_own = _is_same(source, loaded.source)
    if loaded.has_key(text) if is_own else _mentions_key(source, text):
        kind = "folder" if Path(text).is_dir() else "file or module"
        way = shlex.quote(f"code:{text}")
        yield f"{text} is a {kind}; the workflow with this key is {way}"


def describe_same_key(address: LiveAddress) -> str | None:
    """Return a note if the name of an environment seems to be a key of the code too.

    No code is imported to find the key.
    """
    if not address.is_env or ":" in address.text:
        return None
    source = find_project_source()
    if source is None or not _mentions_key(source, address.env):
        return None
    way = shlex.quote(f"code:{address.env}")
    return f"{address.env} is an environment; the workflow with this key is {way}"


def _mentions_key(source: str, key: str) -> bool:
    """Return True if code or JSON seems to have a workflow with a key.

    Nothing is imported, so a key that code computes is not found.
    """
    place = Path(split_source(source)[0])
    words = [f"key={mark}{key}{mark}".encode() for mark in "\"'"]
    try:
        is_folder = place.is_dir()
        files = [*files_below(place, ".py")] if is_folder else [place]
        if is_folder and any(one.stem == key for one in files_below(place, ".json")):
            return True
        texts = [file.read_bytes() for file in files]
    except OSError:
        return False
    return any(word in text.replace(b" ", b"") for text in texts for word in words)


def _with_settings(workflows: Sequence[SourceWorkflow]) -> Sequence[SourceWorkflow]:
    """Let the saved list of blocks and the rules of `[tool.flow64]` judge them."""
    listed, rules = find_saved_catalogue(), find_rules()
    if listed is None and not rules:
        return workflows

    def judge(workflow: Workflow) -> Workflow:
        made = workflow if listed is None else workflow.with_blocks(listed)
        return made.with_rules(rules) if rules else made

    return [evolve(one, workflow=judge(one.workflow)) for one in workflows]


def _report_no_workflow(place: str, found: Collector) -> None:
    """Report that a source has no workflow.

    Raises:
        AddressError: It is not known why, or the collector is not lenient.
    """
    advice = "a Workflow counts at the level of a module, also in lists and dicts"
    problem = f"{place} holds no workflow; {advice}"
    if found.flows:
        finding = find_no_workflow(place, found.flows)
        problem = f"{finding.message}; {finding.help}"
        if found.is_lenient:
            found.findings.append(finding)
    if not found.findings:
        raise AddressError(problem, found.notes)


def _require_source() -> str:
    """Return the configured source.

    Raises:
        AddressError: None is configured.
        ConfigError: pyproject.toml has mistakes.
    """
    source = find_project_source()
    if source is None:
        if load_settings().file is None:
            raise AddressError(f"SOURCE is missing, and {NO_SETTINGS}")
        raise AddressError("SOURCE is missing: name it, or set source in [tool.flow64]")
    return source


def _is_same(source: str, named: str) -> bool:
    """Return True if a source is the configured one."""
    if Path(source).exists() and Path(named).exists():
        return Path(source).resolve() == Path(named).resolve()
    return source == named

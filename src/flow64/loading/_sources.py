"""Sources: the workflows that a command works on, in code or in JSON.

A source is a Python file, a module, a JSON file, or a folder of any of these. With a
colon and a key it is one workflow of them. Everything at the top level of a module
counts, also in lists, mappings and variants. JSON next to a manifest has the keys of
the code; other JSON is identified by the id in it.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from attrs import evolve, frozen

from ..definition import ProjectKey
from ..diagnostics import Finding
from ..errors import ReadError, SettingsError, did_you_mean
from ..manifest import MANIFEST, read_folder, read_manifest, read_workflow
from ..manifest import FolderWorkflow as ManifestWorkflow
from ..workflow import Workflow
from ._collect import (
    Collector,
    SourceWorkflow,
    drop_duplicates,
    find_no_workflow,
    pick_workflow,
)
from ._errors import AddressError, SourceError
from ._importing import ImportScope, find_import_root, import_scope, is_module_name
from ._source_names import (
    describe_setting,
    find_project_source,
    find_saved_catalogue,
    find_saved_file,
    list_names,
    list_neighbours,
    resolve_source,
    split_source,
)
from ._untrusted import TrustedFolder, read_untrusted

PROGRAMS: Final = frozenset(
    {"__main__.py", "conftest.py", "noxfile.py", "setup.py", "tasks.py"}
)
"""Files of a folder that are programs. They are not imported."""


@frozen
class Loaded:
    """The workflows of a source.

    Attributes:
        source: The source as it was given.
        workflows: The workflows in reading order, or the one that was picked.
        projects: Its projects, also those that only workflows name.
        is_picked: Whether a key picked one workflow, so that there may be others.
        is_code: Whether modules were imported.
        is_all: Whether nothing next to it can belong to it, as far as can be seen.
        trusted: The trusted folder that it was read with, if it is not trusted itself.
        notes: What was noticed while it was read, for people.
        findings: Errors of the source itself, if it was loaded leniently.
    """

    source: str
    workflows: Sequence[SourceWorkflow]
    projects: Sequence[ProjectKey]
    is_picked: bool = False
    is_code: bool = True
    is_all: bool = False
    trusted: TrustedFolder | None = None
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
        if self.is_picked or not self.is_code:
            return self.is_all and not self.is_picked
        try:
            named = find_project_source()
        except SettingsError:
            return False
        return self.is_all if named is None else _is_same(self.source, named)

    @property
    def names(self) -> Sequence[str]:
        """The names of its workflows."""
        return [one.name for one in self.workflows]

    @property
    def only(self) -> SourceWorkflow:
        """The one workflow.

        Raises:
            AddressError: There are several.
        """
        if len(self.workflows) == 1:
            return self.workflows[0]
        problem = f"{self.source} holds {len(self.names)} workflows"
        advice = f"name one of them, as in {self.source}:{self.names[0]}"
        raise AddressError(f"{problem}: {list_names(self.names)}; {advice}")


def load_source(
    source: str | None = None,
    *,
    code: bool = True,
    manifest: Path | None = None,
    may_be_empty: bool = False,
    lenient: bool = False,
) -> Loaded:
    """Load the workflows of a source.

    Args:
        source: The source; None for that of `[tool.flow64]`.
        code: Whether modules may be imported. If not, only JSON is read.
        manifest: The trusted manifest with which to read an untrusted folder of JSON.
            What the folder says about itself is not believed.
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
        SettingsError: No source was given, and pyproject.toml has mistakes.
    """
    if manifest is not None:
        return _load_untrusted(source, manifest, code=code)
    meant = _require_source() if source is None else resolve_source(source)
    place, key = split_source(meant)
    path, found = Path(place), Collector(is_lenient=lenient)
    if path.is_dir():
        _read_folder(path, found, code=code)
    elif path.exists():
        _read_file(path, found, code=code)
    elif not code:
        near = did_you_mean(place, list_neighbours(path)) + describe_setting(place)
        problem = f"there is no file or folder {place!r}{near}"
        raise AddressError(f"{problem}; with --no-code it is JSON, and no module")
    elif not (is_module_name(place) and _read_module(place, found)):
        problem = f"there is no file, folder or module {place!r}"
        near = did_you_mean(place, list_neighbours(path)) + describe_setting(place)
        raise AddressError(problem + near)
    workflows = drop_duplicates(found)
    is_empty = may_be_empty and key is None and found.projects
    if not workflows and not is_empty:
        _report_no_workflow(place, found)
    facts: dict[str, Any] = {
        "is_code": found.is_code,
        "is_all": found.is_all,
        "notes": found.notes,
        "findings": found.findings,
    }
    workflows = _with_blocks(workflows)
    if key is None:
        return Loaded(meant, workflows, found.projects, **facts)
    try:
        one = pick_workflow(place, key, workflows)
    except AddressError:
        if not found.findings:  # of which one may be the reason
            raise
        return Loaded(meant, [], [], is_picked=True, **facts)
    owner = one.workflow.project
    owners = [] if owner is None else [owner]
    return Loaded(meant, [one], owners, is_picked=True, **facts)


def _with_blocks(workflows: Sequence[SourceWorkflow]) -> Sequence[SourceWorkflow]:
    """Let the saved list of blocks of `[tool.flow64]` judge them, if there is one."""
    listed = find_saved_catalogue()
    if listed is None:
        return workflows
    return [
        evolve(
            one,
            workflow=one.workflow.with_blocks(listed),
            redacted=None if one.redacted is None else one.redacted.with_blocks(listed),
        )
        for one in workflows
    ]


# -- Files and modules ----------------------------------------------------------------


def _read_file(path: Path, found: Collector, *, code: bool) -> None:
    if path.suffix == ".json":
        manifest = read_manifest(path.parent / MANIFEST)
        if manifest is not None and path.name in manifest.files:
            _add_entry(read_workflow(path.parent, manifest, path.name), path, found)
        else:
            _read_json(path, found)
        found.is_all = False
    elif path.suffix == ".py":
        _require_code(path, code=code)
        found.is_code = True
        with import_scope(find_import_root(path), Path.cwd()) as scope:
            _add_file(scope, path, found)
            found.is_all = _is_alone(path, found)
    else:
        raise AddressError(f"{path} is neither Python nor JSON, by the end of its name")


def _read_folder(folder: Path, found: Collector, *, code: bool) -> None:
    """Read a folder as code if it has any, else as JSON.

    Files outside a package are imported folder by folder, as programs are. So they find
    the modules next to them.
    """
    modules = [*files_below(folder, ".py")]
    if code:
        for root, files in groupby(modules, find_import_root):
            with import_scope(root, folder, Path.cwd()) as scope:
                for path in files:
                    _add_file(scope, path, found)
    if found.workflows or found.projects or found.findings:
        found.is_code = True
        return
    whole: list[ProjectKey] = []
    for place in _folders(folder):
        _read_json_folder(place, found, whole)
    if not found.workflows and modules:
        _require_code(folder, code=code)
    for project in whole:
        found.add_project(project)
    found.is_all = bool(whole) and all(one in whole for one in found.projects)


def _add_file(scope: ImportScope, path: Path, found: Collector) -> None:
    try:
        found.add_module(scope.import_file(path), str(path))
    except SourceError as error:
        found.fail(error)


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


def _read_json_folder(folder: Path, found: Collector, whole: list[ProjectKey]) -> None:
    """Read the JSON files of one folder, by its manifest if it has one."""
    known = read_folder(folder, found.fail)
    saved = find_saved_file()  # it may be beside them, and is no workflow
    if known is None:
        for path in _files_in(folder, ".json"):
            if saved is None or path.resolve() != saved:
                _read_json(path, found)
        return
    whole += known.manifest.whole
    for one in known.workflows:
        _add_entry(one, folder / one.file, found)
    for name in known.unlisted:
        if saved is not None and (folder / name).resolve() == saved:
            continue
        problem = f"{folder / name} is not listed in {MANIFEST}, and was left out"
        found.notes.append(f"{problem}; name it by itself to read it as it is")


def _load_untrusted(source: str | None, manifest: Path, *, code: bool) -> Loaded:
    """Read an untrusted folder of JSON by a trusted manifest.

    Raises:
        AddressError: It is not a folder, or code might run.
        ManifestError: Something in it is refused.
        ReadError: A file is not a workflow.
    """
    if code:
        raise AddressError("--manifest is for untrusted JSON: add --no-code")
    if source is None or not Path(source).is_dir():
        raise AddressError("--manifest reads a folder of JSON: name it as SOURCE")
    found, trusted = read_untrusted(Path(source), manifest)
    owners = {(one.namespace, one.key) for one in trusted.whole}
    projects = [one.workflow.project for one in found if one.workflow.project]
    is_all = all((one.namespace, one.key) in owners for one in projects)
    return Loaded(
        source,
        _with_blocks(found),
        trusted.whole,
        is_code=False,
        is_all=is_all and bool(owners),
        trusted=trusted,
        notes=[one.note for one in found if one.note],
    )


def _require_code(place: Path, *, code: bool) -> None:
    """Refuse to import Python if no code may run.

    Raises:
        AddressError: It may not.
    """
    if not code:
        command = f"flow64 compile {shlex.quote(str(place))} -o compiled"
        raise AddressError(
            f"{place} is Python, and --no-code imports none; compile it where its code "
            f"may run, with {command}, and name the folder of JSON instead"
        )


def _require_source() -> str:
    """Return the configured source.

    Raises:
        AddressError: None is configured.
        SettingsError: pyproject.toml has mistakes.
    """
    source = find_project_source()
    if source is None:
        raise AddressError("SOURCE is missing: name it, or set source in [tool.flow64]")
    return source


def _is_same(source: str, named: str) -> bool:
    """Return True if a source is the configured one."""
    if Path(source).exists() and Path(named).exists():
        return Path(source).resolve() == Path(named).resolve()
    return source == named


def _is_alone(file: Path, found: Collector) -> bool:
    """Return True if no neighbour of a file may hold workflows that were not collected.

    A neighbour that was imported is looked into. Any other may hold some if it mentions
    flow64, or a module that does.
    """
    here = os.path.realpath(file)
    neighbours = files_below(Path(here).parent, ".py")
    others = [path for path in neighbours if os.path.realpath(path) != here]
    if not others:
        return True
    loaded = {
        os.path.realpath(path): module
        for module in [*sys.modules.values()]
        if isinstance(path := getattr(module, "__file__", None), str)
    }
    names = ["flow64", *(path.stem for path in (*others, file))]
    for path in others:
        if (module := loaded.get(os.path.realpath(path))) is not None:
            more = Collector()
            more.add_module(module, str(path))
            if not found.has_all(more):
                return False
        elif _mentions_any(path, [name for name in names if name != path.stem]):
            return False
    return True


def _mentions_any(path: Path, names: Sequence[str]) -> bool:
    try:
        text = path.read_bytes()
    except OSError:
        return True
    words = "|".join(map(re.escape, names)).encode("utf-8", "surrogateescape")
    return re.search(rb"\b(?:%b)\b" % words, text) is not None


def _read_module(name: str, found: Collector) -> bool:
    """Read a module or package. Return False if it does not exist."""
    with import_scope(Path.cwd()) as scope:
        try:
            module = scope.import_module(name)
        except SourceError as error:
            found.fail(error)
            return True
        if module is None:
            return False
        found.is_code = True
        found.add_module(module, name)
        folders = [*map(Path, getattr(module, "__path__", ()))]
        for folder in folders:
            for path in files_below(folder, ".py"):
                inner = ".".join(path.relative_to(folder).with_suffix("").parts)
                _add_inner(scope, f"{name}.{inner}", found)
        file = getattr(module, "__file__", None)
        if not folders and file is not None:
            found.is_all = _is_alone(Path(file), found)
        return True


def _add_inner(scope: ImportScope, name: str, found: Collector) -> None:
    try:
        module = scope.import_module(name.removesuffix(".__init__"))
    except SourceError as error:
        found.fail(error)
        return
    if module is not None:
        found.add_module(module, module.__name__)


def _read_json(path: Path, found: Collector) -> None:
    try:
        workflow = Workflow.from_json(_read_bytes(path), source=str(path))
    except (SourceError, ReadError) as error:
        found.fail(error)
        return
    name = "/".join(map(unquote, path.stem.split("@")))
    found.add_workflow(SourceWorkflow(name, workflow, str(path), path.stem))


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"{path} cannot be read ({error.strerror})"
        finding = Finding("unloadable-file", "source", "error", problem)
        raise SourceError(problem, finding) from error


def _add_entry(one: ManifestWorkflow, path: Path, found: Collector) -> None:
    found.add_workflow(
        SourceWorkflow(one.name, one.workflow, str(path), path.stem, one.entry)
    )


def files_below(folder: Path, suffix: str, depth: int | None = None) -> Iterator[Path]:
    """The files below a folder, without hidden, generated and program files."""
    for place in _folders(folder, depth):
        yield from _files_in(place, suffix)


def _folders(folder: Path, depth: int | None = None) -> Iterator[Path]:
    """A folder and its subfolders, without hidden, linked and generated ones."""
    yield folder
    for path in sorted(folder.iterdir()) if depth != 0 else ():
        if path.name.startswith(".") or not path.is_dir() or path.is_symlink():
            continue
        is_made = path.name in ("__pycache__", "node_modules")
        if not is_made and not (path / "pyvenv.cfg").exists():
            yield from _folders(path, None if depth is None else depth - 1)


def _files_in(folder: Path, suffix: str) -> Iterator[Path]:
    """The files of one folder."""
    for path in sorted(folder.iterdir()):
        is_hidden = path.name.startswith(".") or path.is_dir()
        if not is_hidden and path.suffix == suffix and not _is_program(path.name):
            yield path


def _is_program(name: str) -> bool:
    return name in PROGRAMS or name.startswith("test_") or name.endswith("_test.py")

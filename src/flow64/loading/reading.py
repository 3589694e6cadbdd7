"""Reading modules, folders and JSON files: which workflows and projects they hold.

A stranger may have written a folder of JSON. So links are not followed, only regular
files of a limited size are read, and names that could mislead are refused.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final
from urllib.parse import unquote

from attrs import define, evolve, field, frozen

from .. import manifest
from ..definition import ProjectKey, Stamp, canonical_id, is_plain, loads
from ..diagnostics import Finding, Place
from ..dsl import Flow
from ..environments import Settings
from ..errors import CompileError, ReadError, SourceError
from ..files import relative_path
from ..manifest import unreadable
from ..text import join_words
from ..workflow import Workflow
from .importing import ImportScope, find_import_root, import_scope

PROGRAMS: Final = frozenset(
    {"__main__.py", "conftest.py", "noxfile.py", "setup.py", "tasks.py"}
)
"""Files of a folder that are programs. They are not imported."""

MOST_FILES: Final = 5_000
"""The most files, and the most folders, below a folder."""

MOST_BYTES: Final = 64 * 2**20
"""The most bytes of the JSON files of a folder together."""

MOST_DEPTH: Final = 40
"""The deepest folder that is looked into."""


@frozen
class SourceWorkflow:
    """A workflow, and where it is.

    Attributes:
        name: Its key, and the names of its variant after slashes: `inbound/us`. If
            another workflow of the source has this name, the key of its project
            precedes it: `growth:inbound/us`.
        where: The file or module, and the variable: `leads.py: inbound`.
        stem: A file name for its JSON, without `.json` and without a folder. It is
            unique in the project.
        entry: The entry of a manifest, if one lists it.
    """

    name: str
    workflow: Workflow
    where: str
    stem: str
    entry: manifest.Entry | None = None

    @property
    def key(self) -> str:
        """Its key alone."""
        return self.workflow.key

    def find_id(self, env: str) -> str:
        """Return its canonical id in an environment; empty if its keys are faulty."""
        try:
            return canonical_id(self.workflow.id(env))
        except CompileError:
            return ""

    def stamp_in(self, env: str) -> Stamp | None:
        """Return the stamp for an environment, if it was pulled from there."""
        return None if self.entry is None else self.entry.stamp_in(env)


@define
class SourceReader:
    """Reads workflows and projects, each once, in reading order.

    A stranger may have written a folder of JSON: see the head of this module.

    Attributes:
        settings: Those of the project.
        code: Whether modules may be imported. If not, only JSON is read.
        is_lenient: Whether an error of the source becomes a finding.
        flows: The names of flows at the level of a module.
        makers: Functions that make a workflow, such as `build()`.
        findings: Errors of the source, if it is lenient.
        is_code: Whether modules were imported.
        is_all: Whether nothing next to it can belong to it, as far as can be seen.
    """

    settings: Settings
    code: bool
    is_lenient: bool
    workflows: list[SourceWorkflow] = field(factory=list[SourceWorkflow])
    projects: list[ProjectKey] = field(factory=list[ProjectKey])
    flows: list[str] = field(factory=list[str])
    makers: list[str] = field(factory=list[str])
    findings: list[Finding] = field(factory=list[Finding])
    is_code: bool = False
    is_all: bool = True
    # Objects are kept, so that ids stay theirs.
    _seen: dict[int, object] = field(factory=dict[int, object])
    _size: int = 0

    # -- Files, folders and modules ---------------------------------------------------

    def read_place(self, path: Path) -> None:
        """Read a file or a folder: as code if it has any, else as JSON.

        Raises:
            SourceError: It cannot be used.
            ReadError: Its JSON cannot be used.
        """
        if path.is_dir():
            self._read_folder(path)
        elif path.suffix == ".json":
            self.is_all = False
            listing = manifest.read_manifest(path.parent / manifest.MANIFEST)
            self._read_json(path, listing)
        elif path.suffix == ".py" and path.is_file():
            self._require_code(path)
            self.is_code = True
            with import_scope(find_import_root(path), self.settings.folder) as scope:
                self._read_file(scope, path)
            self.is_all = _is_alone(path)
        else:
            problem = f"{path} is no file of Python or JSON, by the end of its name"
            raise SourceError(problem, is_usage=True)

    def read_module(self, name: str) -> bool:
        """Read a module or package. Return False if it does not exist."""
        with import_scope(Path.cwd(), self.settings.folder) as scope, self.catch():
            path = scope.find_module(name)
            if path is None or not path.exists():
                return False
            self.read_place(Path(relative_path(path)))
        return True

    def _read_folder(self, folder: Path) -> None:
        """Read a folder.

        Files outside a package are imported folder by folder, as programs are. So they
        find the modules next to them.
        """
        modules = [*_list_files(folder, ".py")]
        if self.code:
            for root, files in groupby(modules, find_import_root):
                with import_scope(root, folder, self.settings.folder) as scope:
                    for path in files:
                        self._read_file(scope, path)
        if self.workflows or self.projects or self.findings:
            self.is_code = True
            return
        if not self.code and folder.is_symlink():
            raise unreadable(folder, "it is a link, which is not followed")
        self._read_json_files(folder)
        if not self.workflows and modules:
            self._require_code(folder)

    def _read_json_files(self, folder: Path) -> None:
        """Read the JSON files below a folder, each by its manifest if there is one."""
        listings: list[manifest.Manifest] = []
        blocks = self.settings.blocks
        saved = blocks and blocks.resolve()  # it is no workflow
        paths_of_all = [*_list_files(folder, ".json")]
        for place, paths in groupby(paths_of_all, lambda path: path.parent):
            files = {path.name: path for path in paths if path.resolve() != saved}
            names: dict[str, str] = {}
            for name, path in files.items():
                if (other := names.setdefault(unquote(name), name)) != name:
                    raise unreadable(path, f"it has the name of {other}")
            listing = manifest.read_manifest(place / manifest.MANIFEST)
            listings += [listing] if listing else []
            for name in sorted(listing.files) if listing else files:
                self._read_json(place / name, listing)
        self.is_all = bool(listings) and not any(item.part for item in listings)

    def _read_file(self, scope: ImportScope, path: Path) -> None:
        with self.catch():
            self._add_module(scope.import_file(path), str(path))

    def _read_json(self, path: Path, listing: manifest.Manifest | None) -> None:
        """Read the workflow of a file, with its keys if the manifest lists it."""
        # A file that is not read is no finding: a finding shows a line of its file.
        content = manifest.read_content(path)
        self._size += len(content)
        if self._size > MOST_BYTES:
            problem = f"with others it is larger than {MOST_BYTES // 2**20} MiB"
            raise unreadable(path, problem)
        entry = listing.files.get(path.name) if listing else None
        with self.catch():
            if entry is None:
                definition = loads(content, source=str(path))
                place = Place(str(path), 1)
                workflow = Workflow.from_definition(evolve(definition, place=place))
                name = "/".join(map(unquote, path.stem.split("@")))
            else:
                workflow = entry.read(content, path)
                name = "/".join(manifest.name_parts(workflow.identity))
            self._add_workflow(
                SourceWorkflow(name, workflow, str(path), path.stem, entry)
            )

    def _require_code(self, place: Path) -> None:
        """Refuse to import Python if no code may run."""
        if not self.code:
            problem = f"{place} is Python, and --no-code imports none"
            advice = "name a folder of JSON that flow64 compile -o wrote"
            raise SourceError(f"{problem}; {advice}", is_usage=True)

    # -- What they hold ---------------------------------------------------------------

    def _add_module(self, module: ModuleType, where: str) -> None:
        """Add what is at the top level of a module."""
        for name, thing in tuple(vars(module).items()):
            if name.startswith("__") and name.endswith("__"):
                continue
            self._add(thing, f"{where}: {name}")
            if isinstance(thing, Flow):
                self.flows.append(name)
            is_own = getattr(thing, "__module__", None) == module.__name__
            code = thing.__code__ if isinstance(thing, FunctionType) else None
            if code is not None and is_own and "Workflow" in code.co_names:
                self.makers.append(f"{name}()")

    def _add(self, thing: Any, where: str) -> None:
        """Add a workflow, a project, or those in a collection."""
        waiting = [thing]
        while waiting:
            item = waiting.pop()
            if id(item) in self._seen:
                continue
            if isinstance(item, Workflow):
                parts = manifest.name_parts(item.identity)
                name = "/".join(parts)
                self._add_workflow(
                    SourceWorkflow(name, item, where, manifest.stem_of(parts))
                )
            elif isinstance(item, ProjectKey):
                self._add_project(item)
            elif isinstance(item, Mapping | list | tuple | AbstractSet):
                self._seen[id(item)] = item  # pyright: ignore[reportUnknownArgumentType] - of anything
                members = item.values() if isinstance(item, Mapping) else item
                waiting += reversed([*members])

    def _add_workflow(self, workflow: SourceWorkflow) -> None:
        """Add a workflow and its project."""
        self._seen[id(workflow.workflow)] = workflow.workflow
        self.workflows.append(workflow)
        self._add_project(workflow.workflow.project)

    def _add_project(self, project: ProjectKey | None) -> None:
        if project is not None and project not in self.projects:
            self.projects.append(project)

    @contextmanager
    def catch(self) -> Generator[None]:
        """Keep an error of the source as a finding, if it is lenient.

        Raises:
            SourceError: It is not lenient.
            ReadError: The same.
        """
        try:
            yield
        except (ReadError, SourceError) as error:
            finding = _as_finding(error)
            if finding is None or not self.is_lenient:
                raise
            if finding not in self.findings:  # modules of a package may fail alike
                self.findings.append(finding)

    def describe_empty(self, place: str) -> Finding:
        """Return the finding for a source without a workflow."""
        problem = f"{place} holds no Workflow at the level of a module, nor in a list"
        advice = 'write workflow = Workflow("Leads", flow, key="leads", project=...)'
        if self.makers:
            maker = self.makers[0]
            problem = f"{place} keeps no Workflow in a variable; {maker} makes one"
            advice = f"write workflow = {maker} below it"
        elif self.flows:
            name = self.flows[-1]
            problem = f"{place} has the flow {join_words(self.flows)}, but no Workflow"
            advice = (
                f'write workflow = Workflow("Leads", {name}, key="{name}", project=...)'
            )
        at = Place(place, 1)
        return Finding("no-workflow", "source", "error", problem, advice, place=at)


def as_error(finding: Finding, **facts: Any) -> SourceError:
    """Return the error of a finding about the source itself."""
    return SourceError(f"{finding.message}; {finding.help}", finding=finding, **facts)


def _as_finding(error: ReadError | SourceError) -> Finding | None:
    if isinstance(error, SourceError):
        return error.finding
    problem = f"the file cannot be used: {error.problem}"
    return Finding(
        "unloadable-file",
        "source",
        "error",
        problem,
        where=error.pointer,
        place=Place(error.source, error.line or 1),
    )


# -- Files -----------------------------------------------------------------------------


def _list_files(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield the files below a folder, without hidden, generated and program files.

    Linked folders are left out.

    Raises:
        ReadError: A name is refused, or the folder is too large.
    """
    waiting = [(folder, 0)]
    count = 0
    while waiting:
        place, level = waiting.pop()
        entries = _scan(place, suffix)
        files = [item for item in entries if not item.is_dir(follow_symlinks=False)]
        inner = [place / item.name for item in entries if item not in files]
        count += len(entries)
        if count > MOST_FILES or level > MOST_DEPTH:
            problem = f"more than {MOST_FILES:,} entries, or {MOST_DEPTH} levels"
            raise unreadable(folder, f"its folders are too large or deep: {problem}")
        yield from (place / entry.name for entry in files)
        waiting += [
            (path, level + 1)
            for path in reversed(inner)
            if not (path / "pyvenv.cfg").exists()
        ]


def _scan(folder: Path, suffix: str) -> Sequence[os.DirEntry[str]]:
    """Return the folders in a folder, and the files of a suffix, sorted by name."""
    try:
        with os.scandir(folder) as entries:
            kept = [entry for entry in entries if _is_relevant(entry, suffix)]
    except OSError as error:  # a part that is left out would be taken for deleted
        raise unreadable(folder, f"it cannot be read ({error.strerror})") from None
    for entry in kept:
        if not (is_plain(entry.name) and entry.name.isprintable()):
            raise unreadable(folder / entry.name, "its name has invisible characters")
    return sorted(kept, key=lambda entry: entry.name)


def _is_relevant(entry: os.DirEntry[str], suffix: str) -> bool:
    if entry.name.startswith("."):
        return False
    if entry.is_dir(follow_symlinks=False):
        return entry.name not in _GENERATED
    if suffix == ".py":
        is_module = entry.name.endswith(suffix) and not _is_program(entry.name)
        return is_module and entry.is_file()
    return entry.name.endswith(suffix)


_GENERATED: Final = frozenset({"__pycache__", "node_modules"})


def _is_program(name: str) -> bool:
    return name in PROGRAMS or name.startswith("test_") or name.endswith("_test.py")


def _is_alone(file: Path) -> bool:
    """Return True if a file has no other module in its folder or below."""
    try:
        return [path.name for path in _list_files(file.parent, ".py")] == [file.name]
    except ReadError:
        return False
